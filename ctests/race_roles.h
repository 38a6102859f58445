/* What the methods do, and what each thread does in a race. Only race.c includes this. */
#ifndef RACE_ROLES_H
#define RACE_ROLES_H

#include "race_ledger.h"

enum { THREADS = 4, METHOD = 0 };

typedef enum role_t {
    BEGIN,
    BEGIN_TOO,        /* races the other begin */
    CANCEL,
    COMPLETE,         /* of a deferred method */
    FINISH,
    FINISH_AND_BEGIN, /* begins again at once */
    WAIT,
    RELEASE,
} role_t;

typedef enum way_t { AT_ONCE, WITH_GRACE, SHORT_GRACE, BLOCKING, TWO_STEPS, WAYS } way_t;

/* When a role acts. */
typedef enum moment_t { ANY_TIME, ABOUT_TO_BEGIN, BEGUN, ENTERED, COMPLETE_NOW, MOMENTS } moment_t;

typedef struct part_t {
    role_t role;
    moment_t moment;
    way_t way;
    uint32_t delay;
} part_t;

/* One race: threads around one call object. */
typedef struct race_t {
    call_t call;
    subject_t *subject;
    part_t parts[THREADS];
    record_t *records[2]; /* of the two begins; the second may be missing */
    record_t *again;      /* of FINISH_AND_BEGIN */
    call_cancel_t cancel; /* queried before the begin, or null */
    record_t *old;        /* abandoned in the race before, still to be completed */
    call_cancel_t old_cancel; /* of a call that is finished */
    uint32_t old_thread;
    bool may_block, has_release;
    atomic_uint begins, firsts, released;
} race_t;

/* The input of a method. */
typedef struct note_t {
    record_t *record;
    subject_t *subject;
} note_t;

static inline void put_output(record_t *record, call_context_t context)
{
    unsigned char out[OUTPUT_CAP];
    fill_output(record, out);
    call_hresult_t code = call_context_write(context, out, record->output);
    if (code == S_OK)
        atomic_store(&record->wrote, 1);
    else if (code != RPC_E_CALL_CANCELED || atomic_load(&record->asked) == 0)
        broke(code == RPC_E_CALL_CANCELED ? RULE_UNASKED : RULE_CODE, record, "write", code);
}

/* Looks for a cancel, in bounded time. */
static inline bool is_canceled(record_t *record, call_context_t context)
{
    call_hresult_t code = record->sleeps ? call_context_wait_cancel(context, 1) : RPC_S_CALLPENDING;
    for (int i = 0; i < PATIENCE && code == RPC_S_CALLPENDING && !record->sleeps; i++) {
        (void)sched_yield();
        code = call_context_test_cancel(context);
    }
    if (code != RPC_E_CALL_CANCELED && code != RPC_S_CALLPENDING)
        broke(RULE_CODE, record, "context test_cancel", code);
    if (code == RPC_E_CALL_CANCELED && atomic_load(&record->asked) == 0)
        broke(RULE_UNASKED, record, "context test_cancel", code);
    return code == RPC_E_CALL_CANCELED;
}

static inline call_hresult_t behave(record_t *record, call_context_t context)
{
    if (record->behavior == OBEDIENT || record->behavior == HEEDLESS)
        atomic_store(&record->heeded, is_canceled(record, context));
    for (int i = 0; i < PATIENCE && record->behavior == STUBBORN && !atomic_load(&record->let_go); i++)
        (void)sched_yield();
    put_output(record, context);
    if (record->behavior == LATER)
        atomic_store(&record->context, context.id);
    if (record->behavior == LATER)
        return CALL_S_DEFERRED;
    return record->behavior == OBEDIENT && atomic_load(&record->heeded) ? RPC_E_CALL_CANCELED : record->result;
}

static inline call_hresult_t subject_invoke(void *self, call_context_t context, uint32_t method,
                                            const void *in, size_t in_len)
{
    subject_t *subject = self;
    note_t note;
    (void)atomic_fetch_add(&subject->entries, 1);
    if (in_len != sizeof note || method != METHOD)
        bail_out("a method was entered with an input that nobody gave");
    memcpy(&note, in, sizeof note);
    if (note.subject != subject || note.record->subject != subject)
        broke(RULE_OWN_OBJECT, note.record, "invoke", S_OK);
    if (atomic_fetch_add(&note.record->entered, 1) != 0)
        broke(RULE_ENTERED_ONCE, note.record, "invoke", S_OK);
    if (atomic_fetch_add(&running, 1) != 0 && atomic_load(&is_serial))
        broke(RULE_ONE_AT_A_TIME, note.record, "invoke", S_OK);
    call_hresult_t result = behave(note.record, context);
    (void)atomic_fetch_sub(&running, 1);
    (void)atomic_fetch_add(&methods_ended, 1);
    (void)atomic_fetch_add(&subject->exits, 1);
    return result;
}

