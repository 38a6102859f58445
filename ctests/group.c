/* Calls that are canceled as one, through a parent that the client names. */
#include "distance_support.h"
#include "measure.h"

#include <string.h>

enum { KINDS = CALL_APARTMENT_SERIAL + 1, MEMBERS = 4 * KINDS, DEPTH = 2000 };

/* The parent: a deferred method, which ends when the test says so. */
typedef struct head_t {
    scene_t scene;
    job_t job;
    call_cancel_t cancel;
} head_t;

static void head_open(head_t *head)
{
    scene_open(&head->scene, 1);
    job_init(&head->job, NULL, S_OK);
    enter_job(head->scene.call, DEFER, &head->job);
    head->cancel = cancel_of(head->scene.call);
}

static void head_close(head_t *head)
{
    must(call_cancel_release(head->cancel));
    scene_close(&head->scene);
}

static call_hresult_t head_end(head_t *head, call_hresult_t result)
{
    must(call_context_complete(head->job.context, result));
    return finish(head->scene.call);
}

typedef struct member_t {
    home_t home;
    target_t target;
    call_t call;
    job_t job;
} member_t;

static void members_begin(member_t members[KINDS], call_t parent)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_open(&members[kind].home, kind, 1);
        target_create(&members[kind].target, members[kind].home.apartment);
        members[kind].call = new_call(&members[kind].target);
        job_init(&members[kind].job, NULL, RPC_E_CALL_CANCELED);
        must(call_set_parent(members[kind].call, parent));
        begin_job(members[kind].call, OBEY, &members[kind].job);
    }
}

static void members_open(member_t members[KINDS], call_t parent)
{
    members_begin(members, parent);
    for (uint32_t kind = 0; kind < KINDS; kind++)
        gate_wait(&members[kind].job.entered);
}

static void members_close(member_t members[KINDS])
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        must(call_release(members[kind].call));
        target_destroy(&members[kind].target);
        home_close(&members[kind].home);
    }
}

static void canceled_as_one(void)
{
    member_t members[KINDS];
    head_t head;
    head_open(&head);
    members_open(members, head.scene.call);
    must(call_request_cancel(head.cancel, CALL_INFINITE));
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        ok_hr(finish(members[kind].call), RPC_E_CALL_CANCELED, "%s: a group is canceled as one", kind_name(kind));
        ok_fate(fate_of(members[kind].call), CALL_FATE_STOPPED, "each method stops");
        ok_u64(cause_of(members[kind].call), CALL_CAUSE_PARENT, "because of the parent");
        must(call_begin(members[kind].call, ECHO, "late", 4));
        ok_hr(finish(members[kind].call), RPC_E_CALL_CANCELED, "who joins later is canceled at once");
    }
    ok_hr(head_end(&head, RPC_E_CALL_CANCELED), RPC_E_CALL_CANCELED, "and so ends the parent");
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        ok_hr(call_begin(members[kind].call, ECHO, "x", 1), RPC_E_CALL_COMPLETE,
              "%s: a parent that is finished takes no more", kind_name(kind));
        ok_hr(finish(members[kind].call), RPC_E_CALL_COMPLETE, "BG-7 nothing is pending");
        must(call_set_parent(members[kind].call, (call_t){0}));
        must(call_begin(members[kind].call, ECHO, "free", 4));
        ok_hr(finish(members[kind].call), S_OK, "without the parent it begins");
    }
    members_close(members);
    head_close(&head);
}

/* Whether the method was entered before its call had ended. */
static bool is_entered(call_t call, job_t *job)
{
    while (gate_count(&job->entered) == 0 && call_wait(call, 1) == RPC_S_CALLPENDING)
        ;
    return gate_count(&job->entered) != 0;
}

/* Whether the parent's deadline left all of them time to start. */
static bool started_in_time(head_t *head, member_t members[KINDS], uint32_t timeout_ms)
{
    scene_open(&head->scene, 1);
    job_init(&head->job, NULL, S_OK);
    must(call_set_timeout(head->scene.call, timeout_ms, CALL_INFINITE));
    begin_job(head->scene.call, DEFER, &head->job);
    bool all = is_entered(head->scene.call, &head->job);
    if (!all) {
        (void)finish(head->scene.call);
        scene_close(&head->scene);
        return false;
    }
    head->cancel = cancel_of(head->scene.call);
    members_begin(members, head->scene.call);
    for (uint32_t kind = 0; kind < KINDS; kind++)
        all = is_entered(members[kind].call, &members[kind].job) && all;
    if (!all) {
        for (uint32_t kind = 0; kind < KINDS; kind++)
            (void)finish(members[kind].call);
        members_close(members);
        (void)head_end(head, S_OK);
        head_close(head);
    }
    return all;
}

