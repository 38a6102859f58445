/* What a call came to: the method's code and output, the fate of its work, its message. */
#ifndef LIBCALL_OUTCOME_HPP
#define LIBCALL_OUTCOME_HPP

#include "bytes.hpp"
#include "owner.hpp"
#include "result.hpp"

namespace libcall {

/* The output of a call in the library's memory, which is not copied. Null: there is none. */
class buffer_ref : public view<call_buffer_t> {
public:
    using view::view;

    /* They stay until the buffer is released. */
    libcall::bytes bytes() const noexcept
    {
        const void *start = nullptr;
        size_t len = 0;
        if (handle_.id == 0 || call_buffer_get(handle_, &start, &len) < 0)
            return {};
        return {start, len};
    }
    std::string_view text() const noexcept { return bytes().text(); }
    template <class T>
    std::optional<T> as() const noexcept
    {
        return bytes().template as<T>();
    }

protected:
    static void give_back(call_buffer_t handle) noexcept { call_buffer_release(handle); }
};
using buffer = owner<buffer_ref>;

namespace detail {

/* Keeps a failed call's object, for its message. */
class kept_call : public view<call_t> {
public:
    using view::view;

protected:
    static void give_back(call_t handle) noexcept { call_release(handle); }
};

inline fate fate_of(call_t call) noexcept
{
    call_fate_t what = CALL_FATE_NONE;
    return call_get_fate(call, &what) < 0 ? fate::none : static_cast<fate>(what);
}

inline std::string message_of(call_t call)
{
    std::string text(128, '\0');
    size_t len = 0;
    call_hresult_t hr;
    while ((hr = call_get_error(call, text.data(), text.size(), &len)) == CALL_E_MORE_DATA)
        text.resize(len);
    text.resize(hr == S_OK && len > 0 ? len - 1 : 0);
    return text;
}

} // namespace detail

/* T is buffer, or a plain value, or std::size_t for an output that went to the caller's memory. A failed
 * one keeps its call object until it goes, for the message. */
template <class T = buffer>
class [[nodiscard]] outcome {
public:
    /* A call that was not even begun. */
    outcome(hresult not_begun) noexcept : code_(not_begun) {}
    outcome(hresult code, libcall::fate what, std::optional<T> output, call_t of = {}) noexcept
        : code_(code), fate_(what), output_(std::move(output))
    {
        if (code.failed() && code != RPC_S_CALLPENDING && of.id != 0 && call_add_ref(of) >= 0)
            call_.reset(of);
    }

    /* What the method returned, or why there was no answer. */
    hresult code() const noexcept { return code_; }
    libcall::fate fate() const noexcept { return fate_; }
    explicit operator bool() const noexcept { return code_.succeeded(); }

    /* What the method wrote, also where it failed. Empty: nothing, or not of the size of a T. */
    const std::optional<T> &output() const noexcept { return output_; }
    std::optional<T> &output() noexcept { return output_; }

    /* What the method or the library said of the failure, while the call object is not begun again.
     * Makes a string. */
    std::string message() const { return call_ ? detail::message_of(call_.get()) : last_message(code_); }

    /* The output of a success; else throws an error with code, message and fate. */
    T &value() &
    {
        if (code_.failed())
            throw error(code_, message(), fate_);
        if (!output_)
            throw error(E_UNEXPECTED, "the output is not of the size that was asked for", fate_);
        return *output_;
    }
    T value() && { return std::move(value()); }

private:
    hresult code_;
    libcall::fate fate_ = fate::none;
    std::optional<T> output_;
    owner<detail::kept_call> call_;
};

} // namespace libcall

#endif
