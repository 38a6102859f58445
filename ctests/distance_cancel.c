/* Cancellation at each distance: cancel, its grace period, the test, who is told. */
#include "distances.h"

#include <sched.h>

enum { WAITERS = 3 };

static void cancel_at_once(place_t *place)
{
    job_t held, *late = &held;
    char text[16];
    call_t call = place->call;
    job_init(&held, "late", S_OK);
    enter_job(call, HOLD, late);
    call_cancel_t cancel = {0};
    ok_hr(call_query_cancel(call, &cancel), S_OK,
          AT(place, "MK-1 MK-2 MK-3 the call has a cancel interface"));
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, AT(place, "TC-1 it is not canceled"));
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, AT(place, "TC-5 asking changes nothing"));
    ok_hr(call_cancel(cancel, 0), S_OK, AT(place, "CN-1 TO-1 CN-10 cancel(0)"));
    ok_u64(gate_count(&held.left), 0, AT(place, "CN-1 TO-1 it returns while the method is inside"));
    ok_hr(call_wait(call, CALL_INFINITE), S_OK, AT(place, "CN-1 WT-4 the client is free"));
    ok_given_up(place, call, AT(place, "CN-9 the method still runs, or was ended"));
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_CANCELED, AT(place, "TC-2 the call says canceled"));
    if (!place->kills)
        ok_hr(served_canceled(&place->server, &held), RPC_E_CALL_CANCELED,
              AT(place, "TC-4 TO-1 the server sees the same"));
    ok_hr(call_cancel(cancel, CALL_INFINITE), RPC_E_CALL_CANCELED, AT(place, "CN-5 a second cancel"));
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_CANCELED,
          AT(place, "CN-5 in the form that never blocks"));
    ok_hr(call_begin(call, ECHO,
          "x", 1), RPC_S_CALLPENDING, AT(place, "BG-5 the call object is still busy"));
    ok_hr(finish_text(call, text, sizeof text), RPC_E_CALL_CANCELED,
          AT(place, "FI-5 TO-5 finish says canceled"));
    ok_str(text, "", AT(place, "FI-5 FI-17 without output"));
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, AT(place, "CN-7 a late cancel finds no call"));
    must(call_begin(call, ECHO, "next", 4));
    call_cancel_t second = cancel_of(call);
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE,
          AT(place, "TC-3 nor does the next begin revive the handle"));
    let_go(place, &held);
    ok_hr(finish_text(call, text, sizeof text), S_OK,
          AT(place, "BG-6 TC-7 the next call is not canceled"));
    ok_str(text, "next", AT(place, "LT-3 the late answer does not reach it"));
    must(call_cancel_release(cancel));
    must(call_cancel_release(second));
}

static void server_ignores_the_cancel(place_t *place)
{
    server_t server;
    job_t held;
    place_create(place, &server, place->cls);
    call_t call = new_call(&server.target);
    job_init(&held, "dropped", S_FALSE);
    enter_job(call, HOLD, &held);
    call_cancel_t cancel = cancel_of(call);
    must(call_cancel(cancel, 0));
    ok_hr(finish(call), RPC_E_CALL_CANCELED, AT(place, "FI-5 the client goes on"));
    if (place->kills)
        ok_fate(settled_fate_of(call), CALL_FATE_KILLED, AT(place, "CN-9 the method is ended"));
    gate_open(&held.release);
    if (!place->kills)
        ok_fate(settled_fate_of(call), CALL_FATE_COMPLETED,
                AT(place, "SV-12 CN-9 the method completed all the same"));
    must(call_cancel_release(cancel));
    must(call_release(call));
    server_end(&server);
    if (place->kills)
        ok_u64(atomic_load(&server.target.exits), 0, AT(place, "CN-9 and did not come to its end"));
    else
        ok_u64(atomic_load(&server.target.exits), 1, AT(place, "LT-2 TO-5 it ran to its end"));
}

