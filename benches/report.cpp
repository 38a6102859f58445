#include "report.hpp"

#include "flat.hpp"
#include "format.hpp"
#include "verdict.hpp"

#include <algorithm>
#include <cstdio>

namespace bench {

namespace {

void line_of(std::size_t columns) {
    std::printf("|");
    for (std::size_t i = 0; i < columns; i++) {
        std::printf("---|");
    }
    std::printf("\n");
}

std::string target(const Row &row) {
    char text[64];
    std::snprintf(text, sizeof text, row.bound == Bound::Ratio ? "<= %gx" : "<= %.10g %s", row.target, row.unit);
    return row.bound == Bound::None ? "-" : row.target == 0 ? "none" : text;
}

std::string limit_of(const Row &row, const Verdict &verdict) {
    if (row.limit == nullptr) {
        return "-";
    }
    // Under load the limit has the same name, and is that of another contender.
    const std::string name = row.limit == std::string(row.figure) ? "packaged_task" : row.limit;
    return name + (row.share == 0.5 ? " / 2: " : ": ") + cell(verdict.limits);
}

void print_row(const Row &row, const Results &results) {
    const auto verdict = judge(row, results);
    if (!verdict) {
        std::printf("| %s | not measured | - | - | %s | - |\n", row.title, target(row).c_str());
        return;
    }
    std::printf("| %s | %s %s | %s | %s | %s | %s |\n", row.title, cell(verdict->figures).c_str(), row.unit,
                limit_of(row, *verdict).c_str(), verdict->ratios.empty() ? "-" : times(median(verdict->ratios)).c_str(),
                target(row).c_str(), grade(*verdict).c_str());
}

void print_targets(const Results &results) {
    std::printf("| measurement | figure | limit | ratio | target | |\n");
    line_of(6);
    std::size_t promised = 0;
    std::size_t met = 0;
    for (const Row &row : rows()) {
        print_row(row, results);
        const auto verdict = judge(row, results);
        promised += row.bound != Bound::None;
        met += verdict && verdict->of_target && *verdict->of_target <= 1;
    }
    std::printf("\n%zu of %zu targets are met.\n\n", met, promised);
    for (const char *remark : remarks()) {
        std::printf("- %s\n", remark);
    }
}

std::string field(const Results &results, const std::string &contender, const Column &column) {
    const std::string job = contender + "/" + column.setting;
    if (column.limit != nullptr) {
        const std::vector<double> all = ratios(results, job, column.figure, column.limit, column.share);
        return all.empty() ? "-" : times(median(all));
    }
    const auto *values = find(results.figures, job, column.figure);
    return values == nullptr ? "-" : cell(*values);
}

void print_table(const Table &table, const Results &results) {
    std::printf("\n## %s\n\n%s\n\n| |", table.title, table.remark);
    for (const Column &column : table.columns) {
        std::printf(" %s |", column.title);
    }
    std::printf("\n");
    line_of(table.columns.size() + 1);
    for (const Contender &contender : contenders()) {
        std::vector<std::string> fields;
        for (const Column &column : table.columns) {
            fields.push_back(field(results, contender.name, column));
        }
        if (std::all_of(fields.begin(), fields.end(), [](const std::string &each) { return each == "-"; })) {
            continue;
        }
        std::printf("| %s |", contender.title.c_str());
        for (const std::string &each : fields) {
            std::printf(" %s |", each.c_str());
        }
        std::printf("\n");
    }
}

void print_depths(const Results &results) {
    std::printf(
        "\n## From a thousand pending to ten million\n\nlibcall, nanoseconds and bytes a call; in brackets the "
        "ratio to a thousand. First: made and begun, its memory new. Begin, serve, finish: again, one caller, and "
        "one worker behind a gate that opens when all are begun. Cancel: 1,000 of them, spread over the queue.\n\n"
        "| pending | first | begin | serve | finish | cancel | pending, B | complete, B |\n");
    line_of(8);
    const char *const names[] = {"create", "begin", "serve", "finish", "cancel", "pending", "complete"};
    for (const Depth &depth : depths()) {
        std::printf("| %s |", number(static_cast<double>(depth.pending)).c_str());
        for (const char *name : names) {
            const auto *values = find(results.figures, depth.job, name);
            const auto *least = find(results.figures, depths().front().job, name);
            std::printf(values == nullptr || least == nullptr ? " - |" : " %s [%s] |",
                        values == nullptr ? "" : cell(*values).c_str(),
                        values == nullptr || least == nullptr ? "" : times(median(*values) / median(*least)).c_str());
        }
        std::printf("\n");
    }
    if (find(results.figures, depths().back().job, "too_little_memory") != nullptr) {
        std::printf("\nFor ten million there is too little memory on this machine.\n");
    }
}

void print_limits(const Results &results) {
    std::printf("\n## Limits of this run\n\nNanoseconds unless said otherwise, over all rounds.\n\n| limit | |\n");
    line_of(2);
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
    for (const Step &step : steps()) {
        if (const auto *values = find(results.figures, "machine/others", step.figure)) {
            std::printf("| %s | %s |\n", step.title, cell(*values).c_str());
        }
    }
}

void print_contenders() {
    std::printf("\n## Who took part\n\n");
    for (const Contender &contender : contenders()) {
        const std::string is_missing = "**missing**, " + contender.source + " brings it";
        std::printf("- %s: %s\n", contender.title.c_str(),
                    contender.version.empty() ? is_missing.c_str() : contender.version.c_str());
    }
}

} // namespace

void print_markdown(const Conditions &conditions, const Results &results) {
    std::printf("# %s\n\n%s, %s, %zu CPUs; %u rounds in %.0f s; load before %.2f, after %.2f.%s%s\n\n", title(),
                conditions.kernel.c_str(), conditions.processor.c_str(), conditions.cpus, conditions.rounds,
                conditions.seconds, conditions.load_before, conditions.load_after,
                conditions.is_quick ? " A quick run: too few rounds to judge by." : "",
                conditions.load_before > static_cast<double>(conditions.cpus) ? " A busy machine: not to be judged by."
                                                                              : "");
    if (!results.skipped.empty()) {
        std::printf("**One CPU alone:** %zu of %zu measurements need two, and were left out.\n\n",
                    results.skipped.size(), jobs().size());
    }
    print_targets(results);
    for (const Table &table : tables()) {
        print_table(table, results);
    }
    if (!depths().empty()) {
        print_depths(results);
    }
    print_limits(results);
    print_contenders();
}

} // namespace bench
