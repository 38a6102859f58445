// The contenders: who they are, and the jobs that each of them goes through.
#pragma once

#include "../cancels.hpp"
#include "../costs.hpp"
#include "../jobs.hpp"
#include "../paced.hpp"
#include "../producers.hpp"

namespace bench {

template <class Contender, Placement PLACEMENT> void quiet(Figures &figures) {
    place(PLACEMENT);
    Contender contender;
    round_trips(contender, figures, {effort.samples(100'000), 300e6 / effort.divisor});
}

// Limited by time alone and longer than in a quiet machine: a slice of the scheduler is milliseconds,
// and a series must see many.
template <class Contender> void crowded(Figures &figures) {
    place(Placement::Free);
    Contender contender;
    round_trips(contender, figures, {10'000'000, 600e6 / effort.divisor});
    flow(contender, figures);
}

template <class Contender, void (*MEASURE)(Contender &, Figures &)> void alone(Figures &figures) {
    place(Placement::TwoCpus);
    Contender contender;
    MEASURE(contender, figures);
}

constexpr unsigned FEW_WORKERS = 2;
constexpr unsigned MANY_WORKERS = 16;

// What a contender can do, it is measured at.
template <class Contender> void add_contender(std::vector<Job> &all, const std::string &name) {
    using Can = Traits<Contender>;
    all.push_back({name + "/one", quiet<Contender, Placement::OneCpu>, {"futex_one"}, false});
    all.push_back({name + "/two", quiet<Contender, Placement::TwoCpus>, {"spin"}});
    all.push_back({name + "/apart", alone<Contender, calls_apart<Contender>>, {"futex_apart"}});
    all.push_back({name + "/flow", alone<Contender, flow<Contender>>, {"ring"}});
    all.push_back({name + "/create", alone<Contender, creations<Contender>>, {"malloc"}});
    all.push_back({name + "/memory", alone<Contender, memory<Contender>>, {"memory"}, true, false, FEW_ROUNDS});
    all.push_back({name + "/paced", alone<Contender, calls_at_a_pace<Contender>>, {"sleep"}});
    all.push_back({name + "/crowded", crowded<Contender>, {}, false, true});
    if constexpr (Can::has_queue()) {
        all.push_back({name + "/begin", alone<Contender, begin_and_finish<Contender>>, {"malloc"}});
    }
    if constexpr (Can::has_queue() && Can::can_cancel()) {
        all.push_back({name + "/queued", alone<Contender, cancels_of_queued<Contender>>, {"cas"}});
    }
    if constexpr (Can::reaches_running()) {
        all.push_back({name + "/running", alone<Contender, cancels_of_running<Contender>>, {"spin"}});
    }
    if constexpr (Can::has_queue() && !Can::has_one_client() && Can::workers() == 1) {
        all.push_back({name + "/few", producers<Contender, FEW_WORKERS>, {}, false, false, FEW_ROUNDS});
        all.push_back({name + "/many", producers<Contender, MANY_WORKERS>, {}, false, false, FEW_ROUNDS});
    }
}

// Those of benches/peers, where they are there to be built with.
void add_tasks(std::vector<Job> &all);
void add_stop(std::vector<Job> &all);
void add_async(std::vector<Job> &all);
void add_uv(std::vector<Job> &all);
void add_glib(std::vector<Job> &all);
void add_tbb(std::vector<Job> &all);
void add_nng(std::vector<Job> &all);
void add_rust(std::vector<Job> &all);

} // namespace bench
