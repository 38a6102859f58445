// Peers of the C++ library alone: the pool of tasks, the same with a stop_source for each call, and
// std::async, which has a thread for each.

#include "peers.hpp"
#include "tasks.hpp"

#include <stop_token>

namespace bench {

namespace {

class StopPool {
public:
    struct Call {
        std::future<Words> result;
        std::stop_source source{std::nostopstate};
    };

    explicit StopPool(unsigned workers = 1) : threads_(workers) {}

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        Threads::Task task = make(call, work, in);
        threads_.add(std::move(task));
    }
    void finish(Call &call, Words &out) { out = call.result.get(); }
    void cancel(Call &call) { call.source.request_stop(); }
    // A body that saw the request before it began has left its words empty.
    bool finish_canceled(Call &call) { return call.result.get() == Words{}; }
    void create_and_destroy() {
        Call call;
        Threads::Task task = make(call, Work::Add, Words{});
        keep(task);
    }

private:
    static Threads::Task make(Call &call, Work work, const Words &in) {
        call.source = std::stop_source();
        Threads::Task task([work, in, token = call.source.get_token()] {
            Words out{};
            if (!token.stop_requested()) {
                perform(work, in, out, [&] { return token.stop_requested(); });
            }
            return out;
        });
        call.result = task.get_future();
        return task;
    }

    Threads threads_;
};

class Async {
public:
    static constexpr bool HAS_QUEUE = false;
    static constexpr std::size_t MOST_PENDING = 1'000;

    struct Call {
        std::future<Words> result;
    };

    explicit Async(unsigned = 1) {}
    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.result = std::async(std::launch::async, [work, in] {
            Words out;
            perform(work, in, out);
            return out;
        });
    }
    void finish(Call &call, Words &out) { out = call.result.get(); }
    // Not to be had without its thread.
    void create_and_destroy() {
        Call call;
        Words out;
        begin(call, Work::Add, Words{});
        finish(call, out);
    }
};

} // namespace

void add_tasks(std::vector<Job> &all) { add_contender<TaskPool>(all, "packaged_task"); }
void add_stop(std::vector<Job> &all) { add_contender<StopPool>(all, "stop_source"); }
void add_async(std::vector<Job> &all) { add_contender<Async>(all, "std_async"); }

} // namespace bench
