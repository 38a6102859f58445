/* Serial apartments: a thread of the library's, one method at a time. */
#include "distance_support.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CLIENTS = 4, CALLS_OF_EACH = 50 };

/* How many methods run at once, and on how many threads. */
typedef struct watch_t {
    atomic_int inside, most, threads, tid;
} watch_t;

static call_hresult_t watch_method(job_t *job)
{
    watch_t *watch = job->data;
    int now = atomic_fetch_add(&watch->inside, 1) + 1, me = (int)syscall(SYS_gettid);
    if (now > atomic_load(&watch->most))
        atomic_store(&watch->most, now);
    if (atomic_exchange(&watch->tid, me) != me)
        (void)atomic_fetch_add(&watch->threads, 1);
    (void)sched_yield();
    (void)atomic_fetch_sub(&watch->inside, 1);
    return S_OK;
}

static call_hresult_t call_often(caller_t *self)
{
    call_hresult_t worst = S_OK;
    for (int i = 0; i < CALLS_OF_EACH; i++) {
        begin_job(self->call, RUN, self->data);
        call_hresult_t result = finish(self->call);
        worst = result != S_OK ? result : worst;
    }
    return worst;
}

static void one_method_at_a_time(void)
{
    home_t home;
    target_t target;
    watch_t watch = {.inside = 0};
    caller_t clients[CLIENTS];
    job_t job;
    home_open(&home, CALL_APARTMENT_SERIAL, 0);
    target_create(&target, home.apartment);
    job_init(&job, NULL, S_OK);
    job.run = watch_method;
    job.data = &watch;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (caller_t){.run = call_often, .call = new_call(&target), .data = &job};
        caller_start(&clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        ok_hr(caller_join(&clients[i]), S_OK, "client %d of %d at once is served", i, CLIENTS);
        must(call_release(clients[i].call));
    }
    ok_u64(atomic_load(&target.exits), CLIENTS * CALLS_OF_EACH, "every call ran");
    ok_u64((uint64_t)atomic_load(&watch.most), 1,
           "one method at a time, whatever the number of clients");
    ok_u64((uint64_t)atomic_load(&watch.threads), 1, "all on one thread");
    bool mine = atomic_load(&watch.tid) == (int)syscall(SYS_gettid);
    for (int i = 0; i < CLIENTS; i++)
        mine = mine || atomic_load(&watch.tid) == atomic_load(&clients[i].tid);
    ok(!mine, "which is no client's");
    target_destroy(&target);
    home_close(&home);
}

static void methods_run_in_order(void)
{
    home_t home;
    target_t target;
    job_t held;
    call_t calls[CLIENTS];
    home_open(&home, CALL_APARTMENT_SERIAL, 0);
    target_create(&target, home.apartment);
    call_t first = new_call(&target);
    job_init(&held, NULL, S_OK);
    enter_job(first, HOLD, &held);
    for (int i = 0; i < CLIENTS; i++) {
        calls[i] = new_call(&target);
        must(call_begin(calls[i], ECHO, "q", 1));
    }
    ok_u64(atomic_load(&target.entries), 1, "while a method runs no other starts");
    gate_open(&held.release);
    for (int i = CLIENTS - 1; i >= 0; i--) {
        ok_hr(call_wait(calls[i], hang_ms()), S_OK, "then the queued ones do");
        for (int earlier = 0; earlier < i; earlier++)
            ok_hr(call_wait(calls[earlier], 0), S_OK, "in the order of their begins");
        must(finish(calls[i]));
        must(call_release(calls[i]));
    }
    must(finish(first));
    must(call_release(first));
    target_destroy(&target);
    home_close(&home);
}

