// What the library alone can do: cancel.

#include "cancels.hpp"
#include "library.hpp"

namespace bench {

namespace {

using Cancel = call_hresult_t (*)(call_cancel_t);

call_hresult_t cancel_at_once(call_cancel_t cancel) { return call_cancel(cancel, 0); }
call_hresult_t request_at_once(call_cancel_t cancel) { return call_request_cancel(cancel, 0); }

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
    if (stage.counted.load() != 0) {
        fail("a call that was canceled while it waited has run");
    }
}

// The cost of one cancel while the worker is at a gate and the calls wait behind it.
double cancel_all(Library &library, std::vector<Queued> &queued, Cancel cancel, std::vector<double> &queries) {
    stage.reset();
    Blockers<Library> blockers(library, 0);
    blockers.block();
    for (Queued &each : queued) {
        library.begin(each.call, Work::Count, Words{});
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
    blockers.open();
    blockers.finish();
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

void test_cancel(Figures &figures) {
    place(Placement::TwoCpus);
    Library library;
    Library::Call call{};
    Words out;
    library.prepare(call);
    for (const auto &[work, name] : {std::pair{Work::Look, "look_context"}, {LOOK_BY_THREAD, "look_thread"}}) {
        stage.looks.clear();
        library.begin(call, work, Words{});
        library.finish(call, out);
        figures.put(name, median(stage.looks));
    }
}

} // namespace bench
