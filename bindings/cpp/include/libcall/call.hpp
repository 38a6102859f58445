/* The call object and its cancel interface. */
#ifndef LIBCALL_CALL_OBJECT_HPP
#define LIBCALL_CALL_OBJECT_HPP

#include <memory>

#include "outcome.hpp"
#include "time.hpp"

namespace libcall {

/* The cancel interface of one call. */
class cancel_ref : public view<call_cancel_t> {
public:
    using view::view;

    /* Asks, and waits for the server's answer. S_OK: the client is free. RPC_E_CALL_COMPLETE: it had
     * answered. RPC_E_CALL_CANCELED: it was canceled before. */
    hresult cancel(grace time) const noexcept { return call_cancel(handle_, time.seconds()); }
    /* Asks, and returns at once; for signal handlers, too. */
    hresult request(timeout time) const noexcept { return call_request_cancel(handle_, time.milliseconds()); }
    /* RPC_E_CALL_CANCELED, RPC_S_CALLPENDING or RPC_E_CALL_COMPLETE. */
    [[nodiscard]] hresult test() const noexcept { return call_test_cancel(handle_); }

protected:
    static void give_back(call_cancel_t handle) noexcept { call_cancel_release(handle); }
};
using cancel_interface = owner<cancel_ref>;

struct progress {
    std::uint64_t done;
    std::uint64_t total;
};

class call_ref : public view<call_t> {
public:
    using view::view;

    /* Begins a method. The input, as as_bytes takes it, is copied. */
    template <class In>
    result<void> begin(std::uint32_t number, const In &in) const noexcept
    {
        bytes input = libcall::as_bytes(in);
        return call_begin(handle_, number, input.data(), input.size());
    }
    result<void> begin(std::uint32_t number) const noexcept { return call_begin(handle_, number, nullptr, 0); }
    /* The input is not copied but taken over; where this fails, in is as it was. */
    result<void> begin_owned(std::uint32_t number, std::unique_ptr<std::byte[]> &&in, std::size_t size) const noexcept
    {
        call_hresult_t hr = call_begin_owned(handle_, number, in.get(), size, free_array, nullptr);
        if (hr >= 0)
            (void)in.release();
        return hr;
    }

    /* Waits until the call in progress is complete. */
    result<void> wait() const noexcept { return call_wait(handle_, CALL_INFINITE); }
    result<wait_status> wait_for(timeout time) const noexcept
    {
        call_hresult_t hr = call_wait(handle_, time.milliseconds());
        if (hr == RPC_S_CALLPENDING)
            return wait_status::timeout;
        return hr < 0 ? result<wait_status>(hresult(hr)) : result<wait_status>(wait_status::ready);
    }
    template <class Clock, class Duration>
    result<wait_status> wait_until(std::chrono::time_point<Clock, Duration> end) const
    {
        for (;;) {
            auto left = end - Clock::now();
            result<wait_status> status = wait_for(left);
            if (!status || *status == wait_status::ready || left <= left.zero())
                return status;
        }
    }

    /* Waits for the call in progress and ends it. The output is a plain value, for which no memory is
     * needed, or comes in the library's buffer. */
    template <class T = buffer>
    outcome<T> finish() const noexcept
    {
        if constexpr (std::is_same_v<T, buffer>) {
            call_buffer_t taken{};
            hresult code = call_finish_buffer(handle_, &taken);
            return {code, fate(), buffer(taken), handle_};
        } else {
            return into_value<T>(call_finish);
        }
    }
    /* With an output in the caller's memory: gives its length. CALL_E_MORE_DATA: it is longer, output() is
     * the length, and the call is still to be finished. */
    outcome<std::size_t> finish_into(writable_bytes room) const noexcept { return into_room(call_finish, room); }
    /* The same without waiting. Code RPC_S_CALLPENDING: it is not complete. */
    template <class T>
    outcome<T> try_finish() const noexcept
    {
        return into_value<T>(call_try_finish);
    }
    outcome<std::size_t> try_finish_into(writable_bytes room) const noexcept
    {
        return into_room(call_try_finish, room);
    }

    libcall::fate fate() const noexcept { return detail::fate_of(handle_); }
    libcall::cause cause() const noexcept
    {
        std::uint32_t why = CALL_CAUSE_NONE;
        return call_get_cause(handle_, &why) < 0 ? cause::none : static_cast<libcall::cause>(why);
    }
    /* The message of the last call; empty: none. Makes a string. */
    std::string message() const { return detail::message_of(handle_); }
    libcall::progress progress() const noexcept
    {
        libcall::progress made{};
        return call_get_progress(handle_, &made.done, &made.total) < 0 ? libcall::progress{} : made;
    }

