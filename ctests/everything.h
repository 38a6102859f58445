/* All functions of call.h, to be called from anywhere: those with a handle by the rows of
 * sweep_handle_uses.h, the others here; then those that wait, for something that has to happen
 * elsewhere meanwhile. Longer than other files for that reason. */
#ifndef EVERYTHING_H
#define EVERYTHING_H

#include "sweep_world.h"

#include <fcntl.h>
#include <unistd.h>

typedef struct deed_t {
    const char *function;
    call_hresult_t (*run)(void);
    call_hresult_t expected;
} deed_t;

/* Whatever it was. */
static void drop(call_hresult_t result)
{
    (void)result;
}

static call_hresult_t do_version(void)
{
    return call_version() == CALL_VERSION ? S_OK : E_FAIL;
}

static call_hresult_t do_name(void)
{
    return strcmp(call_hresult_name(E_FAIL), "E_FAIL") == 0 ? S_OK : E_FAIL;
}

static call_hresult_t do_message(void)
{
    return call_hresult_message(E_FAIL)[0] != '\0' ? S_OK : E_FAIL;
}

static call_hresult_t do_last_error(void)
{
    drop(call_wait((call_t){0}, 0));
    return call_get_last_error(NULL, NULL, 0, NULL);
}

static call_hresult_t do_bind(void)
{
    call_object_t object;
    return call_object_bind("inproc:nowhere#Nothing", NULL, &object);
}

static call_hresult_t registers_nothing(call_module_t module)
{
    (void)module;
    return S_OK;
}

/* Nobody is behind that descriptor. */
static call_hresult_t do_serve(void)
{
    return call_host_serve(-1, registers_nothing);
}

static call_hresult_t do_host(void)
{
    const char *arguments[] = {"call-host", "--supervise", "--work", NULL};
    return call_host_main(3, arguments);
}

/* Whether there is one depends on where this is called. */
static call_hresult_t do_current(void)
{
    call_context_t context;
    call_hresult_t result = call_context_current(&context);
    return result == RPC_E_CALL_COMPLETE ? S_OK : result;
}

static call_hresult_t do_apartment(void)
{
    call_apartment_t apartment;
    call_hresult_t result = call_apartment_create(NULL, &apartment);
    if (result == S_OK)
        must(call_apartment_release(apartment));
    return result;
}

static call_hresult_t do_disable(void)
{
    must(call_enable_cancellation());
    return call_disable_cancellation();
}

static call_hresult_t do_enable(void)
{
    call_hresult_t result = call_enable_cancellation();
    must(call_disable_cancellation());
    return result;
}

static call_hresult_t do_thread_id(void)
{
    uint64_t id;
    return call_thread_id(&id);
}

/* Of a thread that is not. */
static call_hresult_t do_cancel_thread(void)
{
    return call_cancel_thread(7, 1);
}

static call_hresult_t do_request_cancel_thread(void)
{
    return call_request_cancel_thread(7, 1);
}

static call_hresult_t do_query_thread_cancel(void)
{
    call_cancel_t cancel;
    return call_query_thread_cancel(7, &cancel);
}

static call_hresult_t do_queue(void)
{
    call_queue_t queue;
    call_hresult_t result = call_queue_create(&queue);
    if (result == S_OK)
        must(call_queue_release(queue));
    return result;
}

static call_hresult_t do_enumerate(void)
{
    call_info_t infos[4];
    size_t count;
    call_hresult_t result = call_enumerate(infos, sizeof infos[0], 4, &count);
    return result == CALL_E_MORE_DATA ? S_OK : result;
}

static int nowhere(void)
{
    static atomic_int made;
    int fd = atomic_load(&made);
    if (fd == 0) {
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        atomic_store(&made, fd);
    }
    return fd;
}

static call_hresult_t do_dump(void)
{
    return call_dump(nowhere());
}

static call_hresult_t do_request_dump(void)
{
    return call_request_dump(nowhere());
}

static call_hresult_t do_tracking(void)
{
    call_hresult_t result = call_set_tracking(1, 0);
    must(call_set_tracking(0, 0));
    return result;
}

static call_hresult_t do_counters(void)
{
    call_counters_t counters = {.size = sizeof counters};
    return call_get_counters(&counters);
}

static call_hresult_t do_log(void)
{
    return call_set_log(NULL, NULL);
}

static call_hresult_t do_hooks(void)
{
    return call_set_thread_hooks(NULL, NULL, NULL);
}

static call_hresult_t do_trace(void)
{
    return call_set_trace(NULL, NULL);
}

/* Those that wait. */

/* With a fresh apartment; gives what `wait` gives for a call of a method there. */
static call_hresult_t with_a_call(uint32_t method, call_hresult_t (*wait)(call_t call))
{
    scene_t scene;
    job_t job;
    job_init(&job, NULL, S_OK);
    scene_open(&scene, 1);
    must(call_detach(scene.call));
    if (method == ECHO)
        must(call_begin(scene.call, ECHO, "deed", 4));
    else
        enter_job(scene.call, method, &job);
    call_hresult_t result = wait(scene.call);
    gate_open(&job.release);
    scene_close(&scene);
    return result;
}

static call_hresult_t wait_for(call_t call)
{
    return call_wait(call, CALL_INFINITE);
}

static call_hresult_t wait_for_many(call_t call)
{
    return call_wait_many(&call, 1, CALL_WAIT_ALL, CALL_INFINITE, NULL);
}

static call_hresult_t finish_into_a_buffer(call_t call)
{
    call_buffer_t buffer;
    call_hresult_t result = call_finish_buffer(call, &buffer);
    if (result == S_OK)
        must(call_buffer_release(buffer));
    return result;
}

