/* One row for every pointer parameter of call.h: a use of the function with NULL for it, and for an
 * output one that fails. Longer than other files for that reason. Only sweep_pointers.c includes
 * this. */
#ifndef SWEEP_POINTER_USES_H
#define SWEEP_POINTER_USES_H

#include "support.h"
#include "sweep.h"

enum { ROOM = 64, MESSAGE_ROOM = 512 };

/* What the uses are right about in all but the pointer: a call that is idle, one that is complete
 * and not finished, and a method that runs. */
static struct {
    scene_t scene; /* its call is in progress: `job` */
    job_t job;
    call_t idle, complete;
    call_buffer_t bytes; /* the output of a call that is gone */
    call_queue_t queue;
} world;

static char buffer[MESSAGE_ROOM];
static size_t length;
static uint64_t number;

/* The thread's last failure is read, so that the next use finds none. */
static void forget_failure(void)
{
    call_hresult_t left = call_get_last_error(NULL, buffer, sizeof buffer, NULL);
    if (left != S_OK && left != S_FALSE)
        bail_out("the last failure cannot be read: 0x%08X", (unsigned)left);
}

static call_hresult_t null_code(void)
{
    return call_get_last_error(NULL, buffer, sizeof buffer, &length);
}

static call_hresult_t null_last_message(void)
{
    return call_get_last_error(&(call_hresult_t){0}, NULL, 1, &length);
}

static call_hresult_t null_last_length(void)
{
    return call_get_last_error(&(call_hresult_t){0}, buffer, sizeof buffer, NULL);
}

static call_hresult_t null_created(void)
{
    return call_create(world.scene.target.object, NULL);
}

static call_hresult_t null_input(void)
{
    return call_begin(world.idle, ECHO, NULL, 1);
}

static void free_nothing(void *data, size_t len, void *user)
{
    (void)data;
    (void)len;
    (void)user;
}

static call_hresult_t null_owned(void)
{
    return call_begin_owned(world.idle, ECHO, NULL, 1, free_nothing, NULL);
}

static call_hresult_t null_free(void)
{
    return call_begin_owned(world.idle, ECHO, buffer, 1, NULL, NULL);
}

static call_hresult_t null_user(void)
{
    call_t call = new_call(&world.scene.target);
    call_hresult_t result = call_begin_owned(call, ECHO, buffer, 1, free_nothing, NULL);
    if (result == S_OK)
        must(finish(call));
    must(call_release(call));
    return result;
}

static call_hresult_t null_handed_out(void)
{
    return call_finish_buffer(world.complete, NULL);
}

static call_hresult_t null_buffer_data(void)
{
    return call_buffer_get(world.bytes, NULL, &length);
}

static call_hresult_t null_buffer_length(void)
{
    return call_buffer_get(world.bytes, &(const void *){NULL}, NULL);
}

static call_hresult_t null_finish_buffer(void)
{
    return call_finish(world.complete, NULL, 1, &length);
}

static call_hresult_t null_finish_length(void)
{
    return call_finish(world.complete, buffer, 1, NULL);
}

static call_hresult_t null_try_buffer(void)
{
    return call_try_finish(world.complete, NULL, 1, &length);
}

static call_hresult_t null_try_length(void)
{
    return call_try_finish(world.complete, buffer, 1, NULL);
}

static call_hresult_t null_cancel(void)
{
    return call_query_cancel(world.complete, NULL);
}

static call_hresult_t null_fate(void)
{
    return call_get_fate(world.complete, NULL);
}

static call_hresult_t null_message(void)
{
    return call_get_error(world.complete, NULL, 1, &length);
}

static call_hresult_t null_message_length(void)
{
    return call_get_error(world.complete, buffer, sizeof buffer, NULL);
}

static call_hresult_t null_done(void)
{
    return call_get_progress(world.complete, NULL, &number);
}

