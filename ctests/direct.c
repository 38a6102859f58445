/* Objects that bring their own call object, called inside their apartment: `begin` runs directly,
 * on the client's thread. From outside they are begun in their apartment. */
#include "distance_support.h"

enum { KINDS = CALL_APARTMENT_SERIAL + 1 };

/* An apartment, an object to get inside by, and a server with a call object. */
typedef struct stage_t {
    home_t home;
    target_t door;
    server_t server;
    call_t call;
    const char *where;
} stage_t;

static void stage_open(stage_t *stage, uint32_t kind, const call_class_t *cls)
{
    home_open(&stage->home, kind, 1);
    target_create(&stage->door, stage->home.apartment);
    server_create(&stage->server, stage->home.apartment, cls);
    stage->call = new_call(&stage->server.target);
    stage->where = kind_name(kind);
}

static void stage_close(stage_t *stage)
{
    must(call_release(stage->call));
    server_destroy(&stage->server);
    target_destroy(&stage->door);
    home_close(&stage->home);
}

/* Runs `body`, which takes a stage, inside an apartment of each kind. */
static void inside_each_kind(const call_class_t *cls, void (*body)(void *stage))
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        stage_t stage;
        stage_open(&stage, kind, cls);
        must(run_inside(stage.door.object, body, &stage));
        stage_close(&stage);
    }
}

static void begin_here(void *data)
{
    stage_t *stage = data;
    job_t job;
    job_init(&job, "direct", S_FALSE);
    begin_job(stage->call, DEFER, &job);
    ok_u64(gate_count(&stage->server.begun), 1,
           "%s: begin has run when call_begin returns", stage->where);
    ok(pthread_equal(stage->server.begun_on, pthread_self()),
       "%s: on the client's thread", stage->where);
    ok_hr(call_wait(stage->call, 0), RPC_S_CALLPENDING, "%s: the call is pending", stage->where);
    must(call_context_complete(job.context, S_FALSE));
    ok_hr(finish(stage->call), S_FALSE, "SG-1 %s: and ends by its completion", stage->where);
    stage->server.mode = AT_ONCE;
    must(call_begin(stage->call, ECHO, "a", 1));
    ok_hr(call_wait(stage->call, 0), S_OK,
          "SG-2 %s: completed inside begin it is complete at once", stage->where);
    ok_hr(finish(stage->call), S_OK, "SG-2 %s: finished", stage->where);
}

static void begin_runs_on_the_clients_thread(void)
{
    inside_each_kind(&begin_with_cancel_class, begin_here);
}

static void invoke_here(void *data)
{
    stage_t *stage = data;
    call_t call = new_call(&stage->door);
    call_cancel_t cancel = {0};
    must(call_begin(call, ECHO, "q", 1));
    ok_u64(atomic_load(&stage->door.entries), 1,
           "%s: a class with invoke is queued, also from inside", stage->where);
    ok_hr(call_query_cancel(call, &cancel), S_OK, "MK-1 %s: and has a cancel interface", stage->where);
    ok_hr(call_cancel(cancel, CALL_INFINITE), S_OK,
          "CN-13 MK-1 %s: by which it is canceled", stage->where);
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "CN-13 %s: it never ran", stage->where);
    must(call_cancel_release(cancel));
    must(call_release(call));
}

static void invoke_is_queued(void)
{
    inside_each_kind(&begin_class, invoke_here);
}

static void without_a_cancel(void *data)
{
    stage_t *stage = data;
    job_t job;
    call_cancel_t early, late = {~(uint64_t)0};
    job_init(&job, NULL, S_OK);
    ok_hr(call_query_cancel(stage->call, &early), S_OK, "MK-3 %s: queried while idle", stage->where);
    begin_job(stage->call, DEFER, &job);
    ok_hr(call_query_cancel(stage->call, &late), E_NOINTERFACE,
          "MK-3 %s: queried while a direct call is pending", stage->where);
    ok_u64(late.id, 0, "LT-12 %s: no handle", stage->where);
    ok_hr(call_cancel(early, CALL_INFINITE), E_NOINTERFACE,
          "MK-3 %s: the early handle cannot cancel it", stage->where);
    ok_hr(call_request_cancel(early, 0), E_NOINTERFACE,
          "MK-3 %s: nor in the form that never blocks", stage->where);
    ok_hr(call_test_cancel(early), RPC_S_CALLPENDING, "MK-3 %s: the call goes on", stage->where);
    ok_hr(call_context_test_cancel(job.context), RPC_S_CALLPENDING,
          "MK-3 %s: nor is its method told", stage->where);
    must(call_context_complete(job.context, S_FALSE));
    ok_hr(call_cancel(early, 0), RPC_E_CALL_COMPLETE, "CN-6 %s: complete is complete", stage->where);
    ok_hr(finish(stage->call), S_FALSE, "MK-3 %s: to its own end", stage->where);
    must(call_cancel_release(early));
}

