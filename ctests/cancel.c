/* Canceling: what each state answers, and which call a cancel handle names. */
#include "support.h"

#include <sched.h>
#include <string.h>

enum { GENERATIONS = 500 };

static void cancel_of_a_running_call(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = {0};
    ok_hr(call_query_cancel(scene.call, &cancel), S_OK,
          "MK-1 a call into an apartment always has a cancel interface");
    ok_hr(call_query_cancel(scene.call, NULL), E_POINTER, "LT-12 a query into NULL is refused");
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "TC-1 a running call is not canceled");
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "TC-5 asking changes nothing");
    ok_hr(call_cancel(cancel, 0), S_OK, "CN-1 TO-1 CN-10 cancel(0) of a running call");
    ok_u64(gate_count(&held.left), 0, "CN-1 TO-1 returns while the method is inside");
    ok_hr(call_wait(scene.call, 0), S_OK, "CN-1 TO-1 and the client is free");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "TC-2 the canceled call says so");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "TC-2 TC-5 and stays so");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 a second cancel");
    ok_hr(call_cancel(cancel, CALL_INFINITE), RPC_E_CALL_CANCELED, "CN-5 with whatever grace");
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 in the form that never blocks");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-1 finish says canceled");
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
    ok_u64(atomic_load(&scene.target.exits), 1, "CN-9 SV-12 the method ran to its end all the same");
}

static void cancel_of_a_completed_call(void)
{
    scene_t scene;
    char text[16];
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "kept", 4));
    completed(scene.call);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 cancel of a completed call");
    ok_hr(call_cancel(cancel, CALL_INFINITE), RPC_E_CALL_COMPLETE, "CN-6 with whatever grace");
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 in the form that never blocks");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "TC-3 a completed call is not canceled");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "CN-6 its result is untouched");
    ok_str(text, "kept", "CN-6 and its output");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void cancel_of_an_idle_call(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 cancel of a call never begun");
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 in the form that never blocks");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "TC-3 a call never begun is not canceled");
    must(call_begin(scene.call, ECHO, "i", 1));
    ok_hr(finish(scene.call), S_OK, "CN-7 an early cancel does not reach the call begun after it");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 cancel of a finished call");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "TC-3 a finished call is not canceled");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void queued_call_never_starts(void)
{
    static const uint32_t graces[] = {0, 5, CALL_INFINITE};
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    for (size_t i = 0; i < sizeof graces / sizeof graces[0]; i++) {
        job_t queued;
        job_init(&queued, NULL, S_OK);
        call_t call = new_call(&scene.target);
        begin_job(call, HOLD, &queued);
        call_cancel_t cancel = cancel_of(call);
        ok_hr(call_cancel(cancel, graces[i]), S_OK, "CN-13 cancel(%u) of a queued call", graces[i]);
        ok_hr(call_wait(call, 0), S_OK, "CN-13 it is complete at once, whatever the grace");
        ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "CN-13 it has never started");
        ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "TC-2 CN-13 it says canceled");
        ok_hr(finish(call), RPC_E_CALL_CANCELED, "CN-13 so does finish");
        must(call_cancel_release(cancel));
        must(call_release(call));
    }
    gate_open(&held.release);
    must(finish(scene.call));
    must(call_begin(scene.call, ECHO, "after", 5));
    must(finish(scene.call));
    ok_u64(atomic_load(&scene.target.entries), 2, "CN-13 no method of a canceled queued call ran");
    scene_close(&scene);
}

static void cancel_frees_a_thread_in_finish(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    caller_t finisher = {.run = run_finish, .call = scene.call};
    caller_start(&finisher);
    caller_settle(&finisher);
    ok_hr(call_cancel(cancel, 0), S_OK, "CN-8 cancel while another thread finishes");
    ok_hr(caller_join(&finisher), RPC_E_CALL_CANCELED, "CN-8 the blocked finish says canceled");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-8 CN-7 after it there is no call");
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

/* Cancels until a call is there to cancel. */
static call_hresult_t cancel_the_next(caller_t *self)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    call_hresult_t answer = call_cancel(self->cancel, 0);
    while (answer == RPC_E_CALL_COMPLETE && now_us() < end) {
        (void)sched_yield();
        answer = call_cancel(self->cancel, 0);
    }
    return answer;
}

