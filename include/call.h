/*
 * libcall: begin a job, cancel it, and know what became of it.
 *
 * Make an object in an apartment, make a call object for it (call_create), begin a method
 * (call_begin), go on with other work or wait (call_wait), cancel it from any thread through the
 * cancel interface that the call object is queried for (call_query_cancel, call_cancel), and
 * collect the result (call_finish), which frees the call object for the next begin. The call's
 * fate (call_get_fate) says whether the work never started, stopped, completed anyway, or is still
 * running. A thread that never looks for a cancel cannot be stopped in process: the client is
 * freed, the work goes on, and the fate says so.
 *
 * Rules for every function
 *
 * Handles are one-field structs, one type per kind; {0} is the null handle. Each function checks
 * kind, slot and generation: a null, released, forged or wrong-kind handle gives E_HANDLE. No
 * handle is given out twice in the life of the process. In the child of a fork a handle of the
 * parent gives RPC_E_DISCONNECTED.
 *
 * Results are HRESULTs: success is zero or positive. Compare codes for equality.
 *
 * Outputs that are lengths, numbers or handles are cleared first and set on success alone, except
 * where a function says otherwise; buffers are never cleared. An output pointer that is NULL gives
 * E_POINTER unless the function says that it may be NULL; so does a NULL buffer whose length is not
 * 0. A NULL buffer of length 0 is an empty one.
 *
 * Threads: any function from any thread at any time, also from inside a method, unless it says
 * otherwise. No lock is held while the program's code runs. A wait that could never end gives
 * CALL_E_DEADLOCK. Milliseconds are the unit of waits, seconds that of call_cancel.
 *
 * Memory: inputs, names and options are copied before the function returns. Up to 4 MiB of large blocks are kept for
 * later calls, until call_shutdown.
 *
 * Options and classes are structs whose first field is their size. A smaller size than this
 * header's, a flag that is not known, or a reserved field that is not 0 gives E_INVALIDARG; a
 * larger size is taken if what is beyond this header is zero.
 *
 * Every function may also return E_UNEXPECTED: a defect of the library, caught at the boundary.
 * An immediate failure leaves its code and message with the thread (call_get_last_error).
 *
 * Loading the library starts no thread and opens no descriptor; it is never unloaded. Its threads
 * block all signals.
 */

#ifndef CALL_H
#define CALL_H

#include <stddef.h>
#include <stdint.h>

/* The version this header belongs to; call_version() tells that of the loaded library. */
#define CALL_VERSION_MAJOR 0
#define CALL_VERSION_MINOR 1
#define CALL_VERSION_PATCH 0
#define CALL_VERSION 0x00000100u /* major << 16 | minor << 8 | patch */

/* The number of its binary interface: programs built with this header load libcall.so.0. */
#define CALL_ABI 0

/* Warns where a result that must be looked at is not. */
#ifndef CALL_MUST_USE
#if defined(__GNUC__) || defined(__clang__)
#define CALL_MUST_USE __attribute__((warn_unused_result))
#else
#define CALL_MUST_USE
#endif
#endif

/* Codes. Compare them for equality: RPC_S_CALLPENDING, whose name says success, is negative.
 * Windows has its own definitions of the standard ones; elsewhere they are these. */
#if defined(_WIN32)
#include <windows.h>
#endif
#ifndef S_OK
/* Success. */
#define S_OK                         0              /* 0x00000000 */
#endif
#ifndef S_FALSE
/* Success with a negative answer: something remains, or there is nothing to tell. */
#define S_FALSE                      1              /* 0x00000001 */
#endif
#ifndef E_NOTIMPL
/* Not implemented. */
#define E_NOTIMPL                    (-2147467263)  /* 0x80004001 */
#endif
#ifndef E_NOINTERFACE
/* The call object has no cancel interface. */
#define E_NOINTERFACE                (-2147467262)  /* 0x80004002 */
#endif
#ifndef E_POINTER
/* A pointer that must not be NULL is NULL. */
#define E_POINTER                    (-2147467261)  /* 0x80004003 */
#endif
#ifndef E_ABORT
/* Aborted: a method gave up. */
#define E_ABORT                      (-2147467260)  /* 0x80004004 */
#endif
#ifndef E_FAIL
/* Unspecified failure: a method failed. */
#define E_FAIL                       (-2147467259)  /* 0x80004005 */
#endif
#ifndef E_UNEXPECTED
/* Unexpected failure: a defect of the library, or a method that ended with a code that no method may end with. */
#define E_UNEXPECTED                 (-2147418113)  /* 0x8000FFFF */
#endif
#ifndef RPC_E_CALL_CANCELED
/* The call was canceled. */
#define RPC_E_CALL_CANCELED          (-2147418110)  /* 0x80010002 */
#endif
#ifndef RPC_E_SERVER_DIED
/* The process of the method is gone; the method had been entered. */
#define RPC_E_SERVER_DIED            (-2147418105)  /* 0x80010007 */
#endif
#ifndef RPC_E_INVALID_DATA
/* The process of the method sent what makes no sense, and was killed. */
#define RPC_E_INVALID_DATA           (-2147418097)  /* 0x8001000F */
#endif
#ifndef RPC_E_SERVER_DIED_DNE
/* The process of the method is gone; the method was never entered. */
#define RPC_E_SERVER_DIED_DNE        (-2147418094)  /* 0x80010012 */
#endif
#ifndef RPC_E_OUT_OF_RESOURCES
/* A resource of the library or the system is used up: handles, references or threads. */
#define RPC_E_OUT_OF_RESOURCES       (-2147417855)  /* 0x80010101 */
#endif
#ifndef RPC_E_SERVERFAULT
/* The method panicked. */
#define RPC_E_SERVERFAULT            (-2147417851)  /* 0x80010105 */
#endif
#ifndef RPC_E_DISCONNECTED
/* The object is disconnected, its apartment is closed, or the handle belongs to the parent of this process. */
#define RPC_E_DISCONNECTED           (-2147417848)  /* 0x80010108 */
#endif
#ifndef RPC_E_WRONG_THREAD
/* Only the thread that owns the apartment may do this. */
#define RPC_E_WRONG_THREAD           (-2147417842)  /* 0x8001010E */
#endif
#ifndef RPC_S_CALLPENDING
/* Not yet: the call is in progress, or no cancel was requested. */
#define RPC_S_CALLPENDING            (-2147417835)  /* 0x80010115 */
#endif
#ifndef RPC_E_CALL_COMPLETE
/* The call is complete, or no call is in progress. */
#define RPC_E_CALL_COMPLETE          (-2147417833)  /* 0x80010117 */
#endif
#ifndef RPC_E_TIMEOUT
/* The deadline passed. */
#define RPC_E_TIMEOUT                (-2147417825)  /* 0x8001011F */
#endif
#ifndef CO_E_CANCEL_DISABLED
/* Cancellation is disabled. */
#define CO_E_CANCEL_DISABLED         (-2147417792)  /* 0x80010140 */
#endif
#ifndef DISP_E_MEMBERNOTFOUND
/* The class has no method of that number. */
#define DISP_E_MEMBERNOTFOUND        (-2147352573)  /* 0x80020003 */
#endif
#ifndef DISP_E_UNKNOWNNAME
/* The class has no method of that name. */
#define DISP_E_UNKNOWNNAME           (-2147352570)  /* 0x80020006 */
#endif
#ifndef REGDB_E_CLASSNOTREG
/* The module has no class of that name. */
#define REGDB_E_CLASSNOTREG          (-2147221164)  /* 0x80040154 */
#endif
#ifndef MK_E_SYNTAX
/* Not a moniker: SCHEME:PATH#CLASS. */
#define MK_E_SYNTAX                  (-2147221020)  /* 0x800401E4 */
#endif
#ifndef CO_E_DLLNOTFOUND
/* The module cannot be loaded. */
#define CO_E_DLLNOTFOUND             (-2147221000)  /* 0x800401F8 */
#endif
#ifndef CO_E_ERRORINDLL
/* The module has no call_module_main, or that failed. */
#define CO_E_ERRORINDLL              (-2147220999)  /* 0x800401F9 */
#endif
#ifndef E_ACCESSDENIED
/* Access denied: a method was not allowed to do what it was asked for. */
#define E_ACCESSDENIED               (-2147024891)  /* 0x80070005 */
#endif
#ifndef E_HANDLE
/* The handle is null, released, of another kind, or never was one. */
#define E_HANDLE                     (-2147024890)  /* 0x80070006 */
#endif
#ifndef E_OUTOFMEMORY
/* Out of memory. */
#define E_OUTOFMEMORY                (-2147024882)  /* 0x8007000E */
#endif
#ifndef E_INVALIDARG
/* An argument is not valid. */
#define E_INVALIDARG                 (-2147024809)  /* 0x80070057 */
#endif
#ifndef CO_E_SERVER_EXEC_FAILURE
/* A child process could not be started. */
#define CO_E_SERVER_EXEC_FAILURE     (-2146959355)  /* 0x80080005 */
#endif
/* The name under which the model's pages print RPC_S_CALLPENDING for a busy call object. */
#define RPC_E_CALL_PENDING RPC_S_CALLPENDING

/* The method goes on after it returned and completes its call later. */
#define CALL_S_DEFERRED              262656         /* 0x00040200 */
/* The buffer is too small; the needed length was given and nothing is lost. */
#define CALL_E_MORE_DATA             (-2147024662)  /* 0x800700EA */
/* The wait could never end. */
#define CALL_E_DEADLOCK              (-2147023765)  /* 0x8007046B */
/* The apartment's queue is full. */
#define CALL_E_TOO_BUSY              (-2147023173)  /* 0x800706BB */

/* No end of a wait, in milliseconds and in seconds. */
#define CALL_INFINITE 0xFFFFFFFFu

