/* A call object's descriptor: readable from the completion of its call until that is finished, whenever
 * it was made and whatever completed the call.
 *
 *   CALL_FD_BEGINS  how many begins one descriptor is watched for (1000) */
#include "place.h"
#include "queues.h"
#include "stage.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BEGINS = 1000, SOON_MS = 20, OBJECTS = 50 };

static int fd_of(call_t call)
{
    int32_t fd = -2;
    must(call_get_fd(call, &fd));
    return fd;
}

/* Until it is readable; a hang if that takes too long. */
static void await_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    if (poll(&entry, 1, (int)hang_ms()) != 1 || entry.revents != POLLIN)
        bail_out("the descriptor of a call did not become readable: a hang");
}

static void through_the_life_of_a_call(void)
{
    stage_t stage;
    stage_open(&stage);
    must(call_context_complete(stage.job.context, S_OK));
    must(finish(stage.scene.call));
    int fd = fd_of(stage.scene.call);
    ok(!readable(fd), "not readable while the call object is idle");
    enter_job(stage.scene.call, DEFER, &stage.job);
    ok(!readable(fd), "nor while a call is in progress");
    must(call_context_complete(stage.job.context, S_OK));
    ok(readable(fd), "readable when it is complete");
    completed(stage.scene.call);
    ok(readable(fd), "also when somebody has waited for it");
    char small[1];
    must(call_context_write(stage.job.context, "x", 1) == RPC_E_CALL_COMPLETE ? S_OK : E_FAIL);
    must(call_finish(stage.scene.call, small, 1, NULL));
    ok(!readable(fd), "not readable when it is finished");
    ok(fd_of(stage.scene.call) == fd, "it is always the same");
    ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "and no child inherits it");
    stage_close(&stage);
}

static void until_a_finish_that_succeeds(void)
{
    scene_t scene;
    char text[8];
    size_t len;
    scene_open(&scene, 1);
    int fd = fd_of(scene.call);
    must(call_begin(scene.call, ECHO, "four", 4));
    completed(scene.call);
    await_readable(fd);
    ok_hr(call_finish(scene.call, text, 1, &len), CALL_E_MORE_DATA, "a finish with too small a buffer");
    ok(readable(fd), "leaves it readable");
    ok_hr(call_try_finish(scene.call, text, sizeof text, &len), S_OK, "one that succeeds");
    ok(!readable(fd), "does not");
    scene_close(&scene);
}

static void made_late(void)
{
    stage_t stage;
    stage_open(&stage);
    int fd = fd_of(stage.scene.call);
    ok(!readable(fd), "made while the call is in progress it is not readable");
    must(call_context_complete(stage.job.context, S_OK));
    ok(readable(fd), "until that is complete");
    must(finish(stage.scene.call));
    ok(!readable(fd), "and finished");
    call_t other = new_call(&stage.scene.target);
    must(call_begin(other, ECHO, NULL, 0));
    completed(other);
    fd = fd_of(other);
    ok(readable(fd), "made after the completion it is readable at once");
    must(finish(other));
    ok(!readable(fd), "until the call is finished");
    must(call_release(other));
    stage_close(&stage);
}

static void one_for_many_begins(const place_t *place, const char *kind)
{
    call_t call = new_call(&place->target);
    unsigned before = 0, after = 0, right = 0, begins = asked_for("CALL_FD_BEGINS", BEGINS);
    int fd = fd_of(call), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        bail_out("no epoll");
    for (unsigned i = 0; i < begins; i++) {
        before += readable(fd);
        must(call_begin(call, ECHO, &i, sizeof i));
        if (epoll_wait(epoll, &event, 1, (int)hang_ms()) != 1)
            bail_out("begin %u of a call with a descriptor did not make it readable: a hang", i);
        right += call_try_finish(call, NULL, 0, NULL) == S_OK;
        after += readable(fd);
    }
    ok_u64(before + after, 0, "[%s] the descriptor was never readable outside its %u calls", kind, begins);
    ok_u64(right, begins, "[%s] and whenever epoll said so the call was complete", kind);
    (void)close(epoll);
    must(call_release(call));
}

