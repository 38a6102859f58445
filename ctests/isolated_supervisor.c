/* What the supervisor answers, to a host that is this program, and to the library when descriptors run out. */
#include "isolated_support.h"
#include "modules/basic.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As src/isolated/mod.rs has them. */
enum { SPAWN = 1, KILL, RETIRE, DIED };

extern char **environ;

/* Starts a supervisor of this process; gives the socket to it. */
static int new_supervisor(void)
{
    char path[5000];
    int ends[2], self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        self = eventfd(0, EFD_CLOEXEC); /* as the library does where the system has no such thing, as under valgrind */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        bail_out("no socket");
    snprintf(path, sizeof path, "%s", call_host_path());
    char *const arguments[] = {path, (char[]) {"--supervise"}, NULL};
    posix_spawn_file_actions_t actions;
    pid_t first;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 100);
    posix_spawn_file_actions_adddup2(&actions, self, 101);
    posix_spawn_file_actions_adddup2(&actions, 100, 3);
    posix_spawn_file_actions_adddup2(&actions, 101, 4);
    if (self < 0 || posix_spawn(&first, path, &actions, NULL, arguments, environ) != 0)
        bail_out("no supervisor: %s", path);
    posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    (void)close(self);
    (void)waitpid(first, NULL, 0);
    return ends[0];
}

static void ask(int socket, uint8_t word, uint64_t id, uint64_t number)
{
    uint8_t message[17] = {word};
    memcpy(message + 1, &id, 8);
    memcpy(message + 9, &number, 8);
    if (send(socket, message, sizeof message, MSG_NOSIGNAL) != sizeof message)
        bail_out("nobody is there");
}

/* The child whose end it tells next, 0: none. */
static uint64_t next_death(int socket)
{
    uint8_t message[8192];
    uint64_t id = 0;
    struct pollfd entry = {socket, POLLIN, 0};
    do {
        if (poll(&entry, 1, (int)hang_ms()) != 1 || recv(socket, message, sizeof message, 0) < 9)
            return 0;
    } while (message[0] != DIED);
    memcpy(&id, message + 1, 8);
    return id;
}

static void who_is_not_there_is_dead(void)
{
    int socket = new_supervisor();
    ask(socket, KILL, 71, 0);
    ok_u64(next_death(socket), 71, "a child that it never had: killed at once");
    ask(socket, KILL, 72, 50);
    ok_u64(next_death(socket), 72, "asked to end");
    ask(socket, RETIRE, 73, 0);
    ok_u64(next_death(socket), 73, "told to go");
    ask(socket, SPAWN, 74, 10);
    ok_u64(next_death(socket), 74, "a child that is to be started out of nothing");
    (void)close(socket);
}

static void without_descriptors_a_binding_fails(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET, .spares = CALL_BIND_NO_SPARES};
    call_object_t object = bind_object("isolated", "basic", "Basic", &options), other = {0};
    pid_t supervisor = parent_of(pid_of(object, BASIC_PID));
    struct rlimit before, none;
    if (prlimit(supervisor, RLIMIT_NOFILE, NULL, &before) != 0)
        bail_out("nobody knows the limit");
    none = (struct rlimit) {5, before.rlim_max};
    if (prlimit(supervisor, RLIMIT_NOFILE, &none, NULL) != 0)
        bail_out("no limit");
    options.start_ms = hang_ms();
    (void)alarm(2 * hang_ms() / 1000);
    ok_hr(try_bind("isolated", "basic", "Basic", &options, &other), RPC_E_SERVER_DIED_DNE,
          "no descriptors are left: refused");
    (void)alarm(0);
    char why[512] = "";
    must(call_get_last_error(NULL, why, sizeof why, NULL));
    ok(strstr(why, strerror(EMFILE)) != NULL, "the message says so: %s", why);
    if (prlimit(supervisor, RLIMIT_NOFILE, &before, NULL) != 0)
        bail_out("no limit");
    ok(pid_of(object, BASIC_PID) > 0, "the other object is served");
    other = bind_object("isolated", "basic", "Basic", NULL);
    ok(parent_of(pid_of(other, BASIC_PID)) == supervisor, "and with descriptors there is another one");
    must(call_object_release(other));
    must(call_object_release(object));
}

int main(void)
{
    static const tap_test_t tests[] = {
        TAP_TEST(who_is_not_there_is_dead),
        TAP_TEST(without_descriptors_a_binding_fails),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
