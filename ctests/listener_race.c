/* A cancel against the taking back of a function, and against the method's end: whichever comes first,
 * the function runs at most once, and never late.
 *
 *   CALL_ROUNDS  how many of each (2000) */
#include "stage.h"

#include <sched.h>
#include <stdlib.h>

/* The longest is as long as the other thread may have to wait for a processor. */
enum { ROUNDS = 2000, ENOUGH = 100, LONGEST_DELAY = 1 << 24 };

static void spin(unsigned delay)
{
    for (volatile unsigned i = 0; i < delay; i++) {
    }
}

/* The thread that cancels, round by round. */
typedef struct rival_t {
    atomic_uint round, done;
    call_cancel_t cancel;
} rival_t;

static call_hresult_t run_rival(caller_t *self)
{
    rival_t *rival = self->data;
    for (unsigned seen = 0, now; (now = atomic_load(&rival->round)) != UINT32_MAX;) {
        if (now == seen) {
            (void)sched_yield();
            continue;
        }
        (void)call_request_cancel(rival->cancel, CALL_INFINITE);
        atomic_store(&rival->done, seen = now);
    }
    return S_OK;
}

static void rival_wait(rival_t *rival, unsigned round)
{
    uint64_t from = now_us();
    for (; atomic_load(&rival->done) != round; (void)sched_yield())
        if (now_us() - from > (uint64_t)hang_ms() * 1000)
            bail_out("a request to cancel did not return: a hang");
}

typedef struct race_t {
    unsigned rounds, ran, late, twice, refused;
    unsigned delay;
} race_t;

/* Once: a cancel against `settle`, after which the function must not run. */
static void race_once(scene_t *scene, rival_t *rival, race_t *race, bool take_back)
{
    ear_t *ear = malloc(sizeof *ear);
    job_t job;
    ear_init(ear);
    job_init(&job, NULL, S_OK);
    enter_job(scene->call, DEFER, &job);
    rival->cancel = cancel_of(scene->call);
    must(call_context_on_cancel(job.context, hear, ear));
    atomic_store(&rival->round, ++race->rounds);
    spin(race->delay);
    race->refused += take_back && call_context_on_cancel(job.context, NULL, NULL) != S_OK;
    if (!take_back)
        must(call_context_complete(job.context, S_OK));
    atomic_store(&ear->over, true);
    unsigned runs = atomic_load(&ear->runs);
    race->ran += runs != 0;
    race->twice += runs > 1;
    race->delay = runs != 0 ? race->delay - race->delay / 8 : race->delay + race->delay / 8 + 8;
    race->delay %= LONGEST_DELAY;
    rival_wait(rival, race->rounds);
    if (take_back)
        must(call_context_complete(job.context, S_OK));
    must(finish(scene->call));
    must(call_cancel_release(rival->cancel));
    race->late += atomic_load(&ear->late) + (atomic_load(&ear->runs) != runs);
    free(ear);
}

static unsigned rounds_asked(void)
{
    const char *asked = getenv("CALL_ROUNDS");
    long rounds = asked == NULL ? ROUNDS : strtol(asked, NULL, 10);
    return rounds > 0 ? (unsigned)rounds : ROUNDS;
}

/* Both outcomes often enough, unless another program chooses the threads' turns: the delay follows
 * them. */
static void race_often(bool take_back, const char *what)
{
    scene_t scene;
    race_t race = {.delay = 64};
    rival_t rival = {.round = 0};
    scene_open(&scene, 1);
    caller_t thread = {.run = run_rival, .data = &rival};
    caller_start(&thread);
    uint64_t from = now_us();
    unsigned rounds = rounds_asked(), enough = may_not_be_alone() == NULL ? ENOUGH : 0;
    while (race.rounds < rounds || race.ran < enough || race.rounds - race.ran < enough) {
        race_once(&scene, &rival, &race, take_back);
        if (now_us() - from > (uint64_t)hang_ms() * 1000)
            break;
    }
    atomic_store(&rival.round, UINT32_MAX);
    must(caller_join(&thread));
    ok_u64(race.late, 0, "SV-14 a function never runs after %s", what);
    ok_u64(race.twice, 0, "TC-6 nor twice");
    ok_u64(race.refused, 0, "TC-6 nothing was refused");
    if (enough == 0)
        skip(may_not_be_alone(), "TC-6 both outcomes before %s", what);
    else
        ok(race.ran >= enough && race.rounds - race.ran >= enough, "TC-6 both outcomes before %s", what);
    diag("%s against a cancel: %u rounds, the function ran in %u", what, race.rounds, race.ran);
    scene_close(&scene);
}

static void race_of_cancel_and_taking_back(void)
{
    race_often(true, "it was taken back");
}

static void race_of_cancel_and_the_methods_end(void)
{
    race_often(false, "the method's end");
}

static const tap_test_t tests[] = {
    TAP_TEST(race_of_cancel_and_taking_back),
    TAP_TEST(race_of_cancel_and_the_methods_end),
};

TAP_MAIN(tests)
