/* Large inputs and outputs of child processes: whole, whoever shares the child, and without memory that grows. */
#include "isolated_support.h"
#include "modules/basic.h"
#include "modules/spy.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, TURNS = 400, CLIENTS = 4, EACH = 200, FLOOD = 64 };

/* What may stay, and what malloc keeps besides. */
enum { SLACK = 24 * MIB };

static size_t resident(pid_t pid)
{
    char path[64];
    unsigned long long all = 0, pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%llu %llu", &all, &pages) != 2 || fclose(file) != 0)
        bail_out("the size of process %d is not told", (int)pid);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t resident_in_both(pid_t child) { return resident(getpid()) + resident(child); }

/* Whether a call gives back what it was given, which is of that length and of nobody else's. */
static bool comes_back(call_t call, char *in, char *out, size_t len, unsigned seed)
{
    for (size_t at = 0; at + sizeof seed <= len; at += sizeof seed, seed += 2654435761u)
        memcpy(in + at, &seed, sizeof seed);
    size_t got = 0;
    memset(out, 0, len);
    must(call_begin(call, BASIC_ECHO, in, len));
    return call_finish(call, out, len, &got) == S_OK && got == len && memcmp(in, out, len) == 0;
}

static void many_in_a_row_take_no_more_memory(void)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "large calls in a row take no more memory");
        return;
    }
    call_object_t object = bind_object("isolated", "basic", "Basic", NULL);
    pid_t child = pid_of(object, BASIC_PID);
    char *in = malloc(2 * MIB), *out = malloc(2 * MIB);
    unsigned right = 0;
    call_t call;
    must(call_create(object, &call));
    size_t before = 0;
    for (unsigned i = 0; i < TURNS; i++) {
        right += comes_back(call, in, out, MIB + i * 997 % MIB, i);
        if (i == TURNS / 8)
            before = resident_in_both(child);
    }
    size_t after = resident_in_both(child);
    ok_u64(right, TURNS, "all came back as they were");
    ok(pid_of(object, BASIC_PID) == child, "by one child");
    ok(after < before + SLACK, "large calls in a row take no more memory: %zu KiB, then %zu", before >> 10, after >> 10);
    must(call_release(call));
    must(call_object_release(object));
    free(in);
    free(out);
}

static void what_many_at_once_took_is_given_back(void)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "what many large calls at once took is given back");
        return;
    }
    call_object_t object = bind_object("isolated", "basic", "Basic", NULL);
    pid_t child = pid_of(object, BASIC_PID);
    char *in = calloc(1, MIB), *out = malloc(MIB);
    call_t calls[FLOOD];
    size_t before = resident_in_both(child), len = 0;
    unsigned right = 0;
    for (unsigned i = 0; i < FLOOD; i++) {
        must(call_create(object, &calls[i]));
        in[0] = in[MIB - 1] = (char)i;
        must(call_begin(calls[i], BASIC_ECHO, in, MIB));
    }
    for (unsigned i = 0; i < FLOOD; i++) {
        right += call_finish(calls[i], out, MIB, &len) == S_OK && len == MIB && out[0] == (char)i
                 && out[MIB - 1] == (char)i;
        must(call_release(calls[i]));
    }
    size_t after = resident_in_both(child);
    ok_u64(right, FLOOD, "all came back as they were");
    ok(after < before + SLACK, "what many large calls at once took is given back: %zu KiB, then %zu", before >> 10,
       after >> 10);
    must(call_object_release(object));
    free(in);
    free(out);
}

static call_object_t shared;

static void *use_with_others(void *seed)
{
    unsigned own = *(unsigned *)seed, right = 0;
    char *in = malloc(MIB), *out = malloc(MIB);
    call_t call;
    must(call_create(shared, &call));
    for (unsigned i = 0; i < EACH; i++) {
        right += comes_back(call, in, out, own % 2 == 0 ? 48 : MIB - i * 997, own * EACH + i);
        /* So that the others find the child without work. */
        if (i % 2 == 0)
            (void)usleep(own * 30);
    }
    must(call_release(call));
    free(in);
    free(out);
    *(unsigned *)seed = right;
    return NULL;
}

