/* Methods that wait for calls into apartments that wait for them: A calls B calls A. */
#include "distance_support.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KINDS = CALL_APARTMENT_SERIAL + 1, DEPTH = 24, POLLS = 2000 };

/* How a nested method waits for the call that it made. */
enum { BY_WAIT, BY_BOUNDED_WAIT, BY_FINISH, WAYS };

static const char *const ways[WAYS] = {"wait", "bounded wait", "finish"};

/* Two apartments with an object each. */
typedef struct pair_t {
    home_t homes[2];
    target_t targets[2];
} pair_t;

static void pair_open(pair_t *pair, uint32_t first, uint32_t second, uint32_t max_workers)
{
    const uint32_t kinds[] = {first, second};
    for (int i = 0; i < 2; i++) {
        home_open(&pair->homes[i], kinds[i], max_workers);
        target_create(&pair->targets[i], pair->homes[i].apartment);
    }
}

static void pair_close(pair_t *pair)
{
    for (int i = 0; i < 2; i++)
        target_destroy(&pair->targets[i]);
    for (int i = 0; i < 2; i++)
        home_close(&pair->homes[i]);
}

/* A chain of calls: each method calls the other object and waits. */
typedef struct chain_t {
    pair_t *pair;
    unsigned depth, at;
    atomic_uint entered;
    int way;
    int tids[DEPTH];
    bool asks; /* whether the deepest method waits for the first */
    call_t outermost;
    job_t job; /* here, for a method may outlive its call */
    call_hresult_t for_outermost[3]; /* what it got */
} chain_t;

static call_hresult_t wait_by(int way, call_t call)
{
    call_hresult_t waited = S_OK;
    if (way == BY_WAIT)
        waited = call_wait(call, CALL_INFINITE);
    else if (way == BY_BOUNDED_WAIT)
        waited = call_wait(call, hang_ms());
    return waited == S_OK ? finish(call) : waited;
}

/* A call whose wait was refused would run when its apartment is free again. */
static void give_up(call_t call)
{
    call_cancel_t cancel = cancel_of(call);
    (void)call_cancel(cancel, 0);
    must(call_cancel_release(cancel));
}

static void asleep(int tid)
{
    caller_t sleeper = {.number = 0};
    atomic_init(&sleeper.tid, tid);
    caller_settle(&sleeper);
}

/* Who comes last into a circle of waits is refused: that is to be the deepest method. Where a thread
 * serves while it waits, the methods above are on the deepest one's own stack. */
static void all_above_sleep(const chain_t *chain, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        if (chain->tids[i] != chain->tids[level])
            asleep(chain->tids[i]);
}

static call_hresult_t go_deeper(job_t *job)
{
    chain_t *chain = job->data;
    unsigned level = atomic_fetch_add(&chain->entered, 1);
    bool deepest = level + 1 == chain->depth;
    chain->tids[level] = (int)syscall(SYS_gettid);
    if (deepest && chain->asks) {
        all_above_sleep(chain, level);
        chain->for_outermost[0] = call_wait(chain->outermost, CALL_INFINITE);
        chain->for_outermost[1] = call_wait(chain->outermost, 0);
        chain->for_outermost[2] = call_finish(chain->outermost, NULL, 0, NULL);
    }
    if (deepest)
        return S_FALSE;
    chain->at = 1 - chain->at;
    call_t call = new_call(&chain->pair->targets[chain->at]);
    begin_job(call, RUN, job);
    call_hresult_t result = wait_by(chain->way, call);
    if (result == CALL_E_DEADLOCK)
        give_up(call);
    must(call_release(call));
    return result;
}

static call_hresult_t run_chain(chain_t *chain)
{
    job_init(&chain->job, NULL, S_OK);
    chain->job.run = go_deeper;
    chain->job.data = chain;
    call_t call = new_call(&chain->pair->targets[0]);
    chain->outermost = call;
    begin_job(call, RUN, &chain->job);
    must(call_wait(call, hang_ms()));
    call_hresult_t result = finish(call);
    must(call_release(call));
    return result;
}

static void deadlock_is_seen(const chain_t *chain, const char *what)
{
    ok_hr(chain->for_outermost[0], CALL_E_DEADLOCK,
          "WT-12 %s: the innermost waits for the outermost", what);
    ok_hr(chain->for_outermost[1], CALL_E_DEADLOCK, "WT-12 %s: also with timeout 0", what);
    ok_hr(chain->for_outermost[2], CALL_E_DEADLOCK, "WT-12 %s: also in finish", what);
}

