/* Calls to children that are killed, crash, and start processes of their own: what the methods noted is held
 * against what the clients were told. CALL_KILLS: how many calls. */
#include "isolated_support.h"
#include "modules/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLIENTS = 4, WORKERS = 3, FATES = 7 };

/* What a client was told. */
typedef struct told_t {
    uint32_t method;
    bool canceled;
    call_hresult_t result;
    call_fate_t fate;
} told_t;

/* What the methods noted. */
typedef struct noted_t {
    unsigned entered, left;
    call_hresult_t result;
} noted_t;

static struct {
    call_object_t object;
    told_t *told;
    uint32_t count;
    atomic_uint next;
    char journal[256];
} storm;

static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33) % below;
}

static uint32_t draw_method(uint64_t *random)
{
    static const uint32_t often[] = {JOURNAL_WORK, JOURNAL_WORK, JOURNAL_WORK, JOURNAL_DEAF, JOURNAL_DEAF,
                                     JOURNAL_ENDLESS, JOURNAL_ENDLESS, JOURNAL_FORKS, JOURNAL_LEAVES, JOURNAL_CRASH};
    return often[draw(random, sizeof often / sizeof often[0])];
}

static void make_call(uint32_t number, uint64_t *random)
{
    told_t *told = &storm.told[number];
    journal_job_t job = {.number = number, .microseconds = draw(random, 3000)};
    told->method = draw_method(random);
    bool endless = told->method == JOURNAL_ENDLESS || told->method == JOURNAL_FORKS;
    told->canceled = endless || draw(random, told->method == JOURNAL_WORK ? 3 : 10) == 0;
    if (told->method == JOURNAL_WORK && told->canceled)
        job.microseconds = 20000;
    call_t call;
    must(call_create(storm.object, &call));
    must(call_begin(call, told->method, &job, sizeof job));
    call_cancel_t cancel = cancel_of(call);
    if (told->canceled) {
        uint32_t delay = draw(random, 4000);
        if (draw(random, 4) != 0)
            (void)usleep(delay);
        /* Too late for some. */
        uint32_t grace = told->method == JOURNAL_WORK ? 500 : draw(random, 20);
        (void)call_request_cancel(cancel, draw(random, 2) == 0 ? grace : 0);
    }
    completed(call);
    told->result = finish(call);
    told->fate = settled_fate_of(call);
    must(call_cancel_release(cancel));
    must(call_release(call));
}

static void *client(void *argument)
{
    uint64_t random = 0x9E3779B97F4A7C15u * ((uint64_t)(uintptr_t)argument + 1);
    for (uint32_t number; (number = atomic_fetch_add(&storm.next, 1)) < storm.count;)
        make_call(number, &random);
    return NULL;
}

static noted_t *read_journal(unsigned *strange)
{
    noted_t *noted = calloc(storm.count, sizeof *noted);
    FILE *file = fopen(storm.journal, "r");
    if (noted == NULL || file == NULL)
        bail_out("no journal");
    char what;
    unsigned number, result;
    while (fscanf(file, "%c %u %x\n", &what, &number, &result) == 3) {
        if (number >= storm.count || (what != 'S' && what != 'E')) {
            ++*strange;
        } else if (what == 'S') {
            noted[number].entered++;
        } else {
            noted[number].left++;
            noted[number].result = (call_hresult_t)result;
        }
    }
    (void)fclose(file);
    return noted;
}

/* Whether what the client was told can be true after what the method noted. A killed method may have been killed
 * before it noted anything, and after it noted all. */
static bool agrees(const told_t *told, const noted_t *noted)
{
    if (noted->entered > 1 || noted->left > noted->entered)
        return false;
    switch (told->fate) {
    case CALL_FATE_NEVER_STARTED:
        return noted->entered == 0 && told->canceled && told->result == RPC_E_CALL_CANCELED;
    case CALL_FATE_STOPPED:
        return noted->left == 1 && noted->result == RPC_E_CALL_CANCELED && told->canceled;
    case CALL_FATE_COMPLETED:
        return noted->left == 1 && noted->result != RPC_E_CALL_CANCELED
            && (told->result == noted->result || (told->canceled && told->result == RPC_E_CALL_CANCELED));
    case CALL_FATE_KILLED:
        return told->result == (told->canceled ? RPC_E_CALL_CANCELED : RPC_E_SERVER_DIED)
            || (told->method == JOURNAL_CRASH && told->result == RPC_E_SERVER_DIED);
    default:
        return false;
    }
}

static unsigned contradictions(const noted_t *noted, bool show)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < storm.count; i++) {
        const told_t *told = &storm.told[i];
        if (agrees(told, &noted[i]))
            continue;
        if (show && found < 10)
            diag("call %u, method %u%s: told 0x%08X, %s; noted %u entered, %u left, 0x%08X", i, told->method,
                 told->canceled ? ", canceled" : "", (unsigned)told->result, fate_name(told->fate), noted[i].entered,
                 noted[i].left, (unsigned)noted[i].result);
        found++;
    }
    return found;
}

