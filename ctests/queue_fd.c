/* A queue's descriptor: readable while something is in it, under poll and epoll, with one consumer and
 * with two, and never when nothing is.
 *
 *   CALL_QUEUE_STRAYS  how many tags the two consumers share (20000) */
#include "queues.h"
#include "stage.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { STRAYS = 20000, BATCH = 7 };

static int fd_of(call_queue_t queue)
{
    int32_t fd = -2;
    must(call_queue_get_fd(queue, &fd));
    return fd;
}

/* By poll and by a level-triggered epoll. */
typedef struct eye_t {
    int fd, epoll;
} eye_t;

static eye_t look_at(call_queue_t queue)
{
    eye_t eye = {.fd = fd_of(queue), .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event event = {.events = EPOLLIN};
    if (eye.epoll < 0 || epoll_ctl(eye.epoll, EPOLL_CTL_ADD, eye.fd, &event) != 0)
        bail_out("no epoll");
    return eye;
}

static void sees(const eye_t *eye, bool something, const char *when)
{
    struct epoll_event event;
    ok(readable(eye->fd) == something, "poll: %s %s", something ? "readable" : "not readable", when);
    ok((epoll_wait(eye->epoll, &event, 1, 0) == 1) == something, "epoll: %s %s",
       something ? "readable" : "not readable", when);
}

static void readable_while_something_is_there(void)
{
    call_queue_t queue = new_queue();
    eye_t eye = look_at(queue);
    ok(fd_of(queue) == eye.fd, "it is always the same");
    sees(&eye, false, "while it is empty");
    for (uint64_t tag = 0; tag < 5; tag++)
        must(call_queue_post(queue, tag));
    sees(&eye, true, "with five tags");
    sees(&eye, true, "when it is asked again");
    for (unsigned left = 4; left > 0; left--) {
        (void)take_one(queue);
        sees(&eye, true, "while some are left");
    }
    (void)take_one(queue);
    sees(&eye, false, "when all are taken");
    must(call_queue_post(queue, 6));
    sees(&eye, true, "with another");
    (void)take_one(queue);
    must(call_queue_close(queue));
    sees(&eye, true, "once it is closed and nothing will come");
    ok_hr(poll_queue(queue), RPC_E_DISCONNECTED, "which the queue says, too");
    sees(&eye, true, "for good");
    (void)close(eye.epoll);
    must(call_queue_release(queue));
}

static void made_late(void)
{
    call_queue_t queue = new_queue();
    must(call_queue_post(queue, 1));
    eye_t eye = look_at(queue);
    sees(&eye, true, "made when something was there");
    (void)take_one(queue);
    sees(&eye, false, "until it is taken");
    (void)close(eye.epoll);
    must(call_queue_release(queue));
    queue = new_queue();
    must(call_queue_close(queue));
    eye = look_at(queue);
    sees(&eye, true, "made when it was closed");
    (void)close(eye.epoll);
    must(call_queue_release(queue));
}

static void readable_for_a_closed_queue_when_the_last_has_come(void)
{
    scene_t scene;
    job_t job;
    scene_open(&scene, 1);
    call_queue_t queue = new_queue();
    eye_t eye = look_at(queue);
    must(call_set_queue(scene.call, queue, 1));
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &job);
    must(call_queue_close(queue));
    sees(&eye, false, "closed, while a call is to come");
    must(call_context_complete(job.context, S_OK));
    sees(&eye, true, "when it has come");
    (void)take_one(queue);
    sees(&eye, true, "and when it is taken: nothing will come");
    (void)close(eye.epoll);
    must(finish(scene.call));
    must(call_queue_release(queue));
    scene_close(&scene);
}

/* Two threads that poll and take, as event loops do; a third that posts. */
typedef struct share_t {
    call_queue_t queue;
    eye_t eye;
    unsigned posts;
    atomic_uint taken, wakes, in_vain;
} share_t;

