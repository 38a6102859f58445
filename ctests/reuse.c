/* Slots come back: what is made and given back again and again takes no more and more of them. */
#include <inttypes.h>
#include <string.h>

#include "support.h"
#include "tap.h"

enum { ROUNDS = 10000, SLOT_SHIFT = 26, SLOT_MASK = (1 << 28) - 1, FEW = 64 };

static call_hresult_t answer(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in_len;
    memcpy((void *)(uintptr_t)*(const uintptr_t *)in, &context.id, sizeof context.id);
    return S_OK;
}

static void note(uint64_t *highest, uint64_t id)
{
    uint64_t slot = id >> SLOT_SHIFT & SLOT_MASK;
    if (slot > *highest)
        *highest = slot;
}

static void slots_come_back(void)
{
    static const char *const methods[] = {"answer"};
    const call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = answer};
    const call_apartment_options_t serial = {.size = sizeof serial, .kind = CALL_APARTMENT_SERIAL};
    enum { CALLS, CANCELS, OBJECTS, APARTMENTS, EXECUTIONS, QUEUES, KINDS };
    static const char *const names[KINDS] = {"call objects", "cancel interfaces", "objects", "apartments",
                                             "executions", "queues"};
    uint64_t highest[KINDS] = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        call_apartment_t apartment;
        call_object_t object;
        call_queue_t queue;
        call_cancel_t cancel;
        call_t call;
        uint64_t context = 0;
        const uintptr_t place = (uintptr_t)&context;
        const bool its_own = round % 100 == 0; /* a thread each */
        if (its_own)
            must(call_apartment_create(&serial, &apartment));
        must(call_object_create(its_own ? apartment : (call_apartment_t){0}, &cls, NULL, &object));
        must(call_create(object, &call));
        must(call_queue_create(&queue));
        must(call_query_cancel(call, &cancel));
        must(call_begin(call, 0, &place, sizeof place));
        must(call_finish(call, NULL, 0, NULL));
        note(&highest[CALLS], call.id);
        note(&highest[CANCELS], cancel.id);
        note(&highest[OBJECTS], object.id);
        note(&highest[QUEUES], queue.id);
        note(&highest[EXECUTIONS], context);
        must(call_cancel_release(cancel));
        must(call_queue_release(queue));
        must(call_release(call));
        must(call_object_release(object));
        if (its_own) {
            note(&highest[APARTMENTS], apartment.id);
            must(call_apartment_release(apartment));
        }
    }
    for (unsigned kind = 0; kind < KINDS; kind++)
        ok(highest[kind] < FEW, "%d rounds took %" PRIu64 " slots for %s", ROUNDS, highest[kind] + 1, names[kind]);
}

static const tap_test_t tests[] = {TAP_TEST(slots_come_back)};

TAP_MAIN(tests)
