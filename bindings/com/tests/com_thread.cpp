/* Apartments, synchronous calls canceled by thread, and cancel objects that the program puts there itself. */
#include "job.hpp"

using namespace call_com;

namespace {

/* A synchronous call on a thread of its own. */
struct Client {
    explicit Client(Scene &scene, std::function<void()> before = [] {})
        : thread([this, &scene, before = std::move(before)] {
              before();
              number = call_com_thread_id();
              result = scene.proxy->Run(&job, &answer);
              ended.open();
          })
    {
        job.entered.wait();
    }

    struct Plain : Job {
        Plain() { make_plain(*this, S_FALSE); }
    } job;
    std::atomic<DWORD> number{0};
    HRESULT result = E_FAIL;
    LONG answer = 99;
    Gate ended;
    Thread thread;
};

void enabled() { NEED(CoEnableCallCancellation(nullptr)); }

void counters()
{
    Thread one([] {
        int reserved = 0;
        is_hr(CoEnableCallCancellation(&reserved), E_INVALIDARG, "SY-6 the reserved argument is NULL");
        is_hr(CoDisableCallCancellation(&reserved), E_INVALIDARG, "SY-6 in both");
        is_hr(CoDisableCallCancellation(nullptr), CO_E_CANCEL_DISABLED, "SY-3 disabled already");
        is_hr(CoEnableCallCancellation(nullptr), S_OK, "SY-2 SY-5 enabled, before CoInitializeEx");
        is_hr(CoEnableCallCancellation(nullptr), S_OK, "SY-2 twice");
        NEED(CoInitializeEx(nullptr, COINIT_MULTITHREADED));
        CoUninitialize();
        is_hr(CoDisableCallCancellation(nullptr), S_OK, "SY-4 SY-5 once taken back, after CoUninitialize");
        is_hr(CoDisableCallCancellation(nullptr), S_OK, "SY-2 and again");
        is_hr(CoDisableCallCancellation(nullptr), CO_E_CANCEL_DISABLED, "SY-3 nothing is left");
    });
}

void canceled()
{
    Scene scene;
    {
        Client client(scene);
        is_hr(CoCancelCall(client.number, 0), CO_E_CANCEL_DISABLED, "SY-1 CN-11 a call made while disabled");
        client.job.release.open();
        client.thread.join();
        is_hr(client.result, S_FALSE, "SY-1 gives its own result");
    }
    Client client(scene, enabled);
    Held<ICancelMethodCalls> object;
    is_hr(CoGetCancelObject(client.number, IID_ICancelMethodCalls, object.put_void()), S_OK, "SY-8 its cancel object");
    is_hr(object->TestCancel(), RPC_S_CALLPENDING, "SY-8 TC-1 not canceled");
    is_hr(CoCancelCall(client.number, 0), S_OK, "SY-7 SY-8 canceled by its thread");
    client.ended.wait();
    is_hr(client.result, RPC_E_CALL_CANCELED, "SY-12 it returns");
    is_number(static_cast<uint64_t>(client.answer), 0, "SY-12 with its output zeroed");
    is_hr(object->Cancel(0), RPC_E_CALL_COMPLETE, "SY-14 the object is of that one call");
    client.thread.join();
    is_hr(CoCancelCall(client.number, 0), E_NOINTERFACE, "SY-10 a thread that has ended");
    client.job.release.open();
}

void none()
{
    enabled();
    void *object = &object;
    is_hr(CoGetCancelObject(0, IID_ICancelMethodCalls, &object), E_NOINTERFACE, "SY-9 SY-10 nothing on this thread");
    is(object == nullptr, "LT-12 leaves NULL");
    is_hr(CoGetCancelObject(0, IID_ICancelMethodCalls, nullptr), E_POINTER, "into NULL");
    is_hr(CoCancelCall(0, 0), E_NOINTERFACE, "SY-9 SY-10 nothing to cancel");
    is_hr(CoCancelCall(0x7FFFFFFF, 0), E_NOINTERFACE, "SY-10 no such thread");
    Scene scene;
    auto call = scene.call();
    Job job;
    make_plain(job, S_OK);
    NEED(call->Begin_Run(&job));
    is_hr(CoCancelCall(0, 0), E_NOINTERFACE, "SY-11 an asynchronous call is not found");
    job.release.open();
    NEED(finish(call.get()));
    NEED(CoDisableCallCancellation(nullptr));
}

/* What a custom marshaler puts there for the time of its call. */
class Marshaler final : public Delegating<Part, ICancelMethodCalls> {
public:
    Marshaler() : Delegating(nullptr) {}
    HRESULT STDMETHODCALLTYPE Cancel(ULONG seconds) override { return asked = seconds, refusal; }
    HRESULT STDMETHODCALLTYPE TestCancel() override { return S_OK; }
    std::atomic<ULONG> asked{0};
    HRESULT refusal = S_OK;

private:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ICancelMethodCalls) ? static_cast<ICancelMethodCalls *>(this) : nullptr;
    }
};

