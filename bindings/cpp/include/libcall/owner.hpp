/* The owner of a handle: move-only, gives it back once. */
#ifndef LIBCALL_OWNER_HPP
#define LIBCALL_OWNER_HPP

#include <utility>

namespace libcall {

/* A view of a handle of the kind H: copied freely, owns nothing. */
template <class H>
class view {
public:
    using handle_type = H;

    constexpr view() noexcept = default;
    constexpr view(H handle) noexcept : handle_(handle) {}

    constexpr H get() const noexcept { return handle_; }
    constexpr explicit operator bool() const noexcept { return handle_.id != 0; }

    friend constexpr bool operator==(const view &a, const view &b) noexcept { return a.handle_.id == b.handle_.id; }
    friend constexpr bool operator!=(const view &a, const view &b) noexcept { return a.handle_.id != b.handle_.id; }

protected:
    H handle_{};
};

/* Ref is the view with the handle's functions; its give_back(handle) releases one. */
template <class Ref>
class owner : public Ref {
public:
    using handle_type = typename Ref::handle_type;

    constexpr owner() noexcept = default;
    /* Takes a reference over. */
    constexpr explicit owner(handle_type taken) noexcept : Ref(taken) {}
    owner(owner &&other) noexcept : Ref(other.release()) {}
    owner &operator=(owner &&other) noexcept
    {
        reset(other.release());
        return *this;
    }
    ~owner() { reset(); }

    /* Hands the reference out: the caller gives it back. */
    handle_type release() noexcept { return std::exchange(this->handle_, handle_type{}); }

    void reset(handle_type taken = {}) noexcept
    {
        handle_type old = std::exchange(this->handle_, taken);
        if (old.id != 0)
            Ref::give_back(old);
    }
};

} // namespace libcall

#endif
