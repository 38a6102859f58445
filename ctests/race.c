/* Races of begin, cancel, complete, finish, wait and release around one call object each: every
 * call ends once, every result is delivered or freed, and none reaches another call.
 *
 *   CALL_RACES  how many at least (300000): they go on until each outcome occurred often enough
 *   CALL_SEED   where the random numbers start (the clock)
 */
#include "race_roles.h"

#include <malloc.h>
#include <stdio.h>

enum {
    SLOTS = 64,           /* races of a round: the threads pass through them together */
    ROUNDS = 32,          /* of a chapter, at whose end everything is released and audited */
    RECORDS = ROUNDS * SLOTS * 2,
    WORKERS = 3,
    SERIAL_ONE_IN = 4,    /* chapters */
    DEFAULT_RACES = 300000,
    EXPECTED_OF_EACH = 1000, /* outcomes, among that many races */
};

/* What the four threads do to a call, in any order over the threads. */
static const struct plan_t {
    role_t roles[THREADS];
    bool deferred; /* mostly */
} plans[] = {
    {{BEGIN, CANCEL, FINISH, WAIT}, false},
    {{BEGIN, CANCEL, CANCEL, FINISH}, false},
    {{BEGIN, FINISH, FINISH, CANCEL}, false},
    {{BEGIN, RELEASE, CANCEL, FINISH}, false},
    {{BEGIN, FINISH_AND_BEGIN, CANCEL, WAIT}, false},
    {{BEGIN, COMPLETE, CANCEL, FINISH}, true},
    {{BEGIN, BEGIN_TOO, CANCEL, COMPLETE}, true},
    {{BEGIN, COMPLETE, COMPLETE, FINISH}, true},
    {{BEGIN, FINISH_AND_BEGIN, CANCEL, COMPLETE}, true},
    {{BEGIN, RELEASE, COMPLETE, CANCEL}, true},
};
enum { PLANS = sizeof plans / sizeof plans[0] };

static const char *const method_names[] = {"race"};
static const call_class_t subject_class = {
    .size = sizeof subject_class,
    .methods = method_names,
    .method_count = 1,
    .invoke = subject_invoke,
    .destroy = subject_destroy,
};

static struct {
    call_apartment_t apartment;
    subject_t *subjects;
    race_t races[SLOTS];
    record_t records[RECORDS];
    size_t record_count;
    uint64_t next_id, random;
    target_t blocker;  /* its methods hold the workers in a round that begins with full threads */
    job_t held;
    call_t holders[WORKERS];
    int workers;
    bool held_round, opened;
    pthread_mutex_t opening;
} chapter = {.opening = PTHREAD_MUTEX_INITIALIZER};

static pthread_barrier_t barrier;
static atomic_ulong rounds_done;
static atomic_bool over;
static unsigned long races_wanted, races_done;
static uint64_t races_end; /* where they go on for an outcome */

static record_t *new_record(subject_t *subject, behavior_t behavior)
{
    static const call_hresult_t results[] = {S_OK, S_FALSE, E_FAIL, E_ABORT};
    uint64_t id = ++chapter.next_id;
    record_t *record = &chapter.records[chapter.record_count++];
    memset(record, 0, sizeof *record);
    record->id = id;
    record->subject = subject;
    record->behavior = behavior;
    record->result = id % 8 < 4 ? results[id % 4] : (call_hresult_t)(0x80040000u | (id & 0xFFFF));
    record->output = id / 8 % 2 == 0 ? SHORT_OUTPUT : LONG_OUTPUT;
    record->sleeps = id % 16 == 0;
    record->owned = id / 4 % 4 == 0;
    return record;
}

static subject_t *new_subject(void)
{
    subject_t *subject = calloc(1, sizeof *subject);
    if (subject == NULL)
        bail_out("no memory");
    must(call_object_create(chapter.apartment, &subject_class, subject, &subject->object));
    subject->next = chapter.subjects;
    chapter.subjects = subject;
    return subject;
}

static void renew_call(race_t *race)
{
    if (race->subject == NULL || draw(&chapter.random, 2) == 0) {
        if (race->subject != NULL)
            must(call_object_release(race->subject->object));
        race->subject = new_subject();
    }
    must(call_create(race->subject->object, &race->call));
}

