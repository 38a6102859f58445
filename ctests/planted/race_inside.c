/* A planted race: a method that two threads of the library run at once writes a number of its
 * object's, and nothing orders the two. The sanitizer must name `count_without_a_lock`. */
#include "use.h"

typedef struct counter_t {
    unsigned value;
} counter_t;

static call_hresult_t count_without_a_lock(void *self, call_context_t context, uint32_t method, const void *in,
                                           size_t in_len)
{
    counter_t *counter = self;
    (void)context, (void)method, (void)in, (void)in_len;
    add_without_order(&counter->value);
    return S_OK;
}

int main(void)
{
    static counter_t counter;
    call_t calls[2];
    call_object_t object = new_object(count_without_a_lock, NULL, &counter);
    for (int i = 0; i < 2; i++) {
        need(call_create(object, &calls[i]) == S_OK);
        need(call_begin(calls[i], 0, NULL, 0) == S_OK);
    }
    for (int i = 0; i < 2; i++) {
        need(call_finish(calls[i], NULL, 0, NULL) == S_OK);
        need(call_release(calls[i]) == S_OK);
    }
    need(call_object_release(object) == S_OK);
    return 0;
}
