/* co_await on a call: C++20. */
#ifndef LIBCALL_AWAIT_HPP
#define LIBCALL_AWAIT_HPP

#include <version>
#if defined(__cpp_impl_coroutine) && defined(__cpp_lib_jthread)
#include <atomic>
#include <coroutine>
#include <stop_token>
#include <thread>

#include "call.hpp"
#include "object.hpp"
#include "stop.hpp"

namespace libcall {

/* An executor is copied, and either called with a std::coroutine_handle<> or has execute(handle), which
 * takes anything that can be called. It sees to it that the handle is called, once, where it says, and
 * must neither throw nor fail. This one does it here and now: on the thread that completes the call, where a
 * coroutine must not block. */
struct inline_executor {
    void operator()(std::coroutine_handle<> waiting) const { waiting.resume(); }
};

namespace detail {

template <class Executor>
void resume_by(Executor executor, std::coroutine_handle<> waiting) noexcept
{
    if constexpr (std::is_invocable_v<Executor &, std::coroutine_handle<>>)
        executor(waiting);
    else
        executor.execute(waiting);
}

/* How far one await is. Coroutine and completion come in any order, on two threads; whoever comes second
 * resumes. */
enum class await_state : unsigned {
    idle,
    begun,     /* the coroutine is about to be suspended */
    suspended, /* nobody but the completion or the awaiter's end touches it now */
    completed, /* before it was suspended */
    resumed,   /* handed to the executor */
    dropped,   /* the awaiter goes, and waits for the completion */
    gone,      /* which has come */
};

} // namespace detail

template <class Executor>
class awaitable_call;

/* What co_await is applied to; see awaitable_call. Lives until the coroutine goes on. If the coroutine is
 * destroyed before, its call is canceled without grace, and waited for where it cannot be canceled. From the
 * call's completion on it is its executor's, and destroyed only where that has dropped it. */
template <class T, class Executor>
class call_awaiter {
public:
    call_awaiter(awaitable_call<Executor> &by, std::uint32_t number, bytes in, std::stop_token token,
                 timeout grace_period) noexcept
        : call_(by), in_(in), token_(std::move(token)), method_(number), grace_(grace_period)
    {
    }
    call_awaiter(const call_awaiter &) = delete;
    call_awaiter &operator=(const call_awaiter &) = delete;
    ~call_awaiter()
    {
        if (mine_)
            call_.abandon();
    }

    bool await_ready() const noexcept { return false; }

    /* Not inlined: a compiler that keeps a local of this function in the coroutine's frame would touch it
     * after another thread has resumed the coroutine. */
#if defined(__GNUC__) || defined(__clang__)
    __attribute__((noinline))
#endif
    void await_suspend(std::coroutine_handle<> waiting) noexcept
    {
        code_ = call_.claim(waiting);
        mine_ = code_.succeeded();
        if (code_.succeeded() && token_.stop_possible()) {
            auto cancel = call_.call_.query_cancel();
            code_ = cancel.error();
            if (cancel)
                cancel_ = std::move(*cancel);
        }
        if (code_.succeeded())
            code_ = call_begin(call_.call_.get(), method_, in_.data(), in_.size());
        if (code_.failed()) {
            if (mine_)
                call_.state_.store(detail::await_state::resumed, std::memory_order_relaxed);
            Executor executor = call_.executor_;
            detail::resume_by(std::move(executor), waiting);
            return;
        }
        if (cancel_)
            on_stop_.emplace(std::move(token_), detail::stop_request{cancel_.get(), grace_.milliseconds()});
        call_.suspended();
    }

    outcome<T> await_resume() noexcept
    {
        on_stop_.reset();
        if (mine_)
            call_.state_.store(detail::await_state::idle, std::memory_order_release);
        mine_ = false;
        if (code_.failed())
            return code_;
        outcome<T> found = call_.call_.template finish<T>();
        if (found.code() != CALL_E_MORE_DATA)
            return found;
        /* What it wrote is no T; the call is over all the same. */
        call_buffer_t rest{};
        hresult code = call_finish_buffer(call_.call_.get(), &rest);
        (void)call_buffer_release(rest);
        return {code, call_.call_.fate(), std::nullopt};
    }

private:
    awaitable_call<Executor> &call_;
    bytes in_;
    std::stop_token token_;
    cancel_interface cancel_;
    std::optional<std::stop_callback<detail::stop_request>> on_stop_;
    std::uint32_t method_;
    timeout grace_;
    hresult code_;
    bool mine_ = false;
};

/* A call object for coroutines: co_await call.run(method, input) begins a call, suspends, goes on where the
 * executor says, also where the call could not be begun, and gives its outcome. With a stop token a stop
 * cancels the call. One at a time: a second one gets RPC_S_CALLPENDING. It stays where it is made, outlives
 * the coroutines that wait for it, and is the one that the call object's function is set by. */
template <class Executor>
class awaitable_call {
public:
    awaitable_call(object_ref target, Executor executor) noexcept : executor_(std::move(executor))
    {
        auto made = target.create_call();
        code_ = made.error();
        if (!made)
            return;
        call_ = std::move(*made);
        code_ = call_set_callback(call_.get(), completed, this, nullptr);
    }
    awaitable_call(const awaitable_call &) = delete;
    awaitable_call &operator=(const awaitable_call &) = delete;
    ~awaitable_call()
    {
        if (call_)
            (void)call_.on_complete(nullptr).has_value();
    }

