/* The synchronous calls of each thread, and what CoSetCancelObject put beside them. */

#ifndef CALL_COM_THREAD_CALLS_HPP
#define CALL_COM_THREAD_CALLS_HPP

#include <call_com.h>

namespace call_com {

/* While a proxy's synchronous call is in progress: the library knows how to cancel it. */
class SynchronousCall {
public:
    SynchronousCall();
    ~SynchronousCall();
    SynchronousCall(const SynchronousCall &) = delete;
    SynchronousCall &operator=(const SynchronousCall &) = delete;
};

}

#endif
