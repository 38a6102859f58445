/* The clients of the million calls. Only million.c includes this. */
#ifndef MILLION_CLIENTS_H
#define MILLION_CLIENTS_H

#include "million_methods.h"

enum { MOST_TAIL = 200, GRACE_MS = 2, RENEW_ONE_IN = 8 };

typedef enum distance_t { SAME, CUSTOM, MULTI, SINGLE, SERIAL, DISTANCES } distance_t;

static place_t places[PLACE_KINDS]; /* multi, single, serial */
static atomic_ulong calls_left;        /* with those in reserve */
static unsigned long calls_in_reserve; /* for when an outcome was too rare until then */
static unsigned long outcome_floor;

/* What a client keeps from call to call. */
typedef struct client_t {
    uint64_t random;
    call_object_t objects[DISTANCES];
    call_t calls[DISTANCES];
    call_object_t hosts[PLACE_KINDS];
    pthread_t thread;
} client_t;

static call_object_t new_object(call_apartment_t apartment, const call_class_t *class)
{
    call_object_t object;
    must(call_object_create(apartment, class, book_entry(&objects), &object));
    return object;
}

/* `at`: where the client is, for SAME. */
static void renew(client_t *client, distance_t distance, call_apartment_t at)
{
    static const call_cancel_fn cancels[] = {agree, refuse, NULL};
    call_cancel_fn cancel = cancels[draw(&client->random, 3)];
    call_class_t class = class_of(distance == SAME || distance == CUSTOM, distance == CUSTOM, cancel);
    call_apartment_t apartment = distance == SAME ? at : places[draw(&client->random, PLACE_KINDS)].apartment;
    if (distance >= MULTI) {
        apartment = places[distance - MULTI].apartment;
        class = class_of(draw(&client->random, 4) == 0, false, cancel);
    }
    client->objects[distance] = new_object(apartment, &class);
    must(call_create(client->objects[distance], &client->calls[distance]));
}

static void let_go(client_t *client, distance_t distance)
{
    must(call_release(client->calls[distance]));
    must(call_object_release(client->objects[distance]));
    client->calls[distance].id = client->objects[distance].id = 0;
}

static void free_input(void *data, size_t len, void *user)
{
    (void)len;
    happened(&inputs, user);
    free(data);
}

static plan_t *draw_plan(uint64_t *random)
{
    uint32_t tail = draw(random, MOST_TAIL);
    plan_t *plan = malloc(sizeof *plan + tail);
    if (plan == NULL)
        bail_out("no memory");
    uint32_t die = draw(random, 32);
    *plan = (plan_t){.seed = next_random(random), .act = die < ACTS ? (act_t)die : ACT_ECHO, .tail = tail};
    if (die >= 28)
        plan->act = die < 30 ? ACT_LATER : ACT_FUNCTION;
    else if (die >= 26)
        plan->act = ACT_REGION;
    memset(plan + 1, (int)plan->seed, tail);
    return plan;
}

/* Begins, and sometimes once too often; what is refused stays the caller's. */
static call_hresult_t begin_with(uint64_t *random, call_t call, uint32_t method, plan_t *plan)
{
    size_t len = sizeof *plan + plan->tail;
    if (draw(random, 2) == 0) {
        call_hresult_t code = call_begin(call, method, plan, len);
        free(plan);
        came(O_begin_copied);
        return code;
    }
    entry_t *entry = book_entry(&inputs);
    call_hresult_t code = call_begin_owned(call, method, plan, len, free_input, entry);
    came(O_begin_owned);
    if (code != S_OK)
        free_input(plan, len, entry);
    return code;
}

static void cancel_some_way(uint64_t *random, call_cancel_t cancel)
{
    uint32_t die = draw(random, 8);
    call_hresult_t code = die < 3   ? call_cancel(cancel, 0)
                          : die < 5 ? call_request_cancel(cancel, GRACE_MS)
                          : die < 7 ? call_request_cancel(cancel, CALL_INFINITE)
                                    : call_cancel(cancel, 1);
    if (code == S_OK)
        came(O_cancel_accepted);
    else if (code == RPC_E_CALL_COMPLETE)
        came(O_cancel_too_late);
    else if (code == RPC_E_CALL_CANCELED)
        came(O_cancel_again);
    else if (code == E_NOINTERFACE)
        came(O_cancel_no_interface);
    else if (code == E_NOTIMPL)
        came(O_cancel_refused);
    else
        surprise("cancel", (uint64_t)code);
}

