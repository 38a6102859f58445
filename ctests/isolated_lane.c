/* The short way of an isolated call: who begins it sends it, who waits for it takes the answer over, and where nobody
 * does, somebody is called.
 *
 *   CALL_LANE_ROUNDS  of each client, at least (1500): they go on until each end was seen often enough
 */
#include "isolated_support.h"
#include "modules/basic.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static call_object_t basic(void)
{
    call_object_t object = bind_object("isolated", "basic", "Basic", NULL);
    /* From the second call on there is a child that can be sent something. */
    for (int i = 0; i < 3; i++)
        (void)pid_of(object, BASIC_PID);
    return object;
}

static call_t begun(call_object_t object, uint32_t method, uint64_t input)
{
    call_t call;
    must(call_create(object, &call));
    must(call_begin(call, method, &input, sizeof input));
    return call;
}

/* Until its method, which tells progress, is inside. */
static void await_progress(call_t call)
{
    uint64_t done = 0, total = 0;
    for (uint64_t end = now_us() + hang_ms() * 1000ull; total == 0;) {
        if (now_us() > end)
            bail_out("no progress");
        must(call_get_progress(call, &done, &total));
    }
}

/* Without a look at the call that might take the answer over. */
static call_fate_t await_fate(call_t call, call_fate_t before)
{
    call_fate_t fate = before;
    for (uint64_t end = now_us() + hang_ms() * 1000ull; fate == before || fate == CALL_FATE_RUNNING;) {
        if (now_us() > end)
            bail_out("the call was left to nobody: %s", fate_name(fate));
        (void)usleep(200);
        must(call_get_fate(call, &fate));
    }
    return fate;
}

/* The first call of this process is in a child when a fork's child makes its own first one, which has the same name
 * there, and cancels it. */
static void a_fork_cancels_its_own_call(void)
{
    call_object_t object = bind_object("isolated", "basic", "Basic", NULL);
    call_t call = enter_method(object, BASIC_OBEY);
    call_cancel_t cancel;
    int status = -1;
    /* Not by its status: a tool that runs this program may have another one for what is lost in a fork. */
    atomic_int *is_right = mmap(NULL, sizeof *is_right, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (is_right == MAP_FAILED)
        bail_out("no memory");
    fflush(stdout);
    pid_t fork_child = fork();
    if (fork_child == 0) {
        scene_t scene;
        job_t job;
        call_fate_t fate;
        scene_open(&scene, 1);
        job_init(&job, "its own", RPC_E_CALL_CANCELED);
        enter_job(scene.call, OBEY, &job);
        must(call_request_cancel(cancel_of(scene.call), CALL_INFINITE));
        call_hresult_t hr = call_finish(scene.call, NULL, 0, NULL);
        must(call_get_fate(scene.call, &fate));
        atomic_store(is_right, hr == RPC_E_CALL_CANCELED && fate == CALL_FATE_STOPPED);
        _exit(0);
    }
    (void)waitpid(fork_child, &status, 0);
    ok(WIFEXITED(status) && atomic_load(is_right),
       "[isolated] a fork's child cancels a call of its own, and touches no other");
    (void)munmap(is_right, sizeof *is_right);
    must(call_query_cancel(call, &cancel));
    ok_hr(call_wait(call, 0), RPC_S_CALLPENDING, "the parent's goes on");
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_hr(call_finish(call, NULL, 0, NULL), RPC_E_CALL_CANCELED, "until it is canceled");
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(object));
}

/* The same from the other side: a method forks, and the fork's child looks for cancels of calls of its own. */
static void a_method_may_fork(void)
{
    call_object_t object = basic();
    int status = -1;
    must(call_method(object, BASIC_FORK, NULL, 0, &status, sizeof status, NULL));
    ok_u64((uint64_t)status, 0, "[isolated] a method's fork makes calls of its own");
    must(call_object_release(object));
}

static call_cancel_t of_handler;
static volatile sig_atomic_t handled;

static void cancels(int number)
{
    (void)number;
    handled = call_request_cancel(of_handler, CALL_INFINITE) == S_OK;
}

static void a_signal_handler_cancels(void)
{
    call_object_t object = basic();
    call_t call;
    call_fate_t fate;
    must(call_create(object, &call));
    must(call_query_cancel(call, &of_handler));
    for (int i = 0; i < 20; i++) {
        uint64_t done = 0, total = 0;
        must(call_begin(call, BASIC_POLL, NULL, 0));
        for (uint64_t end = now_us() + hang_ms() * 1000ull; total == 0 && now_us() < end;)
            must(call_get_progress(call, &done, &total));
        call_cancel_t before = of_handler;
        must(call_query_cancel(call, &of_handler));
        must(call_cancel_release(before));
        (void)signal(SIGUSR1, cancels);
        (void)raise(SIGUSR1);
        ok(handled, "[isolated] a signal handler asks for a cancel");
        ok_hr(call_finish(call, NULL, 0, NULL), RPC_E_CALL_CANCELED, "and it comes to the method");
        must(call_get_fate(call, &fate));
        ok_fate(fate, CALL_FATE_STOPPED, "which stops");
    }
    must(call_cancel_release(of_handler));
    must(call_release(call));
    must(call_object_release(object));
}