static void a_calls_b_calls_a(void)
{
    for (uint32_t first = 0; first < KINDS; first++) {
        for (uint32_t second = 0; second < KINDS; second++) {
            for (int way = 0; way < WAYS; way++) {
                pair_t pair;
                /* A method that waits for a bounded time on a thread of its own goes on by itself. */
                bool circle = way != BY_BOUNDED_WAIT || first != CALL_APARTMENT_MULTI;
                chain_t chain = {.pair = &pair, .depth = 3, .way = way, .asks = circle};
                char what[64];
                (void)snprintf(what, sizeof what, "%s calls %s calls back, by %s", kind_name(first),
                               kind_name(second), ways[way]);
                pair_open(&pair, first, second, 2);
                ok_hr(run_chain(&chain), S_FALSE, "%s: it completes", what);
                ok_u64(atomic_load(&chain.entered), 3, "%s: in three methods", what);
                if (circle)
                    deadlock_is_seen(&chain, what);
                pair_close(&pair);
            }
        }
    }
}

static void deeper_chains(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        pair_t pair;
        chain_t chain = {.pair = &pair, .depth = DEPTH, .way = BY_FINISH, .asks = true};
        pair_open(&pair, kind, kind, DEPTH / 2);
        ok_hr(run_chain(&chain), S_FALSE, "two %s apartments, %d levels deep", kind_name(kind), DEPTH);
        ok_u64(atomic_load(&chain.entered), DEPTH,
               "two %s apartments: every level ran", kind_name(kind));
        deadlock_is_seen(&chain, kind_name(kind));
        pair_close(&pair);
    }
}

static void chain_that_needs_one_worker_more(void)
{
    pair_t pair;
    chain_t chain = {.pair = &pair, .depth = 3, .way = BY_WAIT};
    pair_open(&pair, CALL_APARTMENT_MULTI, CALL_APARTMENT_MULTI, 1);
    ok_hr(run_chain(&chain), CALL_E_DEADLOCK,
          "WT-12 two multi apartments that may not grow: refused at once");
    pair_close(&pair);
}

typedef struct patience_t {
    call_t other;
    uint32_t timeout_ms;
    atomic_int tid;
} patience_t;

static call_hresult_t wait_with_patience(job_t *job)
{
    patience_t *patience = job->data;
    atomic_store(&patience->tid, (int)syscall(SYS_gettid));
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[0] = call_wait(patience->other, patience->timeout_ms);
    return S_OK;
}

/* The one who waits for ever is not refused: the other's time will be over. */
static void circle_that_time_opens(void)
{
    scene_t scene;
    job_t jobs[2];
    patience_t patience[2];
    scene_open(&scene, 2);
    call_t calls[2] = {scene.call, new_call(&scene.target)};
    for (int i = 0; i < 2; i++) {
        job_init(&jobs[i], NULL, S_OK);
        jobs[i].run = wait_with_patience;
        jobs[i].data = &patience[i];
        patience[i] = (patience_t){.other = calls[1 - i], .timeout_ms = i == 0 ? 500 : CALL_INFINITE};
        begin_job(calls[i], RUN, &jobs[i]);
        gate_wait(&jobs[i].entered);
    }
    gate_open(&jobs[0].release);
    asleep(atomic_load(&patience[0].tid));
    gate_open(&jobs[1].release);
    must(call_wait(calls[0], hang_ms()));
    must(call_wait(calls[1], hang_ms()));
    ok_hr(jobs[0].codes[0], RPC_S_CALLPENDING, "WT-12 a bounded wait in a circle runs out");
    ok_hr(jobs[1].codes[0], S_OK, "WT-12 and the wait for its method ends then");
    for (int i = 0; i < 2; i++)
        must(finish(calls[i]));
    must(call_release(calls[1]));
    scene_close(&scene);
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

static void own_call_is_refused(const job_t *job, const char *where)
{
    ok_hr(job->codes[0], CALL_E_DEADLOCK, "WT-12 %s: a method waits for its own call", where);
    ok_hr(job->codes[1], CALL_E_DEADLOCK, "WT-12 %s: in bounded time", where);
    ok_hr(job->codes[2], CALL_E_DEADLOCK, "WT-12 %s: with timeout 0", where);
    ok_hr(job->codes[3], CALL_E_DEADLOCK, "WT-12 FI-2 %s: in finish", where);
    ok_hr(job->codes[4], RPC_S_CALLPENDING,
          "FI-3 %s: the finish that never blocks waits for nothing", where);
}

static void method_that_waits_for_its_own_call(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_t home;
        target_t target;
        job_t job;
        home_open(&home, kind, 2);
        target_create(&target, home.apartment);
        call_t call = new_call(&target);
        job_init(&job, NULL, S_OK);
        job.run = ask_for_own_call;
        job.call = call;
        begin_job(call, RUN, &job);
        completed(call);
        own_call_is_refused(&job, kind_name(kind));
        ok_hr(finish(call), S_FALSE, "FI-2 %s: the call is as it was", kind_name(kind));
        must(call_release(call));
        target_destroy(&target);
        home_close(&home);
    }
}

