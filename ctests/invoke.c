/* Synchronous calls and what they are made in: a thread that serves meanwhile, a method that must not wait
 * for itself, a call that is canceled above it, a full apartment, many threads at once.
 *
 *   CALL_INVOKES  how many calls each of four threads makes (20000) */
#include "place.h"
#include "queues.h"

enum { INVOKES = 20000, THREADS = 4, SOON_MS = 20 };

/* Invokes a method of its own apartment. */
static call_hresult_t invoke_at_home(job_t *job)
{
    call_fate_t fate = CALL_FATE_UNKNOWN;
    job->numbers[0] = 7;
    size_t len = 7;
    job->codes[0] = call_invoke(job->object, ECHO, "home", 4, NULL, 0, &len, CALL_INFINITE, &fate);
    job->numbers[0] = len;
    job->numbers[1] = (uint64_t)fate;
    return S_OK;
}

static void a_method_invokes_at_home(void)
{
    for (uint32_t most = 1; most <= 2; most++) {
        target_t target;
        job_t job;
        call_apartment_t apartment = apartment_of(1, most, 0);
        target_create(&target, apartment);
        job_init(&job, NULL, S_OK);
        job.run = invoke_at_home;
        job.object = target.object;
        job_t *pointer = &job;
        ok_hr(call_invoke(target.object, RUN, &pointer, sizeof pointer, NULL, 0, NULL, CALL_INFINITE, NULL), S_OK,
              "a method of an apartment with at most %u threads", (unsigned)most);
        if (most == 1) {
            ok_hr(job.codes[0], CALL_E_DEADLOCK, "that invokes another one there would wait for itself");
            ok_fate((call_fate_t)job.numbers[1], CALL_FATE_NEVER_STARTED, "the other is canceled");
            ok_u64(job.numbers[0], 0, "without output");
        } else {
            ok_hr(job.codes[0], CALL_E_MORE_DATA, "that invokes another one there: a further thread runs it");
            ok_fate((call_fate_t)job.numbers[1], CALL_FATE_COMPLETED, "to its end");
            ok_u64(job.numbers[0], 4, "with its output");
        }
        target_destroy(&target);
        ok_u64(atomic_load(&target.entries), most, "%u methods ran", (unsigned)most);
        must(call_apartment_close(apartment, hang_ms(), NULL));
        must(call_apartment_release(apartment));
    }
}

/* Invokes a method that obeys, of an apartment elsewhere. */
static call_hresult_t invoke_elsewhere(job_t *job)
{
    job_t *inner = job->data;
    call_fate_t fate = CALL_FATE_NONE;
    gate_open(&job->entered);
    job->codes[0] =
        call_invoke(job->object, OBEY, &inner, sizeof inner, NULL, 0, NULL, CALL_INFINITE, &fate);
    job->numbers[0] = (uint64_t)fate;
    return RPC_E_CALL_CANCELED;
}

static void a_cancel_from_above(void)
{
    scene_t outer, inner;
    job_t job, obeying;
    scene_open(&outer, 1);
    scene_open(&inner, 1);
    job_init(&job, NULL, S_OK);
    job_init(&obeying, NULL, RPC_E_CALL_CANCELED);
    job.run = invoke_elsewhere;
    job.object = inner.target.object;
    job.data = &obeying;
    enter_job(outer.call, RUN, &job);
    gate_wait(&obeying.entered);
    call_cancel_t cancel = cancel_of(outer.call);
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), S_OK, "the call of a method that invokes another is canceled");
    ok_hr(finish(outer.call), RPC_E_CALL_CANCELED, "it ends");
    ok_hr(job.codes[0], RPC_E_CALL_CANCELED, "as the synchronous call inside did, by its parent");
    ok_fate((call_fate_t)job.numbers[0], CALL_FATE_STOPPED, "whose method has stopped");
    must(call_cancel_release(cancel));
    gate_wait(&obeying.left);
    scene_close(&outer);
    scene_close(&inner);
}

