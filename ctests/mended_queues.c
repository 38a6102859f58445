/* Waits that serve, and what may happen in them: a queue is released, the process forks, a method is told. */
#include "queues.h"
#include "measure.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* A take of a completion may destroy an object, and that may release the queue. */
static call_queue_t taken_from, made_inside;

static void release_the_queue(void *self)
{
    must(call_queue_release(taken_from));
    must(call_queue_create(&made_inside));
    gate_open(&((target_t *)self)->destroyed);
}

static void queue_released_inside_a_take(void)
{
    target_t target;
    call_class_t cls = target_class;
    call_completion_t taken;
    size_t count = 0;
    cls.destroy = release_the_queue;
    memset(&target, 0, sizeof target);
    gate_init(&target.destroyed, "destroyed");
    must(call_object_create((call_apartment_t){0}, &cls, &target, &target.object));
    taken_from = new_queue();
    call_t call = queued_call(&target, taken_from, 7);
    must(call_begin(call, ECHO, NULL, 0));
    completed(call);
    pause_us(20000); /* the worker lets go of it */
    must(call_release(call));
    must(call_object_release(target.object));
    ok_hr(call_queue_next(taken_from, &taken, 1, hang_ms(), &count), S_OK, "a completion whose object goes with it");
    gate_wait(&target.destroyed);
    must(call_queue_close(made_inside));
    ok_hr(call_queue_next(made_inside, &taken, 1, 500, &count), RPC_E_DISCONNECTED,
          "a queue made in the destroy, closed and empty, says so");
    must(call_queue_release(made_inside));
}

/* A method's function that is told may wait for the call that it has just completed. */
static struct {
    job_t jobs[2];
    call_t calls[2];
    gate_t inside, out;
    call_hresult_t code;
} both = {.inside = GATE("told"), .out = GATE("waited")};

static void complete_and_wait(void *user)
{
    size_t index;
    must(call_context_complete(*(call_context_t *)user, S_OK));
    gate_open(&both.inside);
    both.code = call_wait_many(both.calls, 2, CALL_WAIT_ALL, hang_ms(), &index);
    gate_open(&both.out);
}

static void wait_for_all_where_one_is_told(void)
{
    scene_t scene;
    scene_open(&scene, 2);
    both.calls[0] = scene.call;
    both.calls[1] = new_call(&scene.target);
    for (int i = 0; i < 2; i++) {
        job_init(&both.jobs[i], NULL, S_OK);
        enter_job(both.calls[i], i == 0 ? DEFER : HOLD, &both.jobs[i]);
    }
    must(call_context_on_cancel(both.jobs[0].context, complete_and_wait, &both.jobs[0].context));
    call_cancel_t cancel = cancel_of(both.calls[0]);
    must(call_request_cancel(cancel, CALL_INFINITE));
    gate_wait(&both.inside);
    pause_us(50000);
    gate_open(&both.jobs[1].release);
    gate_wait(&both.out);
    ok_hr(both.code, S_OK, "a wait for all, one of them complete and told here, waits for the other");
    must(finish(both.calls[0]));
    must(finish(both.calls[1]));
    must(call_cancel_release(cancel));
    must(call_release(both.calls[1]));
    scene_close(&scene);
}

/* A method that is served in a wait forks; its child goes on from there. */
static pid_t forked = -1;

static call_hresult_t fork_inside(job_t *job)
{
    (void)job;
    forked = fork();
    return S_OK;
}

static call_apartment_t single(void)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = CALL_APARTMENT_SINGLE};
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment));
    return apartment;
}

static call_hresult_t call_of_my_own(void)
{
    target_t target;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(hang_ms() / 1000);
    target_create(&target, single());
    call_t call = new_call(&target);
    must(call_begin(call, ECHO, "own", 3));
    return finish(call);
}

static void fork_in_a_wait(void)
{
    target_t target;
    job_t job;
    int ends[2], status;
    call_hresult_t got = E_FAIL;
    call_apartment_t apartment = single();
    target_create(&target, apartment);
    call_t call = new_call(&target);
    job_init(&job, NULL, S_OK);
    job.run = fork_inside;
    if (pipe2(ends, O_CLOEXEC) != 0)
        bail_out("no pipe");
    begin_job(call, RUN, &job);
    (void)fflush(NULL);
    call_hresult_t waited = call_wait(call, CALL_INFINITE);
    if (forked == 0) {
        got = call_of_my_own();
        _exit(write(ends[1], &got, sizeof got) != sizeof got);
    }
    (void)close(ends[1]);
    ok_hr(waited, S_OK, "a method that a wait serves forks, and the wait ends");
    ok(read(ends[0], &got, sizeof got) == sizeof got, "its child is back from a call of its own");
    ok_hr(got, S_OK, "which its own apartment serves");
    (void)waitpid(forked, &status, 0);
    (void)close(ends[0]);
    must(finish(call));
    must(call_release(call));
    target_destroy(&target);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

static const tap_test_t tests[] = {
    TAP_TEST(queue_released_inside_a_take),
    TAP_TEST(wait_for_all_where_one_is_told),
    TAP_TEST(fork_in_a_wait),
};

TAP_MAIN(tests)
