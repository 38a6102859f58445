// The table: which figure stands beside which limit, and what was promised.
#pragma once

#include <string>
#include <vector>

namespace bench {

// What a target is a bound of.
enum class Bound {
    Ratio,  // of figure to limit
    Figure, // of the figure itself
    None,   // nothing was promised
};

struct Row {
    const char *title;
    const char *job;
    const char *figure;
    // A figure of one of the job's limits; its share is the limit.
    const char *limit;
    double share;
    Bound bound;
    double target;
    const char *unit;
};
const std::vector<Row> &rows();

// One line of the table of all contenders: a setting and a figure of it.
struct Side {
    const char *title;
    const char *setting;
    const char *figure;
};
const std::vector<Side> &sides();

// What a reader must know of a row's conditions.
const std::vector<const char *> &remarks();

} // namespace bench
