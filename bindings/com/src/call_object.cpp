#include "clock.hpp"
#include "wait.hpp"

#include <call_com.hpp>

#include <new>

namespace call_com {

namespace {

/* A Signal that this thread is in: its call object may be finished inside it. */
struct Telling {
    const CallObject *whose;
    uint64_t turn;
    const Telling *around;
};

thread_local const Telling *telling = nullptr;

bool inside_signal_of(const CallObject *whose, uint64_t turn)
{
    for (const Telling *one = telling; one != nullptr; one = one->around)
        if (one->whose == whose && one->turn == turn)
            return true;
    return false;
}

/* A cancel interface of the call that is in progress now. */
class CurrentCancel {
public:
    explicit CurrentCancel(call_t call) : result(call_query_cancel(call, &handle)) {}
    ~CurrentCancel() { call_cancel_release(handle); }
    CurrentCancel(const CurrentCancel &) = delete;
    CurrentCancel &operator=(const CurrentCancel &) = delete;

    call_cancel_t handle{};
    const HRESULT result;
};

}

CallObject::CallObject(const Target &target, IUnknown *outer_unknown)
    : Delegating(outer_unknown), target_(target), made_(call_create(target.object, &call_))
{
    if (made_ == S_OK)
        made_ = call_set_callback(call_, completed, this, nullptr);
    if (made_ == S_OK)
        made_ = CoCreateInstance(CLSID_ManualResetEvent, outer(), CLSCTX_INPROC_SERVER, IID_IUnknown,
                                 event_.put_void());
    if (made_ == S_OK)
        made_ = event_->QueryInterface(IID_ISynchronize, reinterpret_cast<void **>(&signal_));
    if (made_ == S_OK)
        outer()->Release(); /* that reference was one to the whole */
}

CallObject::~CallObject()
{
    call_release(call_);
}

IUnknown *CallObject::find(REFIID riid)
{
    if (made_ != S_OK)
        return nullptr;
    if (same(riid, IID_ISynchronize))
        return static_cast<ISynchronize *>(this);
    if (same(riid, IID_ICancelMethodCalls) && CurrentCancel(call_).result != E_NOINTERFACE)
        return static_cast<ICancelMethodCalls *>(this);
    return nullptr;
}

HRESULT CallObject::find_elsewhere(REFIID riid, void **ppv)
{
    if (made_ != S_OK)
        return made_;
    return same(riid, IID_ISynchronizeHandle) ? event_->QueryInterface(riid, ppv) : E_NOINTERFACE;
}

HRESULT CallObject::call_of_outer(HRESULT (STDMETHODCALLTYPE ISynchronize::*method)())
{
    Held<ISynchronize> whole;
    HRESULT hr = outer()->QueryInterface(IID_ISynchronize, whole.put_void());
    return hr < 0 ? hr : (whole.get()->*method)();
}

bool CallObject::move(uint64_t turn, Phase from, Phase to)
{
    uint64_t expected = turn * PHASES + from;
    return word_.compare_exchange_strong(expected, turn * PHASES + to);
}

HRESULT CallObject::begin_bytes(uint32_t method, const void *in, std::size_t in_len)
{
    uint64_t idle = word_.load();
    uint64_t turn = idle / PHASES + 1;
    if (idle % PHASES != IDLE || !word_.compare_exchange_strong(idle, turn * PHASES + BEGINNING))
        return RPC_S_CALLPENDING;
    method_.store(method, std::memory_order_relaxed);
    outer()->AddRef(); /* until its completion was told */
    HRESULT hr = call_of_outer(&ISynchronize::Reset);
    if (hr >= 0)
        hr = call_begin(call_, target_.first + method, in, in_len);
    if (hr < 0) {
        (void)move(turn, BEGINNING, IDLE);
        outer()->Release();
        return hr;
    }
    (void)move(turn, BEGINNING, PENDING);
    return S_OK;
}

void CallObject::completed(call_t, void *user)
{
    auto self = static_cast<CallObject *>(user);
    uint64_t turn = self->word_.load() / PHASES;
    (void)self->move(turn, BEGINNING, PENDING);
    Telling here{self, turn, telling};
    telling = &here;
    HRESULT answer = self->call_of_outer(&ISynchronize::Signal);
    telling = here.around;
    self->told(turn, answer);
    self->outer()->Release();
}

void CallObject::told(uint64_t turn, HRESULT answer)
{
    std::lock_guard<std::mutex> lock(mutex_);
    /* The begin that followed may be told of already. */
    if (turn > told_turn_) {
        told_turn_ = turn;
        answer_ = answer;
    }
    told_.notify_all();
}

/* A failure of the Signal that told of the completion, once it has returned. */
HRESULT CallObject::answer_of(uint64_t turn)
{
    if (inside_signal_of(this, turn))
        return S_OK;
    std::unique_lock<std::mutex> lock(mutex_);
    told_.wait(lock, [&] { return told_turn_ >= turn; });
    return answer_ < 0 ? answer_ : S_OK;
}

HRESULT CallObject::finish_bytes(uint32_t method, Output &out)
{
    uint64_t word = word_.load();
    uint64_t turn = word / PHASES;
    if (word % PHASES != PENDING)
        return RPC_E_CALL_COMPLETE;
    if (method_.load(std::memory_order_relaxed) != method)
        return E_UNEXPECTED;
    if (!move(turn, PENDING, FINISHING))
        return RPC_E_CALL_COMPLETE;
    HRESULT waited = call_wait(call_, CALL_INFINITE);
    if (waited != S_OK) {
        (void)move(turn, FINISHING, PENDING);
        return waited;
    }
    HRESULT answer = answer_of(turn);
    HRESULT hr = call_finish_buffer(call_, out.put());
    /* Without memory for the handle of its output the call is still there. */
    bool ended = hr != E_OUTOFMEMORY || call_wait(call_, 0) == RPC_E_CALL_COMPLETE;
    word_.store(turn * PHASES + (ended ? IDLE : PENDING));
    return answer < 0 ? answer : hr;
}

HRESULT STDMETHODCALLTYPE CallObject::Wait(DWORD flags, DWORD milliseconds)
{
    if (!known_wait_flags(flags))
        return E_INVALIDARG;
    Deadline deadline(milliseconds);
    HRESULT hr = call_wait(call_, milliseconds);
    return hr == S_OK ? signal_->Wait(flags, deadline.left()) : hr;
}

HRESULT STDMETHODCALLTYPE CallObject::Signal()
{
    return signal_->Signal();
}

HRESULT STDMETHODCALLTYPE CallObject::Reset()
{
    return signal_->Reset();
}

HRESULT STDMETHODCALLTYPE CallObject::Cancel(ULONG seconds)
{
    CurrentCancel cancel(call_);
    return cancel.result < 0 ? cancel.result : call_cancel(cancel.handle, seconds);
}

HRESULT STDMETHODCALLTYPE CallObject::TestCancel()
{
    CurrentCancel cancel(call_);
    return cancel.result < 0 ? cancel.result : call_test_cancel(cancel.handle);
}

}
