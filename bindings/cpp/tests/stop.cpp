/* std::stop_token, both ways. */
#include "tap.hpp"

#if defined(__cpp_lib_jthread)
#include <optional>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;
using libcall::call;
using libcall::context;
using libcall::fate;
using libcall::object;

namespace {

struct worker {
    /* Knows nothing of calls but a token. */
    static bool work(std::stop_token token, tap::gate &started)
    {
        tap::gate stopped;
        std::stop_callback told(token, [&] { stopped.open(); });
        started.open();
        stopped.pass();
        return token.stop_requested();
    }
    libcall::hresult own(context of)
    {
        libcall::stop_on_cancel stop(of);
        tap::ok(!stop.token().stop_requested(), "a method's token is not stopped");
        return work(stop.token(), started) ? RPC_E_CALL_CANCELED : E_UNEXPECTED;
    }
    libcall::hresult given(context of)
    {
        libcall::stop_on_cancel stop(of, source);
        return work(source.get_token(), started) ? RPC_E_CALL_CANCELED : E_UNEXPECTED;
    }
    /* The link goes before the cancel. */
    libcall::hresult over(context of)
    {
        cut.emplace(of, source);
        cut.reset();
        started.open();
        return of.wait_cancel(libcall::infinite) ? S_OK : E_UNEXPECTED;
    }
    void shorter(context of) { libcall::stop_on_cancel stop(of, source); }
    static constexpr libcall::method methods[] = {
        {"own", libcall::run<&worker::own>},
        {"given", libcall::run<&worker::given>},
        {"over", libcall::run<&worker::over>},
        {"shorter", libcall::run<&worker::shorter>},
    };

    tap::gate started;
    std::stop_source source;
    std::optional<libcall::stop_on_cancel> cut;
};
enum : std::uint32_t { OWN, GIVEN, OVER, SHORTER };

} // namespace

static void stops(worker &self, call &job)
{
    {
        std::stop_source source;
        job.begin(OWN).value();
        libcall::cancel_on_stop link(job, source.get_token(), 1h);
        self.started.pass();
        source.request_stop();
        auto stopped = job.finish();
        tap::is_code(stopped.code(), RPC_E_CALL_CANCELED, "a stop cancels a call");
        tap::is_fate(stopped.fate(), fate::stopped, "whose method is stopped by a token");
    }
    {
        std::stop_source source;
        job.begin(GIVEN).value();
        libcall::cancel_on_stop link(job, source.get_token(), 1h);
        self.started.pass();
        source.request_stop();
        tap::is_fate(job.finish().fate(), fate::stopped, "also by a source of the program's");
        self.source = std::stop_source();
    }
    {
        std::stop_source source;
        source.request_stop();
        job.begin(OVER).value();
        self.started.pass();
        libcall::cancel_on_stop link(job, source.get_token(), libcall::infinite);
        tap::is_code(job.finish().code(), S_OK, "a stop that came before cancels");
        tap::ok(!self.source.stop_requested(), "a link that is gone passes no cancel on");
    }
    {
        std::stop_source source;
        job.begin(OVER).value();
        std::optional<libcall::cancel_on_stop> link;
        link.emplace(job, source.get_token(), libcall::infinite);
        self.started.pass();
        link.reset();
        source.request_stop();
        tap::ok(job.wait_for(1ms).value() == libcall::wait_status::timeout,
                "a stop does not cancel when the link is gone");
        tap::is_code(job.cancel(1h), RPC_E_CALL_COMPLETE, "a cancel does");
        (void)job.finish().code();
    }
    {
        std::stop_source source;
        job.begin(SHORTER).value();
        libcall::cancel_on_stop link(job, source.get_token());
        tap::is_code(job.finish().code(), S_OK, "a call that has ended");
        job.begin(OVER).value();
        source.request_stop();
        self.started.pass();
        tap::ok(job.wait_for(1ms).value() == libcall::wait_status::timeout, "a late stop does not cancel the next one");
        tap::is_code(job.cancel(1h), RPC_E_CALL_COMPLETE, "a cancel does");
        (void)job.finish().code();
    }
    {
        std::jthread watched([&](std::stop_token token) {
            job.begin(OWN).value();
            libcall::cancel_on_stop link(job, token, libcall::infinite);
            tap::is_fate(job.finish().fate(), fate::stopped, "a jthread's stop stops the call that it waits for");
        });
        self.started.pass();
    }
    tap::throws<libcall::error>([] { libcall::cancel_on_stop link(libcall::call_ref{}, std::stop_token{}); },
                                [](const auto &e) { return e.code() == E_HANDLE; }, "no call, no link");
    tap::throws<libcall::error>([] { libcall::stop_on_cancel link{libcall::context({~0ull})}; },
                                [](const auto &e) { return e.code() == E_HANDLE; }, "no context, no link");
}

/* Stop against the method's end, again and again: each call ends in one of two ways. */
static void races(worker &self, call &job)
{
    const unsigned rounds = tap::races(2000);
    unsigned ended = 0, stopped = 0, never = 0, other = 0;
    for (unsigned round = 0; round < rounds; round++) {
        self.source = std::stop_source();
        std::stop_source source;
        job.begin(SHORTER).value();
        {
            libcall::cancel_on_stop link(job, source.get_token(), libcall::infinite);
            for (unsigned i = 0; i < round % 50; i++)
                std::this_thread::yield();
            source.request_stop();
        }
        auto outcome = job.finish();
        if (outcome)
            ended++;
        else if (outcome.code() != RPC_E_CALL_CANCELED)
            other++;
        else if (outcome.fate() == fate::never_started)
            never++;
        else
            stopped++;
    }
    tap::diag("ended " + std::to_string(ended) + ", never started " + std::to_string(never));
    tap::is_number(other + stopped, 0, "a stop in a race with the end comes to one or the other");
    tap::is_number(ended + never, rounds, "each time");
}

int main()
{
    worker self;
    object target = object::refer(libcall::apartment::create_serial().value(), self).value();
    call job = target.create_call().value();
    stops(self, job);
    races(self, job);
    return tap::end();
}

#else

int main()
{
    std::puts("1..0 # SKIP there is no std::stop_token before C++20");
}

#endif
