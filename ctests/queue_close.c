/* The end of a queue: closing loses nothing that was begun or posted, releasing drops it, and begins
 * that are refused leave nothing.
 *
 *   CALL_QUEUE_ROUNDS  how many rounds at least of the race between begins and the close (200): they go on until
 *                      it came in the middle often enough */
#include "place.h"
#include "queues.h"

enum { ROUNDS = 200, CALLS = 600, BEGINNERS = 2, POSTS = 4000, WAITERS = 3 };

static void closed_and_empty(void)
{
    call_queue_t queue = new_queue();
    must(call_queue_post(queue, 1));
    must(call_queue_post(queue, 2));
    ok_hr(call_queue_close(queue), S_OK, "a queue is closed");
    ok_hr(call_queue_close(queue), S_OK, "also a second time");
    ok_hr(call_queue_post(queue, 3), RPC_E_DISCONNECTED, "tags are refused from then on");
    ok_u64(take_one(queue).tag, 1, "what was posted is there");
    ok_u64(take_one(queue).tag, 2, "all of it");
    ok_hr(poll_queue(queue), RPC_E_DISCONNECTED, "and then no more comes");
    ok_hr(poll_queue(queue), RPC_E_DISCONNECTED, "however often it is asked");
    ok_hr(call_queue_close(queue), S_OK, "it may still be closed");
    ok_hr(call_queue_release(queue), S_OK, "and is released");
    ok_hr(call_queue_close(queue), E_HANDLE, "once");
}

static void what_was_begun_still_arrives(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    call_queue_t queue = new_queue();
    call_t other = queued_call(&scene.target, queue, 2);
    must(call_set_queue(scene.call, queue, 1));
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    must(call_queue_close(queue));
    ok_hr(call_begin(other, ECHO, NULL, 0), RPC_E_DISCONNECTED, "a begin is refused");
    ok_hr(call_wait(other, 0), RPC_E_CALL_COMPLETE, "BG-7 and nothing is pending");
    ok_fate(fate_of(other), CALL_FATE_NONE, "nor was anything");
    ok_hr(call_set_queue(other, queue, 3), S_OK, "a closed queue may be set");
    ok_hr(call_begin(other, ECHO, NULL, 0), RPC_E_DISCONNECTED, "and refuses as well");
    ok_hr(poll_queue(queue), RPC_S_CALLPENDING, "a closed queue waits for what was begun");
    caller_t waiter = {.run = run_next, .data = &queue, .number = CALL_INFINITE};
    caller_start(&waiter);
    caller_settle(&waiter);
    must(call_context_complete(job.context, S_OK));
    ok_hr(caller_join(&waiter), S_OK, "which arrives");
    ok_u64(waiter.call.id, scene.call.id, "where it was to");
    ok_hr(poll_queue(queue), RPC_E_DISCONNECTED, "and then nothing will come");
    ok_hr(finish(scene.call), S_OK, "the call is finished as ever");
    ok_hr(call_set_queue(other, (call_queue_t){0}, 0), S_OK, "without a queue");
    ok_hr(call_begin(other, ECHO, NULL, 0), S_OK, "a begin succeeds");
    must(finish(other));
    must(call_release(other));
    must(call_queue_release(queue));
    scene_close(&scene);
}

