/* Single-threaded apartments: served by the thread that made them, when it pumps or waits. */
#include "distance_support.h"

#include <sched.h>

enum { CALLS = 5 };

/* An apartment of this thread with an object in it. */
typedef struct own_scene_t {
    call_apartment_t apartment;
    target_t target;
    call_t call;
} own_scene_t;

static void own_open(own_scene_t *scene)
{
    scene->apartment = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    target_create(&scene->target, scene->apartment);
    scene->call = new_call(&scene->target);
}

static void own_close(own_scene_t *scene)
{
    must(call_release(scene->call));
    target_destroy(&scene->target);
    must(call_apartment_close(scene->apartment, hang_ms(), NULL));
    must(call_apartment_release(scene->apartment));
}

static void pump_serves_what_is_there(void)
{
    own_scene_t scene;
    call_t calls[CALLS];
    uint32_t served = 7;
    own_open(&scene);
    ok_hr(call_apartment_pump(scene.apartment, 0, &served), S_OK, "a pump where nothing is queued");
    ok_u64(served, 0, "serves nothing");
    uint64_t from = now_us();
    ok_hr(call_apartment_pump(scene.apartment, 30, &served), S_OK, "a pump that nothing comes to");
    ok_u64(served, 0, "serves nothing");
    ok(now_us() - from >= 30000, "after its time is over");
    for (int i = 0; i < CALLS; i++) {
        calls[i] = new_call(&scene.target);
        must(call_begin(calls[i], ECHO, &i, sizeof i));
    }
    ok_u64(atomic_load(&scene.target.entries), 0, "CR-7 nothing runs before the owner serves");
    ok_hr(call_apartment_pump(scene.apartment, CALL_INFINITE, &served), S_OK,
          "a pump without end returns when it served");
    ok_u64(served, CALLS, "all that was there");
    for (int i = 0; i < CALLS; i++) {
        int out = -1;
        size_t len = 0;
        ok_hr(call_finish(calls[i], &out, sizeof out, &len), S_OK, "call %d is finished", i);
        ok_u64((uint64_t)out, (uint64_t)i, "with its own output");
        must(call_release(calls[i]));
    }
    must(call_begin(scene.call, ECHO, "n", 1));
    ok_hr(call_apartment_pump(scene.apartment, 0, NULL), S_OK, "the count may be NULL");
    ok_hr(call_try_finish(scene.call, NULL, 0, NULL), S_OK, "and the call was served");
    own_close(&scene);
}

static void canceled_calls_are_not_counted(void)
{
    own_scene_t scene;
    uint32_t served = 7;
    own_open(&scene);
    must(call_begin(scene.call, ECHO, "c", 1));
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, CALL_INFINITE), S_OK,
          "CN-13 a queued call is canceled, on the thread that would serve it");
    ok_hr(call_apartment_pump(scene.apartment, 0, &served), S_OK, "a pump after that");
    ok_u64(served, 0, "CN-13 has nothing to serve");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "CN-13 canceled");
    ok_fate(fate_of(scene.call), CALL_FATE_NEVER_STARTED, "CN-13 it never started");
    must(call_cancel_release(cancel));
    own_close(&scene);
}

static call_hresult_t begin_echo(caller_t *self)
{
    gate_wait(self->data);
    return call_begin(self->call, ECHO, "late", 4);
}

static void sleeping_pump_is_woken(void)
{
    own_scene_t scene;
    gate_t go = GATE("go");
    uint32_t served = 7;
    own_open(&scene);
    caller_t client = {.run = begin_echo, .call = scene.call, .data = &go};
    caller_start(&client);
    gate_open(&go);
    ok_hr(call_apartment_pump(scene.apartment, hang_ms(), &served), S_OK,
          "a pump that waits for a call to come");
    ok_u64(served, 1, "serves it");
    ok_hr(caller_join(&client), S_OK, "of another thread");
    ok_hr(finish(scene.call), S_OK, "and it is complete");
    own_close(&scene);
}

static call_hresult_t run_pump(caller_t *self)
{
    const call_apartment_t *apartment = self->data;
    uint32_t served = 7;
    call_hresult_t result = call_apartment_pump(*apartment, self->number, &served);
    self->len = served;
    return result;
}

