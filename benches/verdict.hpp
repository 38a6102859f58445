// A row of the table, judged.
#pragma once

#include "rows.hpp"
#include "runner.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bench {

struct Verdict {
    std::vector<double> figures, limits, ratios;
    // Figure or ratio as a multiple of the target, the median of the rounds. None: nothing was promised.
    std::optional<double> of_target;
};

// None: the row was not measured on this machine.
std::optional<Verdict> judge(const Row &row, const Results &results);

// "1x", "2x" or "beyond"; "-" where nothing was promised.
std::string grade(const Verdict &verdict);

// The value of each round, or nothing.
const std::vector<double> *find(const std::map<std::string, FiguresByName> &all, const std::string &job,
                                const std::string &figure);

} // namespace bench
