/* A function of the program that does not return, but leaves by pthread_exit: that ends the process. Each in a child of a
 * fork, before this process has used the library. */
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG = 120, NOT_MADE = 3 };

static call_hresult_t leave(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    pthread_exit(NULL);
}

static call_hresult_t nothing(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    return S_OK;
}

static void completed(call_t call, void *user)
{
    (void)call, (void)user;
    pthread_exit(NULL);
}

/* One call in an apartment of that kind; ends the process by itself only if the call could not be made, or has ended. */
static void call_one(call_method_fn invoke, uint32_t kind, call_completed_fn callback)
{
    static const char *const methods[] = {"leave"};
    const call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = invoke};
    const call_apartment_options_t options = {.size = sizeof options, .kind = kind};
    call_apartment_t apartment;
    call_object_t object;
    call_t call;
    if (call_apartment_create(&options, &apartment) < 0 || call_object_create(apartment, &cls, NULL, &object) < 0
        || call_create(object, &call) < 0)
        _exit(NOT_MADE);
    if (callback != NULL && call_set_callback(call, callback, NULL, NULL) < 0)
        _exit(NOT_MADE);
    if (call_begin(call, 0, NULL, 0) < 0)
        _exit(NOT_MADE);
    call_hresult_t hr = call_finish(call, NULL, 0, NULL);
    if (callback != NULL)
        for (;;)
            pause(); /* it is told beside the client */
    _exit(hr < 0);
}

static void ends(call_method_fn invoke, uint32_t kind, call_completed_fn callback, const char *name)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)alarm(HANG);
        (void)dup2(open("/dev/null", O_WRONLY), 2); /* what the system says of it */
        call_one(invoke, kind, callback);
    }
    (void)waitpid(child, &status, 0);
    if (!ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s", name))
        diag("the child's status was %#x", (unsigned)status);
}

static void leaving_by_pthread_exit_ends_the_process(void)
{
    ends(leave, CALL_APARTMENT_MULTI, NULL, "a method in a pool");
    ends(leave, CALL_APARTMENT_SINGLE, NULL, "a method that its client's wait serves");
    ends(nothing, CALL_APARTMENT_MULTI, completed, "the function that tells of a completion");
}

static const tap_test_t tests[] = {TAP_TEST(leaving_by_pthread_exit_ends_the_process)};

TAP_MAIN(tests)
