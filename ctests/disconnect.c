/* An object that is cut off from its clients: what becomes of calls that wait, run, go on later, or
 * were begun on their client's own thread, and of everything else. */
#include "stage.h"

#include <stdio.h>

enum { ROUNDS = 300, RIVALS = 2 };

/* A call that runs and one that waits behind it, in an apartment whose threads all have work. */
typedef struct crowd_t {
    place_t place;
    target_t other;
    job_t running, queued, hold;
    call_t runs, waits, busy;
} crowd_t;

static void crowd_open(crowd_t *crowd, uint32_t kind)
{
    place_open(&crowd->place, kind);
    target_create(&crowd->other, crowd->place.apartment);
    job_init(&crowd->running, "late", RPC_E_CALL_CANCELED);
    job_init(&crowd->queued, NULL, S_OK);
    job_init(&crowd->hold, NULL, S_OK);
    crowd->runs = new_call(&crowd->place.target);
    crowd->waits = new_call(&crowd->place.target);
    crowd->busy = new_call(&crowd->other);
    enter_job(crowd->runs, OBEY, &crowd->running);
    if (kind == CALL_APARTMENT_MULTI)
        enter_job(crowd->busy, HOLD, &crowd->hold);
    begin_job(crowd->waits, OBEY, &crowd->queued);
    if (kind != CALL_APARTMENT_MULTI)
        begin_job(crowd->busy, HOLD, &crowd->hold);
}

/* How many methods of the object were entered. */
static unsigned crowd_close(crowd_t *crowd)
{
    must(call_release(crowd->runs));
    must(call_release(crowd->waits));
    must(call_release(crowd->busy));
    target_destroy(&crowd->other);
    place_close(&crowd->place);
    return atomic_load(&crowd->place.target.entries);
}

static void check_crowd(crowd_t *crowd, const char *name)
{
    call_t runs = crowd->runs, waits = crowd->waits;
    ok_hr(call_object_disconnect(crowd->place.target.object), S_OK, "[%s] FI-15 an object is disconnected", name);
    ok_hr(call_wait(runs, 0), S_OK, "[%s] FI-15 a call that runs is complete at once", name);
    ok_hr(finish(runs), RPC_E_DISCONNECTED, "[%s] FI-15 with RPC_E_DISCONNECTED", name);
    ok_hr(call_wait(waits, 0), S_OK, "[%s] FI-15 one that waits is complete at once", name);
    ok_hr(finish(waits), RPC_E_DISCONNECTED, "[%s] FI-15 with RPC_E_DISCONNECTED", name);
    ok_fate(fate_of(waits), CALL_FATE_NEVER_STARTED, "[%s] CN-13 and never starts", name);
    gate_wait(&crowd->running.left);
    ok_hr(crowd->running.seen, RPC_E_CALL_CANCELED, "[%s] FI-15 the method that runs was told", name);
    ok_fate(settled_fate_of(runs), CALL_FATE_STOPPED, "[%s] FI-15 and stopped", name);
    ok_hr(call_begin(runs, ECHO, "x", 1), RPC_E_DISCONNECTED, "[%s] FI-15 begin is refused", name);
    ok_hr(finish(runs), RPC_E_CALL_COMPLETE, "[%s] BG-8 nothing is pending after it", name);
    gate_open(&crowd->hold.release);
    ok_hr(finish(crowd->busy), S_OK, "[%s] FI-15 another object of the apartment does not notice", name);
}

static void running_and_waiting_ones(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        const char *name = place_kinds[kind].name;
        crowd_t crowd;
        crowd_open(&crowd, place_kinds[kind].kind);
        check_crowd(&crowd, name);
        ok_u64(crowd_close(&crowd), 1, "[%s] CN-13 one method was entered", name);
        ok_u64(gate_count(&crowd.place.target.destroyed), 1, "[%s] LT-2 destroy ran once", name);
    }
}

static void look_at_another(call_t call, void *user)
{
    job_t *look = user;
    (void)call;
    look->codes[0] = call_wait(look->call, 0);
}

