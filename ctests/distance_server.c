/* The server's side at each distance: completion, classes with `begin` and `cancel`, the end of
 * objects and apartments. */
#include "distances.h"

#include <string.h>

/* A class with `begin` and `cancel` at this distance, also where the apartment begins it. */
static const call_class_t *beginning(const place_t *place)
{
    return place->direct ? place->cls : &begin_with_cancel_class;
}

static void completes_later(place_t *place)
{
    job_t deferred;
    char text[16];
    job_init(&deferred, NULL, S_OK);
    enter_job(place->call, DEFER, &deferred);
    server_t *server = &place->server;
    ok_hr(call_wait(place->call, 0), RPC_S_CALLPENDING,
          AT(place, "SG-1 SV-4 the method returned, the call goes on"));
    must(served_write(server, &deferred, "done"));
    ok_hr(served_complete(server, &deferred, S_FALSE), S_OK, AT(place, "SG-1 another thread completes it"));
    ok_hr(call_wait(place->call, hang_ms()), S_OK, AT(place, "SG-1 the client is told"));
    ok_hr(served_complete(server, &deferred, E_FAIL), RPC_E_CALL_COMPLETE,
          AT(place, "SG-3 a second completion"));
    ok_hr(served_write(server, &deferred, "x"), RPC_E_CALL_COMPLETE,
          AT(place, "SV-14 the output is not the server's any more"));
    ok_hr(served_test_cancel(server, &deferred), RPC_E_CALL_COMPLETE,
          AT(place, "TC-3 the context is over"));
    ok_hr(finish_text(place->call, text, sizeof text), S_FALSE,
          AT(place, "SG-3 the first result stands"));
    ok_str(text, "done", AT(place, "SG-3 SV-14 and its output"));
    ok_hr(served_complete(server, &deferred, S_OK), RPC_E_CALL_COMPLETE,
          AT(place, "SG-8 a completion after finish"));
}

static call_hresult_t complete_within(job_t *job)
{
    must(call_context_write(job->context, "early", 5));
    job->codes[0] = call_context_complete(job->context, S_FALSE);
    job->codes[1] = call_context_complete(job->context, E_FAIL);
    gate_open(&job->left);
    return CALL_S_DEFERRED;
}

static void completes_before_it_returns(place_t *place)
{
    job_t job;
    char text[16];
    place->server.mode = AT_ONCE;
    job_init(&job, NULL, S_OK);
    job.run = complete_within;
    begin_job(place->call, RUN, &job);
    ok_hr(finish_text(place->call, text, sizeof text), S_FALSE,
          AT(place, "SG-2 completed before the method returned"));
    ok_str(text, "early", AT(place, "SG-2 with its output"));
    gate_wait(&job.left);
    ok_hr(job.codes[0], S_OK, AT(place, "SG-2 the completion is accepted"));
    ok_hr(job.codes[1], RPC_E_CALL_COMPLETE, AT(place, "SG-3 once"));
    ok_fate(fate_of(place->call), CALL_FATE_COMPLETED, AT(place, "SG-2 completed"));
}

/* In another process it is known a moment later that nobody reads. */
static call_hresult_t write_to_nobody(place_t *place, const job_t *job)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    call_hresult_t written = served_write(&place->server, job, "x");
    while (place->isolated && written == S_OK && now_us() < end)
        written = served_write(&place->server, job, "x");
    return written;
}

static void completes_too_late(place_t *place)
{
    job_t deferred;
    char text[16];
    job_init(&deferred, NULL, S_OK);
    enter_job(place->call, DEFER, &deferred);
    call_cancel_t cancel = cancel_of(place->call);
    must(call_cancel(cancel, 0));
    if (!place->kills)
        ok_hr(write_to_nobody(place, &deferred), RPC_E_CALL_CANCELED,
              AT(place, "SG-4 nobody will read its output"));
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "FI-5 canceled"));
    must(call_begin(place->call, ECHO, "new", 3));
    if (!place->kills)
        ok_hr(served_complete(&place->server, &deferred, S_FALSE), S_OK,
              AT(place, "SG-4 the late completion succeeds"));
    ok_hr(finish_text(place->call, text, sizeof text), S_OK,
          AT(place, "LT-3 no result but its own"));
    ok_str(text, "new", AT(place, "LT-3 the call begun meanwhile has its own"));
    must(call_cancel_release(cancel));
}

