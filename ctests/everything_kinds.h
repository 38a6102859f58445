/* The kinds of functions that the library calls, and what sets each of them off. Each does everything
 * (`do_everything`); what it leaves behind is let go as far as it is still there. */
#ifndef EVERYTHING_KINDS_H
#define EVERYTHING_KINDS_H

typedef struct kind_t {
    const char *name;
    void (*set_off)(void);
    uint32_t step;
    bool decided; /* a wait without end for its own call is over, or refused */
} kind_t;

/* An object whose functions do everything; which of them, the test chooses. */
enum { DO_EVERYTHING, JUST_WAIT, METHODS };

typedef struct actor_t {
    run_t *run;
    bool in_cancel, in_destroy;
    call_context_t context;
    gate_t entered, go;
} actor_t;

/* Each kind has its own, as a method may come late. */
static actor_t actors[32];
static _Thread_local actor_t *actor;
static atomic_uint actors_used;

static call_hresult_t actor_invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    actor_t *mine = self;
    (void)in;
    (void)in_len;
    mine->context = context;
    gate_open(&mine->entered);
    if (method == JUST_WAIT) {
        gate_wait(&mine->go);
    } else {
        mine->run->own.context = context;
        do_everything(mine->run);
    }
    return S_OK;
}

/* Direct; a call that only waits is ended by its cancel. */
static call_hresult_t actor_begin(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    actor_t *mine = self;
    (void)in;
    (void)in_len;
    mine->context = context;
    gate_open(&mine->entered);
    if (method == DO_EVERYTHING) {
        mine->run->own.context = context;
        do_everything(mine->run);
        drop(call_context_complete(context, S_OK));
    }
    return S_OK;
}

static call_hresult_t actor_cancel(void *self, call_context_t context, uint32_t grace_ms)
{
    actor_t *mine = self;
    (void)context;
    (void)grace_ms;
    if (mine->in_cancel)
        do_everything(mine->run);
    return S_OK;
}

static void actor_destroy(void *self)
{
    actor_t *mine = self;
    if (mine->in_destroy)
        do_everything(mine->run);
}

static const char *const actor_methods[METHODS] = {"do everything", "just wait"};

/* An object and a call of the actor's, in an apartment of a kind. */
static void actor_open(uint32_t kind, bool direct, bool with_cancel)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = kind, .name = "actor",
                                        .workers = kind == CALL_APARTMENT_MULTI ? 2 : 0};
    call_class_t cls = {.size = sizeof cls, .methods = actor_methods, .method_count = METHODS,
                        .flags = direct ? CALL_CLASS_CUSTOM_MARSHALING : 0,
                        .invoke = direct ? NULL : actor_invoke, .begin = direct ? actor_begin : NULL,
                        .cancel = with_cancel ? actor_cancel : NULL, .destroy = actor_destroy};
    actor = &actors[atomic_fetch_add(&actors_used, 1)];
    actor->run = run;
    gate_init(&actor->entered, "actor entered");
    gate_init(&actor->go, "actor goes on");
    must(call_apartment_create(&options, &run->own.apartment));
    must(call_object_create(run->own.apartment, &cls, actor, &run->own.object));
    must(call_create(run->own.object, &run->own.call));
}

/* What is still there. */
static void actor_close(own_t own)
{
    gate_open(&actor->go);
    drop(call_context_complete(own.context, S_OK));
    (void)call_release(own.call);
    (void)call_object_release(own.object);
    (void)call_apartment_close(own.apartment, hang_ms(), NULL);
    (void)call_apartment_release(own.apartment);
}

static void until_over(void)
{
    const struct timespec nap = {0, 1000000};
    for (uint64_t end = now_us() + (uint64_t)hang_ms() * 1000; !atomic_load(&run->over) && now_us() < end;)
        (void)nanosleep(&nap, NULL);
}

static void everything_completed(call_t call, void *user)
{
    (void)call;
    do_everything(user);
}

static void everything_told(void *user)
{
    do_everything(user);
}

static void everything_freed(void *data, size_t len, void *user)
{
    (void)data;
    (void)len;
    do_everything(user);
}

static void everything_logged(void *user, const char *message)
{
    (void)message;
    do_everything(user);
}

static void everything_at_thread(void *user, const char *name)
{
    (void)name;
    do_everything(user);
}

