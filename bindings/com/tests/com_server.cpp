/* Servers with call objects of their own, and what a server sees of its call. */
#include "job.hpp"

using namespace call_com;

namespace {

/* A job of a server's own call object, which the test signals. */
struct Begun : Job {
    Begun()
    {
        begin = [this](IUnknown *outer) {
            whole = outer;
            outer->AddRef();
            entered.open();
            return S_OK;
        };
        finish = [this](LONG *answer) {
            finishes++;
            finished_on = std::this_thread::get_id();
            *answer = 11;
            return result;
        };
    }
    ~Begun()
    {
        if (whole != nullptr)
            whole->Release();
    }

    HRESULT signal() { return ask<ISynchronize>(whole, IID_ISynchronize)->Signal(); }

    IUnknown *whole = nullptr;
    std::atomic<unsigned> finishes{0};
    std::thread::id finished_on;
    HRESULT result = S_FALSE;
};

void aggregated()
{
    Scene scene(true);
    LONG sum = 0;
    is_hr(scene.proxy->Add(30, 4, &sum), S_OK, "MK-7 a synchronous client of a server with call objects");
    is_number(static_cast<uint64_t>(sum), 34, "MK-7 SG-2 gets the result, signaled inside Begin_");
    is_number(scene.server->synchronous, 0, "MK-7 the synchronous method never ran");
    is_number(scene.server->calls, 1, "MK-7 but a call object of the server's");
    is_number(scene.server->aggregated, 1, "MK-8 which was aggregated");

    auto call = scene.call();
    Begun job;
    is_hr(call->Begin_Run(&job), S_OK, "BG-1 an asynchronous client of it");
    job.entered.wait();
    is(bool(ask<AsyncIJob>(job.whole, IID_AsyncIJob)), "MK-8 the whole has the server's interface");
    is_hr(ask<ISynchronize>(job.whole, IID_ISynchronize)->Wait(0, 0), RPC_S_CALLPENDING, "MK-8 SV-2 and an event");
    is_hr(job.signal(), RPC_E_WRONG_THREAD, "SG-5 SV-8 a Signal from outside the apartment is refused");
    is_hr(ask<ISynchronize>(call.get(), IID_ISynchronize)->Wait(0, 1), RPC_S_CALLPENDING,
          "SG-5 and the call is pending");
    is_number(job.finishes, 0, "SV-7 nothing is finished before the Signal");
    std::thread::id signaled_on;
    {
        Worker member(COINIT_MULTITHREADED);
        signaled_on = member.id();
        member.run([&] { is_hr(job.signal(), S_OK, "SV-8 SG-1 from a thread that joined the apartment it is taken"); });
        is_number(job.finishes, 1, "SV-7 the stub finishes because of it");
        is(job.finished_on == signaled_on, "SV-7 there and then");
        member.run([&] { is_hr(job.signal(), S_OK, "SG-3 a second Signal has no effect"); });
    }
    LONG answer = 0;
    is_hr(finish(call.get(), &answer), S_FALSE, "SV-7 FI-1 the client gets what Finish_ returned");
    is_number(static_cast<uint64_t>(answer), 11, "FI-1 and its output");
    is_number(job.finishes, 1, "SG-3 finished once");
}

void canceled()
{
    Scene scene(true);
    Worker member(COINIT_MULTITHREADED);
    auto call = scene.call();
    Begun job;
    NEED(call->Begin_Run(&job));
    job.entered.wait();
    auto seen = ask<ICancelMethodCalls>(job.whole, IID_ICancelMethodCalls);
    is_hr(seen->TestCancel(), RPC_S_CALLPENDING, "SV-9 TC-4 the server asks its call object: not canceled");
    is_hr(seen->Cancel(0), E_NOTIMPL, "CN-12 and cannot cancel through it");
    NEED(ask<ICancelMethodCalls>(call.get(), IID_ICancelMethodCalls)->Cancel(0));
    is_hr(seen->TestCancel(), RPC_E_CALL_CANCELED, "SV-9 TC-4 canceled");
    is_hr(finish(call.get()), RPC_E_CALL_CANCELED, "FI-5 the client goes on");
    LONG sum = 0;
    NEED(call->Begin_Add(1, 1));
    member.run([&] { is_hr(job.signal(), S_OK, "SG-4 SV-6 a Signal that comes late succeeds"); });
    is_hr(call->Finish_Add(&sum), S_OK, "SG-4 and does not reach the next call");
    is_number(static_cast<uint64_t>(sum), 2, "SG-4 LT-3 which has its own output");
}

void failures()
{
    Scene scene(true);
    auto call = scene.call();
    Begun job;
    job.begin = [](IUnknown *) { return E_ACCESSDENIED; };
    is_hr(call->Begin_Run(&job), S_OK, "SV-4 BG-9 what the server's Begin_ returns does not reach the client's");
    is_hr(finish(call.get()), E_ACCESSDENIED, "FI-11 a server that could not begin, without a Signal");
    job.begin = [&](IUnknown *outer) {
        NEED(ask<ISynchronize>(outer, IID_ISynchronize)->Signal());
        return E_ACCESSDENIED;
    };
    job.result = E_ABORT;
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), E_ABORT, "SV-4 FI-11 with one, Finish_ reports");
    job.begin = [](IUnknown *) -> HRESULT { throw std::runtime_error("no"); };
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), RPC_E_SERVERFAULT, "FI-12 an exception in Begin_");
    job.begin = [&](IUnknown *outer) { return ask<ISynchronize>(outer, IID_ISynchronize)->Signal(); };
    job.finish = [](LONG *) -> HRESULT { throw 5; };
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), RPC_E_SERVERFAULT, "FI-12 an exception in Finish_");
}

