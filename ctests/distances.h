/* One set of checks, run at each distance that a process has. */
#ifndef DISTANCES_H
#define DISTANCES_H

#include "distance_support.h"

/* A distance between the client, which is the thread that runs the checks, and the object. */
typedef struct place_t {
    const char *name;
    uint32_t kind;                /* of the object's apartment */
    bool inside;                  /* the client is a method of that apartment */
    bool direct;                  /* begin runs on the client's thread */
    const call_class_t *cls;      /* brings its own cancel where it is direct */
    const call_class_t *bare;     /* the same without one */
    call_apartment_t apartment;
    call_object_t door;           /* an object to get inside by */
    server_t server;              /* made for each check, with an idle call object */
    call_t call;
    unsigned checks;
} place_t;

/* A check's name with its distance before it; counts it. */
#define AT(place, text) "[%s] " text, name_of(place)
const char *name_of(place_t *place);

typedef void (*check_t)(place_t *place);

/* Runs all checks at each distance and gives main's result. */
int run_at_each_distance(const check_t *checks, size_t count);

#define DISTANCES_MAIN(checks)                                                         \
    int main(void)                                                                     \
    {                                                                                  \
        return run_at_each_distance((checks), sizeof(checks) / sizeof((checks)[0]));   \
    }

#endif
