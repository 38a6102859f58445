/* A module whose methods look at their process: see probe.h. */
#include <call.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static char trap_path[4096];

static void trapped(int signal)
{
    (void)signal;
    _exit(open(trap_path, O_CREAT | O_WRONLY, 0600) < 0);
}

static void nap(uint32_t milliseconds)
{
    struct timespec time = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

static call_hresult_t text(call_context_t context, const char *value)
{
    return value == NULL ? E_FAIL : call_context_write(context, value, strlen(value) + 1);
}

static call_hresult_t try_open(const char *path, int flags)
{
    int file = open(path, flags, 0600);
    if (file < 0)
        return errno == EACCES || errno == EPERM ? E_ACCESSDENIED : E_FAIL;
    (void)close(file);
    return S_OK;
}

static call_hresult_t take_memory(uint32_t mebibytes)
{
    size_t len = (size_t)mebibytes << 20;
    char *memory = malloc(len);
    if (memory == NULL)
        return E_OUTOFMEMORY;
    memset(memory, 1, len);
    free(memory);
    return S_OK;
}

static call_hresult_t open_many(call_context_t context)
{
    int files[1000];
    uint32_t count = 0;
    while (count < 1000 && (files[count] = open("/dev/null", O_RDONLY)) >= 0)
        count++;
    for (uint32_t i = 0; i < count; i++)
        (void)close(files[i]);
    return call_context_write(context, &count, sizeof count);
}

static call_hresult_t in_region(call_context_t context, uint32_t milliseconds, const char *path)
{
    call_hresult_t hr = call_context_disable_cancel(context);
    if (hr == S_OK) {
        hr = call_context_set_progress(context, 1, 1);
        nap(milliseconds);
        if (hr >= 0)
            hr = try_open(path, O_WRONLY | O_CREAT);
        /* What was not heard in it is heard now. */
        call_hresult_t heard = call_context_enable_cancel(context);
        hr = hr < 0 ? hr : heard;
    }
    return hr;
}

static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    uint32_t number = 0;
    char path[4096] = "", folder[4096];
    pid_t pid = getpid();
    call_hresult_t hr = S_OK;
    (void)self;
    memcpy(&number, in, in_len < sizeof number ? in_len : sizeof number);
    memcpy(path, in, in_len < sizeof path ? in_len : sizeof path - 1);
    if (method == PROBE_WAIT || method == PROBE_DEAF || method == PROBE_BURN)
        hr = call_context_set_progress(context, 1, 1);
    if (hr < 0)
        return hr;
    switch (method) {
    case PROBE_PID:
        return call_context_write(context, &pid, sizeof pid);
    case PROBE_GETENV:
        return text(context, getenv(path));
    case PROBE_CWD:
        return text(context, getcwd(folder, sizeof folder));
    case PROBE_ALLOC:
        return take_memory(number);
    case PROBE_OPEN:
        return open_many(context);
    case PROBE_READ:
        return try_open(path, O_RDONLY);
    case PROBE_WRITE:
        return try_open(path, O_WRONLY | O_CREAT);
    case PROBE_WAIT:
        return call_context_wait_cancel(context, CALL_INFINITE);
    case PROBE_DEAF:
        nap(number);
        return S_OK;
    case PROBE_REGION:
        return in_region(context, number, path + sizeof number);
    case PROBE_TRAP:
        memcpy(trap_path, path, sizeof path);
        (void)signal(SIGTERM, trapped);
        hr = call_context_set_progress(context, 1, 1);
        /* Asleep: ThreadSanitizer has a handler run where its thread calls something. */
        while (hr >= 0)
            nap(1000);
        return hr;
    case PROBE_BURN:
        for (volatile unsigned long n = 0; hr >= 0; n++) {
        }
        return hr;
    default:
        return E_NOTIMPL;
    }
}

static call_hresult_t make_nothing(void *user, void **self_out)
{
    (void)user, (void)self_out;
    return E_ACCESSDENIED;
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = PROBE_METHODS;
    static const call_class_t cls = {
        .size = sizeof cls,
        .methods = methods,
        .method_count = PROBE_METHOD_COUNT,
        .invoke = invoke,
    };
    const char *way = getenv("PROBE_MAIN");
    if (way != NULL && strcmp(way, "abort") == 0) {
        fprintf(stderr, "this module does not like to be loaded\n");
        abort();
    }
    if (way != NULL && strcmp(way, "fail") == 0)
        return E_FAIL;
    if (way != NULL && strcmp(way, "sleep") == 0)
        nap(600000);
    call_hresult_t hr = call_module_register(module, "Unmade", &cls, make_nothing, NULL);
    return hr < 0 ? hr : call_module_register(module, "Probe", &cls, NULL, NULL);
}