static void answer_in_time(place_t *place)
{
    static const struct { call_hresult_t result; call_fate_t fate; } answers[] = {
        {S_FALSE, CALL_FATE_COMPLETED},
        {RPC_E_CALL_CANCELED, CALL_FATE_STOPPED},
        {E_ABORT, CALL_FATE_COMPLETED},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        job_t obeying;
        char text[16];
        job_init(&obeying, "so far", answers[i].result);
        enter_job(place->call, OBEY, &obeying);
        call_cancel_t cancel = cancel_of(place->call);
        ok_hr(call_cancel(cancel, hang_ms() / 1000), RPC_E_CALL_COMPLETE,
              AT(place, "CN-2 TO-2 TO-6 the server answered within the grace period"));
        ok_hr(obeying.seen, RPC_E_CALL_CANCELED, AT(place, "TC-6 SV-9 because it saw the cancel"));
        ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, AT(place, "TC-3 the call is complete"));
        ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, AT(place, "CN-6 for a further cancel too"));
        ok_fate(fate_of(place->call), answers[i].fate, AT(place, "CN-2 SV-6 its fate is the method's"));
        ok_hr(finish_text(place->call, text, sizeof text), answers[i].result,
              AT(place, "CN-2 TO-6 its result stands"));
        ok_str(text, "so far", AT(place, "CN-2 TO-6 with its output"));
        must(call_cancel_release(cancel));
    }
}

static void grace_runs_out(place_t *place)
{
    job_t held;
    job_init(&held, NULL, S_OK);
    enter_job(place->call, HOLD, &held);
    call_cancel_t cancel = cancel_of(place->call);
    uint64_t from = now_us();
    ok_hr(call_cancel(cancel, 1), S_OK, AT(place, "CN-3 TO-5 the grace period runs out"));
    ok(now_us() - from >= 1000000, AT(place, "TO-2 TO-4 TO-8 cancel waited for it, in seconds"));
    ok_given_up(place, place->call, AT(place, "CN-3 the method is abandoned, or ended"));
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "CN-3 TO-5 the call failed as canceled"));
    let_go(place, &held);
    must(call_cancel_release(cancel));
}

static void grace_without_end(place_t *place)
{
    job_t held;
    job_init(&held, "in the end", S_OK);
    enter_job(place->call, HOLD, &held);
    caller_t canceler = {.run = run_cancel, .cancel = cancel_of(place->call), .number = CALL_INFINITE};
    caller_start(&canceler);
    cancel_arrived(canceler.cancel);
    caller_settle(&canceler);
    ok_hr(call_wait(place->call, 0), RPC_S_CALLPENDING, AT(place, "CN-4 TO-3 the call goes on"));
    ok_hr(call_test_cancel(canceler.cancel), RPC_E_CALL_CANCELED, AT(place, "TC-2 it is canceled"));
    caller_t finisher = {.run = run_finish, .call = place->call};
    caller_start(&finisher);
    caller_settle(&finisher);
    gate_open(&held.release);
    ok_hr(caller_join(&canceler), RPC_E_CALL_COMPLETE,
          AT(place, "CN-4 TO-3 cancel waited as long as it took"));
    ok_hr(caller_join(&finisher), S_OK, AT(place, "FI-6 finish waited out the grace period"));
    ok_mem(finisher.out, finisher.len, "in the end", 10, AT(place, "FI-6 and has the real result"));
    must(call_cancel_release(canceler.cancel));
}

static void each_cancel_has_its_own_grace(place_t *place)
{
    job_t held;
    job_init(&held, NULL, S_OK);
    enter_job(place->call, HOLD, &held);
    call_cancel_t cancel = cancel_of(place->call);
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), S_OK,
          AT(place, "TO-3 TO-7 a request without end of grace"));
    cancel_arrived(cancel);
    ok_hr(call_wait(place->call, 0), RPC_S_CALLPENDING, AT(place, "TO-3 it frees nobody"));
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, AT(place, "CN-5 TO-7 an earlier end of grace"));
    ok_hr(call_wait(place->call, hang_ms()), S_OK, AT(place, "TO-1 TO-7 replaces the later one"));
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "FI-5 canceled"));
    let_go(place, &held);
    must(call_cancel_release(cancel));
}

