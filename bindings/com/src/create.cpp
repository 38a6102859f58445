/* CoCreateInstance, for the model's own classes. */
#include "event.hpp"
#include "guard.hpp"

#include <call_com_part.hpp>

using call_com::same;

namespace {

IUnknown *make(REFCLSID rclsid, IUnknown *outer)
{
    if (same(rclsid, CLSID_ManualResetEvent))
        return call_com::make_event(outer, false);
    if (same(rclsid, CLSID_StdEvent))
        return call_com::make_event(outer, true);
    return same(rclsid, CLSID_SynchronizeContainer) ? call_com::make_container(outer) : nullptr;
}

}

extern "C" HRESULT STDMETHODCALLTYPE CoCreateInstance(REFCLSID rclsid, IUnknown *outer, DWORD, REFIID riid, void **ppv)
{
    if (ppv == nullptr)
        return E_POINTER;
    *ppv = nullptr;
    if (outer != nullptr && !same(riid, IID_IUnknown))
        return CLASS_E_NOAGGREGATION;
    IUnknown *own = nullptr;
    HRESULT hr = call_com::guarded([&] {
        own = make(rclsid, outer);
        return own == nullptr ? REGDB_E_CLASSNOTREG : S_OK;
    });
    if (hr < 0)
        return hr;
    hr = own->QueryInterface(riid, ppv);
    own->Release();
    return hr;
}
