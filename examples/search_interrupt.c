/*
 * Ctrl-C cancels. call_request_cancel is async-signal-safe and never blocks, so the signal handler
 * itself calls it; no thread has to wait for signals, and no flag has to be polled.
 *
 * A second cancel can only shorten the grace period, never lengthen it: the second Ctrl-C says
 * "no grace at all", and the client is free at once, whatever the method does.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "search.h"

/* Both are written before the handler is installed and not while it is. */
static call_cancel_t canceled_by_interrupt;
static uint32_t first_grace_ms;
static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    call_request_cancel(canceled_by_interrupt, interrupts == 0 ? first_grace_ms : 0);
    interrupts = 1;
    errno = saved;
}

static void handle_interrupt(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void interrupt_cancels(call_cancel_t cancel, uint32_t grace_seconds)
{
    canceled_by_interrupt = cancel;
    first_grace_ms = grace_seconds * 1000;
    interrupts = 0;
    handle_interrupt(on_interrupt);
}

bool interrupt_came(void)
{
    return interrupts != 0;
}

void interrupt_kills_again(void)
{
    handle_interrupt(SIG_DFL);
}
