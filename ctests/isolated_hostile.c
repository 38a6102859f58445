/* Children that write rubbish into what they share with their host: the call ends with an error, and the host
 * goes on. This program is its own hostile child. */
#include "isolated_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The words of the two regions, as src/isolated/channel.rs lays them out. */
typedef struct to_child_t {
    _Atomic uint32_t turn, canceled, waiting, grace_ms, method, room;
    _Atomic uint64_t length, deadline;
    _Atomic uint32_t over;
} to_child_t;

typedef struct to_host_t {
    _Atomic uint32_t bell, answered, ran, asleep, result, room;
    _Atomic uint64_t length, message;
    _Atomic uint32_t reports, cpu;
    _Alignas(64) _Atomic uint32_t entered;
    _Atomic uint32_t stage, barrier, lull, hark;
    _Atomic uint64_t done, total;
} to_host_t;

enum { HEAD = 4096, REGION = HEAD + 65536, READY = 1 };

typedef enum way_t {
    HONEST,
    TOO_LONG,         /* more output than there is room */
    OVERFLOWING,      /* output and message, whose sum is small again */
    NO_SUCH_ROOM,     /* a room that was never made */
    NO_ROOM_SENT,     /* the next one, without its memory */
    UNSEALED_ROOM,    /* the next one, in memory that can shrink */
    SHORT_ROOM,       /* the next one, shorter than is said */
    TOLD_DEFERRED,    /* a result that no method gives */
    UNREADABLE_HELLO, /* names that are none */
    NO_SUCH_STAGE,    /* before it is ready, a stage that there is not, which its host has to sleep on */
    NOISE,            /* anything, in every word */
    WAYS
} way_t;

static const char *const way_names[WAYS] = {
    "honest", "too long", "overflowing", "no such room", "no room sent", "unsealed room", "short room",
    "told deferred", "unreadable hello", "no such stage", "noise",
};

static void send_room(uint64_t number, uint64_t said, size_t len, bool sealed)
{
    uint8_t message[17] = {6};
    memcpy(message + 1, &number, 8);
    memcpy(message + 9, &said, 8);
    int file = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0 || ftruncate(file, (off_t)len) != 0 || (sealed && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) != 0))
        abort();
    struct iovec part = {message, sizeof message};
    union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control = {.head.cmsg_len = 0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&header);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof file);
    memcpy(CMSG_DATA(head), &file, sizeof file);
    if (sendmsg(CALL_HOST_FD, &header, MSG_NOSIGNAL) < 0)
        abort();
}

static void answer(way_t way, to_host_t *own, uint32_t turn)
{
    uint64_t length = 0, message = 0;
    uint32_t room = 0;
    own->result = way == TOLD_DEFERRED ? (uint32_t)CALL_S_DEFERRED : (uint32_t)S_OK;
    if (way == TOO_LONG)
        length = 1ull << 40;
    if (way == OVERFLOWING)
        length = UINT64_MAX - 10, message = 20;
    if (way == NO_SUCH_ROOM)
        room = 7;
    if (way == NO_ROOM_SENT || way == UNSEALED_ROOM || way == SHORT_ROOM)
        room = 1, length = 1 << 17;
    if (way == UNSEALED_ROOM)
        send_room(1, 1 << 17, 1 << 17, false);
    if (way == SHORT_ROOM)
        send_room(1, 1 << 17, 1 << 12, true);
    own->room = room;
    own->length = length;
    own->message = message;
    own->entered = own->ran = turn;
    own->answered = turn;
}

/* Any words at any time, and rings, until the host has had enough. */
static void make_noise(to_host_t *own, const to_child_t *host)
{
    uint64_t random = (uint64_t)getpid();
    uint32_t *words = (uint32_t *)own;
    for (unsigned n = 0; n < 20000; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t value = (random >> 60) == 0 ? host->turn : (uint32_t)(random >> 33);
        words[(random >> 20) % (sizeof *own / sizeof *words)] = value;
        own->stage = READY;
        if (n % 16 == 0)
            (void)usleep(10);
    }
}

