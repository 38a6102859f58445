/* A parent with calls of every kind in progress, and what the child of its fork finds. */
#ifndef FORKS_H
#define FORKS_H

#include "distance_support.h"
#include "measure.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { KINDS = CALL_APARTMENT_SERIAL + 1, CALLS = 100, DESCRIPTORS = 4, DEPTH = 3, HIGH = 500 };

/* What the parent has when it forks. */
static struct {
    home_t homes[KINDS];
    target_t targets[KINDS];
    call_t calls[CALLS];
    job_t jobs[CALLS];
    call_cancel_t cancel;
    call_queue_t queue;
    call_buffer_t buffer;
    call_context_t context;
    int descriptors[DESCRIPTORS];
} parent;

static inline void descriptors_open(void)
{
    must(call_get_fd(parent.calls[0], &parent.descriptors[0]));
    must(call_queue_get_fd(parent.queue, &parent.descriptors[1]));
    must(call_context_get_cancel_fd(parent.context, &parent.descriptors[2]));
    must(call_apartment_get_fd(parent.homes[CALL_APARTMENT_SINGLE].apartment, &parent.descriptors[3]));
}

/* As HOLD, for as long as the forks take. */
static inline call_hresult_t stay(job_t *job)
{
    while (gate_count(&job->release) == 0)
        pause_us(5000);
    return S_OK;
}

static inline void parent_open(void)
{
    const void *data;
    size_t len;
    must(call_queue_create(&parent.queue));
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_open(&parent.homes[kind], kind, 4);
        target_create(&parent.targets[kind], parent.homes[kind].apartment);
    }
    call_t echo = new_call(&parent.targets[0]);
    must(call_begin(echo, ECHO, "buffer", 6));
    must(call_finish_buffer(echo, &parent.buffer));
    must(call_buffer_get(parent.buffer, &data, &len));
    must(call_release(echo));
    for (uint32_t i = 0; i < CALLS; i++) {
        parent.calls[i] = new_call(&parent.targets[i % KINDS]);
        job_init(&parent.jobs[i], NULL, S_OK);
        must(call_set_timeout(parent.calls[i], i % 5 == 0 ? 3600 * 1000 : CALL_INFINITE, 0));
        must(call_set_queue(parent.calls[i], i % 2 == 0 ? parent.queue : (call_queue_t){0}, i));
        parent.jobs[i].run = stay;
        begin_job(parent.calls[i], i < 12 ? DEFER : RUN, &parent.jobs[i]);
        if (i < 12)
            gate_wait(&parent.jobs[i].entered);
    }
    parent.cancel = cancel_of(parent.calls[0]);
    parent.context = parent.jobs[0].context;
    descriptors_open();
}

static inline void parent_close(void)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        gate_open(&parent.jobs[i].release);
        if (i < 12)
            must(call_context_complete(parent.jobs[i].context, S_OK));
    }
    unsigned wrong = 0;
    for (uint32_t i = 0; i < CALLS; i++) {
        wrong += finish(parent.calls[i]) != S_OK;
        must(call_release(parent.calls[i]));
    }
    ok_u64(wrong, 0, "the parent's %d calls are not touched by it and have their results", CALLS);
    must(call_cancel_release(parent.cancel));
    must(call_buffer_release(parent.buffer));
    must(call_queue_release(parent.queue));
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        target_destroy(&parent.targets[kind]);
        home_close(&parent.homes[kind]);
    }
}

