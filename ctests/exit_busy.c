/* A process that ends while calls are in progress: at once, with its own status, whatever they are about.
 * Each case is a child process. */
#include "distance_support.h"
#include "measure.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { KINDS = CALL_APARTMENT_SERIAL + 1, CALLS = 100, STATUS = 42, TIMES = 3, AT_EXIT = 7 };

typedef enum way_t { RETURN, EXIT, UNDERSCORE, QUICK, THREAD, FROM_METHOD, FROM_CALLBACK, WAYS } way_t;
static const char *const way_names[WAYS] = {
    [RETURN] = "main returns",
    [EXIT] = "exit",
    [UNDERSCORE] = "_exit",
    [QUICK] = "quick_exit",
    [THREAD] = "exit on another thread",
    [FROM_METHOD] = "exit inside a method",
    [FROM_CALLBACK] = "exit inside a completion callback",
};

static job_t jobs[KINDS + 1][CALLS];
static home_t homes[KINDS];
static target_t targets[KINDS + 1];
static server_t custom;
static int report = -1;

/* The handlers of exit still find a library that answers. */
static void at_exit(void)
{
    call_t call;
    char mark = 'x';
    bool answers = call_create(targets[0].object, &call) == S_OK && call_begin(call, ECHO, "x", 1) == S_OK &&
                   call_release(call) == S_OK;
    if (answers && report >= 0 && write(report, &mark, 1) != 1)
        _exit(AT_EXIT);
}

/* A third of the calls hold a thread each, a third is queued behind them, the rest is deferred. */
static void begin_all(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_open(&homes[kind], kind, 4);
        target_create(&targets[kind], homes[kind].apartment);
    }
    server_create(&custom, homes[0].apartment, &custom_with_cancel_class);
    for (uint32_t place = 0; place <= KINDS; place++)
        for (int i = 0; i < CALLS / (KINDS + 1); i++) {
            call_t call = new_call(place < KINDS ? &targets[place] : &custom.target);
            job_init(&jobs[place][i], NULL, S_OK);
            must(call_set_timeout(call, i >= 6 && i % 4 == 0 ? 50 : CALL_INFINITE, 0));
            begin_job(call, i < 5 ? DEFER : HOLD, &jobs[place][i]);
            if (i < 6)
                gate_wait(&jobs[place][i].entered);
        }
}

static call_hresult_t exit_here(job_t *job)
{
    (void)job;
    exit(STATUS);
}

static void exit_in_callback(call_t call, void *user)
{
    (void)call;
    (void)user;
    exit(STATUS);
}

static void *exit_on_thread(void *data)
{
    (void)data;
    exit(STATUS);
}

/* One more call, in an apartment of its own, which ends the process. */
static void exit_by_a_call(way_t way)
{
    static target_t target;
    static job_t job;
    target_create(&target, apartment_of(1, 1, 0));
    call_t call = new_call(&target);
    job_init(&job, NULL, S_OK);
    job.run = exit_here;
    if (way == FROM_CALLBACK)
        must(call_set_callback(call, exit_in_callback, NULL, NULL));
    begin_job(call, way == FROM_METHOD ? RUN : HOLD, &job);
    gate_open(&job.release);
    for (;;)
        pause_us(1000000);
}

static int child(way_t way)
{
    pthread_t thread;
    if (atexit(at_exit) != 0 || at_quick_exit(at_exit) != 0)
        return 1;
    begin_all();
    if (way == EXIT)
        exit(STATUS);
    if (way == UNDERSCORE)
        _exit(STATUS);
    if (way == QUICK)
        quick_exit(STATUS);
    if (way == THREAD && pthread_create(&thread, NULL, exit_on_thread, NULL) == 0)
        (void)finish(new_call(&targets[0]));
    if (way == THREAD)
        for (;;)
            pause_us(1000000);
    if (way == FROM_METHOD || way == FROM_CALLBACK)
        exit_by_a_call(way);
    return STATUS;
}

/* Gives how long the process took, its begins included; what it ended with is in `status`. */
static uint64_t run_child(way_t way, int *status, char *mark)
{
    int ends[2];
    *status = -1;
    *mark = '-';
    if (pipe(ends) != 0)
        bail_out("no pipe");
    uint64_t from = now_us(), end = hang_end_us();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        report = ends[1];
        (void)close(ends[0]);
        /* By exit as main would, which the way RETURN stands for. */
        int code = child(way);
        exit(code);
    }
    (void)close(ends[1]);
    while (waitpid(pid, status, WNOHANG) == 0) {
        if (now_us() > end) {
            (void)kill(pid, SIGKILL);
            bail_out("a process did not end: %s", way_names[way]);
        }
        pause_us(200);
    }
    if (read(ends[0], mark, 1) != 1)
        *mark = '-';
    (void)close(ends[0]);
    return now_us() - from;
}

static void ends_at_once(void)
{
    for (way_t way = 0; way < WAYS; way++) {
        uint64_t times[TIMES];
        int status = -1, wrong = 0;
        char mark = '-';
        for (int i = 0; i < TIMES; i++) {
            times[i] = run_child(way, &status, &mark);
            wrong += !WIFEXITED(status) || WEXITSTATUS(status) != STATUS;
        }
        ok_u64((uint64_t)wrong, 0, "%s: a process with %d calls in progress ends with its status", way_names[way], CALLS);
        if (way == UNDERSCORE)
            ok(mark == '-', "and runs nothing more");
        else
            ok(mark == 'x', "and what runs at its exit can use the library");
        diag("%s: %llu ms from fork to end", way_names[way], (unsigned long long)(median_of(times, TIMES) / 1000));
    }
}

static const tap_test_t tests[] = {TAP_TEST(ends_at_once)};

TAP_MAIN(tests)
