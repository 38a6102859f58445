/* Each in the order of its fields. Weak, so that a program may bring its own, as Wine's libuuid.a does. */
#include <call_com.h>

#define OF_COM(first) { first, 0, 0, {0xC0, 0, 0, 0, 0, 0, 0, 0x46} }

extern "C" {
__attribute__((weak)) extern const IID IID_IUnknown = OF_COM(0x00000000);
__attribute__((weak)) extern const IID IID_AsyncIUnknown = OF_COM(0x000E0000);
__attribute__((weak)) extern const IID IID_ICallFactory = {
    0x1C733A30, 0x2A1C, 0x11CE, {0xAD, 0xE5, 0x00, 0xAA, 0x00, 0x44, 0x77, 0x3D}};
__attribute__((weak)) extern const IID IID_ISynchronize = OF_COM(0x00000030);
__attribute__((weak)) extern const IID IID_ISynchronizeHandle = OF_COM(0x00000031);
__attribute__((weak)) extern const IID IID_ISynchronizeContainer = OF_COM(0x00000033);
__attribute__((weak)) extern const IID IID_ICancelMethodCalls = OF_COM(0x00000029);
__attribute__((weak)) extern const CLSID CLSID_StdEvent = OF_COM(0x0000032B);
__attribute__((weak)) extern const CLSID CLSID_ManualResetEvent = OF_COM(0x0000032C);
__attribute__((weak)) extern const CLSID CLSID_SynchronizeContainer = OF_COM(0x0000032D);
}
