/* One program of three files: two include the header, one declares handles as uint64_t. What each
 * makes the others use, with the same results. */
#include "call.h"
#include "header_program.h"
#include "call.h"

#include <stdio.h>
#include <string.h>

static int failed;

static void same(const char *what, call_hresult_t got, call_hresult_t expected)
{
    if (got == expected)
        return;
    printf("%s: got %s, expected %s\n", what, call_hresult_name(got), call_hresult_name(expected));
    failed = 1;
}

typedef int32_t (*echo_fn)(uint64_t call, const char *text, char *out, size_t *out_len);

static void echoes(const char *who, echo_fn echo, uint64_t call)
{
    char out[PROGRAM_ROOM];
    size_t len = 0;
    same(who, echo(call, who, out, &len), S_OK);
    if (len != strlen(who) || memcmp(out, who, len) != 0) {
        printf("%s: another output, of %lu bytes\n", who, len + 0ul);
        failed = 1;
    }
}

/* A handle that one made is used by all, and a bad one is refused to all. */
static void use(const char *whose, uint64_t object, uint64_t id)
{
    char out[PROGRAM_ROOM];
    size_t len;
    call_t call;
    call.id = id;
    printf("# %s call\n", whose);
    echoes("by the structs of call.h", two_echo, id);
    echoes("by uint64_t", binding_echo, id);
    same("wait of an idle call", call_wait(call, 0), RPC_E_CALL_COMPLETE);
    same("cancel of an idle call by uint64_t", binding_cancel(id), RPC_E_CALL_COMPLETE);
    same("an object taken for a call by the structs", two_echo(object, "x", out, &len), E_HANDLE);
    same("an object taken for a call by uint64_t", binding_echo(object, "x", out, &len), E_HANDLE);
    same("null by the structs", two_echo(0, "x", out, &len), E_HANDLE);
    same("null by uint64_t", binding_echo(0, "x", out, &len), E_HANDLE);
}

int main(void)
{
    call_object_t object;
    call_t call;
    uint64_t other = 0;
    object.id = 0;
    call.id = 0;
    same("object", binding_object(&object.id), S_OK);
    same("call", call_create(object, &call), S_OK);
    same("other call", binding_create(object.id, &other), S_OK);
    use("the header's", object.id, call.id);
    use("the binding's", object.id, other);
    same("release", call_release(call), S_OK);
    same("release again by uint64_t", binding_release(object.id, call.id), E_HANDLE);
    same("release by uint64_t", binding_release(object.id, other), S_OK);
    same("release of the object again", call_object_release(object), E_HANDLE);
    return failed;
}
