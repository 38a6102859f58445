#include "server_call.hpp"
#include "apartment.hpp"

namespace call_com {

namespace {

/* A COM method may end with any code; the few that no method of call.h may end with, and the one that means
 * something else there, become a failure with a message. */
HRESULT ended_with(call_context_t context, HRESULT hr)
{
    if (hr != CALL_S_DEFERRED)
        return hr;
    ignore(call_context_set_error(context, "the method ended with 0x00040200, which is CALL_S_DEFERRED"));
    return E_UNEXPECTED;
}

/* The server's view of a synchronous call: what CoGetCallContext finds. */
class Context final : public Delegating<Part, ICancelMethodCalls> {
public:
    explicit Context(call_context_t context) : Delegating(nullptr), context_(context) {}

    HRESULT STDMETHODCALLTYPE Cancel(ULONG) override { return E_NOTIMPL; }
    HRESULT STDMETHODCALLTYPE TestCancel() override { return call_context_test_cancel(context_); }

private:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ICancelMethodCalls) ? static_cast<ICancelMethodCalls *>(this) : nullptr;
    }

    const call_context_t context_;
};

/* Begun through the server's own call object, which it aggregates: the server asks it for ISynchronize, signals
 * there, and is finished because of that. */
class ServerCall final : public Delegating<Delegating<Part, ISynchronize>, ICancelMethodCalls> {
public:
    ServerCall(const Method &method, uint64_t apartment, call_context_t context)
        : Delegating(nullptr), method_(method), apartment_(apartment), context_(context)
    {
    }

    /* Asks the server for its call object; RPC_E_CALL_COMPLETE stands for "it has none". */
    HRESULT make(IUnknown *server)
    {
        Held<ICallFactory> factory;
        HRESULT hr = CoCreateInstance(CLSID_ManualResetEvent, outer(), CLSCTX_INPROC_SERVER, IID_IUnknown,
                                      event_.put_void());
        if (hr < 0)
            return hr;
        (void)event_->QueryInterface(IID_ISynchronize, reinterpret_cast<void **>(&signal_));
        Release();
        if (server->QueryInterface(IID_ICallFactory, factory.put_void()) < 0 ||
            factory->CreateCall(*method_.face->async_iid, outer(), IID_IUnknown, inner_.put()) < 0)
            return RPC_E_CALL_COMPLETE;
        hr = inner_->QueryInterface(*method_.face->async_iid, reinterpret_cast<void **>(&face_));
        if (hr >= 0)
            face_->Release(); /* that reference was one to the whole */
        return hr;
    }

    /* Takes the first reference over: it is given back when the call has been finished. */
    HRESULT begin(Reader in)
    {
        HRESULT hr;
        {
            Serving serving(apartment_, outer());
            hr = protect(context_, [&] { return method_.face->begin(face_, method_.number, in); });
        }
        /* A server that could not begin and says so without a Signal. */
        if (hr < 0 && !signaled_.exchange(true)) {
            Release();
            return hr;
        }
        arrive();
        return CALL_S_DEFERRED;
    }

    HRESULT STDMETHODCALLTYPE Wait(DWORD flags, DWORD milliseconds) override
    {
        return signal_->Wait(flags, milliseconds);
    }

    HRESULT STDMETHODCALLTYPE Signal() override
    {
        if (!is_inside(apartment_))
            return RPC_E_WRONG_THREAD;
        HRESULT hr = signal_->Signal();
        if (!signaled_.exchange(true))
            arrive();
        return hr;
    }

    HRESULT STDMETHODCALLTYPE Reset() override { return signal_->Reset(); }
    HRESULT STDMETHODCALLTYPE Cancel(ULONG) override { return E_NOTIMPL; }
    HRESULT STDMETHODCALLTYPE TestCancel() override { return call_context_test_cancel(context_); }

private:
    IUnknown *find(REFIID riid) override
    {
        if (same(riid, IID_ISynchronize))
            return static_cast<ISynchronize *>(this);
        return same(riid, IID_ICancelMethodCalls) ? static_cast<ICancelMethodCalls *>(this) : nullptr;
    }

    HRESULT find_elsewhere(REFIID riid, void **ppv) override
    {
        if (same(riid, IID_ISynchronizeHandle))
            return event_->QueryInterface(riid, ppv);
        return inner_ ? inner_->QueryInterface(riid, ppv) : E_NOINTERFACE;
    }

    /* The end of Begin_, and the Signal: whoever comes second finishes, in the server's apartment both. */
    void arrive()
    {
        if (arrived_.fetch_add(1) == 0)
            return;
        HRESULT hr;
        {
            Serving serving(apartment_, outer());
            hr = protect(context_, [&] { return method_.face->finish(face_, method_.number, context_); });
        }
        ignore(call_context_complete(context_, ended_with(context_, hr)));
        Release();
    }

    const Method method_;
    const uint64_t apartment_;
    const call_context_t context_;
    Held<IUnknown> event_;
    ISynchronize *signal_ = nullptr;
    Held<IUnknown> inner_;
    IUnknown *face_ = nullptr;
    std::atomic<bool> signaled_{false};
    std::atomic<unsigned> arrived_{0};
};

HRESULT serve_synchronously(IUnknown *server, const Method &method, uint64_t apartment, call_context_t context,
                            Reader in)
{
    Held<IUnknown> face;
    HRESULT hr = server->QueryInterface(*method.face->iid, face.put_void());
    if (hr < 0)
        return hr;
    auto seen = new Context(context);
    Held<IUnknown> held;
    *held.put() = seen->own();
    Serving serving(apartment, seen->own());
    return ended_with(context, method.face->invoke(face.get(), method.number, in, context));
}

}

HRESULT serve(IUnknown *server, const Method &method, uint64_t apartment, call_context_t context, Reader in)
{
    if (method.face->async_iid != nullptr) {
        auto call = new ServerCall(method, apartment, context);
        HRESULT hr;
        {
            Serving serving(apartment, nullptr);
            hr = call->make(server);
        }
        if (hr >= 0)
            return call->begin(in);
        call->own()->Release();
        if (hr != RPC_E_CALL_COMPLETE)
            return hr;
    }
    return serve_synchronously(server, method, apartment, context, in);
}

}
