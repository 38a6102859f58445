/* Calls begun inside methods: cancel and the nearer deadline flow down to them, through every kind of
 * apartment, unless they are detached. Large families are in family.c. */
#include "distance_support.h"
#include "measure.h"

#include <string.h>

enum { HOPS = 3, CUSTOM = CALL_APARTMENT_SERIAL + 1, PLACES, SOON = 20, FAR = 3600 * 1000 };
enum { GRACE_SECONDS = 1000 };

/* One object of a chain and what its method saw. */
typedef struct hop_t {
    home_t home;
    server_t server;
    job_t job;
    call_t call;
    call_hresult_t begun, finished;
    call_fate_t fate;
    uint32_t cause, left;
    bool waits_for_told; /* the last: until the classes of the others were told of the cancel */
    bool waits_for_all;  /* the last: until the others are canceled */
    struct hop_t *next;
    void (*prepare)(struct hop_t *next); /* of the next one's call object, or NULL */
} hop_t;

static const char *place_name(uint32_t place)
{
    return place == CUSTOM ? "custom" : kind_name(place);
}

static call_hresult_t wait_for_cancel(call_context_t context)
{
    return call_context_wait_cancel(context, hang_ms());
}

/* Begins the next one and waits for it; the last sleeps until it is canceled. */
static call_hresult_t go_on(job_t *job)
{
    hop_t *hop = job->data;
    must(call_context_get_deadline(job->context, &hop->left));
    if (hop->next == NULL) {
        gate_open(&job->entered);
        job->seen = wait_for_cancel(job->context);
        /* The methods above wait in the library, where they can be told. */
        for (int above = 1; hop->waits_for_told && above < HOPS; above++)
            gate_wait(&(hop - above)->server.told);
        /* Their deadline is the same: none is to end by another's answer. */
        for (int above = 1; hop->waits_for_all && above < HOPS; above++)
            (void)wait_for_cancel((hop - above)->job.context);
        return job->seen == RPC_E_CALL_CANCELED ? job->seen : E_FAIL;
    }
    job_t *next = &hop->next->job;
    if (hop->prepare != NULL)
        hop->prepare(hop->next);
    hop->begun = call_begin(hop->next->call, RUN, &next, sizeof next);
    gate_open(&job->entered);
    if (hop->begun != S_OK)
        return hop->begun;
    hop->finished = finish(hop->next->call);
    hop->fate = fate_of(hop->next->call);
    hop->cause = cause_of(hop->next->call);
    return hop->finished;
}

static void chain_open(hop_t hops[HOPS], const uint32_t places[HOPS])
{
    memset(hops, 0, HOPS * sizeof hops[0]);
    for (int i = 0; i < HOPS; i++) {
        bool custom = places[i] == CUSTOM;
        home_open(&hops[i].home, custom ? CALL_APARTMENT_MULTI : places[i], 2);
        server_create(&hops[i].server, hops[i].home.apartment,
                      custom ? &custom_with_cancel_class : &invoke_with_cancel_class);
        hops[i].server.mode = i + 1 < HOPS ? AT_ONCE : BY_HELPER;
        hops[i].call = new_call(&hops[i].server.target);
        hops[i].next = i + 1 < HOPS ? &hops[i + 1] : NULL;
        job_init(&hops[i].job, NULL, S_OK);
        hops[i].job.run = go_on;
        hops[i].job.data = &hops[i];
    }
}

static void chain_begin(hop_t hops[HOPS])
{
    begin_job(hops[0].call, RUN, &hops[0].job);
    gate_wait(&hops[HOPS - 1].job.entered);
}

static void chain_close(hop_t hops[HOPS])
{
    for (int i = 0; i < HOPS; i++) {
        must(call_release(hops[i].call));
        server_destroy(&hops[i].server);
    }
    for (int i = 0; i < HOPS; i++)
        home_close(&hops[i].home);
}