static void everything_traced(void *user, uint32_t step, const call_info_t *info)
{
    run_t *mine = user;
    (void)info;
    if (step == mine->step)
        do_everything(mine);
}

static void in_method(uint32_t kind)
{
    actor_open(kind, false, false);
    own_t own = run->own;
    must(call_begin(own.call, DO_EVERYTHING, NULL, 0));
    if (kind == CALL_APARTMENT_SINGLE)
        drop(call_apartment_pump(own.apartment, CALL_INFINITE, NULL));
    until_over();
    actor_close(own);
}

static void in_multi(void) { in_method(CALL_APARTMENT_MULTI); }
static void in_single(void) { in_method(CALL_APARTMENT_SINGLE); }
static void in_serial(void) { in_method(CALL_APARTMENT_SERIAL); }

static void in_direct_begin(void)
{
    actor_open(CALL_APARTMENT_MULTI, true, true);
    own_t own = run->own;
    drop(call_begin(own.call, DO_EVERYTHING, NULL, 0));
    actor_close(own);
}

/* A call that waits, to be canceled; in a method's thread, or begun directly. */
static own_t waiting_call(bool direct, bool with_cancel)
{
    actor_open(CALL_APARTMENT_MULTI, direct, with_cancel);
    return run->own;
}

static void begin_waiting(own_t *own)
{
    must(call_begin(own->call, JUST_WAIT, NULL, 0));
    gate_wait(&actor->entered);
    own->context = run->own.context = actor->context;
}

static void cancel_with(call_t call, bool request, uint32_t grace)
{
    call_cancel_t cancel = cancel_of(call);
    (void)(request ? call_request_cancel(cancel, grace) : call_cancel(cancel, grace));
    (void)call_cancel_release(cancel);
}

static void in_class_cancel(bool direct, bool request)
{
    own_t own = waiting_call(direct, true);
    actor->in_cancel = true;
    begin_waiting(&own);
    cancel_with(own.call, request, request ? CALL_INFINITE : 0);
    until_over();
    actor_close(own);
}

static void in_class_cancel_here(void) { in_class_cancel(true, false); }
static void in_class_cancel_by_request(void) { in_class_cancel(true, true); }
static void in_class_cancel_in_apartment(void) { in_class_cancel(false, true); }

static void in_on_cancel(void)
{
    own_t own = waiting_call(false, false);
    begin_waiting(&own);
    must(call_context_on_cancel(own.context, everything_told, run));
    cancel_with(own.call, true, CALL_INFINITE);
    until_over();
    actor_close(own);
}

static void in_destroy(void)
{
    actor_open(CALL_APARTMENT_MULTI, false, false);
    own_t own = run->own;
    actor->in_destroy = true;
    must(call_release(own.call));
    must(call_object_release(own.object));
    actor_close(own);
}

static void in_completed_by_method(void)
{
    own_t own = waiting_call(false, false);
    must(call_set_callback(own.call, everything_completed, run, NULL));
    begin_waiting(&own);
    gate_open(&actor->go);
    until_over();
    actor_close(own);
}

static void in_completed_by_cancel(bool request)
{
    own_t own = waiting_call(false, false);
    must(call_set_callback(own.call, everything_completed, run, NULL));
    begin_waiting(&own);
    cancel_with(own.call, request, 0);
    until_over();
    actor_close(own);
}

static void in_completed_here(void) { in_completed_by_cancel(false); }
static void in_completed_by_request(void) { in_completed_by_cancel(true); }

static void in_completed_by_close(void)
{
    own_t own = waiting_call(false, false);
    must(call_set_callback(own.call, everything_completed, run, NULL));
    begin_waiting(&own);
    (void)call_apartment_close(own.apartment, 0, NULL);
    until_over();
    actor_close(own);
}

static void in_destroy_of_callback(void)
{
    own_t own = waiting_call(false, false);
    must(call_set_callback(own.call, everything_completed, run, everything_told));
    must(call_set_callback(own.call, NULL, NULL, NULL));
    actor_close(own);
}

static void in_free(void)
{
    static char bytes[4];
    actor_open(CALL_APARTMENT_MULTI, false, false);
    own_t own = run->own;
    gate_open(&actor->go);
    must(call_begin_owned(own.call, JUST_WAIT, bytes, sizeof bytes, everything_freed, run));
    until_over();
    actor_close(own);
}

