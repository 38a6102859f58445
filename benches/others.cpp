// Limits for orientation: other ways to hand over a turn, and what single steps cost.

#include "limits.hpp"
#include "pingpong.hpp"

#include <cstring>
#include <ctime>
#include <sys/eventfd.h>

namespace bench::limits {

namespace {

struct Conditional {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint32_t turn = 0;
    void give(std::uint32_t to) {
        {
            const std::lock_guard<std::mutex> held(mutex);
            turn = to;
        }
        changed.notify_one();
    }
    void take(std::uint32_t mine) {
        std::unique_lock<std::mutex> held(mutex);
        changed.wait(held, [&] { return turn == mine; });
    }
};

// A descriptor for each direction.
struct EventFd {
    int turns[2] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
    void give(std::uint32_t to) {
        if (eventfd_write(turns[to], 1) != 0) {
            fail("eventfd_write");
        }
    }
    void take(std::uint32_t mine) {
        eventfd_t value;
        if (eventfd_read(turns[mine], &value) != 0) {
            fail("eventfd_read");
        }
    }
};

// Spins blindly for as long as a wake-up takes, and sleeps then.
template <bool YIELDS> struct SpinThenSleep : Sleeping {
    static constexpr double SPIN_NS = 20'000;
    static constexpr int PAUSES = 64;
    void take(std::uint32_t mine) {
        const std::uint64_t from = stamp();
        for (int i = 0; nanoseconds(from, stamp()) < SPIN_NS; i++) {
            if (turn.load(std::memory_order_acquire) == mine) {
                return;
            }
            if (YIELDS && i >= PAUSES) {
                sched_yield();
            } else {
                relax();
            }
        }
        Sleeping::take(mine);
    }
};

// What the waker itself pays while the other one is asleep.
double wake_one() {
    constexpr int TURNS = 200;
    Sleeping table;
    std::vector<double> samples;
    std::thread sleeper([&] {
        pin(cpus().second);
        for (int i = 0; i < TURNS; i++) {
            table.take(1);
            table.turn.store(0, std::memory_order_release);
        }
    });
    for (int i = 0; i < TURNS; i++) {
        stay_busy(200'000);
        const std::uint64_t from = stamp();
        table.give(1);
        samples.push_back(nanoseconds(from, stamp()));
        while (table.turn.load(std::memory_order_acquire) != 0) {
            relax();
        }
    }
    sleeper.join();
    return median(samples);
}

void steps(Figures &figures) {
    const std::size_t turns = effort.samples(400'000);
    alignas(APART) std::atomic<std::uint64_t> word{0};
    figures.put("load", per_turn(turns * 4, [&](std::size_t) { keep(word.load(std::memory_order_relaxed)); }));
    Words from{};
    Words to;
    figures.put("memcpy_64", per_turn(turns * 4, [&](std::size_t i) {
                    from[0] = i;
                    std::memcpy(to.data(), from.data(), sizeof to);
                    keep(to[7]);
                }));
    std::mutex mutex;
    figures.put("mutex", per_turn(turns, [&](std::size_t) { const std::lock_guard<std::mutex> held(mutex); }));
    timespec now;
    figures.put("clock_gettime", per_turn(turns, [&](std::size_t) { clock_gettime(CLOCK_MONOTONIC, &now); }));
    figures.put("stamp", per_turn(turns, [](std::size_t) { keep(stamp()); }));
    figures.put("syscall", per_turn(turns / 4, [](std::size_t) { syscall(SYS_getppid); }));
    Turn nobody{0};
    figures.put("wake_nobody", per_turn(turns / 4, [&](std::size_t) { futex(nobody, FUTEX_WAKE, 1); }));
    figures.put("thread", per_turn(50, [](std::size_t) { std::thread([] {}).join(); }));
}

} // namespace

void others(Figures &figures) {
    const int one = cpus().first;
    const int two = cpus().second;
    pin(one);
    steps(figures);
    figures.put("wake_one", wake_one());
    const std::size_t turns = effort.samples(2'000);
    measure<Sleeping>(figures, "futex_two", {one, two, turns, 0, 0});
    measure<Conditional>(figures, "condition_one", {one, one, turns, 0, 0});
    measure<Conditional>(figures, "condition_two", {one, two, turns, 0, 0});
    measure<EventFd>(figures, "eventfd_one", {one, one, turns, 0, 0});
    measure<SpinThenSleep<false>>(figures, "blind_spin_two", {one, two, turns * 4, 0, 0});
    measure<SpinThenSleep<false>>(figures, "blind_spin_one", {one, one, turns, 0, 0});
    measure<SpinThenSleep<true>>(figures, "spin_yield_two", {one, two, turns * 4, 0, 0});
    measure<SpinThenSleep<true>>(figures, "spin_yield_one", {one, one, turns, 0, 0});
}

} // namespace bench::limits
