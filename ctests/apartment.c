/* Apartments: options, threads, the queue, and methods that wait for calls. */
#include "support.h"

#include <signal.h>
#include <string.h>

static void options_are_refused(call_hresult_t expected, const call_apartment_options_t *options,
                                const char *why)
{
    call_apartment_t apartment = {~(uint64_t)0};
    ok_hr(call_apartment_create(options, &apartment), expected, "an apartment %s", why);
    ok_u64(apartment.id, 0, "LT-12 the apartment handle is null: an apartment %s", why);
}

static void options(void)
{
    struct { call_apartment_options_t known; uint64_t later; } given;
    call_apartment_t apartment;
    memset(&given, 0, sizeof given);
    options_are_refused(E_INVALIDARG, &given.known, "whose options have no size");
    given.known.size = sizeof given.known;
    given.known.kind = CALL_APARTMENT_SERIAL + 1;
    options_are_refused(E_INVALIDARG, &given.known, "of no known kind");
    given.known.kind = CALL_APARTMENT_MULTI;
    given.known.flags = 1;
    options_are_refused(E_INVALIDARG, &given.known, "with unknown flags");
    given.known.flags = 0;
    given.known.reserved = 1;
    options_are_refused(E_INVALIDARG, &given.known, "with something in the reserved field");
    given.known.reserved = 0;
    given.known.size = sizeof given;
    given.later = 1;
    options_are_refused(E_INVALIDARG, &given.known, "that asks for what the library does not know");
    given.later = 0;
    ok_hr(call_apartment_create(&given.known, &apartment), S_OK,
          "larger options whose unknown part is zero are taken");
    must(call_apartment_release(apartment));
    ok_hr(call_apartment_create(NULL, &apartment), S_OK, "NULL options are the defaults");
    ok_hr(call_apartment_create(NULL, NULL), E_POINTER, "LT-12 an apartment into NULL");
    ok_hr(call_apartment_release(apartment), S_OK, "an apartment is released");
    ok_hr(call_apartment_release(apartment), E_HANDLE, "once");
}

static void pump_is_for_others(void)
{
    call_apartment_t apartment = apartment_of(1, 1, 0);
    uint32_t served = 7;
    ok_hr(call_apartment_pump(apartment, 0, &served), RPC_E_WRONG_THREAD, "a MULTI apartment is not pumped");
    ok_u64(served, 0, "LT-12 and nothing was served");
    ok_hr(call_apartment_pump(apartment, CALL_INFINITE, NULL), RPC_E_WRONG_THREAD,
          "it says so at once, also without a place for the count");
    must(call_apartment_release(apartment));
}