static call_hresult_t null_total(void)
{
    return call_get_progress(world.complete, &number, NULL);
}

static call_hresult_t null_class(void)
{
    return call_object_create(world.scene.apartment, NULL, NULL, &(call_object_t){0});
}

static call_hresult_t null_self(void)
{
    call_object_t object;
    call_class_t cls = target_class;
    cls.destroy = NULL;
    call_hresult_t result = call_object_create(world.scene.apartment, &cls, NULL, &object);
    if (result == S_OK)
        must(call_object_release(object));
    return result;
}

static call_hresult_t null_object(void)
{
    return call_object_create(world.scene.apartment, &target_class, NULL, NULL);
}

static call_hresult_t null_moniker(void)
{
    return call_object_bind(NULL, NULL, &(call_object_t){0});
}

static call_hresult_t null_bind_options(void)
{
    return call_object_bind("inproc:nowhere#Nothing", NULL, &(call_object_t){0});
}

static call_hresult_t null_bound(void)
{
    return call_object_bind("inproc:nowhere#Nothing", NULL, NULL);
}

static call_hresult_t null_name(void)
{
    return call_object_find_method(world.scene.target.object, NULL, &(uint32_t){0});
}

static call_hresult_t null_method(void)
{
    return call_object_find_method(world.scene.target.object, target_methods[ECHO], NULL);
}

static call_hresult_t null_data(void)
{
    return call_context_write(world.job.context, NULL, 1);
}

static call_hresult_t null_reserved(void)
{
    return call_context_reserve(world.job.context, 1, NULL);
}

static call_hresult_t null_flag(void)
{
    return call_context_get_cancel_flag(world.job.context, NULL);
}

static call_hresult_t null_notify(void)
{
    return call_context_on_cancel(world.job.context, NULL, buffer);
}

static void notify_nobody(void *user)
{
    (void)user;
}

static call_hresult_t null_notify_user(void)
{
    return call_context_on_cancel(world.job.context, notify_nobody, NULL);
}

static call_hresult_t null_cancel_fd(void)
{
    return call_context_get_cancel_fd(world.job.context, NULL);
}

static call_hresult_t null_apartment_fd(void)
{
    return call_apartment_get_fd(world.scene.apartment, NULL);
}

static call_hresult_t null_error_text(void)
{
    return call_context_set_error(world.job.context, NULL);
}

static call_hresult_t null_options(void)
{
    call_apartment_t apartment;
    call_hresult_t result = call_apartment_create(NULL, &apartment);
    if (result == S_OK)
        must(call_apartment_release(apartment));
    return result;
}

static call_hresult_t null_apartment(void)
{
    return call_apartment_create(NULL, NULL);
}

static call_hresult_t null_served(void)
{
    return call_apartment_pump(world.scene.apartment, 0, NULL);
}

/* Of an apartment of its own: the world's stays open. */
static call_hresult_t null_remaining(void)
{
    call_apartment_t apartment = apartment_of(1, 1, 0);
    call_hresult_t result = call_apartment_close(apartment, 0, NULL);
    must(call_apartment_release(apartment));
    return result;
}

static void complete_nothing(call_t call, void *user)
{
    (void)call;
    (void)user;
}

static void destroy_nothing(void *user)
{
    (void)user;
}

static call_hresult_t null_cause(void)
{
    return call_get_cause(world.complete, NULL);
}

static call_hresult_t null_completed(void)
{
    return call_set_callback(world.idle, NULL, buffer, destroy_nothing);
}

static call_hresult_t null_completed_user(void)
{
    return call_set_callback(world.idle, complete_nothing, NULL, destroy_nothing);
}

static call_hresult_t null_completed_destroy(void)
{
    return call_set_callback(world.idle, complete_nothing, buffer, NULL);
}

static call_hresult_t null_call_fd(void)
{
    return call_get_fd(world.complete, NULL);
}

