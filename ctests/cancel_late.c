/* A cancel that comes late: by the thread's number it hits the thread's next call, by a cancel interface it
 * hits nothing.
 *
 *   CALL_REUSES  how many calls reuse one thread, and one call object, while old ones are canceled (100000) */
#include "queues.h"

#include <sched.h>
#include <string.h>

enum { REUSES = 100000, OLD = 2, FEWEST = 100 };

/* A thread that invokes one method after another. */
typedef struct victim_t {
    scene_t scene;
    uint64_t id;
    job_t first, second;
    gate_t ready, go;
    call_hresult_t results[2];
    pthread_t thread;
} victim_t;

static void *invoke_twice(void *argument)
{
    victim_t *victim = argument;
    job_t *jobs[] = {&victim->first, &victim->second};
    must(call_thread_id(&victim->id));
    must(call_enable_cancellation());
    for (int i = 0; i < 2; i++)
        victim->results[i] = call_invoke(victim->scene.target.object, HOLD, &jobs[i], sizeof jobs[i], NULL, 0, NULL,
                                         CALL_INFINITE, NULL);
    return NULL;
}

/* Somebody decides to cancel the first call, and comes when the second is in progress. */
static void come_late(bool by_handle)
{
    static victim_t victim;
    call_cancel_t cancel = {0};
    memset(&victim, 0, sizeof victim);
    job_init(&victim.first, NULL, S_OK);
    job_init(&victim.second, NULL, S_OK);
    scene_open(&victim.scene, 1);
    (void)pthread_create(&victim.thread, NULL, invoke_twice, &victim);
    gate_wait(&victim.first.entered);
    if (by_handle)
        must(call_query_thread_cancel(victim.id, &cancel));
    gate_open(&victim.first.release);
    gate_wait(&victim.second.entered);
    if (by_handle) {
        ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "SY-14 the cancel interface of the first call, late");
        ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "SY-14 by request, too");
        ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "SY-14 answers for that one");
        must(call_cancel_release(cancel));
    } else {
        ok_hr(call_cancel_thread(victim.id, 0), S_OK, "SY-14 a cancel of the thread, meant for the first call");
    }
    gate_open(&victim.second.release);
    (void)pthread_join(victim.thread, NULL);
    ok_hr(victim.results[0], S_OK, "SY-14 the first call was over");
    if (by_handle)
        ok_hr(victim.results[1], S_OK, "SY-14 and the second was not hit");
    else
        ok_hr(victim.results[1], RPC_E_CALL_CANCELED, "SY-14 and the second was hit");
    scene_close(&victim.scene);
}

static void by_number_it_hits_the_next_call(void)
{
    come_late(false);
}

static void by_cancel_interface_it_hits_nothing(void)
{
    come_late(true);
}

/* Calls one after another, and who cancels those that are over. */
typedef struct chase_t {
    scene_t scene;
    job_t job;
    bool synchronous;
    _Atomic uint64_t id;
    atomic_uint begun; /* how many */
    atomic_bool ready, over; /* of the thread that cancels, of the one that calls */
    unsigned calls, hit, odd;
    atomic_uint late; /* the other thread's, as are these */
    unsigned late_hits, none;
} chase_t;

static call_hresult_t be_short(job_t *job)
{
    (void)job;
    return S_OK;
}

static call_hresult_t call_once(chase_t *chase)
{
    job_t *job = &chase->job;
    if (chase->synchronous)
        return call_invoke(chase->scene.target.object, RUN, &job, sizeof job, NULL, 0, NULL, CALL_INFINITE, NULL);
    begin_job(chase->scene.call, RUN, job);
    return finish(chase->scene.call);
}

static void *call_often(void *argument)
{
    chase_t *chase = argument;
    uint64_t id;
    must(call_thread_id(&id));
    must(call_enable_cancellation());
    atomic_store(&chase->id, id);
    while (!atomic_load(&chase->ready))
        (void)sched_yield();
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    unsigned done = 0;
    /* So many, and more if nobody came to cancel. */
    while (done < chase->calls || (atomic_load(&chase->late) < FEWEST && now_us() < end)) {
        atomic_store(&chase->begun, ++done);
        call_hresult_t result = call_once(chase);
        chase->hit += result == RPC_E_CALL_CANCELED;
        chase->odd += result != RPC_E_CALL_CANCELED && result != S_OK;
    }
    chase->calls = done;
    atomic_store(&chase->over, true);
    return NULL;
}

