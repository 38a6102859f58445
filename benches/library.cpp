#include "library.hpp"

#include <cstring>

namespace bench {

Probes probes;

namespace {

call_hresult_t work(call_context_t context, Work which, const void *in, std::size_t in_len) {
    Words given;
    Words result;
    if (in_len != sizeof given) {
        return E_INVALIDARG;
    }
    std::memcpy(given.data(), in, sizeof given);
    perform(which, given, result);
    return call_context_write(context, result.data(), sizeof result);
}

call_hresult_t until_canceled(call_context_t context) {
    arrive();
    probes.is_running.store(true, std::memory_order_release);
    call_hresult_t answer;
    while ((answer = call_context_test_cancel(context)) == RPC_S_CALLPENDING) {
    }
    probes.seen.store(stamp(), std::memory_order_release);
    return answer;
}

call_hresult_t look(call_context_t context) {
    arrive();
    const std::size_t looks = effort.samples(1'000'000);
    std::vector<double> loops;
    for (int loop = 0; loop < 7; loop++) {
        std::size_t others = 0;
        const std::uint64_t from = stamp();
        for (std::size_t i = 0; i < looks; i++) {
            others += call_context_test_cancel(context) != RPC_S_CALLPENDING;
        }
        loops.push_back(nanoseconds(from, stamp()) / static_cast<double>(looks));
        if (others != 0) {
            return E_FAIL;
        }
    }
    probes.look_ns = median(loops);
    return S_OK;
}

call_hresult_t invoke(void *, call_context_t context, std::uint32_t method, const void *in, std::size_t in_len) {
    switch (method) {
    case static_cast<std::uint32_t>(Probe::UntilCanceled):
        return until_canceled(context);
    case static_cast<std::uint32_t>(Probe::LookByContext):
        return look(context);
    case static_cast<std::uint32_t>(Probe::LookByThread):
        return look(call_context_t{0});
    default:
        return work(context, static_cast<Work>(method), in, in_len);
    }
}

const char *const METHODS[] = {"add", "block", "busy", "until_canceled", "look_by_context", "look_by_thread"};

} // namespace

void expect(call_hresult_t got, call_hresult_t expected, const char *what) {
    if (got != expected) {
        fail(std::string(what) + ": " + call_hresult_name(got) + ", not " + call_hresult_name(expected));
    }
}

Library::Library() {
    call_apartment_options_t options{};
    options.size = sizeof options;
    options.kind = CALL_APARTMENT_MULTI;
    options.workers = 1;
    options.max_workers = 1;
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment), "call_apartment_create");
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = METHODS;
    cls.method_count = sizeof METHODS / sizeof METHODS[0];
    cls.invoke = invoke;
    must(call_object_create(apartment, &cls, nullptr, &object_), "call_object_create");
    must(call_apartment_release(apartment), "call_apartment_release");
}

} // namespace bench
