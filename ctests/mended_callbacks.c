/* What a program's function may do where the library runs it: in a completion callback, in a function told of a
 * cancel, in a destroy. It may cancel, invoke, shut down, begin again, and touch a call that is being begun. */
#include "callbacks.h"
#include "distance_support.h"
#include "measure.h"

#include <sched.h>
#include <sys/prctl.h>

enum { SECONDS = 1, SHORT_MS = 100, LONG_MS = 60 * 1000, SOON_MS = 150 };
enum { HITS = 40, SPINS = 100000, ENOUGH_US = 3000000, NAP_NS = 40000 };

/* A call whose method holds, with a callback that does something. */
typedef struct held_t {
    call_t call;
    job_t job;
    notice_t notice;
    gate_t inside;
    scene_t *scene;
    call_cancel_t other;
    job_t inner;
} held_t;

/* As HOLD, for as long as it takes. */
static call_hresult_t stay(job_t *job)
{
    gate_open(&job->entered);
    while (gate_count(&job->release) == 0)
        pause_us(1000);
    return S_OK;
}

static void job_stays(job_t *job)
{
    job_init(job, NULL, S_OK);
    job->run = stay;
}

static void held_open(held_t *held, scene_t *scene, void (*then)(notice_t *notice))
{
    memset(held, 0, sizeof *held);
    held->scene = scene;
    held->call = new_call(&scene->target);
    gate_init(&held->inside, "in the callback");
    job_stays(&held->job);
    job_stays(&held->inner);
    notice_init(&held->notice);
    held->notice.then = then;
    held->notice.data = held;
    notice_set(held->call, &held->notice);
}

static void held_close(held_t *held)
{
    gate_open(&held->job.release);
    gate_wait(&held->job.left);
    (void)finish(held->call);
    must(call_release(held->call));
    gate_wait(&held->notice.destroyed);
}

static void cancel_another(notice_t *notice)
{
    held_t *held = notice->data;
    gate_open(&held->inside);
    notice->codes[0] = call_cancel(held->other, SECONDS);
}

