/* Synchronous calls at each distance: result, output, fate and deadline; and canceled by their thread. */
#include "distances.h"

#include <string.h>

enum { SOON_MS = 20, PIECE = 6 };

/* One that invokes; who cancels it needs its thread's number. */
static call_hresult_t invoke_job(place_t *place, uint32_t method, job_t *job, char *out, size_t cap,
                                 size_t *len, call_fate_t *fate)
{
    return call_invoke(place->server.target.object, method, &job, sizeof job, out, cap, len, CALL_INFINITE,
                       fate);
}

static void result_and_output(place_t *place)
{
    char out[16] = "";
    size_t len = 7;
    call_fate_t fate = CALL_FATE_NONE;
    call_object_t object = place->server.target.object;
    ok_hr(call_invoke(object, ECHO, "sample", PIECE, out, sizeof out, &len, CALL_INFINITE, &fate), S_OK,
          AT(place, "a synchronous call gives the method's result"));
    ok_mem(out, len, "sample", PIECE, AT(place, "and its output"));
    ok_fate(fate, CALL_FATE_COMPLETED, AT(place, "and its fate"));
    struct { call_hresult_t code; char text[4]; } answer = {E_ABORT, "why"};
    ok_hr(call_invoke(object, ANSWER, &answer, sizeof answer, out, sizeof out, &len, CALL_INFINITE, &fate),
          E_ABORT, AT(place, "a failure is given as it is"));
    ok_mem(out, len, "why", 4, AT(place, "with its output"));
    ok_hr(call_invoke(object, ECHO, "sample", PIECE, NULL, 0, NULL, CALL_INFINITE, NULL), S_OK,
          AT(place, "output and fate may be left"));
    memset(out, '.', sizeof out);
    ok_hr(call_invoke(object, ECHO, "sample", PIECE, out, 3, &len, CALL_INFINITE, &fate), CALL_E_MORE_DATA,
          AT(place, "an output that is too long is lost"));
    ok_u64(len, PIECE, AT(place, "its length is told"));
    ok_fate(fate, CALL_FATE_COMPLETED, AT(place, "as its fate is"));
    ok_mem(out, 1, ".", 1, AT(place, "and the buffer is left alone"));
    ok_hr(call_invoke(object, METHOD_COUNT, NULL, 0, out, 3, &len, CALL_INFINITE, &fate), DISP_E_MEMBERNOTFOUND,
          AT(place, "BG-7 what cannot begin gives the reason"));
    ok_fate(fate, CALL_FATE_NONE, AT(place, "BG-7 and has no fate"));
    ok_u64(atomic_load(&place->server.target.entries), 4, AT(place, "each is one method"));
}

static void output_in_a_buffer(place_t *place)
{
    call_buffer_t buffer = {7};
    const void *data;
    size_t len;
    call_fate_t fate = CALL_FATE_NONE;
    call_object_t object = place->server.target.object;
    ok_hr(call_invoke_buffer(object, ECHO, "sample", PIECE, &buffer, CALL_INFINITE, &fate), S_OK,
          AT(place, "with an output that is handed out"));
    must(call_buffer_get(buffer, &data, &len));
    ok_mem(data, len, "sample", PIECE, AT(place, "as it is"));
    ok_fate(fate, CALL_FATE_COMPLETED, AT(place, "and the fate"));
    must(call_buffer_release(buffer));
    ok_hr(call_invoke_buffer(object, ECHO, NULL, 0, &buffer, CALL_INFINITE, NULL), S_OK,
          AT(place, "without an output"));
    ok_u64(buffer.id, 0, AT(place, "there is no buffer"));
}

/* A client goes on while its method runs, or, in a child, is just being ended: there may be no telling yet. */
static bool ended_or_running(const place_t *place, call_fate_t fate)
{
    return fate == CALL_FATE_RUNNING || (place->kills && fate == CALL_FATE_KILLED);
}

