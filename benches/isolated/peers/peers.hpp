// The contenders, and the jobs that each of them goes through.
#pragma once

#include "../../jobs.hpp"
#include "../crossing.hpp"

namespace bench {

template <class Contender, Placement PLACEMENT> void trips(Figures &figures) {
    place(PLACEMENT);
    Contender contender;
    round_trips(contender, figures, {effort.samples(100'000), 300e6 / effort.divisor});
}

template <class Contender, Placement PLACEMENT> void many_on_the_way(Figures &figures) {
    place(PLACEMENT);
    Contender contender;
    // The first time is for the caches, and for what the contender learns.
    flow_with(contender, 64);
    figures.put("flow_64", flow_with(contender, 64));
}

template <class Contender, Placement PLACEMENT, void (*MEASURE)(Contender &, Figures &)> void alone(Figures &figures) {
    place(PLACEMENT);
    Contender contender;
    MEASURE(contender, figures);
}

// `Single` makes one call at a time, `Many` has many on the way.
template <class Single, class Many = Single> void add_contender(std::vector<Job> &all, const std::string &name) {
    constexpr Placement ONE = Placement::OneCpu;
    constexpr Placement TWO = Placement::TwoCpus;
    all.push_back({name + "/one", trips<Single, ONE>, {"shm_futex_one", "socket_one"}, false});
    all.push_back({name + "/two", trips<Single, TWO>, {"shm_spin", "socket_two"}});
    all.push_back({name + "/apart", alone<Single, TWO, calls_apart<Single>>, {"shm_futex_apart"}});
    all.push_back({name + "/flow_one", many_on_the_way<Many, ONE>, {"many_one"}, false});
    all.push_back({name + "/flow", many_on_the_way<Many, TWO>, {"many_two"}});
    all.push_back({name + "/bulk_one", alone<Single, ONE, bulk_trips<Single>>, {"bulk_one"}, false});
    all.push_back({name + "/bulk", alone<Single, TWO, bulk_trips<Single>>, {"bulk_two"}});
}

template <class Contender, Work WORK> void add_cancel(std::vector<Job> &all, const std::string &name) {
    const std::string setting = WORK == SLEEP ? "/asleep" : "/polling";
    all.push_back({name + setting,
                   alone<Contender, Placement::TwoCpus, cancels_seen<Contender, WORK>>,
                   {WORK == SLEEP ? "wake" : "shm_spin"}});
}

// Those that are there to be built with.
void add_sdbus(std::vector<Job> &all);
void add_grpc(std::vector<Job> &all);
void add_capnp(std::vector<Job> &all);

} // namespace bench
