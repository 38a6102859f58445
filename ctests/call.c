/* The call object: how it is made, begun, refused, begun again and released. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void create_gives_an_idle_call(void)
{
    scene_t scene;
    char text[16];
    scene_open(&scene, 1);
    call_t call = {0};
    ok_hr(call_create(scene.target.object, &call), S_OK, "CR-2 create answers S_OK");
    ok(call.id != 0, "CR-2 the new call has a handle");
    ok_hr(finish(call), RPC_E_CALL_COMPLETE, "CR-2 the new call is idle");
    ok_hr(call_begin(call, ECHO, "own", 3), S_OK,
          "CR-7 an object without a call object of its own gets the library's");
    ok_hr(finish_text(call, text, sizeof text), S_OK, "CR-7 which runs the synchronous method");
    ok_str(text, "own", "CR-7 and brings its output");
    ok_hr(call_release(call), S_OK, "CR-2 the one reference is the caller's");
    ok_hr(call_wait(call, 0), E_HANDLE, "CR-2 and its release was the last");
    scene_close(&scene);
}

static void create_that_fails_clears_its_output(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    ok_hr(call_create(scene.target.object, NULL), E_POINTER, "CR-4 create into NULL is refused");
    call_t call = {~(uint64_t)0};
    ok_hr(call_create((call_object_t){0}, &call), E_HANDLE, "LT-12 create for no object is refused");
    ok_u64(call.id, 0, "LT-12 and the call handle is null");
    call_cancel_t cancel = {~(uint64_t)0};
    ok_hr(call_query_cancel((call_t){0}, &cancel), E_HANDLE, "LT-12 a query of no call is refused");
    ok_u64(cancel.id, 0, "LT-12 and the cancel handle is null");
    scene_close(&scene);
}

static void call_keeps_its_object(void)
{
    target_t target;
    char text[16];
    call_apartment_t apartment = apartment_of(1, 1, 0);
    target_create(&target, apartment);
    call_t call = new_call(&target);
    must(call_object_release(target.object));
    ok_u64(gate_count(&target.destroyed), 0, "CR-9 LT-1 the call keeps the released object alive");
    ok_hr(call_begin(call, ECHO, "here", 4), S_OK, "CR-9 LT-1 the call of a released object begins");
    ok_hr(finish_text(call, text, sizeof text), S_OK, "CR-9 LT-1 and finishes");
    ok_str(text, "here", "CR-9 LT-1 with its output");
    must(call_release(call));
    gate_wait(&target.destroyed);
    ok_u64(gate_count(&target.destroyed), 1, "LT-1 the object goes with its last call");
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

/* The worker is held, so the method reads its input long after the caller has freed it. */
static void input_of(size_t len)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    call_t busy = new_call(&scene.target);
    enter_job(busy, HOLD, &held);
    unsigned char *in = malloc(len), *out = malloc(len), *expected = malloc(len);
    for (size_t i = 0; i < len; i++)
        in[i] = expected[i] = (unsigned char)(i * 7 + i / 251);
    ok_hr(call_begin(scene.call, ECHO, in, len), S_OK, "BG-1 begin with %zu bytes", len);
    memset(in, 0xEE, len);
    free(in);
    gate_open(&held.release);
    size_t got = 0;
    ok_hr(call_finish(scene.call, out, len, &got), S_OK, "BG-1 FI-1 %zu bytes come back", len);
    ok_mem(out, got, expected, len, "BG-1 the method saw what begin was given, freed since");
    free(out);
    free(expected);
    must(finish(busy));
    must(call_release(busy));
    scene_close(&scene);
}

static void begin_copies_its_input(void)
{
    input_of(1);
    input_of(64);
    input_of(65);
    input_of(1 << 20);
}

static void begin_without_input(void)
{
    scene_t scene;
    size_t len = 1;
    scene_open(&scene, 1);
    ok_hr(call_begin(scene.call, ECHO, NULL, 1), E_POINTER, "BG-1 NULL with a length is refused");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "BG-8 and nothing is pending after it");
    ok_hr(call_begin(scene.call, ECHO, NULL, 0), S_OK, "BG-1 NULL with no length is empty input");
    ok_hr(call_finish(scene.call, NULL, 0, &len), S_OK, "FI-1 empty output fits nowhere");
    ok_u64(len, 0, "FI-1 and its length is 0");
    scene_close(&scene);
}

static void refused(call_t call, const char *id, const char *state)
{
    ok_hr(call_begin(call, HOLD, NULL, 0), RPC_S_CALLPENDING, "%s begin while %s", id, state);
    ok_hr(call_begin(call, ECHO, "x", 1), RPC_E_CALL_PENDING,
          "%s begin of another method while %s", id, state);
}

static call_hresult_t run_begin(caller_t *self)
{
    return call_begin(self->call, self->number, "y", 1);
}