/* Counts what is wrong with the answers for handles of the parent. */
static inline unsigned dead_handles(void)
{
    unsigned wrong = 0;
    size_t count;
    uint32_t number;
    const void *data;
    call_completion_t completion;
    call_t call = parent.calls[0];
    call_hresult_t codes[] = {
        call_begin(call, ECHO, NULL, 0), call_wait(call, CALL_INFINITE), finish(call), call_add_ref(call),
        call_try_finish(call, NULL, 0, NULL), call_get_cause(call, &number), call_set_timeout(call, 1, 1),
        call_set_parent(call, call), call_detach(call), call_set_queue(call, parent.queue, 1),
        call_get_fd(call, &(int32_t){0}), call_wait_many(&call, 1, CALL_WAIT_ANY, CALL_INFINITE, NULL),
        call_query_cancel(call, &(call_cancel_t){0}), call_release(call),
        call_cancel(parent.cancel, CALL_INFINITE), call_request_cancel(parent.cancel, 0),
        call_test_cancel(parent.cancel), call_cancel_release(parent.cancel),
        call_create(parent.targets[0].object, &(call_t){0}), call_object_release(parent.targets[0].object),
        call_invoke(parent.targets[1].object, ECHO, NULL, 0, NULL, 0, NULL, CALL_INFINITE, NULL),
        call_object_disconnect(parent.targets[2].object),
        call_apartment_close(parent.homes[0].apartment, CALL_INFINITE, NULL),
        call_apartment_pump(parent.homes[1].apartment, CALL_INFINITE, NULL),
        call_apartment_release(parent.homes[2].apartment), call_apartment_get_fd(parent.homes[1].apartment, &(int32_t){0}),
        call_queue_next(parent.queue, &completion, 1, CALL_INFINITE, &count), call_queue_post(parent.queue, 1),
        call_queue_close(parent.queue), call_queue_release(parent.queue), call_queue_get_fd(parent.queue, &(int32_t){0}),
        call_buffer_get(parent.buffer, &data, &count), call_buffer_release(parent.buffer),
        call_context_complete(parent.context, S_OK), call_context_write(parent.context, "x", 1),
        call_context_test_cancel(parent.context), call_context_wait_cancel(parent.context, CALL_INFINITE),
        call_context_get_deadline(parent.context, &number),
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        wrong += codes[i] != RPC_E_DISCONNECTED;
    return wrong;
}

static inline unsigned open_ones(void)
{
    unsigned open = 0;
    for (int i = 0; i < DESCRIPTORS; i++)
        open += fcntl(parent.descriptors[i], F_GETFD) != -1;
    return open;
}

/* A new life: calls of each kind with a deadline and a queue, and a cancel. */
static inline unsigned new_life(uint32_t kind)
{
    unsigned wrong = 0;
    home_t home;
    target_t target;
    job_t job;
    call_queue_t queue;
    call_completion_t completion = {.tag = 0};
    size_t count = 0;
    home_open(&home, kind, 1);
    target_create(&target, home.apartment);
    must(call_queue_create(&queue));
    call_t call = new_call(&target);
    must(call_set_queue(call, queue, 9));
    wrong += call_begin(call, ECHO, "x", 1) != S_OK;
    wrong += call_queue_next(queue, &completion, 1, hang_ms(), &count) != S_OK || completion.tag != 9;
    wrong += finish(call) != S_OK;
    job_init(&job, NULL, RPC_E_CALL_CANCELED);
    must(call_set_timeout(call, 1, CALL_INFINITE));
    /* In time or in the queue: either way it ends by its deadline. */
    begin_job(call, OBEY, &job);
    wrong += finish(call) != RPC_E_TIMEOUT;
    wrong += call_invoke(target.object, ECHO, "x", 1, NULL, 0, NULL, CALL_INFINITE, NULL) != S_OK;
    must(call_queue_release(queue));
    must(call_release(call));
    target_destroy(&target);
    home_close(&home);
    return wrong;
}

enum { HANDLES = 1, OPEN_DESCRIPTORS = 2, LIFE = 4 };

static inline int as_child(unsigned number, int depth);

/* Gives what the child found wrong, or 255. By a pipe, as a program that runs this one may have an exit status of
 * its own. */
static inline int fork_one(unsigned number, int depth)
{
    int status = -1, ends[2];
    unsigned char wrong = 255;
    if (pipe2(ends, O_CLOEXEC) != 0)
        bail_out("no pipe");
    /* Beyond the numbers of the descriptors that are looked for. */
    for (int i = 0; i < 2; i++) {
        int high = fcntl(ends[i], F_DUPFD_CLOEXEC, HIGH);
        (void)close(ends[i]);
        ends[i] = high;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        wrong = (unsigned char)as_child(number, depth);
        _exit(write(ends[1], &wrong, 1) != 1);
    }
    (void)close(ends[1]);
    for (uint64_t end = hang_end_us(); waitpid(pid, &status, WNOHANG) == 0; pause_us(100))
        if (now_us() > end) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            break;
        }
    if (read(ends[0], &wrong, 1) != 1)
        wrong = 255;
    (void)close(ends[0]);
    return wrong;
}

static inline int as_child(unsigned number, int depth)
{
    /* What hangs does not outlive the thread that forked it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int wrong = (dead_handles() != 0 ? HANDLES : 0) | (open_ones() != 0 ? OPEN_DESCRIPTORS : 0);
    wrong |= new_life(number % KINDS) != 0 ? LIFE : 0;
    return depth > 1 ? wrong | fork_one(number + 1, depth - 1) : wrong;
}

#endif
