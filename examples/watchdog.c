/*
 * A watchdog: a thread that waits in call_invoke for something that does not answer is told to go on.
 * First by another thread, which knows nothing but the thread's number; then by the call's own deadline.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "fate_name.h"

enum { PATIENCE_MS = 100, LOOK_MS = 10, GRACE_SECONDS = 10 };

/* What the watchdog sees of the thread that it guards. */
typedef struct guarded_t {
    uint64_t thread;
    atomic_uint beats; /* goes up with each call that the thread makes */
    atomic_bool ended;
    call_hresult_t answer; /* of call_cancel */
} guarded_t;

/* An object that does not answer, as a program that hangs; but it hears of a cancel. */
static call_hresult_t hang(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    return call_context_wait_cancel(context, CALL_INFINITE);
}

/* Cancels the call that has not ended for PATIENCE_MS. A thread's number names no call, but a cancel interface does: it
 * is queried first, and if the thread has not gone on since then, it is the right one. */
static void *watch(void *argument)
{
    guarded_t *guarded = argument;
    struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
    unsigned seen = atomic_load(&guarded->beats);
    for (unsigned ms = 0; !atomic_load(&guarded->ended); ms += LOOK_MS) {
        nanosleep(&look, NULL);
        unsigned beats = atomic_load(&guarded->beats);
        call_cancel_t cancel;
        if (beats != seen || ms < PATIENCE_MS) {
            ms = beats == seen ? ms : 0;
            seen = beats;
        } else if (call_query_thread_cancel(guarded->thread, &cancel) == S_OK) {
            if (atomic_load(&guarded->beats) == seen)
                guarded->answer = call_cancel(cancel, GRACE_SECONDS);
            call_cancel_release(cancel);
        }
    }
    return NULL;
}

static bool by_thread(call_object_t object)
{
    guarded_t guarded = {.answer = S_FALSE};
    pthread_t watchdog;
    call_fate_t fate = CALL_FATE_NONE;
    if (call_thread_id(&guarded.thread) < 0 || call_enable_cancellation() < 0
        || pthread_create(&watchdog, NULL, watch, &guarded) != 0)
        return false;
    atomic_fetch_add(&guarded.beats, 1);
    call_hresult_t hr = call_invoke(object, 0, NULL, 0, NULL, 0, NULL, CALL_INFINITE, &fate);
    atomic_fetch_add(&guarded.beats, 1);
    atomic_store(&guarded.ended, true);
    pthread_join(watchdog, NULL);
    call_disable_cancellation();
    printf("watchdog: call_invoke %s, fate %s; call_cancel %s\n", call_hresult_name(hr), fate_name(fate),
           call_hresult_name(guarded.answer));
    return hr == RPC_E_CALL_CANCELED && fate == CALL_FATE_STOPPED && guarded.answer == RPC_E_CALL_COMPLETE;
}

/* Where the caller itself knows how long it wants to wait, a deadline does it, without a thread. */
static bool by_deadline(call_object_t object)
{
    call_fate_t fate = CALL_FATE_NONE;
    call_t call;
    call_hresult_t hr = call_invoke(object, 0, NULL, 0, NULL, 0, NULL, PATIENCE_MS, NULL);
    printf("deadline: call_invoke %s\n", call_hresult_name(hr));
    if (hr != RPC_E_TIMEOUT || call_create(object, &call) < 0)
        return false;
    /* With a grace period, which call_invoke does not give, the method can still say what it has done. */
    if (call_set_timeout(call, PATIENCE_MS, GRACE_SECONDS * 1000) < 0 || call_begin(call, 0, NULL, 0) < 0)
        return false;
    hr = call_finish(call, NULL, 0, NULL);
    if (call_get_fate(call, &fate) < 0)
        return false;
    printf("deadline: call_finish %s, fate %s\n", call_hresult_name(hr), fate_name(fate));
    call_release(call);
    return hr == RPC_E_TIMEOUT && fate == CALL_FATE_STOPPED;
}

int main(void)
{
    static const char *const methods[] = {"hang"};
    static const call_class_t hanging = {.size = sizeof hanging, .methods = methods, .method_count = 1, .invoke = hang};
    call_apartment_t process_wide = {0};
    call_object_t object;
    if (call_object_create(process_wide, &hanging, NULL, &object) < 0)
        return 2;
    bool good = by_thread(object);
    good = by_deadline(object) && good;
    call_object_release(object);
    return good ? 0 : 1;
}
