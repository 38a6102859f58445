/* Stop tokens, both ways: the client's stops the call, the call's stops the work. C++20. */
#include <call.hpp>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

/* Work that knows nothing of calls: it waits for something that never comes, and takes a token. */
static bool watch(std::stop_token token)
{
    std::mutex lock;
    std::condition_variable_any changed;
    std::unique_lock held(lock);
    return changed.wait(held, token, [] { return false; });
}

class watcher {
public:
    libcall::hresult run(libcall::context context)
    {
        libcall::stop_on_cancel stop(context);
        started_ = true;
        started_.notify_all();
        return watch(stop.token()) ? S_OK : RPC_E_CALL_CANCELED;
    }
    void wait_started() const { started_.wait(false); }

    static constexpr libcall::method methods[] = {{"run", libcall::run<&watcher::run>}};

private:
    std::atomic<bool> started_ = false;
};

int main()
{
    watcher self;
    libcall::object object = libcall::object::refer({}, self).value();
    std::jthread client([&](std::stop_token token) {
        libcall::call call = object.create_call().value();
        call.begin(0).value();
        /* A stop asks for a cancel, and leaves the method 2 seconds to answer. */
        libcall::cancel_on_stop link(call, token, std::chrono::seconds(2));
        auto outcome = call.finish();
        std::cout << outcome.code().name() << ", fate " << name(outcome.fate()) << '\n';
    });
    self.wait_started();
    client.request_stop();
    client.join();
    object.disconnect().value();
}
