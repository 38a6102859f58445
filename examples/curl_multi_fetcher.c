/*
 * A class that does its own marshaling. The library has no part in how a call gets to the curl
 * thread and back; it lends the call object, with its waits, cancels and fate.
 *
 *   the client's thread     call_begin  -> begin:   posts an order to start a transfer
 *   the canceling thread    call_cancel -> cancel:  posts an order to end that transfer
 *   the curl thread         obeys orders, drives all transfers, completes their calls
 *
 * Only the inbox is shared. Transfers belong to the curl thread, so that nothing of libcurl is ever
 * used by two threads at once, and cancel has nobody to wait for.
 */
#include "curl_multi.h"

#include <assert.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 1000 }; /* how often a transfer without news looks whether its client is still there */

/* What the curl thread is asked for; a transfer, once it is started. */
typedef struct order_t {
    struct order_t *next;
    call_context_t context;
    CURL *easy; /* NULL: end the transfer of this context */
    char message[CURL_ERROR_SIZE];
} order_t;

typedef struct fetcher_t {
    CURLM *multi;
    order_t *transfers;   /* the curl thread's own */
    pthread_mutex_t lock; /* for what follows; held for a few instructions at a time */
    order_t *inbox, **inbox_end;
    bool closing;
} fetcher_t;

static void append(fetcher_t *fetcher, order_t *order)
{
    order->next = NULL;
    *fetcher->inbox_end = order;
    fetcher->inbox_end = &order->next;
}

/* The curl thread's call of curl_multi_poll returns at once, or the next one if it is not in it. */
static void post(fetcher_t *fetcher, order_t *order)
{
    pthread_mutex_lock(&fetcher->lock);
    append(fetcher, order);
    curl_multi_wakeup(fetcher->multi);
    pthread_mutex_unlock(&fetcher->lock);
}

/* -- what the library calls -- */

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    const order_t *transfer = user;
    return call_context_write(transfer->context, data, size * count) < 0 ? 0 : size * count;
}

static int on_progress(void *user, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up_done)
{
    const order_t *transfer = user;
    (void)up_total, (void)up_done;
    return call_context_set_progress(transfer->context, (uint64_t)done, (uint64_t)total) < 0; /* 1: nobody waits for it */
}

static CURL *prepare(order_t *transfer, const char *url)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

static call_hresult_t begin(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)method;
    order_t *order = calloc(1, sizeof *order);
    char *url = in_len > 0 ? strndup(in, in_len) : strdup("");
    if (order != NULL && url != NULL)
        order->easy = prepare(order, url);
    free(url);
    if (order == NULL || order->easy == NULL) {
        free(order);
        return E_OUTOFMEMORY; /* ends the call: call_finish gives it */
    }
    order->context = context;
    post(self, order); /* from here on the order is the curl thread's */
    return S_OK;       /* call_context_complete follows */
}

/* Runs on the canceling thread, or on the library's for call_request_cancel, and does not block. What
 * it answers decides: after S_OK the grace period runs; after a failure the call goes on. */
static call_hresult_t cancel(void *self, call_context_t context, uint32_t grace_ms)
{
    (void)grace_ms; /* closing a connection takes no time worth negotiating */
    order_t *order = calloc(1, sizeof *order);
    if (order == NULL)
        return E_OUTOFMEMORY;
    order->context = context;
    post(self, order);
    return S_OK;
}

/* May run on the curl thread itself, which so cannot be joined here: a call that it completes can be
 * the last that needed the object. It is woken under the lock, because it frees the fetcher once it
 * has seen `closing`. */
static void destroy(void *self)
{
    fetcher_t *fetcher = self;
    pthread_mutex_lock(&fetcher->lock);
    fetcher->closing = true;
    curl_multi_wakeup(fetcher->multi);
    pthread_mutex_unlock(&fetcher->lock);
}

/* -- the curl thread -- */

