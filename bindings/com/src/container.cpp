/* CLSID_SynchronizeContainer: what several of them have to say, without handles. */
#include "event.hpp"
#include "guard.hpp"
#include "wait.hpp"

#include <call_com_part.hpp>

#include <mutex>
#include <vector>

namespace call_com {

namespace {

constexpr std::size_t MOST = 63;

class Container final : public Delegating<Part, ISynchronizeContainer> {
public:
    explicit Container(IUnknown *outer) : Delegating(outer) {}

    HRESULT STDMETHODCALLTYPE AddSynchronize(ISynchronize *sync) override
    {
        if (sync == nullptr)
            return E_INVALIDARG;
        HANDLE handle = nullptr;
        Held<ISynchronizeHandle> source;
        HRESULT hr = sync->QueryInterface(IID_ISynchronizeHandle, source.put_void());
        if (hr >= 0)
            hr = source->GetHandle(&handle);
        if (hr < 0)
            return hr;
        sync->AddRef();
        hr = guarded([&] { return add(sync, handle); });
        if (hr < 0)
            sync->Release();
        return hr;
    }

    HRESULT STDMETHODCALLTYPE WaitMultiple(DWORD flags, DWORD milliseconds, ISynchronize **sync_out) override
    {
        if (sync_out == nullptr)
            return E_POINTER;
        *sync_out = nullptr;
        if (!known_wait_flags(flags) || (flags & COWAIT_WAITALL) != 0)
            return E_INVALIDARG;
        return guarded([&] { return wait(milliseconds, sync_out); });
    }

private:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ISynchronizeContainer) ? static_cast<ISynchronizeContainer *>(this) : nullptr;
    }

    ~Container() override
    {
        for (ISynchronize *sync : syncs_)
            sync->Release();
    }

    HRESULT add(ISynchronize *sync, HANDLE handle)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (syncs_.size() == MOST)
            return RPC_E_OUT_OF_RESOURCES;
        handles_.reserve(MOST);
        syncs_.reserve(MOST);
        handles_.push_back(handle);
        syncs_.push_back(sync);
        return S_OK;
    }

    /* Those that are there now: none is ever taken out. */
    HRESULT wait(DWORD milliseconds, ISynchronize **sync_out)
    {
        std::vector<HANDLE> handles;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            handles = handles_;
        }
        if (handles.empty())
            return RPC_E_NO_SYNC;
        DWORD index = 0;
        HRESULT hr = wait_for_handles(handles.data(), handles.size(), false, milliseconds, &index);
        if (hr == RPC_S_CALLPENDING)
            return RPC_E_TIMEOUT;
        if (hr != S_OK)
            return hr;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            *sync_out = syncs_[index];
        }
        (*sync_out)->AddRef();
        return S_OK;
    }

    std::mutex mutex_;
    std::vector<HANDLE> handles_;
    std::vector<ISynchronize *> syncs_;
};

}

IUnknown *make_container(IUnknown *outer)
{
    return (new Container(outer))->own();
}

}
