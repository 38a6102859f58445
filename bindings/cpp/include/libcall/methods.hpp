/* Member functions as methods: what comes in becomes a parameter, what is returned becomes the output, and
 * no exception leaves. */
#ifndef LIBCALL_METHODS_HPP
#define LIBCALL_METHODS_HPP

#include "context.hpp"

namespace libcall {

using method_function = call_hresult_t (*)(void *self, context, bytes in) noexcept;

/* A row of a class's table of methods. */
struct method {
    const char *name;
    method_function run;
};

/* The same for a class that begins its calls itself: the method returns soon, and completes later. */
struct begin_method {
    const char *name;
    method_function run;
};

namespace detail {

/* In a catch block: the code that the method ends with, its message given to the call. */
inline call_hresult_t code_of_exception(context of) noexcept
{
    try {
        throw;
    } catch (const canceled &) {
        return RPC_E_CALL_CANCELED;
    } catch (const method_error &failure) {
        hresult code = failure.code().failed() ? failure.code() : hresult(RPC_E_SERVERFAULT);
        return of.fail(code, failure.what()).value();
    } catch (const error &failure) {
        /* A call of its own that ended because this one is to end. */
        bool ended = failure.code() == RPC_E_CALL_CANCELED || failure.code() == RPC_E_TIMEOUT;
        if (ended && of.is_canceled())
            return RPC_E_CALL_CANCELED;
        return of.fail(RPC_E_SERVERFAULT, failure.what()).value();
    } catch (const std::exception &failure) {
        return of.fail(RPC_E_SERVERFAULT, failure.what()).value();
    } catch (...) {
        return of.fail(RPC_E_SERVERFAULT, "an exception that is no std::exception").value();
    }
}

template <class R>
struct is_result : std::false_type {};
template <class R>
struct is_result<result<R>> : std::true_type {};

/* Writes what a method returned. That nobody waits for it any more is no failure of the method's. */
template <class Out>
call_hresult_t answer(context of, const Out &out) noexcept
{
    if constexpr (std::is_same_v<Out, hresult>) {
        return out.value();
    } else if constexpr (std::is_same_v<Out, result<void>>) {
        return out.error().value();
    } else if constexpr (is_result<Out>::value) {
        return out ? answer(of, *out) : out.error().value();
    } else {
        static_assert(!std::is_same_v<Out, call_hresult_t>,
                      "an int32_t may be a code or a number: return hresult for a code, another type for a number");
        hresult hr = of.write(out).error();
        return hr == RPC_E_CALL_CANCELED ? S_OK : hr.value();
    }
}

template <class T, class R, class... In>
struct signature {
    using class_type = T;
    using result_type = R;
    static_assert(sizeof...(In) <= 1, "a method takes a context, and then bytes, one plain value or nothing");
};

template <class T, class R, class... In>
signature<T, R, std::decay_t<In>...> signature_of(R (T::*)(context, In...));
template <class T, class R, class... In>
signature<const T, R, std::decay_t<In>...> signature_of(R (T::*)(context, In...) const);

template <auto Member, class R, class T, class... In>
call_hresult_t run_with(T &self, context of, const In &...in)
{
    if constexpr (std::is_void_v<R>) {
        (self.*Member)(of, in...);
        return S_OK;
    } else {
        return answer(of, (self.*Member)(of, in...));
    }
}

template <auto Member, class T, class R>
call_hresult_t run_signature(signature<T, R>, T &self, context of, bytes)
{
    return run_with<Member, R>(self, of);
}
template <auto Member, class T, class R>
call_hresult_t run_signature(signature<T, R, bytes>, T &self, context of, bytes in)
{
    return run_with<Member, R>(self, of, in);
}
template <auto Member, class T, class R>
call_hresult_t run_signature(signature<T, R, std::string_view>, T &self, context of, bytes in)
{
    return run_with<Member, R>(self, of, in.text());
}
#if defined(__cpp_lib_span)
template <auto Member, class T, class R, class E>
call_hresult_t run_signature(signature<T, R, std::span<const E>>, T &self, context of, bytes in)
{
    static_assert(is_plain<E>, "a span of plain values");
    if (in.size() % sizeof(E) != 0)
        return of.fail(E_INVALIDARG, "the input is not of the size of what the method takes").value();
    return run_with<Member, R>(self, of,
                               std::span<const E>(reinterpret_cast<const E *>(in.data()), in.size() / sizeof(E)));
}
#endif
template <auto Member, class T, class R, class In>
call_hresult_t run_signature(signature<T, R, In>, T &self, context of, bytes in)
{
    auto value = in.template as<In>();
    if (!value)
        return of.fail(E_INVALIDARG, "the input is not of the size of what the method takes").value();
    return run_with<Member, R>(self, of, *value);
}

} // namespace detail

/* The function of a row: run<&my_class::count>. The member takes a context, and then bytes, a
 * string_view, a span of const plain values, a plain value or nothing. It returns nothing, a hresult, or what
 * as_bytes takes, which is the output, also as a result of that. An exception ends the call: canceled with RPC_E_CALL_CANCELED,
 * method_error with its code, each other with RPC_E_SERVERFAULT, with its what() as message; what comes of a call
 * of the method's own that was canceled or timed out because this one is canceled counts as canceled. */
template <auto Member>
call_hresult_t run(void *self, context of, bytes in) noexcept
{
    using called = decltype(detail::signature_of(Member));
    using self_type = typename called::class_type;
    try {
        return detail::run_signature<Member>(called{}, *static_cast<self_type *>(self), of, in);
    } catch (...) {
        return detail::code_of_exception(of);
    }
}

} // namespace libcall

#endif