/* call_class_t.flags */
#define CALL_CLASS_CUSTOM_MARSHALING 1u

/* call_bind_options_t */
#define CALL_BIND_ABANDON 1u  /* a method whose client was freed goes on, and is not killed */
#define CALL_BIND_SANDBOX 2u  /* children gain no privileges, and reach no files but those that are granted */
#define CALL_BIND_QUIET 4u    /* what children write to standard error is kept for messages, and not passed on */
#define CALL_BIND_NO_SPARES 0xFFFFFFFFu
#define CALL_BIND_NO_TERM 0xFFFFFFFFu

/* The descriptor of its host in a program that was started as a child: call_host_serve */
#define CALL_HOST_FD 3

/* call_apartment_options_t.kind */
#define CALL_APARTMENT_MULTI 0u  /* a pool of threads */
#define CALL_APARTMENT_SINGLE 1u /* the creating thread, by pumping */
#define CALL_APARTMENT_SERIAL 2u /* one thread of the library, one method at a time */

/* call_fate_t */
#define CALL_FATE_NONE 0          /* no call was begun, or it is pending */
#define CALL_FATE_COMPLETED 1     /* the method ended: a result, a failure or a panic */
#define CALL_FATE_NEVER_STARTED 2 /* the method was not entered and will not be */
#define CALL_FATE_STOPPED 3       /* a cancel was requested, and the method ended with RPC_E_CALL_CANCELED */
#define CALL_FATE_RUNNING 4       /* the client was freed, and the method has not ended; changes when it does */
#define CALL_FATE_KILLED 5        /* the process of the method is gone */
#define CALL_FATE_UNKNOWN 6       /* contact was lost, and nothing proves more */

/* call_wait_many flags */
#define CALL_WAIT_ANY 0u /* one of them */
#define CALL_WAIT_ALL 1u /* every one */

/* Why a call was canceled: call_get_cause, call_info_t.cause */
#define CALL_CAUSE_NONE 0u            /* it was not */
#define CALL_CAUSE_CANCEL 1u          /* through its cancel interface, or by its thread */
#define CALL_CAUSE_TIMEOUT 2u         /* its own deadline passed */
#define CALL_CAUSE_DISCONNECT 3u      /* its object was disconnected, or its apartment closed */
#define CALL_CAUSE_PARENT 4u          /* the call that it was begun for was canceled */
#define CALL_CAUSE_PARENT_TIMEOUT 5u  /* the deadline of that call passed */
#define CALL_CAUSE_NO_SERVER 6u       /* no child process could be had to run it */

/* call_info_t.state */
#define CALL_STATE_QUEUED 1u
#define CALL_STATE_RUNNING 2u
#define CALL_STATE_DEFERRED 3u  /* the method returned CALL_S_DEFERRED or was begun, and goes on */
#define CALL_STATE_COMPLETE 4u  /* complete, and not finished */
#define CALL_STATE_ABANDONED 5u /* the client was freed, and the method has not ended */

/* Steps of a call, for call_set_trace */
#define CALL_TRACE_BEGIN 1u
#define CALL_TRACE_START 2u
#define CALL_TRACE_CANCEL 3u
#define CALL_TRACE_COMPLETE 4u
#define CALL_TRACE_FINISH 5u
#define CALL_TRACE_LATE_END 6u /* the method has ended after its client had gone on */


/**
 * An HRESULT: zero or positive is success.
 */
typedef int32_t call_hresult_t;

/**
 * An object: a class's functions and a pointer of the program's, in an apartment.
 */
typedef struct call_object_t {
    uint64_t id;
} call_object_t;

/**
 * A call object.
 */
typedef struct call_t {
    uint64_t id;
} call_t;

/**
 * Frees a buffer that the library has taken over; see call_begin_owned. Must not block.
 */
typedef void (*call_free_fn)(void *data, size_t len, void *user);

/**
 * The output of a finished call, in the library's memory.
 */
typedef struct call_buffer_t {
    uint64_t id;
} call_buffer_t;

/**
 * What became of the work of a call: one of CALL_FATE_*.
 */
typedef int32_t call_fate_t;

/**
 * Runs when a call is complete; see call_set_callback. Must not block.
 */
typedef void (*call_completed_fn)(struct call_t call, void *user);

/**
 * Runs once, when the last reference to the object is gone and none of its methods runs, on the
 * thread that drops it. Must not block.
 */
typedef void (*call_destroy_fn)(void *self);

/**
 * The cancel interface of one call: the one in progress when it was queried, or else the next one
 * begun, and never another.
 */
typedef struct call_cancel_t {
    uint64_t id;
} call_cancel_t;

/**
 * An apartment: where objects live and their methods run.
 */
typedef struct call_apartment_t {
    uint64_t id;
} call_apartment_t;

/**
 * The server's view of one call: from the start of the method until its end, which is the return
 * of invoke or, after CALL_S_DEFERRED, call_context_complete. Later uses give
 * RPC_E_CALL_COMPLETE.
 */
typedef struct call_context_t {
    uint64_t id;
} call_context_t;

/**
 * Runs a method. in is valid until it returns and aligned for any type. Returns the method's
 * result, or CALL_S_DEFERRED and ends with call_context_complete later, from any thread. A
 * method cannot end with RPC_S_CALLPENDING or CALL_E_MORE_DATA: its call would end with
 * E_UNEXPECTED. It ends by returning, and so does any other function that the library is given: a
 * C++ exception or pthread_exit that leaves one ends the process, and longjmp must not.
 */
typedef call_hresult_t (*call_method_fn)(void *self,
                                         struct call_context_t context,
                                         uint32_t method,
                                         const void *in,
                                         size_t in_len);

/**
 * Tells an object that one of its calls is canceled, with grace_ms left. Must not block.
 */
typedef call_hresult_t (*call_cancel_fn)(void *self,
                                         struct call_context_t context,
                                         uint32_t grace_ms);

/**
 * What objects of a kind can do. Exactly one of invoke and begin is set.
 */
typedef struct call_class_t {
    /**
     * sizeof(call_class_t).
     */
    size_t size;
    /**
     * The methods' names; the index is the method's number. No name is NULL.
     */
    const char *const *methods;
    uint32_t method_count;
    /**
     * 0, or CALL_CLASS_CUSTOM_MARSHALING.
     */
    uint32_t flags;
    /**
     * Runs a method. Called on several threads at once if there are several calls.
     */
    call_method_fn invoke;
    /**
     * Starts a method, as an object with a call object of its own does: a success code, and
     * call_context_complete follows, from any thread; a failure code ends the call with it. Runs on
     * the client's thread, directly, if that is in the object's apartment or the class does its own
     * marshaling, and else in the object's apartment.
     */
    call_method_fn begin;
    /**
     * The object's own cancel interface, or NULL. For calls begun directly it is the way to cancel
     * them: without it they have no cancel interface, and if it fails the call goes on. It runs on
     * the canceling thread, or for call_request_cancel on one of the library's. A disconnect or a close
     * of the apartment does not ask: flag, sleep, function and descriptor tell such a call. Other calls are
     * always cancelable; they are told through it, in the object's apartment while that is open, and
     * nobody waits for it.
     */
    call_cancel_fn cancel;
    /**
     * Or NULL.
     */
    call_destroy_fn destroy;
} call_class_t;

/**
 * How an object is bound. All zero but size is the default. What stands below apartment is for isolated
 * objects.
 */
typedef struct call_bind_options_t {
    /**
     * sizeof(call_bind_options_t).
     */
    size_t size;
    /**
     * CALL_BIND_*.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Where an object of this process lives; null: the process-wide apartment.
     */
    struct call_apartment_t apartment;
    /**
     * Methods at once, each in a child of its own with an object of its own, at most 32767; 0: 1.
     */
    uint32_t workers;
    /**
     * Children that are kept ready beside those; 0: 1. CALL_BIND_NO_SPARES: none.
     */
    uint32_t spares;
    /**
     * Calls waiting to start; 0: no limit.
     */
    uint32_t queue_limit;
    /**
     * Methods that a child runs before another one takes its place; 0: no end.
     */
    uint32_t calls_per_child;
    /**
     * Milliseconds without work after which a child goes, its object with it; 0: it stays.
     */
    uint32_t idle_ms;
    /**
     * Milliseconds that a child may take to be ready; 0: 30000.
     */
    uint32_t start_ms;
    /**
     * Milliseconds between SIGTERM and SIGKILL; 0: 100. CALL_BIND_NO_TERM: no SIGTERM.
     */
    uint32_t term_ms;
    /**
     * Milliseconds that a region with cancel disabled may hold up a kill; 0: 10000.
     */
    uint32_t region_ms;
    /**
     * Limits of a child; 0: those of this process. Bytes of memory:
     */
    uint64_t memory;
    /**
     * Seconds of CPU time.
     */
    uint32_t cpu_seconds;
    /**
     * Descriptors.
     */
    uint32_t descriptors;
    /**
     * The children's working directory; NULL: that of this process when it first bound an isolated object.
     */
    const char *directory;
    /**
     * NAME=VALUE, NULL at the end: what they have beside, or instead of, this process's environment. Or NULL.
     */
    const char *const *environment;
    /**
     * A program that serves itself, with call_host_serve; NULL: the library's call-host.
     */
    const char *program;
    /**
     * Its arguments after its name, NULL at the end; or NULL.
     */
    const char *const *arguments;
    /**
     * Where call-host is; NULL: beside the library.
     */
    const char *host;
    /**
     * CALL_BIND_SANDBOX: files and folders that may be read beside the module and the system's libraries, and
     * those that may be written, each NULL at the end; or NULL.
     */
    const char *const *readable;
    const char *const *writable;
} call_bind_options_t;

/**
 * Runs once when a call is canceled; see call_context_on_cancel. Must not block.
 */
typedef void (*call_notify_fn)(void *user);

