/* Completion queues: tags and completions arrive once, in order, whatever became of the call and
 * wherever its object lives.
 *
 *   CALL_QUEUE_POSTS  how many tags each producer posts (20000) */
#include "place.h"
#include "queues.h"

enum { PRODUCERS = 3, CONSUMERS = 3, POSTS = 20000, BEGINS = 200, NUMBER_BITS = 32 };

static void tags_come_in_order(void)
{
    call_queue_t queue = new_queue();
    call_completion_t taken[8];
    size_t count = 7;
    ok_hr(call_queue_next(queue, taken, 8, 0, &count), RPC_S_CALLPENDING, "an empty queue has nothing");
    ok_u64(count, 0, "and says so");
    for (uint64_t tag = 10; tag < 20; tag++)
        ok_hr(call_queue_post(queue, tag), S_OK, "tag %u is taken", (unsigned)tag);
    ok_hr(call_queue_next(queue, taken, 0, 0, &count), E_INVALIDARG, "room for none is refused");
    static const size_t expected[] = {3, 3, 3, 1};
    uint64_t next = 10;
    for (size_t i = 0; i < 4; i++) {
        must(call_queue_next(queue, taken, 3, CALL_INFINITE, &count));
        ok_u64(count, expected[i], "with room for 3 of 10 the %zu. time", i + 1);
        for (size_t at = 0; at < count; at++, next++)
            ok(taken[at].tag == next && taken[at].call.id == 0, "tag %u, of no call", (unsigned)next);
    }
    ok_hr(poll_queue(queue), RPC_S_CALLPENDING, "and then nothing");
    must(call_queue_release(queue));
}

static void a_wait_ends_with_its_time_or_a_tag(void)
{
    call_queue_t queue = new_queue();
    caller_t waiter = {.run = run_next, .data = &queue, .number = CALL_INFINITE};
    uint64_t from = now_us();
    size_t count = 7;
    call_completion_t taken;
    ok_hr(call_queue_next(queue, &taken, 1, 20, &count), RPC_S_CALLPENDING, "the time is over");
    ok(now_us() - from >= 19000, "and not before: %u us", (unsigned)(now_us() - from));
    caller_start(&waiter);
    caller_settle(&waiter);
    must(call_queue_post(queue, 5));
    ok_hr(caller_join(&waiter), S_OK, "a tag wakes who waits without end");
    ok_u64(waiter.len, 1, "with the one");
    must(call_queue_release(queue));
}

/* A queue with its producers and consumers. */
typedef struct market_t {
    call_queue_t queue;
    unsigned posts;
    atomic_uint producer, consumer, refused;
    atomic_uchar *seen; /* by producer and number */
    atomic_uint taken, disorder, again;
    atomic_uint of_consumer[CONSUMERS];
} market_t;

static void *produce(void *argument)
{
    market_t *market = argument;
    uint64_t self = atomic_fetch_add(&market->producer, 1);
    for (uint64_t i = 0; i < market->posts; i++)
        if (call_queue_post(market->queue, self << NUMBER_BITS | i) != S_OK)
            (void)atomic_fetch_add(&market->refused, 1);
    return NULL;
}

/* Takes until the queue is closed and empty; what one takes of a producer's must come in order. */
static void *consume(void *argument)
{
    market_t *market = argument;
    unsigned self = atomic_fetch_add(&market->consumer, 1);
    uint64_t least[PRODUCERS] = {0};
    call_completion_t taken[16];
    size_t count;
    call_hresult_t result;
    while ((result = call_queue_next(market->queue, taken, 1 + self * 5, hang_ms(), &count)) == S_OK) {
        for (size_t i = 0; i < count; i++) {
            uint64_t from = taken[i].tag >> NUMBER_BITS, number = taken[i].tag & UINT32_MAX;
            atomic_fetch_add(&market->disorder, number < least[from]);
            least[from] = number + 1;
            atomic_fetch_add(&market->again, atomic_fetch_add(&market->seen[from * market->posts + number], 1));
        }
        atomic_fetch_add(&market->taken, (unsigned)count);
        atomic_fetch_add(&market->of_consumer[self], (unsigned)count);
    }
    if (result != RPC_E_DISCONNECTED)
        must(result);
    return NULL;
}

