/* What the test and its module spy agree on. */
#ifndef SPY_H
#define SPY_H

/* An input begins with a letter; behind it stands where the module says that it has become another one. */
enum { SPY_LETTER = 0, SPY_PATH = 1, SPY_PATH_SIZE = 256 };

/* Methods. */
enum { SPY_WATCH, SPY_METHODS };

#endif
