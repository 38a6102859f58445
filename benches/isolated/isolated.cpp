#include "isolated.hpp"

#include <climits>
#include <unistd.h>

namespace bench {

namespace {

// The module is beside this program.
std::string moniker() {
    char own[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", own, sizeof own);
    if (length <= 0) {
        fail("nobody knows where this program is");
    }
    const std::string path(own, static_cast<std::size_t>(length));
    return "isolated:" + path.substr(0, path.rfind('/') + 1) + "libbench_module.so#Bench";
}

// So long a spare child takes to be ready at the most, or its start would be measured besides.
constexpr unsigned READY_US = 100'000;

call_object_t bind(std::uint32_t spares) {
    const std::string cpu = "BENCH_CPU=" + std::to_string(stage.worker_cpu);
    const char *const environment[] = {stage.worker_cpu < 0 ? nullptr : cpu.c_str(), nullptr};
    call_bind_options_t options{};
    options.size = sizeof options;
    options.spares = spares;
    options.environment = environment;
    call_object_t object;
    must(call_object_bind(moniker().c_str(), &options, &object), "call_object_bind");
    usleep(READY_US);
    return object;
}

// From the end of a killed call to the next result.
std::vector<double> replace(std::uint32_t spares, std::uint32_t grace_ms) {
    Isolated library(spares);
    Isolated::Call deaf;
    Isolated::Call next;
    library.prepare(deaf);
    library.prepare(next);
    std::vector<double> samples;
    for (std::uint64_t i = 0; i < effort.samples(12); i++) {
        usleep(READY_US);
        Words in;
        in.fill(i);
        Words out;
        library.begin_waiting(deaf, DEAF);
        library.end(deaf, grace_ms);
        const std::uint64_t from = stamp();
        library.begin(next, Work::Add, in);
        library.finish(next, out);
        samples.push_back(nanoseconds(from, stamp()));
        check(in, out);
    }
    return samples;
}

} // namespace

Isolated::Isolated(std::uint32_t spares) : Isolated(bind(spares)) {}
Isolated::Isolated(call_object_t object) : Library(object), object_(object), bulk_out_(BULK_WORDS) {}
Isolated::~Isolated() { call_object_release(object_); }

void Isolated::begin_waiting(Call &call, Work work) {
    begin(call, work, Words{});
    must(call_query_cancel(call.handle, &call.interface), "call_query_cancel");
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    // Threads of this process need its CPU.
    for (; done == 0; usleep(50)) {
        must(call_get_progress(call.handle, &done, &total), "call_get_progress");
    }
}

std::uint64_t Isolated::seen(Call &call) {
    std::uint64_t at;
    std::size_t length;
    must(call_finish(call.handle, &at, sizeof at, &length), "call_finish");
    must(call_cancel_release(call.interface), "call_cancel_release");
    if (length != sizeof at) {
        fail("a canceled call gave too little");
    }
    return at;
}

void Isolated::end(Call &call, std::uint32_t grace_ms) {
    must(call_request_cancel(call.interface, grace_ms), "call_request_cancel");
    finish_with(call, RPC_E_CALL_CANCELED);
    call_fate_t fate;
    must(call_get_fate(call.handle, &fate), "call_get_fate");
    if (grace_ms > 0 && fate != CALL_FATE_KILLED) {
        fail("a call that hears of nothing has the fate " + std::to_string(fate));
    }
    must(call_cancel_release(call.interface), "call_cancel_release");
}

void replacements(Figures &figures) {
    std::vector<double> replaced = replace(0, 1);
    figures.put("replaced_p50", percentile(replaced, 0.5));
    figures.put("replaced_max", replaced.back());
    std::vector<double> at_once = replace(0, 0);
    figures.put("at_once_p50", percentile(at_once, 0.5));
    std::vector<double> unspared = replace(CALL_BIND_NO_SPARES, 1);
    figures.put("unspared_p50", percentile(unspared, 0.5));
}

} // namespace bench
