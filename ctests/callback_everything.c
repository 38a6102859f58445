/* Every function of call.h, called from every kind of function that the library calls: none may lock up,
 * and each answers as it does anywhere.
 *
 * First on objects of its own, then on what the kind itself is about: its call, its context, its object, its
 * apartment; last of all the shutdown. How long a kind took is told; the demand is 5 s. */
#include "everything.h"

#include <time.h>

enum { FIVE_SECONDS_MS = 5000, SHORT_MS = 20 };

/* What a kind is about: its call, and what belongs to it; 0 where there is none. */
typedef struct own_t {
    call_t call;
    call_context_t context;
    call_object_t object;
    call_apartment_t apartment;
} own_t;

/* What became of a kind. */
typedef struct run_t {
    const char *kind;
    own_t own;
    atomic_bool begun, over;
    _Atomic(const char *) at; /* the function that it is in */
    unsigned asked, wrong, unexpected;
    uint32_t step; /* of the trace */
    uint32_t patience_ms; /* of waits for its own call and apartment */
    uint64_t from_us;
    _Atomic uint64_t took_us;
} run_t;

/* Whoever is called late finds what it belongs to. */
static _Thread_local run_t *run;

static void judge(const char *function, call_hresult_t got, call_hresult_t expected)
{
    run->asked++;
    if (got == expected)
        return;
    run->wrong++;
    diag("[%s] %s gave %s, not %s", run->kind, function, call_hresult_name(got), call_hresult_name(expected));
}

static void do_all_rows(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        world_t *fresh = calloc(1, sizeof *fresh);
        atomic_store(&run->at, rows[i].covers.function);
        world_open(fresh);
        judge(rows[i].covers.function, rows[i].use(fresh->live[rows[i].kind]), rows[i].live);
        world_abandon(fresh);
        free(fresh);
    }
}

static void do_all_deeds(void)
{
    for (size_t i = 0; i < DEEDS; i++) {
        atomic_store(&run->at, deeds[i].function);
        judge(deeds[i].function, deeds[i].run(), deeds[i].expected);
    }
}

/* What comes of it depends on the kind; that it comes back does not. */
static void expect_an_answer(const char *function, call_hresult_t got)
{
    run->asked++;
    if (got != E_UNEXPECTED)
        return;
    run->unexpected++;
    diag("[%s] %s on its own gave E_UNEXPECTED", run->kind, function);
}

#define OWN(function, use) (atomic_store(&run->at, function " on its own"), expect_an_answer(function, use))

static void nothing_to_do(void *user)
{
    (void)user;
}

static void do_own_context(void)
{
    call_context_t context = run->own.context;
    uint32_t left;
    OWN("call_context_test_cancel", call_context_test_cancel(context));
    OWN("call_context_wait_cancel", call_context_wait_cancel(context, 0));
    OWN("call_context_write", call_context_write(context, "own", 3));
    OWN("call_context_set_progress", call_context_set_progress(context, 1, 2));
    OWN("call_context_set_error", call_context_set_error(context, "own"));
    OWN("call_context_get_deadline", call_context_get_deadline(context, &left));
    OWN("call_context_on_cancel", call_context_on_cancel(context, nothing_to_do, NULL));
    OWN("call_context_on_cancel", call_context_on_cancel(context, NULL, NULL));
    OWN("call_context_get_cancel_fd", use_get_cancel_fd(context.id));
    OWN("call_context_disable_cancel", call_context_disable_cancel(context));
    OWN("call_context_enable_cancel", call_context_enable_cancel(context));
}

/* Where it is complete, or cannot be waited for, a wait without end comes back. */
static void do_own_call(void)
{
    call_t call = run->own.call;
    call_cancel_t cancel = {0};
    int32_t fd;
    OWN("call_wait", call_wait(call, run->patience_ms));
    OWN("call_wait_many", call_wait_many(&call, 1, CALL_WAIT_ALL, run->patience_ms, NULL));
    OWN("call_get_fate", use_get_fate(call.id));
    OWN("call_get_cause", use_get_cause(call.id));
    OWN("call_get_fd", call_get_fd(call, &fd));
    OWN("call_set_callback", call_set_callback(call, NULL, NULL, NULL));
    OWN("call_set_timeout", call_set_timeout(call, 1, 1));
    OWN("call_query_cancel", call_query_cancel(call, &cancel));
    OWN("call_request_cancel", call_request_cancel(cancel, CALL_INFINITE));
    OWN("call_cancel", call_cancel(cancel, 1));
    OWN("call_cancel_release", call_cancel_release(cancel));
    if (run->patience_ms == CALL_INFINITE)
        OWN("call_finish", call_finish(call, NULL, 0, NULL));
    OWN("call_try_finish", call_try_finish(call, NULL, 0, NULL));
    OWN("call_begin", call_begin(call, ECHO, NULL, 0));
    OWN("call_release", call_release(call));
}

