#include "distance_support.h"

#include <stdlib.h>
#include <string.h>

call_apartment_t apartment_of_kind(uint32_t kind, uint32_t workers, uint32_t max_workers)
{
    call_apartment_options_t options = {
        .size = sizeof options,
        .kind = kind,
        .workers = workers,
        .max_workers = max_workers,
        .name = "ctest",
    };
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment));
    return apartment;
}

const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {
        [CALL_APARTMENT_MULTI] = "multi",
        [CALL_APARTMENT_SINGLE] = "single",
        [CALL_APARTMENT_SERIAL] = "serial",
    };
    return kind < sizeof names / sizeof names[0] ? names[kind] : "no kind";
}

static void *own(void *argument)
{
    owner_t *owner = argument;
    owner->apartment = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    call_apartment_t apartment = owner->apartment;
    gate_open(&owner->ready);
    do
        owner->ended = call_apartment_pump(apartment, CALL_INFINITE, NULL);
    while (owner->ended == S_OK);
    return NULL;
}

void owner_start(owner_t *owner)
{
    gate_init(&owner->ready, "the owner is ready");
    if (pthread_create(&owner->thread, NULL, own, owner) != 0)
        bail_out("no thread");
    gate_wait(&owner->ready);
}

static void join(pthread_t thread)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += hang_ms() / 1000;
    if (pthread_timedjoin_np(thread, NULL, &end) != 0)
        bail_out("an apartment's owner did not come back from its pump: a hang");
}

void owner_stop(owner_t *owner)
{
    must(call_apartment_close(owner->apartment, hang_ms(), NULL));
    join(owner->thread);
    must(call_apartment_release(owner->apartment));
}

void home_open(home_t *home, uint32_t kind, uint32_t max_workers)
{
    home->kind = kind;
    if (kind == CALL_APARTMENT_SINGLE) {
        owner_start(&home->owner);
        home->apartment = home->owner.apartment;
    } else if (kind == CALL_APARTMENT_MULTI) {
        home->apartment = apartment_of_kind(kind, 1, max_workers);
    } else {
        home->apartment = apartment_of_kind(kind, 0, 0);
    }
}

void home_close(home_t *home)
{
    if (home->kind == CALL_APARTMENT_SINGLE) {
        owner_stop(&home->owner);
        return;
    }
    must(call_apartment_close(home->apartment, hang_ms(), NULL));
    must(call_apartment_release(home->apartment));
}

/* What a helper thread of a server takes with it: begin's input does not outlive begin. */
typedef struct order_t {
    void *self;
    call_context_t context;
    uint32_t method;
    size_t in_len;
    char in[];
} order_t;

static void carry_out(const order_t *order)
{
    call_hresult_t result = target_class.invoke(order->self, order->context, order->method,
                                                order->in, order->in_len);
    if (result == CALL_S_DEFERRED)
        return;
    /* From here on the object may be gone. A code that no method may end with is refused. */
    call_hresult_t completed_with = call_context_complete(order->context, result);
    if (completed_with != S_OK && completed_with != E_INVALIDARG)
        bail_out("a helper could not complete its call: 0x%08X", (unsigned)completed_with);
}

static void *help(void *argument)
{
    order_t *order = argument;
    carry_out(order);
    free(order);
    return NULL;
}

static order_t *order_of(void *self, call_context_t context, uint32_t method, const void *in,
                         size_t in_len)
{
    order_t *order = malloc(sizeof *order + in_len);
    if (order == NULL)
        bail_out("no memory");
    order->self = self;
    order->context = context;
    order->method = method;
    order->in_len = in_len;
    if (in_len != 0)
        memcpy(order->in, in, in_len);
    return order;
}

static call_hresult_t server_begin(void *self, call_context_t context, uint32_t method,
                                   const void *in, size_t in_len)
{
    server_t *server = self;
    call_hresult_t result = server->begin_result;
    server->begun_on = pthread_self();
    gate_open(&server->begun);
    if (server->mode == REFUSE)
        return result;
    order_t *order = order_of(self, context, method, in, in_len);
    pthread_t helper;
    /* A deferred method is completed by the test, so nobody may touch the object after `entered`
     * but begin itself. */
    if (server->mode == AT_ONCE || method == DEFER)
        (void)help(order);
    else if (pthread_create(&helper, NULL, help, order) != 0 || pthread_detach(helper) != 0)
        bail_out("no thread");
    return result;
}

static call_hresult_t server_cancel(void *self, call_context_t context, uint32_t grace_ms)
{
    server_t *server = self;
    call_hresult_t result = server->cancel_result;
    server->told_on = pthread_self();
    server->told_of = context;
    server->told_grace = grace_ms;
    gate_open(&server->told);
    return result;
}

static call_hresult_t server_invoke(void *self, call_context_t context, uint32_t method,
                                    const void *in, size_t in_len)
{
    return target_class.invoke(self, context, method, in, in_len);
}

static void server_destroyed(void *self)
{
    target_class.destroy(self);
}

#define SERVER_CLASS(name, flags_, invoke_, begin_, cancel_) \
    const call_class_t name = {                              \
        .size = sizeof name,                                 \
        .methods = target_methods,                           \
        .method_count = METHOD_COUNT,                        \
        .flags = (flags_),                                   \
        .invoke = (invoke_),                                 \
        .begin = (begin_),                                   \
        .cancel = (cancel_),                                 \
        .destroy = server_destroyed,                         \
    }

SERVER_CLASS(invoke_with_cancel_class, 0, server_invoke, NULL, server_cancel);
SERVER_CLASS(begin_class, 0, NULL, server_begin, NULL);
SERVER_CLASS(begin_with_cancel_class, 0, NULL, server_begin, server_cancel);
SERVER_CLASS(custom_class, CALL_CLASS_CUSTOM_MARSHALING, NULL, server_begin, NULL);
SERVER_CLASS(custom_with_cancel_class, CALL_CLASS_CUSTOM_MARSHALING, NULL, server_begin, server_cancel);

void server_init(server_t *server)
{
    memset(server, 0, sizeof *server);
    atomic_init(&server->target.entries, 0);
    atomic_init(&server->target.exits, 0);
    gate_init(&server->target.destroyed, "destroyed");
    gate_init(&server->begun, "begun");
    gate_init(&server->told, "told");
    server->mode = BY_HELPER;
    server->begin_result = S_OK;
    server->cancel_result = S_OK;
    gate_init(&server->favor.asked, "asked");
    gate_init(&server->favor.done, "done");
}

void server_create(server_t *server, call_apartment_t apartment, const call_class_t *cls)
{
    server_init(server);
    must(call_object_create(apartment, cls, server, &server->target.object));
}

void server_destroy(server_t *server)
{
    target_destroy(&server->target);
}

static call_hresult_t go_on_errand(job_t *job)
{
    errand_t *errand = job->data;
    errand->body(errand->data);
    return S_OK;
}

call_hresult_t run_inside(call_object_t object, void (*body)(void *data), void *data)
{
    errand_t errand = {body, data};
    job_t job;
    call_t call;
    job_init(&job, NULL, S_OK);
    job.run = go_on_errand;
    job.data = &errand;
    must(call_create(object, &call));
    begin_job(call, RUN, &job);
    /* The gates of the body end the program if it hangs; how long it takes is its own affair. */
    must(call_wait(call, CALL_INFINITE));
    gate_wait(&job.left);
    call_hresult_t result = finish(call);
    must(call_release(call));
    return result;
}
