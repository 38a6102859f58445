/* The client's side: one call from its begin to its fate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "search.h"

/* How often the progress is shown, and where a cancel at a percentage has to be near the point. */
enum { SHOW_MS = 100, WATCH_MS = 1 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The request as one buffer, from malloc. */
static void *pack_request(const search_options_t *options, size_t *len_out)
{
    size_t len = sizeof(search_request_t) + strlen(options->pattern) + 1;
    for (uint32_t i = 0; i < options->dir_count; i++)
        len += strlen(options->dirs[i]) + 1;
    search_request_t *request = calloc(1, len);
    if (request == NULL)
        return NULL;
    request->lines_wanted = options->lines_wanted;
    request->pause_percent = options->pause_percent;
    request->dir_count = options->dir_count;
    char *at = stpcpy((char *)(request + 1), options->pattern) + 1;
    for (uint32_t i = 0; i < options->dir_count; i++)
        at = stpcpy(at, options->dirs[i]) + 1;
    *len_out = len;
    return request;
}

/* A call object for a search, begun. The object and the request may go at once: the call keeps
 * the object alive, and call_begin has copied the request. */
static call_hresult_t begin_search(const search_options_t *options, call_t *call_out)
{
    call_apartment_t process_wide = {0};
    call_object_t object;
    size_t len = 0;
    void *request = pack_request(options, &len);
    if (request == NULL)
        return E_OUTOFMEMORY;
    /* Where the method runs is a matter of this line, and of no other. */
    call_hresult_t hr = options->moniker != NULL ? call_object_bind(options->moniker, NULL, &object)
                                                 : call_object_create(process_wide, &search_class, NULL, &object);
    if (hr >= 0) {
        hr = call_create(object, call_out);
        call_object_release(object);
    }
    if (hr >= 0 && (hr = call_begin(*call_out, 0, request, len)) < 0)
        call_release(*call_out);
    free(request);
    return hr;
}

static bool cancel_is_due(const search_options_t *options, int64_t begun, uint64_t done, uint64_t total)
{
    if (options->cancel_after_ms >= 0 && now_ms() - begun >= options->cancel_after_ms)
        return true;
    return options->cancel_percent != 0 && total != 0 && done * 100 >= total * options->cancel_percent;
}

/* Blocks for the grace period at most; RPC_E_CALL_COMPLETE says that the method answered in it. */
static void cancel_now(screen_t *screen, call_cancel_t cancel, uint32_t grace_seconds)
{
    char note[128];
    call_hresult_t hr = call_cancel(cancel, grace_seconds);
    snprintf(note, sizeof note, "call_cancel(%u) answered %s", (unsigned)grace_seconds, call_hresult_name(hr));
    screen_note(screen, note);
}

/* Shows the progress until the call is complete, and cancels it when that is due. */
static call_hresult_t follow(const search_options_t *options, call_t call, call_cancel_t cancel)
{
    screen_t screen = screen_open();
    int64_t begun = now_ms();
    bool canceled = false, told = false;
    uint32_t slice = options->cancel_percent != 0 || options->cancel_after_ms >= 0 ? WATCH_MS : SHOW_MS;
    call_hresult_t hr;
    do {
        uint64_t done = 0, total = 0;
        hr = call_wait(call, slice);
        call_hresult_t known = call_get_progress(call, &done, &total);
        if (known >= 0)
            screen_progress(&screen, done, total);
        if (hr == RPC_S_CALLPENDING && !canceled && cancel_is_due(options, begun, done, total)) {
            canceled = true;
            cancel_now(&screen, cancel, options->grace_seconds);
        }
        if (!told && interrupt_came()) {
            told = true;
            screen_note(&screen, "canceling: the method may still answer; Ctrl-C again ends its grace period");
        }
    } while (hr == RPC_S_CALLPENDING);
    screen_close(&screen);
    return hr;
}

/* Asks for the length first, then collects; both ask the call, which is complete by now. */
static void collect(call_t call, search_end_t *end)
{
    size_t len = 0;
    end->result = call_finish(call, NULL, 0, &len);
    if (end->result == CALL_E_MORE_DATA) {
        end->text = malloc(len);
        if (end->text == NULL) {
            end->result = E_OUTOFMEMORY;
            return;
        }
        end->result = call_finish(call, end->text, len, &len);
    }
    if (len >= sizeof end->totals) {
        end->answered = true;
        end->text_len = len - sizeof end->totals;
        memcpy(&end->totals, end->text + end->text_len, sizeof end->totals);
    }
}

static void collect_message(call_t call, search_end_t *end)
{
    size_t len = 0;
    if (call_get_error(call, NULL, 0, &len) != CALL_E_MORE_DATA)
        return;
    end->message = malloc(len);
    if (end->message != NULL && call_get_error(call, end->message, len, &len) != S_OK) {
        free(end->message);
        end->message = NULL;
    }
}

call_hresult_t search_run(const search_options_t *options, search_end_t *end_out)
{
    call_t call;
    call_cancel_t cancel;
    *end_out = (search_end_t){0};
    call_hresult_t hr = begin_search(options, &call);
    if (hr < 0)
        return hr;
    hr = call_query_cancel(call, &cancel);
    if (hr >= 0) {
        interrupt_cancels(cancel, options->grace_seconds);
        hr = follow(options, call, cancel);
        interrupt_kills_again();
        call_cancel_release(cancel);
    }
    if (hr >= 0) {
        collect(call, end_out);
        collect_message(call, end_out);
        hr = call_get_fate(call, &end_out->fate);
    }
    call_release(call);
    return hr;
}

void search_end_free(search_end_t *end)
{
    free(end->text);
    free(end->message);
    *end = (search_end_t){0};
}

int search_exit_code(const search_end_t *end)
{
    if (end->result == RPC_E_CALL_CANCELED)
        return SEARCH_CANCELED;
    if (end->result < 0)
        return SEARCH_TROUBLE;
    return end->totals.lines != 0 ? SEARCH_FOUND : SEARCH_NOTHING;
}
