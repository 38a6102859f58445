#include "library.hpp"

#include <cstring>

namespace bench {

namespace {

// `looked_at` is where the body looks for its cancel.
call_hresult_t work(call_context_t context, call_context_t looked_at, Work which, const void *in, std::size_t in_len) {
    Words given;
    Words result;
    if (in_len != sizeof given) {
        return E_INVALIDARG;
    }
    std::memcpy(given.data(), in, sizeof given);
    bool is_canceled = false;
    perform(which, given, result,
            [&] { return is_canceled = call_context_test_cancel(looked_at) != RPC_S_CALLPENDING; });
    return is_canceled ? RPC_E_CALL_CANCELED : call_context_write(context, result.data(), sizeof result);
}

call_hresult_t invoke(void *, call_context_t context, std::uint32_t method, const void *in, std::size_t in_len) {
    const Work which{method};
    return which == LOOK_BY_THREAD ? work(context, call_context_t{0}, Work::Look, in, in_len)
                                   : work(context, context, which, in, in_len);
}

const char *const METHODS[] = {"add", "block", "busy", "count", "poll", "look", "look_by_thread"};

} // namespace

void expect(call_hresult_t got, call_hresult_t expected, const char *what) {
    if (got != expected) {
        fail(std::string(what) + ": " + call_hresult_name(got) + ", not " + call_hresult_name(expected));
    }
}

Library::Library(unsigned workers) {
    call_apartment_options_t options{};
    options.size = sizeof options;
    options.kind = CALL_APARTMENT_MULTI;
    options.workers = workers;
    options.max_workers = workers;
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment), "call_apartment_create");
    *this = Library(apartment);
    must(call_apartment_release(apartment), "call_apartment_release");
}

Library::Library(call_apartment_t apartment) {
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = METHODS;
    cls.method_count = sizeof METHODS / sizeof METHODS[0];
    cls.invoke = invoke;
    must(call_object_create(apartment, &cls, nullptr, &object_), "call_object_create");
}

} // namespace bench
