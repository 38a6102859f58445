// Runs jobs in rounds, each in a process of its own, and keeps their figures.
#pragma once

#include "jobs.hpp"

#include <map>
#include <string>
#include <vector>

namespace bench {

// By name, the value of each round.
using FiguresByName = std::map<std::string, std::vector<double>>;

struct Results {
    // Of each job, and of the limits that ran before it.
    std::map<std::string, FiguresByName> figures;
    std::map<std::string, FiguresByName> limits;
    std::vector<std::string> skipped;
};

Results run_rounds(unsigned rounds);

} // namespace bench
