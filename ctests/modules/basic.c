/* A module of one class whose methods show how a call may end. */
#include <call.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic.h"

static call_hresult_t report(call_context_t context, const char *text)
{
    return call_context_write(context, text, strlen(text));
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
    case BASIC_CRASH:
        fprintf(stderr, "the last words of a child\n");
        abort();
    case BASIC_EXIT:
        exit(7);
    case BASIC_FAIL:
        hr = call_context_set_error(context, "it failed in a child");
        return hr < 0 ? hr : E_ACCESSDENIED;
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
