/* The library itself: loading, version, the thread's last failure, fork. */
#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned entries_of(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        bail_out("no %s", path);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

/* Loads the file of this program's library once more, as another library. */
static void *second_copy(void)
{
    Dl_info mine;
    if (dladdr((void *)(uintptr_t)call_version, &mine) == 0)
        bail_out("the library's file is not known");
    void *copy = dlmopen(LM_ID_NEWLM, mine.dli_fname, RTLD_NOW | RTLD_LOCAL);
    if (copy == NULL)
        bail_out("no second copy: %s", dlerror());
    return copy;
}

static void another_copy_of_the_library(void)
{
    if (may_not_be_alone() != NULL) {
        skip(may_not_be_alone(), "loading the library starts nothing");
        return;
    }
    unsigned threads = entries_of("/proc/self/task"), descriptors = entries_of("/proc/self/fd");
    void *copy = second_copy();
    ok_u64(entries_of("/proc/self/task"), threads, "loading the library starts no thread");
    ok_u64(entries_of("/proc/self/fd"), descriptors, "and opens no descriptor");
    call_hresult_t (*its_create)(const call_apartment_options_t *, call_apartment_t *) = NULL;
    call_hresult_t (*its_release)(call_apartment_t) = NULL;
    void *symbols[] = {dlsym(copy, "call_apartment_create"), dlsym(copy, "call_apartment_release")};
    memcpy(&its_create, &symbols[0], sizeof its_create);
    memcpy(&its_release, &symbols[1], sizeof its_release);
    /* One in each, so that both have the same slot: what differs is the generation. */
    call_apartment_t theirs, ours = apartment_of(1, 1, 0);
    must(its_create(NULL, &theirs));
    ok_hr(its_release(ours), E_HANDLE, "another copy of the library rejects a handle of this one");
    ok_hr(call_apartment_release(theirs), E_HANDLE, "and this one a handle of it");
    ok_hr(its_release(theirs), S_OK, "each knows its own");
    ok_hr(call_apartment_release(ours), S_OK, "and that is as it was");
}

static void version(void)
{
    uint32_t parts = (uint32_t)CALL_VERSION_MAJOR << 16 | CALL_VERSION_MINOR << 8 | CALL_VERSION_PATCH;
    ok_u64(call_version(), CALL_VERSION, "the loaded library is of the header's version");
    ok_u64(call_version(), parts, "which is put together of its parts");
}

static void codes_have_names(void)
{
    static const call_hresult_t strange[] = {2, INT32_MAX, INT32_MIN, (call_hresult_t)0x80041234};
    ok_str(call_hresult_name(RPC_E_CALL_CANCELED), "RPC_E_CALL_CANCELED", "a code's name is its macro's");
    ok_str(call_hresult_name(RPC_E_CALL_PENDING), "RPC_S_CALLPENDING", "an alias has its name");
    ok(strlen(call_hresult_message(RPC_E_CALL_CANCELED)) > 0, "and a message: %s",
       call_hresult_message(RPC_E_CALL_CANCELED));
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        ok_str(call_hresult_name(strange[i]), "unknown HRESULT", "0x%08X is not ours", (unsigned)strange[i]);
        ok(strlen(call_hresult_message(strange[i])) > 0, "and that is what its message says");
    }
}

static void last_failure_is_moved_out(void)
{
    call_hresult_t code = E_FAIL;
    char message[256], small[4] = "abc";
    size_t len = 0, needed = 0;
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "a failure");
    ok_hr(call_get_last_error(&code, small, 1, &needed), CALL_E_MORE_DATA, "a message needs room");
    ok_hr(code, S_OK, "LT-12 without it the code is not told");
    ok(needed > 1, "but the length is: %zu", needed);
    ok_hr(call_get_last_error(&code, message, sizeof message, &len), S_OK, "nothing was moved out");
    ok_hr(code, E_HANDLE, "the failure's code");
    ok_u64(len, needed, "its message has the length that was told");
    ok_u64(len, strlen(message) + 1, "counted with the NUL");
    ok(len > 1, "and says something: %s", message);
    code = E_FAIL;
    ok_hr(call_get_last_error(&code, message, sizeof message, &len), S_FALSE, "reading moved it out");
    ok_hr(code, S_OK, "there is no code");
    ok_str(message, "", "and no message");
    ok_u64(len, 1, "but its NUL");
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "a failure");
    ok_hr(call_get_last_error(NULL, NULL, 0, NULL), S_OK, "it may be let go unread");
    ok_hr(call_get_last_error(NULL, NULL, 1, NULL), E_POINTER, "NULL with a capacity is refused");
}