/**
 * How an apartment is made. All zero but size is the default.
 */
typedef struct call_apartment_options_t {
    /**
     * sizeof(call_apartment_options_t).
     */
    size_t size;
    /**
     * CALL_APARTMENT_*.
     */
    uint32_t kind;
    /**
     * 0.
     */
    uint32_t flags;
    /**
     * MULTI: threads kept ready, at most 32767; 0: one per CPU. They start with the first calls.
     */
    uint32_t workers;
    /**
     * MULTI: how far it may grow while methods wait for calls, at most 32767 and not below
     * workers; 0: 512, or workers if that is more.
     */
    uint32_t max_workers;
    /**
     * Calls waiting to start; 0: no limit.
     */
    uint32_t queue_limit;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The name of its threads, or NULL.
     */
    const char *name;
} call_apartment_options_t;

/**
 * A module, while it registers its classes.
 */
typedef struct call_module_t {
    uint64_t id;
} call_module_t;

/**
 * Makes the pointer of a new object of a class; a failure code is given to who binds it.
 */
typedef call_hresult_t (*call_make_fn)(void *user, void **selfout);

/**
 * What a module exports by the name call_module_main: registers its classes, with call_module_register.
 * Runs once, when the module is loaded; a failure code refuses that.
 */
typedef call_hresult_t (*call_module_main_fn)(struct call_module_t module);

/**
 * A completion queue: the completions of any number of calls, and tags that the program posts.
 */
typedef struct call_queue_t {
    uint64_t id;
} call_queue_t;

/**
 * What came out of a completion queue.
 */
typedef struct call_completion_t {
    /**
     * The call object whose call is complete; null: a tag that was posted. It may have been released
     * meanwhile.
     */
    struct call_t call;
    /**
     * As given to call_set_queue or call_queue_post.
     */
    uint64_t tag;
} call_completion_t;

/**
 * One call, as call_enumerate and the trace hook show it.
 */
typedef struct call_info_t {
    /**
     * The call object; null where it is not known: it is kept for calls begun while tracking or tracing is
     * on, and for those with a queue, a callback, a descriptor, a deadline or a parent.
     */
    struct call_t call;
    /**
     * Names this call, as its method's context does.
     */
    struct call_context_t context;
    /**
     * The call that it was begun for; null: none.
     */
    struct call_context_t parent;
    /**
     * The call that its method waits for; null: none.
     */
    struct call_context_t waits_for;
    /**
     * CALL_STATE_*.
     */
    uint32_t state;
    /**
     * CALL_CAUSE_*: why it was canceled, if it was.
     */
    uint32_t cause;
    uint32_t method;
    /**
     * Milliseconds to its deadline; CALL_INFINITE: it has none.
     */
    uint32_t left_ms;
    /**
     * Milliseconds since its begin; UINT64_MAX: not known, tracking was not on.
     */
    uint64_t age_ms;
    /**
     * The method's name, cut to this length.
     */
    char method_name[48];
    /**
     * The name of its apartment's threads, cut to this length.
     */
    char apartment_name[24];
} call_info_t;

/**
 * What has happened since tracking was turned on, and what is now.
 */
typedef struct call_counters_t {
    /**
     * sizeof(call_counters_t).
     */
    size_t size;
    uint64_t begun;
    uint64_t finished;
    /**
     * By fate, as known at completion or, for an abandoned call, when its method ended.
     */
    uint64_t completed;
    uint64_t never_started;
    uint64_t stopped;
    /**
     * Calls whose client went on without the method.
     */
    uint64_t abandoned;
    /**
     * Methods that did not look at their context in the time given to call_set_tracking.
     */
    uint64_t uncooperative;
    /**
     * Calls that are queued or running now, tracked or not.
     */
    uint64_t pending_now;
    /**
     * Abandoned methods that run now, tracked or not.
     */
    uint64_t abandoned_now;
    /**
     * By fate, as above: methods whose process was killed or died. What was lost before it was entered has never
     * started.
     */
    uint64_t killed;
} call_counters_t;

/**
 * Is given a message that somebody should read; see call_set_log. Must not block.
 */
typedef void (*call_log_fn)(void *user, const char *message);

/**
 * Runs on a thread of the library's as it starts or ends; see call_set_thread_hooks.
 */
typedef void (*call_thread_fn)(void *user, const char *name);

/**
 * Runs at a step of a call, one of CALL_TRACE_*; see call_set_trace. Must not block.
 */
typedef void (*call_trace_fn)(void *user, uint32_t step, const struct call_info_t *info);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the loaded library, packed as CALL_VERSION.
 *
 * Threads: any. Blocks: no.
 */
uint32_t call_version(void);

/**
 * The name of a code's macro, such as "RPC_E_CALL_CANCELED"; "unknown HRESULT" for a code that is
 * not in this header.
 *
 * Threads: any. Blocks: no. Ownership: the text is the library's, and stays.
 */
const char *call_hresult_name(call_hresult_t code);

/**
 * One sentence that says what a code means; for a code that is not in this header, that it is
 * unknown.
 *
 * Threads: any. Blocks: no. Ownership: the text is the library's, and stays.
 */
const char *call_hresult_message(call_hresult_t code);

/**
 * The calling thread's last immediate failure: its code, and a message that says what it was
 * about. Reading moves it out. Successes and RPC_S_CALLPENDING leave it as it is, and so do
 * call_request_cancel and this function.
 *
 * len_out gets the message's length with its NUL. Each pointer may be NULL, message_out with cap
 * 0: then the code alone is read, and the message is let go.
 *
 * Threads: any; each has its own. Blocks: no.
 *
 * Returns S_OK: there it is. S_FALSE: there is none (code S_OK, an empty message).
 * CALL_E_MORE_DATA: cap is too small for the message, the needed size is in len_out, nothing was
 * moved. E_POINTER: message_out is NULL, but cap is not 0.
 */
CALL_MUST_USE
call_hresult_t call_get_last_error(call_hresult_t *code_out,
                                   char *message_out,
                                   size_t cap,
                                   size_t *len_out);

/**
 * Ends what is in progress, at the end of a program or of its use of the library: every apartment is
 * closed, queued calls end with RPC_E_DISCONNECTED and never start, all others are canceled with the
 * timeout as their grace period and then abandoned (a method that answers in time gives its own result). Handles stay valid and are released as ever; objects
 * made afterwards live in apartments made afterwards. Inside a method it does not wait. The end of the
 * process needs none of this: it is never delayed by the library.
 *
 * remaining_out gets the number of methods that still run; it may be NULL.
 *
 * Threads: any. Blocks: until no method runs, and up to timeout_ms milliseconds; CALL_INFINITE without
 * end.
 *
 * Returns S_OK: no method runs. S_FALSE: some do. RPC_E_OUT_OF_RESOURCES: the thread that ends grace
 * periods could not be started; nothing was ended.
 */
call_hresult_t call_shutdown(uint32_t timeout_ms,
                             uint32_t *remaining_out);

/**
 * Makes a call object for an object: idle, with one reference, to be begun any number of times, one
 * call at a time. It keeps the object alive. (CR-2, CR-7, CR-9, LT-1)
 *
 * Threads: any. Blocks: no. Ownership: the caller releases the call object with call_release.
 *
 * Returns S_OK. E_POINTER: call_out is NULL (CR-4). E_HANDLE: not a living object.
 * E_OUTOFMEMORY.
 */
CALL_MUST_USE call_hresult_t call_create(struct call_object_t object, struct call_t *call_out);

/**
 * Begins a call of a method: queues it to the object's apartment and returns; or runs the class's
 * begin here, where the call is direct. The input is copied before this returns. The call object is busy until the call is finished. (BG-1 to BG-9)
 *
 * Threads: any; of several that begin at once exactly one wins. Blocks: no, but for as long as a direct
 * begin takes.
 *
 * Returns S_OK: the call is in progress. RPC_S_CALLPENDING: the call object is busy; nothing was
 * changed (BG-3 to BG-5). DISP_E_MEMBERNOTFOUND: the class has no such method. CALL_E_TOO_BUSY:
 * the apartment's queue is at its limit. RPC_E_DISCONNECTED: the apartment is closed, or the object
 * was disconnected.
 * RPC_E_OUT_OF_RESOURCES: the apartment has no thread, and none could be started. E_POINTER: in is
 * NULL, but in_len is not 0. E_HANDLE: not a living call object. E_OUTOFMEMORY. Where one was given to the call
 * object: RPC_E_DISCONNECTED: its completion queue is closed; E_HANDLE: that queue or its parent was
 * released; RPC_E_CALL_COMPLETE: the parent has no call in progress. After a failure
 * nothing is pending (BG-7), and the last call's fate and message stay.
 */
CALL_MUST_USE
call_hresult_t call_begin(struct call_t call,
                          uint32_t method,
                          const void *in,
                          size_t in_len);

/**
 * As call_begin, with an input that is not copied: the library takes the buffer over and frees it
 * with free_fn, exactly once, on any thread, when the method has no more use for it or never will.
 * If this does not return S_OK, the buffer is still the caller's.
 *
 * Threads: any. Blocks: no, but for as long as a direct begin takes. Ownership: in is the library's after S_OK.
 *
 * Returns as call_begin does. E_POINTER: free_fn is NULL, or in is NULL, but in_len is not 0.
 */
CALL_MUST_USE
call_hresult_t call_begin_owned(struct call_t call,
                                uint32_t method,
                                void *in,
                                size_t in_len,
                                call_free_fn free_fn,
                                void *user);

