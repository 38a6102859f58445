/* call_wait_many: any of several calls or all of them, what it says of which, and what it refuses.
 *
 *   CALL_WAITS  how many rounds of 200 calls each of four threads waits for (20) */
#include "place.h"
#include "queues.h"

enum { FEW = 4, MANY = 200, THREADS = 4, ROUNDS = 20, SHORT_MS = 20 };

/* Deferred calls, to be completed in any order. */
typedef struct group_t {
    scene_t scene;
    call_t calls[FEW];
    job_t jobs[FEW];
} group_t;

static void group_open(group_t *group)
{
    scene_open(&group->scene, 1);
    for (int i = 0; i < FEW; i++) {
        job_init(&group->jobs[i], NULL, S_OK);
        group->calls[i] = new_call(&group->scene.target);
        enter_job(group->calls[i], DEFER, &group->jobs[i]);
    }
}

static void complete(group_t *group, int i)
{
    must(call_context_complete(group->jobs[i].context, S_OK));
}

static void group_close(group_t *group)
{
    for (int i = 0; i < FEW; i++) {
        call_hresult_t ended = call_context_complete(group->jobs[i].context, S_OK);
        if (ended != S_OK && ended != RPC_E_CALL_COMPLETE)
            must(ended);
        must(call_release(group->calls[i]));
    }
    scene_close(&group->scene);
}

static call_hresult_t any(group_t *group, uint32_t timeout_ms, size_t *index)
{
    return call_wait_many(group->calls, FEW, CALL_WAIT_ANY, timeout_ms, index);
}

static call_hresult_t all(group_t *group, uint32_t timeout_ms, size_t *index)
{
    return call_wait_many(group->calls, FEW, CALL_WAIT_ALL, timeout_ms, index);
}

static void any_and_all(void)
{
    group_t group;
    size_t index = 9;
    group_open(&group);
    ok_hr(any(&group, 0, &index), RPC_S_CALLPENDING, "any: none is complete");
    ok_u64(index, 0, "and the index is cleared");
    uint64_t from = now_us();
    ok_hr(any(&group, SHORT_MS, &index), RPC_S_CALLPENDING, "nor after a while");
    ok(now_us() - from >= (SHORT_MS - 1) * 1000, "which has passed: %u us", (unsigned)(now_us() - from));
    complete(&group, 2);
    ok_hr(any(&group, hang_ms(), &index), S_OK, "any: one is");
    ok_u64(index, 2, "it is the third");
    complete(&group, 1);
    ok_hr(any(&group, hang_ms(), &index), S_OK, "any: two are");
    ok_u64(index, 1, "the first of them is the second");
    ok_hr(all(&group, 0, &index), RPC_S_CALLPENDING, "all: some are not");
    ok_hr(all(&group, SHORT_MS, NULL), RPC_S_CALLPENDING, "nor after a while, without an index");
    complete(&group, 3);
    complete(&group, 0);
    ok_hr(all(&group, hang_ms(), &index), S_OK, "all: all are");
    ok_u64(index, 0, "the first of them is the first");
    ok_hr(all(&group, 0, NULL), S_OK, "WT-3 any number of times");
    for (int i = 0; i < FEW; i++)
        must(finish(group.calls[i]));
    group_close(&group);
}

static void the_same_twice(void)
{
    group_t group;
    size_t index = 9;
    group_open(&group);
    call_t twice[] = {group.calls[0], group.calls[1], group.calls[1]};
    complete(&group, 1);
    ok_hr(call_wait_many(twice, 3, CALL_WAIT_ANY, hang_ms(), &index), S_OK, "one call in two places");
    ok_u64(index, 1, "is found in the first of them");
    ok_hr(call_wait_many(twice + 1, 2, CALL_WAIT_ALL, hang_ms(), &index), S_OK, "and is all of both");
    ok_hr(call_wait_many(twice, 3, CALL_WAIT_ALL, 0, &index), RPC_S_CALLPENDING, "but not of another");
    must(finish(group.calls[1]));
    group_close(&group);
}

