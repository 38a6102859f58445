/* What is open in the processes that take part: in what a method starts, and where standard streams were closed. This
 * program is its own child, too. */
#include "isolated_support.h"
#define call_module_main serve_starter
#include "modules/starter.c"
#undef call_module_main

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

/* What a program that a method starts has open beside the standard streams. */
static void only_streams_in_what_is_started(call_object_t object, const char *name)
{
    char all[4097] = "";
    must(call_method(object, STARTER_LIST, NULL, 0, all, sizeof all - 1, NULL));
    unsigned streams = 0, others = 0;
    for (char *rest = all, *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        const char *arrow = strstr(line, " -> ");
        if (arrow == NULL)
            continue;
        bool stream = arrow[-2] == ' ' && arrow[-1] >= '0' && arrow[-1] <= '2';
        streams += stream;
        /* `ls` has the folder open. */
        if (!stream && strncmp(arrow + 4, "/proc/", 6) != 0) {
            others++;
            diag("%s: %s", name, line);
        }
    }
    ok_u64(streams, 3, "%s: a program that a method starts has its streams", name);
    ok_u64(others, 0, "%s: and nothing else", name);
}

static void what_a_method_starts_inherits_streams_alone(void)
{
    char own[4096] = "";
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        bail_out("nobody knows where this program is");
    const char *const arguments[] = {"--serve", NULL};
    call_bind_options_t options = {.size = sizeof options, .spares = CALL_BIND_NO_SPARES};
    call_object_t object = bind_object("isolated", "starter", "Starter", &options);
    only_streams_in_what_is_started(object, "call-host");
    must(call_object_release(object));
    options.program = own;
    options.arguments = arguments;
    must(call_object_bind("isolated:#Starter", &options, &object));
    only_streams_in_what_is_started(object, "a program of one's own");
    must(call_object_release(object));
}

/* What a process has at 0 to 2, as STARTER_STREAMS writes it. */
static void streams_of(pid_t pid, char *all, size_t size)
{
    char path[64], target[256];
    *all = 0;
    for (int fd = 0; fd <= 2; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        ssize_t len = readlink(path, target, sizeof target - 1);
        target[len < 0 ? 0 : len] = 0;
        snprintf(all + strlen(all), size - strlen(all), "%d %s\n", fd, target);
    }
}

enum { TEXTS = 4, TEXT = 1024 };

/* A host in which some of the streams are closed; writes what it, its supervisor and its child have there. */
static void be_a_host(int pipe_end, unsigned closed)
{
    char texts[TEXTS][TEXT] = {""};
    for (int fd = 0; fd <= 2; fd++)
        if ((closed >> fd & 1) != 0)
            (void)close(fd);
    streams_of(getpid(), texts[0], TEXT);
    call_object_t object = bind_object("isolated", "starter", "Starter", NULL);
    must(call_method(object, STARTER_STREAMS, NULL, 0, texts[1], TEXT - 1, NULL));
    streams_of(parent_of(pid_of(object, STARTER_PID)), texts[2], TEXT);
    streams_of(getpid(), texts[3], TEXT);
    _exit(write(pipe_end, texts, sizeof texts) != sizeof texts);
}

static void nothing_comes_where_streams_were_closed(void)
{
    for (unsigned closed = 1; closed < 8; closed++) {
        char texts[TEXTS][TEXT] = {""}, expected[TEXT];
        int ends[2];
        if (pipe(ends) != 0)
            bail_out("no pipe");
        fflush(stdout);
        pid_t host = fork();
        if (host == 0)
            be_a_host(fcntl(ends[1], F_DUPFD, 100), closed);
        (void)close(ends[1]);
        if (read(ends[0], texts, sizeof texts) != sizeof texts)
            bail_out("the host did not come so far");
        (void)close(ends[0]);
        (void)waitpid(host, NULL, 0);
        ok_str(texts[3], texts[0], "streams closed (%u): the host has nothing in their place", closed);
        const char *output = strchr(texts[0], '\n') + 3, *errors = strchr(output, '\n') + 3;
        snprintf(expected, sizeof expected, "0 /dev/null\n1 %.*s\n2 %s",
                 (closed & 2) != 0 ? 9 : (int)(errors - 3 - output), (closed & 2) != 0 ? "/dev/null" : output,
                 (closed & 4) != 0 ? "/dev/null\n" : errors);
        ok_str(texts[2], expected, "the supervisor has /dev/null there");
        const char *child = strstr(texts[1], "\n2 ");
        ok(child != NULL && strncmp(texts[1], expected, (size_t)(child - texts[1])) == 0
               && strncmp(child, "\n2 pipe:", 8) == 0,
           "and so has the child, and a pipe for its errors: %s", texts[1]);
    }
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--serve") == 0)
        return call_host_serve(CALL_HOST_FD, serve_starter) != S_OK;
    static const tap_test_t tests[] = {
        TAP_TEST(what_a_method_starts_inherits_streams_alone),
        TAP_TEST(nothing_comes_where_streams_were_closed),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
