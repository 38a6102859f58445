// The library beside the machine's limits and beside others, in one run.
//   bench [--quick] [--rounds N] [--json FILE]
//   bench [--quick] --job NAME      one job in this process, for a profiler; its figures as they are

#include "report.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace {

struct Options {
    unsigned rounds = 0;
    bool is_quick = false;
    std::string json;
    std::string job;
};

[[noreturn]] void usage() {
    std::fprintf(stderr, "usage: bench [--quick] [--rounds N] [--json FILE] [--job NAME]\n");
    std::exit(2);
}

Options parse(int count, char **words) {
    Options options;
    for (int i = 1; i < count; i++) {
        const bool has_value = i + 1 < count;
        if (std::strcmp(words[i], "--quick") == 0) {
            options.is_quick = true;
        } else if (std::strcmp(words[i], "--rounds") == 0 && has_value) {
            options.rounds = static_cast<unsigned>(std::strtoul(words[++i], nullptr, 10));
        } else if (std::strcmp(words[i], "--json") == 0 && has_value) {
            options.json = words[++i];
        } else if (std::strcmp(words[i], "--job") == 0 && has_value) {
            options.job = words[++i];
        } else {
            usage();
        }
    }
    if (options.rounds == 0) {
        options.rounds = options.is_quick ? 2 : 5;
    }
    return options;
}

[[noreturn]] void run_alone(const std::string &name) {
    bench::Figures figures(STDOUT_FILENO);
    std::string names;
    for (const std::vector<bench::Job> *all : {&bench::jobs(), &bench::limit_jobs()}) {
        for (const bench::Job &job : *all) {
            if (job.name == name) {
                job.run(figures);
                // As in the runner: not every contender can end its worker.
                _exit(0);
            }
            names += " " + job.name;
        }
    }
    bench::fail("no job " + name + "; there are" + names);
}

} // namespace

int main(int count, char **words) {
    const Options options = parse(count, words);
    bench::effort.divisor = options.is_quick ? 4 : 1;
    if (!options.job.empty()) {
        run_alone(options.job);
    }
    bench::Conditions conditions = bench::describe(options.rounds, options.is_quick);
    if (bench::cpus().second < 0) {
        std::fprintf(stderr, "bench: there is one CPU; what needs two is left out\n");
    }
    const std::uint64_t from = bench::stamp();
    const bench::Results results = bench::run_rounds(options.rounds);
    conditions.seconds = bench::nanoseconds(from, bench::stamp()) / 1e9;
    conditions.load_after = bench::load();
    bench::print_markdown(conditions, results);
    if (!options.json.empty()) {
        bench::write_json(options.json, conditions, results);
    }
    return 0;
}
