/* Bytes that somebody else owns: inputs, outputs, and how a C++ value becomes one. */
#ifndef LIBCALL_BYTES_HPP
#define LIBCALL_BYTES_HPP

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <version>
#if defined(__cpp_lib_span)
#include <span>
#endif

namespace libcall {

namespace detail {

template <class T, class = void>
struct is_contiguous : std::false_type {};
template <class T>
struct is_contiguous<T, std::void_t<decltype(std::declval<T &>().data()), decltype(std::declval<T &>().size())>>
    : std::is_trivially_copyable<std::remove_pointer_t<decltype(std::declval<T &>().data())>> {};

template <class T>
struct is_array : std::false_type {};
template <class T, std::size_t N>
struct is_array<std::array<T, N>> : std::true_type {};

/* A value whose bytes are all there is to it: no pointer, and no view of something else. */
template <class T>
inline constexpr bool is_plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> &&
                                 !std::is_member_pointer_v<T> && !std::is_array_v<T> &&
                                 (is_array<T>::value || !is_contiguous<T>::value);

} // namespace detail

class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr bytes(const void *data, std::size_t size) noexcept : data_(data), size_(size) {}

    const std::byte *data() const noexcept { return static_cast<const std::byte *>(data_); }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    const std::byte *begin() const noexcept { return data(); }
    const std::byte *end() const noexcept { return data() + size_; }

    std::string_view text() const noexcept { return {static_cast<const char *>(data_), size_}; }

    /* As a value, if it is of that size. */
    template <class T>
    std::optional<T> as() const noexcept
    {
        static_assert(detail::is_plain<T> && std::is_default_constructible_v<T>, "only a plain value is its bytes");
        if (size_ != sizeof(T))
            return std::nullopt;
        T value;
        std::memcpy(&value, data_, sizeof value);
        return value;
    }

#if defined(__cpp_lib_span)
    std::span<const std::byte> span() const noexcept { return {data(), size_}; }
#endif

private:
    const void *data_ = nullptr;
    std::size_t size_ = 0;
};

class writable_bytes {
public:
    constexpr writable_bytes() noexcept = default;
    constexpr writable_bytes(void *data, std::size_t size) noexcept : data_(data), size_(size) {}
    /* The contents of an array, a vector, a string or a span. */
    template <
        class T,
        std::enable_if_t<detail::is_contiguous<T>::value && !std::is_same_v<std::decay_t<T>, writable_bytes>, int> = 0>
    constexpr writable_bytes(T &&room) noexcept : data_(room.data()), size_(room.size() * sizeof *room.data())
    {
    }

    std::byte *data() const noexcept { return static_cast<std::byte *>(data_); }
    constexpr std::size_t size() const noexcept { return size_; }
    std::byte *begin() const noexcept { return data(); }
    std::byte *end() const noexcept { return data() + size_; }

#if defined(__cpp_lib_span)
    std::span<std::byte> span() const noexcept { return {data(), size_}; }
#endif

private:
    void *data_ = nullptr;
    std::size_t size_ = 0;
};

/* The bytes of what a call or an output is given: text without its NUL, the contents of a container or a
 * span, or a plain value as it lies in memory. */
template <class T>
constexpr bytes as_bytes(const T &what) noexcept
{
    if constexpr (std::is_convertible_v<const T &, std::string_view>) {
        std::string_view text = what;
        return {text.data(), text.size()};
    } else if constexpr (detail::is_contiguous<const T>::value) {
        return {what.data(), what.size() * sizeof *what.data()};
    } else {
        static_assert(detail::is_plain<T>, "neither text, nor contiguous, nor a plain value");
        return {&what, sizeof what};
    }
}

} // namespace libcall

#endif
