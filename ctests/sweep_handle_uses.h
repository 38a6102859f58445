/* One row for every handle parameter of call.h: a use of the function that is right in all but,
 * perhaps, the handle, and what it answers. */
#ifndef SWEEP_HANDLE_USES_H
#define SWEEP_HANDLE_USES_H

#include "support.h"
#include "sweep.h"

enum { CALL, BUFFER, CANCEL, OBJECT, APARTMENT, CONTEXT, QUEUE, KINDS };

static const char *const kind_names[KINDS] = {"call",      "buffer",  "cancel", "object",
                                              "apartment", "context", "queue"};

/* One handle parameter, with a use of the function that is right in all else. */
typedef struct row_t {
    covered_t covers;
    int kind;
    call_hresult_t (*use)(uint64_t id);
    call_hresult_t null; /* what the null handle gives outside a method */
    call_hresult_t live; /* what a live one gives: an idle call, a method that runs, an open apartment */
} row_t;

static call_hresult_t use_create(uint64_t id)
{
    call_t call;
    call_hresult_t result = call_create((call_object_t){id}, &call);
    if (result == S_OK)
        must(call_release(call));
    return result;
}

static call_hresult_t use_begin(uint64_t id)
{
    return call_begin((call_t){id}, ECHO, "swept", 5);
}

static void free_nothing(void *data, size_t len, void *user)
{
    (void)data;
    (void)len;
    (void)user;
}

static call_hresult_t use_begin_owned(uint64_t id)
{
    static char bytes[] = "swept";
    return call_begin_owned((call_t){id}, ECHO, bytes, sizeof bytes, free_nothing, NULL);
}

static call_hresult_t use_wait(uint64_t id)
{
    return call_wait((call_t){id}, 0);
}

static call_hresult_t use_finish(uint64_t id)
{
    return call_finish((call_t){id}, NULL, 0, NULL);
}

static call_hresult_t use_try_finish(uint64_t id)
{
    return call_try_finish((call_t){id}, NULL, 0, NULL);
}

static call_hresult_t use_finish_buffer(uint64_t id)
{
    call_buffer_t buffer;
    return call_finish_buffer((call_t){id}, &buffer);
}

static call_hresult_t use_buffer_get(uint64_t id)
{
    const void *data;
    size_t len;
    return call_buffer_get((call_buffer_t){id}, &data, &len);
}

static call_hresult_t use_buffer_release(uint64_t id)
{
    return call_buffer_release((call_buffer_t){id});
}

static call_hresult_t use_query_cancel(uint64_t id)
{
    call_cancel_t cancel;
    call_hresult_t result = call_query_cancel((call_t){id}, &cancel);
    if (result == S_OK)
        must(call_cancel_release(cancel));
    return result;
}

static call_hresult_t use_cancel(uint64_t id)
{
    return call_cancel((call_cancel_t){id}, 0);
}

static call_hresult_t use_request_cancel(uint64_t id)
{
    return call_request_cancel((call_cancel_t){id}, 0);
}

static call_hresult_t use_test_cancel(uint64_t id)
{
    return call_test_cancel((call_cancel_t){id});
}

static call_hresult_t use_cancel_release(uint64_t id)
{
    return call_cancel_release((call_cancel_t){id});
}

static call_hresult_t use_add_ref(uint64_t id)
{
    return call_add_ref((call_t){id});
}

static call_hresult_t use_release(uint64_t id)
{
    return call_release((call_t){id});
}

static call_hresult_t use_get_fate(uint64_t id)
{
    call_fate_t fate;
    return call_get_fate((call_t){id}, &fate);
}

static call_hresult_t use_get_error(uint64_t id)
{
    char text[256];
    size_t len;
    return call_get_error((call_t){id}, text, sizeof text, &len);
}

static call_hresult_t use_get_progress(uint64_t id)
{
    uint64_t progress, total;
    return call_get_progress((call_t){id}, &progress, &total);
}

static call_hresult_t use_object_create(uint64_t id)
{
    call_class_t without_destroy = target_class;
    without_destroy.destroy = NULL;
    call_object_t object;
    call_hresult_t result = call_object_create((call_apartment_t){id}, &without_destroy, NULL, &object);
    if (result == S_OK)
        must(call_object_release(object));
    return result;
}

