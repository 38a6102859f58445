/* A client of a proxy: the call object's rules, through vtables. */
#include "job.hpp"

using namespace call_com;

namespace {

void factories()
{
    Scene scene;
    auto factory = ask<ICallFactory>(scene.proxy.get(), IID_ICallFactory);
    is(bool(factory), "CR-7 a proxy is a call factory, though its server is none");
    IUnknown *call = reinterpret_cast<IUnknown *>(&scene);
    is_hr(factory->CreateCall(IID_IPlain, nullptr, IID_IUnknown, &call), E_NOINTERFACE,
          "CR-3 an interface that is not one of the asynchronous ones");
    is(call == nullptr, "CR-6 leaves NULL");
    is_hr(factory->CreateCall(IID_IJob, nullptr, IID_IUnknown, &call), E_NOINTERFACE,
          "CR-3 nor is the synchronous one");
    is_hr(factory->CreateCall(IID_AsyncIJob, nullptr, IID_IUnknown, nullptr), E_POINTER, "CR-4 into NULL");
    call = reinterpret_cast<IUnknown *>(&scene);
    is_hr(factory->CreateCall(IID_AsyncIJob, scene.proxy.get(), IID_AsyncIJob, &call), E_INVALIDARG,
          "CR-5 a controlling unknown, and not IUnknown");
    is(call == nullptr, "CR-5 CR-6 leaves NULL");
    call = reinterpret_cast<IUnknown *>(&scene);
    is_hr(factory->CreateCall(IID_AsyncIJob, nullptr, IID_IPlain, &call), E_NOINTERFACE,
          "CR-3 nor the one that is asked of the call object");
    is(call == nullptr, "CR-6 leaves NULL");
    is_hr(factory->CreateCall(IID_AsyncIJob, nullptr, IID_AsyncIJob, &call), S_OK, "CR-2 a call object");
    is_number(count_of(call), 1, "CR-2 with one reference");
    is_hr(ask<ISynchronize>(call, IID_ISynchronize)->Wait(0, 0), RPC_E_CALL_COMPLETE, "CR-2 WT-6 that is idle");
    call->Release();
}

void no_factories()
{
    Scene scene;
    Held<IUnknown> plain;
    NEED(call_com_import(scene.object, plain_faces, 1, IID_IUnknown, plain.put_void()));
    is(!ask<ICallFactory>(plain.get(), IID_ICallFactory),
       "CR-1 a proxy without an asynchronous interface is no call factory");
    Worker inside(COINIT_MULTITHREADED);
    inside.run([&] {
        Held<IUnknown> server;
        Held<ICallFactory> factory;
        NEED(call_com_import(scene.object, job_faces, 1, IID_IUnknown, server.put_void()));
        is(server.get() == scene.server->own(), "CR-8 in its own apartment an object is not called through a proxy");
        is_hr(server->QueryInterface(IID_ICallFactory, factory.put_void()), E_NOINTERFACE,
              "CR-1 CR-8 and without a call object of its own it is no call factory");
    });
}

void results()
{
    Scene scene;
    auto factory = ask<ICallFactory>(scene.proxy.get(), IID_ICallFactory);
    auto call = scene.call();
    factory.reset();
    scene.proxy.reset();
    LONG sum = 99;
    is_hr(call->Finish_Add(&sum), RPC_E_CALL_COMPLETE, "FI-4 nothing to finish");
    is_number(static_cast<uint64_t>(sum), 0, "FI-4 FI-17 and no output");
    is_hr(call->Begin_Add(40, 2), S_OK, "BG-1 CR-9 a begin, after factory and proxy were released");
    is_hr(call->Finish_Add(nullptr), E_POINTER, "a NULL output is refused");
    is_hr(call->Finish_Run(&sum), E_UNEXPECTED, "FI-9 finish of another method is refused");
    is_hr(call->Finish_Add(&sum), S_OK, "FI-1 FI-2 FI-9 and the call goes on: its own finish gives the result");
    is_number(static_cast<uint64_t>(sum), 42, "FI-1 with its output");
    is_hr(call->Finish_Add(&sum), RPC_E_CALL_COMPLETE, "FI-7 a second finish");
    Job job;
    make_plain(job, E_POINTER);
    job.release.open();
    is_hr(call->Begin_Run(&job), S_OK, "BG-6 and begun again");
    LONG answer = 0;
    is_hr(finish(call.get(), &answer), E_POINTER, "FI-10 the method's failure");
    is_number(static_cast<uint64_t>(answer), 7, "FI-10 with what it found");
    job.run = [](LONG *) -> HRESULT { return RPC_E_CALL_COMPLETE; };
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), RPC_E_CALL_COMPLETE, "FI-1 also a code that finish has a meaning for");
    is_hr(call->Begin_Add(1, 1), S_OK, "FI-16 after which the call object is idle");
    NEED(call->Finish_Add(&sum));
    job.run = [](LONG *) -> HRESULT { throw std::runtime_error("out of paper"); };
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), RPC_E_SERVERFAULT, "FI-12 an exception in the method");
    job.run = [](LONG *) -> HRESULT { return CALL_S_DEFERRED; };
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), E_UNEXPECTED, "a success code that means something else is none");
}

