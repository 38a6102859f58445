/* What became of the work: every fate a call in this process can have, and when it is told. */
#include "support.h"

static void completed_whatever_the_result(void)
{
    static const call_hresult_t results[] = {S_OK, S_FALSE, E_FAIL, RPC_E_SERVERFAULT};
    scene_t scene;
    scene_open(&scene, 1);
    ok_fate(fate_of(scene.call), CALL_FATE_NONE, "no fate before the first call");
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        must(call_begin(scene.call, ANSWER, &results[i], sizeof results[i]));
        completed(scene.call);
        ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "COMPLETED: a method's result %s",
                call_hresult_name(results[i]));
        ok_hr(finish(scene.call), results[i], "FI-1 FI-10 which finish gives");
        ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "the fate is told after finish as well");
    }
    must(call_begin(scene.call, METHOD_COUNT, NULL, 0) == DISP_E_MEMBERNOTFOUND ? S_OK : E_UNEXPECTED);
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "BG-7 a refused begin is not the next begin");
    scene_close(&scene);
}

static void completed_with_the_code_of_a_cancel(void)
{
    scene_t scene;
    call_hresult_t code = RPC_E_CALL_CANCELED;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ANSWER, &code, sizeof code));
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "FI-10 a method may say canceled of its own accord");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "COMPLETED: nobody had asked it to stop");
    scene_close(&scene);
}

static void none_while_pending(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    must(call_begin(scene.call, ECHO, "f", 1));
    must(finish(scene.call));
    enter_job(scene.call, HOLD, &held);
    ok_fate(fate_of(scene.call), CALL_FATE_NONE, "the next begin ends the last fate: NONE");
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_fate(fate_of(scene.call), CALL_FATE_NONE, "NONE in the grace period too");
    gate_open(&held.release);
    completed(scene.call);
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED,
            "SV-12 COMPLETED: the method was asked to stop, and did its work all the same");
    ok_hr(finish(scene.call), S_OK, "SV-12 which finish says too");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void never_started(void)
{
    scene_t scene;
    job_t held, queued;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    job_init(&queued, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_t call = new_call(&scene.target);
    begin_job(call, HOLD, &queued);
    ok_fate(fate_of(call), CALL_FATE_NONE, "NONE while queued");
    call_cancel_t cancel = cancel_of(call);
    must(call_cancel(cancel, 0));
    ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "CN-13 NEVER_STARTED: canceled while queued");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "CN-13 finish says canceled");
    gate_open(&held.release);
    must(finish(scene.call));
    must(call_begin(scene.call, ECHO, "pass", 4));
    must(finish(scene.call));
    ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "CN-13 and it stays so when its turn has passed");
    ok_u64(gate_count(&queued.entered), 0, "CN-13 its method was not entered");
    must(call_cancel_release(cancel));
    must(call_release(call));
    scene_close(&scene);
}

static void stopped(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, RPC_E_CALL_CANCELED);
    enter_job(scene.call, OBEY, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    completed(scene.call);
    ok_fate(fate_of(scene.call), CALL_FATE_STOPPED, "SV-9 STOPPED: asked to stop, and says it did");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "SV-9 finish gives its code");
    must(call_cancel_release(cancel));
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    must(call_context_complete(job.context, RPC_E_CALL_CANCELED));
    ok_fate(fate_of(scene.call), CALL_FATE_STOPPED, "SV-6 STOPPED: a deferred method that stops");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "SV-6 finish gives its code");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static call_hresult_t complete_and_then_say_canceled(job_t *job)
{
    gate_open(&job->entered);
    job->codes[0] = call_context_wait_cancel(job->context, hang_ms());
    job->codes[1] = call_context_complete(job->context, S_OK);
    return RPC_E_CALL_CANCELED;
}

