/* Calls begun inside methods, in large numbers and at odd moments.
 *
 *   CALL_CHILDREN  how many short children one parent begins (200000) */
#include "measure.h"

#include <string.h>

enum { FAN = 1000, WARM = 2000, SOON = 20, MAY_GROW_KIB = 1024 };

typedef struct parent_t {
    scene_t parents, children;
    job_t job;
    call_cancel_t cancel;
    job_t *jobs;
    call_t *calls;
    unsigned count, wrong;
    long grown_kib;
} parent_t;

static void parent_begin(parent_t *parent, call_hresult_t (*inside)(job_t *job), unsigned count)
{
    memset(parent, 0, sizeof *parent);
    scene_open(&parent->parents, 1);
    scene_open(&parent->children, 1);
    parent->count = count;
    parent->jobs = calloc(count, sizeof parent->jobs[0]);
    parent->calls = calloc(count, sizeof parent->calls[0]);
    job_init(&parent->job, NULL, S_OK);
    parent->job.run = inside;
    parent->job.data = parent;
    parent->cancel = cancel_of(parent->parents.call);
    begin_job(parent->parents.call, RUN, &parent->job);
}

static void parent_end(parent_t *parent)
{
    must(call_cancel_release(parent->cancel));
    scene_close(&parent->parents);
    scene_close(&parent->children);
    free(parent->jobs);
    free(parent->calls);
}

static call_hresult_t fan_out(job_t *job)
{
    parent_t *parent = job->data;
    for (unsigned i = 0; i < parent->count; i++) {
        job_init(&parent->jobs[i], NULL, S_OK);
        parent->calls[i] = new_call(&parent->children.target);
        begin_job(parent->calls[i], DEFER, &parent->jobs[i]);
    }
    for (unsigned i = 0; i < parent->count; i++)
        gate_wait(&parent->jobs[i].entered);
    gate_open(&job->entered);
    return CALL_S_DEFERRED;
}

static void a_thousand_children(void)
{
    parent_t parent;
    unsigned canceled = 0, told = 0;
    parent_begin(&parent, fan_out, FAN);
    gate_wait(&parent.job.entered);
    uint64_t from = now_us();
    must(call_cancel(parent.cancel, 0));
    for (unsigned i = 0; i < FAN; i++) {
        completed(parent.calls[i]);
        canceled += finish(parent.calls[i]) == RPC_E_CALL_CANCELED && cause_of(parent.calls[i]) == CALL_CAUSE_PARENT;
        told += call_context_test_cancel(parent.jobs[i].context) == RPC_E_CALL_CANCELED;
    }
    diag("%u children were freed in %llu us", FAN, (unsigned long long)(now_us() - from));
    ok_u64(canceled, FAN, "one cancel of the parent frees the clients of %u children", FAN);
    ok_u64(told, FAN, "and tells each method");
    for (unsigned i = 0; i < FAN; i++) {
        must(call_context_complete(parent.jobs[i].context, S_OK));
        must(call_release(parent.calls[i]));
    }
    must(call_context_complete(parent.job.context, S_OK));
    (void)finish(parent.parents.call);
    parent_end(&parent);
}

static void short_children(parent_t *parent, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        call_t call = i % 2 == 0 ? parent->children.call : new_call(&parent->children.target);
        if (i % 8 < 6)
            must(call_begin(call, ECHO, "x", 1));
        else
            begin_job(call, DEFER, &parent->jobs[0]);
        if (i % 8 >= 6) {
            gate_wait_for(&parent->jobs[0].entered, gate_count(&parent->jobs[0].left) + 1);
            gate_open(&parent->jobs[0].left);
            must(call_context_complete(parent->jobs[0].context, S_OK));
        }
        parent->wrong += finish(call) != S_OK;
        if (i % 2 != 0)
            must(call_release(call));
    }
}

static call_hresult_t begin_short_children(job_t *job)
{
    parent_t *parent = job->data;
    job_init(&parent->jobs[0], NULL, S_OK);
    short_children(parent, WARM);
    long before = resident_kib();
    short_children(parent, parent->count);
    parent->grown_kib = resident_kib() - before;
    gate_open(&job->entered);
    return S_OK;
}

