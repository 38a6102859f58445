#include "limits.hpp"

#include "../pingpong.hpp"
#include "../spacing.hpp"
#include "bulk.hpp"
#include "server.hpp"

#include <cstring>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace bench::limits {

namespace {

void all_of(ssize_t (*step)(int, char *, std::size_t), int descriptor, char *bytes, std::size_t count) {
    while (count > 0) {
        const ssize_t done = step(descriptor, bytes, count);
        if (done <= 0) {
            fail("a socket is broken");
        }
        bytes += done;
        count -= static_cast<std::size_t>(done);
    }
}

ssize_t read_some(int descriptor, char *bytes, std::size_t count) { return read(descriptor, bytes, count); }
ssize_t write_some(int descriptor, char *bytes, std::size_t count) { return write(descriptor, bytes, count); }

// 64 bytes go with the turn. The caller, 0, has the first end.
struct Sockets {
    int ends[2];
    Sockets() {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            fail("socketpair");
        }
    }
    ~Sockets() {
        close(ends[0]);
        close(ends[1]);
    }
    Sockets(const Sockets &) = delete;
    Sockets &operator=(const Sockets &) = delete;
    void give(std::uint32_t to) {
        char message[sizeof(Words)]{};
        all_of(write_some, ends[1 - to], message, sizeof message);
    }
    void take(std::uint32_t mine) {
        char message[sizeof(Words)];
        all_of(read_some, ends[mine], message, sizeof message);
    }
};

// 1 MiB goes with the turn, from the memory of the one to that of the other.
template <class Way> struct Loaded {
    Way way;
    std::array<std::uint64_t, BULK_WORDS> between{};
    // Each process has its own.
    std::vector<std::uint64_t> *own = new std::vector<std::uint64_t>(BULK_WORDS, 1);
    ~Loaded() { delete own; }
    void give(std::uint32_t to) {
        std::memcpy(between.data(), own->data(), BULK_BYTES);
        way.give(to);
    }
    void take(std::uint32_t mine) {
        way.take(mine);
        std::memcpy(own->data(), between.data(), BULK_BYTES);
    }
};

template <class Way> void across(Figures &figures, const std::string &name, const Match &match) {
    pin(match.caller);
    const Shared<Court<Way>> court;
    Other echo([&] { answer(*court, match); });
    std::vector<double> samples = ask(*court, match);
    echo.await();
    figures.put_percentiles(name, samples);
}

constexpr std::uint64_t WINDOW = 64;

void echo_all(int socket, std::uint64_t count, bool is_batched) {
    char bytes[WINDOW * sizeof(Words)];
    for (std::uint64_t left = count * sizeof(Words); left > 0;) {
        const ssize_t got = read(socket, bytes, sizeof bytes);
        if (got <= 0) {
            fail("a socket is broken");
        }
        const auto all = static_cast<std::size_t>(got);
        const std::size_t part = is_batched ? all : sizeof(Words);
        for (std::size_t at = 0; at < all; at += part) {
            all_of(write_some, socket, bytes + at, std::min(part, all - at));
        }
        left -= all;
    }
}

// Sends as many as may be on the way.
void send_up_to(int socket, std::uint64_t count, bool is_batched) {
    char bytes[WINDOW * sizeof(Words)]{};
    const std::uint64_t writes = is_batched ? std::min<std::uint64_t>(count, 1) : count;
    for (std::uint64_t i = 0; i < writes; i++) {
        all_of(write_some, socket, bytes, (is_batched ? count : 1) * sizeof(Words));
    }
}