static void in_log(void)
{
    own_t own = waiting_call(false, false);
    must(call_set_log(everything_logged, run));
    must(call_set_tracking(1, 1));
    begin_waiting(&own);
    cancel_with(own.call, true, CALL_INFINITE);
    until_over();
    actor_close(own);
}

static void in_thread_start(void)
{
    must(call_set_thread_hooks(everything_at_thread, NULL, run));
    own_t own = waiting_call(false, false);
    gate_open(&actor->go);
    drop(call_begin(own.call, JUST_WAIT, NULL, 0));
    until_over();
    actor_close(own);
}

static void in_thread_stop(void)
{
    must(call_set_thread_hooks(NULL, everything_at_thread, run));
    own_t own = waiting_call(false, false);
    gate_open(&actor->go);
    must(call_begin(own.call, JUST_WAIT, NULL, 0));
    (void)finish(own.call);
    actor_close(own);
    until_over();
}

static void in_trace(void)
{
    must(call_set_trace(everything_traced, run));
    own_t own = waiting_call(false, false);
    drop(call_begin(own.call, JUST_WAIT, NULL, 0));
    if (run->step != CALL_TRACE_BEGIN && run->step != CALL_TRACE_START) {
        gate_wait(&actor->entered);
        call_cancel_t cancel = cancel_of(own.call);
        (void)call_cancel(cancel, 0);
        (void)call_cancel_release(cancel);
        if (run->step == CALL_TRACE_FINISH)
            (void)finish(own.call);
    }
    gate_open(&actor->go);
    until_over();
    actor_close(own);
}

/* The method has returned when its call is finished, and nobody has slept for it. */
static void in_trace_of_a_return(void)
{
    /* So long that the hook has been told of the completion, too. */
    const struct timespec nap = {0, 50000000};
    call_fate_t fate = CALL_FATE_NONE;
    must(call_set_trace(everything_traced, run));
    own_t own = waiting_call(false, false);
    gate_open(&actor->go);
    must(call_begin(own.call, JUST_WAIT, NULL, 0));
    for (uint64_t end = now_us() + (uint64_t)hang_ms() * 1000; fate == CALL_FATE_NONE && now_us() < end;)
        must(call_get_fate(own.call, &fate));
    (void)nanosleep(&nap, NULL);
    (void)finish(own.call);
    until_over();
    actor_close(own);
}

static const kind_t kinds[] = {
    {"a method of a multi apartment", in_multi, 0, true},
    {"a method of a single apartment", in_single, 0, true},
    {"a method of a serial apartment", in_serial, 0, true},
    {"a direct begin", in_direct_begin, 0, true},
    {"a class's cancel on the canceling thread", in_class_cancel_here, 0, false},
    {"a class's cancel on the library's thread", in_class_cancel_by_request, 0, false},
    {"a class's cancel in its apartment", in_class_cancel_in_apartment, 0, false},
    {"an on_cancel function", in_on_cancel, 0, true},
    {"an object's destroy", in_destroy, 0, false},
    {"a completion callback on the method's thread", in_completed_by_method, 0, true},
    {"a completion callback on the canceling thread", in_completed_here, 0, true},
    {"a completion callback on the library's thread", in_completed_by_request, 0, true},
    {"a completion callback under a close", in_completed_by_close, 0, true},
    {"the destroy of a completion callback", in_destroy_of_callback, 0, false},
    {"a free function", in_free, 0, false},
    {"the log function", in_log, 0, false},
    {"the hook of a thread's start", in_thread_start, 0, false},
    {"the hook of a thread's end", in_thread_stop, 0, false},
    {"the trace of a begin", in_trace, CALL_TRACE_BEGIN, false},
    {"the trace of a start", in_trace, CALL_TRACE_START, false},
    {"the trace of a cancel", in_trace, CALL_TRACE_CANCEL, false},
    {"the trace of a completion", in_trace, CALL_TRACE_COMPLETE, false},
    {"the trace of a finish", in_trace, CALL_TRACE_FINISH, false},
    {"the trace of a finish after a return", in_trace_of_a_return, CALL_TRACE_FINISH, false},
    {"the trace of a late end", in_trace, CALL_TRACE_LATE_END, false},
};
enum { KINDS_OF_FUNCTION = sizeof kinds / sizeof kinds[0] };

#endif
