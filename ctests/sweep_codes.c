/* Every number of the header: each code has its own name and its own sentence, and the value that
 * the model gives it; the constants are what the contract says. */
#include "support.h"
#include "sweep.h"

#include <dlfcn.h>
#include <inttypes.h>

enum { RANDOM_CODES = 100000 };

typedef struct code_t {
    const char *name;
    call_hresult_t macro;
    uint32_t value; /* as the model's headers print it */
} code_t;

#define CODE(name, value) {#name, name, value}

static const code_t codes[] = {
    CODE(S_OK, 0x00000000),
    CODE(S_FALSE, 0x00000001),
    CODE(CALL_S_DEFERRED, 0x00040200),
    CODE(E_NOTIMPL, 0x80004001),
    CODE(E_NOINTERFACE, 0x80004002),
    CODE(E_POINTER, 0x80004003),
    CODE(E_ABORT, 0x80004004),
    CODE(E_FAIL, 0x80004005),
    CODE(E_UNEXPECTED, 0x8000FFFF),
    CODE(REGDB_E_CLASSNOTREG, 0x80040154),
    CODE(MK_E_SYNTAX, 0x800401E4),
    CODE(CO_E_DLLNOTFOUND, 0x800401F8),
    CODE(CO_E_ERRORINDLL, 0x800401F9),
    CODE(RPC_E_CALL_CANCELED, 0x80010002),
    CODE(RPC_E_SERVER_DIED, 0x80010007),
    CODE(RPC_E_INVALID_DATA, 0x8001000F),
    CODE(RPC_E_SERVER_DIED_DNE, 0x80010012),
    CODE(RPC_E_OUT_OF_RESOURCES, 0x80010101),
    CODE(RPC_E_SERVERFAULT, 0x80010105),
    CODE(RPC_E_DISCONNECTED, 0x80010108),
    CODE(RPC_E_WRONG_THREAD, 0x8001010E),
    CODE(RPC_S_CALLPENDING, 0x80010115),
    CODE(RPC_E_CALL_COMPLETE, 0x80010117),
    CODE(RPC_E_TIMEOUT, 0x8001011F),
    CODE(CO_E_CANCEL_DISABLED, 0x80010140),
    CODE(DISP_E_MEMBERNOTFOUND, 0x80020003),
    CODE(DISP_E_UNKNOWNNAME, 0x80020006),
    CODE(E_ACCESSDENIED, 0x80070005),
    CODE(E_HANDLE, 0x80070006),
    CODE(E_OUTOFMEMORY, 0x8007000E),
    CODE(E_INVALIDARG, 0x80070057),
    CODE(CALL_E_MORE_DATA, 0x800700EA),
    CODE(CALL_E_DEADLOCK, 0x8007046B),
    CODE(CALL_E_TOO_BUSY, 0x800706BB),
    CODE(CO_E_SERVER_EXEC_FAILURE, 0x80080005),
};
enum { CODES = sizeof codes / sizeof codes[0] };

