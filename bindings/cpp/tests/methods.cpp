/* Objects as classes: what comes in, what goes out, exceptions, deferred completion, a cancel of their own. */
#include <thread>
#include <vector>

#include "tap.hpp"

using namespace std::chrono_literals;
using libcall::call;
using libcall::context;
using libcall::fate;
using libcall::hresult;
using libcall::object;

namespace {

struct point {
    std::int32_t x, y;
};

struct everything {
    void nothing(context) const noexcept {}
    point swapped(context, const point &in) const { return {in.y, in.x}; }
    std::vector<std::uint16_t> list(context, std::uint16_t n) { return std::vector<std::uint16_t>(n, n); }
    libcall::result<std::uint64_t> half(context, std::uint64_t n)
    {
        if (n % 2 != 0)
            return hresult(E_INVALIDARG);
        return n / 2;
    }
    std::size_t size(context, libcall::bytes in) { return in.size(); }
#if defined(__cpp_lib_span)
    std::uint64_t sum(context, std::span<const std::uint16_t> in)
    {
        std::uint64_t of_all = 0;
        for (std::uint16_t n : in)
            of_all += n;
        return of_all;
    }
#endif
    void throws(context of, std::string_view what)
    {
        if (what == "code")
            throw libcall::method_error(E_ACCESSDENIED, "not for you");
        if (what == "success")
            throw libcall::method_error(S_FALSE, "no failure");
        if (what == "number")
            throw 7;
        if (what == "canceled")
            throw libcall::canceled();
        if (what == "nested")
            libcall::call_ref().begin(0).value();
        if (what == "memory")
            throw std::bad_alloc();
        of.write("half an answer").value();
        throw std::runtime_error(std::string(what));
    }
    void until_canceled(context of)
    {
        started.open();
        for (;;) {
            of.throw_if_canceled();
            std::this_thread::yield();
        }
    }
    /* Waits for a call of its own, to which the cancel flows down. */
    void nested(context of)
    {
        (void)inner.invoke(inner_method, "").value();
        of.write("not reached").value();
    }
    hresult in_place(context of)
    {
        auto room = of.reserve(100).value();
        std::memcpy(room.data(), "in place", 8);
        tap::is_code(of.commit(101).error(), E_INVALIDARG, "more than was reserved");
        of.commit(8).value();
        of.set_progress(3, 4);
        auto left = of.deadline().value();
        tap::ok(left && *left > 1min && *left <= 60min, "a method reads its deadline");
        tap::ok(context::current().value() == of, "and its context");
        tap::ok(!of.cancel_flag().value(), "the flag is down");
        tap::ok(of.cancel_descriptor().value() >= 0, "there is a descriptor");
        return S_FALSE;
    }
    hresult looks(context of)
    {
        libcall::cancel_flag flag = of.cancel_flag().value();
        libcall::uninterrupted region(of);
        bool entered = static_cast<bool>(region);
        started.open();
        while (!flag)
            std::this_thread::yield();
        bool hidden = !of.is_canceled();
        bool told = region.end();
        tap::ok(entered && hidden && told && of.is_canceled(), "a region hides a cancel, and tells of it at its end");
        tap::ok(!libcall::uninterrupted(of), "a later one is not entered");
        return RPC_E_CALL_CANCELED;
    }
    /* The end of a block ends the region, too. */
    hresult leaves(context of)
    {
        libcall::cancel_flag flag = of.cancel_flag().value();
        {
            libcall::uninterrupted region(of);
            started.open();
            while (!flag)
                std::this_thread::yield();
        }
        tap::ok(of.is_canceled(), "so does the end of its block");
        return RPC_E_CALL_CANCELED;
    }
    static constexpr libcall::method methods[] = {
        {"nothing", libcall::run<&everything::nothing>}, {"swapped", libcall::run<&everything::swapped>},
        {"list", libcall::run<&everything::list>},       {"half", libcall::run<&everything::half>},
        {"size", libcall::run<&everything::size>},       {"throws", libcall::run<&everything::throws>},
        {"until_canceled", libcall::run<&everything::until_canceled>},
        {"nested", libcall::run<&everything::nested>},   {"in_place", libcall::run<&everything::in_place>},
        {"looks", libcall::run<&everything::looks>},     {"leaves", libcall::run<&everything::leaves>},
#if defined(__cpp_lib_span)
        {"sum", libcall::run<&everything::sum>},
#endif
    };

    tap::gate started;
    libcall::object_ref inner;
    std::uint32_t inner_method = 0;
};
enum : std::uint32_t {
    NOTHING,
    SWAPPED,
    LIST,
    HALF,
    SIZE,
    THROWS,
    UNTIL_CANCELED,
    NESTED,
    IN_PLACE,
    LOOKS,
    LEAVES,
    SUM
};

/* Goes on after its return. */
struct later {
    hresult keep(context of)
    {
        kept = libcall::completion(of);
        started.open();
        return libcall::deferred;
    }
    hresult drop(context of)
    {
        libcall::completion dropped(of);
        return libcall::deferred;
    }
    static constexpr libcall::method methods[] = {{"keep", libcall::run<&later::keep>},
                                                  {"drop", libcall::run<&later::drop>}};

