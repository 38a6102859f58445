#include "runner.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

// A job that takes longer hangs.
constexpr unsigned HANG_S = 300;

// Forks a process that dies with this one. True in the child.
bool is_child(pid_t &pid) {
    std::fflush(nullptr);
    pid = fork();
    if (pid < 0) {
        fail("fork");
    }
    if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        fail("prctl");
    }
    return pid == 0;
}

struct Pipe {
    int ends[2];
    Pipe() {
        if (pipe(ends) != 0) {
            fail("pipe");
        }
    }
};

std::string read_all(int descriptor) {
    std::string all;
    char part[4096];
    ssize_t count;
    while ((count = read(descriptor, part, sizeof part)) > 0) {
        all.append(part, static_cast<std::size_t>(count));
    }
    close(descriptor);
    return all;
}

std::map<std::string, double> run(const Job &job) {
    Pipe out;
    pid_t pid;
    if (is_child(pid)) {
        close(out.ends[0]);
        alarm(HANG_S);
        Figures figures(out.ends[1]);
        job.run(figures);
        // The workers of some contenders cannot be told to end.
        _exit(0);
    }
    close(out.ends[1]);
    std::istringstream lines(read_all(out.ends[0]));
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail(job.name + " did not end well");
    }
    std::map<std::string, double> figures;
    std::string name;
    for (double value; lines >> name >> value;) {
        figures[name] = value;
    }
    return figures;
}

// A process with a busy loop on every CPU that this one may use, for as long as it lives.
class Crowd {
public:
    Crowd() {
        Pipe ready;
        for (const int cpu : cpus().all) {
            pid_t pid;
            if (is_child(pid)) {
                close(ready.ends[0]);
                pin(cpu);
                close(ready.ends[1]);
                for (std::uint64_t i = 0;; i++) {
                    keep(i);
                }
            }
            members_.push_back(pid);
        }
        close(ready.ends[1]);
        // The end of the file: all of them are at their CPUs.
        read_all(ready.ends[0]);
    }
    ~Crowd() {
        for (const pid_t pid : members_) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
    }
    Crowd(const Crowd &) = delete;
    Crowd &operator=(const Crowd &) = delete;

private:
    std::vector<pid_t> members_;
};

const Job &limit_job(const std::string &name) {
    for (const Job &job : limit_jobs()) {
        if (job.name == name) {
            return job;
        }
    }
    fail("no such limit: " + name);
}

void add(FiguresByName &all, const std::map<std::string, double> &round) {
    for (const auto &[name, value] : round) {
        all[name].push_back(value);
    }
}

void run_with_limits(const Job &job, Results &results) {
    const auto both = [&] {
        for (const std::string &limit : job.limits) {
            add(results.limits[job.name], run(limit_job(limit)));
        }
        add(results.figures[job.name], run(job));
    };
    if (job.is_crowded) {
        const Crowd crowd;
        both();
    } else {
        both();
    }
}

// On a terminal the line is written anew for each job; elsewhere a line comes from time to time.
class Progress {
public:
    Progress(unsigned rounds, std::size_t all) : rounds_(rounds), all_(all) {}
    void job(unsigned round, const std::string &name) {
        const double now = nanoseconds(start_, stamp());
        if (is_terminal_ || now - told_ > 30e9) {
            told_ = now;
            std::fprintf(stderr, "%sround %u of %u, %s, %s%s", start_of_line(), round + 1, rounds_, left().c_str(),
                         name.c_str(), is_terminal_ ? "" : "\n");
        }
        done_++;
    }
    void round(unsigned round) {
        std::fprintf(stderr, "%sround %u of %u is done, %s\n", start_of_line(), round + 1, rounds_, left().c_str());
    }

private:
    const char *start_of_line() const { return is_terminal_ ? "\r\33[K" : ""; }
    // By what the jobs took so far; the first round has some that the others have not.
    std::string left() const {
        if (done_ == 0) {
            return "no job is done";
        }
        const double so_far = nanoseconds(start_, stamp()) / 1e9;
        const double to_come = so_far / static_cast<double>(done_) * static_cast<double>(all_ - done_);
        return "about " + std::to_string(static_cast<int>(to_come)) + " s to go";
    }

    unsigned rounds_;
    std::size_t all_;
    std::size_t done_ = 0;
    std::uint64_t start_ = stamp();
    double told_ = 0;
    bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

} // namespace

Results run_rounds(unsigned rounds) {
    Results results;
    // Before the first fork, so that the children find them.
    nanoseconds_per_stamp();
    std::vector<Job> all;
    std::size_t count = 0;
    for (const Job &job : jobs()) {
        if (job.needs_two_cpus && cpus().second < 0) {
            results.skipped.push_back(job.name);
        } else {
            all.push_back(job);
            count += std::min(job.rounds, rounds);
        }
    }
    Progress progress(rounds, count);
    for (unsigned round = 0; round < rounds; round++) {
        // Each round starts with another job.
        for (std::size_t i = 0; i < all.size(); i++) {
            const Job &job = all[(i + round * 5) % all.size()];
            if (round < job.rounds) {
                progress.job(round, job.name);
                run_with_limits(job, results);
            }
        }
        progress.round(round);
    }
    return results;
}

} // namespace bench
