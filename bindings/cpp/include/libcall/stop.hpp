/* std::stop_token, both ways: C++20. */
#ifndef LIBCALL_STOP_HPP
#define LIBCALL_STOP_HPP

#include <version>
#if defined(__cpp_lib_jthread)
#include <stop_token>

#include "call.hpp"
#include "context.hpp"

namespace libcall {

namespace detail {

/* What a stop does to a call: it asks, and does not wait. */
struct stop_request {
    call_cancel_t cancel;
    std::uint32_t grace_ms;
    void operator()() const noexcept { call_request_cancel(cancel, grace_ms); }
};

} // namespace detail

/* While it lives, a stop cancels the call that is in progress when it is made, and no later one. It stays
 * where it is made. */
class cancel_on_stop {
public:
    /* Throws an error where the call has no cancel interface. */
    cancel_on_stop(call_ref target, std::stop_token token, timeout grace_period = std::chrono::milliseconds(0))
        : cancel_on_stop(target.query_cancel().value(), std::move(token), grace_period)
    {
    }
    /* Without exceptions. */
    cancel_on_stop(cancel_interface &&cancel, std::stop_token token,
                   timeout grace_period = std::chrono::milliseconds(0)) noexcept
        : cancel_(std::move(cancel)),
          callback_(std::move(token), detail::stop_request{cancel_.get(), grace_period.milliseconds()})
    {
    }
    cancel_on_stop(const cancel_on_stop &) = delete;
    cancel_on_stop &operator=(const cancel_on_stop &) = delete;

private:
    cancel_interface cancel_;
    std::stop_callback<detail::stop_request> callback_;
};

/* In a method: while it lives, a cancel of the call requests a stop. It stays where it is made, and is the
 * one function that the call has for call_context_on_cancel. What is registered with the token runs on a
 * thread of the library's and must not block. Throws an error where the library cannot tell. */
class stop_on_cancel {
public:
    /* With a source of its own, whose state the standard library allocates. */
    explicit stop_on_cancel(context of) : stop_on_cancel(of, std::stop_source()) {}
    /* With the program's: nothing is allocated. */
    stop_on_cancel(context of, std::stop_source source) : context_(of), source_(std::move(source))
    {
        result<void> told = call_context_on_cancel(context_.get(), stop, this);
        told.value();
    }
    stop_on_cancel(const stop_on_cancel &) = delete;
    stop_on_cancel &operator=(const stop_on_cancel &) = delete;
    ~stop_on_cancel()
    {
        /* Waits for a stop that is under way; refused where the method has ended, and then none is. */
        result<void> over = call_context_on_cancel(context_.get(), nullptr, nullptr);
        (void)over;
    }

    std::stop_token token() const noexcept { return source_.get_token(); }

private:
    static void stop(void *user) noexcept { static_cast<stop_on_cancel *>(user)->source_.request_stop(); }

    context context_;
    std::stop_source source_;
};

} // namespace libcall

#endif
#endif
