// What the machine allows two processes.
#pragma once

#include "../measure.hpp"

namespace bench::limits {

// shm_spin, shm_futex_one, shm_futex_apart (_p50, _p99): as within a process, the turn in memory that
// two processes share.
void shared_spin(Figures &figures);
void shared_futex_one(Figures &figures);
void shared_futex_apart(Figures &figures);
// socket_one, socket_two (_p50, _p99): 64 bytes there and back over a unix socket.
void socket_one(Figures &figures);
void socket_two(Figures &figures);
// many_one, many_two: nanoseconds a message over a unix socket with 64 outstanding, a write each;
// many_one_batched, many_two_batched: as much in a write as there is to be written.
void many_one(Figures &figures);
void many_two(Figures &figures);
// bulk_one, bulk_two (_p50): 1 MiB there and back through shared memory, copied into it and out of it by
// both, and a futex; bulk_spin_p50: where both spin.
void bulk_one(Figures &figures);
void bulk_two(Figures &figures);
// wake_p50, _p99: from before the wake-up of another process's futex until that runs.
void wake(Figures &figures);
// spawn_p50: a program that does nothing, from posix_spawn to the end of the wait for it.
void spawn(Figures &figures);

} // namespace bench::limits
