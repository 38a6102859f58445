#include "job.hpp"

using namespace call_com;

extern "C" const IID IID_IJob = {0x6B1D6C10, 0x3A51, 0x4F0E, {0x9A, 0x51, 0x0B, 0x4E, 0x9C, 0x7D, 0x11, 0x01}};
extern "C" const IID IID_AsyncIJob = {0x6B1D6C11, 0x3A51, 0x4F0E, {0x9A, 0x51, 0x0B, 0x4E, 0x9C, 0x7D, 0x11, 0x01}};
extern "C" const IID IID_IPlain = {0x6B1D6C12, 0x3A51, 0x4F0E, {0x9A, 0x51, 0x0B, 0x4E, 0x9C, 0x7D, 0x11, 0x01}};

namespace {

enum { ADD, RUN };
const char *const names[] = {"Add", "Run"};

class JobProxy final : public Proxy<IJob, IID_IJob> {
public:
    using Proxy::Proxy;
    HRESULT STDMETHODCALLTYPE Add(LONG a, LONG b, LONG *sum) override { return invoke(ADD, packed(a, b), sum); }
    HRESULT STDMETHODCALLTYPE Run(Job *job, LONG *answer) override { return invoke(RUN, packed(job), answer); }
};

class JobCall final : public Call<AsyncIJob, IID_AsyncIJob> {
public:
    using Call::Call;
    HRESULT STDMETHODCALLTYPE Begin_Add(LONG a, LONG b) override { return begin(ADD, a, b); }
    HRESULT STDMETHODCALLTYPE Finish_Add(LONG *sum) override { return Call::finish(ADD, sum); }
    HRESULT STDMETHODCALLTYPE Begin_Run(Job *job) override { return begin(RUN, job); }
    HRESULT STDMETHODCALLTYPE Finish_Run(LONG *answer) override { return Call::finish(RUN, answer); }
};

HRESULT invoke_job(IUnknown *server, uint32_t method, Reader in, call_context_t out)
{
    auto job = static_cast<IJob *>(server);
    LONG a = 0, b = 0, result = 0;
    Job *what = nullptr;
    HRESULT hr = method == ADD ? in.get(a, b) : in.get(what);
    if (hr >= 0)
        hr = method == ADD ? job->Add(a, b, &result) : job->Run(what, &result);
    write(out, result);
    return hr;
}

HRESULT begin_job(IUnknown *call, uint32_t method, Reader in)
{
    auto job = static_cast<AsyncIJob *>(call);
    LONG a = 0, b = 0;
    Job *what = nullptr;
    HRESULT hr = method == ADD ? in.get(a, b) : in.get(what);
    return hr < 0 ? hr : method == ADD ? job->Begin_Add(a, b) : job->Begin_Run(what);
}

HRESULT finish_job(IUnknown *call, uint32_t method, call_context_t out)
{
    auto job = static_cast<AsyncIJob *>(call);
    LONG result = 0;
    HRESULT hr = method == ADD ? job->Finish_Add(&result) : job->Finish_Run(&result);
    write(out, result);
    return hr;
}

IUnknown *proxy_of_job(const Target &target, IUnknown *outer)
{
    return (new JobProxy(target, outer))->own();
}

IUnknown *call_of_job(const Target &target, IUnknown *outer)
{
    return (new JobCall(target, outer))->own();
}

/* The server's own call object, as its author would write it: it aggregates a ManualResetEvent where it stands alone,
 * and asks the whole for ISynchronize in any case. */
class OwnCall final : public Delegating<Part, AsyncIJob> {
public:
    explicit OwnCall(IUnknown *outer_unknown) : Delegating(outer_unknown)
    {
        NEED(CoCreateInstance(CLSID_ManualResetEvent, outer(), CLSCTX_INPROC_SERVER, IID_IUnknown, event_.put_void()));
    }

    HRESULT STDMETHODCALLTYPE Begin_Add(LONG a, LONG b) override
    {
        if (busy_.exchange(true))
            return RPC_S_CALLPENDING;
        sum_ = a + b;
        return ask<ISynchronize>(outer(), IID_ISynchronize)->Signal();
    }