/* Until its host, woken once, has gone back to sleep and is woken again. */
static void wake_host_twice(to_host_t *own)
{
    for (int woken = 0; woken < 2; (void)usleep(200)) {
        own->bell++;
        woken += syscall(SYS_futex, &own->bell, 1 /* wake */, 1, NULL, NULL, 0) > 0;
    }
}

/* Waits for requests, and answers each in its way. */
static int be_hostile(way_t way)
{
    char bytes[64];
    union { struct cmsghdr head; char room[CMSG_SPACE(4 * sizeof(int))]; } control;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int files[3];
    if (recvmsg(CALL_HOST_FD, &header, 0) <= 0 || CMSG_FIRSTHDR(&header) == NULL)
        return 1;
    memcpy(files, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof files);
    const to_child_t *host = mmap(NULL, REGION, PROT_READ, MAP_SHARED, files[1], 0);
    to_host_t *own = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, files[2], 0);
    if (host == MAP_FAILED || own == MAP_FAILED)
        return 1;
    uint64_t hello[] = {way == UNREADABLE_HELLO ? UINT64_MAX : 1, 4, 0};
    memcpy(hello + 2, "evil", 4);
    memcpy((char *)own + HEAD, hello, 20);
    own->length = 20;
    if (way == NO_SUCH_STAGE) {
        own->stage = 77;
        wake_host_twice(own);
    }
    own->stage = READY;
    for (uint32_t last = 0;;) {
        own->bell++;
        if (syscall(SYS_futex, &own->bell, 1 /* wake */, 1000, NULL, NULL, 0) < 0)
            return 1;
        if (host->turn == last) {
            (void)usleep(200);
            continue;
        }
        last = host->turn;
        if (way == NOISE)
            make_noise(own, host);
        else
            answer(way, own, last);
    }
}

static void bound(way_t way, call_object_t *object, call_hresult_t *result)
{
    char own[4096] = "", number[8];
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        bail_out("nobody knows where this program is");
    snprintf(number, sizeof number, "%d", way);
    const char *const arguments[] = {"--hostile", number, NULL};
    call_bind_options_t options = {.size = sizeof options, .flags = CALL_BIND_QUIET, .program = own, .arguments = arguments,
                                   .spares = CALL_BIND_NO_SPARES};
    *result = call_object_bind("isolated:#Evil", &options, object);
}

static void rubbish_ends_with_an_error(void)
{
    for (way_t way = 0; way < WAYS; way++) {
        call_object_t object;
        call_hresult_t result;
        bound(way, &object, &result);
        if (way == UNREADABLE_HELLO) {
            ok_hr(result, RPC_E_INVALID_DATA, "%s: the object is not bound", way_names[way]);
            continue;
        }
        must(result);
        call_fate_t fate = CALL_FATE_NONE;
        call_t call;
        must(call_create(object, &call));
        must(call_begin(call, 0, "in", 2));
        if (way == NOISE && call_wait(call, 3000) == RPC_S_CALLPENDING) {
            call_cancel_t cancel = cancel_of(call);
            (void)call_cancel(cancel, 0);
            must(call_cancel_release(cancel));
        }
        completed(call);
        result = finish(call);
        fate = settled_fate_of(call);
        must(call_release(call));
        if (way == HONEST || way == NO_SUCH_STAGE)
            ok(result == S_OK && fate == CALL_FATE_COMPLETED, "%s: a child that tells the truth is believed", way_names[way]);
        else if (way == NOISE)
            ok(fate != CALL_FATE_NONE && fate != CALL_FATE_RUNNING, "%s: the call ended, 0x%08X, %s", way_names[way],
               (unsigned)result, fate_name(fate));
        else
            ok(result == RPC_E_INVALID_DATA && fate == CALL_FATE_KILLED, "%s: 0x%08X, %s", way_names[way],
               (unsigned)result, fate_name(fate));
        must(call_object_release(object));
    }
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--hostile") == 0)
        return be_hostile((way_t)atoi(arguments[2]));
    static const tap_test_t tests[] = {TAP_TEST(rubbish_ends_with_an_error)};
    return tap_run(tests, sizeof tests / sizeof tests[0]);
}
