/* The end of a wait. */

#ifndef CALL_COM_CLOCK_HPP
#define CALL_COM_CLOCK_HPP

#include <call_com.h>

#include <chrono>

namespace call_com {

class Deadline {
public:
    explicit Deadline(DWORD milliseconds)
        : endless_(milliseconds == CALL_INFINITE), end_(Clock::now() + std::chrono::milliseconds(milliseconds))
    {
    }

    /* In milliseconds, rounded up. */
    DWORD left() const
    {
        if (endless_)
            return CALL_INFINITE;
        auto rest = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
        return rest > 0 ? static_cast<DWORD>(rest) : 0;
    }

private:
    using Clock = std::chrono::steady_clock;
    bool endless_;
    Clock::time_point end_;
};

}

#endif
