/* What the tests of completion queues share. */
#ifndef QUEUES_H
#define QUEUES_H

#include "support.h"

#include <stdlib.h>

/* A length that the environment may set. */
static inline unsigned asked_for(const char *variable, unsigned otherwise)
{
    const char *text = getenv(variable);
    long count = text == NULL ? 0 : strtol(text, NULL, 10);
    return count > 0 ? (unsigned)count : otherwise;
}

static inline call_queue_t new_queue(void)
{
    call_queue_t queue;
    must(call_queue_create(&queue));
    return queue;
}

/* A call object whose completions arrive there. */
static inline call_t queued_call(const target_t *target, call_queue_t queue, uint64_t tag)
{
    call_t call = new_call(target);
    must(call_set_queue(call, queue, tag));
    return call;
}

/* What comes next; its absence is a hang. */
static inline call_completion_t take_one(call_queue_t queue)
{
    call_completion_t taken = {.tag = 0};
    size_t count = 0;
    must(call_queue_next(queue, &taken, 1, hang_ms(), &count));
    if (count != 1)
        bail_out("%zu were taken, and not one", count);
    return taken;
}

/* What a poll of the queue gives; one completion that is there is taken. */
static inline call_hresult_t poll_queue(call_queue_t queue)
{
    call_completion_t taken;
    size_t count = 0;
    return call_queue_next(queue, &taken, 1, 0, &count);
}

/* A caller's `run`: waits in the queue of `data` for one, at most `number` milliseconds. */
static inline call_hresult_t run_next(caller_t *self)
{
    call_completion_t taken = {.tag = 0};
    call_hresult_t result =
        call_queue_next(*(call_queue_t *)self->data, &taken, 1, self->number, &self->len);
    self->call = taken.call;
    return result;
}

#endif
