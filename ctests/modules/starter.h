/* The methods of the class Starter: what the processes that they start get from theirs, and do to it. */
#ifndef STARTER_H
#define STARTER_H

enum {
    STARTER_PID,     /* writes the process id */
    STARTER_LIST,    /* runs `ls -l` of what is open in it, and writes what that says */
    STARTER_STREAMS, /* writes what descriptors 0 to 2 are, a line each */
    STARTER_NOISE,   /* tells progress; many processes write to standard error without end */
    STARTER_WRITES,  /* writes so many bytes (uint32_t) to standard error, its input's rest last, and aborts */
    STARTER_METHOD_COUNT
};

#define STARTER_METHODS {"pid", "list", "streams", "noise", "writes"}

#endif
