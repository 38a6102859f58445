/* Buffers without copies: an input that the library takes over, an output that it hands out, and a
 * writer that writes in place. */
#include "stage.h"

#include <stdlib.h>

enum { LARGE = 10 << 20, SHORT_LEN = 3 };

/* A destructor's books. */
typedef struct owner_t {
    atomic_uint freed;
    void *data;
    size_t len;
    gate_t gone;
} owner_t;

static void owner_init(owner_t *owner)
{
    memset(owner, 0, sizeof *owner);
    gate_init(&owner->gone, "freed");
}

static void freed(void *data, size_t len, void *user)
{
    owner_t *owner = user;
    (void)atomic_fetch_add(&owner->freed, 1);
    owner->data = data;
    owner->len = len;
    gate_open(&owner->gone);
}

static unsigned char *filled(size_t len)
{
    unsigned char *bytes = malloc(len);
    if (bytes == NULL)
        bail_out("no memory");
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(i * 31 ^ i >> 8);
    return bytes;
}

static void freed_once(owner_t *owner, const void *data, size_t len, const char *what)
{
    gate_wait(&owner->gone);
    ok_u64(atomic_load(&owner->freed), 1, "BG-1 %s: the buffer is freed once", what);
    ok(owner->data == data && owner->len == len, "BG-1 %s: by its own address and length", what);
}

static call_hresult_t see_input(job_t *job)
{
    job->codes[0] = job->in == (char *)job->data + sizeof job ? S_OK : E_FAIL;
    return call_context_write(job->context, job->in, job->in_len);
}

static void large_input_is_not_copied(void)
{
    scene_t scene;
    owner_t owner;
    job_t job, *self = &job;
    size_t len = 0;
    unsigned char *in = filled(LARGE), *out = malloc(LARGE);
    scene_open(&scene, 1);
    owner_init(&owner);
    job_init(&job, NULL, S_OK);
    job.run = see_input;
    job.data = in;
    memcpy(in, &self, sizeof self);
    ok_hr(call_begin_owned(scene.call, RUN, in, LARGE, freed, &owner), S_OK, "BG-1 begin with a large buffer");
    ok_hr(call_finish(scene.call, out, LARGE, &len), S_OK, "FI-1 its method ran");
    freed_once(&owner, in, LARGE, "a method that returned");
    ok_u64(len, LARGE - sizeof self, "FI-1 and was given all of it");
    ok(memcmp(out, in + sizeof self, len) == 0, "FI-1 byte by byte");
    ok_hr(job.codes[0], S_OK, "BG-1 at the very address that was handed over");
    scene_close(&scene);
    ok_u64(atomic_load(&owner.freed), 1, "LT-2 nor is it freed with the call object");
    free(in);
    free(out);
}

static void empty_inputs(void)
{
    static char byte;
    void *const inputs[] = {NULL, &byte};
    scene_t scene;
    scene_open(&scene, 1);
    for (int i = 0; i < 2; i++) {
        const char *what = inputs[i] == NULL ? "NULL and 0" : "a buffer of length 0";
        owner_t owner;
        size_t len = 1;
        owner_init(&owner);
        ok_hr(call_begin_owned(scene.call, ECHO, inputs[i], 0, freed, &owner), S_OK, "BG-1 begin with %s", what);
        ok_hr(call_finish(scene.call, NULL, 0, &len), S_OK, "FI-1 its method ran");
        ok_u64(len, 0, "FI-1 with nothing");
        freed_once(&owner, inputs[i], 0, what);
    }
    scene_close(&scene);
}

static void failed_begins_free_nothing(void)
{
    scene_t scene;
    owner_t owner;
    job_t job;
    scene_open(&scene, 1);
    owner_init(&owner);
    job_init(&job, NULL, S_OK);
    void *in = "input";
    call_t call = scene.call;
    ok_hr(call_begin_owned(call, METHOD_COUNT, in, 5, freed, &owner), DISP_E_MEMBERNOTFOUND, "BG-7 no such method");
    ok_hr(call_begin_owned(call, ECHO, in, 5, NULL, &owner), E_POINTER, "BG-7 nothing to free it with");
    ok_hr(call_begin_owned(call, ECHO, NULL, 5, freed, &owner), E_POINTER, "BG-7 no bytes");
    ok_hr(call_begin_owned((call_t){0}, ECHO, in, 5, freed, &owner), E_HANDLE, "BG-7 no call object");
    enter_job(call, DEFER, &job);
    ok_hr(call_begin_owned(call, ECHO, in, 5, freed, &owner), RPC_S_CALLPENDING, "BG-3 a busy call object");
    must(call_context_complete(job.context, S_OK));
    ok_hr(call_begin_owned(call, ECHO, in, 5, freed, &owner), RPC_S_CALLPENDING, "BG-4 not yet finished");
    must(finish(call));
    must(call_object_disconnect(scene.target.object));
    ok_hr(call_begin_owned(call, ECHO, in, 5, freed, &owner), RPC_E_DISCONNECTED, "FI-15 a disconnected object");
    scene_close(&scene);
    ok_u64(atomic_load(&owner.freed), 0, "BG-7 the buffer is the caller's still");
}

