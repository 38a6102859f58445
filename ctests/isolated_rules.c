/* The rules that are those of a child process alone: a server that dies. All others are shown by distances.c and the
 * other tests of the distances. */
#include "isolated_support.h"
#include "modules/basic.h"

#include <signal.h>

static unsigned checks;

/* A check with its distance before its name; counts it. */
#define IS_HR(got, expected, ...) (checks++, ok_hr((got), (expected), "[isolated] " __VA_ARGS__))
#define IS_FATE(got, expected, ...) (checks++, ok_fate((got), (expected), "[isolated] " __VA_ARGS__))

static call_object_t bind_basic(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    return bind_object("isolated", "basic", "Basic", &options);
}

static void dies_by_itself(void)
{
    static const uint32_t ways[] = {BASIC_CRASH, BASIC_EXIT};
    call_object_t object = bind_basic();
    call_t call;
    must(call_create(object, &call));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        must(call_begin(call, ways[i], NULL, 0));
        IS_HR(finish(call), RPC_E_SERVER_DIED, "FI-13 LT-9 a child that dies ends its call");
        IS_FATE(fate_of(call), CALL_FATE_KILLED, "FI-13 its fate");
        must(call_begin(call, BASIC_ECHO, "next", 4));
        IS_HR(finish(call), S_OK, "FI-13 LT-9 and another child serves the next one");
    }
    must(call_release(call));
    must(call_object_release(object));
}

/* Somebody else kills it, while a thread waits for it. */
static void is_killed(void)
{
    call_object_t object = bind_basic();
    pid_t child = pid_of(object, BASIC_PID);
    call_t call = enter_method(object, BASIC_OBEY);
    caller_t finisher = {.run = run_finish, .call = call};
    caller_start(&finisher);
    caller_settle(&finisher);
    if (kill(child, SIGKILL) != 0)
        bail_out("the child cannot be killed");
    IS_HR(caller_join(&finisher), RPC_E_SERVER_DIED, "FI-13 LT-9 a finish that slept says that the child died");
    IS_FATE(fate_of(call), CALL_FATE_KILLED, "FI-13 its fate");
    must(call_release(call));
    must(call_object_release(object));
}

int main(void)
{
    static const char *const others[] = {"same multi", "same single", "same serial", "custom", "multi", "single", "serial"};
    dies_by_itself();
    is_killed();
    diag("isolated: %u checks", checks);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        diag("%s: cannot be: FI-13 FI-14 LT-9: a server in this process does not die without its client", others[i]);
    return done_testing();
}
