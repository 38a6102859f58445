/* Every option of a binding, and every way in which a binding fails. */
#include "isolated_support.h"
#include "modules/probe.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS(...) {.size = sizeof(call_bind_options_t), .flags = CALL_BIND_QUIET, __VA_ARGS__}

static call_object_t probe(const call_bind_options_t *options)
{
    return bind_object("isolated", "probe", "Probe", options);
}

static void probed(const call_bind_options_t *options, uint32_t method, const void *in, size_t in_len,
                   call_hresult_t expected, const char *what)
{
    call_object_t object = probe(options);
    ok_hr(call_method(object, method, in, in_len, NULL, 0, NULL), expected, "%s", what);
    must(call_object_release(object));
}

static void refused(const char *scheme, const char *module, const char *name, const call_bind_options_t *options,
                    call_hresult_t expected, const char *word)
{
    call_object_t object = {7};
    char why[1024] = "";
    call_hresult_t code = S_OK;
    ok_hr(try_bind(scheme, module, name, options, &object), expected, "%s: %s#%s is refused", scheme, module, name);
    ok_u64(object.id, 0, "no object");
    must(call_get_last_error(&code, why, sizeof why, NULL));
    ok(code == expected && strstr(why, word) != NULL, "the message says '%s': %s", word, why);
}

static void bindings_that_fail_say_why(void)
{
    static const char *const schemes[] = {"inproc", "isolated"};
    for (int i = 0; i < 2; i++) {
        refused(schemes[i], "nowhere", "Probe", NULL, CO_E_DLLNOTFOUND, "nowhere");
        refused(schemes[i], "probe", "Nothing", NULL, REGDB_E_CLASSNOTREG, "Nothing");
        refused(schemes[i], "probe", "Unmade", NULL, E_ACCESSDENIED, "Unmade");
    }
    refused("elsewhere", "probe", "Probe", NULL, MK_E_SYNTAX, "scheme");
    refused("grpc", "probe", "Probe", NULL, E_NOTIMPL, "not implemented");
    const char *const fails[] = {"PROBE_MAIN=fail", NULL}, *const aborts[] = {"PROBE_MAIN=abort", NULL};
    const char *const sleeps[] = {"PROBE_MAIN=sleep", NULL};
    call_bind_options_t options = OPTIONS(.environment = fails);
    refused("isolated", "probe", "Probe", &options, CO_E_ERRORINDLL, "call_module_main");
    options.environment = aborts;
    refused("isolated", "probe", "Probe", &options, RPC_E_SERVER_DIED_DNE, "does not like to be loaded");
    options.environment = sleeps;
    options.start_ms = 50;
    refused("isolated", "probe", "Probe", &options, RPC_E_SERVER_DIED_DNE, "became ready");
    options = (call_bind_options_t)OPTIONS(.workers = 0);
    options.flags = 1u << 31;
    refused("isolated", "probe", "Probe", &options, E_INVALIDARG, "flags");
    options = (call_bind_options_t)OPTIONS(.workers = 40000);
    refused("isolated", "probe", "Probe", &options, E_INVALIDARG, "workers");
    options = (call_bind_options_t)OPTIONS(.host = "/nowhere/call-host");
    refused("isolated", "probe", "Probe", &options, RPC_E_SERVER_DIED_DNE, "No such file");
}

static void an_object_in_process_is_the_same(void)
{
    call_object_t object = bind_object("inproc", "probe", "Probe", NULL);
    ok_u64((uint64_t)pid_of(object, PROBE_PID), (uint64_t)getpid(), "inproc: it runs in this process");
    must(call_object_release(object));
}

static void workers_run_side_by_side(void)
{
    call_bind_options_t options = OPTIONS(.workers = 2);
    call_object_t object = probe(&options);
    call_t first = enter_method(object, PROBE_WAIT), second = enter_method(object, PROBE_WAIT);
    ok(true, "two methods are inside at once");
    call_t calls[] = {first, second};
    for (int i = 0; i < 2; i++) {
        call_cancel_t cancel = cancel_of(calls[i]);
        (void)call_cancel(cancel, 20);
        ok_hr(finish(calls[i]), RPC_E_CALL_CANCELED, "and stop");
        must(call_cancel_release(cancel));
        must(call_release(calls[i]));
    }
    must(call_object_release(object));
}

static void the_queue_has_a_limit(void)
{
    call_bind_options_t options = OPTIONS(.queue_limit = 1);
    call_object_t object = probe(&options);
    call_t running = enter_method(object, PROBE_WAIT), queued, third;
    must(call_create(object, &queued));
    must(call_create(object, &third));
    must(call_begin(queued, PROBE_PID, NULL, 0));
    ok_hr(call_begin(third, PROBE_PID, NULL, 0), CALL_E_TOO_BUSY, "one call waits, and another one may not");
    call_cancel_t cancel = cancel_of(running);
    (void)call_cancel(cancel, 20);
    must(finish(queued));
    must(call_cancel_release(cancel));
    must(call_release(running));
    must(call_release(queued));
    must(call_release(third));
    must(call_object_release(object));
}