/* A journal with one lie is found out: for each fate that proves something, a line more or less. */
static void a_lie_is_found_out(noted_t *noted)
{
    static const call_fate_t fates[] = {CALL_FATE_NEVER_STARTED, CALL_FATE_STOPPED, CALL_FATE_COMPLETED};
    for (size_t f = 0; f < sizeof fates / sizeof fates[0]; f++) {
        uint32_t at = 0;
        while (at < storm.count && storm.told[at].fate != fates[f])
            at++;
        if (at == storm.count) {
            skip("no call came to it", "a lie about %s", fate_name(fates[f]));
            continue;
        }
        noted_t truth = noted[at];
        noted[at].entered = fates[f] == CALL_FATE_NEVER_STARTED;
        noted[at].left = 0;
        ok_u64(contradictions(noted, false), 1, "one lie about %s is one contradiction", fate_name(fates[f]));
        noted[at] = truth;
    }
}

/* Processes that were started for this storm: they have its journal in their environment. */
static unsigned processes_left(void)
{
    return processes_marked(storm.journal);
}

/* What is mapped of memory that was shared with children. */
static unsigned shared_mappings(void)
{
    unsigned count = 0;
    char line[512];
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strstr(line, "memfd:libcall") != NULL;
    (void)fclose(file);
    return count;
}

static void bind_storm(void)
{
    char variable[300];
    snprintf(variable, sizeof variable, "JOURNAL=%s", storm.journal);
    const char *const environment[] = {variable, NULL};
    call_bind_options_t options = {
        .size = sizeof options,
        .flags = CALL_BIND_QUIET,
        .workers = WORKERS,
        .environment = environment,
    };
    storm.object = bind_object("isolated", "journal", "Journal", &options);
}

static void run_clients(void)
{
    pthread_t threads[CLIENTS];
    atomic_store(&storm.next, 0);
    for (size_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, client, (void *)(uintptr_t)i) != 0)
            bail_out("no thread");
    for (size_t i = 0; i < CLIENTS; i++)
        (void)pthread_join(threads[i], NULL);
}

static void until_nothing_is_left(unsigned descriptors)
{
    unsigned left = 0;
    for (uint64_t end = now_us() + hang_ms() * 1000ull; now_us() < end; (void)usleep(5000)) {
        left = processes_left();
        if (left == 0 && open_descriptors() <= descriptors && shared_mappings() == 0)
            break;
    }
    ok_u64(left, 0, "no process is left of those that were started for it");
    ok(open_descriptors() <= descriptors, "descriptors: %u, and %u before", open_descriptors(), descriptors);
    ok_u64(shared_mappings(), 0, "nothing is mapped that was shared with children");
}

int main(void)
{
    const char *given = getenv("CALL_KILLS");
    storm.count = given == NULL ? 300 : (uint32_t)strtoul(given, NULL, 10);
    storm.told = calloc(storm.count, sizeof *storm.told);
    snprintf(storm.journal, sizeof storm.journal, "/tmp/libcall-journal-%d", (int)getpid());
    /* The supervisor, and what the library keeps for good, are there before anything is counted. */
    bind_storm();
    must(call_object_release(storm.object));
    for (uint64_t end = now_us() + hang_ms() * 1000ull; processes_left() > 0 && now_us() < end;)
        (void)usleep(5000);
    unsigned descriptors = open_descriptors(), strange = 0;
    bind_storm();
    run_clients();
    must(call_object_release(storm.object));
    until_nothing_is_left(descriptors);
    unsigned fates[FATES] = {0}, canceled = 0;
    for (uint32_t i = 0; i < storm.count; i++) {
        fates[storm.told[i].fate]++;
        canceled += storm.told[i].canceled;
    }
    diag("%u calls, %u canceled", storm.count, canceled);
    for (call_fate_t fate = 0; fate < FATES; fate++)
        diag("%s: %u", fate_name(fate), fates[fate]);
    noted_t *noted = read_journal(&strange);
    ok_u64(strange, 0, "every line of the journal is one of the methods'");
    ok_u64(contradictions(noted, true), 0, "no call was told what its method's notes deny");
    ok_u64(fates[CALL_FATE_NONE] + fates[CALL_FATE_RUNNING] + fates[CALL_FATE_UNKNOWN], 0, "every fate is known");
    ok(fates[CALL_FATE_KILLED] > 0 && fates[CALL_FATE_COMPLETED] > 0, "some were killed, some completed");
    a_lie_is_found_out(noted);
    (void)unlink(storm.journal);
    free(noted);
    free(storm.told);
    return done_testing();
}
