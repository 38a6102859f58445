#include "jobs.hpp"

#include "contest.hpp"
#include "library.hpp"
#include "limits.hpp"
#include "pool.hpp"
#ifdef BENCH_UV
#include "uv.hpp"
#endif

namespace bench {

namespace {

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
    round_trips(contender, figures, {10'000'000, 1000e6 / effort.divisor});
}

template <class Contender, void (*MEASURE)(Contender &, Figures &)> void alone(Figures &figures) {
    place(Placement::TwoCpus);
    Contender contender;
    MEASURE(contender, figures);
}

template <class Contender> void add_contender(std::vector<Job> &all, const std::string &name) {
    all.push_back({name + "/one", quiet<Contender, Placement::OneCpu>, {"futex_one"}, false});
    all.push_back({name + "/two", quiet<Contender, Placement::TwoCpus>, {"spin", "futex_two"}});
    all.push_back({name + "/apart", alone<Contender, calls_apart<Contender>>, {"futex_apart"}});
    all.push_back({name + "/flow", alone<Contender, flow<Contender>>, {"ring"}});
    all.push_back({name + "/create", alone<Contender, creations<Contender>>, {"primitives"}});
    all.push_back({name + "/begin", alone<Contender, begin_and_finish<Contender>>, {"primitives"}});
    all.push_back({name + "/memory", alone<Contender, memory<Contender>>, {"memory"}});
}

std::vector<Job> make_jobs() {
    std::vector<Job> all;
    add_contender<Library>(all, "libcall");
    add_contender<TaskPool>(all, "packaged_task");
#ifdef BENCH_UV
    add_contender<UvPool>(all, "libuv");
    all.push_back({"libuv/crowded", crowded<UvPool>, {}, false, true});
#endif
    // Under load there is no limit but what a plain pool makes of it in the same minute.
    all.push_back({"libcall/crowded", crowded<Library>, {"crowded_pool"}, false, true});
    all.push_back({"libcall/queued", cancel_queued, {"primitives"}});
    all.push_back({"libcall/running", cancel_running, {"spin"}});
    all.push_back({"libcall/look", test_cancel, {"primitives"}});
    return all;
}

} // namespace

const std::vector<Job> &limit_jobs() {
    static const std::vector<Job> all{
        {"spin", limits::spin},
        {"futex_one", limits::futex_one, {}, false},
        {"futex_two", limits::futex_two},
        {"futex_apart", limits::futex_apart},
        {"ring", limits::ring},
        {"primitives", limits::primitives, {}, false},
        {"memory", limits::memory, {}, false},
        {"crowded_pool", crowded<TaskPool>, {}, false, true},
    };
    return all;
}

const std::vector<Job> &jobs() {
    static const std::vector<Job> all = make_jobs();
    return all;
}

const std::vector<std::string> &contenders() {
    static const std::vector<std::string> all{
        "libcall",
        "packaged_task",
#ifdef BENCH_UV
        "libuv",
#endif
    };
    return all;
}

} // namespace bench
