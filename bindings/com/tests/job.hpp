/* The tests' interface: a method that adds, and one that does what a job of the test's says. */

#ifndef JOB_HPP
#define JOB_HPP

#include "support.hpp"

extern "C" const IID IID_IJob;
extern "C" const IID IID_AsyncIJob;
/* An interface without an asynchronous form. */
extern "C" const IID IID_IPlain;

struct IJob : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Add(LONG a, LONG b, LONG *sum) = 0;
    virtual HRESULT STDMETHODCALLTYPE Run(struct Job *job, LONG *answer) = 0;
};

struct AsyncIJob : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Begin_Add(LONG a, LONG b) = 0;
    virtual HRESULT STDMETHODCALLTYPE Finish_Add(LONG *sum) = 0;
    virtual HRESULT STDMETHODCALLTYPE Begin_Run(struct Job *job) = 0;
    virtual HRESULT STDMETHODCALLTYPE Finish_Run(LONG *answer) = 0;
};

/* What Run does at the server. It belongs to the test, and outlives the method. */
struct Job {
    /* Of the synchronous method. */
    std::function<HRESULT(LONG *)> run;
    /* Of the server's own call object, which `whole` is the controlling unknown of. */
    std::function<HRESULT(IUnknown *whole)> begin;
    std::function<HRESULT(LONG *)> finish;
    /* For the plainest: goes in, waits, answers. */
    Gate entered, release;
};

/* A job whose method goes in, waits until it is let go or, with `obey`, canceled, and answers 7. */
void make_plain(Job &job, HRESULT result, bool obey = false);

extern const call_com_interface_t job_interface;
extern const call_com_interface_t plain_interface;
extern const call_com_interface_t *const job_faces[1];
extern const call_com_interface_t *const plain_faces[1];

/* A server: the synchronous interface and, `with_calls`, call objects of its own. `gone` opens when it is destroyed. */
struct Server final : public call_com::Delegating<call_com::Delegating<call_com::Part, IJob>, ICallFactory> {
    explicit Server(bool with_calls_) : Delegating(nullptr), with_calls(with_calls_) {}
    ~Server() override { if (gone != nullptr) gone->open(); }

    HRESULT STDMETHODCALLTYPE Add(LONG a, LONG b, LONG *sum) override;
    HRESULT STDMETHODCALLTYPE Run(Job *job, LONG *answer) override;
    HRESULT STDMETHODCALLTYPE CreateCall(REFIID riid, IUnknown *outer, REFIID riid2, IUnknown **ppv) override;

    IUnknown *find(REFIID riid) override;

    const bool with_calls;
    Gate *gone = nullptr;
    std::atomic<unsigned> synchronous{0}, calls{0}, aggregated{0};
    std::thread::id ran_on, destroyed_on;
};

/* A server in the multi-threaded apartment, and what a client elsewhere holds of it. */
struct Scene {
    explicit Scene(bool with_calls = false);
    ~Scene();
    call_com::Held<AsyncIJob> call();

    Gate gone;
    Server *server; /* only while it lives */
    call_object_t object{};
    call_com::Held<IJob> proxy;
};

HRESULT finish(AsyncIJob *call, LONG *answer = nullptr);
/* Completed, or a hang. */
void completed(AsyncIJob *call);

#endif
