/* std::chrono to the numbers of call.h. */
#ifndef LIBCALL_TIME_HPP
#define LIBCALL_TIME_HPP

#include <call.h>
#include <chrono>
#include <cstdint>
#include <type_traits>

namespace libcall {

struct infinite_t {
    explicit infinite_t() = default;
};
/* No end of a wait. */
inline constexpr infinite_t infinite{};

/* How long a wait or a grace period may be: any duration, rounded up to milliseconds, or infinite. What
 * is below 0 is 0; what does not fit, 49 days, is the longest that fits. */
class timeout {
public:
    constexpr timeout(infinite_t) noexcept : ms_(CALL_INFINITE) {}
    template <class Rep, class Period>
    constexpr timeout(std::chrono::duration<Rep, Period> time) noexcept : ms_(rounded(time))
    {
    }

    constexpr std::uint32_t milliseconds() const noexcept { return ms_; }

private:
    static constexpr std::uint32_t longest = CALL_INFINITE - 1;

    template <class Rep, class Period>
    static constexpr std::uint32_t rounded(std::chrono::duration<Rep, Period> time) noexcept
    {
        if (!(time.count() > 0))
            return 0;
        /* Compared as floating point: nothing overflows. */
        if (std::chrono::duration<double, std::milli>(time).count() >= static_cast<double>(longest))
            return longest;
        return static_cast<std::uint32_t>(
            std::chrono::ceil<std::chrono::duration<std::int64_t, std::milli>>(time).count());
    }

    std::uint32_t ms_;
};

/* The grace period of a cancel that waits: whole seconds, as anything coarser than a second is, or infinite. */
class grace {
public:
    constexpr grace(infinite_t) noexcept : seconds_(CALL_INFINITE) {}
    template <
        class Rep, class Period,
        std::enable_if_t<std::is_convertible_v<std::chrono::duration<Rep, Period>, std::chrono::seconds>, int> = 0>
    constexpr grace(std::chrono::duration<Rep, Period> time) noexcept : seconds_(whole(time))
    {
    }

    constexpr std::uint32_t seconds() const noexcept { return seconds_; }

private:
    static constexpr std::uint32_t longest = CALL_INFINITE - 1;

    template <class Rep, class Period>
    static constexpr std::uint32_t whole(std::chrono::duration<Rep, Period> time) noexcept
    {
        if (!(time.count() > 0))
            return 0;
        if (std::chrono::duration<double>(time).count() >= static_cast<double>(longest))
            return longest;
        return static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::duration<std::int64_t>>(time).count());
    }

    std::uint32_t seconds_;
};

/* How a wait ended. */
enum class wait_status { ready, timeout };

} // namespace libcall

#endif
