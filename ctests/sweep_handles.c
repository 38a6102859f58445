/* Every handle parameter of every function: null, stale, of another kind, forged. None of them may
 * be taken for a handle, and what lives must not notice. */
#include "sweep_handle_uses.h"
#include "sweep_world.h"

#include <inttypes.h>

enum { ID_BITS = 64, RANDOM_IDS = 1000 };

static world_t world;

static void add_stale(int kind, uint64_t id)
{
    if (world.stale_count[kind] == STALE_IDS)
        bail_out("no room for one more stale handle");
    world.stale[kind][world.stale_count[kind]++] = id;
}

/* A deferred call begun, completed, and finished or not; gives its context, which has ended. */
static uint64_t ended_context(call_t call, bool finished)
{
    job_t job;
    job_init(&job, NULL, S_OK);
    enter_job(call, DEFER, &job);
    must(call_context_complete(job.context, S_OK));
    if (finished)
        must(finish(call));
    return job.context.id;
}

/* Released while idle, while completed and unfinished, and while the method runs. */
static void make_stale_calls(const target_t *target)
{
    job_t job;
    call_t idle = new_call(target), completed_ = new_call(target), running = new_call(target);
    job_init(&job, NULL, S_OK);
    must(call_release(idle));
    add_stale(CALL, idle.id);
    add_stale(CONTEXT, ended_context(completed_, false));
    must(call_release(completed_));
    add_stale(CALL, completed_.id);
    enter_job(running, DEFER, &job);
    call_cancel_t cancel = cancel_of(running);
    must(call_release(running));
    add_stale(CALL, running.id);
    must(call_cancel_release(cancel));
    add_stale(CANCEL, cancel.id);
    must(call_context_complete(job.context, S_OK));
    add_stale(CONTEXT, job.context.id);
    call_buffer_t buffer = new_buffer(target);
    must(call_buffer_release(buffer));
    add_stale(BUFFER, buffer.id);
}

/* Contexts whose call is finished, and whose call object was begun again since. */
static void make_stale_contexts(const target_t *target)
{
    call_t call = new_call(target);
    add_stale(CONTEXT, ended_context(call, true));
    add_stale(CONTEXT, ended_context(call, true));
    must(call_release(call));
}

/* Objects and apartments released in vain would be alive: released, an apartment with an object in
 * it goes on until the object goes, but its handle does not. */
static void make_stale_objects(void)
{
    target_t target;
    call_apartment_t apartment = apartment_of(1, 1, 0);
    target_create(&target, apartment);
    call_object_t object = target.object;
    call_t call = new_call(&target);
    must(call_release(call));
    add_stale(CALL, call.id);
    must(call_apartment_release(apartment));
    add_stale(APARTMENT, apartment.id);
    target_destroy(&target);
    add_stale(OBJECT, object.id);
    apartment = apartment_of(1, 1, 0);
    must(call_apartment_close(apartment, hang_ms(), NULL));
    must(call_apartment_release(apartment));
    add_stale(APARTMENT, apartment.id);
}

/* Released while open and while closed, with a tag in it and without. */
static void make_stale_queues(void)
{
    for (int i = 0; i < 4; i++) {
        call_queue_t queue;
        must(call_queue_create(&queue));
        if (i & 1)
            must(call_queue_post(queue, 1));
        if (i & 2)
            must(call_queue_close(queue));
        must(call_queue_release(queue));
        add_stale(QUEUE, queue.id);
    }
}

/* New ones of every kind, so that the slots of the stale ones are in use again. */
static void reuse_the_slots(world_t *again)
{
    world_open(again);
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < world.stale_count[kind]; i++)
            if (world.stale[kind][i] == again->live[kind])
                bail_out("a %s handle was issued twice", kind_names[kind]);
}

