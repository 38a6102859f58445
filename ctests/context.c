/* The server's view of a call: output, cancel, the end, and the handle after it. */
#include "support.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 300, SHORT_MS = 15 };

static call_hresult_t write_pieces(job_t *job)
{
    unsigned char piece[PIECES];
    for (unsigned i = 0; i < PIECES; i++) {
        memset(piece, (int)i, i);
        must(call_context_write(job->context, piece, i));
    }
    job->codes[0] = call_context_write(job->context, NULL, 0);
    job->codes[1] = call_context_write(job->context, NULL, 1);
    return S_OK;
}

static void written_pieces_become_one_output(void)
{
    scene_t scene;
    job_t job;
    size_t len = 0, at = 0;
    unsigned wrong = 0;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = write_pieces;
    begin_job(scene.call, RUN, &job);
    ok_hr(call_finish(scene.call, NULL, 0, &len), CALL_E_MORE_DATA, "FI-1 the output waits");
    ok_u64(len, PIECES * (PIECES - 1) / 2, "FI-1 its length is that of all pieces together");
    unsigned char *out = malloc(len);
    ok_hr(call_finish(scene.call, out, len, &len), S_OK, "FI-1 and it is delivered");
    for (unsigned i = 0; i < PIECES; i++)
        for (unsigned j = 0; j < i; j++)
            wrong += out[at++] != (unsigned char)i;
    ok_u64(wrong, 0, "FI-1 in the order in which it was written");
    ok_hr(job.codes[0], S_OK, "FI-1 writing nothing from NULL is fine");
    ok_hr(job.codes[1], E_POINTER, "FI-1 writing something from NULL is not");
    free(out);
    scene_close(&scene);
}

static call_hresult_t touch_after_the_end(job_t *job)
{
    job->codes[0] = call_context_complete(job->context, S_FALSE);
    job->codes[1] = call_context_complete(job->context, E_FAIL);
    job->codes[2] = call_context_write(job->context, "late", 4);
    job->codes[3] = call_context_test_cancel(job->context);
    job->codes[4] = call_context_wait_cancel(job->context, CALL_INFINITE);
    job->codes[5] = call_context_set_progress(job->context, 1, 2);
    job->codes[6] = call_context_set_error(job->context, "late");
    return E_UNEXPECTED;
}

static void completion_before_the_method_returns(void)
{
    scene_t scene;
    job_t job;
    size_t len = 1;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = touch_after_the_end;
    begin_job(scene.call, RUN, &job);
    ok_hr(call_finish(scene.call, NULL, 0, &len), S_FALSE,
          "SG-2 SG-3 the first completion counts, the value returned after it does not");
    ok_u64(len, 0, "SV-14 what is written after it is not output");
    scene_close(&scene);
    ok_hr(job.codes[0], S_OK, "SG-1 SG-2 completion inside the method");
    ok_hr(job.codes[1], RPC_E_CALL_COMPLETE, "SG-3 a second completion is refused");
    ok_hr(job.codes[2], RPC_E_CALL_COMPLETE, "SV-14 write after the end");
    ok_hr(job.codes[3], RPC_E_CALL_COMPLETE, "SV-14 test for a cancel after the end");
    ok_hr(job.codes[4], RPC_E_CALL_COMPLETE, "SV-14 wait for a cancel after the end, at once");
    ok_hr(job.codes[5], RPC_E_CALL_COMPLETE, "SV-14 progress after the end");
    ok_hr(job.codes[6], RPC_E_CALL_COMPLETE, "SV-14 message after the end");
}

