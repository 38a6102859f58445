/* Deadlines, cancels and counts at odd moments: after a fork, in a deadlock, behind a full pipe, in a region that
 * nobody leaves, while a class is being asked, in a shutdown, and many at once. */
#include "distance_support.h"
#include "measure.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { SHORT_MS = 100, SOON_MS = 150, LONG_MS = 60 * 1000 };
enum { MANY = 4000, LOOK_MS = 50, LATE = 15000, LINKS = 6000, SPINS = 200000 };

/* The first test: nothing else may have started the library's threads. */
static call_hresult_t deadline_of_a_child(void)
{
    scene_t scene;
    job_t job, *at = &job;
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    must(call_set_timeout(scene.call, SHORT_MS, 0));
    must(call_begin(scene.call, HOLD, &at, sizeof at));
    (void)alarm(hang_ms() / 1000);
    return finish(scene.call);
}

static void fork_after_a_shutdown(void)
{
    int ends[2], status;
    call_hresult_t got = E_FAIL;
    ok_hr(call_shutdown(0, NULL), S_OK, "a shutdown before anything else");
    if (pipe2(ends, O_CLOEXEC) != 0)
        bail_out("no pipe");
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        got = deadline_of_a_child();
        _exit(write(ends[1], &got, sizeof got) != sizeof got);
    }
    (void)close(ends[1]);
    ok(read(ends[0], &got, sizeof got) == sizeof got, "a fork after it: the child is back from a call");
    ok_hr(got, RPC_E_TIMEOUT, "by the call's deadline");
    (void)waitpid(child, &status, 0);
    (void)close(ends[0]);
}

/* Two methods that wait for each other; the end of the one's deadline never comes. */
static call_hresult_t wait_for_first(job_t *job)
{
    gate_open(&job->entered);
    job->codes[0] = call_wait(job->call, CALL_INFINITE);
    return S_OK;
}

static call_hresult_t wait_for_second(job_t *job)
{
    must(call_create(job->object, &job->call));
    enter_with_deadline(job->call, RUN, job->data, CALL_INFINITE);
    job->codes[0] = call_wait(job->call, CALL_INFINITE);
    return S_OK;
}

static void deadlock_with_endless_grace(void)
{
    scene_t first, second;
    job_t jobs[2];
    scene_open(&first, 2);
    scene_open(&second, 2);
    for (int i = 0; i < 2; i++)
        job_init(&jobs[i], NULL, S_OK);
    jobs[0].run = wait_for_second;
    jobs[0].object = second.target.object;
    jobs[0].data = &jobs[1];
    jobs[1].run = wait_for_first;
    jobs[1].call = first.call;
    begin_job(first.call, RUN, &jobs[0]);
    if (!ok_hr(call_wait(first.call, hang_ms()), S_OK, "methods wait for each other, one with endless grace"))
        bail_out("they do so for ever");
    gate_wait(&jobs[1].left);
    ok(jobs[0].codes[0] == CALL_E_DEADLOCK || jobs[1].codes[0] == CALL_E_DEADLOCK, "one is told of the deadlock");
    must(finish(first.call));
    (void)finish(jobs[0].call);
    must(call_release(jobs[0].call));
    scene_close(&first);
    scene_close(&second);
}

/* A dump to a pipe that nobody reads. */
static void fill(int fd)
{
    static const char page[4096];
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? S_OK : E_FAIL);
    while (write(fd, page, sizeof page) > 0 || write(fd, page, 1) > 0)
        ;
    must(fcntl(fd, F_SETFL, 0) == 0 ? S_OK : E_FAIL);
}

/* Until the dump has come. */
static void drain(int fd)
{
    char page[4096];
    uint64_t end = hang_end_us();
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? S_OK : E_FAIL);
    for (bool text = false; !text; not_past(end, "the dump")) {
        pause_us(100);
        ssize_t got = read(fd, page, sizeof page);
        text = got > 0 && page[got - 1] == '\n';
    }
}

/* As HOLD, for as long as it takes. */
static call_hresult_t stay(job_t *job)
{
    while (gate_count(&job->release) == 0)
        pause_us(1000);
    return S_OK;
}

static void dump_to_a_full_pipe(void)
{
    scene_t scene;
    job_t job;
    int ends[2];
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    if (pipe2(ends, O_CLOEXEC) != 0)
        bail_out("no pipe");
    job.run = stay;
    fill(ends[1]);
    must(call_set_timeout(scene.call, 2 * SHORT_MS, 0));
    begin_job(scene.call, RUN, &job);
    ok_hr(call_request_dump(ends[1]), S_OK, "a dump is asked for, to a pipe that is full");
    ok_hr(call_wait(scene.call, hang_ms()), S_OK, "which keeps no deadline from ending its call");
    drain(ends[0]);
    ok_hr(finish(scene.call), RPC_E_TIMEOUT, "the dump has come, and so has the deadline");
    gate_open(&job.release);
    scene_close(&scene);
    /* Both ends stay open: who writes there may not be through. */
}