static void cancel_while_begin_runs(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    caller_t canceler = {.run = cancel_the_next, .cancel = cancel_of(scene.call)};
    caller_start(&canceler);
    begin_job(scene.call, HOLD, &held);
    ok_hr(caller_join(&canceler), S_OK, "CN-14 a cancel is accepted as soon as the call is pending");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-14 and cancels it");
    gate_open(&held.release);
    must(call_cancel_release(canceler.cancel));
    scene_close(&scene);
}

static call_hresult_t cancel_me(job_t *job)
{
    call_cancel_t cancel = cancel_of(job->call);
    job->codes[0] = call_test_cancel(cancel);
    job->codes[1] = call_context_test_cancel(job->context);
    job->codes[2] = call_cancel(cancel, 0);
    job->codes[3] = call_test_cancel(cancel);
    job->codes[4] = call_context_test_cancel(job->context);
    must(call_cancel_release(cancel));
    return RPC_E_CALL_CANCELED;
}

static void client_and_server_see_the_same(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = cancel_me;
    job.call = scene.call;
    begin_job(scene.call, RUN, &job);
    gate_wait(&job.left);
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-1 a method may cancel its own call");
    ok_hr(job.codes[0], RPC_S_CALLPENDING, "TC-1 TC-4 the client's answer before");
    ok_hr(job.codes[1], RPC_S_CALLPENDING, "TC-1 TC-4 the server's answer before");
    ok_hr(job.codes[2], S_OK, "CN-1 the cancel");
    ok_hr(job.codes[3], RPC_E_CALL_CANCELED, "TC-2 TC-4 the client's answer after");
    ok_hr(job.codes[4], RPC_E_CALL_CANCELED, "TC-2 TC-4 the server's answer after");
    scene_close(&scene);
}

static void handle_is_released(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_FALSE);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call), other = cancel_of(scene.call);
    ok_hr(call_cancel_release(cancel), S_OK, "CN-15 releasing a cancel handle");
    ok_hr(call_test_cancel(cancel), E_HANDLE, "CN-15 the handle is gone");
    ok_hr(call_cancel(cancel, 0), E_HANDLE, "CN-15 it cancels nothing");
    ok_hr(call_cancel_release(cancel), E_HANDLE, "CN-15 it is released once");
    ok_hr(call_test_cancel(other), RPC_S_CALLPENDING, "CN-15 another handle of the call lives on");
    gate_open(&held.release);
    ok_hr(finish(scene.call), S_FALSE, "CN-15 the call has not ended by it");
    must(call_cancel_release(other));
    scene_close(&scene);
}

static void handle_names_the_call_in_progress(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "1", 1));
    call_cancel_t first = cancel_of(scene.call);
    must(finish(scene.call));
    job_init(&held, "second", S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t second = cancel_of(scene.call);
    ok_hr(call_cancel(first, 0), RPC_E_CALL_COMPLETE, "CN-7 a late cancel finds its call finished");
    ok_hr(call_request_cancel(first, 0), RPC_E_CALL_COMPLETE, "CN-7 in the form that never blocks");
    ok_hr(call_test_cancel(first), RPC_E_CALL_COMPLETE, "TC-3 the old handle says finished");
    ok_hr(call_context_test_cancel(held.context), RPC_S_CALLPENDING,
          "TC-7 CN-7 a late cancel does not hit the next call");
    ok_hr(call_cancel(second, 0), S_OK, "CN-1 the call's own handle does");
    ok_hr(call_test_cancel(first), RPC_E_CALL_COMPLETE, "TC-3 the old handle is not taken along");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "FI-5 the canceled call is finished");
    gate_open(&held.release);
    must(call_begin(scene.call, ECHO, "3", 1));
    ok_hr(call_test_cancel(second), RPC_E_CALL_COMPLETE, "TC-3 it is over when its call is finished");
    ok_hr(finish(scene.call), S_OK, "TC-7 the next call starts uncanceled");
    must(call_cancel_release(first));
    must(call_cancel_release(second));
    scene_close(&scene);
}

