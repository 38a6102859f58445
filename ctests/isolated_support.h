/* What the tests of isolated objects share: modules, binding, what processes there are. */
#ifndef ISOLATED_SUPPORT_H
#define ISOLATED_SUPPORT_H

#include "support.h"

#include <sys/types.h>

/* The path of a module of ctests/modules. */
const char *module_path(const char *name);

/* The path of `call-host`, beside the library. */
const char *call_host_path(void);

/* An object of a class of that module, bound by `scheme`; ends the program where it cannot be. */
call_object_t bind_object(const char *scheme, const char *module, const char *class_name,
                          const call_bind_options_t *options);
/* The same without a doubt: gives the code. */
call_hresult_t try_bind(const char *scheme, const char *module, const char *class_name,
                        const call_bind_options_t *options, call_object_t *object_out);

/* Calls a method and gives its result; the output goes to `out`, which has `cap` bytes. */
call_hresult_t call_method(call_object_t object, uint32_t method, const void *in, size_t in_len, void *out,
                           size_t cap, call_fate_t *fate_out);

/* Begins a method that tells progress, and waits until it has: it is inside. */
call_t enter_method(call_object_t object, uint32_t method);

/* The process that serves the object now: by method `method`, which writes it. */
pid_t pid_of(call_object_t object, uint32_t method);

/* Who started a process, or took it over. */
pid_t parent_of(pid_t pid);
/* Whether a process is there, and no zombie. */
bool process_lives(pid_t pid);
/* Until it does not; ends the program when that takes too long. */
void await_death(pid_t pid);

/* Descriptors that this process has open. */
unsigned open_descriptors(void);
/* Processes that have that text in the environment that they were started with, this one not counted. */
unsigned processes_marked(const char *mark);

#endif
