#include "tap.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_CAP = 512, SHOWN_BYTES = 48 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned planned, done, failed;

/* One line, whole, at once: what was said before a crash must be on the screen. */
static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)fflush(stdout);
}

/* A '#' in a name would read as a directive. */
static void format_name(char *name, const char *format, va_list arguments)
{
    (void)vsnprintf(name, NAME_CAP, format, arguments);
    for (char *sign = strpbrk(name, "#\n"); sign != NULL; sign = strpbrk(sign, "#\n"))
        *sign = ' ';
}

#define NAME_OF(name, last)                   \
    char name##_text[NAME_CAP];               \
    va_list name##_arguments;                 \
    va_start(name##_arguments, last);         \
    format_name(name##_text, last, name##_arguments); \
    va_end(name##_arguments)

/* Prints the verdict; with `got`, both values of one that failed. */
static bool verdict(bool holds, const char *name, const char *got, const char *expected,
                    const char *file, int line)
{
    (void)pthread_mutex_lock(&lock);
    done++;
    say("%s %u - %s\n", holds ? "ok" : "not ok", done, name);
    if (!holds) {
        failed++;
        say("#   at %s:%d\n#        got: %s\n#   expected: %s\n", file, line, got, expected);
    }
    (void)pthread_mutex_unlock(&lock);
    return holds;
}

bool tap_ok(bool holds, const char *text, const char *file, int line, const char *name, ...)
{
    NAME_OF(name, name);
    return verdict(holds, name_text, "false", text, file, line);
}

static void format_code(char *text, size_t cap, call_hresult_t code)
{
    (void)snprintf(text, cap, "0x%08" PRIX32 " %s", (uint32_t)code, call_hresult_name(code));
}

bool tap_ok_hr(call_hresult_t got, call_hresult_t expected, const char *file, int line,
               const char *name, ...)
{
    char left[96], right[96];
    NAME_OF(name, name);
    format_code(left, sizeof left, got);
    format_code(right, sizeof right, expected);
    return verdict(got == expected, name_text, left, right, file, line);
}

bool tap_ok_u64(uint64_t got, uint64_t expected, const char *file, int line, const char *name, ...)
{
    char left[48], right[48];
    NAME_OF(name, name);
    (void)snprintf(left, sizeof left, "%" PRIu64 " (0x%" PRIX64 ")", got, got);
    (void)snprintf(right, sizeof right, "%" PRIu64 " (0x%" PRIX64 ")", expected, expected);
    return verdict(got == expected, name_text, left, right, file, line);
}

bool tap_ok_str(const char *got, const char *expected, const char *file, int line,
                const char *name, ...)
{
    bool same = got != NULL && expected != NULL && strcmp(got, expected) == 0;
    NAME_OF(name, name);
    return verdict(same, name_text, got == NULL ? "(null)" : got,
                   expected == NULL ? "(null)" : expected, file, line);
}

static void format_bytes(char *text, size_t cap, const unsigned char *bytes, size_t len)
{
    size_t at = (size_t)snprintf(text, cap, "%zu bytes:", len);
    for (size_t i = 0; i < len && i < SHOWN_BYTES && at < cap; i++)
        at += (size_t)snprintf(text + at, cap - at, " %02X", bytes[i]);
    if (len > SHOWN_BYTES && at < cap)
        (void)snprintf(text + at, cap - at, " ...");
}

bool tap_ok_mem(const void *got, size_t got_len, const void *expected, size_t expected_len,
                const char *file, int line, const char *name, ...)
{
    char left[4 * SHOWN_BYTES + 64], right[4 * SHOWN_BYTES + 64];
    bool same = got_len == expected_len && (got_len == 0 || memcmp(got, expected, got_len) == 0);
    NAME_OF(name, name);
    format_bytes(left, sizeof left, got, got_len);
    format_bytes(right, sizeof right, expected, expected_len);
    return verdict(same, name_text, left, right, file, line);
}

const char *fate_name(call_fate_t fate)
{
    static const char *const names[] = {
        [CALL_FATE_NONE] = "NONE",       [CALL_FATE_COMPLETED] = "COMPLETED",
        [CALL_FATE_NEVER_STARTED] = "NEVER_STARTED",
        [CALL_FATE_STOPPED] = "STOPPED", [CALL_FATE_RUNNING] = "RUNNING",
        [CALL_FATE_KILLED] = "KILLED",   [CALL_FATE_UNKNOWN] = "UNKNOWN",
    };
    bool known = fate >= 0 && (size_t)fate < sizeof names / sizeof names[0];
    return known ? names[fate] : "no such fate";
}

bool tap_ok_fate(call_fate_t got, call_fate_t expected, const char *file, int line,
                 const char *name, ...)
{
    NAME_OF(name, name);
    return verdict(got == expected, name_text, fate_name(got), fate_name(expected), file, line);
}

void skip(const char *reason, const char *name, ...)
{
    NAME_OF(name, name);
    (void)pthread_mutex_lock(&lock);
    done++;
    say("ok %u - %s # SKIP %s\n", done, name_text, reason);
    (void)pthread_mutex_unlock(&lock);
}

void diag(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&lock);
    say("# %s\n", text);
    (void)pthread_mutex_unlock(&lock);
}

/* No lock and no exit handlers: another thread may be stuck in either. */
_Noreturn void bail_out(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say("Bail out! %s\n", text);
    _Exit(255);
}

void tap_must(call_hresult_t got, const char *text, const char *file, int line)
{
    if (got != S_OK)
        bail_out("%s:%d: %s gave 0x%08" PRIX32 " %s", file, line, text, (uint32_t)got,
                 call_hresult_name(got));
}

void plan(unsigned count)
{
    planned = count;
    say("1..%u\n", count);
}

int done_testing(void)
{
    if (planned == 0)
        say("1..%u\n", done);
    else if (planned != done)
        say("# planned %u checks, made %u\n", planned, done);
    if (failed != 0)
        say("# %u of %u checks failed\n", failed, done);
    return failed == 0 && done != 0 && (planned == 0 || planned == done) ? 0 : 1;
}

int tap_run(const tap_test_t *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned before = done;
        tests[i].run();
        if (done == before)
            tap_ok(false, "at least one check", __FILE__, __LINE__, "%s checks something",
                   tests[i].name);
    }
    return done_testing();
}
