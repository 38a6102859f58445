// Peers: oneTBB's arenas, with a flag that the caller waits for, and with a group of one task a call.

#include "peers.hpp"

#include <oneapi/tbb.h>

namespace bench {

namespace {

// An arena whose workers are oneTBB's own; the caller takes no place in it.
class Arena {
public:
    explicit Arena(unsigned workers) : allowed_(allow, workers + 1), arena(static_cast<int>(workers), 0) {}

private:
    static constexpr auto allow = tbb::global_control::max_allowed_parallelism;
    tbb::global_control allowed_;

public:
    tbb::task_arena arena;
};

class Enqueue {
public:
    struct Call {
        Work work;
        Words in;
        Words out;
        std::atomic<int> is_complete;
    };

    explicit Enqueue(unsigned workers = 1) : workers_(workers) {}

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.work = work;
        call.in = in;
        call.is_complete.store(0, std::memory_order_relaxed);
        workers_.arena.enqueue([&call] {
            perform(call.work, call.in, call.out);
            call.is_complete.store(1, std::memory_order_release);
            call.is_complete.notify_one();
        });
    }
    void finish(Call &call, Words &out) {
        call.is_complete.wait(0, std::memory_order_acquire);
        out = call.out;
    }
    void create_and_destroy() {
        auto *call = new Call;
        keep(call);
        delete call;
    }

private:
    Arena workers_;
};

class Group {
public:
    struct Call {
        tbb::task_group group;
        Work work;
        Words in;
        Words out;
    };

    explicit Group(unsigned workers = 1) : workers_(workers) {}

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.work = work;
        call.in = in;
        workers_.arena.enqueue(call.group.defer(
            [&call] { perform(call.work, call.in, call.out, [] { return tbb::is_current_task_group_canceling(); }); }));
    }
    void finish(Call &call, Words &out) {
        call.group.wait();
        out = call.out;
    }
    void cancel(Call &call) { call.group.cancel(); }
    bool finish_canceled(Call &call) { return call.group.wait() == tbb::canceled; }
    void create_and_destroy() {
        auto *call = new Call;
        keep(call);
        delete call;
    }

private:
    Arena workers_;
};

} // namespace

void add_tbb(std::vector<Job> &all) {
    add_contender<Enqueue>(all, "tbb_enqueue");
    add_contender<Group>(all, "tbb_group");
}

} // namespace bench
