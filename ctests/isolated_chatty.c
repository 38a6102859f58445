/* Children that write to their standard error without end: the others are served, and the child is killed. */
#include "isolated_support.h"
#include "modules/basic.h"
#include "modules/starter.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_one_processor(pid_t pid)
{
    cpu_set_t all, one;
    int cpu = 0;
    CPU_ZERO(&one);
    if (sched_getaffinity(pid, sizeof all, &all) != 0)
        bail_out("nobody knows the processors of process %d", (int)pid);
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_SET(cpu, &one);
    if (sched_setaffinity(pid, sizeof one, &one) != 0)
        bail_out("process %d cannot be held to one processor", (int)pid);
}

static void who_never_falls_silent_starves_nobody(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET, .term_ms = CALL_BIND_NO_TERM};
    call_object_t noisy = bind_object("isolated", "starter", "Starter", &options), quiet;
    pid_t before = pid_of(noisy, STARTER_PID);
    /* Each time that some of it was read, somebody writes before the next is. */
    on_one_processor(before);
    on_one_processor(parent_of(before));
    if (sched_setscheduler(parent_of(before), SCHED_IDLE, &(struct sched_param) {0}) != 0)
        bail_out("the supervisor does not give way");
    call_t call = enter_method(noisy, STARTER_NOISE);
    (void)alarm(2 * hang_ms() / 1000);
    quiet = bind_object("isolated", "basic", "Basic", &options);
    ok(pid_of(quiet, BASIC_PID) > 0, "another child is started meanwhile, and serves");
    call_fate_t fate;
    ok_hr(call_method(quiet, BASIC_CRASH, NULL, 0, NULL, 0, &fate), RPC_E_SERVER_DIED, "its end is heard of");
    call_cancel_t cancel = cancel_of(call);
    (void)call_cancel(cancel, 0);
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "the noise is canceled");
    ok_fate(settled_fate_of(call), CALL_FATE_KILLED, "and has ended");
    ok(pid_of(noisy, STARTER_PID) != before, "the next call is served");
    (void)alarm(0);
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(quiet));
    must(call_object_release(noisy));
}

static void last_words_are_the_last_ones(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    call_object_t object = bind_object("isolated", "starter", "Starter", &options);
    char said[64] = "", message[4096] = "";
    pid_t child = pid_of(object, STARTER_PID), supervisor = parent_of(child);
    uint32_t count = 500000;
    memcpy(said, &count, sizeof count);
    strcpy(said + sizeof count, "the very last words");
    call_t call;
    must(call_create(object, &call));
    /* It reads all of it when the child is dead. */
    (void)kill(supervisor, SIGSTOP);
    must(call_begin(call, STARTER_WRITES, said, sizeof count + strlen(said + sizeof count)));
    await_death(child);
    (void)kill(supervisor, SIGCONT);
    completed(call);
    must(call_get_error(call, message, sizeof message, NULL));
    ok_hr(finish(call), RPC_E_SERVER_DIED, "a child writes more than is read at a time, and dies");
    const char *end = strrchr(message, '#');
    ok(end != NULL && strcmp(end, "#the very last words") == 0, "its last words are the last: %s", end == NULL ? "" : end);
    must(call_release(call));
    must(call_object_release(object));
}

int main(void)
{
    static const tap_test_t tests[] = {
        TAP_TEST(who_never_falls_silent_starves_nobody),
        TAP_TEST(last_words_are_the_last_ones),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
