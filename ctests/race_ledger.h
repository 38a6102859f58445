/* The books of the races: what each begun call was to do, what was seen of it, which rules were
 * broken and how often each outcome occurred. Only race.c includes this. */
#ifndef RACE_LEDGER_H
#define RACE_LEDGER_H

#include "support.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_CAP = 256, SHORT_OUTPUT = 40, LONG_OUTPUT = 200, PATIENCE = 40 };

/* Each holds for every race. */
#define RULES(rule)                                                                     \
    rule(OWN_OBJECT, "every method runs on the object that was called")                 \
    rule(ONE_AT_A_TIME, "a serial apartment runs one method at a time")                 \
    rule(ENTERED_ONCE, "no call enters its method twice, and a refused begin never")    \
    rule(ONE_BEGIN, "of the begins of an idle call exactly one is accepted")            \
    rule(ONE_END, "every call ends once: delivered, canceled, or released unfinished")  \
    rule(OWN_RESULT, "every result that is delivered is that of the call, output and all") \
    rule(ONE_COMPLETION, "every deferred method is completed exactly once")             \
    rule(ONE_CANCEL, "of the cancels of a call at most one is the first")               \
    rule(UNASKED, "no call is canceled unasked")                                        \
    rule(LATE_CANCEL, "a cancel of an earlier call of the object does nothing")         \
    rule(LATE_COMPLETION, "a completion of an abandoned method is accepted and dropped") \
    rule(CONTEXT_OVER, "a context whose method has ended is over")                      \
    rule(FATE, "the fate is what became of the call")                                   \
    rule(CODE, "no function answers with a code that it has no reason for")             \
    rule(FREED, "every input that was handed over is freed once, and no other")         \
    rule(DESTROYED, "every object is destroyed once, when its last method has left")

/* Each occurs among enough races. */
#define OUTCOMES(outcome)                                                    \
    outcome(COMPLETED, "completed with the method's result")                 \
    outcome(NEVER_STARTED, "canceled before start")                          \
    outcome(ABANDONED, "canceled while running, and abandoned")              \
    outcome(STOPPED, "stopped by the method")                                \
    outcome(ANSWERED, "answered in the grace period, against the cancel")    \
    outcome(BEGIN_BUSY, "begin refused: busy")                               \
    outcome(FINISH_REFUSED, "finish refused: none in progress, or another's") \
    outcome(FINISH_PENDING, "try_finish: not yet")                           \
    outcome(RELEASED, "released unfinished")                                 \
    outcome(GONE, "refused: the call was released")                          \
    outcome(CANCEL_TOO_LATE, "cancel refused: complete, or none in progress") \
    outcome(CANCEL_AGAIN, "cancel refused: canceled before")                 \
    outcome(CANCEL_OF_EARLIER, "cancel of an earlier call, the object begun again") \
    outcome(COMPLETE_AGAIN, "completion refused: completed before")          \
    outcome(LATE_COMPLETED, "late completion dropped")                       \
    outcome(LATE_RETURNED, "late return dropped")                            \
    outcome(LATE_IN_NEXT, "late completion while the object was begun again") \
    outcome(AGAIN_AT_ONCE, "finished and begun again in the race")           \
    outcome(WAITED, "wait satisfied")

#define NAME_OF_RULE(id, text) RULE_##id,
#define NAME_OF_OUTCOME(id, text) OUTCOME_##id,
#define TEXT_OF(id, text) text,

typedef enum rule_t { RULES(NAME_OF_RULE) RULE_COUNT } rule_t;
typedef enum outcome_t { OUTCOMES(NAME_OF_OUTCOME) OUTCOME_COUNT } outcome_t;

static const char *const rule_texts[] = {RULES(TEXT_OF)};
static const char *const outcome_texts[] = {OUTCOMES(TEXT_OF)};

static atomic_ulong methods_ended; /* as long as some do, nothing hangs */
static atomic_ulong broken[RULE_COUNT], outcomes[OUTCOME_COUNT];
static atomic_ullong dropped_bytes;

