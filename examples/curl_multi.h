/*
 * libcurl's multi interface behind a call object: one method, which fetches a URL. Any number of
 * transfers are served by one thread, and each of them is a call that can be canceled.
 */
#ifndef CURL_MULTI_H
#define CURL_MULTI_H

#include <call.h>
#include <pthread.h>

enum { FETCHER_FETCH = 0 }; /* input: the URL; output: the body; progress: bytes */

/* Makes a fetcher, and the thread that works for it. The thread ends when the object's last
 * reference is gone: join it then, before curl_global_cleanup. */
call_hresult_t fetcher_create(call_object_t *object_out, pthread_t *thread_out);

/* Fetches from a server that never answers, and cancels; prints each code. 0: all was as it should be. */
int check_fetcher(void);

#endif
