/* What the tests of the distances share: apartments of each kind, a thread that owns one, and an
 * object that serves the same methods as `target_class`, by `invoke` or by a `begin` of its own. */
#ifndef DISTANCE_SUPPORT_H
#define DISTANCE_SUPPORT_H

#include "support.h"

call_apartment_t apartment_of_kind(uint32_t kind, uint32_t workers, uint32_t max_workers);
const char *kind_name(uint32_t kind);

/* A thread that makes a single-threaded apartment and pumps it until it is closed. */
typedef struct owner_t {
    call_apartment_t apartment;
    pthread_t thread;
    gate_t ready;
    call_hresult_t ended; /* what the last pump gave */
} owner_t;

void owner_start(owner_t *owner);
/* Closes and releases the apartment and joins the thread. */
void owner_stop(owner_t *owner);

/* An apartment with the thread that serves it, of whatever kind. */
typedef struct home_t {
    call_apartment_t apartment;
    uint32_t kind;
    owner_t owner;
} home_t;

/* One thread serves it; a MULTI one may grow to `max_workers`. */
void home_open(home_t *home, uint32_t kind, uint32_t max_workers);
void home_close(home_t *home);

/* How a server's `begin` goes about a method. */
typedef enum begin_mode_t {
    BY_HELPER, /* another thread runs it and completes; DEFER is left to the test */
    AT_ONCE,   /* it is run and completed before begin returns */
    REFUSE,    /* not at all: begin fails */
} begin_mode_t;

/* What a test asks a server to do with a context, where that is in another process: one thing at a time. */
typedef struct favor_t {
    gate_t asked, done;
    pid_t process; /* by whom */
    int what;
    call_context_t context;
    uint32_t number;
    char text[16];
    call_hresult_t result;
} favor_t;

/* An object; as a `target_t` it counts and serves the same. */
typedef struct server_t {
    target_t target;
    begin_mode_t mode;
    call_hresult_t begin_result;  /* what begin returns */
    call_hresult_t cancel_result; /* what cancel returns */
    gate_t begun, told;           /* opened by begin and by cancel */
    pthread_t begun_on, told_on;
    call_context_t told_of;
    uint32_t told_grace;
    uint64_t binding; /* where it is in a child: which */
    favor_t favor;
} server_t;

/* `invoke`; `begin`; `begin` with custom marshaling: each with and without a cancel of its own. */
extern const call_class_t invoke_with_cancel_class;
extern const call_class_t begin_class, begin_with_cancel_class;
extern const call_class_t custom_class, custom_with_cancel_class;

/* What holds for an object anywhere. */
void server_init(server_t *server);
void server_create(server_t *server, call_apartment_t apartment, const call_class_t *cls);
/* Releases the object and waits until it was destroyed. */
void server_destroy(server_t *server);

/* Runs `body` as a method on a thread of the object's apartment, and waits until it is through. Gives
 * what the call's finish gave. */
typedef struct errand_t {
    void (*body)(void *data);
    void *data;
} errand_t;

call_hresult_t run_inside(call_object_t object, void (*body)(void *data), void *data);

#endif
