/*
 * search: looks for a text in every file below some directories. Ctrl-C stops it, and what was
 * found so far is still shown. See search.h for the parts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "search.h"

enum { LINES_SHOWN = 20, MAX_GRACE_SECONDS = 86400, MAX_AFTER_MS = 86400000 };

static int usage(void)
{
    fputs("usage: search PATTERN DIR... [--cancel-after MS] [--grace S] [--pause-at PERCENT]\n"
          "       search [--demo DIR...]\n"
          "\n"
          "Looks for PATTERN, a fixed text, in every text file below each DIR, and shows the first matching\n"
          "lines and the totals. Ctrl-C cancels: the search has S seconds (2) to hand over what it found so\n"
          "far; a second Ctrl-C does not wait for that. Without PATTERN: a demonstration.\n"
          "\n"
          "  --cancel-after MS   cancel by itself after MS milliseconds\n"
          "  --grace S           the grace period of a cancel, in seconds\n"
          "  --pause-at PERCENT  pause there until canceled: time for a Ctrl-C on a fast machine\n"
          "\n"
          "Exit code: 0 found, 1 nothing found, 2 trouble, 130 canceled.\n",
          stderr);
    return SEARCH_TROUBLE;
}

/* A whole number between 0 and `max`. */
static bool parse_number(const char *text, long max, long *number_out)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number_out = strtol(text, &end, 10);
    return *end == '\0' && *number_out <= max;
}

/* Takes one option and its value. */
static bool parse_option(const char *name, const char *value, search_options_t *options)
{
    long number;
    if (strcmp(name, "--cancel-after") == 0 && parse_number(value, MAX_AFTER_MS, &number))
        options->cancel_after_ms = number;
    else if (strcmp(name, "--grace") == 0 && parse_number(value, MAX_GRACE_SECONDS, &number))
        options->grace_seconds = (uint32_t)number;
    else if (strcmp(name, "--pause-at") == 0 && parse_number(value, 100, &number))
        options->pause_percent = (uint32_t)number;
    else
        return false;
    return true;
}

/* What is not an option is moved to the front of `argv`: the pattern and the directories. */
static bool parse_arguments(int argc, char **argv, search_options_t *options)
{
    int words = 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            argv[words++] = argv[i];
        else if (i + 1 >= argc || !parse_option(argv[i], argv[i + 1], options))
            return false;
        else
            i++;
    }
    if (words < 3 || *argv[1] == '\0' || strchr(argv[1], '\n') != NULL)
        return false;
    options->pattern = argv[1];
    options->dirs = (const char *const *)&argv[2];
    options->dir_count = (uint32_t)(words - 2);
    return true;
}

/* The machine's own text: the first two of these that are there. */
static int demo_of_this_machine(void)
{
    static const char *const candidates[] = {"/usr/include", "/usr/share/doc", "/usr/share/perl", "/usr/share", "/etc"};
    const char *dirs[2];
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0] && count < 2; i++)
        if (access(candidates[i], R_OK | X_OK) == 0)
            dirs[count++] = candidates[i];
    return demo_run(dirs, count);
}

int main(int argc, char **argv)
{
    search_options_t options = {.lines_wanted = LINES_SHOWN, .cancel_after_ms = -1, .grace_seconds = 2};
    search_end_t end;
    if (argc == 1)
        return demo_of_this_machine();
    if (strcmp(argv[1], "--demo") == 0)
        return argc == 2 ? demo_of_this_machine() : demo_run((const char *const *)&argv[2], (uint32_t)argc - 2);
    if (!parse_arguments(argc, argv, &options))
        return usage();
    call_hresult_t hr = search_run(&options, &end);
    if (hr < 0) {
        fprintf(stderr, "search: %s: %s\n", call_hresult_name(hr), call_hresult_message(hr));
        return SEARCH_TROUBLE;
    }
    screen_end(&options, &end);
    int code = search_exit_code(&end);
    search_end_free(&end);
    return code;
}
