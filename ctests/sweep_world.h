/* One live handle of every kind, for the rows of sweep_handle_uses.h. */
#ifndef SWEEP_WORLD_H
#define SWEEP_WORLD_H

#include "sweep_handle_uses.h"

enum { STALE_IDS = 8, MOST_REFERENCES = 2 };

/* What must not notice: an idle call with a cancel interface, and a call whose method runs, in an
 * apartment of their own. The first world is the process's first, so that none of the handles that
 * a changed bit makes was ever issued. */
typedef struct world_t {
    scene_t scene; /* its call is in progress: `job` */
    job_t job;
    call_t idle;
    uint64_t live[KINDS];
    uint64_t stale[KINDS][STALE_IDS];
    size_t stale_count[KINDS];
} world_t;

/* An output that its call has left behind. */
static call_buffer_t new_buffer(const target_t *target)
{
    call_buffer_t buffer;
    call_t call = new_call(target);
    must(call_begin(call, ECHO, "bytes", 5));
    must(call_finish_buffer(call, &buffer));
    must(call_release(call));
    return buffer;
}

static void world_open(world_t *opened)
{
    scene_open(&opened->scene, 2);
    job_init(&opened->job, NULL, S_OK);
    enter_job(opened->scene.call, DEFER, &opened->job);
    opened->idle = new_call(&opened->scene.target);
    opened->live[BUFFER] = new_buffer(&opened->scene.target).id;
    opened->live[CALL] = opened->idle.id;
    opened->live[CANCEL] = cancel_of(opened->idle).id;
    opened->live[OBJECT] = opened->scene.target.object.id;
    opened->live[APARTMENT] = opened->scene.apartment.id;
    opened->live[CONTEXT] = opened->job.context.id;
    call_queue_t queue;
    must(call_queue_create(&queue));
    opened->live[QUEUE] = queue.id;
}

/* Lets everything go that a use may have let go, kept, or completed before. */
static void world_abandon(world_t *used)
{
    call_hresult_t ended = call_context_complete(used->job.context, S_OK);
    if (ended != S_OK && ended != RPC_E_CALL_COMPLETE)
        bail_out("a context that lived, or ended, gave 0x%08X", (unsigned)ended);
    call_t calls[] = {used->scene.call, used->idle};
    for (int i = 0; i < 2 * MOST_REFERENCES; i++)
        (void)call_release(calls[i % 2]);
    for (int i = 0; i < MOST_REFERENCES; i++)
        (void)call_object_release(used->scene.target.object);
    gate_wait(&used->scene.target.destroyed);
    (void)call_cancel_release((call_cancel_t){used->live[CANCEL]});
    (void)call_buffer_release((call_buffer_t){used->live[BUFFER]});
    (void)call_queue_release((call_queue_t){used->live[QUEUE]});
    (void)call_apartment_close(used->scene.apartment, hang_ms(), NULL);
    (void)call_apartment_release(used->scene.apartment);
}

#endif