static void *poll_and_take(void *argument)
{
    share_t *share = argument;
    call_completion_t taken[BATCH];
    size_t count;
    for (;;) {
        struct pollfd entry = {.fd = share->eye.fd, .events = POLLIN};
        if (poll(&entry, 1, (int)hang_ms()) != 1)
            bail_out("the descriptor is not readable, and the queue not over: a hang");
        atomic_fetch_add(&share->wakes, 1);
        call_hresult_t result = call_queue_next(share->queue, taken, BATCH, 0, &count);
        if (result == RPC_E_DISCONNECTED)
            return NULL;
        if (result == RPC_S_CALLPENDING)
            atomic_fetch_add(&share->in_vain, 1);
        else
            must(result);
        atomic_fetch_add(&share->taken, (unsigned)count);
    }
}

static void two_loops_share_it(void)
{
    share_t share = {.queue = new_queue(), .posts = asked_for("CALL_QUEUE_STRAYS", STRAYS)};
    pthread_t loops[2];
    share.eye = look_at(share.queue);
    for (int i = 0; i < 2; i++)
        (void)pthread_create(&loops[i], NULL, poll_and_take, &share);
    for (unsigned i = 0; i < share.posts; i++)
        must(call_queue_post(share.queue, i));
    must(call_queue_close(share.queue));
    for (int i = 0; i < 2; i++)
        (void)pthread_join(loops[i], NULL);
    ok_u64(share.taken, share.posts, "two loops take what one thread posts, and see the end");
    diag("%u tags, %u wakes, %u of them in vain, as the other loop was first", share.posts,
         atomic_load(&share.wakes), atomic_load(&share.in_vain));
    (void)close(share.eye.epoll);
    must(call_queue_release(share.queue));
}

/* Posts a few at a time, as often as it is told. */
typedef struct poster_t {
    call_queue_t queue;
    atomic_uint told, done;
    unsigned rounds;
} poster_t;

static void *post_some(void *argument)
{
    poster_t *poster = argument;
    for (unsigned round = 0; round < poster->rounds; round++) {
        while (atomic_load(&poster->told) == round)
            ;
        must(call_queue_post(poster->queue, round));
        atomic_store(&poster->done, round + 1);
    }
    return NULL;
}

/* One posts while another takes; when both are through, the descriptor says what is there: nothing. A
 * loop that it called in vain for ever would never sleep. */
static void quiet_when_all_is_taken(void)
{
    poster_t poster = {.queue = new_queue(), .rounds = asked_for("CALL_QUEUE_STRAYS", STRAYS) / 4};
    pthread_t thread;
    unsigned stray = 0, stays = 0;
    int fd = fd_of(poster.queue);
    (void)pthread_create(&thread, NULL, post_some, &poster);
    for (unsigned round = 0; round < poster.rounds; round++) {
        atomic_store(&poster.told, round + 1);
        while (poll_queue(poster.queue) == RPC_S_CALLPENDING)
            ;
        while (atomic_load(&poster.done) == round)
            ;
        if (!readable(fd))
            continue;
        stray++;
        if (poll_queue(poster.queue) != RPC_S_CALLPENDING)
            bail_out("more came than was posted");
        stays += readable(fd);
    }
    (void)pthread_join(thread, NULL);
    diag("%u rounds: %u times readable for nothing, %u times still after a look into the queue",
         poster.rounds, stray, stays);
    ok_u64(stays, 0, "it is not readable when nothing is there, or not after a look");
    must(call_queue_release(poster.queue));
}

static void closed_with_the_queue(void)
{
    unsigned before = open_descriptors();
    for (int i = 0; i < 100; i++) {
        call_queue_t queue = new_queue();
        (void)fd_of(queue);
        must(call_queue_post(queue, 1));
        must(call_queue_release(queue));
    }
    ok_u64(open_descriptors(), before, "a released queue's descriptor is closed");
    call_queue_t queue = new_queue();
    ok(fcntl(fd_of(queue), F_GETFD) == FD_CLOEXEC, "and no child inherits one");
    must(call_queue_release(queue));
}

static const tap_test_t tests[] = {
    TAP_TEST(readable_while_something_is_there),
    TAP_TEST(made_late),
    TAP_TEST(readable_for_a_closed_queue_when_the_last_has_come),
    TAP_TEST(two_loops_share_it),
    TAP_TEST(quiet_when_all_is_taken),
    TAP_TEST(closed_with_the_queue),
};

TAP_MAIN(tests)