static void cancel_flows(const uint32_t places[HOPS])
{
    hop_t hops[HOPS];
    char way[64];
    (void)snprintf(way, sizeof way, "%s, %s, %s", place_name(places[0]), place_name(places[1]), place_name(places[2]));
    chain_open(hops, places);
    hops[HOPS - 1].waits_for_told = true;
    chain_begin(hops);
    call_cancel_t cancel = cancel_of(hops[0].call);
    ok_hr(call_request_cancel(cancel, GRACE_SECONDS * 1000), S_OK, "a chain is canceled at its top: %s", way);
    completed(hops[0].call);
    ok_hr(finish(hops[0].call), RPC_E_CALL_CANCELED, "which ends as canceled");
    ok_fate(fate_of(hops[0].call), CALL_FATE_STOPPED, "and as stopped");
    ok_hr(hops[2].job.seen, RPC_E_CALL_CANCELED, "as the third method hears of it");
    for (int i = 0; i + 1 < HOPS; i++) {
        ok_hr(hops[i].finished, RPC_E_CALL_CANCELED, "hop %d had its child canceled", i);
        ok_fate(hops[i].fate, CALL_FATE_STOPPED, "and stopped");
        ok_u64(hops[i].cause, CALL_CAUSE_PARENT, "because of the parent, says its cause");
    }
    for (int i = 0; i + 1 < HOPS; i++) {
        uint32_t grace = hops[i].server.told_grace;
        ok(grace <= GRACE_SECONDS * 1000 && grace > 1000, "with the grace that is left at hop %d: %u ms", i, grace);
    }
    must(call_cancel_release(cancel));
    chain_close(hops);
}

static void cancel_through_three_hops(void)
{
    /* The first one is begun by this thread, which a begin that waits would hold. */
    for (uint32_t first = 0; first < CUSTOM; first++)
        for (uint32_t second = 0; second < PLACES; second++)
            for (uint32_t third = 0; third < PLACES; third++)
                cancel_flows((uint32_t[HOPS]){first, second, third});
}

static void nearer(hop_t *next)
{
    must(call_set_timeout(next->call, FAR / 2, 0));
}

static void farther(hop_t *next)
{
    must(call_set_timeout(next->call, CALL_INFINITE - 1, 0));
}

static void nearer_deadline_counts(void)
{
    for (uint32_t place = 0; place < CUSTOM; place++) {
        hop_t hops[HOPS];
        chain_open(hops, (uint32_t[HOPS]){place, (place + 1) % CUSTOM, (place + 2) % CUSTOM});
        must(call_set_timeout(hops[0].call, FAR, 0));
        hops[0].prepare = farther;
        hops[1].prepare = nearer;
        chain_begin(hops);
        ok(hops[0].left <= FAR && hops[0].left > FAR / 2, "%s: the top has its own deadline", place_name(place));
        ok(hops[1].left <= FAR && hops[1].left > FAR / 2, "the second has that of the first, which is nearer");
        ok(hops[2].left <= FAR / 2, "the third its own, which is nearer still: %u ms", hops[2].left);
        call_cancel_t cancel = cancel_of(hops[0].call);
        (void)call_request_cancel(cancel, CALL_INFINITE);
        ok_hr(finish(hops[0].call), RPC_E_CALL_CANCELED, "and the cancel comes before any of them");
        must(call_cancel_release(cancel));
        chain_close(hops);
    }
}

/* Begins with a deadline that leaves the third method time to start, however slow the machine is. */
static void chain_with_deadline(hop_t hops[HOPS], const uint32_t places[HOPS])
{
    for (uint32_t timeout_ms = hang_ms() / 40;; timeout_ms *= 2) {
        gate_t *entered = &hops[HOPS - 1].job.entered;
        chain_open(hops, places);
        must(call_set_timeout(hops[0].call, timeout_ms, CALL_INFINITE));
        hops[HOPS - 1].waits_for_all = true;
        begin_job(hops[0].call, RUN, &hops[0].job);
        while (gate_count(entered) == 0 && call_wait(hops[0].call, 1) == RPC_S_CALLPENDING)
            ;
        if (gate_count(entered) != 0)
            return;
        (void)finish(hops[0].call);
        chain_close(hops);
        if (timeout_ms > hang_ms())
            bail_out("the third method did not start within %u ms", (unsigned)timeout_ms);
    }
}

