/* The host of isolated objects dies, forks, and does not care for its children; the supervisor dies. */
#include "isolated_support.h"
#include "modules/basic.h"
#include "modules/journal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD = 3 };

/* What a host tells of itself. */
typedef struct report_t {
    pid_t children[HELD], supervisor, bystander;
} report_t;

/* How a host forks before it dies. */
typedef enum way_t { NO_FORK, FORK, BARE_FORK } way_t;

/* A host with one object in which an endless method runs, one that is idle, and one whose method has started
 * processes of its own. */
static void be_a_host(int pipe_end, way_t way)
{
    report_t report = {.bystander = 0};
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    call_object_t objects[HELD];
    for (int i = 0; i < 2; i++) {
        objects[i] = bind_object("isolated", "basic", "Basic", &options);
        report.children[i] = pid_of(objects[i], BASIC_PID);
    }
    report.supervisor = parent_of(report.children[0]);
    call_t call;
    must(call_create(objects[0], &call));
    must(call_begin(call, BASIC_SPIN, NULL, 0));
    const char *const environment[] = {"JOURNAL=/dev/null", NULL};
    options.environment = environment;
    objects[2] = bind_object("isolated", "journal", "Journal", &options);
    journal_job_t job = {0, 0};
    must(call_method(objects[2], JOURNAL_LEAVES, &job, sizeof job, NULL, 0, NULL));
    if (way != NO_FORK) {
        /* What it inherits stays open in it; without the C library's fork nobody closes anything. */
        report.bystander = way == FORK ? fork() : (pid_t)syscall(SYS_fork);
        if (report.bystander == 0)
            for (;;)
                pause();
    }
    if (write(pipe_end, &report, sizeof report) != sizeof report)
        abort();
    for (;;)
        pause();
}

static void a_killed_host_leaves_nothing(way_t way, const char *name)
{
    /* In the environment of all that the host starts. */
    char mark[64];
    snprintf(mark, sizeof mark, "isolated-host-%d-%d", (int)getpid(), way);
    int ends[2];
    report_t report;
    if (pipe(ends) != 0 || setenv("CALL_TEST_MARK", mark, 1) != 0)
        bail_out("no pipe");
    pid_t host = fork();
    if (host == 0) {
        (void)close(ends[0]);
        be_a_host(ends[1], way);
    }
    (void)close(ends[1]);
    if (read(ends[0], &report, sizeof report) != sizeof report)
        bail_out("the host did not come so far");
    (void)close(ends[0]);
    ok(process_lives(report.supervisor) && process_lives(report.children[0]), "%s: a host with children", name);
    ok(processes_marked(mark) >= 6, "%s: and with what they have started", name);
    (void)kill(host, SIGKILL);
    (void)waitpid(host, NULL, 0);
    for (int i = 0; i < 2; i++)
        await_death(report.children[i]);
    await_death(report.supervisor);
    ok(true, "%s: the supervisor and its children are gone with their host", name);
    unsigned left = 1;
    for (uint64_t end = now_us() + hang_ms() * 1000ull; left > 0 && now_us() < end; (void)usleep(5000))
        left = processes_marked(mark);
    ok_u64(left, 0, "%s: and what they had started", name);
    if (report.bystander > 0) {
        ok(process_lives(report.bystander), "%s: the host's own child is there", name);
        (void)kill(report.bystander, SIGKILL);
    }
}

static void a_host_that_is_killed_leaves_nothing(void)
{
    a_killed_host_leaves_nothing(NO_FORK, "killed");
}

static void a_host_that_has_forked_leaves_nothing(void)
{
    a_killed_host_leaves_nothing(FORK, "forked");
    long watched = syscall(SYS_pidfd_open, getpid(), 0);
    if (watched < 0) {
        skip("the system has no pidfd_open", "forked past the C library: what the host had started");
        return;
    }
    (void)close((int)watched);
    a_killed_host_leaves_nothing(BARE_FORK, "forked past the C library");
}

/* A call of each end. */
static void calls_end_as_ever(const char *how)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    call_object_t object = bind_object("isolated", "basic", "Basic", &options);
    call_fate_t fate;
    char out[8];
    ok_hr(call_method(object, BASIC_ECHO, "x", 2, out, sizeof out, &fate), S_OK, "%s: a call is answered", how);
    ok_hr(call_method(object, BASIC_CRASH, NULL, 0, NULL, 0, &fate), RPC_E_SERVER_DIED, "%s: a crash is one", how);
    ok_fate(fate, CALL_FATE_KILLED, "%s: its fate", how);
    call_t call = enter_method(object, BASIC_SPIN);
    call_cancel_t cancel = cancel_of(call);
    (void)call_cancel(cancel, 0);
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "%s: a kill is one", how);
    ok_fate(settled_fate_of(call), CALL_FATE_KILLED, "%s: its fate", how);
    must(call_cancel_release(cancel));
    must(call_release(call));
    ok_hr(call_method(object, BASIC_ECHO, "x", 2, out, sizeof out, &fate), S_OK, "%s: the next is answered", how);
    must(call_object_release(object));
}

static atomic_bool reaps;

