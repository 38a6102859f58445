/* What the user sees: progress and notes on standard error, findings on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fate_name.h"
#include "search.h"

enum { BAR_WIDTH = 40, QUARTER = 25 };

static double megabytes(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

static uint32_t percent_of(uint64_t done, uint64_t total)
{
    return total == 0 ? 0 : done >= total ? 100 : (uint32_t)(100.0 * (double)done / (double)total);
}

screen_t screen_open(void)
{
    return (screen_t){.terminal = isatty(STDERR_FILENO) == 1};
}

static void draw_bar(uint32_t percent, uint64_t done, uint64_t total)
{
    char bar[BAR_WIDTH + 1];
    size_t filled = (size_t)percent * BAR_WIDTH / 100;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3u %%  %.1f of %.1f MB\033[K", bar, (unsigned)percent, megabytes(done), megabytes(total));
}

void screen_progress(screen_t *screen, uint64_t done, uint64_t total)
{
    uint32_t percent = percent_of(done, total);
    if (total == 0)
        return; /* still measuring */
    if (screen->terminal) {
        draw_bar(percent, done, total);
    } else if (percent / QUARTER > screen->percent_said / QUARTER) {
        screen->percent_said = percent;
        fprintf(stderr, "%3u %%  %.1f of %.1f MB\n", (unsigned)percent, megabytes(done), megabytes(total));
    }
}

void screen_note(screen_t *screen, const char *note)
{
    fprintf(stderr, "%s%s\n", screen->terminal ? "\r\033[K" : "", note);
}

void screen_close(screen_t *screen)
{
    if (screen->terminal)
        fputs("\r\033[K", stderr);
}

/* Files may hold what a terminal would obey. */
static void print_harmless(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7F)
            text[i] = '?';
    }
    fwrite(text, 1, len, stdout);
}

static void print_findings(const search_options_t *options, const search_end_t *end)
{
    const search_totals_t *totals = &end->totals;
    print_harmless(end->text, end->text_len);
    if (totals->lines > options->lines_wanted)
        printf("... and %llu more\n", (unsigned long long)totals->lines - options->lines_wanted);
    printf("%s%llu matching lines in %llu files, %.1f MB; %llu skipped\n", end->result < 0 ? "so far: " : "",
           (unsigned long long)totals->lines, (unsigned long long)totals->files, megabytes(totals->bytes),
           (unsigned long long)totals->skipped);
}

void screen_end(const search_options_t *options, const search_end_t *end)
{
    if (end->answered)
        print_findings(options, end);
    else if (end->fate == CALL_FATE_NEVER_STARTED)
        puts("canceled before it started");
    else
        puts("the method did not answer in time: what it found is lost");
    if (end->message != NULL)
        printf("error: %s\n", end->message);
    printf("result %s, fate %s\n", call_hresult_name(end->result), fate_name(end->fate));
    fflush(stdout);
}
