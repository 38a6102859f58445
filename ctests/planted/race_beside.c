/* A planted race: two threads of the program write a number of the program's while both use the
 * library. The sanitizer must name `beside`. */
#include "use.h"

static unsigned beside;

static call_hresult_t nothing(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    return S_OK;
}

static void *client_main(void *argument)
{
    call_t call;
    need(call_create(*(const call_object_t *)argument, &call) == S_OK);
    need(call_begin(call, 0, NULL, 0) == S_OK);
    need(call_finish(call, NULL, 0, NULL) == S_OK);
    add_without_order(&beside);
    need(call_release(call) == S_OK);
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    call_object_t object = new_object(nothing, NULL, NULL);
    for (int i = 0; i < 2; i++)
        need(pthread_create(&threads[i], NULL, client_main, &object) == 0);
    for (int i = 0; i < 2; i++)
        need(pthread_join(threads[i], NULL) == 0);
    need(call_object_release(object) == S_OK);
    return 0;
}
