/*
 * A window that stays alive: one button begins a long job, a bar shows how far it is, another cancels it.
 *   window               for you
 *   window --shot FILE   drives itself, and writes a picture of itself half-way
 */
#include <call.h>
#include <glib-unix.h>
#include <gtk/gtk.h>
#include <stdio.h>
#include <string.h>

#include "fate_name.h"

enum { LIMIT = 20000000, BLOCK = 1000, TICK_MS = 20, GRACE_MS = 5000, GUARD_SECONDS = 120 };

typedef struct window_t {
    GtkWidget *window, *begin, *cancel, *bar, *text;
    call_t call;
    call_cancel_t cancel_call;
    call_queue_t queue;
    call_fate_t fate;
    gboolean running;
    double shown;             /* what the bar shows, 0 to 1 */
    unsigned moves;           /* how often the bar moved forward */
    gint64 last_tick, gap_us; /* the longest time between two ticks of the loop */
    const char *shot;
    gboolean shot_taken;
} window_t;

/* The job: counts primes, on a thread of the library's. */
static call_hresult_t count(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)method, (void)in, (void)in_len;
    uint32_t found = 0;
    call_hresult_t hr = S_OK;
    for (uint32_t n = 2, d; n < LIMIT && hr == S_OK; n++) {
        if (n % BLOCK == 0)
            hr = call_context_set_progress(context, n, LIMIT);
        if (hr == S_OK && call_context_test_cancel(context) == RPC_E_CALL_CANCELED)
            hr = RPC_E_CALL_CANCELED;
        for (d = 2; d * d <= n && n % d != 0; d++) {}
        found += d * d > n;
    }
    call_hresult_t written = call_context_write(context, &found, sizeof found); /* also what was found so far */
    return written < 0 ? written : hr;
}

static void show(window_t *it, const char *text)
{
    gtk_label_set_text(GTK_LABEL(it->text), text);
    gtk_widget_set_sensitive(it->begin, !it->running);
    gtk_widget_set_sensitive(it->cancel, it->running);
}

static void on_begin(GtkButton *button, gpointer user)
{
    window_t *it = user;
    (void)button;
    it->running = call_begin(it->call, 0, NULL, 0) == S_OK && call_query_cancel(it->call, &it->cancel_call) == S_OK;
    it->shown = 0;
    show(it, it->running ? "Counting the primes below 20 million ..." : "It could not begin.");
}

static void on_cancel(GtkButton *button, gpointer user)
{
    window_t *it = user;
    (void)button;
    if (call_request_cancel(it->cancel_call, GRACE_MS) == S_OK) /* never blocks */
        gtk_label_set_text(GTK_LABEL(it->text), "Asked to stop ...");
}

/* The queue's descriptor is readable: the job has ended, one way or the other. */
static gboolean on_complete(gint fd, GIOCondition condition, gpointer user)
{
    window_t *it = user;
    call_completion_t completion;
    size_t taken = 0;
    (void)fd, (void)condition;
    while (call_queue_next(it->queue, &completion, 1, 0, &taken) == S_OK) {
        uint32_t found = 0;
        char text[100];
        call_hresult_t result = call_try_finish(it->call, &found, sizeof found, NULL);
        if (call_get_fate(it->call, &it->fate) < 0)
            it->fate = CALL_FATE_NONE;
        call_cancel_release(it->cancel_call);
        it->running = FALSE;
        snprintf(text, sizeof text, "%s: %u primes, fate %s", call_hresult_name(result), found, fate_name(it->fate));
        show(it, text);
        if (it->shot != NULL) {
            printf("%s\n", text);
            gtk_widget_destroy(it->window);
        }
    }
    return G_SOURCE_CONTINUE;
}

static gboolean take_shot(window_t *it)
{
    GdkWindow *shown = gtk_widget_get_window(it->window);
    GdkPixbuf *picture =
        gdk_pixbuf_get_from_window(shown, 0, 0, gdk_window_get_width(shown), gdk_window_get_height(shown));
    gboolean saved = picture != NULL && gdk_pixbuf_save(picture, it->shot, "png", NULL, NULL);
    g_clear_object(&picture);
    return saved;
}

