/* The interfaces, for C: call_com_types.h includes this. A method is called through the table:
 * sync->lpVtbl->Wait(sync, 0, 1000). */

#ifndef CALL_COM_INTERFACES_H
#define CALL_COM_INTERFACES_H

#ifndef __IUnknown_INTERFACE_DEFINED__
#define __IUnknown_INTERFACE_DEFINED__
typedef struct IUnknown IUnknown;
typedef struct IUnknownVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(IUnknown *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(IUnknown *This);
    ULONG (STDMETHODCALLTYPE *Release)(IUnknown *This);
} IUnknownVtbl;
struct IUnknown {
    const IUnknownVtbl *lpVtbl;
};
#endif

#ifndef __AsyncIUnknown_INTERFACE_DEFINED__
#define __AsyncIUnknown_INTERFACE_DEFINED__
typedef struct AsyncIUnknown AsyncIUnknown;
typedef struct AsyncIUnknownVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(AsyncIUnknown *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(AsyncIUnknown *This);
    ULONG (STDMETHODCALLTYPE *Release)(AsyncIUnknown *This);
    HRESULT (STDMETHODCALLTYPE *Begin_QueryInterface)(AsyncIUnknown *This, REFIID riid);
    HRESULT (STDMETHODCALLTYPE *Finish_QueryInterface)(AsyncIUnknown *This, void **ppvObject);
    HRESULT (STDMETHODCALLTYPE *Begin_AddRef)(AsyncIUnknown *This);
    ULONG (STDMETHODCALLTYPE *Finish_AddRef)(AsyncIUnknown *This);
    HRESULT (STDMETHODCALLTYPE *Begin_Release)(AsyncIUnknown *This);
    ULONG (STDMETHODCALLTYPE *Finish_Release)(AsyncIUnknown *This);
} AsyncIUnknownVtbl;
struct AsyncIUnknown {
    const AsyncIUnknownVtbl *lpVtbl;
};
#endif

#ifndef __ICallFactory_INTERFACE_DEFINED__
#define __ICallFactory_INTERFACE_DEFINED__
typedef struct ICallFactory ICallFactory;
typedef struct ICallFactoryVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(ICallFactory *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(ICallFactory *This);
    ULONG (STDMETHODCALLTYPE *Release)(ICallFactory *This);
    HRESULT (STDMETHODCALLTYPE *CreateCall)(ICallFactory *This, REFIID riid, IUnknown *pCtrlUnk,
                                              REFIID riid2, IUnknown **ppv);
} ICallFactoryVtbl;
struct ICallFactory {
    const ICallFactoryVtbl *lpVtbl;
};
#endif

#ifndef __ISynchronize_INTERFACE_DEFINED__
#define __ISynchronize_INTERFACE_DEFINED__
typedef struct ISynchronize ISynchronize;
typedef struct ISynchronizeVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(ISynchronize *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(ISynchronize *This);
    ULONG (STDMETHODCALLTYPE *Release)(ISynchronize *This);
    HRESULT (STDMETHODCALLTYPE *Wait)(ISynchronize *This, DWORD dwFlags, DWORD dwMilliseconds);
    HRESULT (STDMETHODCALLTYPE *Signal)(ISynchronize *This);
    HRESULT (STDMETHODCALLTYPE *Reset)(ISynchronize *This);
} ISynchronizeVtbl;
struct ISynchronize {
    const ISynchronizeVtbl *lpVtbl;
};
#endif

#ifndef __ISynchronizeHandle_INTERFACE_DEFINED__
#define __ISynchronizeHandle_INTERFACE_DEFINED__
typedef struct ISynchronizeHandle ISynchronizeHandle;
typedef struct ISynchronizeHandleVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(ISynchronizeHandle *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(ISynchronizeHandle *This);
    ULONG (STDMETHODCALLTYPE *Release)(ISynchronizeHandle *This);
    HRESULT (STDMETHODCALLTYPE *GetHandle)(ISynchronizeHandle *This, HANDLE *ph);
} ISynchronizeHandleVtbl;
struct ISynchronizeHandle {
    const ISynchronizeHandleVtbl *lpVtbl;
};
#endif

#ifndef __ISynchronizeContainer_INTERFACE_DEFINED__
#define __ISynchronizeContainer_INTERFACE_DEFINED__
typedef struct ISynchronizeContainer ISynchronizeContainer;
typedef struct ISynchronizeContainerVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(ISynchronizeContainer *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(ISynchronizeContainer *This);
    ULONG (STDMETHODCALLTYPE *Release)(ISynchronizeContainer *This);
    HRESULT (STDMETHODCALLTYPE *AddSynchronize)(ISynchronizeContainer *This, ISynchronize *pSync);
    HRESULT (STDMETHODCALLTYPE *WaitMultiple)(ISynchronizeContainer *This, DWORD dwFlags, DWORD dwTimeOut,
                                                ISynchronize **ppSync);
} ISynchronizeContainerVtbl;
struct ISynchronizeContainer {
    const ISynchronizeContainerVtbl *lpVtbl;
};
#endif

#ifndef __ICancelMethodCalls_INTERFACE_DEFINED__
#define __ICancelMethodCalls_INTERFACE_DEFINED__
typedef struct ICancelMethodCalls ICancelMethodCalls;
typedef struct ICancelMethodCallsVtbl {
    HRESULT (STDMETHODCALLTYPE *QueryInterface)(ICancelMethodCalls *This, REFIID riid, void **ppvObject);
    ULONG (STDMETHODCALLTYPE *AddRef)(ICancelMethodCalls *This);
    ULONG (STDMETHODCALLTYPE *Release)(ICancelMethodCalls *This);
    HRESULT (STDMETHODCALLTYPE *Cancel)(ICancelMethodCalls *This, ULONG ulSeconds);
    HRESULT (STDMETHODCALLTYPE *TestCancel)(ICancelMethodCalls *This);
} ICancelMethodCallsVtbl;
struct ICancelMethodCalls {
    const ICancelMethodCallsVtbl *lpVtbl;
};
#endif

#endif
