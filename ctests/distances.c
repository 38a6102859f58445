/* The client's side at each distance: begin, wait, finish, release. */
#include "distances.h"

#include <string.h>
#include <unistd.h>

enum { WAITERS = 3 };

/* Copies its input once the client had every chance to spoil it. */
static call_hresult_t copy_late(job_t *job)
{
    gate_open(&job->entered);
    gate_wait(&job->release);
    if (job->in_len <= 16)
        memcpy(job->data, job->in, job->in_len);
    job->numbers[0] = job->in_len;
    return S_FALSE;
}

static void begin_and_finish(place_t *place)
{
    job_t job, *pointer = &job;
    char input[sizeof pointer + 6], seen[16] = "", out[16];
    size_t len = 7;
    job_init(&job, NULL, S_OK);
    job.run = copy_late;
    job.data = seen;
    memcpy(input, &pointer, sizeof pointer);
    memcpy(input + sizeof pointer, "sample", 6);
    ok_hr(call_wait(place->call, CALL_INFINITE), RPC_E_CALL_COMPLETE,
          AT(place, "CR-2 WT-6 no call was begun"));
    ok_hr(finish(place->call), RPC_E_CALL_COMPLETE, AT(place, "FI-4 nothing to finish"));
    ok_hr(call_begin(place->call, RUN, input, sizeof input), S_OK, AT(place, "BG-1 BG-9 begin"));
    memset(input, 0xEE, sizeof input);
    gate_wait(&job.entered);
    ok((job.process == getpid()) != place->isolated, AT(place, "the method runs where it should"));
    ok_hr(call_wait(place->call, 0), RPC_S_CALLPENDING,
          AT(place, "BG-2 SV-2 WT-2 a fresh call is not complete"));
    gate_open(&job.release);
    completed(place->call);
    ok_hr(call_finish(place->call, out, sizeof out, &len), S_FALSE,
          AT(place, "FI-1 finish gives the method's result"));
    ok_u64(len, 0, AT(place, "FI-1 a method that wrote nothing has no output"));
    ok_mem(seen, job.numbers[0],
           "sample", 6, AT(place, "BG-1 SV-3 the input was copied before begin returned"));
    ok_hr(finish(place->call), RPC_E_CALL_COMPLETE, AT(place, "FI-7 a second finish"));
    ok_hr(call_wait(place->call, CALL_INFINITE), RPC_E_CALL_COMPLETE,
          AT(place, "WT-7 a wait after finish"));
    must(call_begin(place->call, ECHO, "again", 5));
    ok_hr(call_finish(place->call, out, sizeof out, &len), S_OK,
          AT(place, "BG-6 FI-2 the call object is begun again"));
    ok_mem(out, len, "again", 5, AT(place, "FI-1 with its output"));
    ok_u64(atomic_load(&place->server.target.entries), 2, AT(place, "BG-6 each begin is one method"));
}

static void begin_that_fails(place_t *place)
{
    ok_hr(call_begin(place->call, METHOD_COUNT, NULL, 0), DISP_E_MEMBERNOTFOUND,
          AT(place, "BG-7 no such method"));
    ok_hr(call_wait(place->call, 0), RPC_E_CALL_COMPLETE, AT(place, "BG-7 nothing is pending"));
    ok_hr(finish(place->call), RPC_E_CALL_COMPLETE, AT(place, "BG-8 nor to finish"));
    ok_fate(fate_of(place->call), CALL_FATE_NONE, AT(place, "BG-7 nor has it a fate"));
    must(call_begin(place->call, ECHO, "b", 1));
    ok_hr(finish(place->call), S_OK, AT(place, "BG-8 a begin after it"));
}

static void busy_until_finished(place_t *place)
{
    job_t held;
    char text[16];
    size_t len = 7;
    job_init(&held, "held", S_OK);
    enter_job(place->call, HOLD, &held);
    ok_hr(call_begin(place->call, ECHO,
          "x", 1), RPC_S_CALLPENDING, AT(place, "BG-3 SV-1 a begin while pending"));
    ok_hr(call_wait(place->call, 1), RPC_S_CALLPENDING, AT(place, "WT-1 a wait whose time is over"));
    ok_hr(call_try_finish(place->call, text, sizeof text, &len), RPC_S_CALLPENDING,
          AT(place, "FI-3 the finish that never blocks"));
    ok_u64(len, 0, AT(place, "LT-12 FI-3 gives no length"));
    ok_fate(fate_of(place->call), CALL_FATE_NONE, AT(place, "BG-3 no fate while pending"));
    gate_open(&held.release);
    completed(place->call);
    ok_hr(call_begin(place->call, ECHO,
          "x", 1), RPC_S_CALLPENDING, AT(place, "BG-4 a begin while complete"));
    ok_hr(call_wait(place->call, CALL_INFINITE), S_OK, AT(place, "WT-3 a wait for a completed call"));
    ok_hr(call_wait(place->call, 0), S_OK, AT(place, "WT-3 again"));
    ok_fate(fate_of(place->call), CALL_FATE_COMPLETED, AT(place, "BG-4 its fate is there"));
    ok_hr(finish_text(place->call, text, sizeof text), S_OK,
          AT(place, "BG-3 BG-4 the call is untouched"));
    ok_str(text, "held", AT(place, "BG-3 BG-4 and its output"));
    ok_u64(atomic_load(&place->server.target.entries), 1, AT(place, "BG-3 BG-4 no refused begin ran"));
}