static void *reap_all(void *argument)
{
    (void)argument;
    while (atomic_load(&reaps))
        if (waitpid(-1, NULL, 0) < 0)
            (void)usleep(500);
    return NULL;
}

/* In a process of its own, where the supervisor is started under these conditions. */
static void in_a_process_of_its_own(void (*run)(void), const char *name)
{
    int ends[2];
    if (pipe(ends) != 0)
        bail_out("no pipe");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], 1);
        run();
        fflush(stdout);
        _exit(0);
    }
    (void)close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    char line[512];
    unsigned good = 0, bad = 0;
    while (said != NULL && fgets(line, sizeof line, said) != NULL) {
        good += strncmp(line, "ok ", 3) == 0;
        bad += strncmp(line, "not ok ", 7) == 0;
        if (strncmp(line, "ok ", 3) != 0)
            diag("%s: %s", name, line);
    }
    (void)fclose(said);
    int status = 0;
    pid_t waited = waitpid(pid, &status, 0);
    ok(waited < 0 || status == 0, "%s: the process ended well", name);
    ok(bad == 0 && good == 6, "%s: %u checks held, %u did not", name, good, bad);
}

static void with_signals_ignored(void)
{
    (void)signal(SIGCHLD, SIG_IGN);
    calls_end_as_ever("SIGCHLD ignored");
}

static void with_a_foreign_reaper(void)
{
    pthread_t reaper;
    atomic_store(&reaps, true);
    if (pthread_create(&reaper, NULL, reap_all, NULL) != 0)
        bail_out("no thread");
    calls_end_as_ever("a foreign waitpid(-1)");
}

static void a_host_need_not_care_for_children(void)
{
    in_a_process_of_its_own(with_signals_ignored, "SIGCHLD ignored");
    in_a_process_of_its_own(with_a_foreign_reaper, "a foreign waitpid(-1)");
}

static void a_killed_supervisor_is_replaced(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    call_object_t object = bind_object("isolated", "basic", "Basic", &options);
    pid_t child = pid_of(object, BASIC_PID), supervisor = parent_of(child);
    call_t call = enter_method(object, BASIC_PROGRESS);
    (void)kill(supervisor, SIGKILL);
    ok_hr(finish(call), RPC_E_SERVER_DIED, "a call in progress ends with its supervisor");
    ok_fate(settled_fate_of(call), CALL_FATE_KILLED, "fate");
    await_death(child);
    pid_t next = pid_of(object, BASIC_PID);
    ok(next != child && parent_of(next) != supervisor, "the next is served by a child of another one");
    must(call_release(call));
    must(call_object_release(object));
}

static void in_a_moment(const char *mark, unsigned count)
{
    for (uint64_t end = now_us() + hang_ms() * 1000ull; processes_marked(mark) != count; (void)usleep(2000))
        if (now_us() > end)
            bail_out("%u processes, not %u: a hang", processes_marked(mark), count);
}

static void a_killed_supervisor_leaves_nothing(void)
{
    char mark[64];
    snprintf(mark, sizeof mark, "SUPERVISED=%d", (int)getpid());
    const char *const environment[] = {"JOURNAL=/dev/null", mark, NULL};
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET, .spares = CALL_BIND_NO_SPARES,
                                   .environment = environment};
    call_object_t object = bind_object("isolated", "journal", "Journal", &options);
    call_object_t other = bind_object("isolated", "basic", "Basic", NULL);
    pid_t supervisor = parent_of(pid_of(other, BASIC_PID)), keeper = parent_of(supervisor);
    if (keeper <= 1)
        bail_out("the supervisor has no keeper");
    journal_job_t job = {0, 0};
    call_t call;
    must(call_create(object, &call));
    must(call_begin(call, JOURNAL_FORKS, &job, sizeof job));
    in_a_moment(mark, 3);
    (void)kill(supervisor, SIGKILL);
    ok_hr(finish(call), RPC_E_SERVER_DIED, "a call ends when its supervisor is killed");
    ok_fate(settled_fate_of(call), CALL_FATE_KILLED, "fate");
    ok_u64(processes_marked(mark), 0, "and what its method had started in other sessions has ended by then");
    await_death(keeper);
    ok(true, "the supervisor's keeper goes");
    pid_t next = parent_of(pid_of(other, BASIC_PID));
    ok(next != supervisor, "the next call is served under another supervisor");
    keeper = parent_of(next);
    (void)kill(keeper, SIGKILL);
    await_death(keeper);
    must(call_begin(call, JOURNAL_LEAVES, &job, sizeof job));
    ok_hr(finish(call), S_OK, "which needs no keeper to serve");
    must(call_release(call));
    must(call_object_release(object));
    in_a_moment(mark, 0);
    ok(true, "nor to end what was started");
    must(call_object_release(other));
}

int main(void)
{
    static const tap_test_t tests[] = {
        TAP_TEST(a_host_that_is_killed_leaves_nothing),
        TAP_TEST(a_host_that_has_forked_leaves_nothing),
        TAP_TEST(a_host_need_not_care_for_children),
        TAP_TEST(a_killed_supervisor_is_replaced),
        TAP_TEST(a_killed_supervisor_leaves_nothing),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
