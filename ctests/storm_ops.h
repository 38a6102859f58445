/* What the threads of the storm do, one random call after the other. Only storm.c includes this. */
#ifndef STORM_OPS_H
#define STORM_OPS_H

#include "storm_objects.h"

enum { OUT_CAP = 4096 };

/* The single apartment of this thread, which only this thread can pump. */
static _Thread_local call_apartment_t own_apartment;

static atomic_ulong handed_over, freed, notified;

static inline void new_object(uint64_t *random, const pick_t *apartment)
{
    call_object_t object = {0};
    subject_t *subject = malloc(sizeof *subject);
    if (subject == NULL)
        bail_out("no memory");
    uint64_t number = atomic_fetch_add(&last_number, 1) + 1;
    subject->number = number;
    (void)atomic_fetch_add(&created, 1);
    call_apartment_t home = apartment == NULL ? (call_apartment_t){0} : apartment_in(*apartment);
    const call_class_t *cls = &classes[draw(random, 2) == 0 ? 0 : draw(random, CLASSES)];
    if (USE(object_create, apartment, home, cls, subject, &object) != S_OK) {
        (void)atomic_fetch_sub(&created, 1);
        free(subject);
    } else if (!put(random, OBJECT, object.id, number)) {
        (void)USE(object_release, NULL, object);
        add_stale(OBJECT, object.id);
    }
}

static inline void release_object(uint64_t *random, const pick_t *object)
{
    bool lonely;
    if (object->sort == DEAD) {
        (void)(draw(random, 2) == 0 ? USE(object_release, object, object_of(*object))
                                    : USE(object_disconnect, object, object_of(*object)));
    } else if (take(object->entry, object->id, &lonely)) {
        if (draw(random, 2) == 0)
            (void)USE(object_disconnect, NULL, object_of(*object));
        (void)USE(object_release, NULL, object_of(*object));
        if (lonely)
            add_stale(OBJECT, object->id);
    }
}

/* A reference beside the table's, if the object was still there when it was marked as shared. */
static inline void share_object(const pick_t *object)
{
    uint32_t method;
    if (object->sort == DEAD) {
        (void)USE(object_add_ref, object, object_of(*object));
        return;
    }
    atomic_store(&object->entry->shared, true);
    if (atomic_load(&object->entry->id) != object->id || USE(object_add_ref, NULL, object_of(*object)) != S_OK)
        return;
    call_hresult_t found = USE(object_find_method, NULL, object_of(*object), "tell", &method);
    call_hresult_t released = USE(object_release, NULL, object_of(*object));
    if (found != S_OK || released != S_OK)
        broke(&held_lost, "an object with a reference", object->id, found == S_OK ? released : found);
}

static inline void object_ops(uint64_t *random)
{
    pick_t object = pick(random, OBJECT), apartment = pick(random, APARTMENT);
    uint32_t die = draw(random, 16), method;
    if (die < 6)
        new_object(random, die < 5 ? &apartment : NULL);
    else if (die < 10)
        (void)USE(object_find_method, &object, object_of(object), die < 8 ? "none" : "tell", &method);
    else if (die < 12)
        share_object(&object);
    else if (die < 13)
        (void)USE(object_bind, NULL, "inproc:nowhere#Nothing", NULL, &(call_object_t){0});
    else
        release_object(random, &object);
}

static inline void new_apartment(uint64_t *random)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = draw(random, 3)};
    call_apartment_t made = {0};
    if (options.kind == CALL_APARTMENT_MULTI) {
        options.workers = 1;
        options.max_workers = 1 + draw(random, 3);
    }
    options.queue_limit = draw(random, 2) == 0 ? 2 : 0;
    if (USE(apartment_create, NULL, &options, &made) != S_OK)
        return;
    if (!put(random, APARTMENT, made.id, 0)) {
        (void)USE(apartment_close, NULL, made, 0, NULL);
        (void)USE(apartment_release, NULL, made);
        add_stale(APARTMENT, made.id);
    } else if (options.kind == CALL_APARTMENT_SINGLE) {
        own_apartment = made;
    }
}