static void deferred_method_does_not_hold_it(void)
{
    home_t home;
    target_t target;
    job_t deferred;
    home_open(&home, CALL_APARTMENT_SERIAL, 0);
    target_create(&target, home.apartment);
    call_t first = new_call(&target), second = new_call(&target);
    job_init(&deferred, NULL, S_OK);
    enter_job(first, DEFER, &deferred);
    must(call_begin(second, ECHO, "s", 1));
    ok_hr(call_wait(second, hang_ms()), S_OK, "a deferred method does not hold the apartment");
    ok_hr(call_wait(first, 0), RPC_S_CALLPENDING, "it goes on itself");
    must(call_context_complete(deferred.context, S_FALSE));
    ok_hr(finish(first), S_FALSE, "SG-1 until it is completed");
    must(finish(second));
    must(call_release(first));
    must(call_release(second));
    target_destroy(&target);
    home_close(&home);
}

/* Waits inside its method for a call elsewhere, with `entered` open when it is about to. */
static call_hresult_t wait_elsewhere(job_t *job)
{
    gate_open(&job->entered);
    return call_wait(job->call, hang_ms());
}

static void calls_are_served_while_a_method_waits(void)
{
    home_t home;
    scene_t elsewhere;
    target_t target;
    job_t waiting, held;
    scene_open(&elsewhere, 1);
    home_open(&home, CALL_APARTMENT_SERIAL, 0);
    target_create(&target, home.apartment);
    call_t outer = new_call(&target), inner = new_call(&target);
    job_init(&held, NULL, S_OK);
    job_init(&waiting, NULL, S_OK);
    waiting.run = wait_elsewhere;
    waiting.call = elsewhere.call;
    enter_job(elsewhere.call, HOLD, &held);
    enter_job(outer, RUN, &waiting);
    must(call_begin(inner, ECHO, "i", 1));
    ok_hr(call_wait(inner, hang_ms()), S_OK, "a call into it is served while its method waits");
    ok_hr(call_wait(outer, 0), RPC_S_CALLPENDING, "the method that waits still does");
    gate_open(&held.release);
    ok_hr(finish(outer), S_OK, "until its own wait ends");
    must(finish(inner));
    must(finish(elsewhere.call));
    must(call_release(outer));
    must(call_release(inner));
    target_destroy(&target);
    home_close(&home);
    scene_close(&elsewhere);
}

static void close_while_a_method_runs(void)
{
    home_t home;
    target_t target;
    job_t held, never;
    uint32_t remaining = 7;
    home_open(&home, CALL_APARTMENT_SERIAL, 0);
    target_create(&target, home.apartment);
    call_t running = new_call(&target), queued = new_call(&target);
    job_init(&held, NULL, S_OK);
    job_init(&never, NULL, S_OK);
    enter_job(running, HOLD, &held);
    begin_job(queued, HOLD, &never);
    ok_hr(call_apartment_close(home.apartment, 0, &remaining), S_FALSE,
          "LT-11 it is closed while a method runs");
    ok_u64(remaining, 1, "LT-11 which remains");
    ok_hr(finish(queued), RPC_E_DISCONNECTED, "LT-11 FI-15 the queued call is disconnected");
    ok_fate(fate_of(queued), CALL_FATE_NEVER_STARTED, "LT-11 and never started");
    ok_hr(finish(running), RPC_E_DISCONNECTED, "LT-11 FI-15 the running one as well");
    ok_fate(fate_of(running), CALL_FATE_RUNNING, "LT-11 and still runs");
    ok_hr(call_begin(queued, ECHO, "x", 1), RPC_E_DISCONNECTED, "BG-7 begins are refused");
    gate_open(&held.release);
    ok_hr(call_apartment_close(home.apartment, hang_ms(), &remaining), S_OK,
          "LT-11 closed again it waits for the method");
    ok_u64(remaining, 0, "LT-11 and nothing is left");
    ok_fate(settled_fate_of(running), CALL_FATE_COMPLETED, "LT-11 the method completed");
    ok_u64(gate_count(&never.entered), 0, "LT-11 the queued one was never entered");
    must(call_release(running));
    must(call_release(queued));
    target_destroy(&target);
    home_close(&home);
}

