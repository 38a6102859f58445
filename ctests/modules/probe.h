/* The methods of the class Probe: they show what their process may do, and how it is ended. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

enum {
    PROBE_PID,     /* writes the process id */
    PROBE_GETENV,  /* a name: writes the value */
    PROBE_CWD,     /* writes the working directory */
    PROBE_ALLOC,   /* a number of MiB: takes and touches them, or fails with E_OUTOFMEMORY */
    PROBE_OPEN,    /* writes how many descriptors it could open, up to 1000 */
    PROBE_READ,    /* a path: opens it to read, or fails with E_ACCESSDENIED or E_FAIL */
    PROBE_WRITE,   /* a path: the same, to write */
    PROBE_BURN,    /* never ends */
    PROBE_WAIT,    /* tells progress, and sleeps until a cancel */
    PROBE_DEAF,    /* milliseconds: tells progress, and does not look at a cancel */
    PROBE_REGION,  /* milliseconds and a path: the same with cancel disabled, and the file is made before that ends */
    PROBE_TRAP,    /* a path: a SIGTERM makes that file; never ends */
    PROBE_METHOD_COUNT
};

#define PROBE_METHODS \
    {"pid", "getenv", "cwd", "alloc", "open", "read", "write", "burn", "wait", "deaf", "region", "trap"}

/* The module's other classes: "Unmade" makes no object. PROBE_MAIN in the environment makes call_module_main
 * abort ("abort"), fail ("fail") or sleep ("sleep"). */

#endif
