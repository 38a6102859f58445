/* What the sweeps share: the functions and the numbers that call.h declares, read from its text
 * while the test runs, so that a function without a row in a sweep is a failed check. */
#ifndef SWEEP_H
#define SWEEP_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum {
    SWEEP_WORD = 64,
    SWEEP_PARAMETERS = 12,
    SWEEP_FUNCTIONS = 128,
    SWEEP_MACROS = 256,
    SWEEP_TEXT = 1 << 18,
};

typedef struct parameter_t {
    char type[SWEEP_WORD];
    char name[SWEEP_WORD];
} parameter_t;

typedef struct function_t {
    char name[SWEEP_WORD];
    parameter_t parameters[SWEEP_PARAMETERS];
    size_t count;
} function_t;

/* A macro with a value: its first word. */
typedef struct macro_t {
    char name[SWEEP_WORD];
    char value[SWEEP_WORD];
} macro_t;

typedef struct header_t {
    function_t functions[SWEEP_FUNCTIONS];
    macro_t macros[SWEEP_MACROS];
    size_t function_count, macro_count;
} header_t;

/* One parameter that a sweep covers. */
typedef struct covered_t {
    const char *function, *parameter;
} covered_t;

static inline void sweep_copy(char *to, const char *from, size_t len)
{
    if (len >= SWEEP_WORD)
        bail_out("call.h has a word of %zu characters", len);
    memcpy(to, from, len);
    to[len] = '\0';
}

/* Comments become spaces. */
static inline void sweep_blank_comments(char *text)
{
    for (char *at = text; *at != '\0';) {
        size_t len = 0;
        if (strncmp(at, "/*", 2) == 0) {
            const char *end = strstr(at + 2, "*/");
            len = end == NULL ? strlen(at) : (size_t)(end + 2 - at);
        } else if (strncmp(at, "//", 2) == 0) {
            len = strcspn(at, "\n");
        }
        for (size_t i = 0; i < len; i++)
            at[i] = at[i] == '\n' ? '\n' : ' ';
        at += len == 0 ? 1 : len;
    }
}

/* Of "#define name value"; a macro without a value, or with arguments, is no number. */
static inline void sweep_read_macro(header_t *header, const char *line, size_t len)
{
    char copy[1024], name[SWEEP_WORD] = "", gap = 'x', value[SWEEP_WORD] = "";
    (void)snprintf(copy, sizeof copy, "%.*s", (int)len, line);
    if (sscanf(copy, " # define %63[A-Za-z0-9_]%c %63s", name, &gap, value) != 3 || gap == '(')
        return;
    if (header->macro_count == SWEEP_MACROS)
        bail_out("call.h has more macros than the sweep has room for");
    macro_t *macro = &header->macros[header->macro_count++];
    sweep_copy(macro->name, name, strlen(name));
    sweep_copy(macro->value, value, strlen(value));
}

/* Reads the macros and blanks every line for the preprocessor, with its continuations. */
static inline void sweep_take_directives(header_t *header, char *text)
{
    for (char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        bool directive = line[strspn(line, " \t")] == '#';
        while (directive && len > 0 && line[len - 1] == '\\' && line[len] != '\0')
            len += 1 + strcspn(line + len + 1, "\n");
        if (directive) {
            sweep_read_macro(header, line, len);
            memset(line, ' ', len);
        }
        line += len + (line[len] != '\0');
    }
}

/* "const void *in" becomes the type "const void *" and the name "in". */
static inline void sweep_read_parameter(function_t *function, const char *from, const char *end)
{
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    const char *name = end;
    while (name > from && (isalnum((unsigned char)name[-1]) || name[-1] == '_'))
        name--;
    if (name == from) /* "void", or nothing */
        return;
    if (function->count == SWEEP_PARAMETERS)
        bail_out("%s has more parameters than the sweep has room for", function->name);
    parameter_t *parameter = &function->parameters[function->count++];
    sweep_copy(parameter->name, name, (size_t)(end - name));
    while (name > from && isspace((unsigned char)name[-1]))
        name--;
    from += strncmp(from, "struct ", 7) == 0 ? 7 : 0;
    sweep_copy(parameter->type, from, (size_t)(name - from));
}

