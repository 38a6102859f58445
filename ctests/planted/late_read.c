/* A planted error: the input of a call is read after its method has returned. A sanitizer of memory
 * must name `read_late`. */
#include "use.h"

enum { LONG = 4096 };

static const char *kept;

static call_hresult_t keep(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in_len;
    kept = in;
    return S_OK;
}

static __attribute__((noinline)) int read_late(void)
{
    return *(const volatile char *)kept;
}

int main(void)
{
    static const char input[LONG] = "too late";
    call_t call;
    call_object_t object = new_object(keep, NULL, NULL);
    need(call_create(object, &call) == S_OK);
    need(call_begin(call, 0, input, sizeof input) == S_OK);
    need(call_finish(call, NULL, 0, NULL) == S_OK);
    need(call_release(call) == S_OK);
    need(call_object_release(object) == S_OK);
    return read_late() != input[0];
}