static void completion_wakes_everyone(place_t *place)
{
    job_t held;
    caller_t waiters[WAITERS];
    job_init(&held, "woken", S_FALSE);
    enter_job(place->call, HOLD, &held);
    caller_t finisher = {.run = run_finish, .call = place->call};
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (caller_t){.run = run_wait, .call = place->call, .number = CALL_INFINITE};
        caller_start(&waiters[i]);
    }
    caller_start(&finisher);
    for (int i = 0; i < WAITERS; i++)
        caller_settle(&waiters[i]);
    caller_settle(&finisher);
    ok_hr(call_finish(place->call, NULL, 0, NULL), RPC_E_CALL_COMPLETE,
          AT(place, "FI-8 a finish while another is inside"));
    ok_hr(call_begin(place->call, ECHO,
          "x", 1), RPC_S_CALLPENDING, AT(place, "FI-8 BG-3 begin finds it busy"));
    gate_open(&held.release);
    for (int i = 0; i < WAITERS; i++)
        ok_hr(caller_join(&waiters[i]), S_OK, AT(place, "WT-5 WT-8 a sleeping waiter is woken"));
    ok_hr(caller_join(&finisher), S_FALSE, AT(place, "FI-2 the finish that slept has the result"));
    ok_mem(finisher.out, finisher.len, "woken", 5, AT(place, "FI-2 and the output"));
}

static void output_and_length(place_t *place)
{
    char out[8] = "....";
    size_t len = 0;
    must(call_begin(place->call, ECHO, "twelve bytes", 12));
    completed(place->call);
    ok_hr(call_finish(place->call, out, 4, &len), CALL_E_MORE_DATA,
          AT(place, "FI-1 a buffer that is too small"));
    ok_u64(len, 12, AT(place, "FI-1 the needed length is told"));
    ok_mem(out, 4, "....", 4, AT(place, "FI-1 nothing is written"));
    ok_hr(call_wait(place->call, 0), S_OK, AT(place, "FI-1 the call is still complete"));
    ok_hr(finish(place->call), S_OK, AT(place, "FI-1 and finished"));
}

static void failure_of_the_method(place_t *place)
{
    static const call_hresult_t codes[] = {E_ACCESSDENIED, S_FALSE, 12345, RPC_E_DISCONNECTED, CALL_E_DEADLOCK};
    char input[sizeof codes[0] + 4], text[16];
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        memcpy(input, &codes[i], sizeof codes[i]);
        memcpy(input + sizeof codes[i], "part", 4);
        must(call_begin(place->call, ANSWER, input, sizeof input));
        ok_hr(finish_text(place->call, text, sizeof text), codes[i],
              AT(place, "FI-10 FI-16 the method's code, unchanged"));
        ok_str(text, "part", AT(place, "FI-17 with what it wrote"));
        ok_fate(fate_of(place->call), CALL_FATE_COMPLETED, AT(place, "FI-10 it completed"));
        ok_hr(finish(place->call), RPC_E_CALL_COMPLETE, AT(place, "FI-16 and is finished"));
    }
    call_hresult_t no_result = RPC_S_CALLPENDING;
    must(call_begin(place->call, ANSWER, &no_result, sizeof no_result));
    ok_hr(finish(place->call), E_UNEXPECTED, AT(place, "a code that no method may end with"));
}

static void release_while_pending(place_t *place)
{
    server_t server;
    job_t held;
    place_create(place, &server, place->cls);
    job_init(&held, "unread", S_OK);
    call_t call = new_call(&server.target);
    enter_job(call, HOLD, &held);
    ok_hr(call_release(call), S_OK, AT(place, "RL-2 a pending call is released"));
    ok_hr(call_wait(call, 0), E_HANDLE, AT(place, "RL-2 its handle is dead"));
    ok_hr(served_test_cancel(&server, &held), RPC_S_CALLPENDING,
          AT(place, "RL-2 its method is not canceled"));
    gate_open(&held.release);
    server_end(&server);
    ok_u64(atomic_load(&server.target.exits), 1, AT(place, "RL-2 and runs to its end"));
}

