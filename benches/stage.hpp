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
};

// Of this process: a measurement has a process to itself.
struct Stage {
    // The CPU that the worker pins itself to when it first enters a body; -1: none.
    int worker_cpu = -1;
    std::array<Gate, 2> gates;
    // Bodies that came to a gate.
    std::atomic<std::uint64_t> at_gates{0};
    // How long the last `Busy` took; written before its call completes.
    double busy_ns = 0;

    void await_at_gates(std::uint64_t count) const;
    // Closes both gates and counts from 0.
    void reset();
};
extern Stage stage;

enum class Placement { OneCpu, TwoCpus, Free };
// To be called before the first thread is started.
void place(Placement placement);

// To be called first in every body: the worker takes its place.
void arrive();

// The body of a call; it arrives by itself.
void perform(Work work, const Words &in, Words &out);

} // namespace bench
