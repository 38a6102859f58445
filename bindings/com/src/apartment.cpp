#include "apartment.hpp"

#include <call_com_part.hpp>

namespace {

enum Joined { NONE, MULTI, SINGLE };

/* What CoInitializeEx did on this thread. */
struct Membership {
    Joined joined = NONE;
    unsigned count = 0;
    call_apartment_t own{};
};

thread_local Membership membership;
thread_local const call_com::Serving *serving = nullptr;
/* Of the innermost call that the thread serves, or what CoSwitchCallContext put there; not counted. */
thread_local IUnknown *call_context = nullptr;

HRESULT join(DWORD how)
{
    if ((how & COINIT_APARTMENTTHREADED) != 0) {
        call_apartment_options_t options{};
        options.size = sizeof options;
        options.kind = CALL_APARTMENT_SINGLE;
        HRESULT hr = call_apartment_create(&options, &membership.own);
        if (hr < 0)
            return hr;
    }
    membership.joined = (how & COINIT_APARTMENTTHREADED) != 0 ? SINGLE : MULTI;
    membership.count = 1;
    return S_OK;
}

}

namespace call_com {

bool is_inside(uint64_t apartment)
{
    if (serving != nullptr)
        return serving->apartment_ == apartment;
    return membership.joined != NONE && membership.own.id == apartment;
}

Serving::Serving(uint64_t apartment, IUnknown *context)
    : apartment_(apartment), around_(serving), before_(call_context)
{
    serving = this;
    call_context = context;
}

Serving::~Serving()
{
    serving = around_;
    call_context = before_;
}

}

extern "C" {

HRESULT STDMETHODCALLTYPE CoInitializeEx(void *, DWORD how)
{
    if (membership.joined == NONE)
        return join(how);
    if (membership.joined != ((how & COINIT_APARTMENTTHREADED) != 0 ? SINGLE : MULTI))
        return RPC_E_CHANGED_MODE;
    membership.count++;
    return S_FALSE;
}

void STDMETHODCALLTYPE CoUninitialize(void)
{
    if (membership.joined == NONE || --membership.count > 0)
        return;
    if (membership.joined == SINGLE) {
        call_apartment_close(membership.own, 0, nullptr);
        call_apartment_release(membership.own);
    }
    membership = Membership();
}

HRESULT call_com_get_apartment(call_apartment_t *apartment_out)
{
    if (apartment_out == nullptr)
        return E_POINTER;
    *apartment_out = membership.own;
    return membership.joined == SINGLE ? S_OK : CO_E_NOTINITIALIZED;
}

HRESULT STDMETHODCALLTYPE CoGetCallContext(REFIID riid, void **ppv)
{
    if (ppv == nullptr)
        return E_POINTER;
    *ppv = nullptr;
    return call_context == nullptr ? RPC_E_CALL_COMPLETE : call_context->QueryInterface(riid, ppv);
}

HRESULT STDMETHODCALLTYPE CoSwitchCallContext(IUnknown *context, IUnknown **before_out)
{
    if (before_out == nullptr)
        return E_POINTER;
    *before_out = call_context;
    call_context = context;
    return S_OK;
}

/* A method of call.h's own knows its call without a context object. */
HRESULT STDMETHODCALLTYPE CoTestCancel(void)
{
    if (call_context == nullptr)
        return call_context_test_cancel(call_context_t{});
    call_com::Held<ICancelMethodCalls> cancel;
    HRESULT hr = CoGetCallContext(IID_ICancelMethodCalls, cancel.put_void());
    return hr < 0 ? hr : cancel->TestCancel();
}

}
