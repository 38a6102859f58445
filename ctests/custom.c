/* Custom marshaling: the class's `begin` runs on the client's thread, whatever the apartments, and
 * its `cancel` is the only way to cancel. */
#include "distance_support.h"


enum { KINDS = CALL_APARTMENT_SERIAL + 1 };

static void begin_here(void *data)
{
    server_t *server = data;
    job_t job;
    call_t call = new_call(&server->target);
    unsigned before = gate_count(&server->begun);
    job_init(&job, NULL, S_OK);
    begin_job(call, DEFER, &job);
    ok_u64(gate_count(&server->begun), before + 1, "begin has run when call_begin returns");
    ok(pthread_equal(server->begun_on, pthread_self()), "on the client's thread");
    must(call_context_complete(job.context, S_FALSE));
    ok_hr(finish(call), S_FALSE, "SG-1 and its completion ends the call");
    must(call_release(call));
}

static void begin_runs_on_the_clients_thread(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        home_t home, elsewhere;
        server_t server;
        target_t door;
        diag("an object in a %s apartment", kind_name(kind));
        home_open(&home, kind, 1);
        home_open(&elsewhere, CALL_APARTMENT_SERIAL, 0);
        server_create(&server, home.apartment, &custom_class);
        begin_here(&server);
        target_create(&door, elsewhere.apartment);
        must(run_inside(door.object, begin_here, &server));
        target_destroy(&door);
        server_destroy(&server);
        home_close(&elsewhere);
        home_close(&home);
    }
}

static void queue_is_not_touched(void)
{
    call_apartment_t apartment = apartment_of(1, 1, 1);
    target_t target;
    server_t server;
    job_t held;
    target_create(&target, apartment);
    server_create(&server, apartment, &custom_class);
    server.mode = AT_ONCE;
    call_t running = new_call(&target), queued = new_call(&target), direct = new_call(&server.target);
    job_init(&held, NULL, S_OK);
    enter_job(running, HOLD, &held);
    must(call_begin(queued, ECHO, "q", 1));
    call_t refused = new_call(&target);
    ok_hr(call_begin(refused, ECHO, "r", 1), CALL_E_TOO_BUSY, "BG-7 an apartment whose queue is full");
    ok_hr(call_begin(direct, ECHO, "d", 1), S_OK, "BG-1 does not keep a custom class from beginning");
    ok_hr(finish(direct), S_OK, "BG-1 nor from ending");
    gate_open(&held.release);
    must(finish(running));
    must(finish(queued));
    must(call_release(running));
    must(call_release(queued));
    must(call_release(refused));
    must(call_release(direct));
    target_destroy(&target);
    server_destroy(&server);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

/* An object of a custom class in the process-wide apartment. */
typedef struct custom_t {
    server_t server;
    call_t call;
} custom_t;

static void custom_open(custom_t *custom, const call_class_t *cls)
{
    server_create(&custom->server, (call_apartment_t){0}, cls);
    custom->call = new_call(&custom->server.target);
}

static void custom_close(custom_t *custom)
{
    must(call_release(custom->call));
    server_destroy(&custom->server);
}

static void no_interface_without_a_cancel(void)
{
    custom_t custom;
    job_t job;
    call_cancel_t cancel = {~(uint64_t)0};
    custom_open(&custom, &custom_class);
    ok_hr(call_query_cancel(custom.call, &cancel), E_NOINTERFACE,
          "MK-2 a class without a cancel, queried while idle");
    ok_u64(cancel.id, 0, "LT-12 no handle");
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    ok_hr(call_query_cancel(custom.call, &cancel), E_NOINTERFACE, "MK-2 queried while pending");
    must(call_context_complete(job.context, S_OK));
    ok_hr(call_query_cancel(custom.call, &cancel), E_NOINTERFACE, "MK-2 queried while complete");
    must(finish(custom.call));
    ok_hr(call_query_cancel(custom.call, &cancel), E_NOINTERFACE, "MK-2 queried after finish");
    custom_close(&custom);
}

static void interface_with_a_cancel(void)
{
    custom_t custom;
    job_t job;
    call_cancel_t idle, busy;
    custom_open(&custom, &custom_with_cancel_class);
    ok_hr(call_query_cancel(custom.call, &idle), S_OK,
          "MK-2 a class with a cancel, queried while idle");
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    ok_hr(call_query_cancel(custom.call, &busy), S_OK, "MK-2 queried while pending");
    ok_hr(call_cancel(busy, 0), S_OK, "MK-2 CN-1 by which it is canceled");
    ok_hr(call_cancel(idle, 0), RPC_E_CALL_CANCELED, "CN-5 both name the same call");
    must(call_context_complete(job.context, S_OK));
    ok_hr(finish(custom.call), RPC_E_CALL_CANCELED, "MK-2 canceled");
    must(call_cancel_release(idle));
    must(call_cancel_release(busy));
    custom_close(&custom);
}

static void cancel_that_refuses(void)
{
    static const call_hresult_t codes[] = {E_NOTIMPL, E_FAIL, E_ACCESSDENIED, RPC_E_CALL_COMPLETE};
    custom_t custom;
    job_t job;
    char text[16];
    custom_open(&custom, &custom_with_cancel_class);
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(custom.call);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        custom.server.cancel_result = codes[i];
        ok_hr(call_cancel(cancel, i == 0 ? 0 : CALL_INFINITE), codes[i],
              "CN-12 cancel gives what the class's cancel failed with, at once");
        ok_hr(call_test_cancel(cancel), RPC_S_CALLPENDING, "CN-12 TC-1 the call is not canceled");
        ok_hr(call_context_test_cancel(job.context), RPC_S_CALLPENDING,
              "CN-12 TC-4 nor for its method");
        ok_hr(call_wait(custom.call, 0), RPC_S_CALLPENDING, "CN-12 it goes on");
    }
    unsigned told = gate_count(&custom.server.told);
    ok_u64(told, sizeof codes / sizeof codes[0], "CN-12 the class was asked each time");
    ok_hr(call_request_cancel(cancel, 0), S_OK,
          "CN-12 the form that never blocks: the class will be asked");
    gate_wait_for(&custom.server.told, told + 1);
    must(call_context_write(job.context, "whole", 5));
    must(call_context_complete(job.context, S_FALSE));
    ok_hr(finish_text(custom.call, text, sizeof text), S_FALSE,
          "CN-12 and refused too, the call ends by itself");
    ok_str(text, "whole", "CN-12 with its output");
    ok_fate(fate_of(custom.call), CALL_FATE_COMPLETED, "CN-12 completed");
    must(call_cancel_release(cancel));
    custom_close(&custom);
}

