/*
 * The model's own interfaces over call.h: a server written as a COM object lives in an apartment, a client asks
 * its proxy for ICallFactory, the call object for ISynchronize and ICancelMethodCalls. For C and C++.
 *
 * Apartments are the model's: a thread that calls CoInitializeEx with COINIT_APARTMENTTHREADED owns one (a
 * CALL_APARTMENT_SINGLE of its own, served by call_apartment_pump and by every wait), those that call it with
 * COINIT_MULTITHREADED share the multi-threaded one (the null apartment of call.h). A thread that does not call it
 * is in none, also where the original would put it into the multi-threaded one.
 *
 * How an interface is marshaled is written by hand, in C++: call_com.hpp.
 */

#ifndef CALL_COM_H
#define CALL_COM_H

#include "call_com_types.h"

/* A program never links a library that was made with other declarations. */
#ifndef CALL_COM_OWN_TYPES
#define call_com_export call_com_export_system
#define call_com_import call_com_import_system
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* How one interface goes to and fro; see call_com.hpp. */
typedef struct call_com_interface_t call_com_interface_t;

/**
 * Makes an object of call.h of a COM object: calls from other apartments reach it through the interfaces that are
 * named. threading is COINIT_APARTMENTTHREADED, and the server lives in the calling thread's own apartment, or
 * COINIT_MULTITHREADED. A server that answers to ICallFactory is begun through a call object of its own, which is
 * aggregated; any other is called synchronously there.
 *
 * Threads: any. Blocks: no. Ownership: the object holds a reference to the server and gives it back in the server's
 * apartment, or anywhere when that is closed. The caller releases the object with call_object_release. interfaces
 * and what they point to stay as they are.
 *
 * Returns S_OK. CO_E_NOTINITIALIZED: the thread has no apartment of its own. E_INVALIDARG: threading. E_POINTER.
 * E_OUTOFMEMORY. Else as call_object_create.
 */
HRESULT call_com_export(IUnknown *server, const call_com_interface_t *const *interfaces, size_t count,
                        DWORD threading, call_object_t *object_out);

/**
 * Gives an interface of an object. In the apartment where it was exported, that is the server itself. Anywhere else
 * it is a proxy, which has the synchronous interfaces and, if one of them has an asynchronous form, ICallFactory.
 * The object need not have been exported: any whose methods are numbered as the interfaces' are will do (IUnknown's
 * three come first).
 *
 * Threads: any. Blocks: no. Ownership: the caller releases the interface. The object stays the caller's.
 *
 * Returns S_OK. E_NOINTERFACE. E_POINTER. E_HANDLE: not a living object. E_OUTOFMEMORY.
 */
HRESULT call_com_import(call_object_t object, const call_com_interface_t *const *interfaces, size_t count,
                        REFIID riid, void **ppv);

/**
 * The calling thread's own apartment, to pump it or to watch its descriptor. It ends with the thread's last
 * CoUninitialize.
 *
 * Threads: any. Blocks: no. Ownership: the layer's; do not release it.
 *
 * Returns S_OK. CO_E_NOTINITIALIZED: it has none. E_POINTER.
 */
HRESULT call_com_get_apartment(call_apartment_t *apartment_out);

/**
 * The calling thread's number for CoCancelCall and CoGetCancelObject: the system's. Those find the threads that
 * have called CoEnableCallCancellation, CoSetCancelObject, a proxy, or this.
 */
DWORD call_com_thread_id(void);

/* What follows is the model's own. CoCreateInstance knows CLSID_ManualResetEvent, CLSID_StdEvent (whose wait resets
 * it) and CLSID_SynchronizeContainer. A HANDLE is a descriptor, level-triggered, and the event's own: it may be
 * polled, and CoWaitForMultipleHandles takes it. */
HRESULT STDMETHODCALLTYPE CoInitializeEx(void *pvReserved, DWORD dwCoInit);
void STDMETHODCALLTYPE CoUninitialize(void);
HRESULT STDMETHODCALLTYPE CoCreateInstance(REFCLSID rclsid, IUnknown *pUnkOuter, DWORD dwClsContext, REFIID riid,
                                           void **ppv);
HRESULT STDMETHODCALLTYPE CoGetCancelObject(DWORD dwThreadId, REFIID iid, void **ppUnk);
HRESULT STDMETHODCALLTYPE CoSetCancelObject(IUnknown *pUnk);
HRESULT STDMETHODCALLTYPE CoCancelCall(DWORD dwThreadId, ULONG ulTimeout);
HRESULT STDMETHODCALLTYPE CoTestCancel(void);
HRESULT STDMETHODCALLTYPE CoEnableCallCancellation(void *pReserved);
HRESULT STDMETHODCALLTYPE CoDisableCallCancellation(void *pReserved);
HRESULT STDMETHODCALLTYPE CoGetCallContext(REFIID riid, void **ppInterface);
HRESULT STDMETHODCALLTYPE CoSwitchCallContext(IUnknown *pNewObject, IUnknown **ppOldObject);
HRESULT STDMETHODCALLTYPE CoWaitForMultipleHandles(DWORD dwFlags, DWORD dwTimeout, ULONG cHandles, HANDLE *pHandles,
                                                   DWORD *lpdwindex);

#ifdef __cplusplus
}
#endif

#endif
