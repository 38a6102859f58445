/* Objects: classes, names, references, and how long an object lives. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static call_hresult_t none_invoke(void *self, call_context_t context, uint32_t method,
                                  const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    return S_OK;
}

static atomic_uint destroyed;
static pthread_t destroyer;

static void count_destroy(void *self)
{
    (void)self;
    destroyer = pthread_self();
    (void)atomic_fetch_add(&destroyed, 1);
}

static const char *const names[] = {"first", "second", "first_and_more"};

static call_class_t good_class(void)
{
    return (call_class_t){
        .size = sizeof(call_class_t),
        .methods = names,
        .method_count = sizeof names / sizeof names[0],
        .invoke = none_invoke,
        .destroy = count_destroy,
    };
}

static void class_is_refused(call_hresult_t expected, const call_class_t *cls, const char *why)
{
    call_object_t object = {~(uint64_t)0};
    atomic_store(&destroyed, 0);
    ok_hr(call_object_create((call_apartment_t){0}, cls, NULL, &object), expected, "a class %s", why);
    ok_u64(object.id, 0, "LT-12 the object handle is null: a class %s", why);
    ok_u64(atomic_load(&destroyed), 0, "destroy is not called: a class %s", why);
}

static void classes_that_are_refused(void)
{
    call_class_t cls = good_class();
    class_is_refused(E_POINTER, NULL, "that is NULL");
    cls.size = 0;
    class_is_refused(E_INVALIDARG, &cls, "without a size");
    cls.size = sizeof cls - 1;
    class_is_refused(E_INVALIDARG, &cls, "of a smaller size than the header's");
    cls = good_class();
    cls.invoke = NULL;
    class_is_refused(E_INVALIDARG, &cls, "with neither invoke nor begin");
    cls = good_class();
    cls.begin = none_invoke;
    class_is_refused(E_INVALIDARG, &cls, "with both invoke and begin");
    cls = good_class();
    cls.flags = ~CALL_CLASS_CUSTOM_MARSHALING;
    class_is_refused(E_INVALIDARG, &cls, "with unknown flags");
    cls.flags = CALL_CLASS_CUSTOM_MARSHALING;
    class_is_refused(E_INVALIDARG, &cls, "of custom marshaling without begin");
    cls = good_class();
    ok_hr(call_object_create((call_apartment_t){0}, &cls, NULL, NULL), E_POINTER,
          "LT-12 an object into NULL");
}

static void class_of_a_later_header(void)
{
    struct { call_class_t cls; uint64_t later; } grown = {good_class(), 0};
    call_object_t object;
    grown.cls.size = sizeof grown;
    ok_hr(call_object_create((call_apartment_t){0}, &grown.cls, NULL, &object), S_OK,
          "a larger class whose unknown part is zero is taken");
    must(call_object_release(object));
    grown.later = 1;
    class_is_refused(E_INVALIDARG, &grown.cls, "that asks for what the library does not know");
}

static void class_is_copied(void)
{
    char *name = strdup("passing");
    const char **list = malloc(sizeof *list);
    call_class_t *cls = malloc(sizeof *cls);
    uint32_t method = 7;
    call_object_t object;
    list[0] = name;
    *cls = good_class();
    cls->methods = list;
    cls->method_count = 1;
    must(call_object_create((call_apartment_t){0}, cls, NULL, &object));
    memset(name, 'x', strlen(name));
    free(name);
    free(list);
    memset(cls, 0xEE, sizeof *cls);
    free(cls);
    ok_hr(call_object_find_method(object, "passing", &method), S_OK, "a class's names are copied");
    ok_u64(method, 0, "with their numbers");
    must(call_object_release(object));
}

static void methods_are_found_by_name(void)
{
    scene_t scene;
    scene_open(&scene, 1);
    for (uint32_t i = 0; i < METHOD_COUNT; i++) {
        uint32_t method = METHOD_COUNT;
        ok_hr(call_object_find_method(scene.target.object, target_methods[i], &method), S_OK,
              "method '%s' is found", target_methods[i]);
        ok_u64(method, i, "and its number is its index");
    }
    static const char *const unknown[] = {"", "ech", "echoo", "ECHO"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        uint32_t method = METHOD_COUNT;
        ok_hr(call_object_find_method(scene.target.object, unknown[i], &method), DISP_E_UNKNOWNNAME,
              "no method '%s'", unknown[i]);
        ok_u64(method, 0, "LT-12 and the number is cleared");
    }
    scene_close(&scene);
}

static void references_are_counted(void)
{
    call_class_t cls = good_class();
    call_object_t object;
    call_t call;
    atomic_store(&destroyed, 0);
    must(call_object_create((call_apartment_t){0}, &cls, NULL, &object));
    ok_hr(call_object_add_ref(object), S_OK, "a second reference to an object");
    ok_hr(call_object_release(object), S_OK, "releasing one of two");
    ok_hr(call_create(object, &call), S_OK, "the other keeps the object");
    must(call_release(call));
    ok_u64(atomic_load(&destroyed), 0, "destroy waits for the last reference");
    ok_hr(call_object_release(object), S_OK, "releasing the last reference");
    ok_u64(atomic_load(&destroyed), 1, "destroy has run");
    ok(pthread_equal(destroyer, pthread_self()), "on the thread that dropped the last reference");
    ok_hr(call_object_release(object), E_HANDLE, "the handle is dead");
    ok_hr(call_object_add_ref(object), E_HANDLE, "and is not revived");
    ok_hr(call_create(object, &call), E_HANDLE, "no call is made for it");
}

static void running_method_keeps_its_object(void)
{
    scene_t scene;
    job_t held;
    scene_open(&scene, 1);
    target_t target;
    target_create(&target, scene.apartment);
    job_init(&held, NULL, S_OK);
    call_t call = new_call(&target);
    enter_job(call, HOLD, &held);
    call_cancel_t cancel = cancel_of(call);
    must(call_cancel(cancel, 0));
    must(call_cancel_release(cancel));
    must(call_release(call));
    must(call_object_release(target.object));
    ok_u64(gate_count(&target.destroyed), 0, "LT-1 LT-2 an abandoned method keeps its object");
    gate_open(&held.release);
    gate_wait(&target.destroyed);
    ok_u64(atomic_load(&target.exits), 1, "LT-2 destroy runs after the method has returned");
    scene_close(&scene);
}

static void object_without_destroy_and_names(void)
{
    call_class_t cls = good_class();
    call_object_t object;
    call_t call;
    uint32_t method;
    cls.destroy = NULL;
    cls.methods = NULL;
    cls.method_count = 0;
    ok_hr(call_object_create((call_apartment_t){0}, &cls, NULL, &object), S_OK,
          "a class without methods and without destroy, in the process-wide apartment");
    must(call_create(object, &call));
    ok_hr(call_begin(call, 0, NULL, 0), DISP_E_MEMBERNOTFOUND, "BG-7 has no method to begin");
    ok_hr(call_object_find_method(object, "first", &method), DISP_E_UNKNOWNNAME, "nor to find");
    must(call_release(call));
    ok_hr(call_object_release(object), S_OK, "and goes without destroy");
}

static void process_wide_apartment_runs_methods(void)
{
    target_t target;
    char text[16];
    target_create(&target, (call_apartment_t){0});
    call_t call = new_call(&target);
    ok_hr(call_begin(call, ECHO, "default", 7), S_OK, "MK-1 a call into the process-wide apartment");
    ok_hr(finish_text(call, text, sizeof text), S_OK, "MK-1 finishes");
    ok_str(text, "default", "MK-1 with its output");
    must(call_release(call));
    target_destroy(&target);
}

static const tap_test_t tests[] = {
    TAP_TEST(classes_that_are_refused),
    TAP_TEST(class_of_a_later_header),
    TAP_TEST(class_is_copied),
    TAP_TEST(methods_are_found_by_name),
    TAP_TEST(references_are_counted),
    TAP_TEST(running_method_keeps_its_object),
    TAP_TEST(object_without_destroy_and_names),
    TAP_TEST(process_wide_apartment_runs_methods),
};

TAP_MAIN(tests)
