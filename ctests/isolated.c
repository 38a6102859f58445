/* Objects in child processes: what a call comes to, tier by tier. */
#include "isolated_support.h"
#include "modules/basic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static call_object_t basic(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    return bind_object("isolated", "basic", "Basic", &options);
}

static void a_method_runs_in_another_process(void)
{
    call_object_t object = basic();
    char out[64] = "";
    call_fate_t fate = CALL_FATE_NONE;
    ok_hr(call_method(object, BASIC_ECHO, "hello", 6, out, sizeof out, &fate), S_OK, "a call is answered");
    ok_str(out, "hello", "with what the method wrote");
    ok_fate(fate, CALL_FATE_COMPLETED, "fate");
    pid_t child = pid_of(object, BASIC_PID);
    ok(child > 0 && child != getpid(), "it ran in process %d, and this is %d", (int)child, (int)getpid());
    uint32_t method = 99;
    ok_hr(call_object_find_method(object, "poll", &method), S_OK, "methods are found by name");
    ok_u64(method, BASIC_POLL, "number");
    must(call_object_release(object));
    await_death(child);
    ok(true, "the child is gone with its object");
}

static void a_failure_brings_its_message(void)
{
    call_object_t object = basic();
    call_t call;
    char message[128] = "";
    must(call_create(object, &call));
    must(call_begin(call, BASIC_FAIL, NULL, 0));
    completed(call);
    must(call_get_error(call, message, sizeof message, NULL));
    ok_str(message, "it failed in a child", "the message comes along");
    ok_hr(call_finish(call, NULL, 0, NULL), E_ACCESSDENIED, "and the code");
    ok_fate(fate_of(call), CALL_FATE_COMPLETED, "fate");
    must(call_release(call));
    must(call_object_release(object));
}

static call_t begun(call_object_t object, uint32_t method)
{
    call_t call;
    must(call_create(object, &call));
    must(call_begin(call, method, NULL, 0));
    return call;
}

static void a_queued_call_that_is_canceled_never_starts(void)
{
    call_object_t object = basic();
    unsigned count = 0;
    must(call_method(object, BASIC_COUNT, NULL, 0, &count, sizeof count, NULL));
    call_t first = begun(object, BASIC_OBEY), second = begun(object, BASIC_COUNT);
    call_cancel_t cancel = cancel_of(second);
    ok_hr(call_cancel(cancel, 10), S_OK, "the queued call is canceled");
    ok_hr(finish(second), RPC_E_CALL_CANCELED, "its result");
    ok_fate(fate_of(second), CALL_FATE_NEVER_STARTED, "fate");
    must(call_cancel_release(cancel));
    cancel = cancel_of(first);
    (void)call_cancel(cancel, 20);
    ok_hr(finish(first), RPC_E_CALL_CANCELED, "the running one, too");
    must(call_cancel_release(cancel));
    must(call_release(first));
    must(call_release(second));
    unsigned later = 0;
    must(call_method(object, BASIC_COUNT, NULL, 0, &later, sizeof later, NULL));
    ok_u64(later, count + 1, "the method was not entered for the canceled call");
    must(call_object_release(object));
}

static void a_method_that_hears_of_its_cancel_stops(uint32_t method, const char *text)
{
    call_object_t object = basic();
    pid_t before = pid_of(object, BASIC_PID);
    call_t call = enter_method(object, method);
    call_cancel_t cancel = cancel_of(call);
    (void)call_cancel(cancel, 20);
    char out[32] = "";
    ok_hr(finish_text(call, out, sizeof out), RPC_E_CALL_CANCELED, "it stops");
    ok_str(out, text, "what it wrote is there");
    ok_fate(fate_of(call), CALL_FATE_STOPPED, "fate");
    ok_u64((uint64_t)pid_of(object, BASIC_PID), (uint64_t)before, "its child lives on");
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(object));
}

static void a_sleeping_method_hears_of_its_cancel(void)
{
    a_method_that_hears_of_its_cancel_stops(BASIC_OBEY, "obeyed");
}

static void a_looking_method_hears_of_its_cancel(void)
{
    a_method_that_hears_of_its_cancel_stops(BASIC_POLL, "");
}

/* Whether its own look or the cancel's message comes first; the cancel has no end of grace to wake anybody. */
static void a_method_that_looks_is_told_too(void)
{
    enum { TIMES = 100 };
    call_object_t object = basic();
    unsigned stopped = 0;
    for (int i = 0; i < TIMES; i++) {
        call_t call = enter_method(object, BASIC_TOLD);
        call_cancel_t cancel = cancel_of(call);
        must(call_request_cancel(cancel, CALL_INFINITE));
        completed(call);
        stopped += finish(call) == RPC_E_CALL_CANCELED && fate_of(call) == CALL_FATE_STOPPED;
        must(call_cancel_release(cancel));
        must(call_release(call));
    }
    ok_u64(stopped, TIMES, "a method that looks, and gave a function, stops when that was told");
    must(call_object_release(object));
}

