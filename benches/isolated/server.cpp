#include "server.hpp"

#include <bit>
#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

// As in the runner: what takes longer hangs.
constexpr unsigned HANG_S = 300;

template <class Is> void await(Is is) {
    constexpr unsigned LOOK_EVERY_US = 50;
    while (!is()) {
        usleep(LOOK_EVERY_US);
    }
}

} // namespace

Pages::Pages(std::size_t size)
    : size_(size), base_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (base_ == MAP_FAILED) {
        fail("no shared memory");
    }
}

Pages::~Pages() { munmap(base_, size_); }

bool Other::is_other() {
    // Before the fork, so that both have it.
    nanoseconds_per_stamp();
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) {
        fail("fork");
    }
    if (pid_ == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            fail("the parent of a server is gone");
        }
        alarm(HANG_S);
    }
    return pid_ == 0;
}

void Other::end() { _exit(0); }

void Other::await() {
    int status;
    if (waitpid(pid_, &status, 0) != pid_ || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail("the other process did not end well");
    }
    pid_ = 0;
}

bool Other::has_ended() const {
    siginfo_t what{};
    return waitid(P_PID, static_cast<id_t>(pid_), &what, WEXITED | WNOHANG | WNOWAIT) != 0 || what.si_pid != 0;
}

Other::~Other() {
    if (pid_ != 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
}

void Board::reset() {
    is_running.store(false, std::memory_order_relaxed);
    seen.store(0, std::memory_order_relaxed);
}

void Board::await_ready(const Other &server) const {
    await([&] {
        if (server.has_ended()) {
            fail("a server has ended before it was ready");
        }
        return is_ready.load(std::memory_order_acquire);
    });
}

void Board::await_running() const {
    await([this] { return is_running.load(std::memory_order_acquire); });
}

std::uint64_t Board::await_seen() const {
    await([this] { return seen.load(std::memory_order_acquire) != 0; });
    return seen.load(std::memory_order_acquire);
}

void Server::settle() {
    if (stage.worker_cpu >= 0) {
        pin(stage.worker_cpu);
    }
}

std::string socket_name() { return "unix-abstract:libcall-bench-" + std::to_string(getpid()); }

void answer(Work work, const void *in, void *out, std::size_t length) {
    Words given;
    if (length != sizeof given) {
        std::memcpy(out, in, length);
        return;
    }
    Words result;
    std::memcpy(given.data(), in, sizeof given);
    perform(work, given, result);
    if (work == Work::Busy) {
        result[1] = std::bit_cast<std::uint64_t>(stage.busy_ns);
    }
    std::memcpy(out, result.data(), sizeof result);
}

} // namespace bench
