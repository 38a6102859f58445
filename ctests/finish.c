/* Collecting the result. */
#include "support.h"

#include <string.h>

static void finish_brings_what_the_method_gave(void)
{
    scene_t scene;
    struct { call_hresult_t code; char text[4]; } in = {S_FALSE, "out"};
    char text[16];
    scene_open(&scene, 1);
    must(call_begin(scene.call, ANSWER, &in, sizeof in.code + 3));
    completed(scene.call);
    ok_hr(finish_text(scene.call, text, sizeof text), S_FALSE, "FI-1 a success code passes unchanged");
    ok_str(text, "out", "FI-1 with the output");
    ok_hr(finish_text(scene.call, text, sizeof text), RPC_E_CALL_COMPLETE,
          "FI-7 a second finish finds no call");
    in.code = E_OUTOFMEMORY;
    must(call_begin(scene.call, ANSWER, &in, sizeof in.code + 3));
    ok_hr(finish_text(scene.call, text, sizeof text), E_OUTOFMEMORY, "FI-10 a failure passes unchanged");
    ok_str(text, "out", "FI-17 what was found so far comes with the method's own failure");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-16 a failing finish has ended the call");
    must(call_begin(scene.call, ECHO, "n", 1));
    ok_hr(finish(scene.call), S_OK, "FI-16 and the call begins again");
    scene_close(&scene);
}

static void finish_of_an_idle_call(void)
{
    scene_t scene;
    size_t len = 7;
    char out[4];
    scene_open(&scene, 1);
    ok_hr(call_finish(scene.call, out, sizeof out, &len), RPC_E_CALL_COMPLETE,
          "FI-4 finish of a call never begun");
    ok_u64(len, 0, "LT-12 FI-4 and the length is cleared");
    ok_hr(call_try_finish(scene.call, out, sizeof out, &len), RPC_E_CALL_COMPLETE,
          "FI-4 so answers the finish that never blocks");
    scene_close(&scene);
}

static void finish_blocks_until_completion(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, "done", S_OK);
    enter_job(scene.call, HOLD, &held);
    ok_hr(call_try_finish(scene.call, NULL, 0, NULL), RPC_S_CALLPENDING,
          "FI-3 the finish that never blocks is refused while pending");
    caller_t finisher = {.run = run_finish, .call = scene.call};
    caller_start(&finisher);
    caller_settle(&finisher);
    ok_u64(gate_count(&held.left), 0, "FI-2 a finish while pending waits for the method");
    gate_open(&held.release);
    ok_hr(caller_join(&finisher), S_OK, "FI-2 and ends with its result");
    ok_mem(finisher.out, finisher.len, "done", 4, "FI-2 and its output");
    must(call_begin(scene.call, ECHO, "try", 3));
    completed(scene.call);
    size_t len;
    char out[8];
    ok_hr(call_try_finish(scene.call, out, sizeof out, &len), S_OK,
          "FI-3 the finish that never blocks collects a completed call");
    ok_mem(out, len, "try", 3, "FI-3 with its output");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 FI-3 and has ended it");
    scene_close(&scene);
}

static void finish_of_a_canceled_call(void)
{
    scene_t scene;
    job_t held;
    char out[8] = "before";
    size_t len = 5;
    scene_open(&scene, 1);
    job_init(&held, "unseen", S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_context_write(held.context, "partial", 7));
    must(call_cancel(cancel, 0));
    ok_hr(call_finish(scene.call, out, sizeof out, &len), RPC_E_CALL_CANCELED,
          "FI-5 an abandoned call finishes at once as canceled");
    ok_u64(len, 0, "FI-5 FI-17 and carries no output, not even what was written before");
    ok_str(out, "before", "FI-17 the buffer is not touched");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 FI-16 the canceled call is finished once");
    gate_open(&held.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void finish_waits_out_the_grace(void)
{
    scene_t scene;
    job_t obeying, deaf;
    scene_open(&scene, 1);
    job_init(&obeying, "found so far", RPC_E_CALL_CANCELED);
    enter_job(scene.call, OBEY, &obeying);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    char text[32];
    ok_hr(finish_text(scene.call, text, sizeof text), RPC_E_CALL_CANCELED,
          "FI-6 finish during the grace period waits for the server's own answer");
    ok_str(text, "found so far", "FI-6 FI-17 which has its output, although it says canceled");
    must(call_cancel_release(cancel));
    job_init(&deaf, "late", S_OK);
    enter_job(scene.call, HOLD, &deaf);
    cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, 20));
    ok_hr(finish_text(scene.call, text, sizeof text), RPC_E_CALL_CANCELED,
          "FI-6 finish during the grace period ends with it");
    ok_str(text, "", "FI-6 FI-17 and then has no output");
    gate_open(&deaf.release);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void one_of_two_finishers_wins(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, "prize", S_OK);
    enter_job(scene.call, HOLD, &held);
    caller_t both[2];
    for (int i = 0; i < 2; i++) {
        both[i] = (caller_t){.run = run_finish, .call = scene.call};
        caller_start(&both[i]);
        caller_settle(&both[i]);
    }
    gate_open(&held.release);
    call_hresult_t first = caller_join(&both[0]), second = caller_join(&both[1]);
    int winner = first == S_OK ? 0 : 1;
    ok_hr(winner == 0 ? first : second, S_OK, "FI-8 one of two threads in finish has the result");
    ok_mem(both[winner].out, both[winner].len, "prize", 5, "FI-8 with the output");
    ok_hr(winner == 0 ? second : first, RPC_E_CALL_COMPLETE, "FI-8 the other finds no call");
    ok_u64(both[1 - winner].len, 0, "FI-8 and no output");
    scene_close(&scene);
}

