/* The client twice and too late (the server: late.c): the second time has a code of its own, and harms nobody. */
#include "support.h"

#include <string.h>

enum { ROOM = 64 };

/* A second release must not take what has moved into the place of the first. */
static void release_twice(void)
{
    scene_t scene;
    char text[ROOM];
    scene_open(&scene, 1);
    call_t call = new_call(&scene.target);
    call_cancel_t cancel = cancel_of(call);
    ok_hr(call_cancel_release(cancel), S_OK, "a cancel interface is released");
    ok_hr(call_cancel_release(cancel), E_HANDLE, "and released again");
    ok_hr(call_release(call), S_OK, "a call is released");
    ok_hr(call_release(call), E_HANDLE, "and released again");
    call_t other = new_call(&scene.target);
    call_cancel_t other_cancel = cancel_of(other);
    ok_hr(call_release(call), E_HANDLE, "the call is released again when its place is taken");
    ok_hr(call_cancel_release(cancel), E_HANDLE, "so is its cancel interface");
    ok_hr(call_begin(other, ECHO, "new", 3), S_OK, "who took the place has its reference");
    ok_hr(finish_text(other, text, sizeof text), S_OK, "and goes on");
    ok_str(text, "new", "with its own output");
    ok_hr(call_cancel_release(other_cancel), S_OK, "and so has its cancel interface");
    must(call_release(other));
    scene_close(&scene);
}

static void release_an_object_twice(void)
{
    target_t target, other;
    call_apartment_t apartment = apartment_of(1, 1, 0);
    call_t call;
    uint32_t method;
    target_create(&target, apartment);
    ok_hr(call_object_release(target.object), S_OK, "an object is released");
    gate_wait(&target.destroyed);
    ok_hr(call_object_release(target.object), E_HANDLE, "and released again");
    target_create(&other, apartment);
    ok_hr(call_object_release(target.object), E_HANDLE, "and again when its place is taken");
    ok_hr(call_object_add_ref(target.object), E_HANDLE, "and cannot be revived");
    ok_hr(call_create(target.object, &call), E_HANDLE, "or called");
    ok_hr(call_object_find_method(target.object, target_methods[ECHO], &method), E_HANDLE, "or asked");
    ok_u64(gate_count(&target.destroyed), 1, "it was destroyed once");
    ok_u64(gate_count(&other.destroyed), 0, "who took its place was not");
    target_destroy(&other);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static void close_and_release_an_apartment_twice(void)
{
    scene_t scene;
    call_object_t object;
    uint32_t remaining = 7;
    scene_open(&scene, 1);
    ok_hr(call_apartment_close(scene.apartment, 0, &remaining), S_OK, "an apartment is closed");
    remaining = 7;
    ok_hr(call_apartment_close(scene.apartment, hang_ms(), &remaining), S_OK, "and closed again");
    ok_u64(remaining, 0, "with nothing in it");
    ok_hr(call_object_create(scene.apartment, &target_class, NULL, &object), RPC_E_DISCONNECTED,
          "too late for an object");
    ok_hr(call_begin(scene.call, ECHO, "late", 4), RPC_E_DISCONNECTED, "and for a call");
    ok_hr(call_apartment_release(scene.apartment), S_OK, "the apartment is released");
    ok_hr(call_apartment_release(scene.apartment), E_HANDLE, "and released again");
    ok_hr(call_apartment_close(scene.apartment, 0, NULL), E_HANDLE, "too late for a close");
    ok_hr(call_object_create(scene.apartment, &target_class, NULL, &object), E_HANDLE,
          "and for an object");
    ok_hr(call_begin(scene.call, ECHO, "late", 4), RPC_E_DISCONNECTED, "its calls stay disconnected");
    must(call_release(scene.call));
    target_destroy(&scene.target);
}

static void use_a_call_after_its_release(void)
{
    scene_t scene;
    char text[ROOM];
    size_t len;
    uint64_t progress, total;
    call_fate_t fate;
    call_cancel_t cancel;
    scene_open(&scene, 1);
    call_t call = new_call(&scene.target);
    must(call_begin(call, ECHO, "gone", 4));
    completed(call);
    must(call_release(call));
    ok_hr(call_begin(call, ECHO, "x", 1), E_HANDLE, "begin after release");
    ok_hr(call_wait(call, CALL_INFINITE), E_HANDLE, "wait after release");
    ok_hr(call_finish(call, text, sizeof text, &len), E_HANDLE, "finish after release");
    ok_hr(call_try_finish(call, text, sizeof text, &len), E_HANDLE, "try_finish after release");
    ok_hr(call_query_cancel(call, &cancel), E_HANDLE, "query_cancel after release");
    ok_hr(call_get_fate(call, &fate), E_HANDLE, "get_fate after release");
    ok_hr(call_get_error(call, text, sizeof text, &len), E_HANDLE, "get_error after release");
    ok_hr(call_get_progress(call, &progress, &total), E_HANDLE, "get_progress after release");
    ok_hr(call_add_ref(call), E_HANDLE, "add_ref after release");
    scene_close(&scene);
    ok_u64(atomic_load(&scene.target.entries), 1, "no method was entered by any of them");
}

static void finish_twice(void)
{
    scene_t scene;
    char text[ROOM];
    size_t len = 7;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "twice", 5));
    completed(scene.call);
    ok_hr(call_finish(scene.call, text, 4, &len), CALL_E_MORE_DATA, "finish into too small a buffer");
    ok_hr(call_finish(scene.call, text, 4, &len), CALL_E_MORE_DATA, "and again");
    ok_u64(len, 5, "with the needed length");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "finish");
    ok_str(text, "twice", "gives the output whole");
    ok_hr(call_finish(scene.call, text, sizeof text, &len), RPC_E_CALL_COMPLETE, "FI-7 finish again");
    ok_u64(len, 0, "FI-7 gives nothing");
    ok_hr(call_try_finish(scene.call, text, sizeof text, &len), RPC_E_CALL_COMPLETE, "FI-7 nor does try_finish");
    ok_hr(call_wait(scene.call, CALL_INFINITE), RPC_E_CALL_COMPLETE, "WT-7 too late for a wait");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "the fate is there");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "and again");
    scene_close(&scene);
}

