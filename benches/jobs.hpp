// What is measured: each job in a process of its own, with its limits right before it.
#pragma once

#include "measure.hpp"

#include <string>
#include <vector>

namespace bench {

// For what hardly differs from round to round, and for what is long.
constexpr unsigned FEW_ROUNDS = 3;
constexpr unsigned ONE_ROUND = 1;

struct Job {
    // "contender/setting"; limits have no contender.
    std::string name;
    void (*run)(Figures &figures);
    // What its figures are compared with.
    std::vector<std::string> limits = {};
    bool needs_two_cpus = true;
    // With a busy loop on every CPU, while it and its limits run.
    bool is_crowded = false;
    // In no more rounds than these.
    unsigned rounds = ~0u;
};

// What others name as their limits.
const std::vector<Job> &limit_jobs();
// What a round runs.
const std::vector<Job> &jobs();

struct Contender {
    std::string name;
    std::string title;
    // What it was built with; empty: it is not there.
    std::string version;
    // What brings it.
    std::string source;
};
const std::vector<Contender> &contenders();

} // namespace bench