/* A method may end inside a region where cancellation is disabled. */
static void count_it(void *user)
{
    gate_open(user);
}

static call_hresult_t leave_region_open(job_t *job)
{
    job_t *child = job->data;
    must(call_create(job->object, &job->call));
    enter_job(job->call, OBEY, child);
    must(call_context_on_cancel(job->context, count_it, &job->release));
    must(call_context_disable_cancel(job->context));
    gate_open(&job->entered);
    return CALL_S_DEFERRED;
}

static void region_left_open(void)
{
    scene_t parents, children;
    job_t job, child;
    scene_open(&parents, 1);
    scene_open(&children, 1);
    job_init(&job, NULL, S_OK);
    job_init(&child, NULL, RPC_E_CALL_CANCELED);
    job.run = leave_region_open;
    job.object = children.target.object;
    job.data = &child;
    begin_job(parents.call, RUN, &job);
    gate_wait(&job.entered);
    call_cancel_t cancel = cancel_of(parents.call);
    must(call_request_cancel(cancel, LONG_MS));
    ok_hr(call_wait(job.call, SOON_MS), RPC_S_CALLPENDING, "a cancel waits while the method is in a region");
    ok_u64(gate_count(&job.release), 0, "where its function is not told");
    must(call_context_complete(job.context, S_OK));
    ok_hr(call_wait(job.call, hang_ms()), S_OK, "it reaches the child when the method ends there");
    ok_u64(cause_of(job.call), CALL_CAUSE_PARENT, "as the parent's");
    ok_u64(gate_count(&job.release), 1, "and the function has run once");
    ok_hr(finish(parents.call), S_OK, "TO-6 the method's answer stands");
    (void)call_request_cancel(cancel, 0);
    call_cancel_t of_child = cancel_of(job.call);
    (void)call_request_cancel(of_child, LONG_MS);
    gate_wait(&child.left);
    (void)finish(job.call);
    must(call_release(job.call));
    must(call_cancel_release(of_child));
    must(call_cancel_release(cancel));
    scene_close(&parents);
    scene_close(&children);
}

/* A class that is asked for a cancel when the deadline comes, and refuses. */
static struct {
    call_context_t context;
    gate_t asked, answer;
    pthread_t by; /* who asked first */
} slow;

static call_hresult_t begin_slowly(void *self, call_context_t context, uint32_t method, const void *in, size_t len)
{
    (void)self, (void)method, (void)in, (void)len;
    slow.context = context;
    return S_OK;
}

static call_hresult_t refuse_once(void *self, call_context_t context, uint32_t grace_seconds)
{
    (void)self, (void)context, (void)grace_seconds;
    unsigned before = gate_count(&slow.asked);
    if (before == 0)
        slow.by = pthread_self();
    gate_open(&slow.asked);
    if (before != 0)
        return S_OK;
    gate_wait(&slow.answer);
    return E_FAIL;
}

/* Whether the cancel was before the deadline. */
static bool deadline_passes_meanwhile(const target_t *target, uint32_t timeout_ms)
{
    caller_t caller = {.run = run_cancel, .number = 5};
    uint32_t left = 1;
    gate_init(&slow.asked, "asked");
    gate_init(&slow.answer, "answer");
    call_t call = new_call(target);
    must(call_set_timeout(call, timeout_ms, 0));
    must(call_begin(call, ECHO, NULL, 0));
    caller.cancel = cancel_of(call);
    caller_start(&caller);
    gate_wait(&slow.asked);
    bool judged = pthread_equal(slow.by, caller.thread) != 0;
    for (uint64_t end = hang_end_us() + timeout_ms * 1000ull; left != 0; not_past(end, "the deadline"))
        must(call_context_get_deadline(slow.context, &left));
    pause_us(SHORT_MS * 1000); /* who keeps the deadlines may look */
    gate_open(&slow.answer);
    if (judged) {
        ok_hr(caller_join(&caller), E_FAIL, "CN-12 a class refuses a cancel, and the deadline passes meanwhile");
        ok_hr(call_wait(call, hang_ms()), S_OK, "which ends the call then");
        ok_u64(gate_count(&slow.asked), 2, "the class was asked again");
    }
    must(call_context_complete(slow.context, S_OK));
    if (judged)
        ok_hr(finish(call), RPC_E_TIMEOUT, "and its client is freed");
    else
        (void)caller_join(&caller);
    must(call_cancel_release(caller.cancel));
    must(call_release(call));
    return judged;
}

