/* Isolated objects where the kernel has, or a sandbox leaves, neither pidfd_open nor futex_waitv. */
#include "isolated_support.h"
#include "modules/basic.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From here on these calls fail with ENOSYS, also in what is started. */
static bool take_away(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex_waitv, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0
           && syscall(SYS_pidfd_open, getpid(), 0) < 0 && errno == ENOSYS;
}

static void deaths_are_told_by_a_supervisor_that_stays(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    uint64_t from = now_us();
    call_object_t object = bind_object("isolated", "basic", "Basic", &options);
    uint64_t took = now_us() - from;
    /* Twenty seconds are what it once took; a tool that runs this program may take long about it, too. */
    ok(took < (may_not_be_alone() == NULL ? 20000 : hang_ms()) * 1000ull, "an object is bound, in %llu ms",
       (unsigned long long)took / 1000);
    call_t call;
    must(call_create(object, &call));
    for (int i = 0; i < 3; i++) {
        char message[512] = "";
        must(call_begin(call, BASIC_CRASH, NULL, 0));
        completed(call);
        must(call_get_error(call, message, sizeof message, NULL));
        ok(strstr(message, "SIGABRT") != NULL, "how a child ended is known: %s", message);
        ok_hr(finish(call), RPC_E_SERVER_DIED, "a crash is told");
        ok_fate(fate_of(call), CALL_FATE_KILLED, "its fate");
        must(call_begin(call, BASIC_ECHO, NULL, 0));
        ok_hr(finish(call), S_OK, "another child answers the next call");
    }
    must(call_release(call));
    must(call_object_release(object));
}

static void a_cancel_reaches_a_child_and_a_grace_ends_one(void)
{
    static const uint32_t methods[] = {BASIC_OBEY, BASIC_SPIN};
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    call_object_t object = bind_object("isolated", "basic", "Basic", &options);
    for (int i = 0; i < 2; i++) {
        call_t call = enter_method(object, methods[i]);
        call_cancel_t cancel = cancel_of(call);
        must(call_request_cancel(cancel, i == 0 ? CALL_INFINITE : 1));
        completed(call);
        ok_hr(finish(call), RPC_E_CALL_CANCELED, "a canceled call");
        ok_fate(settled_fate_of(call), i == 0 ? CALL_FATE_STOPPED : CALL_FATE_KILLED, "its fate");
        must(call_cancel_release(cancel));
        must(call_release(call));
    }
    pid_t child = pid_of(object, BASIC_PID);
    must(call_object_release(object));
    await_death(child);
    ok(true, "the child goes with its object");
}

int main(void)
{
    static const tap_test_t tests[] = {
        TAP_TEST(deaths_are_told_by_a_supervisor_that_stays),
        TAP_TEST(a_cancel_reaches_a_child_and_a_grace_ends_one),
    };
    if (take_away())
        return tap_run(tests, sizeof tests / sizeof tests[0]);
    skip("no filter of system calls can be set here", "a kernel without pidfd_open and futex_waitv");
    return done_testing();
}
