/* Very many calls pending at once on one queue: what each takes of memory and time, and that none takes
 * a descriptor or a thread.
 *
 *   CALL_QUEUE_MILLION  how many calls (50000); 1000000 for the figure of the name */
#include "queues.h"
#include "stage.h"

#include <stdio.h>
#include <unistd.h>

enum { PENDING = 50000, BATCH = 256, COMPLETERS = 2, MOST_GROWTH = 4 };

typedef struct entry_t {
    call_t call;
    call_context_t context;
    atomic_uint taken;
} entry_t;

typedef struct crowd_t {
    entry_t *entries;
    unsigned count;
    atomic_uint entered, next;
} crowd_t;

static crowd_t crowd;

/* Is deferred; its context is kept for who completes it. */
static call_hresult_t defer(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    uint32_t index;
    (void)self;
    (void)method;
    if (in_len != sizeof index)
        bail_out("an index was expected");
    memcpy(&index, in, sizeof index);
    crowd.entries[index].context = context;
    (void)atomic_fetch_add(&crowd.entered, 1);
    return CALL_S_DEFERRED;
}

static const char *const names[] = {"defer"};
static const call_class_t deferring = {
    .size = sizeof deferring, .methods = names, .method_count = 1, .invoke = defer};

/* The process's own memory, in bytes. */
static uint64_t resident(void)
{
    unsigned long pages = 0, size = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2)
        bail_out("/proc/self/statm cannot be read");
    (void)fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned threads(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/task");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static void *complete_many(void *unused)
{
    unsigned i;
    (void)unused;
    while ((i = atomic_fetch_add(&crowd.next, 1)) < crowd.count)
        must(call_context_complete(crowd.entries[i].context, S_OK));
    return NULL;
}

static void begin_all(call_object_t object, call_queue_t queue)
{
    for (uint32_t i = 0; i < crowd.count; i++) {
        must(call_create(object, &crowd.entries[i].call));
        must(call_set_queue(crowd.entries[i].call, queue, i));
        must(call_begin(crowd.entries[i].call, 0, &i, sizeof i));
    }
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    for (unsigned before = 0, now; (now = atomic_load(&crowd.entered)) < crowd.count;) {
        if (now != before)
            end = now_us() + (uint64_t)hang_ms() * 1000;
        if (now_us() > end)
            bail_out("methods were not entered: a hang");
        before = now;
        (void)usleep(1000);
    }
}

/* Takes, finishes and releases; how many were right. */
static unsigned take_all(call_queue_t queue)
{
    call_completion_t taken[BATCH];
    unsigned right = 0;
    size_t count;
    for (unsigned sum = 0; sum < crowd.count; sum += (unsigned)count) {
        must(call_queue_next(queue, taken, BATCH, hang_ms(), &count));
        for (size_t i = 0; i < count; i++) {
            entry_t *entry = &crowd.entries[taken[i].tag];
            right += atomic_fetch_add(&entry->taken, 1) == 0 && entry->call.id == taken[i].call.id &&
                     call_try_finish(taken[i].call, NULL, 0, NULL) == S_OK;
        }
    }
    return right;
}

static void tell_figures(uint64_t bytes, uint64_t begun_us, uint64_t done_us)
{
    diag("%u calls pending: %.0f bytes each, begun in %.2f us each", crowd.count,
         (double)bytes / crowd.count, (double)begun_us / crowd.count);
    diag("completed by %d threads, taken and finished by one: %.2f us each", COMPLETERS,
         (double)done_us / crowd.count);
}

static void very_many_calls_in_one_queue(void)
{
    pthread_t completers[COMPLETERS];
    call_object_t object;
    call_apartment_t apartment = apartment_of(1, 1, 0);
    call_queue_t queue = new_queue();
    int32_t fd;
    crowd.count = asked_for("CALL_QUEUE_MILLION", PENDING);
    crowd.entries = calloc(crowd.count, sizeof *crowd.entries);
    memset(crowd.entries, 0xFF, crowd.count * sizeof *crowd.entries); /* its pages are there */
    for (unsigned i = 0; i < crowd.count; i++)
        atomic_init(&crowd.entries[i].taken, 0);
    must(call_object_create(apartment, &deferring, NULL, &object));
    must(call_queue_get_fd(queue, &fd));
    must(call_invoke(object, METHOD_COUNT, NULL, 0, NULL, 0, NULL, CALL_INFINITE, NULL) ==
                 DISP_E_MEMBERNOTFOUND
             ? S_OK
             : E_FAIL);
    unsigned descriptors = open_descriptors(), threads_before = threads();
    uint64_t memory = resident(), from = now_us();
    begin_all(object, queue);
    uint64_t begun = now_us();
    uint64_t bytes = resident() - memory;
    ok_u64(open_descriptors(), descriptors, "%u pending calls took no descriptor", crowd.count);
    diag("threads: %u before, %u with all calls pending", threads_before, threads());
    ok(threads() <= threads_before + MOST_GROWTH, "nor a thread each");
    ok(!readable(fd), "the queue's descriptor is quiet");
    uint64_t start = now_us();
    for (int i = 0; i < COMPLETERS; i++)
        (void)pthread_create(&completers[i], NULL, complete_many, NULL);
    unsigned right = take_all(queue);
    uint64_t done = now_us();
    for (int i = 0; i < COMPLETERS; i++)
        (void)pthread_join(completers[i], NULL);
    ok_u64(right, crowd.count, "each arrived once, with its tag, and was finished");
    ok_hr(poll_queue(queue), RPC_S_CALLPENDING, "and no other");
    ok_u64(open_descriptors(), descriptors, "and still no descriptor was taken");
    tell_figures(bytes, begun - from, done - start);
    for (unsigned i = 0; i < crowd.count; i++)
        must(call_release(crowd.entries[i].call));
    must(call_queue_release(queue));
    must(call_object_release(object));
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
    free(crowd.entries);
}

static const tap_test_t tests[] = {
    TAP_TEST(very_many_calls_in_one_queue),
};

TAP_MAIN(tests)
