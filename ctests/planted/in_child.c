/* Errors in a method that runs in a child process: a race, and a read of memory that was given back. This file is the
 * program, whose argument is the module, and the module. */
#include <call.h>

#include <pthread.h>
#include <stdlib.h>

static int counted;

static void *count_in_child(void *argument)
{
    (void)argument;
    counted++;
    return NULL;
}

__attribute__((noinline)) static int read_in_child(const volatile int *memory)
{
    return *memory;
}

static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    pthread_t beside;
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    int *volatile memory = calloc(1, sizeof *memory);
    if (memory == NULL || pthread_create(&beside, NULL, count_in_child, NULL) != 0)
        return E_OUTOFMEMORY;
    counted++;
    (void)pthread_join(beside, NULL);
    free(memory);
    return read_in_child(memory) == 1 ? S_FALSE : S_OK;
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = {"err"};
    static const call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = invoke};
    return call_module_register(module, "Erring", &cls, NULL, NULL);
}

int main(int argc, char **argv)
{
    call_object_t object;
    call_t call;
    if (argc < 2 || call_object_bind(argv[1], NULL, &object) < 0 || call_create(object, &call) < 0
        || call_begin(call, 0, NULL, 0) < 0)
        return 2;
    /* Where the report ends the child the call has failed: both are well. */
    call_hresult_t result = call_finish(call, NULL, 0, NULL);
    if (call_release(call) < 0 || call_object_release(object) < 0)
        return 2;
    return result == S_OK || result == S_FALSE || result == RPC_E_SERVER_DIED ? 0 : 2;
}
