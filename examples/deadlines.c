/*
 * Deadlines and nesting: a call that makes another for it, a call that stands alone, and a group.
 */
#include <stdbool.h>
#include <stdio.h>

#include "fate_name.h"

enum { DEADLINE_MS = 300, GRACE_MS = 10000, MEMBERS = 3 };
enum { OUTER, INNER, ALONE, LONGER, LAST };

typedef struct causes_t {
    call_object_t object; /* the one that calls itself */
    uint32_t left_ms;     /* what the inner method read */
    uint32_t cause;
} causes_t;

static const char *cause_name(uint32_t cause)
{
    static const char *const names[] = {"NONE", "CANCEL", "TIMEOUT", "DISCONNECT", "PARENT", "PARENT_TIMEOUT"};
    return cause < sizeof names / sizeof *names ? names[cause] : "not a cause";
}

/* A method that makes a call of its own. It hands nothing down: the library knows for whom it begins. */
static call_hresult_t outer(causes_t *causes)
{
    call_t call;
    call_hresult_t hr = call_create(causes->object, &call);
    if (hr < 0)
        return hr;
    hr = call_begin(call, INNER, NULL, 0);
    if (hr >= 0)
        hr = call_finish(call, NULL, 0, NULL);
    call_hresult_t known = call_get_cause(call, &causes->cause);
    call_release(call);
    return known < 0 ? known : hr;
}

/* The same, but what it begins is to go on whatever becomes of its own call. */
static call_hresult_t alone(causes_t *causes)
{
    call_t call;
    call_hresult_t hr = call_create(causes->object, &call);
    if (hr < 0)
        return hr;
    hr = call_detach(call);
    if (hr >= 0)
        hr = call_begin(call, LONGER, NULL, 0);
    if (hr >= 0)
        hr = call_finish(call, NULL, 0, NULL);
    call_release(call);
    return hr;
}

static call_hresult_t method(void *self, call_context_t context, uint32_t number, const void *in, size_t in_len)
{
    causes_t *causes = self;
    call_hresult_t hr;
    (void)in, (void)in_len;
    switch (number) {
    case OUTER: return outer(causes);
    case ALONE: return alone(causes);
    case LONGER:
        hr = call_context_wait_cancel(context, 2 * DEADLINE_MS); /* longer than its caller's deadline */
        return hr == RPC_S_CALLPENDING ? S_OK : hr;
    case INNER:
        hr = call_context_get_deadline(context, &causes->left_ms);
        return hr < 0 ? hr : call_context_wait_cancel(context, CALL_INFINITE);
    default:
        return call_context_wait_cancel(context, CALL_INFINITE);
    }
}

/* A deadline at the top: the inner call inherits it, and says that it was not its own. */
static bool chain(call_t call, causes_t *causes)
{
    if (call_set_timeout(call, DEADLINE_MS, GRACE_MS) < 0 || call_begin(call, OUTER, NULL, 0) < 0)
        return false;
    uint32_t cause = 0;
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    if (call_get_cause(call, &cause) < 0)
        return false;
    printf("chain: outer %s by %s, inner by %s\n", call_hresult_name(hr), cause_name(cause), cause_name(causes->cause));
    return hr == RPC_E_TIMEOUT && cause == CALL_CAUSE_TIMEOUT && causes->cause == CALL_CAUSE_PARENT_TIMEOUT
        && causes->left_ms <= DEADLINE_MS;
}

/* The opt-out: the inner call is longer than the deadline, and is not cut short. */
static bool stands_alone(call_t call)
{
    call_fate_t fate = CALL_FATE_NONE;
    if (call_begin(call, ALONE, NULL, 0) < 0)
        return false;
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    if (call_get_fate(call, &fate) < 0)
        return false;
    printf("detached: %s, fate %s\n", call_hresult_name(hr), fate_name(fate));
    return hr == S_OK && fate == CALL_FATE_COMPLETED;
}

/* Several calls that are canceled as one: their parent is a call that does nothing but last. */
static bool group(call_object_t object)
{
    call_t parent, members[MEMBERS];
    call_cancel_t cancel;
    bool good = call_create(object, &parent) == S_OK && call_begin(parent, LAST, NULL, 0) == S_OK
        && call_query_cancel(parent, &cancel) == S_OK;
    for (int i = 0; good && i < MEMBERS; i++)
        good = call_create(object, &members[i]) == S_OK && call_set_parent(members[i], parent) == S_OK
            && call_begin(members[i], LAST, NULL, 0) == S_OK;
    if (!good)
        return false;
    call_request_cancel(cancel, GRACE_MS);
    for (int i = 0; i < MEMBERS; i++) {
        uint32_t cause = 0;
        call_hresult_t hr = call_finish(members[i], NULL, 0, NULL);
        good = call_get_cause(members[i], &cause) == S_OK && cause == CALL_CAUSE_PARENT && hr == RPC_E_CALL_CANCELED && good;
        call_release(members[i]);
    }
    call_hresult_t hr = call_finish(parent, NULL, 0, NULL);
    printf("group: %d calls canceled as one: %s\n", MEMBERS, good ? "yes" : "no");
    call_cancel_release(cancel);
    call_release(parent);
    return good && hr == RPC_E_CALL_CANCELED;
}

int main(void)
{
    static const char *const methods[] = {"outer", "inner", "alone", "longer", "last"};
    static const call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 5, .invoke = method};
    call_apartment_options_t options = {.size = sizeof options, .workers = MEMBERS + 1, .name = "nested"};
    call_apartment_t apartment;
    call_t call;
    causes_t causes = {.left_ms = CALL_INFINITE};
    if (call_apartment_create(&options, &apartment) < 0
        || call_object_create(apartment, &cls, &causes, &causes.object) < 0 || call_create(causes.object, &call) < 0)
        return 2;
    bool good = chain(call, &causes);
    good = stands_alone(call) && good; /* under the same deadline */
    call_release(call);
    good = group(causes.object) && good;
    call_object_release(causes.object);
    call_apartment_close(apartment, CALL_INFINITE, NULL);
    call_apartment_release(apartment);
    return good ? 0 : 1;
}