static call_hresult_t null_calls(void)
{
    return call_wait_many(NULL, 1, CALL_WAIT_ANY, 0, &length);
}

static call_hresult_t null_index(void)
{
    return call_wait_many(&world.complete, 1, CALL_WAIT_ANY, 0, NULL);
}

static call_hresult_t null_left(void)
{
    return call_context_get_deadline(world.job.context, NULL);
}

static call_hresult_t null_current(void)
{
    return call_context_current(NULL);
}

/* An invoke of ECHO with what is given. */
static call_hresult_t invoke(const void *in, size_t in_len, void *out, size_t *len_out,
                             call_fate_t *fate_out)
{
    return call_invoke(world.scene.target.object, ECHO, in, in_len, out, 2, len_out, CALL_INFINITE,
                       fate_out);
}

static call_hresult_t null_invoke_in(void)
{
    return invoke(NULL, 1, buffer, &length, &(call_fate_t){0});
}

static call_hresult_t null_invoke_out(void)
{
    return invoke("in", 2, NULL, &length, &(call_fate_t){0});
}

static call_hresult_t null_invoke_length(void)
{
    return invoke("in", 2, buffer, NULL, &(call_fate_t){0});
}

static call_hresult_t null_invoke_fate(void)
{
    return invoke("in", 2, buffer, &length, NULL);
}

static call_hresult_t invoke_buffer(const void *in, bool wanted, call_fate_t *fate_out)
{
    call_buffer_t out;
    call_hresult_t result = call_invoke_buffer(world.scene.target.object, ECHO, in, 2,
                                               wanted ? &out : NULL, CALL_INFINITE, fate_out);
    if (result == S_OK)
        must(call_buffer_release(out));
    return result;
}

static call_hresult_t null_invoke_buffer_in(void)
{
    return invoke_buffer(NULL, true, &(call_fate_t){0});
}

static call_hresult_t null_invoke_buffer_out(void)
{
    return invoke_buffer("in", false, &(call_fate_t){0});
}

static call_hresult_t null_invoke_buffer_fate(void)
{
    return invoke_buffer("in", true, NULL);
}

static call_hresult_t null_thread_id(void)
{
    return call_thread_id(NULL);
}

static call_hresult_t null_thread_cancel(void)
{
    return call_query_thread_cancel(0, NULL);
}

static call_hresult_t null_queue(void)
{
    return call_queue_create(NULL);
}

static call_hresult_t null_completions(void)
{
    return call_queue_next(world.queue, NULL, 1, 0, &length);
}

static call_hresult_t null_count(void)
{
    return call_queue_next(world.queue, &(call_completion_t){.tag = 0}, 1, 0, NULL);
}

static call_hresult_t null_queue_fd(void)
{
    return call_queue_get_fd(world.queue, NULL);
}

static call_hresult_t null_infos(void)
{
    return call_enumerate(NULL, sizeof(call_info_t), 1, &length);
}

static call_hresult_t null_info_count(void)
{
    static call_info_t infos[8];
    return call_enumerate(infos, sizeof infos[0], 8, NULL);
}

static call_hresult_t null_counters(void)
{
    return call_get_counters(NULL);
}

static call_hresult_t null_log(void)
{
    return call_set_log(NULL, buffer);
}

static void log_nothing(void *user, const char *message)
{
    (void)user;
    (void)message;
}

static call_hresult_t null_log_user(void)
{
    call_hresult_t result = call_set_log(log_nothing, NULL);
    must(call_set_log(NULL, NULL));
    return result;
}

static void thread_nothing(void *user, const char *name)
{
    (void)user;
    (void)name;
}

/* With the hooks as given; then without any. */
static call_hresult_t set_hooks(call_thread_fn start, call_thread_fn stop, void *user)
{
    call_hresult_t result = call_set_thread_hooks(start, stop, user);
    must(call_set_thread_hooks(NULL, NULL, NULL));
    return result;
}

