/* Waiting for a call and polling it. */
#include "support.h"

enum { WAITERS = 4, SHORT_MS = 30 };

static void wait_that_times_out(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    uint64_t from = now_us();
    ok_hr(call_wait(scene.call, SHORT_MS), RPC_S_CALLPENDING, "WT-1 a wait that times out");
    uint64_t took = now_us() - from;
    ok(took >= SHORT_MS * 1000, "WT-1 TO-4 the timeout counts milliseconds: %llu us passed",
       (unsigned long long)took);
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "WT-2 a timeout of 0 polls");
    gate_open(&held.release);
    must(finish(scene.call));
    scene_close(&scene);
}

static void wait_for_a_completed_call(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "w", 1));
    ok_hr(call_wait(scene.call, CALL_INFINITE), S_OK, "WT-8 an endless wait ends by completion");
    ok_hr(call_wait(scene.call, 0), S_OK, "WT-3 waiting consumes nothing");
    ok_hr(call_wait(scene.call, CALL_INFINITE), S_OK, "WT-3 any number of times");
    must(finish(scene.call));
    ok_hr(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "WT-7 after finish nothing is waited for");
    ok_hr(call_wait(scene.call, CALL_INFINITE), RPC_E_CALL_COMPLETE, "WT-7 and it says so at once");
    scene_close(&scene);
}

static void wait_for_a_canceled_call(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel(cancel, 0));
    ok_hr(call_wait(scene.call, 0), S_OK, "WT-4 cancellation counts as completion");
    ok_hr(call_wait(scene.call, CALL_INFINITE), S_OK, "WT-4 for every wait");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "WT-4 the result says how it ended");
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void wait_for_an_idle_call(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    ok_hr(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "WT-6 polling a call never begun");
    ok_hr(call_wait(scene.call, CALL_INFINITE), RPC_E_CALL_COMPLETE,
          "WT-6 waiting for it ends at once");
    scene_close(&scene);
}

static void start_waiters(caller_t waiters[WAITERS], call_t call)
{
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (caller_t){.run = run_wait, .call = call, .number = CALL_INFINITE};
        caller_start(&waiters[i]);
    }
    for (int i = 0; i < WAITERS; i++)
        caller_settle(&waiters[i]);
}

static void every_waiter_is_woken(void)
{
    scene_t scene;
    job_t held;
    caller_t waiters[WAITERS];
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    start_waiters(waiters, scene.call);
    gate_open(&held.release);
    for (int i = 0; i < WAITERS; i++)
        ok_hr(caller_join(&waiters[i]), S_OK, "WT-5 waiter %d is woken by the completion", i);
    must(finish(scene.call));
    scene_close(&scene);
}

static void cancel_wakes_every_waiter(void)
{
    scene_t scene;
    job_t held;
    caller_t waiters[WAITERS];
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    start_waiters(waiters, scene.call);
    must(call_cancel(cancel, 0));
    for (int i = 0; i < WAITERS; i++)
        ok_hr(caller_join(&waiters[i]), S_OK, "CN-16 waiter %d is woken by the cancel", i);
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void waiter_waits_for_the_begin_it_found(void)
{
    scene_t scene;
    job_t first, second;
    scene_open(&scene, 1);
    job_init(&first, NULL, S_OK);
    job_init(&second, NULL, S_OK);
    enter_job(scene.call, HOLD, &first);
    caller_t waiter = {.run = run_wait, .call = scene.call, .number = CALL_INFINITE};
    caller_start(&waiter);
    caller_settle(&waiter);
    gate_open(&first.release);
    must(finish(scene.call));
    enter_job(scene.call, HOLD, &second);
    ok_hr(caller_join(&waiter), S_OK,
          "WT-5 a waiter of the first begin returns though the second is pending");
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "WT-5 and the second is still pending");
    gate_open(&second.release);
    must(finish(scene.call));
    scene_close(&scene);
}

static call_hresult_t wait_for_own_call(job_t *job)
{
    job->codes[0] = call_wait(job->call, CALL_INFINITE);
    return S_OK;
}

static void wait_that_fails_leaves_the_call(void)
{
    scene_t scene;
    job_t own;
    scene_open(&scene, 1);
    job_init(&own, NULL, S_OK);
    own.run = wait_for_own_call;
    own.call = scene.call;
    begin_job(scene.call, RUN, &own);
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "WT-12 a wait that fails gives its own code");
    ok_hr(finish(scene.call), S_OK, "WT-12 the call is unaffected by a wait that fails");
    ok_hr(own.codes[0], CALL_E_DEADLOCK, "WT-12 which was the method's wait for its own call");
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(wait_that_times_out),
    TAP_TEST(wait_for_a_completed_call),
    TAP_TEST(wait_for_a_canceled_call),
    TAP_TEST(wait_for_an_idle_call),
    TAP_TEST(every_waiter_is_woken),
    TAP_TEST(cancel_wakes_every_waiter),
    TAP_TEST(waiter_waits_for_the_begin_it_found),
    TAP_TEST(wait_that_fails_leaves_the_call),
};

TAP_MAIN(tests)
