/* Very many calls at random distances, with random cancels, releases, owned inputs and functions that
 * hear of cancels: everything that was made is destroyed or freed exactly once, and nothing is left.
 *
 *   CALL_MILLION  how many calls (100000), and up to LONGEST times as many until no outcome is too rare
 *   CALL_SEED     where the random numbers start (the clock) */
#include "million_clients.h"

#include <dirent.h>

enum { CALLS = 100000, LONGEST = 8, CLIENTS = 4, JANITORS = 2, INPUTS_PER_CALL = 2 };
enum { MILLION = 1000000, WATCH_MS = 50 };

static unsigned long number_from(const char *name, unsigned long otherwise)
{
    const char *asked = getenv(name);
    unsigned long number = asked == NULL ? 0 : strtoul(asked, NULL, 0);
    return number != 0 ? number : otherwise;
}

static unsigned threads_alive(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/task");
    if (folder == NULL)
        bail_out("/proc/self/task cannot be read");
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

/* Until all that a book has was done, at most as long as anything may take without any being done. */
static void settled(const book_t *book)
{
    uint64_t from = now_us();
    unsigned long seen = 0;
    while (atomic_load(&book->done) < atomic_load(&book->used)) {
        if (atomic_load(&book->done) != seen) {
            seen = atomic_load(&book->done);
            from = now_us();
        }
        if (now_us() - from > (uint64_t)hang_ms() * 1000)
            return;
        (void)sched_yield();
    }
}

/* The clients are at work as long as the number of calls left goes down. */
static void watch_clients(void)
{
    unsigned long seen = 0;
    uint64_t from = now_us();
    for (unsigned long left; more_calls(left = atomic_load(&calls_left));) {
        if (left != seen) {
            seen = left;
            from = now_us();
        }
        if (now_us() - from > (uint64_t)hang_ms() * 1000)
            bail_out("no call was begun for long, %lu left: a hang", left);
        (void)poll(NULL, 0, WATCH_MS);
    }
}

static void join(pthread_t thread)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += hang_ms() / 1000;
    if (pthread_timedjoin_np(thread, NULL, &end) != 0)
        bail_out("a thread did not end: a hang");
}

static void run_clients(uint64_t seed)
{
    client_t clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client_t){.random = seed + (uint64_t)i};
        if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
            bail_out("no thread");
    }
    watch_clients();
    for (int i = 0; i < CLIENTS; i++)
        join(clients[i].thread);
}

/* Runs all calls, and waits for what they leave behind. */
static void run_calls(uint64_t seed)
{
    pthread_t janitors[JANITORS];
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        place_open(&places[kind], place_kinds[kind].kind);
    for (int i = 0; i < JANITORS; i++)
        if (pthread_create(&janitors[i], NULL, janitor_main, NULL) != 0)
            bail_out("no thread");
    run_clients(seed);
    settled(&objects);
    settled(&inputs);
    (void)pthread_mutex_lock(&janitor.mutex);
    janitor.over = true;
    (void)pthread_cond_broadcast(&janitor.changed);
    (void)pthread_mutex_unlock(&janitor.mutex);
    for (int i = 0; i < JANITORS; i++)
        join(janitors[i]);
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        place_close(&places[kind]);
}

static void check_books(void)
{
    size_t late;
    ok_u64(book_wrong(&objects, 1, &late), 0, "LT-2 each of %zu objects is destroyed exactly once",
           atomic_load(&objects.used));
    ok_u64(book_wrong(&inputs, 1, &late), 0, "BG-1 BG-7 each of %zu owned inputs is freed exactly once",
           atomic_load(&inputs.used));
    ok_u64(book_wrong(&functions, 0, &late), 0, "TC-6 each of %zu functions ran at most once",
           atomic_load(&functions.used));
    ok_u64(late, 0, "SV-14 none after its method's end, or after it was taken back");
    ok_u64(atomic_load(&buffers_released), atomic_load(&buffers_got), "LT-2 each buffer is released once");
    ok_u64(atomic_load(&ended), atomic_load(&entered), "SG-3 each context ended exactly once");
    ok(atomic_load(&entered) + atomic_load(&never_started) <= atomic_load(&begun),
       "CN-13 no call was begun once and ran twice, or never and yet");
    ok_u64(atomic_load(&surprises), 0, "nothing was answered that the contract does not say");
}

static void check_outcomes(void)
{
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        unsigned long count = atomic_load(&outcomes[i]);
        diag("%-24s %9lu%s", outcome_names[i], count, count < outcome_floor ? "  TOO RARE" : "");
    }
    ok_u64(rare_outcomes(), 0, "every outcome occurred, at least %lu times", outcome_floor);
}

/* Starts what the library keeps for the life of the process. */
static void warm_up(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void nothing_left(unsigned descriptors, unsigned threads)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "LT-2 descriptors and threads");
        return;
    }
    uint64_t from = now_us();
    while ((threads_alive() > threads || open_descriptors() > descriptors) &&
           now_us() - from < (uint64_t)hang_ms() * 1000)
        (void)poll(NULL, 0, 1);
    ok_u64(open_descriptors(), descriptors, "LT-2 no descriptor is left");
    ok_u64(threads_alive(), threads, "LT-2 no thread is left");
}

static void everything_exactly_once(void)
{
    unsigned long calls = number_from("CALL_MILLION", CALLS);
    uint64_t seed = number_from("CALL_SEED", (unsigned long)now_ns());
    diag("%lu calls, CALL_SEED=%" PRIu64, calls, seed);
    unsigned long most = calls * LONGEST;
    book_open(&objects, most * 2 + SPARE);
    book_open(&inputs, most * INPUTS_PER_CALL + SPARE);
    book_open(&functions, most + SPARE);
    heards = calloc(functions.cap, sizeof *heards);
    if (heards == NULL)
        bail_out("no memory");
    warm_up();
    unsigned descriptors = open_descriptors(), threads = threads_alive();
    calls_in_reserve = most - calls;
    outcome_floor = (unsigned long)((uint64_t)calls * FLOOR_PER_MILLION / MILLION) + 1;
    atomic_store(&calls_left, most);
    uint64_t from = now_us();
    run_calls(seed);
    diag("%lu calls took %.1f s", most - atomic_load(&calls_left), (double)(now_us() - from) / 1e6);
    check_books();
    nothing_left(descriptors, threads);
    check_outcomes();
}

static const tap_test_t tests[] = {
    TAP_TEST(everything_exactly_once),
};

TAP_MAIN(tests)
