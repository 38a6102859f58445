/*
 * What MIDL would generate for an interface, written by hand in a few lines: a proxy for its synchronous form, a
 * call object for its asynchronous one, and three functions for the server's side. examples/sum.hpp is a whole one.
 */

#ifndef CALL_COM_HPP
#define CALL_COM_HPP

#include "call_com.h"
#include "call_com_bytes.hpp"
#include "call_com_part.hpp"

#include <condition_variable>
#include <mutex>

namespace call_com {

/* Where an interface's calls go. */
struct Target {
    call_object_t object;
    uint32_t first; /* the number of the interface's first method */
};

}

/* How one interface goes to and fro. The methods are counted from 0; numbers, names and values are the same on both
 * sides. */
struct call_com_interface_t {
    const IID *iid;
    const IID *async_iid; /* NULL: it has no asynchronous form, nor have begin, finish and call */
    const char *const *methods;
    uint32_t method_count;

    /* The server's side: reads the input, calls the method, writes the output (call_com::write). An exception ends
     * the call with RPC_E_SERVERFAULT and its message. */
    HRESULT (*invoke)(IUnknown *server, uint32_t method, call_com::Reader in, call_context_t out);
    HRESULT (*begin)(IUnknown *call, uint32_t method, call_com::Reader in);
    HRESULT (*finish)(IUnknown *call, uint32_t method, call_context_t out);

    /* The client's side: make a Proxy and a Call, and give their own(). They may throw std::bad_alloc. */
    IUnknown *(*proxy)(const call_com::Target &target, IUnknown *outer);
    IUnknown *(*call)(const call_com::Target &target, IUnknown *outer);
};

namespace call_com {

/* A proxy for a synchronous interface: derive, and give each method one line with invoke(). */
template <class Face, const IID &iid> class Proxy : public Delegating<Part, Face> {
public:
    Proxy(const Target &target, IUnknown *outer) : Delegating<Part, Face>(outer), target_(target) {}

protected:
    IUnknown *find(REFIID riid) override { return same(riid, iid) ? static_cast<Face *>(this) : nullptr; }

    /* The inputs are packed; each output is set, to zero where the call has none. E_POINTER if one is NULL. */
    template <class... Outs, std::size_t length>
    HRESULT invoke(uint32_t method, const std::array<unsigned char, length> &in, Outs *...outs);

private:
    const Target target_;
};

/* A synchronous call, which CoCancelCall finds by its thread. */
HRESULT invoke_bytes(const Target &target, uint32_t method, const void *in, std::size_t in_len, Output &out);

template <class Face, const IID &iid>
template <class... Outs, std::size_t length>
HRESULT Proxy<Face, iid>::invoke(uint32_t method, const std::array<unsigned char, length> &in, Outs *...outs)
{
    if (((outs == nullptr) || ...))
        return E_POINTER;
    Output out;
    HRESULT hr = invoke_bytes(target_, method, in.data(), in.size(), out);
    (void)out.read().get(*outs...);
    return hr;
}

/* A call object over call_t, with the interfaces that all call objects have. Its event is a ManualResetEvent that it
 * aggregates; completion comes as Signal to the controlling unknown's ISynchronize, and begin resets that. */
class CallObject : public Delegating<Delegating<Part, ISynchronize>, ICancelMethodCalls> {
public:
    HRESULT STDMETHODCALLTYPE Wait(DWORD flags, DWORD milliseconds) final;
    HRESULT STDMETHODCALLTYPE Signal() final;
    HRESULT STDMETHODCALLTYPE Reset() final;
    HRESULT STDMETHODCALLTYPE Cancel(ULONG seconds) final;
    HRESULT STDMETHODCALLTYPE TestCancel() final;

    /* For call_set_callback. */
    static void completed(call_t call, void *self);

protected:
    CallObject(const Target &target, IUnknown *outer);
    ~CallObject() override;

    IUnknown *find(REFIID riid) override;
    HRESULT find_elsewhere(REFIID riid, void **ppv) override;
    HRESULT begin_bytes(uint32_t method, const void *in, std::size_t in_len);
    HRESULT finish_bytes(uint32_t method, Output &out);

private:
    enum Phase : uint64_t { IDLE, BEGINNING, PENDING, FINISHING, PHASES };

    HRESULT call_of_outer(HRESULT (STDMETHODCALLTYPE ISynchronize::*method)());
    bool move(uint64_t turn, Phase from, Phase to);
    void told(uint64_t turn, HRESULT answer);
    HRESULT answer_of(uint64_t turn);

    const Target target_;
    call_t call_{};
    HRESULT made_;
    Held<IUnknown> event_;
    ISynchronize *signal_ = nullptr;
    /* The number of the begin, times PHASES, and its phase. */
    std::atomic<uint64_t> word_{IDLE};
    std::atomic<uint32_t> method_{0};
    /* What the controlling unknown's Signal answered, for the begin that it was last called for. */
    std::mutex mutex_;
    std::condition_variable told_;
    uint64_t told_turn_ = 0;
    HRESULT answer_ = S_OK;
};

/* A call object for an asynchronous interface: derive, and give each method one line with begin() or finish(). */
template <class Face, const IID &iid> class Call : public Delegating<CallObject, Face> {
public:
    Call(const Target &target, IUnknown *outer) : Delegating<CallObject, Face>(target, outer) {}

protected:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, iid) ? static_cast<Face *>(this) : CallObject::find(riid);
    }

    template <class... Ins> HRESULT begin(uint32_t method, const Ins &...ins)
    {
        auto in = packed(ins...);
        return this->begin_bytes(method, in.data(), in.size());
    }

    /* Each output is set, to zero where the call has none. E_POINTER if one is NULL: the call goes on. */
    template <class... Outs> HRESULT finish(uint32_t method, Outs *...outs)
    {
        if (((outs == nullptr) || ...))
            return E_POINTER;
        Output out;
        HRESULT hr = this->finish_bytes(method, out);
        (void)out.read().get(*outs...);
        return hr;
    }
};

}

#endif
