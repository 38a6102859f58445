/* Lengths that the environment may set, and what this process has taken of the system. */
#ifndef MEASURE_H
#define MEASURE_H

#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline unsigned length_of(const char *variable, unsigned usual)
{
    const char *asked = getenv(variable);
    long number = asked == NULL ? 0 : strtol(asked, NULL, 10);
    return number > 0 ? (unsigned)number : usual;
}

/* The entries of a folder without "." and "..". */
static inline unsigned entries_in(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        bail_out("no %s", path);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count - 2;
}

static inline unsigned thread_count(void)
{
    return entries_in("/proc/self/task");
}

/* Memory in use, in KiB. */
static inline long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        bail_out("the size of this process is not told");
    (void)fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static inline void pause_us(uint64_t microseconds)
{
    struct timespec time = {(time_t)(microseconds / 1000000), (long)(microseconds % 1000000) * 1000};
    (void)nanosleep(&time, NULL);
}

/* When something that is waited for counts as a hang; not_past() ends the program then. */
static inline uint64_t hang_end_us(void)
{
    return now_us() + (uint64_t)hang_ms() * 1000;
}

static inline void not_past(uint64_t end_us, const char *what)
{
    if (now_us() > end_us)
        bail_out("%s did not come: a hang", what);
}

static inline uint32_t cause_of(call_t call)
{
    uint32_t cause;
    must(call_get_cause(call, &cause));
    return cause;
}

/* Begins with a deadline that leaves the method time to start, however slow the machine is: tries longer ones
 * until it is inside. */
static inline void enter_with_deadline(call_t call, uint32_t method, job_t *job, uint32_t grace_ms)
{
    unsigned before = gate_count(&job->entered);
    for (uint32_t timeout_ms = 20;; timeout_ms *= 2) {
        must(call_set_timeout(call, timeout_ms, grace_ms));
        begin_job(call, method, job);
        while (gate_count(&job->entered) == before && fate_of(call) != CALL_FATE_NEVER_STARTED)
            pause_us(200);
        if (gate_count(&job->entered) != before)
            return;
        (void)finish(call);
        if (timeout_ms > hang_ms())
            bail_out("a method did not start within %u ms", timeout_ms);
    }
}

static inline int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static inline uint64_t median_of(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof values[0], by_size);
    return values[count / 2];
}

/* A thread of the test's own; joined in bounded time. */
static inline pthread_t thread_of(void *(*run)(void *), void *data)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, data) != 0)
        bail_out("no thread");
    return thread;
}

static inline void join_thread(pthread_t thread)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += hang_ms() / 1000;
    if (pthread_timedjoin_np(thread, NULL, &end) != 0)
        bail_out("a thread did not end: a hang");
}

#endif
