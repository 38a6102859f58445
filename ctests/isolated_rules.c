/* The rules of a call at the distance of a child process. */
#include "isolated_support.h"
#include "modules/basic.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static unsigned checks;

/* A check with its distance before its name; counts it. */
#define IS_HR(got, expected, text) (checks++, ok_hr((got), (expected), "[isolated] " text))
#define IS_FATE(got, expected, text) (checks++, ok_fate((got), (expected), "[isolated] " text))
#define IS(holds, text) (checks++, ok((holds), "[isolated] " text))

/* An object, and an idle call object for it. */
static struct {
    call_object_t object;
    call_t call;
} scene;

static void scene_start(void)
{
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET};
    scene.object = bind_object("isolated", "basic", "Basic", &options);
    must(call_create(scene.object, &scene.call));
}

static void scene_end(void)
{
    must(call_release(scene.call));
    must(call_object_release(scene.object));
}

/* The call is begun, and its method is inside. */
static call_cancel_t inside(uint32_t method)
{
    uint64_t done = 0, total = 0;
    must(call_begin(scene.call, method, NULL, 0));
    while (done == 0)
        must(call_get_progress(scene.call, &done, &total));
    return cancel_of(scene.call);
}

static void idle_and_busy(void)
{
    char input[] = "first", text[32] = "";
    scene_start();
    IS_HR(call_finish(scene.call, NULL, 0, NULL), RPC_E_CALL_COMPLETE, "CR-2 FI-4 nothing to finish");
    IS_HR(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "WT-6 nothing to wait for");
    IS_HR(call_begin(scene.call, BASIC_METHOD_COUNT, NULL, 0), DISP_E_MEMBERNOTFOUND, "BG-7 no such method");
    IS_HR(call_finish(scene.call, NULL, 0, NULL), RPC_E_CALL_COMPLETE, "BG-8 nothing is in progress");
    IS_HR(call_begin(scene.call, BASIC_ECHO, input, sizeof input), S_OK, "BG-1 a call begins");
    memset(input, 'x', sizeof input);
    IS_HR(call_begin(scene.call, BASIC_ECHO, "second", 7), RPC_S_CALLPENDING, "BG-3 a busy call object refuses");
    IS_HR(call_wait(scene.call, CALL_INFINITE), S_OK, "WT-8 the wait ends when it is complete");
    IS_HR(call_wait(scene.call, 0), S_OK, "WT-3 and succeeds again");
    IS_HR(call_begin(scene.call, BASIC_ECHO, "second", 7), RPC_S_CALLPENDING, "BG-4 completed, it is busy still");
    size_t len = 0;
    IS_HR(call_finish(scene.call, text, sizeof text, &len), S_OK, "FI-1 finish gives the result");
    IS(strcmp(text, "first") == 0, "BG-1 FI-1 the input was copied, the output is that of the method");
    IS_FATE(fate_of(scene.call), CALL_FATE_COMPLETED, "FI-1 the fate");
    IS_HR(call_finish(scene.call, NULL, 0, NULL), RPC_E_CALL_COMPLETE, "FI-7 once");
    IS_HR(call_wait(scene.call, 0), RPC_E_CALL_COMPLETE, "WT-7 nothing to wait for after that");
    IS_HR(call_begin(scene.call, BASIC_FAIL, NULL, 0), S_OK, "BG-6 BG-9 it begins again, also a method that fails");
    IS_HR(call_finish(scene.call, NULL, 0, NULL), E_ACCESSDENIED, "FI-2 FI-10 finish waits, and gives the failure");
    IS_HR(call_begin(scene.call, BASIC_ECHO, NULL, 0), S_OK, "FI-16 a failure has ended the call");
    must(finish(scene.call));
    scene_end();
}