static void cancel_twice(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(scene.call), other = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, 0), S_OK, "a call is canceled");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 and canceled again");
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 and requested to");
    ok_hr(call_cancel(other, CALL_INFINITE), RPC_E_CALL_CANCELED, "CN-5 and by another interface, at once");
    ok_hr(call_test_cancel(other), RPC_E_CALL_CANCELED, "TC-2 which tells it");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "the call is finished");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 and finished again");
    ok_hr(call_context_complete(job.context, S_OK), S_OK, "SG-4 its method ends too late");
    ok_hr(call_context_complete(job.context, S_OK), RPC_E_CALL_COMPLETE, "SG-3 and ends again");
    must(call_cancel_release(cancel));
    ok_hr(call_cancel(other, 0), RPC_E_CALL_COMPLETE, "the other interface outlives the first");
    must(call_cancel_release(other));
    scene_close(&scene);
}

/* All that a cancel interface answers when its call is over; `state` says how. */
static void over_for(call_cancel_t cancel, const char *state)
{
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "cancel(0) %s", state);
    ok_hr(call_cancel(cancel, CALL_INFINITE), RPC_E_CALL_COMPLETE, "cancel(INFINITE) %s", state);
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "request_cancel %s", state);
    ok_hr(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "test_cancel %s", state);
}

