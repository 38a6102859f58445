/* The end of all that is in progress: bounded, told, and not the end of the library's use. */
#include "distance_support.h"
#include "measure.h"

#include <string.h>

enum { KINDS = CALL_APARTMENT_SERIAL + 1, PER_KIND = 2, QUEUED = 10 };

static atomic_bool endless_over;

/* Mostly enough for a method that stops when it is told to; if not, it is given more. */
static uint32_t timeout(void)
{
    return hang_ms() / 40;
}

/* Never looks, until the test is through. */
static call_hresult_t loop_for_ever(job_t *job)
{
    gate_open(&job->entered);
    while (!atomic_load(&endless_over))
        continue;
    return S_OK;
}

static void call_again(const char *when)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_t home;
        target_t target;
        home_open(&home, kind, 1);
        target_create(&target, home.apartment);
        call_t call = new_call(&target);
        must(call_begin(call, ECHO, "x", 1));
        ok_hr(finish(call), S_OK, "%s new objects work: %s", when, kind_name(kind));
        must(call_release(call));
        target_destroy(&target);
        home_close(&home);
    }
    target_t target;
    target_create(&target, (call_apartment_t){0});
    call_t call = new_call(&target);
    must(call_begin(call, ECHO, "x", 1));
    ok_hr(finish(call), S_OK, "%s so do those of the null apartment", when);
    must(call_release(call));
    target_destroy(&target);
}

static void endless_loop(void)
{
    scene_t scene;
    job_t job;
    call_t queued[QUEUED];
    uint32_t remaining = 7;
    unsigned never = 0, disconnected = 0;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = loop_for_ever;
    enter_job(scene.call, RUN, &job);
    for (int i = 0; i < QUEUED; i++) {
        queued[i] = new_call(&scene.target);
        must(call_begin(queued[i], ECHO, "x", 1));
    }
    uint64_t from = now_us();
    ok_hr(call_shutdown(timeout(), &remaining), S_FALSE, "a shutdown with a method in an endless loop comes back");
    uint64_t took = now_us() - from;
    diag("%llu ms for a timeout of %u ms", (unsigned long long)(took / 1000), timeout());
    ok(took >= (uint64_t)timeout() * 1000, "not before the method had its time");
    ok_u64(remaining, 1, "and tells that one method still runs");
    ok_hr(finish(scene.call), RPC_E_DISCONNECTED, "LT-11 its client is freed");
    ok_fate(fate_of(scene.call), CALL_FATE_RUNNING, "which knows that it runs");
    for (int i = 0; i < QUEUED; i++) {
        disconnected += finish(queued[i]) == RPC_E_DISCONNECTED;
        never += fate_of(queued[i]) == CALL_FATE_NEVER_STARTED;
        must(call_release(queued[i]));
    }
    ok_u64(disconnected, QUEUED, "LT-11 what is queued ends as disconnected");
    ok_u64(never, QUEUED, "and never starts");
    ok_hr(call_begin(scene.call, ECHO, "x", 1), RPC_E_DISCONNECTED, "and no more begins there");
    remaining = 7;
    ok_hr(call_shutdown(0, &remaining), S_FALSE, "a second shutdown tells the same");
    ok_u64(remaining, 1, "one");
    call_again("while one method still runs");
    atomic_store(&endless_over, true);
    ok_hr(call_shutdown(hang_ms(), NULL), S_OK, "when it has ended a shutdown has nothing left");
    ok_fate(settled_fate_of(scene.call), CALL_FATE_COMPLETED, "and its fate is known");
    gate_wait(&job.left);
    scene_close(&scene);
}

/* Every kind of apartment, of every way in which a call can be in progress. */
typedef struct site_t {
    home_t home;
    target_t target;
    call_t obeys, deferred, queued, complete;
    job_t obey_job, defer_job;
    call_hresult_t obeyed;
} site_t;

