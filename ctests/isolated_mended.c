/* What was once wrong with child processes, and cost their host or their supervisor something. This program is its own
 * children, and for a while its own supervisor. */
#include "isolated_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG = 100000, MOST = 65536 };

/* The methods of the classes Short and Long; the names of Long take more than a child may say. */
enum { PIDS, COMPLAIN, CLOSE_ERRORS, TAKE, METHODS };

static call_hresult_t serve(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)in;
    if (method == PIDS) {
        pid_t pids[] = {getpid(), getppid()};
        return call_context_write(context, pids, sizeof pids);
    }
    if (method == COMPLAIN) {
        static char text[LONG + 1];
        memset(text, 'x', LONG);
        call_hresult_t hr = call_context_set_error(context, text);
        return hr < 0 ? hr : E_FAIL;
    }
    if (method == CLOSE_ERRORS)
        return close(2) == 0 ? S_OK : E_FAIL;
    uint64_t len = in_len;
    return call_context_write(context, &len, sizeof len);
}

static call_hresult_t register_classes(call_module_t module)
{
    static char long_name[LONG + 1];
    static const char *const names[] = {"pids", "complain", "close_errors", "take"};
    memset(long_name, 'n', LONG);
    const char *const long_names[] = {long_name};
    call_class_t cls = {.size = sizeof cls, .methods = names, .method_count = METHODS, .invoke = serve};
    call_hresult_t hr = call_module_register(module, "Short", &cls, NULL, NULL);
    cls.methods = long_names, cls.method_count = 1;
    return hr < 0 ? hr : call_module_register(module, "Long", &cls, NULL, NULL);
}

/* A child leaves a mark in the file that STARTS names. */
static int be_a_child(void)
{
    const char *path = getenv("STARTS");
    int file = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file >= 0 && write(file, "s", 1) != 1)
        abort();
    return call_host_serve(CALL_HOST_FD, register_classes) < 0;
}

/* The host, which waits for the end of this one, is interrupted. */
static int be_an_interrupting_supervisor(int count, char **arguments)
{
    for (int i = 0; i < 50; i++) {
        (void)kill(getppid(), SIGUSR1);
        (void)usleep(1000);
    }
    return call_host_main(count, (const char *const *)arguments) < 0;
}

static const char *own_path(void)
{
    static char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        bail_out("nobody knows where this program is");
    path[len] = 0;
    return path;
}

static call_bind_options_t with_children(void)
{
    static const char *const arguments[] = {"--child", NULL};
    return (call_bind_options_t){.size = sizeof(call_bind_options_t), .flags = CALL_BIND_QUIET, .program = own_path(),
                                 .arguments = arguments, .spares = CALL_BIND_NO_SPARES};
}

static call_object_t bound(const call_bind_options_t *options)
{
    call_object_t object;
    must(call_object_bind("isolated:#Short", options, &object));
    return object;
}

static atomic_uint interruptions;

static void count_interruption(int signal)
{
    (void)signal;
    (void)atomic_fetch_add(&interruptions, 1);
}

static void an_interrupted_start_leaves_no_zombie(void)
{
    struct sigaction action = {.sa_handler = count_interruption};
    if (sigaction(SIGUSR1, &action, NULL) != 0)
        bail_out("no handler");
    call_bind_options_t options = with_children();
    options.host = own_path();
    call_object_t object = bound(&options);
    ok(atomic_load(&interruptions) > 0, "the start of the supervisor was interrupted %u times",
       atomic_load(&interruptions));
    errno = 0;
    pid_t left = waitpid(-1, NULL, WNOHANG);
    ok(left == -1 && errno == ECHILD, "nobody is left to be waited for: %d", (int)left);
    must(call_object_release(object));
    (void)signal(SIGUSR1, SIG_DFL);
}

static void a_child_says_no_more_than_it_may(void)
{
    call_bind_options_t options = with_children();
    call_object_t object;
    ok_hr(call_object_bind("isolated:#Long", &options, &object), RPC_E_INVALID_DATA, "names that are too long");
    object = bound(&options);
    call_t call;
    must(call_create(object, &call));
    must(call_begin(call, COMPLAIN, NULL, 0));
    completed(call);
    size_t len = 0;
    ok_hr(call_get_error(call, NULL, 0, &len), CALL_E_MORE_DATA, "a message that is too long");
    ok_u64(len, MOST + 1, "it is cut");
    ok_hr(finish(call), E_FAIL, "the result is the method's");
    must(call_release(call));
    must(call_object_release(object));
}

/* How often a process has that open. */
static unsigned openings_of(pid_t pid, const char *what)
{
    char path[400], target[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        bail_out("nobody knows what process %d has open", (int)pid);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
        ssize_t len = readlink(path, target, sizeof target - 1);
        target[len < 0 ? 0 : len] = 0;
        count += strcmp(target, what) == 0;
    }
    (void)closedir(folder);
    return count;
}