static call_hresult_t cancel_and_wait(call_t call)
{
    call_cancel_t cancel = cancel_of(call);
    call_hresult_t result = call_cancel(cancel, CALL_INFINITE);
    must(call_cancel_release(cancel));
    return result;
}

static call_hresult_t cancel_for_a_second(call_t call)
{
    call_cancel_t cancel = cancel_of(call);
    call_hresult_t result = call_cancel(cancel, 1);
    must(call_cancel_release(cancel));
    return result;
}

static call_hresult_t request_and_finish(call_t call)
{
    call_cancel_t cancel = cancel_of(call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    must(call_cancel_release(cancel));
    return finish(call);
}

static call_hresult_t free_at_once(call_t call)
{
    call_cancel_t cancel = cancel_of(call);
    call_hresult_t result = call_cancel(cancel, 0);
    must(call_cancel_release(cancel));
    return result;
}

static call_hresult_t do_wait(void) { return with_a_call(ECHO, wait_for); }
static call_hresult_t do_wait_many(void) { return with_a_call(ECHO, wait_for_many); }
static call_hresult_t do_finish(void) { return with_a_call(ECHO, finish); }
static call_hresult_t do_finish_buffer(void) { return with_a_call(ECHO, finish_into_a_buffer); }
static call_hresult_t do_cancel(void) { return with_a_call(OBEY, cancel_and_wait); }
static call_hresult_t do_cancel_held(void) { return with_a_call(HOLD, cancel_for_a_second); }
static call_hresult_t do_request(void) { return with_a_call(OBEY, request_and_finish); }
static call_hresult_t do_free(void) { return with_a_call(HOLD, free_at_once); }

static call_hresult_t do_queue_next(void)
{
    call_queue_t queue;
    call_completion_t taken;
    size_t count;
    scene_t scene;
    must(call_queue_create(&queue));
    scene_open(&scene, 1);
    must(call_detach(scene.call));
    must(call_set_queue(scene.call, queue, 1));
    must(call_begin(scene.call, ECHO, NULL, 0));
    call_hresult_t result = call_queue_next(queue, &taken, 1, CALL_INFINITE, &count);
    must(call_queue_release(queue));
    scene_close(&scene);
    return result;
}

static call_hresult_t do_close(void)
{
    scene_t scene;
    job_t job;
    job_init(&job, NULL, S_OK);
    scene_open(&scene, 1);
    must(call_detach(scene.call));
    enter_job(scene.call, HOLD, &job);
    call_hresult_t result = call_apartment_close(scene.apartment, 1, NULL);
    gate_open(&job.release);
    scene_close(&scene);
    return result;
}

/* The thread's own apartment, by its pump and by a wait. */
static call_hresult_t do_pump(void)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = CALL_APARTMENT_SINGLE};
    target_t target;
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment));
    target_create(&target, apartment);
    call_t call = new_call(&target);
    must(call_begin(call, ECHO, NULL, 0));
    call_hresult_t result = call_apartment_pump(apartment, CALL_INFINITE, NULL);
    must(finish(call));
    must(call_begin(call, ECHO, NULL, 0));
    must(finish(call));
    must(call_release(call));
    target_destroy(&target);
    must(call_apartment_close(apartment, CALL_INFINITE, NULL));
    must(call_apartment_release(apartment));
    return result;
}

static const deed_t deeds[] = {
    {"call_version", do_version, S_OK},
    {"call_hresult_name", do_name, S_OK},
    {"call_hresult_message", do_message, S_OK},
    {"call_get_last_error", do_last_error, S_OK},
    {"call_object_bind", do_bind, CO_E_DLLNOTFOUND},
    {"call_host_serve", do_serve, E_INVALIDARG},
    {"call_host_main", do_host, E_INVALIDARG},
    {"call_context_current", do_current, S_OK},
    {"call_apartment_create", do_apartment, S_OK},
    {"call_enable_cancellation", do_enable, S_OK},
    {"call_disable_cancellation", do_disable, S_OK},
    {"call_thread_id", do_thread_id, S_OK},
    {"call_cancel_thread", do_cancel_thread, E_HANDLE},
    {"call_request_cancel_thread", do_request_cancel_thread, E_HANDLE},
    {"call_query_thread_cancel", do_query_thread_cancel, E_HANDLE},
    {"call_queue_create", do_queue, S_OK},
    {"call_enumerate", do_enumerate, S_OK},
    {"call_dump", do_dump, S_OK},
    {"call_request_dump", do_request_dump, S_OK},
    {"call_set_tracking", do_tracking, S_OK},
    {"call_get_counters", do_counters, S_OK},
    {"call_set_log", do_log, S_OK},
    {"call_set_thread_hooks", do_hooks, S_OK},
    {"call_set_trace", do_trace, S_OK},
    {"call_wait", do_wait, S_OK},
    {"call_wait_many", do_wait_many, S_OK},
    {"call_finish", do_finish, S_OK},
    {"call_finish_buffer", do_finish_buffer, S_OK},
    {"call_cancel", do_cancel, RPC_E_CALL_COMPLETE},
    {"call_cancel", do_cancel_held, S_OK},
    {"call_cancel", do_free, S_OK},
    {"call_request_cancel", do_request, S_OK},
    {"call_queue_next", do_queue_next, S_OK},
    {"call_apartment_close", do_close, S_FALSE},
    {"call_apartment_pump", do_pump, S_OK},
};
enum { DEEDS = sizeof deeds / sizeof deeds[0] };

#endif
