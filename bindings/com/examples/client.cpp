/* client LIMIT MS: counts the primes below LIMIT, for MS milliseconds at most. */
#include "primes.h"

#include <cstdio>
#include <cstdlib>

static HRESULT run(ULONG limit, DWORD milliseconds)
{
    ICallFactory *factory = nullptr;
    HRESULT hr = primes_open(IID_ICallFactory, reinterpret_cast<void **>(&factory));
    if (FAILED(hr))
        return hr;
    AsyncIPrimes *call = nullptr;
    hr = factory->CreateCall(IID_AsyncIPrimes, nullptr, IID_AsyncIPrimes, reinterpret_cast<IUnknown **>(&call));
    factory->Release();
    if (FAILED(hr))
        return hr;
    hr = call->Begin_Count(limit);
    ISynchronize *sync = nullptr;
    if (SUCCEEDED(hr))
        hr = call->QueryInterface(IID_ISynchronize, reinterpret_cast<void **>(&sync));
    if (FAILED(hr)) {
        call->Release();
        return hr;
    }
    if (sync->Wait(0, milliseconds) == RPC_S_CALLPENDING) {
        ICancelMethodCalls *cancel = nullptr;
        hr = call->QueryInterface(IID_ICancelMethodCalls, reinterpret_cast<void **>(&cancel));
        if (SUCCEEDED(hr)) {
            hr = cancel->Cancel(10); /* RPC_E_CALL_COMPLETE: the server answered within 10 seconds */
            cancel->Release();
        }
    }
    sync->Release();
    ULONG found = 0;
    hr = call->Finish_Count(&found);
    call->Release();
    std::printf("%s: %u primes\n", call_hresult_name(hr), static_cast<unsigned>(found));
    return hr;
}

int main(int argc, char **argv)
{
    ULONG limit = static_cast<ULONG>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000000000);
    DWORD milliseconds = static_cast<DWORD>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000);
    if (FAILED(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED)))
        return 2;
    HRESULT hr = run(limit, milliseconds);
    CoUninitialize();
    return FAILED(hr);
}
