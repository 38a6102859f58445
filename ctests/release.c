/* Letting go: references, calls released in every state, and what outlives them. */
#include "support.h"

#include <string.h>

enum { THREADS = 4, ROUNDS = 200 };

static void references_are_counted(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    call_t call = new_call(&scene.target);
    ok_hr(call_add_ref(call), S_OK, "RL-1 a second reference");
    ok_hr(call_release(call), S_OK, "RL-1 releasing one of two");
    ok_hr(call_wait(call, 0), RPC_E_CALL_COMPLETE, "RL-1 the other keeps the call");
    ok_hr(call_release(call), S_OK, "RL-1 releasing an idle call frees it");
    ok_hr(call_wait(call, 0), E_HANDLE, "RL-1 the freed call is gone");
    ok_hr(call_release(call), E_HANDLE, "RL-1 it cannot be released twice");
    ok_hr(call_add_ref(call), E_HANDLE, "RL-1 nor revived");
    scene_close(&scene);
}

static void released_while_pending(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, "unseen", S_OK);
    call_t call = new_call(&scene.target);
    enter_job(call, HOLD, &held);
    ok_hr(call_release(call), S_OK, "RL-2 LT-2 a pending call may be released");
    ok_hr(call_finish(call, NULL, 0, NULL), E_HANDLE, "RL-2 nobody can finish it any more");
    ok_hr(call_context_test_cancel(held.context), RPC_S_CALLPENDING, "RL-2 release never cancels");
    ok_u64(gate_count(&held.left), 0, "RL-2 the method still runs");
    gate_open(&held.release);
    gate_wait(&held.left);
    scene_close(&scene);
    ok_u64(atomic_load(&scene.target.exits), 1, "RL-2 LT-2 and runs to its end");
}

static void released_before_it_started(void)
{
    scene_t scene;
    job_t held, queued;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    job_init(&queued, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_t call = new_call(&scene.target);
    begin_job(call, HOLD, &queued);
    ok_hr(call_release(call), S_OK, "RL-3 a queued call may be released");
    gate_open(&queued.release);
    ok_u64(gate_count(&queued.entered), 0, "RL-3 before its method has started");
    gate_open(&held.release);
    gate_wait(&queued.left);
    must(finish(scene.call));
    scene_close(&scene);
    ok_u64(atomic_load(&scene.target.exits), 2, "RL-3 it runs all the same, to its end");
}

/* The object's destruction in scene_close proves that nothing of the call was left. */
static void released_after_a_cancel(void)
{
    scene_t scene;
    job_t held, abandoned;
    scene_open(&scene, 2);
    job_init(&held, "late", S_OK);
    job_init(&abandoned, "late", S_OK);
    call_t call = new_call(&scene.target), other = new_call(&scene.target);
    enter_job(call, HOLD, &held);
    call_cancel_t cancel = cancel_of(call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_release(call), S_OK, "RL-4 a call in its grace period may be released");
    ok_hr(call_context_test_cancel(held.context), RPC_E_CALL_CANCELED,
          "RL-4 the server still sees the cancel");
    ok_hr(call_context_write(held.context, "x", 1), S_OK, "RL-4 and may write as before");
    enter_job(other, HOLD, &abandoned);
    call_cancel_t at_once = cancel_of(other);
    must(call_cancel(at_once, 0));
    ok_hr(call_release(other), S_OK, "RL-4 an abandoned call may be released without finish");
    ok_hr(call_context_test_cancel(abandoned.context), RPC_E_CALL_CANCELED,
          "RL-4 its server sees the cancel too");
    gate_open(&held.release);
    gate_open(&abandoned.release);
    must(call_cancel_release(cancel));
    must(call_cancel_release(at_once));
    scene_close(&scene);
    ok_u64(gate_count(&scene.target.destroyed), 1, "RL-4 LT-2 nothing holds the object any more");
}

static void released_after_completion(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    call_t call = new_call(&scene.target);
    must(call_begin(call, ECHO, "unseen", 6));
    completed(call);
    ok_hr(call_release(call), S_OK, "RL-5 a completed call may be released unfinished");
    scene_close(&scene);
    ok_u64(gate_count(&scene.target.destroyed), 1, "RL-5 its result goes with it");
}

/* A caller's error, but never undefined behavior: finish ends, and not before the method. */
static void released_under_a_finish(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, "end", S_OK);
    call_t call = new_call(&scene.target);
    enter_job(call, HOLD, &held);
    caller_t finisher = {.run = run_finish, .call = call};
    caller_start(&finisher);
    caller_settle(&finisher);
    ok_hr(call_release(call), S_OK, "RL-6 the last reference goes while a thread finishes");
    ok_hr(call_wait(call, 0), E_HANDLE, "RL-6 the call is gone for everybody else");
    gate_open(&held.release);
    call_hresult_t result = caller_join(&finisher);
    ok(result == S_OK || result == E_HANDLE,
       "RL-6 the finish under way has the result, or no call: 0x%08X", (unsigned)result);
    scene_close(&scene);
}

