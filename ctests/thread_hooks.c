/* The hooks of the library's threads: each is told of as it starts and before it ends, in pairs. */
#include "measure.h"

#include <string.h>

static atomic_uint starts, stops, misnamed;
static _Thread_local bool started_here;

static void at_start(void *user, const char *name)
{
    started_here = true;
    (void)atomic_fetch_add(&misnamed, user != &starts || strcmp(name, "hooked") != 0);
    (void)atomic_fetch_add(&starts, 1);
}

static void at_stop(void *user, const char *name)
{
    (void)atomic_fetch_add(&misnamed, user != &starts || strcmp(name, "hooked") != 0 || !started_here);
    (void)atomic_fetch_add(&stops, 1);
}

static void use_apartments(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        call_apartment_options_t options = {
            .size = sizeof options, .kind = i % 2 == 0 ? CALL_APARTMENT_MULTI : CALL_APARTMENT_SERIAL,
            .workers = i % 2 == 0 ? 2 : 0, .name = "hooked"};
        scene_t scene;
        must(call_apartment_create(&options, &scene.apartment));
        target_create(&scene.target, scene.apartment);
        scene.call = new_call(&scene.target);
        for (int j = 0; j < 8; j++) {
            must(call_begin(scene.call, ECHO, "x", 1));
            must(finish(scene.call));
        }
        scene_close(&scene);
    }
}

static void threads_in_pairs(void)
{
    /* The thread that ends grace periods stays: it is to be there before. */
    must(call_set_tracking(1, 0));
    must(call_set_tracking(0, 0));
    must(call_set_thread_hooks(at_start, at_stop, &starts));
    use_apartments(20);
    ok(atomic_load(&starts) >= 20, "%u threads told of their start", atomic_load(&starts));
    for (uint64_t end = hang_end_us(); atomic_load(&stops) < atomic_load(&starts);)
        if (pause_us(100), now_us() > end)
            break;
    ok_u64(atomic_load(&stops), atomic_load(&starts), "and each of its end");
    ok_u64(atomic_load(&misnamed), 0, "on the same thread, with its name and the program's pointer");
    must(call_set_thread_hooks(NULL, NULL, NULL));
    unsigned before = atomic_load(&starts);
    use_apartments(4);
    ok_u64(atomic_load(&starts), before, "turned off, nothing is told");
}

static const tap_test_t tests[] = {TAP_TEST(threads_in_pairs)};

TAP_MAIN(tests)