/* Begun on this thread: inside `begin` the call cannot end before begin returns. */
static void begin_that_waits_for_its_own_call(void)
{
    server_t server;
    job_t job;
    server_create(&server, (call_apartment_t){0}, &custom_class);
    server.mode = AT_ONCE;
    call_t call = new_call(&server.target);
    job_init(&job, NULL, S_OK);
    job.run = ask_for_own_call;
    job.call = call;
    begin_job(call, RUN, &job);
    own_call_is_refused(&job, "custom");
    ok_hr(finish(call), S_FALSE, "FI-2 custom: the call is as it was");
    must(call_release(call));
    server_destroy(&server);
}

static call_hresult_t wait_for_the_others_call(job_t *job)
{
    job->numbers[3] = (uint64_t)syscall(SYS_gettid);
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[0] = call_wait(job->call, (uint32_t)job->numbers[0]);
    return S_OK;
}

/* Each waits for the other's call: the one who would close the circle is told. */
static void mutual_waits(uint32_t first, uint32_t second, uint32_t timeout_ms)
{
    pair_t pair;
    job_t jobs[2];
    call_t calls[2];
    pair_open(&pair, first, second, 2);
    for (int i = 0; i < 2; i++) {
        calls[i] = new_call(&pair.targets[i]);
        job_init(&jobs[i], NULL, S_OK);
        jobs[i].run = wait_for_the_others_call;
        jobs[i].numbers[0] = timeout_ms;
    }
    for (int i = 0; i < 2; i++) {
        jobs[i].call = calls[1 - i];
        enter_job(calls[i], RUN, &jobs[i]);
    }
    for (int i = 0; i < 2; i++)
        gate_open(&jobs[i].release);
    for (int i = 0; i < 2; i++)
        completed(calls[i]);
    unsigned refused = (jobs[0].codes[0] == CALL_E_DEADLOCK) + (jobs[1].codes[0] == CALL_E_DEADLOCK);
    unsigned served = (jobs[0].codes[0] == S_OK) + (jobs[1].codes[0] == S_OK);
    ok(refused >= 1,
       "WT-12 %s and %s wait for each other: %u refused", kind_name(first), kind_name(second), refused);
    ok_u64(refused + served, 2, "WT-12 and the other's wait ends");
    for (int i = 0; i < 2; i++) {
        must(finish(calls[i]));
        must(call_release(calls[i]));
    }
    pair_close(&pair);
}

static void methods_that_wait_for_each_other(void)
{
    for (uint32_t first = 0; first < KINDS; first++)
        for (uint32_t second = 0; second < KINDS; second++)
            mutual_waits(first, second, CALL_INFINITE);
}

static call_hresult_t poll_the_others_call(job_t *job)
{
    gate_open(&job->entered);
    gate_wait(&job->release);
    for (int i = 0; i < POLLS; i++) {
        call_hresult_t polled = call_wait(job->call, 0);
        job->numbers[1] += polled == RPC_S_CALLPENDING || polled == CALL_E_DEADLOCK;
    }
    return S_OK;
}

static call_hresult_t wait_for_the_own_call(job_t *job)
{
    const call_t *own = job->data;
    gate_open(&job->entered);
    gate_wait(&job->release);
    for (int i = 0; i < POLLS; i++)
        job->numbers[1] += call_wait(*own, CALL_INFINITE) == CALL_E_DEADLOCK;
    return S_OK;
}

