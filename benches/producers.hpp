// Many producers, many workers: who gets how much of a pool.
#pragma once

#include "contest.hpp"

#include <algorithm>
#include <barrier>
#include <ctime>
#include <thread>

namespace bench {

constexpr std::array<unsigned, 5> PRODUCERS{1, 2, 4, 8, 16};
constexpr std::size_t PRODUCER_WINDOW = 64;

struct Shares {
    // Nanoseconds a call, of all producers together.
    double each;
    // Calls of the producer that came off worst, to those of the best.
    double fairness;
};

// Each producer keeps a window of calls on the way until the time is over.
template <class Contender> Shares produce(Contender &contender, unsigned producers) {
    // Many slices of the scheduler for each of the threads.
    constexpr double SPAN_NS = 250e6;
    std::vector<std::uint64_t> finished(producers);
    std::barrier together(static_cast<std::ptrdiff_t>(producers) + 1);
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < producers; number++) {
        threads.emplace_back([&, number] {
            const auto calls = std::make_unique<typename Contender::Call[]>(PRODUCER_WINDOW);
            const Words in{};
            Words out;
            for (std::size_t i = 0; i < PRODUCER_WINDOW; i++) {
                contender.prepare(calls[i]);
            }
            together.arrive_and_wait();
            std::uint64_t begun = 0;
            std::uint64_t done = 0;
            while (done < begun || !is_over.load(std::memory_order_relaxed)) {
                if (is_over.load(std::memory_order_relaxed) || begun - done == PRODUCER_WINDOW) {
                    contender.finish(calls[done % PRODUCER_WINDOW], out);
                    check(in, out);
                    done++;
                    // What ends after the time is over is nobody's share.
                    if (!is_over.load(std::memory_order_relaxed)) {
                        finished[number]++;
                    }
                } else {
                    contender.begin(calls[begun % PRODUCER_WINDOW], Work::Add, in);
                    begun++;
                }
            }
        });
    }
    together.arrive_and_wait();
    const std::uint64_t from = stamp();
    timespec span{0, static_cast<long>(SPAN_NS / effort.divisor)};
    nanosleep(&span, nullptr);
    is_over.store(true, std::memory_order_relaxed);
    const std::uint64_t to = stamp();
    for (std::thread &thread : threads) {
        thread.join();
    }
    const auto [least, most] = std::minmax_element(finished.begin(), finished.end());
    const double sum = std::accumulate(finished.begin(), finished.end(), 0.0);
    if (sum == 0) {
        fail("no producer came to an end of a call");
    }
    return {nanoseconds(from, to) / sum, static_cast<double>(*least) / static_cast<double>(*most)};
}

// each_N, fairness_N: for every number of producers.
template <class Contender, unsigned WORKERS> void producers(Figures &figures) {
    place(Placement::Free);
    Contender contender(WORKERS);
    for (const unsigned producers : PRODUCERS) {
        const Shares shares = produce(contender, producers);
        figures.put("each_" + std::to_string(producers), shares.each);
        figures.put("fairness_" + std::to_string(producers), shares.fairness);
    }
}

} // namespace bench
