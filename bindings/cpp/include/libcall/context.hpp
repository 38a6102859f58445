/* The server's view of one call: what a method is given. */
#ifndef LIBCALL_CONTEXT_HPP
#define LIBCALL_CONTEXT_HPP

#include <exception>

#include "bytes.hpp"
#include "owner.hpp"
#include "result.hpp"
#include "time.hpp"

namespace libcall {

/* Thrown by throw_if_canceled: the method ends with RPC_E_CALL_CANCELED. */
class canceled : public std::exception {
public:
    const char *what() const noexcept override { return "the call was canceled"; }
};

/* Thrown by a method that wants to end with a failure code of its own, and a message. */
class method_error : public std::runtime_error {
public:
    method_error(hresult code, const std::string &message) : std::runtime_error(message), code_(code) {}
    hresult code() const noexcept { return code_; }

private:
    hresult code_;
};

/* The byte that is zero until a cancel is requested: for a tight loop, while the method runs. */
class cancel_flag {
public:
    explicit cancel_flag(const std::uint8_t *flag) noexcept : flag_(flag) {}
    explicit operator bool() const noexcept
    {
#if defined(__GNUC__) || defined(__clang__)
        return __atomic_load_n(flag_, __ATOMIC_RELAXED) != 0;
#else
        return *static_cast<const volatile std::uint8_t *>(flag_) != 0;
#endif
    }

private:
    const std::uint8_t *flag_;
};

/* A name, copied freely, that is good until the method's end. The null one is this thread's innermost
 * method, where call.h says so. */
class context : public view<call_context_t> {
public:
    using view::view;

    bool is_canceled() const noexcept { return call_context_test_cancel(handle_) == RPC_E_CALL_CANCELED; }
    void throw_if_canceled() const
    {
        if (is_canceled())
            throw canceled();
    }
    /* A sleep that a cancel ends. True: canceled. */
    [[nodiscard]] bool wait_cancel(timeout time) const noexcept
    {
        return call_context_wait_cancel(handle_, time.milliseconds()) == RPC_E_CALL_CANCELED;
    }
    result<libcall::cancel_flag> cancel_flag() const noexcept
    {
        const std::uint8_t *flag = nullptr;
        hresult hr = call_context_get_cancel_flag(handle_, &flag);
        if (hr.failed())
            return hr;
        return libcall::cancel_flag(flag);
    }
    /* Readable once the call is canceled; the library's. */
    result<int> cancel_descriptor() const noexcept
    {
        std::int32_t fd = -1;
        hresult hr = call_context_get_cancel_fd(handle_, &fd);
        if (hr.failed())
            return hr;
        return result<int>(std::in_place, fd);
    }

    /* Appends to the output; takes what as_bytes takes. */
    template <class Out>
    result<void> write(const Out &out) const noexcept
    {
        bytes output = libcall::as_bytes(out);
        return call_context_write(handle_, output.data(), output.size());
    }
    /* Room at the end of the output, to be written in place and committed. */
    result<writable_bytes> reserve(std::size_t size) const noexcept
    {
        void *room = nullptr;
        hresult hr = call_context_reserve(handle_, size, &room);
        if (hr.failed())
            return hr;
        return writable_bytes(room, size);
    }
    result<void> commit(std::size_t size) const noexcept { return call_context_commit(handle_, size); }

    hresult set_progress(std::uint64_t done, std::uint64_t total) const noexcept
    {
        return call_context_set_progress(handle_, done, total);
    }
    /* The message that goes with a failure; gives the code back, so that a method ends with return fail(...). */
    hresult fail(hresult code, const char *message) const noexcept
    {
        (void)set_error(message).has_value();
        return code;
    }
    result<void> set_error(const char *message) const noexcept { return call_context_set_error(handle_, message); }

    /* The time until the deadline; empty: there is none. */
    result<std::optional<std::chrono::milliseconds>> deadline() const noexcept
    {
        using left_type = std::optional<std::chrono::milliseconds>;
        std::uint32_t left = 0;
        hresult hr = call_context_get_deadline(handle_, &left);
        if (hr.failed())
            return hr;
        return left == CALL_INFINITE ? left_type() : left_type(std::chrono::milliseconds(left));
    }

    /* Ends a deferred method; see completion for an owner of that duty. */
    hresult complete(hresult code) const noexcept { return call_context_complete(handle_, code.value()); }

    static result<context> current() noexcept
    {
        call_context_t innermost{};
        hresult hr = call_context_current(&innermost);
        if (hr.failed())
            return hr;
        return context(innermost);
    }
};

/* A method returns this to go on after its return. */
inline constexpr hresult deferred{CALL_S_DEFERRED};

/* The duty to end a deferred method. Move-only; one that is destroyed undone ends it with E_ABORT. */
class completion {
public:
    completion() noexcept = default;
    explicit completion(context of) noexcept : context_(of) {}
    completion(completion &&other) noexcept : context_(std::exchange(other.context_, context())) {}
    completion &operator=(completion &&other) noexcept
    {
        if (this != &other) {
            drop();
            context_ = std::exchange(other.context_, context());
        }
        return *this;
    }
    ~completion() { drop(); }

    context of() const noexcept { return context_; }
    hresult complete(hresult code = S_OK) noexcept { return std::exchange(context_, context()).complete(code); }
    /* Writes the output, and completes with S_OK, or with what writing it failed with. */
    template <class Out>
    hresult complete_with(const Out &out) noexcept
    {
        return complete(context_.write(out).error());
    }

private:
    void drop() noexcept
    {
        if (context_)
            complete(context_.fail(E_ABORT, "the method's completion was dropped"));
    }

    context context_;
};

/* A region that a cancel does not interrupt. */
class uninterrupted {
public:
    explicit uninterrupted(context of = {}) noexcept : context_(of), entered_(call_context_disable_cancel(of.get())) {}
    uninterrupted(const uninterrupted &) = delete;
    uninterrupted &operator=(const uninterrupted &) = delete;
    ~uninterrupted() { end(); }

    /* Whether the region was entered: not if the call is canceled already. */
    explicit operator bool() const noexcept { return entered_ == S_OK; }
    /* Ends it. True: a cancel came meanwhile, or before. */
    bool end() noexcept
    {
        if (std::exchange(entered_, hresult(RPC_E_CALL_COMPLETE)) != S_OK)
            return call_context_test_cancel(context_.get()) == RPC_E_CALL_CANCELED;
        return call_context_enable_cancel(context_.get()) == RPC_E_CALL_CANCELED;
    }

private:
    context context_;
    hresult entered_;
};

} // namespace libcall

#endif
