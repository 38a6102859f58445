/* Test Anything Protocol: every check prints one line, failed ones print both values. The checks
 * are functions, not assert(): they work the same in every build. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"

#define TAP_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* A named test; the name of a check says which rule it shows. */
typedef struct tap_test_t {
    const char *name;
    void (*run)(void);
} tap_test_t;

#define TAP_TEST(function) { #function, function }
#define TAP_MAIN(tests)                                                \
    int main(void)                                                     \
    {                                                                  \
        return tap_run((tests), sizeof(tests) / sizeof((tests)[0]));   \
    }

/* Runs the tests in order; one that checks nothing is a failure. Gives main's result. */
int tap_run(const tap_test_t *tests, size_t count);

/* For a program without a table: plan() first, or done_testing() alone prints the plan last. */
void plan(unsigned count);
int done_testing(void);

/* Each gives whether the check held. Any thread may call them. */
#define ok(holds, ...) tap_ok((holds), #holds, __FILE__, __LINE__, __VA_ARGS__)
#define ok_hr(got, expected, ...) tap_ok_hr((got), (expected), __FILE__, __LINE__, __VA_ARGS__)
#define ok_u64(got, expected, ...) tap_ok_u64((got), (expected), __FILE__, __LINE__, __VA_ARGS__)
#define ok_str(got, expected, ...) tap_ok_str((got), (expected), __FILE__, __LINE__, __VA_ARGS__)
#define ok_mem(got, got_len, expected, expected_len, ...) \
    tap_ok_mem((got), (got_len), (expected), (expected_len), __FILE__, __LINE__, __VA_ARGS__)
#define ok_fate(got, expected, ...) tap_ok_fate((got), (expected), __FILE__, __LINE__, __VA_ARGS__)

bool tap_ok(bool holds, const char *text, const char *file, int line, const char *name, ...)
    TAP_PRINTF(5, 6);
bool tap_ok_hr(call_hresult_t got, call_hresult_t expected, const char *file, int line,
               const char *name, ...) TAP_PRINTF(5, 6);
bool tap_ok_u64(uint64_t got, uint64_t expected, const char *file, int line, const char *name, ...)
    TAP_PRINTF(5, 6);
bool tap_ok_str(const char *got, const char *expected, const char *file, int line,
                const char *name, ...) TAP_PRINTF(5, 6);
bool tap_ok_mem(const void *got, size_t got_len, const void *expected, size_t expected_len,
                const char *file, int line, const char *name, ...) TAP_PRINTF(7, 8);
bool tap_ok_fate(call_fate_t got, call_fate_t expected, const char *file, int line,
                 const char *name, ...) TAP_PRINTF(5, 6);

/* A check that this machine or build cannot make, with the reason. */
void skip(const char *reason, const char *name, ...) TAP_PRINTF(2, 3);

/* A remark in the output. */
void diag(const char *format, ...) TAP_PRINTF(1, 2);

/* Ends the program: going on would prove nothing. */
_Noreturn void bail_out(const char *format, ...) TAP_PRINTF(1, 2);

/* What a test needs before it can check anything; prints the code and ends the program. */
#define must(expression) tap_must((expression), #expression, __FILE__, __LINE__)
void tap_must(call_hresult_t got, const char *text, const char *file, int line);

const char *fate_name(call_fate_t fate);

#endif