/* They meet at the child's room: who writes there first, and who sends something else before. */
static void nobody_gets_what_another_sends(void)
{
    pthread_t threads[CLIENTS];
    unsigned seeds[CLIENTS], right = 0;
    shared = bind_object("isolated", "basic", "Basic", NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        seeds[i] = i;
        if (pthread_create(&threads[i], NULL, use_with_others, &seeds[i]) != 0)
            bail_out("no thread");
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        (void)pthread_join(threads[i], NULL);
        right += seeds[i];
    }
    ok_u64(right, CLIENTS * EACH, "nobody gets what another one sends");
    must(call_object_release(shared));
}

/* The input outlives the child that it was written for. */
static void an_input_survives_its_child(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    call_object_t object = bind_object("isolated", "basic", "Basic", &options);
    char *in = malloc(MIB), *out = malloc(MIB);
    call_fate_t fate;
    call_t call;
    must(call_create(object, &call));
    unsigned right = 0;
    for (unsigned i = 0; i < 8; i++) {
        right += comes_back(call, in, out, MIB, i) && comes_back(call, in, out, MIB, i + 100);
        if (i % 2 == 0)
            (void)call_method(object, BASIC_CRASH, in, MIB, NULL, 0, &fate);
        else
            (void)kill(pid_of(object, BASIC_PID), SIGKILL);
        /* It is being killed, and may have entered: then that is what this call says. */
        must(call_begin(call, BASIC_ECHO, in, MIB));
        size_t len = 0;
        call_hresult_t hr = call_finish(call, out, MIB, &len);
        right += hr == RPC_E_SERVER_DIED || (hr == S_OK && len == MIB && memcmp(in, out, MIB) == 0);
    }
    ok_u64(right, 16, "large calls go on with another child");
    must(call_release(call));
    must(call_object_release(object));
    free(in);
    free(out);
}

/* What a child has seen of an input that was none of its business. */
static long seen_by_others(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        bail_out("what the children have seen is not told");
    long seen = ftell(file);
    (void)fclose(file);
    return seen;
}

/* A child that may run no call more does not see the next one's input, nor does any child that of a begin that is
 * refused; where a child has time to look. */
static void an_input_is_for_the_child_that_runs_it_alone(void)
{
    enum { CALLS = 24, REFUSED = 8, LOOK_US = 5000 };
    char path[] = "/tmp/libcall_spy_XXXXXX", *in = calloc(1, MIB);
    int file = mkstemp(path);
    call_bind_options_t once = {.size = sizeof once, .calls_per_child = 1, .spares = 1};
    unsigned run = 0, refused = 0;
    if (file < 0 || close(file) != 0)
        bail_out("no file");
    memcpy(in + SPY_PATH, path, sizeof path);
    call_object_t object = bind_object("isolated", "spy", "Spy", &once);
    for (unsigned i = 0; i < CALLS; i++) {
        in[SPY_LETTER] = (char)('a' + i);
        run += call_method(object, SPY_WATCH, in, MIB, NULL, 0, NULL) == S_OK;
        (void)usleep(LOOK_US);
    }
    must(call_object_release(object));
    ok_u64(run, CALLS, "each call has a child of its own");
    ok_u64((uint64_t)seen_by_others(path), 0, "which does not see the next one's input");
    object = bind_object("isolated", "spy", "Spy", NULL);
    call_t call;
    must(call_create(object, &call));
    /* The second makes the room that large inputs are written to. */
    in[SPY_LETTER] = 'a';
    for (unsigned i = 0; i < 2; i++)
        must(call_method(object, SPY_WATCH, in, MIB, NULL, 0, NULL));
    for (unsigned i = 0; i < REFUSED; i++) {
        in[SPY_LETTER] = (char)('b' + i);
        refused += call_begin(call, SPY_METHODS, in, MIB) == DISP_E_MEMBERNOTFOUND;
        (void)usleep(LOOK_US);
    }
    ok_u64(refused, REFUSED, "a method that is none is refused");
    ok_u64((uint64_t)seen_by_others(path), 0, "and the child does not see its input");
    must(call_release(call));
    must(call_object_release(object));
    (void)unlink(path);
    free(in);
}

static const tap_test_t tests[] = {
    TAP_TEST(many_in_a_row_take_no_more_memory),
    TAP_TEST(what_many_at_once_took_is_given_back),
    TAP_TEST(nobody_gets_what_another_sends),
    TAP_TEST(an_input_survives_its_child),
    TAP_TEST(an_input_is_for_the_child_that_runs_it_alone),
};

TAP_MAIN(tests)
