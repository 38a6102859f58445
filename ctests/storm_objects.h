/* The objects of the storm: their methods say whose they are. Only storm.c includes this. */
#ifndef STORM_OBJECTS_H
#define STORM_OBJECTS_H

#include "storm_tables.h"

enum { TELL, POLL, SLEEP, LATER, NEST, FAIL, METHODS };
enum { WAITING = 256, BUSY_JANITOR = 32, POLLS = 50 };

/* An object. Freed when it is destroyed, so that a hit on a destroyed one is seen by a sanitizer. */
typedef struct subject_t {
    uint64_t number;
} subject_t;

/* The input of every method, and the beginning of its output: for whom it was meant. */
typedef struct note_t {
    uint64_t owner, call, nonce, seal;
} note_t;

static atomic_ullong last_number;
static atomic_ulong created, destroyed;

static inline uint64_t seal_of(const note_t *note)
{
    uint64_t state = note->owner ^ note->call * 3 ^ note->nonce * 5;
    return next_random(&state);
}

static inline note_t note_for(uint64_t *random, uint64_t owner, uint64_t call)
{
    note_t note = {owner, call, next_random(random), 0};
    note.seal = seal_of(&note);
    return note;
}

/* Deferred methods wait here for the janitor, who completes what no other thread has completed. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    call_context_t waiting[WAITING];
    unsigned first, count;
    bool over;
} janitor = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline bool leave_to_janitor(call_context_t context)
{
    (void)pthread_mutex_lock(&janitor.mutex);
    bool room = janitor.count < WAITING;
    if (room)
        janitor.waiting[(janitor.first + janitor.count++) % WAITING] = context;
    (void)pthread_cond_signal(&janitor.changed);
    (void)pthread_mutex_unlock(&janitor.mutex);
    return room;
}

/* The next context, and how many wait behind it; false: the storm is over. */
static inline bool next_for_janitor(call_context_t *context_out, unsigned *behind_out)
{
    (void)pthread_mutex_lock(&janitor.mutex);
    while (janitor.count == 0 && !janitor.over)
        (void)pthread_cond_wait(&janitor.changed, &janitor.mutex);
    bool found = janitor.count != 0;
    if (found) {
        *context_out = janitor.waiting[janitor.first];
        janitor.first = (janitor.first + 1) % WAITING;
        *behind_out = --janitor.count;
    }
    (void)pthread_mutex_unlock(&janitor.mutex);
    return found;
}

/* Leaves a method its time, unless many others wait, and then ends it. */
static void *janitor_main(void *nothing)
{
    call_context_t context;
    unsigned behind;
    while (next_for_janitor(&context, &behind)) {
        if (behind < BUSY_JANITOR)
            book(F_context_wait_cancel, call_context_wait_cancel(context, 1));
        book(F_context_complete, call_context_complete(context, S_OK));
    }
    return nothing;
}

static inline call_hresult_t later(uint64_t *random, const subject_t *subject, call_context_t context)
{
    if (!leave_to_janitor(context))
        return S_FALSE;
    /* Others use it while it lives; the table holds no reference, for a context has none. */
    (void)put(random, CONTEXT, context.id, subject->number);
    return CALL_S_DEFERRED;
}

/* A call from inside a method, to any object; it waits no longer than a moment. */
static inline call_hresult_t nest(uint64_t *random)
{
    pick_t picked = pick(random, OBJECT);
    call_t call;
    if (USE(create, &picked, object_of(picked), &call) != S_OK)
        return S_FALSE;
    note_t note = note_for(random, picked.owner, call.id);
    if (USE(begin, NULL, call, draw(random, 2) == 0 ? TELL : POLL, &note, sizeof note) == S_OK)
        (void)USE(wait, NULL, call, draw(random, 3));
    (void)USE(release, NULL, call);
    return S_OK;
}

static inline call_hresult_t poll_for_cancel(call_context_t context)
{
    call_hresult_t code = RPC_S_CALLPENDING;
    for (int i = 0; i < POLLS && code == RPC_S_CALLPENDING; i++) {
        (void)sched_yield();
        code = USE(context_test_cancel, NULL, context);
    }
    return code == RPC_E_CALL_CANCELED ? code : S_OK;
}

/* Tells in every way there is whose method this is. */
static inline call_hresult_t fail(const subject_t *subject, call_context_t context)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, subject->number);
    (void)USE(context_set_error, NULL, context, text);
    (void)USE(context_set_progress, NULL, context, subject->number, subject->number);
    return E_FAIL;
}