/* One check for many handles: shows the first that was answered otherwise. */
static void all_answer(const row_t *row, const uint64_t *ids, size_t count, call_hresult_t expected,
                       const char *what)
{
    call_hresult_t got = expected;
    uint64_t id = 0;
    for (size_t i = 0; i < count && got == expected; i++) {
        id = ids[i];
        got = row->use(id);
    }
    if (got != expected)
        diag("the handle was 0x%016" PRIX64, id);
    ok_hr(got, expected, "%s: %zu %s", row->covers.function, count, what);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

static void forge(const row_t *row, uint64_t *random)
{
    uint64_t flipped[ID_BITS], drawn[RANDOM_IDS];
    for (int bit = 0; bit < ID_BITS; bit++)
        flipped[bit] = world.live[row->kind] ^ (uint64_t)1 << bit;
    for (int i = 0; i < RANDOM_IDS; i++)
        drawn[i] = next_random(random);
    all_answer(row, flipped, ID_BITS, E_HANDLE, "live handles, each with another bit changed");
    all_answer(row, drawn, RANDOM_IDS, E_HANDLE, "random numbers");
}

static void use_other_kinds(const row_t *row)
{
    uint64_t others[KINDS];
    size_t count = 0;
    for (int kind = 0; kind < KINDS; kind++)
        if (kind != row->kind)
            others[count++] = world.live[kind];
    all_answer(row, others, count, E_HANDLE, "live handles, each of another kind");
}

/* That nothing which lives has noticed: no cancel, no output, no completion, no reference. */
static void check_unharmed(const row_t *row)
{
    const char *name = row->covers.function;
    call_cancel_t cancel = {world.live[CANCEL]};
    uint64_t progress = 1, total = 1;
    call_t call = world.scene.call;
    call_hresult_t pending = call_wait(call, 0), test = call_context_test_cancel(world.job.context);
    call_hresult_t read = call_get_progress(call, &progress, &total);
    ok(pending == RPC_S_CALLPENDING && test == RPC_S_CALLPENDING && read == S_OK && progress == 0 &&
           total == 0 && call_wait(world.idle, 0) == RPC_E_CALL_COMPLETE &&
           call_test_cancel(cancel) == RPC_E_CALL_COMPLETE &&
           use_queue_next(world.live[QUEUE]) == RPC_S_CALLPENDING,
       "%s: all that lives is as it was", name);
}

static void no_bad_handle_is_taken(void)
{
    uint64_t random = (uint64_t)now_us();
    const uint64_t null = 0;
    diag("random numbers from 0x%016" PRIX64, random);
    for (size_t i = 0; i < ROWS; i++) {
        const row_t *row = &rows[i];
        bool ends = row->kind == CONTEXT;
        all_answer(row, &null, 1, row->null, "null handle");
        all_answer(row, world.stale[row->kind], world.stale_count[row->kind],
                   ends ? RPC_E_CALL_COMPLETE : E_HANDLE,
                   ends ? "handles of methods that have ended" : "handles that were released");
        use_other_kinds(row);
        forge(row, &random);
        check_unharmed(row);
    }
}

/* The other half of every row: with a live handle the same use is answered. */
static void live_handles_are_taken(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        const row_t *row = &rows[i];
        world_t fresh;
        memset(&fresh, 0, sizeof fresh);
        world_open(&fresh);
        all_answer(row, &fresh.live[row->kind], 1, row->live, "live handle");
        world_abandon(&fresh);
    }
}

/* What was not noticed during the sweep is not noticed after it: each has its one reference, its
 * own output, its own end. */
