/* The descriptor that tells a method of its cancel. The methods are deferred ones, so that the test
 * itself is the server. */
#include "stage.h"

enum { DESCRIPTORS = 3000 };

static void descriptor_is_level_triggered_and_one(void)
{
    stage_t stage;
    int fd = -1, again = -2;
    stage_open(&stage);
    ok_hr(call_context_get_cancel_fd(stage.job.context, &fd), S_OK, "TC-6 a descriptor");
    ok_hr(call_context_get_cancel_fd(stage.job.context, &again), S_OK, "TC-6 asked for twice");
    ok_u64((uint64_t)again, (uint64_t)fd, "TC-6 is one");
    ok(!readable(fd), "TC-1 it is not readable before a cancel");
    ok_hr(call_context_get_cancel_fd(stage.job.context, NULL), E_POINTER, "CR-4 nowhere to put it");
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    ok_u64((uint64_t)poll(&entry, 1, (int)hang_ms()), 1, "TC-6 a cancel makes it readable");
    ok(readable(fd) && readable(fd), "TC-2 and it stays so, however often it is polled");
    must(call_context_complete(stage.job.context, S_OK));
    must(finish(stage.scene.call));
    /* The same call object again: whatever it keeps, the next call is not canceled. */
    job_init(&stage.job, NULL, S_OK);
    enter_job(stage.scene.call, DEFER, &stage.job);
    must(call_context_get_cancel_fd(stage.job.context, &fd));
    ok(!readable(fd), "TC-7 the next call's is not readable");
    must(call_cancel_release(stage.cancel));
    stage.cancel = cancel_of(stage.scene.call);
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    must(call_context_get_cancel_fd(stage.job.context, &fd));
    entry.fd = fd;
    ok_u64((uint64_t)poll(&entry, 1, (int)hang_ms()), 1, "TC-2 until that is canceled too");
    must(call_context_complete(stage.job.context, S_OK));
    must(finish(stage.scene.call));
    stage_close(&stage);
}

static void descriptor_made_after_the_cancel_is_readable(void)
{
    stage_t stage;
    int fd = -1;
    stage_open(&stage);
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    must(call_context_get_cancel_fd(stage.job.context, &fd));
    ok(readable(fd), "TC-2 a descriptor asked for after the cancel is readable at once");
    must(call_context_complete(stage.job.context, S_OK));
    must(finish(stage.scene.call));
    stage_close(&stage);
}

static void thousands_of_descriptors(void)
{
    unsigned before = open_descriptors(), made = 0;
    scene_t scene;
    scene_open(&scene, 1);
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        job_t job;
        int fd = -1;
        call_t call = i % 2 == 0 ? scene.call : new_call(&scene.target);
        job_init(&job, NULL, S_OK);
        enter_job(call, DEFER, &job);
        call_cancel_t cancel = cancel_of(call);
        if (i % 3 == 0)
            must(call_request_cancel(cancel, CALL_INFINITE));
        made += call_context_get_cancel_fd(job.context, &fd) == S_OK && readable(fd) == (i % 3 == 0);
        must(call_context_complete(job.context, S_OK));
        must(finish(call));
        must(call_cancel_release(cancel));
        if (i % 2 != 0)
            must(call_release(call));
    }
    scene_close(&scene);
    ok_u64(made, DESCRIPTORS, "TC-6 a descriptor for each of many calls");
    unsigned after = open_descriptors();
    for (uint64_t from = now_us(); after > before && now_us() - from < (uint64_t)hang_ms() * 1000;)
        after = open_descriptors();
    ok_u64(after, before, "LT-2 and none is left");
}

static const tap_test_t tests[] = {
    TAP_TEST(descriptor_is_level_triggered_and_one),
    TAP_TEST(descriptor_made_after_the_cancel_is_readable),
    TAP_TEST(thousands_of_descriptors),
};

TAP_MAIN(tests)