static inline void subject_destroy(void *self)
{
    subject_t *subject = self;
    bool left = atomic_load(&subject->entries) == atomic_load(&subject->exits);
    if (atomic_fetch_add(&subject->destroyed, 1) != 0 || !left)
        broke(RULE_DESTROYED, NULL, "destroy", S_OK);
}

/* Whether the moment that a part waits for has come. */
static inline bool has_come(const race_t *race, moment_t moment)
{
    bool come = moment == ANY_TIME;
    if (moment == COMPLETE_NOW)
        return call_wait(race->call, 0) == S_OK;
    for (int i = 0; i < 2 && race->records[i] != NULL && !come; i++) {
        record_t *record = race->records[i];
        come = moment == ABOUT_TO_BEGIN ? atomic_load(&record->about) != 0
               : moment == BEGUN        ? atomic_load(&record->begun) != 0
                                        : atomic_load(&record->entered) != 0;
    }
    return come;
}

static void free_note(void *data, size_t len, void *user)
{
    record_t *record = user;
    if (len != sizeof(note_t) || atomic_fetch_add(&record->freed, 1) != 0)
        broke(RULE_FREED, record, "free", S_OK);
    free(data);
}

/* Hands a note over; if it is not taken it stays ours. */
static inline call_hresult_t begin_owned(call_t call, const note_t *note)
{
    note_t *copy = malloc(sizeof *copy);
    if (copy == NULL)
        bail_out("no memory");
    *copy = *note;
    call_hresult_t code = call_begin_owned(call, METHOD, copy, sizeof *copy, free_note, note->record);
    if (code != S_OK)
        free(copy);
    return code;
}

static inline bool begin_record(race_t *race, record_t *record, bool alone)
{
    note_t note = {record, race->subject};
    atomic_store(&record->about, 1);
    call_hresult_t code = record->owned ? begin_owned(race->call, &note)
                                        : call_begin(race->call, METHOD, &note, sizeof note);
    if (code == S_OK)
        atomic_store(&record->begun, 1);
    else if (code == RPC_S_CALLPENDING && !alone)
        count(OUTCOME_BEGIN_BUSY);
    else if (code == E_HANDLE && race->has_release)
        count(OUTCOME_GONE);
    else
        broke(code == RPC_S_CALLPENDING ? RULE_ONE_BEGIN : RULE_CODE, record, "begin", code);
    return code == S_OK;
}

static inline call_hresult_t cancel_in_a_way(call_cancel_t cancel, way_t way)
{
    switch (way) {
    case WITH_GRACE:
        return call_request_cancel(cancel, CALL_INFINITE);
    case SHORT_GRACE:
        return call_request_cancel(cancel, 1);
    case BLOCKING:
        return call_cancel(cancel, CALL_INFINITE);
    case TWO_STEPS: {
        call_hresult_t first = call_request_cancel(cancel, CALL_INFINITE);
        call_hresult_t second = call_cancel(cancel, 0);
        bool right = second == RPC_E_CALL_COMPLETE || second == RPC_E_CALL_CANCELED ||
                     (second == S_OK && first == RPC_E_CALL_COMPLETE);
        return !right ? E_UNEXPECTED : first == S_OK ? S_OK : second;
    }
    default:
        return call_cancel(cancel, 0);
    }
}

static inline void cancel_race(race_t *race, way_t way)
{
    call_cancel_t cancel = race->cancel;
    for (int i = 0; i < 2 && race->records[i] != NULL; i++)
        atomic_store(&race->records[i]->asked, 1);
    call_hresult_t queried = cancel.id != 0 ? S_OK : call_query_cancel(race->call, &cancel);
    if (queried != S_OK) {
        if (queried != E_HANDLE || !race->has_release)
            broke(RULE_CODE, race->records[0], "query_cancel", queried);
        count(OUTCOME_GONE);
        return;
    }
    call_hresult_t code = cancel_in_a_way(cancel, way == BLOCKING && !race->may_block ? AT_ONCE : way);
    call_hresult_t tested = call_test_cancel(cancel);
    if (code == S_OK)
        (void)atomic_fetch_add(&race->firsts, 1);
    else if (code == RPC_E_CALL_COMPLETE)
        count(OUTCOME_CANCEL_TOO_LATE);
    else if (code == RPC_E_CALL_CANCELED)
        count(OUTCOME_CANCEL_AGAIN);
    else
        broke(RULE_CODE, race->records[0], "cancel", code);
    bool right = tested == RPC_E_CALL_CANCELED || tested == RPC_E_CALL_COMPLETE ||
                 (tested == RPC_S_CALLPENDING && code == RPC_E_CALL_COMPLETE);
    if (!right)
        broke(RULE_CODE, race->records[0], "test_cancel after cancel", tested);
    for (int i = 0; i < 2 && race->records[i] != NULL; i++)
        atomic_store(&race->records[i]->let_go, 1);
    if (race->cancel.id == 0 && call_cancel_release(cancel) != S_OK)
        broke(RULE_CODE, race->records[0], "cancel_release", E_HANDLE);
}

