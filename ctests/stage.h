/* A server that the test itself plays, on a deferred method, and a function that it registers. */
#ifndef STAGE_H
#define STAGE_H

#include "place.h"

#include <dirent.h>
#include <poll.h>

/* A registered function's books. */
typedef struct ear_t {
    atomic_uint runs;
    atomic_bool over; /* from here on it must not run */
    atomic_uint late;
    pthread_t on;
    bool holds;
    gate_t entered, release;
    void (*then)(struct ear_t *ear);
    job_t *job;
    call_t call, other;
    call_cancel_t cancel;
    call_object_t object;
    call_hresult_t codes[12];
    atomic_bool returned; /* of the thread that takes it back */
} ear_t;

static inline void ear_init(ear_t *ear)
{
    memset(ear, 0, sizeof *ear);
    gate_init(&ear->entered, "function entered");
    gate_init(&ear->release, "function released");
}

static inline void hear(void *user)
{
    ear_t *ear = user;
    (void)atomic_fetch_add(&ear->runs, 1);
    (void)atomic_fetch_add(&ear->late, atomic_load(&ear->over));
    ear->on = pthread_self();
    if (ear->then != NULL)
        ear->then(ear);
    gate_open(&ear->entered);
    if (ear->holds)
        gate_wait(&ear->release);
}

static inline bool heard_here(const ear_t *ear)
{
    return pthread_equal(ear->on, pthread_self()) != 0;
}

/* A deferred method with a cancel interface, and its end. */
typedef struct stage_t {
    scene_t scene;
    job_t job;
    call_cancel_t cancel;
} stage_t;

static inline void stage_open(stage_t *stage)
{
    scene_open(&stage->scene, 1);
    job_init(&stage->job, NULL, S_OK);
    enter_job(stage->scene.call, DEFER, &stage->job);
    stage->cancel = cancel_of(stage->scene.call);
}

static inline void stage_close(stage_t *stage)
{
    must(call_cancel_release(stage->cancel));
    scene_close(&stage->scene);
}

static inline bool readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 0) == 1 && entry.revents == POLLIN;
}

/* Those of the process, and a few that are always the same. */
static inline unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        bail_out("/proc/self/fd cannot be read");
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

#endif
