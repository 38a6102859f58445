/* client_in_c LIMIT MS: the same client, in C. */
#include "primes.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
#error this is C
#endif

static HRESULT run(ULONG limit, DWORD milliseconds)
{
    ICallFactory *factory = NULL;
    AsyncIPrimes *call = NULL;
    ISynchronize *sync = NULL;
    ICancelMethodCalls *cancel = NULL;
    ULONG found = 0;
    HRESULT hr = primes_open(&IID_ICallFactory, (void **)&factory);
    if (FAILED(hr))
        return hr;
    hr = factory->lpVtbl->CreateCall(factory, &IID_AsyncIPrimes, NULL, &IID_AsyncIPrimes, (IUnknown **)&call);
    factory->lpVtbl->Release(factory);
    if (FAILED(hr))
        return hr;
    hr = call->lpVtbl->Begin_Count(call, limit);
    if (SUCCEEDED(hr))
        hr = call->lpVtbl->QueryInterface(call, &IID_ISynchronize, (void **)&sync);
    if (FAILED(hr)) {
        call->lpVtbl->Release(call);
        return hr;
    }
    if (sync->lpVtbl->Wait(sync, 0, milliseconds) == RPC_S_CALLPENDING) {
        hr = call->lpVtbl->QueryInterface(call, &IID_ICancelMethodCalls, (void **)&cancel);
        if (SUCCEEDED(hr)) {
            hr = cancel->lpVtbl->Cancel(cancel, 10);
            cancel->lpVtbl->Release(cancel);
        }
    }
    sync->lpVtbl->Release(sync);
    hr = call->lpVtbl->Finish_Count(call, &found);
    call->lpVtbl->Release(call);
    printf("%s: %u primes\n", call_hresult_name(hr), (unsigned)found);
    return hr;
}

int main(int argc, char **argv)
{
    ULONG limit = (ULONG)(argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000000);
    DWORD milliseconds = (DWORD)(argc > 2 ? strtoul(argv[2], NULL, 10) : 1000);
    HRESULT hr;
    if (FAILED(CoInitializeEx(NULL, COINIT_APARTMENTTHREADED)))
        return 2;
    hr = run(limit, milliseconds);
    CoUninitialize();
    return FAILED(hr);
}
