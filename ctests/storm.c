/* Threads that call every function with live, stale and forged handles, and release what others
 * use. What a method says has to be of the object and of the call that it is read from.
 *
 *   CALL_STORM_SECONDS  how long at least (5): it goes on until all came that makes it a storm
 *   CALL_SEED           where the random numbers start (the clock)
 */
#include "measure.h"
#include "storm_ops.h"

#include <unistd.h>

enum { THREADS = 8, DEFAULT_SECONDS = 5, MORE_MS = 60000 };

static atomic_bool over;

static void *storm_main(void *argument)
{
    uint64_t random = *(const uint64_t *)argument;
    while (!atomic_load(&over)) {
        uint32_t die = draw(&random, 64);
        if (die < 32)
            call_ops(&random);
        else if (die < 47)
            cancel_ops(&random);
        else if (die < 54)
            context_ops(&random);
        else if (die < 56)
            buffer_ops(&random);
        else if (die < 59)
            object_ops(&random);
        else if (die < 63)
            apartment_ops(&random);
        else
            read_last_error();
    }
    return NULL;
}

static void join_in_time(pthread_t thread, const char *who)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += hang_ms() / 1000;
    if (pthread_timedjoin_np(thread, NULL, &end) != 0)
        bail_out("%s does not come back from the library: a hang", who);
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    if (pthread_create(thread, NULL, run, argument) != 0)
        bail_out("no thread");
}

/* Releases all that is in the tables, the apartments last. */
static void clear_tables(void)
{
    uint32_t remaining;
    for (int i = 0; i < TABLE; i++) {
        if (atomic_load(&tables[CANCEL][i].id) != FREE)
            must(call_cancel_release((call_cancel_t){atomic_load(&tables[CANCEL][i].id)}));
        if (atomic_load(&tables[BUFFER][i].id) != FREE)
            must(call_buffer_release((call_buffer_t){atomic_load(&tables[BUFFER][i].id)}));
        if (atomic_load(&tables[CALL][i].id) != FREE)
            must(call_release((call_t){atomic_load(&tables[CALL][i].id)}));
        if (atomic_load(&tables[OBJECT][i].id) != FREE)
            must(call_object_release((call_object_t){atomic_load(&tables[OBJECT][i].id)}));
    }
    for (int i = 0; i < APARTMENTS; i++) {
        call_apartment_t apartment = {atomic_load(&tables[APARTMENT][i].id)};
        if (apartment.id == FREE)
            continue;
        must(call_apartment_close(apartment, hang_ms(), &remaining));
        must(call_apartment_release(apartment));
    }
}

/* The objects' methods end, for the janitor is there, and so the objects go. */
static void await_destruction(void)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    while (atomic_load(&destroyed) != atomic_load(&created)) {
        if (now_us() > end)
            bail_out("%lu of %lu objects were destroyed: a hang", atomic_load(&destroyed), atomic_load(&created));
        (void)sched_yield();
    }
}

/* Without these it was no storm. */
static const struct main_outcome_t {
    function_t function;
    call_hresult_t code;
} main_outcomes[] = {
    {F_create, S_OK},               {F_create, E_HANDLE},
    {F_begin, S_OK},                {F_begin, RPC_S_CALLPENDING},
    {F_begin, E_HANDLE},            {F_begin, DISP_E_MEMBERNOTFOUND},
    {F_begin, RPC_E_DISCONNECTED},  {F_begin, CALL_E_TOO_BUSY},
    {F_wait, S_OK},                 {F_wait, RPC_S_CALLPENDING},
    {F_wait, RPC_E_CALL_COMPLETE},  {F_finish, S_OK},
    {F_finish, RPC_E_CALL_CANCELED}, {F_finish, RPC_E_CALL_COMPLETE},
    {F_finish, CALL_E_MORE_DATA},   {F_finish, E_FAIL},
    {F_finish, E_HANDLE},           {F_try_finish, RPC_S_CALLPENDING},
    {F_query_cancel, S_OK},         {F_cancel, S_OK},
    {F_cancel, RPC_E_CALL_COMPLETE}, {F_cancel, RPC_E_CALL_CANCELED},
    {F_cancel, E_HANDLE},           {F_request_cancel, S_OK},
    {F_test_cancel, RPC_E_CALL_CANCELED}, {F_test_cancel, RPC_S_CALLPENDING},
    {F_release, S_OK},              {F_release, E_HANDLE},
    {F_object_create, S_OK},        {F_object_create, E_HANDLE},
    {F_object_release, S_OK},       {F_context_write, S_OK},
    {F_context_write, RPC_E_CALL_CANCELED}, {F_context_write, RPC_E_CALL_COMPLETE},
    {F_context_write, E_HANDLE},    {F_context_test_cancel, RPC_E_CALL_CANCELED},
    {F_context_complete, S_OK},     {F_context_complete, RPC_E_CALL_COMPLETE},
    {F_apartment_create, S_OK},     {F_apartment_close, S_OK},
    {F_apartment_close, S_FALSE},   {F_apartment_pump, S_OK},
    {F_apartment_pump, RPC_E_WRONG_THREAD}, {F_begin_owned, S_OK},
    {F_begin_owned, RPC_S_CALLPENDING}, {F_finish_buffer, S_OK},
    {F_buffer_get, S_OK},           {F_buffer_get, E_HANDLE},
    {F_query_cancel, E_NOINTERFACE}, {F_cancel, E_FAIL},
    {F_object_disconnect, S_OK},    {F_context_commit, S_OK},
    {F_context_on_cancel, S_OK},    {F_context_get_cancel_fd, S_OK},
    {F_context_disable_cancel, S_OK}, {F_context_enable_cancel, RPC_E_CALL_CANCELED},
};
enum { MAIN_OUTCOMES = sizeof main_outcomes / sizeof main_outcomes[0] };

