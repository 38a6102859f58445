/*
 * poll: the queue's descriptor beside others, here the one of a single call that is in no queue.
 */
#include <poll.h>
#include <time.h>

#include "loop_jobs.h"

/* One call more, watched by a descriptor of its own: for one or two calls it needs no queue. */
static bool begin_single(call_object_t object, call_t *call, struct pollfd *watched)
{
    uint32_t ms = 25;
    watched->events = POLLIN;
    return call_create(object, call) == S_OK && call_get_fd(*call, &watched->fd) == S_OK
        && call_begin(*call, 0, &ms, sizeof ms) == S_OK;
}

static int ms_until(const struct timespec *next)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long ns = (next->tv_sec - now.tv_sec) * 1000000000L + next->tv_nsec - now.tv_nsec;
    return ns <= 0 ? 0 : (int)((ns + 999999) / 1000000);
}

static void add_tick(struct timespec *next)
{
    clock_gettime(CLOCK_MONOTONIC, next);
    next->tv_nsec += TICK_MS * 1000000L;
    next->tv_sec += next->tv_nsec / 1000000000L;
    next->tv_nsec %= 1000000000L;
}

int main(void)
{
    enum { QUEUE, SINGLE, WATCHED };
    struct pollfd watched[WATCHED] = {{.events = POLLIN}};
    struct timespec next;
    jobs_t jobs;
    call_t single;
    call_hresult_t single_result = RPC_S_CALLPENDING;
    if (!begin_jobs(&jobs) || call_queue_get_fd(jobs.queue, &watched[QUEUE].fd) < 0
        || !begin_single(jobs.object, &single, &watched[SINGLE]))
        return 2;
    add_tick(&next);
    while (watched[QUEUE].fd >= 0 || watched[SINGLE].fd >= 0) { /* poll passes a negative one by */
        int ready = poll(watched, WATCHED, ms_until(&next));
        if (ready < 0 && errno != EINTR)
            return 2;
        if (ready > 0 && watched[QUEUE].revents != 0 && !take_jobs(&jobs))
            watched[QUEUE].fd = -1; /* closed, and all was taken */
        if (ready > 0 && watched[SINGLE].revents != 0) {
            single_result = call_try_finish(single, NULL, 0, NULL); /* from now on it is not readable */
            watched[SINGLE].fd = -1;
            call_release(single);
        }
        if (ms_until(&next) == 0) {
            tick_jobs(&jobs);
            add_tick(&next);
        }
    }
    int code = end_jobs(&jobs, "poll");
    printf("poll: the single call: %s\n", call_hresult_name(single_result));
    return single_result == S_OK ? code : 1;
}
