/* Completion callbacks: which of them runs, where, what it may do, and when its destroy comes.
 *
 *   CALL_CALLBACK_RACES  how many begins at least while another thread replaces the function (20000) */
#include <sched.h>

#include "callbacks.h"
#include "queues.h"

enum { BEGINS = 100, CHAIN = 2000, RACES = 20000, ENOUGH = 100 };

static void each_begin_runs_it_once(void)
{
    scene_t scene;
    notice_t notice;
    scene_open(&scene, 1);
    notice_init(&notice);
    notice_set(scene.call, &notice);
    for (unsigned i = 0; i < BEGINS; i++) {
        must(call_begin(scene.call, ECHO, NULL, 0));
        gate_wait_for(&notice.ran, i + 1);
        must(finish(scene.call));
    }
    ok_u64(atomic_load(&notice.runs), BEGINS, "it runs once for each begin");
    ok_u64(atomic_load(&notice.destroys), 0, "destroy waits for the last");
    ok(!pthread_equal(notice.on, pthread_self()), "on a thread of the apartment");
    ok_hr(call_set_callback(scene.call, NULL, NULL, NULL), S_OK, "it is taken back");
    /* The thread that ran it last may be on its way out of it. */
    for (uint64_t start = now_us(); atomic_load(&notice.destroys) == 0 && now_us() - start < hang_ms() * 1000ull;)
        (void)sched_yield();
    ok_u64(atomic_load(&notice.destroys), 1, "and destroyed, as no call is in progress");
    must(call_begin(scene.call, ECHO, NULL, 0));
    must(finish(scene.call));
    ok_u64(atomic_load(&notice.runs), BEGINS, "no function runs for the next begin");
    scene_close(&scene);
    ok_u64(atomic_load(&notice.destroys), 1, "and destroy never again");
}

static void on_the_thread_that_completes(void)
{
    scene_t scene;
    notice_t notice;
    job_t job;
    scene_open(&scene, 1);
    notice_init(&notice);
    job_init(&job, NULL, S_OK);
    notice_set(scene.call, &notice);
    enter_job(scene.call, DEFER, &job);
    must(call_context_complete(job.context, S_OK));
    ok_u64(atomic_load(&notice.runs), 1, "when complete returns it has run");
    ok(pthread_equal(notice.on, pthread_self()), "on the thread that completed the call");
    must(finish(scene.call));
    enter_job(scene.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_cancel(cancel, 0), S_OK, "a cancel without grace");
    ok_u64(atomic_load(&notice.runs), 2, "has run it when it returns");
    ok(pthread_equal(notice.on, pthread_self()), "on the thread that canceled");
    must(call_context_complete(job.context, S_OK));
    ok_u64(atomic_load(&notice.runs), 2, "and the late end of the method does not run it");
    (void)finish(scene.call);
    must(call_cancel_release(cancel));
    scene_close(&scene);
    ok_u64(atomic_load(&notice.destroys), 1, "the release of the call object destroys it");
}

static void replaced_while_in_flight(void)
{
    scene_t scene;
    notice_t first, second;
    job_t job;
    scene_open(&scene, 1);
    notice_init(&first);
    notice_init(&second);
    job_init(&job, NULL, S_OK);
    notice_set(scene.call, &first);
    enter_job(scene.call, DEFER, &job);
    notice_set(scene.call, &second);
    ok_u64(atomic_load(&first.destroys), 0, "a function that a call is in progress for is not destroyed");
    must(call_context_complete(job.context, S_OK));
    ok_u64(atomic_load(&first.runs), 1, "it runs for that call");
    gate_wait(&first.destroyed);
    ok_u64(atomic_load(&second.runs), 0, "the other does not");
    must(finish(scene.call));
    enter_job(scene.call, DEFER, &job);
    must(call_context_complete(job.context, S_OK));
    ok_u64(atomic_load(&second.runs), 1, "but for the next");
    ok_u64(atomic_load(&first.runs) + atomic_load(&first.destroys), 2, "and the first is over");
    must(finish(scene.call));
    scene_close(&scene);
    ok_u64(atomic_load(&second.destroys), 1, "the second is destroyed with the call object");
    ok_u64(atomic_load(&first.late) + atomic_load(&second.late), 0, "neither ran after its destroy");
}

static void not_taken_from_a_dead_handle(void)
{
    scene_t scene;
    notice_t notice;
    scene_open(&scene, 1);
    notice_init(&notice);
    call_t dead = new_call(&scene.target);
    must(call_release(dead));
    ok_hr(call_set_callback(dead, notice_run, &notice, notice_destroy), E_HANDLE, "a dead call object");
    ok_u64(atomic_load(&notice.destroys), 0, "destroy is not called");
    ok_hr(call_set_callback(scene.call, notice_run, &notice, NULL), S_OK, "destroy may be NULL");
    must(call_begin(scene.call, ECHO, NULL, 0));
    gate_wait(&notice.ran);
    must(finish(scene.call));
    scene_close(&scene);
    ok_u64(atomic_load(&notice.runs), 1, "and the function runs");
    ok_u64(atomic_load(&notice.destroys), 0, "without one");
}

/* Finishes its call and begins the next one, until there were enough. */
static void begin_the_next(notice_t *notice)
{
    call_hresult_t finished = call_finish(notice->call, NULL, 0, NULL);
    if (finished != S_OK)
        notice->codes[0] = finished;
    if (--notice->left > 0) {
        call_hresult_t begun = call_begin(notice->call, ECHO, NULL, 0);
        if (begun != S_OK)
            notice->codes[1] = begun;
    }
}

