/* Deadlines that race with results: one outcome for each call, every kind of outcome occurs, and no deadline
 * reaches the next begin of its call object.
 *
 *   CALL_DEADLINE_RACES  how many at least (20000): they go on until each kind occurred often enough */
#include "measure.h"

#include <string.h>

enum { RACERS = 16, WORKERS = 6, SPREAD_US = 2500, FLOOR = 200 };

typedef enum outcome_t { IN_TIME, RAN_ON, STOPPED, NEVER_STARTED, OUTCOMES } outcome_t;
static const char *const outcome_names[OUTCOMES] = {
    "its result, COMPLETED", "RPC_E_TIMEOUT, RUNNING then COMPLETED", "RPC_E_TIMEOUT, STOPPED",
    "RPC_E_TIMEOUT, NEVER_STARTED",
};

/* What a method is to do. */
typedef struct order_t {
    uint32_t takes_us;
    bool looks;
} order_t;

typedef struct racer_t {
    call_object_t object;
    unsigned rounds, least, seed;
    unsigned outcomes[OUTCOMES], strange, hit;
} racer_t;

/* Of all racers: what the machine shares out decides how often each occurs. */
static atomic_uint occurred[OUTCOMES];

static bool all_occurred(unsigned least)
{
    for (unsigned i = 0; i < OUTCOMES; i++)
        if (atomic_load(&occurred[i]) < least)
            return false;
    return true;
}

static void note(racer_t *racer, outcome_t outcome)
{
    racer->outcomes[outcome]++;
    (void)atomic_fetch_add(&occurred[outcome], 1);
}

static call_hresult_t race(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    order_t order;
    (void)self;
    (void)method;
    (void)in_len;
    memcpy(&order, in, sizeof order);
    uint64_t end = now_us() + order.takes_us;
    do {
        if (order.looks && call_context_test_cancel(context) == RPC_E_CALL_CANCELED)
            return RPC_E_CALL_CANCELED;
        if (order.takes_us != 0)
            pause_us(order.looks ? 50 : order.takes_us);
    } while (now_us() < end);
    return S_OK;
}

static void count(racer_t *racer, call_hresult_t result, call_fate_t fate, call_fate_t settled, uint32_t cause)
{
    bool timeout = result == RPC_E_TIMEOUT && cause == CALL_CAUSE_TIMEOUT;
    if (result == S_OK && fate == CALL_FATE_COMPLETED)
        note(racer, IN_TIME);
    else if (timeout && settled == CALL_FATE_COMPLETED)
        note(racer, RAN_ON);
    else if (timeout && settled == CALL_FATE_STOPPED)
        note(racer, STOPPED);
    else if (timeout && fate == CALL_FATE_NEVER_STARTED)
        note(racer, NEVER_STARTED);
    else
        racer->strange++;
}

static void *run_races(void *argument)
{
    racer_t *racer = argument;
    order_t order;
    call_t call;
    unsigned wanted = racer->rounds, i = 0;
    must(call_create(racer->object, &call));
    for (uint64_t end = 0; i < wanted || (!all_occurred(racer->least) && now_us() < end); i++) {
        if (i < wanted)
            end = hang_end_us();
        order.takes_us = (uint32_t)rand_r(&racer->seed) % SPREAD_US;
        order.looks = i % 2 == 0;
        must(call_set_timeout(call, 1 + i % 2, i % 4 < 2 ? 0 : CALL_INFINITE));
        must(call_begin(call, 0, &order, sizeof order));
        call_hresult_t result = finish(call);
        call_fate_t fate = fate_of(call);
        uint32_t cause = cause_of(call);
        /* The next begin at once, while that deadline may be passing and its method may run. */
        bool settles = i % 3 == 0;
        call_fate_t settled = settles ? settled_fate_of(call) : fate;
        if (settles || fate != CALL_FATE_RUNNING)
            count(racer, result, fate, settled, cause);
        else if (result == RPC_E_TIMEOUT)
            note(racer, RAN_ON);
        else
            racer->strange++;
        order = (order_t){.takes_us = 0, .looks = true};
        must(call_set_timeout(call, CALL_INFINITE, 0));
        must(call_begin(call, 0, &order, sizeof order));
        racer->hit += finish(call) != S_OK || cause_of(call) != CALL_CAUSE_NONE;
    }
    racer->rounds = i;
    must(call_release(call));
    return NULL;
}

static void results_and_deadlines(void)
{
    static const char *const names[] = {"race"};
    static const call_class_t race_class = {
        .size = sizeof race_class, .methods = names, .method_count = 1, .invoke = race};
    unsigned races = length_of("CALL_DEADLINE_RACES", 20000), totals[OUTCOMES] = {0}, strange = 0, hit = 0, all = 0;
    unsigned least = races / FLOOR, made = 0;
    racer_t racers[RACERS];
    pthread_t threads[RACERS];
    call_object_t object;
    call_apartment_t apartment = apartment_of(WORKERS, WORKERS, 0);
    must(call_object_create(apartment, &race_class, NULL, &object));
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = (racer_t){.object = object, .rounds = races / RACERS, .least = least, .seed = i + 1};
        threads[i] = thread_of(run_races, &racers[i]);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        (void)pthread_join(threads[i], NULL);
        for (unsigned j = 0; j < OUTCOMES; j++)
            totals[j] += racers[i].outcomes[j];
        made += racers[i].rounds;
        strange += racers[i].strange;
        hit += racers[i].hit;
    }
    for (unsigned j = 0; j < OUTCOMES; j++) {
        all += totals[j];
        ok(totals[j] >= least, "of %u races %u ended with %s", made, totals[j], outcome_names[j]);
    }
    ok_u64(strange, 0, "and none otherwise");
    ok_u64(all, made, "each ended once");
    ok_u64(hit, 0, "TC-7 no deadline reached one of the %u begins that came next", made);
    must(call_object_release(object));
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static const tap_test_t tests[] = {TAP_TEST(results_and_deadlines)};

TAP_MAIN(tests)