static void a_call_that_nobody_waits_for_ends(void)
{
    call_object_t object = basic();
    uint64_t out = 0;
    for (uint64_t i = 0; i < 20; i++) {
        call_t call = begun(object, BASIC_ECHO, i);
        ok_fate(await_fate(call, CALL_FATE_NONE), CALL_FATE_COMPLETED, "[isolated] nobody waits for it");
        must(call_finish(call, &out, sizeof out, NULL));
        ok_u64(out, i, "and its answer is there");
        must(call_release(call));
    }
    must(call_object_release(object));
}

static void calls_are_served_in_order(void)
{
    enum { MANY = 200 };
    call_object_t object = basic();
    call_t calls[MANY];
    unsigned first = 0, wrong = 0;
    for (int i = 0; i < MANY; i++)
        calls[i] = begun(object, BASIC_COUNT, 0);
    /* The last is waited for first. */
    must(call_wait(calls[MANY - 1], hang_ms()));
    for (int i = 0; i < MANY; i++) {
        unsigned count = 0;
        must(call_finish(calls[i], &count, sizeof count, NULL));
        first = i == 0 ? count : first;
        wrong += count != first + (unsigned)i;
        must(call_release(calls[i]));
    }
    ok_u64(wrong, 0, "[isolated] %d calls are served in the order of their begins", MANY);
    must(call_object_release(object));
}

static void progress_is_seen_though_nobody_waits(void)
{
    call_object_t object = basic();
    call_cancel_t cancel;
    uint64_t done = 0, total = 0;
    call_t call;
    must(call_create(object, &call));
    must(call_query_cancel(call, &cancel));
    must(call_begin(call, BASIC_PROGRESS, NULL, 0));
    for (uint64_t end = now_us() + hang_ms() * 1000ull; total == 0;) {
        if (now_us() > end)
            bail_out("no progress");
        must(call_get_progress(call, &done, &total));
    }
    ok_u64(done, 3, "[isolated] progress of a call that nobody waits for");
    must(call_request_cancel(cancel, CALL_INFINITE));
    ok_fate(await_fate(call, CALL_FATE_NONE), CALL_FATE_STOPPED, "and its cancel reaches it");
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(object));
}

static call_hresult_t finish_it(caller_t *self)
{
    return call_finish(self->call, self->out, sizeof self->out, &self->len);
}

/* The child exits in a method, with a client that sleeps for it, one that looks, and none; or is killed. */
static void a_child_may_die_on_the_way(void)
{
    call_object_t object = basic();
    for (int way = 0; way < 4; way++) {
        for (int i = 0; i < 3; i++)
            (void)pid_of(object, BASIC_PID);
        pid_t pid = pid_of(object, BASIC_PID);
        call_t call = way == 0 ? enter_method(object, BASIC_OBEY) : begun(object, BASIC_EXIT, 0);
        caller_t waiter = {.run = finish_it, .call = call};
        call_hresult_t hr = RPC_S_CALLPENDING;
        if (way < 2) {
            caller_start(&waiter);
            if (way == 0)
                (void)kill(pid, SIGKILL);
            hr = caller_join(&waiter);
        } else if (way == 2) {
            for (uint64_t end = now_us() + hang_ms() * 1000ull; hr == RPC_S_CALLPENDING && now_us() < end;)
                hr = call_try_finish(call, NULL, 0, NULL);
        } else {
            (void)await_fate(call, CALL_FATE_NONE);
            hr = call_finish(call, NULL, 0, NULL);
        }
        ok_hr(hr, RPC_E_SERVER_DIED, "[isolated] a child dies on the way (%d)", way);
        must(call_release(call));
    }
    must(call_object_release(object));
}