/* A module has a handle while its call_module_main runs: here none is there. */
static call_hresult_t use_module_register(uint64_t id)
{
    return call_module_register((call_module_t){id}, "Class", &target_class, NULL, NULL);
}

static call_hresult_t use_find_method(uint64_t id)
{
    uint32_t method;
    return call_object_find_method((call_object_t){id}, target_methods[ECHO], &method);
}

static call_hresult_t use_object_add_ref(uint64_t id)
{
    return call_object_add_ref((call_object_t){id});
}

static call_hresult_t use_object_release(uint64_t id)
{
    return call_object_release((call_object_t){id});
}

static call_hresult_t use_disconnect(uint64_t id)
{
    return call_object_disconnect((call_object_t){id});
}

static call_hresult_t use_reserve(uint64_t id)
{
    void *data;
    return call_context_reserve((call_context_t){id}, 6, &data);
}

static call_hresult_t use_commit(uint64_t id)
{
    return call_context_commit((call_context_t){id}, 0);
}

static call_hresult_t use_get_cancel_flag(uint64_t id)
{
    const uint8_t *flag;
    return call_context_get_cancel_flag((call_context_t){id}, &flag);
}

static call_hresult_t use_on_cancel(uint64_t id)
{
    return call_context_on_cancel((call_context_t){id}, NULL, NULL);
}

static call_hresult_t use_get_cancel_fd(uint64_t id)
{
    int fd;
    return call_context_get_cancel_fd((call_context_t){id}, &fd);
}

static call_hresult_t use_disable_cancel(uint64_t id)
{
    return call_context_disable_cancel((call_context_t){id});
}

static call_hresult_t use_enable_cancel(uint64_t id)
{
    return call_context_enable_cancel((call_context_t){id});
}

static call_hresult_t use_write(uint64_t id)
{
    return call_context_write((call_context_t){id}, "forged", 6);
}

static call_hresult_t use_context_test_cancel(uint64_t id)
{
    return call_context_test_cancel((call_context_t){id});
}

static call_hresult_t use_wait_cancel(uint64_t id)
{
    return call_context_wait_cancel((call_context_t){id}, 0);
}

static call_hresult_t use_complete(uint64_t id)
{
    return call_context_complete((call_context_t){id}, E_FAIL);
}

static call_hresult_t use_set_progress(uint64_t id)
{
    return call_context_set_progress((call_context_t){id}, 7, 9);
}

static call_hresult_t use_set_error(uint64_t id)
{
    return call_context_set_error((call_context_t){id}, "forged");
}

static call_hresult_t use_pump(uint64_t id)
{
    return call_apartment_pump((call_apartment_t){id}, 0, NULL);
}

static call_hresult_t use_get_fd(uint64_t id)
{
    int fd;
    return call_apartment_get_fd((call_apartment_t){id}, &fd);
}

static call_hresult_t use_close(uint64_t id)
{
    return call_apartment_close((call_apartment_t){id}, 0, NULL);
}

static call_hresult_t use_apartment_release(uint64_t id)
{
    return call_apartment_release((call_apartment_t){id});
}

static call_hresult_t use_get_cause(uint64_t id)
{
    uint32_t cause;
    return call_get_cause((call_t){id}, &cause);
}

static call_hresult_t use_set_timeout(uint64_t id)
{
    return call_set_timeout((call_t){id}, CALL_INFINITE, 0);
}

static call_hresult_t use_set_parent(uint64_t id)
{
    return call_set_parent((call_t){id}, (call_t){0});
}

/* A call object that is right, for the functions that take two handles. */
static call_t own_call(void)
{
    call_class_t without_destroy = target_class;
    without_destroy.destroy = NULL;
    call_object_t object;
    call_t call;
    must(call_object_create((call_apartment_t){0}, &without_destroy, NULL, &object));
    must(call_create(object, &call));
    must(call_object_release(object));
    return call;
}

static call_hresult_t use_as_parent(uint64_t id)
{
    call_t call = own_call();
    call_hresult_t result = call_set_parent(call, (call_t){id});
    must(call_release(call));
    return result;
}

static call_hresult_t use_detach(uint64_t id)
{
    return call_detach((call_t){id});
}

static call_hresult_t use_set_callback(uint64_t id)
{
    return call_set_callback((call_t){id}, NULL, NULL, NULL);
}

