/* A binding that declares every handle as a uint64_t, also in the functions that the library calls:
 * on the platforms of the contract it passes exactly so. */
#include "header_program.h"

#include <string.h>

typedef int32_t (*method_t)(void *self, uint64_t context, uint32_t method, const void *in,
                            size_t in_len);

typedef struct class_t {
    size_t size;
    const char *const *methods;
    uint32_t method_count;
    uint32_t flags;
    method_t invoke;
    method_t begin;
    int32_t (*cancel)(void *self, uint64_t context, uint32_t grace_ms);
    void (*destroy)(void *self);
} class_t;

#ifdef __cplusplus
extern "C" {
#endif
int32_t call_object_create(uint64_t apartment, const class_t *cls, void *self, uint64_t *object_out);
int32_t call_object_release(uint64_t object);
int32_t call_create(uint64_t object, uint64_t *call_out);
int32_t call_begin(uint64_t call, uint32_t method, const void *in, size_t in_len);
int32_t call_finish(uint64_t call, void *out, size_t out_cap, size_t *out_len_out);
int32_t call_query_cancel(uint64_t call, uint64_t *cancel_out);
int32_t call_cancel(uint64_t cancel, uint32_t seconds);
int32_t call_cancel_release(uint64_t cancel);
int32_t call_release(uint64_t call);
int32_t call_context_write(uint64_t context, const void *data, size_t len);
#ifdef __cplusplus
}
#endif

/* Called as a binding calls: through pointers that the compiler cannot see through. */
static int32_t (*volatile begin)(uint64_t, uint32_t, const void *, size_t) = call_begin;
static int32_t (*volatile finish)(uint64_t, void *, size_t, size_t *) = call_finish;
static int32_t (*volatile create)(uint64_t, uint64_t *) = call_create;
static int32_t (*volatile write_output)(uint64_t, const void *, size_t) = call_context_write;

static int32_t echo(void *self, uint64_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self;
    return method == 0 ? write_output(context, in, in_len) : -1;
}

int32_t binding_object(uint64_t *object_out)
{
    static const char *const methods[] = {"echo"};
    class_t cls;
    cls.size = sizeof cls;
    cls.methods = methods;
    cls.method_count = 1;
    cls.flags = 0;
    cls.invoke = echo;
    cls.begin = NULL;
    cls.cancel = NULL;
    cls.destroy = NULL;
    return call_object_create(0, &cls, NULL, object_out);
}

int32_t binding_create(uint64_t object, uint64_t *call_out)
{
    return create(object, call_out);
}

int32_t binding_echo(uint64_t call, const char *text, char *out, size_t *out_len)
{
    int32_t begun = begin(call, 0, text, strlen(text));
    return begun == 0 ? finish(call, out, PROGRAM_ROOM, out_len) : begun;
}

int32_t binding_cancel(uint64_t call)
{
    uint64_t cancel = 0;
    int32_t queried = call_query_cancel(call, &cancel);
    int32_t canceled = queried == 0 ? call_cancel(cancel, 0) : queried;
    int32_t released = call_cancel_release(cancel);
    return released == queried ? canceled : released;
}

int32_t binding_release(uint64_t object, uint64_t call)
{
    int32_t released = call_release(call);
    return released == 0 ? call_object_release(object) : released;
}