void contexts()
{
    is_hr(CoTestCancel(), RPC_E_CALL_COMPLETE, "SV-11 no call on this thread");
    void *none = &none;
    is_hr(CoGetCallContext(IID_ICancelMethodCalls, &none), RPC_E_CALL_COMPLETE, "SV-11 nor a context");
    is(none == nullptr, "LT-12 leaves NULL");
    Scene scene;
    auto call = scene.call();
    Job job;
    HRESULT before = E_FAIL, got = E_FAIL, after = E_FAIL;
    Held<ICancelMethodCalls> kept;
    job.run = [&](LONG *) {
        before = CoTestCancel();
        job.entered.open();
        if (call_context_wait_cancel(call_context_t{}, 20000) != RPC_E_CALL_CANCELED)
            bail_out("no cancel came");
        got = CoGetCallContext(IID_ICancelMethodCalls, kept.put_void());
        after = CoTestCancel();
        return RPC_E_CALL_CANCELED;
    };
    NEED(call->Begin_Run(&job));
    job.entered.wait();
    (void)ask<ICancelMethodCalls>(call.get(), IID_ICancelMethodCalls)->Cancel(20);
    is_hr(finish(call.get()), RPC_E_CALL_CANCELED, "SV-9 a method that looks and stops");
    is_hr(before, RPC_S_CALLPENDING, "SV-9 it looked before");
    is_hr(got, S_OK, "SV-10 through the context of its call");
    is_hr(after, RPC_E_CALL_CANCELED, "SV-9 SV-10 and after the cancel");
    is_hr(kept->TestCancel(), RPC_E_CALL_COMPLETE, "SV-9 the context outlives the call, and says so");

    auto own = new Server(false);
    HRESULT inside = E_FAIL, installed = E_FAIL;
    IUnknown *old = nullptr, *back = nullptr;
    ULONG counted = 0;
    job.run = [&](LONG *) {
        installed = CoSwitchCallContext(own->own(), &old);
        counted = count_of(own->own());
        Held<IUnknown> found;
        inside = CoGetCallContext(IID_IJob, found.put_void());
        return CoSwitchCallContext(old, &back);
    };
    NEED(call->Begin_Run(&job));
    is_hr(finish(call.get()), S_OK, "MK-4 a context is put in place, and the old one back");
    is_hr(installed, S_OK, "MK-4 put in place");
    is_number(counted, 1, "MK-4 without a reference");
    is_hr(inside, S_OK, "MK-4 found by CoGetCallContext");
    is(old != nullptr && back == own->own(), "MK-4 each answers with the one before");
    own->own()->Release();
}