static void output_that_does_not_fit(void)
{
    scene_t scene;
    char out[6] = "?????";
    size_t len = 0;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "12345", 5));
    ok_hr(call_finish(scene.call, NULL, 0, &len), CALL_E_MORE_DATA, "FI-1 finish asks for the length");
    ok_u64(len, 5, "FI-1 and is told it");
    ok_hr(call_finish(scene.call, out, 4, &len), CALL_E_MORE_DATA, "FI-1 a buffer one too small");
    ok_u64(len, 5, "FI-1 the needed length is told");
    ok_mem(out, 5, "?????", 5, "FI-17 the small buffer is not touched");
    ok_hr(call_finish(scene.call, out, 4, NULL), CALL_E_MORE_DATA,
          "FI-1 without a place for the length as well");
    ok_hr(call_try_finish(scene.call, out, 4, &len), CALL_E_MORE_DATA,
          "FI-1 FI-3 so answers the finish that never blocks");
    ok_hr(call_begin(scene.call, ECHO, "x", 1), RPC_S_CALLPENDING, "BG-4 the call is still to finish");
    ok_hr(call_finish(scene.call, out, 5, &len), S_OK, "FI-1 nothing was lost: a buffer that just fits");
    ok_mem(out, len, "12345", 5, "FI-1 all the output is there");
    must(call_begin(scene.call, ECHO, "12345", 5));
    ok_hr(call_finish(scene.call, NULL, 0, NULL), S_OK, "FI-1 NULL for both drops the output");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 and has ended the call");
    must(call_begin(scene.call, ECHO, "12345", 5));
    ok_hr(call_finish(scene.call, NULL, 5, &len), E_POINTER, "FI-1 NULL with a capacity is refused");
    ok_hr(call_try_finish(scene.call, NULL, 5, &len), E_POINTER, "FI-3 in both forms");
    ok_hr(call_finish(scene.call, out, 5, &len), S_OK, "FI-1 and does not end the call");
    scene_close(&scene);
}

static call_hresult_t fault(job_t *job)
{
    must(call_context_set_error(job->context, "the library behind it threw"));
    return RPC_E_SERVERFAULT;
}

static void server_that_cannot_do_its_work(void)
{
    scene_t scene;
    job_t job;
    char message[64];
    size_t len;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    ok_hr(call_context_complete(job.context, E_OUTOFMEMORY), S_OK,
          "FI-11 SV-4 a server that could not start the work says so by completing");
    ok_hr(finish(scene.call), E_OUTOFMEMORY, "FI-11 SV-4 and finish reports it");
    job.run = fault;
    begin_job(scene.call, RUN, &job);
    completed(scene.call);
    must(call_get_error(scene.call, message, sizeof message, &len));
    ok_str(message, "the library behind it threw", "FI-10 a fault's message reaches the client");
    ok_hr(finish(scene.call), RPC_E_SERVERFAULT, "FI-10 and so does its code");
    scene_close(&scene);
}

static void call_of_an_object_that_was_disconnected(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, "gone", S_OK);
    enter_job(scene.call, HOLD, &held);
    uint32_t remaining = 0;
    ok_hr(call_apartment_close(scene.apartment, 0, &remaining), S_FALSE,
          "LT-11 an apartment goes away under its call");
    ok_hr(call_wait(scene.call, 0), S_OK, "FI-15 LT-11 the pending call is complete");
    ok_hr(finish(scene.call), RPC_E_DISCONNECTED, "FI-15 LT-11 with RPC_E_DISCONNECTED");
    gate_open(&held.release);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(finish_brings_what_the_method_gave),
    TAP_TEST(finish_of_an_idle_call),
    TAP_TEST(finish_blocks_until_completion),
    TAP_TEST(finish_of_a_canceled_call),
    TAP_TEST(finish_waits_out_the_grace),
    TAP_TEST(one_of_two_finishers_wins),
    TAP_TEST(output_that_does_not_fit),
    TAP_TEST(server_that_cannot_do_its_work),
    TAP_TEST(call_of_an_object_that_was_disconnected),
};

TAP_MAIN(tests)