static void reference_of_a_waiter(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    call_t call = new_call(&scene.target);
    enter_job(call, HOLD, &held);
    must(call_add_ref(call));
    caller_t waiter = {.run = run_wait, .call = call, .number = CALL_INFINITE};
    caller_start(&waiter);
    must(call_release(call));
    gate_open(&held.release);
    ok_hr(caller_join(&waiter), S_OK, "RL-7 a reference of its own keeps the call for a waiter");
    ok_hr(call_finish(call, NULL, 0, NULL), S_OK, "RL-7 which can finish it");
    must(call_release(call));
    scene_close(&scene);
}

static void released_under_a_waiter(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    call_t call = new_call(&scene.target);
    enter_job(call, HOLD, &held);
    caller_t waiter = {.run = run_wait, .call = call, .number = CALL_INFINITE};
    caller_start(&waiter);
    caller_settle(&waiter);
    must(call_release(call));
    gate_open(&held.release);
    ok_hr(caller_join(&waiter), S_OK,
          "LT-2 WT-5 a waiter sees the end of the begin that it found, though the call is released");
    scene_close(&scene);
}

/* The trap of the rule: canceled and finished, begun again, and the first answers in the middle. */
static void late_reply_reaches_no_later_call(void)
{
    scene_t scene;
    job_t first, second;
    char text[16];
    scene_open(&scene, 2);
    job_init(&first, "first", S_OK);
    job_init(&second, "second", S_OK);
    enter_job(scene.call, HOLD, &first);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel(cancel, 0));
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "LT-3 the first call is canceled and finished");
    enter_job(scene.call, HOLD, &second);
    gate_open(&first.release);
    gate_wait(&first.left);
    ok_hr(call_try_finish(scene.call, NULL, 0, NULL), RPC_S_CALLPENDING,
          "LT-3 SG-4 its late answer does not complete the second");
    gate_open(&second.release);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "LT-3 the second has its own result");
    ok_str(text, "second", "LT-3 and its own output");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

/* Begins and finishes until its own calls add up; counts what it was refused. */
static call_hresult_t share_the_call(caller_t *self)
{
    call_hresult_t result = S_OK;
    for (uint32_t i = 0; i < self->number && result == S_OK; i++) {
        call_hresult_t begun = call_begin(self->call, ECHO, "s", 1);
        if (begun != S_OK && begun != RPC_S_CALLPENDING)
            result = begun;
        call_hresult_t waited = call_wait(self->call, hang_ms());
        if (waited != S_OK && waited != RPC_E_CALL_COMPLETE)
            result = waited;
        call_hresult_t finished = call_finish(self->call, NULL, 0, NULL);
        if (finished != S_OK && finished != RPC_E_CALL_COMPLETE)
            result = finished;
        self->len += finished == S_OK;
    }
    return result;
}

static void any_thread_may_use_a_call(void)
{
    scene_t scene;
    caller_t sharers[THREADS];
    size_t finished = 0;
    scene_open(&scene, 1);
    for (int i = 0; i < THREADS; i++) {
        sharers[i] = (caller_t){.run = share_the_call, .call = scene.call, .number = ROUNDS};
        caller_start(&sharers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        ok_hr(caller_join(&sharers[i]), S_OK, "LT-13 thread %d sees no code that is not its due", i);
        finished += sharers[i].len;
    }
    ok_u64(finished, atomic_load(&scene.target.entries),
           "LT-13 each begin that was accepted was finished by exactly one thread");
    /* While the one that finishes does not get the processor, others use up their rounds. */
    ok(finished > 0, "LT-13 calls were made: %zu", finished);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(references_are_counted),
    TAP_TEST(released_while_pending),
    TAP_TEST(released_before_it_started),
    TAP_TEST(released_after_a_cancel),
    TAP_TEST(released_after_completion),
    TAP_TEST(released_under_a_finish),
    TAP_TEST(reference_of_a_waiter),
    TAP_TEST(released_under_a_waiter),
    TAP_TEST(late_reply_reaches_no_later_call),
    TAP_TEST(any_thread_may_use_a_call),
};

TAP_MAIN(tests)
