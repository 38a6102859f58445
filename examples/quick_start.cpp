// A call of an object of one's own, canceled.
#include <call.h>
#include <iostream>

// The object: its method sleeps until it is told to stop.
struct Sleeper {
    call_hresult_t run(call_context_t context)
    {
        return call_context_wait_cancel(context, CALL_INFINITE);
    }

    static call_hresult_t invoke(void *self, call_context_t context, uint32_t, const void *, size_t) noexcept
    {
        return static_cast<Sleeper *>(self)->run(context);
    }
};

int main()
{
    const char *const methods[] = {"run"};
    const char *const fates[] = {"NONE", "COMPLETED", "NEVER_STARTED", "STOPPED", "RUNNING", "KILLED", "UNKNOWN"};
    call_class_t cls{};
    cls.size = sizeof cls, cls.methods = methods, cls.method_count = 1, cls.invoke = Sleeper::invoke;
    Sleeper sleeper;
    call_object_t object{};
    call_t call{};
    call_cancel_t cancel{};
    call_fate_t fate{};

    if (call_object_create({}, &cls, &sleeper, &object) < 0 || call_create(object, &call) < 0
        || call_begin(call, 0, nullptr, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return 2;
    if (call_wait(call, 100) == RPC_S_CALLPENDING)
        call_cancel(cancel, CALL_INFINITE); // as long as it takes: it uses sleeper, which ends with this function
    const call_hresult_t hr = call_finish(call, nullptr, 0, nullptr);
    if (call_get_fate(call, &fate) < 0)
        return 2;
    std::cout << "C++: " << call_hresult_name(hr) << ", fate " << fates[fate] << '\n';
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(object);
    return hr != RPC_E_CALL_CANCELED;
}
