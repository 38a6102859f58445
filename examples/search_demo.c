/*
 * What `search` shows without arguments: a call that completes, the same call canceled half-way,
 * a method that never looks, which nobody can stop inside this process; and in a child process the same
 * search, and a method that never ends, which is killed.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fate_name.h"
#include "search.h"

/* Longer than the method could ever need to answer; nobody waits that long. */
enum { LONG_GRACE_SECONDS = 30, CLOSE_MS = 60000, LINES_SHOWN = 5, HALF = 50 };

/* What the third part's method reads from, and never stops reading from before a byte comes. */
typedef struct deaf_t {
    int from;
    int to;
} deaf_t;

static call_hresult_t read_forever(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)method, (void)in, (void)in_len;
    const deaf_t *deaf = self;
    char byte;
    call_hresult_t hr = call_context_set_progress(context, 1, 1); /* "I have started" */
    if (hr < 0)
        return hr;
    return read(deaf->from, &byte, 1) == 1 ? S_OK : E_FAIL;
}

static const char *const methods[] = {"read_forever"};

static const call_class_t deaf_class = {
    .size = sizeof deaf_class,
    .methods = methods,
    .method_count = 1,
    .invoke = read_forever,
};

/* Says whether an outcome is the one that this file's comment promises. */
static bool is_so(const char *what, const char *seen, bool so)
{
    printf("%-46s %s%s\n", what, seen, so ? "" : "   <- not what was expected");
    return so;
}

static bool code_is(const char *what, call_hresult_t seen, call_hresult_t expected)
{
    return is_so(what, call_hresult_name(seen), seen == expected);
}

static bool fate_is(const char *what, call_t call, call_fate_t expected)
{
    call_fate_t fate = CALL_FATE_NONE;
    if (call_get_fate(call, &fate) < 0)
        return is_so(what, "unknown to call_get_fate", false);
    return is_so(what, fate_name(fate), fate == expected);
}

/* Runs one search and shows it; the outcome must be this one. A Ctrl-C of the user's own ends the
 * demonstration, because the call is then canceled where it should not be. */
static bool show_search(const search_options_t *options, call_hresult_t result, call_fate_t fate)
{
    search_end_t end;
    call_hresult_t hr = search_run(options, &end);
    if (hr < 0)
        return code_is("the call could not be made", hr, S_OK);
    screen_end(options, &end);
    bool so = end.result == result && end.fate == fate && end.answered;
    search_end_free(&end);
    return so || is_so("this run", "ended in another way", false);
}

/* Ctrl-C twice, while the method sits in a read that knows nothing of cancels. */
static bool interrupt_twice(call_t call, call_apartment_t apartment, const deaf_t *deaf)
{
    uint64_t started = 0, total = 0;
    while (started == 0 && call_wait(call, 1) == RPC_S_CALLPENDING)
        if (call_get_progress(call, &started, &total) < 0)
            return false;
    raise(SIGINT);
    bool so = code_is("Ctrl-C, with a grace period: call_wait(0)", call_wait(call, 0), RPC_S_CALLPENDING);
    raise(SIGINT);
    so &= code_is("Ctrl-C again, without: call_wait(0)", call_wait(call, 0), S_OK);
    so &= code_is("call_finish", call_finish(call, NULL, 0, NULL), RPC_E_CALL_CANCELED);
    so &= fate_is("the method is still in its read: fate", call, CALL_FATE_RUNNING);
    /* Its own flag, not the cancel, is what ends it; closing the apartment waits for that. */
    if (write(deaf->to, "x", 1) != 1)
        return false;
    so &= code_is("a byte for it to read; call_apartment_close", call_apartment_close(apartment, CLOSE_MS, NULL), S_OK);
    return so & fate_is("it has ended by itself: fate", call, CALL_FATE_COMPLETED);
}

