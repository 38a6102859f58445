// A peer: what a C++ program writes when it has no library. std::packaged_task, a mutex, a condition.
#pragma once

#include "stage.hpp"

#include <deque>
#include <future>
#include <thread>

namespace bench {

class TaskPool {
public:
    struct Call {
        std::future<Words> result;
    };

    TaskPool() : worker_([this] { serve(); }) {}
    ~TaskPool() {
        {
            const std::lock_guard<std::mutex> held(mutex_);
            is_over_ = true;
        }
        changed_.notify_one();
        worker_.join();
    }
    TaskPool(const TaskPool &) = delete;
    TaskPool &operator=(const TaskPool &) = delete;

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        Task task = make(work, in);
        call.result = task.get_future();
        {
            const std::lock_guard<std::mutex> held(mutex_);
            tasks_.push_back(std::move(task));
        }
        changed_.notify_one();
    }
    void finish(Call &call, Words &out) { out = call.result.get(); }
    void create_and_destroy() {
        Task task = make(Work::Add, Words{});
        const Call call{task.get_future()};
        keep(call);
    }

private:
    using Task = std::packaged_task<Words()>;

    static Task make(Work work, const Words &in) {
        return Task([work, in] {
            Words out;
            perform(work, in, out);
            return out;
        });
    }
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
    std::thread worker_;
};

} // namespace bench