static void ends_at_the_parents_deadline(void)
{
    member_t members[KINDS];
    head_t head;
    uint32_t left = 0;
    for (uint32_t timeout_ms = hang_ms() / 20; !started_in_time(&head, members, timeout_ms); timeout_ms *= 2)
        if (timeout_ms > hang_ms())
            bail_out("a group did not start within %u ms", (unsigned)timeout_ms);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        ok_hr(finish(members[kind].call), RPC_E_TIMEOUT, "%s: a group ends at its parent's deadline", kind_name(kind));
        ok_u64(cause_of(members[kind].call), CALL_CAUSE_PARENT_TIMEOUT, "and knows whose it was");
    }
    must(call_context_get_deadline(head.job.context, &left));
    ok_u64(left, 0, "which has passed");
    ok_hr(head_end(&head, S_FALSE), S_FALSE, "TO-6 the parent itself answers in its grace period");
    members_close(members);
    head_close(&head);
}

static void parents_that_are_none(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    call_t idle = new_call(&scene.target), gone = new_call(&scene.target), kept = new_call(&scene.target);
    ok_hr(call_set_parent(scene.call, scene.call), E_INVALIDARG, "a call cannot be its own parent");
    ok_hr(call_set_parent(scene.call, idle), S_OK, "an idle parent is named");
    ok_hr(call_begin(scene.call, ECHO, "x", 1), RPC_E_CALL_COMPLETE, "BG-7 it has no call in progress");
    ok_hr(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "BG-7 nothing is pending");
    must(call_set_parent(scene.call, gone));
    must(call_release(gone));
    ok_hr(call_begin(scene.call, ECHO, "x", 1), E_HANDLE, "BG-7 a parent that was released meanwhile");
    ok_hr(call_set_parent(scene.call, gone), E_HANDLE, "which cannot be named again");
    ok_hr(call_set_parent(gone, idle), E_HANDLE, "nor get one");
    ok_hr(call_detach(gone), E_HANDLE, "nor be detached");
    must(call_set_parent(scene.call, kept));
    must(call_begin(kept, ECHO, "x", 1));
    completed(kept);
    call_hresult_t begun = call_begin(scene.call, ECHO, "x", 1);
    ok(begun == S_OK || begun == RPC_E_CALL_COMPLETE, "a parent that is complete and not finished: %s",
       call_hresult_name(begun));
    if (begun == S_OK)
        must(finish(scene.call));
    must(finish(kept));
    must(call_release(idle));
    must(call_release(kept));
    scene_close(&scene);
}

/* Each is the other's parent, in turns: what is begun names what was in progress then, so there is an end. */
static void circle_of_parents(void)
{
    scene_t scene;
    job_t jobs[3];
    scene_open(&scene, 4);
    call_t first = scene.call, second = new_call(&scene.target);
    for (int i = 0; i < 3; i++)
        job_init(&jobs[i], NULL, S_OK);
    enter_job(first, DEFER, &jobs[0]);
    must(call_set_parent(second, first));
    must(call_set_parent(first, second));
    enter_job(second, DEFER, &jobs[1]);
    must(call_context_complete(jobs[0].context, S_OK));
    must(finish(first));
    enter_job(first, DEFER, &jobs[2]);
    call_cancel_t cancel = cancel_of(second);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_context_wait_cancel(jobs[2].context, hang_ms()), RPC_E_CALL_CANCELED,
          "a circle of parents: a cancel goes down to what was begun for it");
    ok_hr(call_context_test_cancel(jobs[1].context), RPC_E_CALL_CANCELED, "and comes to an end");
    for (int i = 1; i < 3; i++)
        must(call_context_complete(jobs[i].context, S_FALSE));
    ok_hr(finish(first), S_FALSE, "the one ends");
    ok_hr(finish(second), S_FALSE, "and the other");
    must(call_cancel_release(cancel));
    must(call_release(second));
    scene_close(&scene);
}

/* Generation after generation: no stack is used up. */
static void long_line(void)
{
    scene_t scene;
    unsigned depth = length_of("CALL_DEPTH", DEPTH), canceled = 0, stopped = 0;
    job_t *jobs = calloc(depth, sizeof jobs[0]);
    call_t *calls = calloc(depth, sizeof calls[0]);
    scene_open(&scene, 1);
    for (unsigned i = 0; i < depth; i++) {
        job_init(&jobs[i], NULL, S_OK);
        calls[i] = new_call(&scene.target);
        if (i != 0)
            must(call_set_parent(calls[i], calls[i - 1]));
        enter_job(calls[i], DEFER, &jobs[i]);
    }
    call_cancel_t cancel = cancel_of(calls[0]);
    uint64_t from = now_us();
    must(call_request_cancel(cancel, 0));
    for (unsigned i = depth; i-- > 0;) {
        completed(calls[i]);
        canceled += finish(calls[i]) == RPC_E_CALL_CANCELED;
    }
    diag("%u generations in %llu us", depth, (unsigned long long)(now_us() - from));
    ok_u64(canceled, depth, "a cancel goes down %u generations", depth);
    for (unsigned i = 0; i < depth; i++) {
        stopped += call_context_complete(jobs[i].context, RPC_E_CALL_CANCELED) == S_OK;
        must(call_release(calls[i]));
    }
    ok_u64(stopped, depth, "SG-4 and each method ends in its own time");
    must(call_cancel_release(cancel));
    free(jobs);
    free(calls);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(canceled_as_one),   TAP_TEST(ends_at_the_parents_deadline), TAP_TEST(parents_that_are_none),
    TAP_TEST(circle_of_parents), TAP_TEST(long_line),
};

TAP_MAIN(tests)
