// What every measurement needs: a clock, two CPUs, gates, and a way to hand over figures.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace bench {

// The argument and the result of a call.
using Words = std::array<std::uint64_t, 8>;

// The work of a call. `in` and `out` are apart, which lets the compiler use vectors.
inline void add_one(const Words &__restrict in, Words &__restrict out) {
    for (std::size_t i = 0; i < out.size(); i++) {
        out[i] = in[i] + 1;
    }
}

// Keeps variables of two threads out of each other's cache lines; two lines, since they are fetched
// in pairs.
constexpr std::size_t APART = 128;

// A cheap clock with no order of its own: `stamp` waits for what was loaded before it. Where the
// processor has no such counter, clock_gettime.
std::uint64_t stamp();
// How many nanoseconds one unit of `stamp` is; measured by the first call.
double nanoseconds_per_stamp();
// The time between two stamps. Negative if the counters of two CPUs disagree.
double nanoseconds(std::uint64_t from, std::uint64_t to);
// Keeps this thread busy for at least so long; gives the stamps around it.
struct Span {
    std::uint64_t from, to;
};
Span stay_busy(double span_ns);

// The CPUs that this process may use, and the first two of them; `second` is -1 if there is one alone.
struct Cpus {
    std::vector<int> all;
    int first, second;
};
const Cpus &cpus();
void pin(int cpu);

// One sample of many: part 0.5 is the median. Sorts.
double percentile(std::vector<double> &samples, double part);
double median(std::vector<double> samples);

// Resident memory, in bytes.
double resident();

// Where threads wait until somebody opens it.
class Gate {
public:
    void wait();
    void open();
    void close();

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool is_open_ = false;
};

// Tells the compiler that the value is used.
template <class T> void keep(const T &value) { asm volatile("" : : "r,m"(value) : "memory"); }

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Ends this process with a message: a figure from a run that went wrong would be worse than none.
[[noreturn]] void fail(const std::string &what);

// Where a measurement puts its figures.
class Figures {
public:
    explicit Figures(int descriptor) : descriptor_(descriptor) {}
    void put(const std::string &name, double value);
    // p50 and p99 of samples, under two names.
    void put_percentiles(const std::string &name, std::vector<double> &samples);

private:
    int descriptor_;
};

// How much work one round is.
struct Effort {
    // Divides numbers of samples and times.
    unsigned divisor = 1;
    std::size_t samples(std::size_t full) const { return full / divisor; }
};
extern Effort effort;

// Nanoseconds of one turn of `body`, the median of several loops.
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

} // namespace bench
