#include "report.hpp"

#include "rows.hpp"
#include "verdict.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sys/utsname.h>

namespace bench {

namespace {

// Three digits that count; thousands whole and in groups.
std::string number(double value) {
    char text[64];
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
    return number(median(values)) + " (" + number(*least) + "-" + number(*most) + ")";
}

std::string target(const Row &row) {
    char text[64];
    std::snprintf(text, sizeof text, row.bound == Bound::Ratio ? "<= %gx" : "<= %g %s", row.target, row.unit);
    return row.bound == Bound::None ? "-" : text;
}

void print_row(const Row &row, const Results &results) {
    const auto verdict = judge(row, results);
    if (!verdict) {
        std::printf("| %s | not measured | - | - | %s | - |\n", row.title, target(row).c_str());
        return;
    }
    const std::string limit = std::string(row.limit) + (row.share == 0.5 ? " / 2" : "");
    const std::string name = row.limit == std::string(row.figure) ? "packaged_task" : limit;
    std::printf("| %s | %s %s | %s: %s | %.4gx | %s | %s |\n", row.title, cell(verdict->figures).c_str(), row.unit,
                name.c_str(), cell(verdict->limits).c_str(), median(verdict->ratios), target(row).c_str(),
                grade(*verdict).c_str());
}

// The figures of the pool of tasks under load are those that ran as the library's limit.
const std::vector<double> *of_contender(const Results &results, const std::string &contender, const Side &side) {
    if (contender == "packaged_task" && side.setting == std::string("crowded")) {
        return find(results.limits, "libcall/crowded", side.figure);
    }
    return find(results.figures, contender + "/" + side.setting, side.figure);
}

void print_contenders(const Results &results) {
    std::printf("\n## Beside others\n\n"
                "Nanoseconds unless said otherwise; one worker each. For orientation: only the table above has limits "
                "of the same round. With libuv the memory of a call is the caller's, and "
                "finishing turns the caller's event loop.\n\n|  |");
    std::string line = "|---|";
    for (const std::string &contender : contenders()) {
        std::printf(" %s |", contender.c_str());
        line += "---|";
    }
    std::printf("\n%s\n", line.c_str());
    for (const Side &side : sides()) {
        std::printf("| %s |", side.title);
        for (const std::string &contender : contenders()) {
            const auto *values = of_contender(results, contender, side);
            std::printf(" %s |", values == nullptr ? "-" : cell(*values).c_str());
        }
        std::printf("\n");
    }
}

void print_limits(const Results &results) {
    std::printf("\n## Limits of this run\n\nNanoseconds unless said otherwise, over all rounds.\n\n"
                "| limit | |\n|---|---|\n");
    FiguresByName pooled;
    for (const auto &[job, figures] : results.limits) {
        for (const auto &[name, values] : figures) {
            // The same names under load are no limits of the machine.
            if (job != "libcall/crowded") {
                pooled[name].insert(pooled[name].end(), values.begin(), values.end());
            }
        }
    }
    for (const auto &[name, values] : pooled) {
        std::printf("| %s%s | %s |\n", name.c_str(), name == "malloc_128" ? ", B" : "", cell(values).c_str());
    }
}

std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
}

std::string list(const std::vector<double> &values) {
    std::string out = "[";
    for (const double value : values) {
        char text[32];
        std::snprintf(text, sizeof text, "%s%.6g", out.size() > 1 ? "," : "", value);
        out += text;
    }
    return out + "]";
}

std::string json(const std::map<std::string, FiguresByName> &all) {
    std::string out = "{";
    for (const auto &[job, figures] : all) {
        out += (out.size() > 1 ? ",\n    " : "\n    ") + quoted(job) + ": {";
        bool is_first = true;
        for (const auto &[name, values] : figures) {
            out += (is_first ? "" : ", ") + quoted(name) + ": " + list(values);
            is_first = false;
        }
        out += "}";
    }
    return out + "\n  }";
}

std::string json(const Row &row, const Verdict &verdict) {
    std::string out = "{\"title\": " + quoted(row.title) + ", \"job\": " + quoted(row.job);
    out += ", \"figure\": " + quoted(row.figure) + ", \"unit\": " + quoted(row.unit);
    out += ", \"figures\": " + list(verdict.figures) + ", \"limits\": " + list(verdict.limits);
    out += ", \"ratios\": " + list(verdict.ratios) + ", \"target\": " + quoted(target(row));
    if (verdict.of_target) {
        out += ", \"of_target\": " + list({*verdict.of_target});
    }
    return out + ", \"grade\": " + quoted(grade(verdict)) + "}";
}

std::string json(const Conditions &conditions) {
    char numbers[160];
    std::snprintf(numbers, sizeof numbers, "\"cpus\": %zu, \"rounds\": %u, \"quick\": %s, \"load\": [%.2f,%.2f]",
                  conditions.cpus, conditions.rounds, conditions.is_quick ? "true" : "false", conditions.load_before,
                  conditions.load_after);
    return "\"kernel\": " + quoted(conditions.kernel) + ", \"processor\": " + quoted(conditions.processor) + ", " +
           numbers;
}

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
    return {rounds, is_quick, kernel, processor(), cpus().all.size(), load(), 0};
}

void print_markdown(const Conditions &conditions, const Results &results) {
    std::printf("# Calls within a process\n\n%s, %s, %zu CPUs; %u rounds; load before %.2f, after %.2f.%s\n\n",
                conditions.kernel.c_str(), conditions.processor.c_str(), conditions.cpus, conditions.rounds,
                conditions.load_before, conditions.load_after,
                conditions.is_quick ? " A quick run: too few rounds to judge by." : "");
    std::printf("| measurement | figure | limit | ratio | target | within |\n|---|---|---|---|---|---|\n");
    for (const Row &row : rows()) {
        print_row(row, results);
    }
    std::printf("\n");
    for (const char *remark : remarks()) {
        std::printf("- %s\n", remark);
    }
    print_contenders(results);
    print_limits(results);
}

void write_json(const std::string &path, const Conditions &conditions, const Results &results) {
    std::ofstream file(path);
    file << "{\n  \"conditions\": {" << json(conditions) << "},\n  \"rows\": [";
    bool is_first = true;
    for (const Row &row : rows()) {
        if (const auto verdict = judge(row, results)) {
            file << (is_first ? "\n    " : ",\n    ") << json(row, *verdict);
            is_first = false;
        }
    }
    file << "\n  ],\n  \"figures\": " << json(results.figures);
    file << ",\n  \"limits\": " << json(results.limits) << "\n}\n";
    file.close();
    if (!file) {
        fail("cannot write " + path);
    }
}

} // namespace bench
