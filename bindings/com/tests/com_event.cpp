/* The synchronization objects. */
#include "support.hpp"

#include <cstdlib>
#include <new>
#include <poll.h>

using namespace call_com;

namespace {

/* What this thread has allocated, and how much it may; the rest fails. */
thread_local std::size_t allocated = 0, allowed = SIZE_MAX;

}

void *operator new(std::size_t size)
{
    void *room = allocated++ < allowed ? std::malloc(size) : nullptr;
    if (room == nullptr)
        throw std::bad_alloc();
    return room;
}

void operator delete(void *room) noexcept { std::free(room); }
void operator delete(void *room, std::size_t) noexcept { std::free(room); }

namespace {

Held<ISynchronize> make(REFCLSID rclsid)
{
    Held<ISynchronize> event;
    NEED(CoCreateInstance(rclsid, nullptr, CLSCTX_INPROC_SERVER, IID_ISynchronize, event.put_void()));
    return event;
}

HANDLE handle_of(ISynchronize *event)
{
    HANDLE handle = nullptr;
    NEED(ask<ISynchronizeHandle>(event, IID_ISynchronizeHandle)->GetHandle(&handle));
    return handle;
}

bool readable(HANDLE handle)
{
    pollfd one{static_cast<int>(reinterpret_cast<intptr_t>(handle)), POLLIN, 0};
    return poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
}

void manual()
{
    auto event = make(CLSID_ManualResetEvent);
    is_hr(event->Wait(0, 0), RPC_S_CALLPENDING, "EV-3 a fresh manual event is not set");
    is_hr(event->Wait(0, 1), RPC_S_CALLPENDING, "WT-1 a wait whose time is over");
    is_hr(event->Signal(), S_OK, "EV-2 set");
    is_hr(event->Wait(0, 0), S_OK, "EV-2 a wait succeeds");
    is_hr(event->Wait(0, CALL_INFINITE), S_OK, "EV-2 and leaves it set");
    is_hr(event->Signal(), S_OK, "SG-3 setting it again has no effect");
    is_hr(event->Reset(), S_OK, "RS-1 reset");
    is_hr(event->Wait(0, 0), RPC_S_CALLPENDING, "RS-1 it is not set");
    is_hr(event->Reset(), S_OK, "RS-1 reset again");
    is_hr(event->Wait(COWAIT_WAITALL, 0), RPC_S_CALLPENDING, "WT-11 waiting for all is allowed on one object");
    is_hr(event->Wait(0x80, 0), E_INVALIDARG, "WT-10 unknown flags");
}

void automatic()
{
    auto event = make(CLSID_StdEvent);
    NEED(event->Signal());
    is_hr(event->Wait(0, 0), S_OK, "WT-9 EV-2 a wait for the automatic event succeeds");
    is_hr(event->Wait(0, 0), RPC_S_CALLPENDING, "WT-9 EV-2 and has reset it");
    /* One of two waiters gets each of two signals. */
    std::atomic<unsigned> woken{0};
    Gate first;
    auto wait = [&] {
        NEED(event->Wait(0, 20000));
        woken++;
        first.open();
    };
    Thread one(wait), two(wait);
    NEED(event->Signal());
    first.wait();
    is(woken.load() == 1, "EV-2 one signal wakes one waiter");
    NEED(event->Signal());
    one.join();
    two.join();
    is_number(woken.load(), 2, "EV-2 another one the other");
    is_hr(event->Wait(0, 0), RPC_S_CALLPENDING, "EV-2 and nothing is left");
}

void wakes()
{
    auto event = make(CLSID_ManualResetEvent);
    std::atomic<unsigned> woken{0};
    auto wait = [&] { woken += event->Wait(0, 20000) == S_OK; };
    {
        Thread one(wait), two(wait), three(wait);
        NEED(event->Signal());
    }
    is_number(woken.load(), 3, "WT-5 a signal wakes every waiter");
}

void handles()
{
    auto event = make(CLSID_ManualResetEvent);
    HANDLE handle = handle_of(event.get());
    is(!readable(handle), "EV-4 the handle is a descriptor that is not readable before");
    is(handle == handle_of(event.get()), "EV-4 always the same");
    NEED(event->Signal());
    is(readable(handle), "EV-4 readable while the event is set");
    DWORD index = 99;
    is_hr(CoWaitForMultipleHandles(0, 0, 1, &handle, &index), S_OK, "EV-4 and waited for by the handle");
    NEED(event->Reset());
    is(!readable(handle), "EV-4 not any more when it is reset");
    is_hr(ask<ISynchronizeHandle>(event.get(), IID_ISynchronizeHandle)->GetHandle(nullptr), E_POINTER, "EV-4 no NULL");
    event.reset();
    is_hr(CoWaitForMultipleHandles(0, 0, 1, &handle, &index), E_HANDLE, "EV-4 RL-7 it goes with the event");
    auto lost = make(CLSID_ManualResetEvent);
    handle = handle_of(lost.get());
    HRESULT hr = S_OK;
    Gate there;
    Thread waiter([&] {
        DWORD which = 0;
        there.open();
        hr = CoWaitForMultipleHandles(0, 20000, 1, &handle, &which);
    });
    there.wait();
    lost.reset();
    waiter.join();
    is_hr(hr, E_HANDLE, "RL-7 also while somebody waits for it");
}

void many()
{
    DWORD index = 99;
    HANDLE none = nullptr;
    is_hr(CoWaitForMultipleHandles(0, 0, 0, nullptr, nullptr), E_INVALIDARG, "EV-7 first, where the index goes");
    is_hr(CoWaitForMultipleHandles(0, 0, 0, nullptr, &index), E_INVALIDARG, "EV-7 then the handles");
    is_number(index, 0, "EV-7 when the index is zero already");
    is_hr(CoWaitForMultipleHandles(0, 0, 0, &none, &index), RPC_E_NO_SYNC, "EV-7 then their number");
    is_hr(CoWaitForMultipleHandles(0x80, 0, 1, &none, &index), E_INVALIDARG, "WT-10 unknown flags");
    is_hr(CoWaitForMultipleHandles(0, 0, 1, &none, &index), E_HANDLE, "a handle that is none");
    auto one = make(CLSID_ManualResetEvent), two = make(CLSID_StdEvent);
    HANDLE both[] = {handle_of(one.get()), handle_of(two.get())};
    is_hr(CoWaitForMultipleHandles(0, 1, 2, both, &index), RPC_S_CALLPENDING, "WT-1 the time is over");
    NEED(two->Signal());
    is_hr(CoWaitForMultipleHandles(COWAIT_WAITALL, 1, 2, both, &index), RPC_S_CALLPENDING, "WT-11 all: one is missing");
    is(readable(both[1]), "WT-11 and nothing was taken");
    is_hr(CoWaitForMultipleHandles(0, 0, 2, both, &index), S_OK, "any of them");
    is_number(index, 1, "and which");
    is(!readable(both[1]), "WT-9 the automatic one is reset by it");
    HRESULT hr = E_FAIL;
    Thread waiter([&] {
        DWORD which = 0;
        hr = CoWaitForMultipleHandles(COWAIT_WAITALL, 20000, 2, both, &which);
    });
    NEED(two->Signal());
    NEED(one->Signal());
    waiter.join();
    is_hr(hr, S_OK, "WT-11 all of them");
    is_hr(CoWaitForMultipleHandles(COWAIT_WAITALL, 1, 2, both, &index), RPC_S_CALLPENDING, "WT-11 the last is missing");
    is(!readable(both[1]) && readable(both[0]), "WT-9 EV-2 took the automatic one alone");
}

/* Allocations of a wait for these events, of which at most so many succeed. */
std::size_t allocations(HANDLE *events, ULONG count, std::size_t most, HRESULT &hr)
{
    DWORD index = 0;
    allocated = 0;
    allowed = most;
    hr = CoWaitForMultipleHandles(0, 0, count, events, &index);
    allowed = SIZE_MAX;
    return allocated;
}

void exhausted()
{
    auto one = make(CLSID_ManualResetEvent), two = make(CLSID_ManualResetEvent);
    HANDLE both[] = {handle_of(one.get()), handle_of(two.get())};
    HRESULT hr = S_OK;
    (void)allocations(both, 1, SIZE_MAX, hr);
    const std::size_t alone = allocations(both, 1, SIZE_MAX, hr);
    std::size_t failed = 0, more = 0;
    for (; allocations(both, 2, failed, hr), hr == E_OUTOFMEMORY; failed++)
        more += allocations(both, 1, SIZE_MAX, hr) - alone;
    is(failed > alone, "a wait for which there is no memory fails, also with one of its events in hand");
    is_hr(hr, RPC_S_CALLPENDING, "with memory it waits");
    /* A waiter left behind would sit in the place that the event has kept for the next one. */
    is_number(more, 0, "and no event kept one that had failed");
}

void containers()
{
    Held<ISynchronizeContainer> container;
    NEED(CoCreateInstance(CLSID_SynchronizeContainer, nullptr, CLSCTX_INPROC_SERVER, IID_ISynchronizeContainer,
                          container.put_void()));
    ISynchronize *set = nullptr;
    is_hr(container->WaitMultiple(0, 0, nullptr), E_POINTER, "EV-6 where the object goes must be said");
    is_hr(container->WaitMultiple(0, 0, &set), RPC_E_NO_SYNC, "EV-6 nothing to wait for");
    std::vector<Held<ISynchronize>> events;
    for (unsigned i = 0; i < 64; i++)
        events.push_back(make(i == 0 ? CLSID_StdEvent : CLSID_ManualResetEvent));
    unsigned taken = 0;
    for (unsigned i = 0; i < 63; i++)
        taken += container->AddSynchronize(events[i].get()) == S_OK;
    is_number(taken, 63, "EV-5 63 objects");
    is_hr(container->AddSynchronize(events[63].get()), RPC_E_OUT_OF_RESOURCES, "EV-5 and not one more");
    is_number(count_of(events[63].get()), 1, "EV-5 to which it holds no reference");
    is_hr(container->WaitMultiple(0, 1, &set), RPC_E_TIMEOUT, "EV-6 the time is over");
    is_hr(container->WaitMultiple(COWAIT_WAITALL, 0, &set), E_INVALIDARG, "EV-6 WT-11 not for all");
    is_hr(container->WaitMultiple(0x80, 0, &set), E_INVALIDARG, "WT-10 unknown flags");
    NEED(events[41]->Signal());
    is_hr(container->WaitMultiple(0, CALL_INFINITE, &set), S_OK, "EV-6 one was set");
    is(set == events[41].get(), "EV-6 it is named");
    is_number(set->Release(), 2, "EV-6 with a reference for the caller");
    NEED(events[41]->Reset());
    NEED(events[0]->Signal());
    is_hr(container->WaitMultiple(0, 20000, &set), S_OK, "EV-6 the automatic one");
    set->Release();
    is_hr(events[0]->Wait(0, 0), RPC_S_CALLPENDING, "EV-2 WT-9 is reset by that");
    container.reset();
    is_number(count_of(events[7].get()), 1, "EV-5 the references go with the container");
}

void classes()
{
    IUnknown *object = reinterpret_cast<IUnknown *>(&object);
    is_hr(CoCreateInstance(IID_IUnknown, nullptr, CLSCTX_INPROC_SERVER, IID_IUnknown,
                           reinterpret_cast<void **>(&object)),
          REGDB_E_CLASSNOTREG, "a class that there is not");
    is(object == nullptr, "leaves NULL");
    is_hr(CoCreateInstance(CLSID_StdEvent, nullptr, CLSCTX_INPROC_SERVER, IID_ICallFactory,
                           reinterpret_cast<void **>(&object)),
          E_NOINTERFACE, "an interface that an event has not");
    is_hr(CoCreateInstance(CLSID_StdEvent, nullptr, CLSCTX_INPROC_SERVER, IID_IUnknown, nullptr), E_POINTER, "NULL");
    auto event = make(CLSID_StdEvent);
    is_hr(CoCreateInstance(CLSID_StdEvent, event.get(), CLSCTX_INPROC_SERVER, IID_ISynchronize,
                           reinterpret_cast<void **>(&object)),
          CLASS_E_NOAGGREGATION, "aggregated it is asked for its IUnknown");
}

}

int main()
{
    manual();
    automatic();
    wakes();
    handles();
    many();
    exhausted();
    containers();
    classes();
    return checked();
}