    result<cancel_interface> query_cancel() const noexcept
    {
        call_cancel_t cancel{};
        hresult hr = call_query_cancel(handle_, &cancel);
        if (hr.failed())
            return hr;
        return cancel_interface(cancel);
    }
    /* Query, cancel and release in one, for the call in progress. */
    hresult cancel(grace time) const noexcept
    {
        auto found = query_cancel();
        return found ? found->cancel(time) : found.error();
    }
    hresult request_cancel(timeout time) const noexcept
    {
        auto found = query_cancel();
        return found ? found->request(time) : found.error();
    }

    /* Of the next begins. */
    result<void> set_timeout(timeout time, timeout grace_period = std::chrono::milliseconds(0)) const noexcept
    {
        return call_set_timeout(handle_, time.milliseconds(), grace_period.milliseconds());
    }
    result<void> set_parent(call_ref parent) const noexcept { return call_set_parent(handle_, parent.get()); }
    result<void> detach() const noexcept { return call_detach(handle_); }
    result<void> set_queue(call_queue_t queue, std::uint64_t tag) const noexcept
    {
        return call_set_queue(handle_, queue, tag);
    }

    /* F is called with a call_ref when one of the next begins is complete, on the thread that completes
     * it; it must not block and must not throw. It stays the caller's, or is deleted when it is not needed
     * any more. */
    template <class F>
    result<void> on_complete(F &function) const noexcept
    {
        return call_set_callback(handle_, completed<F>, &function, nullptr);
    }
    template <class F>
    result<void> on_complete(std::unique_ptr<F> function) const noexcept
    {
        call_hresult_t hr = call_set_callback(handle_, completed<F>, function.get(), destroyed<F>);
        if (hr >= 0)
            (void)function.release();
        return hr;
    }
    result<void> on_complete(std::nullptr_t) const noexcept
    {
        return call_set_callback(handle_, nullptr, nullptr, nullptr);
    }

    /* The library's; not to be closed. */
    result<int> descriptor() const noexcept
    {
        std::int32_t fd = -1;
        hresult hr = call_get_fd(handle_, &fd);
        if (hr.failed())
            return hr;
        return result<int>(std::in_place, fd);
    }

    /* One owner more. */
    result<owner<call_ref>> share() const noexcept
    {
        hresult hr = call_add_ref(handle_);
        if (hr.failed())
            return hr;
        return owner<call_ref>(handle_);
    }

protected:
    static void give_back(call_t handle) noexcept { call_release(handle); }

private:
    using finish_fn = call_hresult_t (*)(call_t, void *, size_t, size_t *);

    static void free_array(void *data, size_t, void *) noexcept { delete[] static_cast<std::byte *>(data); }
    template <class F>
    static void completed(call_t call, void *user) noexcept
    {
        (*static_cast<F *>(user))(call_ref(call));
    }
    template <class F>
    static void destroyed(void *user) noexcept
    {
        delete static_cast<F *>(user);
    }

    template <class T>
    outcome<T> into_value(finish_fn function) const noexcept
    {
        static_assert(detail::is_plain<T> && std::is_default_constructible_v<T>, "only a plain value is its bytes");
        unsigned char room[sizeof(T)];
        size_t len = 0;
        hresult code = function(handle_, room, sizeof room, &len);
        return {code, fate(), bytes(room, len).template as<T>(), handle_};
    }
    outcome<std::size_t> into_room(finish_fn function, writable_bytes room) const noexcept
    {
        size_t len = 0;
        hresult code = function(handle_, room.data(), room.size(), &len);
        return {code, fate(), std::optional<std::size_t>(len), handle_};
    }
};
using call = owner<call_ref>;

/* Waits for one of several calls in progress, a contiguous container of call_t, and gives its index.
 * RPC_S_CALLPENDING: the time is over. */
template <class Calls>
result<std::size_t> wait_any(const Calls &calls, timeout time) noexcept
{
    size_t index = 0;
    hresult hr = call_wait_many(calls.data(), calls.size(), CALL_WAIT_ANY, time.milliseconds(), &index);
    if (hr.failed())
        return hr;
    return index;
}

template <class Calls>
result<wait_status> wait_all(const Calls &calls, timeout time) noexcept
{
    hresult hr = call_wait_many(calls.data(), calls.size(), CALL_WAIT_ALL, time.milliseconds(), nullptr);
    if (hr == RPC_S_CALLPENDING)
        return wait_status::timeout;
    return hr.failed() ? result<wait_status>(hr) : result<wait_status>(wait_status::ready);
}

} // namespace libcall

#endif
