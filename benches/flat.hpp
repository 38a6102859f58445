// The library by itself: with how many pending a call costs what, and what it costs when nothing is to
// be done.
#pragma once

#include "jobs.hpp"

namespace bench {

// How many are pending, and the job that has them.
struct Depth {
    std::size_t pending;
    const char *job;
};
const std::vector<Depth> &depths();

// For each depth: begin, finish; serve: a call, by the worker; cancel: of a call that waits among the
// others; create: with the memory of the first begin; pending, complete: bytes a call.
void add_flat(std::vector<Job> &all);

// idle: processor time in seconds of waiting, four apartments open, whose threads have all been at work;
// idle_runs: how often they ran.
void idle(Figures &figures);

} // namespace bench