/* Methods that run, in a chapter whose apartment is serial. */
static atomic_uint running;
static atomic_bool is_serial;

/* How a method behaves. All but LATER end by themselves in bounded time. */
typedef enum behavior_t {
    INSTANT,   /* answers at once */
    OBEDIENT,  /* looks for a cancel and stops */
    HEEDLESS,  /* looks for a cancel and answers all the same */
    STUBBORN,  /* does not look; ends when it is let go */
    LATER,     /* deferred: others complete it */
    BEHAVIORS
} behavior_t;

/* An object. */
typedef struct subject_t {
    call_object_t object;
    struct subject_t *next;
    atomic_uint entries, exits, destroyed;
} subject_t;

/* One begin. */
typedef struct record_t {
    uint64_t id;
    subject_t *subject;
    behavior_t behavior;
    call_hresult_t result; /* what the method gives */
    uint32_t output;       /* how many bytes it writes */
    bool sleeps;           /* waits for the cancel instead of polling */
    bool owned;            /* its input is handed over instead of copied */
    bool released;         /* its call object was released before it was finished */
    atomic_ullong context; /* of a deferred method, once it may be completed */
    atomic_uint about, begun, entered, wrote, heeded, let_go, asked;
    atomic_uint completions, ends, delivered, stopped, canceled, freed;
    atomic_uint seen_never, seen_started; /* by the fate */
} record_t;

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

/* One of `count`. */
static inline uint32_t draw(uint64_t *state, uint32_t count)
{
    return (uint32_t)(next_random(state) >> 32) % count;
}

static inline void count(outcome_t outcome)
{
    (void)atomic_fetch_add(&outcomes[outcome], 1);
}

/* The first of each rule is told; the rest is counted. */
static inline void broke(rule_t rule, const record_t *record, const char *where, call_hresult_t code)
{
    if (atomic_fetch_add(&broken[rule], 1) != 0)
        return;
    diag("broken: %s", rule_texts[rule]);
    diag("  in %s, call %" PRIu64 " (behavior %d), code 0x%08" PRIX32 " %s", where,
         record == NULL ? 0 : record->id, record == NULL ? -1 : (int)record->behavior, (uint32_t)code,
         call_hresult_name(code));
}

/* The output of a call is made from its number, so that every byte tells whose it is. */
static inline void fill_output(const record_t *record, unsigned char *out)
{
    for (uint32_t i = 0; i < record->output; i++)
        out[i] = (unsigned char)((record->id * 0x9E3779B97F4A7C15u >> 8 * (i % 8)) + i);
}

static inline bool is_output_of(const record_t *record, const unsigned char *out, size_t len)
{
    unsigned char expected[OUTPUT_CAP];
    fill_output(record, expected);
    return len == record->output && memcmp(out, expected, len) == 0;
}

/* What the fate may be after a finish that gave the method's result, or none. */
static inline void check_fate(record_t *record, call_t call, call_fate_t expected)
{
    call_fate_t fate = CALL_FATE_NONE;
    call_hresult_t code = call_get_fate(call, &fate);
    if (code == E_HANDLE)
        return;
    bool canceled = expected == CALL_FATE_RUNNING;
    bool right = canceled ? fate == CALL_FATE_NEVER_STARTED || fate == CALL_FATE_RUNNING ||
                                fate == CALL_FATE_COMPLETED || fate == CALL_FATE_STOPPED
                          : fate == expected;
    if (code != S_OK || !right)
        broke(RULE_FATE, record, fate_name(fate), code);
    atomic_store(fate == CALL_FATE_NEVER_STARTED ? &record->seen_never : &record->seen_started, 1);
}