static void trade(unsigned consumers)
{
    market_t market = {.queue = new_queue(), .posts = asked_for("CALL_QUEUE_POSTS", POSTS)};
    pthread_t producer[PRODUCERS], consumer[CONSUMERS];
    unsigned all = PRODUCERS * market.posts;
    market.seen = calloc(all, sizeof *market.seen);
    for (unsigned i = 0; i < consumers; i++)
        (void)pthread_create(&consumer[i], NULL, consume, &market);
    for (unsigned i = 0; i < PRODUCERS; i++)
        (void)pthread_create(&producer[i], NULL, produce, &market);
    for (unsigned i = 0; i < PRODUCERS; i++)
        (void)pthread_join(producer[i], NULL);
    must(call_queue_close(market.queue));
    for (unsigned i = 0; i < consumers; i++)
        (void)pthread_join(consumer[i], NULL);
    ok_u64(market.refused, 0, "%u producers post %u tags", PRODUCERS, all);
    ok_u64(market.taken, all, "%u consumers take them all", consumers);
    ok_u64(market.again, 0, "none twice");
    ok_u64(market.disorder, 0, "each sees what a producer posted in its order");
    for (unsigned i = 0; i < consumers; i++)
        diag("consumer %u of %u took %u", i + 1, consumers, atomic_load(&market.of_consumer[i]));
    free(market.seen);
    must(call_queue_release(market.queue));
}

static void one_consumer_sees_each_producers_order(void)
{
    trade(1);
}

static void several_consumers_share_what_comes(void)
{
    trade(CONSUMERS);
}

/* Hundreds of begins of two calls: one completion for each, with its own tag. */
static void each_begin_completes_once(const place_t *place, const char *kind)
{
    call_queue_t queue = new_queue();
    call_t calls[] = {queued_call(&place->target, queue, 1), queued_call(&place->target, queue, 2)};
    unsigned right = 0, finished = 0;
    for (unsigned i = 0; i < BEGINS; i++) {
        must(call_begin(calls[0], ECHO, "a", 1));
        must(call_begin(calls[1], ECHO, "b", 1));
        unsigned tags = 0;
        for (int at = 0; at < 2; at++) {
            call_completion_t taken = take_one(queue);
            unsigned tag = (unsigned)taken.tag;
            tags |= tag;
            right += tag >= 1 && tag <= 2 && taken.call.id == calls[tag - 1].id;
            finished += call_try_finish(taken.call, NULL, 0, NULL) == S_OK;
        }
        right += tags == 3;
    }
    ok_u64(right, 3 * BEGINS, "[%s] each begin arrives with its tag and its call", kind);
    ok_u64(finished, 2 * BEGINS, "[%s] complete, to be finished without waiting", kind);
    ok_hr(poll_queue(queue), RPC_S_CALLPENDING, "[%s] and nothing arrives besides", kind);
    must(call_release(calls[0]));
    must(call_release(calls[1]));
    must(call_queue_release(queue));
}