    tap::gate started;
    libcall::completion kept;
};

/* Begins its calls itself, on the client's thread, and brings its own cancel. */
struct marshaler {
    static constexpr bool custom_marshaling = true;
    void start(context of, std::uint32_t number)
    {
        if (number == 0)
            throw std::runtime_error("no such place");
        begun_on = std::this_thread::get_id();
        kept = libcall::completion(of);
    }
    hresult cancel(context, std::chrono::milliseconds grace)
    {
        if (grace > 1h)
            throw std::runtime_error("too long");
        asked = grace;
        kept.complete(RPC_E_CALL_CANCELED);
        return S_OK;
    }
    static constexpr libcall::begin_method methods[] = {{"start", libcall::run<&marshaler::start>}};

    std::thread::id begun_on;
    libcall::completion kept;
    std::chrono::milliseconds asked{-1};
};

struct uncancelable {
    static constexpr bool custom_marshaling = true;
    void start(context of) { kept = libcall::completion(of); }
    static constexpr libcall::begin_method methods[] = {{"start", libcall::run<&uncancelable::start>}};

    libcall::completion kept;
};

} // namespace

static void values(object &target)
{
    tap::ok(target.invoke(NOTHING, "").value().bytes().empty(), "a method without a result");
    point there = target.invoke<point>(SWAPPED, point{1, 2}).value();
    tap::ok(there.x == 2 && there.y == 1, "a plain value in and out");
    tap::is_number(target.invoke(LIST, std::uint16_t{300}).value().bytes().size(), 600, "a vector out");
    tap::is_number(target.invoke<std::uint64_t>(HALF, std::uint64_t{8}).value(), 4, "a result's value");
    tap::is_code(target.invoke<std::uint64_t>(HALF, std::uint64_t{7}).code(), E_INVALIDARG, "a result's code");
    tap::is_number(target.invoke<std::size_t>(SIZE, std::vector<int>{1, 2, 3}).value(), 3 * sizeof(int), "bytes in");

#if defined(__cpp_lib_span)
    std::vector<std::uint16_t> numbers{1, 2, 3};
    tap::is_number(target.invoke<std::uint64_t>(SUM, numbers).value(), 6, "a span in");
    tap::is_number(target.invoke<std::uint64_t>(SUM, std::span<std::uint16_t>(numbers).first(2)).value(), 3,
                   "from a span");
    tap::is_code(target.invoke<std::uint64_t>(SUM, "odd").code(), E_INVALIDARG, "but no part of a value");
#else
    tap::skip("there is no std::span", "a span in");
#endif

    call job = target.create_call().value();
    job.begin(SWAPPED, 'x').value();
    auto wrong = job.finish();
    tap::is_code(wrong.code(), E_INVALIDARG, "an input that does not fit");
    tap::is_text(wrong.message(), "the input is not of the size of what the method takes", "is told");

    job.set_timeout(1h).value();
    job.begin(IN_PLACE).value();
    auto placed = job.finish();
    tap::is_code(placed.code(), S_FALSE, "a success code of the method's own");
    tap::is_text(std::string(placed.value().text()), "in place", "output that was written in place");
    tap::ok(job.progress().done == 3 && job.progress().total == 4, "progress");
    tap::is_code(job.begin(1000).error(), DISP_E_MEMBERNOTFOUND, "a method that is not there");
}

static void exceptions(object &target)
{
    call job = target.create_call().value();
    auto thrown = [&](const char *what, hresult code, const std::string &message) {
        job.begin(THROWS, what).value();
        auto ended = job.finish();
        tap::is_code(ended.code(), code, std::string("thrown: ") + what);
        tap::is_text(ended.message(), message, "its message");
        tap::is_fate(ended.fate(), fate::completed, "its fate");
        return std::string(ended.output()->text());
    };
    std::string half = thrown("a long way to go", RPC_E_SERVERFAULT, "a long way to go");
    tap::is_text(half, "half an answer", "what was written before is there");
    thrown("code", E_ACCESSDENIED, "not for you");
    thrown("success", RPC_E_SERVERFAULT, "no failure");
    thrown("number", RPC_E_SERVERFAULT, "an exception that is no std::exception");
    thrown("memory", RPC_E_SERVERFAULT, std::bad_alloc().what());
    thrown("nested", RPC_E_SERVERFAULT, std::string("E_HANDLE: ") + hresult(E_HANDLE).sentence());
    thrown("canceled", RPC_E_CALL_CANCELED, "");

    job.begin(THROWS, "kept").value();
    auto kept = job.finish();
    job.reset();
    tap::throws<libcall::error>([&] { (void)kept.value(); },
                                [](const auto &e) {
                                    return e.code() == RPC_E_SERVERFAULT &&
                                           std::string(e.what()) == "RPC_E_SERVERFAULT: kept";
                                },
                                "a failed outcome keeps its message when the call object is gone");
}

