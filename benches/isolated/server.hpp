// The other process of a bench: what it shares with this one, and how it starts and ends.
#pragma once

#include "../stage.hpp"

#include <cstdint>
#include <memory>
#include <new>
#include <sys/types.h>

namespace bench {

// Memory for one `T` that this process shares with those that it forks.
class Pages {
public:
    explicit Pages(std::size_t size);
    ~Pages();
    Pages(const Pages &) = delete;
    Pages &operator=(const Pages &) = delete;
    void *base() const { return base_; }

private:
    std::size_t size_;
    void *base_;
};

template <class T> class Shared {
public:
    Shared() : pages_(sizeof(T)), value_(new (pages_.base()) T) {}
    ~Shared() { value_->~T(); }
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
    T *operator->() const { return value_; }
    T &operator*() const { return *value_; }

private:
    Pages pages_;
    T *value_;
};

// A process that runs a function. It dies with this one, and at the latest when it must hang.
class Other {
public:
    template <class Body> explicit Other(Body body) {
        if (is_other()) {
            body();
            end();
        }
    }
    // Killed, unless it was awaited.
    ~Other();
    Other(const Other &) = delete;
    Other &operator=(const Other &) = delete;
    // Until it has ended by itself, and well.
    void await();
    bool has_ended() const;

private:
    bool is_other();
    [[noreturn]] static void end();

    pid_t pid_ = 0;
};

// What the server of a peer tells its client beside its answers.
struct Board {
    alignas(APART) std::atomic<bool> is_ready{false};
    std::atomic<bool> is_running{false};
    // The stamp at which a body saw its cancel; 0: not yet.
    std::atomic<std::uint64_t> seen{0};

    void reset();
    // Sleeps between looks: threads of this process may need its CPU.
    void await_ready(const Other &server) const;
    void await_running() const;
    std::uint64_t await_seen() const;
};

// A server on the second CPU, if the placement has one.
class Server {
public:
    template <class Serve>
    explicit Server(Serve serve)
        : other_([&] {
              settle();
              serve(*board_);
          }) {
        board_->await_ready(other_);
    }
    Board &board() const { return *board_; }

private:
    static void settle();

    Shared<Board> board_;
    Other other_;
};

// The name of a socket that no file is made for, of this process alone.
std::string socket_name();

// The work of a call, of 64 bytes as in a process; the second word of the result of a `Busy` is how
// long it took. More is given back as it came.
void answer(Work work, const void *in, void *out, std::size_t length);

} // namespace bench