/**
 * Waits until the call in progress is complete: its method ended, or it was canceled. Waits for
 * the begin that it finds, however often the call object is begun later. (WT-1 to WT-8, CN-16)
 *
 * Threads: any number at once. Blocks: up to timeout_ms milliseconds; 0 polls, CALL_INFINITE waits
 * without end. A thread that owns a single apartment serves it meanwhile, and stays as long as the
 * method takes that it serves when the time is over; so it is with every wait.
 *
 * Returns S_OK: complete, now and until it is finished (WT-3, WT-4). RPC_S_CALLPENDING: the time
 * is over; a negative code, so compare (WT-1, WT-2). RPC_E_CALL_COMPLETE: no call is in progress
 * (WT-6, WT-7). CALL_E_DEADLOCK: asked from a method that the call cannot end before.
 * E_HANDLE: not a living call object.
 */
CALL_MUST_USE
call_hresult_t call_wait(struct call_t call,
                         uint32_t timeout_ms);

/**
 * Finishes the call in progress: waits until it is complete, gives what its method wrote and
 * returns what its method returned. The call object is then idle and may be begun again. (FI-1 to
 * FI-17)
 *
 * out_len_out gets the length of the output, also with CALL_E_MORE_DATA; it may be NULL. out NULL
 * with out_cap 0 asks for the length if out_len_out is given, and drops the output if not.
 *
 * Threads: any; of several that finish at once one wins (FI-8). Blocks: until the call is complete,
 * which for a canceled call is the end of its grace period at the latest (FI-6).
 *
 * Returns the method's result, with its output whatever the result is. RPC_E_CALL_CANCELED: the call
 * was canceled before its method answered; no output (FI-5). RPC_E_DISCONNECTED: the apartment was
 * closed or the object disconnected (FI-15). RPC_E_SERVERFAULT: the method panicked (FI-12). E_UNEXPECTED: the method ended
 * with a code that no method may end with.
 * The call goes on being in progress, and nothing is lost, after these: CALL_E_MORE_DATA: out_cap is
 * smaller than the output; call again. CALL_E_DEADLOCK: asked from a method that the call cannot
 * end before. E_POINTER: out is NULL, but out_cap is not 0. RPC_E_CALL_COMPLETE: no call is in
 * progress, or another thread is finishing it (FI-4, FI-7, FI-8). E_HANDLE: not a living call
 * object.
 */
CALL_MUST_USE
call_hresult_t call_finish(struct call_t call,
                           void *out,
                           size_t out_cap,
                           size_t *out_len_out);

/**
 * As call_finish, without waiting.
 *
 * Threads: any. Blocks: no.
 *
 * Returns as call_finish does, and RPC_S_CALLPENDING: the call is not complete yet.
 */
CALL_MUST_USE
call_hresult_t call_try_finish(struct call_t call,
                               void *out,
                               size_t out_cap,
                               size_t *out_len_out);

/**
 * As call_finish, with an output that is not copied: the library's buffer is handed out.
 * buffer_out is null where there is no output.
 *
 * Threads: any. Blocks: as call_finish. Ownership: the caller releases the buffer with
 * call_buffer_release.
 *
 * Returns as call_finish does, but never CALL_E_MORE_DATA. E_POINTER: buffer_out is NULL.
 * E_OUTOFMEMORY: the call goes on being in progress, and nothing is lost.
 */
CALL_MUST_USE
call_hresult_t call_finish_buffer(struct call_t call,
                                  struct call_buffer_t *buffer_out);

/**
 * The bytes of a buffer. They stay until it is released.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_POINTER: data_out or len_out is NULL. E_HANDLE: not a living buffer.
 */
CALL_MUST_USE
call_hresult_t call_buffer_get(struct call_buffer_t buffer,
                               const void **data_out,
                               size_t *len_out);

/**
 * Frees a buffer.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_HANDLE: not a living buffer.
 */
call_hresult_t call_buffer_release(struct call_buffer_t buffer);

/**
 * One reference more to a call object.
 *
 * Threads: any. Blocks: no. Ownership: one call_release more.
 *
 * Returns S_OK. RPC_E_OUT_OF_RESOURCES: a million references. E_HANDLE: not a living call object.
 */
CALL_MUST_USE
call_hresult_t call_add_ref(struct call_t call);

/**
 * Gives back a reference. With the last one the handle is dead. A call in progress is neither
 * canceled nor waited for: its method runs to its end and its result is freed unseen. (RL-1 to
 * RL-5, LT-2)
 *
 * Threads: any. Blocks: no; the object's destroy may run.
 *
 * Returns S_OK. E_HANDLE: not a living call object.
 */
call_hresult_t call_release(struct call_t call);

/**
 * What became of the work of the call object's last call: CALL_FATE_NONE before the first
 * completion and while a call is pending, then from its completion until the next begin one of the
 * others. CALL_FATE_RUNNING changes to what it turned out to be when the method ends, also after
 * the call was finished.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_POINTER: fate_out is NULL. E_HANDLE: not a living call object.
 */
CALL_MUST_USE call_hresult_t call_get_fate(struct call_t call, call_fate_t *fate_out);

/**
 * Why the call in progress, or else the last one, was canceled: the first cause stands, and gives the code
 * of a call whose client was freed. It tells a call's own cancel and deadline from those of the call that
 * it was begun for.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK: one of CALL_CAUSE_*; CALL_CAUSE_NONE before the first begin and where nobody canceled.
 * E_POINTER: cause_out is NULL. E_HANDLE: not a living call object.
 */
CALL_MUST_USE
call_hresult_t call_get_cause(struct call_t call,
                              uint32_t *cause_out);

/**
 * Gives a call object's next begins a deadline: when it passes, the call is canceled with the grace
 * period, and if its method has not answered by its end, finishing gives RPC_E_TIMEOUT; so it does where
 * the method stopped because of it, with CALL_FATE_STOPPED. A result that arrives in time stands. The
 * method can read the time that is left, and calls begun inside it inherit the deadline.
 *
 * A call begun on the client's thread whose class has no cancel is not ended by its deadline.
 *
 * timeout_ms counts from each begin; CALL_INFINITE is no deadline (the default). grace_ms is as in
 * call_request_cancel.
 *
 * Threads: any. Blocks: no. The call in progress is not touched.
 *
 * Returns S_OK. E_HANDLE: not a living call object. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_set_timeout(struct call_t call,
                                uint32_t timeout_ms,
                                uint32_t grace_ms);

/**
 * Names the call that a call object's next begins are for: what the parent has in progress at that time.
 * Its cancel flows down to them, with the grace that is left, and so does its deadline; so several calls
 * are canceled as one, through a parent. If the parent's call is canceled already, or is over
 * before the begin returns, the begin succeeds and the new call is canceled at once. The null call is the default: a call begun inside a method is begun for that
 * method's call, any other for none. Releasing the call does not cut it off.
 *
 * Threads: any. Blocks: no. Ownership: the parent is not kept alive. The call in progress is not touched.
 *
 * Returns S_OK. E_INVALIDARG: a call cannot be its own parent. E_HANDLE: one of the two is not a living
 * call object. E_OUTOFMEMORY. Begins give RPC_E_CALL_COMPLETE where the parent has no call in progress,
 * and E_HANDLE where it was released.
 */
CALL_MUST_USE
call_hresult_t call_set_parent(struct call_t call,
                               struct call_t parent);

/**
 * Has a call object's next begins stand alone: inside a method, too, no cancel and no deadline flows down
 * to them. call_set_parent ends that.
 *
 * Threads: any. Blocks: no. The call in progress is not touched.
 *
 * Returns S_OK. E_HANDLE: not a living call object. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_detach(struct call_t call);

/**
 * Sets the function that is called when one of a call object's next begins is complete, exactly once for
 * each, whatever became of it, in place of an earlier one; NULL: none. It runs on the thread that completes
 * the call: one of the apartment's, the one that cancels, or, after call_request_cancel or a deadline, one of
 * the library's; or on one that was reading or writing the call's output, message or progress at that moment. A call
 * begun in it is begun for no other call. It may call everything, also finish the call, begin it again and release it. It must not
 * block: other work waits for that thread.
 *
 * destroy is called with user, exactly once, when the function will not be called any more: it was
 * replaced or the call object released, and no call is in progress that it was set for. It may be NULL.
 *
 * Threads: any. Blocks: no; an earlier function's destroy may run. The call in progress is not touched.
 *
 * Returns S_OK. E_HANDLE: not a living call object; destroy is not called. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_set_callback(struct call_t call,
                                 call_completed_fn completed,
                                 void *user,
                                 call_destroy_fn destroy);

/**
 * A descriptor that is readable while a call of this call object is complete and not finished.
 * Level-triggered, made on first use. For many calls take a queue, which needs one for all.
 *
 * Threads: any. Blocks: no. Ownership: the library closes it with the call object; do not read, write or
 * close it. On failure fd_out is -1, as 0 is a descriptor.
 *
 * Returns S_OK. E_POINTER: fd_out is NULL. RPC_E_OUT_OF_RESOURCES: no descriptor is left, or the
 * library's thread could not be started. E_HANDLE: not a living call object. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_get_fd(struct call_t call,
                           int32_t *fd_out);

/**
 * Waits until one of several calls in progress is complete, or all of them, as call_wait does for one.
 *
 * flags is CALL_WAIT_ANY or CALL_WAIT_ALL. index_out gets the index of the first complete one, or of
 * the one that the code is about; it may be NULL.
 *
 * Threads: any. Blocks: up to timeout_ms milliseconds; 0 polls, CALL_INFINITE waits without end.
 *
 * Returns S_OK. RPC_S_CALLPENDING: the time is over; a negative code, so compare.
 * RPC_E_CALL_COMPLETE: one has no call in progress. E_HANDLE: one is not a living call object.
 * CALL_E_DEADLOCK: asked from a method that they cannot end before. E_INVALIDARG: count is 0, or flags
 * are unknown. E_POINTER: calls is NULL.
 */
CALL_MUST_USE
call_hresult_t call_wait_many(const struct call_t *calls,
                              size_t count,
                              uint32_t flags,
                              uint32_t timeout_ms,
                              size_t *index_out);

