/* Apartments: where objects live and their methods run. */
#ifndef LIBCALL_APARTMENT_HPP
#define LIBCALL_APARTMENT_HPP

#include "owner.hpp"
#include "result.hpp"
#include "time.hpp"

namespace libcall {

/* call_apartment_options_t with its defaults. */
struct apartment_options : call_apartment_options_t {
    explicit apartment_options(std::uint32_t of_kind = CALL_APARTMENT_MULTI, const char *of_threads = nullptr) noexcept
        : call_apartment_options_t{}
    {
        size = sizeof(call_apartment_options_t);
        kind = of_kind;
        name = of_threads;
    }
};

/* The null one is the process-wide pool. */
class apartment_ref : public view<call_apartment_t> {
public:
    using view::view;

    /* Serves a single apartment on its own thread: the number of methods run. */
    result<std::uint32_t> pump(timeout time) const noexcept
    {
        std::uint32_t served = 0;
        hresult hr = call_apartment_pump(handle_, time.milliseconds(), &served);
        if (hr.failed())
            return hr;
        return served;
    }
    /* Readable while a single apartment is to be pumped; the library's. */
    result<int> descriptor() const noexcept
    {
        std::int32_t fd = -1;
        hresult hr = call_apartment_get_fd(handle_, &fd);
        if (hr.failed())
            return hr;
        return result<int>(std::in_place, fd);
    }
    /* Ends what is in it; the number of methods that still run. */
    result<std::uint32_t> close(timeout time) const noexcept
    {
        std::uint32_t remaining = 0;
        hresult hr = call_apartment_close(handle_, time.milliseconds(), &remaining);
        if (hr.failed())
            return hr;
        return remaining;
    }

    static result<owner<apartment_ref>> create(const call_apartment_options_t &options) noexcept
    {
        call_apartment_t made{};
        hresult hr = call_apartment_create(&options, &made);
        if (hr.failed())
            return hr;
        return owner<apartment_ref>(made);
    }
    static result<owner<apartment_ref>> create_multi(const char *name = nullptr) noexcept
    {
        return create(apartment_options(CALL_APARTMENT_MULTI, name));
    }
    static result<owner<apartment_ref>> create_single(const char *name = nullptr) noexcept
    {
        return create(apartment_options(CALL_APARTMENT_SINGLE, name));
    }
    static result<owner<apartment_ref>> create_serial(const char *name = nullptr) noexcept
    {
        return create(apartment_options(CALL_APARTMENT_SERIAL, name));
    }

protected:
    static void give_back(call_apartment_t handle) noexcept { call_apartment_release(handle); }
};
using apartment = owner<apartment_ref>;

} // namespace libcall

#endif
