/* What the programs that show that the sanitizers see have in common. */
#ifndef USE_H
#define USE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

#define need(holds) ((holds) ? (void)0 : fail(#holds, __FILE__, __LINE__))

static _Noreturn void fail(const char *text, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    exit(1);
}

/* Relaxed: nothing is handed over by waiting. The runner's time limit is the guard. */
static inline void await(atomic_uint *counter, unsigned count)
{
    while (atomic_load_explicit(counter, memory_order_relaxed) < count)
        (void)sched_yield();
}

/* Two threads come here, and each adds to the number in its turn; but waiting for a turn orders
 * nothing, so that it is a race, and not two writes at once, of which the sanitizer may miss one. */
static inline void add_without_order(unsigned *number)
{
    static atomic_uint arrived, written;
    unsigned turn = atomic_fetch_add_explicit(&arrived, 1, memory_order_relaxed);
    await(&arrived, 2);
    await(&written, turn);
    (*number)++;
    (void)atomic_fetch_add_explicit(&written, 1, memory_order_relaxed);
}

/* An object with one method, in an apartment with a thread for each of two calls. */
static inline call_object_t new_object(call_method_fn method, void (*destroy)(void *self), void *self)
{
    static const char *const names[] = {"method"};
    call_apartment_options_t options = {.size = sizeof options, .kind = CALL_APARTMENT_MULTI, .workers = 2};
    call_class_t class = {.size = sizeof class, .methods = names, .method_count = 1, .invoke = method,
                          .destroy = destroy};
    call_apartment_t apartment;
    call_object_t object;
    need(call_apartment_create(&options, &apartment) == S_OK);
    need(call_object_create(apartment, &class, self, &object) == S_OK);
    need(call_apartment_release(apartment) == S_OK);
    return object;
}

#endif
