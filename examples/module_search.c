/* The search as a module: what `search` calls isolated, and next to it a method that never ends. */
#include "search.h"

static call_hresult_t loop_forever(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    call_hresult_t hr = call_context_set_progress(context, 1, 1); /* "I have started" */
    for (volatile unsigned long turns = 0; hr >= 0; turns++) {
    }
    return hr;
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = {"loop_forever"};
    static const call_class_t loop_class = {
        .size = sizeof loop_class,
        .methods = methods,
        .method_count = 1,
        .invoke = loop_forever,
    };
    call_hresult_t hr = call_module_register(module, "Search", &search_class, NULL, NULL);
    return hr < 0 ? hr : call_module_register(module, "Loop", &loop_class, NULL, NULL);
}