static call_hresult_t use_call_get_fd(uint64_t id)
{
    int32_t fd;
    return call_get_fd((call_t){id}, &fd);
}

static call_hresult_t use_set_queue(uint64_t id)
{
    return call_set_queue((call_t){id}, (call_queue_t){0}, 0);
}

static call_hresult_t use_as_queue(uint64_t id)
{
    call_t call = own_call();
    call_hresult_t result = call_set_queue(call, (call_queue_t){id}, 0);
    must(call_release(call));
    return result;
}

static call_hresult_t use_get_deadline(uint64_t id)
{
    uint32_t left;
    return call_context_get_deadline((call_context_t){id}, &left);
}

static call_hresult_t use_invoke(uint64_t id)
{
    return call_invoke((call_object_t){id}, ECHO, "swept", 5, NULL, 0, NULL, CALL_INFINITE, NULL);
}

static call_hresult_t use_invoke_buffer(uint64_t id)
{
    call_buffer_t buffer;
    call_hresult_t result =
        call_invoke_buffer((call_object_t){id}, ECHO, "swept", 5, &buffer, CALL_INFINITE, NULL);
    if (result == S_OK)
        must(call_buffer_release(buffer));
    return result;
}

static call_hresult_t use_queue_next(uint64_t id)
{
    call_completion_t taken;
    size_t count;
    return call_queue_next((call_queue_t){id}, &taken, 1, 0, &count);
}

static call_hresult_t use_queue_post(uint64_t id)
{
    return call_queue_post((call_queue_t){id}, 7);
}

static call_hresult_t use_queue_get_fd(uint64_t id)
{
    int32_t fd;
    return call_queue_get_fd((call_queue_t){id}, &fd);
}

static call_hresult_t use_queue_close(uint64_t id)
{
    return call_queue_close((call_queue_t){id});
}

static call_hresult_t use_queue_release(uint64_t id)
{
    return call_queue_release((call_queue_t){id});
}

