/* What a function gives: a value, or the code that it failed with; and the exception of the throwing face. */
#ifndef LIBCALL_RESULT_HPP
#define LIBCALL_RESULT_HPP

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <version>
#if defined(__cpp_lib_expected)
#include <expected>
#endif

#include "hresult.hpp"

namespace libcall {

/* Thrown by value(): the code, the fate where it was a call that failed, and what() with name and message. */
class error : public std::runtime_error {
public:
    error(hresult code, const std::string &message, libcall::fate of_call = fate::none)
        : std::runtime_error(std::string(code.name()) + ": " + (message.empty() ? code.sentence() : message)),
          code_(code), fate_(of_call)
    {
    }

    hresult code() const noexcept { return code_; }
    libcall::fate fate() const noexcept { return fate_; }

private:
    hresult code_;
    libcall::fate fate_;
};

/* Moves the message of this thread's last failure out; empty if that was not of this code. Makes a string. */
inline std::string last_message(hresult code)
{
    std::string text(128, '\0');
    call_hresult_t last = S_OK;
    size_t len = 0;
    while (call_get_last_error(&last, text.data(), text.size(), &len) == CALL_E_MORE_DATA)
        text.resize(len);
    text.resize(last == code.value() && len > 0 ? len - 1 : 0);
    return text;
}

namespace detail {

[[noreturn]] inline void fail(hresult code)
{
    throw error(code, last_message(code));
}

template <class U>
inline constexpr bool is_failure = std::is_same_v<std::decay_t<U>, hresult>;

} // namespace detail

/* As std::expected<T, hresult>, in C++17. Whoever drops one is warned. */
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;
    using error_type = hresult;

    /* A bare code is not taken for a number: say hresult(E_FAIL), or std::uint32_t{5}. */
    template <class U = T,
              std::enable_if_t<std::is_convertible_v<U &&, T> && !detail::is_failure<U> &&
                                   !(std::is_arithmetic_v<T> && std::is_same_v<std::decay_t<U>, call_hresult_t>),
                               int> = 0>
    result(U &&value) noexcept(std::is_nothrow_constructible_v<T, U &&>) : value_(std::in_place, std::forward<U>(value))
    {
    }
    template <class U,
              std::enable_if_t<std::is_arithmetic_v<T> && std::is_same_v<std::decay_t<U>, call_hresult_t>, int> = 0>
    result(U &&) = delete;
    template <class... A>
    explicit result(std::in_place_t, A &&...parts) : value_(std::in_place, std::forward<A>(parts)...)
    {
    }
    /* A failure. A success code has no value to go with it: that is E_UNEXPECTED. */
    result(hresult failure) noexcept : code_(failure.failed() ? failure : hresult(E_UNEXPECTED)) {}

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    /* S_OK where there is a value. */
    hresult error() const noexcept { return code_; }

    /* Throws an error, with the thread's last message, where there is none. */
    T &value() &
    {
        if (!value_)
            detail::fail(code_);
        return *value_;
    }
    const T &value() const &
    {
        if (!value_)
            detail::fail(code_);
        return *value_;
    }
    T value() && { return std::move(value()); }

    /* Only where there is one. */
    T &operator*() & noexcept { return *value_; }
    const T &operator*() const & noexcept { return *value_; }
    T &&operator*() && noexcept { return std::move(*value_); }
    T *operator->() noexcept { return &*value_; }
    const T *operator->() const noexcept { return &*value_; }

    template <class U>
    T value_or(U &&other) &&
    {
        return value_ ? std::move(*value_) : static_cast<T>(std::forward<U>(other));
    }
    template <class U>
    T value_or(U &&other) const &
    {
        return value_ ? *value_ : static_cast<T>(std::forward<U>(other));
    }

    /* Goes on with the value to another result, or stays with the failure. */
    template <class F>
    auto and_then(F &&next) && -> std::invoke_result_t<F, T &&>
    {
        if (value_)
            return std::forward<F>(next)(std::move(*value_));
        return code_;
    }
    template <class F>
    auto transform(F &&next) && -> result<std::decay_t<std::invoke_result_t<F, T &&>>>
    {
        if (value_)
            return std::forward<F>(next)(std::move(*value_));
        return code_;
    }

#if defined(__cpp_lib_expected)
    operator std::expected<T, hresult>() &&
    {
        if (value_)
            return std::move(*value_);
        return std::unexpected(code_);
    }
#endif

private:
    std::optional<T> value_;
    hresult code_;
};

/* Without a value: the code, also which success it was. */
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;
    using error_type = hresult;

    constexpr result(hresult code = S_OK) noexcept : code_(code) {}
    constexpr result(call_hresult_t code) noexcept : code_(code) {}

    constexpr bool has_value() const noexcept { return code_.succeeded(); }
    constexpr explicit operator bool() const noexcept { return has_value(); }
    constexpr hresult error() const noexcept { return code_; }
    void value() const
    {
        if (code_.failed())
            detail::fail(code_);
    }

    template <class F>
    auto and_then(F &&next) const -> std::invoke_result_t<F>
    {
        if (has_value())
            return std::forward<F>(next)();
        return code_;
    }

#if defined(__cpp_lib_expected)
    operator std::expected<void, hresult>() const
    {
        if (has_value())
            return {};
        return std::unexpected(code_);
    }
#endif

private:
    hresult code_;
};

} // namespace libcall

#endif