static void class_without_a_cancel(void)
{
    inside_each_kind(&begin_class, without_a_cancel);
}

/* The thread that owns a SINGLE apartment, but does not serve it now, is outside of it. */
static void owner_outside_its_pump(void)
{
    server_t server;
    job_t job;
    call_cancel_t cancel = {0};
    call_apartment_t apartment = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    server_create(&server, apartment, &begin_class);
    call_t call = new_call(&server.target);
    job_init(&job, NULL, S_OK);
    begin_job(call, DEFER, &job);
    ok_u64(gate_count(&server.begun), 0, "outside its pump the owner's begin is queued");
    ok_hr(call_query_cancel(call, &cancel), S_OK, "MK-1 and can be canceled without the class's help");
    must(call_apartment_pump(apartment, 0, NULL));
    ok_u64(gate_count(&server.begun), 1, "the pump begins it");
    ok_hr(call_cancel(cancel, 0), S_OK, "MK-1 CN-1 it is canceled while it runs");
    ok_hr(call_context_test_cancel(job.context), RPC_E_CALL_CANCELED, "MK-1 its method sees it");
    ok_hr(finish(call), RPC_E_CALL_CANCELED, "MK-1 canceled");
    must(call_context_complete(job.context, S_OK));
    must(call_cancel_release(cancel));
    must(call_release(call));
    server_destroy(&server);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
}

/* Two apartments of one thread; the inner one's method stands between the client and the outer. */
typedef struct between_t {
    call_apartment_t outer, inner;
    target_t inner_door;
    server_t server; /* in the outer one */
    call_t direct, queued;
    job_t job, inner_job;
} between_t;

static call_hresult_t in_the_inner(job_t *job)
{
    between_t *between = job->data;
    call_cancel_t cancel = {0};
    begin_job(between->queued, DEFER, &between->job);
    ok_u64(gate_count(&between->server.begun), 1,
           "inside the inner apartment's method a begin in the outer one is queued");
    ok_hr(call_query_cancel(between->queued, &cancel), S_OK, "MK-1 and cancelable");
    must(call_cancel_release(cancel));
    return S_OK;
}

static void in_the_outer(void *data)
{
    between_t *between = data;
    job_t job;
    job_init(&job, NULL, S_OK);
    begin_job(between->direct, DEFER, &job);
    ok_u64(gate_count(&between->server.begun), 1, "inside the outer apartment's method it is direct");
    job_init(&between->job, NULL, S_OK);
    job_init(&between->inner_job, NULL, S_OK);
    between->inner_job.run = in_the_inner;
    between->inner_job.data = between;
    call_t call = new_call(&between->inner_door);
    begin_job(call, RUN, &between->inner_job);
    must(call_apartment_pump(between->inner, 0, NULL));
    must(finish(call));
    must(call_release(call));
    must(call_context_complete(job.context, S_OK));
    must(finish(between->direct));
}

static void innermost_method_decides(void)
{
    between_t between;
    target_t door;
    between.outer = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    between.inner = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    target_create(&door, between.outer);
    target_create(&between.inner_door, between.inner);
    server_create(&between.server, between.outer, &begin_class);
    between.direct = new_call(&between.server.target);
    between.queued = new_call(&between.server.target);
    must(run_inside(door.object, in_the_outer, &between));
    must(call_apartment_pump(between.outer, 0, NULL));
    ok_u64(gate_count(&between.server.begun), 2, "served by the outer apartment it is begun");
    must(call_context_complete(between.job.context, S_FALSE));
    ok_hr(finish(between.queued), S_FALSE, "SG-1 and ends");
    must(call_release(between.direct));
    must(call_release(between.queued));
    server_destroy(&between.server);
    target_destroy(&between.inner_door);
    target_destroy(&door);
    must(call_apartment_release(between.inner));
    must(call_apartment_release(between.outer));
}

