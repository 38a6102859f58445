/* The function that tells a method of its cancel: when, where, how often, and when
 * no longer. The methods are deferred ones, so that the test itself is the server. */
#include "stage.h"

enum { SHORT_MS = 15 };

static void runs_exactly_once_on_a_thread_of_the_library(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    ok_hr(call_context_on_cancel(stage.job.context, hear, &ear), S_OK, "TC-6 a function is registered");
    ok_u64(atomic_load(&ear.runs), 0, "TC-6 and does not run before a cancel");
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    gate_wait(&ear.entered);
    ok(!heard_here(&ear), "TC-6 it runs on another thread than the one that cancels");
    ok_hr(call_request_cancel(stage.cancel, CALL_INFINITE), RPC_E_CALL_CANCELED, "CN-5 a second cancel");
    ok_hr(call_cancel(stage.cancel, 0), RPC_E_CALL_CANCELED, "CN-5 and the end of the grace");
    must(call_context_complete(stage.job.context, S_OK));
    ok_u64(atomic_load(&ear.runs), 1, "TC-6 CN-5 do not run it again: once, and never after the end");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "CN-1 the call is canceled");
    stage_close(&stage);
}

static void runs_at_once_if_canceled_already(void)
{
    stage_t stage;
    ear_t first, second;
    stage_open(&stage);
    ear_init(&first);
    ear_init(&second);
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    ok_hr(call_context_on_cancel(stage.job.context, hear, &first), S_OK, "TC-2 registered after the cancel");
    ok_u64(atomic_load(&first.runs), 1, "TC-2 it has run when that returned");
    ok(heard_here(&first), "TC-2 on the thread that registered it");
    ok_hr(call_context_on_cancel(stage.job.context, hear, &second), S_OK, "TC-2 and so does another");
    ok_u64(atomic_load(&second.runs), 1, "TC-2 once");
    must(call_context_complete(stage.job.context, S_OK));
    ok_u64(atomic_load(&first.runs), 1, "TC-2 the first does not run again");
    ok_hr(finish(stage.scene.call), S_OK, "TO-6 the answer came in the grace period");
    stage_close(&stage);
}

/* The descriptor is raised before functions run, and completion waits for the telling to be over. */
static void told_and_over(stage_t *stage)
{
    struct pollfd entry = {.events = POLLIN};
    must(call_context_get_cancel_fd(stage->job.context, &entry.fd));
    must(call_request_cancel(stage->cancel, CALL_INFINITE));
    ok_u64((uint64_t)poll(&entry, 1, (int)hang_ms()), 1, "TC-6 the method was told");
    must(call_context_complete(stage->job.context, RPC_E_CALL_CANCELED));
}

static void replaced_one_does_not_run(void)
{
    stage_t stage;
    ear_t first, second;
    stage_open(&stage);
    ear_init(&first);
    ear_init(&second);
    must(call_context_on_cancel(stage.job.context, hear, &first));
    ok_hr(call_context_on_cancel(stage.job.context, hear, &second), S_OK, "TC-6 a function is replaced");
    told_and_over(&stage);
    ok_u64(atomic_load(&first.runs), 0, "TC-6 the first does not run");
    ok_u64(atomic_load(&second.runs), 1, "TC-6 the second does");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "SV-6 the method's answer");
    stage_close(&stage);
}

static void taken_back_does_not_run(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    ok_hr(call_context_on_cancel(stage.job.context, NULL, NULL), S_OK, "TC-6 nothing is taken back");
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    ok_hr(call_context_on_cancel(stage.job.context, NULL, NULL), S_OK, "TC-6 a function is taken back");
    told_and_over(&stage);
    ok_u64(atomic_load(&ear.runs), 0, "TC-6 it does not run");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "SV-6 the method's answer");
    stage_close(&stage);
}

static call_hresult_t run_take_back(caller_t *self)
{
    ear_t *ear = self->data;
    call_hresult_t result = call_context_on_cancel(ear->job->context, NULL, NULL);
    atomic_store(&ear->returned, true);
    return result;
}

