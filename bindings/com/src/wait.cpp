#include "wait.hpp"
#include "clock.hpp"
#include "guard.hpp"

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/eventfd.h>
#include <unistd.h>

namespace call_com {

namespace {

/* Never destroyed: a thread may wait until the very end of the process. */
std::mutex &flags_lock()
{
    static auto *lock = new std::mutex;
    return *lock;
}

std::map<int, Flag *> &described()
{
    static auto *flags = new std::map<int, Flag *>;
    return *flags;
}

/* -1, which none is, for what is no number of a descriptor. */
int descriptor_of(HANDLE handle)
{
    auto number = reinterpret_cast<std::intptr_t>(handle);
    return number == static_cast<int>(number) ? static_cast<int>(number) : -1;
}

}

/* One thread's wait. It sleeps in a completion queue of its own, to which the flags post: there the thread serves
 * its apartments, and counts as waiting. */
class Waiter {
public:
    explicit Waiter(Flag &flag) : flags_{&flag}
    {
        std::lock_guard<std::mutex> lock(flags_lock());
        flag.waiters_.push_back(this);
    }

    /* After the other one the destructor runs also where this one throws: no flag keeps a waiter that is gone. */
    Waiter(const HANDLE *handles, std::size_t count) : Waiter(count)
    {
        std::lock_guard<std::mutex> lock(flags_lock());
        for (std::size_t i = 0; i < count; i++) {
            auto found = described().find(descriptor_of(handles[i]));
            flags_[i] = found == described().end() ? nullptr : found->second;
            if (flags_[i] != nullptr)
                flags_[i]->waiters_.push_back(this);
        }
    }

    Waiter(const Waiter &) = delete;
    Waiter &operator=(const Waiter &) = delete;

    ~Waiter()
    {
        std::lock_guard<std::mutex> lock(flags_lock());
        for (Flag *flag : flags_)
            if (flag != nullptr)
                leave(*flag);
        call_queue_release(queue_);
    }

    HRESULT wait(bool all, DWORD milliseconds, DWORD *index_out)
    {
        Deadline deadline(milliseconds);
        for (;;) {
            HRESULT hr = look(all, index_out);
            if (hr != RPC_S_CALLPENDING || deadline.left() == 0)
                return hr;
            hr = sleep(deadline.left());
            if (hr != S_OK && hr != RPC_S_CALLPENDING)
                return hr;
        }
    }

    /* By a flag that is set, or goes; under the lock. */
    void wake(const Flag *gone)
    {
        if (gone != nullptr)
            std::replace(flags_.begin(), flags_.end(), const_cast<Flag *>(gone), static_cast<Flag *>(nullptr));
        (void)call_queue_post(queue_, 0);
    }

private:
    explicit Waiter(std::size_t count) : flags_(count) {}

    /* Takes what is set, if that is enough. */
    HRESULT look(bool all, DWORD *index_out)
    {
        std::lock_guard<std::mutex> lock(flags_lock());
        if (std::count(flags_.begin(), flags_.end(), nullptr) > 0)
            return E_HANDLE;
        auto is_set = [](const Flag *flag) { return flag->set_; };
        auto first = std::find_if(flags_.begin(), flags_.end(), is_set);
        if (first == flags_.end() || (all && !std::all_of(first, flags_.end(), is_set)) ||
            (all && first != flags_.begin()))
            return RPC_S_CALLPENDING;
        if (index_out != nullptr)
            *index_out = static_cast<DWORD>(first - flags_.begin());
        for (auto taken = first; taken != flags_.end(); ++taken) {
            if ((*taken)->automatic_) {
                (*taken)->set_ = false;
                (*taken)->show();
            }
            if (!all)
                break;
        }
        return S_OK;
    }

    /* The first time it only makes the queue: what was set before that is seen by the look that follows. */
    HRESULT sleep(DWORD milliseconds)
    {
        if (queue_.id != 0) {
            call_completion_t completion;
            std::size_t count = 0;
            return call_queue_next(queue_, &completion, 1, milliseconds, &count);
        }
        std::lock_guard<std::mutex> lock(flags_lock());
        return call_queue_create(&queue_);
    }

    void leave(Flag &flag)
    {
        auto &waiters = flag.waiters_;
        waiters.erase(std::remove(waiters.begin(), waiters.end(), this), waiters.end());
    }

    std::vector<Flag *> flags_;
    call_queue_t queue_{};
};

Flag::~Flag()
{
    std::lock_guard<std::mutex> lock(flags_lock());
    std::vector<Waiter *> waiters;
    waiters.swap(waiters_);
    for (Waiter *waiter : waiters)
        waiter->wake(this);
    if (fd_ >= 0) {
        described().erase(fd_);
        (void)close(fd_);
    }
}

void Flag::set()
{
    std::lock_guard<std::mutex> lock(flags_lock());
    set_ = true;
    show();
    for (Waiter *waiter : waiters_)
        waiter->wake(nullptr);
}

void Flag::reset()
{
    std::lock_guard<std::mutex> lock(flags_lock());
    set_ = false;
    show();
}

/* The descriptor is as the flag is. Neither call can block: its count is 0 or 1. */
void Flag::show() const
{
    eventfd_t count = 0;
    if (fd_ < 0)
        return;
    (void)eventfd_read(fd_, &count);
    if (set_)
        (void)eventfd_write(fd_, 1);
}

HRESULT Flag::descriptor(int *fd_out)
{
    std::lock_guard<std::mutex> lock(flags_lock());
    if (fd_ < 0) {
        int made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        /* Not 0, which as a HANDLE would be NULL. */
        fd_ = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, 3);
        if (made >= 0)
            (void)close(made);
        if (fd_ < 0)
            return RPC_E_OUT_OF_RESOURCES;
        described()[fd_] = this;
        show();
    }
    *fd_out = fd_;
    return S_OK;
}

bool known_wait_flags(DWORD flags)
{
    return (flags & ~DWORD{COWAIT_WAITALL | COWAIT_ALERTABLE | COWAIT_INPUTAVAILABLE | COWAIT_DISPATCH_CALLS |
                           COWAIT_DISPATCH_WINDOW_MESSAGES}) == 0;
}

HRESULT wait_for_flag(Flag &flag, DWORD milliseconds)
{
    return Waiter(flag).wait(false, milliseconds, nullptr);
}

HRESULT wait_for_handles(const HANDLE *handles, std::size_t count, bool all, DWORD milliseconds, DWORD *index_out)
{
    return Waiter(handles, count).wait(all, milliseconds, index_out);
}

}

extern "C" HRESULT STDMETHODCALLTYPE CoWaitForMultipleHandles(DWORD flags, DWORD milliseconds, ULONG count,
                                                              HANDLE *handles, DWORD *index_out)
{
    if (index_out == nullptr)
        return E_INVALIDARG;
    *index_out = 0;
    if (handles == nullptr)
        return E_INVALIDARG;
    if (count == 0)
        return RPC_E_NO_SYNC;
    if (!call_com::known_wait_flags(flags))
        return E_INVALIDARG;
    bool all = (flags & COWAIT_WAITALL) != 0;
    return call_com::guarded([&] { return call_com::wait_for_handles(handles, count, all, milliseconds, index_out); });
}