static void set_for_the_next_begins_only(const place_t *place, const char *kind)
{
    call_queue_t first = new_queue(), second = new_queue();
    call_t call = queued_call(&place->target, first, 1);
    job_t job;
    job_init(&job, NULL, S_OK);
    enter_job(call, DEFER, &job);
    ok_hr(call_set_queue(call, second, 2), S_OK, "[%s] another queue during a call", kind);
    must(call_context_complete(job.context, S_OK));
    ok_u64(take_one(first).tag, 1, "[%s] the call arrives where it was begun for", kind);
    must(finish(call));
    must(call_begin(call, ECHO, NULL, 0));
    ok_u64(take_one(second).tag, 2, "[%s] the next one in the other", kind);
    must(finish(call));
    ok_hr(call_set_queue(call, (call_queue_t){0}, 0), S_OK, "[%s] the null queue ends that", kind);
    must(call_begin(call, ECHO, NULL, 0));
    ok_hr(finish(call), S_OK, "[%s] a call without a queue is finished as ever", kind);
    ok_hr(poll_queue(first), RPC_S_CALLPENDING, "[%s] nothing is in the one", kind);
    ok_hr(poll_queue(second), RPC_S_CALLPENDING, "[%s] nor in the other", kind);
    must(call_release(call));
    must(call_queue_release(first));
    must(call_queue_release(second));
}

static void at_each_kind(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        place_t place;
        place_open(&place, place_kinds[kind].kind);
        each_begin_completes_once(&place, place_kinds[kind].name);
        set_for_the_next_begins_only(&place, place_kinds[kind].name);
        place_close(&place);
    }
}

/* The thread that waits in the queue is the one that serves the apartment. */
static void who_waits_serves_its_apartment(void)
{
    place_t place = {.kind = CALL_APARTMENT_SINGLE};
    call_queue_t queue = new_queue();
    place_make(&place);
    target_create(&place.target, place.apartment);
    call_t call = queued_call(&place.target, queue, 9);
    must(call_begin(call, ECHO, "own", 3));
    ok_u64(atomic_load(&place.target.entries), 0, "[single] the owner has not served it yet");
    ok_u64(take_one(queue).tag, 9, "[single] its owner serves it while it waits in a queue");
    ok_hr(finish(call), S_OK, "[single] and finishes it");
    must(call_release(call));
    must(call_queue_release(queue));
    target_destroy(&place.target);
    must(call_apartment_close(place.apartment, 0, NULL));
    must(call_apartment_release(place.apartment));
}

/* A method that begins another one at home and waits for it in a queue. */
static call_hresult_t wait_inside(job_t *job)
{
    call_queue_t queue = new_queue();
    call_t call;
    must(call_create(job->object, &call));
    must(call_set_queue(call, queue, 4));
    must(call_begin(call, ECHO, NULL, 0));
    job->numbers[0] = take_one(queue).tag;
    job->codes[0] = finish(call);
    must(call_release(call));
    must(call_queue_release(queue));
    return S_OK;
}

static void a_method_waits_in_a_queue(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        place_t place = {.kind = place_kinds[kind].kind};
        job_t job;
        bool multi = place.kind == CALL_APARTMENT_MULTI;
        if (multi) {
            place.apartment = apartment_of(1, 2, 0);
            target_create(&place.target, place.apartment);
        } else {
            place_open(&place, place.kind);
        }
        job_init(&job, NULL, S_OK);
        job.run = wait_inside;
        job.object = place.target.object;
        call_t call = new_call(&place.target);
        begin_job(call, RUN, &job);
        ok_hr(finish(call), S_OK, "[%s] a method of its only thread waits in a queue", place_kinds[kind].name);
        ok_u64(job.numbers[0], 4, "[%s] for a method of the same apartment, which runs", place_kinds[kind].name);
        ok_hr(job.codes[0], S_OK, "[%s] and is finished", place_kinds[kind].name);
        must(call_release(call));
        place_close(&place);
    }
}

static const tap_test_t tests[] = {
    TAP_TEST(tags_come_in_order),
    TAP_TEST(a_wait_ends_with_its_time_or_a_tag),
    TAP_TEST(one_consumer_sees_each_producers_order),
    TAP_TEST(several_consumers_share_what_comes),
    TAP_TEST(at_each_kind),
    TAP_TEST(who_waits_serves_its_apartment),
    TAP_TEST(a_method_waits_in_a_queue),
};

TAP_MAIN(tests)
