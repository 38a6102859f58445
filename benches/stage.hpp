// What is done in a call, the same for all contenders, and what the bodies share with the one who
// measures.
#pragma once

#include "measure.hpp"

namespace bench {

enum class Work : std::uint32_t {
    // Adds one to each word.
    Add,
    // Waits at the gate whose number is in the first word.
    Block,
    // Keeps its thread busy for APART_WORK_NS, so that the caller has gone to sleep.
    Busy,
    // Adds, and is counted.
    Count,
    // Looks for a cancel until it sees one.
    Poll,
    // Looks for a cancel a number of times, which is measured.
    Look,
};

// Of this process: a measurement has a process to itself.
struct Stage {
    // The CPU that the worker pins itself to when it first enters a body; -1: none.
    int worker_cpu = -1;
    std::array<Gate, 2> gates;
    // Bodies that came to a gate.
    std::atomic<std::uint64_t> at_gates{0};
    // Bodies of `Count` that ran.
    std::atomic<std::uint64_t> counted{0};
    // How long the last `Busy` took; written before its call completes.
    double busy_ns = 0;
    // A body that polls has started, and the stamp at which it saw the cancel.
    std::atomic<bool> is_running{false};
    std::atomic<std::uint64_t> seen{0};
    // Nanoseconds of one look, of each loop; written before the call completes.
    std::vector<double> looks;

    void await_at_gates(std::uint64_t count) const;
    void await_counted(std::uint64_t count) const;
    void await_running() const;
    // Closes both gates and counts from 0.
    void reset();
};
extern Stage stage;

enum class Placement { OneCpu, TwoCpus, Free };
// To be called before the first thread is started.
void place(Placement placement);

// To be called first in every body: the worker takes its place.
void arrive();

// The body of a call that knows no cancel; it arrives by itself.
void perform(Work work, const Words &in, Words &out);

constexpr int LOOK_LOOPS = 7;
// Looks in one loop.
std::size_t looks_a_loop();
// A loop of looks that began at this stamp is over.
void looked(std::uint64_t from);

// The body of a call that can look for its cancel.
template <class IsCanceled> void perform(Work work, const Words &in, Words &out, IsCanceled is_canceled) {
    if (work == Work::Poll) {
        arrive();
        stage.is_running.store(true, std::memory_order_release);
        while (!is_canceled()) {
        }
        stage.seen.store(stamp(), std::memory_order_release);
        add_one(in, out);
    } else if (work == Work::Look) {
        arrive();
        const std::size_t count = looks_a_loop();
        for (int loop = 0; loop < LOOK_LOOPS; loop++) {
            const std::uint64_t from = stamp();
            for (std::size_t i = 0; i < count; i++) {
                const bool is_seen = is_canceled();
                keep(is_seen);
            }
            looked(from);
        }
        add_one(in, out);
    } else {
        perform(work, in, out);
    }
}

} // namespace bench
