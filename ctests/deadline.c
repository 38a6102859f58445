/* Deadlines: a call whose time is over is canceled, with the grace period that goes with its deadline. The
 * first part runs at each distance that a process has.
 *
 *   CALL_DEADLINES  how many far deadlines at once (100000); the races are in deadline_race.c */
#include "distances.h"
#include "measure.h"

#include <dirent.h>
#include <string.h>

enum { SOON = 20, FAR = 3600 * 1000, ROUNDS = 2000, FEW = 10 };

/* Whether the class's own cancel is asked, on whose answer the end depends. */
static void past_deadline_stops(place_t *place)
{
    job_t job;
    job_init(&job, "unseen", RPC_E_CALL_CANCELED);
    ok_hr(call_set_timeout(place->call, FAR, 0), S_OK, AT(place, "a deadline is set"));
    enter_with_deadline(place->call, OBEY, &job, CALL_INFINITE);
    completed(place->call);
    ok_hr(finish(place->call), RPC_E_TIMEOUT, AT(place, "a method that stops at its deadline: RPC_E_TIMEOUT"));
    ok_fate(fate_of(place->call), CALL_FATE_STOPPED, AT(place, "with fate STOPPED"));
    ok_hr(job.seen, RPC_E_CALL_CANCELED, AT(place, "SV-9 its sleep was ended by the deadline"));
    ok_u64(cause_of(place->call), CALL_CAUSE_TIMEOUT, AT(place, "and the cause is told"));
    job_init(&job, NULL, S_OK);
    must(call_set_timeout(place->call, CALL_INFINITE, 0));
    must(call_begin(place->call, ECHO, "next", 4));
    ok_hr(finish(place->call), S_OK, AT(place, "TC-7 the next begin has no deadline any more"));
    ok_u64(cause_of(place->call), CALL_CAUSE_NONE, AT(place, "TC-7 and no cause"));
}

static void past_deadline_runs_on(place_t *place)
{
    job_t job;
    char text[16] = "?";
    job_init(&job, "dropped", S_OK);
    enter_with_deadline(place->call, HOLD, &job, 0);
    completed(place->call);
    ok_hr(finish_text(place->call, text, sizeof text), RPC_E_TIMEOUT,
          AT(place, "a method that goes on: RPC_E_TIMEOUT"));
    ok_str(text, "", AT(place, "FI-17 without output"));
    ok_given_up(place, place->call, AT(place, "with fate RUNNING, or KILLED"));
    let_go(place, &job);
    ok_fate(settled_fate_of(place->call), place->kills ? CALL_FATE_KILLED : CALL_FATE_COMPLETED,
            AT(place, "then COMPLETED, where it went on"));
    must(call_set_timeout(place->call, CALL_INFINITE, 0));
}

static void answer_within_the_grace(place_t *place)
{
    job_t job;
    char text[16] = "?";
    job_init(&job, "answer", S_FALSE);
    enter_with_deadline(place->call, OBEY, &job, CALL_INFINITE);
    ok_hr(finish_text(place->call, text, sizeof text), S_FALSE,
          AT(place, "CN-2 TO-6 an answer within the deadline's grace period stands"));
    ok_str(text, "answer", AT(place, "CN-2 with its output"));
    ok_fate(fate_of(place->call), CALL_FATE_COMPLETED, AT(place, "CN-2 and fate COMPLETED"));
    must(call_set_timeout(place->call, FAR, 0));
    must(call_begin(place->call, ECHO, "early", 5));
    ok_hr(finish_text(place->call, text, sizeof text), S_OK, AT(place, "a result before the deadline stands"));
    ok_u64(cause_of(place->call), CALL_CAUSE_NONE, AT(place, "and nobody canceled"));
    must(call_set_timeout(place->call, CALL_INFINITE, 0));
}