static call_hresult_t null_hook_start(void)
{
    return set_hooks(NULL, thread_nothing, buffer);
}

static call_hresult_t null_hook_stop(void)
{
    return set_hooks(thread_nothing, NULL, buffer);
}

static call_hresult_t null_hook_user(void)
{
    return set_hooks(thread_nothing, thread_nothing, NULL);
}

static call_hresult_t null_trace(void)
{
    return call_set_trace(NULL, buffer);
}

static void trace_nothing(void *user, uint32_t step, const call_info_t *info)
{
    (void)user;
    (void)step;
    (void)info;
}

static call_hresult_t null_trace_user(void)
{
    call_hresult_t result = call_set_trace(trace_nothing, NULL);
    must(call_set_trace(NULL, NULL));
    return result;
}

/* Ends what the world is made of: comes when that is gone. */
static call_hresult_t null_shutdown(void)
{
    return call_shutdown(0, NULL);
}

/* The failures: each with the one output to look at, all else being there. */

static call_hresult_t fail_code(void *out)
{
    return call_get_last_error(out, NULL, 1, &length);
}

static call_hresult_t fail_last_message(void *out)
{
    (void)call_cancel((call_cancel_t){0}, 0); /* leaves a message longer than one character */
    return call_get_last_error(&(call_hresult_t){0}, out, 1, &length);
}

static call_hresult_t fail_last_length(void *out)
{
    return call_get_last_error(&(call_hresult_t){0}, NULL, 1, out);
}

static call_hresult_t fail_created(void *out)
{
    return call_create((call_object_t){0}, out);
}

static call_hresult_t fail_handed_out(void *out)
{
    return call_finish_buffer(world.idle, out);
}

static call_hresult_t fail_buffer_data(void *out)
{
    return call_buffer_get((call_buffer_t){0}, out, &length);
}

static call_hresult_t fail_buffer_length(void *out)
{
    return call_buffer_get((call_buffer_t){0}, &(const void *){NULL}, out);
}

static call_hresult_t fail_reserved(void *out)
{
    return call_context_reserve((call_context_t){0}, 1, out);
}

static call_hresult_t fail_flag(void *out)
{
    return call_context_get_cancel_flag((call_context_t){0}, out);
}

static call_hresult_t fail_cancel_fd(void *out)
{
    return call_context_get_cancel_fd((call_context_t){0}, out);
}

static call_hresult_t fail_apartment_fd(void *out)
{
    return call_apartment_get_fd(world.scene.apartment, out);
}

static call_hresult_t fail_finish_buffer(void *out)
{
    return call_finish(world.complete, out, 1, &length);
}

static call_hresult_t fail_finish_length(void *out)
{
    return call_finish(world.idle, buffer, sizeof buffer, out);
}

static call_hresult_t fail_try_buffer(void *out)
{
    return call_try_finish(world.complete, out, 1, &length);
}

static call_hresult_t fail_try_length(void *out)
{
    return call_try_finish(world.scene.call, buffer, sizeof buffer, out);
}

static call_hresult_t fail_cancel(void *out)
{
    return call_query_cancel((call_t){0}, out);
}

static call_hresult_t fail_fate(void *out)
{
    return call_get_fate((call_t){0}, out);
}

static call_hresult_t fail_message(void *out)
{
    return call_get_error(world.scene.call, out, ROOM, &length);
}

static call_hresult_t fail_message_length(void *out)
{
    return call_get_error(world.scene.call, buffer, sizeof buffer, out);
}

static call_hresult_t fail_done(void *out)
{
    return call_get_progress(world.complete, out, NULL);
}

static call_hresult_t fail_total(void *out)
{
    return call_get_progress(world.complete, NULL, out);
}

static call_hresult_t fail_object(void *out)
{
    return call_object_create(world.scene.apartment, NULL, NULL, out);
}