static void cancels(everything &self, object &target)
{
    call job = target.create_call().value();
    job.begin(UNTIL_CANCELED).value();
    self.started.pass();
    tap::is_code(job.cancel(1h), RPC_E_CALL_COMPLETE, "a method that throws when it is canceled");
    auto stopped = job.finish();
    tap::is_code(stopped.code(), RPC_E_CALL_CANCELED, "ends canceled");
    tap::is_fate(stopped.fate(), fate::stopped, "and has stopped");

    job.begin(LOOKS).value();
    self.started.pass();
    tap::is_code(job.cancel(1h), RPC_E_CALL_COMPLETE, "a method that looks at the flag");
    tap::is_fate(job.finish().fate(), fate::stopped, "has stopped");
    job.begin(LEAVES).value();
    self.started.pass();
    tap::is_code(job.cancel(1h), RPC_E_CALL_COMPLETE, "a method that leaves a region");
    (void)job.finish().code();

    everything below;
    object inner = object::refer(libcall::apartment::create_serial().value(), below).value();
    self.inner = inner;
    self.inner_method = UNTIL_CANCELED;
    job.begin(NESTED).value();
    below.started.pass();
    tap::is_code(job.cancel(1h), RPC_E_CALL_COMPLETE, "a method that waits for a call of its own");
    auto nested = job.finish();
    tap::is_code(nested.code(), RPC_E_CALL_CANCELED, "is canceled through it");
    tap::is_fate(nested.fate(), fate::stopped, "and has stopped");
    self.inner_method = THROWS;
    job.begin(NESTED).value();
    auto broken = job.finish();
    tap::is_code(broken.code(), RPC_E_SERVERFAULT, "a failure of a call of its own is a fault");
    tap::ok(broken.message().rfind("RPC_E_SERVERFAULT: ", 0) == 0, "that names the code");
    self.inner_method = LIST;
    job.begin(NESTED).value();
    tap::is_code(job.finish().code(), RPC_E_SERVERFAULT, "and so is a code that a cancel would have");
    inner.reset();
}

static void completions()
{
    auto made = std::make_unique<later>();
    later &self = *made;
    call job = object::create({}, std::move(made)).value().create_call().value();
    job.begin(0).value();
    self.started.pass();
    tap::ok(job.wait_for(0ms).value() == libcall::wait_status::timeout, "a deferred method has not ended");
    tap::is_code(self.kept.complete_with(std::uint64_t{11}), S_OK, "it is completed");
    tap::is_number(job.finish<std::uint64_t>().value(), 11, "with its output");
    tap::is_code(self.kept.complete(), E_HANDLE, "once");
    job.begin(1).value();
    auto dropped = job.finish();
    tap::is_code(dropped.code(), E_ABORT, "a completion that is dropped ends its call");
    tap::is_text(dropped.message(), "the method's completion was dropped", "and says so");
    job.begin(0).value();
    self.started.pass();
    self.kept = libcall::completion();
    tap::is_code(job.finish().code(), E_ABORT, "so does one that is replaced");
}

static void own_cancel()
{
    marshaler self;
    call job = object::refer({}, self).value().create_call().value();
    job.begin(0, std::uint32_t{1}).value();
    tap::ok(self.begun_on == std::this_thread::get_id(), "custom marshaling begins on the client's thread");
    tap::is_code(job.cancel(libcall::infinite), RPC_E_SERVERFAULT, "a cancel that throws fails");
    tap::is_code(job.try_finish<std::uint64_t>().code(), RPC_S_CALLPENDING, "and the call goes on");
    tap::is_code(job.cancel(3s), RPC_E_CALL_COMPLETE, "a cancel of the class's own");
    tap::ok(self.asked <= 3s && self.asked > 1s, "is told of the grace period");
    tap::is_fate(job.finish().fate(), fate::stopped, "the work has stopped");
    job.begin(0, std::uint32_t{0}).value();
    auto failed = job.finish();
    tap::is_code(failed.code(), RPC_E_SERVERFAULT, "a begin that throws ends its call");
    tap::is_text(failed.message(), "no such place", "with the message");

    uncancelable other;
    call fixed = object::refer({}, other).value().create_call().value();
    tap::is_code(fixed.query_cancel().error(), E_NOINTERFACE, "a class without cancel has no cancel interface");
    fixed.begin(0).value();
    tap::is_code(fixed.cancel(0s), E_NOINTERFACE, "nor have its calls");
    other.kept.complete();
    tap::is_code(fixed.finish().code(), S_OK, "which end by themselves");
}

int main()
{
    auto made = std::make_unique<everything>();
    everything &self = *made;
    object target = object::create({}, std::move(made)).value();
    values(target);
    exceptions(target);
    cancels(self, target);
    completions();
    own_cancel();
    return tap::end();
}