static void what_it_refuses(void)
{
    group_t group;
    size_t index = 9;
    group_open(&group);
    call_t idle = new_call(&group.scene.target), dead = new_call(&group.scene.target);
    must(call_release(dead));
    call_t calls[FEW] = {group.calls[0], group.calls[1], group.calls[2], idle};
    for (uint32_t flags = CALL_WAIT_ANY; flags <= CALL_WAIT_ALL; flags++) {
        const char *name = flags == CALL_WAIT_ANY ? "any" : "all";
        calls[3] = idle;
        ok_hr(call_wait_many(calls, FEW, flags, CALL_INFINITE, &index), RPC_E_CALL_COMPLETE,
              "WT-6 %s: one was never begun", name);
        ok_u64(index, 3, "%s: the index tells which", name);
        calls[1] = dead;
        ok_hr(call_wait_many(calls, FEW, flags, CALL_INFINITE, &index), E_HANDLE, "%s: one is dead", name);
        ok_u64(index, 1, "%s: it is the first that is told of", name);
        calls[1] = (call_t){0};
        ok_hr(call_wait_many(calls, FEW, flags, 0, NULL), E_HANDLE, "%s: one is null", name);
        calls[1] = group.calls[1];
        unsigned refused = 0;
        for (int bit = 0; bit < 64; bit++) {
            calls[3].id = idle.id ^ (uint64_t)1 << bit;
            refused += call_wait_many(calls, FEW, flags, 0, &index) == E_HANDLE && index == 3;
        }
        ok_u64(refused, 64, "%s: one is forged, with another bit changed", name);
    }
    ok_hr(call_wait_many(calls, 0, CALL_WAIT_ANY, 0, &index), E_INVALIDARG, "none at all");
    ok_hr(call_wait_many(calls, FEW, 2, 0, &index), E_INVALIDARG, "a flag that is not known");
    ok_hr(call_wait_many(calls, FEW, UINT32_MAX, 0, &index), E_INVALIDARG, "nor these");
    ok_hr(call_wait_many(NULL, FEW, CALL_WAIT_ANY, 0, &index), E_POINTER, "no calls");
    ok_hr(any(&group, 0, &index), RPC_S_CALLPENDING, "and those that are right wait on");
    must(call_release(idle));
    group_close(&group);
}

/* A caller's `run`: all of a group, or any. */
static call_hresult_t run_all(caller_t *self)
{
    return all(self->data, self->number, &self->len);
}

static call_hresult_t run_any(caller_t *self)
{
    return any(self->data, self->number, &self->len);
}

static void woken(void)
{
    group_t group;
    group_open(&group);
    caller_t first = {.run = run_any, .data = &group, .number = CALL_INFINITE};
    caller_t last = {.run = run_all, .data = &group, .number = CALL_INFINITE};
    caller_start(&first);
    caller_start(&last);
    caller_settle(&first);
    caller_settle(&last);
    call_cancel_t cancel = cancel_of(group.calls[3]);
    ok_hr(call_cancel(cancel, 0), S_OK, "a cancel of one");
    ok_hr(caller_join(&first), S_OK, "WT-4 wakes who waits for any");
    ok_u64(first.len, 3, "and is the one");
    for (int i = 0; i < 3; i++)
        complete(&group, i);
    ok_hr(caller_join(&last), S_OK, "the last completion wakes who waits for all");
    must(call_cancel_release(cancel));
    group_close(&group);
}

/* A method that waits for calls of which it is one, or which it keeps from starting. */
static call_hresult_t wait_for_itself(job_t *job)
{
    call_t inner, calls[2];
    size_t index = 9;
    must(call_create(job->object, &inner));
    must(call_begin(inner, ECHO, NULL, 0));
    calls[0] = inner;
    calls[1] = job->call;
    job->codes[0] = call_wait_many(&calls[1], 1, CALL_WAIT_ANY, CALL_INFINITE, NULL);
    job->codes[1] = call_wait_many(calls, 2, CALL_WAIT_ALL, CALL_INFINITE, NULL);
    job->codes[2] = call_wait_many(&inner, 1, CALL_WAIT_ALL, job->numbers[1] ? CALL_INFINITE : 0, &index);
    job->numbers[0] = index;
    must(call_release(inner));
    return S_OK;
}

static void deadlocks_are_refused(void)
{
    job_t job;
    for (uint32_t most = 1; most <= 2; most++) {
        target_t target;
        call_apartment_t apartment = apartment_of(1, most, 0);
        target_create(&target, apartment);
        job_init(&job, NULL, S_OK);
        job.run = wait_for_itself;
        job.object = target.object;
        job.call = new_call(&target);
        job.numbers[1] = 1;
        begin_job(job.call, RUN, &job);
        ok_hr(finish(job.call), S_OK, "a method of an apartment with at most %u threads", (unsigned)most);
        ok_hr(job.codes[0], CALL_E_DEADLOCK, "that waits for its own call");
        ok_hr(job.codes[1], CALL_E_DEADLOCK, "or for that and another, all");
        if (most == 1)
            ok_hr(job.codes[2], CALL_E_DEADLOCK, "or for one that it keeps from starting");
        else
            ok_hr(job.codes[2], S_OK, "but not for one that a further thread runs");
        must(call_release(job.call));
        target_destroy(&target);
        must(call_apartment_close(apartment, hang_ms(), NULL));
        must(call_apartment_release(apartment));
    }
}

