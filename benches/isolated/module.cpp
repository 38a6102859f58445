// The library's class of this bench, as a module: its methods are those of `Work` and of crossing.hpp.
// BENCH_CPU in the environment is the CPU that the process goes to.

#include "crossing.hpp"

#include <call.h>
#include <cstdlib>
#include <filesystem>
#include <sched.h>
#include <unistd.h>

namespace bench {

namespace {

call_hresult_t give(call_context_t context, const void *bytes, std::size_t length) {
    return call_context_write(context, bytes, length);
}

// That the body was entered.
void tell_running(call_context_t context) {
    if (call_context_set_progress(context, 1, 1) < 0) {
        fail("a body cannot say that it runs");
    }
}

// Answers with the stamp at which it saw its cancel: what comes in time is delivered.
call_hresult_t await_cancel(call_context_t context, Work work) {
    tell_running(context);
    if (work == SLEEP) {
        if (call_context_wait_cancel(context, CALL_INFINITE) != RPC_E_CALL_CANCELED) {
            return E_FAIL;
        }
    } else {
        while (call_context_test_cancel(context) == RPC_S_CALLPENDING) {
        }
    }
    const std::uint64_t seen = stamp();
    return give(context, &seen, sizeof seen);
}

[[noreturn]] void hear_nothing(call_context_t context) {
    tell_running(context);
    for (std::uint64_t i = 0;; i++) {
        keep(i);
    }
}

call_hresult_t invoke(void *, call_context_t context, std::uint32_t method, const void *in, std::size_t length) {
    const Work work{method};
    if (work == Work::Poll || work == SLEEP) {
        return await_cancel(context, work);
    }
    if (work == DEAF) {
        hear_nothing(context);
    }
    if (work == BULK) {
        return give(context, in, length);
    }
    Words out;
    if (length != sizeof out) {
        return E_INVALIDARG;
    }
    answer(work, in, out.data(), length);
    return give(context, out.data(), sizeof out);
}

const char *const METHODS[] = {"add",  "block",          "busy",  "count", "poll",
                               "look", "look_by_thread", "sleep", "deaf",  "bulk"};

// With the threads that it has already.
void settle() {
    const char *const cpu = std::getenv("BENCH_CPU");
    if (cpu == nullptr) {
        return;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(std::atoi(cpu), &one);
    for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task")) {
        if (sched_setaffinity(std::stoi(thread.path().filename()), sizeof one, &one) != 0) {
            fail("a child cannot go to its CPU");
        }
    }
}

} // namespace

} // namespace bench

extern "C" __attribute__((visibility("default"))) call_hresult_t call_module_main(call_module_t module) {
    bench::settle();
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = bench::METHODS;
    cls.method_count = sizeof bench::METHODS / sizeof bench::METHODS[0];
    cls.invoke = bench::invoke;
    return call_module_register(module, "Bench", &cls, nullptr, nullptr);
}