static behavior_t draw_behavior(bool deferred)
{
    if (draw(&chapter.random, 8) < (deferred ? 7 : 1))
        return LATER;
    return (behavior_t)draw(&chapter.random, LATER);
}

/* Who does what, and when; what was carried from the race before stays. */
static void plan_race(race_t *race)
{
    const struct plan_t *plan = &plans[draw(&chapter.random, PLANS)];
    uint32_t turn = draw(&chapter.random, THREADS);
    behavior_t behavior = draw_behavior(plan->deferred);
    bool again = false, too = false;
    race->has_release = false;
    for (uint32_t i = 0; i < THREADS; i++) {
        uint32_t moment = draw(&chapter.random, MOMENTS + 2);
        race->parts[(i + turn) % THREADS] = (part_t){
            .role = plan->roles[i],
            .moment = moment < MOMENTS ? (moment_t)moment : ENTERED,
            .way = (way_t)draw(&chapter.random, WAYS),
            .delay = draw(&chapter.random, 4) == 0 ? draw(&chapter.random, 400) : 0,
        };
        if (plan->roles[i] == BEGIN || plan->roles[i] == BEGIN_TOO)
            race->parts[(i + turn) % THREADS].moment = ANY_TIME;
        again |= plan->roles[i] == FINISH_AND_BEGIN;
        too |= plan->roles[i] == BEGIN_TOO;
        race->has_release |= plan->roles[i] == RELEASE;
    }
    if (race->call.id == 0)
        renew_call(race);
    race->records[0] = new_record(race->subject, behavior);
    race->records[1] = too ? new_record(race->subject, draw_behavior(true)) : NULL;
    race->again = again ? new_record(race->subject, (behavior_t)draw(&chapter.random, 2)) : NULL;
    bool ends_itself = behavior != LATER && (!too || race->records[1]->behavior != LATER);
    race->may_block = !chapter.held_round && ends_itself && draw(&chapter.random, 2) == 0;
    race->old_thread = draw(&chapter.random, THREADS);
    race->cancel.id = 0;
    if (again || draw(&chapter.random, 2) == 0)
        must(call_query_cancel(race->call, &race->cancel));
    atomic_store(&race->begins, 0);
    atomic_store(&race->firsts, 0);
    atomic_store(&race->released, 0);
}

/* Some rounds begin with every worker held, so that calls stay queued until a thread is half way. */
static void plan_round(void)
{
    chapter.held_round = draw(&chapter.random, 3) == 0;
    chapter.opened = !chapter.held_round;
    if (chapter.held_round) {
        job_init(&chapter.held, NULL, S_OK);
        for (int i = 0; i < chapter.workers; i++)
            enter_job(chapter.holders[i], HOLD, &chapter.held);
    }
    for (int i = 0; i < SLOTS; i++)
        plan_race(&chapter.races[i]);
}

static void open_the_workers(void)
{
    (void)pthread_mutex_lock(&chapter.opening);
    if (!chapter.opened)
        gate_open(&chapter.held.release);
    chapter.opened = true;
    (void)pthread_mutex_unlock(&chapter.opening);
}

static record_t *record_begun(const race_t *race)
{
    for (int i = 0; i < 2 && race->records[i] != NULL; i++)
        if (atomic_load(&race->records[i]->begun))
            return race->records[i];
    return NULL;
}

/* What is waited for may have many before it, which take their time on a machine that is shared. */
typedef struct patience_t {
    unsigned long ended;
    uint64_t end;
} patience_t;

static bool is_over(patience_t *patience)
{
    unsigned long ended = atomic_load(&methods_ended);
    if (patience->end == 0 || ended != patience->ended)
        *patience = (patience_t){ended, now_us() + (uint64_t)hang_ms() * 1000};
    return now_us() > patience->end;
}

/* Finishes what the race left in progress. */
static void settle_call(race_t *race, record_t *record)
{
    patience_t patience = {.end = 0};
    while (!finish_race(race, record, false)) {
        if (atomic_load(&record->context) != 0 && atomic_load(&record->completions) == 0)
            (void)book_completion(record);
        if (is_over(&patience))
            bail_out("call %" PRIu64 " (behavior %d) does not end: a hang", record->id, (int)record->behavior);
        (void)sched_yield();
    }
}

