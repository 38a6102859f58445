/* The trace hook: each step of each call once and in order, and nothing when turned off.
 *
 *   CALL_TRACED   how many calls of each kind are traced (300)
 *   CALL_OBJECTS  how many have calls that are canceled while tracking begins and ends (20000) */
#include "distance_support.h"
#include "measure.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

enum { STEPS = CALL_TRACE_LATE_END, MARKS = 64, PLAIN_CALLS = 20000, BLOCKS = 7 };
static const char step_letters[STEPS + 2] = "?BSCXFL"; /* begin, start, cancel, complete, finish, late end */

/* The steps of the traced calls, in their order. */
static struct trace_t {
    pthread_mutex_t lock;
    char steps[MARKS];
    unsigned count, wrong;
    uint64_t only; /* the call object whose steps are kept */
    pthread_t canceled_on;
    uint32_t states[STEPS + 1], causes[STEPS + 1];
    char method[48];
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_step(void *user, uint32_t step, const call_info_t *info)
{
    (void)pthread_mutex_lock(&trace.lock);
    trace.wrong += user != &trace || step == 0 || step > STEPS;
    if (info->call.id == trace.only && step <= STEPS && trace.count + 1 < MARKS) {
        trace.steps[trace.count++] = step_letters[step];
        trace.steps[trace.count] = '\0';
        trace.states[step] = info->state;
        trace.causes[step] = info->cause;
        (void)snprintf(trace.method, sizeof trace.method, "%s", info->method_name);
        if (step == CALL_TRACE_CANCEL)
            trace.canceled_on = pthread_self();
    }
    (void)pthread_mutex_unlock(&trace.lock);
}

static void trace_only(call_t call)
{
    (void)pthread_mutex_lock(&trace.lock);
    trace.only = call.id;
    trace.count = 0;
    trace.steps[0] = '\0';
    (void)pthread_mutex_unlock(&trace.lock);
}

static bool seen(char letter)
{
    (void)pthread_mutex_lock(&trace.lock);
    bool there = strchr(trace.steps, letter) != NULL;
    (void)pthread_mutex_unlock(&trace.lock);
    return there;
}

/* A step of another thread may come a moment after what it tells of. Once one was lost nobody waits long. */
static void until_seen(char letter)
{
    static bool lost;
    for (uint64_t end = lost ? now_us() + 10000 : hang_end_us(); !seen(letter); pause_us(50))
        if (now_us() > end) {
            lost = true;
            return;
        }
}

static const char *steps_when_there(const char *wanted)
{
    static char steps[MARKS];
    for (const char *letter = wanted; *letter != '\0'; letter++)
        until_seen(*letter);
    (void)pthread_mutex_lock(&trace.lock);
    memcpy(steps, trace.steps, sizeof steps);
    (void)pthread_mutex_unlock(&trace.lock);
    return steps;
}

/* The same steps, each as often, whatever the order. */
static bool same_steps(const char *steps, const char *wanted)
{
    bool same = strlen(steps) == strlen(wanted);
    for (const char *letter = wanted; *letter != '\0'; letter++)
        same = same && strchr(steps, *letter) != NULL && strchr(steps, *letter) == strrchr(steps, *letter);
    return same;
}

/* The ways of a call, with the steps that it takes. */
typedef enum way_t { RESULT, IN_QUEUE, STOPPED, GIVEN_UP, RELEASED, DEFERRED, WAYS } way_t;
static const struct {
    const char *name, *steps;
    uint32_t method;
} ways[WAYS] = {
    [RESULT] = {"finished", "BSXF", ECHO},
    [IN_QUEUE] = {"canceled in the queue", "BCXF", ECHO},
    [STOPPED] = {"stopped by its method", "BSCXF", RUN},
    [GIVEN_UP] = {"abandoned", "BSCXFL", HOLD},
    [RELEASED] = {"released unseen", "BSX", HOLD},
    [DEFERRED] = {"deferred", "BSXF", DEFER},
};

static call_hresult_t stop_when_canceled(job_t *job)
{
    gate_open(&job->entered);
    call_hresult_t seen_code = call_context_wait_cancel(job->context, hang_ms());
    if (job->numbers[0] != 0)
        until_seen('C');
    return seen_code;
}

/* With `gated` each thing is done when the step before was seen, so that the order is certain; without, its cancel is the
 * one that waits. */
static void go(target_t *target, call_t call, way_t way, bool gated)
{
    job_t job, held, *pointer = &job;
    call_t first = new_call(target);
    job_init(&job, NULL, S_OK);
    job.run = stop_when_canceled;
    job.numbers[0] = gated;
    job_init(&held, NULL, S_OK);
    if (way == IN_QUEUE)
        enter_job(first, HOLD, &held);
    call_cancel_t cancel = cancel_of(call);
    must(call_begin(call, ways[way].method, &pointer, sizeof pointer));
    if (ways[way].method != ECHO)
        gate_wait(&job.entered);
    if (way == IN_QUEUE || way == STOPPED || way == GIVEN_UP)
        (void)(gated ? call_request_cancel : call_cancel)(cancel, way == STOPPED ? CALL_INFINITE : 0);
    if (way == DEFERRED)
        must(call_context_complete(job.context, S_OK));
    if (gated && strchr(ways[way].steps, 'C') != NULL)
        until_seen('C');
    if (gated && way != RELEASED)
        until_seen('X');
    if (way == RELEASED)
        must(call_release(call));
    else
        (void)finish(call);
    if (way == GIVEN_UP || way == RELEASED)
        gate_open(&job.release);
    if (way == GIVEN_UP || way == RELEASED || way == STOPPED)
        gate_wait(&job.left);
    if (way == IN_QUEUE) {
        gate_open(&held.release);
        must(finish(first));
    }
    must(call_cancel_release(cancel));
    must(call_release(first));
}

static void trace_way(target_t *target, const char *kind, way_t way, bool gated)
{
    unsigned rounds = length_of("CALL_TRACED", 300), right = 0;
    const char *wanted = ways[way].steps;
    char other[MARKS + 8] = "";
    for (unsigned i = 0; i < rounds; i++) {
        call_t call = new_call(target);
        trace_only(call);
        go(target, call, way, gated);
        const char *steps = steps_when_there(wanted);
        bool fits = gated ? strcmp(steps, wanted) == 0 : same_steps(steps, wanted);
        right += fits;
        if (!fits)
            (void)snprintf(other, sizeof other, ", not %s", steps);
        if (way != RELEASED)
            must(call_release(call));
    }
    ok_u64(right, rounds, "%s: a call that is %s has the steps %s, %s%s", kind, ways[way].name, wanted,
           gated ? "in this order" : "each once, whatever comes in between", other);
}

static void steps_of_calls(void)
{
    must(call_set_trace(take_step, &trace));
    for (uint32_t kind = 0; kind <= CALL_APARTMENT_SERIAL; kind++) {
        home_t home;
        target_t target;
        home_open(&home, kind, 1);
        target_create(&target, home.apartment);
        for (way_t way = 0; way < WAYS; way++) {
            trace_way(&target, kind_name(kind), way, true);
            trace_way(&target, kind_name(kind), way, false);
        }
        target_destroy(&target);
        home_close(&home);
    }
    ok_u64(trace.wrong, 0, "with the program's pointer, and no other step");
    must(call_set_trace(NULL, NULL));
}

static call_cancel_t to_cancel;
static volatile sig_atomic_t handler_gave;

static void on_signal(int number)
{
    (void)number;
    handler_gave = call_request_cancel(to_cancel, 0);
}

static void cancel_from_a_signal_handler(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    must(call_set_trace(take_step, &trace));
    trace_only(scene.call);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, HOLD, &job);
    to_cancel = cancel_of(scene.call);
    (void)signal(SIGUSR1, on_signal);
    (void)raise(SIGUSR1);
    ok_hr((call_hresult_t)handler_gave, S_OK, "a signal handler cancels");
    until_seen('X');
    (void)finish(scene.call);
    gate_open(&job.release);
    ok_str(steps_when_there("BSCXFL"), "BSCXFL", "the hook sees it once, and what comes of it");
    ok(pthread_equal(trace.canceled_on, pthread_self()) == 0, "on another thread than that of the handler");
    ok_u64(trace.causes[CALL_TRACE_CANCEL], CALL_CAUSE_CANCEL, "with its cause");
    ok_u64(trace.causes[CALL_TRACE_LATE_END], CALL_CAUSE_CANCEL, "also at the late end");
    ok_u64(trace.states[CALL_TRACE_LATE_END], CALL_STATE_COMPLETE, "where nothing runs any more");
    ok_str(trace.method, "hold", "and the method's name");
    must(call_set_trace(NULL, NULL));
    must(call_cancel_release(to_cancel));
    scene_close(&scene);
}