static void full_queue_frees_nothing(void)
{
    target_t target;
    owner_t owner, queued;
    job_t job;
    call_apartment_t apartment = apartment_of(1, 1, 1);
    target_create(&target, apartment);
    owner_init(&owner);
    owner_init(&queued);
    job_init(&job, NULL, S_OK);
    call_t busy = new_call(&target), waiting = new_call(&target), refused = new_call(&target);
    enter_job(busy, HOLD, &job);
    must(call_begin_owned(waiting, ECHO, "waits", 5, freed, &queued));
    ok_hr(call_begin_owned(refused, ECHO, "none", 4, freed, &owner), CALL_E_TOO_BUSY, "BG-7 the queue is full");
    call_cancel_t cancel = cancel_of(waiting);
    ok_hr(call_cancel(cancel, 0), S_OK, "CN-13 a call that waits is canceled before its start");
    ok_hr(finish(waiting), RPC_E_CALL_CANCELED, "CN-13 and finished");
    gate_open(&job.release);
    must(finish(busy));
    must(call_cancel_release(cancel));
    must(call_release(waiting));
    must(call_release(refused));
    must(call_release(busy));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
    ok_u64(atomic_load(&queued.freed), 1, "CN-13 its buffer was freed once");
    ok_u64(atomic_load(&owner.freed), 0, "BG-7 that of the refused one was not");
}

static call_hresult_t hold_input(job_t *job)
{
    gate_open(&job->entered);
    gate_wait(&job->release);
    job->codes[0] = memcmp(job->in, "input", job->in_len) == 0 ? S_OK : E_FAIL;
    return S_OK;
}

static void abandoned_and_released(void)
{
    struct { job_t *job; char text[5]; } in;
    scene_t scene;
    owner_t owner;
    job_t job;
    scene_open(&scene, 1);
    owner_init(&owner);
    job_init(&job, NULL, S_OK);
    job.run = hold_input;
    in.job = &job;
    memcpy(in.text, "input", sizeof in.text);
    call_t call = new_call(&scene.target);
    must(call_begin_owned(call, RUN, &in, sizeof in.job + sizeof in.text, freed, &owner));
    gate_wait(&job.entered);
    call_cancel_t cancel = cancel_of(call);
    must(call_cancel(cancel, 0));
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "TO-1 a call is abandoned");
    must(call_release(call));
    must(call_cancel_release(cancel));
    ok_u64(atomic_load(&owner.freed), 0, "SV-3 its method has the buffer still");
    gate_open(&job.release);
    freed_once(&owner, &in, sizeof in.job + sizeof in.text, "an abandoned method that returned");
    ok_hr(job.codes[0], S_OK, "SV-3 it had it until it returned");
    scene_close(&scene);
}

static void released_unseen(void)
{
    static char unseen[] = "unseen";
    scene_t scene;
    owner_t owner;
    scene_open(&scene, 1);
    owner_init(&owner);
    call_t call = new_call(&scene.target);
    must(call_begin_owned(call, ECHO, unseen, 6, freed, &owner));
    must(call_release(call));
    freed_once(&owner, unseen, 6, "a call that was released at once");
    scene_close(&scene);
}

