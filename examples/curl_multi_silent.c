/* The server that never answers. */
#include "curl_multi_silent.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GUARD_MS = 60000 };

static bool readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, GUARD_MS) == 1;
}

/* Reads until the request's empty line. */
static bool read_request(int connection)
{
    char request[4096];
    size_t len = 0;
    while (len < sizeof request - 1 && readable(connection)) {
        ssize_t got = recv(connection, request + len, sizeof request - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void *serve(void *argument)
{
    silent_t *server = argument;
    char byte;
    int connection = readable(server->listener) ? accept(server->listener, NULL, NULL) : -1;
    server->request_came = connection >= 0 && read_request(connection);
    sem_post(&server->asked);
    server->closed_by_client = server->request_came && readable(connection) && recv(connection, &byte, 1, 0) == 0;
    if (connection >= 0)
        close(connection);
    return NULL;
}

bool silent_open(silent_t *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    sem_init(&server->asked, 0, 0);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) != 0
        || listen(server->listener, 1) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
        return false;
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
    return pthread_create(&server->thread, NULL, serve, server) == 0;
}

bool silent_wait_for_request(silent_t *server)
{
    while (sem_wait(&server->asked) != 0) {}
    return server->request_came;
}

bool silent_close(silent_t *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    sem_destroy(&server->asked);
    return server->closed_by_client;
}
