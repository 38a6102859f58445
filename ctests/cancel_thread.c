/* Canceling a thread's synchronous call by the thread's number: what is counted, which call is meant, and
 * why a cancel interface is the better name.
 */
#include "place.h"

enum { ENABLES = 3 };

/* A thread of the test's own, with the library new to it. */
static void on_a_fresh_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument) != 0)
        bail_out("no thread");
    (void)pthread_join(thread, NULL);
}

static void *count(void *unused)
{
    (void)unused;
    ok_hr(call_disable_cancellation(), CO_E_CANCEL_DISABLED, "SY-3 a thread's count begins at 0");
    ok_hr(call_disable_cancellation(), CO_E_CANCEL_DISABLED, "SY-3 and is never less");
    for (int i = 0; i < ENABLES; i++)
        ok_hr(call_enable_cancellation(), S_OK, "SY-2 enabled the %d. time", i + 1);
    for (int i = 0; i < ENABLES; i++)
        ok_hr(call_disable_cancellation(), S_OK, "SY-4 disabled the %d. time", i + 1);
    ok_hr(call_disable_cancellation(), CO_E_CANCEL_DISABLED, "SY-3 and once more");
    return NULL;
}

/* Whatever else the thread becomes or ceases to be. */
static void *count_through_apartments(void *unused)
{
    (void)unused;
    ok_hr(call_enable_cancellation(), S_OK, "SY-5 enabled before anything else");
    place_t place = {.kind = CALL_APARTMENT_SINGLE};
    place_make(&place);
    ok_hr(call_enable_cancellation(), S_OK, "SY-5 and as the owner of an apartment");
    must(call_apartment_close(place.apartment, 0, NULL));
    must(call_apartment_release(place.apartment));
    ok_hr(call_disable_cancellation(), S_OK, "SY-5 the count outlives the apartment");
    ok_hr(call_disable_cancellation(), S_OK, "SY-5 all of it");
    ok_hr(call_disable_cancellation(), CO_E_CANCEL_DISABLED, "SY-5 and is 0");
    return NULL;
}

static void counted_by_thread(void)
{
    must(call_enable_cancellation());
    on_a_fresh_thread(count, NULL);
    on_a_fresh_thread(count_through_apartments, NULL);
    ok_hr(call_disable_cancellation(), S_OK, "SY-2 each thread has its own count");
}

/* An owner of a SINGLE apartment that invokes methods of another apartment, and serves meanwhile. */
typedef struct client_t {
    scene_t far;
    place_t near;
    uint64_t id;
    job_t outer, inner, errand;
    bool enable;
    gate_t ready;
    call_hresult_t result, inner_result;
    call_fate_t fate;
    pthread_t thread;
} client_t;

static call_hresult_t invoke_far(client_t *client, job_t *job, call_fate_t *fate)
{
    return call_invoke(client->far.target.object, HOLD, &job, sizeof job, NULL, 0, NULL, CALL_INFINITE, fate);
}

static void *client_main(void *argument)
{
    client_t *client = argument;
    client->near.kind = CALL_APARTMENT_SINGLE;
    place_make(&client->near);
    target_create(&client->near.target, client->near.apartment);
    must(call_thread_id(&client->id));
    if (client->enable)
        must(call_enable_cancellation());
    gate_open(&client->ready);
    client->result = invoke_far(client, &client->outer, &client->fate);
    target_destroy(&client->near.target);
    must(call_apartment_close(client->near.apartment, 0, NULL));
    must(call_apartment_release(client->near.apartment));
    return NULL;
}

/* Until its outer method is entered. */
static void client_start(client_t *client, bool enable)
{
    memset(client, 0, sizeof *client);
    client->enable = enable;
    gate_init(&client->ready, "client");
    job_init(&client->outer, NULL, S_OK);
    job_init(&client->inner, NULL, S_OK);
    job_init(&client->errand, NULL, S_OK);
    scene_open(&client->far, 2);
    (void)pthread_create(&client->thread, NULL, client_main, client);
    gate_wait(&client->ready);
    gate_wait(&client->outer.entered);
}

static void client_end(client_t *client)
{
    gate_open(&client->outer.release);
    gate_open(&client->inner.release);
    (void)pthread_join(client->thread, NULL);
    scene_close(&client->far);
}