static void workers_run_methods_side_by_side(void)
{
    enum { WORKERS = 3 };
    scene_t scene;
    call_t calls[WORKERS];
    job_t held[WORKERS], late;
    scene_open(&scene, WORKERS);
    job_init(&late, NULL, S_OK);
    for (int i = 0; i < WORKERS; i++) {
        job_init(&held[i], NULL, S_OK);
        calls[i] = new_call(&scene.target);
        begin_job(calls[i], HOLD, &held[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        gate_wait(&held[i].entered);
    ok_u64(atomic_load(&scene.target.entries), WORKERS, "each worker runs a method");
    begin_job(scene.call, HOLD, &late);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel(cancel, 0));
    ok_fate(fate_of(scene.call), CALL_FATE_NEVER_STARTED, "CN-13 the call after them waits its turn");
    for (int i = 0; i < WORKERS; i++) {
        gate_open(&held[i].release);
        ok_hr(finish(calls[i]), S_OK, "method %d ends", i);
        must(call_release(calls[i]));
    }
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static call_hresult_t look_at_the_thread(job_t *job)
{
    sigset_t blocked;
    char *name = job->data;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number <= SIGRTMAX; number++) {
        /* Nobody blocks these two, nor those that the C library keeps for itself. */
        bool free = number != SIGKILL && number != SIGSTOP && (number <= SIGSYS || number >= SIGRTMIN);
        job->numbers[0] += free && sigismember(&blocked, number) != 1;
        job->numbers[1] += free;
    }
    (void)pthread_getname_np(pthread_self(), name, 16);
    return S_OK;
}

static void threads_of_an_apartment(void)
{
    scene_t scene;
    job_t job;
    char name[16] = "";
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = look_at_the_thread;
    job.data = name;
    begin_job(scene.call, RUN, &job);
    must(finish(scene.call));
    ok_u64(job.numbers[0], 0, "the library's threads block each of %u signals",
           (unsigned)job.numbers[1]);
    ok(strncmp(name, "ctest", 5) == 0, "and carry the apartment's name: '%s'", name);
    scene_close(&scene);
}

static void hear(call_t call, void *user)
{
    (void)call, (void)user;
}

static void queue_limit(void)
{
    enum { LIMIT = 2, CALLS = LIMIT + 3 };
    call_apartment_t apartment = apartment_of(1, 1, LIMIT);
    target_t target;
    job_t held;
    call_t calls[CALLS];
    target_create(&target, apartment);
    job_init(&held, NULL, S_OK);
    for (int i = 0; i < CALLS; i++)
        calls[i] = new_call(&target);
    must(call_set_callback(calls[LIMIT], hear, NULL, NULL));
    enter_job(calls[0], HOLD, &held);
    for (int i = 1; i <= LIMIT; i++)
        ok_hr(call_begin(calls[i], ECHO, "q", 1), S_OK, "the running method is not queued: call %d", i);
    call_t last = calls[LIMIT + 1], further = calls[LIMIT + 2];
    call_cancel_t of_last = cancel_of(last);
    ok_hr(call_begin(last, ECHO, "q", 1), CALL_E_TOO_BUSY, "BG-7 a begin past the limit is refused");
    ok_hr(call_wait(last, 0), RPC_E_CALL_COMPLETE, "BG-8 and nothing is pending");
    ok_hr(call_finish(last, NULL, 0, NULL), RPC_E_CALL_COMPLETE, "BG-8 nor to finish");
    call_cancel_t cancel = cancel_of(calls[1]);
    ok_hr(call_cancel(cancel, 0), S_OK, "CN-13 a queued call is canceled");
    ok_hr(call_begin(last, ECHO, "q", 1), S_OK, "BG-7 its place in the queue is free again");
    ok_hr(call_test_cancel(of_last), RPC_S_CALLPENDING, "CN-7 a handle from before names this begin");
    ok_hr(call_begin(further, ECHO, "q", 1), CALL_E_TOO_BUSY, "BG-7 no other place is");
    call_cancel_t heard = cancel_of(calls[LIMIT]);
    ok_hr(call_cancel(heard, 0), S_OK, "CN-13 a queued call with a callback is canceled");
    ok_hr(call_begin(further, ECHO, "q", 1), S_OK, "BG-7 its place, too, is free again");
    gate_open(&held.release);
    ok_hr(finish(last), S_OK, "BG-7 and it runs");
    ok_hr(finish(further), S_OK, "BG-7 as does the other");
    for (int i = 0; i < CALLS; i++)
        must(call_release(calls[i]));
    must(call_cancel_release(heard));
    must(call_cancel_release(cancel));
    must(call_cancel_release(of_last));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static gate_t told = GATE("told");

static call_hresult_t open_told(void *self, call_context_t context, uint32_t grace_ms)
{
    (void)self, (void)context, (void)grace_ms;
    gate_open(&told);
    return S_OK;
}

/* A class hears of a cancel through the queue, in which its running method has no place. */
static void telling_takes_no_place(void)
{
    call_apartment_t apartment = apartment_of(2, 2, 1);
    call_class_t cls = target_class;
    target_t target = {.entries = 0};
    job_t held, others;
    cls.cancel = open_told;
    gate_init(&target.destroyed, "destroyed");
    must(call_object_create(apartment, &cls, &target, &target.object));
    call_t canceled = new_call(&target), other = new_call(&target), queued = new_call(&target), late = new_call(&target);
    call_cancel_t cancel = cancel_of(canceled);
    job_init(&held, NULL, S_OK);
    job_init(&others, NULL, S_OK);
    enter_job(canceled, HOLD, &held);
    must(call_request_cancel(cancel, CALL_INFINITE));
    gate_wait(&told);
    enter_job(other, HOLD, &others);
    ok_hr(call_begin(queued, ECHO, "q", 1), S_OK, "BG-7 the queue has its place after a class was told of a cancel");
    ok_hr(call_begin(late, ECHO, "l", 1), CALL_E_TOO_BUSY, "BG-7 and no other");
    gate_open(&held.release);
    gate_open(&others.release);
    must(finish(canceled));
    must(finish(other));
    must(finish(queued));
    must(call_cancel_release(cancel));
    must(call_release(canceled));
    must(call_release(other));
    must(call_release(queued));
    must(call_release(late));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static call_hresult_t ask_for_own_call(job_t *job)
{
    job->codes[0] = call_wait(job->call, CALL_INFINITE);
    job->codes[1] = call_wait(job->call, hang_ms());
    job->codes[2] = call_wait(job->call, 0);
    job->codes[3] = call_finish(job->call, NULL, 0, NULL);
    job->codes[4] = call_try_finish(job->call, NULL, 0, NULL);
    return S_FALSE;
}

static void method_that_waits_for_its_own_call(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    job.run = ask_for_own_call;
    job.call = scene.call;
    begin_job(scene.call, RUN, &job);
    completed(scene.call);
    ok_hr(job.codes[0], CALL_E_DEADLOCK, "WT-12 a method's endless wait for its own call, at once");
    ok_hr(job.codes[1], CALL_E_DEADLOCK, "WT-12 a bounded wait as well");
    ok_hr(job.codes[2], CALL_E_DEADLOCK, "WT-12 and one of 0");
    ok_hr(job.codes[3], CALL_E_DEADLOCK, "FI-2 finish of its own call");
    ok_hr(job.codes[4], RPC_S_CALLPENDING, "FI-3 the finish that never blocks waits for nothing");
    ok_hr(finish(scene.call), S_FALSE, "FI-2 the call is as it was");
    scene_close(&scene);
}

/* Calls itself again, numbers[0] levels deep, and waits; keeps the deepest wait's failure. */
static call_hresult_t descend(job_t *job)
{
    if (job->numbers[0] == 0)
        return S_OK;
    call_t call;
    job->numbers[0]--;
    job->numbers[1]++;
    must(call_create(job->object, &call));
    must(call_begin(call, RUN, &job, sizeof job));
    call_hresult_t waited = call_wait(call, CALL_INFINITE);
    call_hresult_t result = waited == S_OK ? call_finish(call, NULL, 0, NULL) : waited;
    must(call_release(call));
    return result;
}

static call_hresult_t descend_in(uint32_t workers, uint32_t max_workers, uint64_t levels)
{
    call_apartment_t apartment = apartment_of(workers, max_workers, 0);
    target_t target;
    job_t job;
    target_create(&target, apartment);
    job_init(&job, NULL, S_OK);
    job.run = descend;
    job.object = target.object;
    job.numbers[0] = levels;
    call_t call = new_call(&target);
    begin_job(call, RUN, &job);
    completed(call);
    call_hresult_t result = finish(call);
    must(call_release(call));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
    return result;
}

static void methods_that_wait_for_calls(void)
{
    ok_hr(descend_in(1, 8, 7), S_OK, "an apartment of 1 worker grows to 8 for 7 nested waits");
    ok_hr(descend_in(1, 0, 20), S_OK, "and without a limit of its own to 21 for 20");
    ok_hr(descend_in(1, 8, 8), CALL_E_DEADLOCK, "WT-12 the wait that would need a 9th fails at once");
    ok_hr(descend_in(1, 1, 1), CALL_E_DEADLOCK, "WT-12 one worker that may not grow: the first wait fails");
    ok_hr(descend_in(2, 2, 1), S_OK, "two workers that may not grow serve one nested wait");
    ok_hr(descend_in(2, 2, 2), CALL_E_DEADLOCK, "WT-12 but not two");
}

static call_hresult_t wait_for_job_call(job_t *job)
{
    gate_open(&job->entered);
    gate_wait(&job->release);
    call_hresult_t waited = call_wait(job->call, CALL_INFINITE);
    job->codes[0] = waited;
    return S_OK;
}

/* Two methods wait for each other's calls: one of the waits could never end. */
static void methods_that_wait_for_each_other(void)
{
    scene_t scene;
    job_t left, right;
    scene_open(&scene, 2);
    job_init(&left, NULL, S_OK);
    job_init(&right, NULL, S_OK);
    left.run = right.run = wait_for_job_call;
    call_t other = new_call(&scene.target);
    left.call = other;
    right.call = scene.call;
    begin_job(scene.call, RUN, &left);
    begin_job(other, RUN, &right);
    gate_wait(&left.entered);
    gate_wait(&right.entered);
    gate_open(&left.release);
    gate_open(&right.release);
    completed(scene.call);
    completed(other);
    unsigned refused = (left.codes[0] == CALL_E_DEADLOCK) + (right.codes[0] == CALL_E_DEADLOCK);
    unsigned ended = (left.codes[0] == S_OK) + (right.codes[0] == S_OK);
    ok(refused >= 1, "WT-12 of two methods that wait for each other one at least is refused: %u", refused);
    ok_u64(refused + ended, 2, "WT-12 and the other's wait ends");
    must(finish(scene.call));
    must(finish(other));
    must(call_release(other));
    scene_close(&scene);
}

static void handle_is_not_the_apartment(void)
{
    call_apartment_t apartment = apartment_of(1, 1, 0);
    target_t target;
    target_create(&target, apartment);
    must(call_apartment_release(apartment));
    call_t call = new_call(&target);
    ok_hr(call_begin(call, ECHO, "l", 1), S_OK, "an apartment lives while an object lives in it");
    ok_hr(finish(call), S_OK, "and serves calls");
    ok_hr(call_apartment_close(apartment, 0, NULL), E_HANDLE, "its released handle is dead");
    must(call_release(call));
    target_destroy(&target);
}

static const tap_test_t tests[] = {
    TAP_TEST(options),
    TAP_TEST(pump_is_for_others),
    TAP_TEST(workers_run_methods_side_by_side),
    TAP_TEST(threads_of_an_apartment),
    TAP_TEST(queue_limit),
    TAP_TEST(telling_takes_no_place),
    TAP_TEST(method_that_waits_for_its_own_call),
    TAP_TEST(methods_that_wait_for_calls),
    TAP_TEST(methods_that_wait_for_each_other),
    TAP_TEST(handle_is_not_the_apartment),
};

TAP_MAIN(tests)
