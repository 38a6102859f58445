/* A call of an object of one's own, canceled. */
#include <call.h>
#include <stdio.h>

/* The method: sleeps until it is told to stop. */
static call_hresult_t run(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    return call_context_wait_cancel(context, CALL_INFINITE);
}

int main(void)
{
    static const char *const methods[] = {"run"};
    static const char *const fates[] = {"NONE", "COMPLETED", "NEVER_STARTED", "STOPPED", "RUNNING", "KILLED", "UNKNOWN"};
    call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = run};
    call_apartment_t process_wide = {0};
    call_object_t object;
    call_t call;
    call_cancel_t cancel;
    call_fate_t fate;

    if (call_object_create(process_wide, &cls, NULL, &object) < 0 || call_create(object, &call) < 0
        || call_begin(call, 0, NULL, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return 2;
    if (call_wait(call, 100) == RPC_S_CALLPENDING)
        call_cancel(cancel, 10); /* it has 10 seconds to answer */
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    if (call_get_fate(call, &fate) < 0)
        return 2;
    printf("C: %s, fate %s\n", call_hresult_name(hr), fates[fate]);
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(object);
    return hr != RPC_E_CALL_CANCELED;
}
