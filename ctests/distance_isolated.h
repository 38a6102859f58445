/* The distance of a child process, for tests that keep what they share with their methods on the stack: that stack is
 * memory that both processes have, at the same address. The child loads the test itself, as a module. */
#ifndef DISTANCE_ISOLATED_H
#define DISTANCE_ISOLATED_H

#include "distance_support.h"

/* The bodies of RUN that a program has, NULL at the end; it may have none and say nothing. */
typedef call_hresult_t (*body_t)(job_t *job);
extern const body_t job_bodies[] __attribute__((weak));

/* Runs `body` on a thread whose stack the children share. */
void run_on_shared_ground(void (*body)(void *data), void *data);

/* As server_create, in a child; `flags` are those of the binding. */
void isolated_create(server_t *server, const call_class_t *cls, uint32_t flags);
/* Releases the object and waits until none of its children is there. */
void isolated_destroy(server_t *server);

/* What a server does with the context of a job's call; in the process where the job is. A cancel that was requested
 * is on its way to another process: `served_canceled` waits for it, and tests. */
call_hresult_t served_canceled(server_t *server, const job_t *job);
call_hresult_t served_test_cancel(server_t *server, const job_t *job);
call_hresult_t served_wait_cancel(server_t *server, const job_t *job);
call_hresult_t served_deadline(server_t *server, const job_t *job, uint32_t *left_ms);
call_hresult_t served_write(server_t *server, const job_t *job, const char *text);
call_hresult_t served_complete(server_t *server, const job_t *job, call_hresult_t result);

#endif
