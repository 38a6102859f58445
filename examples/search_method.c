/*
 * The server's side of the search: a method that reads every file below some directories.
 *
 * It looks for a cancel before each file and after each block, so that the longest time to an
 * answer is one read of a block. When it is told to stop, it first writes what it has and then
 * returns RPC_E_CALL_CANCELED: the client gets what was found so far, and the fate is STOPPED.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "search.h"

enum { BLOCK_SIZE = 256 * 1024, LINE_SHOWN = 100 };

typedef struct job_t {
    call_context_t context;
    search_request_t *request; /* our own copy of the input */
    const char *pattern;
    size_t pattern_len;
    char **roots; /* the directories, with a NULL behind them, as fts_open takes them */
    char *block;
    uint64_t done;
    uint64_t total;
    bool measured;
    search_totals_t totals;
} job_t;

/* The message travels with the call: the client reads it with call_get_error. */
static call_hresult_t fail(job_t *job, const char *what, int error)
{
    char message[512];
    snprintf(message, sizeof message, "%s: %s", what, strerror(error));
    call_hresult_t hr = call_context_set_error(job->context, message);
    return hr < 0 ? hr : E_FAIL;
}

static call_hresult_t look_for_cancel(const job_t *job)
{
    return call_context_test_cancel(job->context) == RPC_S_CALLPENDING ? S_OK : RPC_E_CALL_CANCELED;
}

