#include "distances.h"

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
};

const char *name_of(place_t *place)
{
    place->checks++;
    return place->name;
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
        unsigned before = place->checks;
        server_create(&place->server, place->apartment, place->cls);
        place->call = new_call(&place->server.target);
        round->checks[i](place);
        must(call_release(place->call));
        server_destroy(&place->server);
        /* A check may be of no use at a distance, but then it comes at another. */
        if (place->checks == before && !place->direct)
            bail_out("check %zu at distance '%s' checks nothing", i, place->name);
    }
}

static void go(round_t *round)
{
    home_t home;
    target_t door;
    home_open(&home, round->place.kind, 1);
    round->place.apartment = home.apartment;
    target_create(&door, home.apartment);
    round->place.door = door.object;
    /* A client whose apartment was closed under it has RPC_E_DISCONNECTED for its own call. */
    call_hresult_t inside = S_OK;
    if (round->place.inside)
        inside = run_inside(door.object, run_checks, round);
    else
        run_checks(round);
    if (inside != S_OK && inside != RPC_E_DISCONNECTED)
        bail_out("the client's own call gave 0x%08X", (unsigned)inside);
    target_destroy(&door);
    home_close(&home);
}

int run_at_each_distance(const check_t *checks, size_t count)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        round_t round = {places[i], checks, count};
        go(&round);
        diag("%s: %u checks", round.place.name, round.place.checks);
    }
    return done_testing();
}