static void parent_that_runs_for_long(void)
{
    parent_t parent;
    unsigned count = length_of("CALL_CHILDREN", 200000);
    parent_begin(&parent, begin_short_children, count);
    must(call_wait(parent.parents.call, CALL_INFINITE));
    ok_u64(parent.wrong, 0, "a parent begins %u children one after the other", count);
    if (may_not_be_alone() != NULL)
        skip(may_not_be_alone(), "and its memory does not grow");
    else
        ok(parent.grown_kib < MAY_GROW_KIB, "and its memory does not grow");
    diag("%u children, %ld KiB more", count, parent.grown_kib);
    must(finish(parent.parents.call));
    parent_end(&parent);
}

/* The child hears nothing while its parent is in a region where cancellation is disabled. */
static call_hresult_t begin_in_a_region(job_t *job)
{
    parent_t *parent = job->data;
    job->codes[0] = call_context_disable_cancel(job->context);
    job_init(&parent->jobs[0], NULL, RPC_E_CALL_CANCELED);
    parent->calls[0] = new_call(&parent->children.target);
    enter_job(parent->calls[0], OBEY, &parent->jobs[0]);
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[1] = call_wait(parent->calls[0], SOON);
    job->codes[2] = call_context_test_cancel(parent->jobs[0].context);
    job->codes[3] = call_context_enable_cancel(job->context);
    job->codes[4] = call_wait(parent->calls[0], hang_ms());
    return S_OK;
}

static void region_holds_it_back(void)
{
    parent_t parent;
    parent_begin(&parent, begin_in_a_region, 1);
    gate_wait(&parent.job.entered);
    must(call_request_cancel(parent.cancel, CALL_INFINITE));
    gate_open(&parent.job.release);
    completed(parent.parents.call);
    ok_hr(parent.job.codes[0], S_OK, "a parent is in a region where cancellation is disabled");
    ok_hr(parent.job.codes[1], RPC_S_CALLPENDING, "a cancel of it does not end its child there");
    ok_hr(parent.job.codes[2], RPC_S_CALLPENDING, "which does not hear of it");
    ok_hr(parent.job.codes[3], RPC_E_CALL_CANCELED, "the region ends");
    ok_hr(parent.job.codes[4], S_OK, "and now it flows down");
    ok_hr(finish(parent.calls[0]), RPC_E_CALL_CANCELED, "to the child, which is canceled");
    ok_u64(cause_of(parent.calls[0]), CALL_CAUSE_PARENT, "with its parent");
    must(call_release(parent.calls[0]));
    (void)finish(parent.parents.call);
    parent_end(&parent);
}

/* The earlier end of grace flows down as the cancel did. */
static call_hresult_t begin_and_wait(job_t *job)
{
    parent_t *parent = job->data;
    job_init(&parent->jobs[0], NULL, S_OK);
    parent->calls[0] = new_call(&parent->children.target);
    enter_job(parent->calls[0], HOLD, &parent->jobs[0]);
    gate_open(&job->entered);
    job->codes[0] = call_finish(parent->calls[0], NULL, 0, NULL);
    gate_open(&job->release);
    return job->codes[0];
}

static void escalation_flows(void)
{
    parent_t parent;
    parent_begin(&parent, begin_and_wait, 1);
    gate_wait(&parent.job.entered);
    call_cancel_t of_child = cancel_of(parent.calls[0]);
    must(call_request_cancel(parent.cancel, 30 * 1000 * 1000));
    cancel_arrived(of_child);
    ok_hr(call_wait(parent.calls[0], SOON), RPC_S_CALLPENDING, "a long grace period, also the child's");
    ok_hr(call_cancel(parent.cancel, 0), RPC_E_CALL_CANCELED, "CN-5 then its end at once");
    gate_wait(&parent.job.release);
    ok_hr(parent.job.codes[0], RPC_E_CALL_CANCELED, "the client of the child is freed, too");
    completed(parent.parents.call);
    ok_hr(finish(parent.parents.call), RPC_E_CALL_CANCELED, "as that of the parent");
    gate_open(&parent.jobs[0].release);
    ok_fate(settled_fate_of(parent.calls[0]), CALL_FATE_COMPLETED, "SV-12 the method runs to its end");
    must(call_cancel_release(of_child));
    must(call_release(parent.calls[0]));
    parent_end(&parent);
}

