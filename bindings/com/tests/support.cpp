#include "support.hpp"

#include <atomic>
#include <memory>

namespace {

std::atomic<unsigned> checks{0};

}

bool is(bool holds, const char *name)
{
    checks++;
    return ok(holds, "[COM] %s", name);
}

bool is_hr(HRESULT got, HRESULT expected, const char *name)
{
    checks++;
    return ok_hr(got, expected, "[COM] %s", name);
}

bool is_number(uint64_t got, uint64_t expected, const char *name)
{
    checks++;
    return ok_u64(got, expected, "[COM] %s", name);
}

bool is_fate(call_fate_t got, call_fate_t expected, const char *name)
{
    checks++;
    return ok_fate(got, expected, "[COM] %s", name);
}

int checked()
{
    diag("COM: %u checks", checks.load());
    return done_testing();
}

void need(HRESULT hr, const char *what)
{
    if (hr != S_OK)
        bail_out("%s gave 0x%08x", what, static_cast<unsigned>(hr));
}

void Gate::open()
{
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    opened_.notify_all();
}

void Gate::wait(unsigned seconds)
{
    std::unique_lock<std::mutex> lock(mutex_);
    if (!opened_.wait_for(lock, std::chrono::seconds(seconds), [&] { return open_; }))
        bail_out("a gate was not opened within %u s", seconds);
}

bool Gate::is_open()
{
    std::lock_guard<std::mutex> lock(mutex_);
    return open_;
}

/* What comes to the queue is the work; while it waits for that, its apartment is served. */
Worker::Worker(DWORD threading)
{
    NEED(call_queue_create(&queue_));
    thread_ = std::thread([this, threading] { live(threading); });
    ready_.wait();
}

void Worker::live(DWORD threading)
{
    NEED(CoInitializeEx(nullptr, threading));
    (void)call_com_get_apartment(&apartment_);
    ready_.open();
    call_completion_t next;
    size_t count = 0;
    while (call_queue_next(queue_, &next, 1, CALL_INFINITE, &count) == S_OK && next.tag != 0) {
        std::unique_ptr<std::function<void()>> work(reinterpret_cast<std::function<void()> *>(next.tag));
        (*work)();
    }
    CoUninitialize();
}

Worker::~Worker()
{
    call_queue_post(queue_, 0);
    thread_.join();
    call_queue_release(queue_);
}

void Worker::start(std::function<void()> work)
{
    NEED(call_queue_post(queue_, reinterpret_cast<uint64_t>(new std::function<void()>(std::move(work)))));
}

void Worker::run(std::function<void()> work)
{
    auto done = std::make_shared<Gate>();
    start([&work, done] {
        work();
        done->open();
    });
    done->wait();
}

Thread::Thread(std::function<void()> work, unsigned seconds)
    : seconds_(seconds), thread_([this, work = std::move(work)] {
          work();
          done_.open();
      })
{
}

Thread::~Thread()
{
    join();
}

void Thread::join()
{
    done_.wait(seconds_);
    if (thread_.joinable())
        thread_.join();
}
