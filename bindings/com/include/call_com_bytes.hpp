/* Values as bytes: what proxies and stubs that are written by hand send to each other. Numbers, enums and structs
 * without pointers; for anything else write to and read from the bytes yourself. */

#ifndef CALL_COM_BYTES_HPP
#define CALL_COM_BYTES_HPP

#include "call_com.h"

#include <array>
#include <cstring>
#include <type_traits>

namespace call_com {

/* A code that changes nothing. */
inline void ignore(HRESULT) {}

/* One value behind the other. */
template <class... Values> std::array<unsigned char, (sizeof(Values) + ... + 0)> packed(const Values &...values)
{
    static_assert((std::is_trivially_copyable_v<Values> && ...), "marshal this by hand");
    std::array<unsigned char, (sizeof(Values) + ... + 0)> bytes{};
    [[maybe_unused]] std::size_t at = 0;
    (..., (std::memcpy(bytes.data() + at, &values, sizeof values), at += sizeof values));
    return bytes;
}

/* The other way round. What is not there is zero. */
class Reader {
public:
    Reader(const void *data, std::size_t len) : data_(static_cast<const unsigned char *>(data)), left_(len) {}

    /* S_OK, or E_UNEXPECTED where there are fewer bytes. */
    template <class... Values> HRESULT get(Values &...values)
    {
        HRESULT result = S_OK;
        (..., (result = one(values) ? result : E_UNEXPECTED));
        return result;
    }

private:
    template <class Value> bool one(Value &value)
    {
        static_assert(std::is_trivially_copyable_v<Value>, "marshal this by hand");
        bool enough = left_ >= sizeof value;
        if (!enough) {
            value = Value();
            return false;
        }
        std::memcpy(&value, data_, sizeof value);
        data_ += sizeof value;
        left_ -= sizeof value;
        return true;
    }

    const unsigned char *data_;
    std::size_t left_;
};

/* Adds values to a call's output. A client that has gone on reads none. */
template <class... Values> void write(call_context_t context, const Values &...values)
{
    auto bytes = packed(values...);
    if (call_context_write(context, bytes.data(), bytes.size()) == E_OUTOFMEMORY)
        ignore(call_context_set_error(context, "no memory for the output"));
}

/* A finished call's output. */
class Output {
public:
    Output() = default;
    ~Output() { call_buffer_release(buffer_); }
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    call_buffer_t *put() { return &buffer_; }
    Reader read() const
    {
        const void *data = nullptr;
        std::size_t len = 0;
        bool there = buffer_.id != 0 && call_buffer_get(buffer_, &data, &len) == S_OK;
        return Reader(there ? data : nullptr, there ? len : 0);
    }

private:
    call_buffer_t buffer_{};
};

}

#endif
