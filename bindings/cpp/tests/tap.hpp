/* Test Anything Protocol: each check prints a line, one that fails both values. */
#ifndef TAP_HPP
#define TAP_HPP

#include <call.hpp>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace tap {

inline std::mutex lock;
inline unsigned done = 0, failed = 0;

inline bool report(bool holds, const std::string &name, const std::string &got = {}, const std::string &expected = {})
{
    std::lock_guard<std::mutex> held(lock);
    done++;
    failed += holds ? 0 : 1;
    std::printf("%s %u - %s\n", holds ? "ok" : "not ok", done, name.c_str());
    if (!holds)
        std::printf("#        got: %s\n#   expected: %s\n", got.c_str(), expected.c_str());
    std::fflush(stdout);
    return holds;
}

inline void diag(const std::string &text)
{
    std::lock_guard<std::mutex> held(lock);
    std::printf("# %s\n", text.c_str());
    std::fflush(stdout);
}

inline void skip(const std::string &reason, const std::string &name)
{
    std::lock_guard<std::mutex> held(lock);
    std::printf("ok %u - %s # SKIP %s\n", ++done, name.c_str(), reason.c_str());
}

inline std::string shown(libcall::hresult code) { return code.name(); }
inline std::string shown(libcall::fate what) { return libcall::name(what); }
inline std::string shown(const std::string &text) { return '"' + text + '"'; }
inline std::string shown(bool yes) { return yes ? "true" : "false"; }
inline std::string shown(std::uint64_t number) { return std::to_string(number); }

inline bool ok(bool holds, const std::string &name) { return report(holds, name, "false", "true"); }

template <class T>
bool is(const T &got, const T &expected, const std::string &name)
{
    return report(got == expected, name, shown(got), shown(expected));
}
inline bool is_code(libcall::hresult got, libcall::hresult expected, const std::string &name)
{
    return is(got, expected, name);
}
inline bool is_fate(libcall::fate got, libcall::fate expected, const std::string &name)
{
    return is(got, expected, name);
}
inline bool is_text(const std::string &got, const std::string &expected, const std::string &name)
{
    return is(got, expected, name);
}
inline bool is_number(std::uint64_t got, std::uint64_t expected, const std::string &name)
{
    return is(got, expected, name);
}

/* What is thrown is an Error that `good` likes. */
template <class Error, class Function, class Good>
void throws(Function &&function, Good &&good, const std::string &name)
{
    try {
        function();
        report(false, name, "nothing thrown", "an exception");
    } catch (const Error &caught) {
        report(good(caught), name, caught.what(), "another exception of that type");
    }
}

inline int end()
{
    std::printf("1..%u\n", done);
    return failed == 0 && done > 0 ? 0 : 1;
}

/* How often a race is run: CALL_RACES, or the usual number. */
inline unsigned races(unsigned usual)
{
    const char *wanted = std::getenv("CALL_RACES");
    return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : usual;
}

/* Where a thread waits for another, instead of a sleep. */
class gate {
public:
    void open()
    {
        std::lock_guard<std::mutex> held(lock_);
        open_ = true;
        opened_.notify_all();
    }
    void pass()
    {
        std::unique_lock<std::mutex> held(lock_);
        opened_.wait(held, [this] { return open_; });
        open_ = false;
    }

private:
    std::mutex lock_;
    std::condition_variable opened_;
    bool open_ = false;
};

} // namespace tap

#endif