/* An abandoned method is left for the next race of the object, or completed now. */
static void carry_on(race_t *race, record_t *record, bool finished)
{
    bool open = atomic_load(&record->context) != 0 && atomic_load(&record->completions) == 0;
    bool carries = race->records[0]->id % 4 != 0;
    if (open && carries)
        race->old = record;
    else if (open && book_completion(record) != S_OK)
        broke(RULE_LATE_COMPLETION, record, "complete of an abandoned method", RPC_E_CALL_COMPLETE);
    if (race->cancel.id != 0 && finished && carries)
        race->old_cancel = race->cancel;
    else if (race->cancel.id != 0)
        must(call_cancel_release(race->cancel));
}

/* What one thread does when all have played. */
static void settle_race(race_t *race)
{
    bool released = atomic_load(&race->released) != 0;
    record_t *record = record_begun(race);
    for (int i = 0; i < 2 && race->records[i] != NULL; i++) {
        atomic_store(&race->records[i]->let_go, 1);
        race->records[i]->released = released;
    }
    if (atomic_load(&race->begins) != 1 && !(released && record == NULL))
        broke(RULE_ONE_BEGIN, race->records[0], "the round", S_OK);
    if (atomic_load(&race->firsts) > 1)
        broke(RULE_ONE_CANCEL, race->records[0], "the round", S_OK);
    if (record != NULL && !released && atomic_load(&record->ends) == 0)
        settle_call(race, record);
    if (race->again != NULL && atomic_load(&race->again->begun))
        settle_call(race, race->again);
    if (record != NULL)
        carry_on(race, record, !released);
    else if (race->cancel.id != 0)
        must(call_cancel_release(race->cancel));
    if (released)
        race->call.id = 0;
}

/* Completes what nobody completed: methods of released calls, which may start only now. */
static void complete_the_rest(void)
{
    for (size_t i = 0; i < chapter.record_count; i++) {
        record_t *record = &chapter.records[i];
        if (atomic_load(&record->context) != 0 && atomic_load(&record->completions) == 0)
            (void)book_completion(record);
    }
}

static void await_destruction(void)
{
    patience_t patience = {.end = 0};
    for (subject_t *subject = chapter.subjects; subject != NULL; subject = subject->next)
        while (atomic_load(&subject->destroyed) == 0) {
            complete_the_rest();
            if (is_over(&patience))
                bail_out("an object is not destroyed (entered %u, left %u): a hang",
                         atomic_load(&subject->entries), atomic_load(&subject->exits));
            (void)sched_yield();
        }
}

static void open_chapter(void)
{
    call_apartment_options_t options = {.size = sizeof options, .workers = WORKERS, .max_workers = WORKERS};
    bool serial = draw(&chapter.random, SERIAL_ONE_IN) == 0;
    if (serial)
        options = (call_apartment_options_t){.size = sizeof options, .kind = CALL_APARTMENT_SERIAL};
    must(call_apartment_create(&options, &chapter.apartment));
    chapter.workers = serial ? 1 : WORKERS;
    atomic_store(&is_serial, serial);
    chapter.subjects = NULL;
    chapter.record_count = 0;
    memset(chapter.races, 0, sizeof chapter.races);
    target_create(&chapter.blocker, chapter.apartment);
    for (int i = 0; i < chapter.workers; i++)
        chapter.holders[i] = new_call(&chapter.blocker);
}

static void close_chapter(void)
{
    for (int i = 0; i < SLOTS; i++) {
        race_t *race = &chapter.races[i];
        play_old(race, AT_ONCE);
        if (race->call.id != 0)
            must(call_release(race->call));
        must(call_object_release(race->subject->object));
    }
    await_destruction();
    for (int i = 0; i < chapter.workers; i++)
        must(call_release(chapter.holders[i]));
    target_destroy(&chapter.blocker);
    must(call_apartment_close(chapter.apartment, hang_ms(), NULL));
    must(call_apartment_release(chapter.apartment));
    for (size_t i = 0; i < chapter.record_count; i++)
        audit(&chapter.records[i]);
    for (subject_t *next = chapter.subjects; next != NULL; next = chapter.subjects) {
        chapter.subjects = next->next;
        free(next);
    }
}

static uint64_t expected_of_each(void)
{
    uint64_t expected = (uint64_t)EXPECTED_OF_EACH * races_wanted / DEFAULT_RACES;
    return expected == 0 ? 1 : expected;
}

