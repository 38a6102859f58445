#include "distances.h"

#include <string.h>

static const place_t places[] = {
    {.name = "same multi", .kind = CALL_APARTMENT_MULTI, .inside = true, .direct = true,
     .cls = &begin_with_cancel_class, .bare = &begin_class},
    {.name = "same single", .kind = CALL_APARTMENT_SINGLE, .inside = true, .direct = true,
     .cls = &begin_with_cancel_class, .bare = &begin_class},
    {.name = "same serial", .kind = CALL_APARTMENT_SERIAL, .inside = true, .direct = true,
     .cls = &begin_with_cancel_class, .bare = &begin_class},
    {.name = "custom", .kind = CALL_APARTMENT_MULTI, .direct = true,
     .cls = &custom_with_cancel_class, .bare = &custom_class},
    {.name = "multi", .kind = CALL_APARTMENT_MULTI, .cls = &target_class, .bare = &target_class},
    {.name = "single", .kind = CALL_APARTMENT_SINGLE, .cls = &target_class, .bare = &target_class},
    {.name = "serial", .kind = CALL_APARTMENT_SERIAL, .cls = &target_class, .bare = &target_class},
    {.name = "isolated", .kind = CALL_APARTMENT_SERIAL, .isolated = true, .kills = true,
     .cls = &target_class, .bare = &target_class},
    {.name = "isolated", .way = ", CALL_BIND_ABANDON", .kind = CALL_APARTMENT_SERIAL, .isolated = true,
     .cls = &target_class, .bare = &target_class},
};

const char *name_of(place_t *place)
{
    place->checks++;
    return place->name;
}

void place_create(place_t *place, server_t *server, const call_class_t *cls)
{
    if (place->isolated)
        isolated_create(server, cls, place->kills ? 0 : CALL_BIND_ABANDON);
    else
        server_create(server, place->apartment, cls);
}

void server_end(server_t *server)
{
    if (server->binding != 0)
        isolated_destroy(server);
    else
        server_destroy(server);
}

void let_go(place_t *place, job_t *job)
{
    gate_open(&job->release);
    if (!place->kills)
        gate_wait(&job->left);
}

bool cannot_be(place_t *place, bool here, const char *rules, const char *reason)
{
    if (here) {
        place->exceptions++;
        diag("%s: cannot be: %s: %s", place->name, rules, reason);
    }
    return here;
}

/* What the client does at one distance. */
typedef struct round_t {
    place_t place;
    const check_t *checks;
    size_t count;
} round_t;

static void run_checks(void *data)
{
    round_t *round = data;
    place_t *place = &round->place;
    for (size_t i = 0; i < round->count; i++) {
        unsigned before = place->checks + place->exceptions;
        place_create(place, &place->server, place->cls);
        place->call = new_call(&place->server.target);
        round->checks[i](place);
        must(call_release(place->call));
        server_end(&place->server);
        if (place->checks + place->exceptions == before)
            bail_out("check %zu at distance '%s' checks nothing", i, place->name);
    }
}

static void go(void *data)
{
    round_t round = *(round_t *)data;
    home_t home;
    target_t door;
    /* A client whose apartment was closed under it has RPC_E_DISCONNECTED for its own call. */
    call_hresult_t inside = S_OK;
    if (round.place.isolated) {
        run_checks(&round);
    } else {
        home_open(&home, round.place.kind, 1);
        round.place.apartment = home.apartment;
        target_create(&door, home.apartment);
        round.place.door = door.object;
        if (round.place.inside)
            inside = run_inside(door.object, run_checks, &round);
        else
            run_checks(&round);
        target_destroy(&door);
        home_close(&home);
    }
    if (inside != S_OK && inside != RPC_E_DISCONNECTED)
        bail_out("the client's own call gave 0x%08X", (unsigned)inside);
    ((round_t *)data)->place.checks = round.place.checks;
}

int run_at_each_distance(const check_t *checks, size_t count)
{
    enum { PLACES = sizeof places / sizeof places[0] };
    unsigned made = 0;
    for (size_t i = 0; i < PLACES; i++) {
        round_t round = {places[i], checks, count};
        if (round.place.way == NULL)
            round.place.way = "";
        if (round.place.isolated)
            run_on_shared_ground(go, &round);
        else
            go(&round);
        made += round.place.checks;
        /* Two ways of one distance are told of together. */
        if (i + 1 < PLACES && strcmp(places[i].name, places[i + 1].name) == 0)
            continue;
        diag("%s: %u checks", round.place.name, made);
        made = 0;
    }
    return done_testing();
}