static void a_child_is_renewed_after_so_many_calls(void)
{
    call_bind_options_t options = OPTIONS(.calls_per_child = 2);
    call_object_t object = probe(&options);
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = pid_of(object, PROBE_PID);
    ok(pids[0] == pids[1] && pids[2] != pids[0], "calls per child: %d %d %d", pids[0], pids[1], pids[2]);
    await_death(pids[0]);
    must(call_object_release(object));
}

static void an_idle_child_goes(void)
{
    call_bind_options_t options = OPTIONS(.idle_ms = 30, .spares = CALL_BIND_NO_SPARES);
    call_object_t object = probe(&options);
    pid_t pid = pid_of(object, PROBE_PID);
    await_death(pid);
    ok(pid_of(object, PROBE_PID) != pid, "an idle child has gone, and another one serves");
    must(call_object_release(object));
}

static void spares_are_kept_ready(void)
{
    static const struct { uint32_t spares; unsigned children; } rows[] = {{CALL_BIND_NO_SPARES, 1}, {0, 2}, {3, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mark[64];
        snprintf(mark, sizeof mark, "SPARES=%d-%zu", (int)getpid(), i);
        const char *const environment[] = {mark, NULL};
        call_bind_options_t options = OPTIONS(.spares = rows[i].spares, .environment = environment);
        call_object_t object = probe(&options);
        call_t call = enter_method(object, PROBE_WAIT);
        unsigned seen = 0;
        for (uint64_t end = now_us() + hang_ms() * 1000ull; now_us() < end && seen != rows[i].children;)
            seen = processes_marked(mark);
        (void)usleep(20000);
        ok_u64(processes_marked(mark), rows[i].children, "with %u spares", rows[i].spares);
        must(call_object_disconnect(object));
        ok_hr(finish(call), RPC_E_DISCONNECTED, "a disconnected object ends its calls");
        must(call_release(call));
        must(call_object_release(object));
    }
}

static void memory_is_limited(void)
{
    uint32_t much = 600, little = 10;
    call_bind_options_t options = OPTIONS(.memory = 400u << 20);
    if (may_not_be_limited() != NULL) {
        skip(may_not_be_limited(), "more memory than the limit is not there");
        return;
    }
    probed(&options, PROBE_ALLOC, &much, sizeof much, E_OUTOFMEMORY, "more memory than the limit is not there");
    probed(&options, PROBE_ALLOC, &little, sizeof little, S_OK, "less is");
}

static void limits_hold(void)
{
    uint32_t count = 0;
    call_bind_options_t options = OPTIONS(.descriptors = 32);
    call_object_t object = probe(&options);
    must(call_method(object, PROBE_OPEN, NULL, 0, &count, sizeof count, NULL));
    ok(count > 0 && count < 32, "descriptors up to the limit: %u", count);
    must(call_object_release(object));
    options = (call_bind_options_t)OPTIONS(.cpu_seconds = 1);
    object = probe(&options);
    call_t call;
    char message[512] = "";
    must(call_create(object, &call));
    must(call_begin(call, PROBE_BURN, NULL, 0));
    completed(call);
    must(call_get_error(call, message, sizeof message, NULL));
    ok_hr(finish(call), RPC_E_SERVER_DIED, "more CPU time than the limit ends the child");
    ok(strstr(message, "SIGXCPU") != NULL, "the message says so: %s", message);
    must(call_release(call));
    must(call_object_release(object));
}

static void surroundings_are_as_given(void)
{
    const char *const environment[] = {"PROBE_TEST=a value", "HOME=/elsewhere", NULL};
    call_bind_options_t options = OPTIONS(.directory = "/usr", .environment = environment);
    call_object_t object = probe(&options);
    char value[4096] = "";
    must(call_method(object, PROBE_GETENV, "PROBE_TEST", 11, value, sizeof value, NULL));
    ok_str(value, "a value", "a variable is there");
    must(call_method(object, PROBE_GETENV, "HOME", 5, value, sizeof value, NULL));
    ok_str(value, "/elsewhere", "one is another than here");
    ok_hr(call_method(object, PROBE_GETENV, "PATH", 5, value, sizeof value, NULL), S_OK, "the others are there");
    must(call_method(object, PROBE_CWD, NULL, 0, value, sizeof value, NULL));
    ok_str(value, "/usr", "the working directory");
    must(call_object_release(object));
}

static void a_sandbox_grants_what_it_is_told_to(void)
{
    char folder[] = "/tmp/libcall-sandbox-XXXXXX", inside[64], outside[64];
    if (mkdtemp(folder) == NULL)
        bail_out("no folder");
    snprintf(inside, sizeof inside, "%s/file", folder);
    snprintf(outside, sizeof outside, "%s-outside", folder);
    const char *const writable[] = {folder, NULL}, *const readable[] = {"/etc/passwd", NULL};
    call_bind_options_t options = OPTIONS(.writable = writable, .readable = readable);
    options.flags |= CALL_BIND_SANDBOX;
    call_object_t object;
    if (try_bind("isolated", "probe", "Probe", &options, &object) == CO_E_SERVER_EXEC_FAILURE) {
        skip("the kernel has no Landlock", "a sandbox");
        return;
    }
    ok_hr(call_method(object, PROBE_READ, "/etc/passwd", 12, NULL, 0, NULL), S_OK, "what may be read is");
    ok_hr(call_method(object, PROBE_WRITE, "/etc/passwd", 12, NULL, 0, NULL), E_ACCESSDENIED, "and not written");
    ok_hr(call_method(object, PROBE_READ, "/etc/group", 11, NULL, 0, NULL), E_ACCESSDENIED, "another file is not read");
    ok_hr(call_method(object, PROBE_WRITE, inside, strlen(inside) + 1, NULL, 0, NULL), S_OK, "what may be written is");
    ok_hr(call_method(object, PROBE_WRITE, outside, strlen(outside) + 1, NULL, 0, NULL), E_ACCESSDENIED,
          "beside it nothing is");
    must(call_object_release(object));
    (void)unlink(inside);
    (void)rmdir(folder);
    probed(NULL, PROBE_READ, "/etc/group", 11, S_OK, "without a sandbox it is read");
}

/* Cancels a method that takes so many milliseconds while it is inside; one that was through before is tried again with
 * more, without the file that it made. */
static call_hresult_t cancel_inside(call_t call, uint32_t method, void *input, size_t len, uint32_t *ms,
                                    const char *made)
{
    for (;; *ms *= 2) {
        uint64_t done = 0, total = 0;
        must(call_begin(call, method, input, len));
        for (uint64_t end = now_us() + hang_ms() * 1000ull; done == 0;) {
            if (now_us() > end)
                bail_out("a method is not inside");
            must(call_get_progress(call, &done, &total));
        }
        call_cancel_t cancel = cancel_of(call);
        call_hresult_t canceled = call_cancel(cancel, 0);
        must(call_cancel_release(cancel));
        if (canceled != RPC_E_CALL_COMPLETE || *ms >= hang_ms())
            return canceled;
        (void)finish(call);
        (void)unlink(made);
    }
}

static void an_abandoned_method_may_go_on(void)
{
    call_bind_options_t options = OPTIONS(.workers = 1);
    options.flags |= CALL_BIND_ABANDON;
    call_object_t object = probe(&options);
    pid_t pid = pid_of(object, PROBE_PID);
    uint32_t ms = 300;
    call_t call;
    must(call_create(object, &call));
    ok_hr(cancel_inside(call, PROBE_DEAF, &ms, sizeof ms, &ms, ""), S_OK, "a method is abandoned");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "its client goes on");
    char value[4096];
    ok(process_lives(pid), "the method goes on");
    ok_hr(call_method(object, PROBE_GETENV, "PATH", 5, value, sizeof value, NULL), S_OK,
          "the client is served meanwhile, by another child");
    ok_fate(settled_fate_of(call), CALL_FATE_COMPLETED, "the method has completed");
    must(call_release(call));
    must(call_object_release(object));
}