static call_hresult_t no_object(void *user, void **self_out)
{
    (void)user, (void)self_out;
    return E_FAIL;
}

static call_hresult_t null_class_name(void)
{
    return call_module_register((call_module_t){0}, NULL, &target_class, no_object, &world);
}

static call_hresult_t null_module_class(void)
{
    return call_module_register((call_module_t){0}, "Class", NULL, no_object, &world);
}

/* Then each object has the pointer that was given. No module is there. */
static call_hresult_t null_make(void)
{
    return call_module_register((call_module_t){0}, "Class", &target_class, NULL, &world);
}

static call_hresult_t null_make_user(void)
{
    return call_module_register((call_module_t){0}, "Class", &target_class, no_object, NULL);
}

static call_hresult_t null_main(void)
{
    return call_host_serve(-1, NULL);
}

static call_hresult_t null_argv(void)
{
    return call_host_main(0, NULL);
}

static call_hresult_t fail_bound(void *out)
{
    return call_object_bind("inproc:nowhere#Nothing", NULL, out);
}

static call_hresult_t fail_method(void *out)
{
    return call_object_find_method(world.scene.target.object, "no such method", out);
}

static call_hresult_t fail_apartment(void *out)
{
    call_apartment_options_t options = {.size = sizeof options, .reserved = 1};
    return call_apartment_create(&options, out);
}

static call_hresult_t fail_served(void *out)
{
    return call_apartment_pump(world.scene.apartment, 0, out);
}

static call_hresult_t fail_remaining(void *out)
{
    return call_apartment_close((call_apartment_t){0}, 0, out);
}

static call_hresult_t fail_cause(void *out)
{
    return call_get_cause((call_t){0}, out);
}

static call_hresult_t fail_call_fd(void *out)
{
    return call_get_fd((call_t){0}, out);
}

static call_hresult_t fail_index(void *out)
{
    return call_wait_many(&world.complete, 0, CALL_WAIT_ANY, 0, out);
}

static call_hresult_t fail_left(void *out)
{
    return call_context_get_deadline((call_context_t){0}, out);
}

static call_hresult_t fail_current(void *out)
{
    return call_context_current(out);
}

static call_hresult_t fail_invoke_out(void *out)
{
    return invoke("too long", 8, out, &length, NULL);
}

static call_hresult_t fail_invoke_length(void *out)
{
    return call_invoke((call_object_t){0}, ECHO, NULL, 0, NULL, 0, out, CALL_INFINITE, NULL);
}

static call_hresult_t fail_invoke_fate(void *out)
{
    return call_invoke((call_object_t){0}, ECHO, NULL, 0, NULL, 0, NULL, CALL_INFINITE, out);
}

static call_hresult_t fail_invoke_buffer_out(void *out)
{
    return call_invoke_buffer((call_object_t){0}, ECHO, NULL, 0, out, CALL_INFINITE, NULL);
}

static call_hresult_t fail_invoke_buffer_fate(void *out)
{
    call_buffer_t none;
    return call_invoke_buffer((call_object_t){0}, ECHO, NULL, 0, &none, CALL_INFINITE, out);
}

static call_hresult_t fail_thread_cancel(void *out)
{
    return call_query_thread_cancel(0, out);
}

static call_hresult_t fail_completions(void *out)
{
    return call_queue_next(world.queue, out, 1, 0, &length);
}

static call_hresult_t fail_count(void *out)
{
    call_completion_t one;
    return call_queue_next((call_queue_t){0}, &one, 1, 0, out);
}

static call_hresult_t fail_queue_fd(void *out)
{
    return call_queue_get_fd((call_queue_t){0}, out);
}

static call_hresult_t fail_infos(void *out)
{
    return call_enumerate(out, 1, 1, &length);
}

static call_hresult_t fail_info_count(void *out)
{
    return call_enumerate(NULL, 1, 0, out);
}

