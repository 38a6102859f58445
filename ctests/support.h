/* What the tests share: gates instead of sleeps, threads that are joined in bounded time, and one
 * class whose methods do what a test's job says. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "call.h"
#include "tap.h"

/* How long anything may take before it counts as a hang: 20 s, or CALL_HANG_SECONDS where all is
 * slower, as under valgrind. Reaching it ends the program. */
uint32_t hang_ms(void);

/* Why this process may have memory, threads and descriptors that are not its own, or NULL. */
const char *may_not_be_alone(void);
/* Why the memory of a process, this one or a child, cannot be limited, or NULL. */
const char *may_not_be_limited(void);

/* The monotonic clock, in microseconds and in nanoseconds. */
uint64_t now_us(void);
uint64_t now_ns(void);

/* Counts its openings; who waits for the n-th sleeps until it came. One word, so that it may lie in memory that
 * several processes share, and one of them may be killed in it. */
typedef struct gate_t {
    atomic_uint count;
    char name[28];
} gate_t;

#define GATE(name_) { 0, name_ }

void gate_init(gate_t *gate, const char *name);
void gate_open(gate_t *gate);
void gate_wait(gate_t *gate);
void gate_wait_for(gate_t *gate, unsigned count);
unsigned gate_count(gate_t *gate);
/* Sleeps while it was opened so often and no more: however long that is. */
void gate_await_more(gate_t *gate, unsigned than);

/* A thread that makes one call of the library and keeps the answer. */
typedef struct caller_t {
    call_hresult_t (*run)(struct caller_t *self);
    call_t call;
    call_cancel_t cancel;
    uint32_t number; /* seconds, milliseconds or a method: what `run` takes */
    void *data;
    char out[64];
    size_t len;
    call_hresult_t result;
    uint64_t took_us;
    atomic_int tid;
    pthread_t thread;
} caller_t;

void caller_start(caller_t *caller);
/* The result of `run`. */
call_hresult_t caller_join(caller_t *caller);
/* Until the thread sleeps, which after its start it does nowhere but inside `run`, or has ended. How long it waits for
 * a processor does not matter; one that spins uses it up. */
void caller_settle(caller_t *caller);

call_hresult_t run_wait(caller_t *self);       /* number: milliseconds */
call_hresult_t run_finish(caller_t *self);     /* into `out` and `len` */
call_hresult_t run_cancel(caller_t *self);     /* number: seconds */

/* What one method call is to do. A job belongs to the test and outlives the method. */
typedef struct job_t {
    gate_t entered, release, left;
    char words[32];         /* the text that it was made with */
    const char *text;       /* written to the output, or NULL */
    call_hresult_t result;  /* of the method */
    call_context_t context; /* of the call, valid once `entered` is open */
    pid_t process;          /* where the method runs, as long */
    call_hresult_t seen;    /* OBEY: what the wait for a cancel answered */
    call_hresult_t (*run)(struct job_t *job); /* RUN: the body */
    const void *in;         /* RUN, while the method runs: its input behind the job's address */
    size_t in_len;
    call_t call;            /* free for the test's own use, as are these */
    call_object_t object;
    call_apartment_t apartment;
    call_hresult_t codes[8];
    uint64_t numbers[4];
    void *data;
} job_t;

void job_init(job_t *job, const char *text, call_hresult_t result);

/* What a process that runs the jobs of another one does to each first. */
extern void (*job_adopt)(job_t *job);

/* The methods. Those marked * take a job: its address, and for RUN any bytes after it. */
enum {
    ECHO,   /* writes its input */
    HOLD,   /* * opens `entered`, waits for `release`, never looks at the cancel, writes `text` */
    OBEY,   /* * opens `entered`, waits for a cancel, writes `text`, gives `result` */
    DEFER,  /* * opens `entered`, gives CALL_S_DEFERRED: the test completes it */
    RUN,    /* * gives what `run` gives */
    ANSWER, /* gives the code that it is handed; writes what follows the code */
    METHOD_COUNT
};

/* An object of the class. */
typedef struct target_t {
    call_object_t object;
    atomic_uint entries, exits;
    gate_t destroyed;
} target_t;

extern const call_class_t target_class;
extern const char *const target_methods[METHOD_COUNT];

void target_create(target_t *target, call_apartment_t apartment);
/* Releases the object and waits until it was destroyed: no method touches the test's frame after. */
void target_destroy(target_t *target);

/* An apartment with one object and one call object. */
typedef struct scene_t {
    call_apartment_t apartment;
    target_t target;
    call_t call;
} scene_t;

call_apartment_t apartment_of(uint32_t workers, uint32_t max_workers, uint32_t queue_limit);
void scene_open(scene_t *scene, uint32_t workers);
void scene_close(scene_t *scene);

call_t new_call(const target_t *target);
/* Begins a method that takes a job. */
void begin_job(call_t call, uint32_t method, job_t *job);
/* The same, and the method is inside. */
void enter_job(call_t call, uint32_t method, job_t *job);
call_cancel_t cancel_of(call_t call);
/* Until the call says that a cancel was requested. */
void cancel_arrived(call_cancel_t cancel);
call_fate_t fate_of(call_t call);
/* The fate once it is no longer RUNNING. */
call_fate_t settled_fate_of(call_t call);
/* Waits for completion, at most as long as anything may take. */
void completed(call_t call);
/* Finishes; `text_out` receives the output as a string. */
call_hresult_t finish_text(call_t call, char *text_out, size_t cap);
/* Finishes and drops the output. */
call_hresult_t finish(call_t call);

#endif