static void cancel_with_seconds(void)
{
    scene_t scene;
    held_t held;
    job_t other, late;
    scene_open(&scene, 4);
    held_open(&held, &scene, cancel_another);
    job_stays(&other);
    job_stays(&late);
    call_t canceled = new_call(&scene.target);
    enter_job(canceled, RUN, &other);
    held.other = cancel_of(canceled);
    enter_job(held.call, RUN, &held.job);
    call_cancel_t cancel = cancel_of(held.call);
    must(call_request_cancel(cancel, 0));
    gate_wait(&held.inside);
    must(call_set_timeout(scene.call, SHORT_MS, 0));
    begin_job(scene.call, RUN, &late);
    ok_hr(call_wait(scene.call, hang_ms()), S_OK, "a deadline passes while a callback cancels with seconds");
    ok_hr(finish(scene.call), RPC_E_TIMEOUT, "and ends its call");
    gate_wait(&held.notice.ran);
    ok_hr(held.notice.codes[0], S_OK, "CN-3 the cancel returns after its seconds");
    ok_hr(finish(canceled), RPC_E_CALL_CANCELED, "TO-5 and its client is freed");
    gate_open(&other.release);
    gate_open(&late.release);
    held_close(&held);
    must(call_release(canceled));
    must(call_cancel_release(held.other));
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void invoke_in_time(notice_t *notice)
{
    held_t *held = notice->data;
    job_t *job = &held->inner;
    notice->codes[0] = call_invoke(held->scene->target.object, RUN, &job, sizeof job, NULL, 0, NULL, SHORT_MS, NULL);
}

static void invoke_with_a_deadline(void)
{
    scene_t scene;
    held_t held;
    scene_open(&scene, 4);
    held_open(&held, &scene, invoke_in_time);
    enter_with_deadline(held.call, RUN, &held.job, 0);
    gate_wait(&held.notice.ran);
    ok_hr(held.notice.codes[0], RPC_E_TIMEOUT, "an invoke in the callback of an expired call has its own deadline");
    gate_open(&held.inner.release);
    held_close(&held);
    scene_close(&scene);
}

/* A begin that makes room in a full queue drops a canceled call, and with it an object. */
static call_t begun_call;
static call_hresult_t touched;

static void touch(void *self)
{
    call_cancel_t cancel;
    touched = call_query_cancel(begun_call, &cancel);
    if (touched == S_OK)
        must(call_cancel_release(cancel));
    gate_open(self);
}

static void *begin_it(void *data)
{
    *(call_hresult_t *)data = call_begin(begun_call, ECHO, NULL, 0);
    return NULL;
}

static call_t canceled_in_the_queue(call_apartment_t apartment, gate_t *destroyed)
{
    call_class_t cls = target_class;
    call_object_t object;
    call_t call;
    cls.destroy = touch;
    must(call_object_create(apartment, &cls, destroyed, &object));
    must(call_create(object, &call));
    must(call_object_release(object));
    must(call_begin(call, ECHO, NULL, 0));
    call_cancel_t cancel = cancel_of(call);
    must(call_cancel(cancel, 0));
    must(call_cancel_release(cancel));
    return call;
}

static void destroy_in_a_begin(void)
{
    call_apartment_options_t options = {
        .size = sizeof options, .kind = CALL_APARTMENT_SINGLE, .queue_limit = 1};
    call_apartment_t apartment;
    target_t target;
    gate_t destroyed = GATE("another object's destroy");
    call_hresult_t begun = E_FAIL;
    must(call_apartment_create(&options, &apartment));
    target_create(&target, apartment);
    begun_call = new_call(&target);
    must(call_release(canceled_in_the_queue(apartment, &destroyed)));
    join_thread(thread_of(begin_it, &begun));
    ok_hr(begun, S_OK, "BG-7 a begin drops a canceled call from a full queue");
    ok_u64(gate_count(&destroyed), 1, "and destroys that call's object");
    ok(touched == S_OK || touched == RPC_E_CALL_COMPLETE, "whose destroy may touch the call that is being begun");
    must(call_apartment_pump(apartment, 0, NULL));
    must(finish(begun_call));
    must(call_release(begun_call));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

/* A begin for a parent that is canceled at this moment may run the parent's callback. */
typedef struct meet_t {
    call_apartment_t apartment;
    target_t target;
    call_cancel_t cancel;
    unsigned rounds, refused;
    int steps;
    atomic_uint round, ready, met, hits;
    atomic_bool over;
} meet_t;

static _Thread_local bool begins;

static void touch_in_callback(call_t call, void *user)
{
    call_cancel_t cancel;
    (void)call;
    if (!begins)
        return;
    if (call_query_cancel(begun_call, &cancel) == S_OK)
        must(call_cancel_release(cancel));
    (void)atomic_fetch_add(&((meet_t *)user)->hits, 1);
}

static void dally(int steps)
{
    for (volatile int i = steps; i > 0; i--)
        ;
}

/* On its processor, so that the two meet; but not for long. */
static void spin(unsigned *spins)
{
    if (++*spins % SPINS == 0)
        (void)sched_yield();
}

/* In every other round the one that cancels sleeps before: where both have one processor, its timer interrupts the
 * other one. */
static bool naps(unsigned round)
{
    return round % 2 == 0;
}

static void nap(unsigned nanoseconds)
{
    (void)nanosleep(&(struct timespec){0, (long)nanoseconds}, NULL);
}

static void *cancel_parents(void *data)
{
    meet_t *meet = data;
    unsigned seed = 1;
    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    for (unsigned round = 1;; round++) {
        for (unsigned spins = 0; atomic_load(&meet->round) < round; spin(&spins))
            if (atomic_load(&meet->over))
                return NULL;
        atomic_store(&meet->ready, round);
        if (naps(round))
            nap((unsigned)rand_r(&seed) % NAP_NS);
        else
            dally(meet->steps);
        (void)call_cancel(meet->cancel, 0);
        atomic_store(&meet->met, round);
    }
}

static void meet_once(meet_t *meet, unsigned *seed)
{
    call_t parent = new_call(&meet->target);
    begun_call = new_call(&meet->target);
    must(call_set_callback(parent, touch_in_callback, meet, NULL));
    /* The child is told of this deadline. */
    must(call_set_timeout(parent, 20 * LONG_MS, 0));
    must(call_begin(parent, ECHO, NULL, 0));
    meet->cancel = cancel_of(parent);
    must(call_set_parent(begun_call, parent));
    meet->steps = rand_r(seed) % 600;
    int steps = rand_r(seed) % 600;
    unsigned round = atomic_fetch_add(&meet->round, 1) + 1;
    while (naps(round) && atomic_load(&meet->ready) != round)
        (void)sched_yield();
    for (uint64_t until = now_ns() + (unsigned)rand_r(seed) % (2 * NAP_NS); naps(round) && now_ns() < until;)
        ;
    dally(steps);
    begins = true;
    call_hresult_t begun = call_begin(begun_call, ECHO, NULL, 0);
    begins = false;
    meet->refused += begun != S_OK;
    for (unsigned spins = 0; atomic_load(&meet->met) != atomic_load(&meet->round);)
        spin(&spins);
    (void)finish(parent);
    must(call_cancel_release(meet->cancel));
    must(call_release(parent));
    must(call_release(begun_call));
    must(call_apartment_pump(meet->apartment, 0, NULL));
}

static void *begin_children(void *data)
{
    meet_t *meet = data;
    call_apartment_options_t options = {.size = sizeof options, .kind = CALL_APARTMENT_SINGLE};
    unsigned seed = (unsigned)now_us();
    uint64_t enough = now_us() + ENOUGH_US, end = now_us() + (uint64_t)hang_ms() * 750;
    must(call_apartment_create(&options, &meet->apartment));
    target_create(&meet->target, meet->apartment);
    /* A busy machine has few of them. */
    for (; atomic_load(&meet->hits) < (now_us() < enough ? HITS : 1) && now_us() < end; meet->rounds++)
        meet_once(meet, &seed);
    atomic_store(&meet->over, true);
    target_destroy(&meet->target);
    must(call_apartment_close(meet->apartment, hang_ms(), NULL));
    must(call_apartment_release(meet->apartment));
    return NULL;
}

static void callback_in_a_begin(void)
{
    static const char name[] = "a parent's callback, run in the begin of a child, may touch the child";
    meet_t meet = {.rounds = 0};
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "%s", name);
        return;
    }
    pthread_t cancels = thread_of(cancel_parents, &meet);
    join_thread(thread_of(begin_children, &meet));
    join_thread(cancels);
    ok(atomic_load(&meet.hits) != 0, "%s", name);
    diag("it ran there %u times in %u begins, of which %u were refused", atomic_load(&meet.hits), meet.rounds,
         meet.refused);
}

