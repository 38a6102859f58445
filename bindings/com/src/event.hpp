/* The objects that CoCreateInstance makes. */

#ifndef CALL_COM_EVENT_HPP
#define CALL_COM_EVENT_HPP

#include <call_com.h>

namespace call_com {

/* Each gives the part's own IUnknown. They throw std::bad_alloc. */
IUnknown *make_event(IUnknown *outer, bool automatic);
IUnknown *make_container(IUnknown *outer);

}

#endif
