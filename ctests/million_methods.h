/* The objects of the million calls: what their methods do is drawn by the client and comes with the
 * input. Only million.c includes this. */
#ifndef MILLION_METHODS_H
#define MILLION_METHODS_H

#include "million_books.h"

enum { WORK, HOST, MEMBERS };
enum { WAITING = 128, BUSY = 16, MOMENT_MS = 1, DESCRIPTOR_ONE_IN = 32 };

typedef enum act_t {
    ACT_ECHO,     /* writes and ends */
    ACT_FAIL,     /* ends with E_FAIL */
    ACT_OBEY,     /* sleeps a moment for a cancel */
    ACT_REGION,   /* is a while in a region */
    ACT_LATER,    /* is completed by a janitor */
    ACT_FUNCTION, /* by the function that hears of the cancel, or a janitor */
    ACT_TAKEN,    /* registers a function and takes it back */
    ACTS
} act_t;

/* The input; bytes follow, which are to come back. */
typedef struct plan_t {
    uint64_t seed;
    act_t act;
    uint32_t tail;
} plan_t;

/* A call that goes on after its method returned. */
typedef struct pending_t {
    call_context_t context;
    entry_t *function;
} pending_t;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pending_t waiting[WAITING];
    unsigned first, count;
    bool over;
} janitor = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline bool leave_to_janitor(pending_t pending)
{
    (void)pthread_mutex_lock(&janitor.mutex);
    bool room = janitor.count < WAITING;
    if (room)
        janitor.waiting[(janitor.first + janitor.count++) % WAITING] = pending;
    (void)pthread_cond_signal(&janitor.changed);
    (void)pthread_mutex_unlock(&janitor.mutex);
    return room;
}

static inline bool next_for_janitor(pending_t *pending_out, unsigned *behind_out)
{
    (void)pthread_mutex_lock(&janitor.mutex);
    while (janitor.count == 0 && !janitor.over)
        (void)pthread_cond_wait(&janitor.changed, &janitor.mutex);
    bool found = janitor.count != 0;
    if (found) {
        *pending_out = janitor.waiting[janitor.first];
        janitor.first = (janitor.first + 1) % WAITING;
        *behind_out = --janitor.count;
    }
    (void)pthread_mutex_unlock(&janitor.mutex);
    return found;
}

/* One of two completes: the janitor, or the function that hears of the cancel. */
static inline bool complete(call_context_t context, call_hresult_t result)
{
    call_hresult_t code = call_context_complete(context, result);
    if (code == S_OK)
        (void)atomic_fetch_add(&ended, 1);
    else if (code != RPC_E_CALL_COMPLETE)
        surprise("complete", (uint64_t)code);
    return code == S_OK;
}

static void *janitor_main(void *nothing)
{
    pending_t pending;
    unsigned behind;
    while (next_for_janitor(&pending, &behind)) {
        call_hresult_t seen = call_context_wait_cancel(pending.context, behind < BUSY ? MOMENT_MS : 0);
        bool canceled = seen == RPC_E_CALL_CANCELED;
        if (complete(pending.context, canceled ? RPC_E_CALL_CANCELED : S_OK))
            came(O_completed_later);
        if (pending.function != NULL) {
            atomic_store(&pending.function->over, 1);
            came(atomic_load(&pending.function->times) == 0 ? O_function_not_run : O_heard_by_function);
        }
    }
    return nothing;
}

/* What a registered function is given. */
typedef struct heard_t {
    entry_t *entry;
    call_context_t context;
    bool completes;
} heard_t;

static void hear_once(void *user)
{
    heard_t *heard = user;
    happened(&functions, heard->entry);
    if (heard->completes && complete(heard->context, RPC_E_CALL_CANCELED))
        came(O_completed_by_function);
}

static inline void put_in(call_context_t context, const void *bytes, size_t len, bool in_place)
{
    void *room = NULL;
    call_hresult_t code;
    if (!in_place) {
        code = call_context_write(context, bytes, len);
    } else {
        code = call_context_reserve(context, len + 1, &room);
        if (code == S_OK) {
            memcpy(room, bytes, len);
            code = call_context_commit(context, len);
            came(O_reserved);
        }
    }
    if (code != S_OK && code != RPC_E_CALL_CANCELED)
        surprise("output", (uint64_t)code);
}

static inline call_hresult_t obey(void)
{
    /* The null context: this thread's innermost method is this one. */
    call_hresult_t seen = call_context_wait_cancel((call_context_t){0}, MOMENT_MS);
    if (seen != RPC_E_CALL_CANCELED && seen != RPC_S_CALLPENDING)
        surprise("wait_cancel", (uint64_t)seen);
    return seen == RPC_E_CALL_CANCELED ? seen : S_OK;
}

