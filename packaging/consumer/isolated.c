/* isolated MODULE [HOST]: a program of somebody else's, whose methods run in child processes. Says which library they
 * have, and what became of a method that never ends. */
#include <call.h>
#include <stdio.h>

static int complain(const char *what)
{
    char text[512] = "";
    call_hresult_t hr = S_OK;
    if (call_get_last_error(&hr, text, sizeof text, NULL) >= 0)
        printf("%s: %s %s\n", what, call_hresult_name(hr), text);
    return 2;
}

int main(int argc, char **argv)
{
    char moniker[512], where[512] = "";
    call_bind_options_t options = {.size = sizeof options, .host = argc > 2 ? argv[2] : NULL};
    call_object_t object;
    call_t call;
    call_cancel_t cancel;
    call_fate_t fate;

    snprintf(moniker, sizeof moniker, "isolated:%s#Where", argv[1]);
    if (call_object_bind(moniker, &options, &object) < 0 || call_create(object, &call) < 0)
        return complain("bind");
    if (call_begin(call, 0, NULL, 0) < 0 || call_finish(call, where, sizeof where - 1, NULL) < 0)
        return complain("where");
    if (call_begin(call, 1, NULL, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return complain("spin");
    if (call_wait(call, 50) != RPC_S_CALLPENDING)
        return 3;
    call_cancel(cancel, 1);
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    if (call_get_fate(call, &fate) < 0)
        return complain("fate");
    printf("%s, fate %d, %s\n", call_hresult_name(hr), fate, where);
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(object);
    return 0;
}
