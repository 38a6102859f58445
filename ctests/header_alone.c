/* The header needs nothing before it, and may come again. */
#include "call.h"
#include "call.h"