static void deadline_flows(void)
{
    for (uint32_t place = 0; place < CUSTOM; place++) {
        hop_t hops[HOPS];
        chain_with_deadline(hops, (uint32_t[HOPS]){place, (place + 1) % CUSTOM, (place + 2) % CUSTOM});
        ok_hr(finish(hops[0].call), RPC_E_TIMEOUT, "%s: the deadline of the top passes", place_name(place));
        ok_u64(cause_of(hops[0].call), CALL_CAUSE_TIMEOUT, "which is its own");
        for (int i = 0; i + 1 < HOPS; i++) {
            ok_hr(hops[i].finished, RPC_E_TIMEOUT, "hop %d's child ends by it", i);
            ok_u64(hops[i].cause, CALL_CAUSE_PARENT_TIMEOUT, "and knows that it is its parent's");
        }
        chain_close(hops);
    }
}

/* One parent, whose method is the test's: deferred, so that it goes on for as long as that likes. */
typedef struct family_t {
    scene_t parents, children;
    job_t parent, child;
    call_cancel_t cancel;
    uint32_t child_method;
    call_hresult_t (*inside)(struct family_t *family);
} family_t;

static call_hresult_t run_parent(job_t *job)
{
    family_t *family = job->data;
    call_hresult_t result = family->inside(family);
    gate_open(&job->entered);
    return result;
}

static void family_begin(family_t *family, call_hresult_t (*inside)(family_t *family), uint32_t child_method)
{
    scene_open(&family->parents, 1);
    scene_open(&family->children, 1);
    job_init(&family->parent, NULL, S_OK);
    job_init(&family->child, NULL, RPC_E_CALL_CANCELED);
    family->parent.run = run_parent;
    family->parent.data = family;
    family->inside = inside;
    family->child_method = child_method;
    family->cancel = cancel_of(family->parents.call);
    begin_job(family->parents.call, RUN, &family->parent);
}

static void family_end(family_t *family)
{
    must(call_cancel_release(family->cancel));
    scene_close(&family->parents);
    scene_close(&family->children);
}

static call_hresult_t begin_child(family_t *family)
{
    enter_job(family->children.call, family->child_method, &family->child);
    return CALL_S_DEFERRED;
}

static call_hresult_t begin_detached(family_t *family)
{
    must(call_detach(family->children.call));
    return begin_child(family);
}

static call_hresult_t begin_attached_again(family_t *family)
{
    must(call_detach(family->children.call));
    must(call_set_parent(family->children.call, (call_t){0}));
    return begin_child(family);
}

static void child_that_stands_alone(void)
{
    family_t family;
    uint32_t left = 0;
    family_begin(&family, begin_detached, HOLD);
    gate_wait(&family.parent.entered);
    ok_hr(call_cancel(family.cancel, 0), S_OK, "a parent is canceled");
    ok_hr(call_context_wait_cancel(family.child.context, SOON), RPC_S_CALLPENDING, "a detached child is not");
    must(call_context_get_deadline(family.child.context, &left));
    ok_u64(left, CALL_INFINITE, "and has no deadline of another");
    must(call_context_complete(family.parent.context, S_OK));
    ok_hr(finish(family.parents.call), RPC_E_CALL_CANCELED, "the parent is over");
    gate_open(&family.child.release);
    ok_hr(finish(family.children.call), RPC_E_CALL_CANCELED, "the child ends with what its method says");
    ok_u64(cause_of(family.children.call), CALL_CAUSE_NONE, "which nobody told it to");
    family_end(&family);

    family_begin(&family, begin_attached_again, OBEY);
    gate_wait(&family.parent.entered);
    must(call_cancel(family.cancel, 0));
    ok_hr(finish(family.children.call), RPC_E_CALL_CANCELED, "call_set_parent ends the detachment");
    ok_u64(cause_of(family.children.call), CALL_CAUSE_PARENT, "the parent's cancel flows down again");
    must(call_context_complete(family.parent.context, S_OK));
    must(finish(family.parents.call) == RPC_E_CALL_CANCELED ? S_OK : E_FAIL);
    gate_wait(&family.child.left);
    family_end(&family);
}