/* The output is the input, for results that a method gave. */
static void check_output(const void *out, size_t len)
{
    plan_t plan = {.tail = 0};
    const unsigned char *tail = (const unsigned char *)out + sizeof plan;
    bool right = len >= sizeof plan;
    if (right)
        memcpy(&plan, out, sizeof plan);
    right = right && len == sizeof plan + plan.tail;
    for (uint32_t i = 0; right && i < plan.tail; i++)
        right = tail[i] == (unsigned char)plan.seed;
    if (!right)
        surprise("an output is not what went in, its length", len);
}

static call_hresult_t finish_by_buffer(call_t call)
{
    call_buffer_t buffer;
    const void *data;
    size_t len;
    call_hresult_t result = call_finish_buffer(call, &buffer);
    came(O_finish_buffer);
    if (buffer.id == 0) {
        if (result == S_OK)
            surprise("an output is missing", 0);
        return result;
    }
    (void)atomic_fetch_add(&buffers_got, 1);
    must(call_buffer_get(buffer, &data, &len));
    check_output(data, len);
    if (call_buffer_release(buffer) == S_OK)
        (void)atomic_fetch_add(&buffers_released, 1);
    return result;
}

static call_hresult_t finish_some_way(uint64_t *random, call_t call)
{
    unsigned char out[sizeof(plan_t) + MOST_TAIL];
    size_t len = 0;
    uint32_t die = draw(random, 4);
    if (die == 0)
        return finish_by_buffer(call);
    call_hresult_t result = RPC_S_CALLPENDING;
    uint64_t from = now_us();
    while (die == 1 && result == RPC_S_CALLPENDING) {
        if (call_wait(call, hang_ms()) != S_OK || now_us() - from > (uint64_t)hang_ms() * 1000)
            bail_out("a call did not complete: a hang");
        result = call_try_finish(call, out, sizeof out, &len);
    }
    if (die != 1)
        result = call_finish(call, out, sizeof out, &len);
    came(die == 1 ? O_finish_polled : O_finish_copied);
    if (result == S_OK || len != 0)
        check_output(out, len);
    return result;
}

static void book_result(call_hresult_t result, call_fate_t fate)
{
    came(result == S_OK                  ? O_result_ok
         : result == E_FAIL              ? O_result_failed
         : result == RPC_E_CALL_CANCELED ? O_result_canceled
                                         : O_result_disconnected);
    if (result != S_OK && result != E_FAIL && result != RPC_E_CALL_CANCELED && result != RPC_E_DISCONNECTED)
        surprise("finish", (uint64_t)result);
    if ((result == S_OK || result == E_FAIL) && fate != CALL_FATE_COMPLETED)
        surprise("the fate of a call with a result", (uint64_t)fate);
    if (fate == CALL_FATE_NEVER_STARTED)
        (void)atomic_fetch_add(&never_started, 1);
    came(fate == CALL_FATE_COMPLETED       ? O_fate_completed
         : fate == CALL_FATE_STOPPED       ? O_fate_stopped
         : fate == CALL_FATE_NEVER_STARTED ? O_fate_never_started
                                           : O_fate_running);
    if (fate == CALL_FATE_NONE || fate > CALL_FATE_RUNNING)
        surprise("the fate of a finished call", (uint64_t)fate);
}

static void refused_begins(uint64_t *random, call_t call, bool busy)
{
    call_hresult_t expected = busy ? RPC_S_CALLPENDING : DISP_E_MEMBERNOTFOUND;
    call_hresult_t code = begin_with(random, call, busy ? WORK : MEMBERS, draw_plan(random));
    came(busy ? O_begin_busy : O_begin_no_member);
    if (code != expected && (busy || code != RPC_E_DISCONNECTED))
        surprise("a begin that is to be refused", (uint64_t)code);
}

/* While the call is in progress. */
static void meddle(client_t *client, distance_t distance, call_cancel_t cancel)
{
    uint64_t *random = &client->random;
    call_t call = client->calls[distance];
    if (draw(random, 64) == 0)
        refused_begins(random, call, true);
    if (draw(random, 8) == 0 && call_wait(call, draw(random, 2)) == E_HANDLE)
        surprise("wait", 0);
    if (cancel.id != 0 && draw(random, 4) != 0)
        cancel_some_way(random, cancel);
    if (cancel.id != 0 && draw(random, 16) == 0)
        cancel_some_way(random, cancel);
    if (draw(random, 128) == 0) {
        must(call_object_disconnect(client->objects[distance]));
        if (begin_with(random, call, WORK, draw_plan(random)) != RPC_S_CALLPENDING)
            surprise("a busy call of a disconnected object", 0);
    }
}