/* Books what a finish of the call gave; false: the call goes on. */
static inline bool book_end(record_t *record, call_t call, call_hresult_t code, const unsigned char *out,
                            size_t len, bool may_be_gone)
{
    if (code == RPC_S_CALLPENDING || code == RPC_E_CALL_COMPLETE || (code == E_HANDLE && may_be_gone)) {
        count(code == RPC_S_CALLPENDING     ? OUTCOME_FINISH_PENDING
              : code == RPC_E_CALL_COMPLETE ? OUTCOME_FINISH_REFUSED
                                            : OUTCOME_GONE);
        return false;
    }
    if (atomic_fetch_add(&record->ends, 1) != 0)
        broke(RULE_ONE_END, record, "finish", code);
    if (code == RPC_E_CALL_CANCELED && len == 0) {
        atomic_store(&record->canceled, 1);
        if (atomic_load(&record->asked) == 0)
            broke(RULE_UNASKED, record, "finish", code);
        check_fate(record, call, CALL_FATE_RUNNING);
        return true;
    }
    bool stopped = code == RPC_E_CALL_CANCELED && atomic_load(&record->heeded) != 0;
    if ((!stopped && code != record->result) || !is_output_of(record, out, len))
        broke(RULE_OWN_RESULT, record, "finish", code);
    atomic_store(stopped ? &record->stopped : &record->delivered, 1);
    check_fate(record, call, stopped ? CALL_FATE_STOPPED : CALL_FATE_COMPLETED);
    return true;
}

/* Completes a deferred method; S_OK for exactly one of all who try. */
static inline call_hresult_t book_completion(record_t *record)
{
    call_context_t context = {atomic_load(&record->context)};
    call_hresult_t code = call_context_complete(context, record->result);
    if (code == S_OK)
        (void)atomic_fetch_add(&record->completions, 1);
    else if (code == RPC_E_CALL_COMPLETE)
        count(OUTCOME_COMPLETE_AGAIN);
    else
        broke(RULE_CODE, record, "context_complete", code);
    call_hresult_t written = call_context_write(context, "late", 4);
    call_hresult_t tested = call_context_test_cancel(context);
    if (written != RPC_E_CALL_COMPLETE || tested != RPC_E_CALL_COMPLETE)
        broke(RULE_CONTEXT_OVER, record, "write and test after complete",
              written != RPC_E_CALL_COMPLETE ? written : tested);
    return code;
}

/* The last look at a call, when everything has ended. */
static inline void audit(record_t *record)
{
    unsigned entered = atomic_load(&record->entered), ends = atomic_load(&record->ends);
    bool begun = atomic_load(&record->begun) != 0, canceled = atomic_load(&record->canceled) != 0;
    if (entered > 1 || (!begun && entered != 0))
        broke(RULE_ENTERED_ONCE, record, "audit", S_OK);
    if (ends + (begun && record->released && ends == 0) != begun)
        broke(RULE_ONE_END, record, "audit", S_OK);
    if (atomic_load(&record->completions) != (entered != 0 && record->behavior == LATER))
        broke(RULE_ONE_COMPLETION, record, "audit", S_OK);
    if (atomic_load(&record->freed) != (begun && record->owned))
        broke(RULE_FREED, record, "audit", S_OK);
    if ((atomic_load(&record->seen_never) && entered != 0) ||
        (atomic_load(&record->seen_started) && entered == 0))
        broke(RULE_FATE, record, "audit", S_OK);
    if (!begun)
        return;
    bool unfinished = record->released && ends == 0;
    if (atomic_load(&record->delivered))
        count(atomic_load(&record->heeded) ? OUTCOME_ANSWERED : OUTCOME_COMPLETED);
    else if (atomic_load(&record->stopped))
        count(OUTCOME_STOPPED);
    else
        count(unfinished ? OUTCOME_RELEASED : entered == 0 ? OUTCOME_NEVER_STARTED : OUTCOME_ABANDONED);
    if (canceled && entered != 0)
        count(record->behavior == LATER ? OUTCOME_LATE_COMPLETED : OUTCOME_LATE_RETURNED);
    if ((canceled || unfinished) && atomic_load(&record->wrote))
        (void)atomic_fetch_add(&dropped_bytes, record->output);
}

#endif
