/*
 * The interfaces of the model, declared where nobody else has: types, IIDs, slots and codes are those of the
 * Windows headers. Whoever has those, or Wine's, includes <objbase.h> first, and nothing here is declared
 * twice: each interface stands under the guard that MIDL and widl give it.
 *
 * The calling convention is STDMETHODCALLTYPE: the platform's own, and with Wine's headers Wine's. A program
 * and the library it links must be compiled with the same declarations; call_com.h sees to that.
 */

#ifndef CALL_COM_TYPES_H
#define CALL_COM_TYPES_H

#include <call.h>

#ifndef STDMETHODCALLTYPE
#define STDMETHODCALLTYPE
#define CALL_COM_OWN_TYPES

typedef call_hresult_t HRESULT;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef void *HANDLE;

typedef struct GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;
typedef GUID IID;
typedef GUID CLSID;

#ifdef __cplusplus
#define REFIID const IID &
#define REFCLSID const CLSID &
#else
#define REFIID const IID *
#define REFCLSID const CLSID *
#endif

#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)
#define INFINITE 0xFFFFFFFFu

#define CLSCTX_INPROC_SERVER 1
#define COINIT_MULTITHREADED 0
#define COINIT_APARTMENTTHREADED 2
#define COWAIT_WAITALL 1
#define COWAIT_ALERTABLE 2
#define COWAIT_INPUTAVAILABLE 4
#endif

#ifndef COWAIT_DEFAULT
#define COWAIT_DEFAULT 0
#endif
#ifndef COWAIT_DISPATCH_CALLS
#define COWAIT_DISPATCH_CALLS 8
#endif
#ifndef COWAIT_DISPATCH_WINDOW_MESSAGES
#define COWAIT_DISPATCH_WINDOW_MESSAGES 16
#endif
#ifndef RPC_C_CANCEL_INFINITE_TIMEOUT
#define RPC_C_CANCEL_INFINITE_TIMEOUT (-1)
#endif

/* The codes of this layer that call.h has no use for. */
#ifndef RPC_E_CHANGED_MODE
#define RPC_E_CHANGED_MODE (-2147417850) /* 0x80010106 */
#endif
#ifndef RPC_E_NO_SYNC
#define RPC_E_NO_SYNC (-2147417824) /* 0x80010120 */
#endif
#ifndef CLASS_E_NOAGGREGATION
#define CLASS_E_NOAGGREGATION (-2147221232) /* 0x80040110 */
#endif
#ifndef REGDB_E_CLASSNOTREG
#define REGDB_E_CLASSNOTREG (-2147221164) /* 0x80040154 */
#endif
#ifndef CO_E_NOTINITIALIZED
#define CO_E_NOTINITIALIZED (-2147221008) /* 0x800401F0 */
#endif

#ifdef __cplusplus
extern "C" {
#endif
extern const IID IID_IUnknown;               /* 00000000-0000-0000-C000-000000000046 */
extern const IID IID_AsyncIUnknown;          /* 000E0000-0000-0000-C000-000000000046 */
extern const IID IID_ICallFactory;           /* 1C733A30-2A1C-11CE-ADE5-00AA0044773D */
extern const IID IID_ISynchronize;           /* 00000030-0000-0000-C000-000000000046 */
extern const IID IID_ISynchronizeHandle;     /* 00000031-0000-0000-C000-000000000046 */
extern const IID IID_ISynchronizeContainer;  /* 00000033-0000-0000-C000-000000000046 */
extern const IID IID_ICancelMethodCalls;     /* 00000029-0000-0000-C000-000000000046 */
extern const CLSID CLSID_StdEvent;             /* 0000032B-0000-0000-C000-000000000046 */
extern const CLSID CLSID_ManualResetEvent;     /* 0000032C-0000-0000-C000-000000000046 */
extern const CLSID CLSID_SynchronizeContainer; /* 0000032D-0000-0000-C000-000000000046 */
#ifdef __cplusplus
}
#endif

#if defined(__cplusplus) && !defined(CINTERFACE)
#include "call_com_interfaces.hpp"
#else
#include "call_com_interfaces.h"
#endif

#endif