static void begin_is_refused_until_finish(void)
{
    scene_t scene;
    job_t held;
    char text[16];
    scene_open(&scene, 2);
    job_init(&held, "first", S_OK);
    enter_job(scene.call, HOLD, &held);
    refused(scene.call, "BG-3", "pending");
    caller_t other = {.run = run_begin, .call = scene.call, .number = ECHO};
    caller_start(&other);
    ok_hr(caller_join(&other), RPC_S_CALLPENDING, "BG-3 begin by another thread while pending");
    caller_t finisher = {.run = run_finish, .call = scene.call};
    caller_start(&finisher);
    caller_settle(&finisher);
    refused(scene.call, "BG-3", "a thread finishes");
    gate_open(&held.release);
    ok_hr(caller_join(&finisher), S_OK, "BG-3 the running call is unharmed by refused begins");
    ok_mem(finisher.out, finisher.len, "first", 5, "BG-3 and so is its output");
    ok_u64(atomic_load(&scene.target.entries), 1, "BG-3 a refused begin never enters a method");
    job_t again;
    job_init(&again, "second", S_OK);
    enter_job(scene.call, HOLD, &again);
    gate_open(&again.release);
    completed(scene.call);
    refused(scene.call, "BG-4", "completed and not finished");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "BG-4 the completed call is finished");
    ok_str(text, "second", "BG-4 and its result is its own");
    scene_close(&scene);
}

static void begin_is_refused_after_a_cancel(void)
{
    scene_t scene;
    job_t held, next;
    char text[16];
    scene_open(&scene, 2);
    job_init(&held, "late", S_OK);
    job_init(&next, "next", S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    refused(scene.call, "BG-3", "the grace period runs");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "BG-5 the grace period is cut short");
    refused(scene.call, "BG-5", "canceled and not finished");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "BG-5 finish ends the canceled call");
    job_t *in = &next;
    ok_hr(call_begin(scene.call, HOLD, &in, sizeof in), S_OK,
          "BG-6 a finished call begins again while its abandoned method runs");
    gate_wait(&next.entered);
    gate_open(&held.release);
    gate_wait(&held.left);
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "BG-2 LT-3 the late reply completes nothing");
    gate_open(&next.release);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "LT-3 the new call has its own result");
    ok_str(text, "next", "LT-3 and its own output");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void call_is_reused(void)
{
    scene_t scene;
    job_t held;
    char text[16];
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "one", 3));
    completed(scene.call);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "BG-6 the first call finishes");
    job_init(&held, "two", S_OK);
    enter_job(scene.call, HOLD, &held);
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING,
          "BG-2 SV-2 the earlier completion does not satisfy a wait for the new call");
    gate_open(&held.release);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "BG-6 the second call finishes");
    ok_str(text, "two", "BG-6 with its own output");
    scene_close(&scene);
}

static void begin_that_cannot_be_sent(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    ok_hr(call_begin(scene.call, METHOD_COUNT, NULL, 0), DISP_E_MEMBERNOTFOUND,
          "BG-7 a method number past the class is refused");
    ok_hr(call_begin(scene.call, UINT32_MAX, NULL, 0), DISP_E_MEMBERNOTFOUND,
          "BG-7 so is the largest number");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "BG-8 nothing is pending after it");
    ok_hr(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "BG-8 nothing to wait for");
    must(call_begin(scene.call, ECHO, "z", 1));
    ok_hr(finish(scene.call), S_OK, "BG-7 the call begins after a refused begin");
    must(call_apartment_close(scene.apartment, hang_ms(), NULL));
    ok_hr(call_begin(scene.call, ECHO, "z", 1), RPC_E_DISCONNECTED,
          "BG-7 a closed apartment takes no call");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "BG-8 nothing is pending after that either");
    ok_u64(atomic_load(&scene.target.entries), 1, "BG-7 no refused begin entered a method");
    scene_close(&scene);
}

static void begin_answers_for_the_channel_only(void)
{
    scene_t scene;
    call_hresult_t code = E_FAIL;
    scene_open(&scene, 1);
    ok_hr(call_begin(scene.call, ANSWER, &code, sizeof code), S_OK,
          "BG-9 begin answers S_OK though the method fails");
    ok_hr(finish(scene.call), E_FAIL, "BG-9 FI-10 finish brings the method's failure");
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(create_gives_an_idle_call),
    TAP_TEST(create_that_fails_clears_its_output),
    TAP_TEST(call_keeps_its_object),
    TAP_TEST(begin_copies_its_input),
    TAP_TEST(begin_without_input),
    TAP_TEST(begin_is_refused_until_finish),
    TAP_TEST(begin_is_refused_after_a_cancel),
    TAP_TEST(call_is_reused),
    TAP_TEST(begin_that_cannot_be_sent),
    TAP_TEST(begin_answers_for_the_channel_only),
};

TAP_MAIN(tests)