static void cancel_without_blocking(place_t *place)
{
    job_t held;
    job_init(&held, NULL, S_OK);
    enter_job(place->call, HOLD, &held);
    call_cancel_t cancel = cancel_of(place->call);
    ok_hr(call_request_cancel(cancel, 1), S_OK, AT(place, "CN-3 TO-2 a request with a grace period"));
    completed(place->call);
    ok_given_up(place, place->call, AT(place, "CN-3 TO-2 which the library ends"));
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "FI-5 canceled"));
    let_go(place, &held);
    must(call_cancel_release(cancel));
}

static void cancel_wakes_everyone(place_t *place)
{
    job_t held;
    caller_t waiters[WAITERS];
    job_init(&held, NULL, S_OK);
    enter_job(place->call, HOLD, &held);
    call_cancel_t cancel = cancel_of(place->call);
    caller_t finisher = {.run = run_finish, .call = place->call};
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (caller_t){.run = run_wait, .call = place->call, .number = CALL_INFINITE};
        caller_start(&waiters[i]);
    }
    for (int i = 0; i < WAITERS; i++)
        caller_settle(&waiters[i]);
    caller_start(&finisher);
    caller_settle(&finisher);
    ok_hr(call_cancel(cancel, 0), S_OK, AT(place, "CN-8 cancel while another thread finishes"));
    ok_hr(caller_join(&finisher), RPC_E_CALL_CANCELED, AT(place, "CN-8 that finish says canceled"));
    for (int i = 0; i < WAITERS; i++)
        ok_hr(caller_join(&waiters[i]), S_OK,
              AT(place, "CN-16 WT-4 WT-5 a waiter is woken by the cancel"));
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE,
          AT(place, "CN-7 CN-8 after finish there is no call"));
    let_go(place, &held);
    must(call_cancel_release(cancel));
}

static void cancel_where_nothing_runs(place_t *place)
{
    char text[16];
    call_cancel_t early = cancel_of(place->call);
    ok_hr(call_cancel(early, 0), RPC_E_CALL_COMPLETE, AT(place, "CN-7 CN-14 cancel before any begin"));
    ok_hr(call_test_cancel(early), RPC_E_CALL_COMPLETE,
          AT(place, "TC-3 no call is not a canceled one"));
    must(call_begin(place->call, ECHO, "kept", 4));
    completed(place->call);
    ok_hr(call_cancel(early, CALL_INFINITE), RPC_E_CALL_COMPLETE,
          AT(place, "CN-6 cancel of a completed call"));
    ok_hr(call_request_cancel(early, 0), RPC_E_CALL_COMPLETE,
          AT(place, "CN-6 in the form that never blocks"));
    ok_hr(call_test_cancel(early), RPC_E_CALL_COMPLETE, AT(place, "TC-3 it was not canceled"));
    ok_hr(finish_text(place->call, text, sizeof text), S_OK, AT(place, "CN-6 its result is untouched"));
    ok_str(text, "kept", AT(place, "CN-6 and its output"));
    ok_hr(call_cancel(early, 0), RPC_E_CALL_COMPLETE, AT(place, "CN-7 cancel after finish"));
    must(call_cancel_release(early));
}

