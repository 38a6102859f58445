/* Which apartment a thread is in, and which call it serves. */

#ifndef CALL_COM_APARTMENT_HPP
#define CALL_COM_APARTMENT_HPP

#include <call_com.h>

namespace call_com {

/* The multi-threaded apartment is the null apartment of call.h. */
constexpr uint64_t MULTI_THREADED = 0;

/* Is the calling thread inside: by CoInitializeEx, or because it runs a method there? */
bool is_inside(uint64_t apartment);

/* A method that the calling thread runs: its apartment is where the thread is, and `context`, which may be NULL, is
 * what CoGetCallContext finds. */
class Serving {
public:
    Serving(uint64_t apartment, IUnknown *context);
    ~Serving();
    Serving(const Serving &) = delete;
    Serving &operator=(const Serving &) = delete;

private:
    friend bool is_inside(uint64_t apartment);

    const uint64_t apartment_;
    const Serving *const around_;
    IUnknown *const before_;
};

}

#endif
