
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
