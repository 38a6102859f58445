#include "report.hpp"

#include "flat.hpp"
#include "verdict.hpp"

#include <cstdio>
#include <fstream>

namespace bench {

namespace {

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
    const char *const bounds[] = {"ratio", "figure", "none"};
    std::string out = "{\"title\": " + quoted(row.title) + ", \"job\": " + quoted(row.job);
    out += ", \"figure\": " + quoted(row.figure) + ", \"unit\": " + quoted(row.unit);
    out += ", \"limit\": " + quoted(row.limit == nullptr ? "" : row.limit) + ", \"share\": " + list({row.share});
    out += ", \"figures\": " + list(verdict.figures) + ", \"limits\": " + list(verdict.limits);
    out += ", \"ratios\": " + list(verdict.ratios) + ", \"bound\": " + quoted(bounds[static_cast<int>(row.bound)]);
    out += ", \"target\": " + list({row.target});
    out += ", \"is_met\": " + std::string(!verdict.of_target ? "null" : *verdict.of_target <= 1 ? "true" : "false");
    return out + "}";
}

std::string json(const Conditions &conditions) {
    char numbers[160];
    std::snprintf(numbers, sizeof numbers,
                  "\"cpus\": %zu, \"rounds\": %u, \"seconds\": %.0f, \"quick\": %s, \"load\": [%.2f,%.2f]",
                  conditions.cpus, conditions.rounds, conditions.seconds, conditions.is_quick ? "true" : "false",
                  conditions.load_before, conditions.load_after);
    return "\"kernel\": " + quoted(conditions.kernel) + ", \"processor\": " + quoted(conditions.processor) + ", " +
           numbers;
}

std::string json(const Contender &contender) {
    return "{\"name\": " + quoted(contender.name) + ", \"title\": " + quoted(contender.title) +
           ", \"version\": " + quoted(contender.version) + "}";
}

// The parts of a list, each on a line.
template <class All, class Write> void write_list(std::ofstream &file, const All &all, Write write) {
    bool is_first = true;
    file << "[";
    for (const auto &each : all) {
        if (const std::string text = write(each); !text.empty()) {
            file << (is_first ? "\n    " : ",\n    ") << text;
            is_first = false;
        }
    }
    file << "\n  ]";
}

} // namespace

void write_json(const std::string &path, const Conditions &conditions, const Results &results) {
    std::ofstream file(path);
    file << "{\n  \"conditions\": {" << json(conditions) << "},\n  \"contenders\": ";
    write_list(file, contenders(), [](const Contender &contender) { return json(contender); });
    file << ",\n  \"rows\": ";
    write_list(file, rows(), [&](const Row &row) {
        const auto verdict = judge(row, results);
        return verdict ? json(row, *verdict) : std::string();
    });
    file << ",\n  \"depths\": ";
    write_list(file, depths(), [](const Depth &depth) {
        return "{\"pending\": " + std::to_string(depth.pending) + ", \"job\": " + quoted(depth.job) + "}";
    });
    file << ",\n  \"figures\": " << json(results.figures);
    file << ",\n  \"limits\": " << json(results.limits) << "\n}\n";
    file.close();
    if (!file) {
        fail("cannot write " + path);
    }
}

} // namespace bench