static void canceled_work_is_completed(place_t *place)
{
    job_t deferred;
    job_init(&deferred, NULL, S_OK);
    enter_job(place->call, DEFER, &deferred);
    call_cancel_t cancel = cancel_of(place->call);
    caller_t canceler = {.run = run_cancel, .cancel = cancel, .number = CALL_INFINITE};
    caller_start(&canceler);
    ok_hr(served_wait_cancel(&place->server, &deferred), RPC_E_CALL_CANCELED,
          AT(place, "TC-6 the server is told"));
    ok_hr(served_complete(&place->server, &deferred, RPC_E_CALL_CANCELED), S_OK,
          AT(place, "SV-6 SV-9 and completes"));
    ok_hr(caller_join(&canceler), RPC_E_CALL_COMPLETE,
          AT(place, "CN-2 CN-4 cancel was answered in time"));
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "SV-6 the result is the method's"));
    ok_fate(fate_of(place->call), CALL_FATE_STOPPED, AT(place, "SV-6 it stopped"));
    must(call_cancel_release(cancel));
}

static void begin_fails(place_t *place)
{
    static const call_hresult_t codes[] = {E_ACCESSDENIED, E_NOTIMPL, RPC_E_CALL_CANCELED};
    server_t server;
    place_create(place, &server, beginning(place));
    server.mode = REFUSE;
    call_t call = new_call(&server.target);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        server.begin_result = codes[i];
        ok_hr(call_begin(call, ECHO,
              "x", 1), S_OK, AT(place, "BG-9 SV-5 begin of the client succeeds"));
        ok_hr(call_wait(call, hang_ms()), S_OK, AT(place, "FI-11 SV-5 the call is complete"));
        ok_hr(finish(call), codes[i],
              AT(place, "FI-11 SV-5 finish reports what the server's begin failed with"));
        ok_fate(fate_of(call), CALL_FATE_COMPLETED, AT(place, "FI-11 the method has ended"));
    }
    server.mode = BY_HELPER;
    server.begin_result = S_OK;
    must(call_begin(call, ECHO, "x", 1));
    ok_hr(finish(call), S_OK, AT(place, "FI-16 the next one works"));
    must(call_release(call));
    server_end(&server);
}

static void value_of_begin_is_not_the_result(place_t *place)
{
    static const call_hresult_t values[] = {S_FALSE, 12345, INT32_MAX, CALL_S_DEFERRED};
    server_t server;
    call_hresult_t result = E_ABORT;
    place_create(place, &server, beginning(place));
    call_t call = new_call(&server.target);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        server.begin_result = values[i];
        ok_hr(call_begin(call, ANSWER, &result, sizeof result), S_OK,
              AT(place, "SV-4 BG-9 any success of the server's begin"));
        ok_hr(finish(call), result, AT(place, "SV-4 the result is the completion's"));
        server.mode = i % 2 == 0 ? AT_ONCE : BY_HELPER;
    }
    must(call_release(call));
    server_end(&server);
}

