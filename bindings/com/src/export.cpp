#include "export.hpp"
#include "apartment.hpp"
#include "guard.hpp"
#include "server_call.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace call_com {

namespace {

HRESULT give_back(void *, call_context_t, uint32_t, const void *in, std::size_t in_len);

/* Makes an object whose begins reach the apartment as long as it lives: there the server is released. */
HRESULT make_releaser(call_apartment_t apartment, call_object_t *object_out)
{
    static const char *const names[] = {"Release"};
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = names;
    cls.method_count = 1;
    cls.invoke = give_back;
    return call_object_create(apartment, &cls, nullptr, object_out);
}

struct Export {
    Export(IUnknown *server_, const call_com_interface_t *const *faces, std::size_t count, call_apartment_t where)
        : server(server_), methods(faces, count), apartment(where)
    {
    }

    IUnknown *const server;
    const Methods methods;
    const call_apartment_t apartment;
    call_object_t releaser{};
};

std::mutex &exports_lock()
{
    static auto *lock = new std::mutex;
    return *lock;
}

std::map<uint64_t, Export *> &exports()
{
    static auto *all = new std::map<uint64_t, Export *>;
    return *all;
}

/* A server on its way out. */
struct Farewell {
    IUnknown *server;
    uint64_t apartment;
};

HRESULT give_back(void *, call_context_t, uint32_t, const void *in, std::size_t)
{
    /* Its bytes are the buffer that was handed over. */
    auto farewell = static_cast<Farewell *>(const_cast<void *>(in));
    Serving serving(farewell->apartment, nullptr);
    std::exchange(farewell->server, nullptr)->Release();
    return S_OK;
}

/* Also where the call never ran, because its apartment was closed. */
void forget(void *data, std::size_t, void *)
{
    std::unique_ptr<Farewell> farewell(static_cast<Farewell *>(data));
    if (farewell->server != nullptr)
        farewell->server->Release();
}

/* In its apartment or, if that takes no calls any more, here. */
void release_server(const Export &self)
{
    if (is_inside(self.apartment.id)) {
        self.server->Release();
        return;
    }
    call_t call{};
    auto farewell = new (std::nothrow) Farewell{self.server, self.apartment.id};
    HRESULT hr = farewell == nullptr ? E_OUTOFMEMORY : call_create(self.releaser, &call);
    if (hr == S_OK)
        hr = call_detach(call);
    if (hr == S_OK)
        hr = call_begin_owned(call, 0, farewell, sizeof *farewell, forget, nullptr);
    call_release(call);
    if (hr != S_OK) {
        delete farewell;
        self.server->Release();
    }
}

void destroy(void *user)
{
    std::unique_ptr<Export> self(static_cast<Export *>(user));
    {
        std::lock_guard<std::mutex> lock(exports_lock());
        for (auto entry = exports().begin(); entry != exports().end(); ++entry) {
            if (entry->second == self.get()) {
                exports().erase(entry);
                break;
            }
        }
    }
    release_server(*self);
    call_object_release(self->releaser);
}

/* What AsyncIUnknown sends: it has been here, after all that was begun before it. */
HRESULT unknown_method(const Export &self, uint32_t number, Reader in, call_context_t out)
{
    if (number != QUERY_INTERFACE)
        return S_OK;
    IID iid{};
    Held<IUnknown> face;
    (void)in.get(iid);
    write(out, iid);
    return self.server->QueryInterface(iid, face.put_void());
}

HRESULT invoke(void *user, call_context_t context, uint32_t number, const void *in, std::size_t in_len)
{
    const auto &self = *static_cast<Export *>(user);
    return protect(context, [&] {
        if (number >= UNKNOWN_METHODS)
            return serve(self.server, self.methods.at(number), self.apartment.id, context, Reader(in, in_len));
        Serving serving(self.apartment.id, nullptr);
        return unknown_method(self, number, Reader(in, in_len), context);
    });
}

HRESULT make_object(std::unique_ptr<Export> self, call_object_t *object_out)
{
    auto names = self->methods.names();
    call_class_t cls{};
    cls.size = sizeof cls;
    cls.methods = names.data();
    cls.method_count = static_cast<uint32_t>(names.size());
    cls.invoke = invoke;
    cls.destroy = destroy;
    HRESULT hr = make_releaser(self->apartment, &self->releaser);
    if (hr < 0)
        return hr;
    call_object_t object{};
    std::lock_guard<std::mutex> lock(exports_lock());
    auto place = exports().emplace(0, self.get()).first;
    hr = call_object_create(self->apartment, &cls, self.get(), &object);
    auto entry = exports().extract(place);
    if (hr < 0) {
        call_object_release(self->releaser);
        return hr;
    }
    entry.key() = object.id;
    exports().insert(std::move(entry));
    self.release();
    *object_out = object;
    return S_OK;
}

}

IUnknown *server_here(call_object_t object)
{
    std::lock_guard<std::mutex> lock(exports_lock());
    auto found = exports().find(object.id);
    return found != exports().end() && is_inside(found->second->apartment.id) ? found->second->server : nullptr;
}

}

extern "C" HRESULT call_com_export(IUnknown *server, const call_com_interface_t *const *faces, std::size_t count,
                                   DWORD threading, call_object_t *object_out)
{
    using namespace call_com;
    if (object_out == nullptr)
        return E_POINTER;
    *object_out = {};
    if (server == nullptr || (faces == nullptr && count > 0))
        return E_POINTER;
    if (threading != COINIT_MULTITHREADED && threading != COINIT_APARTMENTTHREADED)
        return E_INVALIDARG;
    call_apartment_t apartment{};
    HRESULT hr = threading == COINIT_APARTMENTTHREADED ? call_com_get_apartment(&apartment) : S_OK;
    if (hr < 0)
        return hr;
    return guarded([&] {
        auto self = std::make_unique<Export>(server, faces, count, apartment);
        HRESULT made = make_object(std::move(self), object_out);
        if (made == S_OK)
            server->AddRef();
        return made;
    });
}