/* At once, or after a moment in which a cancel may come. */
static inline call_hresult_t region(call_context_t context, bool at_once)
{
    if (!at_once)
        (void)obey();
    call_hresult_t in = call_context_disable_cancel(context);
    came(in == S_OK ? O_region_entered : O_region_late);
    if (in != S_OK)
        return in;
    if (call_context_test_cancel(context) != RPC_S_CALLPENDING)
        surprise("heard of a cancel in a region", 0);
    call_hresult_t out = call_context_enable_cancel(context);
    return out == RPC_E_CALL_CANCELED ? out : S_OK;
}

/* One for each entry of the functions' book. */
static heard_t *heards;

static inline entry_t *listen(call_context_t context, bool completes)
{
    entry_t *entry = book_entry(&functions);
    heard_t *heard = &heards[entry - functions.entries];
    *heard = (heard_t){entry, context, completes};
    call_hresult_t code = call_context_on_cancel(context, hear_once, heard);
    if (code != S_OK)
        surprise("on_cancel", (uint64_t)code);
    return entry;
}

static inline call_hresult_t take_back(call_context_t context)
{
    entry_t *entry = listen(context, false);
    call_hresult_t code = call_context_on_cancel(context, NULL, NULL);
    if (code != S_OK)
        surprise("on_cancel(NULL)", (uint64_t)code);
    atomic_store(&entry->over, 1);
    came(atomic_load(&entry->times) == 0 ? O_function_not_run : O_heard_by_function);
    return S_OK;
}

static inline call_hresult_t later(call_context_t context, bool by_function)
{
    pending_t pending = {.context = context};
    if (by_function)
        pending.function = listen(context, true);
    if (leave_to_janitor(pending))
        return CALL_S_DEFERRED;
    /* The janitor has enough to do: this thread is it. */
    if (complete(context, S_OK))
        came(O_completed_in_begin);
    if (pending.function != NULL)
        atomic_store(&pending.function->over, 1);
    return CALL_S_DEFERRED;
}

/* What a method does, by invoke or by begin; CALL_S_DEFERRED: it completes elsewhere. */
static inline call_hresult_t perform(call_context_t context, const void *in, size_t in_len)
{
    plan_t plan;
    (void)atomic_fetch_add(&entered, 1);
    if (in_len < sizeof plan)
        bail_out("a plan was expected");
    memcpy(&plan, in, sizeof plan);
    if (in_len != sizeof plan + plan.tail)
        surprise("the input's length", in_len);
    uint64_t random = plan.seed;
    int fd;
    if (draw(&random, DESCRIPTOR_ONE_IN) == 0 && call_context_get_cancel_fd(context, &fd) == S_OK)
        came(O_descriptor_made);
    put_in(context, in, in_len, draw(&random, 4) == 0);
    if (plan.act == ACT_OBEY)
        return obey();
    if (plan.act == ACT_REGION)
        return region(context, draw(&random, 2) == 0);
    if (plan.act == ACT_TAKEN)
        return take_back(context);
    if (plan.act == ACT_LATER || plan.act == ACT_FUNCTION)
        return later(context, plan.act == ACT_FUNCTION);
    return plan.act == ACT_FAIL ? E_FAIL : S_OK;
}

static void destroyed(void *self)
{
    happened(&objects, self);
}

/* A client inside the apartment. */
static void client_inside(uint64_t seed);

static call_hresult_t work_invoke(void *self, call_context_t context, uint32_t method, const void *in,
                                  size_t in_len)
{
    (void)self;
    if (method == HOST) {
        uint64_t seed;
        memcpy(&seed, in, sizeof seed);
        client_inside(seed);
        return S_OK;
    }
    call_hresult_t result = perform(context, in, in_len);
    if (result != CALL_S_DEFERRED)
        (void)atomic_fetch_add(&ended, 1);
    return result;
}

static call_hresult_t work_begin(void *self, call_context_t context, uint32_t method, const void *in,
                                 size_t in_len)
{
    (void)self, (void)method;
    call_hresult_t result = perform(context, in, in_len);
    if (result == CALL_S_DEFERRED)
        return S_OK;
    if (result == E_FAIL) {
        (void)atomic_fetch_add(&ended, 1);
        return result;
    }
    if (complete(context, result))
        came(O_completed_in_begin);
    return S_OK;
}

static call_hresult_t agree(void *self, call_context_t context, uint32_t grace_ms)
{
    (void)self, (void)context, (void)grace_ms;
    came(O_class_asked);
    return S_OK;
}

static call_hresult_t refuse(void *self, call_context_t context, uint32_t grace_ms)
{
    (void)self, (void)context, (void)grace_ms;
    came(O_class_asked);
    return E_NOTIMPL;
}

static const char *const members[MEMBERS] = {"work", "host"};

static inline call_class_t class_of(bool begins, bool custom, call_cancel_fn cancel)
{
    return (call_class_t){
        .size = sizeof(call_class_t), .methods = members, .method_count = MEMBERS,
        .flags = custom ? CALL_CLASS_CUSTOM_MARSHALING : 0,
        .invoke = begins ? NULL : work_invoke, .begin = begins ? work_begin : NULL,
        .cancel = cancel, .destroy = destroyed,
    };
}

#endif
