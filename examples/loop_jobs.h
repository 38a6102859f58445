/*
 * What the recipes for event loops have in common: twelve jobs whose completions arrive in one queue.
 * Six end by themselves, three are canceled by the program, one by its deadline, and two go on until
 * the signal that ends the program. loop_poll.c, loop_epoll.c, loop_glib.c and loop_uv.c bring the loop.
 */
#ifndef LOOP_JOBS_H
#define LOOP_JOBS_H

#include <call.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHORT = 6, CANCELED = 3, LATE = 1, ENDLESS = 2, JOBS = SHORT + CANCELED + LATE + ENDLESS };
enum { TICK_MS = 10, DEADLINE_MS = 80, GRACE_MS = 10000, BATCH = 4, GUARD_SECONDS = 60 };
enum { TAG_THREAD = 1000, TAG_SIGNAL }; /* below them: the numbers of the jobs */

typedef struct jobs_t {
    call_apartment_t apartment;
    call_object_t object;
    call_queue_t queue;
    call_t calls[JOBS];
    call_cancel_t cancels[JOBS];
    bool ended[JOBS], asked[JOBS];
    unsigned left, completed, stopped, timed_out, others; /* what they came to */
    unsigned by_thread, by_signal;                        /* tags that came */
    unsigned wakes, idle_wakes, ticks;                    /* of the loop; idle: nothing was in the queue */
    double last_tick, longest_gap;                        /* in milliseconds */
    sem_t only_endless;
    pthread_t other_thread;
} jobs_t;

static call_queue_t queue_of_signals; /* written before the handler is installed */

/* A job: a sleep that a cancel ends. It says that it is at work, so that nobody cancels it too early. */
static inline call_hresult_t work(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method;
    uint32_t ms = 0;
    memcpy(&ms, in, in_len < sizeof ms ? in_len : sizeof ms);
    call_hresult_t hr = call_context_set_progress(context, 1, 2);
    if (hr >= 0)
        hr = call_context_wait_cancel(context, ms);
    return hr == RPC_S_CALLPENDING ? S_OK : hr;
}

/* Ctrl-C and its kind: posting a tag is all that the handler does. */
static inline void on_signal(int number)
{
    (void)number;
    int saved = errno;
    call_queue_post(queue_of_signals, TAG_SIGNAL);
    errno = saved;
}

/* Another thread of the program, which has something to tell the loop; then somebody presses Ctrl-C. */
static inline void *tell(void *argument)
{
    jobs_t *jobs = argument;
    while (sem_wait(&jobs->only_endless) != 0) {}
    call_hresult_t hr = call_queue_post(jobs->queue, TAG_THREAD);
    kill(getpid(), SIGINT);
    return hr == S_OK ? jobs : NULL;
}

static inline bool begin_job(jobs_t *jobs, unsigned i)
{
    uint32_t ms = i < SHORT ? 10 * (i + 1) : CALL_INFINITE;
    call_t *call = &jobs->calls[i];
    return call_create(jobs->object, call) == S_OK && call_set_queue(*call, jobs->queue, i) == S_OK
        && (i < SHORT + CANCELED || i >= SHORT + CANCELED + LATE || call_set_timeout(*call, DEADLINE_MS, GRACE_MS) == S_OK)
        && call_begin(*call, 0, &ms, sizeof ms) == S_OK && call_query_cancel(*call, &jobs->cancels[i]) == S_OK;
}

static inline bool begin_jobs(jobs_t *jobs)
{
    static const char *const methods[] = {"work"};
    static const call_class_t job_class = {.size = sizeof job_class, .methods = methods, .method_count = 1, .invoke = work};
    call_apartment_options_t options = {.size = sizeof options, .workers = JOBS, .name = "jobs"};
    struct sigaction action;
    memset(jobs, 0, sizeof *jobs);
    jobs->left = JOBS;
    sem_init(&jobs->only_endless, 0, 0);
    alarm(GUARD_SECONDS); /* a loop that hangs does not hang its caller */
    bool good = call_apartment_create(&options, &jobs->apartment) == S_OK
        && call_object_create(jobs->apartment, &job_class, NULL, &jobs->object) == S_OK
        && call_queue_create(&jobs->queue) == S_OK;
    for (unsigned i = 0; good && i < JOBS; i++)
        good = begin_job(jobs, i);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    queue_of_signals = jobs->queue;
    return good && sigaction(SIGINT, &action, NULL) == 0 && pthread_create(&jobs->other_thread, NULL, tell, jobs) == 0;
}