static void a_full_apartment_refuses(void)
{
    target_t target;
    job_t job;
    call_fate_t fate = CALL_FATE_UNKNOWN;
    call_apartment_t apartment = apartment_of(1, 1, 1);
    target_create(&target, apartment);
    job_init(&job, NULL, S_OK);
    call_t running = new_call(&target), queued = new_call(&target);
    enter_job(running, HOLD, &job);
    must(call_begin(queued, ECHO, NULL, 0));
    ok_hr(call_invoke(target.object, ECHO, NULL, 0, NULL, 0, NULL, CALL_INFINITE, &fate), CALL_E_TOO_BUSY,
          "BG-7 a full apartment refuses");
    ok_fate(fate, CALL_FATE_NONE, "BG-7 and nothing became of it");
    gate_open(&job.release);
    must(finish(running));
    must(finish(queued));
    must(call_release(running));
    must(call_release(queued));
    target_destroy(&target);
    ok_u64(atomic_load(&target.entries), 2, "BG-7 it did not run");
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static void a_queued_call_times_out(void)
{
    scene_t scene;
    job_t job;
    call_fate_t fate = CALL_FATE_NONE;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, HOLD, &job);
    ok_hr(call_invoke(scene.target.object, ECHO, NULL, 0, NULL, 0, NULL, SOON_MS, &fate), RPC_E_TIMEOUT,
          "a deadline passes before the method could start");
    ok_fate(fate, CALL_FATE_NEVER_STARTED, "and it never does");
    gate_open(&job.release);
    must(finish(scene.call));
    scene_close(&scene);
}

static void the_owner_serves_itself(void)
{
    place_t place = {.kind = CALL_APARTMENT_SINGLE};
    char out[8];
    size_t len = 0;
    place_make(&place);
    target_create(&place.target, place.apartment);
    ok_hr(call_invoke(place.target.object, ECHO, "own", 3, out, sizeof out, &len, CALL_INFINITE, NULL), S_OK,
          "the owner of a single apartment invokes its own object, and serves it");
    ok_mem(out, len, "own", 3, "with its output");
    target_destroy(&place.target);
    must(call_apartment_close(place.apartment, 0, NULL));
    must(call_apartment_release(place.apartment));
}

/* Many at once; each has its own answer. */
typedef struct crowd_t {
    const place_t *place;
    unsigned calls;
    atomic_uint thread, right;
} crowd_t;

static void *invoke_many(void *argument)
{
    crowd_t *crowd = argument;
    uint64_t self = (uint64_t)atomic_fetch_add(&crowd->thread, 1) << 32;
    for (unsigned i = 0; i < crowd->calls; i++) {
        uint64_t in = self | i, out = 0;
        size_t len = 0;
        call_hresult_t result = call_invoke(crowd->place->target.object, ECHO, &in, sizeof in, &out, sizeof out, &len,
                                            hang_ms(), NULL);
        atomic_fetch_add(&crowd->right, result == S_OK && out == in && len == sizeof in);
    }
    return NULL;
}

static void many_threads_at_each_kind(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        place_t place;
        pthread_t threads[THREADS];
        place_open(&place, place_kinds[kind].kind);
        crowd_t crowd = {.place = &place, .calls = asked_for("CALL_INVOKES", INVOKES)};
        uint64_t from = now_us();
        for (int i = 0; i < THREADS; i++)
            (void)pthread_create(&threads[i], NULL, invoke_many, &crowd);
        for (int i = 0; i < THREADS; i++)
            (void)pthread_join(threads[i], NULL);
        ok_u64(crowd.right, THREADS * crowd.calls, "[%s] each of %d threads gets its own answers",
               place_kinds[kind].name, THREADS);
        diag("[%s] %.2f us for each", place_kinds[kind].name, (double)(now_us() - from) / (THREADS * crowd.calls));
        place_close(&place);
    }
}

static const tap_test_t tests[] = {
    TAP_TEST(a_method_invokes_at_home),
    TAP_TEST(a_cancel_from_above),
    TAP_TEST(a_full_apartment_refuses),
    TAP_TEST(a_queued_call_times_out),
    TAP_TEST(the_owner_serves_itself),
    TAP_TEST(many_threads_at_each_kind),
};

TAP_MAIN(tests)
