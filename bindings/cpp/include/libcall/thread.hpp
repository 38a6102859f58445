/* Synchronous calls, canceled by thread. */
#ifndef LIBCALL_THREAD_HPP
#define LIBCALL_THREAD_HPP

#include "call.hpp"

namespace libcall {

/* While it lives, the synchronous calls that its thread makes can be canceled by thread. It stays on the
 * thread that made it. */
class cancellation_enabled {
public:
    cancellation_enabled() noexcept { call_enable_cancellation(); }
    cancellation_enabled(const cancellation_enabled &) = delete;
    cancellation_enabled &operator=(const cancellation_enabled &) = delete;
    ~cancellation_enabled() { call_disable_cancellation(); }
};

/* The number of the calling thread, for another one; 0 below is the calling thread. */
inline result<std::uint64_t> thread_id() noexcept
{
    std::uint64_t id = 0;
    hresult hr = call_thread_id(&id);
    if (hr.failed())
        return hr;
    return id;
}

inline hresult cancel_thread(std::uint64_t thread, grace time) noexcept
{
    return call_cancel_thread(thread, time.seconds());
}
inline hresult request_cancel_thread(std::uint64_t thread, timeout time) noexcept
{
    return call_request_cancel_thread(thread, time.milliseconds());
}
/* Of the synchronous call that is in progress there now, and of no later one. */
inline result<cancel_interface> query_thread_cancel(std::uint64_t thread) noexcept
{
    call_cancel_t cancel{};
    hresult hr = call_query_thread_cancel(thread, &cancel);
    if (hr.failed())
        return hr;
    return cancel_interface(cancel);
}

} // namespace libcall

#endif
