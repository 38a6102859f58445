/* A program of somebody else's: one call, canceled. Says what became of it, and with what it was built. */
#include <call.h>
#include <stdio.h>

static call_hresult_t wait_for_cancel(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    return call_context_wait_cancel(context, CALL_INFINITE);
}

int main(void)
{
    static const char *const methods[] = {"wait"};
    call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = wait_for_cancel};
    call_apartment_t process_wide = {0};
    call_object_t object;
    call_t call;
    call_cancel_t cancel;
    call_fate_t fate;

    if (call_object_create(process_wide, &cls, NULL, &object) < 0 || call_create(object, &call) < 0
        || call_begin(call, 0, NULL, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return 2;
    if (call_wait(call, 50) != RPC_S_CALLPENDING)
        return 2;
    call_cancel(cancel, 60);
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    if (call_get_fate(call, &fate) < 0)
        return 2;
    printf("%s, fate %d, version %08X\n", call_hresult_name(hr), fate, call_version());
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(object);
    return call_version() == CALL_VERSION ? 0 : 3;
}