static inline void apartment_ops(uint64_t *random)
{
    pick_t apartment = pick(random, APARTMENT);
    uint32_t die = draw(random, 256), number;
    int fd;
    bool lonely;
    if (die < 120 && own_apartment.id != 0) {
        if (USE(apartment_pump, NULL, own_apartment, draw(random, 2), &number) == E_HANDLE)
            own_apartment.id = 0;
    } else if (die < 200) {
        (void)(die % 2 == 0 ? USE(apartment_pump, &apartment, apartment_in(apartment), 0, &number)
                            : USE(apartment_get_fd, &apartment, apartment_in(apartment), &fd));
    } else if (die < 248 && apartment.sort == DEAD) {
        (void)(die % 2 == 0 ? USE(apartment_close, &apartment, apartment_in(apartment), 0, &number)
                            : USE(apartment_release, &apartment, apartment_in(apartment)));
    } else if (die == 255 && apartment.sort == LIVE && take(apartment.entry, apartment.id, &lonely)) {
        (void)USE(apartment_close, NULL, apartment_in(apartment), draw(random, 2), &number);
        (void)USE(apartment_release, NULL, apartment_in(apartment));
        add_stale(APARTMENT, apartment.id);
    } else if (die >= 253) {
        new_apartment(random);
    }
}

static inline void new_call_of(uint64_t *random)
{
    pick_t object = pick(random, OBJECT);
    call_t call = {0};
    if (USE(create, &object, object_of(object), &call) == S_OK && !put(random, CALL, call.id, object.owner)) {
        (void)USE(release, NULL, call);
        add_stale(CALL, call.id);
    }
}

static void free_note(void *data, size_t len, void *user)
{
    if (len != sizeof(note_t) || user != &freed)
        broke(&wrong_echoes, "a buffer is not freed as it was handed over", 0, S_OK);
    free(data);
    (void)atomic_fetch_add(&freed, 1);
}

static inline void begin_ops(uint64_t *random, const pick_t *call)
{
    note_t note = note_for(random, call->owner, call->id);
    uint32_t method = draw(random, 64) == 0 ? METHODS : draw(random, METHODS);
    if (draw(random, 2) == 0) {
        (void)USE(begin, call, call_of(*call), method, &note, sizeof note);
        return;
    }
    note_t *owned = malloc(sizeof *owned);
    if (owned == NULL)
        bail_out("no memory");
    *owned = note;
    if (USE(begin_owned, call, call_of(*call), method, owned, sizeof *owned, free_note, &freed) == S_OK)
        (void)atomic_fetch_add(&handed_over, 1);
    else
        free(owned);
}

static inline bool has_output(call_hresult_t code, size_t len)
{
    return code == S_OK || code == S_FALSE || code == E_FAIL || (code == RPC_E_CALL_CANCELED && len != 0);
}

/* The output as a buffer, which goes into the table or is released. */
static inline void finish_into_buffer(uint64_t *random, const pick_t *call)
{
    call_buffer_t buffer = {0};
    const void *data;
    size_t len;
    call_hresult_t code = USE(finish_buffer, call, call_of(*call), &buffer);
    if (buffer.id == 0 || USE(buffer_get, NULL, buffer, &data, &len) != S_OK)
        return;
    if (!has_output(code, len))
        broke(&wrong_echoes, "an output without a result", call->id, code);
    check_echo(data, len, call->owner, call->id);
    if (!put(random, BUFFER, buffer.id, call->owner)) {
        (void)USE(buffer_release, NULL, buffer);
        add_stale(BUFFER, buffer.id);
    }
}

