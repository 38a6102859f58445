#include "report.hpp"

#include <cstdlib>
#include <fstream>
#include <sys/utsname.h>

namespace bench {

namespace {

std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) == 0) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "unknown processor";
}

} // namespace

double load() {
    double last_minute;
    return getloadavg(&last_minute, 1) == 1 ? last_minute : 0;
}

Conditions describe(unsigned rounds, bool is_quick) {
    utsname names;
    if (uname(&names) != 0) {
        fail("uname");
    }
    const std::string kernel = std::string(names.sysname) + " " + names.release;
    return {rounds, is_quick, kernel, processor(), cpus().all.size(), load(), 0, 0};
}

} // namespace bench