static void deferred_completion(void)
{
    scene_t scene;
    job_t job;
    char text[16];
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    call_t other = new_call(&scene.target);
    enter_job(scene.call, DEFER, &job);
    must(call_begin(other, ECHO, "free", 4));
    ok_hr(finish(other), S_OK, "SG-1 a deferred method leaves its worker free");
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "SG-1 its call is pending");
    ok_hr(call_context_write(job.context, "later", 5), S_OK, "SV-3 any thread writes for it");
    ok_hr(call_context_test_cancel(job.context), RPC_S_CALLPENDING, "SV-9 and asks for a cancel");
    ok_hr(call_context_complete(job.context, S_FALSE), S_OK, "SG-1 and completes it");
    ok_hr(call_wait(scene.call, 0), S_OK, "SG-1 which the client sees at once");
    ok_hr(call_context_complete(job.context, S_OK), RPC_E_CALL_COMPLETE, "SG-3 it completes once");
    ok_hr(finish_text(scene.call, text, sizeof text), S_FALSE, "SG-1 the result is the completion's");
    ok_str(text, "later", "SV-3 the output is there");
    ok_hr(call_context_complete(job.context, S_OK), RPC_E_CALL_COMPLETE,
          "SG-8 completion after finish finds no call");
    must(call_begin(scene.call, ECHO, "next", 4));
    completed(scene.call);
    ok_hr(call_context_complete(job.context, E_FAIL), RPC_E_CALL_COMPLETE,
          "SG-8 LT-3 nor does it reach the next call");
    ok_hr(finish(scene.call), S_OK, "SG-8 LT-3 whose result is its own");
    must(call_release(other));
    scene_close(&scene);
}

/* `in` must stay valid while invoke runs, whatever became of the call. */
static call_hresult_t keep_input(job_t *job)
{
    const char *in = job->in;
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[0] = memcmp(in, "input", job->in_len) == 0 ? S_OK : E_FAIL;
    return S_OK;
}

static void input_of_an_abandoned_method(void)
{
    scene_t scene;
    job_t job;
    struct { job_t *job; char text[5]; } in = {&job, {'i', 'n', 'p', 'u', 't'}};
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = keep_input;
    call_t call = new_call(&scene.target);
    must(call_begin(call, RUN, &in, sizeof in.job + sizeof in.text));
    gate_wait(&job.entered);
    memset(in.text, 'x', sizeof in.text);
    call_cancel_t cancel = cancel_of(call);
    must(call_cancel(cancel, 0));
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "TO-1 the call is abandoned and finished");
    must(call_release(call));
    must(call_cancel_release(cancel));
    gate_open(&job.release);
    gate_wait(&job.left);
    ok_hr(job.codes[0], S_OK, "SV-3 a method's input stays valid until it returns, abandoned or not");
    scene_close(&scene);
}

static void server_of_an_abandoned_call(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_CANCELED, "SV-9 the server asks and is told");
    ok_hr(call_context_write(job.context, "x", 1), S_OK, "SV-12 in the grace period write works");
    must(call_request_cancel(cancel, 0) == RPC_E_CALL_CANCELED ? S_OK : E_UNEXPECTED);
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_CANCELED, "TO-1 abandoned: told the same");
    ok_hr(call_context_wait_cancel(job.context, CALL_INFINITE), RPC_E_CALL_CANCELED,
          "TO-1 a wait for a cancel ends at once");
    ok_hr(call_context_write(job.context, "x", 1), RPC_E_CALL_CANCELED, "TO-1 write is refused");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "TO-1 the client has finished");
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_CANCELED, "TO-1 the context still lives");
    ok_hr(call_context_complete(job.context, S_OK), S_OK, "SG-4 SV-6 the late completion is accepted");
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_COMPLETE, "SV-14 and ends the context");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "SG-4 its result is dropped");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static call_hresult_t poll_for_cancel(job_t *job)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    gate_open(&job->entered);
    while (call_context_test_cancel((call_context_t){0}) == RPC_S_CALLPENDING && now_us() < end)
        (void)sched_yield();
    job->numbers[0] = now_ns();
    job->codes[0] = call_context_test_cancel((call_context_t){0});
    job->codes[1] = call_context_wait_cancel((call_context_t){0}, CALL_INFINITE);
    return RPC_E_CALL_CANCELED;
}

static call_hresult_t sleep_until_cancel(job_t *job)
{
    job->codes[0] = call_context_wait_cancel(job->context, 0);
    uint64_t from = now_us();
    job->codes[1] = call_context_wait_cancel(job->context, SHORT_MS);
    job->numbers[1] = now_us() - from;
    gate_open(&job->entered);
    job->codes[2] = call_context_wait_cancel(job->context, CALL_INFINITE);
    job->numbers[0] = now_ns();
    return RPC_E_CALL_CANCELED;
}