/* The bar, every 20 ms; and the buttons, if the window drives itself. */
static gboolean on_tick(gpointer user)
{
    window_t *it = user;
    uint64_t done = 0, total = 0;
    gint64 now = g_get_monotonic_time();
    it->gap_us = it->last_tick == 0 ? 0 : MAX(it->gap_us, now - it->last_tick);
    it->last_tick = now;
    if (it->running && call_get_progress(it->call, &done, &total) == S_OK && total != 0) {
        double part = (double)done / (double)total;
        it->moves += part > it->shown;
        it->shown = part;
        gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(it->bar), part);
    }
    if (it->shot != NULL && !it->running && it->fate == CALL_FATE_NONE)
        gtk_button_clicked(GTK_BUTTON(it->begin));
    else if (it->shot != NULL && it->shown >= 0.4 && !it->shot_taken) {
        it->shot_taken = take_shot(it);
        gtk_button_clicked(GTK_BUTTON(it->cancel));
    }
    return G_SOURCE_CONTINUE;
}

static GtkWidget *button(window_t *it, GtkWidget *box, const char *label, GCallback clicked)
{
    GtkWidget *made = gtk_button_new_with_label(label);
    g_signal_connect(made, "clicked", clicked, it);
    gtk_box_pack_start(GTK_BOX(box), made, TRUE, TRUE, 0);
    return made;
}

static void make_window(window_t *it)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12), *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    it->window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    it->bar = gtk_progress_bar_new();
    it->text = gtk_label_new(NULL);
    it->begin = button(it, row, "Begin", G_CALLBACK(on_begin));
    it->cancel = button(it, row, "Cancel", G_CALLBACK(on_cancel));
    gtk_window_set_title(GTK_WINDOW(it->window), "A long job");
    gtk_window_set_default_size(GTK_WINDOW(it->window), 420, -1);
    gtk_container_set_border_width(GTK_CONTAINER(it->window), 16);
    gtk_progress_bar_set_show_text(GTK_PROGRESS_BAR(it->bar), TRUE);
    gtk_container_add(GTK_CONTAINER(it->window), column);
    gtk_container_add(GTK_CONTAINER(column), it->text);
    gtk_container_add(GTK_CONTAINER(column), it->bar);
    gtk_container_add(GTK_CONTAINER(column), row);
    g_signal_connect(it->window, "destroy", G_CALLBACK(gtk_main_quit), NULL);
    show(it, "Nothing runs.");
    gtk_widget_show_all(it->window);
}

int main(int argc, char **argv)
{
    static const char *const methods[] = {"count"};
    static const call_class_t counter = {.size = sizeof counter, .methods = methods, .method_count = 1, .invoke = count};
    call_apartment_t process_wide = {0};
    call_object_t object;
    window_t it = {0};
    gint fd;
    if (!gtk_init_check(&argc, &argv))
        return 2;
    it.shot = argc == 3 && strcmp(argv[1], "--shot") == 0 ? argv[2] : NULL;
    if (it.shot != NULL)
        alarm(GUARD_SECONDS);
    if (call_object_create(process_wide, &counter, NULL, &object) < 0 || call_create(object, &it.call) < 0
        || call_queue_create(&it.queue) < 0 || call_set_queue(it.call, it.queue, 0) < 0
        || call_queue_get_fd(it.queue, &fd) < 0)
        return 2;
    make_window(&it);
    guint source = g_unix_fd_add(fd, G_IO_IN, on_complete, &it);
    g_timeout_add(TICK_MS, on_tick, &it);
    gtk_main();
    g_source_remove(source);
    call_shutdown(GRACE_MS, NULL); /* the window was closed: whatever runs is canceled */
    call_queue_release(it.queue);
    call_release(it.call);
    call_object_release(object);
    if (it.shot != NULL)
        printf("the bar moved %u times, longest gap of the loop %.1f ms\n", it.moves, (double)it.gap_us / 1000);
    return it.shot == NULL || (it.shot_taken && it.moves > 1 && it.fate == CALL_FATE_STOPPED) ? 0 : 1;
}
