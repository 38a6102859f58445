/* What a client holds of an object in another apartment. */
#include "export.hpp"
#include "guard.hpp"
#include "thread_calls.hpp"

#include <memory>
#include <vector>

namespace call_com {

namespace {

class Manager final : public Delegating<Part, ICallFactory> {
public:
    Manager(call_object_t object, const call_com_interface_t *const *faces, std::size_t count)
        : Delegating(nullptr), methods_(faces, count)
    {
        faces_.reserve(count);
        for (std::size_t i = 0; i < count; i++) {
            faces_.push_back(faces[i]->proxy(Target{object, methods_.first_of(i)}, outer()));
            has_calls_ = has_calls_ || faces[i]->async_iid != nullptr;
        }
        object_ = object;
    }

    /* The object's own handle may be released by the client that imported it. */
    HRESULT keep() { return kept_ = call_object_add_ref(object_); }

    HRESULT STDMETHODCALLTYPE CreateCall(REFIID riid, IUnknown *outer_unknown, REFIID riid2, IUnknown **ppv) override
    {
        if (ppv == nullptr)
            return E_POINTER;
        *ppv = nullptr;
        if (outer_unknown != nullptr && !same(riid2, IID_IUnknown))
            return E_INVALIDARG;
        return guarded([&] { return create(riid, outer_unknown, riid2, ppv); });
    }

private:
    ~Manager() override
    {
        for (IUnknown *face : faces_)
            face->Release();
        if (kept_ == S_OK)
            call_object_release(object_);
    }

    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ICallFactory) && has_calls_ ? static_cast<ICallFactory *>(this) : nullptr;
    }

    HRESULT find_elsewhere(REFIID riid, void **ppv) override
    {
        for (IUnknown *face : faces_)
            if (face->QueryInterface(riid, ppv) >= 0)
                return S_OK;
        return E_NOINTERFACE;
    }

    IUnknown *make(REFIID riid, IUnknown *outer_unknown);
    HRESULT create(REFIID riid, IUnknown *outer_unknown, REFIID riid2, IUnknown **ppv);

    const Methods methods_;
    std::vector<IUnknown *> faces_;
    call_object_t object_{};
    HRESULT kept_ = E_HANDLE;
    bool has_calls_ = false;
};

/* AsyncIUnknown: the call goes to the server's apartment and comes back; the references that are counted are the
 * proxy's. While the call object lives it holds one itself. */
class UnknownCall final : public Delegating<CallObject, AsyncIUnknown> {
public:
    UnknownCall(const Target &target, IUnknown *outer_unknown, IUnknown *proxy)
        : Delegating(target, outer_unknown), proxy_(proxy)
    {
        proxy_->AddRef();
    }

    HRESULT STDMETHODCALLTYPE Begin_QueryInterface(REFIID riid) override
    {
        auto in = packed(riid);
        return begin_bytes(QUERY_INTERFACE, in.data(), in.size());
    }

    HRESULT STDMETHODCALLTYPE Finish_QueryInterface(void **ppv) override
    {
        if (ppv == nullptr)
            return E_POINTER;
        *ppv = nullptr;
        Output out;
        IID asked{};
        HRESULT hr = finish_bytes(QUERY_INTERFACE, out);
        (void)out.read().get(asked);
        return hr < 0 ? hr : proxy_->QueryInterface(asked, ppv);
    }

    HRESULT STDMETHODCALLTYPE Begin_AddRef() override { return begin_bytes(ADD_REF, nullptr, 0); }
    HRESULT STDMETHODCALLTYPE Begin_Release() override { return begin_bytes(RELEASE, nullptr, 0); }

    /* The new count; 0 where no such call was in progress, and then nothing was counted. A call that failed or was
     * canceled counts as well: the reference is the proxy's. */
    ULONG STDMETHODCALLTYPE Finish_AddRef() override { return ended(ADD_REF) ? proxy_->AddRef() : 0; }
    ULONG STDMETHODCALLTYPE Finish_Release() override { return ended(RELEASE) ? proxy_->Release() : 0; }

private:
    ~UnknownCall() override { proxy_->Release(); }

    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_AsyncIUnknown) ? static_cast<AsyncIUnknown *>(this) : CallObject::find(riid);
    }

    bool ended(uint32_t method)
    {
        Output nothing;
        HRESULT hr = finish_bytes(method, nothing);
        return hr != RPC_E_CALL_COMPLETE && hr != E_UNEXPECTED && hr != CALL_E_DEADLOCK;
    }

    IUnknown *const proxy_;
};

IUnknown *Manager::make(REFIID riid, IUnknown *outer_unknown)
{
    if (same(riid, IID_AsyncIUnknown))
        return (new UnknownCall(Target{object_, 0}, outer_unknown, own()))->own();
    const auto &faces = methods_.faces();
    for (std::size_t i = 0; i < faces.size(); i++)
        if (faces[i]->async_iid != nullptr && same(riid, *faces[i]->async_iid))
            return faces[i]->call(Target{object_, methods_.first_of(i)}, outer_unknown);
    return nullptr;
}

HRESULT Manager::create(REFIID riid, IUnknown *outer_unknown, REFIID riid2, IUnknown **ppv)
{
    Held<IUnknown> call;
    *call.put() = make(riid, outer_unknown);
    if (!call)
        return E_NOINTERFACE;
    /* Whether it could be made, its own interface says. */
    IUnknown *face = nullptr;
    HRESULT hr = call->QueryInterface(riid, reinterpret_cast<void **>(&face));
    if (hr < 0)
        return hr;
    face->Release();
    return call->QueryInterface(riid2, reinterpret_cast<void **>(ppv));
}

}

HRESULT invoke_bytes(const Target &target, uint32_t method, const void *in, std::size_t in_len, Output &out)
{
    return guarded([&] {
        SynchronousCall innermost;
        return call_invoke_buffer(target.object, target.first + method, in, in_len, out.put(), CALL_INFINITE, nullptr);
    });
}

}

extern "C" HRESULT call_com_import(call_object_t object, const call_com_interface_t *const *faces, std::size_t count,
                                   REFIID riid, void **ppv)
{
    using namespace call_com;
    if (ppv == nullptr)
        return E_POINTER;
    *ppv = nullptr;
    if (faces == nullptr && count > 0)
        return E_POINTER;
    if (IUnknown *server = server_here(object))
        return server->QueryInterface(riid, ppv);
    return guarded([&] {
        auto manager = new Manager(object, faces, count);
        HRESULT hr = manager->keep();
        if (hr >= 0)
            hr = manager->own()->QueryInterface(riid, ppv);
        manager->own()->Release();
        return hr;
    });
}
