/* The three steps of canceling an asynchronous call, one by one:
 *   1. query the call for its cancel interface,
 *   2. cancel, and release the cancel interface,
 *   3. finish the call: canceling does not free it for another begin, finishing does. */
#include <stdio.h>

#include "fate_name.h"

/* The method: a count without an end. call_context_wait_cancel is a sleep that a cancel ends; here
 * it stands for a piece of work. The answer is how far the count came. */
static call_hresult_t count(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    uint64_t counted = 0;
    call_hresult_t hr = S_OK;
    while (hr >= 0 && call_context_wait_cancel(context, 1) == RPC_S_CALLPENDING)
        hr = call_context_set_progress(context, ++counted, 0); /* 0: nobody knows the total */
    if (hr >= 0)
        hr = call_context_write(context, &counted, sizeof counted);
    return hr < 0 ? hr : RPC_E_CALL_CANCELED;
}

/* Until the method is seen at work: a call canceled before that never starts. */
static call_hresult_t wait_for_progress(call_t call)
{
    uint64_t done = 0, total = 0;
    call_hresult_t hr = S_OK;
    while (hr >= 0 && done == 0 && call_wait(call, 1) == RPC_S_CALLPENDING)
        hr = call_get_progress(call, &done, &total);
    return hr;
}

static void say(const char *what, call_hresult_t hr)
{
    printf("%-40s %s\n", what, call_hresult_name(hr));
}

int main(void)
{
    static const char *const methods[] = {"count"};
    const call_class_t counter_class = {.size = sizeof counter_class, .methods = methods, .method_count = 1, .invoke = count};
    call_apartment_t process_wide = {0}; /* the null handle: the apartment that every process has */
    call_object_t counter;
    call_t call;
    if (call_object_create(process_wide, &counter_class, NULL, &counter) < 0 || call_create(counter, &call) < 0
        || call_begin(call, 0, NULL, 0) < 0 || wait_for_progress(call) < 0)
        return 2;

    /* Step 1. The cancel handle names this call and no later one. A call to another apartment has
     * always a cancel interface; where there is none the answer is E_NOINTERFACE. */
    call_cancel_t cancel;
    call_hresult_t hr = call_query_cancel(call, &cancel);
    say("1. call_query_cancel", hr);
    if (hr < 0)
        return 2;

    /* Step 2. The method has 10 seconds to answer. RPC_E_CALL_COMPLETE: it did, so the call is
     * complete; S_OK: it did not, and the client need not wait for it any more. */
    say("2. call_cancel, 10 seconds of grace", call_cancel(cancel, 10));
    say("   call_test_cancel", call_test_cancel(cancel)); /* complete, so no longer "canceled" */
    call_cancel_release(cancel);                           /* ends the handle, not the call */
    say("   call_begin, before step 3", call_begin(call, 0, NULL, 0)); /* still busy */

    /* Step 3. The result, the output, and the call object is free. The fate says what became of the
     * work: STOPPED, because the method itself ended with RPC_E_CALL_CANCELED. */
    uint64_t counted = 0;
    call_fate_t fate = CALL_FATE_NONE;
    say("3. call_finish", call_finish(call, &counted, sizeof counted, NULL));
    say("   call_get_fate", call_get_fate(call, &fate));
    printf("counted %s, fate %s\n", counted > 0 ? "something" : "nothing", fate_name(fate));
    call_release(call);
    call_object_release(counter);
    return fate == CALL_FATE_STOPPED ? 0 : 2;
}
