// Two threads that hand a turn to and fro.
#pragma once

#include "measure.hpp"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace bench {

using Turn = std::atomic<std::uint32_t>;
static_assert(sizeof(Turn) == 4 && Turn::is_always_lock_free, "a futex is such a word");

inline void futex(Turn &turn, int operation, std::uint32_t value) {
    // Its answer does not matter: who waits looks again.
    syscall(SYS_futex, &turn, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

struct Spinning {
    alignas(APART) Turn turn{0};
    void give(std::uint32_t to) { turn.store(to, std::memory_order_release); }
    void take(std::uint32_t mine) {
        while (turn.load(std::memory_order_acquire) != mine) {
            relax();
        }
    }
};

struct Sleeping {
    alignas(APART) Turn turn{0};
    void give(std::uint32_t to) {
        turn.store(to, std::memory_order_release);
        futex(turn, FUTEX_WAKE, INT_MAX);
    }
    void take(std::uint32_t mine) {
        for (std::uint32_t seen; (seen = turn.load(std::memory_order_acquire)) != mine;) {
            futex(turn, FUTEX_WAIT, seen);
        }
    }
};

// Who is where, and what each side does between the turns.
struct Match {
    int caller, echo;
    std::size_t turns;
    double gap_ns, work_ns;
};

template <class Way> std::vector<double> ping_pong(const Match &match) {
    Way table;
    struct alignas(APART) Work {
        double ns = 0;
    } work;
    pin(match.caller);
    std::thread echo([&] {
        pin(match.echo);
        for (std::size_t i = 0; i < match.turns; i++) {
            table.take(1);
            if (match.work_ns > 0) {
                const Span span = stay_busy(match.work_ns);
                work.ns = nanoseconds(span.from, span.to);
            }
            table.give(0);
        }
    });
    std::vector<double> samples;
    samples.reserve(match.turns);
    for (std::size_t i = 0; i < match.turns; i++) {
        if (match.gap_ns > 0) {
            stay_busy(match.gap_ns);
        }
        const std::uint64_t from = stamp();
        table.give(1);
        table.take(0);
        const std::uint64_t to = stamp();
        samples.push_back(nanoseconds(from, to) - work.ns);
    }
    echo.join();
    // The first tenth is for the caches and the clock frequency.
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(match.turns / 10));
    return samples;
}

template <class Way> void measure(Figures &figures, const std::string &name, const Match &match) {
    std::vector<double> samples = ping_pong<Way>(match);
    figures.put_percentiles(name, samples);
}

} // namespace bench
