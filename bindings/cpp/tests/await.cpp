/* co_await on a call: where the coroutine goes on, what it sees, and who may go first. */
#include "tap.hpp"

#if defined(__cpp_impl_coroutine) && defined(__cpp_lib_jthread)
#include <atomic>
#include <coroutine>
#include <deque>
#include <memory>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;
using libcall::awaitable_call;
using libcall::call;
using libcall::context;
using libcall::fate;
using libcall::invoke_async;
using libcall::object;

namespace {

struct worker {
    std::uint64_t twice(context, std::uint64_t n) { return 2 * n; }
    libcall::hresult wait(context of)
    {
        started.open();
        if (!of.wait_cancel(libcall::infinite))
            return E_UNEXPECTED;
        of.write("so far").value();
        return RPC_E_CALL_CANCELED;
    }
    void fails(context, std::string_view why) { throw std::runtime_error(std::string(why)); }
    void deaf(context)
    {
        started.open();
        go.pass();
    }
    static constexpr libcall::method methods[] = {
        {"twice", libcall::run<&worker::twice>},
        {"wait", libcall::run<&worker::wait>},
        {"fails", libcall::run<&worker::fails>},
        {"deaf", libcall::run<&worker::deaf>},
    };

    tap::gate started, go;
};
enum : std::uint32_t { TWICE, WAIT, FAILS, DEAF };

/* Begins on the client's thread, and may complete before begin returns. */
struct direct {
    static constexpr bool custom_marshaling = true;
    void at_once(context of) { of.complete(of.write(std::uint64_t{1}).error()); }
    void never(context of) { kept = libcall::completion(of); }
    static constexpr libcall::begin_method methods[] = {{"at_once", libcall::run<&direct::at_once>},
                                                        {"never", libcall::run<&direct::never>}};

    libcall::completion kept;
};

/* An executor: a thread that runs what it is given. */
class loop {
public:
    struct executor {
        loop *of;
        void execute(std::coroutine_handle<> waiting) const { of->post(waiting); }
    };

    loop() : thread_([this] { run(); }) {}
    loop(const loop &) = delete;
    loop &operator=(const loop &) = delete;
    ~loop()
    {
        post(nullptr);
        thread_.join();
    }
    executor get() { return {this}; }
    bool here() const { return std::this_thread::get_id() == thread_.get_id(); }

private:
    void post(std::coroutine_handle<> what)
    {
        std::lock_guard<std::mutex> held(lock_);
        waiting_.push_back(what);
        arrived_.notify_one();
    }
    void run()
    {
        for (;;) {
            std::unique_lock<std::mutex> held(lock_);
            arrived_.wait(held, [this] { return !waiting_.empty(); });
            std::coroutine_handle<> next = waiting_.front();
            waiting_.pop_front();
            held.unlock();
            if (!next)
                return;
            next.resume();
        }
    }

    std::mutex lock_;
    std::condition_variable arrived_;
    std::deque<std::coroutine_handle<>> waiting_;
    std::thread thread_;
};

/* The smallest coroutine that can be waited for, and destroyed where it is suspended. */
class task {
public:
    struct promise_type {
        tap::gate *ended = nullptr;
        task get_return_object() { return task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept
        {
            struct last {
                bool await_ready() noexcept { return false; }
                void await_suspend(std::coroutine_handle<promise_type> handle) noexcept
                {
                    handle.promise().ended->open();
                }
                void await_resume() noexcept {}
            };
            return last{};
        }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit task(std::coroutine_handle<promise_type> handle) : handle_(handle)
    {
        handle_.promise().ended = ended_.get();
    }
    task(task &&other) = default;
    ~task()
    {
        if (ended_)
            handle_.destroy();
    }
    void start() { handle_.resume(); }
    void wait() { ended_->pass(); }

private:
    std::unique_ptr<tap::gate> ended_ = std::make_unique<tap::gate>();
    std::coroutine_handle<promise_type> handle_;
};

using awaited = awaitable_call<loop::executor>;

void run(task job)
{
    job.start();
    job.wait();
}

} // namespace

static task awaits(loop &where, libcall::object_ref target)
{
    auto twice = co_await invoke_async<std::uint64_t>(target, TWICE, std::uint64_t{21}, where.get());
    tap::ok(where.here(), "the coroutine goes on where the executor says");
    tap::is_number(twice.value(), 42, "with the call's output");
    tap::is_fate(twice.fate(), fate::completed, "and its fate");

    std::string why = "for a reason";
    auto failed = co_await invoke_async(target, FAILS, why, where.get());
    tap::is_code(failed.code(), RPC_E_SERVERFAULT, "a failure is an outcome");
    tap::is_text(failed.message(), why, "with its message");

    auto none = co_await invoke_async(target, 99, "", where.get());
    tap::is_code(none.code(), DISP_E_MEMBERNOTFOUND, "so is a call that could not be begun");
    tap::ok(where.here(), "also there");
    auto nothing = co_await invoke_async(libcall::object_ref(), TWICE, "", where.get());
    tap::is_code(nothing.code(), E_HANDLE, "or had no object");

    awaitable_call again(target, where.get());
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < 100; i++)
        sum += (co_await again.run<std::uint64_t>(TWICE, i)).value();
    tap::is_number(sum, 9900, "a call object is awaited again and again");