/**
 * The message of the last call, from its completion until the next begin: what its method gave with
 * call_context_set_error, or what the library says of a panic or of a code that no method may end
 * with.
 *
 * len_out gets the message's length with its NUL; it may be NULL. message_out may be NULL with cap
 * 0, to ask for the length.
 *
 * Threads: any; not bound to the one that began or finished. Blocks: no.
 *
 * Returns S_OK. S_FALSE: there is no message (an empty text). CALL_E_MORE_DATA: cap is too small;
 * the needed size is in len_out. RPC_S_CALLPENDING: the call is in progress. RPC_E_CALL_COMPLETE:
 * the call object was never begun. E_POINTER: message_out is NULL, but cap is not 0. E_HANDLE: not
 * a living call object.
 */
CALL_MUST_USE
call_hresult_t call_get_error(struct call_t call,
                              char *message_out,
                              size_t cap,
                              size_t *len_out);

/**
 * How far the call in progress, or else the last one, has told to be: 0 of 0 before its method says
 * anything. The unit is the method's; a total of 0 is unknown.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_POINTER: done_out or total_out is NULL. E_HANDLE: not a living call object.
 */
CALL_MUST_USE
call_hresult_t call_get_progress(struct call_t call,
                                 uint64_t *done_out,
                                 uint64_t *total_out);

/**
 * Queries a call object for its cancel interface. It names the call in progress or, if there is
 * none, the next one begun; when that call is finished it answers RPC_E_CALL_COMPLETE for good, so
 * a late cancel never hits another call. It goes on working after call_release. (MK-1)
 *
 * The first query in a process starts the thread that ends grace periods, if nothing has before.
 *
 * Threads: any. Blocks: no. Ownership: the caller releases it with call_cancel_release.
 *
 * Returns S_OK. E_NOINTERFACE: the class has no cancel and the call in progress was begun on the
 * client's thread, or the class does its own marshaling (MK-2, MK-3). E_POINTER: cancel_out is
 * NULL. E_HANDLE: not a living call object. E_OUTOFMEMORY. RPC_E_OUT_OF_RESOURCES: the thread could not be started.
 */
CALL_MUST_USE
call_hresult_t call_query_cancel(struct call_t call,
                                 struct call_cancel_t *cancel_out);

/**
 * Asks for the call to end, and waits up to seconds for the server's answer. A call that has not
 * started never will, and is complete at once. 0 does not wait: the client is freed now, and the
 * method goes on without it. CALL_INFINITE waits as long as the method takes. After that time the
 * client is freed. The call object stays busy until it is finished. (CN-1 to CN-16, TO-1 to TO-8)
 *
 * A further cancel is answered at once, and an earlier end of its grace period replaces a later
 * one. Inside the very method that is to end it only asks, and does not wait.
 *
 * Threads: any. Blocks: up to seconds seconds.
 *
 * Returns S_OK: the request was made, and the client is freed; whether the work stopped, the fate
 * says (CN-1, CN-3, CN-9). RPC_E_CALL_COMPLETE: the method answered in time, whatever it answered,
 * or before, or no call is in progress (CN-2, CN-6, CN-7). RPC_E_CALL_CANCELED: it was canceled
 * before (CN-5), or its class is being asked to. E_NOINTERFACE: the call was begun on the client's thread and its class has no
 * cancel. What the class's cancel failed with: the call goes on (CN-12). CALL_E_DEADLOCK: the request was made, but a wait without end from this method
 * could never end. E_HANDLE: not a living cancel handle.
 */
call_hresult_t call_cancel(struct call_cancel_t cancel,
                           uint32_t seconds);

/**
 * Asks for the call to end as call_cancel does, and returns at once. The grace period, in
 * milliseconds, is ended by a thread of the library; 0 frees the client now, CALL_INFINITE leaves
 * the method all the time it takes. The thread's last failure is not touched.
 *
 * Threads: any, and signal handlers: it is async-signal-safe. Blocks: no.
 *
 * Returns S_OK: the request was made, or for a call begun on the client's thread, its class will be
 * asked. E_NOINTERFACE: that class has no cancel. RPC_E_CALL_COMPLETE: the call is complete, or none
 * is in progress. RPC_E_CALL_CANCELED: it was canceled before; an earlier end of grace replaces a later
 * one. E_HANDLE: not a living cancel handle.
 */
call_hresult_t call_request_cancel(struct call_cancel_t cancel,
                                   uint32_t grace_ms);

/**
 * Asks whether the call was canceled. Changes nothing. (TC-1 to TC-7)
 *
 * Threads: any. Blocks: no.
 *
 * Returns RPC_E_CALL_CANCELED: a cancel was requested, and the method has not answered in time nor the
 * call been finished since.
 * RPC_S_CALLPENDING: it is in progress, and none was; a negative code, so compare.
 * RPC_E_CALL_COMPLETE: the call is complete otherwise, or none is in progress. E_HANDLE: not a living
 * cancel handle.
 */
CALL_MUST_USE
call_hresult_t call_test_cancel(struct call_cancel_t cancel);

/**
 * Gives back a cancel interface. The call goes on. (CN-15)
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_HANDLE: not a living cancel handle.
 */
call_hresult_t call_cancel_release(struct call_cancel_t cancel);

/**
 * Makes an object: self with the functions of a class, living in an apartment. The null apartment
 * is a process-wide one of kind CALL_APARTMENT_MULTI, made on first use. The class is copied.
 *
 * Threads: any. Blocks: no. Ownership: the caller releases the object with call_object_release;
 * self is the object's until destroy runs. If this fails destroy is not called.
 *
 * Returns S_OK. E_POINTER: object_out, cls, the list of names or a name in it is NULL.
 * E_INVALIDARG: the class's size or flags, or not exactly one of invoke and begin, or custom
 * marshaling without begin. RPC_E_DISCONNECTED: the apartment is closed. E_HANDLE: not a living apartment. E_OUTOFMEMORY. RPC_E_OUT_OF_RESOURCES: the
 * class has a cancel, and the thread that tells of cancels could not be started.
 */
CALL_MUST_USE
call_hresult_t call_object_create(struct call_apartment_t apartment,
                                  const struct call_class_t *cls,
                                  void *self,
                                  struct call_object_t *object_out);

/**
 * Binds an object by its moniker, SCHEME:PATH#CLASS: an object of a class that a module registers.
 *
 * inproc:PATH#CLASS loads the module into this process, and the object lives in an apartment of it.
 * isolated:PATH#CLASS has it loaded by child processes, which run the methods. Such a call is always
 * cancelable, and when its grace period is over the child is ended, with all that it has started, and another one
 * takes its place: the work has really stopped, fate CALL_FATE_KILLED. A path without a / is one in the
 * working directory. Where a program of one's own serves the class, the path may be empty.
 *
 * Each isolated object has children of its own; releasing the object ends them, and so does the end of this
 * process, however it ends.
 *
 * Threads: any. Blocks: while the module is loaded; an isolated object, until its first child is ready.
 * Ownership: the caller releases the object with call_object_release.
 *
 * Returns S_OK. E_POINTER: moniker or object_out is NULL. MK_E_SYNTAX: not a moniker, or an unknown
 * scheme. E_NOTIMPL: a scheme of a later version. E_INVALIDARG: the options' size, flags, reserved field or
 * numbers. CO_E_DLLNOTFOUND: the module cannot be loaded. CO_E_ERRORINDLL: it has no call_module_main, or
 * that failed. REGDB_E_CLASSNOTREG: it has no such class. CO_E_SERVER_EXEC_FAILURE: no child could be
 * started. RPC_E_SERVER_DIED_DNE: none became ready. RPC_E_DISCONNECTED: the apartment is closed.
 * E_HANDLE: not a living apartment. RPC_E_OUT_OF_RESOURCES. Or the code with which the class made no object.
 * call_get_last_error says more of each.
 */
CALL_MUST_USE
call_hresult_t call_object_bind(const char *moniker,
                                const struct call_bind_options_t *options,
                                struct call_object_t *object_out);

/**
 * The number of a class's method by its name.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. DISP_E_UNKNOWNNAME: the class has no method of that name. E_POINTER: name or
 * method_out is NULL. E_HANDLE: not a living object.
 */
CALL_MUST_USE
call_hresult_t call_object_find_method(struct call_object_t object,
                                       const char *name,
                                       uint32_t *method_out);

/**
 * One reference more to an object.
 *
 * Threads: any. Blocks: no. Ownership: one call_object_release more.
 *
 * Returns S_OK. RPC_E_OUT_OF_RESOURCES: a million references. E_HANDLE: not a living object.
 */
CALL_MUST_USE call_hresult_t call_object_add_ref(struct call_object_t object);

/**
 * Gives back a reference. With the last one the handle is dead; the object lives on while call
 * objects or running methods need it, and then destroy runs.
 *
 * Threads: any. Blocks: no; destroy may run.
 *
 * Returns S_OK. E_HANDLE: not a living object.
 */
call_hresult_t call_object_release(struct call_object_t object);

/**
 * Disconnects an object from its clients: begins are refused from now on (RPC_E_DISCONNECTED), and
 * calls in progress end with RPC_E_DISCONNECTED at once; their methods are told of a cancel. (FI-15)
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_HANDLE: not a living object. RPC_E_OUT_OF_RESOURCES: the thread that tells methods
 * of cancels could not be started; nothing was disconnected.
 */
CALL_MUST_USE
call_hresult_t call_object_disconnect(struct call_object_t object);

/**
 * Appends to the call's output, which the client collects when it finishes the call.
 *
 * Threads: any. Blocks: no. Ownership: the data is copied.
 *
 * Returns S_OK. RPC_E_CALL_CANCELED: the client was freed by a cancel; nobody will read the output.
 * RPC_E_CALL_COMPLETE: the method has ended. E_POINTER: data is NULL, but len is not 0. E_HANDLE:
 * not the context of a method that runs. E_OUTOFMEMORY: the output is as it was.
 */