/* Has something done on the client's thread, which waits in its outer call. */
static call_t errand_of(client_t *client, call_hresult_t (*run)(job_t *job))
{
    call_t call = new_call(&client->near.target);
    client->errand.run = run;
    client->errand.data = client;
    begin_job(call, RUN, &client->errand);
    return call;
}

static call_hresult_t enable_here(job_t *job)
{
    (void)job;
    return call_enable_cancellation();
}

static call_hresult_t disable_here(job_t *job)
{
    (void)job;
    return call_disable_cancellation();
}

static void fixed_when_it_is_made(void)
{
    static client_t client;
    client_start(&client, false);
    call_t call = errand_of(&client, enable_here);
    ok_hr(finish(call), S_OK, "SY-7 enabled while a call is in progress");
    must(call_release(call));
    ok_hr(call_cancel_thread(client.id, 0), CO_E_CANCEL_DISABLED, "SY-7 that call cannot be canceled, still");
    ok_hr(call_request_cancel_thread(client.id, 0), CO_E_CANCEL_DISABLED, "SY-7 nor by request");
    gate_open(&client.outer.release);
    client_end(&client);
    ok_hr(client.result, S_OK, "SY-7 and ends as ever");
    client_start(&client, true);
    call = errand_of(&client, disable_here);
    ok_hr(finish(call), S_OK, "SY-7 disabled while a call is in progress");
    must(call_release(call));
    ok_hr(call_cancel_thread(client.id, 0), S_OK, "SY-7 that call can be canceled, still");
    client_end(&client);
    ok_hr(client.result, RPC_E_CALL_CANCELED, "SY-7 and is");
}

/* On the client's thread, inside its outer call: another one. */
static call_hresult_t invoke_inside(job_t *job)
{
    client_t *client = job->data;
    client->inner_result = invoke_far(client, &client->inner, NULL);
    return S_OK;
}

static void the_innermost_is_meant(void)
{
    static client_t client;
    client_start(&client, true);
    call_t call = errand_of(&client, invoke_inside);
    gate_wait(&client.inner.entered);
    ok_hr(call_cancel_thread(client.id, 0), S_OK, "SY-8 two calls are in progress, one is canceled");
    ok_hr(finish(call), S_OK, "SY-8 the inner one returns");
    ok_hr(client.inner_result, RPC_E_CALL_CANCELED, "SY-8 canceled");
    ok_hr(call_wait(call, 0), RPC_E_CALL_COMPLETE, "SY-8 what it was in is over");
    must(call_release(call));
    ok_hr(call_cancel_thread(client.id, 0), S_OK, "SY-8 the outer one is the innermost again");
    client_end(&client);
    ok_hr(client.result, RPC_E_CALL_CANCELED, "SY-8 canceled");
}

/* On the client's thread: 0 is that thread. */
static call_hresult_t cancel_oneself(job_t *job)
{
    client_t *client = job->data;
    call_cancel_t cancel = {0};
    job->codes[0] = call_query_thread_cancel(0, &cancel);
    job->codes[1] = call_test_cancel(cancel);
    job->codes[2] = call_cancel_thread(0, 0);
    job->codes[3] = call_test_cancel(cancel);
    job->codes[4] = call_cancel_thread(client->id, 0);
    must(call_cancel_release(cancel));
    return S_OK;
}

static void number_0_is_the_calling_thread(void)
{
    static client_t client;
    call_cancel_t cancel;
    client_start(&client, true);
    ok_hr(call_cancel_thread(0, 0), E_NOINTERFACE, "SY-9 SY-10 0 is this thread, which has no call");
    ok_hr(call_query_thread_cancel(0, &cancel), E_NOINTERFACE, "SY-9 SY-10 nor a cancel interface");
    call_t call = errand_of(&client, cancel_oneself);
    ok_hr(finish(call), S_OK, "SY-9 a method that the waiting thread serves");
    must(call_release(call));
    ok_hr(client.errand.codes[0], S_OK, "SY-9 finds that thread's call by 0");
    ok_hr(client.errand.codes[1], RPC_S_CALLPENDING, "SY-9 which is in progress");
    ok_hr(client.errand.codes[2], S_OK, "SY-9 and cancels it");
    ok_hr(client.errand.codes[3], RPC_E_CALL_CANCELED, "SY-9 as it finds");
    ok_hr(client.errand.codes[4], RPC_E_CALL_CANCELED, "SY-9 CN-5 and by its number");
    client_end(&client);
    ok_hr(client.result, RPC_E_CALL_CANCELED, "SY-9 it was that one");
}

