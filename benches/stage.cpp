#include "stage.hpp"

#include "spacing.hpp"

namespace bench {

Stage stage;

namespace {

thread_local bool has_arrived = false;

} // namespace

void arrive() {
    if (!has_arrived) {
        has_arrived = true;
        if (stage.worker_cpu >= 0) {
            pin(stage.worker_cpu);
        }
    }
}

void Stage::await_at_gates(std::uint64_t count) const {
    while (at_gates.load(std::memory_order_acquire) < count) {
        relax();
    }
}

void Stage::reset() {
    for (Gate &gate : gates) {
        gate.close();
    }
    at_gates.store(0, std::memory_order_relaxed);
}

void place(Placement placement) {
    if (placement != Placement::Free) {
        pin(cpus().first);
    }
    if (placement == Placement::TwoCpus) {
        stage.worker_cpu = cpus().second;
    }
}

void perform(Work work, const Words &in, Words &out) {
    arrive();
    if (work == Work::Block) {
        stage.at_gates.fetch_add(1, std::memory_order_release);
        stage.gates.at(in[0]).wait();
    } else if (work == Work::Busy) {
        const Span span = stay_busy(APART_WORK_NS);
        stage.busy_ns = nanoseconds(span.from, span.to);
    }
    add_one(in, out);
}

} // namespace bench
