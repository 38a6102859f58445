/* The server twice and too late: when a method has ended its context has a code of its own for
 * everything, and what comes through it reaches nobody. */
#include "support.h"

#include <string.h>

enum { ROOM = 64 };

static void count_one(void *user)
{
    (void)atomic_fetch_add((atomic_uint *)user, 1);
}

/* All that a context answers when its method has ended. */
static void over_for_the_server(call_context_t context, const char *how)
{
    void *room;
    const uint8_t *flag;
    int fd;
    atomic_uint notified = 0;
    ok_hr(call_context_complete(context, E_FAIL), RPC_E_CALL_COMPLETE, "SG-3 complete %s", how);
    ok_hr(call_context_write(context, "late", 4), RPC_E_CALL_COMPLETE, "write %s", how);
    ok_hr(call_context_set_progress(context, 9, 9), RPC_E_CALL_COMPLETE, "set_progress %s", how);
    ok_hr(call_context_set_error(context, "late"), RPC_E_CALL_COMPLETE, "set_error %s", how);
    ok_hr(call_context_reserve(context, 4, &room), RPC_E_CALL_COMPLETE, "reserve %s", how);
    ok_hr(call_context_commit(context, 0), RPC_E_CALL_COMPLETE, "commit %s", how);
    ok_hr(call_context_get_cancel_flag(context, &flag), RPC_E_CALL_COMPLETE, "get_cancel_flag %s", how);
    ok_hr(call_context_get_cancel_fd(context, &fd), RPC_E_CALL_COMPLETE, "get_cancel_fd %s", how);
    ok_hr(call_context_on_cancel(context, count_one, &notified), RPC_E_CALL_COMPLETE, "on_cancel %s", how);
    ok_hr(call_context_disable_cancel(context), RPC_E_CALL_COMPLETE, "disable_cancel %s", how);
    ok_hr(call_context_enable_cancel(context), RPC_E_CALL_COMPLETE, "enable_cancel %s", how);
    ok_hr(call_context_test_cancel(context), RPC_E_CALL_COMPLETE, "test_cancel %s", how);
    ok_hr(call_context_wait_cancel(context, CALL_INFINITE), RPC_E_CALL_COMPLETE, "wait_cancel %s", how);
    ok_u64(atomic_load(&notified), 0, "nobody is notified %s", how);
}

static void complete_twice(void)
{
    scene_t scene;
    job_t job;
    char text[ROOM];
    uint64_t progress = 1, total = 1;
    size_t len;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    must(call_context_write(job.context, "first", 5));
    ok_hr(call_context_complete(job.context, S_FALSE), S_OK, "a deferred method is completed");
    over_for_the_server(job.context, "again");
    ok_hr(finish_text(scene.call, text, sizeof text), S_FALSE, "SG-3 the first result stands");
    ok_str(text, "first", "SG-3 and so does the output");
    ok_hr(call_get_error(scene.call, text, sizeof text, &len), S_FALSE, "nothing of a late error is there");
    must(call_get_progress(scene.call, &progress, &total));
    ok_u64(progress + total, 0, "nor of late progress");
    over_for_the_server(job.context, "when the call is finished");
    must(call_begin(scene.call, ECHO, "other", 5));
    over_for_the_server(job.context, "when the call object was begun again");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "the other call has its own result");
    ok_str(text, "other", "and its own output");
    scene_close(&scene);
}

/* Completed from inside, and then it returns: the completion was first. */
static call_hresult_t complete_inside(job_t *job)
{
    job->codes[0] = call_context_complete(job->context, S_FALSE);
    job->codes[1] = call_context_complete(job->context, E_FAIL);
    job->codes[2] = call_context_write(job->context, "late", 4);
    call_hresult_t result = job->result;
    gate_open(&job->release);
    return result;
}

static void complete_and_return(void)
{
    static const call_hresult_t returned[] = {S_OK, E_FAIL, CALL_S_DEFERRED};
    scene_t scene;
    char text[ROOM];
    scene_open(&scene, 1);
    for (size_t i = 0; i < sizeof returned / sizeof returned[0]; i++) {
        job_t job;
        job_init(&job, NULL, returned[i]);
        job.run = complete_inside;
        begin_job(scene.call, RUN, &job);
        ok_hr(finish_text(scene.call, text, sizeof text), S_FALSE,
              "SG-3 the completion stands, though the method returns %s", call_hresult_name(returned[i]));
        ok_str(text, "", "SG-3 without late output");
        gate_wait(returned[i] == CALL_S_DEFERRED ? &job.release : &job.left);
        ok_hr(job.codes[0], S_OK, "SG-2 a method may complete its call itself");
        ok_hr(job.codes[1], RPC_E_CALL_COMPLETE, "SG-3 once");
        ok_hr(job.codes[2], RPC_E_CALL_COMPLETE, "and writes nothing after that");
    }
    scene_close(&scene);
}

static void return_and_complete(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, HOLD, &job);
    gate_open(&job.release);
    completed(scene.call);
    over_for_the_server(job.context, "after the method returned");
    ok_hr(finish(scene.call), S_OK, "SG-8 the result is what the method returned");
    over_for_the_server(job.context, "after the method returned and the call was finished");
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(complete_twice),
    TAP_TEST(complete_and_return),
    TAP_TEST(return_and_complete),
};

TAP_MAIN(tests)
