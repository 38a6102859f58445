/* Completion queues. */
#ifndef LIBCALL_QUEUE_HPP
#define LIBCALL_QUEUE_HPP

#include "owner.hpp"
#include "result.hpp"
#include "time.hpp"

namespace libcall {

class queue_ref : public view<call_queue_t> {
public:
    using view::view;

    /* Takes what has arrived into a contiguous container of call_completion_t, and gives how many.
     * RPC_S_CALLPENDING: the time is over. RPC_E_DISCONNECTED: nothing will come any more. */
    template <class Batch>
    result<std::size_t> next(Batch &&batch, timeout time) const noexcept
    {
        size_t count = 0;
        hresult hr = call_queue_next(handle_, batch.data(), batch.size(), time.milliseconds(), &count);
        if (hr.failed())
            return hr;
        return count;
    }
    /* For signal handlers, too. */
    hresult post(std::uint64_t tag) const noexcept { return call_queue_post(handle_, tag); }
    /* Readable while something is there; the library's. */
    result<int> descriptor() const noexcept
    {
        std::int32_t fd = -1;
        hresult hr = call_queue_get_fd(handle_, &fd);
        if (hr.failed())
            return hr;
        return result<int>(std::in_place, fd);
    }
    hresult close() const noexcept { return call_queue_close(handle_); }

    static result<owner<queue_ref>> create() noexcept
    {
        call_queue_t made{};
        hresult hr = call_queue_create(&made);
        if (hr.failed())
            return hr;
        return owner<queue_ref>(made);
    }

protected:
    static void give_back(call_queue_t handle) noexcept { call_queue_release(handle); }
};
using queue = owner<queue_ref>;

} // namespace libcall

#endif
