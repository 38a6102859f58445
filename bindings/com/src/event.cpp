/* CLSID_ManualResetEvent and CLSID_StdEvent. */
#include "event.hpp"
#include "guard.hpp"
#include "wait.hpp"

#include <call_com_part.hpp>

#include <cstdint>

namespace call_com {

namespace {

class Event final : public Delegating<Delegating<Part, ISynchronize>, ISynchronizeHandle> {
public:
    Event(IUnknown *outer, bool automatic) : Delegating(outer), flag_(automatic) {}

    HRESULT STDMETHODCALLTYPE Wait(DWORD flags, DWORD milliseconds) override
    {
        if (!known_wait_flags(flags))
            return E_INVALIDARG;
        return guarded([&] { return wait_for_flag(flag_, milliseconds); });
    }

    HRESULT STDMETHODCALLTYPE Signal() override
    {
        flag_.set();
        return S_OK;
    }

    HRESULT STDMETHODCALLTYPE Reset() override
    {
        flag_.reset();
        return S_OK;
    }

    HRESULT STDMETHODCALLTYPE GetHandle(HANDLE *handle_out) override
    {
        if (handle_out == nullptr)
            return E_POINTER;
        *handle_out = nullptr;
        int fd = -1;
        HRESULT hr = guarded([&] { return flag_.descriptor(&fd); });
        if (hr == S_OK)
            *handle_out = reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(fd));
        return hr;
    }

private:
    IUnknown *find(REFIID riid) override
    {
        if (same(riid, IID_ISynchronize))
            return static_cast<ISynchronize *>(this);
        return same(riid, IID_ISynchronizeHandle) ? static_cast<ISynchronizeHandle *>(this) : nullptr;
    }

    Flag flag_;
};

}

IUnknown *make_event(IUnknown *outer, bool automatic)
{
    return (new Event(outer, automatic))->own();
}

}