/* Both ends of a grace period at once: the first cause gives the code, the earlier end counts. */
static void cancel_and_deadline(place_t *place)
{
    job_t job;
    job_init(&job, NULL, S_OK);
    enter_with_deadline(place->call, HOLD, &job, 0);
    call_cancel_t cancel = cancel_of(place->call);
    call_hresult_t asked = call_request_cancel(cancel, CALL_INFINITE);
    completed(place->call);
    if (asked == S_OK) {
        ok_hr(finish(place->call), RPC_E_CALL_CANCELED,
              AT(place, "a cancel before the deadline gives the code; the deadline's grace ends first"));
        ok_u64(cause_of(place->call), CALL_CAUSE_CANCEL, AT(place, "and the cause"));
    } else {
        ok_hr(finish(place->call), RPC_E_TIMEOUT, AT(place, "the deadline came first, on a slow machine"));
    }
    let_go(place, &job);
    (void)settled_fate_of(place->call);
    must(call_cancel_release(cancel));

    job_init(&job, NULL, S_OK);
    enter_with_deadline(place->call, HOLD, &job, CALL_INFINITE);
    cancel = cancel_of(place->call);
    cancel_arrived(cancel);
    ok_hr(call_wait(place->call, 1), RPC_S_CALLPENDING, AT(place, "TO-3 the deadline's grace has no end"));
    ok_hr(call_request_cancel(cancel, 0), RPC_E_CALL_CANCELED, AT(place, "CN-5 a cancel after the deadline"));
    completed(place->call);
    ok_hr(finish(place->call), RPC_E_TIMEOUT, AT(place, "ends its grace, and the deadline gives the code"));
    ok_u64(cause_of(place->call), CALL_CAUSE_TIMEOUT, AT(place, "and the cause"));
    gate_open(&job.release);
    (void)settled_fate_of(place->call);
    must(call_cancel_release(cancel));
    must(call_set_timeout(place->call, CALL_INFINITE, 0));
}

static void time_left(place_t *place)
{
    job_t job;
    uint32_t left = 0, before = FAR;
    server_t *server = &place->server;
    unsigned risen = 0;
    job_init(&job, NULL, S_OK);
    enter_job(place->call, DEFER, &job);
    must(served_deadline(server, &job, &left));
    ok_u64(left, CALL_INFINITE, AT(place, "a call without a deadline has no end of time"));
    must(served_complete(server, &job, S_OK));
    must(finish(place->call));

    job_init(&job, NULL, S_OK);
    must(call_set_timeout(place->call, FAR, 0));
    enter_job(place->call, DEFER, &job);
    for (int i = 0; i < 1000; i++) {
        must(served_deadline(server, &job, &left));
        risen += left > before;
        before = left;
    }
    ok_u64(risen, 0, AT(place, "the time that is left never rises"));
    uint64_t end = hang_end_us();
    for (uint32_t first = left; left == first; must(served_deadline(server, &job, &left)))
        not_past(end, "a shorter time left");
    ok(left < before && left > FAR / 2, AT(place, "and falls: %u ms"), left);
    must(served_complete(server, &job, S_OK));
    ok_hr(served_deadline(server, &job, &left), RPC_E_CALL_COMPLETE, AT(place, "not after the end"));
    must(finish(place->call));

    job_init(&job, NULL, S_OK);
    enter_with_deadline(place->call, DEFER, &job, CALL_INFINITE);
    ok_hr(served_wait_cancel(server, &job), RPC_E_CALL_CANCELED, AT(place, "SV-9 it passes"));
    left = 1;
    must(served_deadline(server, &job, &left));
    ok_u64(left, 0, AT(place, "and nothing is left"));
    must(served_complete(server, &job, S_OK));
    must(finish(place->call));
    must(call_set_timeout(place->call, CALL_INFINITE, 0));
}

static void released_call(place_t *place)
{
    job_t job;
    call_t call = new_call(&place->server.target);
    job_init(&job, NULL, RPC_E_CALL_CANCELED);
    enter_with_deadline(call, OBEY, &job, place->kills ? CALL_INFINITE : 0);
    must(call_release(call));
    gate_wait(&job.left);
    ok_hr(job.seen, RPC_E_CALL_CANCELED, AT(place, "RL-2 RL-4 the deadline of a released call still tells its method"));
}

