// The large call: 1 MiB there, and the same back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

constexpr std::size_t BULK_BYTES = 1 << 20;
constexpr std::size_t BULK_WORDS = BULK_BYTES / sizeof(std::uint64_t);
constexpr std::size_t BULK_CALLS = 300;

} // namespace bench