/* The thread that waits for several is the one that serves their apartment. */
static void who_waits_serves_its_apartment(void)
{
    place_t place = {.kind = CALL_APARTMENT_SINGLE};
    call_t calls[FEW];
    place_make(&place);
    target_create(&place.target, place.apartment);
    for (int i = 0; i < FEW; i++) {
        calls[i] = new_call(&place.target);
        must(call_begin(calls[i], ECHO, NULL, 0));
    }
    ok_u64(atomic_load(&place.target.entries), 0, "calls of the thread's own apartment have not started");
    ok_hr(call_wait_many(calls, FEW, CALL_WAIT_ALL, CALL_INFINITE, NULL), S_OK, "it serves them while it waits");
    ok_u64(atomic_load(&place.target.entries), FEW, "each");
    for (int i = 0; i < FEW; i++) {
        must(finish(calls[i]));
        must(call_release(calls[i]));
    }
    target_destroy(&place.target);
    must(call_apartment_close(place.apartment, 0, NULL));
    must(call_apartment_release(place.apartment));
}

/* Waits for calls elsewhere on a thread that owns an apartment. */
static call_hresult_t own_and_wait(caller_t *self)
{
    job_t *job = self->data;
    place_t place = {.kind = CALL_APARTMENT_SINGLE};
    place_make(&place);
    gate_open(&job->entered);
    call_hresult_t waited = any(job->data, CALL_INFINITE, &self->len);
    must(call_apartment_close(place.apartment, 0, NULL));
    must(call_apartment_release(place.apartment));
    return waited;
}

static void who_serves_sleeps_where_nothing_comes(void)
{
    group_t group;
    job_t job;
    group_open(&group);
    job_init(&job, NULL, S_OK);
    job.data = &group;
    caller_t owner = {.run = own_and_wait, .data = &job};
    caller_start(&owner);
    gate_wait(&job.entered);
    caller_settle(&owner);
    complete(&group, 1);
    ok_hr(caller_join(&owner), S_OK, "a thread that serves sleeps until one of its calls is complete");
    ok_u64(owner.len, 1, "the second");
    group_close(&group);
}

/* Four threads, each with 200 calls of its own and of each kind in turn. */
typedef struct crowd_t {
    const place_t *places;
    unsigned rounds;
    atomic_uint next, waited, finished, wrong;
} crowd_t;

/* Any until none is left: each time one more is finished and taken out. */
static void wait_for_each(crowd_t *crowd, call_t *calls, size_t count)
{
    while (count > 0) {
        size_t index = SIZE_MAX;
        call_hresult_t waited = call_wait_many(calls, count, CALL_WAIT_ANY, hang_ms(), &index);
        if (waited != S_OK || index >= count)
            bail_out("a wait for any of %zu gave 0x%08X", count, (unsigned)waited);
        atomic_fetch_add(&crowd->waited, 1);
        atomic_fetch_add(&crowd->wrong, call_try_finish(calls[index], NULL, 0, NULL) != S_OK);
        atomic_fetch_add(&crowd->finished, 1);
        call_t done = calls[index];
        calls[index] = calls[--count];
        calls[count] = done;
    }
}

static void *wait_for_many(void *argument)
{
    crowd_t *crowd = argument;
    call_t calls[MANY];
    const place_t *place = &crowd->places[atomic_fetch_add(&crowd->next, 1) % PLACE_KINDS];
    for (int i = 0; i < MANY; i++)
        calls[i] = new_call(&place->target);
    for (unsigned round = 0; round < crowd->rounds; round++) {
        for (int i = 0; i < MANY; i++)
            must(call_begin(calls[i], ECHO, NULL, 0));
        if (round % 2 == 0)
            must(call_wait_many(calls, MANY, CALL_WAIT_ALL, hang_ms(), NULL));
        wait_for_each(crowd, calls, MANY);
    }
    for (int i = 0; i < MANY; i++)
        must(call_release(calls[i]));
    return NULL;
}

static void many_calls_of_many_threads(void)
{
    place_t places[PLACE_KINDS];
    pthread_t threads[THREADS];
    crowd_t crowd = {.places = places, .rounds = asked_for("CALL_WAITS", ROUNDS)};
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        place_open(&places[kind], place_kinds[kind].kind);
    uint64_t from = now_us();
    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&threads[i], NULL, wait_for_many, &crowd);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    unsigned expected = THREADS * MANY * crowd.rounds;
    ok_u64(crowd.finished, expected, "%d threads wait for %d calls each, %u times", THREADS, MANY, crowd.rounds);
    ok_u64(crowd.wrong, 0, "and each that is told to be complete is");
    diag("%.2f us for each wait", (double)(now_us() - from) / expected);
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        place_close(&places[kind]);
}

static const tap_test_t tests[] = {
    TAP_TEST(any_and_all),
    TAP_TEST(the_same_twice),
    TAP_TEST(what_it_refuses),
    TAP_TEST(woken),
    TAP_TEST(deadlocks_are_refused),
    TAP_TEST(who_waits_serves_its_apartment),
    TAP_TEST(who_serves_sleeps_where_nothing_comes),
    TAP_TEST(many_calls_of_many_threads),
};

TAP_MAIN(tests)
