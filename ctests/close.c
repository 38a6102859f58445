/* Closing an apartment: bounded, whatever its methods do, and honest about what is left. */
#include "place.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLOSE_MS = 200, ENDLESS_SHORT_MS = 10 };

/* The endless loop of the tests: it never looks at its call. The flag is the tests' way out. */
static atomic_bool loop_may_end;

static call_hresult_t endless_loop(job_t *job)
{
    gate_open(&job->entered);
    while (!atomic_load(&loop_may_end))
        (void)sched_yield();
    return S_OK;
}

static void enter_endless_loop(call_t call, job_t *job)
{
    atomic_store(&loop_may_end, false);
    job_init(job, NULL, S_OK);
    job->run = endless_loop;
    begin_job(call, RUN, job);
    gate_wait(&job->entered);
}

static void close_of_an_idle_apartment(void)
{
    scene_t scene;
    uint32_t remaining = 7;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "kept", 4));
    completed(scene.call);
    ok_hr(call_apartment_close(scene.apartment, CALL_INFINITE, &remaining), S_OK,
          "close of an apartment with nothing running");
    ok_u64(remaining, 0, "nothing is left");
    char text[16];
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "a result from before is still collected");
    ok_str(text, "kept", "with its output");
    ok_hr(call_begin(scene.call, ECHO, "x", 1), RPC_E_DISCONNECTED, "BG-7 begins are refused from then on");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "and leave the last fate as it was");
    ok_hr(call_apartment_close(scene.apartment, 0, NULL), S_OK, "it may be closed again");
    call_object_t object = {~(uint64_t)0};
    ok_hr(call_object_create(scene.apartment, &target_class, &scene.target, &object), RPC_E_DISCONNECTED,
          "no object moves into a closed apartment");
    ok_u64(object.id, 0, "LT-12 the object handle is null");
    scene_close(&scene);
}

static void close_with_an_endless_loop(void)
{
    scene_t scene;
    job_t job;
    uint32_t remaining = 0;
    scene_open(&scene, 1);
    enter_endless_loop(scene.call, &job);
    uint64_t from = now_us();
    ok_hr(call_apartment_close(scene.apartment, CLOSE_MS, &remaining), S_FALSE,
          "LT-11 close returns although a method never ends");
    uint64_t took = now_us() - from;
    diag("close with an endless loop and %d ms returned after %llu us", CLOSE_MS,
         (unsigned long long)took);
    ok(took >= CLOSE_MS * 1000, "it gave the method its %d ms", CLOSE_MS);
    ok_u64(remaining, 1, "and says that one is left");
    ok_hr(call_wait(scene.call, 0), S_OK, "LT-11 FI-15 the client is free");
    ok_hr(finish(scene.call), RPC_E_DISCONNECTED, "LT-11 FI-15 with RPC_E_DISCONNECTED");
    ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "its fate: RUNNING");
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_CANCELED, "SV-9 the method was told");
    ok_hr(call_apartment_close(scene.apartment, ENDLESS_SHORT_MS, &remaining), S_FALSE,
          "closed again, one is still left");
    ok_u64(remaining, 1, "the same one");
    atomic_store(&loop_may_end, true);
    ok_hr(call_apartment_close(scene.apartment, hang_ms(), &remaining), S_OK,
          "and when it has ended, nothing is");
    ok_u64(remaining, 0, "nothing at all");
    ok_fate(settled_fate_of(scene.call), CALL_FATE_COMPLETED, "its fate: COMPLETED");
    scene_close(&scene);
}