static void interface_without_a_cancel(place_t *place)
{
    server_t server;
    job_t deferred;
    bool custom = place->direct && !place->inside;
    call_cancel_t idle, busy;
    place_create(place, &server, place->bare);
    call_t call = new_call(&server.target);
    job_init(&deferred, NULL, S_OK);
    call_hresult_t while_idle = call_query_cancel(call, &idle);
    ok_hr(while_idle, custom ? E_NOINTERFACE : S_OK,
          AT(place, "MK-1 MK-2 MK-3 no cancel of its own: queried while idle"));
    enter_job(call, DEFER, &deferred);
    call_hresult_t while_busy = call_query_cancel(call, &busy);
    ok_hr(while_busy, place->direct ? E_NOINTERFACE : S_OK,
          AT(place, "MK-1 MK-2 MK-3 queried while busy"));
    if (while_idle == S_OK) {
        ok_hr(call_cancel(idle, 0), place->direct ? E_NOINTERFACE : S_OK,
              AT(place, "MK-1 MK-3 cancel by the earlier handle"));
        must(call_cancel_release(idle));
    }
    if (while_busy == S_OK)
        must(call_cancel_release(busy));
    else
        ok_u64(busy.id, 0, AT(place, "LT-12 the handle is null"));
    if (!place->kills)
        must(served_complete(&server, &deferred, S_FALSE));
    ok_hr(finish(call), place->direct ? S_FALSE : RPC_E_CALL_CANCELED,
          AT(place, "MK-1 MK-2 MK-3 so it ends"));
    must(call_release(call));
    server_end(&server);
}

static void cancel_that_refuses(place_t *place)
{
    server_t server;
    job_t deferred;
    bool direct = place->direct;
    place_create(place, &server, beginning(place));
    server.cancel_result = E_NOTIMPL;
    call_t call = new_call(&server.target);
    job_init(&deferred, NULL, S_OK);
    enter_job(call, DEFER, &deferred);
    call_cancel_t cancel = cancel_of(call);
    ok_hr(call_cancel(cancel, 0), direct ? E_NOTIMPL : S_OK,
          AT(place, "CN-12 a class's cancel that refuses counts where it is direct"));
    ok_hr(call_test_cancel(cancel), direct ? RPC_S_CALLPENDING : RPC_E_CALL_CANCELED,
          AT(place, "CN-12 the call goes on there"));
    ok_hr(call_wait(call, 0), direct ? RPC_S_CALLPENDING : S_OK, AT(place, "CN-12 and is pending"));
    if (!place->kills)
        must(served_complete(&server, &deferred, S_FALSE));
    ok_hr(finish(call), direct ? S_FALSE : RPC_E_CALL_CANCELED, AT(place, "CN-12 to its own end"));
    must(call_cancel_release(cancel));
    must(call_release(call));
    server_end(&server);
}

/* A method in another process has no handle of its own call: the client cancels it for it. */
static call_hresult_t look_for_oneself(job_t *job)
{
    const call_context_t innermost = {0};
    job->codes[0] = call_context_test_cancel(innermost);
    gate_open(&job->entered);
    if (job->call.id != 0) {
        call_cancel_t cancel = cancel_of(job->call);
        job->codes[1] = call_cancel(cancel, 0);
        must(call_cancel_release(cancel));
    } else {
        gate_wait(&job->release);
    }
    job->codes[2] = call_context_test_cancel(innermost);
    job->codes[3] = call_context_wait_cancel(innermost, hang_ms());
    return RPC_E_CALL_CANCELED;
}

static void innermost_call_of_a_thread(place_t *place)
{
    const call_context_t innermost = {0};
    call_hresult_t around = place->inside ? RPC_S_CALLPENDING : RPC_E_CALL_COMPLETE;
    job_t job;
    place->server.mode = AT_ONCE;
    job_init(&job, NULL, S_OK);
    job.run = look_for_oneself;
    if (!place->isolated)
        job.call = place->call;
    ok_hr(call_context_test_cancel(innermost), around,
          AT(place, "SV-11 the client's own innermost call before"));
    begin_job(place->call, RUN, &job);
    gate_wait(&job.entered);
    if (place->isolated) {
        call_cancel_t cancel = cancel_of(place->call);
        must(call_request_cancel(cancel, CALL_INFINITE));
        ok_hr(served_wait_cancel(&place->server, &job), RPC_E_CALL_CANCELED,
              AT(place, "TC-4 another thread there sees the cancel"));
        must(call_cancel_release(cancel));
    }
    gate_open(&job.release);
    must(call_wait(place->call, hang_ms()));
    gate_wait(&job.left);
    ok_hr(job.codes[0], RPC_S_CALLPENDING,
          AT(place, "SV-10 TC-4 the null context is this thread's innermost call"));
    if (!place->isolated)
        ok_hr(job.codes[1], S_OK, AT(place, "CN-1 which may cancel itself"));
    ok_hr(job.codes[2], RPC_E_CALL_CANCELED, AT(place, "SV-10 TC-2 and sees it"));
    ok_hr(job.codes[3], RPC_E_CALL_CANCELED, AT(place, "SV-10 TC-2 in its sleep as well"));
    ok_hr(call_context_test_cancel(innermost), around,
          AT(place, "SV-10 SV-11 the call around it is not canceled"));
    ok_hr(finish(place->call), RPC_E_CALL_CANCELED, AT(place, "CN-1 canceled"));
}