/* Begins that fail for another reason must not be waited for, either. */
static void failed_begins_are_not_waited_for(void)
{
    target_t target;
    job_t job;
    call_apartment_t apartment = apartment_of(1, 1, 1);
    call_queue_t queue = new_queue();
    target_create(&target, apartment);
    call_t running = new_call(&target), queued = new_call(&target), call = queued_call(&target, queue, 1);
    job_init(&job, NULL, S_OK);
    enter_job(running, HOLD, &job);
    must(call_begin(queued, ECHO, NULL, 0));
    ok_hr(call_begin(call, ECHO, NULL, 0), CALL_E_TOO_BUSY, "a begin into a full apartment");
    ok_hr(call_begin(call, METHOD_COUNT, NULL, 0), DISP_E_MEMBERNOTFOUND, "of no method");
    ok_hr(call_begin(call, ECHO, NULL, 1), E_POINTER, "without its input");
    ok_hr(call_set_parent(call, queued), S_OK, "for a parent");
    gate_open(&job.release);
    must(finish(queued));
    ok_hr(call_begin(call, ECHO, NULL, 0), RPC_E_CALL_COMPLETE, "that has no call in progress");
    must(call_detach(call));
    must(call_object_disconnect(target.object));
    ok_hr(call_begin(call, ECHO, NULL, 0), RPC_E_DISCONNECTED, "to an object that was disconnected");
    ok_hr(poll_queue(queue), RPC_S_CALLPENDING, "BG-7 nothing of them arrives");
    must(call_queue_close(queue));
    ok_hr(poll_queue(queue), RPC_E_DISCONNECTED, "BG-7 and nothing is to come");
    (void)finish(running);
    must(call_release(running));
    must(call_release(queued));
    must(call_release(call));
    must(call_queue_release(queue));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

/* Begins, posts and a close, all at once. */
typedef struct race_t {
    call_queue_t queue;
    call_t calls[CALLS];
    bool begun[CALLS];
    atomic_uint next, begun_count, posted, refused, odd;
    atomic_bool go;
    unsigned posts;
} race_t;

static void *begin_many(void *argument)
{
    race_t *race = argument;
    unsigned i;
    while (!atomic_load(&race->go))
        ;
    while ((i = atomic_fetch_add(&race->next, 1)) < CALLS) {
        call_hresult_t begun = call_begin(race->calls[i], ECHO, NULL, 0);
        race->begun[i] = begun == S_OK;
        atomic_fetch_add(begun == S_OK ? &race->begun_count : &race->refused, 1);
        atomic_fetch_add(&race->odd, begun != S_OK && begun != RPC_E_DISCONNECTED);
    }
    return NULL;
}

static void *post_many(void *argument)
{
    race_t *race = argument;
    while (!atomic_load(&race->go))
        ;
    for (unsigned i = 0; i < race->posts; i++) {
        call_hresult_t posted = call_queue_post(race->queue, 1);
        atomic_fetch_add(posted == S_OK ? &race->posted : &race->refused, 1);
        atomic_fetch_add(&race->odd, posted != S_OK && posted != RPC_E_DISCONNECTED);
    }
    return NULL;
}

/* Takes until there is no more, as the contract says; closes after so many. */
static unsigned take_all(race_t *race, unsigned close_after)
{
    call_completion_t taken[32];
    size_t count;
    unsigned sum = 0;
    bool closed = false;
    call_hresult_t result;
    atomic_store(&race->go, true);
    do {
        if (!closed && sum >= close_after) {
            must(call_queue_close(race->queue));
            closed = true;
        }
        result = call_queue_next(race->queue, taken, 32, closed ? hang_ms() : 0, &count);
        sum += (unsigned)count;
    } while (result == S_OK || (!closed && result == RPC_S_CALLPENDING));
    if (result != RPC_E_DISCONNECTED)
        must(result);
    return sum;
}

typedef struct sums_t {
    unsigned begun, posted, refused, taken, unfinished, not_idle, odd, lossy;
} sums_t;

static void race_calls(const target_t *target, sums_t *sums, unsigned round)
{
    static race_t race;
    pthread_t beginner[BEGINNERS];
    memset(&race, 0, sizeof race);
    race.queue = new_queue();
    for (unsigned i = 0; i < CALLS; i++)
        race.calls[i] = queued_call(target, race.queue, i);
    for (unsigned i = 0; i < BEGINNERS; i++)
        (void)pthread_create(&beginner[i], NULL, begin_many, &race);
    unsigned taken = take_all(&race, round % CALLS);
    for (unsigned i = 0; i < BEGINNERS; i++)
        (void)pthread_join(beginner[i], NULL);
    sums->begun += race.begun_count;
    sums->refused += race.refused;
    sums->taken += taken;
    sums->odd += race.odd;
    sums->lossy += taken != race.begun_count;
    for (unsigned i = 0; i < CALLS; i++) {
        if (race.begun[i])
            sums->unfinished += call_try_finish(race.calls[i], NULL, 0, NULL) != S_OK;
        else
            sums->not_idle += call_wait(race.calls[i], 0) != RPC_E_CALL_COMPLETE;
        must(call_release(race.calls[i]));
    }
    must(call_queue_release(race.queue));
}

static bool came_in_the_middle(unsigned taken, unsigned refused, unsigned rounds)
{
    return taken > rounds / 10 && refused > rounds / 10;
}

/* Whether there is a round more: so many, and others if the threads had no processors side by side. */
static bool one_more(unsigned round, unsigned rounds, unsigned taken, unsigned refused, uint64_t *end)
{
    if (round < rounds) {
        *end = now_us() + (uint64_t)hang_ms() * 1000;
        return true;
    }
    return may_not_be_alone() == NULL && !came_in_the_middle(taken, refused, rounds) && now_us() < *end;
}

/* That the close came in the middle; where the threads take turns it may not. */
static void check_middle(unsigned taken, unsigned refused, unsigned rounds)
{
    const char *reason = may_not_be_alone();
    if (reason == NULL)
        ok(came_in_the_middle(taken, refused, rounds), "the close came in the middle: %u before, %u refused", taken,
           refused);
    else
        skip(reason, "the close came in the middle: %u before, %u refused", taken, refused);
}

static void begins_race_with_the_close(void)
{
    scene_t scene;
    sums_t sums = {0};
    unsigned rounds = asked_for("CALL_QUEUE_ROUNDS", ROUNDS), round = 0;
    uint64_t end = 0;
    scene_open(&scene, 2);
    for (; one_more(round, rounds, sums.begun, sums.refused, &end); round++)
        race_calls(&scene.target, &sums, round * 7);
    diag("%u rounds: %u begun, %u refused, %u taken", round, sums.begun, sums.refused, sums.taken);
    check_middle(sums.begun, sums.refused, rounds);
    ok_u64(sums.taken, sums.begun, "what was begun is taken, no more and no less");
    ok_u64(sums.lossy, 0, "in each round");
    ok_u64(sums.unfinished, 0, "complete");
    ok_u64(sums.not_idle, 0, "BG-7 and what was refused left nothing in progress");
    ok_u64(sums.odd, 0, "with RPC_E_DISCONNECTED");
    scene_close(&scene);
}

static void tags_race_with_the_close(void)
{
    sums_t sums = {0};
    unsigned rounds = asked_for("CALL_QUEUE_ROUNDS", ROUNDS) * 10, round = 0;
    uint64_t end = 0;
    for (; one_more(round, rounds, sums.posted, sums.refused, &end); round++) {
        race_t race = {.queue = new_queue(), .posts = POSTS / 10};
        pthread_t poster[BEGINNERS];
        for (unsigned i = 0; i < BEGINNERS; i++)
            (void)pthread_create(&poster[i], NULL, post_many, &race);
        unsigned taken = take_all(&race, round % 200 + 1);
        for (unsigned i = 0; i < BEGINNERS; i++)
            (void)pthread_join(poster[i], NULL);
        sums.posted += race.posted;
        sums.refused += race.refused;
        sums.taken += taken;
        sums.odd += race.odd;
        sums.lossy += taken != race.posted;
        must(call_queue_release(race.queue));
    }
    diag("%u rounds: %u posted, %u refused, %u taken", round, sums.posted, sums.refused, sums.taken);
    check_middle(sums.posted, sums.refused, rounds);
    ok_u64(sums.taken, sums.posted, "a tag that was taken by the queue is taken from it");
    ok_u64(sums.lossy, 0, "in each round");
    ok_u64(sums.odd, 0, "and the others are refused with RPC_E_DISCONNECTED");
}

static void released_with_all_it_has(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 2);
    call_queue_t queue = new_queue(), next = new_queue();
    call_t inside = queued_call(&scene.target, queue, 1), fresh = queued_call(&scene.target, queue, 2);
    must(call_set_queue(scene.call, queue, 3));
    job_init(&job, NULL, S_OK);
    must(call_begin(inside, ECHO, NULL, 0));
    completed(inside);
    enter_job(scene.call, DEFER, &job);
    must(call_queue_post(queue, 4));
    ok_hr(call_queue_release(queue), S_OK, "a queue with a completion, a tag, and one to come is released");
    ok_hr(call_queue_post(queue, 5), E_HANDLE, "its handle is dead");
    ok_hr(call_begin(fresh, ECHO, NULL, 0), E_HANDLE, "begins of its calls are refused");
    ok_hr(call_wait(fresh, 0), RPC_E_CALL_COMPLETE, "BG-7 and leave nothing");
    ok_hr(finish(inside), S_OK, "the call that was there is finished");
    must(call_context_complete(job.context, S_FALSE));
    ok_hr(finish(scene.call), S_FALSE, "and so is the one to come");
    ok_hr(call_set_queue(fresh, next, 6), S_OK, "with another queue");
    ok_hr(call_begin(fresh, ECHO, NULL, 0), S_OK, "a begin succeeds");
    ok_u64(take_one(next).tag, 6, "and arrives there");
    must(finish(fresh));
    must(call_set_queue(scene.call, (call_queue_t){0}, 0));
    must(call_release(inside));
    must(call_release(fresh));
    must(call_queue_release(next));
    scene_close(&scene);
}

