/* Output that its method writes in place. */
#include "stage.h"

enum { PIECES = 200, LONG = 100, ROOM = 10 };

static call_hresult_t reserve(call_context_t context, size_t len, unsigned char byte)
{
    void *room = NULL;
    call_hresult_t reserved = call_context_reserve(context, len, &room);
    if (reserved == S_OK)
        memset(room, byte, len);
    return reserved;
}

static void mixed_with_write(void)
{
    stage_t stage;
    unsigned char expected[PIECES * PIECES], out[sizeof expected];
    size_t at = 0, len = 0;
    unsigned wrong = 0;
    stage_open(&stage);
    call_context_t context = stage.job.context;
    for (unsigned i = 0; i < PIECES; i++) {
        unsigned take = i % 3 == 0 ? i : i / 2;
        if (i % 4 == 3) {
            memset(expected + at, (int)i, i);
            wrong += call_context_write(context, expected + at, i) != S_OK;
            at += i;
            continue;
        }
        wrong += reserve(context, i, (unsigned char)i) != S_OK;
        wrong += call_context_commit(context, take) != S_OK;
        memset(expected + at, (int)i, take);
        at += take;
    }
    ok_u64(wrong, 0, "FI-1 pieces are written in place and copied, in turn");
    must(call_context_complete(context, S_OK));
    ok_hr(call_finish(stage.scene.call, out, sizeof out, &len), S_OK, "FI-1 they are delivered");
    ok_mem(out, len, expected, at, "FI-1 in the order in which they were added");
    stage_close(&stage);
}

static void reserved_twice_and_never(void)
{
    stage_t stage;
    char text[32];
    void *room = &stage;
    stage_open(&stage);
    call_context_t context = stage.job.context;
    ok_hr(call_context_reserve(context, 0, &room), S_OK, "FI-1 room for nothing");
    ok_hr(call_context_commit(context, 0), S_OK, "FI-1 and nothing is added");
    ok_hr(call_context_reserve(context, 1, NULL), E_POINTER, "CR-4 nowhere to put the room");
    must(reserve(context, ROOM, 'x'));
    must(call_context_write(context, "write", 5));
    must(reserve(context, ROOM, 'y'));
    must(reserve(context, ROOM, 'z'));
    must(call_context_commit(context, 1));
    must(reserve(context, ROOM, 'w'));
    must(call_context_complete(context, S_OK));
    ok_hr(finish_text(stage.scene.call, text, sizeof text), S_OK, "FI-1 the method has ended");
    ok_str(text, "writez", "FI-1 what was reserved and not committed is not output");
    stage_close(&stage);
}

static void more_than_was_reserved(void)
{
    static const size_t before[] = {0, 1, ROOM, LONG};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        stage_t stage;
        unsigned char out[LONG + ROOM], written[LONG];
        size_t len = 0;
        stage_open(&stage);
        call_context_t context = stage.job.context;
        memset(written, 'a', sizeof written);
        must(call_context_write(context, written, before[i]));
        ok_hr(call_context_commit(context, 1), E_INVALIDARG, "FI-1 nothing was reserved, after %zu bytes",
              before[i]);
        must(reserve(context, ROOM, 'b'));
        ok_hr(call_context_commit(context, ROOM + 1), E_INVALIDARG, "FI-1 one byte more than was reserved");
        ok_hr(call_context_commit(context, SIZE_MAX), E_INVALIDARG, "FI-1 and very much more");
        ok_hr(call_context_commit(context, ROOM), S_OK, "FI-1 what was reserved is there still");
        ok_hr(call_context_commit(context, 1), E_INVALIDARG, "FI-1 and all used up then");
        must(call_context_complete(context, S_OK));
        ok_hr(call_finish(stage.scene.call, out, sizeof out, &len), S_OK, "FI-1 the method has ended");
        ok_u64(len, before[i] + ROOM, "FI-1 its output is what was written and committed");
        stage_close(&stage);
    }
}

static void room_ends_with_the_next_write(void)
{
    stage_t stage;
    stage_open(&stage);
    must(reserve(stage.job.context, ROOM, 'x'));
    must(call_context_write(stage.job.context, "w", 1));
    ok_hr(call_context_commit(stage.job.context, 1), E_INVALIDARG, "FI-1 a write ends what was reserved");
    must(call_context_complete(stage.job.context, S_OK));
    must(finish(stage.scene.call));
    stage_close(&stage);
}

static void after_abandonment_and_after_the_end(void)
{
    stage_t stage;
    void *room;
    stage_open(&stage);
    call_context_t context = stage.job.context;
    must(reserve(context, ROOM, 'x'));
    must(call_request_cancel(stage.cancel, CALL_INFINITE));
    ok_hr(call_context_commit(context, 1), S_OK, "SV-12 in the grace period commit works as before");
    ok_hr(reserve(context, ROOM, 'y'), S_OK, "SV-12 and so does reserve");
    must(call_cancel(stage.cancel, 0) == RPC_E_CALL_CANCELED ? S_OK : E_FAIL);
    ok_hr(call_context_commit(context, 1), RPC_E_CALL_CANCELED, "SV-12 after it nobody will read it");
    ok_hr(call_context_reserve(context, ROOM, &room), RPC_E_CALL_CANCELED, "SV-12 nor more of it");
    ok(room == NULL, "SV-12 the output is cleared");
    must(call_context_complete(context, S_OK));
    ok_hr(call_context_commit(context, 1), RPC_E_CALL_COMPLETE, "SV-14 nothing is added after the end");
    ok_hr(call_context_reserve(context, 1, &room), RPC_E_CALL_COMPLETE, "SV-14 nor is there room");
    ok_hr(call_context_commit((call_context_t){stage.cancel.id}, 0), E_HANDLE, "LT-1 another kind of handle");
    ok_hr(call_context_reserve((call_context_t){~0ull}, 0, &room), E_HANDLE, "LT-1 no handle");
    ok_hr(finish(stage.scene.call), RPC_E_CALL_CANCELED, "CN-1 the call is canceled");
    stage_close(&stage);
}

static void more_than_there_is(void)
{
    stage_t stage;
    void *room;
    char text[16];
    stage_open(&stage);
    must(call_context_write(stage.job.context, "kept", 4));
    ok_hr(call_context_reserve(stage.job.context, SIZE_MAX, &room), E_OUTOFMEMORY, "FI-1 all memory");
    if (may_not_be_alone() != NULL)
        skip(may_not_be_alone(), "FI-1 half of it");
    else
        ok_hr(call_context_reserve(stage.job.context, SIZE_MAX / 2 - LONG, &room), E_OUTOFMEMORY,
              "FI-1 half of it");
    must(call_context_complete(stage.job.context, S_OK));
    ok_hr(finish_text(stage.scene.call, text, sizeof text), S_OK, "FI-1 the method goes on");
    ok_str(text, "kept", "FI-1 the output is as it was");
    stage_close(&stage);
}

static const tap_test_t tests[] = {
    TAP_TEST(mixed_with_write),
    TAP_TEST(reserved_twice_and_never),
    TAP_TEST(more_than_was_reserved),
    TAP_TEST(room_ends_with_the_next_write),
    TAP_TEST(after_abandonment_and_after_the_end),
    TAP_TEST(more_than_there_is),
};

TAP_MAIN(tests)
