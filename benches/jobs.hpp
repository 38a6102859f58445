// What is measured: each job in a process of its own, with its limits right before it.
#pragma once

#include "measure.hpp"

#include <string>
#include <vector>

namespace bench {

struct Job {
    // "contender/setting"; limits have no contender.
    std::string name;
    void (*run)(Figures &figures);
    // What its figures are compared with.
    std::vector<std::string> limits = {};
    bool needs_two_cpus = true;
    // With a busy loop on every CPU, while it and its limits run.
    bool is_crowded = false;
};

// What others name as their limits.
const std::vector<Job> &limit_jobs();
// What a round runs.
const std::vector<Job> &jobs();

// The contenders that this program was built with.
const std::vector<std::string> &contenders();

} // namespace bench