static void site_open(site_t *site, uint32_t kind)
{
    home_open(&site->home, kind, 1);
    target_create(&site->target, site->home.apartment);
    site->obeys = new_call(&site->target);
    site->deferred = new_call(&site->target);
    site->queued = new_call(&site->target);
    site->complete = new_call(&site->target);
    must(call_begin(site->complete, ECHO, "before", 6));
    completed(site->complete);
    job_init(&site->defer_job, NULL, S_OK);
    enter_job(site->deferred, DEFER, &site->defer_job);
    job_init(&site->obey_job, NULL, RPC_E_CALL_CANCELED);
    enter_job(site->obeys, OBEY, &site->obey_job);
    must(call_begin(site->queued, ECHO, "x", 1));
}

static void site_check(site_t *site)
{
    const char *kind = kind_name(site->home.kind);
    char text[16];
    ok_hr(site->obeyed, RPC_E_CALL_CANCELED, "%s: the answer of a method that stops in time stands", kind);
    ok_fate(fate_of(site->obeys), CALL_FATE_STOPPED, "it stopped");
    ok_u64(cause_of(site->obeys), CALL_CAUSE_DISCONNECT, "because of the shutdown");
    ok_hr(site->obey_job.seen, RPC_E_CALL_CANCELED, "TC-6 as it was told");
    ok_hr(finish(site->deferred), RPC_E_DISCONNECTED, "%s: a deferred one is given up", kind);
    ok_fate(fate_of(site->deferred), CALL_FATE_RUNNING, "and still runs");
    ok_hr(call_context_complete(site->defer_job.context, S_OK), S_OK, "SG-4 until it is completed");
    ok_fate(settled_fate_of(site->deferred), CALL_FATE_COMPLETED, "which its fate tells");
    ok_hr(finish(site->queued), RPC_E_DISCONNECTED, "%s: a queued one", kind);
    ok_fate(fate_of(site->queued), CALL_FATE_NEVER_STARTED, "never starts");
    ok_hr(finish_text(site->complete, text, sizeof text), S_OK, "%s: a result that is there stays", kind);
    ok_str(text, "before", "with its output");
}

static void site_close(site_t *site)
{
    must(call_release(site->obeys));
    must(call_release(site->deferred));
    must(call_release(site->queued));
    must(call_release(site->complete));
    target_destroy(&site->target);
    if (site->home.kind == CALL_APARTMENT_SINGLE)
        ok(site->home.owner.ended == S_OK || site->home.owner.ended == RPC_E_DISCONNECTED, "the owner's pump ends");
    home_close(&site->home);
}

/* Whether the methods that obey did so in that time, or may have no more. */
static bool every_kind_within(uint32_t ms)
{
    site_t sites[KINDS * PER_KIND];
    uint32_t remaining = 0;
    bool judged = true;
    for (uint32_t i = 0; i < KINDS * PER_KIND; i++)
        site_open(&sites[i], i % KINDS);
    call_hresult_t shut = call_shutdown(ms, &remaining);
    for (uint32_t i = 0; i < KINDS * PER_KIND; i++) {
        sites[i].obeyed = finish(sites[i].obeys);
        judged = judged && (sites[i].obeyed != RPC_E_DISCONNECTED || ms >= hang_ms());
    }
    if (judged) {
        ok_hr(shut, S_FALSE, "a shutdown of several apartments of each kind");
        ok_u64(remaining, KINDS * PER_KIND, "tells of the deferred methods that remain");
    }
    for (uint32_t i = 0; i < KINDS * PER_KIND; i++)
        if (judged)
            site_check(&sites[i]);
        else
            must(call_context_complete(sites[i].defer_job.context, S_OK));
    if (judged)
        ok_hr(call_shutdown(0, &remaining), S_OK, "and then of none");
    for (uint32_t i = 0; i < KINDS * PER_KIND; i++)
        site_close(&sites[i]);
    return judged;
}

