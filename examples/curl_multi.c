/*
 * curl_multi URL: fetches a URL to standard output. Ctrl-C cancels with two seconds of grace, a second
 * Ctrl-C without. Exit code: 0 fetched, 1 failed, 130 canceled, 2 trouble.
 * curl_multi: fetches from a server of its own that never answers, and cancels. Exit code: 0, or 1 if
 * anything was not as it should be.
 */
#include "curl_multi.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fate_name.h"

enum { LOOK_MS = 200, GRACE_MS = 2000, INTERRUPTED = 130, TROUBLE = 2 };

/* Written before the handler is installed, and not while it is. */
static call_cancel_t canceled_by_interrupt;
static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    call_request_cancel(canceled_by_interrupt, interrupts == 0 ? GRACE_MS : 0);
    interrupts = 1;
    errno = saved;
}

static void interrupt_cancels(call_cancel_t cancel)
{
    struct sigaction action;
    canceled_by_interrupt = cancel;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static void show_progress(call_t call)
{
    uint64_t done, total;
    if (isatty(STDERR_FILENO) && call_get_progress(call, &done, &total) == S_OK && done > 0)
        fprintf(stderr, "\r%.1f of %.1f MB", (double)done / 1e6, (double)total / 1e6);
}

/* The output is the library's buffer, handed out: a body of any size is not copied once more. */
static call_hresult_t print_result(call_t call)
{
    call_buffer_t body;
    call_fate_t fate;
    const void *data;
    size_t len;
    char message[512] = "";
    call_hresult_t hr = call_finish_buffer(call, &body);
    if (call_buffer_get(body, &data, &len) == S_OK) /* a null handle if there is no output */
        fwrite(data, 1, len, stdout);
    call_buffer_release(body);
    if (call_get_error(call, message, sizeof message, NULL) == S_OK)
        fprintf(stderr, "error: %s\n", message);
    if (call_get_fate(call, &fate) == S_OK)
        fprintf(stderr, "result %s, fate %s\n", call_hresult_name(hr), fate_name(fate));
    return hr;
}

static int fetch(const char *url)
{
    call_object_t fetcher;
    pthread_t thread;
    call_t call;
    call_cancel_t cancel;
    if (fetcher_create(&fetcher, &thread) < 0)
        return TROUBLE;
    if (call_create(fetcher, &call) < 0 || call_query_cancel(call, &cancel) < 0)
        return TROUBLE;
    interrupt_cancels(cancel); /* queried while idle, it names the next begin */
    if (call_begin(call, FETCHER_FETCH, url, strlen(url)) < 0)
        return TROUBLE;
    while (call_wait(call, LOOK_MS) == RPC_S_CALLPENDING)
        show_progress(call);
    call_hresult_t hr = print_result(call);
    signal(SIGINT, SIG_DFL);
    call_cancel_release(cancel);
    call_release(call);
    call_object_release(fetcher);
    pthread_join(thread, NULL);
    return hr == RPC_E_CALL_CANCELED ? INTERRUPTED : hr < 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: %s [URL]\n", argv[0]);
        return TROUBLE;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return TROUBLE;
    int code = argc == 2 ? fetch(argv[1]) : check_fetcher();
    curl_global_cleanup();
    return code;
}