static void deadline_while_the_class_is_asked(void)
{
    target_t target;
    call_class_t cls = target_class;
    cls.flags = CALL_CLASS_CUSTOM_MARSHALING;
    cls.invoke = NULL;
    cls.begin = begin_slowly;
    cls.cancel = refuse_once;
    gate_init(&target.destroyed, "destroyed");
    must(call_object_create((call_apartment_t){0}, &cls, &target, &target.object));
    /* On a slow machine the deadline may be first. */
    for (uint32_t timeout_ms = 2 * SHORT_MS; !deadline_passes_meanwhile(&target, timeout_ms); timeout_ms *= 2)
        if (timeout_ms > hang_ms())
            bail_out("the deadline was always first");
    target_destroy(&target);
}

/* What is made while a shutdown waits is not ended by it. */
static call_hresult_t run_shutdown(caller_t *self)
{
    return call_shutdown(self->number, NULL);
}

static void begun_after_a_shutdown(void)
{
    target_t first, later;
    job_t held, job;
    caller_t caller = {.run = run_shutdown, .number = hang_ms()};
    job_init(&held, NULL, S_OK);
    job_init(&job, NULL, S_OK);
    target_create(&first, (call_apartment_t){0});
    call_t call = new_call(&first);
    enter_job(call, HOLD, &held);
    call_cancel_t cancel = cancel_of(call);
    caller_start(&caller);
    cancel_arrived(cancel);
    caller_settle(&caller);
    target_create(&later, (call_apartment_t){0});
    call_t call_later = new_call(&later);
    enter_job(call_later, DEFER, &job);
    ok_hr(call_wait(call_later, SOON_MS), RPC_S_CALLPENDING, "a call of an object made while a shutdown waits");
    ok_hr(call_context_test_cancel(job.context), RPC_S_CALLPENDING, "is not canceled by it");
    ok_u64(cause_of(call_later), CALL_CAUSE_NONE, "for no cause");
    ok_hr(call_context_complete(job.context, S_OK), S_OK, "its method completes it");
    ok_hr(finish(call_later), S_OK, "and has its result");
    gate_open(&held.release);
    (void)caller_join(&caller);
    (void)finish(call);
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_release(call_later));
    target_destroy(&first);
    target_destroy(&later);
}

/* Counts, with tracking on. */
static call_counters_t counted(void)
{
    call_counters_t counters = {.size = sizeof counters};
    must(call_get_counters(&counters));
    return counters;
}

