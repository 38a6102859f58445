/* The IIDs and CLSIDs, byte for byte. Linked with another definition of them, it is that which is compared. */
#include "support.hpp"

#include <cstdio>
#include <cstring>

namespace {

void is_written(const GUID &guid, const char *expected, const char *name)
{
    char text[40], check[120];
    const auto *d = guid.Data4;
    (void)std::snprintf(text, sizeof text, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X",
                        static_cast<unsigned>(guid.Data1), guid.Data2, guid.Data3, d[0], d[1], d[2], d[3], d[4], d[5],
                        d[6], d[7]);
    (void)std::snprintf(check, sizeof check, "%s is %s", name, expected);
    if (!is(std::strcmp(text, expected) == 0, check))
        diag("it is %s", text);
}

}

#define IS(guid, expected) is_written(guid, expected, #guid)

int main()
{
    IS(IID_IUnknown, "00000000-0000-0000-C000-000000000046");
    IS(IID_ICallFactory, "1C733A30-2A1C-11CE-ADE5-00AA0044773D");
    IS(IID_ISynchronize, "00000030-0000-0000-C000-000000000046");
    IS(IID_ISynchronizeHandle, "00000031-0000-0000-C000-000000000046");
    IS(IID_ISynchronizeContainer, "00000033-0000-0000-C000-000000000046");
    IS(IID_ICancelMethodCalls, "00000029-0000-0000-C000-000000000046");
    IS(IID_AsyncIUnknown, "000E0000-0000-0000-C000-000000000046");
    IS(CLSID_StdEvent, "0000032B-0000-0000-C000-000000000046");
    IS(CLSID_ManualResetEvent, "0000032C-0000-0000-C000-000000000046");
    IS(CLSID_SynchronizeContainer, "0000032D-0000-0000-C000-000000000046");
    return checked();
}