/* Whether the methods that obey did so in the time that the close gave, or may have no more. */
static bool cancels_what_runs(uint32_t ms)
{
    scene_t scene;
    job_t obeying, answering, deferring;
    uint32_t remaining = 7;
    char so_far[16], all[16];
    scene_open(&scene, 2);
    job_init(&obeying, "so far", RPC_E_CALL_CANCELED);
    job_init(&answering, "all", S_OK);
    job_init(&deferring, NULL, S_OK);
    call_t other = new_call(&scene.target), deferred = new_call(&scene.target);
    enter_job(deferred, DEFER, &deferring);
    enter_job(scene.call, OBEY, &obeying);
    enter_job(other, OBEY, &answering);
    call_hresult_t closed = call_apartment_close(scene.apartment, ms, &remaining);
    call_hresult_t obeyed = finish_text(scene.call, so_far, sizeof so_far);
    call_hresult_t answered = finish_text(other, all, sizeof all);
    bool judged = (obeyed != RPC_E_DISCONNECTED && answered != RPC_E_DISCONNECTED) || ms >= hang_ms();
    if (judged) {
        ok_hr(closed, S_FALSE, "close cancels the methods and waits for them");
        ok_u64(remaining, 1, "a deferred method counts until it is completed");
        ok_hr(obeying.seen, RPC_E_CALL_CANCELED, "SV-9 a method sees the cancel of a close");
        ok_hr(obeyed, RPC_E_CALL_CANCELED, "what it answers in time is the result");
        ok_str(so_far, "so far", "with its output");
        ok_fate(fate_of(scene.call), CALL_FATE_STOPPED, "its fate: STOPPED");
        ok_hr(answered, S_OK, "success as well");
        ok_str(all, "all", "with its output");
        ok_hr(finish(deferred), RPC_E_DISCONNECTED, "FI-15 who did not answer in time is abandoned");
    }
    ok_hr(call_context_complete(deferring.context, S_OK), S_OK, "SG-4 its late completion is accepted");
    ok_hr(call_apartment_close(scene.apartment, hang_ms(), &remaining), S_OK, "then nothing is left");
    must(call_release(other));
    must(call_release(deferred));
    scene_close(&scene);
    return judged;
}

static void close_cancels_what_runs(void)
{
    for (uint32_t ms = CLOSE_MS; !cancels_what_runs(ms); ms *= 2)
        diag("%u ms were too short for methods that obey", (unsigned)ms);
}

static call_hresult_t run_close(caller_t *self)
{
    job_t *job = self->data;
    uint32_t remaining = 0;
    call_hresult_t result = call_apartment_close(job->apartment, self->number, &remaining);
    self->len = remaining;
    return result;
}

static void close_ends_queued_calls_at_once(void)
{
    scene_t scene;
    job_t held, queued;
    scene_open(&scene, 1);
    job_init(&held, "in time", S_OK);
    job_init(&queued, NULL, S_OK);
    held.apartment = scene.apartment;
    call_t call = new_call(&scene.target), canceled = new_call(&scene.target);
    enter_job(scene.call, HOLD, &held);
    begin_job(call, HOLD, &queued);
    begin_job(canceled, HOLD, &queued);
    call_cancel_t cancel = cancel_of(canceled);
    must(call_cancel(cancel, 0));
    caller_t closer = {.run = run_close, .number = CALL_INFINITE, .data = &held};
    caller_start(&closer);
    ok_hr(call_wait(call, hang_ms()), S_OK, "LT-11 a queued call is complete while close still waits");
    ok_hr(finish(call), RPC_E_DISCONNECTED, "FI-15 LT-11 with RPC_E_DISCONNECTED");
    ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "its fate: NEVER_STARTED");
    ok_hr(finish(canceled), RPC_E_CALL_CANCELED, "a call canceled before keeps RPC_E_CALL_CANCELED");
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "the running method has its grace");
    gate_open(&held.release);
    ok_hr(caller_join(&closer), S_OK, "close ends with the last method");
    ok_u64(closer.len, 0, "and nothing is left");
    ok_hr(finish(scene.call), S_OK, "whose answer came in time");
    ok_u64(gate_count(&queued.entered), 0, "no queued method was entered");
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_release(canceled));
    scene_close(&scene);
}

/* Goes on without a thread when it is canceled. */
static call_hresult_t defer_when_canceled(job_t *job)
{
    gate_open(&job->entered);
    job->seen = call_context_wait_cancel(job->context, hang_ms());
    return CALL_S_DEFERRED;
}

static call_hresult_t run_close_when_entered(caller_t *self)
{
    gate_wait(&((job_t *)self->data)->entered);
    return run_close(self);
}

/* Whatever was to end before now has ended: the timer goes by the clock. */
static void timer_has_looked(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    call_t call = new_call(&scene.target);
    job_init(&held, NULL, S_OK);
    enter_job(call, HOLD, &held);
    must(call_set_timeout(scene.call, 1, 0));
    must(call_begin(scene.call, ECHO, NULL, 0));
    ok_hr(finish(scene.call), RPC_E_TIMEOUT, "the timer ends a later call");
    gate_open(&held.release);
    must(finish(call));
    must(call_release(call));
    scene_close(&scene);
}