static void thousands_that_never_look(void)
{
    static job_t jobs[MANY];
    static call_t calls[MANY];
    scene_t scene;
    scene_open(&scene, 1);
    must(call_set_tracking(1, LOOK_MS));
    uint64_t before = counted().uncooperative;
    for (unsigned i = 0; i < MANY; i++) {
        job_init(&jobs[i], NULL, S_OK);
        calls[i] = new_call(&scene.target);
        begin_job(calls[i], DEFER, &jobs[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        gate_wait(&jobs[i].entered);
        call_cancel_t cancel = cancel_of(calls[i]);
        must(call_request_cancel(cancel, 0));
        must(call_cancel_release(cancel));
    }
    uint64_t end = hang_end_us(), seen = 0;
    for (; seen < MANY && now_us() < end; pause_us(1000))
        seen = counted().uncooperative - before;
    ok_u64(seen, MANY, "each of %d methods that never look is counted as uncooperative", MANY);
    for (unsigned i = 0; i < MANY; i++) {
        must(call_context_complete(jobs[i].context, S_OK));
        (void)finish(calls[i]);
        must(call_release(calls[i]));
    }
    must(call_set_tracking(0, 0));
    scene_close(&scene);
}

static atomic_bool let_go, inside;

static call_hresult_t spin(job_t *job)
{
    (void)job;
    atomic_store(&inside, true);
    for (unsigned spins = 1; !atomic_load(&let_go); spins++)
        if (spins % SPINS == 0)
            (void)sched_yield();
    return S_OK;
}

static uint64_t ends_since(const call_counters_t *from, const call_counters_t *now)
{
    return now->completed - from->completed + now->never_started - from->never_started + now->stopped - from->stopped;
}

static void late_ends(void)
{
    scene_t scene;
    job_t job;
    unsigned rounds = length_of("CALL_ROUNDS", LATE), seed = 1;
    scene_open(&scene, 2);
    job_init(&job, NULL, S_OK);
    job.run = spin;
    must(call_set_tracking(1, 0));
    call_counters_t from = counted(), now = from;
    for (unsigned i = 0; i < rounds; i++) {
        atomic_store(&inside, false);
        atomic_store(&let_go, false);
        begin_job(scene.call, RUN, &job);
        while (!atomic_load(&inside))
            (void)sched_yield();
        call_cancel_t cancel = cancel_of(scene.call);
        must(call_cancel(cancel, 0));
        must(call_cancel_release(cancel));
        (void)finish(scene.call);
        atomic_store(&let_go, true);
        for (volatile int step = rand_r(&seed) % 300; step > 0; step--)
            ;
        must(call_begin(scene.call, ECHO, NULL, 0));
        must(finish(scene.call));
    }
    /* The last method may be late. */
    for (uint64_t end = hang_end_us(); ends_since(&from, &now) < 2 * (uint64_t)rounds && now_us() < end; pause_us(1000))
        now = counted();
    ok_u64(now.begun - from.begun, 2 * (uint64_t)rounds, "%u methods end late, while the call begins again",
           rounds);
    ok_u64(ends_since(&from, &now), 2 * (uint64_t)rounds, "and each end is counted");
    must(call_set_tracking(0, 0));
    scene_close(&scene);
}

/* A parent that only ever ends by a cancel, begun again and again, and children that name it. */
typedef struct links_t {
    scene_t parents, children;
    atomic_bool over;
} links_t;

static void *cancel_parents(void *data)
{
    links_t *links = data;
    unsigned seed = 1;
    job_t job;
    job_init(&job, NULL, RPC_E_CALL_CANCELED);
    while (!atomic_load(&links->over)) {
        begin_job(links->parents.call, OBEY, &job);
        call_cancel_t cancel = cancel_of(links->parents.call);
        for (volatile int step = rand_r(&seed) % 300; step > 0; step--)
            ;
        must(call_request_cancel(cancel, LONG_MS));
        (void)finish(links->parents.call);
        must(call_cancel_release(cancel));
    }
    return NULL;
}

static call_hresult_t until_canceled(job_t *job)
{
    return call_context_wait_cancel(job->context, CALL_INFINITE);
}

static void end_it(call_t call)
{
    call_cancel_t cancel = cancel_of(call);
    (void)call_request_cancel(cancel, 0);
    must(call_cancel_release(cancel));
}

static void child_of_a_busy_parent(void)
{
    links_t links;
    job_t job;
    unsigned begun = 0, lost = 0, tried = 0, wanted = length_of("CALL_ROUNDS", LINKS);
    uint64_t end = now_us() + (uint64_t)hang_ms() * 750, last = end + (uint64_t)hang_ms() * 1000;
    scene_open(&links.parents, 2);
    scene_open(&links.children, 2);
    atomic_init(&links.over, false);
    job_init(&job, NULL, S_OK);
    job.run = until_canceled;
    pthread_t thread = thread_of(cancel_parents, &links);
    for (; begun < wanted && lost == 0 && now_us() < (begun < wanted / 4 ? last : end); tried++) {
        call_t call = new_call(&links.children.target);
        job_t *at = &job;
        must(call_set_parent(call, links.parents.call));
        if (call_begin(call, RUN, &at, sizeof at) == S_OK) {
            begun++;
            lost += call_wait(call, hang_ms()) != S_OK;
            end_it(call);
            /* Its method may go on without a client, and has the job until it ends. */
            (void)settled_fate_of(call);
        }
        must(call_release(call));
    }
    atomic_store(&links.over, true);
    join_thread(thread);
    ok_u64(lost, 0, "a child begun while its parent is canceled and begun again is canceled, too");
    ok(lost != 0 || begun >= wanted / 4, "which happened often");
    diag("%u begins of a child, %u refused as the parent was not there", tried, tried - begun);
    scene_close(&links.children);
    scene_close(&links.parents);
}

static const tap_test_t tests[] = {
    TAP_TEST(fork_after_a_shutdown),
    TAP_TEST(deadlock_with_endless_grace),
    TAP_TEST(dump_to_a_full_pipe),
    TAP_TEST(region_left_open),
    TAP_TEST(deadline_while_the_class_is_asked),
    TAP_TEST(begun_after_a_shutdown),
    TAP_TEST(thousands_that_never_look),
    TAP_TEST(late_ends),
    TAP_TEST(child_of_a_busy_parent),
};

TAP_MAIN(tests)
