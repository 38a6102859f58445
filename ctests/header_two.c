/* The second of two files of one program that include the header. */
#include "call.h"
#include "header_program.h"

#include <string.h>

int32_t two_echo(uint64_t id, const char *text, char *out, size_t *out_len)
{
    call_t call;
    call.id = id;
    call_hresult_t begun = call_begin(call, 0, text, strlen(text));
    return begun == S_OK ? call_finish(call, out, PROGRAM_ROOM, out_len) : begun;
}
