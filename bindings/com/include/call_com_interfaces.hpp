/* The interfaces, for C++: call_com_types.h includes this. */

#ifndef CALL_COM_INTERFACES_HPP
#define CALL_COM_INTERFACES_HPP

#ifndef __IUnknown_INTERFACE_DEFINED__
#define __IUnknown_INTERFACE_DEFINED__
struct IUnknown {
    virtual HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **ppvObject) = 0;
    virtual ULONG STDMETHODCALLTYPE AddRef() = 0;
    virtual ULONG STDMETHODCALLTYPE Release() = 0;
};
#endif

#ifndef __AsyncIUnknown_INTERFACE_DEFINED__
#define __AsyncIUnknown_INTERFACE_DEFINED__
struct AsyncIUnknown : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Begin_QueryInterface(REFIID riid) = 0;
    virtual HRESULT STDMETHODCALLTYPE Finish_QueryInterface(void **ppvObject) = 0;
    virtual HRESULT STDMETHODCALLTYPE Begin_AddRef() = 0;
    virtual ULONG STDMETHODCALLTYPE Finish_AddRef() = 0;
    virtual HRESULT STDMETHODCALLTYPE Begin_Release() = 0;
    virtual ULONG STDMETHODCALLTYPE Finish_Release() = 0;
};
#endif

#ifndef __ICallFactory_INTERFACE_DEFINED__
#define __ICallFactory_INTERFACE_DEFINED__
struct ICallFactory : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE CreateCall(REFIID riid, IUnknown *pCtrlUnk, REFIID riid2, IUnknown **ppv) = 0;
};
#endif

#ifndef __ISynchronize_INTERFACE_DEFINED__
#define __ISynchronize_INTERFACE_DEFINED__
struct ISynchronize : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Wait(DWORD dwFlags, DWORD dwMilliseconds) = 0;
    virtual HRESULT STDMETHODCALLTYPE Signal() = 0;
    virtual HRESULT STDMETHODCALLTYPE Reset() = 0;
};
#endif

#ifndef __ISynchronizeHandle_INTERFACE_DEFINED__
#define __ISynchronizeHandle_INTERFACE_DEFINED__
struct ISynchronizeHandle : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE GetHandle(HANDLE *ph) = 0;
};
#endif

#ifndef __ISynchronizeContainer_INTERFACE_DEFINED__
#define __ISynchronizeContainer_INTERFACE_DEFINED__
struct ISynchronizeContainer : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE AddSynchronize(ISynchronize *pSync) = 0;
    virtual HRESULT STDMETHODCALLTYPE WaitMultiple(DWORD dwFlags, DWORD dwTimeOut, ISynchronize **ppSync) = 0;
};
#endif

#ifndef __ICancelMethodCalls_INTERFACE_DEFINED__
#define __ICancelMethodCalls_INTERFACE_DEFINED__
struct ICancelMethodCalls : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Cancel(ULONG ulSeconds) = 0;
    virtual HRESULT STDMETHODCALLTYPE TestCancel() = 0;
};
#endif

#endif
