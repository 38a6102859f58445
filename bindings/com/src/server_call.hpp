/* One call at the server: synchronous, or through the server's own call object. */

#ifndef CALL_COM_SERVER_CALL_HPP
#define CALL_COM_SERVER_CALL_HPP

#include "methods.hpp"

#include <exception>

namespace call_com {

/* What a method ends with: an exception as RPC_E_SERVERFAULT with its message. */
template <class Body> HRESULT protect(call_context_t context, Body body)
{
    try {
        return body();
    } catch (const std::exception &error) {
        ignore(call_context_set_error(context, error.what()));
    } catch (...) {
        ignore(call_context_set_error(context, "the method threw something that is no std::exception"));
    }
    return RPC_E_SERVERFAULT;
}

/* Runs a method, or begins it: then CALL_S_DEFERRED, and the server's Signal completes it. */
HRESULT serve(IUnknown *server, const Method &method, uint64_t apartment, call_context_t context, Reader in);

}

#endif
