/* Clients that make a call object a part of their own. */
#include "job.hpp"

using namespace call_com;

namespace {

/* Answers ISynchronize itself, and has the call object for the rest. */
class Client final : public Delegating<Part, ISynchronize> {
public:
    Client(IUnknown *proxy, REFIID async_iid) : Delegating(nullptr)
    {
        auto factory = ask<ICallFactory>(proxy, IID_ICallFactory);
        NEED(factory->CreateCall(async_iid, outer(), IID_IUnknown, inner_.put()));
        NEED(inner_->QueryInterface(IID_ISynchronize, reinterpret_cast<void **>(&event)));
        event->Release();
    }
    ~Client() override { gone.open(); }

    HRESULT STDMETHODCALLTYPE Wait(DWORD flags, DWORD ms) override { return event->Wait(flags, ms); }
    HRESULT STDMETHODCALLTYPE Signal() override
    {
        signals++;
        return on_signal ? on_signal() : event->Signal();
    }
    HRESULT STDMETHODCALLTYPE Reset() override
    {
        resets++;
        return on_reset ? on_reset() : event->Reset();
    }

    std::function<HRESULT()> on_signal, on_reset;
    std::atomic<unsigned> signals{0}, resets{0};
    ISynchronize *event = nullptr; /* the part's own: no reference */
    static Gate gone;

private:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ISynchronize) ? static_cast<ISynchronize *>(this) : nullptr;
    }
    HRESULT find_elsewhere(REFIID riid, void **ppv) override { return inner_->QueryInterface(riid, ppv); }

    Held<IUnknown> inner_;
};

Gate Client::gone;

void counts()
{
    Scene scene;
    auto client = new Client(scene.proxy.get(), IID_AsyncIJob);
    is_number(count_of(client), 1, "LT-5 an aggregating object survives its own construction, with one reference");
    auto call = ask<AsyncIJob>(client, IID_AsyncIJob);
    is_number(count_of(client), 2, "LT-4 a reference to a part is one to the whole");
    auto whole = ask<IUnknown>(call.get(), IID_IUnknown);
    is(whole.get() == client->own(), "LT-4 and its IUnknown is that of the whole");
    auto sync = ask<ISynchronize>(call.get(), IID_ISynchronize);
    is(sync.get() == client, "LT-5 the whole answers ISynchronize itself");
    is(bool(ask<ISynchronizeHandle>(call.get(), IID_ISynchronizeHandle)),
       "EV-1 the event that the call object aggregates has its handle");
    is(ask<IUnknown>(ask<ISynchronizeHandle>(call.get(), IID_ISynchronizeHandle).get(), IID_IUnknown).get()
           == whole.get(), "EV-1 and is a part of the whole, too");
    whole.reset();
    sync.reset();
    call.reset();
    is_number(count_of(client), 1, "LT-4 all are given back");
    client->own()->Release();
    is(Client::gone.is_open(), "LT-4 and nothing holds the whole: there is no cycle");
}

void events()
{
    Scene scene;
    auto call = scene.call();
    auto sync = ask<ISynchronize>(call.get(), IID_ISynchronize);
    auto handle = ask<ISynchronizeHandle>(sync.get(), IID_ISynchronizeHandle);
    is(bool(handle), "EV-1 a call object that stands alone has its event");
    HANDLE descriptor = nullptr;
    NEED(handle->GetHandle(&descriptor));
    Job job;
    make_plain(job, S_OK);
    NEED(call->Begin_Run(&job));
    DWORD index = 0;
    is_hr(CoWaitForMultipleHandles(0, 1, 1, &descriptor, &index), RPC_S_CALLPENDING, "EV-4 its handle while pending");
    job.release.open();
    is_hr(CoWaitForMultipleHandles(0, 20000, 1, &descriptor, &index), S_OK, "EV-4 tells of the completion");
    NEED(finish(call.get()));
    LONG sum = 0;
    NEED(call->Begin_Add(1, 2));
    NEED(call->Finish_Add(&sum));
}

void told()
{
    Scene scene;
    auto client = new Client(scene.proxy.get(), IID_AsyncIJob);
    auto call = ask<AsyncIJob>(client, IID_AsyncIJob);
    unsigned resets = 0, signals = 99;
    Job job;
    make_plain(job, S_OK);
    job.release.open();
    job.run = [&, run = job.run](LONG *answer) {
        resets = client->resets;
        signals = client->signals;
        return run(answer);
    };
    NEED(call->Begin_Run(&job));
    NEED(finish(call.get()));
    is_number(resets, 1, "BG-2 the client's event is reset before the method is dispatched");
    is_number(signals, 0, "SG-7 and signaled after it");
    is_number(client->signals, 1, "SG-7 once");
    is_hr(client->event->Wait(0, 0), RPC_E_CALL_COMPLETE, "WT-7 finished");

    LONG answer = 0;
    HRESULT inside = E_FAIL, again = E_FAIL, passed_on = E_FAIL;
    Gate begun, done;
    client->on_signal = [&] {
        passed_on = client->event->Signal();
        if (client->signals == 2) {
            inside = finish(call.get(), &answer);
            again = call->Begin_Add(20, 3);
            begun.open();
        } else {
            done.open();
        }
        return S_OK;
    };
    NEED(call->Begin_Run(&job));
    begun.wait();
    done.wait();
    is_hr(passed_on, S_OK, "SG-7 the signal is passed on");
    is_hr(inside, S_OK, "SG-7 and the call may be finished from inside Signal");
    is_number(static_cast<uint64_t>(answer), 7, "SG-7 with its output");
    is_hr(again, S_OK, "SG-7 and begun again");
    is_hr(call->Finish_Add(&answer), S_OK, "SG-7 which is finished elsewhere");
    is_number(static_cast<uint64_t>(answer), 23, "SG-7 with its own output");
    call.reset();
    client->own()->Release();
}

