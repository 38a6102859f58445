/* Taking the library out of a process: it stays, so nothing of it is missing later.
 *
 *   CALL_UNLOADS  how many rounds (100) */
#include "measure.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { METHODS = 1 };

/* The functions of another copy of the library, found anew in each round. */
typedef struct library_t {
    void *handle;
    uint32_t (*version)(void);
    call_hresult_t (*apartment_create)(const call_apartment_options_t *, call_apartment_t *);
    call_hresult_t (*apartment_release)(call_apartment_t);
    call_hresult_t (*object_create)(call_apartment_t, const call_class_t *, void *, call_object_t *);
    call_hresult_t (*object_release)(call_object_t);
    call_hresult_t (*create)(call_object_t, call_t *);
    call_hresult_t (*begin)(call_t, uint32_t, const void *, size_t);
    call_hresult_t (*finish)(call_t, void *, size_t, size_t *);
    call_hresult_t (*release)(call_t);
    call_hresult_t (*query_cancel)(call_t, call_cancel_t *);
    call_hresult_t (*request_cancel)(call_cancel_t, uint32_t);
    call_hresult_t (*cancel_release)(call_cancel_t);
    call_hresult_t (*last_error)(call_hresult_t *, char *, size_t, size_t *);
} library_t;

static char path[64] = "/tmp/libcall-unload-XXXXXX";
static gate_t entered = GATE("entered"), released = GATE("released");

/* A file of its own, which the loader takes for another library. */
static void copy_library(void)
{
    Dl_info mine;
    char block[1 << 16];
    ssize_t got;
    if (dladdr((void *)(uintptr_t)call_version, &mine) == 0)
        bail_out("the library's file is not known");
    int from = open(mine.dli_fname, O_RDONLY | O_CLOEXEC), to = mkstemp(path);
    if (from < 0 || to < 0)
        bail_out("the library cannot be copied");
    while ((got = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)got) != got)
            bail_out("the library cannot be copied");
    (void)fchmod(to, 0755);
    (void)close(from);
    (void)close(to);
}

static void find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    if (symbol == NULL)
        bail_out("%s is not there", name);
    memcpy(function, &symbol, sizeof symbol);
}

static library_t load(void)
{
    library_t library = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (library.handle == NULL)
        bail_out("%s", dlerror());
    find(library.handle, "call_version", &library.version);
    find(library.handle, "call_apartment_create", &library.apartment_create);
    find(library.handle, "call_apartment_release", &library.apartment_release);
    find(library.handle, "call_object_create", &library.object_create);
    find(library.handle, "call_object_release", &library.object_release);
    find(library.handle, "call_create", &library.create);
    find(library.handle, "call_begin", &library.begin);
    find(library.handle, "call_finish", &library.finish);
    find(library.handle, "call_release", &library.release);
    find(library.handle, "call_query_cancel", &library.query_cancel);
    find(library.handle, "call_request_cancel", &library.request_cancel);
    find(library.handle, "call_cancel_release", &library.cancel_release);
    find(library.handle, "call_get_last_error", &library.last_error);
    return library;
}

static call_hresult_t hold(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self;
    (void)context;
    (void)method;
    (void)in;
    gate_open(&entered);
    if (in_len != 0)
        gate_wait(&released);
    return S_FALSE;
}

static const char *const names[METHODS] = {"hold"};
static const call_class_t hold_class = {
    .size = sizeof hold_class, .methods = names, .method_count = METHODS, .invoke = hold};

static call_t make_call(const library_t *library, uint32_t kind)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = kind};
    call_apartment_t apartment;
    call_object_t object;
    call_t call;
    must(library->apartment_create(&options, &apartment));
    must(library->object_create(apartment, &hold_class, NULL, &object));
    must(library->create(object, &call));
    must(library->object_release(object));
    must(library->apartment_release(apartment));
    return call;
}

typedef struct round_t {
    unsigned number, wrong;
    void *handle, *function;
} round_t;

