/* What is in progress, and how much of it there was: call_enumerate and the counters.
 *
 *   CALL_COUNTED  how many mixed calls are counted (10000) */
#include "distance_support.h"
#include "measure.h"

#include <string.h>

enum { QUEUED = 5, THREADS = 4, SOON = 20, FAR = 3600 * 1000, ROOM = 64 };

/* The list, which is to have one entry for the call. */
static call_info_t info_of(call_t call)
{
    call_info_t infos[ROOM];
    size_t count = 0;
    must(call_enumerate(infos, sizeof infos[0], ROOM, &count));
    for (size_t i = 0; i < count; i++)
        if (infos[i].call.id == call.id)
            return infos[i];
    return (call_info_t){.state = 0};
}

static void room_for_the_list(void)
{
    scene_t scene;
    job_t held;
    call_t calls[QUEUED];
    call_info_t infos[QUEUED + 2];
    size_t count = 7;
    must(call_set_tracking(1, 0));
    ok_hr(call_enumerate(NULL, sizeof infos[0], 0, &count), S_OK, "there is nothing in progress");
    ok_u64(count, 0, "and nothing in the list");
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    enter_job(scene.call, HOLD, &held);
    for (int i = 0; i < QUEUED; i++) {
        calls[i] = new_call(&scene.target);
        must(call_begin(calls[i], ECHO, "x", 1));
    }
    ok_hr(call_enumerate(NULL, sizeof infos[0], 0, &count), CALL_E_MORE_DATA, "no room: the number is asked for");
    ok_u64(count, QUEUED + 1, "of calls in progress");
    memset(infos, 0xEE, sizeof infos);
    ok_hr(call_enumerate(infos, sizeof infos[0], 2, &count), CALL_E_MORE_DATA, "too little room");
    ok_u64(count, QUEUED + 1, "the number is told all the same");
    ok(infos[1].state == CALL_STATE_QUEUED || infos[1].state == CALL_STATE_RUNNING, "what fits is there");
    ok_u64(infos[2].state, 0xEEEEEEEE, "and nothing behind it");
    ok_hr(call_enumerate(infos, sizeof infos[0], QUEUED + 1, &count), S_OK, "room for all");
    unsigned queued = 0, running = 0;
    for (size_t i = 0; i < count; i++) {
        queued += infos[i].state == CALL_STATE_QUEUED;
        running += infos[i].state == CALL_STATE_RUNNING;
    }
    ok_u64(queued, QUEUED, "those behind a method that runs are queued");
    ok_u64(running, 1, "and that one runs");
    ok_hr(call_enumerate(infos, sizeof infos[0], 1, NULL), E_POINTER, "there is nowhere to put the number");
    ok_hr(call_enumerate(NULL, sizeof infos[0], 1, &count), E_POINTER, "or the list");
    ok_hr(call_enumerate(infos, sizeof infos[0] - 1, 1, &count), E_INVALIDARG, "entries of another size");
    gate_open(&held.release);
    for (int i = 0; i < QUEUED; i++) {
        must(finish(calls[i]));
        must(call_release(calls[i]));
    }
    must(finish(scene.call));
    ok_hr(call_enumerate(NULL, sizeof infos[0], 0, &count), S_OK, "and when all are finished the list is empty");
    scene_close(&scene);
}

