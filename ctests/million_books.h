/* What the program counts: each object, owned buffer and function that is registered has an entry of
 * its own, so that one that is done twice is not hidden by one that is not done. Only million.c
 * includes this. */
#ifndef MILLION_BOOKS_H
#define MILLION_BOOKS_H

#include "stage.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPARE = 4096, FLOOR_PER_MILLION = 1000 };

#define OUTCOMES(outcome)                                                                          \
    outcome(distance_same) outcome(distance_custom) outcome(distance_multi)                        \
    outcome(distance_single) outcome(distance_serial)                                              \
    outcome(result_ok) outcome(result_failed) outcome(result_canceled) outcome(result_disconnected) \
    outcome(fate_completed) outcome(fate_stopped) outcome(fate_never_started) outcome(fate_running) \
    outcome(begin_owned) outcome(begin_copied) outcome(begin_busy) outcome(begin_no_member)        \
    outcome(begin_disconnected) outcome(released_unseen) outcome(finish_copied)                    \
    outcome(finish_buffer) outcome(finish_polled)                                                  \
    outcome(cancel_accepted) outcome(cancel_too_late) outcome(cancel_again)                        \
    outcome(cancel_no_interface) outcome(cancel_refused) outcome(class_asked)                      \
    outcome(heard_by_function) outcome(function_not_run) outcome(descriptor_made)                  \
    outcome(region_entered) outcome(region_late) outcome(reserved)                                 \
    outcome(completed_in_begin) outcome(completed_later) outcome(completed_by_function)

#define OUTCOME_ID(name) O_##name,
#define OUTCOME_NAME(name) #name,
typedef enum outcome_t { OUTCOMES(OUTCOME_ID) OUTCOME_COUNT } outcome_t;
static const char *const outcome_names[] = {OUTCOMES(OUTCOME_NAME)};
static atomic_ulong outcomes[OUTCOME_COUNT];

static inline void came(outcome_t outcome)
{
    (void)atomic_fetch_add_explicit(&outcomes[outcome], 1, memory_order_relaxed);
}

static atomic_ulong surprises;

/* The first few are told; the rest is counted. */
static inline void surprise(const char *what, uint64_t code)
{
    enum { TOLD = 5 };
    if (atomic_fetch_add(&surprises, 1) < TOLD)
        diag("unexpected: %s: 0x%08" PRIX64 " %s", what, code & UINT32_MAX,
             call_hresult_name((call_hresult_t)code));
}

/* One thing that must happen an exact number of times. */
typedef struct entry_t {
    atomic_uchar times;
    atomic_uchar over; /* from here on it must not happen */
    atomic_uchar late;
} entry_t;

typedef struct book_t {
    entry_t *entries;
    size_t cap;
    atomic_size_t used;
    atomic_ulong done;
} book_t;

static book_t objects, inputs, functions;
static atomic_ulong begun, entered, never_started, ended, buffers_got, buffers_released;

static inline void book_open(book_t *book, size_t cap)
{
    book->cap = cap;
    book->entries = calloc(cap, sizeof *book->entries);
    if (book->entries == NULL)
        bail_out("no memory");
}

static inline entry_t *book_entry(book_t *book)
{
    size_t at = atomic_fetch_add(&book->used, 1);
    if (at >= book->cap)
        bail_out("the books are full");
    return &book->entries[at];
}

static inline void happened(book_t *book, entry_t *entry)
{
    (void)atomic_fetch_add(&entry->late, atomic_load(&entry->over));
    (void)atomic_fetch_add(&entry->times, 1);
    (void)atomic_fetch_add(&book->done, 1);
}

/* How many entries did not happen at least `least` and at most once, and how many happened late. */
static inline size_t book_wrong(const book_t *book, unsigned least, size_t *late_out)
{
    size_t wrong = 0;
    *late_out = 0;
    for (size_t i = 0; i < atomic_load(&book->used); i++) {
        unsigned times = atomic_load(&book->entries[i].times);
        wrong += times < least || times > 1;
        *late_out += atomic_load(&book->entries[i].late);
    }
    return wrong;
}

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

/* One of `count`. */
static inline uint32_t draw(uint64_t *random, uint32_t count)
{
    return (uint32_t)(next_random(random) >> 32) % count;
}

#endif
