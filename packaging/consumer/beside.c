/* libcall.a beside another archive made of Rust: a panic caught in each, and neither meets the other's. */
#include <call.h>
#include <stdio.h>

int64_t other_divide(int64_t dividend, int64_t divisor);

static call_hresult_t divide(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    int64_t results[] = {other_divide(6, 3), other_divide(1, 0)};
    return call_context_write(context, results, sizeof results);
}

int main(void)
{
    static const char *const methods[] = {"divide"};
    call_class_t cls = {.size = sizeof cls, .methods = methods, .method_count = 1, .invoke = divide};
    call_apartment_t process_wide = {0};
    call_object_t object;
    int64_t results[2] = {0, 0};

    if (call_object_create(process_wide, &cls, NULL, &object) < 0)
        return 2;
    call_hresult_t hr = call_invoke(object, 0, NULL, 0, results, sizeof results, NULL, CALL_INFINITE, NULL);
    call_object_release(object);
    printf("%s, %d and %d\n", call_hresult_name(hr), (int)results[0], (int)results[1]);
    return hr == S_OK && results[0] == 2 && results[1] == -1 ? 0 : 1;
}
