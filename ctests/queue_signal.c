/* Signal handlers post tags while the very thread that they interrupt is inside the queue, its
 * release, or malloc: each tag arrives once and in order, and nothing locks up.
 *
 *   CALL_QUEUE_SIGNALS  how many signals at least (20000): it goes on until each place was interrupted
 *                       often enough */
#include "queues.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

enum { SIGNALS = 20000, EVERY_US = 40, LEAST_OF = 2000, SLEEPS_EVERY = 64, SLEEP_MS = 1, MOST_BYTES = 4096 };

/* What the interrupted thread was doing. */
enum { NEXT, POST, RELEASE, MALLOC, SLEEP, DOINGS };
static const char *const doings[DOINGS] = {"call_queue_next", "call_queue_post", "call_queue_release", "malloc",
                                           "a sleep in call_queue_next"};

static call_queue_t storm_queue;
static volatile sig_atomic_t doing;
static volatile sig_atomic_t interrupted[DOINGS];
static volatile uint64_t posted;   /* by the handler, in order: their tags */
static volatile unsigned refused, errors, dead, alive, odd;
static _Atomic uint64_t mortal; /* a queue that is being released, or 0 */

static void storm(int number)
{
    int before = errno;
    (void)number;
    interrupted[doing]++;
    errno = 12345;
    if (call_queue_post(storm_queue, posted) == S_OK)
        posted++;
    else
        refused++;
    uint64_t other = atomic_load(&mortal);
    if (other != 0) {
        call_hresult_t result = call_queue_post((call_queue_t){other}, 1);
        dead += result == E_HANDLE;
        alive += result == S_OK;
        odd += result != E_HANDLE && result != S_OK;
    }
    errors += errno != 12345;
    errno = before;
}

static void every(suseconds_t us)
{
    struct itimerval timer = {{0, us}, {0, us}};
    if (setitimer(ITIMER_REAL, &timer, NULL) != 0)
        bail_out("no timer");
}

/* What was taken, against what was posted. */
typedef struct books_t {
    uint64_t expected; /* the handler's next tag */
    uint64_t own_sent, own_taken;
    unsigned disorder;
} books_t;

/* Marks the thread's own tags. */
#define OWN_BIT ((uint64_t)1 << 63)

static void enter_books(books_t *books, const call_completion_t *taken, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t *next = taken[i].tag & OWN_BIT ? &books->own_taken : &books->expected;
        books->disorder += (taken[i].tag & ~OWN_BIT) != *next;
        ++*next;
    }
}

static size_t take_some(books_t *books, uint32_t timeout_ms)
{
    call_completion_t taken[5];
    size_t count = 0;
    call_hresult_t result = call_queue_next(storm_queue, taken, 5, timeout_ms, &count);
    if (result != S_OK && result != RPC_S_CALLPENDING)
        must(result);
    enter_books(books, taken, count);
    return count;
}

static void release_one(void)
{
    call_queue_t queue = new_queue();
    atomic_store(&mortal, queue.id);
    for (int i = 0; i < 8; i++)
        must(call_queue_post(queue, 1));
    doing = RELEASE;
    must(call_queue_release(queue));
    doing = NEXT;
    atomic_store(&mortal, 0);
}

/* Each of the doings, over and over. */
static void be_interrupted(books_t *books, unsigned round)
{
    if (round % SLEEPS_EVERY == 1) {
        doing = SLEEP;
        (void)take_some(books, SLEEP_MS);
    }
    doing = POST;
    for (int i = 0; i < 100; i++)
        must(call_queue_post(storm_queue, OWN_BIT | books->own_sent++));
    doing = NEXT;
    while (take_some(books, 0) > 0)
        ;
    for (int i = 0; i < 20; i++)
        release_one();
    void *volatile kept; /* so that no compiler leaves it out */
    doing = MALLOC;
    for (size_t size = 16; size < MOST_BYTES; size += 128)
        free(kept = malloc(size));
    doing = NEXT;
}

/* How rarely a machine ticks and how it shares its processors decide what the signals meet; so does who
 * else runs in the process. */
static bool met_all(unsigned more_than)
{
    for (int i = 0; i < DOINGS; i++)
        if ((unsigned)interrupted[i] <= more_than)
            return false;
    return alive > 0 && dead > 0;
}

/* That each was seen; who else runs in the process may choose the moments of signals. */
static void check_outcomes(unsigned more_than)
{
    const char *reason = may_not_be_alone();
    diag("of the tags for a queue that was being released %u were taken, %u found it dead", alive, dead);
    for (int i = 0; i < DOINGS; i++) {
        diag("%s was interrupted %u times", doings[i], (unsigned)interrupted[i]);
        if (reason == NULL)
            ok((unsigned)interrupted[i] > more_than, "%s was interrupted often", doings[i]);
        else
            skip(reason, "%s was interrupted often", doings[i]);
    }
    if (reason == NULL)
        ok(alive > 0 && dead > 0, "both was seen of a queue that is being released");
    else
        skip(reason, "both was seen of a queue that is being released");
}

static void handlers_post(void)
{
    struct sigaction action = {.sa_handler = storm, .sa_flags = SA_RESTART};
    sigset_t alarm;
    books_t books = {0};
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000 * 2;
    unsigned signals = asked_for("CALL_QUEUE_SIGNALS", SIGNALS), enough = signals / LEAST_OF;
    bool alone = may_not_be_alone() == NULL;
    int32_t fd;
    (void)sigemptyset(&alarm);
    (void)sigaddset(&alarm, SIGALRM);
    storm_queue = new_queue();
    must(call_queue_get_fd(storm_queue, &fd));
    ok_hr(call_queue_post((call_queue_t){7}, 1), E_HANDLE, "a failure of call_queue_post");
    ok_hr(call_get_last_error(NULL, NULL, 0, NULL), S_FALSE, "leaves the thread's last failure alone");
    (void)sigaction(SIGALRM, &action, NULL);
    every(EVERY_US);
    for (unsigned round = 0; (posted + refused < signals || (alone && !met_all(enough))) && now_us() < end; round++)
        be_interrupted(&books, round);
    every(0);
    (void)sigprocmask(SIG_BLOCK, &alarm, NULL); /* one may be on its way */
    while (take_some(&books, 0) > 0)
        ;
    ok(posted > 0, "handlers posted %u tags", (unsigned)posted);
    ok_u64(books.expected, posted, "each was taken");
    ok_u64(books.own_taken, books.own_sent, "and so was each of the thread's own");
    ok_u64(books.disorder, 0, "once, in the order in which they were posted");
    ok_u64(refused, 0, "none was refused");
    ok_u64(errors, 0, "errno was left as it was");
    ok_u64(odd, 0, "a queue that is being released takes a tag or is dead");
    check_outcomes(enough);
    must(call_queue_release(storm_queue));
}

static const tap_test_t tests[] = {
    TAP_TEST(handlers_post),
};

TAP_MAIN(tests)