static void object_is_disconnected(place_t *place)
{
    job_t held;
    job_init(&held, NULL, S_OK);
    enter_job(place->call, DEFER, &held);
    ok_hr(call_object_disconnect(place->server.target.object), S_OK,
          AT(place, "FI-15 the object is disconnected"));
    ok_hr(call_wait(place->call, hang_ms()), S_OK, AT(place, "FI-15 its call is complete"));
    ok_hr(finish(place->call), RPC_E_DISCONNECTED, AT(place, "FI-15 disconnected"));
    ok_given_up(place, place->call, AT(place, "FI-15 its method still runs, or was ended"));
    if (!place->kills)
        ok_hr(served_canceled(&place->server, &held), RPC_E_CALL_CANCELED,
              AT(place, "FI-15 and is told of a cancel"));
    ok_hr(call_begin(place->call, ECHO,
          "x", 1), RPC_E_DISCONNECTED, AT(place, "BG-7 FI-15 a begin after it"));
    if (!place->kills)
        must(served_complete(&place->server, &held, S_OK));
}

/* Closes until so many methods are left: a thread counts as inside until it has left its method. */
static call_hresult_t close_until(place_t *place, uint32_t left)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    uint32_t remaining = left + 1;
    call_hresult_t closed = S_OK;
    while (remaining != left && now_us() < end)
        closed = call_apartment_close(place->apartment, 0, &remaining);
    return remaining == left ? closed : E_FAIL;
}

/* The last: after it the apartment is closed. That of an isolated object is nobody's to close. */
static void apartment_is_closed(place_t *place)
{
    job_t held;
    uint32_t others = place->inside ? 1 : 0;
    if (cannot_be(place, place->isolated, "LT-11", "the apartment of an isolated object is the library's, and closed by nobody"))
        return;
    job_init(&held, NULL, S_OK);
    enter_job(place->call, DEFER, &held);
    ok_hr(close_until(place, 1 + others), S_FALSE,
          AT(place, "LT-11 the apartment is closed while methods run"));
    ok_hr(call_wait(place->call, hang_ms()), S_OK, AT(place, "LT-11 the call is complete"));
    ok_hr(finish(place->call), RPC_E_DISCONNECTED, AT(place, "LT-11 disconnected"));
    ok_fate(fate_of(place->call), CALL_FATE_RUNNING, AT(place, "LT-11 its method still runs"));
    ok_hr(call_context_test_cancel(held.context), RPC_E_CALL_CANCELED,
          AT(place, "LT-11 and is told of a cancel"));
    ok_hr(call_begin(place->call, ECHO,
          "x", 1), RPC_E_DISCONNECTED, AT(place, "BG-7 LT-11 a begin after it"));
    ok_hr(call_context_complete(held.context, S_OK), S_OK, AT(place, "SG-4 the late completion"));
    ok_hr(close_until(place, others), others == 0 ? S_OK : S_FALSE,
          AT(place, "LT-11 what is left is the client alone, if it is inside"));
}

static const check_t checks[] = {
    completes_later,         completes_before_it_returns, completes_too_late,
    canceled_work_is_completed, begin_fails,              value_of_begin_is_not_the_result,
    interface_without_a_cancel, cancel_that_refuses,      innermost_call_of_a_thread,
    object_is_disconnected,  apartment_is_closed,
};

const body_t job_bodies[] = {complete_within, look_for_oneself, NULL};

DISTANCES_MAIN(checks)