/* This child's pipe alone: those of children before it may be closed at any moment. */
static void the_end_of_an_error_output_is_heard_once(void)
{
    call_bind_options_t options = with_children();
    call_object_t object = bound(&options);
    pid_t pids[2] = {0, 0};
    char path[64], errors[64];
    must(call_method(object, PIDS, NULL, 0, pids, sizeof pids, NULL));
    snprintf(path, sizeof path, "/proc/%d/fd/2", (int)pids[0]);
    ssize_t len = readlink(path, errors, sizeof errors - 1);
    errors[len < 0 ? 0 : len] = 0;
    unsigned left = openings_of(pids[1], errors);
    ok(strncmp(errors, "pipe:", 5) == 0 && left == 1, "the supervisor has one end of a child's error output: %s, %u",
       errors, left);
    must(call_method(object, CLOSE_ERRORS, NULL, 0, NULL, 0, NULL));
    for (uint64_t end = now_us() + hang_ms() * 1000ull; left > 0 && now_us() < end; (void)usleep(2000))
        left = openings_of(pids[1], errors);
    ok_u64(left, 0, "and has closed it when nobody writes to it");
    ok(process_lives(pids[0]), "and its child is there");
    must(call_object_release(object));
}

static void an_input_without_room_never_starts(void)
{
    static const char input[LONG];
    call_bind_options_t options = with_children();
    call_object_t object = bound(&options);
    pid_t first[2] = {0, 0}, second[2] = {0, 0};
    must(call_method(object, PIDS, NULL, 0, first, sizeof first, NULL));
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        bail_out("no limit");
    struct rlimit none = {0, limit.rlim_max};
    call_fate_t fate = CALL_FATE_NONE;
    if (setrlimit(RLIMIT_NOFILE, &none) != 0)
        bail_out("no limit of descriptors");
    call_hresult_t result = call_method(object, TAKE, input, sizeof input, NULL, 0, &fate);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        bail_out("the limit stays");
    ok_hr(result, E_OUTOFMEMORY, "no room for the input can be had");
    ok_fate(fate, CALL_FATE_NEVER_STARTED, "fate");
    must(call_method(object, PIDS, NULL, 0, second, sizeof second, NULL));
    ok_u64((uint64_t)second[0], (uint64_t)first[0], "the child serves on");
    uint64_t len = 0;
    ok_hr(call_method(object, TAKE, input, sizeof input, &len, sizeof len, NULL), S_OK, "the same input later");
    ok_u64(len, sizeof input, "as long as it is");
    must(call_object_release(object));
}

static off_t starts_in(int file)
{
    return lseek(file, 0, SEEK_END);
}

static void a_pool_that_rests_starts_no_spares(void)
{
    char path[] = "/tmp/call-starts-XXXXXX", variable[64], mark[32];
    int file = mkstemp(path);
    if (file < 0)
        bail_out("no file");
    snprintf(variable, sizeof variable, "STARTS=%s", path);
    snprintf(mark, sizeof mark, "%s", path + 5);
    const char *const environment[] = {variable, NULL};
    call_bind_options_t options = with_children();
    options.spares = 1, options.idle_ms = 20, options.environment = environment;
    call_object_t resting = bound(&options);
    unsigned left = 1;
    for (uint64_t end = now_us() + hang_ms() * 1000ull; left > 0 && now_us() < end; (void)usleep(5000))
        left = processes_marked(mark);
    ok_u64(left, 0, "children without work are gone");
    off_t before = starts_in(file);
    /* Each call of this one has all pools looked after. */
    options = with_children();
    options.spares = 1, options.calls_per_child = 1;
    call_object_t busy = bound(&options);
    pid_t last = 0;
    unsigned renewed = 0;
    for (int i = 0; i < 10; i++) {
        pid_t pids[2] = {0, 0};
        must(call_method(busy, PIDS, NULL, 0, pids, sizeof pids, NULL));
        renewed += pids[0] != last;
        last = pids[0];
    }
    ok_u64(renewed, 10, "the pools were looked after meanwhile");
    ok_u64((uint64_t)starts_in(file), (uint64_t)before, "no child was started for nobody");
    pid_t pids[2];
    ok_hr(call_method(resting, PIDS, NULL, 0, pids, sizeof pids, NULL), S_OK, "a call ends the rest");
    must(call_object_release(busy));
    must(call_object_release(resting));
    (void)close(file);
    (void)unlink(path);
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--child") == 0)
        return be_a_child();
    if (count == 2 && strcmp(arguments[1], "--supervise") == 0)
        return be_an_interrupting_supervisor(count, arguments);
    static const tap_test_t tests[] = {
        /* First: here the supervisor is started. */
        TAP_TEST(an_interrupted_start_leaves_no_zombie),
        TAP_TEST(a_child_says_no_more_than_it_may),
        TAP_TEST(the_end_of_an_error_output_is_heard_once),
        TAP_TEST(an_input_without_room_never_starts),
        TAP_TEST(a_pool_that_rests_starts_no_spares),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
