/* What the child of a fork inside a method comes back to: its parent's queue, which is not its own, and slots
 * that its own things may have the numbers of. */
#include "stage.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUEUED = 5 };

/* What a child found, bit by bit. */
enum { RAN_THE_PARENTS = 1, REFUSED = 2, SAME_HANDLE = 4, LOST = 8, NO_ROOM = 16 };

static const char *const names[] = {"run"};
static atomic_int ran;
static bool is_child;
/* What the last child to end has found, in memory that it shares: the tool that runs this program may have an exit
 * status of its own for what is lost in a fork. */
static atomic_int *found_by_child;
enum { NOTHING_TOLD = -1 };
static struct {
    call_object_t object;
    call_t call;
} own;

static call_hresult_t note(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    (void)atomic_fetch_add(&ran, 1);
    return S_OK;
}

static call_apartment_t place(uint32_t kind, uint32_t limit)
{
    call_apartment_options_t options = {.size = sizeof options, .kind = kind, .workers = 1, .max_workers = 1,
                                        .queue_limit = limit};
    call_apartment_t apartment;
    must(call_apartment_create(&options, &apartment));
    return apartment;
}

static call_object_t object_of(call_apartment_t apartment, call_method_fn invoke)
{
    call_class_t class = {.size = sizeof class, .methods = names, .method_count = 1, .invoke = invoke};
    call_object_t object;
    must(call_object_create(apartment, &class, NULL, &object));
    return object;
}

static pid_t child = -1;

static pid_t fork_child(void)
{
    atomic_store(found_by_child, NOTHING_TOLD);
    return fork();
}

/* The child makes things of its own, and goes back to what served the method. */
static call_hresult_t fork_here(void *self, call_context_t context, uint32_t method, const void *in, size_t in_len)
{
    (void)self, (void)context, (void)method, (void)in, (void)in_len;
    child = fork_child();
    if (child == 0) {
        is_child = true;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)alarm(hang_ms() / 1000);
        own.object = object_of(place(CALL_APARTMENT_SINGLE, 0), note);
        must(call_create(own.object, &own.call));
        must(call_begin(own.call, 0, NULL, 0));
    }
    return S_OK;
}

static _Noreturn void tell_parent(int found)
{
    atomic_store(found_by_child, found);
    _exit(0);
}

/* In the child, when the parent's method has returned. */
static _Noreturn void look(void)
{
    int found = atomic_load(&ran) != 0 ? RAN_THE_PARENTS : 0;
    call_object_t other = object_of(place(CALL_APARTMENT_SINGLE, 0), note);
    found |= other.id == own.object.id ? SAME_HANDLE : 0;
    call_t calls[3];
    for (int i = 0; i < 3; i++)
        if (call_create(i == 0 ? own.object : other, &calls[i]) != S_OK || call_begin(calls[i], 0, NULL, 0) != S_OK)
            found |= REFUSED;
    for (int i = 0; i < 3; i++)
        if (call_finish(calls[i], NULL, 0, NULL) != S_OK)
            found |= LOST;
    if (call_finish(own.call, NULL, 0, NULL) != S_OK || atomic_load(&ran) != 4)
        found |= LOST;
    tell_parent(found);
}

static int child_ended(void)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        bail_out("no child");
    return WIFEXITED(status) ? atomic_load(found_by_child) : -WTERMSIG(status);
}

static void forks_while_it_serves(bool released)
{
    call_apartment_t apartment = place(CALL_APARTMENT_SINGLE, 0);
    call_object_t forker = object_of(apartment, fork_here), other = object_of(apartment, note);
    call_t calls[QUEUED];
    uint32_t served;
    for (int i = 0; i < QUEUED; i++) {
        must(call_create(i == 0 ? forker : other, &calls[i]));
        must(call_begin(calls[i], 0, NULL, 0));
    }
    must(call_object_release(forker));
    if (released)
        must(call_release(calls[0]));
    atomic_store(&ran, 0);
    must(call_apartment_pump(apartment, 0, &served));
    if (is_child)
        look();
    ok_u64((uint64_t)child_ended(), 0, "the child runs none of its parent's calls, and its own in order%s",
           released ? ", when what was called is gone" : "");
    ok_u64(served, QUEUED, "the parent runs all");
    for (int i = released ? 1 : 0; i < QUEUED; i++) {
        ok_hr(call_finish(calls[i], NULL, 0, NULL), S_OK, "its call %d", i);
        must(call_release(calls[i]));
    }
    must(call_object_release(other));
    must(call_apartment_release(apartment));
}

static void a_method_that_is_pumped_forks(void)
{
    forks_while_it_serves(false);
    forks_while_it_serves(true);
}

/* A queue with room for one: a cancel of what is there makes room. */
static bool makes_room(void)
{
    call_apartment_t apartment = place(CALL_APARTMENT_SINGLE, 1);
    call_object_t object = object_of(apartment, note);
    call_t first, second;
    call_cancel_t cancel;
    must(call_create(object, &first));
    must(call_create(object, &second));
    must(call_begin(first, 0, NULL, 0));
    bool full = call_begin(second, 0, NULL, 0) == CALL_E_TOO_BUSY;
    must(call_query_cancel(first, &cancel));
    must(call_cancel(cancel, 0));
    return full && call_begin(second, 0, NULL, 0) == S_OK;
}

static void a_cancel_makes_room_in_a_child_too(void)
{
    child = fork_child();
    if (child == 0) {
        (void)alarm(hang_ms() / 1000);
        bool here = makes_room();
        /* Its first slots have the numbers that this one's had. */
        child = fork_child();
        if (child == 0)
            tell_parent(makes_room() ? 0 : NO_ROOM);
        tell_parent(here && child_ended() == 0 ? 0 : NO_ROOM);
    }
    ok_u64((uint64_t)child_ended(), 0, "a cancel of the call that fills a queue makes room in the children of a fork");
    ok(makes_room(), "and in the parent");
}

static const tap_test_t tests[] = {
    TAP_TEST(a_method_that_is_pumped_forks),
    TAP_TEST(a_cancel_makes_room_in_a_child_too),
};

int main(void)
{
    found_by_child = mmap(NULL, sizeof *found_by_child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (found_by_child == MAP_FAILED)
        bail_out("no memory");
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
