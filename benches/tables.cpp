#include "rows.hpp"

namespace bench {

const std::vector<Table> &tables() {
    static const std::vector<Table> all{
        {"One call at a time",
         "Nanoseconds. One CPU: all threads on it. Two CPUs: the caller on one, the worker on the other, one call "
         "right "
         "after the other. Asleep: the same, and each side has gone to sleep before it is needed.",
         {{"one CPU p50", "one", "round_trip_p50"},
          {"p99", "one", "round_trip_p99"},
          {"/futex", "one", "round_trip_p50", "futex_one_p50"},
          {"two CPUs p50", "two", "round_trip_p50"},
          {"p99", "two", "round_trip_p99"},
          {"/spin", "two", "round_trip_p50", "spin_p50"},
          {"asleep p50", "apart", "apart_p50"},
          {"p99", "apart", "apart_p99"},
          {"/futex", "apart", "apart_p50", "futex_apart_p50"}}},
        {"A busy loop on every CPU",
         "Nanoseconds. Nobody is pinned but the loops. Who spins in a slice of its own makes thousands of calls there: "
         "p50 "
         "and p99 hide the waits between the slices, the mean has them.",
         {{"one at a time p50", "crowded", "round_trip_p50"},
          {"p99", "crowded", "round_trip_p99"},
          {"mean", "crowded", "round_trip_mean"},
          {"64 on the way, a call", "crowded", "flow_64"},
          {"1024 on the way", "crowded", "flow_1024"}}},
        {"Many on the way, and what the caller pays",
         "Nanoseconds a call, on two CPUs. Begin: the worker is at a gate. Finish: all are complete; with libuv and "
         "GTask "
         "that turns the caller's event loop. The memory of a call is the caller's with libuv, GThreadPool and "
         "arena.enqueue.",
         {{"64 on the way", "flow", "flow_64"},
          {"/ring", "flow", "flow_64", "ring_64"},
          {"1024 on the way", "flow", "flow_1024"},
          {"/ring", "flow", "flow_1024", "ring_1024"},
          {"create, destroy", "create", "create"},
          {"begin, worker busy", "begin", "begin"},
          {"finish, complete", "begin", "finish"}}},
        {"Memory, and processor time",
         "Bytes a call with a million pending (GTask 100,000, std::async 1,000, whose kernel stacks come on top), the "
         "64 "
         "bytes of input and what the caller keeps included. Processor time in nanoseconds a call, all threads "
         "together, at "
         "1,000 calls a second; the sleep between two calls is the limit.",
         {{"pending, B", "memory", "pending"},
          {"/malloc(128)", "memory", "pending", "malloc_128"},
          {"complete, B", "memory", "complete"},
          {"processor time", "paced", "burnt"},
          {"/sleep", "paced", "burnt", "sleep_burnt"}}},
        {"Cancel",
         "Nanoseconds. Waiting: one of 2,000 behind a worker at a gate; told: of these, per cent that say that they "
         "were "
         "canceled; ran: per cent whose body ran all the same. Seen: from the request to the body that polls; half a "
         "spinning round trip is the limit. Look: one look of the body; with tokio's spawn an await. Who is not here "
         "has no "
         "cancel.",
         {{"a waiting call", "queued", "cancel"},
          {"/CAS", "queued", "cancel", "cas"},
          {"told", "queued", "effective"},
          {"ran", "queued", "ran"},
          {"seen p50", "running", "seen_p50"},
          {"p99", "running", "seen_p99"},
          {"/half spin", "running", "seen_p50", "spin_p50", 0.5},
          {"look", "running", "look"}}},
        {"Many producers, two workers",
         "Nanoseconds a call of all producers together, each with 64 on the way, nobody pinned; fair: calls of the "
         "producer "
         "that came off worst to those of the best, with 16.",
         {{"1", "few", "each_1"},
          {"2", "few", "each_2"},
          {"4", "few", "each_4"},
          {"8", "few", "each_8"},
          {"16", "few", "each_16"},
          {"fair", "few", "fairness_16"}}},
        {"Many producers, sixteen workers",
         "The same with more workers than this machine has CPUs.",
         {{"1", "many", "each_1"},
          {"2", "many", "each_2"},
          {"4", "many", "each_4"},
          {"8", "many", "each_8"},
          {"16", "many", "each_16"},
          {"fair", "many", "fairness_16"}}},
    };
    return all;
}

const std::vector<Step> &steps() {
    static const std::vector<Step> all{
        {"futex_two_p50", "futex there and back, two CPUs, p50"},
        {"condition_one_p50", "mutex and condition, one CPU, p50"},
        {"condition_two_p50", "... two CPUs"},
        {"eventfd_one_p50", "eventfd, one CPU, p50"},
        {"blind_spin_two_p50", "20 us of spinning before a futex, two CPUs, p50"},
        {"blind_spin_one_p50", "... one CPU"},
        {"spin_yield_two_p50", "the same, yielding after 64 pauses, two CPUs, p50"},
        {"spin_yield_one_p50", "... one CPU"},
        {"wake_nobody", "futex wake, nobody asleep"},
        {"wake_one", "... one asleep, what the waker pays"},
        {"thread", "thread, made and joined"},
        {"syscall", "system call"},
        {"clock_gettime", "clock_gettime"},
        {"stamp", "the clock of this bench"},
        {"mutex", "mutex, locked and unlocked"},
        {"memcpy_64", "memcpy of 64 bytes"},
        {"load", "relaxed load"},
    };
    return all;
}

} // namespace bench