/* A method that asks, and is not put to sleep, goes on: another may wait for it. */
static void asker_disturbs_nobody(uint32_t kind, call_hresult_t (*ask)(job_t *job), const char *what)
{
    pair_t pair;
    job_t asking, waiting;
    pair_open(&pair, kind, kind, 2);
    call_t asks = new_call(&pair.targets[0]), waits = new_call(&pair.targets[1]);
    job_init(&asking, NULL, S_OK);
    job_init(&waiting, NULL, S_OK);
    asking.run = ask;
    asking.call = waits;
    asking.data = &asks;
    waiting.run = wait_for_the_others_call;
    waiting.numbers[0] = CALL_INFINITE;
    waiting.call = asks;
    enter_job(asks, RUN, &asking);
    enter_job(waits, RUN, &waiting);
    gate_open(&asking.release);
    gate_open(&waiting.release);
    completed(asks);
    completed(waits);
    ok_hr(waiting.codes[0], S_OK, "WT-12 %s: a wait for a method that %s ends", kind_name(kind), what);
    if (waiting.codes[0] == S_OK)
        ok_u64(asking.numbers[1], POLLS, "WT-2 WT-12 %s: and each time it is told so", kind_name(kind));
    must(finish(asks));
    must(finish(waits));
    must(call_release(asks));
    must(call_release(waits));
    pair_close(&pair);
}

static void asking_is_no_sleep(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        asker_disturbs_nobody(kind, poll_the_others_call, "only polls");
        asker_disturbs_nobody(kind, wait_for_the_own_call, "is refused its own call");
    }
}

enum { OUTER, INNER, BETWEEN, LAST, SLEEPERS };

/* Of four methods that wait, two wait for the same call, one directly and one through another; both
 * are on one thread, which the last waits for. No circle: all end with that call. */
static void two_ways_to_one_call(void)
{
    home_t homes[SLEEPERS];
    target_t targets[SLEEPERS];
    job_t jobs[SLEEPERS], held;
    call_t calls[SLEEPERS];
    scene_t elsewhere;
    scene_open(&elsewhere, 1);
    job_init(&held, NULL, S_OK);
    enter_job(elsewhere.call, HOLD, &held);
    for (int i = 0; i < SLEEPERS; i++) {
        home_open(&homes[i], CALL_APARTMENT_SERIAL, 0);
        target_create(&targets[i], homes[i].apartment);
        job_init(&jobs[i], NULL, S_OK);
        jobs[i].run = wait_for_the_others_call;
        jobs[i].numbers[0] = CALL_INFINITE;
        gate_open(&jobs[i].release);
        calls[i] = new_call(&targets[i == INNER ? OUTER : i]);
    }
    jobs[OUTER].call = calls[BETWEEN];
    jobs[BETWEEN].call = jobs[INNER].call = elsewhere.call;
    jobs[LAST].call = calls[OUTER];
    static const int order[SLEEPERS] = {BETWEEN, OUTER, INNER, LAST};
    for (int i = 0; i < SLEEPERS; i++) {
        enter_job(calls[order[i]], RUN, &jobs[order[i]]);
        asleep((int)jobs[order[i]].numbers[3]);
    }
    gate_open(&held.release);
    for (int i = 0; i < SLEEPERS; i++) {
        completed(calls[i]);
        ok_hr(jobs[i].codes[0], S_OK, "WT-12 two ways to one call are no circle: wait %d ends", i);
        must(finish(calls[i]));
        must(call_release(calls[i]));
    }
    must(finish(elsewhere.call));
    for (int i = 0; i < SLEEPERS; i++) {
        target_destroy(&targets[i]);
        home_close(&homes[i]);
    }
    scene_close(&elsewhere);
}

static const tap_test_t tests[] = {
    TAP_TEST(circle_that_time_opens),
    TAP_TEST(a_calls_b_calls_a),
    TAP_TEST(deeper_chains),
    TAP_TEST(chain_that_needs_one_worker_more),
    TAP_TEST(method_that_waits_for_its_own_call),
    TAP_TEST(begin_that_waits_for_its_own_call),
    TAP_TEST(methods_that_wait_for_each_other),
    TAP_TEST(asking_is_no_sleep),
    TAP_TEST(two_ways_to_one_call),
};

TAP_MAIN(tests)
