/* Codes and fates as types. */
#ifndef LIBCALL_HRESULT_HPP
#define LIBCALL_HRESULT_HPP

#include <call.h>
#include <cstdint>

namespace libcall {

/* An HRESULT. Compare it for equality: RPC_S_CALLPENDING, whose name says success, is a failure code. */
class hresult {
public:
    constexpr hresult(call_hresult_t code = S_OK) noexcept : code_(code) {}

    constexpr call_hresult_t value() const noexcept { return code_; }
    constexpr bool succeeded() const noexcept { return code_ >= 0; }
    constexpr bool failed() const noexcept { return code_ < 0; }
    /* The macro's name, and a sentence. */
    const char *name() const noexcept { return call_hresult_name(code_); }
    const char *sentence() const noexcept { return call_hresult_message(code_); }

    friend constexpr bool operator==(hresult a, hresult b) noexcept { return a.code_ == b.code_; }
    friend constexpr bool operator!=(hresult a, hresult b) noexcept { return a.code_ != b.code_; }

private:
    call_hresult_t code_;
};

/* What became of the work of a call. */
enum class fate : call_fate_t {
    none = CALL_FATE_NONE,
    completed = CALL_FATE_COMPLETED,
    never_started = CALL_FATE_NEVER_STARTED,
    stopped = CALL_FATE_STOPPED,
    running = CALL_FATE_RUNNING,
    killed = CALL_FATE_KILLED,
    unknown = CALL_FATE_UNKNOWN,
};

inline const char *name(fate what) noexcept
{
    switch (what) {
    case fate::none: return "NONE";
    case fate::completed: return "COMPLETED";
    case fate::never_started: return "NEVER_STARTED";
    case fate::stopped: return "STOPPED";
    case fate::running: return "RUNNING";
    case fate::killed: return "KILLED";
    case fate::unknown: return "UNKNOWN";
    }
    return "no such fate";
}

/* Why a call was canceled. */
enum class cause : std::uint32_t {
    none = CALL_CAUSE_NONE,
    cancel = CALL_CAUSE_CANCEL,
    timeout = CALL_CAUSE_TIMEOUT,
    disconnect = CALL_CAUSE_DISCONNECT,
    parent = CALL_CAUSE_PARENT,
    parent_timeout = CALL_CAUSE_PARENT_TIMEOUT,
};

} // namespace libcall

#endif