/* Ends a transfer; in the middle of one this closes its connection. Completing the call comes last. */
static void end(fetcher_t *fetcher, order_t *transfer, call_hresult_t result)
{
    call_context_t context = transfer->context;
    order_t **link = &fetcher->transfers;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    curl_multi_remove_handle(fetcher->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    free(transfer);
    call_hresult_t completed = call_context_complete(context, result);
    assert(completed == S_OK); /* nobody else completes it */
    (void)completed;
}

static void fail(fetcher_t *fetcher, order_t *transfer, const char *reason)
{
    const char *message = transfer->message[0] != '\0' ? transfer->message : reason;
    call_hresult_t told = call_context_set_error(transfer->context, message);
    (void)told; /* a client that is gone reads no message */
    end(fetcher, transfer, E_FAIL);
}

static void start(fetcher_t *fetcher, order_t *order)
{
    order->next = fetcher->transfers;
    fetcher->transfers = order;
    CURLMcode added = curl_multi_add_handle(fetcher->multi, order->easy);
    if (added != CURLM_OK)
        fail(fetcher, order, curl_multi_strerror(added));
}

static void cancel_transfer(fetcher_t *fetcher, order_t *order)
{
    order_t *transfer = fetcher->transfers;
    while (transfer != NULL && transfer->context.id != order->context.id)
        transfer = transfer->next;
    if (transfer == NULL && call_context_test_cancel(order->context) != RPC_E_CALL_COMPLETE) {
        pthread_mutex_lock(&fetcher->lock);
        append(fetcher, order); /* faster than begin: it stays for the transfer that begin will post */
        pthread_mutex_unlock(&fetcher->lock);
        return;
    }
    free(order);
    if (transfer != NULL)
        end(fetcher, transfer, RPC_E_CALL_CANCELED);
}

static bool obey_orders(fetcher_t *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    order_t *orders = fetcher->inbox;
    fetcher->inbox = NULL;
    fetcher->inbox_end = &fetcher->inbox;
    bool closing = fetcher->closing;
    pthread_mutex_unlock(&fetcher->lock);
    while (orders != NULL) {
        order_t *order = orders;
        orders = order->next;
        if (order->easy != NULL)
            start(fetcher, order);
        else
            cancel_transfer(fetcher, order);
    }
    return !closing;
}

static void complete_finished(fetcher_t *fetcher)
{
    int left;
    for (CURLMsg *said; (said = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
        CURLcode result = said->data.result;
        void *private = NULL;
        curl_easy_getinfo(said->easy_handle, CURLINFO_PRIVATE, (char **)&private);
        order_t *transfer = private;
        if (result == CURLE_OK)
            end(fetcher, transfer, S_OK);
        else if (call_context_test_cancel(transfer->context) == RPC_E_CALL_CANCELED)
            end(fetcher, transfer, RPC_E_CALL_CANCELED); /* on_progress or on_data found its client gone */
        else
            fail(fetcher, transfer, curl_easy_strerror(result));
    }
}

static void *run(void *argument)
{
    fetcher_t *fetcher = argument;
    while (obey_orders(fetcher)) {
        int running;
        CURLMcode code = curl_multi_perform(fetcher->multi, &running);
        complete_finished(fetcher);
        if (code == CURLM_OK)
            code = curl_multi_poll(fetcher->multi, NULL, 0, POLL_MS, NULL);
        while (code != CURLM_OK && fetcher->transfers != NULL)
            fail(fetcher, fetcher->transfers, curl_multi_strerror(code));
    }
    for (order_t *late = fetcher->inbox; late != NULL;) {
        order_t *next = late->next;
        free(late); /* asks for the end of a call that has ended */
        late = next;
    }
    curl_multi_cleanup(fetcher->multi);
    pthread_mutex_destroy(&fetcher->lock);
    free(fetcher);
    return NULL;
}

/* -- making one -- */

/* The thread takes no signals: they are for the program's own. */
static int start_thread(pthread_t *thread_out, fetcher_t *fetcher)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread_out, NULL, run, fetcher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

call_hresult_t fetcher_create(call_object_t *object_out, pthread_t *thread_out)
{
    static const char *const methods[] = {[FETCHER_FETCH] = "fetch"};
    static const call_class_t fetcher_class = {
        .size = sizeof fetcher_class,
        .methods = methods,
        .method_count = 1,
        .flags = CALL_CLASS_CUSTOM_MARSHALING,
        .begin = begin,
        .cancel = cancel,
        .destroy = destroy,
    };
    call_apartment_t process_wide = {0};
    fetcher_t *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher == NULL || (fetcher->multi = curl_multi_init()) == NULL) {
        free(fetcher);
        return E_OUTOFMEMORY;
    }
    pthread_mutex_init(&fetcher->lock, NULL);
    fetcher->inbox_end = &fetcher->inbox;
    if (start_thread(thread_out, fetcher) != 0) {
        curl_multi_cleanup(fetcher->multi);
        pthread_mutex_destroy(&fetcher->lock);
        free(fetcher);
        return RPC_E_OUT_OF_RESOURCES;
    }
    call_hresult_t hr = call_object_create(process_wide, &fetcher_class, fetcher, object_out);
    if (hr < 0) {
        destroy(fetcher);
        pthread_join(*thread_out, NULL);
    }
    return hr;
}
