// The library as a contender, through its C ABI: an apartment of one thread and an object in it.
#pragma once

#include "measure.hpp"
#include "stage.hpp"

#include <call.h>

namespace bench {

// Ends the process unless the code is the expected one.
void expect(call_hresult_t got, call_hresult_t expected, const char *what);
inline void must(call_hresult_t got, const char *what) { expect(got, S_OK, what); }

// A method beyond those of `Work`: it looks for a cancel through its thread.
constexpr Work LOOK_BY_THREAD{6};

class Library {
public:
    // Null until it is prepared. Its cancel interface is queried where one is needed.
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

    // An apartment of its own.
    explicit Library(unsigned workers = 1);
    // In one that is there.
    explicit Library(call_apartment_t apartment);
    // The functions of `contest.hpp`.
    void prepare(Call &call) { must(call_create(object_, &call.handle), "call_create"); }
    void begin(Call &call, Work work, const Words &in) {
        must(call_begin(call.handle, static_cast<std::uint32_t>(work), in.data(), sizeof in), "call_begin");
    }
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

protected:
    // Of an object that is there.
    explicit Library(call_object_t object) : object_(object) {}

private:
    call_object_t object_{};
};

// With the cancel interface of each call, queried when it is begun.
class CancelableLibrary : public Library {
public:
    struct Call : Library::Call {
        call_cancel_t interface{};
    };

    using Library::Library;
    void begin(Call &call, Work work, const Words &in) {
        Library::begin(call, work, in);
        must(call_query_cancel(call.handle, &call.interface), "call_query_cancel");
    }
    void finish(Call &call, Words &out) {
        Library::finish(call, out);
        call_cancel_release(call.interface);
    }
    // A body that runs may answer when it likes.
    void cancel(Call &call) { must(call_request_cancel(call.interface, CALL_INFINITE), "call_request_cancel"); }
    bool finish_canceled(Call &call) {
        const call_hresult_t hr = call_finish(call.handle, nullptr, 0, nullptr);
        call_cancel_release(call.interface);
        return hr == RPC_E_CALL_CANCELED;
    }
};

// What the library alone can do.
// cancel, request: the cost of canceling a call that waits, by either function; query: of a cancel
// interface, queried and released. Fails if a canceled body ran or its caller was not told.
void cancel_queued(Figures &figures);
// look_context, look_thread: one test for a cancel.
void test_cancel(Figures &figures);

} // namespace bench
