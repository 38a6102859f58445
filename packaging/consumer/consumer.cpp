// The same in C++.
#include <call.h>
#include <cstdio>

int main()
{
    const char *const methods[] = {"wait"};
    call_class_t cls = {};
    cls.size = sizeof cls;
    cls.methods = methods;
    cls.method_count = 1;
    cls.invoke = [](void *, call_context_t context, uint32_t, const void *, size_t) {
        return call_context_wait_cancel(context, CALL_INFINITE);
    };
    call_object_t object;
    call_t call;
    call_cancel_t cancel;
    call_fate_t fate;

    if (call_object_create(call_apartment_t{}, &cls, nullptr, &object) < 0 || call_create(object, &call) < 0
        || call_begin(call, 0, nullptr, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return 2;
    if (call_wait(call, 50) != RPC_S_CALLPENDING)
        return 2;
    call_cancel(cancel, 60);
    call_hresult_t hr = call_finish(call, nullptr, 0, nullptr);
    if (call_get_fate(call, &fate) < 0)
        return 2;
    std::printf("%s, fate %d, version %08X\n", call_hresult_name(hr), fate, call_version());
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(object);
    return call_version() == CALL_VERSION ? 0 : 3;
}
