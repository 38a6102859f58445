
/* No end of a wait, in milliseconds and in seconds. */
#define CALL_INFINITE 0xFFFFFFFFu

/* call_class_t.flags */
#define CALL_CLASS_CUSTOM_MARSHALING 1u

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
