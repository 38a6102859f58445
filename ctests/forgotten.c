/* What a program forgets to expect: that the system gives no thread and no descriptor any more. Each function
 * says so, nothing is lost, and when there is one again all goes on. */
#include "distance_support.h"
#include "measure.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { NOBODY = 65534, KINDS = CALL_APARTMENT_SERIAL + 1 };

static const char *no_limit_here;

/* No limit of threads binds root. */
static void become_nobody(void)
{
    no_limit_here = may_not_be_alone();
    if (no_limit_here == NULL && getuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                                                   setresuid(NOBODY, NOBODY, NOBODY) != 0))
        no_limit_here = "this process cannot leave root";
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static rlim_t limit(int which, rlim_t to)
{
    struct rlimit now;
    (void)getrlimit(which, &now);
    rlim_t before = now.rlim_cur;
    now.rlim_cur = to;
    if (setrlimit(which, &now) != 0)
        bail_out("no limit can be set");
    return before;
}

static void *nothing(void *data)
{
    return data;
}

static bool threads_start(void)
{
    pthread_t thread;
    bool started = pthread_create(&thread, NULL, nothing, NULL) == 0;
    if (started)
        (void)pthread_join(thread, NULL);
    return started;
}

static void take_nothing(void *user, uint32_t step, const call_info_t *info)
{
    (void)user;
    (void)step;
    (void)info;
}

/* Those that need the thread that ends grace periods, which cannot be started. */
static void without_the_first_thread(const scene_t *scene)
{
    uint32_t remaining = 7;
    call_cancel_t cancel = {7};
    ok_hr(call_query_cancel(scene->call, &cancel), RPC_E_OUT_OF_RESOURCES, "no thread: no cancel interface");
    ok_u64(cancel.id, 0, "LT-12 and no handle");
    ok_hr(call_set_tracking(1, 0), RPC_E_OUT_OF_RESOURCES, "no tracking");
    ok_hr(call_set_trace(take_nothing, NULL), RPC_E_OUT_OF_RESOURCES, "no tracing");
    ok_hr(call_request_dump(2), RPC_E_OUT_OF_RESOURCES, "no requested dump");
    ok_hr(call_shutdown(0, &remaining), RPC_E_OUT_OF_RESOURCES, "no shutdown");
    ok_hr(call_apartment_close(scene->apartment, 0, &remaining), RPC_E_OUT_OF_RESOURCES, "no close");
    ok_hr(call_object_disconnect(scene->target.object), RPC_E_OUT_OF_RESOURCES, "no disconnect");
    must(call_set_timeout(scene->call, 1000, 0));
    ok_hr(call_begin(scene->call, ECHO, "x", 1), RPC_E_OUT_OF_RESOURCES, "BG-7 no begin with a deadline");
    ok_hr(finish(scene->call), RPC_E_CALL_COMPLETE, "BG-8 nothing is pending after it");
    must(call_set_timeout(scene->call, CALL_INFINITE, 0));
}

static void without_workers(call_t calls[KINDS])
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        if (kind == CALL_APARTMENT_SINGLE)
            continue;
        ok_hr(call_begin(calls[kind], ECHO, "x", 1), RPC_E_OUT_OF_RESOURCES, "BG-7 %s: no thread", kind_name(kind));
        ok_hr(finish(calls[kind]), RPC_E_CALL_COMPLETE, "BG-8 nothing is pending after it");
        ok_fate(fate_of(calls[kind]), CALL_FATE_NONE, "BG-7 nor has it a fate");
    }
    /* This one has a thread: the caller. */
    must(call_begin(calls[CALL_APARTMENT_SINGLE], ECHO, "x", 1));
    ok_hr(finish(calls[CALL_APARTMENT_SINGLE]), S_OK, "single: the owner serves without another thread");
}

