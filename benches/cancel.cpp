// What the library alone can do: cancel.

#include "contest.hpp"
#include "library.hpp"

namespace bench {

namespace {

using Cancel = call_hresult_t (*)(call_cancel_t);

call_hresult_t cancel_at_once(call_cancel_t cancel) { return call_cancel(cancel, 0); }
call_hresult_t request_at_once(call_cancel_t cancel) { return call_request_cancel(cancel, 0); }

constexpr std::size_t WAITING = 2000;

struct Queued {
    Library::Call call;
    call_cancel_t cancel;
};

void query(std::vector<Queued> &queued, std::vector<double> &costs) {
    const std::uint64_t from = stamp();
    for (Queued &each : queued) {
        must(call_query_cancel(each.call.handle, &each.cancel), "call_query_cancel");
    }
    costs.push_back(nanoseconds(from, stamp()) / WAITING);
}

void release(std::vector<Queued> &queued, std::vector<double> &costs) {
    const std::uint64_t from = stamp();
    for (const Queued &each : queued) {
        call_cancel_release(each.cancel);
    }
    costs.back() += nanoseconds(from, stamp()) / WAITING;
}

// All of them are finished with the code of a cancel, and none of them has run.
void check_canceled(Library &library, std::vector<Queued> &queued) {
    for (Queued &each : queued) {
        library.finish_with(each.call, RPC_E_CALL_CANCELED);
        call_fate_t fate;
        must(call_get_fate(each.call.handle, &fate), "call_get_fate");
        if (fate != CALL_FATE_NEVER_STARTED) {
            fail("a call that was canceled while it waited has the fate " + std::to_string(fate));
        }
    }
    if (stage.at_gates.load() != 1) {
        fail("a call that was canceled while it waited has run");
    }
}

// The cost of one cancel while the worker is at a gate and the calls wait behind it.
double cancel_all(Library &library, std::vector<Queued> &queued, Cancel cancel, std::vector<double> &queries) {
    stage.reset();
    Blocker<Library> blocker(library, 0);
    blocker.begin();
    stage.await_at_gates(1);
    Words in{};
    in[0] = 1;
    for (Queued &each : queued) {
        // Bodies that would be counted.
        library.begin(each.call, Work::Block, in);
    }
    query(queued, queries);
    std::size_t accepted = 0;
    const std::uint64_t from = stamp();
    for (const Queued &each : queued) {
        accepted += cancel(each.cancel) == S_OK;
    }
    const double cost = nanoseconds(from, stamp()) / WAITING;
    if (accepted != queued.size()) {
        fail("a cancel was refused");
    }
    stage.gates[1].open();
    blocker.open();
    blocker.finish();
    check_canceled(library, queued);
    release(queued, queries);
    return cost;
}

} // namespace

void cancel_queued(Figures &figures) {
    place(Placement::TwoCpus);
    Library library;
    std::vector<Queued> queued(WAITING);
    for (Queued &each : queued) {
        library.prepare(each.call);
    }
    std::vector<double> cancels;
    std::vector<double> requests;
    std::vector<double> queries;
    for (int loop = 0; loop < 8; loop++) {
        cancels.push_back(cancel_all(library, queued, cancel_at_once, queries));
        requests.push_back(cancel_all(library, queued, request_at_once, queries));
    }
    // The first loop makes the memory that the others use again.
    cancels.erase(cancels.begin());
    requests.erase(requests.begin());
    queries.erase(queries.begin(), queries.begin() + 2);
    figures.put("cancel", median(cancels));
    figures.put("request", median(requests));
    figures.put("query", median(queries));
}

void cancel_running(Figures &figures) {
    // Long enough for the body to be at its polling, its cache lines shared.
    constexpr double SETTLE_NS = 20'000;
    place(Placement::TwoCpus);
    Library library;
    Library::Call call{};
    library.prepare(call);
    std::vector<double> samples;
    const std::size_t count = effort.samples(2'000);
    for (std::size_t i = 0; i < count; i++) {
        probes.is_running.store(false, std::memory_order_relaxed);
        library.begin(call, Probe::UntilCanceled);
        call_cancel_t cancel;
        must(call_query_cancel(call.handle, &cancel), "call_query_cancel");
        while (!probes.is_running.load(std::memory_order_acquire)) {
            relax();
        }
        stay_busy(SETTLE_NS);
        const std::uint64_t from = stamp();
        must(call_request_cancel(cancel, CALL_INFINITE), "call_request_cancel");
        library.finish_with(call, RPC_E_CALL_CANCELED);
        samples.push_back(nanoseconds(from, probes.seen.load(std::memory_order_acquire)));
        call_cancel_release(cancel);
    }
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count / 10));
    figures.put_percentiles("seen", samples);
}

void test_cancel(Figures &figures) {
    place(Placement::TwoCpus);
    Library library;
    Library::Call call{};
    library.prepare(call);
    library.begin(call, Probe::LookByContext);
    library.finish_with(call, S_OK);
    figures.put("look_context", probes.look_ns);
    library.begin(call, Probe::LookByThread);
    library.finish_with(call, S_OK);
    figures.put("look_thread", probes.look_ns);
}

} // namespace bench
