/* The region in which a method does not hear of a cancel: it is closed in time or not at all, what
 * came meanwhile is told at its end, and the client does not wait for it. */
#include "stage.h"

#include <sched.h>

enum { ROUNDS = 2000, SHORT_MS = 15 };

static bool flag_of(call_context_t context)
{
    const uint8_t *flag;
    must(call_context_get_cancel_flag(context, &flag));
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

static void nothing_is_heard_inside(void)
{
    stage_t stage;
    stage_open(&stage);
    call_context_t context = stage.job.context;
    ok_hr(call_context_disable_cancel(context), S_OK, "SV-12 the region is entered in time");
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    ok_hr(call_test_cancel(stage.cancel), RPC_E_CALL_CANCELED, "TC-2 the client knows of its cancel");
    ok_hr(call_context_test_cancel(context), RPC_S_CALLPENDING, "SV-12 a look does not find it");
    ok_hr(call_context_wait_cancel(context, 0), RPC_S_CALLPENDING, "SV-12 nor a short sleep");
    uint64_t from = now_us();
    ok_hr(call_context_wait_cancel(context, SHORT_MS), RPC_S_CALLPENDING, "SV-12 nor a longer one");
    ok(now_us() - from >= SHORT_MS * 1000, "SV-12 which sleeps its time");
    ok(flag_of(context), "SV-12 the flag byte shows it");
    ok_hr(call_context_write(context, "whole", 5), S_OK, "SV-12 write works as before");
    ok_hr(call_context_enable_cancel(context), RPC_E_CALL_CANCELED, "SV-12 the region's end tells of it");
    ok_hr(call_context_test_cancel(context), RPC_E_CALL_CANCELED, "TC-2 and so does a look from then on");
    ok_hr(call_context_wait_cancel(context, hang_ms()), RPC_E_CALL_CANCELED, "TC-2 and a sleep, at once");
    ok_hr(call_context_disable_cancel(context), RPC_E_CALL_CANCELED, "SV-12 another region is too late");
    ok_hr(call_context_test_cancel(context), RPC_E_CALL_CANCELED, "SV-12 and was not entered");
    must(call_context_complete(context, RPC_E_CALL_CANCELED));
    char text[8];
    ok_hr(finish_text(stage.scene.call, text, sizeof text), RPC_E_CALL_CANCELED, "SV-6 the method's answer");
    ok_str(text, "whole", "SV-6 with what the region wrote");
    stage_close(&stage);
}

static void nothing_came(void)
{
    stage_t stage;
    stage_open(&stage);
    call_context_t context = stage.job.context;
    must(call_context_disable_cancel(context));
    ok_hr(call_context_enable_cancel(context), S_OK, "SV-12 a region in which no cancel came");
    ok_hr(call_context_test_cancel(context), RPC_S_CALLPENDING, "TC-1 none is heard after it");
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    ok_hr(call_context_test_cancel(context), RPC_E_CALL_CANCELED, "TC-2 one after it is heard");
    must(call_context_complete(context, S_OK));
    ok_hr(call_context_disable_cancel(context), RPC_E_CALL_COMPLETE, "SV-14 no region after the end");
    ok_hr(call_context_enable_cancel(context), RPC_E_CALL_COMPLETE, "SV-14 nor the end of one");
    ok_hr(call_context_disable_cancel((call_context_t){0}), RPC_E_CALL_COMPLETE, "SV-11 nor without a method");
    ok_hr(call_context_enable_cancel((call_context_t){0}), RPC_E_CALL_COMPLETE, "SV-11 nor its end");
    ok_hr(call_context_disable_cancel((call_context_t){stage.cancel.id}), E_HANDLE, "LT-1 nor of another kind");
    must(finish(stage.scene.call));
    stage_close(&stage);
}

/* The library's thread for such things takes them in order: when it has told another call of its
 * cancel, it has been at this one. */
static void told_elsewhere(const stage_t *stage)
{
    job_t job;
    struct pollfd entry = {.events = POLLIN};
    call_t call = new_call(&stage->scene.target);
    job_init(&job, NULL, S_OK);
    enter_job(call, DEFER, &job);
    call_cancel_t cancel = cancel_of(call);
    must(call_context_get_cancel_fd(job.context, &entry.fd));
    must(call_request_cancel(cancel, CALL_INFINITE));
    if (poll(&entry, 1, (int)hang_ms()) != 1)
        bail_out("a method was not told of its cancel: a hang");
    must(call_context_complete(job.context, S_OK));
    must(finish(call));
    must(call_cancel_release(cancel));
    must(call_release(call));
}

static void listeners_are_told_at_its_end(void)
{
    stage_t stage;
    ear_t ear;
    int fd = -1;
    stage_open(&stage);
    ear_init(&ear);
    call_context_t context = stage.job.context;
    must(call_context_on_cancel(context, hear, &ear));
    must(call_context_get_cancel_fd(context, &fd));
    must(call_context_disable_cancel(context));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    told_elsewhere(&stage);
    ok_u64(atomic_load(&ear.runs), 0, "SV-12 the function does not run inside");
    ok(!readable(fd), "SV-12 the descriptor is not readable inside");
    ok_hr(call_context_enable_cancel(context), RPC_E_CALL_CANCELED, "SV-12 the region ends");
    ok_u64(atomic_load(&ear.runs), 1, "SV-12 the function has run when that returned");
    ok(heard_here(&ear), "SV-12 on this thread");
    ok(readable(fd), "SV-12 the descriptor is readable");
    must(call_context_complete(context, S_OK));
    must(finish(stage.scene.call));
    ok_u64(atomic_load(&ear.runs), 1, "TC-6 once");
    stage_close(&stage);
}

static void listeners_made_inside_hear_nothing_yet(void)
{
    stage_t stage;
    ear_t ear;
    int fd = -1;
    stage_open(&stage);
    ear_init(&ear);
    call_context_t context = stage.job.context;
    must(call_context_disable_cancel(context));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    must(call_context_on_cancel(context, hear, &ear));
    ok_u64(atomic_load(&ear.runs), 0, "SV-12 a function registered inside, after the cancel, does not run");
    must(call_context_get_cancel_fd(context, &fd));
    ok(!readable(fd), "SV-12 a descriptor first asked for inside, after the cancel, is not readable");
    ok_hr(call_context_enable_cancel(context), RPC_E_CALL_CANCELED, "SV-12 the region ends");
    ok_u64(atomic_load(&ear.runs), 1, "SV-12 then the function runs");
    ok(readable(fd), "SV-12 and the descriptor is readable");
    must(call_context_complete(context, S_OK));
    must(finish(stage.scene.call));
    stage_close(&stage);
}

static void call_begun_inside_hears_at_its_end(void)
{
    stage_t stage;
    scene_t scene;
    job_t child;
    stage_open(&stage);
    scene_open(&scene, 1);
    job_init(&child, NULL, S_OK);
    must(call_context_disable_cancel(stage.job.context));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    must(call_set_parent(scene.call, stage.scene.call));
    enter_job(scene.call, DEFER, &child);
    call_cancel_t of_child = cancel_of(scene.call);
    ok_hr(call_test_cancel(of_child), RPC_S_CALLPENDING, "SV-12 a call begun inside, after the cancel, is not canceled");
    must(call_context_complete(stage.job.context, S_OK));
    cancel_arrived(of_child);
    ok_hr(call_context_test_cancel(child.context), RPC_E_CALL_CANCELED, "SV-12 before the region has ended");
    must(call_context_complete(child.context, S_OK));
    must(finish(scene.call));
    must(finish(stage.scene.call));
    must(call_cancel_release(of_child));
    scene_close(&scene);
    stage_close(&stage);
}

static call_hresult_t run_complete(caller_t *self)
{
    job_t *job = self->data;
    return call_context_complete(job->context, S_OK);
}

static void left_open_it_ends_before_the_method(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_context_disable_cancel(stage.job.context));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    told_elsewhere(&stage);
    ok_u64(atomic_load(&ear.runs), 0, "SV-12 the function does not run inside");
    caller_t completer = {.run = run_complete, .data = &stage.job};
    caller_start(&completer);
    ok_hr(caller_join(&completer), S_OK, "a method ends that has left the region open");
    ok_u64(atomic_load(&ear.runs), 1, "SV-12 the function has run by then");
    must(finish(stage.scene.call));
    stage_close(&stage);
}