static void *remember_number(void *number)
{
    must(call_thread_id(number));
    return NULL;
}

static void numbers_of_no_thread(void)
{
    uint64_t dead = 0, mine = 0, again = 0;
    call_cancel_t cancel = {7};
    on_a_fresh_thread(remember_number, &dead);
    must(call_thread_id(&mine));
    must(call_thread_id(&again));
    ok_u64(again, mine, "a thread's number stays");
    ok(mine != dead && mine != 0 && dead != 0, "each has its own, and none is 0");
    ok_hr(call_cancel_thread(dead, 0), E_HANDLE, "the number of a thread that has ended");
    ok_hr(call_request_cancel_thread(dead, 0), E_HANDLE, "also for a request");
    ok_hr(call_query_thread_cancel(dead, &cancel), E_HANDLE, "and a query");
    ok_u64(cancel.id, 0, "which clears its output");
    unsigned refused = 0;
    for (int bit = 0; bit < 64; bit++)
        refused += call_cancel_thread(mine ^ (uint64_t)1 << bit, 0) == E_HANDLE;
    ok_u64(refused, 64, "this thread's number with another bit changed");
    ok_hr(call_cancel_thread(mine, 0), E_NOINTERFACE, "SY-10 and as it is: without a call");
    unsigned fresh = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t number = dead;
        on_a_fresh_thread(remember_number, &number);
        fresh += number != dead && number != mine;
    }
    ok_u64(fresh, 100, "no later thread has a number that was another's");
}

/* A thread that waits for a call, or finishes it, and has told its number. */
typedef struct waiter_t {
    caller_t caller; /* first: `run` gets its address */
    call_hresult_t (*wait)(caller_t *self);
    uint64_t id;
    gate_t ready;
} waiter_t;

static call_hresult_t run_enabled(caller_t *self)
{
    waiter_t *waiter = (waiter_t *)self;
    must(call_enable_cancellation());
    must(call_thread_id(&waiter->id));
    gate_open(&waiter->ready);
    return waiter->wait(self);
}

/* Asynchronous calls are not the thread's, whatever it does with them. */
static void never_an_asynchronous_call(void)
{
    static call_hresult_t (*const waits[])(caller_t *self) = {run_wait, run_finish};
    scene_t scene;
    scene_open(&scene, 1);
    for (int i = 0; i < 2; i++) {
        const char *what = i == 0 ? "waits for" : "finishes";
        job_t job;
        call_cancel_t cancel;
        waiter_t waiter = {.caller = {.run = run_enabled, .number = CALL_INFINITE}, .wait = waits[i]};
        gate_init(&waiter.ready, "waiter");
        job_init(&job, NULL, S_OK);
        enter_job(scene.call, DEFER, &job);
        waiter.caller.call = scene.call;
        caller_start(&waiter.caller);
        gate_wait(&waiter.ready);
        caller_settle(&waiter.caller);
        ok_hr(call_cancel_thread(waiter.id, 0), E_NOINTERFACE, "SY-11 a call that a thread %s is not found", what);
        ok_hr(call_request_cancel_thread(waiter.id, 0), E_NOINTERFACE, "SY-11 nor by request");
        ok_hr(call_query_thread_cancel(waiter.id, &cancel), E_NOINTERFACE, "SY-11 SY-16 nor by its cancel interface");
        ok_hr(call_query_cancel(scene.call, &cancel), S_OK, "SY-16 which the call object itself has");
        must(call_cancel_release(cancel));
        must(call_context_complete(job.context, S_OK));
        ok_hr(caller_join(&waiter.caller), S_OK, "SY-11 it was not canceled");
        if (i == 0)
            must(finish(scene.call));
    }
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(counted_by_thread),
    TAP_TEST(fixed_when_it_is_made),
    TAP_TEST(the_innermost_is_meant),
    TAP_TEST(number_0_is_the_calling_thread),
    TAP_TEST(numbers_of_no_thread),
    TAP_TEST(never_an_asynchronous_call),
};

TAP_MAIN(tests)