static void close_leaves_its_grace_to_what_is_deferred_afterwards(void)
{
    place_t place = {.kind = CALL_APARTMENT_SINGLE};
    job_t job;
    char text[16];
    place_make(&place);
    target_create(&place.target, place.apartment);
    call_t call = new_call(&place.target);
    job_init(&job, NULL, S_OK);
    job.run = defer_when_canceled;
    job.apartment = place.apartment;
    caller_t closer = {.run = run_close_when_entered, .number = CALL_INFINITE, .data = &job};
    caller_start(&closer);
    begin_job(call, RUN, &job);
    uint32_t served = 0;
    ok_hr(call_apartment_pump(place.apartment, CALL_INFINITE, &served), S_OK, "a pump that a close comes into");
    ok_u64(served, 1, "has served one");
    ok_hr(job.seen, RPC_E_CALL_CANCELED, "SV-9 whose method was told of the close, and deferred");
    timer_has_looked();
    ok_hr(call_wait(call, 0), RPC_S_CALLPENDING, "it has the grace of the close, which is endless");
    must(call_context_write(job.context, "late", 4));
    must(call_context_complete(job.context, S_OK));
    ok_hr(finish_text(call, text, sizeof text), S_OK, "so that its answer is the result");
    ok_str(text, "late", "with its output");
    ok_hr(caller_join(&closer), S_OK, "which ends the close");
    ok_u64(closer.len, 0, "and nothing is left");
    must(call_release(call));
    target_destroy(&place.target);
    must(call_apartment_release(place.apartment));
}

static void call_canceled_before_the_close(void)
{
    scene_t scene;
    job_t held, waiting;
    scene_open(&scene, 2);
    job_init(&held, NULL, S_OK);
    job_init(&waiting, NULL, S_OK);
    call_t call = new_call(&scene.target);
    enter_job(scene.call, HOLD, &held);
    enter_job(call, HOLD, &waiting);
    call_cancel_t abandoned = cancel_of(scene.call), asked = cancel_of(call);
    must(call_cancel(abandoned, 0));
    must(call_request_cancel(asked, CALL_INFINITE));
    uint32_t remaining = 0;
    ok_hr(call_apartment_close(scene.apartment, 0, &remaining), S_FALSE, "close after a cancel");
    ok_u64(remaining, 2, "abandoned methods are counted");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "an abandoned call keeps RPC_E_CALL_CANCELED");
    ok_hr(call_wait(call, 0), S_OK, "a call in its grace period is freed by the close");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "and keeps the code of the first cause");
    gate_open(&held.release);
    gate_open(&waiting.release);
    must(call_cancel_release(abandoned));
    must(call_cancel_release(asked));
    must(call_release(call));
    scene_close(&scene);
}

static call_hresult_t close_own_apartment(job_t *job)
{
    uint32_t remaining = 0;
    job->codes[0] = call_apartment_close(job->apartment, CALL_INFINITE, &remaining);
    job->numbers[0] = remaining;
    job->codes[1] = call_context_test_cancel(job->context);
    return S_FALSE;
}

static void close_from_an_own_method(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = close_own_apartment;
    job.apartment = scene.apartment;
    begin_job(scene.call, RUN, &job);
    completed(scene.call);
    ok_hr(job.codes[0], S_FALSE, "close from one of its own methods does not wait");
    ok_u64(job.numbers[0], 1, "the method itself is left");
    ok_hr(job.codes[1], RPC_E_CALL_CANCELED, "SV-9 and canceled like any other");
    ok_hr(finish(scene.call), S_FALSE, "what it answers in the grace period is the result");
    ok_hr(call_apartment_close(scene.apartment, hang_ms(), NULL), S_OK, "then nothing is left");
    scene_close(&scene);
}

/* In a process of its own, whose exit is what the test waits for. */
static void exit_with_an_endless_loop(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    enter_endless_loop(scene.call, &job);
    exit(42);
}

static void process_exit_is_not_delayed(void)
{
    int status = 0;
    pid_t child = fork(), ended;
    if (child == 0)
        exit_with_an_endless_loop();
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    do {
        (void)sched_yield();
        ended = waitpid(child, &status, WNOHANG);
    } while (ended == 0 && now_us() < end);
    if (ended == 0)
        (void)kill(child, SIGKILL);
    ok(ended == child, "a process ends although a method of its own never does");
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 42, "with the status it asked for: 0x%x",
       (unsigned)status);
}

static const tap_test_t tests[] = {
    /* The first: it forks, and no other thread is alive yet. */
    TAP_TEST(process_exit_is_not_delayed),
    TAP_TEST(close_of_an_idle_apartment),
    TAP_TEST(close_with_an_endless_loop),
    TAP_TEST(close_cancels_what_runs),
    TAP_TEST(close_ends_queued_calls_at_once),
    TAP_TEST(close_leaves_its_grace_to_what_is_deferred_afterwards),
    TAP_TEST(call_canceled_before_the_close),
    TAP_TEST(close_from_an_own_method),
};

TAP_MAIN(tests)
