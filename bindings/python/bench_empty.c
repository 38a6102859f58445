/* A method that does nothing, for bench.py. */
#include <call.h>

call_hresult_t empty(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    return S_OK;
}
