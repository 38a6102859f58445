/* What the tests share: checks that carry their column, gates instead of sleeps, threads in an apartment. */

#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include <call_com.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#define _Noreturn [[noreturn]]
extern "C" {
#include "tap.h"
}

/* Each is printed with [COM] before its name, and counted for the page of conformance. */
bool is(bool holds, const char *name);
bool is_hr(HRESULT got, HRESULT expected, const char *name);
bool is_number(uint64_t got, uint64_t expected, const char *name);
bool is_fate(call_fate_t got, call_fate_t expected, const char *name);
/* The end of main. */
int checked();

/* What a test needs before it can check anything. */
void need(HRESULT hr, const char *what);
#define NEED(expression) need((expression), #expression)

/* Opens once. */
class Gate {
public:
    void open();
    /* Ends the program after that time: a hang. */
    void wait(unsigned seconds = 20);
    bool is_open();

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = false;
};

/* A thread in an apartment, which does one thing after the other. One that is single-threaded is served meanwhile. */
class Worker {
public:
    explicit Worker(DWORD threading);
    ~Worker();
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    void start(std::function<void()> work);
    void run(std::function<void()> work);
    call_apartment_t apartment() const { return apartment_; }
    std::thread::id id() const { return thread_.get_id(); }

private:
    void live(DWORD threading);

    call_queue_t queue_{};
    call_apartment_t apartment_{};
    Gate ready_;
    std::thread thread_;
};

/* A thread of its own; joined, or the program is ended after that time. */
class Thread {
public:
    explicit Thread(std::function<void()> work, unsigned seconds = 20);
    ~Thread();
    Thread(const Thread &) = delete;
    Thread &operator=(const Thread &) = delete;
    void join();

private:
    const unsigned seconds_;
    Gate done_;
    std::thread thread_;
};

/* An interface of an object, or an empty one. */
template <class Face> call_com::Held<Face> ask(IUnknown *object, REFIID riid)
{
    call_com::Held<Face> face;
    if (object->QueryInterface(riid, face.put_void()) < 0)
        return {};
    return face;
}

/* How many references there are. */
inline ULONG count_of(IUnknown *object)
{
    object->AddRef();
    return object->Release();
}

#endif