/* Macros that are no codes, with their values. */
static const struct constant_t {
    const char *name;
    int64_t macro, value;
} constants[] = {
    {"CALL_INFINITE", CALL_INFINITE, 0xFFFFFFFF},
    {"CALL_CLASS_CUSTOM_MARSHALING", CALL_CLASS_CUSTOM_MARSHALING, 1},
    {"CALL_APARTMENT_MULTI", CALL_APARTMENT_MULTI, 0},
    {"CALL_APARTMENT_SINGLE", CALL_APARTMENT_SINGLE, 1},
    {"CALL_APARTMENT_SERIAL", CALL_APARTMENT_SERIAL, 2},
    {"CALL_FATE_NONE", CALL_FATE_NONE, 0},
    {"CALL_FATE_COMPLETED", CALL_FATE_COMPLETED, 1},
    {"CALL_FATE_NEVER_STARTED", CALL_FATE_NEVER_STARTED, 2},
    {"CALL_FATE_STOPPED", CALL_FATE_STOPPED, 3},
    {"CALL_FATE_RUNNING", CALL_FATE_RUNNING, 4},
    {"CALL_FATE_KILLED", CALL_FATE_KILLED, 5},
    {"CALL_FATE_UNKNOWN", CALL_FATE_UNKNOWN, 6},
    {"CALL_WAIT_ANY", CALL_WAIT_ANY, 0},
    {"CALL_WAIT_ALL", CALL_WAIT_ALL, 1},
    {"CALL_CAUSE_NONE", CALL_CAUSE_NONE, 0},
    {"CALL_CAUSE_CANCEL", CALL_CAUSE_CANCEL, 1},
    {"CALL_CAUSE_TIMEOUT", CALL_CAUSE_TIMEOUT, 2},
    {"CALL_CAUSE_DISCONNECT", CALL_CAUSE_DISCONNECT, 3},
    {"CALL_CAUSE_PARENT", CALL_CAUSE_PARENT, 4},
    {"CALL_CAUSE_PARENT_TIMEOUT", CALL_CAUSE_PARENT_TIMEOUT, 5},
    {"CALL_CAUSE_NO_SERVER", CALL_CAUSE_NO_SERVER, 6},
    {"CALL_BIND_ABANDON", CALL_BIND_ABANDON, 1},
    {"CALL_BIND_SANDBOX", CALL_BIND_SANDBOX, 2},
    {"CALL_BIND_QUIET", CALL_BIND_QUIET, 4},
    {"CALL_BIND_NO_SPARES", CALL_BIND_NO_SPARES, 0xFFFFFFFF},
    {"CALL_BIND_NO_TERM", CALL_BIND_NO_TERM, 0xFFFFFFFF},
    {"CALL_HOST_FD", CALL_HOST_FD, 3},
    {"CALL_STATE_QUEUED", CALL_STATE_QUEUED, 1},
    {"CALL_STATE_RUNNING", CALL_STATE_RUNNING, 2},
    {"CALL_STATE_DEFERRED", CALL_STATE_DEFERRED, 3},
    {"CALL_STATE_COMPLETE", CALL_STATE_COMPLETE, 4},
    {"CALL_STATE_ABANDONED", CALL_STATE_ABANDONED, 5},
    {"CALL_TRACE_BEGIN", CALL_TRACE_BEGIN, 1},
    {"CALL_TRACE_START", CALL_TRACE_START, 2},
    {"CALL_TRACE_CANCEL", CALL_TRACE_CANCEL, 3},
    {"CALL_TRACE_COMPLETE", CALL_TRACE_COMPLETE, 4},
    {"CALL_TRACE_FINISH", CALL_TRACE_FINISH, 5},
    {"CALL_TRACE_LATE_END", CALL_TRACE_LATE_END, 6},
};
enum { CONSTANTS = sizeof constants / sizeof constants[0] };

static const char *const alias = "RPC_E_CALL_PENDING";

