/* COM objects as objects of call.h. */

#ifndef CALL_COM_EXPORT_HPP
#define CALL_COM_EXPORT_HPP

#include "methods.hpp"

namespace call_com {

/* The server, if `object` was exported and the calling thread is in its apartment; else NULL. No reference: the
 * object holds one. */
IUnknown *server_here(call_object_t object);

}

#endif