/* The end of a call; says whether it can be used again. */
static bool end_call(client_t *client, distance_t distance)
{
    uint64_t *random = &client->random;
    call_t call = client->calls[distance];
    if (draw(random, 8) == 0) {
        came(O_released_unseen);
        return false;
    }
    call_hresult_t result = finish_some_way(random, call);
    book_result(result, fate_of(call));
    call_hresult_t again = S_OK;
    if (result == RPC_E_DISCONNECTED) {
        again = begin_with(random, call, WORK, draw_plan(random));
        came(O_begin_disconnected);
        if (again != RPC_E_DISCONNECTED)
            surprise("a begin of a disconnected object", (uint64_t)again);
    }
    return again == S_OK && draw(random, RENEW_ONE_IN) != 0;
}

static void one_call(client_t *client, distance_t distance, call_apartment_t at)
{
    uint64_t *random = &client->random;
    call_cancel_t cancel = {0};
    if (client->calls[distance].id == 0)
        renew(client, distance, at);
    call_t call = client->calls[distance];
    bool early = draw(random, 2) == 0, late = draw(random, 2) == 0;
    call_hresult_t queried = early ? call_query_cancel(call, &cancel) : S_OK;
    if (draw(random, 32) == 0)
        refused_begins(random, call, false);
    call_hresult_t code = begin_with(random, call, WORK, draw_plan(random));
    if (code == S_OK)
        (void)atomic_fetch_add(&begun, 1);
    else if (code != RPC_E_DISCONNECTED)
        surprise("begin", (uint64_t)code);
    came((outcome_t)(O_distance_same + (int)distance));
    if (!early && late)
        queried = call_query_cancel(call, &cancel);
    if (queried == E_NOINTERFACE)
        came(O_cancel_no_interface);
    else if (queried != S_OK)
        surprise("query_cancel", (uint64_t)queried);
    bool keep = false;
    if (code == S_OK) {
        meddle(client, distance, cancel);
        keep = end_call(client, distance);
    }
    if (cancel.id != 0)
        must(call_cancel_release(cancel));
    if (!keep)
        let_go(client, distance);
}

/* Inside a method: a call in the same apartment is begun on this thread. */
static void client_inside(uint64_t seed)
{
    client_t inside = {.random = seed};
    one_call(&inside, SAME, places[seed % PLACE_KINDS].apartment);
    if (inside.calls[SAME].id != 0)
        let_go(&inside, SAME);
}

static void go_inside(client_t *client)
{
    uint64_t seed = next_random(&client->random);
    call_object_t *host = &client->hosts[seed % PLACE_KINDS];
    call_class_t class = class_of(false, false, NULL);
    if (host->id == 0)
        *host = new_object(places[seed % PLACE_KINDS].apartment, &class);
    call_t call;
    must(call_create(*host, &call));
    must(call_begin(call, HOST, &seed, sizeof seed));
    must(finish(call));
    must(call_release(call));
}

static unsigned rare_outcomes(void)
{
    unsigned rare = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        rare += atomic_load(&outcomes[i]) < outcome_floor;
    return rare;
}

/* Until all calls were begun, and then more as long as an outcome is too rare. */
static bool more_calls(unsigned long left)
{
    return left > calls_in_reserve || (left != 0 && rare_outcomes() != 0);
}

static bool next_call(void)
{
    unsigned long left = atomic_load(&calls_left);
    while (more_calls(left))
        if (atomic_compare_exchange_weak(&calls_left, &left, left - 1))
            return true;
    return false;
}

static void *client_main(void *argument)
{
    client_t *client = argument;
    while (next_call()) {
        distance_t distance = (distance_t)draw(&client->random, DISTANCES);
        if (distance == SAME)
            go_inside(client);
        else
            one_call(client, distance, (call_apartment_t){0});
    }
    for (distance_t distance = SAME; distance < DISTANCES; distance++)
        if (client->calls[distance].id != 0)
            let_go(client, distance);
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        if (client->hosts[kind].id != 0)
            must(call_object_release(client->hosts[kind]));
    return NULL;
}

#endif
