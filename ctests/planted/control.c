/* Correct use: data that the library alone hands from thread to thread, and data behind a mutex.
 * The sanitizer must be silent. */
#include "use.h"

enum { THREADS = 4, CALLS = 200 };

/* What a call changes: the client before the begin and after the finish, the method between. */
typedef struct paper_t {
    unsigned lines;
} paper_t;

typedef struct office_t {
    pthread_mutex_t mutex;
    unsigned papers;
    call_object_t object;
} office_t;

static atomic_uint destroyed;

static call_hresult_t stamp(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    office_t *office = self;
    paper_t *paper = NULL;
    (void)context, (void)method, (void)in_len;
    memcpy(&paper, in, sizeof paper);
    paper->lines++;
    (void)pthread_mutex_lock(&office->mutex);
    office->papers++;
    (void)pthread_mutex_unlock(&office->mutex);
    return S_OK;
}

/* By whichever thread drops the last reference, after all that the methods did. */
static void close_office(void *self)
{
    office_t *office = self;
    need(office->papers == THREADS * CALLS);
    free(office);
    (void)atomic_fetch_add(&destroyed, 1);
}

static void *client_main(void *argument)
{
    call_t call;
    paper_t *paper = calloc(1, sizeof *paper);
    need(paper != NULL);
    need(call_create(*(const call_object_t *)argument, &call) == S_OK);
    for (unsigned i = 1; i <= CALLS; i++) {
        paper->lines++;
        need(call_begin(call, 0, &paper, sizeof paper) == S_OK);
        need(call_finish(call, NULL, 0, NULL) == S_OK);
        need(paper->lines == 2 * i);
    }
    need(call_release(call) == S_OK);
    free(paper);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    office_t *office = calloc(1, sizeof *office);
    need(office != NULL && pthread_mutex_init(&office->mutex, NULL) == 0);
    call_object_t object = new_object(stamp, close_office, office);
    for (int i = 0; i < THREADS; i++)
        need(pthread_create(&threads[i], NULL, client_main, &object) == 0);
    for (int i = 0; i < THREADS; i++)
        need(pthread_join(threads[i], NULL) == 0);
    need(call_object_release(object) == S_OK);
    await(&destroyed, 1);
    return 0;
}
