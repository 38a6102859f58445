// What a cancel costs and what it reaches, for contenders that have one.
#pragma once

#include "costs.hpp"

namespace bench {

// How many wait when they are canceled.
constexpr std::size_t WAITING = 2000;

// cancel: of a call that waits behind 2000 others or before them; effective, ran: per cent of them that
// say that they were canceled, and that ran all the same.
template <class Contender> void cancels_of_queued(Contender &contender, Figures &figures) {
    constexpr int LOOPS = 4;
    const auto calls = std::make_unique<typename Contender::Call[]>(WAITING);
    for (std::size_t i = 0; i < WAITING; i++) {
        contender.prepare(calls[i]);
    }
    std::vector<double> costs;
    std::size_t effective = 0;
    std::size_t ran = 0;
    for (int loop = 0; loop < LOOPS; loop++) {
        stage.reset();
        Blockers<Contender> blockers(contender, 0);
        blockers.block();
        for (std::size_t i = 0; i < WAITING; i++) {
            contender.begin(calls[i], Work::Count, Words{});
        }
        const std::uint64_t from = stamp();
        for (std::size_t i = 0; i < WAITING; i++) {
            contender.cancel(calls[i]);
        }
        costs.push_back(nanoseconds(from, stamp()) / WAITING);
        blockers.open();
        blockers.finish();
        for (std::size_t i = 0; i < WAITING; i++) {
            effective += contender.finish_canceled(calls[i]);
        }
        ran += stage.counted.load();
    }
    // The first loop makes the memory that the others use again.
    costs.erase(costs.begin());
    figures.put("cancel", median(costs));
    figures.put("effective", 100.0 * static_cast<double>(effective) / (LOOPS * WAITING));
    figures.put("ran", 100.0 * static_cast<double>(ran) / (LOOPS * WAITING));
}

// seen_p50, _p99: from the request to the body that polls having seen it; look: one look of the body.
template <class Contender> void cancels_of_running(Contender &contender, Figures &figures) {
    // Long enough for the body to be at its polling, its cache lines shared.
    constexpr double POLLING_NS = 20'000;
    typename Contender::Call call{};
    contender.prepare(call);
    std::vector<double> samples;
    const std::size_t count = effort.samples(1'000);
    for (std::size_t i = 0; i < count; i++) {
        stage.is_running.store(false, std::memory_order_relaxed);
        contender.begin(call, Work::Poll, Words{});
        stage.await_running();
        stay_busy(POLLING_NS);
        const std::uint64_t from = stamp();
        contender.cancel(call);
        contender.finish_canceled(call);
        samples.push_back(nanoseconds(from, stage.seen.load(std::memory_order_acquire)));
    }
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count / 10));
    figures.put_percentiles("seen", samples);
    Words out;
    contender.begin(call, Work::Look, Words{});
    contender.finish(call, out);
    figures.put("look", median(stage.looks));
}

} // namespace bench
