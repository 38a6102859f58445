// What every contender goes through whose methods run in another process. Besides what contest.hpp says it has
//   busy_ns(out)               how long a `Busy` took
//   bulk(in, check)            1 MiB there and back; `check` is called with what came
// and, if a cancel reaches the other process,
//   begin_waiting(call, work)  `Poll` or `SLEEP`, and returns when the body has been entered
//   cancel(call)               asks for it
//   seen(call)                 finishes it, and gives the stamp at which the body saw the cancel
#pragma once

#include "../contest.hpp"
#include "bulk.hpp"
#include "server.hpp"

#include <bit>
#include <cstring>

namespace bench {

// Beyond those of `Work`: sleeps until it is canceled, hears of nothing, gives back what it is given.
constexpr Work SLEEP{7};
constexpr Work DEAF{8};
constexpr Work BULK{9};

inline double busy_of(const Words &out) { return std::bit_cast<double>(out[1]); }

// A peer whose users make one call at a time by one function, `call`.
template <class Peer> class OneByOne : public Peer {
public:
    struct Call {
        Work work;
        Words in;
    };
    using Peer::Peer;
    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) { call = {work, in}; }
    void finish(Call &call, Words &out) { Peer::call(call.work, call.in, out); }
};

// When a series of samples is over: after so many, or after a second with a tenth of them.
class Enough {
public:
    explicit Enough(std::size_t count) : count_(count) {}
    bool is_reached(std::size_t samples) const {
        return samples >= count_ || (samples >= count_ / 10 && nanoseconds(start_, stamp()) > SPAN_NS);
    }

private:
    static constexpr double SPAN_NS = 1e9;
    std::size_t count_;
    std::uint64_t start_ = stamp();
};

// The first tenth is for the caches and for what a contender learns.
inline void put_later(Figures &figures, const std::string &name, std::vector<double> &samples) {
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 10));
    figures.put_percentiles(name, samples);
}

// bulk_p50, _p99.
template <class Contender> void bulk_trips(Contender &contender, Figures &figures) {
    std::vector<std::uint64_t> in(BULK_WORDS);
    std::vector<double> samples;
    const Enough enough(effort.samples(BULK_CALLS));
    for (std::uint64_t i = 1; !enough.is_reached(samples.size()); i++) {
        in.front() = in.back() = i;
        bool is_right = false;
        const std::uint64_t from = stamp();
        contender.bulk(in, [&](const void *out, std::size_t length) {
            std::uint64_t ends[2];
            if (length == BULK_BYTES) {
                std::memcpy(&ends[0], out, sizeof ends[0]);
                std::memcpy(&ends[1], static_cast<const char *>(out) + length - sizeof ends[1], sizeof ends[1]);
                is_right = ends[0] == i && ends[1] == i;
            }
        });
        samples.push_back(nanoseconds(from, stamp()));
        if (!is_right) {
            fail("a large call gave a wrong result");
        }
    }
    put_later(figures, "bulk", samples);
}

// seen_p50, _p99: from the request to the body having seen it.
template <class Contender, Work WORK> void cancels_seen(Contender &contender, Figures &figures) {
    // So long has the body been at it: at its polling, or asleep.
    constexpr double BEFORE_NS = WORK == SLEEP ? 200'000 : 20'000;
    const Enough enough(effort.samples(300));
    typename Contender::Call call{};
    contender.prepare(call);
    std::vector<double> samples;
    while (!enough.is_reached(samples.size())) {
        contender.begin_waiting(call, WORK);
        stay_busy(BEFORE_NS);
        const std::uint64_t from = stamp();
        contender.cancel(call);
        samples.push_back(nanoseconds(from, contender.seen(call)));
    }
    put_later(figures, "seen", samples);
}

} // namespace bench