    HRESULT STDMETHODCALLTYPE Finish_Add(LONG *sum) override
    {
        *sum = sum_;
        return busy_.exchange(false) ? S_OK : RPC_E_CALL_COMPLETE;
    }

    HRESULT STDMETHODCALLTYPE Begin_Run(Job *job) override
    {
        job_ = job;
        return job->begin(outer());
    }

    HRESULT STDMETHODCALLTYPE Finish_Run(LONG *answer) override { return job_->finish(answer); }

private:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_AsyncIJob) ? static_cast<AsyncIJob *>(this) : nullptr;
    }
    HRESULT find_elsewhere(REFIID riid, void **ppv) override { return event_->QueryInterface(riid, ppv); }

    Held<IUnknown> event_;
    LONG sum_ = 0;
    Job *job_ = nullptr;
    std::atomic<bool> busy_{false};
};

}

const call_com_interface_t job_interface = {
    &IID_IJob, &IID_AsyncIJob, names, 2, invoke_job, begin_job, finish_job, proxy_of_job, call_of_job,
};

const call_com_interface_t plain_interface = {
    &IID_IJob, nullptr, names, 2, invoke_job, nullptr, nullptr, proxy_of_job, nullptr,
};

const call_com_interface_t *const job_faces[1] = {&job_interface};
const call_com_interface_t *const plain_faces[1] = {&plain_interface};

void make_plain(Job &job, HRESULT result, bool obey)
{
    job.run = [&job, result, obey](LONG *answer) {
        job.entered.open();
        if (!obey)
            job.release.wait();
        else if (call_context_wait_cancel(call_context_t{}, 20000) != RPC_E_CALL_CANCELED)
            bail_out("no cancel came");
        *answer = 7;
        return result;
    };
}

HRESULT STDMETHODCALLTYPE Server::Add(LONG a, LONG b, LONG *sum)
{
    synchronous++;
    ran_on = std::this_thread::get_id();
    *sum = a + b;
    return S_OK;
}

HRESULT STDMETHODCALLTYPE Server::Run(Job *job, LONG *answer)
{
    synchronous++;
    ran_on = std::this_thread::get_id();
    return job->run(answer);
}

HRESULT STDMETHODCALLTYPE Server::CreateCall(REFIID riid, IUnknown *outer_unknown, REFIID riid2, IUnknown **ppv)
{
    *ppv = nullptr;
    if (!same(riid, IID_AsyncIJob))
        return E_NOINTERFACE;
    calls++;
    aggregated += outer_unknown != nullptr;
    auto call = new OwnCall(outer_unknown);
    HRESULT hr = call->own()->QueryInterface(riid2, reinterpret_cast<void **>(ppv));
    call->own()->Release();
    return hr;
}

IUnknown *Server::find(REFIID riid)
{
    if (same(riid, IID_IJob))
        return static_cast<IJob *>(this);
    return with_calls && same(riid, IID_ICallFactory) ? static_cast<ICallFactory *>(this) : nullptr;
}

Scene::Scene(bool with_calls) : server(new Server(with_calls))
{
    server->gone = &gone;
    NEED(call_com_export(server->own(), job_faces, 1, COINIT_MULTITHREADED, &object));
    server->own()->Release();
    NEED(call_com_import(object, job_faces, 1, IID_IJob, proxy.put_void()));
}

Scene::~Scene()
{
    proxy.reset();
    call_object_release(object);
    gone.wait();
}

Held<AsyncIJob> Scene::call()
{
    Held<AsyncIJob> call;
    auto factory = ask<ICallFactory>(proxy.get(), IID_ICallFactory);
    NEED(factory->CreateCall(IID_AsyncIJob, nullptr, IID_AsyncIJob, reinterpret_cast<IUnknown **>(call.put())));
    return call;
}

HRESULT finish(AsyncIJob *call, LONG *answer)
{
    LONG dropped = 0;
    return call->Finish_Run(answer == nullptr ? &dropped : answer);
}

void completed(AsyncIJob *call)
{
    NEED(ask<ISynchronize>(call, IID_ISynchronize)->Wait(0, 20000));
}
