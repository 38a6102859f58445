// What the figures come to: a table for people, a file for programs.
#pragma once

#include "runner.hpp"

#include <string>

namespace bench {

struct Conditions {
    unsigned rounds;
    bool is_quick;
    std::string kernel;
    std::string processor;
    std::size_t cpus;
    // Of the last minute, before and after.
    double load_before, load_after;
};

// Conditions of this machine, now; `load_after` is to be set at the end.
Conditions describe(unsigned rounds, bool is_quick);
double load();

void print_markdown(const Conditions &conditions, const Results &results);
// Ends the process if the file cannot be written.
void write_json(const std::string &path, const Conditions &conditions, const Results &results);

} // namespace bench
