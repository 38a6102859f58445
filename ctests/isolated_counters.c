/* Calls in child processes are counted by their fates, those that were killed too. */
#include "isolated_support.h"
#include "modules/basic.h"
#include "modules/probe.h"
#include <sched.h>

enum { ROUNDS = 3 };

static call_counters_t counters(void)
{
    call_counters_t now = {.size = sizeof now};
    must(call_get_counters(&now));
    return now;
}

/* A method's end is counted after its client may have seen it. */
static call_counters_t settled_counters(const call_counters_t *before)
{
    uint64_t end = now_us() + hang_ms() * 1000ull;
    for (;; (void)sched_yield()) {
        call_counters_t now = counters();
        uint64_t ended = now.completed + now.never_started + now.stopped + now.killed;
        uint64_t ended_before = before->completed + before->never_started + before->stopped + before->killed;
        if (ended - ended_before >= now.begun - before->begun || now_us() > end)
            return now;
    }
}

static void canceled(call_object_t object, uint32_t method, uint32_t grace_ms, call_fate_t expected)
{
    call_t call = enter_method(object, method);
    call_cancel_t cancel = cancel_of(call);
    must(call_request_cancel(cancel, grace_ms));
    (void)finish(call);
    ok_fate(settled_fate_of(call), expected, "a call that is canceled with %u ms of grace", grace_ms);
    must(call_cancel_release(cancel));
    must(call_release(call));
}

static void fates_are_counted(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET, .term_ms = CALL_BIND_NO_TERM};
    call_object_t object = bind_object("isolated", "probe", "Probe", &options);
    call_object_t crashes = bind_object("isolated", "basic", "Basic", &options);
    must(call_set_tracking(1, 0));
    call_counters_t before = counters();
    for (int i = 0; i < ROUNDS; i++) {
        call_fate_t fate;
        ok_hr(call_method(crashes, BASIC_CRASH, NULL, 0, NULL, 0, &fate), RPC_E_SERVER_DIED, "a crash");
        (void)pid_of(object, PROBE_PID);
        canceled(object, PROBE_BURN, 0, CALL_FATE_KILLED);
        canceled(object, PROBE_BURN, 30, CALL_FATE_KILLED);
        canceled(object, PROBE_WAIT, hang_ms(), CALL_FATE_STOPPED);
    }
    call_counters_t now = settled_counters(&before);
    ok_u64(now.begun - before.begun, 5 * ROUNDS, "all are counted");
    ok_u64(now.killed - before.killed, 3 * ROUNDS,
           "those that crashed, and those that were killed before or after their clients went");
    ok_u64(now.completed - before.completed, ROUNDS, "those that completed");
    ok_u64(now.stopped - before.stopped, ROUNDS, "those that stopped");
    ok_u64(now.never_started - before.never_started, 0, "and none that has not started");
    must(call_set_tracking(0, 0));
    must(call_object_release(crashes));
    must(call_object_release(object));
}

int main(void)
{
    static const tap_test_t tests[] = {TAP_TEST(fates_are_counted)};
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