static void cancel_too_late(void)
{
    scene_t scene;
    job_t next;
    char text[ROOM];
    scene_open(&scene, 1);
    call_cancel_t early = cancel_of(scene.call);
    over_for(early, "of a call that is not begun");
    must(call_begin(scene.call, ECHO, "kept", 4));
    call_cancel_t cancel = cancel_of(scene.call);
    completed(scene.call);
    over_for(cancel, "of a completed call");
    over_for(early, "of a completed call, queried before it was begun");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "CN-6 the result is untouched");
    ok_str(text, "kept", "CN-6 and so is the output");
    over_for(cancel, "of a finished call");
    job_init(&next, "next", S_OK);
    enter_job(scene.call, HOLD, &next);
    over_for(cancel, "of a finished call whose object was begun again");
    over_for(early, "of a finished call, queried before it was begun");
    ok_hr(call_context_test_cancel(next.context), RPC_S_CALLPENDING, "TC-7 the new call is not hit");
    gate_open(&next.release);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "TC-7 and ends as it would");
    ok_str(text, "next", "TC-7 with its output");
    must(call_cancel_release(early));
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void cancel_after_a_release(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    call_t call = new_call(&scene.target);
    enter_job(call, DEFER, &job);
    call_cancel_t cancel = cancel_of(call), gone = cancel_of(call);
    must(call_cancel_release(gone));
    ok_hr(call_cancel(gone, 0), E_HANDLE, "cancel by a released interface");
    ok_hr(call_request_cancel(gone, 0), E_HANDLE, "request_cancel by a released interface");
    ok_hr(call_test_cancel(gone), E_HANDLE, "test_cancel by a released interface");
    ok_hr(call_context_test_cancel(job.context), RPC_S_CALLPENDING, "CN-15 the call goes on");
    must(call_release(call));
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "the interface outlives its call object");
    ok_hr(call_cancel(cancel, 0), S_OK, "and cancels the call");
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_CANCELED, "which is told");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 and cancels it again");
    must(call_context_complete(job.context, S_OK));
    ok_hr(call_context_complete(job.context, S_OK), RPC_E_CALL_COMPLETE, "SG-3 the method ended once");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

/* Begun again in every state in which the call is busy, and none of it is noticed. */
static void begin_twice(void)
{
    scene_t scene;
    job_t job;
    char text[ROOM];
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    ok_hr(call_begin(scene.call, ECHO, "second", 6), RPC_S_CALLPENDING, "BG-3 begin while pending");
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_begin(scene.call, ECHO, "second", 6), RPC_S_CALLPENDING, "BG-3 begin in the grace period");
    must(call_context_write(job.context, "only", 4));
    must(call_context_complete(job.context, S_OK));
    ok_hr(call_begin(scene.call, ECHO, "second", 6), RPC_S_CALLPENDING, "BG-4 begin while complete");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "BG-3 the one call ends as it would");
    ok_str(text, "only", "BG-3 with its own output");
    enter_job(scene.call, DEFER, &job);
    call_cancel_t abandoned = cancel_of(scene.call);
    must(call_cancel(abandoned, 0));
    ok_hr(call_begin(scene.call, ECHO, "second", 6), RPC_S_CALLPENDING, "BG-5 begin while canceled");
    ok_hr(finish(scene.call), RPC_E_CALL_CANCELED, "BG-5 the canceled call ends");
    must(call_context_complete(job.context, S_OK));
    must(call_cancel_release(cancel));
    must(call_cancel_release(abandoned));
    scene_close(&scene);
    ok_u64(atomic_load(&scene.target.entries), 2, "no refused begin entered a method");
}

static void count_freed(void *data, size_t len, void *user)
{
    (void)data;
    (void)len;
    (void)atomic_fetch_add((atomic_uint *)user, 1);
}