void busy()
{
    Scene scene;
    auto call = scene.call();
    auto sync = ask<ISynchronize>(call.get(), IID_ISynchronize);
    Job job;
    make_plain(job, S_FALSE);
    NEED(call->Begin_Run(&job));
    job.entered.wait();
    is_hr(call->Begin_Add(1, 2), RPC_S_CALLPENDING, "BG-3 a second begin while one is pending");
    is_hr(sync->Wait(0, 0), RPC_S_CALLPENDING, "WT-1 WT-2 a poll of a pending call");
    is_hr(sync->Wait(COWAIT_WAITALL, 1), RPC_S_CALLPENDING, "WT-1 WT-11 waiting for all is allowed on one");
    is_hr(sync->Wait(0x40000000, 0), E_INVALIDARG, "WT-10 unknown flags");
    Gate waiting;
    HRESULT waited = E_FAIL;
    Thread waiter([&] { waiting.open(); waited = sync->Wait(0, CALL_INFINITE); });
    waiting.wait();
    job.release.open();
    completed(call.get());
    waiter.join();
    is_hr(waited, S_OK, "WT-5 WT-8 the completion wakes a waiter");
    is_hr(sync->Wait(0, 0), S_OK, "WT-3 completed");
    is_hr(sync->Wait(0, 0), S_OK, "WT-3 any number of times");
    is_hr(call->Begin_Add(1, 2), RPC_S_CALLPENDING, "BG-4 completion does not free the call object");
    is_hr(sync->Wait(0, 0), S_OK, "BG-3 nor did that begin reset the event");
    NEED(sync->Reset());
    is_hr(sync->Wait(0, 0), RPC_S_CALLPENDING, "RS-1 Reset clears the event");
    is_hr(sync->Reset(), S_OK, "RS-1 and can be repeated");
    is_hr(finish(call.get()), S_FALSE, "RS-2 FI-1 and the completion is still there to be finished");
    is_hr(sync->Wait(0, 0), RPC_E_CALL_COMPLETE, "WT-7 a wait after finish");
}

void cancels()
{
    Scene scene;
    auto call = scene.call();
    auto sync = ask<ISynchronize>(call.get(), IID_ISynchronize);
    auto cancel = ask<ICancelMethodCalls>(call.get(), IID_ICancelMethodCalls);
    is(bool(cancel), "MK-1 a call object of a proxy has its cancel interface");
    is_hr(cancel->Cancel(0), RPC_E_CALL_COMPLETE, "CN-7 cancel with no call");
    is_hr(cancel->TestCancel(), RPC_E_CALL_COMPLETE, "TC-3 test with no call");
    Job held;
    make_plain(held, S_OK);
    NEED(call->Begin_Run(&held));
    held.entered.wait();
    is_hr(cancel->TestCancel(), RPC_S_CALLPENDING, "TC-1 not canceled");
    is_hr(cancel->Cancel(0), S_OK, "CN-1 cancel without grace");
    is_hr(cancel->TestCancel(), RPC_E_CALL_CANCELED, "TC-2 canceled");
    is_hr(cancel->Cancel(0), RPC_E_CALL_CANCELED, "CN-5 a second cancel");
    completed(call.get());
    is_hr(sync->Wait(0, 0), S_OK, "WT-4 a canceled call is complete");
    is_hr(call->Begin_Add(1, 2), RPC_S_CALLPENDING, "BG-5 and busy until it is finished");
    LONG answer = 5;
    is_hr(finish(call.get(), &answer), RPC_E_CALL_CANCELED, "FI-5 finished");
    is_number(static_cast<uint64_t>(answer), 0, "FI-5 without output");
    Job obeys;
    make_plain(obeys, RPC_E_CALL_CANCELED, true);
    NEED(call->Begin_Run(&obeys));
    is_hr(cancel->TestCancel(), RPC_S_CALLPENDING, "TC-7 the next call starts uncanceled");
    obeys.entered.wait();
    is_hr(cancel->Cancel(20), RPC_E_CALL_COMPLETE, "CN-2 the same pointer cancels the call of now: answered in time");
    held.release.open();
    is_hr(finish(call.get(), &answer), RPC_E_CALL_CANCELED, "CN-2 with the method's own code");
    is_number(static_cast<uint64_t>(answer), 7, "CN-2 LT-3 and its own output, not a late one's");
    is_hr(call->Begin_Add(2, 2), S_OK, "BG-6 and begun again");
    completed(call.get());
    is_hr(cancel->Cancel(0), RPC_E_CALL_COMPLETE, "CN-6 cancel of a completed call");
    is_hr(call->Finish_Add(&answer), S_OK, "CN-6 leaves its result");
}

