/* A method that does not hear of its cancel is counted and logged, once; one that looks is not. */
#include "measure.h"

#include <string.h>

/* Mostly enough for a method that looks, in milliseconds; one that had no processor meanwhile is given more. */
static uint32_t longer = 1;

static uint32_t look_within(void)
{
    return hang_ms() / 100 * longer;
}

static void stay_quiet(void)
{
    pause_us(2 * 1000 * (uint64_t)look_within());
}

/* What was logged. */
static struct {
    pthread_mutex_t lock;
    unsigned lines;
    char last[256];
} logged = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_line(void *user, const char *message)
{
    (void)pthread_mutex_lock(&logged.lock);
    logged.lines++;
    (void)snprintf(logged.last, sizeof logged.last, "%s", message);
    (void)pthread_mutex_unlock(&logged.lock);
    if (user != &logged)
        bail_out("the log has another pointer");
}

static unsigned lines(void)
{
    (void)pthread_mutex_lock(&logged.lock);
    unsigned count = logged.lines;
    (void)pthread_mutex_unlock(&logged.lock);
    return count;
}

static uint64_t uncooperative(void)
{
    call_counters_t counters = {.size = sizeof counters};
    must(call_get_counters(&counters));
    return counters.uncooperative;
}

/* One that polls the flag byte alone, which nobody can see, and one that looks. */
static call_hresult_t poll_flag(job_t *job)
{
    const uint8_t *flag;
    must(call_context_get_cancel_flag(job->context, &flag));
    gate_open(&job->entered);
    for (uint64_t end = hang_end_us(); __atomic_load_n(flag, __ATOMIC_ACQUIRE) == 0;)
        not_past(end, "a cancel");
    gate_wait(&job->release);
    return S_OK;
}

static call_hresult_t look_once(job_t *job)
{
    gate_open(&job->entered);
    for (uint64_t end = hang_end_us(); call_context_test_cancel(job->context) == RPC_S_CALLPENDING;)
        not_past(end, "a cancel");
    job->numbers[0] = now_us();
    gate_wait(&job->release);
    return S_OK;
}

static call_hresult_t sleep_until_canceled(job_t *job)
{
    gate_open(&job->entered);
    call_hresult_t result = call_context_wait_cancel(job->context, hang_ms());
    job->numbers[0] = now_us();
    gate_wait(&job->release);
    return result;
}

/* It is told by the time given, and once; a second look at the same method's silence comes never. No: the machine gave
 * one that looks no turn within that time, and it may have more. */
static bool tell_of_a_canceled_method(uint32_t method, call_hresult_t (*run)(job_t *job), bool counts, const char *what)
{
    scene_t scene;
    job_t job;
    uint64_t before = uncooperative();
    unsigned lines_before = lines();
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = run;
    enter_job(scene.call, method, &job);
    stay_quiet();
    uint64_t uncanceled = uncooperative();
    call_cancel_t cancel = cancel_of(scene.call);
    uint64_t asked = now_us();
    must(call_request_cancel(cancel, CALL_INFINITE));
    for (uint64_t end = hang_end_us(); counts && uncooperative() == before;)
        not_past(end, "the count");
    for (uint64_t end = hang_end_us(); counts && lines() == lines_before;)
        not_past(end, "the log's line");
    (void)call_request_cancel(cancel, CALL_INFINITE);
    stay_quiet();
    uint64_t counted = uncooperative(), logged_now = lines();
    gate_open(&job.release);
    (void)finish(scene.call);
    bool was_late = !counts && job.numbers[0] - asked >= look_within() * 1000ull;
    bool judged = uncanceled != before || !was_late || look_within() >= hang_ms() / 4;
    if (judged) {
        ok_u64(uncanceled, before, "%s is no fault while nobody canceled", what);
        ok_u64(counted - before, counts ? 1 : 0, "%s is counted %s", what, counts ? "once" : "never");
        ok_u64(logged_now - lines_before, counts ? 1 : 0, "and so it is logged");
    }
    if (counts)
        ok(strstr(logged.last, target_methods[method]) != NULL, "with the method's name: %s", logged.last);
    must(call_cancel_release(cancel));
    scene_close(&scene);
    return judged;
}

static void canceled_method(uint32_t method, call_hresult_t (*run)(job_t *job), bool counts, const char *what)
{
    for (longer = 1;; longer *= 2) {
        must(call_set_tracking(1, look_within()));
        if (tell_of_a_canceled_method(method, run, counts, what))
            break;
        diag("%u ms were too short for %s", (unsigned)look_within(), what);
    }
    longer = 1;
}

static void those_that_do_not_look(void)
{
    must(call_set_log(take_line, &logged));
    canceled_method(HOLD, NULL, true, "a method that never looks");
    canceled_method(RUN, poll_flag, true, "one that polls the flag byte alone");
    canceled_method(RUN, look_once, false, "one that looks");
    canceled_method(RUN, sleep_until_canceled, false, "one that sleeps until the cancel");
}

static void turned_off(void)
{
    must(call_set_tracking(1, look_within()));
    must(call_set_log(NULL, NULL));
    unsigned before = lines();
    uint64_t counted = uncooperative();
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, HOLD, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    for (uint64_t end = hang_end_us(); uncooperative() == counted;)
        not_past(end, "the count");
    ok_u64(lines(), before, "without a log function it is counted, and nobody is told");
    gate_open(&job.release);
    (void)finish(scene.call);
    must(call_cancel_release(cancel));
    scene_close(&scene);
    must(call_set_tracking(1, 0));
    counted = uncooperative();
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, HOLD, &job);
    cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    stay_quiet();
    ok_u64(uncooperative(), counted, "and with a time of 0 a method may take as long as it likes");
    must(call_set_tracking(1, look_within()));
    ok_hr(call_request_cancel(cancel, hang_ms()), RPC_E_CALL_CANCELED, "CN-5 another request");
    stay_quiet();
    ok_u64(uncooperative(), counted, "with a time given after the cancel, too");
    gate_open(&job.release);
    (void)finish(scene.call);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static const tap_test_t tests[] = {TAP_TEST(those_that_do_not_look), TAP_TEST(turned_off)};

TAP_MAIN(tests)