static void output_is_handed_out(void)
{
    static const size_t lengths[] = {0, SHORT_LEN, 64, 65, LARGE};
    scene_t scene;
    unsigned char *in = filled(LARGE);
    scene_open(&scene, 1);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t expected = lengths[i], len = 1;
        call_buffer_t buffer = {1};
        const void *data = NULL;
        must(call_begin(scene.call, ECHO, in, expected));
        ok_hr(call_finish_buffer(scene.call, &buffer), S_OK, "FI-1 finish with an output of %zu bytes", expected);
        ok((buffer.id == 0) == (expected == 0), "FI-1 a buffer if there is any");
        ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "FI-7 the call is finished");
        if (expected == 0)
            continue;
        ok_hr(call_buffer_get(buffer, &data, &len), S_OK, "FI-1 its bytes");
        ok(len == expected && memcmp(data, in, len) == 0, "FI-1 are what the method wrote, %zu bytes", expected);
        /* Another call over the same call object does not touch it. */
        must(call_begin(scene.call, ECHO, "another", 7));
        must(finish(scene.call));
        const void *again = NULL;
        ok_hr(call_buffer_get(buffer, &again, &len), S_OK, "LT-3 they are there as long as the buffer");
        ok(again == data && len == expected && memcmp(again, in, len) == 0, "LT-3 and the same");
        ok_hr(call_buffer_release(buffer), S_OK, "LT-2 it is released");
        ok_hr(call_buffer_release(buffer), E_HANDLE, "LT-2 once");
        ok_hr(call_buffer_get(buffer, &data, &len), E_HANDLE, "LT-2 and has no bytes then");
        ok(data == NULL && len == 0, "LT-2 the outputs are cleared");
    }
    free(in);
    scene_close(&scene);
}

static void buffer_outlives_everything(void)
{
    scene_t scene;
    call_buffer_t buffer;
    const void *data;
    size_t len;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "outlives", 8));
    must(call_finish_buffer(scene.call, &buffer));
    scene_close(&scene);
    ok_hr(call_buffer_get(buffer, &data, &len), S_OK, "LT-3 a buffer outlives call, object and apartment");
    ok_mem(data, len, "outlives", 8, "LT-3 with its bytes");
    must(call_buffer_release(buffer));
}

static void other_answers_of_finish_buffer(void)
{
    stage_t stage;
    call_buffer_t buffer = {1};
    const void *data;
    size_t len;
    call_hresult_t answer[2] = {E_FAIL, 0};
    stage_open(&stage);
    call_t call = stage.scene.call;
    ok_hr(call_finish_buffer(call, NULL), E_POINTER, "CR-4 nowhere to put it");
    ok_hr(call_finish_buffer((call_t){0}, &buffer), E_HANDLE, "LT-1 no call object");
    ok_u64(buffer.id, 0, "LT-1 the output is cleared");
    ok_hr(call_buffer_get((call_buffer_t){call.id}, &data, &len), E_HANDLE, "LT-1 a call is no buffer");
    ok_hr(call_buffer_get((call_buffer_t){0}, &data, &len), E_HANDLE, "LT-1 nor is null");
    ok_hr(call_buffer_release((call_buffer_t){stage.scene.target.object.id}), E_HANDLE, "LT-1 nor an object");
    ok_hr(call_buffer_release((call_buffer_t){0}), E_HANDLE, "LT-1 null is not released");
    must(call_context_write(stage.job.context, "lost", 4));
    must(call_cancel(stage.cancel, 0));
    ok_hr(call_finish_buffer(call, &buffer), RPC_E_CALL_CANCELED, "FI-5 a canceled call");
    ok_u64(buffer.id, 0, "FI-5 has no output");
    ok_hr(call_finish_buffer(call, &buffer), RPC_E_CALL_COMPLETE, "FI-7 and is finished");
    must(call_context_complete(stage.job.context, S_OK));
    must(call_begin(call, ANSWER, answer, sizeof answer));
    ok_hr(call_finish_buffer(call, &buffer), E_FAIL, "FI-10 a method that failed");
    ok_hr(call_buffer_get(buffer, &data, NULL), E_POINTER, "CR-4 nowhere to put the length");
    ok_hr(call_buffer_get(buffer, NULL, &len), E_POINTER, "CR-4 nor the bytes");
    ok_hr(call_buffer_get(buffer, &data, &len), S_OK, "FI-1 what it wrote is there");
    ok_u64(len, sizeof answer - sizeof answer[0], "FI-1 all of it");
    ok_hr(finish((call_t){buffer.id}), E_HANDLE, "LT-1 a buffer is no call");
    must(call_buffer_release(buffer));
    stage_close(&stage);
}

static const tap_test_t tests[] = {
    TAP_TEST(large_input_is_not_copied),
    TAP_TEST(empty_inputs),
    TAP_TEST(failed_begins_free_nothing),
    TAP_TEST(full_queue_frees_nothing),
    TAP_TEST(abandoned_and_released),
    TAP_TEST(released_unseen),
    TAP_TEST(output_is_handed_out),
    TAP_TEST(buffer_outlives_everything),
    TAP_TEST(other_answers_of_finish_buffer),
};

TAP_MAIN(tests)