/* A begin in a callback is nobody's child, whatever method the callback runs in. */
static void begin_again(notice_t *notice)
{
    held_t *held = notice->data;
    job_t *job = &held->inner;
    if (atomic_load(&notice->runs) != 1)
        return;
    notice->codes[0] = call_finish(held->call, NULL, 0, NULL);
    must(call_set_timeout(held->call, CALL_INFINITE, 0));
    notice->codes[1] = call_begin(held->call, DEFER, &job, sizeof job);
}

static call_hresult_t complete_myself(job_t *job)
{
    must(call_context_complete(job->context, S_OK));
    return CALL_S_DEFERRED;
}

static void begun_again_without_its_deadline(void)
{
    scene_t scene;
    held_t held;
    uint32_t left = 0;
    scene_open(&scene, 2);
    held_open(&held, &scene, begin_again);
    held.job.run = complete_myself;
    must(call_set_timeout(held.call, LONG_MS, 0));
    begin_job(held.call, RUN, &held.job);
    gate_wait(&held.inner.entered);
    ok_hr(call_context_get_deadline(held.inner.context, &left), S_OK, "a call begun in its own callback");
    ok_u64(left, CALL_INFINITE, "does not have the deadline of the method that the callback runs in");
    must(call_context_complete(held.inner.context, S_OK));
    ok_hr(call_wait(held.call, hang_ms()), S_OK, "it ends as ever");
    gate_open(&held.job.left);
    held_close(&held);
    scene_close(&scene);
}

static call_hresult_t cancel_and_stay(job_t *job)
{
    must(call_cancel(*(call_cancel_t *)job->data, 0));
    gate_open(&job->entered);
    return call_context_wait_cancel(job->context, hang_ms());
}

