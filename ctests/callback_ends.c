/* Whatever ends a call, its completion callback runs exactly once, and its destroy once after that:
 * a result, a failure, a cancel by function or signal handler, a deadline, a disconnect, a close; running or
 * still queued; also where the client has let go of the call. */
#include "callbacks.h"
#include "ends.h"

static void watch_by_callback(call_t call, void *data)
{
    notice_set(call, data);
}

static void check_end(uint32_t kind, const char *name, const way_t *way, bool waits, bool released)
{
    case_t one;
    notice_t notice;
    char what[128];
    notice_init(&notice);
    case_open(&one, kind, way, waits, watch_by_callback, &notice);
    (void)snprintf(what, sizeof what, "[%s] a %s call%s, ended by %s", name, waits ? "queued" : "running",
                   released ? " that was let go" : "", way->name);
    if (way->end != end_by_deadline)
        ok_u64(atomic_load(&notice.runs), 0, "%s: the function does not run before", what);
    if (released)
        must(call_release(one.call));
    way->end(&one);
    gate_wait(&notice.ran);
    ok(notice.call.id == one.call.id, "%s: it is given the call", what);
    if (released) {
        ok_hr(notice.waited, E_HANDLE, "%s: whose handle is dead", what);
    } else {
        ok_hr(notice.waited, S_OK, "%s: which is complete", what);
        ok_hr(call_try_finish(one.call, NULL, 0, NULL), way->result, "%s: with its code", what);
        ok_u64(atomic_load(&notice.destroys), 0, "%s: destroy is for later", what);
        must(call_release(one.call));
    }
    gate_wait(&notice.destroyed);
    case_close(&one);
    ok_u64(atomic_load(&notice.runs), 1, "%s: it ran once", what);
    ok_u64(atomic_load(&notice.destroys), 1, "%s: destroy ran once", what);
    ok_u64(atomic_load(&notice.late), 0, "%s: and after it", what);
}

static void whatever_ends_a_call(void)
{
    check_all_ends(check_end);
}

static const tap_test_t tests[] = {
    TAP_TEST(whatever_ends_a_call),
};

TAP_MAIN(tests)
