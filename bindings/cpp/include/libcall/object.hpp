/* Objects: classes whose member functions are methods. */
#ifndef LIBCALL_OBJECT_HPP
#define LIBCALL_OBJECT_HPP

#include <iterator>
#include <memory>

#include "apartment.hpp"
#include "call.hpp"
#include "methods.hpp"

namespace libcall {

namespace detail {

template <class T>
using row_of = std::remove_const_t<std::remove_reference_t<decltype(T::methods[0])>>;

template <class T>
call_hresult_t run_row(void *self, call_context_t of, std::uint32_t number, const void *in, size_t len) noexcept
{
    return T::methods[number].run(self, context(of), bytes(in, len));
}

template <class T, class = void>
struct takes_cancel : std::false_type {};
template <class T>
struct takes_cancel<T, std::void_t<decltype(std::declval<T &>().cancel(context(), std::chrono::milliseconds()))>>
    : std::true_type {};

template <class T>
call_hresult_t run_cancel(void *self, call_context_t of, std::uint32_t grace_ms) noexcept
{
    using std::chrono::milliseconds;
    milliseconds left = grace_ms == CALL_INFINITE ? (milliseconds::max)() : milliseconds(grace_ms);
    try {
        return hresult(static_cast<T *>(self)->cancel(context(of), left)).value();
    } catch (...) {
        return RPC_E_SERVERFAULT;
    }
}

template <class T, class = void>
struct is_custom : std::false_type {};
template <class T>
struct is_custom<T, std::void_t<decltype(T::custom_marshaling)>> : std::bool_constant<T::custom_marshaling> {};

template <class T>
void destroy(void *self) noexcept
{
    delete static_cast<T *>(self);
}

} // namespace detail

class object_ref : public view<call_object_t> {
public:
    using view::view;

    result<call> create_call() const noexcept
    {
        call_t made{};
        hresult hr = call_create(handle_, &made);
        if (hr.failed())
            return hr;
        return call(made);
    }
    result<std::uint32_t> find_method(const char *name) const noexcept
    {
        std::uint32_t number = 0;
        hresult hr = call_object_find_method(handle_, name, &number);
        if (hr.failed())
            return hr;
        return number;
    }

    /* Calls a method and waits for its result. The output is a plain value, for which no memory is needed,
     * or comes in the library's buffer. */
    template <class T = buffer, class In>
    outcome<T> invoke(std::uint32_t number, const In &in, timeout time = infinite) const noexcept
    {
        bytes input = libcall::as_bytes(in);
        call_fate_t what = CALL_FATE_NONE;
        if constexpr (std::is_same_v<T, buffer>) {
            call_buffer_t taken{};
            hresult code =
                call_invoke_buffer(handle_, number, input.data(), input.size(), &taken, time.milliseconds(), &what);
            return {code, static_cast<fate>(what), buffer(taken)};
        } else {
            unsigned char room[sizeof(T)];
            size_t len = 0;
            hresult code = call_invoke(handle_, number, input.data(), input.size(), room, sizeof room, &len,
                                       time.milliseconds(), &what);
            return {code, static_cast<fate>(what), bytes(room, len).template as<T>()};
        }
    }

    result<void> disconnect() const noexcept { return call_object_disconnect(handle_); }
    /* One owner more. */
    result<owner<object_ref>> share() const noexcept
    {
        hresult hr = call_object_add_ref(handle_);
        if (hr.failed())
            return hr;
        return owner<object_ref>(handle_);
    }

    /* An object of class T in an apartment. T has a table of its methods:
     *
     *     static constexpr libcall::method methods[] = {{"count", libcall::run<&counter::count>}};
     *
     * With rows of type begin_method it begins its calls itself, and with
     * static constexpr bool custom_marshaling = true on the client's thread wherever that is. A member
     * hresult cancel(context, std::chrono::milliseconds grace) is the class's own cancel interface.
     *
     * It is deleted when the last reference is gone and none of its methods runs. */
    template <class T>
    static result<owner<object_ref>> create(apartment_ref where, std::unique_ptr<T> self) noexcept
    {
        auto made = create_with(where, self.get(), detail::destroy<T>);
        if (made)
            (void)self.release();
        return made;
    }
    /* The same with an object that stays the caller's, and outlives its methods. */
    template <class T>
    static result<owner<object_ref>> refer(apartment_ref where, T &self) noexcept
    {
        return create_with(where, &self, static_cast<call_destroy_fn>(nullptr));
    }
    /* The same with one made here; throws what making it throws. */
    template <class T, class... A>
    static result<owner<object_ref>> make(apartment_ref where, A &&...parts)
    {
        return create(where, std::make_unique<T>(std::forward<A>(parts)...));
    }

protected:
    static void give_back(call_object_t handle) noexcept { call_object_release(handle); }

private:
    template <class T>
    static result<owner<object_ref>> create_with(apartment_ref where, T *self, call_destroy_fn destroy) noexcept
    {
        constexpr bool begins = std::is_same_v<detail::row_of<T>, begin_method>;
        static_assert(begins || std::is_same_v<detail::row_of<T>, method>,
                      "methods is an array of method or begin_method");
        static_assert(begins || !detail::is_custom<T>::value,
                      "a class that does its own marshaling has begin_method rows");
        const char *names[std::size(T::methods)];
        for (std::size_t i = 0; i < std::size(T::methods); i++)
            names[i] = T::methods[i].name;

        call_class_t cls{};
        cls.size = sizeof cls;
        cls.methods = names;
        cls.method_count = static_cast<std::uint32_t>(std::size(T::methods));
        cls.flags = detail::is_custom<T>::value ? CALL_CLASS_CUSTOM_MARSHALING : 0;
        (begins ? cls.begin : cls.invoke) = detail::run_row<T>;
        if constexpr (detail::takes_cancel<T>::value)
            cls.cancel = detail::run_cancel<T>;
        cls.destroy = destroy;

        call_object_t made{};
        hresult hr = call_object_create(where.get(), &cls, self, &made);
        if (hr.failed())
            return hr;
        return owner<object_ref>(made);
    }
};
using object = owner<object_ref>;

} // namespace libcall

#endif