static void its_deadline_passes(place_t *place)
{
    job_t job, *pointer = &job;
    char out[8];
    size_t len = 7;
    call_fate_t fate = CALL_FATE_NONE;
    job_init(&job, "late", S_OK);
    /* On a slow machine it may pass before the method starts. */
    call_hresult_t result = S_OK;
    uint64_t from = 0, took = 0;
    uint32_t timeout_ms = SOON_MS / 2;
    do {
        timeout_ms *= 2;
        from = now_us();
        result = call_invoke(place->server.target.object, HOLD, &pointer, sizeof pointer, out, sizeof out, &len,
                             timeout_ms, &fate);
        took = now_us() - from;
    } while (fate == CALL_FATE_NEVER_STARTED && timeout_ms < hang_ms());
    ok_hr(result, RPC_E_TIMEOUT, AT(place, "a deadline frees the client"));
    ok(took >= (timeout_ms - 1) * 1000ull, AT(place, "and not before it passes"));
    ok(ended_or_running(place, fate), AT(place, "the method runs on, or was ended"));
    ok_u64(len, 0, AT(place, "and its output is not for this client"));
    let_go(place, &job);
}

/* Waits until a method is entered, and cancels the call of a thread. */
typedef struct canceler_t {
    caller_t caller; /* first: `run` gets its address */
    job_t *job;
    uint64_t thread;
    unsigned entries;
    call_hresult_t queried;
} canceler_t;

static call_hresult_t run_thread_cancel(caller_t *self)
{
    canceler_t *canceler = (canceler_t *)self;
    gate_wait_for(&canceler->job->entered, canceler->entries);
    canceler->queried = call_query_thread_cancel(canceler->thread, &self->cancel);
    if (canceler->queried == S_OK)
        must(call_cancel_release(self->cancel));
    call_hresult_t canceled = call_cancel_thread(canceler->thread, self->number);
    if (canceled != S_OK)
        gate_open(&canceler->job->release);
    return canceled;
}

static void canceler_start(canceler_t *canceler, job_t *job)
{
    memset(canceler, 0, sizeof *canceler);
    canceler->caller.run = run_thread_cancel;
    canceler->job = job;
    canceler->entries = 1;
    must(call_thread_id(&canceler->thread));
    caller_start(&canceler->caller);
}

static void not_enabled(place_t *place)
{
    job_t job;
    canceler_t canceler;
    char out[8];
    size_t len;
    job_init(&job, "through", S_OK);
    canceler_start(&canceler, &job);
    ok_hr(invoke_job(place, HOLD, &job, out, sizeof out, &len, NULL), S_OK,
          AT(place, "SY-1 a call whose thread did not enable cancellation goes on"));
    ok_hr(caller_join(&canceler.caller), CO_E_CANCEL_DISABLED, AT(place, "SY-1 CN-11 as the cancel says"));
    ok_hr(canceler.queried, CO_E_CANCEL_DISABLED, AT(place, "SY-1 and so the query"));
    ok_mem(out, len, "through", 7, AT(place, "SY-1 its output is there"));
}

/* The client is freed while the method runs, and the thread's next call has its own answer. */
static void canceled_by_its_thread(place_t *place)
{
    job_t job;
    canceler_t canceler;
    char out[8] = ".......";
    size_t len = 7;
    call_fate_t fate = CALL_FATE_NONE;
    job_init(&job, "late", S_FALSE);
    must(call_enable_cancellation());
    canceler_start(&canceler, &job);
    ok_hr(invoke_job(place, HOLD, &job, out, sizeof out, &len, &fate), RPC_E_CALL_CANCELED,
          AT(place, "SY-12 a canceled call returns at once"));
    ok_hr(caller_join(&canceler.caller), S_OK, AT(place, "SY-12 as it was asked to"));
    ok_hr(canceler.queried, S_OK, AT(place, "SY-16 a cancel interface of it could be had"));
    ok_u64(len, 0, AT(place, "SY-12 without output"));
    ok(ended_or_running(place, fate), AT(place, "SY-12 its method runs on, or was ended"));
    ok_u64(gate_count(&job.left), 0, AT(place, "SY-12 still"));
    ok_hr(call_cancel_thread(canceler.thread, 0), E_NOINTERFACE, AT(place, "SY-10 and no call is in progress"));
    /* A thread that is its apartment's only one has to end it first. */
    bool pool = place->kind == CALL_APARTMENT_MULTI && place->direct;
    if (!pool)
        gate_open(&job.release);
    ok_hr(call_invoke(place->server.target.object, ECHO, "next", 4, out, sizeof out, &len, CALL_INFINITE, &fate), S_OK,
          AT(place, "SY-13 the next call has its own result"));
    ok_mem(out, len, "next", 4, AT(place, "SY-13 and its own output"));
    ok_fate(fate, CALL_FATE_COMPLETED, AT(place, "SY-13 and its own fate"));
    let_go(place, &job);
    must(call_disable_cancellation());
}

