/* What a method may answer, and what it may do on its thread. */
#include "support.h"

#include <string.h>

static void answer_that_no_method_may_give(call_hresult_t code)
{
    scene_t scene;
    char message[256];
    size_t len = 0;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ANSWER, &code, sizeof code));
    completed(scene.call);
    must(call_get_error(scene.call, message, sizeof message, &len));
    ok(strstr(message, call_hresult_name(code)) != NULL, "the message names %s: '%s'",
       call_hresult_name(code), message);
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "the method has ended with it: COMPLETED");
    ok_hr(finish(scene.call), E_UNEXPECTED, "a method that returns %s", call_hresult_name(code));
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-16 has ended its call");
    scene_close(&scene);
}

static void completion_that_no_method_may_give(call_hresult_t code)
{
    scene_t scene;
    job_t job;
    char message[256];
    size_t len = 0;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    must(call_context_set_error(job.context, "the method's own"));
    ok_hr(call_context_complete(job.context, code), E_INVALIDARG, "completion with %s",
          call_hresult_name(code));
    ok_hr(call_context_complete(job.context, S_OK), RPC_E_CALL_COMPLETE, "SG-3 was the completion");
    must(call_get_error(scene.call, message, sizeof message, &len));
    ok(strstr(message, call_hresult_name(code)) != NULL, "the message names %s: '%s'",
       call_hresult_name(code), message);
    ok_hr(finish(scene.call), E_UNEXPECTED, "the call fails with E_UNEXPECTED");
    scene_close(&scene);
}

static void codes_of_the_library_alone(void)
{
    answer_that_no_method_may_give(RPC_S_CALLPENDING);
    answer_that_no_method_may_give(CALL_E_MORE_DATA);
    completion_that_no_method_may_give(RPC_S_CALLPENDING);
    completion_that_no_method_may_give(CALL_E_MORE_DATA);
    completion_that_no_method_may_give(CALL_S_DEFERRED);
}

/* Any other code passes, those too that finish gives of its own. */
static void codes_that_pass(void)
{
    static const call_hresult_t codes[] = {
        RPC_E_CALL_COMPLETE, E_HANDLE,           E_POINTER,        CALL_E_DEADLOCK, E_NOTIMPL,
        E_NOINTERFACE,       RPC_E_DISCONNECTED, RPC_E_TIMEOUT,    E_UNEXPECTED,    INT32_MAX,
        INT32_MIN,           -1,                 E_OUTOFMEMORY,    0x00040201,
    };
    scene_t scene;
    scene_open(&scene, 1);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        must(call_begin(scene.call, ANSWER, &codes[i], sizeof codes[i]));
        ok_hr(finish(scene.call), codes[i], "FI-10 a method's 0x%08X reaches the client", (unsigned)codes[i]);
        ok_hr(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "FI-16 and has ended the call");
    }
    scene_close(&scene);
}

/* A call out of a method, into its own apartment: queued like any other. */
static call_hresult_t call_out(job_t *job)
{
    call_t call;
    call_hresult_t failure = E_NOTIMPL;
    must(call_create(job->object, &call));
    job->codes[0] = call_begin(call, ANSWER, &failure, sizeof failure);
    job->codes[1] = call_wait(call, CALL_INFINITE);
    job->codes[2] = call_finish(call, NULL, 0, NULL);
    must(call_release(call));
    return S_OK;
}

static void call_within_the_apartment(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    job.run = call_out;
    job.object = scene.target.object;
    begin_job(scene.call, RUN, &job);
    ok_hr(finish(scene.call), S_OK, "CR-7 a method calls an object of its own apartment");
    ok_hr(job.codes[0], S_OK, "SV-5 BG-9 begin tells nothing of the method's failure there either");
    ok_hr(job.codes[1], S_OK, "SV-5 the call completes");
    ok_hr(job.codes[2], E_NOTIMPL, "SV-5 FI-10 and finish reports it");
    scene_close(&scene);
}

/* Each thread's null context is its own method's, and the outer one's again after a wait. */
static call_hresult_t ask_inside(job_t *job)
{
    job_t *inner = job->data;
    call_t call;
    job->codes[0] = call_context_test_cancel((call_context_t){0});
    must(call_create(job->object, &call));
    must(call_begin(call, HOLD, &inner, sizeof inner));
    gate_wait(&inner->entered);
    call_cancel_t cancel = cancel_of(call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    job->codes[1] = call_context_test_cancel(inner->context);
    job->codes[2] = call_context_test_cancel((call_context_t){0});
    gate_open(&inner->release);
    job->codes[3] = call_finish(call, NULL, 0, NULL);
    job->codes[4] = call_context_test_cancel((call_context_t){0});
    must(call_cancel_release(cancel));
    must(call_release(call));
    return S_OK;
}

static void null_context_is_the_threads_own(void)
{
    scene_t scene;
    job_t job, inner;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    job_init(&inner, NULL, S_FALSE);
    job.run = ask_inside;
    job.object = scene.target.object;
    job.data = &inner;
    begin_job(scene.call, RUN, &job);
    ok_hr(finish(scene.call), S_OK, "SV-10 a method that begins another and cancels it");
    ok_hr(job.codes[0], RPC_S_CALLPENDING, "SV-10 its own call before");
    ok_hr(job.codes[1], RPC_E_CALL_CANCELED, "SV-10 the other, by its context");
    ok_hr(job.codes[2], RPC_S_CALLPENDING, "SV-10 its own meanwhile: the null context is the thread's");
    ok_hr(job.codes[3], S_FALSE, "SV-12 the other's result");
    ok_hr(job.codes[4], RPC_S_CALLPENDING, "SV-10 its own after");
    scene_close(&scene);
}

static call_hresult_t only_complete(job_t *job)
{
    must(call_context_write(job->context, "early", 5));
    must(call_context_complete(job->context, E_FAIL));
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[0] = call_context_test_cancel((call_context_t){0});
    return CALL_S_DEFERRED;
}

/* The client goes on while the method's thread is still inside. */
static void client_need_not_wait_for_the_return(void)
{
    scene_t scene;
    job_t job;
    char text[16];
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    job.run = only_complete;
    begin_job(scene.call, RUN, &job);
    gate_wait(&job.entered);
    ok_hr(finish_text(scene.call, text, sizeof text), E_FAIL, "SG-2 completed before invoke returned");
    ok_str(text, "early", "SG-2 with its output");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "SG-2 the method has ended: COMPLETED");
    must(call_begin(scene.call, ECHO, "again", 5));
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "BG-6 SG-2 the call begins again meanwhile");
    ok_str(text, "again", "BG-6 with its own output");
    gate_open(&job.release);
    scene_close(&scene);
    ok_hr(job.codes[0], RPC_E_CALL_COMPLETE, "SV-11 SV-14 the method that goes on has no call any more");
}

static const tap_test_t tests[] = {
    TAP_TEST(codes_of_the_library_alone),
    TAP_TEST(codes_that_pass),
    TAP_TEST(call_within_the_apartment),
    TAP_TEST(null_context_is_the_threads_own),
    TAP_TEST(client_need_not_wait_for_the_return),
};

TAP_MAIN(tests)
