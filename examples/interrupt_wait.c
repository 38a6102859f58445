/*
 * Ctrl-C ends a wait, in order and from the signal handler itself.
 *   interrupt_wait invoke   a thread that is blocked in call_invoke
 *   interrupt_wait wait     one that is blocked in call_wait
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fate_name.h"

enum { GRACE_MS = 10000 };

/* Written before the handler is installed. */
static uint64_t main_thread;      /* 0: the call is known, and canceled by its handle */
static call_cancel_t known_call;

/* Both functions are async-signal-safe, and the handler runs on any thread of the program's. */
static void on_interrupt(int number)
{
    (void)number;
    int saved = errno;
    if (main_thread != 0)
        call_request_cancel_thread(main_thread, GRACE_MS);
    else
        call_request_cancel(known_call, GRACE_MS);
    errno = saved;
}

static bool handle_interrupt(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    return sigaction(SIGINT, &action, NULL) == 0;
}

/* The method says when it is at work; then it would go on for ever. */
static call_hresult_t work(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    fprintf(stderr, "at work; press Ctrl-C\n");
    return call_context_wait_cancel(context, CALL_INFINITE);
}

static call_hresult_t by_invoke(call_object_t object, call_fate_t *fate)
{
    call_hresult_t hr = call_thread_id(&main_thread);
    if (hr < 0 || !handle_interrupt() || call_enable_cancellation() < 0)
        return E_FAIL;
    hr = call_invoke(object, 0, NULL, 0, NULL, 0, NULL, CALL_INFINITE, fate);
    printf("call_invoke %s\n", call_hresult_name(hr));
    call_disable_cancellation();
    return hr;
}

static call_hresult_t by_wait(call_object_t object, call_fate_t *fate)
{
    call_t call;
    if (call_create(object, &call) < 0 || call_query_cancel(call, &known_call) < 0 || !handle_interrupt()
        || call_begin(call, 0, NULL, 0) < 0)
        return E_FAIL;
    printf("call_wait %s\n", call_hresult_name(call_wait(call, CALL_INFINITE)));
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    printf("call_finish %s\n", call_hresult_name(hr));
    if (call_get_fate(call, fate) < 0)
        *fate = CALL_FATE_NONE;
    call_cancel_release(known_call);
    call_release(call);
    return hr;
}

int main(int argc, char **argv)
{
    static const char *const methods[] = {"work"};
    static const call_class_t worker = {.size = sizeof worker, .methods = methods, .method_count = 1, .invoke = work};
    call_apartment_t process_wide = {0};
    call_object_t object;
    call_fate_t fate = CALL_FATE_NONE;
    if (call_object_create(process_wide, &worker, NULL, &object) < 0)
        return 2;
    call_hresult_t hr = argc > 1 && strcmp(argv[1], "wait") == 0 ? by_wait(object, &fate) : by_invoke(object, &fate);
    printf("fate %s\n", fate_name(fate));
    call_object_release(object);
    return hr == RPC_E_CALL_CANCELED ? 130 : 1; /* what a shell expects of a program that Ctrl-C ended */
}
