/* The message and the progress of a call. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 10000 };

static void no_message(call_t call, call_hresult_t expected, const char *when)
{
    char message[16] = "before";
    size_t len = 7;
    ok_hr(call_get_error(call, message, sizeof message, &len), expected, "message %s", when);
    ok_u64(len, expected == S_FALSE ? 1 : 0, "LT-12 its length %s", when);
    ok_str(message, expected == S_FALSE ? "" : "before", "its text %s", when);
}

static call_hresult_t fail_with_a_message(job_t *job)
{
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[0] = call_context_set_error(job->context, "first try");
    job->codes[1] = call_context_set_error(job->context, job->data);
    job->codes[2] = call_context_set_error(job->context, NULL);
    return E_FAIL;
}

static void message_of_a_failed_call(void)
{
    scene_t scene;
    job_t job;
    char message[64];
    size_t len = 0;
    scene_open(&scene, 1);
    no_message(scene.call, RPC_E_CALL_COMPLETE, "of a call never begun");
    job_init(&job, NULL, S_OK);
    job.run = fail_with_a_message;
    job.data = "the disk is full";
    begin_job(scene.call, RUN, &job);
    gate_wait(&job.entered);
    no_message(scene.call, RPC_S_CALLPENDING, "while pending");
    gate_open(&job.release);
    completed(scene.call);
    ok_hr(job.codes[0], S_OK, "a method gives a message");
    ok_hr(job.codes[1], S_OK, "and another in its place");
    ok_hr(job.codes[2], E_POINTER, "but not NULL");
    ok_hr(call_get_error(scene.call, message, sizeof message, &len), S_OK, "it is there on completion");
    ok_str(message, "the disk is full", "it is the last one given");
    ok_u64(len, strlen(message) + 1, "its length counts the NUL");
    ok_hr(finish(scene.call), E_FAIL, "FI-10 the call is finished");
    ok_hr(call_get_error(scene.call, message, sizeof message, NULL), S_OK, "it is there after finish too");
    ok_str(message, "the disk is full", "any number of times");
    must(call_begin(scene.call, ECHO, "e", 1));
    completed(scene.call);
    no_message(scene.call, S_FALSE, "of the next call, which gave none");
    must(finish(scene.call));
    no_message(scene.call, S_FALSE, "of that call after finish");
    scene_close(&scene);
}

static void room_for_a_message(void)
{
    scene_t scene;
    job_t job;
    char *given = malloc(LONG + 1), *got = malloc(LONG + 1);
    size_t len = 0;
    scene_open(&scene, 1);
    memset(given, 'm', LONG);
    given[LONG] = '\0';
    job_init(&job, NULL, S_OK);
    job.run = fail_with_a_message;
    job.data = given;
    begin_job(scene.call, RUN, &job);
    gate_open(&job.release);
    completed(scene.call);
    ok_hr(call_get_error(scene.call, NULL, 0, &len), CALL_E_MORE_DATA, "asking for the length");
    ok_u64(len, LONG + 1, "it is told, with the NUL");
    ok_hr(call_get_error(scene.call, got, LONG, &len), CALL_E_MORE_DATA, "room for all but the NUL");
    ok_u64(len, LONG + 1, "LT-12 the needed length is told");
    ok_hr(call_get_error(scene.call, got, LONG + 1, &len), S_OK, "room that just fits");
    ok_mem(got, len, given, LONG + 1, "the whole message");
    ok_hr(call_get_error(scene.call, NULL, 1, &len), E_POINTER, "NULL with a capacity is refused");
    ok_u64(len, 0, "LT-12 and the length cleared");
    ok_hr(call_get_error(scene.call, NULL, 0, NULL), CALL_E_MORE_DATA, "NULL for both");
    ok_hr(finish(scene.call), E_FAIL, "FI-10 the call is finished");
    free(given);
    free(got);
    scene_close(&scene);
}

static call_hresult_t read_message(caller_t *self)
{
    return call_get_error(self->call, self->out, sizeof self->out, &self->len);
}

static void message_is_bound_to_its_call(void)
{
    scene_t scene;
    job_t first, second;
    scene_open(&scene, 2);
    job_init(&first, NULL, S_OK);
    job_init(&second, NULL, S_OK);
    call_t other = new_call(&scene.target);
    enter_job(scene.call, DEFER, &first);
    enter_job(other, DEFER, &second);
    must(call_context_set_error(first.context, "of the first"));
    must(call_context_set_error(second.context, "not UTF-8: \xFF."));
    must(call_context_complete(second.context, S_OK));
    must(call_context_complete(first.context, E_FAIL));
    caller_t reader = {.run = read_message, .call = scene.call};
    caller_start(&reader);
    ok_hr(caller_join(&reader), S_OK, "another thread reads the message");
    ok_str(reader.out, "of the first", "of the call that it asks for");
    reader.call = other;
    caller_start(&reader);
    ok_hr(caller_join(&reader), S_OK, "a success may have a message as well");
    ok_str(reader.out, "not UTF-8: \xEF\xBF\xBD.", "in which a byte that is not UTF-8 is replaced");
    ok_hr(finish(scene.call), E_FAIL, "FI-10 the first is finished");
    must(finish(other));
    must(call_release(other));
    scene_close(&scene);
}

static void progress_is(call_t call, uint64_t done, uint64_t total, const char *when)
{
    uint64_t got_done = 77, got_total = 77;
    must(call_get_progress(call, &got_done, &got_total));
    ok_u64(got_done, done, "done %s", when);
    ok_u64(got_total, total, "total %s", when);
}

static void progress_of_a_call(void)
{
    scene_t scene;
    job_t job;
    uint64_t number = 77;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    progress_is(scene.call, 0, 0, "of a call never begun");
    enter_job(scene.call, DEFER, &job);
    progress_is(scene.call, 0, 0, "before the method says anything");
    ok_hr(call_context_set_progress(job.context, 3, 0), S_OK, "progress without a known total");
    progress_is(scene.call, 3, 0, "while the method runs");
    ok_hr(call_context_set_progress(job.context, UINT64_MAX - 1, UINT64_MAX), S_OK, "the largest numbers");
    progress_is(scene.call, UINT64_MAX - 1, UINT64_MAX, "as last told");
    must(call_context_complete(job.context, S_OK));
    progress_is(scene.call, UINT64_MAX - 1, UINT64_MAX, "after completion");
    must(finish(scene.call));
    progress_is(scene.call, UINT64_MAX - 1, UINT64_MAX, "after finish");
    ok_hr(call_get_progress(scene.call, NULL, &number), E_POINTER, "no place for done");
    ok_u64(number, 0, "LT-12 the other place is cleared");
    number = 77;
    ok_hr(call_get_progress(scene.call, &number, NULL), E_POINTER, "no place for total");
    ok_u64(number, 0, "LT-12 the other place is cleared");
    must(call_begin(scene.call, ECHO, "p", 1));
    completed(scene.call);
    progress_is(scene.call, 0, 0, "of the next call, which told none");
    must(finish(scene.call));
    scene_close(&scene);
}

static void abandoned_method_tells_nothing_more(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    must(call_context_set_progress(job.context, 1, 2));
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_context_set_progress(job.context, 2, 2), S_OK, "TO-6 progress in the grace period");
    ok_hr(call_context_set_error(job.context, "stopping"), S_OK, "TO-6 a message in the grace period");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 the grace ends");
    ok_hr(call_context_set_progress(job.context, 9, 9), RPC_E_CALL_CANCELED, "TO-1 progress after the end");
    ok_hr(call_context_set_error(job.context, "late"), RPC_E_CALL_CANCELED, "TO-1 message after abandonment");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "FI-5 the call is finished");
    must(call_begin(scene.call, ECHO, "n", 1));
    completed(scene.call);
    ok_hr(call_context_set_progress(job.context, 9, 9), RPC_E_CALL_CANCELED, "LT-3 a later call complete");
    ok_hr(call_context_set_error(job.context, "late"), RPC_E_CALL_CANCELED, "LT-3 as before");
    must(call_context_complete(job.context, E_FAIL));
    progress_is(scene.call, 0, 0, "LT-3 of the later call");
    no_message(scene.call, S_FALSE, "LT-3 of the later call");
    must(finish(scene.call));
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(message_of_a_failed_call),
    TAP_TEST(room_for_a_message),
    TAP_TEST(message_is_bound_to_its_call),
    TAP_TEST(progress_of_a_call),
    TAP_TEST(abandoned_method_tells_nothing_more),
};

TAP_MAIN(tests)
