// How far calls are apart where both sides shall have gone to sleep before they are needed.
#pragma once

#include <cstddef>

namespace bench {

// Between two calls, and the work of one call. Several times the wake-up of a thread, and so beyond
// any time that spinning instead of sleeping could pay for.
constexpr double APART_GAP_NS = 200'000;
constexpr double APART_WORK_NS = 200'000;
constexpr std::size_t APART_CALLS = 600;

} // namespace bench