void pushed()
{
    auto outer_one = new Marshaler, inner = new Marshaler;
    Held<IUnknown> event;
    NEED(CoCreateInstance(CLSID_StdEvent, nullptr, CLSCTX_INPROC_SERVER, IID_IUnknown, event.put_void()));
    is_hr(CoSetCancelObject(event.get()), E_NOINTERFACE, "MK-5 an object without the interface");
    is_hr(CoSetCancelObject(outer_one->own()), S_OK, "MK-5 pushed");
    is_number(count_of(outer_one), 2, "MK-5 with a reference");
    is_hr(CoSetCancelObject(inner->own()), S_OK, "MK-5 another one");
    DWORD self = call_com_thread_id();
    Thread other([&] { is_hr(CoCancelCall(self, 3), S_OK, "MK-5 SY-8 another thread cancels the innermost"); });
    other.join();
    is_number(inner->asked, 3, "MK-5 SY-8 which is told");
    is_number(outer_one->asked, 0, "MK-5 SY-8 alone");
    inner->refusal = E_NOTIMPL;
    is_hr(CoCancelCall(0, 1), E_NOTIMPL, "CN-12 SY-9 its refusal is the answer");
    Scene scene;
    Job job;
    HRESULT popped = S_OK, canceled = S_OK;
    job.run = [&](LONG *) {
        canceled = CoCancelCall(self, 9);
        return S_OK;
    };
    LONG answer = 0;
    NEED(scene.proxy->Run(&job, &answer));
    is_hr(canceled, CO_E_CANCEL_DISABLED, "MK-5 SY-8 a synchronous call made after it is further inside");
    is_number(inner->asked, 1, "MK-5 and the pushed one is not told");
    /* A server in this thread's own apartment runs here, while the thread's call is in progress. */
    NEED(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED));
    auto here = new Server(false);
    call_object_t object{};
    NEED(call_com_export(here->own(), job_faces, 1, COINIT_APARTMENTTHREADED, &object));
    here->own()->Release();
    Held<IJob> proxy;
    Worker elsewhere(COINIT_MULTITHREADED);
    elsewhere.run([&] { NEED(call_com_import(object, job_faces, 1, IID_IJob, proxy.put_void())); });
    Job nested;
    nested.run = [&](LONG *) {
        popped = CoSetCancelObject(nullptr);
        return S_OK;
    };
    job.run = [&](LONG *) { return proxy->Run(&nested, &answer); };
    NEED(scene.proxy->Run(&job, &answer));
    is_hr(popped, E_ACCESSDENIED, "MK-5 what a call in progress put there is not popped");
    is_hr(CoSetCancelObject(nullptr), S_OK, "MK-5 NULL pops the top one");
    is_number(count_of(inner), 1, "MK-5 and gives its reference back");
    is_hr(CoCancelCall(0, 8), S_OK, "MK-5 the other one is the innermost now");
    is_number(outer_one->asked, 8, "MK-5 and told");
    is_hr(CoSetCancelObject(nullptr), S_OK, "MK-5 popped, too");
    is_hr(CoSetCancelObject(nullptr), E_UNEXPECTED, "MK-5 nothing is left to pop");
    is_hr(CoCancelCall(0, 0), E_NOINTERFACE, "SY-10 and nothing to cancel");
    proxy.reset();
    call_object_release(object);
    CoUninitialize();
    outer_one->own()->Release();
    inner->own()->Release();
}

void apartments()
{
    call_apartment_t apartment{};
    is_hr(call_com_get_apartment(&apartment), CO_E_NOTINITIALIZED, "no apartment before CoInitializeEx");
    is_hr(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED), S_OK, "a single-threaded one");
    is_hr(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED), S_FALSE, "once more");
    is_hr(CoInitializeEx(nullptr, COINIT_MULTITHREADED), RPC_E_CHANGED_MODE, "the other kind");
    is_hr(call_com_get_apartment(&apartment), S_OK, "it is an apartment of call.h");
    is_hr(call_apartment_pump(apartment, 0, nullptr), S_OK, "that this thread pumps");
    CoUninitialize();
    is_hr(call_com_get_apartment(&apartment), S_OK, "counted");
    CoUninitialize();
    is_hr(call_apartment_pump(apartment, 0, nullptr), E_HANDLE, "it ends with the last CoUninitialize");
}

}

int main()
{
    counters();
    canceled();
    none();
    pushed();
    apartments();
    return checked();
}
