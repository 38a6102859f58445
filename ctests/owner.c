/* The thread that owns a single-threaded apartment: its event loop, and its end. */
#include "distance_support.h"

#include <poll.h>

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

/* Whether a descriptor is readable within the time. */
static bool readable(int32_t fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1 && (poll_fd.revents & POLLIN) != 0;
}

static void descriptor_for_an_event_loop(void)
{
    own_scene_t scene;
    int32_t fd = -1, again = -1;
    own_open(&scene);
    ok_hr(call_apartment_get_fd(scene.apartment, &fd), S_OK, "a descriptor for the owner's event loop");
    ok_hr(call_apartment_get_fd(scene.apartment, &again), S_OK, "asked for again");
    ok_u64((uint64_t)again, (uint64_t)fd, "it is the same");
    ok(!readable(fd, 0), "not readable while nothing is queued");
    call_t other = new_call(&scene.target);
    must(call_begin(scene.call, ECHO, "1", 1));
    must(call_begin(other, ECHO, "2", 1));
    ok(readable(fd, (int)hang_ms()), "readable when a call is queued");
    ok(readable(fd, 0), "and stays so: level-triggered");
    ok_hr(call_apartment_pump(scene.apartment, 0, NULL), S_OK, "pumped");
    ok(!readable(fd, 0), "not readable any more");
    must(finish(scene.call));
    must(finish(other));
    must(call_begin(scene.call, ECHO, "3", 1));
    ok(readable(fd, (int)hang_ms()), "readable for the next call");
    must(finish(scene.call));
    ok(!readable(fd, 0), "served by waiting it is not readable either");
    must(call_release(other));
    own_close(&scene);
}

static void descriptor_made_late_or_elsewhere(void)
{
    own_scene_t scene;
    int32_t fd = -1;
    own_open(&scene);
    must(call_begin(scene.call, ECHO, "1", 1));
    ok_hr(call_apartment_get_fd(scene.apartment, &fd), S_OK,
          "a descriptor asked for with a call in the queue");
    ok(readable(fd, (int)hang_ms()), "is readable at once");
    must(finish(scene.call));
    ok_hr(call_apartment_get_fd(scene.apartment, NULL), E_POINTER, "LT-12 a descriptor into NULL");
    call_apartment_t serial = apartment_of_kind(CALL_APARTMENT_SERIAL, 0, 0), multi = apartment_of(1, 1, 0);
    ok_hr(call_apartment_get_fd(serial, &fd), RPC_E_WRONG_THREAD, "a serial apartment has none");
    ok_hr(call_apartment_get_fd(multi, &fd), RPC_E_WRONG_THREAD, "nor has a multi one");
    must(call_apartment_release(serial));
    must(call_apartment_release(multi));
    own_close(&scene);
}

/* A thread that makes an apartment and ends without serving it. */
typedef struct mortal_t {
    gate_t made, begun;
    call_apartment_t apartment;
} mortal_t;

static call_hresult_t make_and_leave(caller_t *self)
{
    mortal_t *mortal = self->data;
    mortal->apartment = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    gate_open(&mortal->made);
    gate_wait(&mortal->begun);
    return S_OK;
}

static void owner_that_ends_closes(void)
{
    mortal_t mortal = {.made = GATE("made"), .begun = GATE("begun")};
    caller_t owner = {.run = make_and_leave, .data = &mortal};
    target_t target;
    caller_start(&owner);
    gate_wait(&mortal.made);
    target_create(&target, mortal.apartment);
    call_t call = new_call(&target), refused = new_call(&target);
    must(call_begin(call, ECHO, "n", 1));
    ok_hr(call_apartment_pump(mortal.apartment, 0, NULL), RPC_E_WRONG_THREAD,
          "it is another thread's apartment");
    gate_open(&mortal.begun);
    must(caller_join(&owner));
    ok_hr(call_wait(call, hang_ms()), S_OK, "LT-11 when the owner ends its queued call is complete");
    ok_hr(finish(call), RPC_E_DISCONNECTED, "LT-11 FI-15 disconnected");
    ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "LT-11 it never started");
    ok_u64(atomic_load(&target.entries), 0, "LT-11 nor was its method entered");
    ok_hr(call_begin(refused, ECHO, "n", 1), RPC_E_DISCONNECTED, "BG-7 begins are refused");
    uint32_t remaining = 7;
    ok_hr(call_apartment_close(mortal.apartment, 0, &remaining), S_OK, "it may be closed again");
    ok_u64(remaining, 0, "with nothing left");
    must(call_release(call));
    must(call_release(refused));
    target_destroy(&target);
    must(call_apartment_release(mortal.apartment));
}

/* Serves one deferred method, then ends. */
static call_hresult_t make_serve_and_leave(caller_t *self)
{
    mortal_t *mortal = self->data;
    mortal->apartment = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    call_apartment_t apartment = mortal->apartment;
    gate_open(&mortal->made);
    uint32_t served = 0;
    must(call_apartment_pump(apartment, hang_ms(), &served));
    gate_wait(&mortal->begun);
    return served == 1 ? S_OK : E_FAIL;
}

static void owner_that_ends_abandons(void)
{
    mortal_t mortal = {.made = GATE("made"), .begun = GATE("begun")};
    caller_t owner = {.run = make_serve_and_leave, .data = &mortal};
    target_t target;
    job_t deferred;
    caller_start(&owner);
    gate_wait(&mortal.made);
    target_create(&target, mortal.apartment);
    call_t call = new_call(&target);
    job_init(&deferred, NULL, S_OK);
    enter_job(call, DEFER, &deferred);
    gate_open(&mortal.begun);
    ok_hr(caller_join(&owner), S_OK, "the owner served one method and ended");
    ok_hr(call_wait(call, hang_ms()), S_OK, "LT-11 the deferred one is abandoned");
    ok_hr(finish(call), RPC_E_DISCONNECTED, "LT-11 FI-15 disconnected");
    ok_fate(fate_of(call), CALL_FATE_RUNNING, "LT-11 it still runs");
    ok_hr(call_context_test_cancel(deferred.context), RPC_E_CALL_CANCELED,
          "LT-11 and was told of a cancel");
    ok_hr(call_context_complete(deferred.context, S_OK), S_OK, "SG-4 its late completion");
    ok_fate(fate_of(call), CALL_FATE_COMPLETED, "LT-11 completes it");
    must(call_release(call));
    target_destroy(&target);
    must(call_apartment_release(mortal.apartment));
}

static const tap_test_t tests[] = {
    TAP_TEST(descriptor_for_an_event_loop),
    TAP_TEST(descriptor_made_late_or_elsewhere),
    TAP_TEST(owner_that_ends_closes),
    TAP_TEST(owner_that_ends_abandons),
};

TAP_MAIN(tests)
