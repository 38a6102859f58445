/* The time a canceled method still has to answer: who waits, for how long, and what ends it early. */
#include "support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 51, LONG_SECONDS = 30, TIMERS = 5, STEP_MS = 15 };

static void answer_within_the_grace(void)
{
    scene_t scene;
    job_t job;
    char text[16];
    scene_open(&scene, 1);
    job_init(&job, "real", S_FALSE);
    enter_job(scene.call, OBEY, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, LONG_SECONDS), RPC_E_CALL_COMPLETE,
          "CN-2 TO-6 cancel finds that the server answers within the grace");
    ok_hr(job.seen, RPC_E_CALL_CANCELED, "CN-2 TC-6 because the server saw the cancel");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "TC-3 the call is complete, not canceled");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 a cancel after it is too late");
    ok_hr(finish_text(scene.call, text, sizeof text), S_FALSE, "CN-2 TO-6 finish has the real result");
    ok_str(text, "real", "CN-2 TO-6 and the real output");
    must(call_cancel_release(cancel));
    job_init(&job, "so far", RPC_E_CALL_CANCELED);
    enter_job(scene.call, OBEY, &job);
    cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, LONG_SECONDS), RPC_E_CALL_COMPLETE,
          "CN-2 SV-6 a server's own RPC_E_CALL_CANCELED is an answer too");
    ok_hr(finish_text(scene.call, text, sizeof text), RPC_E_CALL_CANCELED, "SV-6 it is the result");
    ok_str(text, "so far", "SV-6 with the output it came with");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void grace_that_runs_out(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    uint64_t from = now_us();
    ok_hr(call_cancel(cancel, 1), S_OK, "CN-3 TO-2 cancel(1) of a method that never looks");
    uint64_t took = now_us() - from;
    ok(took >= 1000000, "TO-2 TO-4 it waits a second at least: %llu us", (unsigned long long)took);
    diag("cancel(1) of a method that never looks returned after %llu us", (unsigned long long)took);
    ok_hr(call_wait(scene.call, 0), S_OK, "CN-3 TO-5 then the client goes on");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "CN-3 TC-2 the call is canceled");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-3 TO-5 it fails as canceled");
    ok_u64(gate_count(&held.left), 0, "CN-3 TO-5 CN-9 the server keeps running");
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void request_never_blocks(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, "late but in time", S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), S_OK,
          "TO-3 TO-7 a request without a limit leaves the server all the time it takes");
    ok_u64(gate_count(&held.left), 0, "TO-8 it does not wait for the server");
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "TC-2 in the grace period the call says so");
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "CN-4 and is pending");
    ok_hr(call_context_write(held.context, "grace: ", 7), S_OK, "SV-12 write works as before");
    gate_open(&held.release);
    char text[32];
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "TO-3 TO-7 the result counts");
    ok_str(text, "grace: late but in time", "TO-3 and so does the output");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void endless_grace(void)
{
    scene_t scene;
    job_t held, next;
    scene_open(&scene, 1);
    job_init(&held, "in the end", S_OK);
    job_init(&next, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    caller_t canceler = {.run = run_cancel, .cancel = cancel_of(scene.call), .number = CALL_INFINITE};
    caller_start(&canceler);
    cancel_arrived(canceler.cancel);
    caller_settle(&canceler);
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING,
          "TO-8 the canceler waits, the other threads of the client need not");
    gate_open(&held.release);
    ok_hr(finish(scene.call), S_OK, "CN-4 TO-3 the real result counts, however late");
    enter_job(scene.call, HOLD, &next);
    ok_hr(caller_join(&canceler), RPC_E_CALL_COMPLETE,
          "CN-4 TO-3 the canceler returns when its own call is over, though the next one runs");
    gate_open(&next.release);
    must(finish(scene.call));
    must(call_cancel_release(canceler.cancel));
    scene_close(&scene);
}

static void later_cancel_cuts_the_grace_short(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    caller_t canceler = {.run = run_cancel, .cancel = cancel_of(scene.call), .number = LONG_SECONDS};
    uint64_t from = now_us();
    caller_start(&canceler);
    cancel_arrived(canceler.cancel);
    ok_hr(call_cancel(canceler.cancel, LONG_SECONDS * 2), RPC_E_CALL_CANCELED,
          "CN-5 a second cancel during the grace does not wait");
    ok_u64(gate_count(&held.left), 0, "CN-5 nor end the call");
    uint64_t second = now_us();
    ok_hr(call_cancel(canceler.cancel, 0), RPC_E_CALL_CANCELED, "CN-5 TO-1 cancel(0) after cancel(30)");
    uint64_t after = now_us() - second;
    ok_hr(call_wait(scene.call, 0), S_OK, "TO-1 ends the grace at once");
    ok_hr(caller_join(&canceler), S_OK, "CN-3 TO-1 the first canceler returns too");
    diag("cancel(30), then cancel(0) from another thread: the first returned after %llu us, "
         "the second after %llu us; both together took %llu us",
         (unsigned long long)canceler.took_us, (unsigned long long)after,
         (unsigned long long)(now_us() - from));
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-5 TO-1 the call is canceled");
    gate_open(&held.release);
    must(call_cancel_release(canceler.cancel));
    scene_close(&scene);
}