/* What is reserved is written in place, while no other thread knows the context. */
static inline void write_note(uint64_t *random, call_context_t context, const note_t *note)
{
    void *room;
    if (draw(random, 2) == 0) {
        (void)USE(context_write, NULL, context, note, sizeof *note);
    } else if (USE(context_reserve, NULL, context, sizeof *note, &room) == S_OK) {
        memcpy(room, note, sizeof *note);
        (void)USE(context_commit, NULL, context, sizeof *note);
    }
}

static inline call_hresult_t run_method(const subject_t *subject, call_context_t context, uint32_t method,
                                        const void *in, size_t in_len)
{
    note_t note = {0, 0, 0, 0};
    if (in_len == sizeof note)
        memcpy(&note, in, sizeof note);
    if (in_len != sizeof note || note.owner != subject->number || note.seal != seal_of(&note))
        broke(&wrong_echoes, "a method was entered for another object", note.call, S_OK);
    uint64_t random = note.nonce;
    call_hresult_t result = S_OK;
    write_note(&random, context, &note);
    if (method == POLL)
        result = poll_for_cancel(context);
    else if (method == SLEEP)
        (void)USE(context_wait_cancel, NULL, context, draw(&random, 3));
    else if (method == LATER)
        result = later(&random, subject, context);
    else if (method == NEST)
        result = nest(&random);
    else if (method == FAIL)
        result = fail(subject, context);
    return result;
}

static call_hresult_t subject_invoke(void *self, call_context_t context, uint32_t method, const void *in,
                                     size_t in_len)
{
    return run_method(self, context, method, in, in_len);
}

/* As an object with a call object of its own: fails at once, or completes the call, now or later. */
static call_hresult_t subject_begin(void *self, call_context_t context, uint32_t method, const void *in,
                                    size_t in_len)
{
    call_hresult_t result = run_method(self, context, method, in, in_len);
    if (result == CALL_S_DEFERRED)
        return S_OK;
    if (result == E_FAIL)
        return E_FAIL;
    (void)USE(context_complete, NULL, context, result);
    return S_OK;
}

/* Its own cancel interface: refuses, takes note, or ends the call. */
static call_hresult_t subject_cancel(void *self, call_context_t context, uint32_t grace_ms)
{
    const subject_t *subject = self;
    if (subject->number % 3 == 0)
        return E_FAIL;
    if (grace_ms % 2 == 1)
        (void)USE(context_complete, NULL, context, RPC_E_CALL_CANCELED);
    return S_OK;
}

static void subject_destroy(void *self)
{
    subject_t *subject = self;
    subject->number = 0;
    free(subject);
    (void)atomic_fetch_add(&destroyed, 1);
}

static const char *const method_names[METHODS] = {"tell", "poll", "sleep", "later", "nest", "fail"};
#define CLASS_OF(flags_, ...)                                                                       \
    {.size = sizeof(call_class_t), .methods = method_names, .method_count = METHODS, .flags = (flags_), \
     .destroy = subject_destroy, __VA_ARGS__}

static const call_class_t classes[] = {
    CLASS_OF(0, .invoke = subject_invoke),
    CLASS_OF(0, .invoke = subject_invoke, .cancel = subject_cancel),
    CLASS_OF(0, .begin = subject_begin),
    CLASS_OF(CALL_CLASS_CUSTOM_MARSHALING, .begin = subject_begin),
    CLASS_OF(CALL_CLASS_CUSTOM_MARSHALING, .begin = subject_begin, .cancel = subject_cancel),
};
enum { CLASSES = sizeof classes / sizeof classes[0] };

/* The output of a call: the note that was begun with, for this call and its object, and what the
 * holders of its context have added, which is the object's number again and again. */
static inline void check_echo(const unsigned char *out, size_t len, uint64_t owner, uint64_t call)
{
    note_t note;
    bool right = len >= sizeof note && (len - sizeof note) % sizeof owner == 0;
    if (right)
        memcpy(&note, out, sizeof note);
    right = right && note.owner == owner && note.call == call && note.seal == seal_of(&note);
    for (size_t at = sizeof note; right && at < len; at += sizeof owner)
        right = memcmp(out + at, &owner, sizeof owner) == 0;
    (void)atomic_fetch_add(&echoes, 1);
    if (!right)
        broke(&wrong_echoes, "an output is not that of the call", call, S_OK);
}

#endif