/* A close without end is for methods alone: from there it does not wait. */
static void do_own_rest(void)
{
    uint32_t remaining;
    call_context_t method;
    uint32_t patience_ms = call_context_current(&method) == S_OK ? CALL_INFINITE : SHORT_MS;
    OWN("call_object_disconnect", call_object_disconnect(run->own.object));
    OWN("call_object_release", call_object_release(run->own.object));
    OWN("call_apartment_close", call_apartment_close(run->own.apartment, patience_ms, NULL));
    OWN("call_apartment_release", call_apartment_release(run->own.apartment));
    OWN("call_context_complete", call_context_complete(run->own.context, S_OK));
    OWN("call_shutdown", call_shutdown(100, &remaining));
}

/* What each kind of function does, once. */
static void do_everything(run_t *mine)
{
    run = mine;
    if (atomic_exchange(&run->begun, true))
        return;
    do_all_rows();
    do_all_deeds();
    do_own_context();
    do_own_call();
    do_own_rest();
    atomic_store(&run->took_us, now_us() - run->from_us);
    atomic_store(&run->over, true);
}

#include "everything_kinds.h"

static run_t runs[KINDS_OF_FUNCTION];

static void wait_until_over(void)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    const struct timespec nap = {0, 1000000};
    while (!atomic_load(&run->over)) {
        if (now_us() > end)
            bail_out("[%s] hangs in %s", run->kind,
                     atomic_load(&run->at) == NULL ? "nothing: it was not called" : atomic_load(&run->at));
        (void)nanosleep(&nap, NULL);
    }
}

/* The thread that sets it off may be the one that it runs on. */
static void *set_off(void *argument)
{
    run = argument;
    kinds[run - runs].set_off();
    return NULL;
}

static void one_kind(const kind_t *kind)
{
    pthread_t thread;
    struct timespec end;
    run = &runs[kind - kinds];
    run->kind = kind->name;
    run->step = kind->step;
    run->patience_ms = kind->decided ? CALL_INFINITE : SHORT_MS;
    run->from_us = now_us();
    if (pthread_create(&thread, NULL, set_off, run) != 0)
        bail_out("no thread");
    wait_until_over();
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += hang_ms() / 1000;
    if (pthread_timedjoin_np(thread, NULL, &end) != 0)
        bail_out("[%s] set off by a thread that did not come back: a hang", kind->name);
    must(call_set_trace(NULL, NULL));
    must(call_set_log(NULL, NULL));
    must(call_set_thread_hooks(NULL, NULL, NULL));
    must(call_set_tracking(0, 0));
    uint64_t took_ms = atomic_load(&run->took_us) / 1000;
    ok(run->asked > ROWS + DEEDS, "%s: calls functions, %u times, and each comes back", kind->name, run->asked);
    ok_u64(run->wrong, 0, "%s: each answers as anywhere", kind->name);
    ok_u64(run->unexpected, 0, "%s: and nothing is unexpected about its own call", kind->name);
    diag("[%s] took %u ms%s", kind->name, (unsigned)took_ms, took_ms > FIVE_SECONDS_MS ? ": MORE THAN 5 s" : "");
}

static void every_kind_of_function(void)
{
    for (size_t i = 0; i < KINDS_OF_FUNCTION; i++)
        one_kind(&kinds[i]);
}

/* Every function that the header declares is among those that are called. */
static void every_function_is_called(void)
{
    const header_t *header = sweep_header();
    unsigned called = 0;
    for (size_t f = 0; f < header->function_count; f++) {
        const char *name = header->functions[f].name;
        unsigned found = strcmp(name, "call_shutdown") == 0;
        for (size_t i = 0; i < ROWS; i++)
            found += strcmp(rows[i].covers.function, name) == 0;
        for (size_t i = 0; i < DEEDS; i++)
            found += strcmp(deeds[i].function, name) == 0;
        ok(found > 0, "%s is called", name);
        called += found > 0;
    }
    ok(called > 0, "%u functions are called", called);
}

static const tap_test_t tests[] = {
    TAP_TEST(every_function_is_called),
    TAP_TEST(every_kind_of_function),
};

TAP_MAIN(tests)