/* The cancel interface of what is in progress now. */
static bool take_cancel(chase_t *chase, call_cancel_t *cancel)
{
    if (!chase->synchronous)
        return call_query_cancel(chase->scene.call, cancel) == S_OK;
    call_hresult_t queried = call_query_thread_cancel(atomic_load(&chase->id), cancel);
    if (queried != S_OK && queried != E_NOINTERFACE)
        must(queried);
    return queried == S_OK;
}

/* Takes one, lets it grow old, and cancels. An idle call object's is for its next begin: two later it is old. */
static void *cancel_old_ones(void *argument)
{
    chase_t *chase = argument;
    while (atomic_load(&chase->id) == 0)
        (void)sched_yield();
    atomic_store(&chase->ready, true);
    while (!atomic_load(&chase->over)) {
        call_cancel_t cancel;
        if (!take_cancel(chase, &cancel)) {
            chase->none++;
            continue;
        }
        unsigned taken = atomic_load(&chase->begun);
        while (atomic_load(&chase->begun) < taken + OLD && !atomic_load(&chase->over))
            (void)sched_yield();
        if (!atomic_load(&chase->over)) {
            call_hresult_t canceled =
                atomic_load(&chase->late) % 2 == 0 ? call_cancel(cancel, 0) : call_request_cancel(cancel, 0);
            atomic_fetch_add(&chase->late, 1);
            chase->late_hits += canceled != RPC_E_CALL_COMPLETE;
        }
        must(call_cancel_release(cancel));
    }
    return NULL;
}

/* The other way, for comparison: it names no call. */
static void *cancel_by_number(void *argument)
{
    chase_t *chase = argument;
    while (atomic_load(&chase->id) == 0)
        (void)sched_yield();
    atomic_store(&chase->ready, true);
    while (!atomic_load(&chase->over)) {
        bool hit = call_cancel_thread(atomic_load(&chase->id), 0) == S_OK;
        chase->late_hits += hit;
        atomic_fetch_add(&chase->late, hit);
    }
    return NULL;
}

static void chase(chase_t *chase, bool synchronous, void *(*cancel)(void *))
{
    pthread_t caller, canceler;
    memset(chase, 0, sizeof *chase);
    chase->synchronous = synchronous;
    chase->calls = asked_for("CALL_REUSES", REUSES);
    job_init(&chase->job, NULL, S_OK);
    chase->job.run = be_short;
    scene_open(&chase->scene, 1);
    (void)pthread_create(&caller, NULL, call_often, chase);
    (void)pthread_create(&canceler, NULL, cancel, chase);
    (void)pthread_join(caller, NULL);
    (void)pthread_join(canceler, NULL);
    scene_close(&chase->scene);
}

static void old_ones_hit_no_new_call(bool synchronous)
{
    static chase_t run;
    const char *what = synchronous ? "one thread" : "one call object";
    chase(&run, synchronous, cancel_old_ones);
    diag("%u calls of %s, %u cancels of calls that were over, %u looks without a call", run.calls, what,
         atomic_load(&run.late), run.none);
    ok(run.late >= FEWEST, "SY-14 %u calls of %s, %u old ones canceled", run.calls, what, atomic_load(&run.late));
    ok_u64(run.late_hits, 0, "SY-14 each of those cancels was told that its call is complete");
    ok_u64(run.hit, 0, "SY-14 no new call was hit");
    ok_u64(run.odd, 0, "SY-14 and each had its own result");
}

static void a_thread_reused(void)
{
    old_ones_hit_no_new_call(true);
}

static void a_call_object_reused(void)
{
    old_ones_hit_no_new_call(false);
}

/* That a hit would have been seen. */
static void by_number_many_are_hit(void)
{
    static chase_t run;
    chase(&run, true, cancel_by_number);
    diag("%u calls of one thread, %u were hit by its number", run.calls, run.hit);
    ok(run.hit >= FEWEST, "SY-14 by the thread's number calls are hit: %u", run.hit);
    ok_u64(run.hit, run.late_hits, "SY-12 each whose cancel succeeded, and no other");
    ok_u64(run.odd, 0, "SY-13 and the others have their own result");
}

static const tap_test_t tests[] = {
    TAP_TEST(by_number_it_hits_the_next_call),
    TAP_TEST(by_cancel_interface_it_hits_nothing),
    TAP_TEST(a_thread_reused),
    TAP_TEST(a_call_object_reused),
    TAP_TEST(by_number_many_are_hit),
};

TAP_MAIN(tests)