static void what_lived_through_it_is_whole(void)
{
    char text[32], message[32];
    const void *bytes;
    size_t len = 1;
    uint32_t remaining = 1;
    call_buffer_t buffer = {world.live[BUFFER]};
    call_cancel_t cancel = {world.live[CANCEL]};
    call_queue_t queue = {world.live[QUEUE]};
    must(call_context_write(world.job.context, "unharmed", 8));
    ok_hr(call_context_complete(world.job.context, S_OK), S_OK, "the method that ran is completed");
    ok_hr(finish_text(world.scene.call, text, sizeof text), S_OK, "with its own result");
    ok_str(text, "unharmed", "its own output");
    ok_fate(fate_of(world.scene.call), CALL_FATE_COMPLETED, "its own fate");
    ok_hr(call_get_error(world.scene.call, message, sizeof message, &len), S_FALSE, "and no message");
    ok_hr(call_begin(world.idle, ECHO, "idle", 4), S_OK, "the idle call begins");
    ok_hr(finish_text(world.idle, text, sizeof text), S_OK, "and was not canceled");
    ok_str(text, "idle", "with its own output");
    ok_hr(call_buffer_get(buffer, &bytes, &len), S_OK, "the buffer has its bytes");
    ok_mem(bytes, len, "bytes", 5, "as they were");
    ok_hr(call_buffer_release(buffer), S_OK, "and its one owner");
    ok_hr(call_buffer_release(buffer), E_HANDLE, "and no other");
    call_completion_t taken = {.tag = 1};
    ok_hr(call_queue_next(queue, &taken, 1, 0, &len), RPC_S_CALLPENDING, "nothing came into the queue");
    ok_hr(call_queue_post(queue, 7), S_OK, "it is open");
    ok_hr(call_queue_next(queue, &taken, 1, 0, &len), S_OK, "and gives what is posted");
    ok(len == 1 && taken.tag == 7 && taken.call.id == 0, "which is the tag alone");
    ok_hr(call_queue_release(queue), S_OK, "the queue has a reference");
    ok_hr(call_queue_release(queue), E_HANDLE, "and no other");
    ok_hr(call_cancel_release(cancel), S_OK, "the cancel interface has a reference");
    ok_hr(call_cancel_release(cancel), E_HANDLE, "and no other");
    ok_hr(call_release(world.idle), S_OK, "the idle call has a reference");
    ok_hr(call_release(world.idle), E_HANDLE, "and no other");
    ok_hr(call_release(world.scene.call), S_OK, "the other call has a reference");
    ok_hr(call_release(world.scene.call), E_HANDLE, "and no other");
    ok_u64(gate_count(&world.scene.target.destroyed), 0, "the object lives");
    ok_hr(call_object_release(world.scene.target.object), S_OK, "the object has a reference");
    gate_wait(&world.scene.target.destroyed);
    ok_u64(gate_count(&world.scene.target.destroyed), 1, "and no other: it was destroyed");
    ok_hr(call_apartment_close(world.scene.apartment, hang_ms(), &remaining), S_OK, "the apartment closes");
    ok_u64(remaining, 0, "and nothing runs in it");
    ok_hr(call_apartment_release(world.scene.apartment), S_OK, "the apartment has a reference");
    ok_hr(call_apartment_release(world.scene.apartment), E_HANDLE, "and no other");
}

static void every_function_is_swept(void)
{
    covered_t covered[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        covered[i] = rows[i].covers;
    const header_t *header = sweep_header();
    ok(header->function_count > 0, "call.h declares %zu functions", header->function_count);
    sweep_check_coverage(header, sweep_is_handle, covered, ROWS, "handle parameter");
}

static void bad_handles_harm_nobody(void)
{
    static world_t again;
    world_open(&world);
    make_stale_calls(&world.scene.target);
    make_stale_contexts(&world.scene.target);
    make_stale_objects();
    make_stale_queues();
    reuse_the_slots(&again);
    no_bad_handle_is_taken();
    what_lived_through_it_is_whole();
    ok_hr(call_context_complete(again.job.context, S_OK), S_OK,
          "the method in the slots of stale handles is completed by its own handle");
    ok_hr(finish(again.scene.call), S_OK, "and its call has its own result");
    must(call_release(again.idle));
    must(call_cancel_release((call_cancel_t){again.live[CANCEL]}));
    must(call_buffer_release((call_buffer_t){again.live[BUFFER]}));
    must(call_queue_release((call_queue_t){again.live[QUEUE]}));
    scene_close(&again.scene);
    ok_u64(atomic_load(&again.scene.target.entries), 2, "no method ran there but the two of its own");
}

static const tap_test_t tests[] = {
    TAP_TEST(every_function_is_swept),
    TAP_TEST(bad_handles_harm_nobody),
    TAP_TEST(live_handles_are_taken),
};

TAP_MAIN(tests)
