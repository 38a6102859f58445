/* A completion callback's books. */
#ifndef CALLBACKS_H
#define CALLBACKS_H

#include "support.h"

#include <string.h>

typedef struct notice_t {
    atomic_uint runs, destroys, late; /* late: run after its destroy */
    gate_t ran, destroyed;
    call_t call;
    call_hresult_t waited; /* what a wait of 0 gave in it */
    pthread_t on, destroyed_on;
    void (*then)(struct notice_t *notice);
    call_hresult_t codes[8];
    unsigned left, inside_destroys;
    void *data;
} notice_t;

static inline void notice_init(notice_t *notice)
{
    memset(notice, 0, sizeof *notice);
    gate_init(&notice->ran, "callback ran");
    gate_init(&notice->destroyed, "callback destroyed");
}

static inline void notice_run(call_t call, void *user)
{
    notice_t *notice = user;
    (void)atomic_fetch_add(&notice->late, atomic_load(&notice->destroys));
    (void)atomic_fetch_add(&notice->runs, 1);
    notice->call = call;
    notice->on = pthread_self();
    notice->waited = call_wait(call, 0);
    if (notice->then != NULL)
        notice->then(notice);
    gate_open(&notice->ran);
}

static inline void notice_destroy(void *user)
{
    notice_t *notice = user;
    notice->destroyed_on = pthread_self();
    (void)atomic_fetch_add(&notice->destroys, 1);
    gate_open(&notice->destroyed);
}

static inline void notice_set(call_t call, notice_t *notice)
{
    must(call_set_callback(call, notice_run, notice, notice_destroy));
}

#endif
