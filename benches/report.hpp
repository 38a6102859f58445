// What the figures come to: tables for people, a file for programs.
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
    double seconds;
};

// Conditions of this machine, now; what is known at the end is to be set then.
Conditions describe(unsigned rounds, bool is_quick);
double load();

void print_markdown(const Conditions &conditions, const Results &results);
// Ends the process if the file cannot be written.
void write_json(const std::string &path, const Conditions &conditions, const Results &results);

} // namespace bench
