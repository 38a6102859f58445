// The tables: which figure stands beside which limit, and what was promised.
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
    // A figure of one of the job's limits, or none; its share is the limit.
    const char *limit;
    double share;
    Bound bound;
    double target;
    const char *unit;
};
const std::vector<Row> &rows();

// What the whole is about.
const char *title();

// One column of a table that has a line for each contender.
struct Column {
    const char *title;
    const char *setting;
    const char *figure;
    // None: the figure. Else the ratio to this share of the limit.
    const char *limit = nullptr;
    double share = 1;
};
struct Table {
    const char *title;
    const char *remark;
    std::vector<Column> columns;
};
const std::vector<Table> &tables();

// Limits that are shown and not judged by, with what they are.
struct Step {
    const char *figure;
    const char *title;
};
const std::vector<Step> &steps();

// What a reader must know of a row's conditions.
const std::vector<const char *> &remarks();

} // namespace bench
