/*
 * The parts of the example `search`, each in a file of its own:
 *   search_method.c     the server: the method that reads the files and looks for a cancel
 *   search_client.c     one call from its begin to its fate
 *   search_interrupt.c  Ctrl-C cancels
 *   search_screen.c     what the user sees
 *   search_demo.c       what `search` shows without arguments
 *   search.c            the command line
 *   module_search.c     the method as a module, for a child process
 */
#ifndef SEARCH_H
#define SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <call.h>

/* Exit codes of the program. */
enum { SEARCH_FOUND = 0, SEARCH_NOTHING = 1, SEARCH_TROUBLE = 2, SEARCH_CANCELED = 130 };

/* The method's input: this, then the pattern, then each directory, every string with its NUL. */
typedef struct search_request_t {
    uint32_t lines_wanted;  /* how many matching lines to write; all of them are counted */
    uint32_t pause_percent; /* where to pause until a cancel comes, in percent of the bytes; 0: nowhere */
    uint32_t dir_count;
    uint32_t reserved;
} search_request_t;

/* The method's output: the matching lines as text, then this, whether it was canceled or not. */
typedef struct search_totals_t {
    uint64_t files;
    uint64_t bytes;
    uint64_t lines;   /* that match */
    uint64_t skipped; /* binary or unreadable files, and directories that cannot be read */
} search_totals_t;

/* The class of an object whose one method, number 0, is the search. It needs no `self`. */
extern const call_class_t search_class;

/* What the user asks for. */
typedef struct search_options_t {
    const char *moniker; /* of the object that searches; NULL: one in this process */
    const char *pattern;
    const char *const *dirs;
    uint32_t dir_count;
    uint32_t lines_wanted;
    uint32_t pause_percent;
    uint32_t cancel_percent;  /* cancel when this much is done; 0: never */
    int64_t cancel_after_ms;  /* cancel when this time has passed; negative: never */
    uint32_t grace_seconds;   /* how long the method may still answer after a cancel */
} search_options_t;

/* What became of it. */
typedef struct search_end_t {
    call_hresult_t result;
    call_fate_t fate;
    bool answered;         /* the method's output is here: totals and text */
    search_totals_t totals;
    char *text;            /* from malloc */
    size_t text_len;
    char *message;         /* why it failed, from malloc, or NULL */
} search_end_t;

/* Runs one search. The result says whether the call could be made; how it ended is in `end_out`. */
call_hresult_t search_run(const search_options_t *options, search_end_t *end_out);
void search_end_free(search_end_t *end);
int search_exit_code(const search_end_t *end);

/* From now on Ctrl-C cancels with this grace, and a second Ctrl-C with none. */
void interrupt_cancels(call_cancel_t cancel, uint32_t grace_seconds);
bool interrupt_came(void);
void interrupt_kills_again(void);

/* The progress: a bar on a terminal; elsewhere a line whenever a further quarter is done. */
typedef struct screen_t {
    bool terminal;
    uint32_t percent_said;
} screen_t;
screen_t screen_open(void);
void screen_progress(screen_t *screen, uint64_t done, uint64_t total);
void screen_note(screen_t *screen, const char *note);
void screen_close(screen_t *screen);
void screen_end(const search_options_t *options, const search_end_t *end);

/* The demonstration, in these directories; gives the exit code. */
int demo_run(const char *const *dirs, uint32_t dir_count);

#endif