/* Loads, uses and unloads; what the library keeps for this thread goes with the thread, later. */
static void *use_and_unload(void *data)
{
    round_t *round = data;
    call_hresult_t code = S_OK;
    call_cancel_t cancel;
    library_t library = load();
    call_t call = make_call(&library, round->number % 2 == 0 ? CALL_APARTMENT_MULTI : CALL_APARTMENT_SERIAL);
    must(library.query_cancel(call, &cancel));
    round->wrong += library.begin(call, 0, NULL, 0) != S_OK || library.finish(call, NULL, 0, NULL) != S_FALSE;
    round->wrong += library.request_cancel(cancel, 0) != RPC_E_CALL_COMPLETE;
    round->wrong += library.finish(call, NULL, 0, NULL) != RPC_E_CALL_COMPLETE;
    must(library.cancel_release(cancel));
    must(library.release(call));
    round->wrong += dlclose(library.handle) != 0;
    /* The thread's last failure is still there. */
    round->wrong += library.last_error(&code, NULL, 0, NULL) != S_OK || code != RPC_E_CALL_COMPLETE;
    round->wrong += library.finish(call, NULL, 0, NULL) != E_HANDLE;
    round->handle = library.handle;
    memcpy(&round->function, &library.version, sizeof round->function);
    return NULL;
}

/* Before any thread of it holds it. */
static void unload_unused(void)
{
    copy_library();
    library_t library = load();
    ok_u64(library.version(), CALL_VERSION, "a library is loaded");
    ok_u64((uint64_t)dlclose(library.handle), 0, "and unloaded, which it refuses:");
    void *there = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    ok(there == library.handle, "it is still there");
    if (there == NULL)
        return;
    ok_u64(library.version(), CALL_VERSION, "and answers");
    (void)dlclose(there);
}

static void load_use_unload(void)
{
    unsigned rounds = length_of("CALL_UNLOADS", 100), wrong = 0, same = 0;
    round_t first = {0};
    join_thread(thread_of(use_and_unload, &first));
    for (unsigned i = 0; i < rounds; i++) {
        round_t round = {.number = i};
        join_thread(thread_of(use_and_unload, &round));
        wrong += round.wrong;
        same += round.handle == first.handle && round.function == first.function;
    }
    ok_u64(wrong, 0, "%u times: load, use, unload, end of the thread", rounds);
    ok_u64(same, rounds, "each time it is the same library, which was never taken out");
    void *there = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    ok(there != NULL, "as it is still there");
    if (there != NULL)
        (void)dlclose(there);
}

static void unload_with_calls_in_progress(void)
{
    library_t library = load();
    call_t running = make_call(&library, CALL_APARTMENT_MULTI), queued = make_call(&library, CALL_APARTMENT_SERIAL);
    call_t unseen = make_call(&library, CALL_APARTMENT_SERIAL);
    unsigned before = gate_count(&entered);
    must(library.begin(running, 0, "x", 1));
    must(library.begin(queued, 0, "x", 1));
    must(library.begin(unseen, 0, "x", 1));
    gate_wait_for(&entered, before + 3);
    ok_u64((uint64_t)dlclose(library.handle), 0, "the library is unloaded with calls in progress");
    must(library.release(unseen));
    gate_open(&released);
    ok_hr(library.finish(running, NULL, 0, NULL), S_FALSE, "they have their results");
    ok_hr(library.finish(queued, NULL, 0, NULL), S_FALSE, "each of them");
    must(library.release(running));
    must(library.release(queued));
    library_t again = load();
    ok(again.version == library.version, "and it is loaded again as it was");
    (void)dlclose(again.handle);
    (void)unlink(path);
}

static const tap_test_t tests[] = {
    TAP_TEST(unload_unused), TAP_TEST(load_use_unload), TAP_TEST(unload_with_calls_in_progress),
};

TAP_MAIN(tests)