    {
        auto small = co_await again.run<std::uint32_t>(TWICE, std::uint64_t{4});
        tap::ok(small.code() == S_OK && small.fate() == fate::completed && !small.output(), "an output of another size is none");
        tap::is_number((co_await again.run<std::uint64_t>(TWICE, std::uint64_t{4})).value(), 8, "and the next call is begun");
    }
    again.call().set_timeout(5ms, libcall::infinite).value();
    auto late = co_await again.run(WAIT, "");
    while (late.fate() == fate::never_started) /* it may pass before the method is entered */
        late = co_await again.run(WAIT, "");
    tap::is_code(late.code(), RPC_E_TIMEOUT, "a deadline passes");
    tap::is_fate(late.fate(), fate::stopped, "and stops the work");
}

static task stopped(loop &where, libcall::object_ref target, std::stop_token token, libcall::timeout grace,
                    libcall::hresult &code, fate &seen, std::string &output)
{
    auto outcome = co_await invoke_async(target, WAIT, "", where.get(), std::move(token), grace);
    tap::ok(where.here(), "a canceled coroutine goes on where the executor says");
    code = outcome.code();
    seen = outcome.fate();
    output = outcome.output() ? std::string(outcome.output()->text()) : "";
}

static void stops(loop &where, worker &self, libcall::object_ref target)
{
    libcall::hresult code;
    fate seen = fate::none;
    std::string output;
    {
        std::stop_source source;
        task job = stopped(where, target, source.get_token(), libcall::infinite, code, seen, output);
        job.start();
        self.started.pass();
        source.request_stop();
        job.wait();
        tap::is_code(code, RPC_E_CALL_CANCELED, "a stop cancels the coroutine's call");
        tap::is_fate(seen, fate::stopped, "and it sees that the work has stopped");
        tap::is_text(output, "so far", "and what it had done");
    }
    {
        std::stop_source source;
        task job = [](loop &on, libcall::object_ref of, std::stop_token token, fate &what) -> task {
            what = (co_await invoke_async(of, DEAF, "", on.get(), std::move(token), 0ms)).fate();
        }(where, target, source.get_token(), seen);
        job.start();
        self.started.pass();
        source.request_stop();
        job.wait();
        tap::is_fate(seen, fate::running, "work that does not look runs on, and the coroutine sees that");
    }
    {
        /* The deaf one is still in the serial apartment. */
        std::stop_source source;
        task job = stopped(where, target, source.get_token(), libcall::infinite, code, seen, output);
        job.start();
        source.request_stop();
        job.wait();
        tap::is_code(code, RPC_E_CALL_CANCELED, "a call that waits for its turn is canceled");
        tap::is_fate(seen, fate::never_started, "and never starts");
        task late = stopped(where, target, source.get_token(), libcall::infinite, code, seen, output);
        late.start();
        late.wait();
        tap::is_fate(seen, fate::never_started, "as one whose stop came before its begin");
    }
    self.go.open();
}

/* Frames that go while their call is in progress. */
static void destroyed(loop &where, worker &self, libcall::object_ref target)
{
    bool reached = false;
    {
        task job = [](loop &on, libcall::object_ref of, bool &after) -> task {
            (void)(co_await invoke_async(of, WAIT, "", on.get())).code();
            after = true;
        }(where, target, reached);
        job.start();
        self.started.pass();
    }
    tap::ok(!reached, "a coroutine that is destroyed does not go on");
    awaited kept(target, where.get());
    {
        task job = [](awaited &by, bool &after) -> task {
            (void)(co_await by.run(WAIT, "")).code();
            after = true;
        }(kept, reached);
        job.start();
        self.started.pass();
    }
    tap::is_fate(kept.call().fate() == fate::running ? fate::stopped : kept.call().fate(), fate::stopped,
                 "its call is canceled");
    std::uint64_t out = 0;
    run([](awaited &by, std::uint64_t &into) -> task {
        into = (co_await by.run<std::uint64_t>(TWICE, std::uint64_t{4})).value();
    }(kept, out));
    tap::is_number(out, 8, "and the call object is awaited again");

    libcall::hresult second;
    task first = [](awaited &by) -> task { (void)(co_await by.run(WAIT, "")).code(); }(kept);
    first.start();
    self.started.pass();
    run([](awaited &by, libcall::hresult &code) -> task { code = (co_await by.run(WAIT, "")).code(); }(kept, second));
    tap::is_code(second, RPC_S_CALLPENDING, "one coroutine at a time");
    kept.call().request_cancel(libcall::infinite);
    first.wait();
}

/* Lets its first coroutine fall, and resumes the others. */
struct forgetful {
    tap::gate *dropped;
    std::atomic<unsigned> *given;
    void operator()(std::coroutine_handle<> waiting) const
    {
        if ((*given)++ == 0)
            dropped->open();
        else
            waiting.resume();
    }
};

static void falls(libcall::object_ref target)
{
    for (std::uint32_t method : {+TWICE, 99u}) {
        tap::gate dropped;
        std::atomic<unsigned> given{0};
        awaitable_call<forgetful> by(target, forgetful{&dropped, &given});
        auto once = [](awaitable_call<forgetful> &on, std::uint32_t number, libcall::hresult &into) -> task {
            into = (co_await on.run<std::uint64_t>(number, std::uint64_t{4})).code();
        };
        libcall::hresult code = S_FALSE;
        {
            task job = once(by, method, code);
            job.start();
            dropped.pass();
        }
        tap::is_code(code, S_FALSE, "a coroutine that its executor drops does not go on");
        run(once(by, TWICE, code));
        tap::is_code(code, S_OK, "and once it is destroyed its call object is awaited again");
    }
}

static void at_once()
{
    direct self;
    object target = object::refer({}, self).value();
    std::uint64_t sum = 0;
    run([](libcall::object_ref of, std::uint64_t &into) -> task {
        awaitable_call by(of, libcall::inline_executor());
        for (unsigned i = 0; i < 1000; i++)
            into += (co_await by.run<std::uint64_t>(0, "")).value();
    }(target, sum));
    tap::is_number(sum, 1000, "calls that are complete before begin returns");
    libcall::hresult code;
    std::stop_source source;
    run([](libcall::object_ref of, std::stop_token token, libcall::hresult &into) -> task {
        into = (co_await invoke_async(of, 1, "", libcall::inline_executor(), token)).code();
    }(target, source.get_token(), code));
    tap::is_code(code, E_NOINTERFACE, "a call that cannot be canceled is not begun with a stop token");
    tap::ok(!self.kept.of(), "its method has not run");
}

/* Completion, stop and suspension in every order. */
static void races(loop &where, libcall::object_ref target)
{
    const unsigned rounds = tap::races(3000);
    unsigned completed = 0, never = 0, other = 0;
    for (unsigned round = 0; round < rounds; round++) {
        std::stop_source source;
        libcall::hresult code;
        fate seen = fate::none;
        std::jthread stopper([&] {
            for (unsigned i = 0; i < round % 40; i++)
                std::this_thread::yield();
            source.request_stop();
        });
        auto once = [](auto by, libcall::object_ref of, std::stop_token token, libcall::hresult &into,
                       fate &what) -> task {
            auto outcome = co_await invoke_async<std::uint64_t>(of, TWICE, std::uint64_t{1}, by, std::move(token));
            into = outcome.code();
            what = outcome.fate();
        };
        if (round % 2 == 0)
            run(once(where.get(), target, source.get_token(), code, seen));
        else
            run(once(libcall::inline_executor(), target, source.get_token(), code, seen));
        completed += code == S_OK && seen == fate::completed;
        never += code == RPC_E_CALL_CANCELED && seen == fate::never_started;
        /* Canceled while its method ran: which may have ended since. */
        other += code == RPC_E_CALL_CANCELED && (seen == fate::running || seen == fate::completed);
    }
    tap::diag("completed " + std::to_string(completed) + ", never started " + std::to_string(never) +
              ", went on without the client " + std::to_string(other));
    tap::is_number(completed + never + other, rounds, "each race comes to an outcome that there is");
}

int main()
{
    auto made = std::make_unique<worker>();
    worker &self = *made;
    object target = object::create(libcall::apartment::create_serial().value(), std::move(made)).value();
    loop where;
    run(awaits(where, target));
    self.started.pass();
    stops(where, self, target);
    destroyed(where, self, target);
    falls(target);
    at_once();
    races(where, target);
    return tap::end();
}

#else

int main()
{
    std::puts("1..0 # SKIP there are no coroutines before C++20");
}

#endif