static call_hresult_t run_sleep(caller_t *self)
{
    job_t *job = self->data;
    return call_context_wait_cancel(job->context, CALL_INFINITE);
}

static void sleeper_inside_wakes_at_its_end(void)
{
    stage_t stage;
    stage_open(&stage);
    must(call_context_disable_cancel(stage.job.context));
    caller_t sleeper = {.run = run_sleep, .data = &stage.job};
    caller_start(&sleeper);
    caller_settle(&sleeper);
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    told_elsewhere(&stage);
    caller_settle(&sleeper);
    uint64_t ended = now_us();
    ok_hr(call_context_enable_cancel(stage.job.context), RPC_E_CALL_CANCELED, "SV-12 the region ends");
    ok_hr(caller_join(&sleeper), RPC_E_CALL_CANCELED, "SV-12 a thread that sleeps in the region is woken");
    diag("the sleeper came back %llu us after the region's end", (unsigned long long)(now_us() - ended));
    must(call_context_complete(stage.job.context, S_OK));
    must(finish(stage.scene.call));
    stage_close(&stage);
}

static void client_goes_on_at_the_end_of_grace(void)
{
    stage_t stage;
    stage_open(&stage);
    call_context_t context = stage.job.context;
    must(call_context_disable_cancel(context));
    ok_hr(call_request_cancel(stage.cancel, SHORT_MS), S_OK, "CN-3 a cancel while the method hears of none");
    ok_hr(call_wait(stage.scene.call, hang_ms()), S_OK, "TO-5 the client is freed at the end of grace");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "TO-5 its call is canceled");
    ok_fate(fate_of(stage.scene.call), CALL_FATE_RUNNING, "TO-5 and its method runs");
    ok_hr(call_context_test_cancel(context), RPC_S_CALLPENDING, "SV-12 and hears nothing still");
    ok_hr(call_context_write(context, "gone", 4), RPC_E_CALL_CANCELED, "SV-12 nobody reads what it writes");
    ok_hr(call_context_enable_cancel(context), RPC_E_CALL_CANCELED, "SV-12 until the region ends");
    ok_hr(call_context_test_cancel(context), RPC_E_CALL_CANCELED, "TC-2 then it hears of it");
    ok_hr(call_context_complete(context, S_OK), S_OK, "SG-4 and ends");
    ok_fate(settled_fate_of(stage.scene.call), CALL_FATE_COMPLETED, "SG-4 having completed");
    stage_close(&stage);
}