static void handle_of_an_idle_call_names_the_next(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "0", 1));
    must(finish(scene.call));
    call_cancel_t cancel = cancel_of(scene.call), twin = cancel_of(scene.call);
    ok_hr(call_begin(scene.call, METHOD_COUNT, NULL, 0), DISP_E_MEMBERNOTFOUND,
          "BG-7 a begin that is refused");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "BG-8 TC-3 is not the next call");
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "TC-1 a handle queried while idle");
    ok_hr(call_cancel(cancel, 0), S_OK, "CN-1 cancels the next call begun");
    ok_hr(call_cancel(twin, 0), RPC_E_CALL_CANCELED, "CN-5 two such handles name the same call");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "FI-5 the canceled call is finished");
    gate_open(&held.release);
    must(call_begin(scene.call, ECHO, "2", 1));
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 and only that one");
    ok_hr(finish(scene.call), S_OK, "TC-7 the one after it is unharmed");
    must(call_cancel_release(cancel));
    must(call_cancel_release(twin));
    scene_close(&scene);
}

static void handle_outlives_the_call_object(void)
{
    scene_t scene;
    job_t obeying;
    scene_open(&scene, 1);
    job_init(&obeying, NULL, RPC_E_CALL_CANCELED);
    call_t call = new_call(&scene.target), idle = new_call(&scene.target);
    call_cancel_t of_idle = cancel_of(idle);
    enter_job(call, OBEY, &obeying);
    call_cancel_t cancel = cancel_of(call);
    must(call_release(call));
    must(call_release(idle));
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "RL-2 TC-1 a released call is still pending");
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), S_OK, "RL-2 CN-4 and can still be canceled");
    gate_wait(&obeying.left);
    ok_hr(obeying.seen, RPC_E_CALL_CANCELED, "RL-4 TC-6 its method learns of it");
    ok_hr(call_cancel(of_idle, 0), RPC_E_CALL_COMPLETE, "CN-7 a call released idle has no call");
    must(call_cancel_release(cancel));
    must(call_cancel_release(of_idle));
    scene_close(&scene);
}

static void stale_handles_hit_no_later_call(void)
{
    scene_t scene;
    call_cancel_t stale[GENERATIONS];
    unsigned wrong = 0, unfinished = 0;
    scene_open(&scene, 1);
    for (int i = 0; i < GENERATIONS; i++) {
        must(call_begin(scene.call, ECHO, &i, sizeof i));
        stale[i] = cancel_of(scene.call);
        for (int early = 0; early < i; early += 1 + i / 4)
            wrong += call_cancel(stale[early], 0) != RPC_E_CALL_COMPLETE;
        unfinished += finish(scene.call) != S_OK;
    }
    ok_u64(wrong, 0, "CN-7 every handle of an earlier call answers RPC_E_CALL_COMPLETE for good");
    ok_u64(unfinished, 0, "CN-7 TC-7 and none cancels a later one");
    for (int i = 0; i < GENERATIONS; i++)
        must(call_cancel_release(stale[i]));
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(cancel_of_a_running_call),
    TAP_TEST(cancel_of_a_completed_call),
    TAP_TEST(cancel_of_an_idle_call),
    TAP_TEST(queued_call_never_starts),
    TAP_TEST(cancel_frees_a_thread_in_finish),
    TAP_TEST(cancel_while_begin_runs),
    TAP_TEST(client_and_server_see_the_same),
    TAP_TEST(handle_is_released),
    TAP_TEST(handle_names_the_call_in_progress),
    TAP_TEST(handle_of_an_idle_call_names_the_next),
    TAP_TEST(handle_outlives_the_call_object),
    TAP_TEST(stale_handles_hit_no_later_call),
};

TAP_MAIN(tests)
