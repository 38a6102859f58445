#include "measure.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sched.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench {

Effort effort;

namespace {

std::uint64_t clock_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// Long enough that reading both clocks a little apart does not matter.
constexpr std::uint64_t CALIBRATION_NS = 20'000'000;

double calibrate() {
    const std::uint64_t from = stamp();
    const std::uint64_t start = clock_ns();
    std::uint64_t now = start;
    while (now - start < CALIBRATION_NS) {
        now = clock_ns();
    }
    return static_cast<double>(now - start) / static_cast<double>(stamp() - from);
}

Cpus find_cpus() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        fail("sched_getaffinity");
    }
    std::vector<int> all;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            all.push_back(cpu);
        }
    }
    return {all, all.at(0), all.size() > 1 ? all[1] : -1};
}

} // namespace

std::uint64_t stamp() {
#if defined(__x86_64__)
    _mm_lfence();
    return __rdtsc();
#else
    return clock_ns();
#endif
}

double nanoseconds_per_stamp() {
    static const double scale = calibrate();
    return scale;
}

double nanoseconds(std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(static_cast<std::int64_t>(to - from)) * nanoseconds_per_stamp();
}

Span stay_busy(double span_ns) {
    Span span{stamp(), 0};
    do {
        relax();
        span.to = stamp();
    } while (nanoseconds(span.from, span.to) < span_ns);
    return span;
}

const Cpus &cpus() {
    // Asked once, before anything is pinned.
    static const Cpus found = find_cpus();
    return found;
}

void pin(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        fail("cannot pin to CPU " + std::to_string(cpu));
    }
}

double percentile(std::vector<double> &samples, double part) {
    if (samples.empty()) {
        fail("no samples");
    }
    std::sort(samples.begin(), samples.end());
    const auto at = static_cast<std::size_t>(part * static_cast<double>(samples.size()));
    return samples[std::min(at, samples.size() - 1)];
}

double median(std::vector<double> samples) {
    const double upper = percentile(samples, 0.5);
    return samples.size() % 2 != 0 ? upper : (samples[samples.size() / 2 - 1] + upper) / 2;
}

double resident() {
    FILE *file = std::fopen("/proc/self/statm", "r");
    long all = 0;
    long pages = 0;
    if (file == nullptr || std::fscanf(file, "%ld %ld", &all, &pages) != 2) {
        fail("/proc/self/statm");
    }
    std::fclose(file);
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void Gate::wait() {
    std::unique_lock<std::mutex> held(mutex_);
    opened_.wait(held, [this] { return is_open_; });
}

void Gate::open() {
    const std::lock_guard<std::mutex> held(mutex_);
    is_open_ = true;
    opened_.notify_all();
}

void Gate::close() {
    const std::lock_guard<std::mutex> held(mutex_);
    is_open_ = false;
}

void fail(const std::string &what) {
    std::fprintf(stderr, "bench: %s\n", what.c_str());
    std::fflush(stderr);
    _exit(1);
}

void Figures::put(const std::string &name, double value) {
    if (dprintf(descriptor_, "%s %.17g\n", name.c_str(), value) < 0) {
        fail("cannot hand over a figure");
    }
}

void Figures::put_percentiles(const std::string &name, std::vector<double> &samples) {
    put(name + "_p50", percentile(samples, 0.50));
    put(name + "_p99", percentile(samples, 0.99));
}

} // namespace bench
