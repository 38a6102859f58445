#include "thread_calls.hpp"
#include "guard.hpp"

#include <call_com_bytes.hpp>
#include <call_com_part.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace call_com {

namespace {

/* One that somebody pushed, with its reference; or none: a call that the library knows. */
using Entry = std::shared_ptr<ICancelMethodCalls>;

/* What other threads see of one. */
struct Calls {
    uint64_t thread = 0; /* the library's number of it */
    std::vector<Entry> entries;
};

/* Guards the map and all that is in it. No code of the program runs under it: an entry's reference is given back by
 * whoever lets it go last, outside. */
std::mutex &calls_lock()
{
    static auto *lock = new std::mutex;
    return *lock;
}

std::map<DWORD, std::shared_ptr<Calls>> &all_calls()
{
    static auto *all = new std::map<DWORD, std::shared_ptr<Calls>>;
    return *all;
}

DWORD system_number()
{
    return static_cast<DWORD>(syscall(SYS_gettid));
}

/* This thread's, until it ends. */
struct Mine {
    Mine() : number(system_number()), calls(std::make_shared<Calls>())
    {
        ignore(call_thread_id(&calls->thread));
        std::lock_guard<std::mutex> lock(calls_lock());
        all_calls()[number] = calls;
    }

    ~Mine()
    {
        std::shared_ptr<Calls> last; /* its entries go after the lock */
        std::lock_guard<std::mutex> lock(calls_lock());
        auto found = all_calls().find(number);
        if (found != all_calls().end() && found->second == calls) {
            last = std::move(found->second);
            all_calls().erase(found);
        }
    }

    const DWORD number;
    const std::shared_ptr<Calls> calls;
};

Mine &mine()
{
    static thread_local Mine one;
    return one;
}

/* The innermost entry of a thread; 0 is the calling one. */
struct Found {
    uint64_t thread = 0;
    Entry pushed;
};

Found innermost(DWORD number)
{
    Found found;
    if (number == 0)
        number = mine().number;
    std::lock_guard<std::mutex> lock(calls_lock());
    auto entry = all_calls().find(number);
    if (entry == all_calls().end())
        return found;
    found.thread = entry->second->thread;
    if (!entry->second->entries.empty())
        found.pushed = entry->second->entries.back();
    return found;
}

void push(Entry entry)
{
    auto &calls = *mine().calls;
    std::lock_guard<std::mutex> lock(calls_lock());
    calls.entries.push_back(std::move(entry));
}

Entry pop()
{
    auto &calls = *mine().calls;
    std::lock_guard<std::mutex> lock(calls_lock());
    Entry last = std::move(calls.entries.back());
    calls.entries.pop_back();
    return last;
}

/* The cancel interface of one synchronous call that the library knows. */
class CancelObject final : public Delegating<Part, ICancelMethodCalls> {
public:
    explicit CancelObject(call_cancel_t cancel) : Delegating(nullptr), cancel_(cancel) {}

    HRESULT STDMETHODCALLTYPE Cancel(ULONG seconds) override { return call_cancel(cancel_, seconds); }
    HRESULT STDMETHODCALLTYPE TestCancel() override { return call_test_cancel(cancel_); }

private:
    ~CancelObject() override { call_cancel_release(cancel_); }

    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ICancelMethodCalls) ? static_cast<ICancelMethodCalls *>(this) : nullptr;
    }

    const call_cancel_t cancel_;
};

HRESULT get_cancel_object(DWORD number, REFIID riid, void **ppv)
{
    Found found = innermost(number);
    if (found.pushed)
        return found.pushed->QueryInterface(riid, ppv);
    if (found.thread == 0)
        return E_NOINTERFACE;
    call_cancel_t cancel{};
    HRESULT hr = call_query_thread_cancel(found.thread, &cancel);
    if (hr < 0)
        return hr == E_HANDLE ? E_NOINTERFACE : hr;
    auto object = new CancelObject(cancel);
    hr = object->own()->QueryInterface(riid, ppv);
    object->own()->Release();
    return hr;
}

HRESULT set_cancel_object(IUnknown *object)
{
    if (object == nullptr) {
        {
            const auto &entries = mine().calls->entries;
            std::lock_guard<std::mutex> lock(calls_lock());
            if (entries.empty())
                return E_UNEXPECTED;
            if (!entries.back())
                return E_ACCESSDENIED;
        }
        (void)pop();
        return S_OK;
    }
    ICancelMethodCalls *cancel = nullptr;
    HRESULT hr = object->QueryInterface(IID_ICancelMethodCalls, reinterpret_cast<void **>(&cancel));
    if (hr < 0)
        return E_NOINTERFACE;
    push(Entry(cancel, [](ICancelMethodCalls *one) { one->Release(); }));
    return S_OK;
}

}

SynchronousCall::SynchronousCall()
{
    push(nullptr);
}

SynchronousCall::~SynchronousCall()
{
    (void)pop();
}

}

extern "C" {

using namespace call_com;

DWORD call_com_thread_id(void)
{
    DWORD number = system_number();
    (void)guarded([] { return mine().number != 0 ? S_OK : E_UNEXPECTED; });
    return number;
}

HRESULT STDMETHODCALLTYPE CoGetCancelObject(DWORD number, REFIID riid, void **ppv)
{
    if (ppv == nullptr)
        return E_POINTER;
    *ppv = nullptr;
    return guarded([&] { return get_cancel_object(number, riid, ppv); });
}

HRESULT STDMETHODCALLTYPE CoSetCancelObject(IUnknown *object)
{
    return guarded([&] { return set_cancel_object(object); });
}

HRESULT STDMETHODCALLTYPE CoCancelCall(DWORD number, ULONG seconds)
{
    return guarded([&] {
        Found found = innermost(number);
        if (found.pushed)
            return found.pushed->Cancel(seconds);
        HRESULT hr = found.thread == 0 ? E_NOINTERFACE : call_cancel_thread(found.thread, seconds);
        return hr == E_HANDLE ? E_NOINTERFACE : hr;
    });
}

HRESULT STDMETHODCALLTYPE CoEnableCallCancellation(void *reserved)
{
    (void)call_com_thread_id();
    return reserved != nullptr ? E_INVALIDARG : call_enable_cancellation();
}

HRESULT STDMETHODCALLTYPE CoDisableCallCancellation(void *reserved)
{
    return reserved != nullptr ? E_INVALIDARG : call_disable_cancellation();
}

}