static const row_t rows[] = {
    {{"call_create", "object"}, OBJECT, use_create, E_HANDLE, S_OK},
    {{"call_begin", "call"}, CALL, use_begin, E_HANDLE, S_OK},
    {{"call_begin_owned", "call"}, CALL, use_begin_owned, E_HANDLE, S_OK},
    {{"call_wait", "call"}, CALL, use_wait, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_finish", "call"}, CALL, use_finish, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_try_finish", "call"}, CALL, use_try_finish, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_finish_buffer", "call"}, CALL, use_finish_buffer, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_buffer_get", "buffer"}, BUFFER, use_buffer_get, E_HANDLE, S_OK},
    {{"call_buffer_release", "buffer"}, BUFFER, use_buffer_release, E_HANDLE, S_OK},
    {{"call_query_cancel", "call"}, CALL, use_query_cancel, E_HANDLE, S_OK},
    {{"call_cancel", "cancel"}, CANCEL, use_cancel, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_request_cancel", "cancel"}, CANCEL, use_request_cancel, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_test_cancel", "cancel"}, CANCEL, use_test_cancel, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_cancel_release", "cancel"}, CANCEL, use_cancel_release, E_HANDLE, S_OK},
    {{"call_add_ref", "call"}, CALL, use_add_ref, E_HANDLE, S_OK},
    {{"call_release", "call"}, CALL, use_release, E_HANDLE, S_OK},
    {{"call_get_fate", "call"}, CALL, use_get_fate, E_HANDLE, S_OK},
    {{"call_get_error", "call"}, CALL, use_get_error, E_HANDLE, RPC_E_CALL_COMPLETE},
    {{"call_get_progress", "call"}, CALL, use_get_progress, E_HANDLE, S_OK},
    {{"call_object_create", "apartment"}, APARTMENT, use_object_create, S_OK, S_OK},
    {{"call_module_register", "module"}, OBJECT, use_module_register, E_HANDLE, E_HANDLE},
    {{"call_object_find_method", "object"}, OBJECT, use_find_method, E_HANDLE, S_OK},
    {{"call_object_add_ref", "object"}, OBJECT, use_object_add_ref, E_HANDLE, S_OK},
    {{"call_object_release", "object"}, OBJECT, use_object_release, E_HANDLE, S_OK},
    {{"call_object_disconnect", "object"}, OBJECT, use_disconnect, E_HANDLE, S_OK},
    {{"call_context_write", "context"}, CONTEXT, use_write, E_HANDLE, S_OK},
    {{"call_context_reserve", "context"}, CONTEXT, use_reserve, E_HANDLE, S_OK},
    {{"call_context_commit", "context"}, CONTEXT, use_commit, E_HANDLE, S_OK},
    {{"call_context_test_cancel", "context"}, CONTEXT, use_context_test_cancel,
     RPC_E_CALL_COMPLETE, RPC_S_CALLPENDING},
    {{"call_context_wait_cancel", "context"}, CONTEXT, use_wait_cancel,
     RPC_E_CALL_COMPLETE, RPC_S_CALLPENDING},
    {{"call_context_complete", "context"}, CONTEXT, use_complete, E_HANDLE, S_OK},
    {{"call_context_set_progress", "context"}, CONTEXT, use_set_progress, E_HANDLE, S_OK},
    {{"call_context_set_error", "context"}, CONTEXT, use_set_error, E_HANDLE, S_OK},
    {{"call_context_get_cancel_flag", "context"}, CONTEXT, use_get_cancel_flag, RPC_E_CALL_COMPLETE, S_OK},
    {{"call_context_on_cancel", "context"}, CONTEXT, use_on_cancel, RPC_E_CALL_COMPLETE, S_OK},
    {{"call_context_get_cancel_fd", "context"}, CONTEXT, use_get_cancel_fd, RPC_E_CALL_COMPLETE, S_OK},
    {{"call_context_disable_cancel", "context"}, CONTEXT, use_disable_cancel, RPC_E_CALL_COMPLETE, S_OK},
    {{"call_context_enable_cancel", "context"}, CONTEXT, use_enable_cancel, RPC_E_CALL_COMPLETE, S_OK},
    {{"call_apartment_pump", "apartment"}, APARTMENT, use_pump, E_HANDLE, RPC_E_WRONG_THREAD},
    {{"call_apartment_get_fd", "apartment"}, APARTMENT, use_get_fd, E_HANDLE, RPC_E_WRONG_THREAD},
    {{"call_apartment_close", "apartment"}, APARTMENT, use_close, E_HANDLE, S_FALSE},
    {{"call_apartment_release", "apartment"}, APARTMENT, use_apartment_release, E_HANDLE, S_OK},
    {{"call_get_cause", "call"}, CALL, use_get_cause, E_HANDLE, S_OK},
    {{"call_set_timeout", "call"}, CALL, use_set_timeout, E_HANDLE, S_OK},
    {{"call_set_parent", "call"}, CALL, use_set_parent, E_HANDLE, S_OK},
    {{"call_set_parent", "parent"}, CALL, use_as_parent, S_OK, S_OK},
    {{"call_detach", "call"}, CALL, use_detach, E_HANDLE, S_OK},
    {{"call_set_callback", "call"}, CALL, use_set_callback, E_HANDLE, S_OK},
    {{"call_get_fd", "call"}, CALL, use_call_get_fd, E_HANDLE, S_OK},
    {{"call_set_queue", "call"}, CALL, use_set_queue, E_HANDLE, S_OK},
    {{"call_set_queue", "queue"}, QUEUE, use_as_queue, S_OK, S_OK},
    {{"call_context_get_deadline", "context"}, CONTEXT, use_get_deadline, RPC_E_CALL_COMPLETE, S_OK},
    {{"call_invoke", "object"}, OBJECT, use_invoke, E_HANDLE, S_OK},
    {{"call_invoke_buffer", "object"}, OBJECT, use_invoke_buffer, E_HANDLE, S_OK},
    {{"call_queue_next", "queue"}, QUEUE, use_queue_next, E_HANDLE, RPC_S_CALLPENDING},
    {{"call_queue_post", "queue"}, QUEUE, use_queue_post, E_HANDLE, S_OK},
    {{"call_queue_get_fd", "queue"}, QUEUE, use_queue_get_fd, E_HANDLE, S_OK},
    {{"call_queue_close", "queue"}, QUEUE, use_queue_close, E_HANDLE, S_OK},
    {{"call_queue_release", "queue"}, QUEUE, use_queue_release, E_HANDLE, S_OK},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

#endif
