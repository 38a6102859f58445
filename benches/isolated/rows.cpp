#include "../rows.hpp"

namespace bench {

const char *title() { return "Calls to another process"; }

const std::vector<Row> &rows() {
    static const std::vector<Row> all{
        {"64 bytes, one CPU, p50", "libcall/one", "round_trip_p50", "shm_futex_one_p50", 1, Bound::Ratio, 1.2, "ns"},
        {"... p99", "libcall/one", "round_trip_p99", "shm_futex_one_p99", 1, Bound::None, 0, "ns"},
        {"64 bytes, two CPUs, one after the other, p50", "libcall/two", "round_trip_p50", "shm_spin_p50", 1,
         Bound::Ratio, 4, "ns"},
        {"... p99", "libcall/two", "round_trip_p99", "shm_spin_p99", 1, Bound::None, 0, "ns"},
        {"64 bytes, two CPUs, both sides asleep, p50", "libcall/apart", "apart_p50", "shm_futex_apart_p50", 1,
         Bound::Ratio, 1.2, "ns"},
        {"... p99", "libcall/apart", "apart_p99", "shm_futex_apart_p99", 1, Bound::None, 0, "ns"},
        {"64 on the way, two CPUs, a call", "libcall/flow", "flow_64", "many_two_batched", 1, Bound::Figure, 250, "ns"},
        {"... one CPU", "libcall/flow_one", "flow_64", "many_one_batched", 1, Bound::None, 0, "ns"},
        {"1 MiB each way, two CPUs, p50", "libcall/bulk", "bulk_p50", "bulk_two_p50", 1, Bound::Ratio, 1.5, "ns"},
        {"... one CPU, p50", "libcall/bulk_one", "bulk_p50", "bulk_one_p50", 1, Bound::Ratio, 1.5, "ns"},
        {"cancel until a body that polls has seen it, p50", "libcall/polling", "seen_p50", "shm_spin_p50", 0.5,
         Bound::Figure, 300, "ns"},
        {"... p99", "libcall/polling", "seen_p99", "shm_spin_p50", 0.5, Bound::None, 0, "ns"},
        {"cancel until a body that sleeps runs, p50", "libcall/asleep", "seen_p50", "wake_p50", 1, Bound::Ratio, 1.3,
         "ns"},
        {"... p99", "libcall/asleep", "seen_p99", "wake_p99", 1, Bound::None, 0, "ns"},
        {"from a kill's end to the next result, p50", "libcall/replaced", "replaced_p50", "spawn_p50", 1, Bound::Figure,
         1e6, "ns"},
        {"... the longest of each round", "libcall/replaced", "replaced_max", "spawn_p50", 1, Bound::None, 0, "ns"},
        {"... from a client that does not wait for the kill", "libcall/replaced", "at_once_p50", "spawn_p50", 1,
         Bound::None, 0, "ns"},
        {"... without a spare", "libcall/replaced", "unspared_p50", "spawn_p50", 1, Bound::None, 0, "ns"},
    };
    return all;
}

const std::vector<const char *> &remarks() {
    static const std::vector<const char *> all{
        "The body adds one to each of 8 words, in another process; the library's is a child, bound by "
        "isolated:MODULE#CLASS through the C ABI with the options at zero. A large call is given back as it came. "
        "Every result is checked.",
        "Cells are the median of the rounds (min-max). A ratio is taken within its round, to the limit that ran right "
        "before; the column has the median of these ratios. A target is a bound of the ratio (x) or of the figure.",
        "One CPU: both processes on it. Two CPUs: the caller's process on one, with all its threads, the other process "
        "on the other. For one CPU and for both sides asleep the target is that for parked waiting.",
        "Both sides asleep: the caller pauses 0.2 ms before a call and the body works for 0.2 ms, which is taken off; "
        "the limit has the same pauses.",
        "On the way: each call is begun again when it was finished; the limit is a unix socket with as many messages "
        "in a write as there are.",
        "1 MiB: the limit is memory that both share, four copies and a futex each way.",
        "Cancel: call_request_cancel on one CPU, and the body's stamp, which it answers with; half a round trip of two "
        "that spin, and one wake-up of a futex, each between processes.",
        "Kill: the body hears of nothing, its grace is 1 ms; call_finish gives it up with CALL_FATE_KILLED, and the "
        "time runs from there to the end of another call's call_finish. There was time for a spare child. Nobody is "
        "pinned; the limit is posix_spawn of /bin/true and the wait for its end.",
    };
    return all;
}

const std::vector<Table> &tables() {
    static const std::vector<Table> all{
        {"One call of 64 bytes at a time",
         "Nanoseconds. Socket: the ratio to 64 bytes there and back over a unix socket; futex, spin: through shared "
         "memory.",
         {{"one CPU p50", "one", "round_trip_p50"},
          {"p99", "one", "round_trip_p99"},
          {"/futex", "one", "round_trip_p50", "shm_futex_one_p50"},
          {"/socket", "one", "round_trip_p50", "socket_one_p50"},
          {"two CPUs p50", "two", "round_trip_p50"},
          {"p99", "two", "round_trip_p99"},
          {"/spin", "two", "round_trip_p50", "shm_spin_p50"},
          {"/socket", "two", "round_trip_p50", "socket_two_p50"},
          {"asleep p50", "apart", "apart_p50"},
          {"p99", "apart", "apart_p99"},
          {"/futex", "apart", "apart_p50", "shm_futex_apart_p50"}}},
        {"Many on the way, and large ones",
         "Nanoseconds a call. Socket, batch: the ratio to a unix socket with a write for each message, and for as many "
         "as there are. 1 MiB there and as much back; the ratio is to shared memory and a futex.",
         {{"64 on the way, two CPUs", "flow", "flow_64"},
          {"/socket", "flow", "flow_64", "many_two"},
          {"/batch", "flow", "flow_64", "many_two_batched"},
          {"one CPU", "flow_one", "flow_64"},
          {"/socket", "flow_one", "flow_64", "many_one"},
          {"1 MiB, two CPUs p50", "bulk", "bulk_p50"},
          {"p99", "bulk", "bulk_p99"},
          {"/shm", "bulk", "bulk_p50", "bulk_two_p50"},
          {"one CPU p50", "bulk_one", "bulk_p50"},
          {"/shm", "bulk_one", "bulk_p50", "bulk_one_p50"}}},
        {"Cancel until the body has seen it",
         "Nanoseconds, on two CPUs. Polling: a body that looks in a loop; gRPC's yields between looks. Asleep: one "
         "that waits for its cancel; with gRPC and Cap'n Proto that is told to the server by a function. sd-bus has "
         "no cancel.",
         {{"polling p50", "polling", "seen_p50"},
          {"p99", "polling", "seen_p99"},
          {"/half spin", "polling", "seen_p50", "shm_spin_p50", 0.5},
          {"asleep p50", "asleep", "seen_p50"},
          {"p99", "asleep", "seen_p99"},
          {"/wake-up", "asleep", "seen_p50", "wake_p50"}}},
    };
    return all;
}

const std::vector<Step> &steps() {
    static const std::vector<Step> none;
    return none;
}

} // namespace bench