static void canceled_in_time(void)
{
    scene_start();
    call_cancel_t cancel = inside(BASIC_OBEY);
    IS_HR(call_test_cancel(cancel), RPC_S_CALLPENDING, "TC-1 MK-1 a pending call is not canceled");
    IS_HR(call_wait(scene.call, 0), RPC_S_CALLPENDING, "WT-2 it is pending");
    IS_HR(call_wait(scene.call, 5), RPC_S_CALLPENDING, "WT-1 and after a while, too");
    IS_HR(call_try_finish(scene.call, NULL, 0, NULL), RPC_S_CALLPENDING, "FI-3 it is not finished yet");
    IS_HR(call_cancel(cancel, 60), RPC_E_CALL_COMPLETE, "CN-2 SV-9 TC-6 the method answers in time");
    IS_HR(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 a completed call cannot be canceled");
    IS_HR(call_test_cancel(cancel), RPC_E_CALL_COMPLETE, "TC-3 nor is it one that is canceled");
    char text[16] = "";
    IS_HR(finish_text(scene.call, text, sizeof text), RPC_E_CALL_CANCELED, "TO-6 its own result");
    IS(strcmp(text, "obeyed") == 0, "FI-17 with what it wrote");
    IS_FATE(fate_of(scene.call), CALL_FATE_STOPPED, "SV-9 it stopped");
    IS_HR(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 nothing to cancel after that");
    must(call_cancel_release(cancel));
    must(call_begin(scene.call, BASIC_ECHO, NULL, 0));
    IS_HR(finish(scene.call), S_OK, "TC-7 the next call knows nothing of it");
    scene_end();
}

static void out_of_grace(void)
{
    scene_start();
    call_cancel_t cancel = inside(BASIC_SPIN);
    IS_HR(call_cancel(cancel, 1), S_OK, "CN-3 TO-2 TO-8 the grace period passes");
    IS_HR(call_test_cancel(cancel), RPC_E_CALL_CANCELED, "TC-2 it is canceled");
    IS_HR(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 once");
    IS_HR(call_wait(scene.call, 0), S_OK, "WT-4 it is complete for waits");
    IS_HR(call_begin(scene.call, BASIC_ECHO, NULL, 0), RPC_S_CALLPENDING, "BG-5 and busy still");
    char text[16] = "";
    IS_HR(finish_text(scene.call, text, sizeof text), RPC_E_CALL_CANCELED, "FI-5 its result");
    IS(text[0] == '\0', "FI-17 nothing was written");
    must(call_cancel_release(cancel));
    cancel = inside(BASIC_SPIN);
    IS_HR(call_cancel(cancel, 0), S_OK, "CN-1 TO-1 TO-7 without a grace period the client is free at once");
    IS_HR(call_try_finish(scene.call, NULL, 0, NULL), RPC_E_CALL_CANCELED, "CN-1 CN-9 its result is there");
    IS_FATE(settled_fate_of(scene.call), CALL_FATE_KILLED, "CN-1 the method was killed");
    must(call_cancel_release(cancel));
    scene_end();
}

static void canceled_in_the_queue(void)
{
    unsigned before = 0, after = 0;
    scene_start();
    must(call_method(scene.object, BASIC_COUNT, NULL, 0, &before, sizeof before, NULL));
    call_cancel_t running = inside(BASIC_OBEY);
    call_t queued;
    must(call_create(scene.object, &queued));
    must(call_begin(queued, BASIC_COUNT, NULL, 0));
    call_cancel_t cancel = cancel_of(queued);
    IS_HR(call_cancel(cancel, CALL_INFINITE), S_OK, "CN-13 CN-14 a queued call is canceled");
    IS_HR(finish(queued), RPC_E_CALL_CANCELED, "CN-13 its result");
    IS_FATE(fate_of(queued), CALL_FATE_NEVER_STARTED, "CN-13 it never started");
    (void)call_cancel(running, 60);
    must(call_cancel_release(running));
    must(call_cancel_release(cancel));
    (void)finish(scene.call);
    must(call_release(queued));
    must(call_method(scene.object, BASIC_COUNT, NULL, 0, &after, sizeof after, NULL));
    IS(after == before + 1, "CN-13 and never ran");
    scene_end();
}

static void let_go_of(void)
{
    unsigned before = 0, after = 0;
    scene_start();
    must(call_method(scene.object, BASIC_COUNT, NULL, 0, &before, sizeof before, NULL));
    call_t forgotten;
    must(call_create(scene.object, &forgotten));
    must(call_begin(forgotten, BASIC_COUNT, NULL, 0));
    IS_HR(call_release(forgotten), S_OK, "RL-2 RL-3 a call is let go of");
    must(call_method(scene.object, BASIC_COUNT, NULL, 0, &after, sizeof after, NULL));
    IS(after == before + 2, "RL-2 RL-3 and its method has run");
    call_cancel_t cancel = inside(BASIC_OBEY);
    IS_HR(call_cancel_release(cancel), S_OK, "CN-15 a cancel interface is let go of");
    IS_HR(call_wait(scene.call, 5), RPC_S_CALLPENDING, "CN-15 and the call goes on");
    must(call_object_release(scene.object));
    IS_HR(call_wait(scene.call, 5), RPC_S_CALLPENDING, "CR-9 LT-1 also without the object's handle");
    cancel = cancel_of(scene.call);
    (void)call_cancel(cancel, 60);
    IS_HR(finish(scene.call), RPC_E_CALL_CANCELED, "CR-9 LT-1 until it ends");
    must(call_cancel_release(cancel));
    must(call_release(scene.call));
}

static void disconnected_and_lost(void)
{
    scene_start();
    must(call_begin(scene.call, BASIC_CRASH, NULL, 0));
    IS_HR(finish(scene.call), RPC_E_SERVER_DIED, "FI-13 LT-9 a child that dies ends its call");
    IS_FATE(fate_of(scene.call), CALL_FATE_KILLED, "FI-13 its fate");
    must(call_cancel_release(inside(BASIC_OBEY)));
    must(call_object_disconnect(scene.object));
    IS_HR(finish(scene.call), RPC_E_DISCONNECTED, "FI-15 a disconnected object ends its calls");
    IS_HR(call_begin(scene.call, BASIC_ECHO, NULL, 0), RPC_E_DISCONNECTED, "BG-7 and begins none");
    scene_end();
}

static void many_threads(void)
{
    scene_start();
    caller_t waiters[3], finisher = {.run = run_finish, .call = scene.call};
    call_cancel_t cancel = inside(BASIC_SPIN);
    for (int i = 0; i < 3; i++) {
        waiters[i] = (caller_t){.run = run_wait, .call = scene.call, .number = hang_ms()};
        caller_start(&waiters[i]);
        caller_settle(&waiters[i]);
    }
    caller_start(&finisher);
    caller_settle(&finisher);
    IS_HR(call_request_cancel(cancel, 0), S_OK, "CN-8 a cancel while others wait and finish");
    for (int i = 0; i < 3; i++)
        IS_HR(caller_join(&waiters[i]), S_OK, "CN-16 WT-5 a waiter wakes");
    IS_HR(caller_join(&finisher), RPC_E_CALL_CANCELED, "CN-8 LT-13 the finish gives it");
    must(call_cancel_release(cancel));
    scene_end();
}

int main(void)
{
    idle_and_busy();
    canceled_in_time();
    out_of_grace();
    canceled_in_the_queue();
    let_go_of();
    disconnected_and_lost();
    many_threads();
    diag("isolated: %u checks", checks);
    return done_testing();
}
