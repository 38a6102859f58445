/* Codes, results, errors, bytes and times, without a call. */
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "tap.hpp"

using namespace std::chrono_literals;
using libcall::error;
using libcall::hresult;
using libcall::result;
using libcall::timeout;

static_assert(!std::is_convertible_v<call_hresult_t, result<std::uint64_t>>, "a bare code is no number");
static_assert(!std::is_constructible_v<result<std::uint32_t>, call_hresult_t>, "nor here");
static_assert(std::is_convertible_v<hresult, result<std::uint64_t>>);
static_assert(sizeof(libcall::call) == sizeof(call_t) && sizeof(libcall::object) == sizeof(call_object_t));
static_assert(!std::is_copy_constructible_v<libcall::call> && !std::is_copy_assignable_v<libcall::object>);
static_assert(std::is_nothrow_move_constructible_v<libcall::queue> &&
              std::is_nothrow_move_assignable_v<libcall::buffer>);
static_assert(std::is_trivially_copyable_v<libcall::call_ref> &&
              std::is_convertible_v<libcall::call &, libcall::call_ref>);
static_assert(!std::is_convertible_v<libcall::call_ref, libcall::object_ref>, "kinds stay apart");
static_assert(!std::is_convertible_v<std::chrono::milliseconds, libcall::grace>, "call_cancel takes seconds");
static_assert(std::is_convertible_v<std::chrono::minutes, libcall::grace>);
static_assert(timeout(2min).milliseconds() == 120000);

static void results()
{
    result<std::uint32_t> five = std::uint32_t{5}, none = hresult(E_FAIL);
    tap::ok(five && *five == 5 && five.value() == 5, "a result has its value");
    tap::is_code(five.error(), S_OK, "and S_OK");
    tap::ok(!none, "or has none");
    tap::is_code(none.error(), E_FAIL, "but a code");
    tap::is_number(none.value_or(7u), 7, "value_or gives the other value");
    tap::is_code(result<std::uint32_t>(hresult(S_FALSE)).error(), E_UNEXPECTED, "a success code is no value");
    tap::is_code(result<void>(S_FALSE).error(), S_FALSE, "a result without a value keeps its success code");
    tap::is_number(std::move(five).transform([](std::uint32_t n) { return std::uint64_t{n} * 2; }).value(), 10,
                   "transform goes on");
    tap::is_code(result<void>(E_ABORT).and_then([] { return result<void>(); }).error(), E_ABORT,
                 "and_then stays with a failure");
    tap::throws<error>([&] { (void)none.value(); }, [](const error &e) { return e.code() == E_FAIL; },
                       "value() throws the code");
    tap::throws<error>(
        [] { libcall::call_ref().begin(0).value(); },
        [](const error &e) { return e.code() == E_HANDLE && std::string(e.what()).rfind("E_HANDLE: ", 0) == 0; },
        "the exception has the code's name and a message");
    tap::throws<error>([] { (void)libcall::object_ref().find_method(nullptr).value(); },
                       [](const error &e) { return std::string(e.what()) == "E_POINTER: a text is NULL"; },
                       "the message is what the library said");
    tap::is_text(libcall::last_message(E_FAIL), "", "a message of another code is not taken for this one's");
#if defined(__cpp_lib_expected)
    std::expected<std::uint64_t, hresult> expected = result<std::uint64_t>(std::uint64_t{9}),
                                          failed = result<std::uint64_t>(hresult(E_FAIL));
    tap::ok(expected == 9u && !failed && failed.error() == E_FAIL, "a result becomes a std::expected");
#else
    tap::skip("there is no std::expected", "a result becomes a std::expected");
#endif
}

static void times()
{
    tap::is_number(timeout(1us).milliseconds(), 1, "a part of a millisecond is one");
    tap::is_number(timeout(1500us).milliseconds(), 2, "time is rounded up");
    tap::is_number(timeout(-5s).milliseconds(), 0, "negative time is none");
    tap::is_number(timeout(std::chrono::hours::max()).milliseconds(), CALL_INFINITE - 1,
                   "a very long time is the longest that fits");
    tap::is_number(timeout(std::chrono::milliseconds(0xFFFFFFFF)).milliseconds(), CALL_INFINITE - 1,
                   "and never infinite by chance");
    tap::is_number(timeout(libcall::infinite).milliseconds(), CALL_INFINITE, "infinite is");
    tap::is_number(timeout(std::chrono::duration<double>(0.0015)).milliseconds(), 2, "floating point is rounded up");
    tap::is_number(timeout(std::chrono::duration<double>(std::nan(""))).milliseconds(), 0,
                   "what is no number is no time");
    tap::is_number(timeout(std::chrono::duration<float>(std::numeric_limits<float>::infinity())).milliseconds(),
                   CALL_INFINITE - 1, "an infinite number is the longest that fits");
    tap::is_number(libcall::grace(2min).seconds(), 120, "a grace period is in seconds");
    tap::is_number(libcall::grace(std::chrono::hours::max()).seconds(), CALL_INFINITE - 1, "the longest that fits");
    tap::is_number(libcall::grace(-1h).seconds(), 0, "or none");
}

static void inputs()
{
    struct pair {
        std::uint32_t a, b;
    } plain{1, 2};
    std::vector<std::uint16_t> numbers{1, 2, 3};
    std::array<char, 4> room{};
    tap::is_number(libcall::as_bytes("text").size(), 4, "text is without its NUL");
    tap::is_number(libcall::as_bytes(std::string("a\0b", 3)).size(), 3, "a string has all its bytes");
    tap::is_number(libcall::as_bytes(numbers).size(), 6, "a vector is its contents");
    tap::is_number(libcall::as_bytes(plain).size(), 8, "a plain value is its bytes");
    tap::is_number(libcall::as_bytes(plain).as<pair>()->b, 2, "and comes back");
    tap::ok(!libcall::as_bytes(plain).as<std::uint32_t>(), "but not as another size");
    tap::is_number(libcall::writable_bytes(room).size(), 4, "an array is room");
#if defined(__cpp_lib_span)
    std::span<const std::uint16_t> two(numbers.data(), 2);
    libcall::bytes of_two = libcall::as_bytes(two);
    std::span<const std::byte> seen = of_two;
    tap::is_number(seen.size(), 4, "a span is its contents, and bytes are a span");
    std::span<std::byte> writable = libcall::writable_bytes(room).span();
    tap::ok(static_cast<void *>(writable.data()) == room.data(), "room is a span");
#endif
}

int main()
{
    results();
    times();
    inputs();
    return tap::end();
}
