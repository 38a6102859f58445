/*
 * What is going on in here? A page is asked for, from a store that hangs. One list says who waits for whom, a
 * log names the method that does not hear of its cancel, and counters say how often things went which way.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fate_name.h"

enum { LOOK_WITHIN_MS = 50, GUARD_SECONDS = 60, MANY = 16 };

static atomic_bool mended;    /* the store answers again */
static atomic_uint threads;   /* of the library's, that run now */
static atomic_uint told;      /* messages that came to the log */

/* Never has a look at its context: nobody can stop it. */
static call_hresult_t read_row(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    while (!atomic_load(&mended))
        usleep(1000);
    return S_OK;
}

static call_hresult_t get_page(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    const call_object_t *store = self;
    (void)context, (void)method, (void)in, (void)in_len;
    return call_invoke(*store, 0, NULL, 0, NULL, 0, NULL, CALL_INFINITE, NULL);
}

/* For `kill -USR1`: a program that hangs says why. A thread of the library's writes the list. */
static void on_user_signal(int number)
{
    (void)number;
    int saved = errno;
    call_request_dump(STDERR_FILENO);
    errno = saved;
}

static void on_thread_start(void *user, const char *name)
{
    (void)user, (void)name; /* a profiler, or a JVM, would be told of the thread here */
    atomic_fetch_add(&threads, 1);
}

static void on_thread_stop(void *user, const char *name)
{
    (void)user, (void)name;
    atomic_fetch_sub(&threads, 1);
}

static void on_log(void *user, const char *message)
{
    (void)user;
    printf("log: %s\n", message);
    atomic_fetch_add(&told, 1);
}

static bool make(const char *name, uint32_t kind, call_method_fn method, void *self, call_object_t *object)
{
    const char *const methods[] = {method == get_page ? "get_page" : "read_row"};
    call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = method};
    call_apartment_options_t options = {.size = sizeof options, .kind = kind, .name = name};
    call_apartment_t apartment;
    bool good = call_apartment_create(&options, &apartment) == S_OK
        && call_object_create(apartment, &cls, self, object) == S_OK;
    call_apartment_release(apartment); /* it lives while the object does */
    return good;
}

/* Looks at the list until one running call is seen to wait for another. */
static bool wait_until_it_hangs(void)
{
    call_info_t infos[MANY];
    for (;;) {
        size_t count = 0;
        if (call_enumerate(infos, sizeof *infos, MANY, &count) != S_OK)
            return false;
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < count; j++) {
                if (infos[i].waits_for.id == infos[j].context.id && infos[j].state == CALL_STATE_RUNNING)
                    return true;
            }
        }
        usleep(1000);
    }
}

static bool show_counters(void)
{
    call_counters_t now = {.size = sizeof now};
    if (call_get_counters(&now) < 0)
        return false;
    printf("begun %llu, abandoned %llu, of them still running %llu, uncooperative %llu\n", (unsigned long long)now.begun,
           (unsigned long long)now.abandoned, (unsigned long long)now.abandoned_now,
           (unsigned long long)now.uncooperative);
    return now.begun == 2 && now.abandoned_now == 1 && now.uncooperative == 1 && now.pending_now == 0;
}

int main(void)
{
    struct sigaction action;
    call_object_t store, page;
    call_t call;
    call_cancel_t cancel;
    uint32_t remaining = 0;
    setvbuf(stdout, NULL, _IONBF, 0); /* as call_dump writes to the descriptor */
    alarm(GUARD_SECONDS);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_user_signal;
    action.sa_flags = SA_RESTART;
    call_set_thread_hooks(on_thread_start, on_thread_stop, NULL);
    call_set_log(on_log, NULL);
    if (call_set_tracking(1, LOOK_WITHIN_MS) < 0 || sigaction(SIGUSR1, &action, NULL) != 0
        || !make("store", CALL_APARTMENT_SERIAL, read_row, NULL, &store)
        || !make("front", CALL_APARTMENT_MULTI, get_page, &store, &page) || call_create(page, &call) < 0
        || call_begin(call, 0, NULL, 0) < 0 || call_query_cancel(call, &cancel) < 0 || !wait_until_it_hangs())
        return 2;
    bool good = call_dump(STDOUT_FILENO) == S_OK;
    raise(SIGUSR1);

    call_cancel(cancel, 0); /* nobody waits for the page any more, and so nobody for the row */
    printf("call_finish %s\n", call_hresult_name(call_finish(call, NULL, 0, NULL)));
    while (atomic_load(&told) == 0)
        usleep(1000);
    good = show_counters() && good;

    good = call_shutdown(0, &remaining) == S_FALSE && remaining == 1 && atomic_load(&threads) > 0 && good;
    printf("call_shutdown, at once: %u still runs\n", remaining);
    atomic_store(&mended, true);
    good = call_shutdown(CALL_INFINITE, &remaining) == S_OK && remaining == 0 && good;
    printf("call_shutdown, when the store answers again: %u still runs\n", remaining);
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(page);
    call_object_release(store);
    return good ? 0 : 1;
}
