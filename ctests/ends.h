/* All that can end a call, for those who are to know of it: whoever watches a call sees its end once,
 * whatever it was. */
#ifndef ENDS_H
#define ENDS_H

#include "place.h"

#include <signal.h>
#include <stdio.h>

enum { SOON_MS = 20 };

/* A call in an apartment of a kind; `busy` keeps the apartment, so that others queue up. */
typedef struct case_t {
    place_t place;
    call_t call, other;
    call_cancel_t cancel;
    job_t job, busy;
    bool waits;
} case_t;

/* One way to end it. */
typedef struct way_t {
    const char *name;
    void (*end)(case_t *one);
    call_hresult_t result;
    uint32_t method;
    bool queued_too; /* may be asked for while the call waits to start */
} way_t;

static void end_by_result(case_t *one)
{
    gate_open(&one->job.release);
}

static void end_by_cancel(case_t *one)
{
    call_hresult_t canceled = call_cancel(one->cancel, 0);
    if (canceled != S_OK)
        must(canceled);
}

static void end_by_request(case_t *one)
{
    must(call_request_cancel(one->cancel, 0));
}

static call_cancel_t interrupted_cancel;

static void interrupt(int number)
{
    (void)number;
    (void)call_request_cancel(interrupted_cancel, 0);
}

static void end_by_handler(case_t *one)
{
    struct sigaction action = {.sa_handler = interrupt}, before;
    interrupted_cancel = one->cancel;
    (void)sigaction(SIGINT, &action, &before);
    (void)raise(SIGINT);
    (void)sigaction(SIGINT, &before, NULL);
}

static void end_by_grace(case_t *one)
{
    must(call_request_cancel(one->cancel, SOON_MS));
}

static void end_by_stopping(case_t *one)
{
    must(call_request_cancel(one->cancel, CALL_INFINITE));
}

static void end_by_deadline(case_t *one)
{
    (void)one; /* it passes by itself */
}

static void end_by_disconnect(case_t *one)
{
    must(call_object_disconnect(one->place.target.object));
}

static void end_by_close(case_t *one)
{
    call_hresult_t closed = call_apartment_close(one->place.apartment, 0, NULL);
    if (closed != S_OK && closed != S_FALSE)
        must(closed);
}

static const way_t ways[] = {
    {"its result", end_by_result, S_OK, HOLD, false},
    {"its failure", end_by_result, E_FAIL, HOLD, false},
    {"call_cancel", end_by_cancel, RPC_E_CALL_CANCELED, HOLD, true},
    {"call_request_cancel", end_by_request, RPC_E_CALL_CANCELED, HOLD, true},
    {"a signal handler", end_by_handler, RPC_E_CALL_CANCELED, HOLD, true},
    {"the end of its grace", end_by_grace, RPC_E_CALL_CANCELED, HOLD, true},
    {"a cancel that its method obeys", end_by_stopping, RPC_E_CALL_CANCELED, OBEY, true},
    {"its deadline", end_by_deadline, RPC_E_TIMEOUT, HOLD, true},
    {"a disconnect", end_by_disconnect, RPC_E_DISCONNECTED, HOLD, true},
    {"the apartment's close", end_by_close, RPC_E_DISCONNECTED, HOLD, true},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* Until the apartment has no thread for another call. */
static void fill(case_t *one)
{
    job_init(&one->busy, NULL, S_OK);
    one->other = new_call(&one->place.target);
    enter_job(one->other, HOLD, &one->busy);
}

/* `watch` sets what is to know of the call's end. */
static void case_open(case_t *one, uint32_t kind, const way_t *way, bool waits,
                      void (*watch)(call_t call, void *data), void *data)
{
    memset(one, 0, sizeof *one);
    one->waits = waits;
    if (kind == CALL_APARTMENT_MULTI) {
        one->place.kind = kind;
        one->place.apartment = apartment_of(1, 1, 0);
        target_create(&one->place.target, one->place.apartment);
    } else {
        place_open(&one->place, kind);
    }
    one->call = new_call(&one->place.target);
    watch(one->call, data);
    one->cancel = cancel_of(one->call);
    if (way->end == end_by_deadline)
        must(call_set_timeout(one->call, SOON_MS, 0));
    job_init(&one->job, NULL, way->result);
    if (waits) {
        fill(one);
        begin_job(one->call, way->method, &one->job);
    } else if (way->end == end_by_deadline) {
        /* It may pass before the method is entered. */
        begin_job(one->call, way->method, &one->job);
    } else {
        enter_job(one->call, way->method, &one->job);
    }
}

static void case_close(case_t *one)
{
    must(call_cancel_release(one->cancel));
    if (one->waits) {
        gate_open(&one->busy.release);
        (void)finish(one->other);
        must(call_release(one->other));
    }
    gate_open(&one->job.release);
    place_close(&one->place);
}

/* Each way of each kind, running and queued, with the call object kept or released. */
typedef void (*end_check_t)(uint32_t kind, const char *name, const way_t *way, bool waits, bool released);

static void check_all_ends(end_check_t check)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        for (int way = 0; way < WAYS; way++)
            for (int released = 0; released < 2; released++) {
                check(place_kinds[kind].kind, place_kinds[kind].name, &ways[way], false, released);
                if (ways[way].queued_too)
                    check(place_kinds[kind].kind, place_kinds[kind].name, &ways[way], true, released);
            }
}

#endif
