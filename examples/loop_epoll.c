/*
 * epoll: the queue's descriptor, a call's, and a timer's, all level-triggered.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "loop_jobs.h"

enum { QUEUE, SINGLE, TIMER };

static bool watch(int epoll, int fd, uint32_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = what}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* One call more, watched by a descriptor of its own: for one or two calls it needs no queue. */
static bool begin_single(call_object_t object, call_t *call, int *fd)
{
    uint32_t ms = 25;
    return call_create(object, call) == S_OK && call_get_fd(*call, fd) == S_OK
        && call_begin(*call, 0, &ms, sizeof ms) == S_OK;
}

/* Before the library closes the descriptor, with its call or its queue. */
static int unwatch(int epoll, int fd)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    return 1;
}

static int start_timer(void)
{
    struct itimerspec each = {.it_value.tv_nsec = TICK_MS * 1000000L, .it_interval.tv_nsec = TICK_MS * 1000000L};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return timer >= 0 && timerfd_settime(timer, 0, &each, NULL) == 0 ? timer : -1;
}

int main(void)
{
    jobs_t jobs;
    call_t single;
    call_hresult_t single_result = RPC_S_CALLPENDING;
    int queue_fd, single_fd, ended = 0, timer = start_timer(), epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!begin_jobs(&jobs) || call_queue_get_fd(jobs.queue, &queue_fd) < 0
        || !begin_single(jobs.object, &single, &single_fd) || !watch(epoll, queue_fd, QUEUE)
        || !watch(epoll, single_fd, SINGLE) || !watch(epoll, timer, TIMER))
        return 2;
    while (ended < 2) {
        struct epoll_event events[4];
        int ready = epoll_wait(epoll, events, 4, -1);
        if (ready < 0 && errno != EINTR)
            return 2;
        for (int i = 0; i < ready; i++) {
            uint64_t times;
            if (events[i].data.u32 == QUEUE && !take_jobs(&jobs)) {
                ended += unwatch(epoll, queue_fd);
            } else if (events[i].data.u32 == SINGLE) {
                ended += unwatch(epoll, single_fd);
                single_result = call_try_finish(single, NULL, 0, NULL);
                call_release(single);
            } else if (events[i].data.u32 == TIMER && read(timer, &times, sizeof times) > 0) {
                tick_jobs(&jobs);
            }
        }
    }
    close(epoll);
    close(timer);
    int code = end_jobs(&jobs, "epoll");
    printf("epoll: the single call: %s\n", call_hresult_name(single_result));
    return single_result == S_OK ? code : 1;
}