static void in_a_region(uint32_t region_ms, uint32_t ms, bool held_up)
{
    call_bind_options_t options = OPTIONS(.region_ms = region_ms);
    call_object_t object = probe(&options);
    struct { uint32_t ms; char path[64]; } input = {.ms = ms};
    snprintf(input.path, sizeof input.path, "/tmp/libcall-region-%d", (int)getpid());
    call_t call;
    must(call_create(object, &call));
    ok_hr(cancel_inside(call, PROBE_REGION, &input, sizeof input, &input.ms, input.path), S_OK,
          "a method in a region is canceled");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "its client goes on");
    call_fate_t fate = settled_fate_of(call);
    ok(held_up ? fate != CALL_FATE_RUNNING : fate == CALL_FATE_KILLED, "its fate: %s", fate_name(fate));
    ok(access(input.path, F_OK) == (held_up ? 0 : -1), "the region of %u ms came to its end: %s", input.ms,
       held_up ? "yes" : "no");
    (void)unlink(input.path);
    must(call_release(call));
    must(call_object_release(object));
}

static void a_region_holds_a_kill_up(void)
{
    in_a_region(600000, 200, true);
    in_a_region(50, 600000, false);
}

static void a_child_is_asked_before_it_is_killed(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/libcall-trap-%d", (int)getpid());
    for (int asked = 0; asked < 2; asked++) {
        call_bind_options_t options = OPTIONS(.term_ms = asked ? 20000 : CALL_BIND_NO_TERM);
        call_object_t object = probe(&options);
        call_t call;
        uint64_t done = 0, total = 0;
        must(call_create(object, &call));
        must(call_begin(call, PROBE_TRAP, path, strlen(path) + 1));
        while (done == 0)
            must(call_get_progress(call, &done, &total));
        call_cancel_t cancel = cancel_of(call);
        (void)call_cancel(cancel, 0);
        ok_hr(finish(call), RPC_E_CALL_CANCELED, "it is canceled");
        ok_fate(settled_fate_of(call), CALL_FATE_KILLED, "fate");
        ok(access(path, F_OK) == (asked ? 0 : -1), "it heard a SIGTERM: %s", asked ? "yes" : "no");
        (void)unlink(path);
        must(call_cancel_release(cancel));
        must(call_release(call));
        must(call_object_release(object));
    }
}

