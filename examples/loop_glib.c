/*
 * GLib: a completion queue as a GSource, for a GMainLoop and so for GTK.
 */
#include <glib.h>

#include "loop_jobs.h"

typedef struct queue_source_t {
    GSource source; /* first: GLib allocates the rest behind it */
    gpointer watched;
} queue_source_t;

/* Nothing is known before the poll, and no timeout is needed. */
static gboolean prepare(GSource *source, gint *timeout_ms)
{
    (void)source;
    *timeout_ms = -1;
    return FALSE;
}

/* Level-triggered: as long as something is in the queue, or when it is closed and empty. */
static gboolean check(GSource *source)
{
    return (g_source_query_unix_fd(source, ((queue_source_t *)source)->watched) & G_IO_IN) != 0;
}

static gboolean dispatch(GSource *source, GSourceFunc take, gpointer user)
{
    (void)source;
    return take(user);
}

/* A source that calls take while something is in the queue, until take gives FALSE. */
static GSource *new_queue_source(call_queue_t queue, GSourceFunc take, gpointer user)
{
    static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch};
    gint fd;
    if (call_queue_get_fd(queue, &fd) < 0)
        return NULL;
    GSource *source = g_source_new(&functions, sizeof(queue_source_t));
    ((queue_source_t *)source)->watched = g_source_add_unix_fd(source, fd, G_IO_IN);
    g_source_set_callback(source, take, user, NULL);
    return source;
}

typedef struct program_t {
    jobs_t jobs;
    GMainLoop *loop;
} program_t;

static gboolean take(gpointer user)
{
    program_t *program = user;
    if (take_jobs(&program->jobs))
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(program->loop);
    return G_SOURCE_REMOVE;
}

static gboolean tick(gpointer user)
{
    tick_jobs(&((program_t *)user)->jobs);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    program_t program = {.loop = g_main_loop_new(NULL, FALSE)};
    if (!begin_jobs(&program.jobs))
        return 2;
    GSource *source = new_queue_source(program.jobs.queue, take, &program);
    if (source == NULL)
        return 2;
    g_source_attach(source, NULL);
    guint timer = g_timeout_add(TICK_MS, tick, &program);
    g_main_loop_run(program.loop);
    g_source_remove(timer);
    g_source_unref(source);
    g_main_loop_unref(program.loop);
    return end_jobs(&program.jobs, "GLib");
}
