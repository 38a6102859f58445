/* What can be waited for, and how a thread waits for several of them. */

#ifndef CALL_COM_WAIT_HPP
#define CALL_COM_WAIT_HPP

#include <call_com.h>

#include <cstddef>
#include <vector>

namespace call_com {

class Waiter;

/* Set or not; where it is automatic, one wait that succeeds resets it. One lock guards all flags, so that several
 * can be taken at once; it is held for a few instructions, and never while code of the program runs. */
class Flag {
public:
    explicit Flag(bool automatic) : automatic_(automatic) {}
    ~Flag();
    Flag(const Flag &) = delete;
    Flag &operator=(const Flag &) = delete;

    void set();
    void reset();
    /* A descriptor that is readable while it is set, made on first use. */
    HRESULT descriptor(int *fd_out);

private:
    friend class Waiter;
    void show() const;

    const bool automatic_;
    bool set_ = false;
    int fd_ = -1;
    std::vector<Waiter *> waiters_;
};

bool known_wait_flags(DWORD flags);

/* Waits for one flag, or for several by their descriptors: any of them or, with COWAIT_WAITALL, all. The apartments
 * that the thread owns are served meanwhile. RPC_S_CALLPENDING: the time is over. E_HANDLE: no flag has such a
 * descriptor. */
HRESULT wait_for_flag(Flag &flag, DWORD milliseconds);
HRESULT wait_for_handles(const HANDLE *handles, std::size_t count, bool all, DWORD milliseconds, DWORD *index_out);

}

#endif