static void released_interface_and_call(place_t *place)
{
    job_t obeying;
    call_t call = new_call(&place->server.target);
    job_init(&obeying, NULL, RPC_E_CALL_CANCELED);
    enter_job(call, OBEY, &obeying);
    call_cancel_t first = cancel_of(call), second = cancel_of(call);
    ok_hr(call_cancel_release(first), S_OK, AT(place, "CN-15 a cancel interface is released"));
    ok_hr(call_cancel(first, 0), E_HANDLE, AT(place, "CN-15 it cancels nothing any more"));
    ok_hr(call_test_cancel(second), RPC_S_CALLPENDING, AT(place, "CN-15 the call goes on"));
    must(call_release(call));
    ok_hr(call_test_cancel(second), RPC_S_CALLPENDING, AT(place, "RL-2 also without its call object"));
    ok_hr(call_request_cancel(second, CALL_INFINITE), S_OK,
          AT(place, "RL-4 and can still be canceled"));
    gate_wait(&obeying.left);
    ok_hr(obeying.seen, RPC_E_CALL_CANCELED, AT(place, "RL-4 TC-6 its method hears of it"));
    must(call_cancel_release(second));
}

/* Cancels until a call is there to cancel. */
static call_hresult_t cancel_the_next(caller_t *self)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    call_hresult_t answer = call_cancel(self->cancel, 0);
    while (answer == RPC_E_CALL_COMPLETE && now_us() < end) {
        (void)sched_yield();
        answer = call_cancel(self->cancel, 0);
    }
    return answer;
}

static void cancel_while_begin_runs(place_t *place)
{
    job_t held;
    job_init(&held, NULL, S_OK);
    caller_t canceler = {.run = cancel_the_next, .cancel = cancel_of(place->call)};
    caller_start(&canceler);
    begin_job(place->call, HOLD, &held);
    ok_hr(caller_join(&canceler), S_OK,
          AT(place, "CN-14 a cancel is accepted as soon as the call is pending"));
    gate_open(&held.release);
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "CN-14 and cancels it"));
    call_fate_t fate = settled_fate_of(place->call);
    if (fate != CALL_FATE_NEVER_STARTED && fate != CALL_FATE_KILLED)
        gate_wait(&held.left);
    must(call_cancel_release(canceler.cancel));
}

/* Only an apartment has a queue: what is begun directly has begun. */
static void queued_call_never_starts(place_t *place)
{
    static const uint32_t graces[] = {0, 5, CALL_INFINITE};
    job_t held, never;
    if (cannot_be(place, place->direct, "CN-13", "a call that is begun directly waits in no queue"))
        return;
    job_init(&held, NULL, S_OK);
    job_init(&never, NULL, S_OK);
    enter_job(place->call, HOLD, &held);
    for (size_t i = 0; i < sizeof graces / sizeof graces[0]; i++) {
        call_t call = new_call(&place->server.target);
        begin_job(call, HOLD, &never);
        call_cancel_t cancel = cancel_of(call);
        ok_hr(call_cancel(cancel, graces[i]), S_OK, AT(place, "CN-13 cancel of a queued call"));
        ok_hr(call_wait(call, 0), S_OK, AT(place, "CN-13 it is complete at once, whatever the grace"));
        ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, AT(place, "CN-13 it has never started"));
        ok_hr(finish(call), RPC_E_CALL_CANCELED, AT(place, "CN-13 FI-5 canceled"));
        must(call_cancel_release(cancel));
        must(call_release(call));
    }
    gate_open(&held.release);
    must(finish(place->call));
    must(call_begin(place->call, ECHO, "after", 5));
    must(finish(place->call));
    ok_u64(gate_count(&never.entered), 0,
           AT(place, "CN-13 nor does it, when its turn would have come"));
}

static const check_t checks[] = {
    cancel_at_once,         server_ignores_the_cancel,     answer_in_time,
    grace_runs_out,         grace_without_end,             each_cancel_has_its_own_grace,
    cancel_without_blocking, cancel_wakes_everyone,        cancel_where_nothing_runs,
    released_interface_and_call, cancel_while_begin_runs,  queued_call_never_starts,
};

DISTANCES_MAIN(checks)
