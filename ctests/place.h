/* An object in an apartment of a kind, served: by a thread of its own if the kind is SINGLE. */
#ifndef PLACE_H
#define PLACE_H

#include "support.h"

#include <string.h>
#include <time.h>

static const struct {
    uint32_t kind;
    const char *name;
} place_kinds[] = {
    {CALL_APARTMENT_MULTI, "multi"},
    {CALL_APARTMENT_SINGLE, "single"},
    {CALL_APARTMENT_SERIAL, "serial"},
};
enum { PLACE_KINDS = sizeof place_kinds / sizeof place_kinds[0], PLACE_WORKERS = 2 };

typedef struct place_t {
    uint32_t kind;
    call_apartment_t apartment;
    target_t target;
    gate_t ready;
    pthread_t owner; /* of a SINGLE one */
} place_t;

static inline void place_make(place_t *place)
{
    call_apartment_options_t options = {
        .size = sizeof options,
        .kind = place->kind,
        .workers = place->kind == CALL_APARTMENT_MULTI ? PLACE_WORKERS : 0,
        .name = "place",
    };
    must(call_apartment_create(&options, &place->apartment));
}

/* Serves until the apartment is closed. */
static inline void *place_owner(void *argument)
{
    place_t *place = argument;
    place_make(place);
    gate_open(&place->ready);
    call_hresult_t pumped = S_OK;
    while (pumped == S_OK)
        pumped = call_apartment_pump(place->apartment, CALL_INFINITE, NULL);
    if (pumped != RPC_E_DISCONNECTED)
        must(pumped);
    return NULL;
}

static inline void place_open(place_t *place, uint32_t kind)
{
    memset(place, 0, sizeof *place);
    place->kind = kind;
    gate_init(&place->ready, "apartment made");
    if (kind != CALL_APARTMENT_SINGLE)
        place_make(place);
    else if (pthread_create(&place->owner, NULL, place_owner, place) != 0)
        bail_out("no thread");
    else
        gate_wait(&place->ready);
    target_create(&place->target, place->apartment);
}

static inline void place_close(place_t *place)
{
    target_destroy(&place->target);
    must(call_apartment_close(place->apartment, hang_ms(), NULL));
    if (place->kind == CALL_APARTMENT_SINGLE) {
        struct timespec end;
        (void)clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += hang_ms() / 1000;
        if (pthread_timedjoin_np(place->owner, NULL, &end) != 0)
            bail_out("the owner of a closed apartment did not come back from its pump: a hang");
    }
    must(call_apartment_release(place->apartment));
}

#endif
