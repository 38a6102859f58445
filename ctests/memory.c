/* Memory that is not there: begin and write fail, and nothing else is lost. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HUGE = 1 << 28, ROOM = 1 << 26 };

/* Bytes to read that take no memory: pages that nobody wrote. */
static void *huge_source(void)
{
    void *source = mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (source == MAP_FAILED)
        bail_out("no address space for the source");
    return source;
}

/* From here on the process gets ROOM bytes more, and not twice HUGE. */
static struct rlimit tighten(void)
{
    struct rlimit before, tight;
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu", &pages) != 1)
        bail_out("the size of this process is not told");
    (void)fclose(file);
    (void)getrlimit(RLIMIT_AS, &before);
    tight = before;
    tight.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM;
    if (setrlimit(RLIMIT_AS, &tight) != 0)
        bail_out("no limit can be set");
    return before;
}

static void input_that_does_not_fit(void)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "BG-7 begin without memory for its input");
        return;
    }
    scene_t scene;
    scene_open(&scene, 1);
    must(call_begin(scene.call, ECHO, "warm", 4));
    must(finish(scene.call));
    void *source = huge_source();
    struct rlimit before = tighten();
    call_hresult_t begun = call_begin(scene.call, ECHO, source, HUGE);
    (void)setrlimit(RLIMIT_AS, &before);
    ok_hr(begun, E_OUTOFMEMORY, "BG-7 begin without memory for its input");
    ok_hr(finish(scene.call), RPC_E_CALL_COMPLETE, "BG-8 nothing is pending after it");
    must(call_begin(scene.call, ECHO, "next", 4));
    ok_hr(finish(scene.call), S_OK, "BG-7 the call begins again with what fits");
    (void)munmap(source, HUGE);
    scene_close(&scene);
}

static call_hresult_t write_too_much(job_t *job)
{
    must(call_context_write(job->context, "before ", 7));
    struct rlimit before = tighten();
    job->codes[0] = call_context_write(job->context, job->data, HUGE);
    (void)setrlimit(RLIMIT_AS, &before);
    must(call_context_write(job->context, "after", 5));
    return S_OK;
}

static void output_that_does_not_fit(void)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "FI-1 write without memory for the output");
        return;
    }
    scene_t scene;
    job_t job;
    char text[16];
    scene_open(&scene, 1);
    job_init(&job, NULL, S_OK);
    job.run = write_too_much;
    job.data = huge_source();
    begin_job(scene.call, RUN, &job);
    ok_hr(finish_text(scene.call, text, sizeof text), S_OK, "FI-1 the method goes on");
    ok_hr(job.codes[0], E_OUTOFMEMORY, "FI-1 write without memory for the output");
    ok_str(text, "before after", "FI-1 what was written before and after is there");
    (void)munmap(job.data, HUGE);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(input_that_does_not_fit),
    TAP_TEST(output_that_does_not_fit),
};

TAP_MAIN(tests)
