// What a caller pays, while the workers are at gates: for a begin, for a finish, for a call object, in
// memory.
#pragma once

#include "contest.hpp"

namespace bench {

// Calls that keep all workers at a gate until `open`.
template <class Contender> class Blockers {
public:
    Blockers(Contender &contender, std::uint64_t gate) : contender_(contender), gate_(gate) {
        for (auto &call : calls_) {
            contender.prepare(call);
        }
    }
    // Begins them, and waits until they are there.
    void block() {
        Words in{};
        in[0] = gate_;
        const std::uint64_t there = stage.at_gates.load() + calls_.size();
        for (auto &call : calls_) {
            contender_.begin(call, Work::Block, in);
        }
        stage.await_at_gates(there);
    }
    void open() { stage.gates.at(gate_).open(); }
    void finish() {
        for (auto &call : calls_) {
            Words out;
            contender_.finish(call, out);
        }
    }

private:
    Contender &contender_;
    std::array<typename Contender::Call, Traits<Contender>::workers()> calls_{};
    std::uint64_t gate_;
};

// Time for a last result to be handed over when its body has run.
constexpr double SETTLE_NS = 5e6;

// Nanoseconds a call, of beginning and of finishing.
struct Costs {
    double begin, finish;
};

// One caller begins calls behind workers at a gate, and finishes them when all are complete.
template <class Contender>
Costs begin_then_finish(Contender &contender, typename Contender::Call *calls, std::size_t count) {
    const Words in{};
    Words out;
    Blockers<Contender> blockers(contender, 0);
    stage.reset();
    blockers.block();
    const std::uint64_t begun_from = stamp();
    for (std::size_t i = 0; i < count; i++) {
        contender.begin(calls[i], Work::Count, in);
    }
    const std::uint64_t begun_to = stamp();
    blockers.open();
    stage.await_counted(count);
    stay_busy(SETTLE_NS);
    const std::uint64_t finished_from = stamp();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; i++) {
        contender.finish(calls[i], out);
        sum += out.back();
    }
    const std::uint64_t finished_to = stamp();
    if (sum != count) {
        fail("of many calls one gave a wrong result");
    }
    blockers.finish();
    const auto each = static_cast<double>(count);
    return {nanoseconds(begun_from, begun_to) / each, nanoseconds(finished_from, finished_to) / each};
}

// begin, finish: what the caller pays for beginning while the worker is busy, and for finishing what
// is complete.
template <class Contender> void begin_and_finish(Contender &contender, Figures &figures) {
    constexpr std::size_t CALLS = 2000;
    constexpr int LOOPS = 7;
    const auto calls = std::make_unique<typename Contender::Call[]>(CALLS);
    for (std::size_t i = 0; i < CALLS; i++) {
        contender.prepare(calls[i]);
    }
    // Makes the memory that the others use again.
    begin_then_finish(contender, calls.get(), CALLS);
    std::vector<double> begins;
    std::vector<double> finishes;
    for (int loop = 0; loop < LOOPS; loop++) {
        const Costs costs = begin_then_finish(contender, calls.get(), CALLS);
        begins.push_back(costs.begin);
        finishes.push_back(costs.finish);
    }
    figures.put("begin", median(begins));
    figures.put("finish", median(finishes));
}

// create: a call object made and given back.
template <class Contender> void creations(Contender &contender, Figures &figures) {
    const std::size_t count = Traits<Contender>::has_queue() ? effort.samples(100'000) : effort.samples(1'000);
    std::vector<double> loops;
    for (int loop = 0; loop < 6; loop++) {
        const std::uint64_t from = stamp();
        for (std::size_t i = 0; i < count; i++) {
            contender.create_and_destroy();
        }
        loops.push_back(nanoseconds(from, stamp()) / static_cast<double>(count));
    }
    loops.erase(loops.begin());
    figures.put("create", median(loops));
}

// pending, complete: resident bytes a call with many begun and none started, and with all of them
// complete and none finished. What the caller keeps of each is in it.
template <class Contender> void memory(Contender &contender, Figures &figures) {
    const std::size_t count = effort.samples(Traits<Contender>::most_pending());
    const auto all = static_cast<double>(count);
    Blockers<Contender> blockers(contender, 0);
    if (Traits<Contender>::has_queue()) {
        blockers.block();
    }
    const double before = resident();
    const auto calls = std::make_unique<typename Contender::Call[]>(count);
    for (std::size_t i = 0; i < count; i++) {
        contender.prepare(calls[i]);
        // Without a queue a call that has not begun its body is one at the gate.
        contender.begin(calls[i], Traits<Contender>::has_queue() ? Work::Count : Work::Block, Words{});
    }
    if (!Traits<Contender>::has_queue()) {
        stage.await_at_gates(count);
    }
    figures.put("pending", (resident() - before) / all);
    blockers.open();
    if (Traits<Contender>::has_queue()) {
        stage.await_counted(count);
        figures.put("complete", (resident() - before) / all);
        blockers.finish();
    }
    for (std::size_t i = 0; i < count; i++) {
        Words out;
        contender.finish(calls[i], out);
        check(Words{}, out);
    }
}

} // namespace bench