static void without_children_calls_never_start(void)
{
    char host[64], own[4096] = "";
    Dl_info library;
    if (dladdr((void *)(uintptr_t)call_version, &library) == 0)
        bail_out("nobody knows where the library is");
    snprintf(own, sizeof own, "%s", library.dli_fname);
    strcpy(strrchr(own, '/'), "/call-host");
    snprintf(host, sizeof host, "/tmp/libcall-host-%d", (int)getpid());
    if (symlink(own, host) != 0)
        bail_out("no link to %s", own);
    call_bind_options_t options = OPTIONS(.host = host, .spares = CALL_BIND_NO_SPARES, .calls_per_child = 1);
    call_object_t object = probe(&options);
    must(call_method(object, PROBE_CWD, NULL, 0, own, sizeof own, NULL));
    (void)unlink(host);
    for (int i = 0; i < 2; i++) {
        call_t call;
        uint32_t cause = 0;
        char message[512] = "";
        must(call_create(object, &call));
        must(call_begin(call, PROBE_CWD, NULL, 0));
        completed(call);
        must(call_get_error(call, message, sizeof message, NULL));
        must(call_get_cause(call, &cause));
        ok_hr(finish(call), RPC_E_SERVER_DIED_DNE, "[isolated] FI-14 no child can be had");
        ok_fate(fate_of(call), CALL_FATE_NEVER_STARTED, "[isolated] FI-14 the method was never entered");
        ok_u64(cause, CALL_CAUSE_NO_SERVER, "the cause");
        ok(strstr(message, "child process") != NULL, "the message: %s", message);
        must(call_release(call));
    }
    must(call_object_release(object));
}

static call_hresult_t serve_echo(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method;
    return call_context_write(context, in, in_len);
}

static call_hresult_t own_main(call_module_t module)
{
    static const char *const methods[] = {"echo"};
    static const call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = serve_echo};
    return call_module_register(module, "Own", &cls, NULL, NULL);
}

static void a_program_may_serve_itself(void)
{
    const char *const arguments[] = {"--serve", NULL};
    call_bind_options_t options = OPTIONS(.program = "/proc/self/exe", .arguments = arguments);
    char own[4096] = "", out[16] = "";
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        bail_out("nobody knows where this program is");
    options.program = own;
    call_object_t object;
    ok_hr(call_object_bind("isolated:#Own", &options, &object), S_OK, "a program of its own is bound");
    ok_hr(call_method(object, 0, "served", 7, out, sizeof out, NULL), S_OK, "and answers");
    ok_str(out, "served", "what it wrote");
    must(call_object_release(object));
    ok_hr(call_object_bind("isolated:#Other", &options, &object), REGDB_E_CLASSNOTREG, "it has no other class");
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--serve") == 0)
        return call_host_serve(CALL_HOST_FD, own_main) < 0;
    static const tap_test_t tests[] = {
        TAP_TEST(bindings_that_fail_say_why),
        TAP_TEST(an_object_in_process_is_the_same),
        TAP_TEST(workers_run_side_by_side),
        TAP_TEST(the_queue_has_a_limit),
        TAP_TEST(a_child_is_renewed_after_so_many_calls),
        TAP_TEST(an_idle_child_goes),
        TAP_TEST(spares_are_kept_ready),
        TAP_TEST(memory_is_limited),
        TAP_TEST(limits_hold),
        TAP_TEST(surroundings_are_as_given),
        TAP_TEST(a_sandbox_grants_what_it_is_told_to),
        TAP_TEST(an_abandoned_method_may_go_on),
        TAP_TEST(a_region_holds_a_kill_up),
        TAP_TEST(a_child_is_asked_before_it_is_killed),
        TAP_TEST(without_children_calls_never_start),
        TAP_TEST(a_program_may_serve_itself),
    };
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
