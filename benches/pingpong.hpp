// Two sides that hand a turn to and fro.
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

// For a word of this process alone, unless the flag says otherwise.
inline void futex(Turn &turn, int operation, std::uint32_t value, int flag = FUTEX_PRIVATE_FLAG) {
    // Its answer does not matter: who waits looks again.
    syscall(SYS_futex, &turn, operation | flag, value, nullptr, nullptr, 0);
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

template <int FLAG> struct Asleep {
    alignas(APART) Turn turn{0};
    void give(std::uint32_t to) {
        turn.store(to, std::memory_order_release);
        futex(turn, FUTEX_WAKE, INT_MAX, FLAG);
    }
    void take(std::uint32_t mine) {
        for (std::uint32_t seen; (seen = turn.load(std::memory_order_acquire)) != mine;) {
            futex(turn, FUTEX_WAIT, seen, FLAG);
        }
    }
};
using Sleeping = Asleep<FUTEX_PRIVATE_FLAG>;
// Between processes.
using SharedSleeping = Asleep<0>;

// Who is where, and what each side does between the turns.
struct Match {
    int caller, echo;
    std::size_t turns;
    double gap_ns, work_ns;
};

// What both sides share.
template <class Way> struct Court {
    Way way;
    // What the echo's work took, before the turn that it gave.
    struct alignas(APART) {
        double ns = 0;
    } work;
};

// The echo, in a thread or a process of its own.
template <class Way> void answer(Court<Way> &court, const Match &match) {
    pin(match.echo);
    for (std::size_t i = 0; i < match.turns; i++) {
        court.way.take(1);
        if (match.work_ns > 0) {
            const Span span = stay_busy(match.work_ns);
            court.work.ns = nanoseconds(span.from, span.to);
        }
        court.way.give(0);
    }
}

template <class Way> std::vector<double> ask(Court<Way> &court, const Match &match) {
    std::vector<double> samples;
    samples.reserve(match.turns);
    for (std::size_t i = 0; i < match.turns; i++) {
        if (match.gap_ns > 0) {
            stay_busy(match.gap_ns);
        }
        const std::uint64_t from = stamp();
        court.way.give(1);
        court.way.take(0);
        const std::uint64_t to = stamp();
        samples.push_back(nanoseconds(from, to) - court.work.ns);
    }
    // The first tenth is for the caches and the clock frequency.
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(match.turns / 10));
    return samples;
}

template <class Way> std::vector<double> ping_pong(const Match &match) {
    Court<Way> court;
    pin(match.caller);
    std::thread echo([&] { answer(court, match); });
    std::vector<double> samples = ask(court, match);
    echo.join();
    return samples;
}

template <class Way> void measure(Figures &figures, const std::string &name, const Match &match) {
    std::vector<double> samples = ping_pong<Way>(match);
    figures.put_percentiles(name, samples);
}

} // namespace bench