static void success_leaves_the_last_failure(void)
{
    scene_t scene;
    job_t held;
    call_hresult_t code = S_OK;
    scene_open(&scene, 1);
    job_init(&held, NULL, S_OK);
    ok_hr(call_create((call_object_t){0}, &(call_t){0}), E_HANDLE, "a failure");
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "a second one, the last");
    ok_hr(call_finish(scene.call, NULL, 0, NULL), RPC_E_CALL_COMPLETE, "a third of another code");
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    ok_hr(call_wait(scene.call, 0), RPC_S_CALLPENDING, "WT-1 a wait that times out");
    ok_hr(call_begin(scene.call, ECHO, "b", 1), RPC_S_CALLPENDING, "BG-3 a begin while busy");
    ok_hr(call_try_finish(scene.call, NULL, 0, NULL), RPC_S_CALLPENDING, "FI-3 a finish too early");
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "TC-1 a test for a cancel");
    ok_hr(call_get_error(scene.call, NULL, 0, NULL), RPC_S_CALLPENDING, "a look for a message");
    ok_hr(call_context_test_cancel(held.context), RPC_S_CALLPENDING, "TC-1 the server's test");
    ok_hr(call_context_wait_cancel(held.context, 0), RPC_S_CALLPENDING, "SV-9 the server's wait");
    gate_open(&held.release);
    ok_hr(finish(scene.call), S_OK, "a success");
    must(call_get_last_error(&code, NULL, 0, NULL));
    ok_hr(code, RPC_E_CALL_COMPLETE, "none of them touched the last failure");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static call_hresult_t read_last_error(caller_t *self)
{
    call_hresult_t code = E_FAIL;
    call_hresult_t read = call_get_last_error(&code, NULL, 0, NULL);
    self->number = (uint32_t)code;
    return read;
}

static void each_thread_has_its_own_failure(void)
{
    call_hresult_t code = S_OK;
    caller_t reader = {.run = read_last_error};
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "a failure of this thread");
    caller_start(&reader);
    ok_hr(caller_join(&reader), S_FALSE, "another thread has none");
    must(call_get_last_error(&code, NULL, 0, NULL));
    ok_hr(code, E_HANDLE, "and did not take it");
}

/* What the child of a fork sees: handles of the parent are dead, new ones live. */
static int child_of_the_fork(const scene_t *scene, call_cancel_t cancel, call_context_t context)
{
    int wrong = 0;
    call_t call;
    wrong += call_wait(scene->call, CALL_INFINITE) != RPC_E_DISCONNECTED;
    wrong += call_finish(scene->call, NULL, 0, NULL) != RPC_E_DISCONNECTED;
    wrong += call_cancel(cancel, 0) != RPC_E_DISCONNECTED;
    wrong += call_request_cancel(cancel, 0) != RPC_E_DISCONNECTED;
    wrong += call_context_complete(context, S_OK) != RPC_E_DISCONNECTED;
    wrong += call_create(scene->target.object, &call) != RPC_E_DISCONNECTED;
    wrong += call_apartment_close(scene->apartment, CALL_INFINITE, NULL) != RPC_E_DISCONNECTED;
    wrong += call_release(scene->call) != RPC_E_DISCONNECTED;
    scene_t own;
    job_t held;
    char text[16];
    scene_open(&own, 1);
    job_init(&held, NULL, S_OK);
    wrong += call_begin(own.call, ECHO, "child", 5) != S_OK;
    wrong += finish_text(own.call, text, sizeof text) != S_OK || strcmp(text, "child") != 0;
    enter_job(own.call, HOLD, &held);
    call_cancel_t its = cancel_of(own.call);
    wrong += call_request_cancel(its, 1) != S_OK || call_wait(own.call, hang_ms()) != S_OK;
    gate_open(&held.release);
    must(call_cancel_release(its));
    scene_close(&own);
    return wrong;
}

static void child_of_a_fork(void)
{
    scene_t scene;
    job_t held;
    int status = -1, report[2];
    unsigned char wrong = 255;
    pid_t ended;
    if (pipe(report) != 0)
        bail_out("no pipe");
    scene_open(&scene, 1);
    job_init(&held, "parent", S_OK);
    enter_job(scene.call, HOLD, &held);
    call_cancel_t cancel = cancel_of(scene.call);
    pid_t child = fork();
    if (child == 0) {
        wrong = (unsigned char)child_of_the_fork(&scene, cancel, held.context);
        _exit(write(report[1], &wrong, 1) != 1);
    }
    (void)close(report[1]);
    uint64_t end = now_us() + 2 * (uint64_t)hang_ms() * 1000;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now_us() < end)
        (void)sched_yield();
    if (ended == 0)
        (void)kill(child, SIGKILL);
    ok(ended == child && WIFEXITED(status), "the child of a fork ends: status 0x%x", (unsigned)status);
    /* By a pipe, as a program that runs this one may have an exit status of its own. */
    ok_u64((uint64_t)read(report[0], &wrong, 1), 1, "and reports how many answers were wrong");
    ok_u64(wrong, 0, "none: handles of the parent give RPC_E_DISCONNECTED there, and new ones work");
    (void)close(report[0]);
    ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "the parent's call is not touched");
    gate_open(&held.release);
    ok_hr(finish(scene.call), S_OK, "and finishes");
    must(call_cancel_release(cancel));
    scene_close(&scene);
}

static const tap_test_t tests[] = {
    TAP_TEST(another_copy_of_the_library),
    TAP_TEST(version),
    TAP_TEST(codes_have_names),
    TAP_TEST(last_failure_is_moved_out),
    TAP_TEST(success_leaves_the_last_failure),
    TAP_TEST(each_thread_has_its_own_failure),
    TAP_TEST(child_of_a_fork),
};

TAP_MAIN(tests)
