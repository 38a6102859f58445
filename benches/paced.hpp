// What the processors burn for calls that come at a steady pace, spinning included.
#pragma once

#include "contest.hpp"

#include <ctime>
#include <sys/resource.h>

namespace bench {

constexpr long PACE_NS = 1'000'000;

// Processor time of the whole process, in nanoseconds.
inline double burnt() {
    rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        fail("getrusage");
    }
    const auto of = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

// Processor time of one turn of `body`, a thousand times a second.
template <class Body> double burnt_per_turn(Body body) {
    constexpr int WARM_UP = 20;
    const int turns = static_cast<int>(effort.samples(300));
    timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    double from = 0;
    for (int i = 0; i < WARM_UP + turns; i++) {
        if (i == WARM_UP) {
            from = burnt();
        }
        next.tv_nsec += PACE_NS;
        if (next.tv_nsec >= 1'000'000'000) {
            next.tv_nsec -= 1'000'000'000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
        body();
    }
    return (burnt() - from) / turns;
}

// burnt: processor time a call at 1,000 calls a second, the caller's own sleep included.
template <class Contender> void calls_at_a_pace(Contender &contender, Figures &figures) {
    typename Contender::Call call{};
    contender.prepare(call);
    figures.put("burnt", burnt_per_turn([&] {
                    const Words in{};
                    Words out;
                    contender.begin(call, Work::Add, in);
                    contender.finish(call, out);
                    check(in, out);
                }));
}

} // namespace bench
