/*
 * Where a method runs: one object, which notes its thread and keeps a plain, unguarded count, lives in
 * an apartment of each kind, and four threads call it at once.
 */
#include <call.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

enum { CLIENTS = 4, CALLS = 250, EACH_MS = 100 };

typedef struct counter_t {
    unsigned long count; /* no lock, no atomic: for apartments that run one method at a time */
    unsigned threads;    /* how many different ones ran the method, one after the other */
    pthread_t last;
} counter_t;

static call_hresult_t add(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)context, (void)method, (void)in, (void)in_len;
    counter_t *counter = self;
    counter->threads += counter->count == 0 || !pthread_equal(counter->last, pthread_self());
    counter->last = pthread_self();
    counter->count++;
    return S_OK;
}

/* A client's thread, which knows nothing of apartments. */
static void *call_often(void *argument)
{
    const call_object_t *object = argument;
    call_t call;
    bool good = call_create(*object, &call) == S_OK;
    for (int i = 0; good && i < CALLS; i++)
        good = call_begin(call, 0, NULL, 0) == S_OK && call_finish(call, NULL, 0, NULL) == S_OK;
    call_release(call);
    return good ? argument : NULL;
}

/* The owner's event loop: any descriptors of its own could be in the same poll. */
static bool serve(call_apartment_t apartment, const counter_t *counter)
{
    struct pollfd calls = {.events = POLLIN};
    if (call_apartment_get_fd(apartment, &calls.fd) < 0)
        return false;
    while (counter->count < CLIENTS * CALLS) {
        if (poll(&calls, 1, EACH_MS) < 0 || call_apartment_pump(apartment, 0, NULL) < 0)
            return false;
    }
    return true;
}

static bool count_in(const char *name, uint32_t kind)
{
    static const char *const methods[] = {"add"};
    static const call_class_t counter_class = {
        .size = sizeof counter_class, .methods = methods, .method_count = 1, .invoke = add};
    call_apartment_options_t options = {.size = sizeof options, .kind = kind, .name = "counter"};
    call_apartment_t apartment;
    call_object_t object;
    counter_t counter = {0};
    pthread_t clients[CLIENTS];
    if (call_apartment_create(&options, &apartment) < 0
        || call_object_create(apartment, &counter_class, &counter, &object) < 0)
        return false;
    for (int i = 0; i < CLIENTS; i++) {
        if (pthread_create(&clients[i], NULL, call_often, &object) != 0)
            return false;
    }
    bool good = kind != CALL_APARTMENT_SINGLE || serve(apartment, &counter);
    for (int i = 0; i < CLIENTS; i++) {
        void *all_answered = NULL;
        pthread_join(clients[i], &all_answered);
        good = good && all_answered != NULL;
    }
    bool here = pthread_equal(counter.last, pthread_self());
    printf("%s: %lu of %d counted, on %u thread, %s\n", name, counter.count, CLIENTS * CALLS, counter.threads,
           here ? "the owner's" : "the library's");
    call_object_release(object);
    call_apartment_close(apartment, CALL_INFINITE, NULL); /* no method runs after this */
    call_apartment_release(apartment);
    return good && counter.count == CLIENTS * CALLS && counter.threads == 1;
}

int main(void)
{
    bool serial = count_in("serial", CALL_APARTMENT_SERIAL);
    bool single = count_in("single", CALL_APARTMENT_SINGLE);
    return serial && single ? 0 : 1;
}
