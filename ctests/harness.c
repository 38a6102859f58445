/* The harness itself: a check that fails must be seen to fail, with both values. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail_code(void)
{
    ok_hr(RPC_S_CALLPENDING, RPC_E_CALL_CANCELED, "codes");
}

static void fail_number(void)
{
    ok_u64(41, 42, "numbers");
}

static void fail_text(void)
{
    ok_str("left", "right", "texts");
}

static void fail_bytes(void)
{
    ok_mem("\x01\x02", 2, "\x01\x03", 2, "bytes");
}

static void fail_length(void)
{
    ok_mem("\x01\x02", 1, "\x01\x02", 2, "lengths");
}

static void fail_fate(void)
{
    ok_fate(CALL_FATE_RUNNING, CALL_FATE_STOPPED, "fates");
}

static void fail_condition(void)
{
    ok(1 + 1 == 3, "condition");
}

static void check_nothing(void)
{
}

static void fail_needed(void)
{
    must(E_FAIL);
}

/* A guard of the usual length would show nothing more. */
static void hang(void)
{
    gate_t never = GATE("never opened");
    (void)setenv("CALL_HANG_SECONDS", "1", 1);
    gate_wait(&never);
}

/* Runs one test in a process of its own; gives its exit status and what it printed. */
static int outcome_of(tap_test_t test, char *text, size_t cap)
{
    int channel[2], status = 0;
    size_t len = 0;
    ssize_t got;
    if (pipe(channel) != 0)
        bail_out("no pipe");
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(channel[1], STDOUT_FILENO);
        (void)close(channel[0]);
        (void)close(channel[1]);
        _exit(tap_run(&test, 1));
    }
    (void)close(channel[1]);
    while ((got = read(channel[0], text + len, cap - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    (void)close(channel[0]);
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void failures_are_seen(void)
{
    static const struct { tap_test_t test; const char *left, *right; } cases[] = {
        {TAP_TEST(fail_code), "0x80010115 RPC_S_CALLPENDING", "0x80010002 RPC_E_CALL_CANCELED"},
        {TAP_TEST(fail_number), "got: 41 ", "expected: 42 "},
        {TAP_TEST(fail_text), "got: left", "expected: right"},
        {TAP_TEST(fail_bytes), "got: 2 bytes: 01 02", "expected: 2 bytes: 01 03"},
        {TAP_TEST(fail_length), "got: 1 bytes: 01", "expected: 2 bytes: 01 02"},
        {TAP_TEST(fail_fate), "got: RUNNING", "expected: STOPPED"},
        {TAP_TEST(fail_condition), "got: false", "expected: 1 + 1 == 3"},
        {TAP_TEST(check_nothing), "check_nothing checks something", "expected: at least one check"},
        {TAP_TEST(fail_needed), "Bail out!", "0x80004005 E_FAIL"},
        {TAP_TEST(hang), "Bail out!", "'never opened'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[4096];
        const char *name = cases[i].test.name;
        int status = outcome_of(cases[i].test, text, sizeof text);
        ok(status > 0, "%s ends with a failure: status %d", name, status);
        ok(strstr(text, "not ok") != NULL || strstr(text, "Bail out!") != NULL, "%s says so", name);
        ok(strstr(text, cases[i].left) != NULL, "%s prints '%s'", name, cases[i].left);
        ok(strstr(text, cases[i].right) != NULL, "%s prints '%s'", name, cases[i].right);
    }
}

static const tap_test_t tests[] = {
    TAP_TEST(failures_are_seen),
};

TAP_MAIN(tests)
