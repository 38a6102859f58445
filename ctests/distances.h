/* One set of checks, run at each distance that a process has. */
#ifndef DISTANCES_H
#define DISTANCES_H

#include "distance_isolated.h"

/* A distance between the client, which is the thread that runs the checks, and the object. */
typedef struct place_t {
    const char *name;
    const char *way;              /* what else there is to say of it */
    bool isolated;                /* the object is in a child process */
    bool kills;                   /* and what is given up there is ended */
    uint32_t kind;                /* of the object's apartment */
    bool inside;                  /* the client is a method of that apartment */
    bool direct;                  /* begin runs on the client's thread */
    const call_class_t *cls;      /* brings its own cancel where it is direct */
    const call_class_t *bare;     /* the same without one */
    call_apartment_t apartment;
    call_object_t door;           /* an object to get inside by */
    server_t server;              /* made for each check, with an idle call object */
    call_t call;
    unsigned checks, exceptions;
} place_t;

/* A check's name with its distance before it; counts it. */
#define AT(place, text) "[%s%s] " text, name_of(place), (place)->way
const char *name_of(place_t *place);

/* Says that these rules have no meaning at this distance, and why: docs/conformance.md tells it. Gives `here`. */
bool cannot_be(place_t *place, bool here, const char *rules, const char *reason);

/* Another object at that distance, and its end. */
void place_create(place_t *place, server_t *server, const call_class_t *cls);
void server_end(server_t *server);

/* The client was freed while that method is inside. Where the method goes on, it does so until `release`; where it is
 * killed, the fate says so. A check of the fate, and the end of the method. */
#define ok_given_up(place, call, ...) \
    ok_fate((place)->kills ? settled_fate_of(call) : fate_of(call), \
            (place)->kills ? CALL_FATE_KILLED : CALL_FATE_RUNNING, __VA_ARGS__)
void let_go(place_t *place, job_t *job);

typedef void (*check_t)(place_t *place);

/* Runs all checks at each distance and gives main's result. */
int run_at_each_distance(const check_t *checks, size_t count);

#define DISTANCES_MAIN(checks)                                                         \
    int main(void)                                                                     \
    {                                                                                  \
        return run_at_each_distance((checks), sizeof(checks) / sizeof((checks)[0]));   \
    }

#endif