static void each_phase(uint32_t kind)
{
    home_t home;
    target_t target;
    job_t held, job, deferred;
    home_open(&home, kind, 1);
    target_create(&target, home.apartment);
    call_t first = new_call(&target), call = new_call(&target);
    job_init(&held, NULL, S_OK);
    job_init(&job, NULL, S_OK);
    enter_job(first, HOLD, &held);
    must(call_set_timeout(call, FAR, 0));
    begin_job(call, HOLD, &job);
    call_info_t info = info_of(call);
    ok_u64(info.state, CALL_STATE_QUEUED, "%s: a call is queued", kind_name(kind));
    ok_str(info.method_name, "hold", "its method's name");
    ok_u64(info.method, HOLD, "and number");
    ok_str(info.apartment_name, "ctest", "its apartment");
    ok(info.left_ms <= FAR && info.left_ms > FAR / 2, "the time to its deadline: %u ms", info.left_ms);
    ok(info.age_ms < hang_ms(), "and its age: %llu ms", (unsigned long long)info.age_ms);
    ok_u64(info_of(first).left_ms, CALL_INFINITE, "the other has no deadline");
    gate_open(&held.release);
    must(finish(first));
    gate_wait(&job.entered);
    info = info_of(call);
    ok_u64(info.state, CALL_STATE_RUNNING, "it runs");
    ok_u64(info.context.id, job.context.id, "named as its context");
    ok_u64(info.cause, CALL_CAUSE_NONE, "nobody canceled it");
    call_cancel_t cancel = cancel_of(call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    info = info_of(call);
    ok_u64(info.state, CALL_STATE_RUNNING, "it runs on when it is canceled");
    ok_u64(info.cause, CALL_CAUSE_CANCEL, "and the list says so");
    (void)call_request_cancel(cancel, 0);
    ok_u64(info_of(call).state, CALL_STATE_ABANDONED, "then its client is freed: abandoned");
    must(finish(call) == RPC_E_CALL_CANCELED ? S_OK : E_FAIL);
    info = info_of(call);
    ok_u64(info.state, CALL_STATE_ABANDONED, "also when it was finished");
    gate_open(&job.release);
    (void)settled_fate_of(call);
    ok_u64(info_of(call).state, 0, "until the method has ended");
    must(call_cancel_release(cancel));

    job_init(&deferred, NULL, S_OK);
    enter_job(call, DEFER, &deferred);
    uint64_t end = hang_end_us();
    while (info_of(call).state != CALL_STATE_DEFERRED)
        not_past(end, "a deferred call");
    ok_u64(info_of(call).state, CALL_STATE_DEFERRED, "%s: a deferred call", kind_name(kind));
    must(call_context_complete(deferred.context, S_OK));
    ok_u64(info_of(call).state, CALL_STATE_COMPLETE, "is complete, and not finished");
    must(finish(call));
    ok_u64(info_of(call).state, 0, "and then it is over");
    must(call_release(first));
    must(call_release(call));
    target_destroy(&target);
    home_close(&home);
}

static void phases(void)
{
    for (uint32_t kind = 0; kind <= CALL_APARTMENT_SERIAL; kind++)
        each_phase(kind);
}

/* What the clients of one thread saw. */
typedef struct books_t {
    unsigned rounds;
    uint64_t begun, finished, fates[CALL_FATE_UNKNOWN + 1], abandoned;
} books_t;

enum { PLAIN, UNSEEN, STOPS, GOES_ON, STOPS_LATE, IN_QUEUE, WAYS };

static void one_call(scene_t *scene, books_t *books, unsigned way)
{
    static const uint32_t methods[WAYS] = {
        [PLAIN] = ECHO, [UNSEEN] = ECHO, [STOPS] = OBEY, [GOES_ON] = HOLD, [STOPS_LATE] = DEFER, [IN_QUEUE] = ECHO};
    job_t job, held, *pointer = &job;
    call_t call = new_call(&scene->target);
    job_init(&job, NULL, way == STOPS ? RPC_E_CALL_CANCELED : S_OK);
    job_init(&held, NULL, S_OK);
    if (way == IN_QUEUE)
        enter_job(scene->call, HOLD, &held);
    must(call_begin(call, methods[way], &pointer, sizeof pointer));
    books->begun++;
    if (methods[way] != ECHO)
        gate_wait(&job.entered);
    call_cancel_t cancel = cancel_of(call);
    if (way >= STOPS)
        (void)call_request_cancel(cancel, way == STOPS ? CALL_INFINITE : 0);
    must(call_wait(call, hang_ms()));
    books->abandoned += fate_of(call) == CALL_FATE_RUNNING;
    if (way == GOES_ON)
        gate_open(&job.release);
    if (way == STOPS_LATE)
        must(call_context_complete(job.context, RPC_E_CALL_CANCELED));
    books->fates[settled_fate_of(call)]++;
    if (way != UNSEEN) {
        (void)finish(call);
        books->finished++;
    }
    must(call_cancel_release(cancel));
    must(call_release(call));
    if (way == IN_QUEUE) {
        gate_open(&held.release);
        must(finish(scene->call));
        books->begun++;
        books->finished++;
        books->fates[CALL_FATE_COMPLETED]++;
    }
}

static void *keep_books(void *argument)
{
    books_t *books = argument;
    scene_t scene;
    scene_open(&scene, 1);
    for (unsigned i = 0; i < books->rounds; i++)
        one_call(&scene, books, i % WAYS);
    scene_close(&scene);
    return NULL;
}

static call_counters_t counters(void)
{
    call_counters_t now = {.size = sizeof now};
    must(call_get_counters(&now));
    return now;
}

static void counters_add_up(void)
{
    books_t books[THREADS], sum = {0};
    pthread_t threads[THREADS];
    must(call_set_tracking(1, 0));
    call_counters_t before = counters();
    for (int i = 0; i < THREADS; i++) {
        books[i] = (books_t){.rounds = length_of("CALL_COUNTED", 10000) / THREADS};
        threads[i] = thread_of(keep_books, &books[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        sum.begun += books[i].begun;
        sum.finished += books[i].finished;
        sum.abandoned += books[i].abandoned;
        for (int fate = 0; fate <= CALL_FATE_UNKNOWN; fate++)
            sum.fates[fate] += books[i].fates[fate];
    }
    call_counters_t now = counters();
    ok_u64(now.begun - before.begun, sum.begun, "%llu mixed calls are counted", (unsigned long long)sum.begun);
    ok_u64(now.finished - before.finished, sum.finished, "those finished, without those released unseen");
    ok_u64(now.completed - before.completed, sum.fates[CALL_FATE_COMPLETED], "completed, as their clients saw");
    ok_u64(now.never_started - before.never_started, sum.fates[CALL_FATE_NEVER_STARTED], "never started");
    ok_u64(now.stopped - before.stopped, sum.fates[CALL_FATE_STOPPED], "stopped");
    ok_u64(now.abandoned - before.abandoned, sum.abandoned, "abandoned, before they ended");
    ok_u64(now.completed + now.never_started + now.stopped - before.completed - before.never_started - before.stopped,
           sum.begun, "and each begin had one fate");
    ok_u64(now.pending_now, 0, "nothing is in progress");
    ok_u64(now.abandoned_now, 0, "nothing runs on");
    for (int fate = CALL_FATE_COMPLETED; fate <= CALL_FATE_STOPPED; fate++)
        ok(sum.fates[fate] > sum.begun / 20, "%llu were %s", (unsigned long long)sum.fates[fate], fate_name(fate));
    must(call_set_tracking(0, 0));
    (void)keep_books(&(books_t){.rounds = WAYS});
    ok_u64(counters().begun, now.begun, "turned off, nothing is counted");
}

static void now_and_wrong_size(void)
{
    scene_t scene;
    job_t job, queued;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job_init(&queued, NULL, S_OK);
    enter_job(scene.call, HOLD, &job);
    call_t call = new_call(&scene.target);
    must(call_begin(call, ECHO, "x", 1));
    ok_u64(counters().pending_now, 2, "queued and running calls are pending, tracked or not");
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_cancel(cancel, 0));
    ok_u64(counters().abandoned_now, 1, "and an abandoned method is told");
    ok_u64(counters().pending_now, 1, "not as a pending one");
    gate_open(&job.release);
    (void)finish(scene.call);
    must(finish(call));
    must(call_cancel_release(cancel));
    must(call_release(call));
    call_counters_t small = {.size = sizeof small - 1};
    ok_hr(call_get_counters(&small), E_INVALIDARG, "counters of a smaller size");
    ok_hr(call_get_counters(NULL), E_POINTER, "nowhere to put them");
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(room_for_the_list), TAP_TEST(phases), TAP_TEST(counters_add_up), TAP_TEST(now_and_wrong_size),
};

TAP_MAIN(tests)
