#include "stage.hpp"

#include "spacing.hpp"

namespace bench {

Stage stage;

namespace {

thread_local bool has_arrived = false;

void await(const std::atomic<std::uint64_t> &value, std::uint64_t count) {
    while (value.load(std::memory_order_acquire) < count) {
        relax();
    }
}

} // namespace

void arrive() {
    if (!has_arrived) {
        has_arrived = true;
        if (stage.worker_cpu >= 0) {
            pin(stage.worker_cpu);
        }
    }
}

void Stage::await_at_gates(std::uint64_t count) const { await(at_gates, count); }
void Stage::await_counted(std::uint64_t count) const { await(counted, count); }

void Stage::await_running() const {
    while (!is_running.load(std::memory_order_acquire)) {
        relax();
    }
}

void Stage::reset() {
    for (Gate &gate : gates) {
        gate.close();
    }
    at_gates.store(0, std::memory_order_relaxed);
    counted.store(0, std::memory_order_relaxed);
}

void place(Placement placement) {
    if (placement != Placement::Free) {
        pin(cpus().first);
    }
    if (placement == Placement::TwoCpus) {
        stage.worker_cpu = cpus().second;
    }
}

std::size_t looks_a_loop() { return effort.samples(200'000); }

void looked(std::uint64_t from) {
    stage.looks.push_back(nanoseconds(from, stamp()) / static_cast<double>(looks_a_loop()));
}

void perform(Work work, const Words &in, Words &out) {
    arrive();
    if (work == Work::Block) {
        stage.at_gates.fetch_add(1, std::memory_order_release);
        stage.gates.at(in[0]).wait();
    } else if (work == Work::Busy) {
        const Span span = stay_busy(APART_WORK_NS);
        stage.busy_ns = nanoseconds(span.from, span.to);
    } else if (work == Work::Count) {
        stage.counted.fetch_add(1, std::memory_order_release);
    }
    add_one(in, out);
}

} // namespace bench