/* None starts because another one ended. */
static void waiting_ones_are_ended_first(void)
{
    scene_t scene;
    job_t held, look;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    job_init(&look, NULL, S_OK);
    look.call = new_call(&scene.target);
    must(call_set_callback(scene.call, look_at_another, &look, NULL));
    enter_job(scene.call, HOLD, &held);
    must(call_begin(look.call, ECHO, NULL, 0));
    must(call_object_disconnect(scene.target.object));
    ok_hr(finish(scene.call), RPC_E_DISCONNECTED, "FI-15 when a call that runs is ended");
    ok_hr(look.codes[0], S_OK, "FI-15 those that wait have ended");
    ok_hr(finish(look.call), RPC_E_DISCONNECTED, "FI-15 with the same code");
    gate_open(&held.release);
    must(call_release(look.call));
    scene_close(&scene);
}

static void deferred_one_is_told(void)
{
    stage_t stage;
    ear_t ear;
    int fd = -1;
    stage_open(&stage);
    ear_init(&ear);
    must(call_context_on_cancel(stage.job.context, hear, &ear));
    must(call_context_get_cancel_fd(stage.job.context, &fd));
    must(call_object_disconnect(stage.scene.target.object));
    ok_hr(call_wait(stage.scene.call, 0), S_OK, "FI-15 a deferred call is complete at once");
    gate_wait(&ear.entered);
    ok(readable(fd), "FI-15 its descriptor and its function tell");
    ok_hr(call_context_test_cancel(stage.job.context), RPC_E_CALL_CANCELED, "FI-15 and so does a look");
    ok_hr(call_context_write(stage.job.context, "x", 1), RPC_E_CALL_CANCELED, "FI-15 nobody reads it any more");
    ok_hr(call_cancel(stage.cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 a cancel is too late, the call is complete");
    ok_fate(fate_of(stage.scene.call), CALL_FATE_RUNNING, "FI-15 the work goes on");
    ok_hr(finish(stage.scene.call), RPC_E_DISCONNECTED, "FI-15 without its client");
    ok_hr(call_context_complete(stage.job.context, S_OK), S_OK, "SG-4 its late answer is taken and dropped");
    ok_fate(fate_of(stage.scene.call), CALL_FATE_COMPLETED, "SG-4 it completed");
    ok_u64(atomic_load(&ear.runs), 1, "TC-6 the function ran once");
    stage_close(&stage);
}

static void complete_one_keeps_its_result(void)
{
    scene_t scene;
    char text[8];
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "kept", 4));
    completed(scene.call);
    must(call_object_disconnect(scene.target.object));
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "FI-15 a call that was complete keeps its result");
    ok_str(text, "kept", "FI-15 and its output");
    ok_fate(fate_of(scene.call), CALL_FATE_COMPLETED, "FI-15 and its fate");
    ok_hr(call_object_disconnect(scene.target.object), S_OK, "FI-15 to disconnect again changes nothing");
    call_t call;
    call_hresult_t created = call_create(scene.target.object, &call);
    ok_hr(created, S_OK, "CR-2 a call object of it is still made");
    ok_hr(call_begin(call, ECHO, "x", 1), RPC_E_DISCONNECTED, "FI-15 and begins nothing");
    must(call_release(call));
    ok_hr(call_object_disconnect((call_object_t){scene.call.id}), E_HANDLE, "LT-1 a handle of another kind");
    ok_hr(call_object_disconnect((call_object_t){0}), E_HANDLE, "LT-1 the null handle");
    call_object_t object = scene.target.object;
    scene_close(&scene);
    ok_hr(call_object_disconnect(object), E_HANDLE, "LT-1 a released handle");
}

static void canceled_one_stays_canceled(void)
{
    stage_t stage;
    stage_open(&stage);
    must(call_cancel(stage.cancel, 0));
    must(call_object_disconnect(stage.scene.target.object));
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "CN-1 FI-15 a call canceled before keeps its code");
    must(call_context_complete(stage.job.context, S_OK));
    stage_close(&stage);
    stage_open(&stage);
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    must(call_object_disconnect(stage.scene.target.object));
    ok_hr(call_wait(stage.scene.call, 0), S_OK, "FI-15 a call in its grace period is complete at once");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "CN-5 FI-15 the first cause gives the code");
    must(call_context_complete(stage.job.context, S_OK));
    stage_close(&stage);
}

/* A class that begins: its methods are completed by the test. */
typedef struct own_t {
    gate_t begun, told, destroyed;
    call_context_t context;
} own_t;

