#include "limits.hpp"

#include "pingpong.hpp"
#include "spacing.hpp"

#include <algorithm>
#include <memory>

namespace bench::limits {

namespace {

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

} // namespace

void spin(Figures &figures) {
    measure<Spinning>(figures, "spin", {cpus().first, cpus().second, effort.samples(30'000), 0, 0});
}

void futex_one(Figures &figures) {
    measure<Sleeping>(figures, "futex_one", {cpus().first, cpus().first, effort.samples(6'000), 0, 0});
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

} // namespace bench::limits
