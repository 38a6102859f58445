// The measurements that every contender goes through. A contender has one worker, a type `Call`, and
//   prepare(call)              makes what a call needs that is kept over many begins
//   begin(call, work, words)   hands the work over
//   finish(call, words)        waits for the result and takes it
//   create_and_destroy()       a call that is never begun
#pragma once

#include "measure.hpp"
#include "spacing.hpp"
#include "stage.hpp"

#include <memory>
#include <numeric>

namespace bench {

inline void check(const Words &in, const Words &out) {
    if (out.front() != in.front() + 1 || out.back() != in.back() + 1) {
        fail("a call gave a wrong result");
    }
}

// Limits of one series of samples.
struct Series {
    std::size_t samples;
    double span_ns;
};

// round_trip_p50, _p99, _mean: one call at a time, begin to result.
template <class Contender> void round_trips(Contender &contender, Figures &figures, Series series) {
    typename Contender::Call call{};
    contender.prepare(call);
    std::vector<double> samples;
    samples.reserve(series.samples);
    const std::uint64_t start = stamp();
    std::uint64_t to = start;
    for (std::uint64_t i = 0; i < series.samples && nanoseconds(start, to) < series.span_ns; i++) {
        Words in;
        in.fill(i);
        Words out;
        const std::uint64_t from = stamp();
        contender.begin(call, Work::Add, in);
        contender.finish(call, out);
        to = stamp();
        samples.push_back(nanoseconds(from, to));
        check(in, out);
    }
    // The first tenth is for the caches and for what the contender learns about waiting.
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 10));
    figures.put_percentiles("round_trip", samples);
    const double sum = std::accumulate(samples.begin(), samples.end(), 0.0);
    figures.put("round_trip_mean", sum / static_cast<double>(samples.size()));
}

// apart_p50, _p99: one call at a time, the caller pauses before each and the body works, so that each
// side has gone to sleep when the other one needs it. The body's work is taken off.
template <class Contender> void calls_apart(Contender &contender, Figures &figures) {
    typename Contender::Call call{};
    contender.prepare(call);
    std::vector<double> samples;
    const std::size_t count = effort.samples(APART_CALLS);
    for (std::uint64_t i = 0; i < count; i++) {
        Words in;
        in.fill(i);
        Words out;
        stay_busy(APART_GAP_NS);
        const std::uint64_t from = stamp();
        contender.begin(call, Work::Busy, in);
        contender.finish(call, out);
        const std::uint64_t to = stamp();
        samples.push_back(nanoseconds(from, to) - stage.busy_ns);
        check(in, out);
    }
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count / 10));
    figures.put_percentiles("apart", samples);
}

// Nanoseconds a call with so many of them on the way: each is begun again when it was finished.
template <class Contender> double flow_with(Contender &contender, std::size_t window) {
    constexpr double SPAN_NS = 150e6;
    constexpr std::uint64_t CALLS_BETWEEN_LOOKS = 64;
    const auto calls = std::make_unique<typename Contender::Call[]>(window);
    for (std::size_t i = 0; i < window; i++) {
        contender.prepare(calls[i]);
    }
    std::uint64_t begun = 0;
    std::uint64_t finished = 0;
    const auto finish_oldest = [&] {
        Words in;
        in.fill(finished);
        Words out;
        contender.finish(calls[finished % window], out);
        check(in, out);
        finished++;
    };
    const std::uint64_t from = stamp();
    while (begun % CALLS_BETWEEN_LOOKS != 0 || nanoseconds(from, stamp()) < SPAN_NS / effort.divisor) {
        if (begun - finished == window) {
            finish_oldest();
        }
        Words in;
        in.fill(begun);
        contender.begin(calls[begun % window], Work::Add, in);
        begun++;
    }
    while (finished < begun) {
        finish_oldest();
    }
    return nanoseconds(from, stamp()) / static_cast<double>(begun);
}

// flow_64, flow_1024.
template <class Contender> void flow(Contender &contender, Figures &figures) {
    figures.put("flow_64", flow_with(contender, 64));
    figures.put("flow_1024", flow_with(contender, 1024));
}

// A call that keeps the worker at a gate until `open`.
template <class Contender> class Blocker {
public:
    Blocker(Contender &contender, std::uint64_t gate) : contender_(contender), gate_(gate) { contender.prepare(call_); }
    void begin() {
        Words in{};
        in[0] = gate_;
        contender_.begin(call_, Work::Block, in);
    }
    void open() { stage.gates.at(gate_).open(); }
    void finish() {
        Words out;
        contender_.finish(call_, out);
    }

private:
    Contender &contender_;
    typename Contender::Call call_{};
    std::uint64_t gate_;
};

// Nanoseconds a call, of beginning and of finishing.
struct Costs {
    double begin, finish;
};

// One caller begins calls behind a worker at a gate. Another call keeps the worker at a second gate:
// what came before it is complete then, and is finished.
template <class Contender>
Costs begin_then_finish(Contender &contender, typename Contender::Call *calls, std::size_t count) {
    const Words in{};
    Words out;
    Blocker<Contender> first(contender, 0);
    Blocker<Contender> last(contender, 1);
    stage.reset();
    first.begin();
    stage.await_at_gates(1);
    const std::uint64_t begun_from = stamp();
    for (std::size_t i = 0; i < count; i++) {
        contender.begin(calls[i], Work::Add, in);
    }
    const std::uint64_t begun_to = stamp();
    last.begin();
    first.open();
    stage.await_at_gates(2);
    const std::uint64_t finished_from = stamp();
    for (std::size_t i = 0; i < count; i++) {
        contender.finish(calls[i], out);
    }
    const std::uint64_t finished_to = stamp();
    check(in, out);
    last.open();
    first.finish();
    last.finish();
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
    const std::size_t count = effort.samples(100'000);
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

// pending, complete: resident bytes a call with a million begun and none started, and with all of
// them complete and none finished. What the caller keeps of each is in it.
template <class Contender> void memory(Contender &contender, Figures &figures) {
    constexpr std::size_t CALLS = 1'000'000;
    Blocker<Contender> first(contender, 0);
    Blocker<Contender> last(contender, 1);
    first.begin();
    stage.await_at_gates(1);
    const double before = resident();
    const auto calls = std::make_unique<typename Contender::Call[]>(CALLS);
    for (std::size_t i = 0; i < CALLS; i++) {
        Words in;
        in.fill(i);
        contender.prepare(calls[i]);
        contender.begin(calls[i], Work::Add, in);
    }
    figures.put("pending", (resident() - before) / CALLS);
    last.begin();
    first.open();
    stage.await_at_gates(2);
    figures.put("complete", (resident() - before) / CALLS);
    last.open();
    for (std::size_t i = 0; i < CALLS; i++) {
        Words in;
        in.fill(i);
        Words out;
        contender.finish(calls[i], out);
        check(in, out);
    }
}

} // namespace bench