static void stopped_by_its_thread(place_t *place)
{
    job_t job;
    canceler_t canceler;
    char out[16];
    size_t len;
    call_fate_t fate = CALL_FATE_NONE;
    job_init(&job, "so far", RPC_E_CALL_CANCELED);
    must(call_enable_cancellation());
    canceler_start(&canceler, &job);
    /* Where what is left behind is killed, the method is given the time to obey. */
    canceler.caller.number = place->kills ? hang_ms() / 1000 : 0;
    job.numbers[0] = 0;
    ok_hr(invoke_job(place, OBEY, &job, out, sizeof out, &len, &fate), RPC_E_CALL_CANCELED,
          AT(place, "SY-12 a method that obeys ends its call with that code, too"));
    ok_hr(caller_join(&canceler.caller), place->kills ? RPC_E_CALL_COMPLETE : S_OK, AT(place, "SY-12 which was asked for by the thread's number"));
    ok(fate == CALL_FATE_STOPPED || fate == CALL_FATE_RUNNING, AT(place, "SY-12 stopping, or stopped"));
    gate_wait(&job.left);
    ok_hr(job.seen, RPC_E_CALL_CANCELED, AT(place, "SY-12 and hears of the cancel"));
    must(call_disable_cancellation());
}

/* Where the call is direct and its class brings no cancel, there is none; elsewhere there always is. */
static void without_a_cancel_of_its_own(place_t *place)
{
    server_t bare;
    job_t job, *pointer = &job;
    canceler_t canceler;
    place_create(place, &bare, place->bare);
    job_init(&job, NULL, S_OK);
    must(call_enable_cancellation());
    canceler_start(&canceler, &job);
    ok_hr(call_invoke(bare.target.object, HOLD, &pointer, sizeof pointer, NULL, 0, NULL, CALL_INFINITE, NULL),
          place->direct ? S_OK : RPC_E_CALL_CANCELED, AT(place, "SY-10 a call whose class has no cancel"));
    call_hresult_t expected = place->direct ? E_NOINTERFACE : S_OK;
    ok_hr(caller_join(&canceler.caller), expected, AT(place, "SY-10 as the cancel said"));
    ok_hr(canceler.queried, expected, AT(place, "SY-10 and the query"));
    must(call_disable_cancellation());
    let_go(place, &job);
    server_end(&bare);
}

static void after_a_disconnect(place_t *place)
{
    call_fate_t fate = CALL_FATE_RUNNING;
    must(call_object_disconnect(place->server.target.object));
    ok_hr(call_invoke(place->server.target.object, ECHO, NULL, 0, NULL, 0, NULL, CALL_INFINITE, &fate),
          RPC_E_DISCONNECTED, AT(place, "FI-15 a call of an object that was disconnected"));
    ok_fate(fate, CALL_FATE_NONE, AT(place, "FI-15 is none"));
}

static const check_t checks[] = {
    result_and_output,     output_in_a_buffer,          its_deadline_passes, not_enabled,
    canceled_by_its_thread, stopped_by_its_thread,      without_a_cancel_of_its_own, after_a_disconnect,
};

DISTANCES_MAIN(checks)