static inline void sweep_read_function(header_t *header, const char *name, const char *bracket,
                                       const char *end)
{
    if (header->function_count == SWEEP_FUNCTIONS)
        bail_out("call.h has more functions than the sweep has room for");
    function_t *function = &header->functions[header->function_count++];
    sweep_copy(function->name, name, (size_t)(bracket - name));
    function->count = 0;
    const char *close = bracket;
    for (const char *at = bracket; at < end; at++)
        if (*at == ')')
            close = at;
    for (const char *from = bracket + 1; from < close;) {
        const char *comma = memchr(from, ',', (size_t)(close - from));
        const char *to = comma == NULL ? close : comma;
        sweep_read_parameter(function, from, to);
        from = to + 1;
    }
}

/* A declaration at file scope, without its semicolon. */
static inline void sweep_read_declaration(header_t *header, const char *from, const char *end)
{
    while (from < end && isspace((unsigned char)*from))
        from++;
    if (strncmp(from, "typedef", 7) == 0 || strncmp(from, "struct", 6) == 0)
        return;
    for (const char *at = from; at < end; at++) {
        bool starts = at == from || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (!starts || strncmp(at, "call_", 5) != 0)
            continue;
        const char *word = at;
        while (isalnum((unsigned char)*word) || *word == '_')
            word++;
        if (*word == '(') {
            sweep_read_function(header, at, word, end);
            return;
        }
    }
}

/* The braces of extern "C" are no scope. */
static inline void sweep_read_declarations(header_t *header, const char *text)
{
    const char *from = text;
    unsigned depth = 0;
    for (const char *at = text; *at != '\0'; at++) {
        bool linkage = *at == '{' && depth == 0 && strncmp(from + strspn(from, " \n"), "extern", 6) == 0;
        if (linkage) {
            from = at + 1;
        } else if (*at == '{') {
            depth++;
        } else if (*at == '}' && depth == 0) {
            from = at + 1;
        } else if (*at == '}') {
            depth--;
        } else if (*at == ';' && depth == 0) {
            sweep_read_declaration(header, from, at);
            from = at + 1;
        }
    }
}

/* Reads call.h from INCDIR, or from where it lies beside the tests. */
static inline const header_t *sweep_header(void)
{
    static header_t header;
    static char text[SWEEP_TEXT];
    const char *folder = getenv("INCDIR");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/call.h", folder == NULL ? "../include" : folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        bail_out("%s cannot be read; INCDIR is its folder", path);
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    if (len == sizeof text - 1)
        bail_out("call.h is longer than the sweep has room for");
    text[len] = '\0';
    memset(&header, 0, sizeof header);
    sweep_blank_comments(text);
    sweep_take_directives(&header, text);
    sweep_read_declarations(&header, text);
    return &header;
}

/* A pointer, or a type that hides one. */
static inline bool sweep_is_pointer(const parameter_t *parameter)
{
    size_t len = strlen(parameter->type);
    return strchr(parameter->type, '*') != NULL ||
           (len > 3 && strcmp(parameter->type + len - 3, "_fn") == 0);
}

/* Handles are the types of the library that are neither pointers nor numbers. */
static inline bool sweep_is_handle(const parameter_t *parameter)
{
    const char *type = parameter->type;
    return strncmp(type, "call_", 5) == 0 && !sweep_is_pointer(parameter) &&
           strcmp(type, "call_hresult_t") != 0 && strcmp(type, "call_fate_t") != 0;
}

/* Compares what the header has with what the sweep covers, one check for each parameter of the
 * header that `wanted` chooses, and one for each row that is for no such parameter. */
static inline void sweep_check_coverage(const header_t *header, bool (*wanted)(const parameter_t *),
                                        const covered_t *rows, size_t row_count, const char *what)
{
    size_t found = 0;
    for (size_t f = 0; f < header->function_count; f++) {
        const function_t *function = &header->functions[f];
        for (size_t p = 0; p < function->count; p++) {
            const char *name = function->parameters[p].name;
            unsigned rows_of_it = 0;
            if (!wanted(&function->parameters[p]))
                continue;
            for (size_t r = 0; r < row_count; r++)
                rows_of_it += strcmp(rows[r].function, function->name) == 0 &&
                              strcmp(rows[r].parameter, name) == 0;
            found += rows_of_it;
            ok_u64(rows_of_it, 1, "%s '%s' of %s has one row", what, name, function->name);
        }
    }
    ok_u64(found, row_count, "every row is for a %s that call.h has", what);
}

#endif
