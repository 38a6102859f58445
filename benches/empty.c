/* The least that a call into a shared library can cost. */

#include "empty.h"

long empty_call(long value) {
    return value;
}
