/* fork while calls are in progress: in the child the parent's handles are dead and its descriptors closed, and
 * everything can be made anew.
 *
 *   CALL_FORKS  how many children (200) */
#include "forks.h"

#include <spawn.h>

extern char **environ;

typedef struct tally_t {
    unsigned handles, descriptors, life, hung;
} tally_t;

static void note(tally_t *tally, int wrong)
{
    tally->hung += wrong == 255;
    if (wrong == 255)
        return;
    tally->handles += (wrong & HANDLES) != 0;
    tally->descriptors += (wrong & OPEN_DESCRIPTORS) != 0;
    tally->life += (wrong & LIFE) != 0;
}

/* Why a child of a fork beside busy threads may hang in its allocator; NULL: it may not. */
static const char *allocator_locks(void)
{
#ifdef __SANITIZE_ADDRESS__
    return "a fork leaves the locks of the sanitizer's allocator as they are";
#else
    return NULL;
#endif
}

static void tell_of_ends(const tally_t *tally, unsigned forks, const char *what)
{
    ok_u64(tally->hung, 0, "%s: %u children end", what, forks);
}

static void tell_of_lives(const tally_t *tally, const char *what)
{
    ok_u64(tally->handles, 0, "%s: the parent's handles give RPC_E_DISCONNECTED at once", what);
    ok_u64(tally->descriptors, 0, "%s: the parent's descriptors are closed there", what);
    ok_u64(tally->life, 0, "%s: new apartments, calls, deadlines and queues work", what);
}

static void tell(const tally_t *tally, unsigned forks, const char *what)
{
    tell_of_ends(tally, forks, what);
    tell_of_lives(tally, what);
}

static void forks_in_a_row(void)
{
    unsigned forks = length_of("CALL_FORKS", 200);
    tally_t tally = {0};
    uint64_t from = now_us();
    parent_open();
    ok_u64(open_ones(), DESCRIPTORS, "the parent has a descriptor of each kind");
    for (unsigned i = 0; i < forks; i++)
        note(&tally, fork_one(i, 1));
    diag("%u forks with %d calls in progress: %llu us each", forks, CALLS, (unsigned long long)((now_us() - from) / forks));
    tell(&tally, forks, "fork with calls in progress");
    tally = (tally_t){0};
    for (unsigned i = 0; i < forks / 10; i++)
        note(&tally, fork_one(i, DEPTH));
    tell(&tally, forks / 10, "fork in the child of a fork");
}

static call_hresult_t fork_inside(job_t *job)
{
    tally_t *tally = job->data;
    for (int i = 0; i < KINDS; i++)
        note(tally, fork_one((unsigned)i, 1));
    return S_OK;
}

static tally_t callback_tally;
static gate_t called = GATE("called back");

static void fork_in_callback(call_t call, void *user)
{
    (void)call;
    (void)user;
    note(&callback_tally, fork_one(0, 1));
    gate_open(&called);
}

static void forks_inside(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        tally_t tally = {0};
        home_t home;
        target_t target;
        job_t job;
        home_open(&home, kind, 1);
        target_create(&target, home.apartment);
        call_t call = new_call(&target);
        job_init(&job, NULL, S_OK);
        job.run = fork_inside;
        job.data = &tally;
        begin_job(call, RUN, &job);
        ok_hr(finish(call), S_OK, "a method that forks has its result");
        tell(&tally, KINDS, kind_name(kind));
        must(call_set_callback(call, fork_in_callback, NULL, NULL));
        must(call_begin(call, ECHO, "x", 1));
        gate_wait_for(&called, kind + 1);
        must(finish(call));
        must(call_release(call));
        target_destroy(&target);
        home_close(&home);
    }
    tell(&callback_tally, KINDS, "fork inside a completion callback");
}

static atomic_bool storm_over;

static void *storm(void *data)
{
    uint32_t kind = (uint32_t)(uintptr_t)data;
    home_t home;
    target_t target;
    home_open(&home, kind, 2);
    target_create(&target, home.apartment);
    while (!atomic_load(&storm_over)) {
        job_t job;
        call_t call = new_call(&target);
        job_init(&job, NULL, RPC_E_CALL_CANCELED);
        must(call_set_timeout(call, 3600 * 1000, 1));
        enter_job(call, OBEY, &job);
        call_cancel_t cancel = cancel_of(call);
        (void)call_request_cancel(cancel, CALL_INFINITE);
        (void)finish(call);
        must(call_cancel_release(cancel));
        must(call_release(call));
        gate_wait(&job.left);
    }
    target_destroy(&target);
    home_close(&home);
    return NULL;
}

/* The locks of the library may be held by threads that the child does not have. */
static void forks_in_a_storm(void)
{
    unsigned forks = length_of("CALL_FORKS", 200) / 2;
    tally_t tally = {0};
    pthread_t threads[KINDS];
    for (uintptr_t kind = 0; kind < KINDS; kind++)
        threads[kind] = thread_of(storm, (void *)kind);
    for (unsigned i = 0; i < forks; i++)
        note(&tally, fork_one(i, 1));
    const char *what = "fork while threads begin and cancel";
    if (allocator_locks() == NULL)
        tell_of_ends(&tally, forks, what);
    else
        skip(allocator_locks(), "%s: %u children end", what, forks);
    diag("%s: %u of %u children hang", what, tally.hung, forks);
    tell_of_lives(&tally, what);
    atomic_store(&storm_over, true);
    for (int i = 0; i < KINDS; i++)
        join_thread(threads[i]);
}

/* Descriptors of the library are not handed on to other programs. */
static void other_programs(void)
{
    pid_t pid = 0;
    int status = -1;
    char *arguments[] = {(char *)"sleep", (char *)"60", NULL};
    char path[64], link[64], target[256], mine[256];
    unsigned inherited = 0, closing = 0;
    for (int i = 0; i < DESCRIPTORS; i++)
        closing += (fcntl(parent.descriptors[i], F_GETFD) & FD_CLOEXEC) != 0;
    ok_u64(closing, DESCRIPTORS, "each descriptor is closed on exec");
    if (posix_spawnp(&pid, "sleep", NULL, NULL, arguments, environ) != 0)
        bail_out("no other program");
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    for (uint64_t end = hang_end_us();; not_past(end, "the other program")) {
        FILE *file = fopen(path, "r");
        size_t got = file == NULL ? 0 : fread(target, 1, sizeof target - 1, file);
        if (file != NULL)
            (void)fclose(file);
        target[got] = '\0';
        if (strcmp(target, "sleep") == 0)
            break;
        pause_us(200);
    }
    for (int i = 0; i < DESCRIPTORS; i++) {
        (void)snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, parent.descriptors[i]);
        ssize_t theirs = readlink(link, target, sizeof target);
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", parent.descriptors[i]);
        ssize_t ours = readlink(link, mine, sizeof mine);
        inherited += theirs >= 0 && theirs == ours && memcmp(target, mine, (size_t)ours) == 0;
    }
    ok_u64(inherited, 0, "and another program gets none of them");
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    char *nothing[] = {(char *)"true", NULL};
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, nothing, environ) != 0 || waitpid(pid, &status, 0) != pid)
        status = -1;
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "posix_spawn of /bin/true works with calls in progress");
}

static const tap_test_t tests[] = {
    TAP_TEST(forks_in_a_row), TAP_TEST(forks_inside), TAP_TEST(forks_in_a_storm),
    TAP_TEST(other_programs), TAP_TEST(parent_close),
};

TAP_MAIN(tests)
