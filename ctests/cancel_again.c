/* What one request to cancel found does not matter to the next: requests that come after one that found its call
 * running, which the library expects of the next, too. */
#include "support.h"

/* One that finds its call running, of a call object of its own. */
static void find_one_running(const scene_t *scene)
{
    job_t held;
    call_t call = new_call(&scene->target);
    job_init(&held, NULL, S_OK);
    enter_job(call, HOLD, &held);
    call_cancel_t cancel = cancel_of(call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    gate_open(&held.release);
    must(finish(call));
    must(call_cancel_release(cancel));
    must(call_release(call));
}

static void one_that_runs(void)
{
    static const uint32_t graces[] = {0, 20, CALL_INFINITE};
    scene_t scene;
    scene_open(&scene, 2);
    for (size_t i = 0; i < sizeof graces / sizeof graces[0]; i++) {
        job_t held;
        job_init(&held, NULL, S_OK);
        find_one_running(&scene);
        enter_job(scene.call, HOLD, &held);
        call_cancel_t cancel = cancel_of(scene.call);
        ok_hr(call_request_cancel(cancel, graces[i]), S_OK, "CN-1 a request with a grace of %u", graces[i]);
        ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "TC-2 it is canceled");
        ok_hr(call_request_cancel(cancel, CALL_INFINITE), RPC_E_CALL_CANCELED, "CN-5 once");
        if (graces[i] == CALL_INFINITE) {
            ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "CN-2 the client waits for the method");
            gate_open(&held.release);
            ok_hr(finish(scene.call), S_OK, "CN-2 and has its answer");
        } else {
            completed(scene.call);
            ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "CN-9 the client is free, the method is inside");
            ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-1 finish says canceled");
            gate_open(&held.release);
        }
        gate_wait(&held.left);
        must(call_cancel_release(cancel));
    }
    scene_close(&scene);
}

static void one_that_waits_in_the_queue(void)
{
    scene_t scene;
    job_t held, queued;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    job_init(&queued, NULL, S_OK);
    find_one_running(&scene);
    enter_job(scene.call, HOLD, &held);
    call_t call = new_call(&scene.target);
    begin_job(call, HOLD, &queued);
    call_cancel_t cancel = cancel_of(call);
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), S_OK, "CN-13 a request for a queued call");
    ok_hr(call_wait(call, 0), S_OK, "CN-13 it is complete");
    ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "CN-13 it has never started");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "CN-13 finish says canceled");
    gate_open(&held.release);
    must(finish(scene.call));
    must(call_cancel_release(cancel));
    must(call_release(call));
    scene_close(&scene);
    ok_u64(gate_count(&queued.entered), 0, "CN-13 no method ran");
}

static void one_that_is_over(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 2);
    job_init(&held, "kept", S_OK);
    call_cancel_t early = cancel_of(scene.call);
    must(call_begin(scene.call, ECHO, "e", 1));
    completed(scene.call);
    find_one_running(&scene);
    ok_hr(call_request_cancel(early, CALL_INFINITE), RPC_E_CALL_COMPLETE, "CN-6 a request for a completed call");
    must(finish(scene.call));
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    find_one_running(&scene);
    ok_hr(call_request_cancel(early, CALL_INFINITE), RPC_E_CALL_COMPLETE, "CN-7 while the next one runs");
    find_one_running(&scene);
    ok_hr(call_request_cancel(early, 0), RPC_E_CALL_COMPLETE, "CN-7 with whatever grace");
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "CN-7 which is not hit");
    char text[16];
    gate_open(&held.release);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "CN-7 and has its result");
    ok_str(text, "kept", "CN-7 and its output");
    must(call_cancel_release(early));
    must(call_cancel_release(cancel));
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), E_HANDLE, "CN-15 a cancel interface that was released");
    scene_close(&scene);
}

static void one_that_somebody_waits_for(void)
{
    scene_t scene;
    job_t obeying;
    scene_open(&scene, 2);
    job_init(&obeying, "left", RPC_E_CALL_CANCELED);
    find_one_running(&scene);
    enter_job(scene.call, OBEY, &obeying);
    caller_t finisher = {.run = run_finish, .call = scene.call};
    caller_start(&finisher);
    caller_settle(&finisher);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), S_OK, "CN-8 a request while somebody waits and the method sleeps");
    gate_wait(&obeying.left);
    ok_hr(obeying.seen, RPC_E_CALL_CANCELED, "CN-8 the method was woken");
    ok_hr(caller_join(&finisher), RPC_E_CALL_CANCELED, "CN-8 and so was who waits");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void one_that_is_canceled_and_waited_for(void)
{
    scene_t scene;
    job_t obeying;
    scene_open(&scene, 2);
    job_init(&obeying, NULL, S_OK);
    find_one_running(&scene);
    enter_job(scene.call, OBEY, &obeying);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, CALL_INFINITE), RPC_E_CALL_COMPLETE, "CN-2 the method answers a cancel that waits");
    ok_hr(finish(scene.call), S_OK, "CN-2 and its answer is there");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(one_that_runs),
    TAP_TEST(one_that_waits_in_the_queue),
    TAP_TEST(one_that_is_over),
    TAP_TEST(one_that_somebody_waits_for),
    TAP_TEST(one_that_is_canceled_and_waited_for),
};

TAP_MAIN(tests)