static call_hresult_t own_begin(void *self, call_context_t context, uint32_t method, const void *in,
                                size_t in_len)
{
    own_t *own = self;
    (void)method, (void)in, (void)in_len;
    own->context = context;
    gate_open(&own->begun);
    return S_OK;
}

static call_hresult_t own_cancel(void *self, call_context_t context, uint32_t grace_ms)
{
    (void)context, (void)grace_ms;
    gate_open(&((own_t *)self)->told);
    return S_OK;
}

static void own_destroy(void *self)
{
    gate_open(&((own_t *)self)->destroyed);
}

static const char *const own_methods[] = {"work"};

static call_class_t own_class(uint32_t flags, call_cancel_fn cancel)
{
    return (call_class_t){
        .size = sizeof(call_class_t), .methods = own_methods, .method_count = 1, .flags = flags,
        .begin = own_begin, .cancel = cancel, .destroy = own_destroy,
    };
}

static call_object_t own_create(own_t *own, call_apartment_t apartment, uint32_t flags, call_cancel_fn cancel)
{
    call_class_t class = own_class(flags, cancel);
    call_object_t object;
    *own = (own_t){.context = {0}};
    gate_init(&own->begun, "begun");
    gate_init(&own->told, "told through the class");
    gate_init(&own->destroyed, "destroyed");
    must(call_object_create(apartment, &class, own, &object));
    return object;
}

static void check_own(own_t *own, call_object_t object, call_t call, const char *name)
{
    ok_hr(call_object_disconnect(object), S_OK, "[%s] FI-15 an object is disconnected", name);
    ok_hr(call_wait(call, 0), S_OK, "[%s] FI-15 its call is complete at once", name);
    ok_fate(fate_of(call), CALL_FATE_RUNNING, "[%s] FI-15 its work goes on", name);
    ok_hr(finish(call), RPC_E_DISCONNECTED, "[%s] FI-15 without its client", name);
    ok_hr(call_context_test_cancel(own->context), RPC_E_CALL_CANCELED, "[%s] FI-15 the method is told", name);
    ok_hr(call_begin(call, 0, NULL, 0), RPC_E_DISCONNECTED, "[%s] FI-15 begin is refused", name);
    ok_u64(gate_count(&own->begun), 1, "[%s] FI-15 and not handed to the class", name);
    must(call_release(call));
    must(call_object_release(object));
    ok_u64(gate_count(&own->destroyed), 0, "[%s] LT-2 the object lives while its method does", name);
    ok_hr(call_context_complete(own->context, S_OK), S_OK, "[%s] SG-4 the late answer is dropped", name);
    gate_wait(&own->destroyed);
    ok_u64(gate_count(&own->destroyed), 1, "[%s] LT-2 destroy ran once", name);
}

static void custom_marshaling(void)
{
    static const call_cancel_fn cancels[] = {NULL, own_cancel};
    for (int i = 0; i < 2; i++) {
        own_t own;
        call_t call;
        call_object_t object =
            own_create(&own, (call_apartment_t){0}, CALL_CLASS_CUSTOM_MARSHALING, cancels[i]);
        must(call_create(object, &call));
        must(call_begin(call, 0, NULL, 0));
        check_own(&own, object, call, i == 0 ? "custom, no cancel" : "custom");
    }
}

static void begun_in_its_apartment(void)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = CALL_APARTMENT_SINGLE};
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment));
    own_t own;
    call_t call;
    call_object_t object = own_create(&own, apartment, 0, NULL);
    must(call_create(object, &call));
    must(call_begin(call, 0, NULL, 0));
    uint32_t served = 0;
    while (served == 0)
        must(call_apartment_pump(apartment, hang_ms(), &served));
    check_own(&own, object, call, "single, begun there");
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static call_hresult_t begin_inside(job_t *job)
{
    return call_begin(job->call, 0, NULL, 0);
}

static void direct_call(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        char name[32];
        place_t place;
        own_t own;
        job_t job;
        place_open(&place, place_kinds[kind].kind);
        call_object_t object = own_create(&own, place.apartment, 0, own_cancel);
        call_t outer = new_call(&place.target);
        job_init(&job, NULL, S_OK);
        job.run = begin_inside;
        must(call_create(object, &job.call));
        begin_job(outer, RUN, &job);
        must(finish(outer));
        (void)snprintf(name, sizeof name, "same %s", place_kinds[kind].name);
        check_own(&own, object, job.call, name);
        must(call_release(outer));
        place_close(&place);
    }
}

