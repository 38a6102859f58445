// How figures are written for people.
#pragma once

#include "measure.hpp"

#include <string>

namespace bench {

// Three digits that count; thousands whole and in groups.
std::string number(double value);
// Median (min-max).
std::string cell(const std::vector<double> &values);
// "1.052x": enough to see on which side of a target it is.
std::string times(double ratio);

} // namespace bench
