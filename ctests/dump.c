/* One dump explains a chain that hangs: A waits for B, B waits for C, C sleeps, and one more waits behind C. */
#include "measure.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

enum { HOPS = 3, TEXT = 1 << 14, SOON = 20 };
static const char *const places[HOPS] = {"hop-a", "hop-b", "hop-c"};

typedef struct hop_t {
    call_apartment_t apartment;
    target_t target;
    call_t call;
    job_t job;
    struct hop_t *next;
} hop_t;

/* What stands in one line. */
typedef struct line_t {
    char call[32], parent[32], waits_for[32], method[32], apartment[32], phase[32];
} line_t;

static volatile sig_atomic_t dump_to, handler_gave;

static void on_signal(int number)
{
    (void)number;
    handler_gave = call_request_dump(dump_to);
}

static call_hresult_t wait_for_the_next(job_t *job)
{
    hop_t *hop = job->data;
    if (hop->next == NULL) {
        gate_open(&job->entered);
        gate_wait(&job->release);
        return S_OK;
    }
    begin_job(hop->next->call, RUN, &hop->next->job);
    gate_open(&job->entered);
    return finish(hop->next->call);
}

static void hops_open(hop_t hops[HOPS])
{
    for (int i = 0; i < HOPS; i++) {
        call_apartment_options_t options = {
            .size = sizeof options, .kind = i == 2 ? CALL_APARTMENT_MULTI : CALL_APARTMENT_SERIAL,
            .workers = i == 2 ? 1 : 0, .max_workers = i == 2 ? 1 : 0, .name = places[i]};
        must(call_apartment_create(&options, &hops[i].apartment));
        target_create(&hops[i].target, hops[i].apartment);
        hops[i].call = new_call(&hops[i].target);
        hops[i].next = i + 1 < HOPS ? &hops[i + 1] : NULL;
        job_init(&hops[i].job, NULL, S_OK);
        hops[i].job.run = wait_for_the_next;
        hops[i].job.data = &hops[i];
    }
}

static void hops_close(hop_t hops[HOPS])
{
    for (int i = 0; i < HOPS; i++) {
        must(call_release(hops[i].call));
        target_destroy(&hops[i].target);
        must(call_apartment_close(hops[i].apartment, hang_ms(), NULL));
        must(call_apartment_release(hops[i].apartment));
    }
}

static void copy_word(char *to, size_t cap, const char *from, const char *ends)
{
    size_t len = strcspn(from, ends);
    (void)snprintf(to, cap, "%.*s", (int)len, from);
}

static void take_after(const char *text, const char *what, char *to, size_t cap, const char *ends)
{
    const char *at = strstr(text, what);
    to[0] = '\0';
    if (at != NULL)
        copy_word(to, cap, at + strlen(what), ends);
}

static line_t parse(const char *text)
{
    line_t line;
    take_after(text, "call ", line.call, sizeof line.call, ", \n");
    take_after(text, "begun by call ", line.parent, sizeof line.parent, ", \n");
    take_after(text, "waits for call ", line.waits_for, sizeof line.waits_for, ", \n");
    take_after(text, "method ", line.method, sizeof line.method, ", \n");
    take_after(text, "apartment ", line.apartment, sizeof line.apartment, ":");
    take_after(text, ": ", line.phase, sizeof line.phase, ",\n");
    return line;
}

/* All that comes until the number of lines that the first one promises is there. */
static void read_dump(int fd, char *text)
{
    size_t len = 0;
    unsigned calls = 0, lines = 0;
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    text[0] = '\0';
    do {
        if (poll(&entry, 1, (int)hang_ms()) != 1)
            bail_out("no dump came: '%s'", text);
        ssize_t got = read(fd, text + len, TEXT - 1 - len);
        if (got <= 0)
            bail_out("the dump ended: '%s'", text);
        len += (size_t)got;
        text[len] = '\0';
        lines = 0;
        for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
            lines++;
    } while (sscanf(text, "libcall: %u calls", &calls) != 1 || lines < calls + 1);
}

/* The line that `matches`, by a name or by its apartment and phase. */
static line_t line_with(const char *text, const char *call, const char *apartment, const char *phase)
{
    for (const char *at = strchr(text, '\n'); at != NULL && at[1] != '\0'; at = strchr(at + 1, '\n')) {
        char one[512];
        copy_word(one, sizeof one, at + 1, "\n");
        line_t line = parse(one);
        if (call != NULL ? strcmp(line.call, call) == 0
                         : strcmp(line.apartment, apartment) == 0 && strcmp(line.phase, phase) == 0)
            return line;
    }
    return (line_t){.call = ""};
}

static void before_anything(void)
{
    ok_hr(call_request_dump(1), RPC_E_OUT_OF_RESOURCES, "no thread of the library's could write a dump yet");
    ok_hr(call_dump(-1), E_INVALIDARG, "no descriptor");
}