static inline void complete_race(race_t *race)
{
    for (int i = 0; i < 2 && race->records[i] != NULL; i++)
        if (atomic_load(&race->records[i]->context) != 0)
            (void)book_completion(race->records[i]);
}

/* Takes the output over, copies it as call_finish would, and gives it back. */
static inline call_hresult_t finish_by_buffer(call_t call, unsigned char *out, size_t *len_out)
{
    call_buffer_t buffer = {0};
    const void *data = NULL;
    call_hresult_t code = call_finish_buffer(call, &buffer);
    if (buffer.id == 0)
        return code;
    if (call_buffer_get(buffer, &data, len_out) != S_OK || *len_out > OUTPUT_CAP)
        return E_UNEXPECTED;
    memcpy(out, data, *len_out);
    return call_buffer_release(buffer) == S_OK ? code : E_UNEXPECTED;
}

static inline bool finish_race(race_t *race, record_t *record, bool block)
{
    unsigned char out[OUTPUT_CAP];
    size_t len = 0;
    call_hresult_t code = !block               ? call_try_finish(race->call, out, sizeof out, &len)
                          : record->id % 4 == 1 ? finish_by_buffer(race->call, out, &len)
                                               : call_finish(race->call, out, sizeof out, &len);
    return book_end(record, race->call, code, out, len, race->has_release);
}

static inline void wait_race(race_t *race, uint32_t milliseconds)
{
    call_hresult_t code = call_wait(race->call, race->may_block ? CALL_INFINITE : milliseconds);
    if (code == S_OK)
        count(OUTCOME_WAITED);
    else if (code != RPC_E_CALL_COMPLETE && (code != RPC_S_CALLPENDING || race->may_block) &&
             (code != E_HANDLE || !race->has_release))
        broke(RULE_CODE, race->records[0], "wait", code);
}

static inline void release_race(race_t *race)
{
    call_hresult_t code = call_release(race->call);
    if (code != S_OK)
        broke(RULE_CODE, race->records[0], "release", code);
    atomic_store(&race->released, 1);
}

/* What is left of the race before, in the middle of this one. */
static inline void play_old(race_t *race, way_t way)
{
    if (race->old != NULL) {
        call_hresult_t code = book_completion(race->old);
        if (code != S_OK)
            broke(RULE_LATE_COMPLETION, race->old, "complete of an abandoned method", code);
        count(OUTCOME_LATE_IN_NEXT);
        race->old = NULL;
    }
    if (race->old_cancel.id != 0) {
        call_hresult_t code = way == BLOCKING ? call_cancel(race->old_cancel, CALL_INFINITE)
                                              : cancel_in_a_way(race->old_cancel, way);
        call_hresult_t tested = call_test_cancel(race->old_cancel);
        if (code != RPC_E_CALL_COMPLETE || tested != RPC_E_CALL_COMPLETE)
            broke(RULE_LATE_CANCEL, race->records[0], "cancel of an earlier call",
                  code != RPC_E_CALL_COMPLETE ? code : tested);
        count(OUTCOME_CANCEL_OF_EARLIER);
        (void)call_cancel_release(race->old_cancel);
        race->old_cancel.id = 0;
    }
}

static inline void play(race_t *race, uint32_t thread)
{
    const part_t *part = &race->parts[thread];
    for (int i = 0; i < PATIENCE && !has_come(race, part->moment); i++)
        (void)sched_yield();
    for (volatile uint32_t i = 0; i < part->delay; i++)
        continue;
    if (part->role == BEGIN || part->role == BEGIN_TOO) {
        bool alone = race->records[1] == NULL;
        if (begin_record(race, race->records[part->role == BEGIN_TOO], alone))
            (void)atomic_fetch_add(&race->begins, 1);
    } else if (part->role == CANCEL) {
        cancel_race(race, part->way);
    } else if (part->role == COMPLETE) {
        complete_race(race);
    } else if (part->role == FINISH) {
        (void)finish_race(race, race->records[0], race->may_block);
    } else if (part->role == FINISH_AND_BEGIN) {
        if (finish_race(race, race->records[0], race->may_block) && begin_record(race, race->again, true))
            count(OUTCOME_AGAIN_AT_ONCE);
    } else if (part->role == WAIT) {
        wait_race(race, part->delay % 2);
    } else {
        release_race(race);
    }
    if (race->old_thread == thread)
        play_old(race, part->way);
}

#endif