static void taking_back_waits_for_a_running_one(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    ear.holds = true;
    ear.job = &stage.job;
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    gate_wait(&ear.entered);
    caller_t taker = {.run = run_take_back, .data = &ear};
    caller_start(&taker);
    caller_settle(&taker);
    ok(!atomic_load(&ear.returned), "TC-6 taking it back waits while it runs");
    gate_open(&ear.release);
    ok_hr(caller_join(&taker), S_OK, "TC-6 and returns when it has run");
    must(call_context_complete(stage.job.context, S_OK));
    ok_u64(atomic_load(&ear.runs), 1, "TC-6 once");
    ok_hr(finish(stage.scene.call), S_OK, "TO-6 the answer came in the grace period");
    stage_close(&stage);
}

/* Waits for the function that it registered, and returns while that runs. */
static call_hresult_t return_while_told(job_t *job)
{
    ear_t *ear = job->data;
    must(call_context_on_cancel(job->context, hear, ear));
    gate_open(&job->entered);
    gate_wait(&ear->entered);
    return S_FALSE;
}

static void methods_end_waits_for_a_running_one(void)
{
    scene_t scene;
    job_t job;
    ear_t ear;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    ear_init(&ear);
    ear.holds = true;
    job.run = return_while_told;
    job.data = &ear;
    enter_job(scene.call, RUN, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    gate_wait(&job.left);
    ok_hr(call_wait(scene.call, SHORT_MS), RPC_S_CALLPENDING,
          "SV-6 a method that returns while its function runs has not ended");
    gate_open(&ear.release);
    ok_hr(finish(scene.call), S_FALSE, "SV-6 it ends when the function has returned");
    ok_u64(atomic_load(&ear.runs), 1, "TC-6 which ran once");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static call_hresult_t run_complete(caller_t *self)
{
    ear_t *ear = self->data;
    call_hresult_t result = call_context_complete(ear->job->context, S_FALSE);
    atomic_store(&ear->returned, true);
    return result;
}

static void completion_waits_for_a_running_one(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    ear.holds = true;
    ear.job = &stage.job;
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    gate_wait(&ear.entered);
    caller_t completer = {.run = run_complete, .data = &ear};
    caller_start(&completer);
    caller_settle(&completer);
    ok_hr(call_wait(stage.scene.call, SHORT_MS), RPC_S_CALLPENDING, "SV-6 completed while its function runs");
    ok(!atomic_load(&ear.returned), "SV-6 completion waits for it");
    gate_open(&ear.release);
    ok_hr(caller_join(&completer), S_OK, "SV-6 and is accepted then");
    ok_hr(finish(stage.scene.call), S_FALSE, "SV-6 with its result");
    stage_close(&stage);
}

static void complete_from_it(ear_t *ear)
{
    ear->codes[0] = call_context_test_cancel(ear->job->context);
    ear->codes[1] = call_context_write(ear->job->context, "told", 4);
    ear->codes[2] = call_context_set_progress(ear->job->context, 1, 2);
    ear->codes[3] = call_context_complete(ear->job->context, S_FALSE);
    ear->codes[4] = call_context_complete(ear->job->context, S_OK);
    ear->codes[5] = call_context_on_cancel(ear->job->context, hear, ear);
}

static void may_complete_its_call(void)
{
    stage_t stage;
    ear_t ear;
    char text[8];
    stage_open(&stage);
    ear_init(&ear);
    ear.then = complete_from_it;
    ear.job = &stage.job;
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    ok_hr(finish_text(stage.scene.call, text, sizeof text), S_FALSE, "SV-6 the function completed the call");
    ok_str(text, "told", "SV-6 with output of its own");
    gate_wait(&ear.entered);
    ok_hr(ear.codes[0], RPC_E_CALL_CANCELED, "TC-2 inside it the call is canceled");
    ok_hr(ear.codes[1], S_OK, "SV-6 it may write");
    ok_hr(ear.codes[2], S_OK, "SV-6 it may tell progress");
    ok_hr(ear.codes[3], S_OK, "SV-6 it may complete");
    ok_hr(ear.codes[4], RPC_E_CALL_COMPLETE, "SG-3 once");
    ok_hr(ear.codes[5], RPC_E_CALL_COMPLETE, "SV-14 and after that it is not registered again");
    ok_u64(atomic_load(&ear.runs), 1, "TC-6 it ran once");
    stage_close(&stage);
}

static void begin_and_release(ear_t *ear)
{
    ear->codes[0] = call_create(ear->object, &ear->other);
    ear->codes[1] = call_begin(ear->other, ECHO, "beside", 6);
    ear->codes[2] = call_query_cancel(ear->call, &(call_cancel_t){0});
    ear->codes[3] = call_request_cancel(ear->cancel, CALL_INFINITE);
    ear->codes[4] = call_test_cancel(ear->cancel);
    ear->codes[5] = call_wait(ear->call, 0);
    ear->codes[6] = call_object_add_ref(ear->object);
    ear->codes[7] = call_object_release(ear->object);
    ear->codes[8] = call_cancel_release(ear->cancel);
    ear->codes[9] = call_release(ear->call);
    ear->codes[10] = call_finish(ear->other, NULL, 0, NULL);
    ear->codes[11] = call_context_complete(ear->job->context, S_OK);
}

static void may_begin_wait_cancel_and_release(void)
{
    static const call_hresult_t expected[12] = {
        S_OK, S_OK, S_OK, RPC_E_CALL_CANCELED, RPC_E_CALL_CANCELED, RPC_S_CALLPENDING,
        S_OK, S_OK, S_OK, S_OK, S_OK, S_OK,
    };
    scene_t scene;
    job_t job;
    ear_t ear;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    ear_init(&ear);
    ear.then = begin_and_release;
    ear.job = &job;
    ear.object = scene.target.object;
    ear.call = new_call(&scene.target);
    enter_job(ear.call, DEFER, &job);
    ear.cancel = cancel_of(ear.call);
    must(call_context_on_cancel(job.context, hear, &ear));
    must(call_request_cancel(ear.cancel, CALL_INFINITE));
    gate_wait(&ear.entered);
    for (int i = 0; i < 12; i++)
        ok_hr(ear.codes[i], expected[i], "RL-4 SV-6 public function %d from inside the function", i);
    must(call_release(ear.other));
    scene_close(&scene);
}

static void change_the_ear(ear_t *ear)
{
    int fd;
    if (atomic_load(&ear->runs) > 1)
        return;
    ear->codes[0] = call_context_get_cancel_fd(ear->job->context, &fd);
    ear->codes[1] = call_context_on_cancel(ear->job->context, NULL, NULL);
    ear->codes[2] = call_context_on_cancel(ear->job->context, hear, ear);
    gate_open(&ear->release);
}

static void may_register_from_inside(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    ear.then = change_the_ear;
    ear.job = &stage.job;
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    gate_wait(&ear.release);
    must(call_context_complete(stage.job.context, S_OK));
    ok_hr(ear.codes[0], S_OK, "SV-6 the descriptor is made inside the function");
    ok_hr(ear.codes[1], S_OK, "SV-6 the function takes itself back: that does not wait for itself");
    ok_hr(ear.codes[2], S_OK, "SV-6 and registers itself once more");
    ok_u64(atomic_load(&ear.runs), 2, "TC-2 which runs it, since the call is canceled");
    ok_hr(finish(stage.scene.call), S_OK, "TO-6 the answer came in the grace period");
    stage_close(&stage);
}

enum { RETURNS = 300 };

/* It returns as soon as it wakes: the function has run all the same, once. */
static call_hresult_t sleep_and_return(job_t *job)
{
    must(call_context_on_cancel(job->context, hear, job->data));
    gate_open(&job->entered);
    return call_context_wait_cancel(job->context, CALL_INFINITE);
}

static void method_that_returns_at_once_has_heard(void)
{
    unsigned heard = 0;
    for (unsigned i = 0; i < RETURNS; i++) {
        scene_t scene;
        job_t job;
        ear_t ear;
        scene_open(&scene, 1);
        ear_init(&ear);
        job_init(&job, NULL, S_OK);
        job.run = sleep_and_return;
        job.data = &ear;
        begin_job(scene.call, RUN, &job);
        gate_wait(&job.entered);
        call_cancel_t cancel = cancel_of(scene.call);
        must(call_request_cancel(cancel, CALL_INFINITE));
        (void)finish(scene.call);
        heard += atomic_load(&ear.runs) == 1;
        must(call_cancel_release(cancel));
        scene_close(&scene);
    }
    ok_u64(heard, RETURNS, "TC-6 SV-9 a method that returns at once has heard before its end, once");
}

static call_hresult_t wait_for_what_waits_for_us;

/* The method's end waits for the function, so the function cannot wait for the call. */
static void wait_inside(void *user)
{
    ear_t *ear = user;
    wait_for_what_waits_for_us = call_wait(ear->call, CALL_INFINITE);
    gate_open(&ear->entered);
}

static void may_not_wait_for_its_own_call(void)
{
    stage_t stage;
    ear_t ear;
    stage_open(&stage);
    ear_init(&ear);
    ear.call = stage.scene.call;
    must(call_context_on_cancel(stage.job.context, wait_inside, &ear));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    gate_wait(&ear.entered);
    ok_hr(wait_for_what_waits_for_us, CALL_E_DEADLOCK, "WT-12 the function waits for its own call");
    must(call_context_complete(stage.job.context, S_OK));
    (void)finish(stage.scene.call);
    stage_close(&stage);
}

static void too_late_and_nowhere(void)
{
    stage_t stage;
    ear_t ear;
    int fd = -2;
    const uint8_t *flag = (const uint8_t *)"";
    stage_open(&stage);
    ear_init(&ear);
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_context_complete(stage.job.context, S_OK));
    ok_hr(call_cancel(stage.cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 a cancel after the method's end");
    ok_hr(call_context_on_cancel(stage.job.context, hear, &ear), RPC_E_CALL_COMPLETE, "SV-14 a function is too late");
    ok_hr(call_context_get_cancel_fd(stage.job.context, &fd), RPC_E_CALL_COMPLETE, "SV-14 and so is a descriptor");
    ok_hr(call_context_get_cancel_flag(stage.job.context, &flag), RPC_E_CALL_COMPLETE, "SV-14 and the flag byte");
    ok(flag == NULL, "SV-14 which is cleared");
    ok_hr(call_context_on_cancel((call_context_t){0}, hear, &ear), RPC_E_CALL_COMPLETE, "SV-11 no method here");
    ok_hr(call_context_get_cancel_fd((call_context_t){0}, &fd), RPC_E_CALL_COMPLETE, "SV-11 no descriptor here");
    ok_hr(call_context_on_cancel((call_context_t){stage.cancel.id}, hear, &ear), E_HANDLE, "LT-1 another kind");
    ok_hr(finish(stage.scene.call), S_OK, "FI-1 the result");
    stage_close(&stage);
    ok_u64(atomic_load(&ear.runs), 0, "SV-14 nothing has run");
}

static const tap_test_t tests[] = {
    TAP_TEST(runs_exactly_once_on_a_thread_of_the_library),
    TAP_TEST(runs_at_once_if_canceled_already),
    TAP_TEST(replaced_one_does_not_run),
    TAP_TEST(taken_back_does_not_run),
    TAP_TEST(taking_back_waits_for_a_running_one),
    TAP_TEST(methods_end_waits_for_a_running_one),
    TAP_TEST(completion_waits_for_a_running_one),
    TAP_TEST(may_complete_its_call),
    TAP_TEST(may_begin_wait_cancel_and_release),
    TAP_TEST(method_that_returns_at_once_has_heard),
    TAP_TEST(may_not_wait_for_its_own_call),
    TAP_TEST(too_late_and_nowhere),
    TAP_TEST(may_register_from_inside),
};

TAP_MAIN(tests)
