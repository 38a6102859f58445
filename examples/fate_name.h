/* The names of the fates, for what the examples print. */
#ifndef FATE_NAME_H
#define FATE_NAME_H

#include <call.h>

static inline const char *fate_name(call_fate_t fate)
{
    switch (fate) {
    case CALL_FATE_NONE: return "NONE";
    case CALL_FATE_COMPLETED: return "COMPLETED";
    case CALL_FATE_NEVER_STARTED: return "NEVER_STARTED";
    case CALL_FATE_STOPPED: return "STOPPED";
    case CALL_FATE_RUNNING: return "RUNNING";
    case CALL_FATE_KILLED: return "KILLED";
    case CALL_FATE_UNKNOWN: return "UNKNOWN";
    default: return "not a fate";
    }
}

#endif
