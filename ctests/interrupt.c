/* Ctrl-C: a program that is blocked in the library gets a real SIGINT. Its handler asks for the end; the
 * call is canceled, the program prints its fate and ends in order. Run without arguments it is the one
 * that sends the signals; with some it is the program.
 *
 *   CALL_INTERRUPTS  how many programs of each sort (20) */
#include "queues.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INTERRUPTS = 20, TEXT = 128 };

/* Where the program is blocked, and how its handler asks. */
typedef struct sort_t {
    const char *name, *by;
    bool obeys; /* the method ends when it is told; else it never looks */
} sort_t;

static const sort_t sorts[] = {
    {"call_wait", "call_request_cancel", true},
    {"call_wait", "call_request_cancel", false},
    {"call_finish", "call_request_cancel", true},
    {"call_finish", "call_request_cancel", false},
    {"call_invoke", "call_request_cancel_thread", true},
    {"call_invoke", "call_request_cancel_thread", false},
    {"call_queue_next", "call_queue_post", true},
    {"call_queue_next", "call_queue_post", false},
};
enum { SORTS = sizeof sorts / sizeof sorts[0] };

/* The program. */

static const sort_t *sort;
static call_cancel_t cancel;
static call_queue_t queue;
static volatile sig_atomic_t handled;
static volatile call_hresult_t asked;

static uint32_t grace(void)
{
    return sort->obeys ? CALL_INFINITE : 0;
}

static void on_interrupt(int number)
{
    (void)number;
    handled++;
    if (strcmp(sort->by, "call_request_cancel") == 0)
        asked = call_request_cancel(cancel, grace());
    else if (strcmp(sort->by, "call_queue_post") == 0)
        asked = call_queue_post(queue, 1);
    else
        asked = call_request_cancel_thread(0, grace());
}

/* Tells the parent when the main thread sleeps in the library. */
static void *tell_when_blocked(void *argument)
{
    job_t *job = argument;
    caller_t main_thread = {.tid = getpid()};
    gate_wait(&job->entered);
    caller_settle(&main_thread);
    if (write(STDOUT_FILENO, "blocked\n", 8) != 8)
        bail_out("the parent is gone");
    return NULL;
}

static call_hresult_t wait_and_finish(call_t call)
{
    must(call_wait(call, CALL_INFINITE));
    return finish(call);
}

/* Until the tag comes; then the call is canceled here, and its completion comes. */
static call_hresult_t wait_in_queue(call_t call)
{
    call_completion_t taken = take_one(queue);
    if (taken.call.id != 0)
        bail_out("a completion came before the tag");
    must(call_request_cancel(cancel, grace()));
    taken = take_one(queue);
    return finish(taken.call.id == call.id ? call : (call_t){0});
}

static call_hresult_t block(scene_t *scene, job_t *job, call_fate_t *fate)
{
    if (strcmp(sort->name, "call_invoke") == 0) {
        must(call_enable_cancellation());
        return call_invoke(scene->target.object, sort->obeys ? OBEY : HOLD, &job, sizeof job, NULL, 0, NULL,
                           CALL_INFINITE, fate);
    }
    must(call_set_queue(scene->call, queue, 0));
    cancel = cancel_of(scene->call);
    begin_job(scene->call, sort->obeys ? OBEY : HOLD, job);
    call_hresult_t result;
    if (strcmp(sort->name, "call_queue_next") == 0)
        result = wait_in_queue(scene->call);
    else
        result = strcmp(sort->name, "call_wait") == 0 ? wait_and_finish(scene->call) : finish(scene->call);
    *fate = fate_of(scene->call);
    must(call_cancel_release(cancel));
    return result;
}

static int program(void)
{
    scene_t scene;
    job_t job;
    pthread_t teller;
    sigset_t interrupt;
    call_fate_t fate = CALL_FATE_NONE;
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)sigaction(SIGINT, &action, NULL);
    scene_open(&scene, 1);
    queue = new_queue();
    job_init(&job, NULL, RPC_E_CALL_CANCELED);
    (void)pthread_sigmask(SIG_BLOCK, &interrupt, NULL);
    (void)pthread_create(&teller, NULL, tell_when_blocked, &job);
    (void)pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
    call_hresult_t result = block(&scene, &job, &fate);
    printf("%s, %s, %d signal, asked %s\n", call_hresult_name(result), fate_name(fate), (int)handled,
           call_hresult_name(asked));
    (void)pthread_join(teller, NULL);
    gate_open(&job.release);
    must(call_queue_release(queue));
    scene_close(&scene);
    return 0;
}

/* Who sends the signals. */

static const char *self; /* this program's file */

typedef struct child_t {
    pid_t pid;
    int out;
} child_t;

static child_t start(int number)
{
    int ends[2];
    char argument[16];
    (void)snprintf(argument, sizeof argument, "%d", number);
    if (pipe(ends) != 0)
        bail_out("no pipe");
    child_t child = {.pid = fork(), .out = ends[0]};
    if (child.pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl(self, self, argument, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    return child;
}

/* A line, without its end; empty at the end of all. */
static void read_line(int from, char *line)
{
    size_t len = 0;
    while (len + 1 < TEXT && read(from, line + len, 1) == 1 && line[len] != '\n')
        len++;
    line[len] = '\0';
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Time from signal to end; whether the end was as it should be. */
static bool interrupt_one(int number, const char *expected, uint64_t *took)
{
    char line[TEXT];
    int status = 0;
    child_t child = start(number);
    read_line(child.out, line);
    bool right = strcmp(line, "blocked") == 0;
    if (!right)
        diag("instead of being blocked: '%s'", line);
    uint64_t from = now_us();
    (void)kill(child.pid, SIGINT);
    read_line(child.out, line);
    (void)waitpid(child.pid, &status, 0);
    *took = now_us() - from;
    (void)close(child.out);
    if (strcmp(line, expected) != 0 || status != 0)
        diag("it printed '%s' and ended with status 0x%X", line, (unsigned)status);
    return right && strcmp(line, expected) == 0 && status == 0;
}

static void interrupt_often(int number)
{
    const sort_t *one = &sorts[number];
    unsigned count = asked_for("CALL_INTERRUPTS", INTERRUPTS), right = 0;
    uint64_t *took = calloc(count, sizeof *took);
    char expected[TEXT];
    (void)snprintf(expected, sizeof expected, "RPC_E_CALL_CANCELED, %s, 1 signal, asked S_OK",
                   fate_name(one->obeys ? CALL_FATE_STOPPED : CALL_FATE_RUNNING));
    for (unsigned i = 0; i < count; i++)
        right += interrupt_one(number, expected, &took[i]);
    qsort(took, count, sizeof *took, by_size);
    ok_u64(right, count, "SIGINT in %s, %s by the handler, and a method that %s: %s", one->name, one->by,
           one->obeys ? "obeys" : "never looks", expected);
    diag("from signal to the end of the program: median %.2f ms, longest %.2f ms of %u",
         (double)took[count / 2] / 1e3, (double)took[count - 1] / 1e3, count);
    free(took);
}

int main(int count, char **arguments)
{
    if (count > 1) {
        int number = (int)strtol(arguments[1], NULL, 10);
        if (number < 0 || number >= SORTS)
            return 2;
        sort = &sorts[number];
        return program();
    }
    self = arguments[0];
#ifdef __SANITIZE_THREAD__
    skip("ThreadSanitizer keeps signals from a thread that sleeps in a system call of its own", "SIGINT ends a wait");
    return done_testing();
#endif
    for (int number = 0; number < SORTS; number++)
        interrupt_often(number);
    return done_testing();
}