static uint64_t seen_after(call_t call, job_t *job)
{
    begin_job(call, RUN, job);
    gate_wait(&job->entered);
    call_cancel_t cancel = cancel_of(call);
    uint64_t from = now_ns();
    must(call_request_cancel(cancel, CALL_INFINITE));
    completed(call);
    must(call_cancel_release(cancel));
    return job->numbers[0] - from;
}

static void server_learns_of_the_cancel(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = poll_for_cancel;
    uint64_t took = seen_after(scene.call, &job);
    ok_hr(job.codes[0], RPC_E_CALL_CANCELED, "TC-6 SV-9 SV-10 a method that polls sees the cancel");
    ok_hr(job.codes[1], RPC_E_CALL_CANCELED, "SV-10 through the null context: its own call");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "SV-9 its answer is the result");
    diag("a polling method saw the cancel after %.1f us", (double)took / 1e3);
    job_init(&job, NULL, S_OK);
    job.run = sleep_until_cancel;
    took = seen_after(scene.call, &job);
    ok_hr(job.codes[0], RPC_S_CALLPENDING, "SV-9 a sleep of 0 polls");
    ok_hr(job.codes[1], RPC_S_CALLPENDING, "SV-9 a sleep that no cancel ends");
    ok(job.numbers[1] >= SHORT_MS * 1000, "SV-9 TO-4 lasts its milliseconds: %llu us",
       (unsigned long long)job.numbers[1]);
    ok_hr(job.codes[2], RPC_E_CALL_CANCELED, "TC-6 SV-9 a cancel ends a sleep");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "SV-9 and the method may say so");
    diag("a sleeping method woke by the cancel after %.1f us", (double)took / 1e3);
    scene_close(&scene);
}

static void null_context_outside_a_method(void)
{
    call_context_t none = {0};
    ok_hr(call_context_test_cancel(none), RPC_E_CALL_COMPLETE, "SV-11 no call on this thread: test");
    ok_hr(call_context_wait_cancel(none, CALL_INFINITE), RPC_E_CALL_COMPLETE,
          "SV-11 no call on this thread: a wait ends at once");
    ok_hr(call_context_write(none, "x", 1), E_HANDLE, "SV-11 the null context has no output");
    ok_hr(call_context_complete(none, S_OK), E_HANDLE, "SV-11 nor an end");
    ok_hr(call_context_test_cancel((call_context_t){0x1234567890ABCDEF}), E_HANDLE,
          "SG-8 a context never issued is no context");
}

static void calls_of_one_object_are_apart(void)
{
    scene_t scene;
    job_t first, second;
    scene_open(&scene, 2);
    job_init(&first, "first", S_OK);
    job_init(&second, "second", S_FALSE);
    call_t other = new_call(&scene.target);
    enter_job(scene.call, HOLD, &first);
    enter_job(other, HOLD, &second);
    ok(first.context.id != second.context.id, "SV-1 each call of an object has a context of its own");
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_context_test_cancel(first.context), RPC_E_CALL_CANCELED, "SV-1 one is canceled");
    ok_hr(call_context_test_cancel(second.context), RPC_S_CALLPENDING, "SV-1 the other is not");
    gate_open(&second.release);
    ok_hr(finish(other), S_FALSE, "SV-1 the other finishes");
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "SV-1 while the one is pending");
    gate_open(&first.release);
    ok_hr(finish(scene.call), S_OK, "SV-1 SV-12 the one finishes too");
    must(call_cancel_release(cancel));
    must(call_release(other));
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(written_pieces_become_one_output),
    TAP_TEST(completion_before_the_method_returns),
    TAP_TEST(deferred_completion),
    TAP_TEST(input_of_an_abandoned_method),
    TAP_TEST(server_of_an_abandoned_call),
    TAP_TEST(server_learns_of_the_cancel),
    TAP_TEST(null_context_outside_a_method),
    TAP_TEST(calls_of_one_object_are_apart),
};

TAP_MAIN(tests)