CALL_MUST_USE
call_hresult_t call_context_write(struct call_context_t context,
                                  const void *data,
                                  size_t len);

/**
 * Room for len bytes at the end of the call's output, to be written in place; what was written is
 * added with call_context_commit. The room is there until the next write, reserve or commit of
 * this call, or its method's end. What lies in it before is not defined, and may be of another call.
 *
 * Threads: any, one at a time per call. Blocks: no. Ownership: the library's.
 *
 * Returns as call_context_write does. E_POINTER: data_out is NULL.
 */
CALL_MUST_USE
call_hresult_t call_context_reserve(struct call_context_t context,
                                    size_t len,
                                    void **data_out);

/**
 * Adds the first len bytes of what was reserved to the call's output.
 *
 * Threads: any, one at a time per call. Blocks: no.
 *
 * Returns as call_context_write does. E_INVALIDARG: more than was reserved; the output is as it was.
 */
CALL_MUST_USE
call_hresult_t call_context_commit(struct call_context_t context,
                                   size_t len);

/**
 * Asks whether the call was canceled: what a method does every now and then. One look at memory;
 * it reads no clock. The null context is this thread's innermost method. (SV-9, SV-11, TC-1, TC-2)
 *
 * Threads: any. Blocks: no.
 *
 * Returns RPC_S_CALLPENDING: go on; a negative code, so compare. RPC_E_CALL_CANCELED: free what was
 * made and return RPC_E_CALL_CANCELED. RPC_E_CALL_COMPLETE: the method has ended, or the context is
 * null and no method runs on this thread. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_test_cancel(struct call_context_t context);

/**
 * Sleeps until the call is canceled. The null context is this thread's innermost method.
 *
 * Threads: any. Blocks: up to timeout_ms milliseconds; CALL_INFINITE without end.
 *
 * Returns RPC_E_CALL_CANCELED: canceled. RPC_S_CALLPENDING: the time is over. RPC_E_CALL_COMPLETE:
 * the method has ended, or the context is null and no method runs on this thread. E_HANDLE: never
 * was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_wait_cancel(struct call_context_t context,
                                        uint32_t timeout_ms);

/**
 * Ends a method that returned CALL_S_DEFERRED, or is about to: the client's call is complete with
 * this result. (SG-1 to SG-4, SG-8, SV-6)
 *
 * Threads: any. Blocks: while the function given to call_context_on_cancel runs on another thread.
 *
 * Returns S_OK, also when the client has gone on and the result is dropped (SG-4).
 * RPC_E_CALL_COMPLETE: the method has ended; the first result stands (SG-3). E_INVALIDARG: no method
 * may end with RPC_S_CALLPENDING, CALL_E_MORE_DATA or CALL_S_DEFERRED; the call ended with
 * E_UNEXPECTED. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_complete(struct call_context_t context,
                                     call_hresult_t result);

/**
 * Tells the client how far the method is, in a unit of its own; a total of 0 is unknown.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. RPC_E_CALL_CANCELED: the client was freed by a cancel. RPC_E_CALL_COMPLETE: the
 * method has ended. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_set_progress(struct call_context_t context,
                                         uint64_t done,
                                         uint64_t total);

/**
 * Gives the message that goes with the call's result, in place of an earlier one; the client reads
 * it with call_get_error.
 *
 * Threads: any. Blocks: no. Ownership: the text is copied; what is not UTF-8 in it is replaced.
 *
 * Returns S_OK. RPC_E_CALL_CANCELED: the client was freed by a cancel. RPC_E_CALL_COMPLETE: the
 * method has ended. E_POINTER: message is NULL. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_set_error(struct call_context_t context,
                                      const char *message);

/**
 * A byte that is zero until a cancel is requested: what a tight loop reads. It may be read while the
 * method runs; after its end it says nothing.
 *
 * Threads: any. Blocks: no. Ownership: the library's; it stays readable.
 *
 * Returns S_OK. E_POINTER: flag_out is NULL. RPC_E_CALL_COMPLETE: the method has ended, or the
 * context is null and no method runs on this thread. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_get_cancel_flag(struct call_context_t context,
                                            const uint8_t **flag_out);

/**
 * Registers the function that runs when the call is canceled, in place of an earlier one: exactly
 * once, on a thread of the library's, here and now if the call is canceled already, or at the latest
 * when the method ends. NULL takes it back: when this has returned it does not run, nor will it. It
 * may complete the call. It must not block: other functions that the library's thread runs wait for it,
 * and so does the method's end.
 *
 * Threads: any. Blocks: while the function runs on another thread.
 *
 * Returns S_OK. RPC_E_CALL_COMPLETE: the method has ended, or the context is null and no method runs
 * on this thread; the function will not run. RPC_E_OUT_OF_RESOURCES: the thread that tells could not
 * be started. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_on_cancel(struct call_context_t context,
                                      call_notify_fn notify,
                                      void *user);

/**
 * A descriptor that is readable once the call is canceled, for a method that waits in poll.
 * Level-triggered, made on first use.
 *
 * Threads: any. Blocks: no. Ownership: the library closes it some time after the method's end; do
 * not read, write or close it. On failure fd_out is -1, as 0 is a descriptor.
 *
 * Returns S_OK. E_POINTER: fd_out is NULL. RPC_E_OUT_OF_RESOURCES: no descriptor is left.
 * RPC_E_CALL_COMPLETE: the method has ended, or the context is null and no method runs on this
 * thread. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_get_cancel_fd(struct call_context_t context,
                                          int32_t *fd_out);

/**
 * The time that is left until the call's deadline, its own or that of a call that it was begun for.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK: in milliseconds, 0 when it has passed; CALL_INFINITE: it has none. E_POINTER: left_ms_out is NULL.
 * RPC_E_CALL_COMPLETE: the method has ended, or the context is null and no method runs on this
 * thread. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_get_deadline(struct call_context_t context,
                                         uint32_t *left_ms_out);

/**
 * The context of this thread's innermost method.
 *
 * Threads: any. Blocks: no. Ownership: as with the context that the method was given.
 *
 * Returns S_OK. E_POINTER: context_out is NULL. RPC_E_CALL_COMPLETE: no method runs on this thread.
 */
CALL_MUST_USE
call_hresult_t call_context_current(struct call_context_t *context_out);

/**
 * Begins a region that a cancel does not interrupt: until call_context_enable_cancel the method
 * does not hear of one, by looking, sleeping, function or descriptor (the flag byte still shows
 * it). The client is freed at the end of its grace period all the same. Regions do not nest.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK: the region is entered. RPC_E_CALL_CANCELED: too late, the call is canceled; the region
 * is not entered. RPC_E_CALL_COMPLETE: the method has ended, or the context is null and no method
 * runs on this thread. E_HANDLE: never was a context.
 */
CALL_MUST_USE
call_hresult_t call_context_disable_cancel(struct call_context_t context);

/**
 * Ends that region. What was not heard in it is told now.
 *
 * Threads: any. Blocks: no; the function given to call_context_on_cancel may run here.
 *
 * Returns S_OK: no cancel came meanwhile. RPC_E_CALL_CANCELED: one did. RPC_E_CALL_COMPLETE: the
 * method has ended, or the context is null and no method runs on this thread. E_HANDLE: never was
 * a context.
 */
CALL_MUST_USE
call_hresult_t call_context_enable_cancel(struct call_context_t context);

/**
 * Makes an apartment. NULL options are the defaults: CALL_APARTMENT_MULTI, one thread per CPU.
 * The library's threads start with the first calls, more of them while methods wait for calls.
 * CALL_APARTMENT_SINGLE belongs to the calling thread, which serves it by call_apartment_pump and
 * whenever it waits for a call; when that thread ends the apartment is closed.
 * CALL_APARTMENT_SERIAL has one thread, runs one method at a time, and others while that one waits
 * for a call.
 *
 * Threads: any. Blocks: no. Ownership: the caller releases the apartment with
 * call_apartment_release.
 *
 * Returns S_OK. E_POINTER: apartment_out is NULL. E_INVALIDARG: the options' size, kind, flags,
 * reserved field or numbers of workers. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_apartment_create(const struct call_apartment_options_t *options,
                                     struct call_apartment_t *apartment_out);

/**
 * Serves an apartment of kind CALL_APARTMENT_SINGLE on the thread that made it: runs what is queued,
 * or waits for something to come and runs that.
 *
 * served_out gets the number of methods run; it may be NULL.
 *
 * Threads: the one that made the apartment. Blocks: up to timeout_ms milliseconds while nothing was
 * served, and as long as the methods take; CALL_INFINITE without end.
 *
 * Returns S_OK, also when nothing came. RPC_E_WRONG_THREAD: another thread made it, or it is of
 * another kind. RPC_E_DISCONNECTED: the apartment is closed. E_HANDLE: not a living apartment.
 */
CALL_MUST_USE
call_hresult_t call_apartment_pump(struct call_apartment_t apartment,
                                   uint32_t timeout_ms,
                                   uint32_t *served_out);

/**
 * A descriptor that is readable while calls are queued in an apartment of kind
 * CALL_APARTMENT_SINGLE, and once it is closed, for the event loop of the thread that made it: pump when it is readable.
 * Level-triggered, made on first use.
 *
 * Threads: any. Blocks: no. Ownership: the library closes it with the apartment; do not read, write
 * or close it. On failure fd_out is -1, as 0 is a descriptor.
 *
 * Returns S_OK. RPC_E_WRONG_THREAD: the apartment is of another kind. RPC_E_OUT_OF_RESOURCES: no
 * descriptor is left. E_POINTER: fd_out is NULL. E_HANDLE: not a living apartment.
 */