/* A child has its own cancel, which does not reach the parent, and its cause is told apart. */
static void own_cancel_of_a_child(void)
{
    parent_t parent;
    parent_begin(&parent, begin_and_wait, 1);
    gate_wait(&parent.job.entered);
    call_cancel_t of_child = cancel_of(parent.calls[0]);
    must(call_cancel(of_child, 0));
    gate_wait(&parent.job.release);
    ok_hr(parent.job.codes[0], RPC_E_CALL_CANCELED, "a child is canceled by itself");
    ok_u64(cause_of(parent.calls[0]), CALL_CAUSE_CANCEL, "and its cause says so");
    completed(parent.parents.call);
    ok_u64(cause_of(parent.parents.call), CALL_CAUSE_NONE, "its parent was not canceled");
    (void)finish(parent.parents.call);
    gate_open(&parent.jobs[0].release);
    (void)settled_fate_of(parent.calls[0]);
    must(call_cancel_release(of_child));
    must(call_release(parent.calls[0]));
    parent_end(&parent);
}

enum { CHILDREN = 2 };

static call_hresult_t begin_beside(job_t *job)
{
    parent_t *parent = job->data;
    for (unsigned i = 0; i < CHILDREN; i++) {
        job_init(&parent->jobs[i], NULL, S_OK);
        parent->calls[i] = new_call(&parent->parents.target);
        begin_job(parent->calls[i], DEFER, &parent->jobs[i]);
    }
    gate_open(&job->entered);
    return CALL_S_DEFERRED;
}

/* Whether this thread is to be held, once. */
static _Thread_local bool is_held;

/* Holds the disconnect at one child, until the parent's cancel has come to the other. */
static void hold_at_a_child(void *user, uint32_t step, const call_info_t *info)
{
    parent_t *parent = user;
    if (step != CALL_TRACE_CANCEL || info->parent.id == 0 || !is_held)
        return;
    is_held = false;
    call_t other = parent->calls[info->call.id == parent->calls[0].id ? 1 : 0];
    for (uint64_t end = now_us() + hang_ms() * 1000ull; cause_of(other) == CALL_CAUSE_NONE;)
        if (now_us() > end)
            bail_out("the parent's cancel does not come: a hang");
}

/* A disconnect ends a call and those that were begun for it: the causes of these are their own, also of one that the
 * cancel of its parent comes to first. This is the first test, so that the parent is reached before them. */
static void disconnected_with_its_parent(void)
{
    parent_t parent;
    must(call_set_trace(hold_at_a_child, &parent));
    parent_begin(&parent, begin_beside, CHILDREN);
    gate_wait(&parent.job.entered);
    for (unsigned i = 0; i < CHILDREN; i++)
        gate_wait(&parent.jobs[i].entered);
    is_held = true;
    must(call_object_disconnect(parent.parents.target.object));
    is_held = false;
    must(call_set_trace(NULL, NULL));
    ok_hr(finish(parent.parents.call), RPC_E_DISCONNECTED, "FI-15 a disconnect ends a parent");
    ok_u64(cause_of(parent.parents.call), CALL_CAUSE_DISCONNECT, "and the cause says so");
    for (unsigned i = 0; i < CHILDREN; i++) {
        ok_hr(finish(parent.calls[i]), RPC_E_DISCONNECTED, "FI-15 and child %u of the same object", i);
        ok_u64(cause_of(parent.calls[i]), CALL_CAUSE_DISCONNECT, "and not by its parent");
        must(call_context_complete(parent.jobs[i].context, S_OK));
        must(call_release(parent.calls[i]));
    }
    must(call_context_complete(parent.job.context, S_OK));
    parent_end(&parent);
}

static const tap_test_t tests[] = {
    TAP_TEST(disconnected_with_its_parent),
    TAP_TEST(a_thousand_children),  TAP_TEST(parent_that_runs_for_long), TAP_TEST(region_holds_it_back),
    TAP_TEST(escalation_flows),     TAP_TEST(own_cancel_of_a_child),
};

TAP_MAIN(tests)