static void at_each_kind(void)
{
    for (int kind = 0; kind < PLACE_KINDS; kind++) {
        place_t place;
        place_open(&place, place_kinds[kind].kind);
        one_for_many_begins(&place, place_kinds[kind].name);
        place_close(&place);
    }
}

/* By whatever but its method. */
static void canceled(void)
{
    stage_t stage;
    stage_open(&stage);
    int fd = fd_of(stage.scene.call);
    ok_hr(call_request_cancel(stage.cancel, CALL_INFINITE), S_OK, "a cancel with grace");
    ok(!readable(fd), "does not complete the call");
    ok_hr(call_cancel(stage.cancel, 0), RPC_E_CALL_CANCELED, "without grace");
    ok(readable(fd), "it does");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "finished");
    ok(!readable(fd), "it is not readable");
    must(call_context_complete(stage.job.context, S_OK));
    ok(!readable(fd), "nor by the late end of the method");
    must(call_begin(stage.scene.call, ECHO, NULL, 0));
    await_readable(fd);
    ok_hr(finish(stage.scene.call), S_OK, "but by the next call");
    must(call_set_timeout(stage.scene.call, SOON_MS, 0));
    begin_job(stage.scene.call, DEFER, &stage.job);
    await_readable(fd);
    ok_hr(finish(stage.scene.call), RPC_E_TIMEOUT, "which a deadline may end");
    gate_wait_for(&stage.job.entered, 2);
    must(call_context_complete(stage.job.context, S_OK));
    must(call_set_timeout(stage.scene.call, CALL_INFINITE, 0));
    enter_job(stage.scene.call, DEFER, &stage.job);
    must(call_object_disconnect(stage.scene.target.object));
    ok(readable(fd), "or a disconnect");
    ok_hr(finish(stage.scene.call), RPC_E_DISCONNECTED, "with its code");
    must(call_context_complete(stage.job.context, S_OK));
    stage_close(&stage);
}

static void closed_with_the_call_object(void)
{
    scene_t scene;
    call_t calls[OBJECTS];
    scene_open(&scene, 1);
    (void)fd_of(scene.call);
    unsigned before = open_descriptors();
    for (int i = 0; i < OBJECTS; i++) {
        calls[i] = new_call(&scene.target);
        (void)fd_of(calls[i]);
        must(call_begin(calls[i], ECHO, NULL, 0));
    }
    ok_u64(open_descriptors(), before + OBJECTS, "%d call objects have one each", OBJECTS);
    for (int i = 0; i < OBJECTS; i++) {
        if (i % 2 == 0)
            must(finish(calls[i]));
        must(call_release(calls[i]));
    }
    /* The last completion of a released call may still be on its way. */
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    while (open_descriptors() != before && now_us() < end)
        (void)usleep(1000);
    ok_u64(open_descriptors(), before, "and they are closed with them, finished or not");
    scene_close(&scene);
}

/* Completions and finishes on two threads: in the end the descriptor says what is. */
static void quiet_after_each_finish(void)
{
    scene_t scene;
    unsigned stray = 0, missing = 0, begins = asked_for("CALL_FD_BEGINS", BEGINS) * 10;
    scene_open(&scene, 1);
    int fd = fd_of(scene.call);
    for (unsigned i = 0; i < begins; i++) {
        must(call_begin(scene.call, ECHO, NULL, 0));
        call_hresult_t finished;
        while ((finished = call_try_finish(scene.call, NULL, 0, NULL)) == RPC_S_CALLPENDING)
            ;
        must(finished);
        /* Who completed it may be about to raise what is over already. */
        stray += readable(fd);
    }
    must(call_begin(scene.call, ECHO, NULL, 0));
    await_readable(fd);
    must(finish(scene.call));
    missing += readable(fd);
    diag("%u begins: %u times readable for a moment when the call was finished", begins, stray);
    ok_u64(missing, 0, "a finished call leaves its descriptor quiet, after %u begins without a poll", begins);
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(through_the_life_of_a_call),
    TAP_TEST(until_a_finish_that_succeeds),
    TAP_TEST(made_late),
    TAP_TEST(at_each_kind),
    TAP_TEST(canceled),
    TAP_TEST(closed_with_the_call_object),
    TAP_TEST(quiet_after_each_finish),
};

TAP_MAIN(tests)