static void killed(uint32_t seconds, bool by_request)
{
    call_object_t object = basic();
    pid_t before = pid_of(object, BASIC_PID);
    call_t call = enter_method(object, BASIC_SPIN);
    call_cancel_t cancel = cancel_of(call);
    call_hresult_t hr = by_request ? call_request_cancel(cancel, seconds * 1000) : call_cancel(cancel, seconds);
    ok_hr(hr, S_OK, "an endless loop is canceled, grace %u s", seconds);
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "its result");
    /* The end of a grace period is the end of the child first. */
    ok_fate(seconds > 0 ? fate_of(call) : settled_fate_of(call), CALL_FATE_KILLED, "fate");
    await_death(before);
    ok(pid_of(object, BASIC_PID) != before, "the next call is served by another process");
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(object));
}

static void an_endless_loop_is_killed_when_its_grace_is_over(void)
{
    killed(1, false);
}

static void an_endless_loop_is_killed_at_once(void)
{
    killed(0, false);
    killed(0, true);
}

static void a_deadline_kills(void)
{
    call_object_t object = basic();
    pid_t before = pid_of(object, BASIC_PID);
    call_hresult_t result = S_OK;
    call_fate_t fate = CALL_FATE_NEVER_STARTED;
    call_t call;
    must(call_create(object, &call));
    /* On a slow machine it may pass before the method starts. */
    for (uint32_t ms = 200; fate == CALL_FATE_NEVER_STARTED && ms < hang_ms(); ms *= 2) {
        must(call_set_timeout(call, ms, 100));
        must(call_begin(call, BASIC_SPIN, NULL, 0));
        result = finish(call);
        fate = settled_fate_of(call);
    }
    ok_hr(result, RPC_E_TIMEOUT, "the deadline ends it");
    ok_fate(fate, CALL_FATE_KILLED, "fate");
    await_death(before);
    must(call_release(call));
    must(call_object_release(object));
}

static void a_crash_is_told_with_the_last_words(void)
{
    call_object_t object = basic();
    call_t call = begun(object, BASIC_CRASH);
    completed(call);
    char message[1024] = "";
    must(call_get_error(call, message, sizeof message, NULL));
    ok_hr(finish(call), RPC_E_SERVER_DIED, "FI-13 LT-9 a crash ends the call");
    ok_fate(fate_of(call), CALL_FATE_KILLED, "fate");
    ok(strstr(message, "SIGABRT") != NULL && strstr(message, "the last words of a child") != NULL,
       "signal and last words are in the message: %s", message);
    ok_hr(call_begin(call, BASIC_EXIT, NULL, 0), S_OK, "the next call begins");
    completed(call);
    must(call_get_error(call, message, sizeof message, NULL));
    ok_hr(finish(call), RPC_E_SERVER_DIED, "an exit inside a method is as bad");
    ok(strstr(message, "status 7") != NULL, "the status is in the message: %s", message);
    must(call_release(call));
    ok(pid_of(object, BASIC_PID) > 0, "and the next one is served");
    must(call_object_release(object));
}

static void large_payloads_go_through(void)
{
    call_object_t object = basic();
    enum { LARGE = 5 << 20 };
    char *in = malloc(LARGE), *out = malloc(LARGE);
    for (size_t at = 0; at < LARGE; at++)
        in[at] = (char)(at * 31 + at / 251);
    for (size_t len = 1; len <= LARGE; len = len * 5 + 7) {
        memset(out, 0, len);
        call_hresult_t hr = call_method(object, BASIC_ECHO, in, len, out, LARGE, NULL);
        if (hr != S_OK || memcmp(in, out, len) != 0) {
            ok_hr(hr, S_OK, "%zu bytes come back as they were", len);
            break;
        }
    }
    ok_hr(call_method(object, BASIC_ECHO, in, LARGE, out, LARGE, NULL), S_OK, "5 MiB come back");
    ok(memcmp(in, out, LARGE) == 0, "as they were");
    ok_hr(call_method(object, BASIC_ECHO, in, 3, out, LARGE, NULL), S_OK, "and three bytes after that");
    free(in);
    free(out);
    must(call_object_release(object));
}

static void progress_is_seen_while_the_method_runs(void)
{
    call_object_t object = basic();
    call_t call = enter_method(object, BASIC_PROGRESS);
    uint64_t done = 0, total = 0;
    must(call_get_progress(call, &done, &total));
    ok_u64(done, 3, "progress is told");
    ok_u64(total, 8, "progress comes from the child");
    call_cancel_t cancel = cancel_of(call);
    (void)call_cancel(cancel, 20);
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "it stops");
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(object));
}

int main(void)
{
    static const tap_test_t tests[] = {
        TAP_TEST(a_method_runs_in_another_process),
        TAP_TEST(a_failure_brings_its_message),
        TAP_TEST(a_queued_call_that_is_canceled_never_starts),
        TAP_TEST(a_sleeping_method_hears_of_its_cancel),
        TAP_TEST(a_looking_method_hears_of_its_cancel),
        TAP_TEST(a_method_that_looks_is_told_too),
        TAP_TEST(an_endless_loop_is_killed_when_its_grace_is_over),
        TAP_TEST(an_endless_loop_is_killed_at_once),
        TAP_TEST(a_deadline_kills),
        TAP_TEST(a_crash_is_told_with_the_last_words),
        TAP_TEST(large_payloads_go_through),
        TAP_TEST(progress_is_seen_while_the_method_runs),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
