// The library as a contender, through its C ABI: an apartment of one thread and an object in it.
#pragma once

#include "measure.hpp"
#include "stage.hpp"

#include <call.h>

namespace bench {

// Ends the process unless the code is the expected one.
void expect(call_hresult_t got, call_hresult_t expected, const char *what);
inline void must(call_hresult_t got, const char *what) { expect(got, S_OK, what); }

// The object's methods beyond those of `Work`, for what the library alone can do.
enum class Probe : std::uint32_t {
    // Looks for a cancel until it sees one.
    UntilCanceled = 3,
    // Looks for a cancel a number of times, through its context or through its thread.
    LookByContext = 4,
    LookByThread = 5,
};

// What the probes share with the one who measures.
struct Probes {
    std::atomic<bool> is_running{false};
    // The stamp at which the cancel was seen.
    std::atomic<std::uint64_t> seen{0};
    // Nanoseconds of one look.
    double look_ns = 0;
};
extern Probes probes;

class Library {
public:
    // Null until it is prepared.
    struct Call {
        call_t handle{};
        Call() = default;
        Call(const Call &) = delete;
        Call &operator=(const Call &) = delete;
        ~Call() {
            if (handle.id != 0) {
                call_release(handle);
            }
        }
    };

    Library();
    // The functions of `contest.hpp`.
    void prepare(Call &call) { must(call_create(object_, &call.handle), "call_create"); }
    void begin(Call &call, Work work, const Words &in) { begin_method(call, static_cast<std::uint32_t>(work), in); }
    void begin(Call &call, Probe probe) { begin_method(call, static_cast<std::uint32_t>(probe), Words{}); }
    void finish(Call &call, Words &out) {
        std::size_t length;
        must(call_finish(call.handle, out.data(), sizeof out, &length), "call_finish");
        if (length != sizeof out) {
            fail("a call gave too little");
        }
    }
    // For what is to end with another code.
    void finish_with(Call &call, call_hresult_t code) {
        expect(call_finish(call.handle, nullptr, 0, nullptr), code, "call_finish");
    }
    void create_and_destroy() {
        Call call;
        prepare(call);
    }

private:
    void begin_method(Call &call, std::uint32_t method, const Words &in) {
        must(call_begin(call.handle, method, in.data(), sizeof in), "call_begin");
    }

    call_object_t object_{};
};

// What the library alone can do.
// cancel, request: the cost of canceling a call that waits, by either function; query: of a cancel
// interface, queried and released. Fails if a canceled body ran or its caller was not told.
void cancel_queued(Figures &figures);
// seen_p50, _p99: from the request to the body that polls having seen it.
void cancel_running(Figures &figures);
// look_context, look_thread: one test for a cancel.
void test_cancel(Figures &figures);

} // namespace bench
