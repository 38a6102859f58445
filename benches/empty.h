/* A function of a shared library that does nothing. */
#ifndef EMPTY_H
#define EMPTY_H

#ifdef __cplusplus
extern "C" {
#endif

long empty_call(long value);

#ifdef __cplusplus
}
#endif

#endif /* EMPTY_H */
