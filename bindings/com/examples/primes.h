/* An interface and its asynchronous form, as MIDL would declare them: for C++ and for C. */

#ifndef PRIMES_H
#define PRIMES_H

#include <call_com.h>

#ifdef __cplusplus
extern "C" {
#endif
extern const IID IID_IPrimes;
extern const IID IID_AsyncIPrimes;
#ifdef __cplusplus
}
#endif

#if defined(__cplusplus) && !defined(CINTERFACE)
struct IPrimes : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Count(ULONG limit, ULONG *found) = 0;
};

struct AsyncIPrimes : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Begin_Count(ULONG limit) = 0;
    virtual HRESULT STDMETHODCALLTYPE Finish_Count(ULONG *found) = 0;
};
#else
typedef struct IPrimes IPrimes;
typedef struct AsyncIPrimes AsyncIPrimes;
typedef struct AsyncIPrimesVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(AsyncIPrimes *This, REFIID riid, void **ppv);
    ULONG (STDMETHODCALLTYPE *AddRef)(AsyncIPrimes *This);
    ULONG (STDMETHODCALLTYPE *Release)(AsyncIPrimes *This);
    HRESULT (STDMETHODCALLTYPE *Begin_Count)(AsyncIPrimes *This, ULONG limit);
    HRESULT (STDMETHODCALLTYPE *Finish_Count)(AsyncIPrimes *This, ULONG *found);
} AsyncIPrimesVtbl;
struct AsyncIPrimes {
    const AsyncIPrimesVtbl *lpVtbl;
};
#endif

/* Makes a server in the multi-threaded apartment, and gives the calling thread's interface to it. */
#ifdef __cplusplus
extern "C"
#endif
HRESULT primes_open(REFIID riid, void **ppv);

#endif
