/* Whatever ends a call, one completion of it arrives in its queue: a result, a failure, a cancel, a
 * deadline, a disconnect, a close; running or still queued; also where the client has let go of it. */
#include "ends.h"
#include "queues.h"

static void watch_by_queue(call_t call, void *data)
{
    must(call_set_queue(call, *(call_queue_t *)data, 77));
}

static void check_end(uint32_t kind, const char *name, const way_t *way, bool waits, bool released)
{
    case_t one;
    char what[128];
    call_queue_t queue = new_queue();
    case_open(&one, kind, way, waits, watch_by_queue, &queue);
    (void)snprintf(what, sizeof what, "[%s] a %s call%s, ended by %s", name, waits ? "queued" : "running",
                   released ? " that was let go" : "", way->name);
    ok_hr(way->end == end_by_deadline ? RPC_S_CALLPENDING : poll_queue(queue), RPC_S_CALLPENDING,
          "%s, is not there before", what);
    if (released)
        must(call_release(one.call));
    way->end(&one);
    call_completion_t taken = take_one(queue);
    ok(taken.tag == 77 && taken.call.id == one.call.id, "%s, arrives", what);
    if (released) {
        ok_hr(call_wait(taken.call, 0), E_HANDLE, "%s: its handle is dead", what);
    } else {
        ok_hr(call_wait(one.call, 0), S_OK, "%s: it is complete", what);
        ok_hr(call_try_finish(one.call, NULL, 0, NULL), way->result, "%s: with its code", what);
        must(call_release(one.call));
    }
    ok_hr(poll_queue(queue), RPC_S_CALLPENDING, "%s: once", what);
    must(call_queue_release(queue));
    case_close(&one);
}

static void whatever_ends_a_call(void)
{
    check_all_ends(check_end);
}

static const tap_test_t tests[] = {
    TAP_TEST(whatever_ends_a_call),
};

TAP_MAIN(tests)