    /* For what else is to be set, such as a deadline; it is not begun by this. */
    call_ref call() const noexcept { return call_; }

    /* To be awaited in the same expression: the input is copied when it begins. */
    template <class T = buffer, class In>
    call_awaiter<T, Executor> run(std::uint32_t number, const In &in, std::stop_token token = {},
                                  timeout grace_period = std::chrono::milliseconds(0)) noexcept
    {
        return {*this, number, libcall::as_bytes(in), std::move(token), grace_period};
    }

private:
    template <class, class>
    friend class call_awaiter;
    using state = detail::await_state;

    hresult claim(std::coroutine_handle<> waiting) noexcept
    {
        if (code_.failed())
            return code_;
        state free = state::idle;
        if (!state_.compare_exchange_strong(free, state::begun, std::memory_order_acquire))
            return RPC_S_CALLPENDING;
        waiting_ = waiting;
        return S_OK;
    }

    /* From here on the coroutine may go on elsewhere: nothing of it or of this is touched afterwards. */
    void suspended() noexcept
    {
        state seen = state::begun;
        if (!state_.compare_exchange_strong(seen, state::suspended, std::memory_order_acq_rel))
            resume();
    }

    void resume() noexcept
    {
        std::coroutine_handle<> waiting = waiting_;
        Executor executor = executor_;
        state_.store(state::resumed, std::memory_order_relaxed);
        detail::resume_by(std::move(executor), waiting);
    }

    static void completed(call_t, void *user) noexcept
    {
        auto *self = static_cast<awaitable_call *>(user);
        state seen = state::begun;
        if (self->state_.compare_exchange_strong(seen, state::completed, std::memory_order_acq_rel))
            return;
        if (seen == state::suspended &&
            self->state_.compare_exchange_strong(seen, state::resumed, std::memory_order_acq_rel))
            return self->resume();
        if (seen == state::dropped)
            self->state_.store(state::gone, std::memory_order_release);
    }

    /* The coroutine is being destroyed. If it waits, its completion must not find it; if its executor has dropped it,
     * the call is over. */
    void abandon() noexcept
    {
        state seen = state::suspended;
        if (state_.compare_exchange_strong(seen, state::dropped, std::memory_order_acq_rel)) {
            call_.cancel(std::chrono::seconds(0));
            (void)call_.wait().has_value();
            while (state_.load(std::memory_order_acquire) != state::gone)
                std::this_thread::yield();
        }
        (void)call_.finish().code();
        state_.store(state::idle, std::memory_order_relaxed);
    }

    Executor executor_;
    libcall::call call_;
    hresult code_;
    std::coroutine_handle<> waiting_;
    std::atomic<state> state_{state::idle};
};

/* What co_await is applied to for a single call; see invoke_async. */
template <class T, class Executor>
class invoke_awaiter {
public:
    invoke_awaiter(object_ref target, std::uint32_t number, bytes in, Executor executor, std::stop_token token,
                   timeout grace_period) noexcept
        : call_(target, std::move(executor)), awaiter_(call_, number, in, std::move(token), grace_period)
    {
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { awaiter_.await_suspend(waiting); }
    outcome<T> await_resume() noexcept { return awaiter_.await_resume(); }

private:
    awaitable_call<Executor> call_;
    call_awaiter<T, Executor> awaiter_;
};

/* Create, begin, await, finish and release in one: co_await invoke_async(object, method, input, executor). */
template <class T = buffer, class In, class Executor>
invoke_awaiter<T, Executor> invoke_async(object_ref target, std::uint32_t number, const In &in, Executor executor,
                                         std::stop_token token = {},
                                         timeout grace_period = std::chrono::milliseconds(0)) noexcept
{
    return {target, number, libcall::as_bytes(in), std::move(executor), std::move(token), grace_period};
}

} // namespace libcall

#endif
#endif
