// The measurements that every contender goes through: calls one after the other, and many on the way.
// A contender is made with a number of workers, and has a type `Call` and
//   prepare(call)              makes what a call needs that is kept over many begins
//   begin(call, work, words)   hands the work over
//   finish(call, words)        waits for the result and takes it
//   create_and_destroy()       a call that is never begun
// and, if it can cancel,
//   cancel(call)               asks for it
//   finish_canceled(call)      waits for the end, and says whether the call says that it was canceled
// What is otherwise than usual it says with the constants of `Traits`.
#pragma once

#include "measure.hpp"
#include "spacing.hpp"
#include "stage.hpp"

#include <memory>
#include <numeric>

namespace bench {

// What a contender may say of itself.
template <class Contender> struct Traits {
    // Threads that it has at least, where it cannot be told to have one.
    static constexpr unsigned workers() {
        if constexpr (requires { Contender::WORKERS; }) {
            return Contender::WORKERS;
        } else {
            return 1;
        }
    }
    // Calls wait in a queue for a worker.
    static constexpr bool has_queue() {
        if constexpr (requires { Contender::HAS_QUEUE; }) {
            return Contender::HAS_QUEUE;
        } else {
            return true;
        }
    }
    // One thread must begin and finish all calls.
    static constexpr bool has_one_client() {
        return requires { Contender::HAS_ONE_CLIENT; };
    }
    // With how many pending calls memory is measured.
    static constexpr std::size_t most_pending() {
        if constexpr (requires { Contender::MOST_PENDING; }) {
            return Contender::MOST_PENDING;
        } else {
            return 1'000'000;
        }
    }
    // How long the last `Busy` took.
    static double busy_ns([[maybe_unused]] const Words &out) {
        if constexpr (requires { Contender::busy_ns(out); }) {
            return Contender::busy_ns(out);
        } else {
            return stage.busy_ns;
        }
    }
    static constexpr bool can_cancel() {
        return requires(Contender contender, typename Contender::Call call) { contender.cancel(call); };
    }
    // A cancel is seen by a body that runs.
    static constexpr bool reaches_running() {
        if constexpr (requires { Contender::REACHES_RUNNING; }) {
            return Contender::REACHES_RUNNING;
        } else {
            return can_cancel();
        }
    }
};

inline void check(const Words &in, const Words &out) {
    if (out.front() != in.front() + 1 || out.back() != in.back() + 1) {
        fail("a call gave a wrong result");
    }
}

// Fewer say nothing, however long they take.
constexpr std::uint64_t LEAST_SAMPLES = 100;

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
    const auto is_over = [&] { return nanoseconds(start, to) >= series.span_ns; };
    for (std::uint64_t i = 0; i < LEAST_SAMPLES || (i < series.samples && !is_over()); i++) {
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
        samples.push_back(nanoseconds(from, to) - Traits<Contender>::busy_ns(out));
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

} // namespace bench
