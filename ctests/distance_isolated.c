#include "distance_isolated.h"
#include "isolated_support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GROUND = 8 << 20, HEAD = 64 << 10, MOST_BODIES = 8 };

/* What lies below the stack on the shared ground. */
typedef struct head_t {
    body_t bodies[MOST_BODIES]; /* where the host has them */
} head_t;

static struct {
    head_t *head;
    int file;
    uint64_t bindings;
} ground;

/* Where no process has anything by chance: below the places that the kernel gives out, and what AddressSanitizer takes
 * beneath them; ThreadSanitizer leaves a program only what is higher. Where this place cannot be had, as under valgrind,
 * any does that the child has free. */
#ifdef __SANITIZE_THREAD__
static void *const preferred = (void *)0x7e9000000000;
#else
static void *const preferred = (void *)0x790000000000;
#endif

static const struct {
    const char *name;
    const call_class_t *cls;
} classes[] = {
    {"Target", &target_class},
    {"InvokeWithCancel", &invoke_with_cancel_class},
    {"Begin", &begin_class},
    {"BeginWithCancel", &begin_with_cancel_class},
};
enum { CLASSES = sizeof classes / sizeof classes[0] };

static size_t bodies(void)
{
    size_t count = 0;
    while (job_bodies != NULL && job_bodies[count] != NULL)
        count++;
    if (count > MOST_BODIES)
        bail_out("more bodies than there is room for");
    return count;
}

/* The host's side. */

static void make_ground(void)
{
    ground.file = memfd_create("ctest", MFD_CLOEXEC);
    if (ground.file < 0 || ftruncate(ground.file, GROUND) != 0)
        bail_out("no memory to share");
    void *base = mmap(preferred, GROUND, PROT_READ | PROT_WRITE, MAP_SHARED, ground.file, 0);
    if (base == MAP_FAILED)
        bail_out("no memory to share");
    ground.head = base;
    for (size_t i = 0; i < bodies(); i++)
        ground.head->bodies[i] = job_bodies[i];
}

typedef struct errand_pair_t {
    void (*body)(void *data);
    void *data;
} errand_pair_t;

static void *go(void *argument)
{
    const errand_pair_t *pair = argument;
    volatile char here = 0;
    uintptr_t base = (uintptr_t)ground.head, at = (uintptr_t)&here;
    if (at < base || at >= base + GROUND)
        bail_out("what is on this stack is kept elsewhere (detect_stack_use_after_return)");
    pair->body(pair->data);
    return NULL;
}

void run_on_shared_ground(void (*body)(void *data), void *data)
{
    errand_pair_t pair = {body, data};
    pthread_attr_t attributes;
    pthread_t thread;
    if (ground.head == NULL)
        make_ground();
    if (pthread_attr_init(&attributes) != 0
        || pthread_attr_setstack(&attributes, (char *)ground.head + HEAD, GROUND - HEAD) != 0
        || pthread_create(&thread, &attributes, go, &pair) != 0)
        bail_out("no thread");
    /* The gates of the body end the program if it hangs. */
    (void)pthread_join(thread, NULL);
    (void)pthread_attr_destroy(&attributes);
}

static void format_mark(char mark[64], uint64_t binding)
{
    (void)snprintf(mark, 64, "CALL_TEST_BINDING=%d.%" PRIu64 ".", (int)getpid(), binding);
}

void isolated_create(server_t *server, const call_class_t *cls, uint32_t flags)
{
    char mark[64], place[160];
    const char *environment[] = {mark, place, NULL}, *name = NULL;
    for (size_t i = 0; i < CLASSES; i++)
        if (classes[i].cls == cls)
            name = classes[i].name;
    if (name == NULL)
        bail_out("the module has no such class");
    server_init(server);
    server->binding = ++ground.bindings;
    format_mark(mark, server->binding);
    (void)snprintf(place, sizeof place, "CALL_TEST_GROUND=/proc/%d/fd/%d %p %p", (int)getpid(), ground.file,
                   (void *)ground.head, (void *)server);
    call_bind_options_t options = {
        .size = sizeof options, .flags = flags, .spares = CALL_BIND_NO_SPARES, .environment = environment};
    server->target.object = bind_object("isolated", program_invocation_short_name, name, &options);
}

void isolated_destroy(server_t *server)
{
    char mark[64];
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    must(call_object_release(server->target.object));
    format_mark(mark, server->binding);
    while (processes_marked(mark) != 0) {
        if (now_us() > end)
            bail_out("a child of an object that is gone is still there: a hang");
        (void)usleep(1000);
    }
    server->binding = 0;
}