double many(int server_cpu, bool is_batched) {
    const std::uint64_t count = effort.samples(60'000);
    const Sockets sockets;
    pin(cpus().first);
    Other echo([&] {
        pin(server_cpu);
        echo_all(sockets.ends[1], count, is_batched);
    });
    char bytes[WINDOW * sizeof(Words)];
    std::uint64_t sent = 0;
    const std::uint64_t from = stamp();
    for (std::uint64_t received = 0; received < count * sizeof(Words);) {
        const std::uint64_t room = std::min(WINDOW - (sent - received / sizeof(Words)), count - sent);
        send_up_to(sockets.ends[0], room, is_batched);
        sent += room;
        const ssize_t got = read(sockets.ends[0], bytes, sizeof bytes);
        if (got <= 0) {
            fail("a socket is broken");
        }
        received += static_cast<std::uint64_t>(got);
    }
    const double each = nanoseconds(from, stamp()) / static_cast<double>(count);
    echo.await();
    return each;
}

void many_on(Figures &figures, const std::string &name, int server_cpu) {
    figures.put(name, many(server_cpu, false));
    figures.put(name + "_batched", many(server_cpu, true));
}

Match one(std::size_t turns) { return {cpus().first, cpus().first, effort.samples(turns), 0, 0}; }
Match two(std::size_t turns) { return {cpus().first, cpus().second, effort.samples(turns), 0, 0}; }

// A sleeper that says when it ran.
struct Bell {
    SharedSleeping way;
    alignas(APART) std::atomic<std::uint64_t> ran{0};
};

} // namespace

void shared_spin(Figures &figures) { across<Spinning>(figures, "shm_spin", two(30'000)); }
void shared_futex_one(Figures &figures) { across<SharedSleeping>(figures, "shm_futex_one", one(6'000)); }
void shared_futex_apart(Figures &figures) {
    const Match match{cpus().first, cpus().second, effort.samples(APART_CALLS), APART_GAP_NS, APART_WORK_NS};
    across<SharedSleeping>(figures, "shm_futex_apart", match);
}

void socket_one(Figures &figures) { across<Sockets>(figures, "socket_one", one(6'000)); }
void socket_two(Figures &figures) { across<Sockets>(figures, "socket_two", two(3'000)); }

void many_one(Figures &figures) { many_on(figures, "many_one", cpus().first); }
void many_two(Figures &figures) { many_on(figures, "many_two", cpus().second); }

void bulk_one(Figures &figures) { across<Loaded<SharedSleeping>>(figures, "bulk_one", one(BULK_CALLS)); }
void bulk_two(Figures &figures) {
    across<Loaded<SharedSleeping>>(figures, "bulk_two", two(BULK_CALLS));
    across<Loaded<Spinning>>(figures, "bulk_spin", two(BULK_CALLS));
}

void wake(Figures &figures) {
    const std::size_t count = effort.samples(APART_CALLS);
    pin(cpus().first);
    const Shared<Bell> bell;
    Other sleeper([&] {
        pin(cpus().second);
        for (std::size_t i = 0; i < count; i++) {
            bell->way.take(1);
            const std::uint64_t now = stamp();
            bell->way.turn.store(0, std::memory_order_relaxed);
            bell->ran.store(now, std::memory_order_release);
        }
    });
    std::vector<double> samples;
    for (std::size_t i = 0; i < count; i++) {
        stay_busy(APART_GAP_NS);
        bell->ran.store(0, std::memory_order_relaxed);
        const std::uint64_t from = stamp();
        bell->way.give(1);
        std::uint64_t ran;
        while ((ran = bell->ran.load(std::memory_order_acquire)) == 0) {
            relax();
        }
        samples.push_back(nanoseconds(from, ran));
    }
    sleeper.await();
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count / 10));
    figures.put_percentiles("wake", samples);
}

void spawn(Figures &figures) {
    char program[] = "/bin/true";
    char *const words[] = {program, nullptr};
    std::vector<double> samples;
    for (std::size_t i = 0; i < effort.samples(100); i++) {
        pid_t pid;
        int status;
        const std::uint64_t from = stamp();
        if (posix_spawn(&pid, program, nullptr, nullptr, words, environ) != 0 || waitpid(pid, &status, 0) != pid) {
            fail("posix_spawn");
        }
        samples.push_back(nanoseconds(from, stamp()));
    }
    figures.put("spawn_p50", percentile(samples, 0.5));
}

} // namespace bench::limits