static void cancel_that_changes_its_mind(void)
{
    custom_t custom;
    job_t job;
    custom_open(&custom, &custom_with_cancel_class);
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(custom.call);
    custom.server.cancel_result = E_FAIL;
    ok_hr(call_cancel(cancel, 0), E_FAIL, "CN-12 a cancel that is refused");
    custom.server.cancel_result = S_OK;
    ok_hr(call_cancel(cancel, 0), S_OK, "CN-12 CN-1 is not the first cancel of the call");
    ok_hr(call_cancel(cancel, 0), RPC_E_CALL_CANCELED, "CN-5 one that was accepted is");
    ok_hr(finish(custom.call), RPC_E_CALL_CANCELED, "CN-1 canceled");
    must(call_context_complete(job.context, S_OK));
    must(call_cancel_release(cancel));
    custom_close(&custom);
}

static void what_the_class_is_told(void)
{
    static const struct { uint32_t seconds, grace_ms; } given[] = {
        {0, 0}, {CALL_INFINITE, CALL_INFINITE}, {5000000, CALL_INFINITE - 1}, {7000, 7000000},
    };
    custom_t custom;
    job_t job;
    custom_open(&custom, &custom_with_cancel_class);
    custom.server.cancel_result = E_FAIL;
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(custom.call);
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        ok_hr(call_cancel(cancel, given[i].seconds), E_FAIL, "CN-12 refused");
        uint32_t told = custom.server.told_grace, gone = given[i].grace_ms - told;
        ok(told == given[i].grace_ms || (given[i].seconds == 7000 && gone < hang_ms()),
           "TO-4 the class is told in milliseconds what is left of the grace: %u", told);
        ok_u64(custom.server.told_of.id, job.context.id, "with the context of the call");
        ok(pthread_equal(custom.server.told_on, pthread_self()), "on the canceling thread");
    }
    unsigned told = gate_count(&custom.server.told);
    ok_hr(call_request_cancel(cancel, 7), S_OK, "the form that never blocks");
    gate_wait_for(&custom.server.told, told + 1);
    ok(!pthread_equal(custom.server.told_on, pthread_self()), "asks on a thread of the library's");
    ok(custom.server.told_grace <= 7, "for what is left of the grace: %u ms", custom.server.told_grace);
    must(call_context_complete(job.context, S_OK));
    must(finish(custom.call));
    must(call_cancel_release(cancel));
    custom_close(&custom);
}

