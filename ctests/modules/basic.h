/* The methods of the class Basic. */
#ifndef BASIC_H
#define BASIC_H

enum {
    BASIC_ECHO,     /* writes its input */
    BASIC_PID,      /* writes the process id */
    BASIC_COUNT,    /* writes how often it was called in this process */
    BASIC_SPIN,     /* never ends */
    BASIC_OBEY,     /* sleeps until a cancel */
    BASIC_POLL,     /* looks until a cancel */
    BASIC_CRASH,    /* writes to standard error, and aborts */
    BASIC_EXIT,     /* exits with status 7 */
    BASIC_FAIL,     /* fails with a message */
    BASIC_PROGRESS, /* tells progress, and sleeps until a cancel */
    BASIC_FORK,     /* forks a child that calls an object of its own, whose method looks for a cancel; writes its status */
    BASIC_TOLD,     /* looks until a cancel, and on until the function that it gave was told of that */
    BASIC_METHOD_COUNT
};

#define BASIC_METHODS                                                                                              \
    {"echo", "pid", "count", "spin", "obey", "poll", "crash", "exit", "fail", "progress", "fork", "told"}

#endif
