/* A module of somebody else's: one method says which library its process has, the other never ends. */
#define _GNU_SOURCE
#include <call.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    char text[512];
    Dl_info library;
    (void)self, (void)in, (void)in_len;
    while (method == 1)
        ;
    if (dladdr((void *)call_version, &library) == 0)
        return E_FAIL;
    snprintf(text, sizeof text, "version %08X in %s", call_version(), library.dli_fname);
    return call_context_write(context, text, strlen(text));
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = {"where", "spin"};
    static const call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 2, .invoke = invoke};
    return call_module_register(module, "Where", &cls, NULL, NULL);
}
