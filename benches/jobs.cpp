#include "jobs.hpp"

#include "flat.hpp"
#include "library.hpp"
#include "limits.hpp"
#include "peers/peers.hpp"
#include "peers/tasks.hpp"

// The version of each peer that is there comes from the Makefile.
#ifndef BENCH_UV
#define BENCH_UV ""
#endif
#ifndef BENCH_GLIB
#define BENCH_GLIB ""
#endif
#ifndef BENCH_TBB
#define BENCH_TBB ""
#endif
#ifndef BENCH_NNG
#define BENCH_NNG ""
#endif
#ifndef BENCH_TOKIO
#define BENCH_TOKIO ""
#define BENCH_RAYON ""
#define BENCH_CROSSBEAM ""
#endif

namespace bench {

namespace {

constexpr bool is_there(std::string_view version) { return !version.empty(); }

// What the library alone can do, or is alone asked for.
void add_library(std::vector<Job> &all) {
    add_contender<Library>(all, "libcall");
    for (Job &job : all) {
        if (job.name == "libcall/crowded") {
            // Under load there is no limit but what a plain pool makes of it in the same minute.
            job.limits = {"crowded_pool"};
        }
    }
    all.push_back({"libcall/queued", alone<CancelableLibrary, cancels_of_queued<CancelableLibrary>>, {"cas"}});
    all.push_back({"libcall/running", alone<CancelableLibrary, cancels_of_running<CancelableLibrary>>, {"spin"}});
    all.push_back({"libcall/cancel", cancel_queued, {"cas"}});
    all.push_back({"libcall/look", test_cancel, {"empty"}});
    add_flat(all);
    all.push_back({"machine/others", limits::others, {}, true, false, FEW_ROUNDS});
    all.push_back({"libcall/idle", idle, {}, false, false, ONE_ROUND});
}

std::vector<Job> make_jobs() {
    std::vector<Job> all;
    add_library(all);
    add_tasks(all);
    add_stop(all);
    add_async(all);
    if constexpr (is_there(BENCH_UV)) {
        add_uv(all);
    }
    if constexpr (is_there(BENCH_GLIB)) {
        add_glib(all);
    }
    if constexpr (is_there(BENCH_TBB)) {
        add_tbb(all);
    }
    if constexpr (is_there(BENCH_NNG)) {
        add_nng(all);
    }
    if constexpr (is_there(BENCH_TOKIO)) {
        add_rust(all);
    }
    return all;
}

} // namespace

const std::vector<Job> &limit_jobs() {
    static const std::vector<Job> all{
        {"spin", limits::spin},
        {"futex_one", limits::futex_one, {}, false},
        {"futex_apart", limits::futex_apart},
        {"ring", limits::ring},
        {"malloc", limits::malloc_free, {}, false},
        {"cas", limits::cas, {}, false},
        {"empty", limits::empty_call, {}, false},
        {"memory", limits::memory, {}, false},
        {"sleep", limits::sleep, {}, false},
        {"crowded_pool", crowded<TaskPool>, {}, false, true},
    };
    return all;
}

const std::vector<Job> &jobs() {
    static const std::vector<Job> all = make_jobs();
    return all;
}

const std::vector<Contender> &contenders() {
    static const std::string compiler = "C++ library of gcc " __VERSION__;
    static const std::vector<Contender> all{
        {"libcall", "**libcall**", "this", "this project"},
        {"packaged_task", "C++ pool of packaged_task", compiler, "the C++ compiler"},
        {"stop_source", "C++ pool and stop_source", compiler, "the C++ compiler"},
        {"std_async", "std::async", compiler, "the C++ compiler"},
        {"libuv", "libuv uv_queue_work", BENCH_UV, "libuv1-dev"},
        {"gtask", "GLib GTask and GCancellable", BENCH_GLIB, "libglib2.0-dev"},
        {"gthreadpool", "GLib GThreadPool", BENCH_GLIB, "libglib2.0-dev"},
        {"tbb_enqueue", "oneTBB arena.enqueue", BENCH_TBB, "libtbb-dev"},
        {"tbb_group", "oneTBB task_group", BENCH_TBB, "libtbb-dev"},
        {"nng_aio", "NNG aio", BENCH_NNG, "libnng-dev"},
        {"tokio_spawn", "tokio spawn, oneshot", BENCH_TOKIO, "benches/peers-rust"},
        {"tokio_blocking", "tokio spawn_blocking, token", BENCH_TOKIO, "benches/peers-rust"},
        {"rayon", "rayon spawn, channel", BENCH_RAYON, "benches/peers-rust"},
        {"crossbeam", "crossbeam channel, oneshot", BENCH_CROSSBEAM, "benches/peers-rust"},
    };
    return all;
}

} // namespace bench
