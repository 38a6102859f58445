/* A module whose methods start processes: see starter.h. */
#include <call.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "starter.h"

enum { WRITERS = 8 };

static call_hresult_t list(call_context_t context)
{
    char all[4096];
    FILE *program = popen("exec ls -l /proc/self/fd", "r");
    if (program == NULL)
        return E_FAIL;
    size_t len = fread(all, 1, sizeof all, program);
    return pclose(program) == 0 ? call_context_write(context, all, len) : E_FAIL;
}

static call_hresult_t streams(call_context_t context)
{
    char all[1024] = "", path[32], target[256];
    for (int fd = 0; fd <= 2; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, target, sizeof target - 1);
        target[len < 0 ? 0 : len] = 0;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%d %s\n", fd, target);
    }
    return call_context_write(context, all, strlen(all));
}

static char lot[1 << 16];

static call_hresult_t noise(call_context_t context)
{
    memset(lot, '#', sizeof lot);
    /* The more it holds, the less often it is empty. */
    (void)fcntl(2, F_SETPIPE_SZ, 1 << 20);
    call_hresult_t hr = call_context_set_progress(context, 1, 1);
    for (int i = 1; i < WRITERS && hr >= 0 && fork() != 0; i++) {
    }
    while (hr >= 0 && write(2, lot, sizeof lot) > 0) {
    }
    return hr < 0 ? hr : E_FAIL;
}

static call_hresult_t writes(const char *in, size_t len)
{
    uint32_t count = 0;
    memcpy(&count, in, len < sizeof count ? len : sizeof count);
    (void)fcntl(2, F_SETPIPE_SZ, 1 << 20);
    memset(lot, '#', sizeof lot);
    for (; count > sizeof lot; count -= sizeof lot)
        if (write(2, lot, sizeof lot) != sizeof lot)
            return E_FAIL;
    if (len > sizeof count && write(2, in + sizeof count, len - sizeof count) > 0)
        abort();
    return E_FAIL;
}

static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    pid_t pid = getpid();
    (void)self;
    switch (method) {
    case STARTER_PID:
        return call_context_write(context, &pid, sizeof pid);
    case STARTER_LIST:
        return list(context);
    case STARTER_STREAMS:
        return streams(context);
    case STARTER_NOISE:
        return noise(context);
    case STARTER_WRITES:
        return writes(in, in_len);
    default:
        return E_NOTIMPL;
    }
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = STARTER_METHODS;
    static const call_class_t cls = {
        .size = sizeof cls,
        .methods = methods,
        .method_count = STARTER_METHOD_COUNT,
        .invoke = invoke,
    };
    return call_module_register(module, "Starter", &cls, NULL, NULL);
}