static void no_thread(void)
{
    scene_t scene;
    call_apartment_t apartments[KINDS];
    target_t targets[KINDS];
    call_t calls[KINDS];
    if (no_limit_here == NULL)
        (void)limit(RLIMIT_NPROC, 0);
    if (no_limit_here == NULL && threads_start())
        no_limit_here = "no limit of threads binds this process";
    if (no_limit_here != NULL) {
        skip(no_limit_here, "no thread: RPC_E_OUT_OF_RESOURCES");
        return;
    }
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        apartments[kind] = apartment_of_kind(kind, 1, 1);
        target_create(&targets[kind], apartments[kind]);
        calls[kind] = new_call(&targets[kind]);
    }
    scene_open(&scene, 1);
    without_the_first_thread(&scene);
    without_workers(calls);
    ok_hr(call_invoke(targets[0].object, ECHO, "x", 1, NULL, 0, NULL, CALL_INFINITE, NULL), RPC_E_OUT_OF_RESOURCES,
          "a synchronous call fails alike");
    struct rlimit all;
    (void)getrlimit(RLIMIT_NPROC, &all);
    (void)limit(RLIMIT_NPROC, all.rlim_max);
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        must(call_set_timeout(calls[kind], hang_ms(), 0));
        must(call_begin(calls[kind], ECHO, "x", 1));
        ok_hr(finish(calls[kind]), S_OK, "%s: with threads it begins, and nothing was lost", kind_name(kind));
        must(call_release(calls[kind]));
        target_destroy(&targets[kind]);
        must(call_apartment_close(apartments[kind], hang_ms(), NULL));
        must(call_apartment_release(apartments[kind]));
    }
    scene_close(&scene);
}

/* A worker more that cannot be started: those that are there go on. */
static call_hresult_t wait_for_another(job_t *job)
{
    gate_wait(&job->release);
    job->codes[0] = call_wait(job->call, 100);
    return S_OK;
}

static void no_thread_more(void)
{
    if (no_limit_here != NULL) {
        skip(no_limit_here, "no thread more");
        return;
    }
    job_t job, *pointer = &job;
    call_apartment_t apartment = apartment_of(1, 8, 0);
    target_t target;
    target_create(&target, apartment);
    call_t call = new_call(&target), inner = new_call(&target);
    must(call_begin(call, ECHO, "x", 1));
    must(finish(call));
    rlim_t before = limit(RLIMIT_NPROC, 0);
    job_init(&job, NULL, S_OK);
    job.run = wait_for_another;
    job.call = inner;
    must(call_begin(call, RUN, &pointer, sizeof pointer));
    must(call_begin(inner, ECHO, "x", 1));
    gate_open(&job.release);
    ok_hr(finish(call), S_OK, "a method waits for a call that has no thread");
    ok(job.codes[0] == RPC_S_CALLPENDING || job.codes[0] == CALL_E_DEADLOCK, "and is not stuck: %s",
       call_hresult_name(job.codes[0]));
    ok_hr(finish(inner), S_OK, "that one has its turn when the method has ended");
    (void)limit(RLIMIT_NPROC, before);
    must(call_release(call));
    must(call_release(inner));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static void no_descriptor(void)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "no descriptor: RPC_E_OUT_OF_RESOURCES");
        return;
    }
    scene_t scene;
    job_t job;
    call_queue_t queue;
    int32_t fds[4] = {7, 7, 7, 7};
    scene_open(&scene, 1);
    call_apartment_t single = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    must(call_queue_create(&queue));
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    rlim_t before = limit(RLIMIT_NOFILE, 0);
    call_hresult_t codes[] = {
        call_get_fd(scene.call, &fds[0]), call_queue_get_fd(queue, &fds[1]),
        call_context_get_cancel_fd(job.context, &fds[2]), call_apartment_get_fd(single, &fds[3])};
    static const char *const of[] = {"call", "queue", "context", "apartment"};
    (void)limit(RLIMIT_NOFILE, before);
    for (int i = 0; i < 4; i++) {
        ok_hr(codes[i], RPC_E_OUT_OF_RESOURCES, "no descriptor: that of a %s", of[i]);
        ok(fds[i] == -1, "is -1 then: %d", fds[i]);
    }
    must(call_get_fd(scene.call, &fds[0]));
    must(call_queue_get_fd(queue, &fds[1]));
    must(call_context_get_cancel_fd(job.context, &fds[2]));
    must(call_apartment_get_fd(single, &fds[3]));
    ok(fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 && fds[3] >= 0, "when there are some again each is made");
    must(call_context_complete(job.context, S_FALSE));
    ok_hr(finish(scene.call), S_FALSE, "and the call is unharmed");
    must(call_queue_release(queue));
    must(call_apartment_close(single, 0, NULL));
    must(call_apartment_release(single));
    scene_close(&scene);
}

/* First those where no thread was started yet. */
static const tap_test_t tests[] = {TAP_TEST(no_thread), TAP_TEST(no_thread_more), TAP_TEST(no_descriptor)};

int main(void)
{
    become_nobody();
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