static void every_kind(void)
{
    for (uint32_t ms = timeout(); !every_kind_within(ms); ms *= 2)
        diag("%u ms were too short for methods that obey", (unsigned)ms);
    call_again("afterwards");
}

static bool direct_calls_within(uint32_t ms)
{
    server_t bare, with_cancel;
    job_t jobs[2];
    uint32_t remaining = 0;
    server_create(&bare, (call_apartment_t){0}, &custom_class);
    server_create(&with_cancel, (call_apartment_t){0}, &custom_with_cancel_class);
    call_t calls[2] = {new_call(&bare.target), new_call(&with_cancel.target)};
    for (int i = 0; i < 2; i++) {
        job_init(&jobs[i], NULL, RPC_E_CALL_CANCELED);
        enter_job(calls[i], i == 0 ? OBEY : DEFER, &jobs[i]);
    }
    call_hresult_t shut = call_shutdown(ms, &remaining), obeyed = finish(calls[0]);
    bool judged = obeyed != RPC_E_DISCONNECTED || ms >= hang_ms();
    if (judged) {
        ok_hr(shut, S_FALSE, "a shutdown with calls of custom marshaling");
        ok_u64(remaining, 1, "the deferred one remains");
        ok_hr(obeyed, RPC_E_CALL_CANCELED, "the answer of one that stops in time stands");
        ok_hr(finish(calls[1]), RPC_E_DISCONNECTED, "LT-11 the client of the other is freed");
    }
    must(call_context_complete(jobs[1].context, S_OK));
    ok_fate(settled_fate_of(calls[0]), CALL_FATE_STOPPED, "it was told, though its class has no cancel");
    for (int i = 0; i < 2; i++)
        must(call_release(calls[i]));
    server_destroy(&bare);
    server_destroy(&with_cancel);
    return judged;
}

static void direct_calls(void)
{
    for (uint32_t ms = timeout(); !direct_calls_within(ms); ms *= 2)
        diag("%u ms were too short for a method that obeys", (unsigned)ms);
}

static call_hresult_t shut_down_inside(job_t *job)
{
    uint32_t remaining = 0;
    uint64_t from = now_us();
    job->codes[0] = call_shutdown(hang_ms(), &remaining);
    job->numbers[0] = remaining;
    job->numbers[1] = now_us() - from;
    job->codes[1] = call_context_test_cancel(job->context);
    return S_OK;
}

static void from_inside(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_t home;
        target_t target;
        job_t job;
        home_open(&home, kind, 1);
        target_create(&target, home.apartment);
        call_t call = new_call(&target);
        job_init(&job, NULL, S_OK);
        job.run = shut_down_inside;
        begin_job(call, RUN, &job);
        completed(call);
        gate_wait(&job.left);
        ok_hr(job.codes[0], S_FALSE, "%s: a shutdown from inside a method does not wait for it", kind_name(kind));
        ok_u64(job.numbers[0], 1, "which is the one that runs");
        ok(job.numbers[1] < (uint64_t)hang_ms() * 1000, "it took %llu us", (unsigned long long)job.numbers[1]);
        ok_hr(job.codes[1], RPC_E_CALL_CANCELED, "and is canceled itself");
        (void)finish(call);
        must(call_release(call));
        target_destroy(&target);
        home_close(&home);
    }
    call_again("after a shutdown from inside");
}

static void nothing_in_progress(void)
{
    uint32_t remaining = 7;
    ok_hr(call_shutdown(CALL_INFINITE, &remaining), S_OK, "a shutdown where nothing is in progress");
    ok_u64(remaining, 0, "nothing remains");
    ok_hr(call_shutdown(CALL_INFINITE, NULL), S_OK, "and again");
}

static const tap_test_t tests[] = {
    TAP_TEST(nothing_in_progress), TAP_TEST(endless_loop), TAP_TEST(every_kind),
    TAP_TEST(direct_calls),        TAP_TEST(from_inside),  TAP_TEST(nothing_in_progress),
};

TAP_MAIN(tests)