/* What is to be done with a context. */
enum { TEST_CANCEL, WAIT_CANCEL, DEADLINE, WRITE, COMPLETE };

static void do_favor(favor_t *favor)
{
    call_context_t context = favor->context;
    switch (favor->what) {
    case TEST_CANCEL:
        favor->result = call_context_test_cancel(context);
        break;
    case WAIT_CANCEL:
        favor->result = call_context_wait_cancel(context, hang_ms());
        break;
    case DEADLINE:
        favor->result = call_context_get_deadline(context, &favor->number);
        break;
    case WRITE:
        favor->result = call_context_write(context, favor->text, strlen(favor->text));
        break;
    default:
        favor->result = call_context_complete(context, (call_hresult_t)favor->number);
    }
}

static call_hresult_t ask(server_t *server, const job_t *job, int what, uint32_t number, const char *text)
{
    favor_t *favor = &server->favor;
    unsigned before = gate_count(&favor->done);
    favor->what = what;
    favor->context = job->context;
    favor->number = number;
    (void)snprintf(favor->text, sizeof favor->text, "%s", text);
    favor->process = job->process;
    if (job->process == getpid()) {
        do_favor(favor);
        return favor->result;
    }
    gate_open(&favor->asked);
    gate_wait_for(&favor->done, before + 1);
    return favor->result;
}

call_hresult_t served_test_cancel(server_t *server, const job_t *job)
{
    return ask(server, job, TEST_CANCEL, 0, "");
}

call_hresult_t served_canceled(server_t *server, const job_t *job)
{
    if (job->process != getpid())
        (void)served_wait_cancel(server, job);
    return served_test_cancel(server, job);
}

call_hresult_t served_wait_cancel(server_t *server, const job_t *job)
{
    return ask(server, job, WAIT_CANCEL, 0, "");
}

call_hresult_t served_deadline(server_t *server, const job_t *job, uint32_t *left_ms)
{
    call_hresult_t result = ask(server, job, DEADLINE, *left_ms, "");
    *left_ms = server->favor.number;
    return result;
}

call_hresult_t served_write(server_t *server, const job_t *job, const char *text)
{
    return ask(server, job, WRITE, 0, text);
}

call_hresult_t served_complete(server_t *server, const job_t *job, call_hresult_t result)
{
    return ask(server, job, COMPLETE, (uint32_t)result, "");
}

/* The child's side. */

static struct {
    server_t *server;
    uint64_t binding;
    unsigned asked;
} served;

/* Another thread than the method's. */
static void *do_favors(void *argument)
{
    (void)argument;
    favor_t *favor = &served.server->favor;
    for (;;) {
        gate_await_more(&favor->asked, served.asked);
        served.asked = gate_count(&favor->asked);
        if (favor->process == getpid()) {
            do_favor(favor);
            gate_open(&favor->done);
        }
    }
    return NULL;
}

static void adopt(job_t *job)
{
    if (job->run == NULL)
        return;
    for (size_t i = 0; i < bodies(); i++)
        if (job->run == ground.head->bodies[i] || job->run == job_bodies[i]) {
            job->run = job_bodies[i];
            return;
        }
    bail_out("a body that is not among the program's job_bodies");
}

static call_hresult_t make(void *user, void **self_out)
{
    char file[64];
    void *place, *server;
    pthread_t thread;
    const char *mark = getenv("CALL_TEST_BINDING"), *text = getenv("CALL_TEST_GROUND");
    (void)user;
    if (mark == NULL || text == NULL || sscanf(mark, "%*d.%" SCNu64, &served.binding) != 1
        || sscanf(text, "%63s %p %p", file, &place, &server) != 3)
        return E_INVALIDARG;
    int shared = open(file, O_RDWR | O_CLOEXEC);
    ground.head = mmap(place, GROUND, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, shared, 0);
    (void)close(shared);
    if (ground.head != place)
        return E_OUTOFMEMORY;
    served.server = server;
    served.asked = gate_count(&served.server->favor.asked);
    job_adopt = adopt;
    *self_out = server;
    return pthread_create(&thread, NULL, do_favors, NULL) == 0 ? S_OK : RPC_E_OUT_OF_RESOURCES;
}

/* One that outlives its server's frame leaves it alone. */
static void destroyed(void *self)
{
    if (served.server->binding == served.binding)
        target_class.destroy(self);
}

call_hresult_t call_module_main(call_module_t module)
{
    call_hresult_t hr = S_OK;
    for (size_t i = 0; i < CLASSES && hr >= 0; i++) {
        call_class_t cls = *classes[i].cls;
        cls.destroy = destroyed;
        hr = call_module_register(module, classes[i].name, &cls, make, NULL);
    }
    return hr;
}
