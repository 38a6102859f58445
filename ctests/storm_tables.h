/* What the threads of the storm share: tables of live handles, rings of stale ones, and the books.
 * Only storm.c includes this. */
#ifndef STORM_TABLES_H
#define STORM_TABLES_H

#include "support.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL, BUFFER, CANCEL, OBJECT, APARTMENT, CONTEXT, KINDS };
enum { TABLE = 24, APARTMENTS = 5, STALE = 64 };

/* Every function of call.h that answers with a code. */
#define FUNCTIONS(function)                                                                     \
    function(create) function(begin) function(begin_owned) function(wait) function(finish)      \
    function(try_finish) function(finish_buffer) function(buffer_get) function(buffer_release)  \
    function(query_cancel) function(cancel) function(request_cancel) function(test_cancel)      \
    function(cancel_release) function(add_ref) function(release) function(get_fate)             \
    function(get_error) function(get_progress) function(object_create) function(object_bind)    \
    function(object_find_method) function(object_add_ref) function(object_release)              \
    function(object_disconnect) function(context_write) function(context_reserve)               \
    function(context_commit) function(context_test_cancel) function(context_wait_cancel)        \
    function(context_complete) function(context_set_progress) function(context_set_error)       \
    function(context_get_cancel_flag) function(context_on_cancel) function(context_get_cancel_fd) \
    function(context_disable_cancel) function(context_enable_cancel) function(apartment_create) \
    function(apartment_pump) function(apartment_get_fd) function(apartment_close)               \
    function(apartment_release) function(get_last_error)

#define FUNCTION_ID(name) F_##name,
#define FUNCTION_NAME(name) "call_" #name,
typedef enum function_t { FUNCTIONS(FUNCTION_ID) FUNCTION_COUNT } function_t;
static const char *const function_names[] = {FUNCTIONS(FUNCTION_NAME)};

static const call_hresult_t codes[] = {
    S_OK, S_FALSE, E_NOTIMPL, E_NOINTERFACE, E_POINTER, E_FAIL, E_HANDLE, E_INVALIDARG, DISP_E_MEMBERNOTFOUND,
    DISP_E_UNKNOWNNAME, RPC_E_CALL_CANCELED, RPC_E_OUT_OF_RESOURCES, RPC_E_DISCONNECTED,
    RPC_E_WRONG_THREAD, RPC_S_CALLPENDING, RPC_E_CALL_COMPLETE, CALL_E_MORE_DATA, CALL_E_TOO_BUSY,
    CALL_E_DEADLOCK, CO_E_DLLNOTFOUND,
};
enum { CODES = sizeof codes / sizeof codes[0] };

static atomic_ulong counts[FUNCTION_COUNT][CODES];
static atomic_ulong wrong_echoes, dead_taken, held_lost, other_codes, echoes;

/* The first of each is told; the rest is counted. */
static inline void broke(atomic_ulong *counter, const char *what, uint64_t id, call_hresult_t code)
{
    if (atomic_fetch_add(counter, 1) == 0)
        diag("broken: %s: handle 0x%016" PRIX64 ", code 0x%08" PRIX32 " %s", what, id, (uint32_t)code,
             call_hresult_name(code));
}

static inline size_t index_of(call_hresult_t code)
{
    size_t at = 0;
    while (at < CODES && codes[at] != code)
        at++;
    return at;
}

