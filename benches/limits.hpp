// What the machine allows: no call can be faster than these.
#pragma once

#include "measure.hpp"

namespace bench::limits {

// spin_p50, spin_p99: two threads on two CPUs hand a cache line to and fro.
void spin(Figures &figures);
// futex_one_p50, _p99: the same with a futex, both threads on one CPU.
void futex_one(Figures &figures);
// futex_apart_p50, _p99: on two CPUs, and each side works so long between the turns that the other
// one surely sleeps; that work is taken off.
void futex_apart(Figures &figures);
// ring_64, ring_1024: a ring of 64-byte slots there and one back, with so many on the way; the best of
// several attempts.
void ring(Figures &figures);
// malloc_free: a block of 192 bytes; cas: a word of one's own; empty_call: a function of a shared library.
void malloc_free(Figures &figures);
void cas(Figures &figures);
void empty_call(Figures &figures);
// malloc_128: resident bytes of one of a million blocks of 128 bytes, with the pointer to it.
void memory(Figures &figures);
// sleep_burnt: processor time of a sleep of a millisecond, as between the calls of a steady pace.
void sleep(Figures &figures);
// For orientation, no row has them as its limit. futex_two, condition_one, condition_two, eventfd_one, and
// blind spinning for 20 us before a sleep, also with yields: blind_spin_two, _one, spin_yield_two, _one;
// load, memcpy_64, mutex, clock_gettime, stamp, syscall, wake_nobody, wake_one, thread: single steps.
void others(Figures &figures);

} // namespace bench::limits