static void begun_again_by_a_cancel(void)
{
    scene_t scene;
    held_t held;
    job_t canceler;
    scene_open(&scene, 4);
    held_open(&held, &scene, begin_again);
    job_init(&canceler, NULL, S_OK);
    canceler.run = cancel_and_stay;
    enter_job(held.call, RUN, &held.job);
    held.other = cancel_of(held.call);
    canceler.data = &held.other;
    begin_job(scene.call, RUN, &canceler);
    gate_wait(&canceler.entered);
    gate_wait(&held.inner.entered);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, hang_ms()));
    gate_wait(&canceler.left);
    ok_hr(call_wait(held.call, SOON_MS), RPC_S_CALLPENDING, "a call begun again in the callback of its cancel goes on");
    ok_u64(cause_of(held.call), CALL_CAUSE_NONE, "when the method that canceled it is canceled");
    ok_hr(call_context_complete(held.inner.context, S_OK), S_OK, "its method completes it");
    ok_hr(call_wait(held.call, hang_ms()), S_OK, "it ends as ever");
    ok_hr(finish(held.call), S_OK, "with its own result");
    completed(scene.call);
    (void)finish(scene.call);
    must(call_cancel_release(cancel));
    must(call_cancel_release(held.other));
    held_close(&held);
    scene_close(&scene);
}

/* A shutdown or a close where the library waits for the function itself does not wait. */
typedef struct told_t {
    call_apartment_t apartment;
    bool closes;
    gate_t inside, out;
    call_hresult_t code;
} told_t;

static void end_all(void *user)
{
    told_t *told = user;
    gate_open(&told->inside);
    told->code = told->closes ? call_apartment_close(told->apartment, CALL_INFINITE, NULL)
                              : call_shutdown(CALL_INFINITE, NULL);
    gate_open(&told->out);
}

static call_hresult_t end_when_told(job_t *job)
{
    told_t *told = job->data;
    must(call_context_on_cancel(job->context, end_all, told));
    gate_open(&job->entered);
    gate_wait(&told->inside);
    return S_OK;
}

static void check_end_all(bool closes)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 2);
    told_t told = {scene.apartment, closes, GATE("told"), GATE("told and back"), S_OK};
    job_init(&job, NULL, S_OK);
    job.run = end_when_told;
    job.data = &told;
    enter_job(scene.call, RUN, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_request_cancel(cancel, LONG_MS));
    gate_wait(&told.out);
    ok_hr(told.code, S_FALSE, "a %s in a function told of a cancel does not wait for its method",
          closes ? "close" : "shutdown");
    (void)finish(scene.call);
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static void shutdown_when_told(void)
{
    check_end_all(false);
    check_end_all(true);
}

static void shut_down(notice_t *notice)
{
    uint32_t left = 0;
    notice->codes[0] = call_shutdown(CALL_INFINITE, &left);
    notice->left = left;
}

static call_hresult_t call_inside(job_t *job)
{
    held_t *held = job->data;
    must(call_begin(held->call, ECHO, NULL, 0));
    job->codes[0] = call_finish(held->call, NULL, 0, NULL);
    return S_OK;
}

static void shutdown_in_a_callback(void)
{
    home_t home;
    scene_t scene;
    held_t held;
    home_open(&home, CALL_APARTMENT_SERIAL, 1);
    target_create(&scene.target, home.apartment);
    scene.call = new_call(&scene.target);
    held_open(&held, &scene, shut_down);
    held.job.run = call_inside;
    held.job.data = &held;
    begin_job(scene.call, RUN, &held.job);
    ok_hr(call_wait(scene.call, hang_ms()), S_OK, "a shutdown in a callback inside a method does not wait for it");
    gate_wait(&held.notice.ran);
    ok_hr(held.notice.codes[0], S_FALSE, "and says that a method runs");
    ok_u64(held.notice.left, 1, "which is the one around it");
    (void)finish(scene.call);
    must(call_release(scene.call));
    held_close(&held);
    target_destroy(&scene.target);
    home_close(&home);
}

static const tap_test_t tests[] = {
    TAP_TEST(cancel_with_seconds),
    TAP_TEST(invoke_with_a_deadline),
    TAP_TEST(destroy_in_a_begin),
    TAP_TEST(callback_in_a_begin),
    TAP_TEST(begun_again_without_its_deadline),
    TAP_TEST(begun_again_by_a_cancel),
    TAP_TEST(shutdown_when_told),
    TAP_TEST(shutdown_in_a_callback),
};

TAP_MAIN(tests)
