/* Coroutines on the main thread, which sleeps in a completion queue while their calls are in progress. C++20. */
#include <array>
#include <call.hpp>
#include <coroutine>
#include <cstdlib>
#include <iostream>
#include <thread>

/* The executor: a coroutine goes on where the queue is read. */
struct on_queue {
    libcall::queue_ref queue;
    void operator()(std::coroutine_handle<> waiting) const
    {
        if (queue.post(reinterpret_cast<std::uintptr_t>(waiting.address())).failed())
            std::abort(); /* out of memory: nobody could resume it */
    }
};

class worker {
public:
    std::uint64_t square(libcall::context, std::uint64_t n) { return n * n; }
    libcall::hresult forever(libcall::context context)
    {
        started_ = true;
        started_.notify_all();
        return context.wait_cancel(libcall::infinite) ? RPC_E_CALL_CANCELED : E_UNEXPECTED;
    }
    void wait_started() const { started_.wait(false); }

    static constexpr libcall::method methods[] = {
        {"square", libcall::run<&worker::square>},
        {"forever", libcall::run<&worker::forever>},
    };

private:
    std::atomic<bool> started_ = false;
};

/* The smallest kind of coroutine; a program has its own. */
struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

static task work(libcall::object_ref object, on_queue executor, std::stop_token token, bool &done)
{
    libcall::awaitable_call call(object, executor);
    for (std::uint64_t n = 3; n <= 4; n++) {
        auto square = co_await call.run<std::uint64_t>(0, n);
        std::cout << n << " * " << n << " = " << square.value() << '\n';
    }
    /* Until somebody stops it; then it has 2 seconds to answer. */
    auto outcome = co_await call.run(1, "", token, std::chrono::seconds(2));
    std::cout << outcome.code().name() << ", fate " << name(outcome.fate()) << '\n';
    done = true;
}

int main()
{
    worker self;
    libcall::object object = libcall::object::refer({}, self).value();
    libcall::queue queue = libcall::queue::create().value();
    std::stop_source source;
    bool done = false;

    work(object, on_queue{queue}, source.get_token(), done);
    std::jthread somebody([&] {
        self.wait_started();
        source.request_stop();
    });
    std::array<call_completion_t, 16> batch;
    while (!done) {
        std::size_t count = queue.next(batch, libcall::infinite).value();
        for (std::size_t i = 0; i < count; i++)
            std::coroutine_handle<>::from_address(reinterpret_cast<void *>(batch[i].tag)).resume();
    }
}
