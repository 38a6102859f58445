/* Compiled, never run: each method is in its slot, and each type has its size, in whatever declarations these are. */
#include <call_com_types.h>

#include <stddef.h>

#define SLOT(face, method, number)                                                     \
    _Static_assert(offsetof(face##Vtbl, method) == (number) * sizeof(void *), #method)

#define OF_UNKNOWN(face)           \
    SLOT(face, QueryInterface, 0); \
    SLOT(face, AddRef, 1);         \
    SLOT(face, Release, 2)

#define SLOTS(face, count) _Static_assert(sizeof(face##Vtbl) == (count) * sizeof(void *), #face)

OF_UNKNOWN(IUnknown);
SLOTS(IUnknown, 3);

OF_UNKNOWN(AsyncIUnknown);
SLOT(AsyncIUnknown, Begin_QueryInterface, 3);
SLOT(AsyncIUnknown, Finish_QueryInterface, 4);
SLOT(AsyncIUnknown, Begin_AddRef, 5);
SLOT(AsyncIUnknown, Finish_AddRef, 6);
SLOT(AsyncIUnknown, Begin_Release, 7);
SLOT(AsyncIUnknown, Finish_Release, 8);
SLOTS(AsyncIUnknown, 9);

OF_UNKNOWN(ICallFactory);
SLOT(ICallFactory, CreateCall, 3);
SLOTS(ICallFactory, 4);

OF_UNKNOWN(ISynchronize);
SLOT(ISynchronize, Wait, 3);
SLOT(ISynchronize, Signal, 4);
SLOT(ISynchronize, Reset, 5);
SLOTS(ISynchronize, 6);

OF_UNKNOWN(ISynchronizeHandle);
SLOT(ISynchronizeHandle, GetHandle, 3);
SLOTS(ISynchronizeHandle, 4);

OF_UNKNOWN(ISynchronizeContainer);
SLOT(ISynchronizeContainer, AddSynchronize, 3);
SLOT(ISynchronizeContainer, WaitMultiple, 4);
SLOTS(ISynchronizeContainer, 5);

OF_UNKNOWN(ICancelMethodCalls);
SLOT(ICancelMethodCalls, Cancel, 3);
SLOT(ICancelMethodCalls, TestCancel, 4);
SLOTS(ICancelMethodCalls, 5);

_Static_assert(sizeof(GUID) == 16, "GUID");
_Static_assert(offsetof(GUID, Data2) == 4 && offsetof(GUID, Data3) == 6 && offsetof(GUID, Data4) == 8, "GUID");
_Static_assert(sizeof(HRESULT) == 4 && (HRESULT)-1 < 0, "HRESULT");
_Static_assert(sizeof(ULONG) == 4 && (ULONG)-1 > 0, "ULONG");
_Static_assert(sizeof(DWORD) == 4 && (DWORD)-1 > 0, "DWORD");
_Static_assert(sizeof(HANDLE) == sizeof(void *), "HANDLE");

_Static_assert(COWAIT_DEFAULT == 0 && COWAIT_WAITALL == 1 && COWAIT_ALERTABLE == 2, "COWAIT");
_Static_assert(COWAIT_INPUTAVAILABLE == 4 && COWAIT_DISPATCH_CALLS == 8, "COWAIT");
_Static_assert(COWAIT_DISPATCH_WINDOW_MESSAGES == 16, "COWAIT");
_Static_assert(COINIT_APARTMENTTHREADED == 2 && COINIT_MULTITHREADED == 0, "COINIT");
_Static_assert(CLSCTX_INPROC_SERVER == 1, "CLSCTX");
_Static_assert((DWORD)RPC_C_CANCEL_INFINITE_TIMEOUT == CALL_INFINITE, "RPC_C_CANCEL_INFINITE_TIMEOUT");
_Static_assert((DWORD)INFINITE == CALL_INFINITE, "INFINITE");