static void only_the_owner_pumps(void)
{
    own_scene_t scene;
    own_open(&scene);
    must(call_begin(scene.call, ECHO, "o", 1));
    caller_t stranger = {.run = run_pump, .data = &scene.apartment, .number = CALL_INFINITE};
    caller_start(&stranger);
    ok_hr(caller_join(&stranger), RPC_E_WRONG_THREAD, "another thread does not pump, nor wait");
    ok_u64(stranger.len, 0, "LT-12 it served nothing");
    ok_u64(atomic_load(&scene.target.entries), 0, "nor was the call run");
    ok_hr(finish(scene.call), S_OK, "the owner serves it by waiting");
    call_apartment_t serial = apartment_of_kind(CALL_APARTMENT_SERIAL, 0, 0);
    ok_hr(call_apartment_pump(serial, 0, NULL), RPC_E_WRONG_THREAD, "a serial apartment is not pumped");
    ok_hr(call_apartment_close(scene.apartment, 0, NULL), S_OK, "the apartment is closed");
    uint32_t served = 7;
    ok_hr(call_apartment_pump(scene.apartment, CALL_INFINITE, &served), RPC_E_DISCONNECTED,
          "a closed one is not pumped");
    ok_u64(served, 0, "LT-12 the count is cleared");
    must(call_apartment_release(serial));
    own_close(&scene);
}

static call_hresult_t pump_within(job_t *job)
{
    uint32_t served = 7;
    job->codes[0] = call_apartment_pump(job->apartment, 0, &served);
    job->numbers[0] = served;
    job->codes[1] = call_try_finish(job->call, NULL, 0, NULL);
    return S_OK;
}

static void pump_inside_a_method(void)
{
    own_scene_t scene;
    job_t job;
    uint32_t served = 7;
    own_open(&scene);
    call_t inner = new_call(&scene.target);
    job_init(&job, NULL, S_OK);
    job.run = pump_within;
    job.call = inner;
    job.apartment = scene.apartment;
    begin_job(scene.call, RUN, &job);
    must(call_begin(inner, ECHO, "i", 1));
    ok_hr(call_apartment_pump(scene.apartment, CALL_INFINITE, &served), S_OK, "the outer pump");
    ok_u64(served, 1, "counts the method that it ran itself");
    ok_hr(job.codes[0], S_OK, "a method pumps its apartment");
    ok_u64(job.numbers[0], 1, "and serves the call behind it");
    ok_hr(job.codes[1], S_OK, "which is complete there");
    ok_hr(finish(scene.call), S_OK, "then the method itself");
    must(call_release(inner));
    own_close(&scene);
}

static void waiting_serves(void)
{
    own_scene_t scene;
    char text[8];
    own_open(&scene);
    call_t other = new_call(&scene.target), third = new_call(&scene.target);
    must(call_begin(other, ECHO, "1", 1));
    must(call_begin(scene.call, ECHO, "2", 1));
    ok_hr(call_wait(scene.call, CALL_INFINITE), S_OK,
          "WT-8 a wait on the owner's thread serves its own call");
    ok_hr(call_wait(other, 0), S_OK, "and what was queued before it");
    ok_hr(finish_text(other, text, sizeof text), S_OK, "finished");
    ok_str(text, "1", "with its output");
    must(finish(scene.call));
    must(call_begin(third, ECHO, "3", 1));
    ok_hr(finish_text(third, text, sizeof text), S_OK,
          "FI-2 a finish on the owner's thread serves as well");
    ok_str(text, "3", "FI-2 with its output");
    must(call_begin(third, ECHO, "4", 1));
    ok_hr(call_try_finish(third, NULL, 0, NULL), RPC_S_CALLPENDING,
          "FI-3 the finish that never waits serves nothing");
    ok_hr(call_wait(third, 0), S_OK,
          "WT-2 a poll serves what is there: a loop of polls comes to its end");
    must(finish(third));
    must(call_release(other));
    must(call_release(third));
    own_close(&scene);
}

static call_hresult_t call_back(job_t *job)
{
    call_t call;
    must(call_create(job->object, &call));
    must(call_begin(call, ECHO, "b", 1));
    call_hresult_t result = finish(call);
    must(call_release(call));
    return result;
}

