/* No exception leaves the layer. */

#ifndef CALL_COM_GUARD_HPP
#define CALL_COM_GUARD_HPP

#include <call_com.h>

#include <new>

namespace call_com {

template <class Body> HRESULT guarded(Body body)
{
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return E_OUTOFMEMORY;
    } catch (...) {
        return E_UNEXPECTED;
    }
}

}

#endif
