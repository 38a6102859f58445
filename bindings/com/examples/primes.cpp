/* What MIDL would generate for IPrimes, and a server. */
#include "primes.h"

#include <call_com.hpp>

using namespace call_com;

extern "C" const IID IID_IPrimes = {0x2F7A5E20, 0x0B6C, 0x4D33, {0x8E, 0x0A, 0x6D, 0x35, 0x51, 0x90, 0x4C, 0x01}};
extern "C" const IID IID_AsyncIPrimes = {0x2F7A5E21, 0x0B6C, 0x4D33, {0x8E, 0x0A, 0x6D, 0x35, 0x51, 0x90, 0x4C, 0x01}};

enum { COUNT };

class PrimesProxy final : public Proxy<IPrimes, IID_IPrimes> {
public:
    using Proxy::Proxy;
    HRESULT STDMETHODCALLTYPE Count(ULONG limit, ULONG *found) override { return invoke(COUNT, packed(limit), found); }
};

class PrimesCall final : public Call<AsyncIPrimes, IID_AsyncIPrimes> {
public:
    using Call::Call;
    HRESULT STDMETHODCALLTYPE Begin_Count(ULONG limit) override { return begin(COUNT, limit); }
    HRESULT STDMETHODCALLTYPE Finish_Count(ULONG *found) override { return finish(COUNT, found); }
};

static HRESULT invoke(IUnknown *server, uint32_t, Reader in, call_context_t out)
{
    ULONG limit = 0, found = 0;
    HRESULT hr = in.get(limit);
    if (hr >= 0)
        hr = static_cast<IPrimes *>(server)->Count(limit, &found);
    write(out, found);
    return hr;
}

static HRESULT begin(IUnknown *call, uint32_t, Reader in)
{
    ULONG limit = 0;
    HRESULT hr = in.get(limit);
    return hr < 0 ? hr : static_cast<AsyncIPrimes *>(call)->Begin_Count(limit);
}

static HRESULT finish(IUnknown *call, uint32_t, call_context_t out)
{
    ULONG found = 0;
    HRESULT hr = static_cast<AsyncIPrimes *>(call)->Finish_Count(&found);
    write(out, found);
    return hr;
}

static IUnknown *make_proxy(const Target &target, IUnknown *outer) { return (new PrimesProxy(target, outer))->own(); }
static IUnknown *make_call(const Target &target, IUnknown *outer) { return (new PrimesCall(target, outer))->own(); }

static const char *const methods[] = {"Count"};
static const call_com_interface_t primes = {
    &IID_IPrimes, &IID_AsyncIPrimes, methods, 1, invoke, begin, finish, make_proxy, make_call,
};
static const call_com_interface_t *const interfaces[] = {&primes};

/* The server: it knows its interface and CoTestCancel, nothing of calls. */
class Primes final : public Delegating<Part, IPrimes> {
public:
    Primes() : Delegating(nullptr) {}

    HRESULT STDMETHODCALLTYPE Count(ULONG limit, ULONG *found) override
    {
        ULONG n = 2, d;
        for (*found = 0; n < limit && CoTestCancel() == RPC_S_CALLPENDING; n++) {
            for (d = 2; d * d <= n && n % d != 0; d++) {}
            *found += d * d > n;
        }
        return n < limit ? RPC_E_CALL_CANCELED : S_OK;
    }

private:
    IUnknown *find(REFIID riid) override { return same(riid, IID_IPrimes) ? static_cast<IPrimes *>(this) : nullptr; }
};

extern "C" HRESULT primes_open(REFIID riid, void **ppv)
{
    call_object_t object{};
    Held<IUnknown> server;
    *server.put() = (new Primes)->own();
    HRESULT hr = call_com_export(server.get(), interfaces, 1, COINIT_MULTITHREADED, &object);
    if (hr == S_OK)
        hr = call_com_import(object, interfaces, 1, riid, ppv);
    call_object_release(object);
    return hr;
}