void failures()
{
    Scene scene;
    auto client = new Client(scene.proxy.get(), IID_AsyncIJob);
    auto call = ask<AsyncIJob>(client, IID_AsyncIJob);
    LONG sum = 0;
    client->on_reset = [] { return E_ABORT; };
    is_hr(call->Begin_Add(1, 2), E_ABORT, "SG-6 a failing Reset fails the begin");
    is_hr(call->Finish_Add(&sum), RPC_E_CALL_COMPLETE, "SG-6 BG-7 and nothing is in progress");
    is_number(scene.server->synchronous, 0, "SG-6 nor was the method called");
    client->on_reset = nullptr;
    client->on_signal = [&] { return client->event->Signal(), E_ACCESSDENIED; };
    NEED(call->Begin_Add(1, 2));
    is_hr(call->Finish_Add(&sum), E_ACCESSDENIED, "SG-6 a failing Signal fails the call");
    is_number(scene.server->synchronous, 1, "SG-6 whose method ran");
    client->on_signal = [] { return E_FAIL; };
    NEED(call->Begin_Add(1, 2));
    is_hr(call->Finish_Add(&sum), E_FAIL, "SG-6 also one that did not pass it on");
    /* The event is set, and Signal has not returned: time enough for a finish that would not wait for it. */
    Gate there;
    client->on_signal = [&] {
        (void)client->event->Signal();
        there.wait();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return E_ACCESSDENIED;
    };
    NEED(call->Begin_Add(1, 2));
    NEED(client->event->Wait(0, 20000));
    there.open();
    is_hr(call->Finish_Add(&sum), E_ACCESSDENIED, "SG-6 finish waits until Signal has answered");
    client->on_signal = nullptr;
    NEED(call->Begin_Add(1, 2));
    is_hr(call->Finish_Add(&sum), S_OK, "SG-6 the next call is as ever");
    call.reset();
    client->own()->Release();
}

/* The proxy's last reference is given back by a call that nobody waits for. */
void asynchronous_release()
{
    Scene scene;
    Held<IUnknown> proxy;
    NEED(call_com_import(scene.object, job_faces, 1, IID_IUnknown, proxy.put_void()));
    IUnknown *last = proxy.get();
    auto client = new Client(last, IID_AsyncIUnknown);
    auto call = ask<AsyncIUnknown>(client, IID_AsyncIUnknown);
    is_number(count_of(last), 2, "LT-6 the call object holds the object that is to be released");
    is_hr(call->Begin_QueryInterface(IID_IJob), S_OK, "LT-6 an asynchronous QueryInterface");
    Held<IJob> face;
    is_hr(call->Finish_QueryInterface(face.put_void()), S_OK, "LT-6 of an interface that there is");
    LONG sum = 0;
    is_hr(face->Add(2, 2, &sum), S_OK, "LT-6 gives it");
    face.reset();
    NEED(call->Begin_QueryInterface(IID_IPlain));
    is_hr(call->Finish_QueryInterface(face.put_void()), E_NOINTERFACE, "LT-6 of one that there is not");
    NEED(call->Begin_AddRef());
    is_number(call->Finish_AddRef(), 3, "LT-6 AddRef");
    is_number(call->Finish_Release(), 0, "LT-6 FI-4 no Release to finish");
    is_number(last->Release(), 2, "LT-6 nothing was released by that");

    ULONG left = 99;
    Gate dropped;
    AsyncIUnknown *bare = call.get();
    client->on_signal = [&, client, bare] {
        HRESULT hr = client->event->Signal();
        left = bare->Finish_Release();
        client->own()->Release(); /* drops itself, and with it the call object's reference */
        dropped.open();
        return hr;
    };
    *proxy.put() = nullptr; /* that reference is the one which Begin_Release takes */
    is_hr(bare->Begin_Release(), S_OK, "LT-6 an asynchronous Release of the last reference");
    call.reset();
    dropped.wait();
    is_number(left, 1, "LT-6 leaves the one that the call object holds");
    scene.proxy.reset();
    call_object_release(std::exchange(scene.object, call_object_t{}));
    scene.gone.wait();
    is(scene.gone.is_open(), "LT-6 which goes with the aggregating client");
}

}

int main()
{
    counts();
    events();
    told();
    failures();
    asynchronous_release();
    return checked();
}
