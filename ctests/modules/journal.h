/* The methods of the class Journal: each writes what it does to the file that JOURNAL names, a line with "S" and
 * its number as it is entered, and one with "E", the number and its result before it returns. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdint.h>

enum {
    JOURNAL_WORK,    /* works for so many microseconds, and looks for a cancel */
    JOURNAL_DEAF,    /* works for so many microseconds, and does not look */
    JOURNAL_ENDLESS, /* never ends */
    JOURNAL_CRASH,   /* works for so many microseconds, and crashes */
    JOURNAL_FORKS,   /* starts processes that never end, in sessions of their own; then as ENDLESS */
    JOURNAL_LEAVES,  /* the same, and returns at once */
    JOURNAL_METHOD_COUNT
};

#define JOURNAL_METHODS {"work", "deaf", "endless", "crash", "forks", "leaves"}

/* The input of each. */
typedef struct journal_job_t {
    uint32_t number;
    uint32_t microseconds;
} journal_job_t;

#endif
