/* The same calls in C and in C++, with every allocation of the process counted: operator new is never called by the
 * binding, and the C library's malloc as often as by the C program. */
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "tap.hpp"

#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif
#if defined(__cpp_impl_coroutine)
#include <coroutine>
#endif

/* A sanitizer has a malloc of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define COUNTS_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_MALLOC 0
#endif
#endif
#if !defined(COUNTS_MALLOC)
#define COUNTS_MALLOC 1
#endif

using namespace std::chrono_literals;

static std::atomic<std::uint64_t> news, mallocs;

/* Not inlined: gcc takes the pair for a mismatch where it sees into both. */
__attribute__((noinline)) void *operator new(std::size_t size)
{
    news++;
    void *made = std::malloc(size);
    if (made == nullptr)
        std::abort();
    return made;
}
__attribute__((noinline)) void operator delete(void *made) noexcept { std::free(made); }
__attribute__((noinline)) void operator delete(void *made, std::size_t) noexcept { std::free(made); }

#if COUNTS_MALLOC
extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) noexcept
{
    mallocs++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) noexcept
{
    mallocs++;
    return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) noexcept
{
    mallocs++;
    return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) noexcept
{
    mallocs++;
    return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) noexcept
{
    mallocs++;
    *out = __libc_memalign(alignment, size);
    return *out == nullptr;
}
}
#endif

namespace {

enum : std::uint32_t { TWICE, WAIT, TEXT };
constexpr unsigned ROUNDS = 1000;
const char large[200] = {};

/* Whether the method that waits has started: canceled before, it would say nothing. */
std::atomic<bool> started;

void pass_started()
{
    while (!started.exchange(false))
        std::this_thread::yield();
}

struct worker {
    std::uint64_t twice(libcall::context, std::uint64_t n) { return 2 * n; }
    libcall::hresult wait(libcall::context of)
    {
        started = true;
        return of.wait_cancel(libcall::infinite) ? of.fail(RPC_E_CALL_CANCELED, "stopped")
                                                 : libcall::hresult(E_UNEXPECTED);
    }
    libcall::bytes text(libcall::context, libcall::bytes in) { return in; }
    static constexpr libcall::method methods[] = {
        {"twice", libcall::run<&worker::twice>},
        {"wait", libcall::run<&worker::wait>},
        {"text", libcall::run<&worker::text>},
    };
};

/* The same class, by hand. */
call_hresult_t invoke_in_c(void *, call_context_t context, std::uint32_t method, const void *in, size_t in_len)
{
    if (method == TWICE) {
        std::uint64_t n;
        std::memcpy(&n, in, sizeof n);
        n *= 2;
        return call_context_write(context, &n, sizeof n);
    }
    if (method == TEXT)
        return call_context_write(context, in, in_len);
    started = true;
    if (call_context_wait_cancel(context, CALL_INFINITE) != RPC_E_CALL_CANCELED)
        return E_UNEXPECTED;
    call_hresult_t hr = call_context_set_error(context, "stopped");
    return hr < 0 ? hr : RPC_E_CALL_CANCELED;
}

void must(bool holds)
{
    if (!holds) {
        std::puts("Bail out! a call went wrong");
        std::exit(1);
    }
}

void completed_in_c(call_t, void *user) { ++*static_cast<std::atomic<unsigned> *>(user); }

void in_c(call_apartment_t apartment)
{
    static const char *const methods[] = {"twice", "wait", "text"};
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = methods;
    cls.method_count = 3;
    cls.invoke = invoke_in_c;
    call_object_t object;
    call_t call;
    call_cancel_t cancel;
    call_queue_t queue;
    call_buffer_t buffer;
    call_fate_t fate;
    call_completion_t completion;
    std::uint64_t in = 21, out = 0;
    size_t count = 0;
    std::atomic<unsigned> told{0};
    must(call_object_create(apartment, &cls, nullptr, &object) == S_OK && call_create(object, &call) == S_OK);
    must(call_begin(call, TWICE, &in, sizeof in) == S_OK && call_wait(call, CALL_INFINITE) == S_OK);
    must(call_finish(call, &out, sizeof out, nullptr) == S_OK && out == 42);
    must(call_begin(call, TEXT, large, sizeof large) == S_OK && call_finish_buffer(call, &buffer) == S_OK);
    must(call_buffer_release(buffer) == S_OK);
    must(call_begin(call, WAIT, nullptr, 0) == S_OK && call_query_cancel(call, &cancel) == S_OK);
    pass_started();
    call_cancel(cancel, 3600);
    call_cancel_release(cancel);
    must(call_finish(call, nullptr, 0, nullptr) == RPC_E_CALL_CANCELED && call_get_fate(call, &fate) == S_OK);
    must(call_queue_create(&queue) == S_OK && call_set_queue(call, queue, 1) == S_OK);
    must(call_begin(call, TWICE, &in, sizeof in) == S_OK);
    must(call_queue_next(queue, &completion, 1, CALL_INFINITE, &count) == S_OK);
    must(call_finish(call, &out, sizeof out, nullptr) == S_OK && call_set_queue(call, call_queue_t{}, 0) == S_OK);
    call_queue_release(queue);
    must(call_set_callback(call, completed_in_c, &told, nullptr) == S_OK);
    must(call_begin(call, TWICE, &in, sizeof in) == S_OK && call_finish(call, &out, sizeof out, nullptr) == S_OK);
    while (told == 0)
        std::this_thread::yield();
    call_release(call);
    call_object_release(object);
}

void in_cpp(libcall::apartment_ref apartment)
{
    worker self;
    libcall::object object = libcall::object::refer(apartment, self).value();
    libcall::call call = object.create_call().value();
    call.begin(TWICE, std::uint64_t{21}).value();
    call.wait().value();
    must(call.finish<std::uint64_t>().value() == 42);
    call.begin(TEXT, libcall::bytes(large, sizeof large)).value();
    must(call.finish().value().bytes().size() == sizeof large);
    call.begin(WAIT).value();
    pass_started();
    call.cancel(1h);
    auto canceled = call.finish<std::uint64_t>();
    must(canceled.code() == RPC_E_CALL_CANCELED && canceled.fate() != libcall::fate::none);
    std::array<call_completion_t, 1> batch{};
    {
        libcall::queue queue = libcall::queue::create().value();
        call.set_queue(queue.get(), 1).value();
        call.begin(TWICE, std::uint64_t{21}).value();
        must(queue.next(batch, libcall::infinite).value() == 1);
        must(call.finish<std::uint64_t>().value() == 42);
        call.set_queue({}, 0).value();
    }
    std::atomic<unsigned> told{0};
    auto count = [&](libcall::call_ref) { told++; };
    call.on_complete(count).value();
    call.begin(TWICE, std::uint64_t{21}).value();
    must(call.finish<std::uint64_t>().value() == 42);
    while (told == 0)
        std::this_thread::yield();
}

/* operator new over all rounds. */
template <class Function>
std::uint64_t count(Function &&once)
{
    once();
    std::uint64_t before = news;
    for (unsigned round = 0; round < ROUNDS; round++)
        once();
    return news - before;
}

template <class Function>
void least(std::uint64_t &seen, Function &&once)
{
    std::uint64_t before = mallocs;
    once();
    seen = std::min<std::uint64_t>(seen, mallocs - before);
}

/* malloc in the rounds that needed least, taken in turn: now and then the library makes threads, and takes another slot
 * where a method's last step comes late. More rounds are made while the two differ. */
template <class InC, class InCpp>
void compare(InC &&as_c, InCpp &&as_cpp)
{
    std::uint64_t c = ~0ull, cpp = ~0ull;
    for (unsigned round = 0; round < ROUNDS || (c != cpp && round < 20 * ROUNDS); round++) {
        least(c, as_c);
        least(cpp, as_cpp);
    }
    tap::diag("malloc in a round of the C program: " + std::to_string(c));
    tap::is_number(cpp, c, "malloc is called as often as by the C program");
    tap::ok(c > 0, "malloc is counted");
}

} // namespace