static bool is_code_name(const char *name)
{
    static const char *const beginnings[] = {"S_",   "E_",    "RPC_S_",  "RPC_E_",
                                             "CO_E_", "DISP_E_", "MK_E_", "REGDB_E_", "CALL_S_", "CALL_E_"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static const macro_t *macro_named(const header_t *header, const char *name)
{
    for (size_t i = 0; i < header->macro_count; i++)
        if (strcmp(header->macros[i].name, name) == 0)
            return &header->macros[i];
    return NULL;
}

static void every_code_of_the_header_is_swept(void)
{
    const header_t *header = sweep_header();
    size_t found = 0;
    for (size_t i = 0; i < header->macro_count; i++) {
        const char *name = header->macros[i].name;
        bool swept = false;
        if (!is_code_name(name) || strcmp(name, alias) == 0)
            continue;
        for (size_t c = 0; c < CODES && !swept; c++)
            swept = strcmp(codes[c].name, name) == 0;
        found += swept;
        ok(swept, "%s has a row", name);
    }
    ok_u64(found, CODES, "every row is for a code that call.h has");
}

static void codes_have_the_numbers_of_the_model(void)
{
    const header_t *header = sweep_header();
    for (size_t i = 0; i < CODES; i++) {
        const macro_t *macro = macro_named(header, codes[i].name);
        const char *text = macro == NULL ? "?" : macro->value;
        ok_hr(codes[i].macro, (call_hresult_t)codes[i].value, "%s is 0x%08" PRIX32, codes[i].name,
              codes[i].value);
        long long printed = strtoll(text + (*text == '('), NULL, 0);
        ok_hr((call_hresult_t)printed, codes[i].macro, "%s is what call.h says: %s", codes[i].name, text);
    }
    ok_hr(RPC_E_CALL_PENDING, RPC_S_CALLPENDING, "RPC_E_CALL_PENDING is another name");
    const macro_t *other = macro_named(header, alias);
    ok_str(other == NULL ? NULL : other->value, "RPC_S_CALLPENDING", "and call.h says so");
}

static void codes_have_names_and_sentences(void)
{
    for (size_t i = 0; i < CODES; i++) {
        const char *name = call_hresult_name(codes[i].macro);
        const char *sentence = call_hresult_message(codes[i].macro);
        size_t len = sentence == NULL ? 0 : strlen(sentence);
        ok_str(name, codes[i].name, "%s is named by its macro", codes[i].name);
        ok(len > 1 && sentence[len - 1] == '.', "%s has a sentence: %s", codes[i].name,
           sentence == NULL ? "(null)" : sentence);
        ok(name == call_hresult_name(codes[i].macro) && sentence == call_hresult_message(codes[i].macro),
           "%s has texts that stay", codes[i].name);
    }
}

static void no_two_codes_are_alike(void)
{
    unsigned compared = 0, alike = 0;
    for (size_t i = 0; i < CODES; i++)
        for (size_t other = 0; other < i; other++) {
            const char *one = call_hresult_message(codes[i].macro);
            bool same = codes[i].macro == codes[other].macro ||
                        strcmp(one, call_hresult_message(codes[other].macro)) == 0;
            if (same)
                diag("%s and %s have one number or one sentence", codes[i].name, codes[other].name);
            compared++;
            alike += same;
        }
    ok(compared > 0, "%u pairs of codes were compared", compared);
    ok_u64(alike, 0, "each differs in number and sentence");
}

static bool is_listed(call_hresult_t code)
{
    for (size_t i = 0; i < CODES; i++)
        if (codes[i].macro == code)
            return true;
    return false;
}

/* Numbers beside the codes, and any others. */
static void other_numbers_are_unknown(void)
{
    const char *sentence = call_hresult_message((call_hresult_t)0x8FFFFFFF);
    uint32_t number = 1;
    unsigned asked = 0, wrong = 0;
    for (uint32_t i = 0; i < RANDOM_CODES; i++) {
        number = number * 1664525u + 1013904223u;
        uint32_t near = (uint32_t)codes[i / 4 % CODES].macro + (i % 4 == 0 ? 1u : UINT32_MAX);
        call_hresult_t code = (call_hresult_t)(i % 2 == 0 ? near : number);
        if (is_listed(code))
            continue;
        asked++;
        const char *name = call_hresult_name(code), *said = call_hresult_message(code);
        wrong += name == NULL || strcmp(name, "unknown HRESULT") != 0 || said == NULL ||
                 strcmp(said, sentence) != 0;
    }
    ok(asked > 0, "%u numbers without a name were asked for", asked);
    ok_u64(wrong, 0, "each is an unknown HRESULT with a sentence that says so");
    ok(sentence != NULL && strlen(sentence) > 1, "the sentence is there");
}

static void constants_are_what_the_contract_says(void)
{
    const header_t *header = sweep_header();
    for (size_t i = 0; i < CONSTANTS; i++) {
        ok(constants[i].macro == constants[i].value, "%s is %" PRId64, constants[i].name,
           constants[i].value);
        ok(macro_named(header, constants[i].name) != NULL, "%s is a macro", constants[i].name);
    }
    uint32_t packed = (uint32_t)CALL_VERSION_MAJOR << 16 | (uint32_t)CALL_VERSION_MINOR << 8 |
                      (uint32_t)CALL_VERSION_PATCH;
    ok_u64(CALL_VERSION, packed, "CALL_VERSION is made of its parts");
    ok_u64(call_version(), CALL_VERSION, "the library is of the header's version");
}

#define TEXT_OF(macro) TEXT(macro)
#define TEXT(value) #value

static void the_header_says_which_library_its_programs_load(void)
{
    void *loaded = dlopen("libcall.so." TEXT_OF(CALL_ABI), RTLD_NOW | RTLD_NOLOAD);
    ok(loaded != NULL, "libcall.so." TEXT_OF(CALL_ABI) " is what this program has loaded");
    if (loaded != NULL)
        dlclose(loaded);
}

/* All that begins with CALL_ and is an integer has been looked at above. */
static void every_constant_of_the_header_is_swept(void)
{
    const header_t *header = sweep_header();
    for (size_t i = 0; i < header->macro_count; i++) {
        const char *name = header->macros[i].name;
        bool swept = is_code_name(name) || strncmp(name, "CALL_VERSION", 12) == 0 ||
                     strcmp(name, "CALL_ABI") == 0 || strcmp(name, "CALL_MUST_USE") == 0;
        for (size_t c = 0; c < CONSTANTS && !swept; c++)
            swept = strcmp(constants[c].name, name) == 0;
        ok(swept, "%s is swept", name);
    }
}

static const tap_test_t tests[] = {
    TAP_TEST(every_code_of_the_header_is_swept),
    TAP_TEST(codes_have_the_numbers_of_the_model),
    TAP_TEST(codes_have_names_and_sentences),
    TAP_TEST(no_two_codes_are_alike),
    TAP_TEST(other_numbers_are_unknown),
    TAP_TEST(constants_are_what_the_contract_says),
    TAP_TEST(the_header_says_which_library_its_programs_load),
    TAP_TEST(every_constant_of_the_header_is_swept),
};

TAP_MAIN(tests)
