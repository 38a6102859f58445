/*
 * libuv: a uv_poll_t on the queue's descriptor.
 */
#include <uv.h>

#include "loop_jobs.h"

typedef struct program_t {
    jobs_t jobs;
    uv_poll_t queue;
    uv_timer_t timer;
} program_t;

/* The loop ends when no handle is open. They are closed before the queue, whose descriptor goes with it. */
static void end(program_t *program)
{
    uv_close((uv_handle_t *)&program->queue, NULL);
    uv_close((uv_handle_t *)&program->timer, NULL);
}

static void on_queue(uv_poll_t *handle, int status, int events)
{
    program_t *program = handle->data;
    (void)events;
    if (status < 0 || !take_jobs(&program->jobs))
        end(program);
}

static void on_tick(uv_timer_t *handle)
{
    tick_jobs(&((program_t *)handle->data)->jobs);
}

int main(void)
{
    static program_t program;
    uv_loop_t loop;
    int fd;
    if (!begin_jobs(&program.jobs) || call_queue_get_fd(program.jobs.queue, &fd) < 0 || uv_loop_init(&loop) != 0
        || uv_poll_init(&loop, &program.queue, fd) != 0 || uv_timer_init(&loop, &program.timer) != 0)
        return 2;
    program.queue.data = program.timer.data = &program;
    if (uv_poll_start(&program.queue, UV_READABLE, on_queue) != 0
        || uv_timer_start(&program.timer, on_tick, TICK_MS, TICK_MS) != 0)
        return 2;
    uv_run(&loop, UV_RUN_DEFAULT);
    int closed = uv_loop_close(&loop);
    int code = end_jobs(&program.jobs, "libuv");
    return closed == 0 ? code : 1;
}