static void release_with_a_waiter(place_t *place)
{
    job_t held;
    job_init(&held, NULL, S_OK);
    call_t call = new_call(&place->server.target);
    enter_job(call, HOLD, &held);
    caller_t waiter = {.run = run_wait, .call = call, .number = CALL_INFINITE};
    caller_start(&waiter);
    caller_settle(&waiter);
    ok_hr(call_release(call), S_OK,
          AT(place, "RL-7 LT-13 the last reference goes while a thread waits"));
    gate_open(&held.release);
    ok_hr(caller_join(&waiter), S_OK, AT(place, "RL-7 LT-13 the waiter has its answer"));
    gate_wait(&held.left);
}

static void release_while_idle_or_complete(place_t *place)
{
    call_t idle = new_call(&place->server.target), done = new_call(&place->server.target);
    ok_hr(call_release(idle), S_OK, AT(place, "RL-1 an idle call object is released"));
    ok_hr(call_begin(idle, ECHO, NULL, 0), E_HANDLE, AT(place, "RL-1 it is gone"));
    must(call_begin(done, ECHO, "unseen", 6));
    completed(done);
    ok_hr(call_release(done), S_OK, AT(place, "RL-5 a completed call is released"));
    ok_hr(finish(done), E_HANDLE, AT(place, "RL-5 with its result"));
}

static void object_lives_for_its_calls(place_t *place)
{
    server_t server;
    job_t held;
    char text[16];
    place_create(place, &server, place->cls);
    call_t call = new_call(&server.target);
    job_init(&held, "alive", S_OK);
    must(call_object_release(server.target.object));
    enter_job(call, HOLD, &held);
    ok_u64(gate_count(&server.target.destroyed), 0,
           AT(place, "LT-1 CR-9 a call object keeps its object"));
    gate_open(&held.release);
    ok_hr(finish_text(call, text, sizeof text), S_OK, AT(place, "LT-1 CR-9 which serves it"));
    ok_str(text, "alive", AT(place, "LT-1 CR-9 to the end"));
    ok_u64(gate_count(&server.target.destroyed), 0, AT(place, "LT-1 also after finish"));
    must(call_release(call));
    gate_wait(&server.target.destroyed);
}

static void creation(place_t *place)
{
    call_object_t object = place->server.target.object;
    call_t call = {0};
    ok_hr(call_create(object, NULL), E_POINTER, AT(place, "CR-4 there is nowhere to put the call object"));
    ok_hr(call_create(object, &call), S_OK, AT(place, "CR-2 CR-7 the library supplies a call object"));
    ok_hr(call_release(call), S_OK, AT(place, "RL-1 the last reference"));
    ok_hr(call_release(call), E_HANDLE, AT(place, "RL-6 and one too many"));
}

/* A wait that fails says so with a code of its own, and leaves the call as it is. */
static void wait_that_fails(place_t *place)
{
    job_t held;
    char text[16];
    job_init(&held, "unharmed", S_OK);
    call_t gone = new_call(&place->server.target);
    must(call_release(gone));
    enter_job(place->call, HOLD, &held);
    ok_hr(call_wait(gone, CALL_INFINITE), E_HANDLE, AT(place, "WT-12 a wait fails"));
    ok_hr(call_wait(place->call, 0), RPC_S_CALLPENDING, AT(place, "WT-12 the object's call goes on"));
    gate_open(&held.release);
    ok_hr(finish_text(place->call, text, sizeof text), S_OK, AT(place, "WT-12 to its end"));
    ok_str(text, "unharmed", AT(place, "WT-12 with its result"));
}

static void release_before_the_start(place_t *place)
{
    job_t held, queued;
    if (cannot_be(place, place->direct, "RL-3", "a call that is begun directly waits in no queue"))
        return;
    job_init(&held, NULL, S_OK);
    job_init(&queued, NULL, S_OK);
    gate_open(&queued.release);
    enter_job(place->call, HOLD, &held);
    call_t call = new_call(&place->server.target);
    begin_job(call, HOLD, &queued);
    ok_hr(call_release(call), S_OK, AT(place, "RL-3 a call is released before its method starts"));
    ok_u64(gate_count(&queued.entered), 0, AT(place, "RL-3 which it has not"));
    gate_open(&held.release);
    must(finish(place->call));
    must(call_begin(place->call, ECHO, "after", 5));
    must(finish(place->call));
    gate_wait(&queued.left);
    ok_u64(gate_count(&queued.entered), 1, AT(place, "RL-3 it runs all the same"));
}

static const check_t checks[] = {
    creation,                wait_that_fails,       release_before_the_start,
    begin_and_finish,        begin_that_fails,      busy_until_finished,
    completion_wakes_everyone, output_and_length,   failure_of_the_method,
    release_while_pending,   release_with_a_waiter, release_while_idle_or_complete,
    object_lives_for_its_calls,
};

const body_t job_bodies[] = {copy_late, NULL};

DISTANCES_MAIN(checks)