/* A client sleeps for a call that flies when all is shut down. One that obeys is given the time that it takes. */
static void a_shutdown_ends_what_flies(void)
{
    enum { SHORT_MS = 300 };
    for (int round = 0; round < 6; round++) {
        call_object_t object = basic();
        pid_t pid = pid_of(object, BASIC_PID);
        bool obeys = round % 2 != 0;
        call_t call = begun(object, obeys ? BASIC_OBEY : BASIC_SPIN, 0);
        caller_t waiter = {.run = finish_it, .call = call};
        call_fate_t fate;
        caller_start(&waiter);
        caller_settle(&waiter);
        await_progress(call);
        (void)call_shutdown(obeys ? hang_ms() : SHORT_MS, NULL);
        ok_hr(caller_join(&waiter), obeys ? RPC_E_CALL_CANCELED : RPC_E_DISCONNECTED,
              "[isolated] a shutdown frees who sleeps for a call");
        must(call_get_fate(call, &fate));
        fate = await_fate(call, CALL_FATE_NONE);
        ok(fate == CALL_FATE_KILLED || fate == CALL_FATE_STOPPED, "and its method ends: %s", fate_name(fate));
        must(call_release(call));
        must(call_object_release(object));
        await_death(pid);
    }
}

/* --- clients that do it each in another way --- */

enum { FINISH, WAIT, POLL, WAIT_MANY, DESCRIPTOR, CALLBACK, QUEUE, CANCEL, LEAVE, DIE, WAYS };
static const char *const way_names[WAYS] = {"finished", "waited", "polled", "waited for many", "by descriptor",
                                            "by callback", "by queue", "canceled", "left alone", "child dies"};
enum { CLIENTS = 4 };

typedef struct client_t {
    caller_t caller;
    call_object_t object;
    uint64_t random;
    atomic_uint done;
    atomic_bool over;
    unsigned rounds, ways[WAYS], completed, stopped, never, killed, wrong;
} client_t;

/* By all clients. Who comes first, the method or its cancel, depends on how the machine shares its processors. */
static struct {
    atomic_uint completed, stopped, never;
} ends;

static bool each_end_was_seen(unsigned rounds)
{
    return atomic_load(&ends.completed) >= rounds / 2 && atomic_load(&ends.stopped) >= rounds / 100
        && atomic_load(&ends.never) >= rounds / 300;
}

static uint32_t draw(client_t *client, uint32_t count)
{
    client->random = client->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(client->random >> 33) % count;
}

static void told(call_t call, void *user)
{
    (void)call;
    gate_open(user);
}

static void book(client_t *client, call_t call, call_hresult_t hr, bool echoed, bool canceled, bool killed)
{
    call_fate_t fate;
    must(call_get_fate(call, &fate));
    if (hr == S_OK && echoed && fate == CALL_FATE_COMPLETED)
        client->completed++, atomic_fetch_add(&ends.completed, 1);
    else if (canceled && hr == RPC_E_CALL_CANCELED && fate == CALL_FATE_NEVER_STARTED)
        client->never++, atomic_fetch_add(&ends.never, 1);
    else if (canceled && hr == RPC_E_CALL_CANCELED && fate == CALL_FATE_STOPPED)
        client->stopped++, atomic_fetch_add(&ends.stopped, 1);
    else if (killed && hr == RPC_E_SERVER_DIED && fate == CALL_FATE_KILLED)
        client->killed++;
    else if (client->wrong++ < 5)
        diag("0x%08X, %s", (unsigned)hr, fate_name(fate));
}

static void one_round(client_t *client, call_t call, call_queue_t queue)
{
    uint32_t way = draw(client, WAYS - 1);
    if (way == LEAVE && draw(client, 5) == 0)
        way = DIE;
    client->ways[way]++;
    uint64_t in = client->random, out = 0;
    gate_t gate = GATE("a callback");
    call_cancel_t cancel;
    must(call_query_cancel(call, &cancel));
    if (way == CALLBACK)
        must(call_set_callback(call, told, &gate, NULL));
    if (way == QUEUE)
        must(call_set_queue(call, queue, in));
    bool obeys = way == CANCEL && draw(client, 2) == 0;
    must(call_begin(call, obeys ? BASIC_OBEY : way == DIE ? BASIC_EXIT : BASIC_ECHO, &in, sizeof in));
    struct pollfd entry = {.fd = -1, .events = POLLIN};
    call_completion_t completion;
    size_t count = 0;
    call_hresult_t hr = RPC_S_CALLPENDING;
    switch (way) {
    case WAIT:
        while (call_wait(call, draw(client, 2)) == RPC_S_CALLPENDING) {
        }
        break;
    case POLL:
        while ((hr = call_try_finish(call, &out, sizeof out, NULL)) == RPC_S_CALLPENDING) {
        }
        break;
    case WAIT_MANY:
        must(call_wait_many(&call, 1, CALL_WAIT_ALL, hang_ms(), NULL));
        break;
    case DESCRIPTOR:
        must(call_get_fd(call, &entry.fd));
        if (poll(&entry, 1, (int)hang_ms()) != 1)
            bail_out("the descriptor does not say it");
        break;
    case CALLBACK:
        gate_wait(&gate);
        break;
    case QUEUE:
        must(call_queue_next(queue, &completion, 1, hang_ms(), &count));
        break;
    case CANCEL:
        for (uint64_t done = 0, total = 0; obeys && total == 0 && draw(client, 1000) != 0;)
            must(call_get_progress(call, &done, &total));
        hr = call_request_cancel(cancel, CALL_INFINITE);
        if (hr < 0 && hr != RPC_E_CALL_COMPLETE)
            must(hr);
        hr = RPC_S_CALLPENDING;
        break;
    case LEAVE:
        (void)await_fate(call, CALL_FATE_NONE);
        break;
    default:
        break;
    }
    if (hr == RPC_S_CALLPENDING)
        hr = call_finish(call, &out, sizeof out, NULL);
    book(client, call, hr, out == in, way == CANCEL, way == DIE);
    if (way == CALLBACK)
        must(call_set_callback(call, NULL, NULL, NULL));
    if (way == QUEUE)
        must(call_set_queue(call, (call_queue_t){0}, 0));
    must(call_cancel_release(cancel));
}

