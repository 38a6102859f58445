
/* Warns where a result that must be looked at is not. */
#ifndef CALL_MUST_USE
#if defined(__GNUC__) || defined(__clang__)
#define CALL_MUST_USE __attribute__((warn_unused_result))
#else
#define CALL_MUST_USE
#endif
#endif