/* What another thread was refused leaves no trace: until then a cancel is one too many. */
static void cancel_is_refused(call_cancel_t cancel)
{
    uint64_t end = now_us() + (uint64_t)hang_ms() * 1000;
    call_hresult_t refused;
    do {
        refused = call_cancel(cancel, CALL_INFINITE);
    } while (refused == RPC_E_CALL_CANCELED && now_us() < end);
    ok_hr(refused, E_FAIL, "CN-12 refused");
}

static void refused_cancel_leaves_nothing_behind(void)
{
    custom_t custom;
    scene_t scene;
    job_t job, child;
    custom_open(&custom, &custom_with_cancel_class);
    scene_open(&scene, 1);
    custom.server.cancel_result = E_FAIL;
    job_init(&job, NULL, S_OK);
    job_init(&child, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    must(call_set_parent(scene.call, custom.call));
    enter_job(scene.call, DEFER, &child);
    call_cancel_t cancel = cancel_of(custom.call), of_child = cancel_of(scene.call);
    must(call_request_cancel(cancel, 7));
    gate_wait_for(&custom.server.told, 1);
    cancel_is_refused(cancel);
    must(call_request_cancel(cancel, CALL_INFINITE));
    gate_wait_for(&custom.server.told, 3);
    ok_u64(custom.server.told_grace, CALL_INFINITE, "a grace that was refused is not that of the next cancel");
    ok_hr(call_test_cancel(of_child), RPC_S_CALLPENDING, "CN-12 and a call that was begun for it is not canceled");
    cancel_is_refused(cancel);
    must(call_context_complete(child.context, S_OK));
    must(call_context_complete(job.context, S_OK));
    must(finish(scene.call));
    must(finish(custom.call));
    must(call_cancel_release(of_child));
    must(call_cancel_release(cancel));
    scene_close(&scene);
    custom_close(&custom);
}

static void further_cancel_shortens_the_grace(void)
{
    custom_t custom;
    job_t job;
    custom_open(&custom, &custom_with_cancel_class);
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(custom.call);
    must(call_request_cancel(cancel, CALL_INFINITE));
    cancel_arrived(cancel);
    ok_hr(call_request_cancel(cancel, 1), RPC_E_CALL_CANCELED, "CN-5 a further cancel of a call that its class canceled");
    completed(custom.call);
    ok_hr(finish(custom.call), RPC_E_CALL_CANCELED, "brings its own grace, at whose end the client goes on");
    must(call_context_complete(job.context, S_OK));
    must(call_cancel_release(cancel));
    custom_close(&custom);
}

/* The class of a call that was begun for one is told at the end of a region in which that was canceled twice. */
static void later_end_of_grace_does_not_replace_an_earlier_one(void)
{
    enum { HOUR_MS = 3600000 };
    scene_t scene;
    custom_t custom;
    job_t parent, job;
    scene_open(&scene, 1);
    custom_open(&custom, &custom_with_cancel_class);
    job_init(&parent, NULL, S_OK);
    job_init(&job, NULL, S_OK);
    enter_job(scene.call, DEFER, &parent);
    must(call_set_parent(custom.call, scene.call));
    begin_job(custom.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(scene.call);
    must(call_context_disable_cancel(parent.context));
    must(call_request_cancel(cancel, HOUR_MS));
    ok_hr(call_request_cancel(cancel, CALL_INFINITE), RPC_E_CALL_CANCELED, "CN-5 canceled again, with more grace");
    ok_hr(call_context_enable_cancel(parent.context), RPC_E_CALL_CANCELED, "at the end of the region");
    gate_wait(&custom.server.told);
    uint32_t told = custom.server.told_grace;
    ok(told <= HOUR_MS, "what is left is that of the first cancel: %u ms", (unsigned)told);
    must(call_context_complete(job.context, S_OK));
    must(call_context_complete(parent.context, S_OK));
    must(finish(custom.call));
    must(finish(scene.call));
    must(call_cancel_release(cancel));
    custom_close(&custom);
    scene_close(&scene);
}

static void grace_runs_after_an_accepted_cancel(void)
{
    custom_t custom;
    job_t job;
    custom_open(&custom, &custom_with_cancel_class);
    job_init(&job, NULL, S_OK);
    begin_job(custom.call, DEFER, &job);
    caller_t canceler = {.run = run_cancel, .cancel = cancel_of(custom.call), .number = CALL_INFINITE};
    caller_start(&canceler);
    cancel_arrived(canceler.cancel);
    ok_hr(call_wait(custom.call, 0), RPC_S_CALLPENDING,
          "TO-3 within the grace period the call is pending");
    must(call_context_write(job.context, "in time", 7));
    ok_hr(call_context_complete(job.context, S_FALSE), S_OK, "TO-6 it is answered in time");
    ok_hr(caller_join(&canceler), RPC_E_CALL_COMPLETE, "CN-2 cancel says so");
    ok_hr(finish(custom.call), S_FALSE, "CN-2 TO-6 the result stands");
    must(call_cancel_release(canceler.cancel));
    custom_close(&custom);
}

/* What many a library's cancel does: it calls the completion at once. */
static call_hresult_t complete_in_cancel(void *self, call_context_t context, uint32_t grace_ms)
{
    (void)grace_ms;
    custom_with_cancel_class.cancel(self, context, grace_ms);
    return call_context_complete(context, RPC_E_CALL_CANCELED);
}

static void cancel_that_completes_the_call(void)
{
    static const uint32_t graces[] = {0, 5, CALL_INFINITE};
    call_class_t cls = custom_with_cancel_class;
    custom_t custom;
    cls.cancel = complete_in_cancel;
    custom_open(&custom, &cls);
    for (size_t i = 0; i < sizeof graces / sizeof graces[0]; i++) {
        job_t job;
        job_init(&job, NULL, S_OK);
        begin_job(custom.call, DEFER, &job);
        call_cancel_t cancel = cancel_of(custom.call);
        ok_hr(call_cancel(cancel, graces[i]), RPC_E_CALL_COMPLETE,
              "CN-2 completed inside the class's cancel: answered in time");
        ok_hr(finish(custom.call), RPC_E_CALL_CANCELED, "CN-2 SV-6 with the class's own result");
        ok_fate(fate_of(custom.call), CALL_FATE_STOPPED,
                "SV-6 a cancel was requested, and the work stopped");
        must(call_cancel_release(cancel));
    }
    custom_close(&custom);
}

static void begin_that_fails(void)
{
    static const call_hresult_t codes[] = {E_ACCESSDENIED, RPC_E_DISCONNECTED, E_OUTOFMEMORY};
    custom_t custom;
    custom_open(&custom, &custom_with_cancel_class);
    custom.server.mode = REFUSE;
    call_cancel_t cancel = cancel_of(custom.call);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        custom.server.begin_result = codes[i];
        ok_hr(call_begin(custom.call, ECHO, "f", 1), S_OK, "SV-5 BG-9 call_begin succeeds");
        ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-6 CN-7 there is nothing to cancel");
        ok_hr(call_begin(custom.call, ECHO,
              "f", 1), RPC_S_CALLPENDING, "BG-4 the call object is busy until finished");
        ok_hr(finish(custom.call), codes[i], "FI-11 SV-5 finish reports what begin failed with");
        ok_hr(finish(custom.call), RPC_E_CALL_COMPLETE, "FI-16 and ended the call");
    }
    must(call_cancel_release(cancel));
    custom_close(&custom);
}

static void completion_before_a_failing_begin_stands(void)
{
    custom_t custom;
    char text[8];
    custom_open(&custom, &custom_with_cancel_class);
    custom.server.mode = AT_ONCE;
    custom.server.begin_result = E_FAIL;
    must(call_begin(custom.call, ECHO, "1st", 3));
    ok_hr(finish_text(custom.call, text, sizeof text), S_OK,
          "SG-2 SG-3 completed inside begin, which then fails: the first result stands");
    ok_str(text, "1st", "SG-3 with its output");
    custom_close(&custom);
}

static const tap_test_t tests[] = {
    TAP_TEST(begin_runs_on_the_clients_thread),
    TAP_TEST(queue_is_not_touched),
    TAP_TEST(no_interface_without_a_cancel),
    TAP_TEST(interface_with_a_cancel),
    TAP_TEST(cancel_that_refuses),
    TAP_TEST(cancel_that_changes_its_mind),
    TAP_TEST(what_the_class_is_told),
    TAP_TEST(refused_cancel_leaves_nothing_behind),
    TAP_TEST(further_cancel_shortens_the_grace),
    TAP_TEST(later_end_of_grace_does_not_replace_an_earlier_one),
    TAP_TEST(grace_runs_after_an_accepted_cancel),
    TAP_TEST(cancel_that_completes_the_call),
    TAP_TEST(begin_that_fails),
    TAP_TEST(completion_before_a_failing_begin_stands),
};

TAP_MAIN(tests)
