/* A module whose methods leave a journal: see journal.h. */
#include <call.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"

static int journal = -1;

/* One write, which no other process's comes between. */
static void note(char what, uint32_t number, call_hresult_t result)
{
    char line[64];
    int len = snprintf(line, sizeof line, "%c %u %08X\n", what, number, (unsigned)result);
    if (write(journal, line, (size_t)len) != len)
        abort();
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

/* A process that leaves its parent, its group and its session, and never ends; and one that stays. */
static void start_processes(void)
{
    for (int leaves = 0; leaves < 2; leaves++) {
        if (fork() != 0)
            continue;
        if (leaves) {
            setsid();
            if (fork() != 0)
                _exit(0);
            setsid();
        }
        for (;;)
            pause();
    }
}

static call_hresult_t run(call_context_t context, uint32_t method, uint64_t microseconds)
{
    uint64_t end = now() + microseconds;
    if (method == JOURNAL_FORKS || method == JOURNAL_LEAVES)
        start_processes();
    if (method == JOURNAL_LEAVES)
        return S_OK;
    while (method == JOURNAL_ENDLESS || method == JOURNAL_FORKS || now() < end)
        if (method == JOURNAL_WORK && call_context_test_cancel(context) == RPC_E_CALL_CANCELED)
            return RPC_E_CALL_CANCELED;
    if (method == JOURNAL_CRASH)
        abort();
    return S_OK;
}

static call_hresult_t invoke(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    journal_job_t job;
    (void)self;
    if (in_len != sizeof job)
        return E_INVALIDARG;
    memcpy(&job, in, sizeof job);
    note('S', job.number, 0);
    call_hresult_t result = run(context, method, job.microseconds);
    note('E', job.number, result);
    return result;
}

call_hresult_t call_module_main(call_module_t module)
{
    static const char *const methods[] = JOURNAL_METHODS;
    static const call_class_t cls = {
        .size = sizeof cls,
        .methods = methods,
        .method_count = JOURNAL_METHOD_COUNT,
        .invoke = invoke,
    };
    const char *path = getenv("JOURNAL");
    journal = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0)
        return E_FAIL;
    return call_module_register(module, "Journal", &cls, NULL, NULL);
}
