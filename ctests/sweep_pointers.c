/* Every pointer parameter of every function: NULL is a code, outputs are cleared by a failure,
 * buffers are not. */
#include "sweep_pointer_uses.h"

enum { FILL = 0xA5 };

static void world_open(void)
{
    scene_open(&world.scene, 2);
    job_init(&world.job, NULL, S_OK);
    enter_job(world.scene.call, DEFER, &world.job);
    world.idle = new_call(&world.scene.target);
    world.complete = new_call(&world.scene.target);
    must(call_begin(world.complete, ECHO, "whole", 5));
    completed(world.complete);
    call_t call = new_call(&world.scene.target);
    must(call_begin(call, ECHO, "bytes", 5));
    must(call_finish_buffer(call, &world.bytes));
    must(call_release(call));
    must(call_queue_create(&world.queue));
}

static void world_close(void)
{
    must(call_queue_release(world.queue));
    must(call_buffer_release(world.bytes));
    must(call_release(world.idle));
    must(call_release(world.complete));
    scene_close(&world.scene);
}

static void check_failure(const row_t *row)
{
    unsigned char out[ROOM], expected[ROOM];
    const char *function = row->covers.function, *parameter = row->covers.parameter;
    memset(out, FILL, sizeof out);
    memset(expected, FILL, sizeof expected);
    if (row->output != KEPT)
        memset(expected, row->output == CLEARED ? 0 : UINT8_MAX, row->size);
    ok_hr(row->fail(out), row->failure, "%s: a failure with '%s'", function, parameter);
    ok_mem(out, sizeof out, expected, sizeof expected, "%s: '%s' is %s by it", function, parameter,
           row->output == KEPT ? "not touched" : "cleared");
}

static void check_row(const row_t *row)
{
    forget_failure();
    ok_hr(row->with_null(), row->null, "%s: '%s' is NULL", row->covers.function, row->covers.parameter);
    forget_failure();
    if (row->output != NOT_AN_OUTPUT)
        check_failure(row);
}

/* A use of it ends all that lives. */
static bool ends_all(const row_t *row)
{
    return strcmp(row->covers.function, "call_shutdown") == 0;
}

static void every_pointer_may_be_null(void)
{
    world_open();
    for (size_t i = 0; i < ROWS; i++)
        if (!ends_all(&rows[i]))
            check_row(&rows[i]);
}

static void the_last_pointer_may_be_null(void)
{
    for (size_t i = 0; i < ROWS; i++)
        if (ends_all(&rows[i]))
            check_row(&rows[i]);
}

/* By its name; and those that the caller fills in first, or that are lists. */
static bool is_output(const char *name)
{
    static const char *const others[] = {"out", "completions", "infos", "counters"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return len > 4 && strcmp(name + len - 4, "_out") == 0;
}

/* Nothing but a NULL pointer makes these two fail, short of an end of memory. */
static bool has_no_failure(const row_t *row)
{
    return strcmp(row->covers.function, "call_thread_id") == 0 ||
           strcmp(row->covers.function, "call_queue_create") == 0;
}

static void nothing_came_of_a_failure(void)
{
    char text[ROOM];
    ok_hr(call_wait(world.idle, 0), RPC_E_CALL_COMPLETE, "a begin without its input began nothing");
    ok_hr(finish_text(world.complete, text, sizeof text), S_OK,
          "a finish without its buffer, or with too small a one, finished nothing");
    ok_str(text, "whole", "and lost nothing");
    must(call_context_complete(world.job.context, S_OK));
    ok_hr(finish_text(world.scene.call, text, sizeof text), S_OK, "the running method ends as it would");
    ok_str(text, "", "and a write without its data wrote nothing");
    ok_hr(call_get_error(world.scene.call, text, sizeof text, &length), S_FALSE,
          "and an error without its text set none");
    world_close();
}

static void null_of_length_0_is_an_empty_buffer(void)
{
    job_t job;
    size_t len = 7;
    world_open();
    ok_hr(call_begin(world.idle, ECHO, NULL, 0), S_OK, "call_begin takes an empty input");
    ok_hr(call_finish(world.idle, NULL, 0, &len), S_OK, "call_finish gives an empty output to no buffer");
    ok_u64(len, 0, "and its length");
    ok_hr(call_finish(world.complete, NULL, 0, &len), CALL_E_MORE_DATA, "call_finish is asked for the length");
    ok_u64(len, 5, "and tells it");
    len = 7;
    ok_hr(call_try_finish(world.complete, NULL, 0, &len), CALL_E_MORE_DATA, "so is call_try_finish");
    ok_u64(len, 5, "and tells it");
    ok_hr(call_try_finish(world.complete, NULL, 0, NULL), S_OK, "without a length it drops the output");
    job_init(&job, NULL, S_OK);
    enter_job(world.idle, DEFER, &job);
    ok_hr(call_context_write(job.context, NULL, 0), S_OK, "call_context_write takes nothing");
    must(call_context_set_error(job.context, "why"));
    must(call_context_complete(job.context, E_FAIL));
    completed(world.idle);
    ok_hr(call_get_error(world.idle, NULL, 0, &len), CALL_E_MORE_DATA, "call_get_error is asked for the length");
    ok_u64(len, sizeof "why", "and tells it, with the NUL");
    ok_hr(call_wait((call_t){0}, 0), E_HANDLE, "a failure leaves a message");
    ok_hr(call_get_last_error(NULL, NULL, 0, &len), CALL_E_MORE_DATA,
          "call_get_last_error is asked for the length");
    ok(len > 1, "and tells it: %zu", len);
    must(call_context_complete(world.job.context, S_OK));
    world_close();
}

static void every_pointer_has_a_row(void)
{
    covered_t covered[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        covered[i] = rows[i].covers;
    const header_t *header = sweep_header();
    ok(header->function_count > 0, "call.h declares %zu functions", header->function_count);
    sweep_check_coverage(header, sweep_is_pointer, covered, ROWS, "pointer parameter");
    for (size_t i = 0; i < ROWS; i++) {
        const char *name = rows[i].covers.parameter;
        bool output = is_output(name) && !has_no_failure(&rows[i]);
        ok((rows[i].output != NOT_AN_OUTPUT) == output, "'%s' of %s is looked at after a failure", name,
           rows[i].covers.function);
    }
}

static const tap_test_t tests[] = {
    TAP_TEST(every_pointer_has_a_row),
    TAP_TEST(every_pointer_may_be_null),
    TAP_TEST(nothing_came_of_a_failure),
    TAP_TEST(null_of_length_0_is_an_empty_buffer),
    TAP_TEST(the_last_pointer_may_be_null),
};

TAP_MAIN(tests)