/* Queued behind a method that does not end. */
static void deadline_in_the_queue(place_t *place)
{
    static const uint32_t timeouts[] = {SOON, 0};
    job_t held;
    if (cannot_be(place, place->direct, "CN-13", "a call that is begun directly waits in no queue"))
        return;
    job_init(&held, NULL, S_OK);
    enter_job(place->call, HOLD, &held);
    for (size_t i = 0; i < 2; i++) {
        call_t queued = new_call(&place->server.target);
        must(call_set_timeout(queued, timeouts[i], CALL_INFINITE));
        ok_hr(call_begin(queued, ECHO, "x", 1), S_OK, AT(place, "a begin with a deadline of %u ms"), timeouts[i]);
        ok_hr(call_wait(queued, hang_ms()), S_OK, AT(place, "is complete when it passes, whatever the grace"));
        ok_hr(finish(queued), RPC_E_TIMEOUT, AT(place, "CN-13 in the queue: RPC_E_TIMEOUT"));
        ok_fate(fate_of(queued), CALL_FATE_NEVER_STARTED, AT(place, "CN-13 and it never started"));
        must(call_release(queued));
    }
    gate_open(&held.release);
    must(finish(place->call));
    ok_u64(atomic_load(&place->server.target.entries), 1, AT(place, "CN-13 nor does it later"));
}

/* On the client's thread it is the class that ends the call; elsewhere it is the library. */
static void class_without_cancel(place_t *place)
{
    server_t bare;
    job_t job;
    uint32_t left = 1;
    place_create(place, &bare, place->bare);
    call_t call = new_call(&bare.target);
    job_init(&job, "at last", S_OK);
    enter_with_deadline(call, HOLD, &job, 0);
    if (!place->direct) {
        ok_hr(finish(call), RPC_E_TIMEOUT, AT(place, "MK-1 a call into an apartment ends by its deadline, whatever its class"));
        gate_open(&job.release);
        (void)settled_fate_of(call);
        must(call_release(call));
        server_end(&bare);
        return;
    }
    for (uint64_t end = hang_end_us(); left != 0; must(call_context_get_deadline(job.context, &left)))
        not_past(end, "the deadline");
    ok_hr(call_wait(call, 2 * SOON), RPC_S_CALLPENDING, AT(place, "MK-3 without a cancel no deadline ends a direct call"));
    gate_open(&job.release);
    ok_hr(finish(call), S_OK, AT(place, "MK-3 its result comes"));
    must(call_release(call));
    server_end(&bare);

    place->server.cancel_result = E_ACCESSDENIED;
    job_init(&job, NULL, S_FALSE);
    enter_with_deadline(place->call, HOLD, &job, 0);
    gate_wait(&place->server.told);
    ok_hr(call_wait(place->call, SOON), RPC_S_CALLPENDING, AT(place, "CN-12 a class that refuses goes on"));
    gate_open(&job.release);
    ok_hr(finish(place->call), S_FALSE, AT(place, "CN-12 to its result"));
    must(call_set_timeout(place->call, CALL_INFINITE, 0));
}

/* No thread for a timer, and little memory. */
static void many_far_deadlines(void)
{
    unsigned count = length_of("CALL_DEADLINES", 100000);
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    call_t *calls = calloc(count, sizeof calls[0]), first = new_call(&scene.target);
    must(call_set_timeout(first, FAR, 0));
    enter_job(scene.call, HOLD, &held);
    must(call_begin(first, ECHO, "x", 1));
    unsigned threads = thread_count(), wrong = 0;
    long before = resident_kib();
    uint64_t from = now_ns();
    for (unsigned i = 0; i < count; i++) {
        calls[i] = new_call(&scene.target);
        must(call_set_timeout(calls[i], FAR + i % 1000, i % 2 == 0 ? 0 : CALL_INFINITE));
        must(call_begin(calls[i], ECHO, "x", 1));
    }
    uint64_t took = now_ns() - from;
    ok_u64(thread_count(), threads, "%u far deadlines at once: no thread more", count);
    diag("%ld bytes and %llu ns for each call with a deadline", (resident_kib() - before) * 1024 / (long)count,
         (unsigned long long)(took / count));
    gate_open(&held.release);
    for (unsigned i = 0; i < count; i++) {
        wrong += call_wait(calls[i], hang_ms()) != S_OK || finish(calls[i]) != S_OK || cause_of(calls[i]) != 0;
        must(call_release(calls[i]));
    }
    ok_u64(wrong, 0, "and every one of the %u calls has its result", count);
    must(finish(first));
    must(call_release(first));
    must(finish(scene.call));
    free(calls);
    scene_close(&scene);
}

/* How often the thread that keeps the deadlines went to sleep so far. */
static unsigned long timer_sleeps(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned long sleeps = 0, found = 0;
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        char path[300], line[128];
        bool is_timer = false;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            is_timer |= strcmp(line, "Name:\tcall timer\n") == 0;
            if (is_timer && sscanf(line, "voluntary_ctxt_switches: %lu", &sleeps) == 1)
                found++;
        }
        if (status != NULL)
            fclose(status);
    }
    if (found != 1)
        bail_out("%lu threads for deadlines, and not one", found);
    closedir(tasks);
    return sleeps;
}