void single_threaded()
{
    Gate gone;
    auto server = new Server(false);
    server->gone = &gone;
    call_object_t object{};
    is_hr(call_com_export(server->own(), job_faces, 1, COINIT_APARTMENTTHREADED, &object), CO_E_NOTINITIALIZED,
          "an apartment that this thread has not");
    Worker home(COINIT_APARTMENTTHREADED);
    home.run([&] { NEED(call_com_export(server->own(), job_faces, 1, COINIT_APARTMENTTHREADED, &object)); });
    server->own()->Release();
    Held<IJob> proxy;
    NEED(call_com_import(object, job_faces, 1, IID_IJob, proxy.put_void()));
    LONG sum = 0;
    is_hr(proxy->Add(1, 2, &sum), S_OK, "a server in a single-threaded apartment");
    is(server->ran_on == home.id(), "runs on the thread of that apartment, which serves it while it waits");
    /* It calls out, and is called meanwhile. */
    Scene other;
    Job back;
    LONG inner = 0;
    back.run = [&](LONG *) { return proxy->Add(5, 5, &inner); };
    HRESULT out = E_FAIL;
    home.run([&] {
        LONG answer = 0;
        out = other.proxy->Run(&back, &answer);
    });
    is_hr(out, S_OK, "WT-8 a thread that waits serves its apartment");
    is_number(static_cast<uint64_t>(inner), 10, "WT-8 also for a call that came of its own");
    std::thread::id released_on;
    proxy.reset();
    struct Watch final : public Delegating<Part, ISynchronizeHandle> {
        Watch(std::thread::id *where_, Gate *gone_) : Delegating(nullptr), where(where_), gone(gone_) {}
        ~Watch() override
        {
            *where = std::this_thread::get_id();
            gone->open();
        }
        IUnknown *find(REFIID) override { return nullptr; }
        HRESULT STDMETHODCALLTYPE GetHandle(HANDLE *) override { return E_NOTIMPL; }
        std::thread::id *const where;
        Gate *const gone;
    };
    Gate last;
    call_object_release(object);
    gone.wait();
    home.run([&] {
        auto watch = new Watch(&released_on, &last);
        NEED(call_com_export(watch->own(), nullptr, 0, COINIT_APARTMENTTHREADED, &object));
        watch->own()->Release();
    });
    call_object_release(object);
    last.wait();
    is(released_on == home.id(), "its last reference is given back in its apartment");
}

void apartment_goes()
{
    Gate gone;
    auto server = new Server(false);
    server->gone = &gone;
    call_object_t object{};
    Held<IJob> proxy;
    Held<AsyncIJob> call;
    {
        Gate busy, hold;
        Worker home(COINIT_APARTMENTTHREADED);
        home.run([&] { NEED(call_com_export(server->own(), job_faces, 1, COINIT_APARTMENTTHREADED, &object)); });
        server->own()->Release();
        NEED(call_com_import(object, job_faces, 1, IID_IJob, proxy.put_void()));
        auto factory = ask<ICallFactory>(proxy.get(), IID_ICallFactory);
        NEED(factory->CreateCall(IID_AsyncIJob, nullptr, IID_AsyncIJob, reinterpret_cast<IUnknown **>(call.put())));
        /* Until it ends, it does not serve. */
        home.start([&] { busy.open(); hold.wait(); CoUninitialize(); });
        busy.wait();
        NEED(call->Begin_Add(1, 2));
        hold.open();
    }
    LONG sum = 0;
    is_hr(call->Finish_Add(&sum), RPC_E_DISCONNECTED, "LT-11 a call whose apartment goes away without serving it");
    is_hr(call->Begin_Add(1, 2), RPC_E_DISCONNECTED, "LT-11 BG-7 and no other is begun");
    call.reset();
    proxy.reset();
    call_object_release(object);
    gone.wait();
    is(gone.is_open(), "LT-11 and the server is released all the same");
}

/* Its last reference is given back to an apartment that ends before it serves that. */
void goes_with_apartment()
{
    Gate gone;
    auto server = new Server(false);
    server->gone = &gone;
    call_object_t object{};
    {
        Gate busy, hold;
        Worker home(COINIT_APARTMENTTHREADED);
        home.run([&] { NEED(call_com_export(server->own(), job_faces, 1, COINIT_APARTMENTTHREADED, &object)); });
        server->own()->Release();
        home.start([&] { busy.open(); hold.wait(); CoUninitialize(); });
        busy.wait();
        call_object_release(object);
        is(!gone.is_open(), "a server is not released outside its apartment");
        hold.open();
    }
    gone.wait();
    is(gone.is_open(), "LT-11 and not lost when that ends before it comes to it");
}

}

int main()
{
    aggregated();
    canceled();
    failures();
    contexts();
    single_threaded();
    apartment_goes();
    goes_with_apartment();
    return checked();
}