CALL_MUST_USE
call_hresult_t call_apartment_get_fd(struct call_apartment_t apartment,
                                     int32_t *fd_out);

/**
 * Closes an apartment: begins are refused from now on (RPC_E_DISCONNECTED), queued calls end with
 * RPC_E_DISCONNECTED and never start, running ones are canceled with the timeout as their grace
 * period and then abandoned (RPC_E_DISCONNECTED). May be called again, to wait longer. From one of
 * the apartment's own methods it does not wait.
 *
 * remaining_out gets the number of methods that still run; it may be NULL.
 *
 * Threads: any. Blocks: until no method runs, and up to timeout_ms milliseconds; CALL_INFINITE
 * without end, unless all that run can only end after the calling method.
 *
 * Returns S_OK: no method runs. S_FALSE: some do, and the apartment lives until they end.
 * E_HANDLE: not a living apartment. RPC_E_OUT_OF_RESOURCES: the thread that ends grace periods
 * could not be started; nothing was closed.
 */
call_hresult_t call_apartment_close(struct call_apartment_t apartment,
                                    uint32_t timeout_ms,
                                    uint32_t *remaining_out);

/**
 * Gives back the apartment's handle. The apartment lives while an object lives in it; then its
 * threads end.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_HANDLE: not a living apartment.
 */
call_hresult_t call_apartment_release(struct call_apartment_t apartment);

/**
 * Registers a class of a module, under the name that monikers use. Class and name are copied.
 *
 * make makes the pointer of a new object, which is the object's until its class's destroy runs; NULL:
 * each object has the pointer user.
 *
 * Threads: any, while call_module_main runs. Blocks: no.
 *
 * Returns S_OK. E_POINTER: name or cls is NULL, or a name in it. E_INVALIDARG: no name, one that is
 * registered, or the class, as in call_object_create. E_HANDLE: not a module whose call_module_main
 * runs.
 */
CALL_MUST_USE
call_hresult_t call_module_register(struct call_module_t module,
                                    const char *name,
                                    const struct call_class_t *cls,
                                    call_make_fn make,
                                    void *user);

/**
 * Serves a host as its child process, until the host goes: what a program does that was named as program
 * of an isolated object, such as an interpreter. main_fn registers its classes, as call_module_main
 * does. The calling thread runs the methods.
 *
 * Threads: any, once in a process. Blocks: until the host goes.
 *
 * Returns S_OK: the host has gone. E_POINTER: main_fn is NULL. E_INVALIDARG: no host is behind fd,
 * which is CALL_HOST_FD in a program that was started as a child. CO_E_SERVER_EXEC_FAILURE: the host is of
 * another version of this library. Other codes, which the host has been
 * told: main_fn failed, or it did not register the host's class.
 */
CALL_MUST_USE
call_hresult_t call_host_serve(int fd,
                               call_module_main_fn main_fn);

/**
 * All that the program call-host does: with the argument --supervise it starts and ends the children of
 * the process that started it, with --work it is such a child. For a program that is to take its place.
 *
 * Threads: the main one, first thing in the program. Blocks: until the host goes; then it ends the process.
 *
 * Returns only E_INVALIDARG: other arguments. E_POINTER: argv is NULL.
 */
CALL_MUST_USE
call_hresult_t call_host_main(int count,
                              const char *const *argv);

/**
 * Calls a method and waits for its result: create, begin, finish and release in one. While it waits, the
 * calling thread serves the apartments that it owns.
 *
 * The thread can be told to stop waiting by call_cancel_thread, if it had called
 * call_enable_cancellation before. (SY-1, SY-7, SY-12, SY-13)
 *
 * timeout_ms is the call's deadline, without grace; CALL_INFINITE is none. out_len_out gets the
 * length of the output; it may be NULL. out NULL with out_cap 0 drops the output if out_len_out is NULL
 * too. fate_out gets what became of the work, also where this fails; it may be NULL.
 *
 * Threads: any. Blocks: until the call is complete.
 *
 * Returns the method's result, or what call_begin or call_finish fails with. RPC_E_TIMEOUT: the
 * deadline passed. RPC_E_CALL_CANCELED: the call was canceled, through its parent or by the thread. CALL_E_MORE_DATA:
 * out_cap is smaller than the output, which is lost; out_len_out has its length. call_invoke_buffer has
 * no such limit. CALL_E_DEADLOCK: made from a method that it cannot end before; the call is canceled.
 * E_POINTER: in or out is NULL, but its length is not 0. E_HANDLE: not a living object. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_invoke(struct call_object_t object,
                           uint32_t method,
                           const void *in,
                           size_t in_len,
                           void *out,
                           size_t out_cap,
                           size_t *out_len_out,
                           uint32_t timeout_ms,
                           call_fate_t *fate_out);

/**
 * As call_invoke, with an output that is not copied: the library's buffer is handed out. buffer_out is
 * null where there is no output.
 *
 * Threads: any. Blocks: until the call is complete. Ownership: the caller releases the buffer with
 * call_buffer_release.
 *
 * Returns as call_invoke does, but never CALL_E_MORE_DATA. E_POINTER: buffer_out is NULL, or in is
 * NULL, but in_len is not 0.
 */
CALL_MUST_USE
call_hresult_t call_invoke_buffer(struct call_object_t object,
                                  uint32_t method,
                                  const void *in,
                                  size_t in_len,
                                  struct call_buffer_t *buffer_out,
                                  uint32_t timeout_ms,
                                  call_fate_t *fate_out);

/**
 * Enables cancellation of the synchronous calls that this thread makes from now on. Counted: each enable
 * needs a disable. (SY-1, SY-2, SY-5, SY-7)
 *
 * Threads: any; each has its own count. Blocks: no.
 *
 * Returns S_OK.
 */
call_hresult_t call_enable_cancellation(void);

/**
 * Takes one enable back. Calls that were made before stay as they are. (SY-3, SY-4, SY-7)
 *
 * Threads: any; each has its own count. Blocks: no.
 *
 * Returns S_OK. CO_E_CANCEL_DISABLED: the count is 0 already.
 */
call_hresult_t call_disable_cancellation(void);

/**
 * The calling thread's number, for call_cancel_thread on another one. No other thread of the process
 * ever has the same.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_POINTER: thread_id_out is NULL. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_thread_id(uint64_t *thread_id_out);

/**
 * Cancels the innermost synchronous call of a thread, as call_cancel does; 0 is the calling thread. A
 * thread's number names no call: it may hit the next one, or none (SY-14). Where that matters take
 * call_query_thread_cancel. (SY-8, SY-9, SY-11)
 *
 * Threads: any. Blocks: up to seconds seconds.
 *
 * Returns as call_cancel does. E_NOINTERFACE: no synchronous call is in progress there, or its class
 * has no cancel (SY-10). CO_E_CANCEL_DISABLED: it was made while cancellation was disabled there.
 * E_HANDLE: not the number of a living thread.
 */
call_hresult_t call_cancel_thread(uint64_t thread_id,
                                  uint32_t seconds);

/**
 * As call_cancel_thread, and returns at once; the grace period is in milliseconds.
 *
 * Threads: any, and signal handlers: it is async-signal-safe, with 0 on a thread that has used
 * call_thread_id or call_invoke before. Blocks: no. The thread's last failure is not touched.
 *
 * Returns as call_request_cancel and call_cancel_thread do.
 */
call_hresult_t call_request_cancel_thread(uint64_t thread_id, uint32_t grace_ms);

/**
 * The cancel interface of the innermost synchronous call of a thread; 0 is the calling thread. It names
 * that one call: used late it answers RPC_E_CALL_COMPLETE and hits no other. (SY-14)
 *
 * Threads: any. Blocks: no. Ownership: the caller releases it with call_cancel_release.
 *
 * Returns S_OK. E_NOINTERFACE: no synchronous call is in progress there, or its class has no cancel.
 * CO_E_CANCEL_DISABLED: it was made while cancellation was disabled there. E_HANDLE: not the number of
 * a living thread. E_POINTER: cancel_out is NULL. E_OUTOFMEMORY. RPC_E_OUT_OF_RESOURCES: the thread
 * that ends grace periods could not be started.
 */
CALL_MUST_USE
call_hresult_t call_query_thread_cancel(uint64_t thread_id,
                                        struct call_cancel_t *cancel_out);

/**
 * Makes a completion queue: where the completions of any number of calls arrive (call_set_queue), and
 * tags that the program posts (call_queue_post), to be taken in batches and watched by one descriptor.
 *
 * Threads: any. Blocks: no. Ownership: the caller releases the queue with call_queue_release.
 *
 * Returns S_OK. E_POINTER: queue_out is NULL. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_queue_create(struct call_queue_t *queue_out);

/**
 * Takes what has arrived, up to cap of it, in the order in which it came; where there is nothing, waits
 * for something.
 *
 * Threads: any number at once; each completion goes to one of them. Blocks: up to timeout_ms
 * milliseconds; 0 polls, CALL_INFINITE waits without end. The apartments that the thread owns are served
 * meanwhile.
 *
 * Returns S_OK: count_out of them were taken. RPC_S_CALLPENDING: the time is over; a negative code,
 * so compare. RPC_E_DISCONNECTED: the queue is closed, and everything that was to come has been taken.
 * E_POINTER: completions or count_out is NULL. E_INVALIDARG: cap is 0. E_HANDLE: not a living
 * queue, or released meanwhile.
 */
CALL_MUST_USE
call_hresult_t call_queue_next(struct call_queue_t queue,
                               struct call_completion_t *completions,
                               size_t cap,
                               uint32_t timeout_ms,
                               size_t *count_out);

