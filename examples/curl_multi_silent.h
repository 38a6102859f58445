/* A local HTTP server that reads one request and never answers it. It lives for as long as its client
 * keeps the connection, and for a guard's time at most. */
#ifndef CURL_MULTI_SILENT_H
#define CURL_MULTI_SILENT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

typedef struct silent_t {
    int listener;
    char url[64];
    sem_t asked; /* posted when the whole request was read, and when nothing came */
    bool request_came, closed_by_client;
    pthread_t thread;
} silent_t;

bool silent_open(silent_t *server);
bool silent_wait_for_request(silent_t *server);
bool silent_close(silent_t *server); /* waits for its end: whether the client closed the connection */

#endif
