/* instructions single|multi STEP CALLS [planted]: makes so many calls with callgrind counting during one step of
 * them only, and prints how many times it was counted. "planted" makes the step longer on purpose. */
#include <call.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

/* How much is added where it is planted. */
enum { PLANTED_CALLS = 10 };

/* The methods of the object. */
enum { ADD, BLOCK };

typedef struct words_t {
    uint64_t word[8];
} words_t;

/* The steps of a call; `serve` is from the end of one method to the start of the next. */
typedef enum step_t { BEGIN, RUN, WRITE, COMPLETE, FINISH, SERVE, NONE } step_t;
static const char *const names[] = {"begin", "run", "write", "complete", "finish", "serve"};

static step_t wanted = NONE;
static int is_planted;
static unsigned long counted;

static void fail(const char *what)
{
    fprintf(stderr, "instructions: %s\n", what);
    exit(1);
}

static void must(call_hresult_t hr, const char *what)
{
    if (hr != S_OK)
        fail(what);
}

static void count_from(step_t step)
{
    if (step == wanted)
        CALLGRIND_TOGGLE_COLLECT;
}

static void count_to(step_t step)
{
    if (step == wanted) {
        for (int i = 0; is_planted && i < PLANTED_CALLS; i++)
            (void)call_hresult_name(RPC_E_CALL_CANCELED);
        CALLGRIND_TOGGLE_COLLECT;
        counted++;
    }
}

/* Two gates that calls of BLOCK wait at, and how many calls came to one. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int arrived;
    int open[2];
    /* What is there of the steps around a method: nothing ends before the first one, and nothing starts
     * after the last. */
    int is_first, is_last;
} gates = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void wait_at(uint64_t gate)
{
    pthread_mutex_lock(&gates.lock);
    gates.arrived++;
    pthread_cond_broadcast(&gates.changed);
    while (!gates.open[gate])
        pthread_cond_wait(&gates.changed, &gates.lock);
    pthread_mutex_unlock(&gates.lock);
}

static void await_arrived(int count)
{
    pthread_mutex_lock(&gates.lock);
    while (gates.arrived < count)
        pthread_cond_wait(&gates.changed, &gates.lock);
    pthread_mutex_unlock(&gates.lock);
}

static void open_gate(int gate)
{
    pthread_mutex_lock(&gates.lock);
    gates.open[gate] = 1;
    pthread_cond_broadcast(&gates.changed);
    pthread_mutex_unlock(&gates.lock);
}

/* Between two methods the thread that serves ends one call and starts the next. */
static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    words_t words;
    (void)self;
    count_to(RUN);
    if (!gates.is_first)
        count_to(SERVE);
    gates.is_first = 0;
    if (in_len != sizeof words)
        return E_INVALIDARG;
    memcpy(&words, in, sizeof words);
    if (method == BLOCK)
        wait_at(words.word[0]);
    for (int i = 0; i < 8; i++)
        words.word[i]++;
    count_from(WRITE);
    call_hresult_t hr = call_context_write(context, &words, sizeof words);
    count_to(WRITE);
    count_from(COMPLETE);
    if (!gates.is_last)
        count_from(SERVE);
    return hr;
}

static call_object_t object_in(uint32_t kind, call_apartment_t *apartment)
{
    static const char *const methods[] = {"add", "block"};
    call_apartment_options_t options = {.size = sizeof options, .kind = kind, .workers = 1, .max_workers = 1};
    call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 2, .invoke = invoke};
    call_object_t object;
    must(call_apartment_create(&options, apartment), "call_apartment_create");
    must(call_object_create(*apartment, &cls, NULL, &object), "call_object_create");
    return object;
}

static void begin(call_t call, uint32_t method, uint64_t first)
{
    const words_t words = {{first}};
    count_from(BEGIN);
    call_hresult_t hr = call_begin(call, method, &words, sizeof words);
    count_to(BEGIN);
    must(hr, "call_begin");
}

static void finish(call_t call)
{
    words_t words;
    size_t length;
    count_from(FINISH);
    call_hresult_t hr = call_finish(call, &words, sizeof words, &length);
    count_to(FINISH);
    must(hr, "call_finish");
    if (length != sizeof words || words.word[7] != 1)
        fail("a call gave a wrong result");
}

/* The first calls make the memory that the others use again. */
enum { WARM_UP = 100 };

/* One call after the other, served by this thread: each step by itself. */
static void one_by_one(unsigned long count, step_t step)
{
    call_apartment_t apartment;
    call_t call;
    uint32_t served;
    must(call_create(object_in(CALL_APARTMENT_SINGLE, &apartment), &call), "call_create");
    gates.is_last = 1;
    for (unsigned long i = 0; i < WARM_UP + count; i++) {
        wanted = i < WARM_UP ? NONE : step;
        begin(call, ADD, i);
        count_from(RUN);
        call_hresult_t hr = call_apartment_pump(apartment, 0, &served);
        count_to(COMPLETE);
        must(hr, "call_apartment_pump");
        if (served != 1)
            fail("a pump served another number of calls");
        finish(call);
    }
}

/* Calls behind a worker that is at a gate; they are finished when it is at the next one. */
static void batch(call_t *calls, unsigned long count, const call_t *ends, step_t step)
{
    gates.arrived = gates.open[0] = gates.open[1] = gates.is_last = 0;
    gates.is_first = 1;
    begin(ends[0], BLOCK, 0);
    await_arrived(1);
    wanted = step;
    for (unsigned long i = 0; i < count; i++)
        begin(calls[i], ADD, i);
    begin(ends[1], BLOCK, 1);
    open_gate(0);
    await_arrived(2);
    for (unsigned long i = 0; i < count; i++)
        finish(calls[i]);
    wanted = NONE;
    gates.is_last = 1;
    open_gate(1);
    for (int i = 0; i < 2; i++)
        must(call_finish(ends[i], NULL, 0, NULL), "call_finish");
}

static void behind_a_worker(unsigned long count, step_t step)
{
    call_apartment_t apartment;
    call_object_t object = object_in(CALL_APARTMENT_MULTI, &apartment);
    call_t ends[2];
    call_t *calls = calloc(count, sizeof *calls);
    if (calls == NULL)
        fail("out of memory");
    for (unsigned long i = 0; i < count + 2; i++)
        must(call_create(object, i < count ? &calls[i] : &ends[i - count]), "call_create");
    batch(calls, count, ends, NONE);
    batch(calls, count, ends, step);
}

int main(int argc, char **argv)
{
    int step = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: instructions single|multi STEP CALLS [planted]\n");
        return 2;
    }
    while (step < NONE && strcmp(argv[2], names[step]) != 0)
        step++;
    is_planted = argc > 4;
    (strcmp(argv[1], "single") == 0 ? one_by_one : behind_a_worker)(strtoul(argv[3], NULL, 10), (step_t)step);
    printf("%lu\n", counted);
    return 0;
}
