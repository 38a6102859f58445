#include "format.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace bench {

std::string number(double value) {
    char text[64];
    if (value == 0) {
        return "0";
    }
    if (std::abs(value) < 99.95) {
        std::snprintf(text, sizeof text, std::abs(value) < 9.995 ? "%.2f" : "%.1f", value);
        return text;
    }
    std::snprintf(text, sizeof text, "%.0f", value);
    std::string grouped = text;
    for (auto at = static_cast<std::ptrdiff_t>(grouped.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
        grouped.insert(static_cast<std::size_t>(at), ",");
    }
    return grouped;
}

std::string cell(const std::vector<double> &values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const std::string middle = number(median(values));
    const std::string spread = number(*least) + "-" + number(*most);
    return spread == middle + "-" + middle ? middle : middle + " (" + spread + ")";
}

std::string times(double ratio) {
    char text[32];
    std::snprintf(text, sizeof text, ratio < 9.9995 ? "%.3fx" : ratio < 99.95 ? "%.1fx" : "%.0fx", ratio);
    return text;
}

} // namespace bench