void cancel_wakes_finish()
{
    Scene scene;
    auto call = scene.call();
    Job job;
    make_plain(job, S_OK);
    NEED(call->Begin_Run(&job));
    job.entered.wait();
    HRESULT finished = E_FAIL;
    Gate there;
    Thread finisher([&] { there.open(); finished = finish(call.get()); });
    there.wait();
    /* Whoever comes first: the finish that is blocked, or one that begins after the cancel. */
    is_hr(ask<ICancelMethodCalls>(call.get(), IID_ICancelMethodCalls)->Cancel(0), S_OK,
          "CN-8 CN-15 cancel while another thread finishes, and release of that interface");
    finisher.join();
    is_hr(finished, RPC_E_CALL_CANCELED, "CN-8 that finish gives its code");
    job.release.open();
}

void releases()
{
    Job job;
    Gate left;
    {
        Scene scene;
        make_plain(job, S_OK);
        job.run = [&, run = job.run](LONG *answer) {
            HRESULT hr = run(answer);
            left.open();
            return hr;
        };
        auto call = scene.call();
        NEED(call->Begin_Run(&job));
        job.entered.wait();
        is_number(call->Release(), 1, "RL-2 released while pending: the call itself holds on");
        *call.put() = nullptr;
        scene.proxy.reset();
        call_object_release(std::exchange(scene.object, call_object_t{}));
        is(!scene.gone.is_open(), "LT-1 LT-2 and holds its server");
        is(!left.is_open(), "RL-2 whose method runs on");
        job.release.open();
        scene.gone.wait();
        is(left.is_open(), "RL-2 to its end, after which nothing holds the server");
    }
    Job other;
    Scene scene;
    make_plain(other, S_OK);
    auto call = scene.call();
    NEED(call->Begin_Run(&other));
    other.entered.wait();
    NEED(ask<ICancelMethodCalls>(call.get(), IID_ICancelMethodCalls)->Cancel(0));
    is_number(call->Release(), 0, "RL-4 released after a cancel, unfinished: nothing holds the call object");
    *call.put() = nullptr;
    other.release.open();
}

void disconnected()
{
    Scene scene;
    auto call = scene.call();
    Job job;
    make_plain(job, S_OK);
    NEED(call->Begin_Run(&job));
    job.entered.wait();
    NEED(call_object_disconnect(scene.object));
    is_hr(finish(call.get()), RPC_E_DISCONNECTED, "FI-15 disconnected while pending");
    is_hr(call->Begin_Add(1, 2), RPC_E_DISCONNECTED, "BG-7 a begin that cannot be sent");
    LONG sum = 0;
    is_hr(call->Finish_Add(&sum), RPC_E_CALL_COMPLETE, "BG-8 leaves nothing to finish");
    job.release.open();
}

/* Ends with a call of its own pending. */
void threads_end()
{
    Scene scene;
    Held<AsyncIJob> call = scene.call();
    Job job;
    make_plain(job, S_FALSE);
    Thread client([&] { NEED(call->Begin_Run(&job)); });
    client.join();
    job.release.open();
    is_hr(finish(call.get()), S_FALSE, "LT-10 a call outlives the thread that began it");
}

HRESULT custom_begin(void *, call_context_t context, uint32_t, const void *, size_t)
{
    LONG sum = 5;
    write(context, sum);
    return call_context_complete(context, S_OK);
}

/* Any object will do whose methods are numbered so. */
void custom()
{
    static const char *const methods[] = {"QueryInterface", "AddRef", "Release", "Add", "Run"};
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = methods;
    cls.method_count = 5;
    cls.flags = CALL_CLASS_CUSTOM_MARSHALING;
    cls.begin = custom_begin;
    call_object_t object{};
    NEED(call_object_create(call_apartment_t{}, &cls, nullptr, &object));
    Held<ICallFactory> factory;
    NEED(call_com_import(object, job_faces, 1, IID_ICallFactory, factory.put_void()));
    call_object_release(object);
    Held<AsyncIJob> call;
    NEED(factory->CreateCall(IID_AsyncIJob, nullptr, IID_AsyncIJob, reinterpret_cast<IUnknown **>(call.put())));
    is(!ask<ICancelMethodCalls>(call.get(), IID_ICancelMethodCalls),
       "MK-2 a class that does its own marshaling without cancel has no cancel interface");
    LONG sum = 0;
    NEED(call->Begin_Add(2, 3));
    is_hr(call->Finish_Add(&sum), S_OK, "SG-2 completed inside its begin");
    is_number(static_cast<uint64_t>(sum), 5, "SG-2 with its output");
}

}

int main()
{
    factories();
    no_factories();
    results();
    busy();
    cancels();
    cancel_wakes_finish();
    releases();
    disconnected();
    threads_end();
    custom();
    return checked();
}
