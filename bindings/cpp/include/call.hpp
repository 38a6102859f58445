/*
 * libcall for C++17 and later: owners, results, objects that are classes; with C++20 spans, stop tokens
 * and co_await. Header-only: it sees call.h and the library, and nothing else.
 *
 * Functions that may fail give a result (result.hpp), whose value() throws an error. A handle comes as
 * two types: an owner, which is move-only and gives it back (object, call, queue ...), and what it is
 * derived from, a view that is copied freely and owns nothing (object_ref, call_ref, queue_ref ...).
 * get() is the C handle: what has no C++ form is called as in C. What call.h says of threads, waits and
 * codes holds here, too.
 *
 * Nothing is allocated that a C program would not allocate: where a std::string, an exception or a
 * stop_token's state is made, the function says so.
 */
#ifndef LIBCALL_CALL_HPP
#define LIBCALL_CALL_HPP

#include "libcall/apartment.hpp"
#include "libcall/await.hpp"
#include "libcall/bytes.hpp"
#include "libcall/call.hpp"
#include "libcall/context.hpp"
#include "libcall/hresult.hpp"
#include "libcall/methods.hpp"
#include "libcall/object.hpp"
#include "libcall/outcome.hpp"
#include "libcall/owner.hpp"
#include "libcall/queue.hpp"
#include "libcall/result.hpp"
#include "libcall/stop.hpp"
#include "libcall/thread.hpp"
#include "libcall/time.hpp"

#endif