static void class_is_told_in_its_apartment(void)
{
    scene_t scene;
    own_t own;
    call_t call;
    scene_open(&scene, 1);
    call_object_t object = own_create(&own, scene.apartment, 0, own_cancel);
    must(call_create(object, &call));
    must(call_begin(call, 0, NULL, 0));
    gate_wait(&own.begun);
    must(call_object_disconnect(object));
    gate_wait(&own.told);
    ok_u64(gate_count(&own.told), 1, "FI-15 a class with a cancel of its own is told through it, once");
    ok_hr(finish(call), RPC_E_DISCONNECTED, "FI-15 and the client is freed all the same");
    must(call_context_complete(own.context, S_OK));
    must(call_release(call));
    must(call_object_release(object));
    gate_wait(&own.destroyed);
    scene_close(&scene);
}

static call_hresult_t disconnect_self(job_t *job)
{
    job->codes[0] = call_object_disconnect(job->object);
    job->codes[1] = call_context_test_cancel(job->context);
    return S_OK;
}

static void from_inside_its_own_method(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = disconnect_self;
    job.object = scene.target.object;
    begin_job(scene.call, RUN, &job);
    ok_hr(finish(scene.call), RPC_E_DISCONNECTED, "FI-15 a method disconnects its own object");
    gate_wait(&job.left);
    ok_hr(job.codes[0], S_OK, "FI-15 which does not wait for it");
    ok_hr(job.codes[1], RPC_E_CALL_CANCELED, "FI-15 and tells it");
    scene_close(&scene);
}

/* Begins again and again until it is refused. */
static call_hresult_t run_begins(caller_t *self)
{
    job_t *job = self->data;
    for (;;) {
        call_hresult_t begun = call_begin(self->call, OBEY, &job, sizeof job);
        if (begun == RPC_E_DISCONNECTED)
            return S_OK;
        if (begun != S_OK)
            return begun;
        gate_open(&job->release);
        call_hresult_t result = call_finish(self->call, NULL, 0, NULL);
        if (result != RPC_E_DISCONNECTED)
            return result;
        self->number++;
    }
}

/* A begin that races is refused or ended, never left behind: its method waits for a cancel. */
static void race_of_begin_and_disconnect(void)
{
    unsigned begun = 0, refused = 0, wrong = 0;
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    for (unsigned i = 0; i < ROUNDS || ((begun == 0 || refused == 0) && now_us() < end); i++) {
        scene_t scene;
        caller_t rivals[RIVALS];
        job_t jobs[RIVALS];
        scene_open(&scene, RIVALS);
        for (unsigned r = 0; r < RIVALS; r++) {
            job_init(&jobs[r], NULL, RPC_E_CALL_CANCELED);
            rivals[r] = (caller_t){.run = run_begins, .call = new_call(&scene.target), .data = &jobs[r]};
            caller_start(&rivals[r]);
        }
        if (i % 2 == 0)
            gate_wait(&jobs[0].release);
        must(call_object_disconnect(scene.target.object));
        for (unsigned r = 0; r < RIVALS; r++) {
            wrong += caller_join(&rivals[r]) != S_OK;
            begun += rivals[r].number;
            refused += rivals[r].number == 0;
            must(call_release(rivals[r].call));
        }
        scene_close(&scene);
    }
    ok_u64(wrong, 0, "FI-15 begins that race with a disconnect are refused or ended");
    ok(begun != 0 && refused != 0, "FI-15 both occurred");
    diag("%u begins were ended, %u refused at once", begun, refused);
}

static const tap_test_t tests[] = {
    TAP_TEST(running_and_waiting_ones),
    TAP_TEST(waiting_ones_are_ended_first),
    TAP_TEST(deferred_one_is_told),
    TAP_TEST(complete_one_keeps_its_result),
    TAP_TEST(canceled_one_stays_canceled),
    TAP_TEST(custom_marshaling),
    TAP_TEST(begun_in_its_apartment),
    TAP_TEST(direct_call),
    TAP_TEST(class_is_told_in_its_apartment),
    TAP_TEST(from_inside_its_own_method),
    TAP_TEST(race_of_begin_and_disconnect),
};

TAP_MAIN(tests)