static void who_waits_hears_of_the_end(bool released)
{
    call_queue_t queue = new_queue();
    caller_t waiters[WAITERS];
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i].run = run_next;
        waiters[i].data = &queue;
        waiters[i].number = CALL_INFINITE;
        caller_start(&waiters[i]);
        caller_settle(&waiters[i]);
    }
    must(released ? call_queue_release(queue) : call_queue_close(queue));
    for (int i = 0; i < WAITERS; i++)
        ok_hr(caller_join(&waiters[i]), released ? E_HANDLE : RPC_E_DISCONNECTED, "waiter %d of a queue that is %s",
              i + 1, released ? "released" : "closed");
    if (!released)
        must(call_queue_release(queue));
}

static void waiters_hear_of_the_end(void)
{
    who_waits_hears_of_the_end(false);
    who_waits_hears_of_the_end(true);
}

static const tap_test_t tests[] = {
    TAP_TEST(closed_and_empty),
    TAP_TEST(what_was_begun_still_arrives),
    TAP_TEST(failed_begins_are_not_waited_for),
    TAP_TEST(begins_race_with_the_close),
    TAP_TEST(tags_race_with_the_close),
    TAP_TEST(released_with_all_it_has),
    TAP_TEST(waiters_hear_of_the_end),
};

TAP_MAIN(tests)