/* So many, and more while an outcome is rare: the machine decides who comes first. */
static bool through(void)
{
    if (races_done < races_wanted)
        return false;
    if (races_end == 0)
        races_end = now_us() + (uint64_t)hang_ms() * 1000;
    bool rare = false;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        rare |= atomic_load(&outcomes[i]) < expected_of_each();
    return !rare || now_us() > races_end;
}

/* One thread, between rounds. */
static void turn_the_page(unsigned round)
{
    if (chapter.held_round)
        for (int i = 0; i < chapter.workers; i++)
            must(finish(chapter.holders[i]));
    chapter.held_round = false;
    races_done += SLOTS;
    (void)atomic_fetch_add(&rounds_done, 1);
    if (round % ROUNDS == ROUNDS - 1 || races_done >= races_wanted) {
        close_chapter();
        atomic_store(&over, through());
        if (!atomic_load(&over))
            open_chapter();
    }
    if (!atomic_load(&over))
        plan_round();
}

static void *race_main(void *argument)
{
    uint32_t thread = *(const uint32_t *)argument;
    for (unsigned round = 0; !atomic_load(&over); round++) {
        for (int i = 0; i < SLOTS; i++) {
            if (i == SLOTS / 2)
                open_the_workers();
            play(&chapter.races[i], thread);
        }
        (void)pthread_barrier_wait(&barrier);
        for (uint32_t i = thread; i < SLOTS; i += THREADS)
            settle_race(&chapter.races[i]);
        (void)pthread_barrier_wait(&barrier);
        if (thread == 0)
            turn_the_page(round);
        (void)pthread_barrier_wait(&barrier);
    }
    return NULL;
}

/* Joins a thread as long as rounds go by, or methods end. */
static void join_racer(pthread_t racer)
{
    unsigned long seen = 0, ended = 0;
    struct timespec end;
    do {
        seen = atomic_load(&rounds_done);
        ended = atomic_load(&methods_ended);
        (void)clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += hang_ms() / 1000;
        if (pthread_timedjoin_np(racer, NULL, &end) == 0)
            return;
    } while (atomic_load(&rounds_done) != seen || atomic_load(&methods_ended) != ended);
    bail_out("after %lu rounds no other ended: a hang", seen);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL || *text == '\0' ? otherwise : strtoull(text, NULL, 0);
}

static size_t heap_in_use(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

static void run_races(void)
{
    pthread_t racers[THREADS];
    uint32_t numbers[THREADS];
    if (pthread_barrier_init(&barrier, NULL, THREADS) != 0)
        bail_out("no barrier");
    open_chapter();
    plan_round();
    for (uint32_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        if (pthread_create(&racers[i], NULL, race_main, &numbers[i]) != 0)
            bail_out("no thread");
    }
    for (uint32_t i = 0; i < THREADS; i++)
        join_racer(racers[i]);
    (void)pthread_barrier_destroy(&barrier);
}

/* The memory of dropped results is free again: kept, it would show. */
static void check_heap(size_t before, size_t after)
{
    enum { ENOUGH = 1 << 20 };
    uint64_t dropped = atomic_load(&dropped_bytes);
    size_t grown = after > before ? after - before : 0;
    diag("%" PRIu64 " bytes of output were dropped; the heap has grown by %zu bytes", dropped, grown);
    if (after == 0 || dropped < ENOUGH)
        skip("no figures of this allocator, or too few races", "results that are not delivered are freed");
    else
        ok(grown < dropped / 2, "results that are not delivered are freed");
}

static void races_end_well(void)
{
    races_wanted = (unsigned long)number_of("CALL_RACES", DEFAULT_RACES);
    chapter.random = number_of("CALL_SEED", now_us());
    diag("%lu races, CALL_SEED=%" PRIu64, races_wanted, chapter.random);
    size_t before = heap_in_use();
    uint64_t from = now_us();
    run_races();
    uint64_t took = now_us() - from;
    diag("%lu races in %" PRIu64 " ms", races_done, took / 1000);
    for (int i = 0; i < RULE_COUNT; i++)
        ok_u64(atomic_load(&broken[i]), 0, "%s", rule_texts[i]);
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        unsigned long seen = atomic_load(&outcomes[i]);
        ok(seen >= expected_of_each(), "%8lu %s", seen, outcome_texts[i]);
    }
    check_heap(before, heap_in_use());
}

static const tap_test_t tests[] = {
    TAP_TEST(races_end_well),
};

TAP_MAIN(tests)
