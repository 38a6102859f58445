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