/* A hook that makes calls itself. */
static target_t hook_target;
static atomic_uint hook_runs, hook_failed;

static void make_a_call(void *user, uint32_t step, const call_info_t *info)
{
    call_t call;
    call_counters_t counters = {.size = sizeof counters};
    (void)user;
    (void)step;
    (void)atomic_fetch_add(&hook_runs, 1);
    bool failed = call_create(hook_target.object, &call) != S_OK || call_begin(call, ECHO, "x", 1) != S_OK ||
                  call_release(call) != S_OK || call_get_counters(&counters) != S_OK || info->context.id == 0;
    (void)atomic_fetch_add(&hook_failed, failed);
}

static void hook_that_calls(void)
{
    scene_t scene;
    call_apartment_t apartment = apartment_of(1, 1, 0);
    scene_open(&scene, 1);
    target_create(&hook_target, apartment);
    must(call_begin(scene.call, ECHO, "x", 1));
    must(finish(scene.call));
    must(call_set_trace(make_a_call, NULL));
    must(call_begin(scene.call, ECHO, "x", 1));
    must(finish(scene.call));
    /* The finish comes from this thread, so that is the last of the four. */
    for (uint64_t end = hang_end_us(); atomic_load(&hook_runs) < 4;)
        not_past(end, "the fourth step");
    must(call_set_trace(NULL, NULL));
    ok_u64(atomic_load(&hook_failed), 0, "a hook makes calls itself");
    for (uint64_t end = hang_end_us(); atomic_load(&hook_target.exits) < atomic_load(&hook_runs);)
        not_past(end, "the calls of the hook");
    unsigned runs = atomic_load(&hook_runs);
    must(call_begin(scene.call, ECHO, "x", 1));
    must(finish(scene.call));
    ok_u64(atomic_load(&hook_runs), runs, "a hook that was turned off does not run");
    ok_u64(runs, 4, "what a hook does is not traced itself");
    target_destroy(&hook_target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
    scene_close(&scene);
}

static void nothing(void *user, uint32_t step, const call_info_t *info)
{
    (void)user;
    (void)step;
    (void)info;
}

static uint64_t ns_per_call(scene_t *scene)
{
    uint64_t from = now_ns();
    for (int i = 0; i < PLAIN_CALLS / BLOCKS; i++) {
        must(call_begin(scene->call, ECHO, "x", 1));
        must(finish(scene->call));
    }
    return (now_ns() - from) / (PLAIN_CALLS / BLOCKS);
}

/* Told, not judged. */
static void what_it_costs(void)
{
    scene_t scene;
    uint64_t never[BLOCKS], on[BLOCKS], tracked[BLOCKS], off[BLOCKS];
    scene_open(&scene, 1);
    (void)ns_per_call(&scene);
    for (int i = 0; i < BLOCKS; i++) {
        never[i] = ns_per_call(&scene);
        must(call_set_tracking(1, 0));
        tracked[i] = ns_per_call(&scene);
        must(call_set_trace(nothing, NULL));
        on[i] = ns_per_call(&scene);
        must(call_set_trace(NULL, NULL));
        must(call_set_tracking(0, 0));
        off[i] = ns_per_call(&scene);
    }
    diag("ns per call, medians: %llu off, %llu tracked, %llu traced, %llu off again",
         (unsigned long long)median_of(never, BLOCKS), (unsigned long long)median_of(tracked, BLOCKS),
         (unsigned long long)median_of(on, BLOCKS), (unsigned long long)median_of(off, BLOCKS));
    ok_u64(atomic_load(&hook_failed), 0, "no hook failed");
    scene_close(&scene);
}

static call_hresult_t toggle(caller_t *self)
{
    atomic_bool *over = self->data;
    while (!atomic_load(over)) {
        must(call_set_tracking(1, 0));
        must(call_set_tracking(0, 0));
        (void)sched_yield();
    }
    return S_OK;
}

/* What a cancel sees of it first and last may differ: nothing stays with the call. Where its object did, this hangs. */
static void tracking_that_ends_meanwhile(void)
{
    unsigned objects = length_of("CALL_OBJECTS", 20000);
    scene_t scene;
    atomic_bool over = false;
    caller_t toggler = {.run = toggle, .data = &over};
    scene_open(&scene, 1);
    caller_start(&toggler);
    unsigned destroyed = 0;
    for (unsigned i = 0; i < objects; i++) {
        target_t target;
        job_t job;
        target_create(&target, scene.apartment);
        call_t call = new_call(&target);
        call_cancel_t cancel = cancel_of(call);
        job_init(&job, NULL, S_OK);
        enter_job(call, DEFER, &job);
        must(call_request_cancel(cancel, CALL_INFINITE));
        must(call_context_complete(job.context, RPC_E_CALL_CANCELED));
        (void)finish(call);
        must(call_cancel_release(cancel));
        must(call_release(call));
        target_destroy(&target);
        destroyed++;
    }
    atomic_store(&over, true);
    caller_join(&toggler);
    ok_u64(destroyed, objects, "objects whose calls were canceled while tracking began and ended are destroyed");
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(steps_of_calls), TAP_TEST(cancel_from_a_signal_handler), TAP_TEST(hook_that_calls),
    TAP_TEST(tracking_that_ends_meanwhile), TAP_TEST(what_it_costs),
};

TAP_MAIN(tests)
