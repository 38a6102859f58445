// Limits that one thread has by itself.

#include "empty.h"
#include "limits.hpp"
#include "paced.hpp"

#include <cstdlib>
#include <cstring>

namespace bench::limits {

void malloc_free(Figures &figures) {
    pin(cpus().first);
    figures.put("malloc_free", per_turn(effort.samples(1'000'000), [](std::size_t) {
                    void *block = std::malloc(192);
                    keep(block);
                    std::free(block);
                }));
}

void cas(Figures &figures) {
    pin(cpus().first);
    alignas(APART) std::atomic<std::uint64_t> word{0};
    figures.put("cas", per_turn(effort.samples(1'000'000), [&](std::size_t) {
                    std::uint64_t seen = word.load(std::memory_order_relaxed);
                    word.compare_exchange_strong(seen, seen + 1);
                }));
}

void empty_call(Figures &figures) {
    pin(cpus().first);
    figures.put("empty_call",
                per_turn(effort.samples(4'000'000), [](std::size_t i) { keep(::empty_call(static_cast<long>(i))); }));
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

void sleep(Figures &figures) {
    pin(cpus().first);
    figures.put("sleep_burnt", burnt_per_turn([] {}));
}

} // namespace bench::limits
