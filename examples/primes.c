/* primes LIMIT MS: counts the primes below LIMIT, for MS milliseconds at most. */
#include <call.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The method: looks for a cancel at every number, and answers with what it has. */
static call_hresult_t count(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method;
    uint64_t limit = 0, found = 0, n = 2, d;
    memcpy(&limit, in, in_len < sizeof limit ? in_len : sizeof limit);
    for (; n < limit && call_context_test_cancel(context) == RPC_S_CALLPENDING; n++) {
        for (d = 2; d * d <= n && n % d != 0; d++) {}
        found += d * d > n;
    }
    call_hresult_t hr = call_context_write(context, &found, sizeof found);
    return hr < 0 ? hr : n < limit ? RPC_E_CALL_CANCELED : S_OK;
}

int main(int argc, char **argv)
{
    static const char *const methods[] = {"count"};
    static const char *const fates[] = {"NONE", "COMPLETED", "NEVER_STARTED", "STOPPED", "RUNNING", "KILLED", "UNKNOWN"};
    call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = count};
    call_apartment_t process_wide = {0};
    call_object_t primes;
    call_t call;
    call_cancel_t cancel;
    call_fate_t fate;
    uint64_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000000, found = 0;
    uint32_t ms = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;

    if (call_object_create(process_wide, &cls, NULL, &primes) < 0 || call_create(primes, &call) < 0
        || call_begin(call, 0, &limit, sizeof limit) < 0 || call_query_cancel(call, &cancel) < 0)
        return 2;
    if (call_wait(call, ms) == RPC_S_CALLPENDING)
        call_cancel(cancel, 2); /* it may still answer, within 2 seconds */
    call_hresult_t hr = call_finish(call, &found, sizeof found, NULL);
    if (call_get_fate(call, &fate) < 0)
        return 2;
    printf("%s: %llu primes, fate %s\n", call_hresult_name(hr), (unsigned long long)found, fates[fate]);
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(primes);
    return hr < 0;
}
