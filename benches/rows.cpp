#include "rows.hpp"

namespace bench {

const char *title() { return "Calls within a process"; }

const std::vector<Row> &rows() {
    static const std::vector<Row> all{
        {"round trip, one CPU, p50", "libcall/one", "round_trip_p50", "futex_one_p50", 1, Bound::Ratio, 1.10, "ns"},
        {"... p99", "libcall/one", "round_trip_p99", "futex_one_p50", 1, Bound::Ratio, 1.5, "ns"},
        {"round trip, two CPUs, one after the other, p50", "libcall/two", "round_trip_p50", "spin_p50", 1, Bound::Ratio,
         2.5, "ns"},
        {"... p99", "libcall/two", "round_trip_p99", "spin_p50", 1, Bound::Ratio, 4, "ns"},
        {"round trip, two CPUs, both sides asleep, p50", "libcall/apart", "apart_p50", "futex_apart_p50", 1,
         Bound::Ratio, 1.10, "ns"},
        {"... p99", "libcall/apart", "apart_p99", "futex_apart_p99", 1, Bound::None, 0, "ns"},
        {"round trip, a busy loop on every CPU, p50", "libcall/crowded", "round_trip_p50", "round_trip_p50", 1,
         Bound::Ratio, 1, "ns"},
        {"... p99", "libcall/crowded", "round_trip_p99", "round_trip_p99", 1, Bound::Ratio, 1, "ns"},
        {"... mean", "libcall/crowded", "round_trip_mean", "round_trip_mean", 1, Bound::None, 0, "ns"},
        {"64 on the way, a call", "libcall/flow", "flow_64", "ring_64", 1, Bound::Ratio, 8, "ns"},
        {"1024 on the way, a call", "libcall/flow", "flow_1024", "ring_1024", 1, Bound::Ratio, 5, "ns"},
        {"create and release", "libcall/create", "create", "malloc_free", 1, Bound::Figure, 25, "ns"},
        {"begin, worker busy", "libcall/begin", "begin", "malloc_free", 1, Bound::Figure, 50, "ns"},
        {"finish, already complete", "libcall/begin", "finish", "malloc_free", 1, Bound::Figure, 25, "ns"},
        {"cancel a call that waits: call_cancel", "libcall/cancel", "cancel", "cas", 1, Bound::Figure, 10, "ns"},
        {"... call_request_cancel", "libcall/cancel", "request", "cas", 1, Bound::Figure, 10, "ns"},
        {"... with 10,000 waiting, call_request_cancel", "libcall/flat_1e4", "cancel", nullptr, 1, Bound::Figure, 10,
         "ns"},
        {"... with a million", "libcall/flat_1e6", "cancel", nullptr, 1, Bound::Figure, 10, "ns"},
        {"query a cancel interface and release it", "libcall/cancel", "query", nullptr, 1, Bound::None, 0, "ns"},
        {"cancel a running call until its body sees it, p50", "libcall/running", "seen_p50", "spin_p50", 0.5,
         Bound::Ratio, 2, "ns"},
        {"... p99", "libcall/running", "seen_p99", "spin_p50", 0.5, Bound::Ratio, 5, "ns"},
        {"test for a cancel, context handle", "libcall/look", "look_context", "empty_call", 1, Bound::Figure, 2, "ns"},
        {"... null context, the thread's call", "libcall/look", "look_thread", "empty_call", 1, Bound::Figure, 3.5,
         "ns"},
        {"memory of a call that waits", "libcall/memory", "pending", "malloc_128", 1, Bound::Figure, 256, "B"},
        {"... complete, not yet finished", "libcall/memory", "complete", "malloc_128", 1, Bound::Figure, 256, "B"},
        {"four apartments open, nothing to do: processor time", "libcall/idle", "idle", nullptr, 1, Bound::Figure, 0,
         "ns"},
    };
    return all;
}

const std::vector<const char *> &remarks() {
    static const std::vector<const char *> all{
        "A call hands over 64 bytes, its body adds one to each of 8 words, and 64 bytes come back: call_begin, "
        "call_context_write, call_finish; an apartment with one worker, through the shared library's C ABI. Every "
        "result is checked.",
        "Cells are the median of the rounds (min-max). A ratio is taken within its round, to the limit that ran right "
        "before; the column has the median of these ratios. A target is a bound of the ratio (x) or of the figure.",
        "One CPU: the whole process on it. The library waits by its own rule everywhere, there is nothing to set; of "
        "the targets for parked and for adaptive waiting (1.2x) the stricter one is used.",
        "Two CPUs, one after the other: the caller on one, the worker on the other, no pause between calls, so "
        "spinning pays. Both targets are multiples of the median of two threads that spin.",
        "Both sides asleep: the caller pauses 0.2 ms before a call and the body works for 0.2 ms, which is taken off; "
        "the limit is two threads with a futex and the same pauses.",
        "A busy loop on every CPU: nobody else is pinned; the limit is a pool of std::packaged_task with the same "
        "loops, right before. Who spins in a slice of its own makes thousands of calls there, so median and 99 of 100 "
        "hide the waits between the slices; the mean has them.",
        "On the way: one caller and one worker on two CPUs, each call begun again when it was finished; the limit is "
        "the best of eight rings, 64 bytes there and 64 back.",
        "Begin, finish: 2000 calls behind a worker at a gate, one caller. Cancel of a call that waits: the same 2000; "
        "each is then seen to have ended with RPC_E_CALL_CANCELED and CALL_FATE_NEVER_STARTED, its body not entered.",
        "Cancel of a running call: call_request_cancel on one CPU, a body that calls call_context_test_cancel in a "
        "loop on the other; the limit is half a spinning round trip.",
        "With 10,000 or a million waiting, 1,000 of them, spread over the queue, are canceled; their cache lines come "
        "from "
        "memory.",
        "Memory: growth of the resident set with a million calls begun, divided, the caller's handles included; the "
        "limit is a million blocks of 128 bytes. A call that waits has its 64 bytes of input, a complete one its "
        "output too.",
        "Nothing to do: the processor time of all threads but the one that measures, over 10 s, after each apartment "
        "has "
        "served a call and the timer's thread was started.",
    };
    return all;
}

} // namespace bench