static call_hresult_t begin_when_canceled(family_t *family)
{
    gate_open(&family->parent.release);
    must(call_context_wait_cancel(family->parent.context, hang_ms()) == RPC_E_CALL_CANCELED ? S_OK : E_FAIL);
    job_t *child = &family->child;
    family->parent.codes[0] = call_begin(family->children.call, family->child_method, &child, sizeof child);
    return S_OK;
}

static void child_of_a_canceled_parent(void)
{
    static const uint32_t graces[] = {0, CALL_INFINITE};
    for (int i = 0; i < 2; i++) {
        family_t family;
        family_begin(&family, begin_when_canceled, OBEY);
        gate_wait(&family.parent.release);
        must(call_request_cancel(family.cancel, graces[i]));
        gate_wait(&family.parent.entered);
        const char *how = i == 0 ? "abandoned" : "in its grace period";
        ok_hr(family.parent.codes[0], S_OK, "a parent that is %s begins a child", how);
        ok_hr(finish(family.children.call), RPC_E_CALL_CANCELED, "which is canceled at once");
        ok_u64(cause_of(family.children.call), CALL_CAUSE_PARENT, "with its parent");
        (void)finish(family.parents.call);
        call_fate_t fate = settled_fate_of(family.children.call);
        ok(fate == CALL_FATE_NEVER_STARTED || fate == CALL_FATE_STOPPED, "and its fate is %s", fate_name(fate));
        family_end(&family);
    }
}

static call_hresult_t begin_and_release(family_t *family)
{
    call_t call = new_call(&family->children.target);
    enter_job(call, family->child_method, &family->child);
    must(call_release(call));
    return CALL_S_DEFERRED;
}

static void released_child(void)
{
    family_t family;
    family_begin(&family, begin_and_release, OBEY);
    gate_wait(&family.parent.entered);
    must(call_cancel(family.cancel, 0));
    gate_wait(&family.child.left);
    ok_hr(family.child.seen, RPC_E_CALL_CANCELED, "RL-4 releasing the child's handle does not cut the link");
    must(call_context_complete(family.parent.context, S_OK));
    (void)finish(family.parents.call);
    family_end(&family);
}

static void parent_that_ends(void)
{
    family_t family;
    family_begin(&family, begin_child, HOLD);
    gate_wait(&family.parent.entered);
    must(call_context_complete(family.parent.context, S_FALSE));
    ok_hr(finish(family.parents.call), S_FALSE, "a parent ends before its child");
    ok_hr(call_cancel(family.cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 and is not canceled any more");
    ok_hr(call_context_wait_cancel(family.child.context, SOON), RPC_S_CALLPENDING, "the child goes on");
    gate_open(&family.child.release);
    (void)finish(family.children.call);
    ok_fate(fate_of(family.children.call), CALL_FATE_COMPLETED, "to its own end");
    family_end(&family);
}

static const tap_test_t tests[] = {
    TAP_TEST(cancel_through_three_hops),
    TAP_TEST(nearer_deadline_counts),
    TAP_TEST(deadline_flows),
    TAP_TEST(child_that_stands_alone),
    TAP_TEST(child_of_a_canceled_parent),
    TAP_TEST(released_child),
    TAP_TEST(parent_that_ends),
};

TAP_MAIN(tests)
