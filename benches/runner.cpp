#include "runner.hpp"

#include <csignal>
#include <cstdio>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

// A job that takes longer hangs.
constexpr unsigned HANG_S = 60;

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
                for (volatile unsigned i = 0;; i = i + 1) {
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

} // namespace

Results run_rounds(unsigned rounds) {
    Results results;
    // Before the first fork, so that the children find them.
    nanoseconds_per_stamp();
    const bool has_two = cpus().second >= 0;
    for (unsigned round = 0; round < rounds; round++) {
        // Each round starts with another job.
        for (std::size_t i = 0; i < jobs().size(); i++) {
            const Job &job = jobs()[(i + round * 5) % jobs().size()];
            if (job.needs_two_cpus && !has_two) {
                if (round == 0) {
                    results.skipped.push_back(job.name);
                }
                continue;
            }
            run_with_limits(job, results);
        }
        std::fprintf(stderr, "round %u of %u\n", round + 1, rounds);
    }
    return results;
}

} // namespace bench