static call_hresult_t region_of_null(job_t *job)
{
    call_context_t innermost = {0};
    job->codes[0] = call_context_disable_cancel(innermost);
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[1] = call_context_test_cancel(innermost);
    job->codes[2] = call_context_enable_cancel(innermost);
    job->codes[3] = call_context_disable_cancel(innermost);
    return S_OK;
}

static void in_every_kind_of_apartment(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        const char *name = place_kinds[kind].name;
        place_t place;
        job_t job;
        place_open(&place, place_kinds[kind].kind);
        job_init(&job, NULL, S_OK);
        job.run = region_of_null;
        call_t call = new_call(&place.target);
        enter_job(call, RUN, &job);
        call_cancel_t cancel = cancel_of(call);
        must(call_request_cancel(cancel, CALL_INFINITE));
        gate_open(&job.release);
        ok_hr(finish(call), S_OK, "[%s] TO-6 the method that does not break off answers in time", name);
        ok_hr(job.codes[0], S_OK, "[%s] SV-11 the null context enters a region", name);
        ok_hr(job.codes[1], RPC_S_CALLPENDING, "[%s] SV-12 hears nothing in it", name);
        ok_hr(job.codes[2], RPC_E_CALL_CANCELED, "[%s] SV-12 is told at its end", name);
        ok_hr(job.codes[3], RPC_E_CALL_CANCELED, "[%s] SV-12 and enters no other", name);
        must(call_cancel_release(cancel));
        must(call_release(call));
        place_close(&place);
    }
}

/* Atomic: of a region and a cancel that race, both know which came first. */
static call_hresult_t race_in(job_t *job)
{
    gate_open(&job->entered);
    while (atomic_load((atomic_uint *)job->data) == 0)
        (void)sched_yield();
    job->codes[0] = call_context_disable_cancel(job->context);
    job->codes[1] = call_context_test_cancel(job->context);
    gate_wait(&job->release);
    job->codes[2] = call_context_enable_cancel(job->context);
    return S_OK;
}

static void race_of_region_and_cancel(void)
{
    scene_t scene;
    unsigned entered = 0, refused = 0, wrong = 0, delay = 0;
    scene_open(&scene, 1);
    uint64_t from = now_us();
    for (unsigned i = 0; (i < ROUNDS || ((entered == 0 || refused == 0) && may_not_be_alone() == NULL)) &&
                         now_us() - from < (uint64_t)hang_ms() * 1000; i++) {
        atomic_uint go = 0;
        job_t job;
        job_init(&job, NULL, S_OK);
        job.run = race_in;
        job.data = &go;
        enter_job(scene.call, RUN, &job);
        call_cancel_t cancel = cancel_of(scene.call);
        atomic_store(&go, 1);
        for (volatile unsigned j = 0; j < delay; j++) {
        }
        must(call_request_cancel(cancel, CALL_INFINITE));
        gate_open(&job.release);
        must(finish(scene.call));
        must(call_cancel_release(cancel));
        bool in = job.codes[0] == S_OK;
        wrong += in ? job.codes[1] != RPC_S_CALLPENDING
                    : job.codes[0] != RPC_E_CALL_CANCELED || job.codes[1] != RPC_E_CALL_CANCELED;
        wrong += job.codes[2] != RPC_E_CALL_CANCELED;
        entered += in;
        refused += !in;
        delay = in ? delay / 2 : delay + 16;
    }
    ok_u64(wrong, 0, "SV-12 a region and a cancel that race agree on which was first");
    if (may_not_be_alone() != NULL)
        skip(may_not_be_alone(), "SV-12 either was");
    else
        ok(entered != 0 && refused != 0, "SV-12 either was");
    diag("region against cancel: entered %u times, refused %u times", entered, refused);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(nothing_is_heard_inside),
    TAP_TEST(nothing_came),
    TAP_TEST(listeners_are_told_at_its_end),
    TAP_TEST(listeners_made_inside_hear_nothing_yet),
    TAP_TEST(call_begun_inside_hears_at_its_end),
    TAP_TEST(left_open_it_ends_before_the_method),
    TAP_TEST(client_goes_on_at_the_end_of_grace),
    TAP_TEST(in_every_kind_of_apartment),
    TAP_TEST(race_of_region_and_cancel),
    TAP_TEST(sleeper_inside_wakes_at_its_end),
};

TAP_MAIN(tests)