static void close_gives_the_method_its_grace(void)
{
    home_t home;
    target_t target;
    job_t obeying;
    uint32_t remaining = 7;
    home_open(&home, CALL_APARTMENT_SERIAL, 0);
    target_create(&target, home.apartment);
    call_t call = new_call(&target);
    job_init(&obeying, NULL, RPC_E_CALL_CANCELED);
    enter_job(call, OBEY, &obeying);
    ok_hr(call_apartment_close(home.apartment, hang_ms(), &remaining), S_OK,
          "LT-11 a close with grace waits for the method");
    ok_u64(remaining, 0, "LT-11 nothing is left");
    ok_hr(obeying.seen, RPC_E_CALL_CANCELED, "LT-11 SV-9 the method saw a cancel and ended");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "LT-11 SV-9 with its own result");
    ok_fate(fate_of(call), CALL_FATE_STOPPED, "LT-11 SV-9 stopped");
    must(call_release(call));
    target_destroy(&target);
    home_close(&home);
}

static call_hresult_t close_own_apartment(job_t *job)
{
    uint32_t remaining = 7;
    job->codes[0] = call_apartment_close(job->apartment, CALL_INFINITE, &remaining);
    job->codes[1] = call_context_test_cancel(job->context);
    job->numbers[0] = remaining;
    return RPC_E_CALL_CANCELED;
}

static void close_from_its_own_method(void)
{
    for (uint32_t kind = 0; kind <= CALL_APARTMENT_SERIAL; kind++) {
        home_t home;
        target_t target;
        job_t job;
        home_open(&home, kind, 1);
        target_create(&target, home.apartment);
        call_t call = new_call(&target);
        job_init(&job, NULL, S_OK);
        job.run = close_own_apartment;
        job.apartment = home.apartment;
        begin_job(call, RUN, &job);
        ok_hr(call_wait(call, hang_ms()), S_OK, "LT-11 %s: closed by its own method", kind_name(kind));
        ok_hr(job.codes[0], S_FALSE, "LT-11 %s: which is not waited for", kind_name(kind));
        ok_u64(job.numbers[0], 1, "LT-11 %s: but counted", kind_name(kind));
        ok_hr(job.codes[1], RPC_E_CALL_CANCELED, "LT-11 SV-9 %s: and canceled", kind_name(kind));
        ok_hr(finish(call), RPC_E_CALL_CANCELED, "LT-11 %s: its own result stands, in time", kind_name(kind));
        ok_fate(fate_of(call), CALL_FATE_STOPPED, "LT-11 %s: stopped", kind_name(kind));
        must(call_release(call));
        target_destroy(&target);
        home_close(&home);
    }
}

static void lives_while_an_object_lives_in_it(void)
{
    target_t target;
    call_apartment_t apartment = apartment_of_kind(CALL_APARTMENT_SERIAL, 0, 0);
    target_create(&target, apartment);
    must(call_apartment_release(apartment));
    call_t call = new_call(&target);
    must(call_begin(call, ECHO, "l", 1));
    ok_hr(finish(call), S_OK, "an apartment whose handle was released serves its object");
    ok_hr(call_apartment_close(apartment, 0, NULL), E_HANDLE, "its handle is dead");
    must(call_release(call));
    target_destroy(&target);
}

static const tap_test_t tests[] = {
    TAP_TEST(one_method_at_a_time),
    TAP_TEST(methods_run_in_order),
    TAP_TEST(deferred_method_does_not_hold_it),
    TAP_TEST(calls_are_served_while_a_method_waits),
    TAP_TEST(close_while_a_method_runs),
    TAP_TEST(close_gives_the_method_its_grace),
    TAP_TEST(close_from_its_own_method),
    TAP_TEST(lives_while_an_object_lives_in_it),
};

TAP_MAIN(tests)