/* Who keeps deadlines is woken by a nearer one only, and by no cancel without an end of grace. */
static void the_timer_sleeps_on(void)
{
    scene_t scene, other;
    job_t held, job;
    scene_open(&scene, 1);
    scene_open(&other, 1);
    job_init(&held, NULL, S_OK);
    must(call_set_timeout(other.call, FAR, 0));
    enter_job(other.call, HOLD, &held);
    unsigned wrong = 0;
    unsigned long before = timer_sleeps();
    must(call_set_timeout(scene.call, 2 * FAR, 0));
    for (unsigned i = 0; i < ROUNDS; i++) {
        must(call_begin(scene.call, ECHO, "x", 1));
        wrong += finish(scene.call) != S_OK;
    }
    unsigned long after = timer_sleeps();
    ok_u64(wrong, 0, "%d calls with deadlines have their results", ROUNDS);
    ok(after - before < FEW, "and the thread that keeps their deadlines sleeps on: it was woken %lu times",
       after - before);
    must(call_set_timeout(scene.call, CALL_INFINITE, 0));
    for (unsigned i = 0; i < ROUNDS; i++) {
        job_init(&job, NULL, RPC_E_CALL_CANCELED);
        call_cancel_t cancel = cancel_of(scene.call);
        enter_job(scene.call, OBEY, &job);
        must(call_request_cancel(cancel, CALL_INFINITE));
        wrong += finish(scene.call) != RPC_E_CALL_CANCELED;
        must(call_cancel_release(cancel));
    }
    before = after, after = timer_sleeps();
    ok_u64(wrong, 0, "%d cancels without an end of grace end their calls", ROUNDS);
    ok(after - before < FEW, "and it sleeps on: it was woken %lu times", after - before);
    must(call_set_timeout(scene.call, SOON, 0));
    begin_job(scene.call, HOLD, &held);
    ok_hr(finish(scene.call), RPC_E_TIMEOUT, "a nearer deadline than all of these wakes it");
    gate_open(&held.release);
    must(finish(other.call));
    scene_close(&scene);
    scene_close(&other);
}

/* Two methods wait for each other, which would be refused if the deadline of the one did not end it. */
static call_hresult_t wait_for_first(job_t *job)
{
    gate_open(&job->entered);
    job->codes[0] = call_wait(job->call, CALL_INFINITE);
    return S_OK;
}

static call_hresult_t wait_for_second(job_t *job)
{
    must(call_create(job->object, &job->call));
    enter_with_deadline(job->call, RUN, job->data, 0);
    job->codes[0] = call_wait(job->call, CALL_INFINITE);
    return S_OK;
}

static void waits_that_a_deadline_ends(void)
{
    scene_t first, second;
    job_t jobs[2];
    scene_open(&first, 1);
    scene_open(&second, 1);
    for (int i = 0; i < 2; i++)
        job_init(&jobs[i], NULL, S_OK);
    jobs[0].run = wait_for_second;
    jobs[0].object = second.target.object;
    jobs[0].data = &jobs[1];
    jobs[1].run = wait_for_first;
    jobs[1].call = first.call;
    begin_job(first.call, RUN, &jobs[0]);
    ok_hr(finish(first.call), S_OK, "two methods wait for each other, one with a deadline");
    gate_wait(&jobs[1].left);
    ok_hr(jobs[0].codes[0], S_OK, "whose end ends the one wait");
    ok_hr(jobs[1].codes[0], S_OK, "and so the other: no deadlock");
    ok_hr(finish(jobs[0].call), RPC_E_TIMEOUT, "the call with the deadline has no result");
    must(call_release(jobs[0].call));
    scene_close(&first);
    scene_close(&second);
}

static const check_t checks[] = {
    past_deadline_stops, past_deadline_runs_on, answer_within_the_grace, cancel_and_deadline,
    time_left,           released_call,         deadline_in_the_queue,   class_without_cancel,
};

int main(void)
{
    many_far_deadlines();
    the_timer_sleeps_on();
    waits_that_a_deadline_ends();
    return run_at_each_distance(checks, sizeof checks / sizeof checks[0]);
}
