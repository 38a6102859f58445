/* What is open in the processes that take part: in what a method starts. This program is its own child, too. */
#include "isolated_support.h"
#include "modules/starter.c"


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

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--serve") == 0)
        return call_host_serve(CALL_HOST_FD, call_module_main) != S_OK;
    static const tap_test_t tests[] = {
        TAP_TEST(what_a_method_starts_inherits_streams_alone),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