/**
 * Adds a tag of the program's to the queue: a wake-up, or work for whoever takes it.
 *
 * Threads: any, and signal handlers: it is async-signal-safe. Blocks: no. The thread's last failure is not
 * touched.
 *
 * Returns S_OK. RPC_E_DISCONNECTED: the queue is closed; the tag is not taken. E_HANDLE: not a living
 * queue. E_OUTOFMEMORY.
 */
call_hresult_t call_queue_post(struct call_queue_t queue,
                               uint64_t tag);

/**
 * A descriptor that is readable while something is in the queue, and once it is closed and nothing will
 * come any more. Level-triggered, made on first use; one for all calls of the queue.
 *
 * Threads: any. Blocks: no. Ownership: the library closes it with the queue; do not read, write or close
 * it. On failure fd_out is -1, as 0 is a descriptor.
 *
 * Returns S_OK. E_POINTER: fd_out is NULL. RPC_E_OUT_OF_RESOURCES: no descriptor is left.
 * E_HANDLE: not a living queue.
 */
CALL_MUST_USE
call_hresult_t call_queue_get_fd(struct call_queue_t queue,
                                 int32_t *fd_out);

/**
 * Closes a queue: tags are refused from now on, and so are begins of its calls (RPC_E_DISCONNECTED). What
 * was begun still arrives: take until call_queue_next gives RPC_E_DISCONNECTED, and nothing is lost.
 *
 * Threads: any. Blocks: no; it wakes those who wait when nothing is to come.
 *
 * Returns S_OK, also a second time. E_HANDLE: not a living queue.
 */
call_hresult_t call_queue_close(struct call_queue_t queue);

/**
 * Gives back the queue. What lies in it is dropped, and what was to arrive in it will be: the calls
 * themselves go on, and are waited for and finished as ever. Begins of its calls are refused
 * (E_HANDLE) until they are given another queue. Threads that wait in call_queue_next get E_HANDLE.
 *
 * Threads: any. Blocks: no; what the dropped completions held may be destroyed.
 *
 * Returns S_OK. E_HANDLE: not a living queue.
 */
call_hresult_t call_queue_release(struct call_queue_t queue);

/**
 * Has the completions of a call object's next begins arrive in a queue, with the program's tag; the null
 * queue ends that. One completion for each begin that succeeds, when the call is complete, whatever became
 * of it; then finish the call. It arrives also where the call object was released meanwhile. The call in
 * progress is not touched. A call in a queue needs no descriptor and no thread.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. E_HANDLE: not a living call object, or not a living queue. E_OUTOFMEMORY.
 */
CALL_MUST_USE
call_hresult_t call_set_queue(struct call_t call,
                              struct call_queue_t queue,
                              uint64_t tag);

/**
 * Lists every call that is not over: queued, running, complete and not finished, or abandoned with its
 * method still running. In no order; what begins or ends meanwhile may be in it or not.
 *
 * info_size is sizeof(call_info_t). count_out gets the number of calls, also with CALL_E_MORE_DATA,
 * after which the first cap of them are in infos. infos may be NULL with cap 0.
 *
 * Threads: any. Blocks: no; it looks at every call that there is.
 *
 * Returns S_OK. CALL_E_MORE_DATA: there are more than cap. E_POINTER: count_out is NULL, or infos is,
 * but cap is not 0. E_INVALIDARG: info_size is not this library's.
 */
CALL_MUST_USE
call_hresult_t call_enumerate(struct call_info_t *infos,
                              size_t info_size,
                              size_t cap,
                              size_t *count_out);

/**
 * Writes the same list to a descriptor as text, a line for each call: what it is, how far it is, what it
 * waits for and by what it was begun.
 *
 * Threads: any. Blocks: as long as the descriptor takes it.
 *
 * Returns S_OK. E_INVALIDARG: it cannot be written to.
 */
call_hresult_t call_dump(int32_t fd);

/**
 * Has call_dump done by a thread of the library's, soon: what the handler of a signal calls. It needs
 * the threads that end grace periods and tell of them, which start with the first cancel interface, with
 * call_set_tracking, and with whatever else needs them.
 *
 * Threads: any, and signal handlers: it is async-signal-safe. Blocks: no. The thread's last failure is not
 * touched.
 *
 * Returns S_OK: it will be written, once for requests that come together. CALL_E_TOO_BUSY: a request for
 * another descriptor is to be served first. E_INVALIDARG: fd is negative. RPC_E_OUT_OF_RESOURCES: that
 * thread has not started.
 */
call_hresult_t call_request_dump(int32_t fd);

/**
 * Turns tracking on or off: begins note their time (call_info_t.age_ms) and their call object, and what
 * happens is counted (call_get_counters). It is off at first, and costs nothing then.
 *
 * look_within_ms is how long a method may go on after a cancel without having a look at its context before
 * it is counted as uncooperative, and logged; 0: as long as it likes. It holds for cancels requested from now on. A
 * method that polls the flag byte alone does not look.
 *
 * Threads: any. Blocks: no.
 *
 * Returns S_OK. RPC_E_OUT_OF_RESOURCES: the thread that looks could not be started.
 */
call_hresult_t call_set_tracking(uint32_t on,
                                 uint32_t look_within_ms);

/**
 * What was counted while tracking was on, and what is now.
 *
 * Threads: any. Blocks: no; it looks at every call that there is.
 *
 * Returns S_OK. E_POINTER: counters is NULL. E_INVALIDARG: its size is smaller than this library's.
 */
CALL_MUST_USE
call_hresult_t call_get_counters(struct call_counters_t *counters);

/**
 * Sets the function that is called with what somebody should read, such as a method that does not hear of
 * a cancel; NULL: none. It may be called on any thread, also of the library's, and once more while it is
 * being replaced.
 *
 * Threads: any. Blocks: no. Ownership: user stays the program's.
 *
 * Returns S_OK.
 */
call_hresult_t call_set_log(call_log_fn log,
                            void *user);

/**
 * Sets the functions that are called on each thread of the library's that starts from now on, as it
 * starts and before it ends; NULL: none.
 *
 * Threads: any. Blocks: no. Ownership: user stays the program's.
 *
 * Returns S_OK.
 */
call_hresult_t call_set_thread_hooks(call_thread_fn start, call_thread_fn stop, void *user);

/**
 * Sets the function that is called at each step of every call begun from now on, one of CALL_TRACE_*;
 * NULL: none. It runs on the thread that takes the step, for what a signal handler did on one of the
 * library's; info is valid while it runs. What it begins itself is not traced. It may be called once more while it is being
 * replaced.
 *
 * Threads: any. Blocks: no. Ownership: user stays the program's.
 *
 * Returns S_OK. RPC_E_OUT_OF_RESOURCES: the library's thread could not be started.
 */
call_hresult_t call_set_trace(call_trace_fn trace,
                              void *user);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* The layout that the library was built with. */
#if defined(__LP64__) || defined(_WIN64)
#if defined(__cplusplus) && __cplusplus >= 201103L
#define CALL_ASSERT_LAYOUT(what) static_assert(what, #what)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define CALL_ASSERT_LAYOUT(what) _Static_assert(what, #what)
#endif
#endif
#ifdef CALL_ASSERT_LAYOUT
CALL_ASSERT_LAYOUT(sizeof(call_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_cancel_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_cancel_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_object_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_object_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_apartment_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_buffer_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_buffer_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_context_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_context_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_queue_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_queue_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_completion_t) == 16);
CALL_ASSERT_LAYOUT(offsetof(call_completion_t, call) == 0);
CALL_ASSERT_LAYOUT(offsetof(call_completion_t, tag) == 8);
CALL_ASSERT_LAYOUT(sizeof(call_info_t) == 128);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, call) == 0);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, context) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, parent) == 16);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, waits_for) == 24);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, state) == 32);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, cause) == 36);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, method) == 40);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, left_ms) == 44);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, age_ms) == 48);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, method_name) == 56);
CALL_ASSERT_LAYOUT(offsetof(call_info_t, apartment_name) == 104);
CALL_ASSERT_LAYOUT(sizeof(call_counters_t) == 88);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, size) == 0);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, begun) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, finished) == 16);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, completed) == 24);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, never_started) == 32);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, stopped) == 40);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, abandoned) == 48);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, uncooperative) == 56);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, pending_now) == 64);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, abandoned_now) == 72);
CALL_ASSERT_LAYOUT(offsetof(call_counters_t, killed) == 80);
CALL_ASSERT_LAYOUT(sizeof(call_class_t) == 56);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, size) == 0);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, methods) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, method_count) == 16);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, flags) == 20);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, invoke) == 24);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, begin) == 32);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, cancel) == 40);
CALL_ASSERT_LAYOUT(offsetof(call_class_t, destroy) == 48);
CALL_ASSERT_LAYOUT(sizeof(call_module_t) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_module_t, id) == 0);
CALL_ASSERT_LAYOUT(sizeof(call_bind_options_t) == 128);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, size) == 0);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, flags) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, reserved) == 12);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, apartment) == 16);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, workers) == 24);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, spares) == 28);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, queue_limit) == 32);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, calls_per_child) == 36);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, idle_ms) == 40);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, start_ms) == 44);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, term_ms) == 48);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, region_ms) == 52);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, memory) == 56);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, cpu_seconds) == 64);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, descriptors) == 68);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, directory) == 72);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, environment) == 80);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, program) == 88);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, arguments) == 96);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, host) == 104);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, readable) == 112);
CALL_ASSERT_LAYOUT(offsetof(call_bind_options_t, writable) == 120);
CALL_ASSERT_LAYOUT(sizeof(call_apartment_options_t) == 40);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, size) == 0);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, kind) == 8);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, flags) == 12);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, workers) == 16);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, max_workers) == 20);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, queue_limit) == 24);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, reserved) == 28);
CALL_ASSERT_LAYOUT(offsetof(call_apartment_options_t, name) == 32);
#undef CALL_ASSERT_LAYOUT
#endif

#endif /* CALL_H */