static uint64_t count_newlines(const char *from, const char *end)
{
    uint64_t count = 0;
    while ((from = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        count++;
        from++;
    }
    return count;
}

static call_hresult_t write_line(job_t *job, const char *path, uint64_t number, const char *text, size_t len)
{
    char line[LINE_SHOWN + 4200];
    int shown = len < LINE_SHOWN ? (int)len : LINE_SHOWN;
    int size = snprintf(line, sizeof line, "%s:%llu: %.*s%s\n", path, (unsigned long long)number, shown, text,
                        len > LINE_SHOWN ? "..." : "");
    if (size < 0 || (size_t)size >= sizeof line)
        return S_OK; /* a path longer than any system call takes: counted, not shown */
    return call_context_write(job->context, line, (size_t)size);
}

/* The first `len` bytes of the block are whole lines, the first of them number `*number` of the file. */
static call_hresult_t search_lines(job_t *job, const char *path, size_t len, uint64_t *number)
{
    const char *at = job->block, *counted = at, *end = at + len, *hit;
    call_hresult_t hr = S_OK;
    while (hr >= 0 && (hit = memmem(at, (size_t)(end - at), job->pattern, job->pattern_len)) != NULL) {
        const char *newline = memrchr(job->block, '\n', (size_t)(hit - job->block));
        const char *start = newline == NULL ? job->block : newline + 1;
        const char *stop = memchr(hit, '\n', (size_t)(end - hit));
        if (stop == NULL)
            stop = end;
        if (job->totals.lines < job->request->lines_wanted) {
            *number += count_newlines(counted, hit);
            counted = hit;
            hr = write_line(job, path, *number, start, (size_t)(stop - start));
        }
        job->totals.lines++;
        at = stop;
    }
    if (job->totals.lines < job->request->lines_wanted) /* else nobody will ask for a number again */
        *number += count_newlines(counted, end);
    return hr;
}

/* Only whole lines are searched; the beginning of the next one waits for the next read. A line
 * longer than the block is searched in pieces. */
static size_t whole_lines(const job_t *job, size_t have, bool last)
{
    const char *newline = memrchr(job->block, '\n', have);
    if (last || (newline == NULL && have == BLOCK_SIZE))
        return have;
    return newline == NULL ? 0 : (size_t)(newline - job->block) + 1;
}

/* S_FALSE: the file was skipped. */
static call_hresult_t search_blocks(job_t *job, const char *path, int file)
{
    size_t kept = 0;
    uint64_t number = 1;
    for (bool first = true;; first = false) {
        ssize_t got = read(file, job->block + kept, BLOCK_SIZE - kept);
        if (got < 0 || (first && memchr(job->block, '\0', (size_t)got) != NULL))
            return S_FALSE;
        job->totals.bytes += (uint64_t)got;
        size_t have = kept + (size_t)got;
        size_t whole = whole_lines(job, have, got == 0);
        call_hresult_t hr = search_lines(job, path, whole, &number);
        if (hr < 0 || got == 0)
            return hr;
        kept = have - whole;
        memmove(job->block, job->block + whole, kept);
        if ((hr = look_for_cancel(job)) < 0)
            return hr;
    }
}

static call_hresult_t search_file(job_t *job, const FTSENT *entry)
{
    /* Without O_NONBLOCK a FIFO put in the file's place since it was listed would hold us here. */
    int file = open(entry->fts_accpath, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    call_hresult_t hr = file < 0 ? S_FALSE : search_blocks(job, entry->fts_path, file);
    if (file >= 0)
        close(file);
    if (hr < 0)
        return hr;
    if (hr == S_FALSE)
        job->totals.skipped++;
    else
        job->totals.files++;
    job->done += (uint64_t)entry->fts_statp->st_size;
    hr = call_context_set_progress(job->context, job->done, job->total);
    uint64_t pause = job->request->pause_percent;
    if (hr >= 0 && pause != 0 && job->done * 100 >= job->total * pause)
        hr = call_context_wait_cancel(job->context, CALL_INFINITE);
    return hr;
}

static call_hresult_t visit(job_t *job, const FTSENT *entry)
{
    bool unreadable = entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR;
    call_hresult_t hr = look_for_cancel(job);
    if (hr < 0)
        return hr;
    if (unreadable && entry->fts_level == 0)
        return fail(job, entry->fts_path, entry->fts_errno);
    if (unreadable && job->measured)
        job->totals.skipped++;
    if (entry->fts_info != FTS_F)
        return S_OK; /* directories are entered, links are not followed */
    if (job->measured)
        return search_file(job, entry);
    job->total += (uint64_t)entry->fts_statp->st_size;
    return S_OK;
}

/* Once to measure, so that the progress has a total, and once to search. */
static call_hresult_t walk(job_t *job)
{
    FTS *tree = fts_open(job->roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return fail(job, "fts_open", errno);
    call_hresult_t hr = S_OK;
    FTSENT *entry = NULL;
    while (hr >= 0 && (entry = fts_read(tree)) != NULL)
        hr = visit(job, entry);
    int error = errno; /* fts_read sets it to 0 when the tree is at its end */
    fts_close(tree);
    return hr >= 0 && entry == NULL && error != 0 ? fail(job, "fts_read", error) : hr;
}

/* The input is valid until the method returns; the copy is there because fts_open wants its paths
 * writable, and the request aligned. */
static call_hresult_t open_job(job_t *job, const void *in, size_t in_len)
{
    const search_request_t *request = job->request = malloc(in_len);
    if (request == NULL || in_len <= sizeof *request)
        return request == NULL ? E_OUTOFMEMORY : E_INVALIDARG;
    memcpy(job->request, in, in_len);
    char *at = (char *)(job->request + 1), *end = (char *)job->request + in_len;
    if (end[-1] != '\0' || request->dir_count == 0 || request->dir_count > in_len)
        return E_INVALIDARG;
    job->pattern = at;
    job->pattern_len = strlen(at);
    job->roots = calloc(request->dir_count + 1, sizeof *job->roots);
    job->block = malloc(BLOCK_SIZE);
    if (job->roots == NULL || job->block == NULL)
        return E_OUTOFMEMORY;
    for (uint32_t i = 0; i < request->dir_count; i++) {
        at += strlen(at) + 1;
        if (at >= end)
            return E_INVALIDARG;
        job->roots[i] = at;
    }
    return job->pattern_len == 0 ? E_INVALIDARG : S_OK;
}

static call_hresult_t search(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self;
    (void)method; /* the class has one, and the library refuses other numbers */
    job_t job = {.context = context};
    call_hresult_t hr = open_job(&job, in, in_len);
    if (hr >= 0)
        hr = walk(&job);
    job.measured = true;
    if (hr >= 0)
        hr = walk(&job);
    /* Whatever ended the search: what was found so far is the client's. */
    call_hresult_t written = call_context_write(context, &job.totals, sizeof job.totals);
    free(job.block);
    free(job.roots);
    free(job.request);
    return hr < 0 ? hr : written;
}

static const char *const methods[] = {"search"};

const call_class_t search_class = {
    .size = sizeof search_class,
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .invoke = search,
};
