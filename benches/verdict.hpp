// A row of the table, judged.
#pragma once

#include "rows.hpp"
#include "runner.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bench {

struct Verdict {
    // Without a limit, the last two are empty.
    std::vector<double> figures, limits, ratios;
    // Figure or ratio as a multiple of the target, the median of the rounds. None: nothing was promised.
    std::optional<double> of_target;
};

// None: the row was not measured on this machine.
std::optional<Verdict> judge(const Row &row, const Results &results);

// "met", or "not met" and how far away; "-" where nothing was promised.
std::string grade(const Verdict &verdict);

// The value of each round, or nothing.
const std::vector<double> *find(const std::map<std::string, FiguresByName> &all, const std::string &job,
                                const std::string &figure);
// The ratio of each round to a share of the limit that ran before, or nothing.
std::vector<double> ratios(const Results &results, const std::string &job, const char *figure, const char *limit,
                           double share);

} // namespace bench