/* Until so many methods sleep in the library. */
static void until_methods_wait(unsigned methods)
{
    call_info_t infos[2 * HOPS];
    size_t count = 0;
    unsigned waiting = 0;
    for (uint64_t end = hang_end_us(); waiting < methods; not_past(end, "a wait")) {
        must(call_enumerate(infos, sizeof infos[0], 2 * HOPS, &count));
        waiting = 0;
        for (size_t i = 0; i < count; i++)
            waiting += infos[i].waits_for.id != 0;
    }
}

static void show(const char *text)
{
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
        diag("%.*s", (int)(end - text), text);
}

static void told_by_a_signal_handler(void)
{
    hop_t hops[HOPS];
    int ends[2];
    static char text[TEXT];
    if (pipe(ends) != 0)
        bail_out("no pipe");
    must(call_set_tracking(1, 0));
    hops_open(hops);
    begin_job(hops[0].call, RUN, &hops[0].job);
    gate_wait(&hops[2].job.entered);
    call_t behind = new_call(&hops[2].target);
    must(call_begin(behind, ECHO, "x", 1));
    until_methods_wait(HOPS - 1);
    ok_hr(call_wait(hops[0].call, SOON), RPC_S_CALLPENDING, "a chain of calls hangs");
    dump_to = ends[1];
    handler_gave = 1;
    (void)signal(SIGUSR1, on_signal);
    (void)raise(SIGUSR1);
    ok_hr((call_hresult_t)handler_gave, S_OK, "a signal handler requests a dump");
    read_dump(ends[0], text);
    show(text);

    line_t a = line_with(text, NULL, places[0], "running");
    ok(a.call[0] != '\0', "one dump tells that a method runs in %s", places[0]);
    ok_str(a.method, "run", "which it is");
    line_t b = line_with(text, a.waits_for, NULL, NULL);
    ok_str(b.apartment, places[1], "and that it waits for a call into %s", places[1]);
    ok_str(b.parent, a.call, "which it began");
    line_t c = line_with(text, b.waits_for, NULL, NULL);
    ok_str(c.apartment, places[2], "that this one waits for a call into %s", places[2]);
    ok_str(c.phase, "running", "whose method runs");
    ok_str(c.waits_for, "", "and waits for no call: there it hangs");
    ok_str(c.parent, b.call, "begun by the one that waits");
    line_t queued = line_with(text, NULL, places[2], "queued");
    ok_str(queued.method, "echo", "and what is queued behind it");
    ok_str(queued.parent, "", "which no method began");
    ok(strstr(text, " ms") != NULL, "with ages");

    gate_open(&hops[2].job.release);
    must(finish(hops[0].call));
    must(finish(behind));
    must(call_release(behind));
    must(call_dump(ends[1]));
    read_dump(ends[0], text);
    ok(strncmp(text, "libcall: 0 calls", 16) == 0, "when all is over the dump is empty");
    must(call_set_tracking(0, 0));
    hops_close(hops);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void told_of_cancels(void)
{
    scene_t scene;
    job_t jobs[3];
    int ends[2];
    static char text[TEXT];
    if (pipe(ends) != 0)
        bail_out("no pipe");
    scene_open(&scene, 3);
    call_t calls[3] = {scene.call, new_call(&scene.target), new_call(&scene.target)};
    for (int i = 0; i < 3; i++)
        job_init(&jobs[i], NULL, S_OK);
    enter_job(calls[0], HOLD, &jobs[0]);
    enter_with_deadline(calls[1], HOLD, &jobs[1], CALL_INFINITE);
    enter_job(calls[2], DEFER, &jobs[2]);
    call_cancel_t cancel = cancel_of(calls[0]);
    must(call_cancel(cancel, 0));
    ok_hr(call_context_wait_cancel(jobs[1].context, hang_ms()), RPC_E_CALL_CANCELED, "a deadline passes");
    must(call_dump(ends[1]));
    read_dump(ends[0], text);
    ok(strstr(text, "abandoned, still running, canceled") != NULL, "a dump tells of an abandoned method");
    ok(strstr(text, "running, past its deadline") != NULL, "of one past its deadline");
    ok(strstr(text, "deferred") != NULL, "and of a deferred one");
    gate_open(&jobs[0].release);
    gate_open(&jobs[1].release);
    must(call_context_complete(jobs[2].context, S_OK));
    for (int i = 0; i < 3; i++)
        (void)finish(calls[i]);
    must(call_cancel_release(cancel));
    must(call_release(calls[1]));
    must(call_release(calls[2]));
    scene_close(&scene);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static const tap_test_t tests[] = {
    TAP_TEST(before_anything), TAP_TEST(told_by_a_signal_handler), TAP_TEST(told_of_cancels),
};

TAP_MAIN(tests)
