/* Programs that take part and are not of this library, or of another version of it. This program is such a `host`. */
#include "isolated_support.h"
#include "modules/basic.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* As src/isolated/mod.rs has them. */
enum { SETUP = 5, HELLO = 7 };

extern char **environ;

/* What a supervisor says first: its protocol, and its version. */
static void say_hello(uint64_t protocol)
{
    uint8_t message[22] = {HELLO};
    uint64_t len = 5;
    memcpy(message + 1, &protocol, 8);
    memcpy(message + 9, &len, 8);
    memcpy(message + 17, "9.8.7", 5);
    (void)send(3, message, sizeof message, MSG_NOSIGNAL);
}

static int be_foreign(const char *way)
{
    if (strcmp(way, "leaves") == 0)
        return 3;
    if (strcmp(way, "is of another version") == 0)
        say_hello(1000);
    if (strcmp(way, "says something else") == 0)
        (void)send(3, "220 ready", 9, MSG_NOSIGNAL);
    /* Until its host goes. */
    struct pollfd host = {4, POLLIN, 0};
    return poll(&host, 1, -1) != 1;
}

/* This program, and what is in the environment of those that are foreign. */
static char own[4096], mark[64];

static call_hresult_t bind_by(const char *host, call_object_t *object_out)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET, .host = host};
    return try_bind("isolated", "basic", "Basic", &options, object_out);
}

static void refused(const char *way, const char *word)
{
    call_object_t object = {7};
    char why[1024] = "";
    (void)setenv("FOREIGN", way, 1);
    (void)setenv("FOREIGN_HOST", strchr(mark, '=') + 1, 1);
    ok_hr(bind_by(own, &object), CO_E_SERVER_EXEC_FAILURE, "a host that %s: no object is bound", way);
    must(call_get_last_error(NULL, why, sizeof why, NULL));
    ok(strstr(why, word) != NULL && strstr(why, own) != NULL, "the message says so: %s", why);
    ok_u64(processes_marked(mark), 0, "and it is gone");
}

static void a_host_that_is_none_is_told_of(void)
{
    refused("leaves", "without a word");
    refused("is of another version", "libcall 9.8.7, protocol 1000");
    refused("says something else", "no supervisor");
}

static void *wait_for_silence(void *unused)
{
    (void)unused;
    refused("is silent", "said nothing");
    return NULL;
}

static void who_waits_for_a_silent_host_waits_alone(void)
{
    call_object_t object;
    pthread_t waits;
    if (pthread_create(&waits, NULL, wait_for_silence, NULL) != 0)
        bail_out("no thread");
    for (uint64_t end = now_us() + hang_ms() * 1000ull; processes_marked(mark) == 0 && now_us() < end;)
        (void)usleep(2000);
    (void)unsetenv("FOREIGN_HOST");
    ok_hr(bind_by(NULL, &object), S_OK, "meanwhile an object is bound by call-host");
    ok(pid_of(object, BASIC_PID) > 0, "and serves");
    ok_u64(processes_marked(mark), 1, "while the silent host is waited for");
    (void)pthread_join(waits, NULL);
    must(call_object_release(object));
}

static void send_plan(int socket, uint64_t protocol)
{
    uint8_t setup[9] = {SETUP};
    uint64_t len = sizeof protocol;
    memcpy(setup + 1, &len, 8);
    int files[3], file = memfd_create("plan", MFD_ALLOW_SEALING);
    if (file < 0 || write(file, &protocol, sizeof protocol) != sizeof protocol
        || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) != 0)
        bail_out("no memory");
    files[0] = files[1] = files[2] = file;
    struct iovec part = {setup, sizeof setup};
    union { struct cmsghdr head; char room[CMSG_SPACE(sizeof files)]; } control = {.head.cmsg_len = 0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&header);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof files);
    memcpy(CMSG_DATA(head), files, sizeof files);
    if (sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
        bail_out("nobody is there");
    (void)close(file);
}

static void a_child_of_another_version_says_so(void)
{
    char path[4200], said[512] = "";
    snprintf(path, sizeof path, "%s", call_host_path());
    char *const arguments[] = {path, (char[]) {"--work"}, NULL};
    int ends[2], errors[2], status = 0;
    posix_spawn_file_actions_t actions;
    pid_t child;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || pipe2(errors, O_CLOEXEC) != 0)
        bail_out("no socket");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 100);
    posix_spawn_file_actions_adddup2(&actions, 100, CALL_HOST_FD);
    if (posix_spawn(&child, path, &actions, NULL, arguments, environ) != 0)
        bail_out("no child: %s", path);
    posix_spawn_file_actions_destroy(&actions);
    (void)close(errors[1]);
    (void)close(ends[1]);
    send_plan(ends[0], 1000);
    (void)waitpid(child, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "a child whose host talks otherwise exits");
    ok(read(errors[0], said, sizeof said - 1) > 0 && strstr(said, "protocol") != NULL && strstr(said, "1000") != NULL,
       "and says why: %s", said);
    (void)close(errors[0]);
    (void)close(ends[0]);
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--supervise") == 0)
        return be_foreign(getenv("FOREIGN"));
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        bail_out("nobody knows where this program is");
    snprintf(mark, sizeof mark, "FOREIGN_HOST=%d", (int)getpid());
    static const tap_test_t tests[] = {
        TAP_TEST(a_host_that_is_none_is_told_of),
        TAP_TEST(who_waits_for_a_silent_host_waits_alone),
        TAP_TEST(a_child_of_another_version_says_so),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
