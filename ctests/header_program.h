/* What the three files of the header's program know of each other. */
#ifndef HEADER_PROGRAM_H
#define HEADER_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_ROOM = 32 };

/* header_two.c: begins `text` and finishes into `out` through the types of call.h. */
int32_t two_echo(uint64_t call, const char *text, char *out, size_t *out_len);

/* header_binding.c, which does not know call.h: the same through uint64_t. */
int32_t binding_object(uint64_t *object_out);
int32_t binding_create(uint64_t object, uint64_t *call_out);
int32_t binding_echo(uint64_t call, const char *text, char *out, size_t *out_len);
int32_t binding_cancel(uint64_t call);
int32_t binding_release(uint64_t object, uint64_t call);

#endif