/* The call is complete: this does not wait, and the call object could be begun again. */
static inline void finish_job(jobs_t *jobs, call_completion_t completion)
{
    call_fate_t fate = CALL_FATE_NONE;
    call_hresult_t result = call_try_finish(completion.call, NULL, 0, NULL);
    call_hresult_t known = call_get_fate(completion.call, &fate);
    jobs->completed += known == S_OK && result == S_OK && fate == CALL_FATE_COMPLETED;
    jobs->stopped += known == S_OK && result == RPC_E_CALL_CANCELED && fate == CALL_FATE_STOPPED;
    jobs->timed_out += result == RPC_E_TIMEOUT;
    jobs->others += result != S_OK && result != RPC_E_CALL_CANCELED && result != RPC_E_TIMEOUT;
    jobs->ended[completion.tag] = true;
    jobs->left--;
    call_cancel_release(jobs->cancels[completion.tag]);
    call_release(completion.call);
}

/* The end of the program, in order: ask everyone to end and close the queue; what is begun still arrives. */
static inline void stop_jobs(jobs_t *jobs)
{
    for (unsigned i = 0; i < JOBS; i++) {
        if (!jobs->ended[i])
            call_request_cancel(jobs->cancels[i], GRACE_MS);
    }
    call_queue_close(jobs->queue);
}

/* What a loop does when the queue's descriptor is readable: takes what is there, and never waits. False: that was all. */
static inline bool take_jobs(jobs_t *jobs)
{
    call_completion_t batch[BATCH];
    size_t count = 0, taken = 0;
    call_hresult_t hr;
    while ((hr = call_queue_next(jobs->queue, batch, BATCH, 0, &count)) == S_OK) {
        for (size_t i = 0; i < count; i++) {
            if (batch[i].call.id != 0)
                finish_job(jobs, batch[i]);
            else if (batch[i].tag == TAG_THREAD)
                jobs->by_thread++;
            else if (++jobs->by_signal == 1)
                stop_jobs(jobs);
        }
        taken += count;
    }
    jobs->wakes++;
    jobs->idle_wakes += taken == 0 && hr == RPC_S_CALLPENDING;
    return hr == RPC_S_CALLPENDING;
}

/* What the loop's timer does: it shows that the loop goes on, and cancels what the program does not want any more. */
static inline void tick_jobs(jobs_t *jobs)
{
    struct timespec clock;
    unsigned at_work = 0;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    double now = 1e3 * (double)clock.tv_sec + 1e-6 * (double)clock.tv_nsec;
    if (jobs->ticks++ > 0 && now - jobs->last_tick > jobs->longest_gap)
        jobs->longest_gap = now - jobs->last_tick;
    jobs->last_tick = now;
    for (unsigned i = SHORT; i < JOBS; i++) {
        uint64_t done = 0, total = 0;
        if (jobs->ended[i] || call_get_progress(jobs->calls[i], &done, &total) != S_OK || done == 0)
            continue;
        if (i < SHORT + CANCELED && !jobs->asked[i])
            jobs->asked[i] = call_request_cancel(jobs->cancels[i], GRACE_MS) == S_OK;
        at_work += i >= JOBS - ENDLESS;
    }
    if (jobs->left == ENDLESS && at_work == ENDLESS)
        sem_post(&jobs->only_endless); /* once more does no harm */
}

/* Gives everything back and says what was. The exit code: 0 if all of it is as it should be. */
static inline int end_jobs(jobs_t *jobs, const char *loop)
{
    void *told = NULL;
    uint32_t remaining = 0;
    pthread_join(jobs->other_thread, &told);
    call_queue_release(jobs->queue);
    call_object_release(jobs->object);
    call_apartment_close(jobs->apartment, CALL_INFINITE, &remaining);
    call_apartment_release(jobs->apartment);
    sem_destroy(&jobs->only_endless);
    printf("%s: %u completed, %u stopped, %u past its deadline, %u left\n", loop, jobs->completed, jobs->stopped,
           jobs->timed_out, jobs->left);
    printf("%s: %u tag from another thread, %u from a signal handler\n", loop, jobs->by_thread, jobs->by_signal);
    printf("%s: %u ticks, longest gap %.1f ms; %u wakes, %u of them for nothing\n", loop, jobs->ticks,
           jobs->longest_gap, jobs->wakes, jobs->idle_wakes);
    bool good = jobs->completed == SHORT && jobs->stopped == CANCELED + ENDLESS && jobs->timed_out == LATE
        && jobs->others == 0 && jobs->left == 0 && remaining == 0 && told != NULL && jobs->by_thread == 1
        && jobs->by_signal == 1 && jobs->ticks > 0 && jobs->idle_wakes <= JOBS;
    return good ? 0 : 1;
}

#endif