static void waiting_for_another_apartment_serves(void)
{
    own_scene_t scene;
    scene_t elsewhere;
    job_t job;
    own_open(&scene);
    scene_open(&elsewhere, 1);
    job_init(&job, NULL, S_OK);
    job.run = call_back;
    job.object = scene.target.object;
    begin_job(elsewhere.call, RUN, &job);
    ok_hr(call_wait(elsewhere.call, hang_ms()), S_OK,
          "WT-8 while the owner waits its apartment is served");
    ok_hr(finish(elsewhere.call), S_OK, "and the callback was answered");
    ok_u64(atomic_load(&scene.target.exits), 1, "once, in the apartment");
    scene_close(&elsewhere);
    own_close(&scene);
}

static void several_apartments_of_one_thread(void)
{
    own_scene_t first, second;
    uint32_t served = 7;
    own_open(&first);
    own_open(&second);
    must(call_begin(first.call, ECHO, "1", 1));
    must(call_begin(second.call, ECHO, "2", 1));
    ok_hr(call_apartment_pump(second.apartment, CALL_INFINITE, &served), S_OK,
          "one of two apartments is pumped");
    ok_u64(served, 1, "and serves its own call alone");
    ok_u64(atomic_load(&first.target.entries), 0, "the other's is still queued");
    ok_hr(call_wait(second.call, 0), S_OK, "its own is complete");
    must(finish(second.call));
    must(call_begin(second.call, ECHO, "2", 1));
    ok_hr(call_wait(first.call, hang_ms()), S_OK,
          "WT-8 waiting serves the apartment that is waited for");
    ok_hr(call_wait(second.call, hang_ms()), S_OK, "WT-8 and so it does the other");
    must(finish(first.call));
    must(finish(second.call));
    own_close(&first);
    must(call_begin(second.call, ECHO, "3", 1));
    ok_hr(finish(second.call), S_OK, "the second lives on after the first was closed");
    own_close(&second);
}

/* How many methods run at once, and whether all run on one thread. */
typedef struct watch_t {
    atomic_int inside, most, elsewhere;
    pthread_t owner;
} watch_t;

static call_hresult_t watch_method(job_t *job)
{
    watch_t *watch = job->data;
    int now = atomic_fetch_add(&watch->inside, 1) + 1;
    if (now > atomic_load(&watch->most))
        atomic_store(&watch->most, now);
    if (!pthread_equal(pthread_self(), watch->owner))
        (void)atomic_fetch_add(&watch->elsewhere, 1);
    (void)sched_yield();
    (void)atomic_fetch_sub(&watch->inside, 1);
    return S_OK;
}

static void one_at_a_time_on_one_thread(void)
{
    enum { CLIENTS = 64 };
    home_t home;
    target_t target;
    watch_t watch = {.inside = 0};
    call_t calls[CLIENTS];
    job_t job;
    unsigned failures = 0;
    home_open(&home, CALL_APARTMENT_SINGLE, 0);
    watch.owner = home.owner.thread;
    target_create(&target, home.apartment);
    job_init(&job, NULL, S_OK);
    job.run = watch_method;
    job.data = &watch;
    for (int i = 0; i < CLIENTS; i++) {
        calls[i] = new_call(&target);
        begin_job(calls[i], RUN, &job);
    }
    for (int i = 0; i < CLIENTS; i++) {
        failures += finish(calls[i]) != S_OK;
        must(call_release(calls[i]));
    }
    ok_u64(failures, 0, "%d calls of a client outside are served", CLIENTS);
    ok_u64((uint64_t)atomic_load(&watch.most), 1, "one at a time");
    ok_u64((uint64_t)atomic_load(&watch.elsewhere), 0, "all on the owner's thread");
    target_destroy(&target);
    home_close(&home);
    ok_hr(home.owner.ended, RPC_E_DISCONNECTED, "a pump that sleeps ends when the apartment is closed");
}

static const tap_test_t tests[] = {
    TAP_TEST(pump_serves_what_is_there),
    TAP_TEST(canceled_calls_are_not_counted),
    TAP_TEST(sleeping_pump_is_woken),
    TAP_TEST(only_the_owner_pumps),
    TAP_TEST(pump_inside_a_method),
    TAP_TEST(waiting_serves),
    TAP_TEST(waiting_for_another_apartment_serves),
    TAP_TEST(several_apartments_of_one_thread),
    TAP_TEST(one_at_a_time_on_one_thread),
};

TAP_MAIN(tests)
