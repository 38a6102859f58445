// The library as a contender, its methods in a child process: through the C ABI, the object bound by its moniker.
#pragma once

#include "../library.hpp"
#include "crossing.hpp"

namespace bench {

class Isolated : public Library {
public:
    struct Call : Library::Call {
        call_cancel_t interface {};
    };

    // `spares` as in call_bind_options_t.
    explicit Isolated(std::uint32_t spares = 0);
    ~Isolated();
    Isolated(const Isolated &) = delete;
    Isolated &operator=(const Isolated &) = delete;

    static double busy_ns(const Words &out) { return busy_of(out); }
    template <class Check> void bulk(const std::vector<std::uint64_t> &in, Check check) {
        if (bulk_call_.handle.id == 0) {
            prepare(bulk_call_);
        }
        std::size_t length;
        must(call_begin(bulk_call_.handle, static_cast<std::uint32_t>(BULK), in.data(), BULK_BYTES), "call_begin");
        must(call_finish(bulk_call_.handle, bulk_out_.data(), BULK_BYTES, &length), "call_finish");
        check(bulk_out_.data(), length);
    }
    void begin_waiting(Call &call, Work work);
    // The body may answer when it likes.
    void cancel(Call &call) { must(call_request_cancel(call.interface, CALL_INFINITE), "call_request_cancel"); }
    std::uint64_t seen(Call &call);
    // Ends a body that hears of nothing, by its process. 0: does not wait for that.
    void end(Call &call, std::uint32_t grace_ms);

private:
    call_object_t object_;
    Library::Call bulk_call_;
    std::vector<std::uint64_t> bulk_out_;

    Isolated(call_object_t object);
};

// replaced_p50, _max: from the end of a call that was killed (grace 1 ms) to the result of the next;
// at_once_p50: of one whose client did not wait for the kill; unspared_p50: without a child that is ready.
void replacements(Figures &figures);

} // namespace bench