static void completed_before_it_said_otherwise(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = complete_and_then_say_canceled;
    begin_job(scene.call, RUN, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    /* Told only once it runs: a queued call would never start. */
    gate_wait(&job.entered);
    must(call_request_cancel(cancel, CALL_INFINITE));
    gate_wait(&job.left);
    ok_hr(finish(scene.call), S_OK, "SG-2 SG-3 the completion counts, not the value returned after it");
    call_t other = new_call(&scene.target);
    must(call_begin(other, ECHO, "y", 1));
    must(finish(other));
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED,
            "SG-3 COMPLETED: nor does that value change the fate, once the one worker is past it");
    ok_hr(job.codes[1], S_OK, "SG-2 it completed inside the method");
    must(call_cancel_release(cancel));
    must(call_release(other));
    scene_close(&scene);
}

/* Abandons a method, which then ends with `result`. */
static void running_until(call_hresult_t result, call_fate_t then, uint32_t method)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, result);
    enter_job(scene.call, method, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel(cancel, 0));
    ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "CN-9 RUNNING: the client is free, the method goes on");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "FI-5 finish says canceled");
    ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "CN-9 RUNNING after finish, while it does");
    if (method == DEFER)
        must(call_context_complete(job.context, result));
    gate_open(&job.release);
    ok_fate(settled_fate_of(scene.call), then, "SG-4 RUNNING becomes %s when the method ends with %s",
            fate_name(then), call_hresult_name(result));
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "SG-4 without another result to finish");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void running_and_then(void)
{
    running_until(S_OK, CALL_FATE_COMPLETED, HOLD);
    running_until(E_FAIL, CALL_FATE_COMPLETED, HOLD);
    running_until(RPC_E_CALL_CANCELED, CALL_FATE_STOPPED, HOLD);
    running_until(S_OK, CALL_FATE_COMPLETED, DEFER);
    running_until(RPC_E_CALL_CANCELED, CALL_FATE_STOPPED, DEFER);
}

static void running_after_the_grace(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, 10));
    completed(scene.call);
    ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "CN-3 TO-5 RUNNING: the grace period ran out");
    gate_open(&held.release);
    ok_fate(settled_fate_of(scene.call), CALL_FATE_COMPLETED, "CN-3 COMPLETED when it ends, unfinished");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-3 the result is the cancel's");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void late_end_of_an_earlier_call(void)
{
    scene_t scene;
    job_t first, second;
    scene_open(&scene, 2);
    job_init(&first, NULL, RPC_E_CALL_CANCELED);
    job_init(&second, NULL, S_OK);
    enter_job(scene.call, HOLD, &first);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel(cancel, 0));
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "LT-3 the first call is canceled");
    enter_job(scene.call, HOLD, &second);
    ok_fate(fate_of(scene.call), CALL_FATE_NONE, "LT-3 the second is pending: NONE");
    gate_open(&first.release);
    gate_wait(&first.left);
    ok_fate(fate_of(scene.call), CALL_FATE_NONE, "LT-3 the end of the first gives it no fate");
    gate_open(&second.release);
    ok_hr(finish(scene.call), S_OK, "LT-3 the second finishes");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "LT-3 COMPLETED: its fate is its own");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void fate_of_a_disconnected_call(void)
{
    scene_t scene;
    job_t held, queued;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    job_init(&queued, NULL, S_OK);
    call_t call = new_call(&scene.target);
    enter_job(scene.call, HOLD, &held);
    begin_job(call, HOLD, &queued);
    ok_hr(call_apartment_close(scene.apartment, 0, NULL), S_FALSE, "LT-11 the apartment closes");
    ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "LT-11 RUNNING: abandoned by the close");
    ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "LT-11 NEVER_STARTED: queued at the close");
    gate_open(&held.release);
    ok_fate(settled_fate_of(scene.call), CALL_FATE_COMPLETED, "LT-11 COMPLETED when the method ends");
    must(call_release(call));
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(completed_whatever_the_result),
    TAP_TEST(completed_with_the_code_of_a_cancel),
    TAP_TEST(none_while_pending),
    TAP_TEST(never_started),
    TAP_TEST(stopped),
    TAP_TEST(completed_before_it_said_otherwise),
    TAP_TEST(running_and_then),
    TAP_TEST(running_after_the_grace),
    TAP_TEST(late_end_of_an_earlier_call),
    TAP_TEST(fate_of_a_disconnected_call),
};

TAP_MAIN(tests)
