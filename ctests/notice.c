/* Whoever waits for a cancel notices it: each way to wait, in each kind of apartment, and each way to
 * ask. Times are told, not judged.
 *
 *   CALL_NOTICES  how many cancels per way (51) */
#include "place.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOTICES = 51, LONG_SECONDS = 3600, LOOKS = 1024 };

typedef enum way_t { FLAG, TEST, SLEEP, CALLBACK, DESCRIPTOR, WAYS } way_t;
static const char *const way_names[WAYS] = {
    [FLAG] = "polls the flag byte", [TEST] = "loops over test_cancel", [SLEEP] = "sleeps in wait_cancel",
    [CALLBACK] = "has a callback", [DESCRIPTOR] = "is in poll(2)",
};

/* One method that waits for its cancel. */
typedef struct watch_t {
    way_t way;
    atomic_int tid;
    uint64_t noticed_ns;
    bool early; /* what it looks at told of a cancel before there was one */
    gate_t told;
} watch_t;

/* Of the cancel that is being asked for. */
static call_cancel_t target_cancel;
static volatile uint64_t asked_ns;
static volatile sig_atomic_t signal_answer;

static bool out_of_time(uint64_t from_ns)
{
    return now_ns() - from_ns > (uint64_t)hang_ms() * 1000000;
}

static bool watch_flag(job_t *job, watch_t *watch)
{
    const uint8_t *flag;
    uint64_t from = now_ns();
    must(call_context_get_cancel_flag(job->context, &flag));
    watch->early = __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
    gate_open(&job->entered);
    for (unsigned looks = 1; __atomic_load_n(flag, __ATOMIC_ACQUIRE) == 0; looks++)
        if (looks % LOOKS == 0 && out_of_time(from))
            return false;
    return true;
}

static bool watch_test(job_t *job, watch_t *watch)
{
    uint64_t from = now_ns();
    watch->early = call_context_test_cancel(job->context) != RPC_S_CALLPENDING;
    gate_open(&job->entered);
    for (unsigned looks = 1; call_context_test_cancel(job->context) == RPC_S_CALLPENDING; looks++)
        if (looks % LOOKS == 0 && out_of_time(from))
            return false;
    return call_context_test_cancel(job->context) == RPC_E_CALL_CANCELED;
}

static bool watch_sleep(job_t *job, watch_t *watch)
{
    watch->early = call_context_wait_cancel(job->context, 0) != RPC_S_CALLPENDING;
    gate_open(&job->entered);
    /* The null context is this very method. */
    return call_context_wait_cancel((call_context_t){0}, hang_ms()) == RPC_E_CALL_CANCELED;
}

static void on_cancel(void *user)
{
    watch_t *watch = user;
    watch->noticed_ns = now_ns();
    gate_open(&watch->told);
}

static bool watch_callback(job_t *job, watch_t *watch)
{
    must(call_context_on_cancel(job->context, on_cancel, watch));
    watch->early = gate_count(&watch->told) != 0;
    gate_open(&job->entered);
    gate_wait(&watch->told);
    return true;
}

static bool watch_descriptor(job_t *job, watch_t *watch)
{
    struct pollfd entry = {.fd = -1, .events = POLLIN};
    must(call_context_get_cancel_fd(job->context, &entry.fd));
    watch->early = poll(&entry, 1, 0) != 0;
    gate_open(&job->entered);
    return poll(&entry, 1, (int)hang_ms()) == 1 && entry.revents == POLLIN;
}

static call_hresult_t watch_for_cancel(job_t *job)
{
    watch_t *watch = job->data;
    bool noticed = false;
    atomic_store(&watch->tid, (int)syscall(SYS_gettid));
    if (watch->way == FLAG)
        noticed = watch_flag(job, watch);
    else if (watch->way == TEST)
        noticed = watch_test(job, watch);
    else if (watch->way == SLEEP)
        noticed = watch_sleep(job, watch);
    else if (watch->way == CALLBACK)
        noticed = watch_callback(job, watch);
    else
        noticed = watch_descriptor(job, watch);
    if (watch->way != CALLBACK)
        watch->noticed_ns = now_ns();
    return noticed ? RPC_E_CALL_CANCELED : E_FAIL;
}

/* Each asks, and says whether the library took it as a first request. */
typedef bool (*ask_fn)(call_t call);

static bool ask_by_request(call_t call)
{
    (void)call;
    asked_ns = now_ns();
    return call_request_cancel(target_cancel, CALL_INFINITE) == S_OK;
}

static bool ask_and_wait(call_t call)
{
    (void)call;
    asked_ns = now_ns();
    return call_cancel(target_cancel, LONG_SECONDS) == RPC_E_CALL_COMPLETE;
}