static void earlier_end_of_grace_counts(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 2);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, STEP_MS));
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), RPC_E_CALL_CANCELED,
          "CN-5 TO-2 a later end does not replace an earlier one");
    ok_hr(call_wait(scene.call, hang_ms()), S_OK, "CN-5 TO-2 the grace ends when it would have");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-5 TO-5 and the call is canceled");
    gate_open(&held.release);
    gate_wait(&held.left);
    must(call_cancel_release(cancel));
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    uint64_t from = now_us();
    ok_hr(call_request_cancel(cancel, STEP_MS), RPC_E_CALL_CANCELED,
          "CN-5 TO-2 an earlier end replaces an endless one");
    ok_hr(call_wait(scene.call, hang_ms()), S_OK, "CN-5 TO-2 the grace then ends");
    ok(now_us() - from >= STEP_MS * 1000, "TO-2 but not before");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-5 TO-5 and the call is canceled");
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void each_grace_ends_in_its_own_time(void)
{
    static const uint32_t order[TIMERS] = {4, 1, 3, 0, 2};
    scene_t scene;
    job_t held[TIMERS];
    caller_t waiters[TIMERS];
    call_cancel_t cancels[TIMERS];
    scene_open(&scene, TIMERS);
    for (int i = 0; i < TIMERS; i++) {
        job_init(&held[i], NULL, S_OK);
        waiters[i] = (caller_t){.run = run_wait, .call = new_call(&scene.target), .number = hang_ms()};
        enter_job(waiters[i].call, HOLD, &held[i]);
        cancels[i] = cancel_of(waiters[i].call);
    }
    uint64_t from = now_us();
    for (int i = 0; i < TIMERS; i++)
        must(call_request_cancel(cancels[i], (order[i] + 1) * STEP_MS));
    for (int i = 0; i < TIMERS; i++)
        caller_start(&waiters[i]);
    for (int i = 0; i < TIMERS; i++) {
        ok_hr(caller_join(&waiters[i]), S_OK, "CN-3 grace %d of several ends", i);
        ok_hr(finish(waiters[i].call), RPC_E_CALL_CANCELED, "CN-3 TO-5 and its call is canceled");
        uint64_t due = (order[i] + 1) * (uint64_t)STEP_MS * 1000;
        ok(now_us() - from >= due, "TO-2 not before its own %llu us", (unsigned long long)due);
        gate_open(&held[i].release);
        must(call_cancel_release(cancels[i]));
        must(call_release(waiters[i].call));
    }
    scene_close(&scene);
}

static call_cancel_t of_the_signal;
static volatile sig_atomic_t signal_answer;

static void on_signal(int number)
{
    (void)number;
    signal_answer = call_request_cancel(of_the_signal, 0);
}

static void request_in_a_signal_handler(void)
{
    scene_t scene;
    job_t held;
    struct sigaction action = {.sa_handler = on_signal}, before;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    of_the_signal = cancel_of(scene.call);
    signal_answer = E_FAIL;
    (void)sigaction(SIGUSR1, &action, &before);
    caller_t waiter = {.run = run_wait, .call = scene.call, .number = CALL_INFINITE};
    caller_start(&waiter);
    caller_settle(&waiter);
    (void)pthread_kill(waiter.thread, SIGUSR1);
    ok_hr(caller_join(&waiter), S_OK, "CN-16 a wait ends by a cancel from a signal handler on top of it");
    ok_hr(signal_answer, S_OK, "CN-1 the handler's request was accepted");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-1 the call is canceled");
    (void)sigaction(SIGUSR1, &before, NULL);
    gate_open(&held.release);
    must(call_cancel_release(of_the_signal));
    scene_close(&scene);
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void client_is_free_at_once(void)
{
    scene_t scene;
    uint64_t took[SAMPLES];
    unsigned canceled = 0;
    scene_open(&scene, 1);
    for (int i = 0; i < SAMPLES; i++) {
        job_t held;
        job_init(&held, NULL, S_OK);
        enter_job(scene.call, HOLD, &held);
        call_cancel_t cancel = cancel_of(scene.call);
        uint64_t from = now_ns();
        canceled += call_cancel(cancel, 0) == S_OK && finish(scene.call) == RPC_E_CALL_CANCELED;
        took[i] = now_ns() - from;
        gate_open(&held.release);
        gate_wait(&held.left);
        must(call_cancel_release(cancel));
    }
    ok_u64(canceled, SAMPLES, "CN-1 TO-1 cancel(0) and finish of a running call, many times");
    qsort(took, SAMPLES, sizeof took[0], by_size);
    diag("cancel(0) and finish of a running call: median %.1f us, longest %.1f us of %d",
         (double)took[SAMPLES / 2] / 1e3, (double)took[SAMPLES - 1] / 1e3, SAMPLES);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(answer_within_the_grace),
    TAP_TEST(grace_that_runs_out),
    TAP_TEST(request_never_blocks),
    TAP_TEST(endless_grace),
    TAP_TEST(later_cancel_cuts_the_grace_short),
    TAP_TEST(earlier_end_of_grace_counts),
    TAP_TEST(each_grace_ends_in_its_own_time),
    TAP_TEST(request_in_a_signal_handler),
    TAP_TEST(client_is_free_at_once),
};

TAP_MAIN(tests)
