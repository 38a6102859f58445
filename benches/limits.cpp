#include "limits.hpp"

#include "empty.h"
#include "spacing.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <linux/futex.h>
#include <memory>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace bench::limits {

namespace {

using Turn = std::atomic<std::uint32_t>;
static_assert(sizeof(Turn) == 4 && Turn::is_always_lock_free, "a futex is such a word");

void futex(Turn &turn, int operation, std::uint32_t value) {
    // Its answer does not matter: who waits looks again.
    syscall(SYS_futex, &turn, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

struct Spinning {
    static void give(Turn &turn, std::uint32_t to) { turn.store(to, std::memory_order_release); }
    static void take(Turn &turn, std::uint32_t mine) {
        while (turn.load(std::memory_order_acquire) != mine) {
            relax();
        }
    }
};

struct Sleeping {
    static void give(Turn &turn, std::uint32_t to) {
        turn.store(to, std::memory_order_release);
        futex(turn, FUTEX_WAKE, INT_MAX);
    }
    static void take(Turn &turn, std::uint32_t mine) {
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
    struct alignas(APART) Table {
        Turn turn{0};
    } table;
    struct alignas(APART) Work {
        double ns = 0;
    } work;
    pin(match.caller);
    std::thread echo([&] {
        pin(match.echo);
        for (std::size_t i = 0; i < match.turns; i++) {
            Way::take(table.turn, 1);
            if (match.work_ns > 0) {
                const Span span = stay_busy(match.work_ns);
                work.ns = nanoseconds(span.from, span.to);
            }
            Way::give(table.turn, 0);
        }
    });
    std::vector<double> samples;
    samples.reserve(match.turns);
    for (std::size_t i = 0; i < match.turns; i++) {
        if (match.gap_ns > 0) {
            stay_busy(match.gap_ns);
        }
        const std::uint64_t from = stamp();
        Way::give(table.turn, 1);
        Way::take(table.turn, 0);
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

constexpr std::size_t SLOTS = 1024;

struct Ring {
    struct alignas(64) Slot {
        Words words{};
    };
    alignas(APART) std::atomic<std::uint64_t> submitted{0};
    alignas(APART) std::atomic<std::uint64_t> answered{0};
    alignas(APART) std::array<Slot, SLOTS> requests{};
    std::array<Slot, SLOTS> answers{};

    void serve(std::uint64_t count) {
        for (std::uint64_t done = 0; done < count;) {
            const std::uint64_t until = submitted.load(std::memory_order_acquire);
            if (until == done) {
                relax();
            }
            for (; done < until; done++) {
                add_one(requests[done % SLOTS].words, answers[done % SLOTS].words);
                answered.store(done + 1, std::memory_order_release);
            }
        }
    }

    std::uint64_t collect(std::uint64_t &collected) {
        std::uint64_t until;
        while ((until = answered.load(std::memory_order_acquire)) == collected) {
            relax();
        }
        std::uint64_t sum = 0;
        for (; collected < until; collected++) {
            sum += answers[collected % SLOTS].words[7];
        }
        return sum;
    }
};

double ring_with(std::uint64_t window) {
    const std::uint64_t count = effort.samples(400'000);
    const auto ring = std::make_unique<Ring>();
    std::thread server([&] {
        pin(cpus().second);
        ring->serve(count);
    });
    pin(cpus().first);
    std::uint64_t collected = 0;
    std::uint64_t sum = 0;
    const std::uint64_t from = stamp();
    for (std::uint64_t i = 0; i < count; i++) {
        if (i - collected >= window) {
            sum += ring->collect(collected);
        }
        ring->requests[i % SLOTS].words.fill(i);
        ring->submitted.store(i + 1, std::memory_order_release);
    }
    while (collected < count) {
        sum += ring->collect(collected);
    }
    const double each = nanoseconds(from, stamp()) / static_cast<double>(count);
    server.join();
    if (sum != count * (count + 1) / 2) {
        fail("the ring lost something");
    }
    return each;
}

// The median of several loops over `body`.
template <class Body> double per_turn(std::size_t turns, Body body) {
    std::vector<double> loops;
    for (int loop = 0; loop < 7; loop++) {
        const std::uint64_t from = stamp();
        for (std::size_t i = 0; i < turns; i++) {
            body(i);
        }
        loops.push_back(nanoseconds(from, stamp()) / static_cast<double>(turns));
    }
    return median(loops);
}

} // namespace

void spin(Figures &figures) {
    measure<Spinning>(figures, "spin", {cpus().first, cpus().second, effort.samples(30'000), 0, 0});
}

void futex_one(Figures &figures) {
    measure<Sleeping>(figures, "futex_one", {cpus().first, cpus().first, effort.samples(6'000), 0, 0});
}

void futex_two(Figures &figures) {
    measure<Sleeping>(figures, "futex_two", {cpus().first, cpus().second, effort.samples(3'000), 0, 0});
}

void futex_apart(Figures &figures) {
    const Match match{cpus().first, cpus().second, effort.samples(APART_CALLS), APART_GAP_NS, APART_WORK_NS};
    measure<Sleeping>(figures, "futex_apart", match);
}

void ring(Figures &figures) {
    // By chance the two threads run in step or in each other's way. The best attempt is the limit.
    constexpr int ATTEMPTS = 8;
    double narrow = ring_with(64);
    double wide = ring_with(SLOTS);
    for (int i = 1; i < ATTEMPTS; i++) {
        narrow = std::min(narrow, ring_with(64));
        wide = std::min(wide, ring_with(SLOTS));
    }
    figures.put("ring_64", narrow);
    figures.put("ring_1024", wide);
}

void primitives(Figures &figures) {
    pin(cpus().first);
    const std::size_t turns = effort.samples(1'000'000);
    figures.put("malloc_free", per_turn(turns, [](std::size_t) {
                    void *block = std::malloc(192);
                    keep(block);
                    std::free(block);
                }));
    alignas(APART) std::atomic<std::uint64_t> word{0};
    figures.put("cas", per_turn(turns, [&](std::size_t) {
                    std::uint64_t seen = word.load(std::memory_order_relaxed);
                    word.compare_exchange_strong(seen, seen + 1);
                }));
    figures.put("load", per_turn(turns * 4, [&](std::size_t) { keep(word.load(std::memory_order_relaxed)); }));
    figures.put("empty_call", per_turn(turns * 4, [](std::size_t i) { keep(empty_call(static_cast<long>(i))); }));
}

void memory(Figures &figures) {
    constexpr std::size_t COUNT = 1'000'000;
    constexpr std::size_t SIZE = 128;
    const double before = resident();
    std::vector<void *> blocks(COUNT);
    for (void *&block : blocks) {
        block = std::malloc(SIZE);
        if (block == nullptr) {
            fail("out of memory");
        }
        std::memset(block, 1, SIZE);
    }
    figures.put("malloc_128", (resident() - before) / COUNT);
    for (void *block : blocks) {
        std::free(block);
    }
}

} // namespace bench::limits