static call_hresult_t be_a_client(caller_t *self)
{
    client_t *client = self->data;
    call_queue_t queue;
    call_t calls[2];
    must(call_queue_create(&queue));
    for (int i = 0; i < 2; i++)
        must(call_create(client->object, &calls[i]));
    uint64_t end = 0;
    for (unsigned i = 0; i < client->rounds || (!each_end_was_seen(client->rounds) && now_us() < end); i++) {
        if (i < client->rounds)
            end = now_us() + hang_ms() * 1000ull;
        one_round(client, calls[i % 2], queue);
        (void)atomic_fetch_add(&client->done, 1);
    }
    for (int i = 0; i < 2; i++)
        must(call_release(calls[i]));
    must(call_queue_release(queue));
    atomic_store(&client->over, true);
    return S_OK;
}

/* As long as they go on, they may take their time. */
static unsigned await_clients(client_t *clients)
{
    uint64_t end = now_us() + hang_ms() * 1000ull;
    for (unsigned before = 0, over = 0;;) {
        unsigned done = 0;
        for (int i = 0; i < CLIENTS; i++)
            done += atomic_load(&clients[i].done);
        if (over == CLIENTS)
            return done;
        over = 0;
        for (int i = 0; i < CLIENTS; i++)
            over += atomic_load(&clients[i].over);
        (void)usleep(10000);
        if (done != before)
            end = now_us() + hang_ms() * 1000ull;
        else if (now_us() > end)
            bail_out("clients hang after %u rounds", done);
        before = done;
    }
}

static void clients_of_every_kind(void)
{
    const char *said = getenv("CALL_LANE_ROUNDS");
    unsigned rounds = said == NULL ? 1500 : (unsigned)strtoul(said, NULL, 10);
    static client_t clients[CLIENTS];
    client_t all = {.rounds = 0};
    call_object_t object = basic();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client_t){.object = object, .rounds = rounds, .random = now_ns() + (uint64_t)i};
        clients[i].caller = (caller_t){.run = be_a_client, .data = &clients[i]};
        caller_start(&clients[i].caller);
    }
    unsigned calls = await_clients(clients);
    for (int i = 0; i < CLIENTS; i++) {
        (void)caller_join(&clients[i].caller);
        for (int way = 0; way < WAYS; way++)
            all.ways[way] += clients[i].ways[way];
        all.completed += clients[i].completed, all.stopped += clients[i].stopped, all.never += clients[i].never;
        all.killed += clients[i].killed, all.wrong += clients[i].wrong;
    }
    for (int way = 0; way < WAYS; way++)
        ok(all.ways[way] >= rounds / 100, "%s: %u", way_names[way], all.ways[way]);
    ok_u64(all.wrong, 0, "[isolated] %u calls end as their fates say", calls);
    ok_u64(all.completed + all.stopped + all.never + all.killed, calls, "each of them once");
    ok(all.completed >= rounds / 2, "completed: %u", all.completed);
    ok(all.stopped >= rounds / 100, "stopped: %u", all.stopped);
    ok(all.never >= rounds / 300, "never started: %u", all.never);
    ok_u64(all.killed, all.ways[DIE], "killed");
    must(call_object_release(object));
}

static const tap_test_t tests[] = {
    TAP_TEST(a_fork_cancels_its_own_call),
    TAP_TEST(a_method_may_fork),
    TAP_TEST(a_signal_handler_cancels),
    TAP_TEST(a_call_that_nobody_waits_for_ends),
    TAP_TEST(calls_are_served_in_order),
    TAP_TEST(progress_is_seen_though_nobody_waits),
    TAP_TEST(a_child_may_die_on_the_way),
    TAP_TEST(clients_of_every_kind),
    TAP_TEST(a_shutdown_ends_what_flies),
};
TAP_MAIN(tests)