static inline void buffer_ops(uint64_t *random)
{
    pick_t buffer = pick(random, BUFFER);
    const void *data;
    size_t len;
    bool lonely;
    if (buffer.sort == DEAD || draw(random, 2) == 0) {
        (void)(draw(random, 2) == 0 || buffer.sort == LIVE ? USE(buffer_get, &buffer, buffer_of(buffer), &data, &len)
                                                           : USE(buffer_release, &buffer, buffer_of(buffer)));
        return;
    }
    if (!take(buffer.entry, buffer.id, &lonely))
        return;
    if (USE(buffer_get, NULL, buffer_of(buffer), &data, &len) != S_OK ||
        memcmp(data, &buffer.owner, sizeof buffer.owner) != 0)
        broke(&wrong_echoes, "a buffer has not kept its bytes", buffer.id, S_OK);
    (void)USE(buffer_release, NULL, buffer_of(buffer));
    add_stale(BUFFER, buffer.id);
}

static inline void finish_ops(uint64_t *random, const pick_t *call)
{
    unsigned char out[OUT_CAP];
    size_t len = 0, cap = draw(random, 8) == 0 ? sizeof(note_t) - 1 : sizeof out;
    if (draw(random, 4) == 0) {
        finish_into_buffer(random, call);
        return;
    }
    call_hresult_t code = draw(random, 2) == 0 ? USE(finish, call, call_of(*call), out, cap, &len)
                                               : USE(try_finish, call, call_of(*call), out, cap, &len);
    if (call->sort == LIVE && has_output(code, len))
        check_echo(out, len, call->owner, call->id);
}

/* Message and progress are of the object too, or not there. */
static inline void look_ops(uint64_t *random, const pick_t *call)
{
    char text[OUT_CAP], expected[32];
    size_t len;
    uint64_t progress, total;
    call_fate_t fate;
    uint32_t die = draw(random, 3);
    (void)snprintf(expected, sizeof expected, "%" PRIu64, call->owner);
    if (die == 0)
        (void)USE(get_fate, call, call_of(*call), &fate);
    else if (die == 1 && USE(get_error, call, call_of(*call), text, sizeof text, &len) == S_OK &&
             strcmp(text, expected) != 0)
        broke(&wrong_echoes, "a message is not that of the call", call->id, S_OK);
    else if (die == 2 && USE(get_progress, call, call_of(*call), &progress, &total) == S_OK &&
             (progress != total || (progress != 0 && progress != call->owner)))
        broke(&wrong_echoes, "a progress is not that of the call", call->id, S_OK);
}

static inline void share_call(const pick_t *call)
{
    call_fate_t fate;
    if (call->sort == DEAD) {
        (void)USE(add_ref, call, call_of(*call));
        return;
    }
    atomic_store(&call->entry->shared, true);
    if (atomic_load(&call->entry->id) != call->id || USE(add_ref, NULL, call_of(*call)) != S_OK)
        return;
    call_hresult_t held = USE(get_fate, NULL, call_of(*call), &fate);
    call_hresult_t released = USE(release, NULL, call_of(*call));
    if (held != S_OK || released != S_OK)
        broke(&held_lost, "a call with a reference", call->id, held == S_OK ? released : held);
}

static inline void release_call(const pick_t *call)
{
    bool lonely;
    if (call->sort == DEAD) {
        (void)USE(release, call, call_of(*call));
    } else if (take(call->entry, call->id, &lonely)) {
        (void)USE(release, NULL, call_of(*call));
        if (lonely)
            add_stale(CALL, call->id);
    }
}

static inline void call_ops(uint64_t *random)
{
    pick_t call = pick(random, CALL);
    uint32_t die = draw(random, 64);
    if (die < 24)
        begin_ops(random, &call);
    else if (die < 40)
        finish_ops(random, &call);
    else if (die < 46)
        (void)USE(wait, &call, call_of(call), draw(random, 8) == 0 ? CALL_INFINITE : draw(random, 2));
    else if (die < 52)
        look_ops(random, &call);
    else if (die < 56)
        share_call(&call);
    else if (die < 58)
        release_call(&call);
    else
        new_call_of(random);
}

