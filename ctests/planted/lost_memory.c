/* A planted error: the data of objects is given up and never freed. A checker of leaks must name
 * `new_data`. Many, for a register or a stack may still show where the last one was. */
#include "use.h"

static call_hresult_t nothing(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    return S_OK;
}

static __attribute__((noinline)) void *new_data(void)
{
    void *data = malloc(100);
    need(data != NULL);
    return data;
}

int main(void)
{
    for (int i = 0; i < 100; i++) {
        call_object_t object = new_object(nothing, NULL, new_data());
        need(call_object_release(object) == S_OK);
    }
    return 0;
}