static bool came(const struct main_outcome_t *outcome)
{
    return atomic_load(&counts[outcome->function][index_of(outcome->code)]) > 0;
}

static bool all_came(void)
{
    for (size_t i = 0; i < MAIN_OUTCOMES; i++)
        if (!came(&main_outcomes[i]))
            return false;
    return atomic_load(&echoes) > 0 && atomic_load(&notified) > 0;
}

static void rage(uint64_t seconds, uint64_t seed)
{
    pthread_t threads[THREADS], cleaner;
    uint64_t seeds[THREADS];
    uint64_t end = now_us() + seconds * 1000000, last = end + (hang_ms() + MORE_MS) * 1000ull;
    start(&cleaner, janitor_main, NULL);
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = next_random(&seed);
        start(&threads[i], storm_main, &seeds[i]);
    }
    /* The length of the storm, not a wait for anything. */
    while (now_us() < end || (!all_came() && now_us() < last))
        (void)usleep(10000);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        join_in_time(threads[i], "a thread of the storm");
    clear_tables();
    await_destruction();
    (void)pthread_mutex_lock(&janitor.mutex);
    janitor.over = true;
    (void)pthread_cond_signal(&janitor.changed);
    (void)pthread_mutex_unlock(&janitor.mutex);
    join_in_time(cleaner, "the janitor");
}

static void print_counts(void)
{
    char line[1024];
    for (int function = 0; function < FUNCTION_COUNT; function++) {
        size_t at = (size_t)snprintf(line, sizeof line, "%s:", function_names[function]);
        for (size_t code = 0; code < CODES; code++) {
            unsigned long seen = atomic_load(&counts[function][code]);
            if (seen != 0 && at < sizeof line)
                at += (size_t)snprintf(line + at, sizeof line - at, " %lu %s", seen, call_hresult_name(codes[code]));
        }
        diag("%s", line);
    }
}

/* Until no thread of the library is about to start or to end: what such a one holds when the process
 * ends looks lost to a leak check. */
static void let_threads_settle(void)
{
    unsigned same = 0, before = 0;
    for (uint64_t end = hang_end_us(); same < 50 && now_us() < end; pause_us(20000)) {
        unsigned now = thread_count();
        same = now == before ? same + 1 : 0;
        before = now;
    }
}

static void no_handle_reaches_another(void)
{
    const char *seconds = getenv("CALL_STORM_SECONDS"), *seed = getenv("CALL_SEED");
    uint64_t lasts = seconds == NULL ? DEFAULT_SECONDS : strtoull(seconds, NULL, 10);
    uint64_t from = seed == NULL ? now_us() : strtoull(seed, NULL, 0);
    diag("%" PRIu64 " s, %d threads, CALL_SEED=%" PRIu64, lasts, (int)THREADS, from);
    rage(lasts, from);
    print_counts();
    diag("%lu objects, %lu echoes, %lu inputs handed over, %lu notices of a cancel", atomic_load(&created),
         atomic_load(&echoes), atomic_load(&handed_over), atomic_load(&notified));
    ok_u64(atomic_load(&wrong_echoes), 0, "no method and no output is another's");
    ok_u64(atomic_load(&dead_taken), 0, "no stale or forged handle is taken for a live one");
    ok_u64(atomic_load(&held_lost), 0, "nothing goes while a reference is held");
    ok_u64(atomic_load(&other_codes), 0, "no function gives a code that it has no reason for");
    ok_u64(atomic_load(&destroyed), atomic_load(&created), "every object is destroyed");
    ok_u64(atomic_load(&freed), atomic_load(&handed_over), "every input that was handed over is freed");
    ok(atomic_load(&echoes) > 0 && atomic_load(&notified) > 0, "outputs were compared, and notices came");
    for (size_t i = 0; i < MAIN_OUTCOMES; i++)
        ok(came(&main_outcomes[i]), "%s gave %s", function_names[main_outcomes[i].function],
           call_hresult_name(main_outcomes[i].code));
    let_threads_settle();
}

static const tap_test_t tests[] = {
    TAP_TEST(no_handle_reaches_another),
};

TAP_MAIN(tests)
