// A peer: what a C++ program writes when it has no library. std::packaged_task, a mutex, a condition.
#pragma once

#include "../stage.hpp"

#include <deque>
#include <future>
#include <thread>

namespace bench {

// A queue of tasks and the threads that serve it.
class Threads {
public:
    using Task = std::packaged_task<Words()>;

    explicit Threads(unsigned workers) {
        for (unsigned i = 0; i < workers; i++) {
            workers_.emplace_back([this] { serve(); });
        }
    }
    ~Threads() {
        {
            const std::lock_guard<std::mutex> held(mutex_);
            is_over_ = true;
        }
        changed_.notify_all();
        for (std::thread &worker : workers_) {
            worker.join();
        }
    }
    Threads(const Threads &) = delete;
    Threads &operator=(const Threads &) = delete;

    void add(Task &&task) {
        {
            const std::lock_guard<std::mutex> held(mutex_);
            tasks_.push_back(std::move(task));
        }
        changed_.notify_one();
    }

private:
    void serve() {
        for (;;) {
            std::unique_lock<std::mutex> held(mutex_);
            changed_.wait(held, [this] { return is_over_ || !tasks_.empty(); });
            if (tasks_.empty()) {
                return;
            }
            Task task = std::move(tasks_.front());
            tasks_.pop_front();
            held.unlock();
            task();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;
    bool is_over_ = false;
    std::vector<std::thread> workers_;
};

class TaskPool {
public:
    struct Call {
        std::future<Words> result;
    };

    explicit TaskPool(unsigned workers = 1) : threads_(workers) {}

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        Threads::Task task = make(work, in);
        call.result = task.get_future();
        threads_.add(std::move(task));
    }
    void finish(Call &call, Words &out) { out = call.result.get(); }
    void create_and_destroy() {
        Threads::Task task = make(Work::Add, Words{});
        const Call call{task.get_future()};
        keep(call);
    }

private:
    static Threads::Task make(Work work, const Words &in) {
        return Threads::Task([work, in] {
            Words out;
            perform(work, in, out);
            return out;
        });
    }

    Threads threads_;
};

} // namespace bench