static inline void book(function_t function, call_hresult_t code)
{
    size_t at = index_of(code);
    if (at == CODES)
        broke(&other_codes, function_names[function], 0, code);
    else
        (void)atomic_fetch_add_explicit(&counts[function][at], 1, memory_order_relaxed);
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

/* A place for a live handle. No number is a handle twice, so who reads the same handle before and
 * after the owner has read the owner of that handle. */
typedef struct entry_t {
    atomic_ullong id, owner; /* owner: the number of the object that it belongs to */
    atomic_bool shared;      /* a thread may hold a reference beside the table's */
} entry_t;

enum { FREE = 0, TAKEN = 1 };

static entry_t tables[KINDS][TABLE];
static atomic_ullong stale[KINDS][STALE];
static atomic_uint stale_at[KINDS];

static inline uint32_t places_of(int kind)
{
    return kind == APARTMENT ? APARTMENTS : TABLE;
}

/* Puts a handle with its one reference into the table; false: there is no room. */
static inline bool put(uint64_t *random, int kind, uint64_t id, uint64_t owner)
{
    uint32_t from = draw(random, places_of(kind));
    for (uint32_t i = 0; i < places_of(kind); i++) {
        entry_t *entry = &tables[kind][(from + i) % places_of(kind)];
        unsigned long long expected = FREE;
        if (!atomic_compare_exchange_strong(&entry->id, &expected, TAKEN))
            continue;
        atomic_store(&entry->shared, false);
        atomic_store(&entry->owner, owner);
        atomic_store(&entry->id, id);
        return true;
    }
    return false;
}

/* A handle that is or was in the table, with its owner. */
static inline entry_t *look(uint64_t *random, int kind, uint64_t *id_out, uint64_t *owner_out)
{
    uint32_t from = draw(random, places_of(kind));
    for (uint32_t i = 0; i < places_of(kind); i++) {
        entry_t *entry = &tables[kind][(from + i) % places_of(kind)];
        *id_out = atomic_load(&entry->id);
        *owner_out = atomic_load(&entry->owner);
        if (*id_out != FREE && *id_out != TAKEN && atomic_load(&entry->id) == *id_out)
            return entry;
    }
    return NULL;
}

/* Takes the table's reference: exactly one thread does. `lonely_out`: nobody else holds one. */
static inline bool take(entry_t *entry, uint64_t id, bool *lonely_out)
{
    unsigned long long expected = id;
    bool taken = atomic_compare_exchange_strong(&entry->id, &expected, FREE);
    *lonely_out = !atomic_load(&entry->shared);
    return taken;
}

static inline void add_stale(int kind, uint64_t id)
{
    atomic_store(&stale[kind][atomic_fetch_add(&stale_at[kind], 1) % STALE], id);
}

typedef enum sort_t { LIVE, DEAD } sort_t;

typedef struct pick_t {
    entry_t *entry; /* of a live one */
    uint64_t id, owner;
    sort_t sort;
    call_hresult_t dead; /* what a dead one has to give */
} pick_t;

/* Mostly a handle that lives as long as no other thread releases it; else one that is stale, of
 * another kind, or no handle at all. */
static inline pick_t pick(uint64_t *random, int kind)
{
    pick_t picked = {NULL, 0, 0, DEAD, E_HANDLE};
    uint32_t die = draw(random, 16);
    if (die < 12)
        picked.entry = look(random, kind, &picked.id, &picked.owner);
    if (picked.entry != NULL) {
        picked.sort = LIVE;
        return picked;
    }
    picked.id = next_random(random);
    if (die == 12)
        picked.id = draw(random, 1000) + 1;
    if (die == 13 && look(random, (kind + 1 + (int)draw(random, KINDS - 1)) % KINDS, &picked.id, &picked.owner) == NULL)
        picked.id = next_random(random);
    uint64_t released = atomic_load(&stale[kind][draw(random, STALE)]);
    if (die >= 14 && released != 0) {
        picked.id = released;
        picked.dead = kind == CONTEXT ? RPC_E_CALL_COMPLETE : E_HANDLE;
    }
    return picked;
}

/* Books what a function gave; what a dead handle gave has to be what it must give. */
static inline call_hresult_t judge(function_t function, const pick_t *picked, call_hresult_t code)
{
    book(function, code);
    if (picked != NULL && picked->sort == DEAD && code != picked->dead)
        broke(&dead_taken, function_names[function], picked->id, code);
    return code;
}

#define USE(name, picked, ...) judge(F_##name, (picked), call_##name(__VA_ARGS__))

static inline call_t call_of(pick_t picked)
{
    return (call_t){picked.id};
}

static inline call_buffer_t buffer_of(pick_t picked)
{
    return (call_buffer_t){picked.id};
}

static inline call_cancel_t cancel_interface_of(pick_t picked)
{
    return (call_cancel_t){picked.id};
}

static inline call_object_t object_of(pick_t picked)
{
    return (call_object_t){picked.id};
}

static inline call_apartment_t apartment_in(pick_t picked)
{
    return (call_apartment_t){picked.id};
}

static inline call_context_t context_of(pick_t picked)
{
    return (call_context_t){picked.id};
}

#endif