static void on_interrupt(int number)
{
    (void)number;
    asked_ns = now_ns();
    signal_answer = call_request_cancel(target_cancel, CALL_INFINITE);
}

static bool ask_by_signal(call_t call)
{
    (void)call;
    signal_answer = E_FAIL;
    (void)raise(SIGINT);
    return signal_answer == S_OK;
}

/* Ctrl-C in a client that waits for its call. */
static bool ask_by_signal_to_a_waiter(call_t call)
{
    caller_t waiter = {.run = run_wait, .call = call, .number = hang_ms()};
    signal_answer = E_FAIL;
    caller_start(&waiter);
    caller_settle(&waiter);
    (void)pthread_kill(waiter.thread, SIGINT);
    return caller_join(&waiter) == S_OK && signal_answer == S_OK;
}

typedef struct tally_t {
    unsigned asked, early, backward, canceled, stopped;
} tally_t;

/* One call, from begin to finish; how long the notice took. */
static uint64_t notice_once(const place_t *place, way_t way, ask_fn ask, tally_t *tally)
{
    watch_t watch = {.way = way};
    job_t job;
    gate_init(&watch.told, "told");
    job_init(&job, NULL, S_OK);
    job.run = watch_for_cancel;
    job.data = &watch;
    call_t call = new_call(&place->target);
    enter_job(call, RUN, &job);
    /* Those that block are to be found blocked. */
    caller_t sleeper = {.tid = atomic_load(&watch.tid)};
    if (way != FLAG && way != TEST)
        caller_settle(&sleeper);
    target_cancel = cancel_of(call);
    tally->asked += ask(call);
    tally->canceled += finish(call) == RPC_E_CALL_CANCELED;
    tally->stopped += fate_of(call) == CALL_FATE_STOPPED;
    gate_wait(&job.left);
    tally->early += watch.early;
    tally->backward += watch.noticed_ns < asked_ns;
    must(call_cancel_release(target_cancel));
    must(call_release(call));
    return watch.noticed_ns - asked_ns;
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static unsigned notices_asked(void)
{
    const char *asked = getenv("CALL_NOTICES");
    long count = asked == NULL ? NOTICES : strtol(asked, NULL, 10);
    return count > 0 ? (unsigned)count : NOTICES;
}

static void notice_often(const place_t *place, const char *kind, way_t way, ask_fn ask, const char *by)
{
    unsigned count = notices_asked();
    uint64_t *took = calloc(count, sizeof *took);
    tally_t tally = {0};
    char who[96];
    (void)snprintf(who, sizeof who, "[%s] TC-6 a method that %s", kind, way_names[way]);
    for (unsigned i = 0; i < count; i++)
        took[i] = notice_once(place, way, ask, &tally);
    ok_u64(tally.early, 0, "%s sees none before", who);
    ok_u64(tally.asked, count, "%s, canceled by %s", who, by);
    ok_u64(tally.canceled, count, "%s notices, and gives RPC_E_CALL_CANCELED", who);
    ok_u64(tally.stopped, count, "%s has stopped", who);
    ok_u64(tally.backward, 0, "%s notices after the request", who);
    qsort(took, count, sizeof *took, by_size);
    diag("[%s] %s, canceled by %s: median %.1f us, longest %.1f us of %u", kind, way_names[way], by,
         (double)took[count / 2] / 1e3, (double)took[count - 1] / 1e3, count);
    free(took);
}

static void notice_everywhere(ask_fn ask, const char *by)
{
    struct sigaction action = {.sa_handler = on_interrupt}, before;
    (void)sigaction(SIGINT, &action, &before);
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        place_t place;
        place_open(&place, place_kinds[kind].kind);
        for (way_t way = FLAG; way < WAYS; way++)
            notice_often(&place, place_kinds[kind].name, way, ask, by);
        place_close(&place);
    }
    (void)sigaction(SIGINT, &before, NULL);
}

static void canceled_by_a_request(void)
{
    notice_everywhere(ask_by_request, "call_request_cancel");
}

static void canceled_by_one_that_waits(void)
{
    notice_everywhere(ask_and_wait, "call_cancel");
}

static void canceled_by_a_signal_handler(void)
{
    notice_everywhere(ask_by_signal, "a SIGINT handler");
}

static void canceled_by_a_signal_to_a_waiter(void)
{
    notice_everywhere(ask_by_signal_to_a_waiter, "a SIGINT handler over call_wait");
}

static const tap_test_t tests[] = {
    TAP_TEST(canceled_by_a_request),
    TAP_TEST(canceled_by_one_that_waits),
    TAP_TEST(canceled_by_a_signal_handler),
    TAP_TEST(canceled_by_a_signal_to_a_waiter),
};

TAP_MAIN(tests)