/* An apartment of its own, so that closing it waits for this method and no other. */
static bool show_deaf_method(deaf_t *deaf)
{
    call_apartment_options_t options = {.size = sizeof options, .workers = 1, .name = "deaf"};
    call_apartment_t apartment;
    call_object_t object;
    call_t call;
    call_cancel_t cancel;
    if (call_apartment_create(&options, &apartment) < 0 || call_object_create(apartment, &deaf_class, deaf, &object) < 0
        || call_create(object, &call) < 0 || call_begin(call, 0, NULL, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return is_so("the call could not be made", "", false);
    call_object_release(object);
    interrupt_cancels(cancel, LONG_GRACE_SECONDS);
    bool so = interrupt_twice(call, apartment, deaf);
    interrupt_kills_again();
    call_cancel_release(cancel);
    call_release(call);
    call_apartment_release(apartment);
    return so;
}

static bool show_deaf(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    deaf_t deaf = {.from = ends[0], .to = ends[1]};
    bool so = show_deaf_method(&deaf);
    if (so) { /* else the method may still be reading */
        close(ends[0]);
        close(ends[1]);
    }
    return so;
}

/* The moniker of a class of the module beside this program. */
static bool isolated(char *moniker, size_t cap, const char *class_name)
{
    char own[4096];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len <= 0)
        return is_so("where this program is", "nobody knows", false);
    own[len] = '\0';
    *strrchr(own, '/') = '\0';
    return snprintf(moniker, cap, "isolated:%s/module_search.so#%s", own, class_name) < (int)cap;
}

/* It is entered, canceled with a second's grace, and killed; then the next call is made. */
static bool kill_loop(call_object_t object, call_t call)
{
    uint64_t started = 0, total = 0;
    call_cancel_t cancel;
    if (call_begin(call, 0, NULL, 0) < 0 || call_query_cancel(call, &cancel) < 0)
        return is_so("the call could not be made", "", false);
    while (started == 0 && call_wait(call, 1) == RPC_S_CALLPENDING)
        if (call_get_progress(call, &started, &total) < 0)
            return false;
    bool so = code_is("an endless loop; call_cancel, 1 s of grace", call_cancel(cancel, 1), S_OK);
    so &= code_is("call_finish", call_finish(call, NULL, 0, NULL), RPC_E_CALL_CANCELED);
    so &= fate_is("its process is gone: fate", call, CALL_FATE_KILLED);
    call_cancel_release(cancel);
    so &= code_is("the next call_begin, for another process", call_begin(call, 0, NULL, 0), S_OK);
    so &= code_is("call_object_disconnect", call_object_disconnect(object), S_OK);
    return so & code_is("call_finish", call_finish(call, NULL, 0, NULL), RPC_E_DISCONNECTED);
}

static bool show_loop(void)
{
    char moniker[4200];
    call_object_t object;
    call_t call;
    if (!isolated(moniker, sizeof moniker, "Loop"))
        return false;
    call_hresult_t hr = call_object_bind(moniker, NULL, &object);
    if (hr < 0 || call_create(object, &call) < 0)
        return code_is(moniker, hr, S_OK);
    bool so = kill_loop(object, call);
    call_release(call);
    call_object_release(object);
    return so;
}

static void title(const char *text)
{
    printf("\n%s\n\n", text);
    fflush(stdout);
}

int demo_run(const char *const *dirs, uint32_t dir_count)
{
    search_options_t options = {.pattern = "cancel", .dirs = dirs, .dir_count = dir_count, .lines_wanted = LINES_SHOWN,
                                .cancel_after_ms = -1, .grace_seconds = LONG_GRACE_SECONDS};
    printf("looking for \"%s\" in", options.pattern);
    for (uint32_t i = 0; i < dir_count; i++)
        printf(" %s", dirs[i]);
    puts("");

    title("1. A search that completes.");
    bool so = show_search(&options, S_OK, CALL_FATE_COMPLETED);

    title("2. The same search, canceled half-way: it stops, and what it found so far is here.");
    options.cancel_percent = HALF;
    options.pause_percent = HALF; /* a fast machine would be done before the client has looked */
    so = so && show_search(&options, RPC_E_CALL_CANCELED, CALL_FATE_STOPPED);

    title("3. A method that never looks for a cancel. The client goes free; the method cannot be stopped.");
    so = so && show_deaf();

    title("4. The first search in a child process: another moniker, and nothing else.");
    char moniker[4200];
    options.cancel_percent = options.pause_percent = 0;
    options.moniker = moniker;
    so = so && isolated(moniker, sizeof moniker, "Search") && show_search(&options, S_OK, CALL_FATE_COMPLETED);

    title("5. A loop without an end, in a child process: it is killed when its grace ends.");
    so = so && show_loop();
    puts(so ? "\nEvery call ended as it should." : "\nNot every call ended as it should.");
    return so ? SEARCH_FOUND : SEARCH_TROUBLE;
}