/* From outside: begun on a thread of the apartment, and told there. */
static void begun_and_told_in_its_apartment(void)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        stage_t stage;
        job_t job;
        stage_open(&stage, kind, &begin_with_cancel_class);
        stage.server.cancel_result = E_FAIL;
        job_init(&job, NULL, S_OK);
        enter_job(stage.call, DEFER, &job);
        pthread_t apartment_thread = stage.server.begun_on;
        call_cancel_t cancel = cancel_of(stage.call);
        ok(!pthread_equal(apartment_thread, pthread_self()),
           "%s: from outside it is begun on another thread", stage.where);
        if (kind == CALL_APARTMENT_SINGLE)
            ok(pthread_equal(apartment_thread, stage.home.owner.thread),
               "%s: the owner's", stage.where);
        ok_hr(call_cancel(cancel, 0), S_OK,
              "MK-1 %s: it is canceled, whatever its cancel answers", stage.where);
        ok_hr(finish(stage.call), RPC_E_CALL_CANCELED, "MK-1 %s: canceled", stage.where);
        gate_wait(&stage.server.told);
        ok(pthread_equal(stage.server.told_on, apartment_thread),
           "%s: its class is told on the apartment's thread", stage.where);
        ok_u64(stage.server.told_of.id, job.context.id, "%s: of this call", stage.where);
        ok_u64(stage.server.told_grace, 0, "%s: with no grace left", stage.where);
        ok_hr(call_cancel(cancel, 0), RPC_E_CALL_COMPLETE, "CN-7 %s: it is over", stage.where);
        must(call_context_complete(job.context, S_OK));
        must(call_cancel_release(cancel));
        stage_close(&stage);
        ok_u64(gate_count(&stage.server.told), 1, "%s: once", stage.where);
    }
}

static void open_gate(void *gate)
{
    gate_open(gate);
}

static void invoke_class_is_told_in_its_apartment(void)
{
    stage_t stage;
    job_t job;
    stage_open(&stage, CALL_APARTMENT_SERIAL, &invoke_with_cancel_class);
    job_init(&job, NULL, RPC_E_CALL_CANCELED);
    enter_job(stage.call, DEFER, &job);
    call_cancel_t cancel = cancel_of(stage.call);
    ok_hr(call_request_cancel(cancel, hang_ms()), S_OK, "MK-1 a request to cancel a deferred method");
    gate_wait(&stage.server.told);
    ok(stage.server.told_grace > 0 && stage.server.told_grace <= hang_ms(),
       "its class is told of the grace that is left: %u ms",
       stage.server.told_grace);
    must(call_context_on_cancel(job.context, open_gate, &job.left));
    ok_u64(gate_count(&job.left), 1, "a function that comes after it is told, too");
    call_t later = new_call(&stage.door);
    must(call_begin(later, ECHO, NULL, 0));
    must(finish(later));
    must(call_release(later));
    must(call_context_complete(job.context, RPC_E_CALL_CANCELED));
    ok_hr(finish(stage.call), RPC_E_CALL_CANCELED, "SV-6 it ends within it");
    ok_fate(fate_of(stage.call), CALL_FATE_STOPPED, "SV-6 stopped");
    must(call_cancel_release(cancel));
    stage_close(&stage);
    ok_u64(gate_count(&stage.server.told), 1, "the class was told once");
}

/* Who waits in the apartment of the object is inside while it serves. */
static void method_served_by_a_wait_is_inside(void)
{
    stage_t stage;
    target_t door;
    stage.where = "served by a wait";
    call_apartment_t apartment = apartment_of_kind(CALL_APARTMENT_SINGLE, 0, 0);
    target_create(&door, apartment);
    server_create(&stage.server, apartment, &begin_with_cancel_class);
    stage.call = new_call(&stage.server.target);
    must(run_inside(door.object, begin_here, &stage));
    must(call_release(stage.call));
    server_destroy(&stage.server);
    target_destroy(&door);
    must(call_apartment_release(apartment));
}

static const tap_test_t tests[] = {
    TAP_TEST(begin_runs_on_the_clients_thread),
    TAP_TEST(invoke_is_queued),
    TAP_TEST(class_without_a_cancel),
    TAP_TEST(owner_outside_its_pump),
    TAP_TEST(innermost_method_decides),
    TAP_TEST(begun_and_told_in_its_apartment),
    TAP_TEST(invoke_class_is_told_in_its_apartment),
    TAP_TEST(method_served_by_a_wait_is_inside),
};

TAP_MAIN(tests)
