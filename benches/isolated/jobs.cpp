#include "../jobs.hpp"

#include "../flat.hpp"
#include "isolated.hpp"
#include "limits.hpp"
#include "peers/peers.hpp"

// The version of each peer that is there comes from the Makefile.
#ifndef BENCH_SDBUS
#define BENCH_SDBUS ""
#endif
#ifndef BENCH_GRPC
#define BENCH_GRPC ""
#endif
#ifndef BENCH_CAPNP
#define BENCH_CAPNP ""
#endif

namespace bench {

namespace {

constexpr bool is_there(std::string_view version) { return !version.empty(); }

void replaced(Figures &figures) {
    place(Placement::Free);
    replacements(figures);
}

std::vector<Job> make_jobs() {
    std::vector<Job> all;
    add_contender<Isolated>(all, "libcall");
    add_cancel<Isolated, Work::Poll>(all, "libcall");
    add_cancel<Isolated, SLEEP>(all, "libcall");
    all.push_back({"libcall/replaced", replaced, {"spawn"}, false});
    if constexpr (is_there(BENCH_SDBUS)) {
        add_sdbus(all);
    }
    if constexpr (is_there(BENCH_GRPC)) {
        add_grpc(all);
    }
    if constexpr (is_there(BENCH_CAPNP)) {
        add_capnp(all);
    }
    return all;
}

} // namespace

const std::vector<Job> &limit_jobs() {
    static const std::vector<Job> all{
        {"shm_spin", limits::shared_spin},
        {"shm_futex_one", limits::shared_futex_one, {}, false},
        {"shm_futex_apart", limits::shared_futex_apart},
        {"socket_one", limits::socket_one, {}, false},
        {"socket_two", limits::socket_two},
        {"many_one", limits::many_one, {}, false},
        {"many_two", limits::many_two},
        {"bulk_one", limits::bulk_one, {}, false},
        {"bulk_two", limits::bulk_two},
        {"wake", limits::wake},
        {"spawn", limits::spawn, {}, false},
    };
    return all;
}

const std::vector<Job> &jobs() {
    static const std::vector<Job> all = make_jobs();
    return all;
}

const std::vector<Contender> &contenders() {
    static const std::vector<Contender> all{
        {"libcall", "**libcall**", "this", "this project"},
        {"sdbus", "sd-bus, peer to peer", BENCH_SDBUS, "libsystemd-dev"},
        {"grpc", "gRPC C++, unix socket", BENCH_GRPC, "libgrpc++-dev with protobuf-compiler-grpc"},
        {"capnp", "Cap'n Proto C++, unix socket", BENCH_CAPNP, "libcapnp-dev with capnproto"},
    };
    return all;
}

const std::vector<Depth> &depths() {
    static const std::vector<Depth> none;
    return none;
}

} // namespace bench