static inline void cancel_ops(uint64_t *random)
{
    pick_t cancel = pick(random, CANCEL), call = pick(random, CALL);
    static const uint32_t seconds[] = {0, 0, 0, 1, CALL_INFINITE}, graces[] = {0, 1, 2, CALL_INFINITE};
    call_cancel_t queried = {0};
    uint32_t die = draw(random, 16);
    bool lonely;
    if (die < 6) {
        if (USE(query_cancel, &call, call_of(call), &queried) == S_OK && !put(random, CANCEL, queried.id, 0)) {
            (void)USE(cancel_release, NULL, queried);
            add_stale(CANCEL, queried.id);
        }
    } else if (die < 8) {
        (void)USE(cancel, &cancel, cancel_interface_of(cancel), seconds[draw(random, 5)]);
    } else if (die < 10) {
        (void)USE(request_cancel, &cancel, cancel_interface_of(cancel), graces[draw(random, 4)]);
    } else if (die < 12) {
        (void)USE(test_cancel, &cancel, cancel_interface_of(cancel));
    } else if (cancel.sort == DEAD) {
        (void)USE(cancel_release, &cancel, cancel_interface_of(cancel));
    } else if (take(cancel.entry, cancel.id, &lonely)) {
        (void)USE(cancel_release, NULL, cancel_interface_of(cancel));
        add_stale(CANCEL, cancel.id);
    }
}

static void count_notice(void *user)
{
    (void)user;
    (void)atomic_fetch_add(&notified, 1);
}

/* What a method is told of a cancel, asked for from another thread. */
static inline void notice_ops(uint64_t *random, const pick_t *context)
{
    call_context_t handle = context_of(*context);
    const uint8_t *flag;
    int fd;
    uint32_t die = draw(random, 8);
    if (die < 1)
        (void)USE(context_get_cancel_flag, context, handle, &flag);
    else if (die < 3)
        (void)USE(context_on_cancel, context, handle, die == 1 ? count_notice : NULL, NULL);
    else if (die < 4)
        (void)USE(context_get_cancel_fd, context, handle, &fd);
    else if (die < 5)
        (void)USE(context_disable_cancel, context, handle);
    else if (die < 6)
        (void)USE(context_enable_cancel, context, handle);
    else if (die < 7)
        (void)USE(context_wait_cancel, context, handle, 0);
    else
        (void)USE(context_test_cancel, context, handle);
}

static inline void context_ops(uint64_t *random)
{
    pick_t context = pick(random, CONTEXT);
    call_context_t handle = context_of(context);
    char text[32];
    uint32_t die = draw(random, 8);
    bool lonely;
    if (die < 2) {
        (void)USE(context_write, &context, handle, &context.owner, sizeof context.owner);
    } else if (die < 3) {
        (void)USE(context_set_progress, &context, handle, context.owner, context.owner);
    } else if (die < 4) {
        (void)snprintf(text, sizeof text, "%" PRIu64, context.owner);
        (void)USE(context_set_error, &context, handle, text);
    } else if (die < 6) {
        notice_ops(random, &context);
    } else if (context.sort == DEAD) {
        (void)(die == 6 ? USE(context_complete, &context, handle, S_OK) : USE(context_commit, &context, handle, 0));
    } else if (take(context.entry, context.id, &lonely)) {
        (void)USE(context_complete, NULL, handle, S_OK);
        add_stale(CONTEXT, context.id);
    }
}

static inline void read_last_error(void)
{
    call_hresult_t code;
    char text[OUT_CAP];
    size_t len;
    call_hresult_t read = USE(get_last_error, NULL, &code, text, sizeof text, &len);
    if (read == S_OK && index_of(code) == CODES)
        broke(&other_codes, "the last failure", 0, code);
}

#endif
