#include "support.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HANG_SECONDS = 20 };

uint32_t hang_ms(void)
{
    const char *asked = getenv("CALL_HANG_SECONDS");
    long seconds = asked == NULL ? HANG_SECONDS : strtol(asked, NULL, 10);
    return (uint32_t)(seconds > 0 ? seconds : HANG_SECONDS) * 1000;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

const char *may_not_be_alone(void)
{
#ifdef SANITIZED
    return "a sanitizer shares the process";
#else
    const char *runner = getenv("RUNNER");
    return runner != NULL && runner[0] != '\0' ? "another program runs this one" : NULL;
#endif
}

const char *may_not_be_limited(void)
{
#ifdef SANITIZED
    return "a sanitizer's shadow is larger than any limit";
#else
    return NULL;
#endif
}

uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t now_us(void)
{
    return now_ns() / 1000;
}

/* pthread's timed functions count on the real-time clock. */
static struct timespec hang_time(void)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += hang_ms() / 1000;
    return end;
}

void gate_init(gate_t *gate, const char *name)
{
    atomic_init(&gate->count, 0);
    (void)snprintf(gate->name, sizeof gate->name, "%s", name);
}

void gate_open(gate_t *gate)
{
    (void)atomic_fetch_add(&gate->count, 1);
    /* Whoever was waiting may be gone with the gate: a wake-up too many is nobody's. */
    (void)syscall(SYS_futex, &gate->count, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void gate_wait_for(gate_t *gate, unsigned count)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000, now;
    for (unsigned seen; (seen = atomic_load(&gate->count)) < count;) {
        if ((now = now_us()) >= end)
            bail_out("gate '%s' was opened %u times, not %u: a hang", gate->name, seen, count);
        struct timespec left = {(time_t)((end - now) / 1000000), (long)((end - now) % 1000000) * 1000};
        (void)syscall(SYS_futex, &gate->count, FUTEX_WAIT, seen, &left, NULL, 0);
    }
}

void gate_wait(gate_t *gate)
{
    gate_wait_for(gate, 1);
}

unsigned gate_count(gate_t *gate)
{
    return atomic_load(&gate->count);
}

void gate_await_more(gate_t *gate, unsigned than)
{
    while (atomic_load(&gate->count) == than)
        (void)syscall(SYS_futex, &gate->count, FUTEX_WAIT, than, NULL, NULL, 0);
}

static void *caller_main(void *argument)
{
    caller_t *self = argument;
    uint64_t from = now_us();
    atomic_store(&self->tid, (int)syscall(SYS_gettid));
    self->result = self->run(self);
    self->took_us = now_us() - from;
    return NULL;
}

void caller_start(caller_t *caller)
{
    atomic_init(&caller->tid, 0);
    if (pthread_create(&caller->thread, NULL, caller_main, caller) != 0)
        bail_out("no thread");
}

call_hresult_t caller_join(caller_t *caller)
{
    struct timespec end = hang_time();
    if (pthread_timedjoin_np(caller->thread, NULL, &end) != 0)
        bail_out("a thread did not come back from the library: a hang");
    return caller->result;
}

/* The state letter of a thread of this process; 'X' if it has ended. */
static char thread_state(int tid)
{
    char path[64], line[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 'X';
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    const char *name_end = got == NULL ? NULL : strrchr(line, ')');
    return name_end == NULL ? 'X' : name_end[2];
}

/* What a thread has used of a processor: unlike time, it stands still where others have them all. */
static uint64_t used_us(pthread_t thread)
{
    clockid_t clock;
    struct timespec used = {0};
    if (pthread_getcpuclockid(thread, &clock) == 0 && clock_gettime(clock, &used) != 0)
        used = (struct timespec){0};
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

void caller_settle(caller_t *caller)
{
    for (;;) {
        int tid = atomic_load(&caller->tid);
        char state = tid == 0 ? 'R' : thread_state(tid);
        if (state == 'S' || state == 'X' || state == 'Z')
            return;
        if (used_us(caller->thread) > (uint64_t)hang_ms() * 1000)
            bail_out("a thread neither slept nor ended: it spins");
        (void)sched_yield();
    }
}

call_hresult_t run_wait(caller_t *self)
{
    return call_wait(self->call, self->number);
}

call_hresult_t run_finish(caller_t *self)
{
    return call_finish(self->call, self->out, sizeof self->out, &self->len);
}

call_hresult_t run_cancel(caller_t *self)
{
    return call_cancel(self->cancel, self->number);
}

void job_init(job_t *job, const char *text, call_hresult_t result)
{
    memset(job, 0, sizeof *job);
    gate_init(&job->entered, "entered");
    gate_init(&job->release, "release");
    gate_init(&job->left, "left");
    if (text != NULL) {
        (void)snprintf(job->words, sizeof job->words, "%s", text);
        job->text = job->words;
    }
    job->result = result;
}

void (*job_adopt)(job_t *job);

static void write_text(const job_t *job, call_context_t context)
{
    /* Refused after an abandonment; which of the two it was, the tests of write ask. */
    call_hresult_t written = S_OK;
    if (job->text != NULL)
        written = call_context_write(context, job->text, strlen(job->text));
    if (written != S_OK && written != RPC_E_CALL_CANCELED)
        bail_out("a method could not write: 0x%08X", (unsigned)written);
}

static call_hresult_t run_job(uint32_t method, job_t *job, call_context_t context)
{
    job->context = context;
    job->process = getpid();
    if (job_adopt != NULL)
        job_adopt(job);
    if (method == RUN)
        return job->run(job);
    gate_open(&job->entered);
    if (method == DEFER)
        return CALL_S_DEFERRED;
    if (method == HOLD)
        gate_wait(&job->release);
    else
        job->seen = call_context_wait_cancel(context, hang_ms());
    write_text(job, context);
    return job->result;
}

static call_hresult_t answer(call_context_t context, const void *in, size_t in_len)
{
    call_hresult_t code;
    memcpy(&code, in, sizeof code);
    must(call_context_write(context, (const char *)in + sizeof code, in_len - sizeof code));
    return code;
}

static call_hresult_t take_job(uint32_t method, call_context_t context, const void *in,
                               size_t in_len)
{
    job_t *job;
    if (in_len < sizeof job)
        bail_out("a job was expected");
    memcpy(&job, in, sizeof job);
    job->in = (const char *)in + sizeof job;
    job->in_len = in_len - sizeof job;
    call_hresult_t result = run_job(method, job, context);
    /* Who waits for the end of a deferred method waits for what the test itself does. */
    if (result != CALL_S_DEFERRED)
        gate_open(&job->left);
    return result;
}

static call_hresult_t target_invoke(void *self, call_context_t context, uint32_t method,
                                    const void *in, size_t in_len)
{
    target_t *target = self;
    call_hresult_t result;
    (void)atomic_fetch_add(&target->entries, 1);
    if (method == ECHO) {
        must(call_context_write(context, in, in_len));
        result = S_OK;
    } else if (method == ANSWER) {
        result = answer(context, in, in_len);
    } else {
        result = take_job(method, context, in, in_len);
    }
    (void)atomic_fetch_add(&target->exits, 1);
    return result;
}

static void target_destroyed(void *self)
{
    gate_open(&((target_t *)self)->destroyed);
}

const char *const target_methods[METHOD_COUNT] = {
    [ECHO] = "echo", [HOLD] = "hold", [OBEY] = "obey",
    [DEFER] = "defer", [RUN] = "run", [ANSWER] = "answer",
};

const call_class_t target_class = {
    .size = sizeof target_class,
    .methods = target_methods,
    .method_count = METHOD_COUNT,
    .invoke = target_invoke,
    .destroy = target_destroyed,
};

void target_create(target_t *target, call_apartment_t apartment)
{
    memset(target, 0, sizeof *target);
    atomic_init(&target->entries, 0);
    atomic_init(&target->exits, 0);
    gate_init(&target->destroyed, "destroyed");
    must(call_object_create(apartment, &target_class, target, &target->object));
}

void target_destroy(target_t *target)
{
    must(call_object_release(target->object));
    gate_wait(&target->destroyed);
}

call_apartment_t apartment_of(uint32_t workers, uint32_t max_workers, uint32_t queue_limit)
{
    call_apartment_options_t options = {
        .size = sizeof options,
        .kind = CALL_APARTMENT_MULTI,
        .workers = workers,
        .max_workers = max_workers,
        .queue_limit = queue_limit,
        .name = "ctest",
    };
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment));
    return apartment;
}

void scene_open(scene_t *scene, uint32_t workers)
{
    scene->apartment = apartment_of(workers, workers, 0);
    target_create(&scene->target, scene->apartment);
    scene->call = new_call(&scene->target);
}

void scene_close(scene_t *scene)
{
    uint32_t remaining = 0;
    must(call_release(scene->call));
    target_destroy(&scene->target);
    must(call_apartment_close(scene->apartment, hang_ms(), &remaining));
    must(call_apartment_release(scene->apartment));
}

call_t new_call(const target_t *target)
{
    call_t call;
    must(call_create(target->object, &call));
    return call;
}

void begin_job(call_t call, uint32_t method, job_t *job)
{
    must(call_begin(call, method, &job, sizeof job));
}

void enter_job(call_t call, uint32_t method, job_t *job)
{
    unsigned before = gate_count(&job->entered);
    begin_job(call, method, job);
    gate_wait_for(&job->entered, before + 1);
}

call_cancel_t cancel_of(call_t call)
{
    call_cancel_t cancel;
    must(call_query_cancel(call, &cancel));
    return cancel;
}

void cancel_arrived(call_cancel_t cancel)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    while (call_test_cancel(cancel) != RPC_E_CALL_CANCELED) {
        if (now_us() > end)
            bail_out("a cancel was not seen");
        (void)sched_yield();
    }
}

call_fate_t fate_of(call_t call)
{
    call_fate_t fate;
    must(call_get_fate(call, &fate));
    return fate;
}

call_fate_t settled_fate_of(call_t call)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    while (fate_of(call) == CALL_FATE_RUNNING) {
        if (now_us() > end)
            bail_out("the fate stayed RUNNING after the method had ended");
        (void)sched_yield();
    }
    return fate_of(call);
}

void completed(call_t call)
{
    must(call_wait(call, hang_ms()));
}

call_hresult_t finish_text(call_t call, char *text_out, size_t cap)
{
    size_t len = 0;
    call_hresult_t result = call_finish(call, text_out, cap - 1, &len);
    text_out[result == CALL_E_MORE_DATA ? 0 : len] = '\0';
    return result;
}

call_hresult_t finish(call_t call)
{
    return call_finish(call, NULL, 0, NULL);
}
