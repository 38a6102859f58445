/* A fetch from a server that never answers is canceled, with a grace period and without one. */
#include "curl_multi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curl_multi_silent.h"
#include "fate_name.h"

enum { GRACE_SECONDS = 60 }; /* only an upper bound: the transfer ends as soon as it is told */

static int differences;

static void expect(const char *what, const char *seen, const char *wanted)
{
    printf("  %-42s %s\n", what, seen);
    if (strcmp(seen, wanted) != 0) {
        printf("  ^ should be %s\n", wanted);
        differences++;
    }
}

static void expect_code(const char *what, call_hresult_t hr, call_hresult_t wanted)
{
    expect(what, call_hresult_name(hr), call_hresult_name(wanted));
}

static void expect_fate(const char *what, call_t call, call_fate_t wanted)
{
    call_fate_t fate = CALL_FATE_NONE;
    expect(what, call_get_fate(call, &fate) == S_OK ? fate_name(fate) : "unknown", fate_name(wanted));
}

static void expect_true(const char *what, bool seen)
{
    expect(what, seen ? "yes" : "no", "yes");
}

/* Begins a fetch, and waits until the server has read the request: it is in the middle of nowhere. */
static void begin_silent(call_t call, silent_t *server, call_cancel_t *cancel)
{
    if (!silent_open(server)) {
        perror("a server on the loopback interface");
        exit(2);
    }
    expect_code("call_begin", call_begin(call, FETCHER_FETCH, server->url, strlen(server->url)), S_OK);
    expect_true("the server has the request", silent_wait_for_request(server));
    expect_code("call_wait, 0 ms", call_wait(call, 0), RPC_S_CALLPENDING);
    expect_code("call_query_cancel", call_query_cancel(call, cancel), S_OK);
}

static void cancel_with_grace(call_t call)
{
    silent_t server;
    call_cancel_t cancel = {0};
    puts("canceled, with grace:");
    begin_silent(call, &server, &cancel);
    expect_code("call_cancel: the transfer answered", call_cancel(cancel, GRACE_SECONDS), RPC_E_CALL_COMPLETE);
    expect_code("call_finish", call_finish(call, NULL, 0, NULL), RPC_E_CALL_CANCELED);
    expect_fate("call_get_fate", call, CALL_FATE_STOPPED);
    expect_true("the server saw the connection closed", silent_close(&server));
    call_cancel_release(cancel);
}

/* The client is free before the connection is closed; that follows, because the class was told. */
static void cancel_without_grace(call_t call, call_t other)
{
    silent_t server;
    call_cancel_t cancel = {0};
    puts("canceled, without grace:");
    begin_silent(call, &server, &cancel);
    expect_code("call_request_cancel, 0 ms", call_request_cancel(cancel, 0), S_OK);
    expect_code("call_finish", call_finish(call, NULL, 0, NULL), RPC_E_CALL_CANCELED);
    expect_true("the server saw the connection closed", silent_close(&server));
    /* The curl thread completes one call after the other: when this one is complete, so is that. */
    static const char nowhere[] = "nowhere:";
    char message[256] = "";
    expect_code("call_begin of another, to nowhere", call_begin(other, FETCHER_FETCH, nowhere, sizeof nowhere - 1), S_OK);
    expect_code("call_finish of it", call_finish(other, NULL, 0, NULL), E_FAIL);
    expect_code("call_get_error of it", call_get_error(other, message, sizeof message, NULL), S_OK);
    printf("  (%s)\n", message);
    expect_fate("call_get_fate of the canceled one", call, CALL_FATE_STOPPED);
    call_cancel_release(cancel);
}

/* No cancel of the client's: the transfer notices by itself that nobody waits for it any more. */
static void disconnect(call_object_t fetcher, call_t call)
{
    silent_t server;
    call_cancel_t cancel = {0};
    puts("disconnected:");
    begin_silent(call, &server, &cancel);
    expect_code("call_object_disconnect", call_object_disconnect(fetcher), S_OK);
    expect_code("call_finish", call_finish(call, NULL, 0, NULL), RPC_E_DISCONNECTED);
    expect_true("the server saw the connection closed", silent_close(&server));
    expect_code("call_begin", call_begin(call, FETCHER_FETCH, NULL, 0), RPC_E_DISCONNECTED);
    call_cancel_release(cancel);
}

int check_fetcher(void)
{
    call_object_t fetcher;
    pthread_t thread;
    call_t call, other;
    setenv("no_proxy", "127.0.0.1", 1); /* the server is here, whatever the user's proxy */
    if (fetcher_create(&fetcher, &thread) < 0 || call_create(fetcher, &call) < 0 || call_create(fetcher, &other) < 0)
        return 2;
    cancel_with_grace(call);
    cancel_without_grace(call, other);
    disconnect(fetcher, call);
    call_release(other);
    call_release(call);
    call_object_release(fetcher); /* the last: destroy lets the thread end */
    pthread_join(thread, NULL);
    puts(differences == 0 ? "Every call ended as it should." : "Not as it should be.");
    return differences != 0;
}