/* Its size, as it lies there, is none. */
static call_hresult_t fail_counters(void *out)
{
    size_t size = 1, as_it_was;
    memcpy(&as_it_was, out, sizeof as_it_was);
    memcpy(out, &size, sizeof size);
    call_hresult_t result = call_get_counters(out);
    memcpy(out, &as_it_was, sizeof as_it_was);
    return result;
}

/* It has no failure that can be had for the asking; this is its success. */
static call_hresult_t fail_shutdown(void *out)
{
    return call_shutdown(0, out);
}

typedef enum output_t { NOT_AN_OUTPUT, CLEARED, NO_DESCRIPTOR /* -1 */, KEPT } output_t;

typedef struct row_t {
    covered_t covers;
    call_hresult_t (*with_null)(void);
    call_hresult_t null;
    output_t output; /* what a failure does to it */
    size_t size;
    call_hresult_t (*fail)(void *out);
    call_hresult_t failure;
} row_t;

#define IN_(function, parameter, use, code) \
    {{function, parameter}, use, code, NOT_AN_OUTPUT, 0, NULL, S_OK}

static const row_t rows[] = {
    {{"call_get_last_error", "code_out"}, null_code, S_FALSE,
     CLEARED, sizeof(call_hresult_t), fail_code, E_POINTER},
    {{"call_get_last_error", "message_out"}, null_last_message, E_POINTER,
     KEPT, ROOM, fail_last_message, CALL_E_MORE_DATA},
    {{"call_get_last_error", "len_out"}, null_last_length, S_FALSE,
     CLEARED, sizeof(size_t), fail_last_length, E_POINTER},
    {{"call_create", "call_out"}, null_created, E_POINTER,
     CLEARED, sizeof(call_t), fail_created, E_HANDLE},
    IN_("call_begin", "in", null_input, E_POINTER),
    IN_("call_begin_owned", "in", null_owned, E_POINTER),
    IN_("call_begin_owned", "free_fn", null_free, E_POINTER),
    IN_("call_begin_owned", "user", null_user, S_OK),
    {{"call_finish", "out"}, null_finish_buffer, E_POINTER,
     KEPT, ROOM, fail_finish_buffer, CALL_E_MORE_DATA},
    {{"call_finish", "out_len_out"}, null_finish_length, CALL_E_MORE_DATA,
     CLEARED, sizeof(size_t), fail_finish_length, RPC_E_CALL_COMPLETE},
    {{"call_try_finish", "out"}, null_try_buffer, E_POINTER,
     KEPT, ROOM, fail_try_buffer, CALL_E_MORE_DATA},
    {{"call_try_finish", "out_len_out"}, null_try_length, CALL_E_MORE_DATA,
     CLEARED, sizeof(size_t), fail_try_length, RPC_S_CALLPENDING},
    {{"call_finish_buffer", "buffer_out"}, null_handed_out, E_POINTER,
     CLEARED, sizeof(call_buffer_t), fail_handed_out, RPC_E_CALL_COMPLETE},
    {{"call_buffer_get", "data_out"}, null_buffer_data, E_POINTER,
     CLEARED, sizeof(void *), fail_buffer_data, E_HANDLE},
    {{"call_buffer_get", "len_out"}, null_buffer_length, E_POINTER,
     CLEARED, sizeof(size_t), fail_buffer_length, E_HANDLE},
    {{"call_query_cancel", "cancel_out"}, null_cancel, E_POINTER,
     CLEARED, sizeof(call_cancel_t), fail_cancel, E_HANDLE},
    {{"call_get_fate", "fate_out"}, null_fate, E_POINTER,
     CLEARED, sizeof(call_fate_t), fail_fate, E_HANDLE},
    {{"call_get_error", "message_out"}, null_message, E_POINTER,
     KEPT, ROOM, fail_message, RPC_S_CALLPENDING},
    {{"call_get_error", "len_out"}, null_message_length, S_FALSE,
     CLEARED, sizeof(size_t), fail_message_length, RPC_S_CALLPENDING},
    {{"call_get_progress", "done_out"}, null_done, E_POINTER,
     CLEARED, sizeof(uint64_t), fail_done, E_POINTER},
    {{"call_get_progress", "total_out"}, null_total, E_POINTER,
     CLEARED, sizeof(uint64_t), fail_total, E_POINTER},
    IN_("call_object_create", "cls", null_class, E_POINTER),
    IN_("call_object_create", "self", null_self, S_OK),
    {{"call_object_create", "object_out"}, null_object, E_POINTER,
     CLEARED, sizeof(call_object_t), fail_object, E_POINTER},
    IN_("call_object_bind", "moniker", null_moniker, E_POINTER),
    IN_("call_object_bind", "options", null_bind_options, CO_E_DLLNOTFOUND),
    {{"call_object_bind", "object_out"}, null_bound, E_POINTER,
     CLEARED, sizeof(call_object_t), fail_bound, CO_E_DLLNOTFOUND},
    IN_("call_module_register", "name", null_class_name, E_POINTER),
    IN_("call_module_register", "cls", null_module_class, E_POINTER),
    IN_("call_module_register", "make", null_make, E_HANDLE),
    IN_("call_module_register", "user", null_make_user, E_HANDLE),
    IN_("call_host_serve", "main_fn", null_main, E_POINTER),
    IN_("call_host_main", "argv", null_argv, E_POINTER),
    IN_("call_object_find_method", "name", null_name, E_POINTER),
    {{"call_object_find_method", "method_out"}, null_method, E_POINTER,
     CLEARED, sizeof(uint32_t), fail_method, DISP_E_UNKNOWNNAME},
    IN_("call_context_write", "data", null_data, E_POINTER),
    {{"call_context_reserve", "data_out"}, null_reserved, E_POINTER,
     CLEARED, sizeof(void *), fail_reserved, E_HANDLE},
    IN_("call_context_set_error", "message", null_error_text, E_POINTER),
    {{"call_context_get_cancel_flag", "flag_out"}, null_flag, E_POINTER,
     CLEARED, sizeof(uint8_t *), fail_flag, RPC_E_CALL_COMPLETE},
    IN_("call_context_on_cancel", "notify", null_notify, S_OK),
    IN_("call_context_on_cancel", "user", null_notify_user, S_OK),
    {{"call_context_get_cancel_fd", "fd_out"}, null_cancel_fd, E_POINTER,
     NO_DESCRIPTOR, sizeof(int), fail_cancel_fd, RPC_E_CALL_COMPLETE},
    {{"call_apartment_get_fd", "fd_out"}, null_apartment_fd, E_POINTER,
     NO_DESCRIPTOR, sizeof(int), fail_apartment_fd, RPC_E_WRONG_THREAD},
    IN_("call_apartment_create", "options", null_options, S_OK),
    {{"call_apartment_create", "apartment_out"}, null_apartment, E_POINTER,
     CLEARED, sizeof(call_apartment_t), fail_apartment, E_INVALIDARG},
    {{"call_apartment_pump", "served_out"}, null_served, RPC_E_WRONG_THREAD,
     CLEARED, sizeof(uint32_t), fail_served, RPC_E_WRONG_THREAD},
    {{"call_apartment_close", "remaining_out"}, null_remaining, S_OK,
     CLEARED, sizeof(uint32_t), fail_remaining, E_HANDLE},
    {{"call_get_cause", "cause_out"}, null_cause, E_POINTER,
     CLEARED, sizeof(uint32_t), fail_cause, E_HANDLE},
    IN_("call_set_callback", "completed", null_completed, S_OK),
    IN_("call_set_callback", "user", null_completed_user, S_OK),
    IN_("call_set_callback", "destroy", null_completed_destroy, S_OK),
    {{"call_get_fd", "fd_out"}, null_call_fd, E_POINTER,
     NO_DESCRIPTOR, sizeof(int), fail_call_fd, E_HANDLE},
    IN_("call_wait_many", "calls", null_calls, E_POINTER),
    {{"call_wait_many", "index_out"}, null_index, S_OK,
     CLEARED, sizeof(size_t), fail_index, E_INVALIDARG},
    {{"call_context_get_deadline", "left_ms_out"}, null_left, E_POINTER,
     CLEARED, sizeof(uint32_t), fail_left, RPC_E_CALL_COMPLETE},
    {{"call_context_current", "context_out"}, null_current, E_POINTER,
     CLEARED, sizeof(call_context_t), fail_current, RPC_E_CALL_COMPLETE},
    IN_("call_invoke", "in", null_invoke_in, E_POINTER),
    {{"call_invoke", "out"}, null_invoke_out, E_POINTER,
     KEPT, ROOM, fail_invoke_out, CALL_E_MORE_DATA},
    {{"call_invoke", "out_len_out"}, null_invoke_length, S_OK,
     CLEARED, sizeof(size_t), fail_invoke_length, E_HANDLE},
    {{"call_invoke", "fate_out"}, null_invoke_fate, S_OK,
     CLEARED, sizeof(call_fate_t), fail_invoke_fate, E_HANDLE},
    IN_("call_invoke_buffer", "in", null_invoke_buffer_in, E_POINTER),
    {{"call_invoke_buffer", "buffer_out"}, null_invoke_buffer_out, E_POINTER,
     CLEARED, sizeof(call_buffer_t), fail_invoke_buffer_out, E_HANDLE},
    {{"call_invoke_buffer", "fate_out"}, null_invoke_buffer_fate, S_OK,
     CLEARED, sizeof(call_fate_t), fail_invoke_buffer_fate, E_HANDLE},
    IN_("call_thread_id", "thread_id_out", null_thread_id, E_POINTER),
    {{"call_query_thread_cancel", "cancel_out"}, null_thread_cancel, E_POINTER,
     CLEARED, sizeof(call_cancel_t), fail_thread_cancel, E_NOINTERFACE},
    IN_("call_queue_create", "queue_out", null_queue, E_POINTER),
    {{"call_queue_next", "completions"}, null_completions, E_POINTER,
     KEPT, ROOM, fail_completions, RPC_S_CALLPENDING},
    {{"call_queue_next", "count_out"}, null_count, E_POINTER,
     CLEARED, sizeof(size_t), fail_count, E_HANDLE},
    {{"call_queue_get_fd", "fd_out"}, null_queue_fd, E_POINTER,
     NO_DESCRIPTOR, sizeof(int), fail_queue_fd, E_HANDLE},
    {{"call_enumerate", "infos"}, null_infos, E_POINTER,
     KEPT, ROOM, fail_infos, E_INVALIDARG},
    {{"call_enumerate", "count_out"}, null_info_count, E_POINTER,
     CLEARED, sizeof(size_t), fail_info_count, E_INVALIDARG},
    {{"call_get_counters", "counters"}, null_counters, E_POINTER,
     KEPT, ROOM, fail_counters, E_INVALIDARG},
    IN_("call_set_log", "log", null_log, S_OK),
    IN_("call_set_log", "user", null_log_user, S_OK),
    IN_("call_set_thread_hooks", "start", null_hook_start, S_OK),
    IN_("call_set_thread_hooks", "stop", null_hook_stop, S_OK),
    IN_("call_set_thread_hooks", "user", null_hook_user, S_OK),
    IN_("call_set_trace", "trace", null_trace, S_OK),
    IN_("call_set_trace", "user", null_trace_user, S_OK),
    {{"call_shutdown", "remaining_out"}, null_shutdown, S_OK,
     CLEARED, sizeof(uint32_t), fail_shutdown, S_OK},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

#endif