static void a_chain_of_begins(void)
{
    scene_t scene;
    notice_t notice;
    scene_open(&scene, 2);
    notice_init(&notice);
    notice.then = begin_the_next;
    notice.left = CHAIN;
    notice_set(scene.call, &notice);
    must(call_begin(scene.call, ECHO, NULL, 0));
    gate_wait_for(&notice.ran, CHAIN);
    ok_u64(atomic_load(&notice.runs), CHAIN, "a function that finishes its call and begins the next");
    ok_hr(notice.codes[0], S_OK, "finishes each");
    ok_hr(notice.codes[1], S_OK, "and begins each");
    scene_close(&scene);
    ok_u64(atomic_load(&notice.destroys), 1, "and is destroyed once");
}

static void do_everything_else(notice_t *notice)
{
    notice_t *other = notice->data;
    call_fate_t fate = CALL_FATE_NONE;
    notice->codes[0] = call_wait(notice->call, CALL_INFINITE);
    notice->codes[1] = call_get_fate(notice->call, &fate);
    notice->codes[2] = call_set_callback(notice->call, notice_run, other, notice_destroy);
    notice->codes[3] = call_finish(notice->call, NULL, 0, NULL);
    notice->codes[4] = call_release(notice->call);
    notice->codes[5] = call_wait(notice->call, 0);
    notice->left = (unsigned)fate;
    notice->inside_destroys = atomic_load(&notice->destroys);
}

/* Waits, finishes, replaces itself and lets the call object go. */
static void it_may_let_its_own_call_go(void)
{
    scene_t scene;
    notice_t notice, other;
    scene_open(&scene, 1);
    notice_init(&notice);
    notice_init(&other);
    notice.then = do_everything_else;
    notice.data = &other;
    call_t call = new_call(&scene.target);
    notice_set(call, &notice);
    must(call_begin(call, ECHO, NULL, 0));
    gate_wait(&notice.destroyed);
    gate_wait(&other.destroyed);
    ok_hr(notice.codes[0], S_OK, "inside, a wait for the call is over at once");
    ok_hr(notice.codes[1], S_OK, "the fate is known");
    ok_fate((call_fate_t)notice.left, CALL_FATE_COMPLETED, "as it is");
    ok_hr(notice.codes[2], S_OK, "another function is set");
    ok_hr(notice.codes[3], S_OK, "the call is finished");
    ok_hr(notice.codes[4], S_OK, "and released");
    ok_hr(notice.codes[5], E_HANDLE, "for good");
    ok_u64(notice.inside_destroys, 0, "the function is not destroyed while it runs");
    ok_u64(atomic_load(&notice.destroys), 1, "but once, after that");
    ok_u64(atomic_load(&notice.runs), 1, "it ran once");
    ok_u64(atomic_load(&other.runs) * 10 + atomic_load(&other.destroys), 1, "the other was destroyed unused");
    scene_close(&scene);
}

/* One thread replaces the function while another begins and finishes. */
typedef struct race_t {
    call_t call;
    atomic_bool over;
    atomic_uint runs, destroyed, late, replaced;
} race_t;

/* One function of the race: its number, for its whole life. */
typedef struct turn_t {
    race_t *race;
    atomic_bool gone;
} turn_t;

static void turn_run(call_t call, void *user)
{
    turn_t *turn = user;
    (void)call;
    atomic_fetch_add(&turn->race->late, atomic_load(&turn->gone));
    atomic_fetch_add(&turn->race->runs, 1);
}

static void turn_destroy(void *user)
{
    turn_t *turn = user;
    atomic_fetch_add(&turn->race->late, atomic_exchange(&turn->gone, true));
    atomic_fetch_add(&turn->race->destroyed, 1);
}

static void *replace_often(void *argument)
{
    race_t *race = argument;
    turn_t *turns = calloc(RACES, sizeof *turns);
    unsigned set = 0;
    while (set < RACES && (set == 0 || !atomic_load(&race->over))) {
        turns[set].race = race;
        must(call_set_callback(race->call, turn_run, &turns[set], turn_destroy));
        atomic_store(&race->replaced, ++set);
    }
    return turns;
}

static void replaced_by_another_thread(void)
{
    scene_t scene;
    static race_t race;
    pthread_t thread;
    void *turns;
    unsigned begins = asked_for("CALL_CALLBACK_RACES", RACES), done = 0;
    scene_open(&scene, 1);
    race.call = new_call(&scene.target);
    (void)pthread_create(&thread, NULL, replace_often, &race);
    while (atomic_load(&race.replaced) == 0)
        ;
    /* So many, and more if the other thread did not get a processor. */
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    for (; done < begins || (atomic_load(&race.replaced) <= ENOUGH && now_us() < end); done++) {
        must(call_begin(race.call, ECHO, NULL, 0));
        must(finish(race.call));
    }
    atomic_store(&race.over, true);
    (void)pthread_join(thread, &turns);
    must(call_release(race.call));
    scene_close(&scene);
    diag("%u begins, %u functions one after another", done, atomic_load(&race.replaced));
    ok(race.replaced > ENOUGH, "the function was replaced %u times meanwhile", atomic_load(&race.replaced));
    ok_u64(race.runs, done, "each begin ran one of them");
    ok_u64(race.destroyed, race.replaced, "each was destroyed");
    ok_u64(race.late, 0, "once, and did not run after that");
    free(turns);
}

static const tap_test_t tests[] = {
    TAP_TEST(each_begin_runs_it_once),
    TAP_TEST(on_the_thread_that_completes),
    TAP_TEST(replaced_while_in_flight),
    TAP_TEST(not_taken_from_a_dead_handle),
    TAP_TEST(a_chain_of_begins),
    TAP_TEST(it_may_let_its_own_call_go),
    TAP_TEST(replaced_by_another_thread),
};

TAP_MAIN(tests)
