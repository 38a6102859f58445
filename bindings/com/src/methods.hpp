/* The numbers of methods: IUnknown's three come first, as they do in a vtable, and then those of each interface. */

#ifndef CALL_COM_METHODS_HPP
#define CALL_COM_METHODS_HPP

#include <call_com.hpp>

#include <cstddef>
#include <vector>

namespace call_com {

enum UnknownMethod : uint32_t { QUERY_INTERFACE, ADD_REF, RELEASE, UNKNOWN_METHODS };

struct Method {
    const call_com_interface_t *face;
    uint32_t number; /* in the interface */
};

class Methods {
public:
    Methods(const call_com_interface_t *const *faces, std::size_t count) : faces_(faces, faces + count) {}

    const std::vector<const call_com_interface_t *> &faces() const { return faces_; }

    /* The number of the interface's first method. */
    uint32_t first_of(std::size_t index) const
    {
        uint32_t first = UNKNOWN_METHODS;
        for (std::size_t i = 0; i < index; i++)
            first += faces_[i]->method_count;
        return first;
    }

    /* The method of a number from UNKNOWN_METHODS on, which the object has. */
    Method at(uint32_t number) const
    {
        number -= UNKNOWN_METHODS;
        std::size_t index = 0;
        while (number >= faces_[index]->method_count)
            number -= faces_[index++]->method_count;
        return {faces_[index], number};
    }

    std::vector<const char *> names() const
    {
        std::vector<const char *> names{"QueryInterface", "AddRef", "Release"};
        for (const call_com_interface_t *face : faces_)
            names.insert(names.end(), face->methods, face->methods + face->method_count);
        return names;
    }

private:
    std::vector<const call_com_interface_t *> faces_;
};

}

#endif
