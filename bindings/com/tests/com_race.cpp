/* One call object in the hands of several threads: each begin that succeeds is signaled once and finished once. */
#include "job.hpp"

#include <array>
#include <random>

using namespace call_com;

namespace {

constexpr unsigned THREADS = 4, STEPS = 3000;

enum Outcome {
    BEGUN, BUSY, FINISHED, CANCELED_RESULT, NOTHING_TO_FINISH, CANCEL_MADE, CANCEL_LATE, CANCEL_AGAIN, WAITED, NOT_YET,
    IDLE_WAIT, OTHER, OUTCOMES
};

const char *const names[OUTCOMES] = {
    "begun", "busy", "finished", "finished as canceled", "nothing to finish", "cancel made", "cancel too late",
    "canceled before", "waited", "not yet", "nothing to wait for", "anything else",
};

std::array<std::atomic<unsigned>, OUTCOMES> seen;

void count(HRESULT hr, std::initializer_list<std::pair<HRESULT, Outcome>> known)
{
    for (auto [code, outcome] : known) {
        if (hr == code) {
            seen[outcome]++;
            return;
        }
    }
    seen[OTHER]++;
    diag("0x%08x is not among what may come", static_cast<unsigned>(hr));
}

/* Counts the completions that it is told of. */
class Client final : public Delegating<Part, ISynchronize> {
public:
    explicit Client(IUnknown *proxy) : Delegating(nullptr)
    {
        auto factory = ask<ICallFactory>(proxy, IID_ICallFactory);
        NEED(factory->CreateCall(IID_AsyncIJob, outer(), IID_IUnknown, inner_.put()));
        NEED(inner_->QueryInterface(IID_ISynchronize, reinterpret_cast<void **>(&event_)));
        event_->Release();
    }

    ~Client() override { gone.open(); }

    HRESULT STDMETHODCALLTYPE Wait(DWORD flags, DWORD ms) override { return event_->Wait(flags, ms); }
    HRESULT STDMETHODCALLTYPE Signal() override { return signals++, event_->Signal(); }
    HRESULT STDMETHODCALLTYPE Reset() override { return event_->Reset(); }

    std::atomic<unsigned> signals{0};
    static Gate gone;

private:
    IUnknown *find(REFIID riid) override
    {
        return same(riid, IID_ISynchronize) ? static_cast<ISynchronize *>(this) : nullptr;
    }
    HRESULT find_elsewhere(REFIID riid, void **ppv) override { return inner_->QueryInterface(riid, ppv); }

    Held<IUnknown> inner_;
    ISynchronize *event_ = nullptr;
};

Gate Client::gone;

void finish_one(AsyncIJob *call)
{
    LONG sum = -1;
    HRESULT hr = call->Finish_Add(&sum);
    count(hr, {{S_OK, FINISHED}, {RPC_E_CALL_CANCELED, CANCELED_RESULT}, {RPC_E_CALL_COMPLETE, NOTHING_TO_FINISH}});
    if (sum != (hr == S_OK ? 42 : 0))
        bail_out("finish gave 0x%08x with %d", static_cast<unsigned>(hr), static_cast<int>(sum));
}

void step(IUnknown *whole, AsyncIJob *call, unsigned what)
{
    if (what < 4)
        count(call->Begin_Add(40, 2), {{S_OK, BEGUN}, {RPC_S_CALLPENDING, BUSY}});
    else if (what < 8)
        finish_one(call);
    else if (what < 9)
        count(ask<ICancelMethodCalls>(call, IID_ICancelMethodCalls)->Cancel(0),
              {{S_OK, CANCEL_MADE}, {RPC_E_CALL_COMPLETE, CANCEL_LATE}, {RPC_E_CALL_CANCELED, CANCEL_AGAIN}});
    else
        count(ask<ISynchronize>(whole, IID_ISynchronize)->Wait(0, what - 9),
              {{S_OK, WAITED}, {RPC_S_CALLPENDING, NOT_YET}, {RPC_E_CALL_COMPLETE, IDLE_WAIT}});
}

}

int main()
{
    Scene scene;
    auto client = new Client(scene.proxy.get());
    auto call = ask<AsyncIJob>(client, IID_AsyncIJob);
    {
        std::vector<std::unique_ptr<Thread>> threads;
        for (unsigned seed = 0; seed < THREADS; seed++)
            threads.push_back(std::make_unique<Thread>([&, seed] {
                std::minstd_rand random(seed + 1);
                for (unsigned i = 0; i < STEPS; i++)
                    step(client, call.get(), static_cast<unsigned>(random() % 11));
            }, 300));
    }
    unsigned ended = seen[FINISHED] + seen[CANCELED_RESULT];
    if (ended < seen[BEGUN])
        finish_one(call.get());
    ended = seen[FINISHED] + seen[CANCELED_RESULT];
    is_number(ended, seen[BEGUN], "LT-13 BG-3 FI-8 each begin that succeeded was finished once");
    is_number(client->signals, seen[BEGUN], "SG-7 LT-13 and signaled once");
    is_number(seen[OTHER], 0, "LT-13 no other code came");
    LONG sum = 0;
    is_hr(call->Begin_Add(1, 1), S_OK, "BG-6 and the call object is idle");
    is_hr(call->Finish_Add(&sum), S_OK, "FI-1 and works");
    call.reset();
    client->own()->Release();
    Client::gone.wait();
    is(Client::gone.is_open(), "LT-4 nothing holds it any more");
    for (unsigned i = 0; i < OUTCOMES; i++)
        diag("%u %s", seen[i].load(), names[i]);
    return checked();
}