#if defined(__cpp_impl_coroutine) && defined(__cpp_lib_jthread)

namespace {

struct fire {
    struct promise_type {
        fire get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

struct linked {
    void own(libcall::context of) { libcall::stop_on_cancel stop(of); }
    void given(libcall::context of) { libcall::stop_on_cancel stop(of, source); }
    static constexpr libcall::method methods[] = {{"own", libcall::run<&linked::own>},
                                                  {"given", libcall::run<&linked::given>}};

    std::stop_source source;
};

fire await_many(libcall::object_ref object, std::stop_token token, std::uint64_t &sum, std::atomic<bool> &done)
{
    libcall::awaitable_call call(object, libcall::inline_executor());
    for (std::uint64_t i = 0; i < ROUNDS; i++)
        sum += (co_await call.run<std::uint64_t>(TWICE, i, token)).value();
    done = true;
}

} // namespace

static void coroutines(libcall::apartment_ref apartment)
{
    worker self;
    libcall::object object = libcall::object::refer(apartment, self).value();
    std::stop_source source;
    std::uint64_t least = ~0ull;
    for (unsigned go = 0; go < 4; go++) {
        std::uint64_t sum = 0, before = news;
        std::atomic<bool> done{false};
        await_many(object, source.get_token(), sum, done);
        while (!done)
            std::this_thread::yield();
        must(sum == ROUNDS * (ROUNDS - 1));
        least = std::min(least, news - before);
    }
    tap::is_number(least, 1, "a coroutine that awaits 1000 calls with a stop token allocates its frame alone");
}

static void tokens(libcall::apartment_ref apartment)
{
    linked self;
    libcall::object object = libcall::object::refer(apartment, self).value();
    libcall::call call = object.create_call().value();
    auto once = [&](std::uint32_t number) {
        call.begin(number).value();
        (void)call.finish<std::uint64_t>().code();
    };
    tap::is_number(count([&] { once(1); }), 0, "a method's token of a source that there is allocates nothing");
    tap::is_number(count([&] { once(0); }), ROUNDS, "one of its own allocates the source's state alone");
    std::stop_source source;
    tap::is_number(count([&] {
                       call.begin(1).value();
                       libcall::cancel_on_stop link(call, source.get_token());
                       (void)call.finish<std::uint64_t>().code();
                   }), 0, "a call that a stop cancels allocates nothing");
}

#else
static void coroutines(libcall::apartment_ref) {}
static void tokens(libcall::apartment_ref) {}
#endif

int main()
{
    libcall::apartment apartment = libcall::apartment::create_serial().value();
    std::uint64_t before = news;
    ::operator delete(::operator new(8));
    std::uint64_t one = news - before;
    tap::is_number(one, 1, "operator new is counted");
    tap::is_number(count([&] { in_cpp(apartment); }), 0, "the binding never calls operator new");
    if (COUNTS_MALLOC)
        compare([&] { in_c(apartment.get()); }, [&] { in_cpp(apartment); });
    else
        tap::skip("malloc is the sanitizer's", "malloc is called as often as by the C program");
    tap::is_number(count([&] { (void)libcall::object::make<worker>(apartment).has_value(); }), ROUNDS,
                   "an object made by the binding is the one allocation");
    coroutines(apartment);
    tokens(apartment);
    return tap::end();
}
