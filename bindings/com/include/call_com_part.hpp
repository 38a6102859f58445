/* An object that may be part of another one (aggregation): call_com.hpp and the library's own objects use it. */

#ifndef CALL_COM_PART_HPP
#define CALL_COM_PART_HPP

#include "call_com.h"

#include <atomic>
#include <cstring>

namespace call_com {

inline bool same(REFIID left, REFIID right)
{
    return std::memcmp(&left, &right, sizeof left) == 0;
}

/* Its own IUnknown holds the count and the list of interfaces; theirs are those of the controlling unknown, which
 * is its own where nobody aggregates it. Born with one reference. */
class Part {
public:
    /* The only one that a holder of the part counts by. */
    IUnknown *own() { return &unknown_; }
    /* The controlling unknown. */
    IUnknown *outer() { return outer_; }

    Part(const Part &) = delete;
    Part &operator=(const Part &) = delete;

protected:
    explicit Part(IUnknown *outer) : unknown_(this), outer_(outer == nullptr ? &unknown_ : outer) {}
    virtual ~Part() = default;

    /* The part's interface of that IID without a reference for the caller, or NULL. Asked for all but IUnknown. */
    virtual IUnknown *find(REFIID riid) = 0;
    /* What is not its own: the code, with *ppv set on success. */
    virtual HRESULT find_elsewhere(REFIID, void **) { return E_NOINTERFACE; }

private:
    struct Own final : public IUnknown {
        explicit Own(Part *whose) : part(whose) {}

        HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **ppv) override
        {
            if (ppv == nullptr)
                return E_POINTER;
            *ppv = nullptr;
            IUnknown *found = same(riid, IID_IUnknown) ? this : part->find(riid);
            if (found == nullptr)
                return part->find_elsewhere(riid, ppv);
            found->AddRef();
            *ppv = found;
            return S_OK;
        }

        ULONG STDMETHODCALLTYPE AddRef() override { return references.fetch_add(1, std::memory_order_relaxed) + 1; }

        ULONG STDMETHODCALLTYPE Release() override
        {
            ULONG left = references.fetch_sub(1, std::memory_order_acq_rel) - 1;
            if (left == 0) {
                /* Its parts may be asked for interfaces while it goes: the count does not come to zero again. */
                references.store(1U << 30, std::memory_order_relaxed);
                delete part;
            }
            return left;
        }

        Part *const part;
        std::atomic<ULONG> references{1};
    };

    Own unknown_;
    IUnknown *const outer_;
};

/* An interface's first three slots, for a class that is a Part. */
template <class Base, class Face> class Delegating : public Base, public Face {
public:
    using Base::Base;
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **ppv) override
    {
        return this->outer()->QueryInterface(riid, ppv);
    }
    ULONG STDMETHODCALLTYPE AddRef() override { return this->outer()->AddRef(); }
    ULONG STDMETHODCALLTYPE Release() override { return this->outer()->Release(); }
};

/* A reference that is given back. */
template <class T> class Held {
public:
    Held() = default;
    ~Held() { reset(); }
    Held(Held &&other) noexcept : pointer_(other.pointer_) { other.pointer_ = nullptr; }
    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;

    T *get() const { return pointer_; }
    T *operator->() const { return pointer_; }
    explicit operator bool() const { return pointer_ != nullptr; }
    /* For an output, while it is empty. */
    T **put() { return &pointer_; }
    void **put_void() { return reinterpret_cast<void **>(&pointer_); }
    void reset()
    {
        T *pointer = pointer_;
        pointer_ = nullptr;
        if (pointer != nullptr)
            pointer->Release();
    }

private:
    T *pointer_ = nullptr;
};

}

#endif
