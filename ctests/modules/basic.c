/* A module of one class whose methods show how a call may end. */
#include <call.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic.h"

static call_hresult_t report(call_context_t context, const char *text)
{
    return call_context_write(context, text, strlen(text));
}

static call_hresult_t looks(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    return call_context_test_cancel(context) == RPC_S_CALLPENDING ? S_OK : E_FAIL;
}

static int call_in_a_fork(void)
{
    static const char *const names[] = {"looks"};
    static const call_class_t cls = {.size = sizeof cls, .methods = names, .method_count = 1, .invoke = looks};
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        call_object_t object;
        /* Nothing that may be read comes where the parent's shared memory was. */
        for (int i = 0; i < 64; i++)
            (void)mmap(NULL, 17 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        call_hresult_t hr = call_object_create((call_apartment_t){0}, &cls, NULL, &object);
        if (hr >= 0)
            hr = call_invoke(object, 0, NULL, 0, NULL, 0, NULL, CALL_INFINITE, NULL);
        _exit(hr == S_OK ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child ? status : -1;
}

static void note(void *told)
{
    atomic_store((atomic_int *)told, 1);
}

/* However late: who waits for it has a guard. */
static call_hresult_t be_told(call_context_t context)
{
    static atomic_int told;
    atomic_store(&told, 0);
    call_hresult_t hr = call_context_on_cancel(context, note, &told);
    if (hr >= 0)
        hr = call_context_set_progress(context, 3, 8);
    while (hr >= 0 && call_context_test_cancel(context) == RPC_S_CALLPENDING) {
    }
    while (hr >= 0 && atomic_load(&told) == 0)
        (void)usleep(100);
    return hr < 0 ? hr : RPC_E_CALL_CANCELED;
}

static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    static unsigned count;
    call_hresult_t hr;
    (void)self;
    if (method == BASIC_SPIN || method == BASIC_OBEY || method == BASIC_POLL || method == BASIC_PROGRESS) {
        /* So that a test knows that it is inside. */
        hr = call_context_set_progress(context, 3, 8);
        if (hr < 0)
            return hr;
    }
    switch (method) {
    case BASIC_ECHO:
        return call_context_write(context, in, in_len);
    case BASIC_PID: {
        pid_t pid = getpid();
        return call_context_write(context, &pid, sizeof pid);
    }
    case BASIC_COUNT:
        count++;
        return call_context_write(context, &count, sizeof count);
    case BASIC_SPIN:
        for (volatile unsigned long n = 0;; n++) {
        }
    case BASIC_OBEY:
        while (call_context_wait_cancel(context, CALL_INFINITE) == RPC_S_CALLPENDING) {
        }
        (void)report(context, "obeyed");
        return RPC_E_CALL_CANCELED;
    case BASIC_POLL:
        while (call_context_test_cancel(context) == RPC_S_CALLPENDING) {
        }
        return RPC_E_CALL_CANCELED;
    case BASIC_TOLD:
        return be_told(context);
    case BASIC_CRASH:
        fprintf(stderr, "the last words of a child\n");
        abort();
    case BASIC_EXIT:
        exit(7);
    case BASIC_FAIL:
        hr = call_context_set_error(context, "it failed in a child");
        return hr < 0 ? hr : E_ACCESSDENIED;
    case BASIC_FORK: {
        int status = call_in_a_fork();
        return call_context_write(context, &status, sizeof status);
    }
    case BASIC_PROGRESS:
        return call_context_wait_cancel(context, CALL_INFINITE);
    default:
        return E_NOTIMPL;
    }
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = BASIC_METHODS;
    static const call_class_t cls = {
        .size = sizeof cls,
        .methods = methods,
        .method_count = BASIC_METHOD_COUNT,
        .invoke = invoke,
    };
    return call_module_register(module, "Basic", &cls, NULL, NULL);
}