static void hand_over_a_buffer_twice(void)
{
    scene_t scene;
    job_t job;
    char bytes[] = "owned", text[ROOM];
    atomic_uint freed = 0;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    ok_hr(call_begin_owned(scene.call, ECHO, bytes, 5, count_freed, &freed), RPC_S_CALLPENDING,
          "BG-3 a buffer handed to a busy call");
    ok_u64(atomic_load(&freed), 0, "BG-3 is still the caller's");
    must(call_context_complete(job.context, S_OK));
    must(finish(scene.call));
    ok_hr(call_begin_owned(scene.call, ECHO, bytes, 5, count_freed, &freed), S_OK, "and handed over again");
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "is taken");
    ok_str(text, "owned", "and used");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 the call is finished again");
    scene_close(&scene);
    ok_u64(atomic_load(&freed), 1, "the buffer is freed once");
}

static void take_a_buffer_twice(void)
{
    scene_t scene;
    call_buffer_t buffer = {0}, again = {1};
    const void *data;
    size_t len;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "kept", 4));
    ok_hr(call_finish_buffer(scene.call, &buffer), S_OK, "an output is taken over");
    ok_hr(call_finish_buffer(scene.call, &again), RPC_E_CALL_COMPLETE, "FI-7 and taken again");
    ok_u64(again.id, 0, "FI-7 which gives none");
    must(call_begin(scene.call, ECHO, "other", 5));
    ok_hr(call_finish_buffer(scene.call, &again), S_OK, "the next output is taken over");
    ok_hr(call_buffer_get(buffer, &data, &len), S_OK, "the first is read");
    ok_hr(call_buffer_get(buffer, &data, &len), S_OK, "and read again");
    ok_mem(data, len, "kept", 4, "as it was");
    ok_hr(call_buffer_release(buffer), S_OK, "it is released");
    ok_hr(call_buffer_release(buffer), E_HANDLE, "and released again");
    ok_hr(call_buffer_get(buffer, &data, &len), E_HANDLE, "too late to read it");
    ok_hr(call_buffer_get(again, &data, &len), S_OK, "the other is not harmed");
    ok_mem(data, len, "other", 5, "and has its own bytes");
    must(call_buffer_release(again));
    scene_close(&scene);
}

static void disconnect_twice(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_object_disconnect(scene.target.object), S_OK, "an object is disconnected");
    ok_hr(call_object_disconnect(scene.target.object), S_OK, "and disconnected again");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 too late for a cancel");
    ok_hr(finish(scene.call), RPC_E_DISCONNECTED, "FI-15 its call has ended");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 and is finished once");
    ok_hr(call_begin(scene.call, ECHO, "late", 4), RPC_E_DISCONNECTED, "too late for a call");
    ok_hr(call_context_complete(job.context, S_OK), S_OK, "SG-4 its method ends too late");
    ok_hr(call_context_complete(job.context, S_OK), RPC_E_CALL_COMPLETE, "SG-3 and ends again");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void last_error_is_read_twice(void)
{
    call_hresult_t code = E_FAIL;
    char text[256];
    size_t len = 7;
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "a failure");
    ok_hr(call_get_last_error(&code, text, sizeof text, &len), S_OK, "is read");
    ok_hr(code, E_HANDLE, "with its code");
    ok_u64(len, strlen(text) + 1, "and a text of the length that was told");
    ok_hr(call_get_last_error(&code, text, sizeof text, &len), S_FALSE, "and read again");
    ok_hr(code, S_OK, "when there is none");
    ok_str(text, "", "and no text");
}

static const tap_test_t tests[] = {
    TAP_TEST(release_twice),
    TAP_TEST(release_an_object_twice),
    TAP_TEST(close_and_release_an_apartment_twice),
    TAP_TEST(use_a_call_after_its_release),
    TAP_TEST(finish_twice),
    TAP_TEST(cancel_twice),
    TAP_TEST(cancel_too_late),
    TAP_TEST(cancel_after_a_release),
    TAP_TEST(begin_twice),
    TAP_TEST(hand_over_a_buffer_twice),
    TAP_TEST(take_a_buffer_twice),
    TAP_TEST(disconnect_twice),
    TAP_TEST(last_error_is_read_twice),
};

TAP_MAIN(tests)
