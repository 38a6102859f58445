//! Each transition by itself: what it refuses, and why; what it sets, and what it leaves.

use super::*;

/// What has one bit.
const FLAGS: [u64; 25] = [
    BEGUN,
    STARTED,
    ON_STACK,
    DEFERRED,
    ENDED,
    DONE,
    STOPPED,
    COMPLETED,
    FINISHED,
    DETACHED,
    LOCKED,
    WAITERS,
    TIMED,
    ERROR,
    PROGRESS,
    DIRECT,
    TELLS,
    TELLING,
    DISABLED,
    ASKING,
    ASK_LATER,
    CANCELABLE,
    OBSERVED,
    NOTIFYING,
    NOTIFY_LATER,
];
/// What has one bit in the byte that methods poll, and is set only after a cancel.
const WITH_CANCEL: [u64; 3] = [ABANDONED, LOOKED, UNREPORTED];

#[test]
fn every_bit_has_a_place_of_its_own_and_cancel_its_byte() {
    assert_eq!(CANCEL, 1);
    assert!(FLAGS.iter().all(|flag| flag.is_power_of_two() && *flag > 0xFF));
    assert!(WITH_CANCEL.iter().all(|flag| flag.is_power_of_two() && *flag <= 0xFF) && CAUSE_MASK <= 0xFF);
    let fields = FLAGS.iter().chain(&WITH_CANCEL).copied().chain([CANCEL, CAUSE_MASK, HOLDS]);
    assert_eq!(fields.clone().fold(0, |all, field| all | field), fields.sum::<u64>(), "they overlap");
    assert_eq!((CAUSE_MASK.count_ones(), HOLDS.count_ones(), HOLDS & HOLD), (3, 5, HOLD));
    assert!(State(HOLDS).unhold().0 < HOLDS && State(HOLDS).0 < 1 << 38);
}

#[test]
fn a_bit_that_is_set_stays_when_it_is_set_again() {
    let told = State(BEGUN | LOCKED | ERROR);
    assert_eq!(told.unlock(ERROR), State(BEGUN | ERROR));
    assert_eq!(State(0).detach().detach(), State(DETACHED));
    assert_eq!(State(BEGUN).told(), State(BEGUN), "nor does one that is not set come by being cleared");
}

fn canceled(cause: Cause) -> State {
    let request = Request { cause, at_once: true, hold: false, asked: false, report: false, watched: true };
    State(0).begin(0).request_cancel(request).expect("it was begun").0
}

#[test]
fn the_first_cause_gives_the_code() {
    assert_eq!(State(0).cause(), None);
    let codes = [
        (Cause::Cancel, RPC_E_CALL_CANCELED),
        (Cause::Parent, RPC_E_CALL_CANCELED),
        (Cause::Deadline, RPC_E_TIMEOUT),
        (Cause::ParentDeadline, RPC_E_TIMEOUT),
        (Cause::Disconnect, RPC_E_DISCONNECTED),
    ];
    for (cause, code) in codes {
        assert_eq!(canceled(cause).cause(), Some(cause));
        assert_eq!(canceled(cause).abandoned_result(), code);
        assert_eq!(canceled(cause).is_canceled(), code != RPC_E_DISCONNECTED);
        let late = if code == RPC_E_TIMEOUT { RPC_E_TIMEOUT } else { RPC_E_CALL_CANCELED };
        assert_eq!(canceled(cause).stopped_result(RPC_E_CALL_CANCELED), late);
    }
}

#[test]
fn calls_begun_for_a_call_are_told_from_those_that_were_canceled_themselves() {
    for cause in [Cause::Cancel, Cause::Disconnect, Cause::Parent] {
        assert_eq!(cause.inherited(), Cause::Parent);
    }
    for cause in [Cause::Deadline, Cause::ParentDeadline] {
        assert_eq!(cause.inherited(), Cause::ParentDeadline);
    }
}

#[test]
fn a_completion_is_noticed_once_and_not_under_the_lock() {
    let done = State(BEGUN | DONE | OBSERVED);
    assert_eq!(done.noticed(), (State(BEGUN | DONE | NOTIFYING), true));
    assert_eq!(done.noticed().0.noticed(), (State(BEGUN | DONE | NOTIFYING), false));
    assert_eq!(done.with(LOCKED).noticed(), (done.with(LOCKED), false));
    assert_eq!(State(BEGUN | OBSERVED).noticed(), (State(BEGUN | OBSERVED), false));
    let later = State(BEGUN | DONE | NOTIFYING).notify_later();
    assert_eq!(later.notify_now(), Ok((State(BEGUN | DONE | NOTIFYING), ())));
    assert_eq!(State(BEGUN | DONE | NOTIFYING).notify_now(), Err(Refusal::NotRunning));
    assert_eq!(State(BEGUN | DONE | NOTIFYING).notified(), State(BEGUN | DONE));
}

#[test]
fn a_call_is_adopted_while_a_cancel_can_still_reach_it() {
    assert_eq!(State(0).lock_to_adopt(), Err(Refusal::Ended));
    assert_eq!(State(BEGUN).lock_to_adopt(), Ok((State(BEGUN | LOCKED), ())));
    assert_eq!(State(BEGUN | LOCKED).lock_to_adopt(), Err(Refusal::Locked));
    assert_eq!(State(BEGUN | STARTED | ENDED).lock_to_adopt(), Err(Refusal::Ended));
    assert_eq!(State(BEGUN | STARTED | CANCEL).lock_to_adopt(), Err(Refusal::Canceled));
    let region = State(BEGUN | STARTED | CANCEL | DISABLED);
    assert_eq!(region.lock_to_adopt(), Ok((region.with(LOCKED), ())), "until the region ends");
}

#[test]
fn a_look_keeps_off_what_the_next_begin_writes() {
    assert_eq!(State(0).lock_to_look(), Err(Refusal::NotRunning));
    assert_eq!(State(BEGUN).lock_to_look(), Ok((State(BEGUN | LOCKED), ())));
    assert_eq!(State(BEGUN | LOCKED).lock_to_look(), Err(Refusal::Locked));
    assert_eq!(State(BEGUN | DONE | ENDED | FINISHED).lock_to_look(), Err(Refusal::NotRunning));
    assert_eq!(State(BEGUN | DONE | ENDED | DETACHED).lock_to_look(), Err(Refusal::NotRunning));
    assert!(State(BEGUN | STARTED | DONE | FINISHED).lock_to_look().is_ok());
}

#[test]
fn a_cancel_that_comes_while_the_data_is_held_is_told_of_before_the_end() {
    let untold = State(BEGUN | STARTED | CANCEL | TELLS | LOCKED);
    assert_eq!(untold.complete(false, false), Err(Refusal::Untold));
    assert!(untold.complete(false, true).is_ok_and(|(next, _)| next.has(ENDED) && !next.has(LOCKED)));
    assert_eq!(untold.with(DISABLED).complete(false, false), Err(Refusal::Untold));
}

#[test]
fn a_cancel_is_seen_and_reported_once() {
    assert_eq!(State(BEGUN | STARTED).looked(), Err(Refusal::NotRunning));
    assert_eq!(State(BEGUN | STARTED | CANCEL).looked(), Ok((State(BEGUN | STARTED | CANCEL | LOOKED), ())));
    assert_eq!(State(BEGUN | STARTED | CANCEL | LOOKED).looked(), Err(Refusal::NotRunning));
    assert_eq!(State(BEGUN | CANCEL | ENDED).looked(), Err(Refusal::NotRunning));
    let request =
        Request { cause: Cause::Cancel, at_once: false, hold: false, asked: false, report: true, watched: true };
    let (canceled, _) = State(BEGUN | STARTED).request_cancel(request).expect("it runs");
    assert!(canceled.has(UNREPORTED) && !canceled.reported().has(UNREPORTED));
    let request = Request { report: false, watched: false, ..request };
    assert!(
        State(BEGUN | STARTED).request_cancel(request).is_ok_and(|(next, _)| next.has(LOOKED)),
        "nobody wants to know"
    );
    assert!(State(BEGUN).request_cancel(request).is_ok_and(|(next, _)| !next.has(LOOKED)), "it never looks");
    let over = canceled.with(DONE | ENDED | FINISHED);
    assert!(!over.reusable() && over.reported().reusable(), "it stays until that was reported");
}

#[test]
fn what_was_canceled_in_its_queue_is_told_of_before_it_is_skipped() {
    let canceled = State(BEGUN | CANCEL | DONE | ABANDONED);
    assert_eq!(canceled.start(), Ok((canceled.with(ENDED), Start::Skip)));
    assert_eq!(canceled.with(TELLS).start(), Err(Refusal::Untold));
    assert_eq!(canceled.with(TELLING).start(), Err(Refusal::Locked));
    assert_eq!(canceled.with(LOCKED).start(), Err(Refusal::Locked));
}

#[test]
fn a_second_cancel_is_told_from_one_after_a_disconnect_or_a_result() {
    let again =
        Request { cause: Cause::Cancel, at_once: false, hold: false, asked: false, report: false, watched: true };
    assert_eq!(State(0).request_cancel(again).err(), Some(Refusal::Complete));
    assert_eq!(canceled(Cause::Cancel).request_cancel(again).err(), Some(Refusal::Canceled));
    assert_eq!(canceled(Cause::Disconnect).request_cancel(again).err(), Some(Refusal::Complete));
    assert_eq!(canceled(Cause::Cancel).with(FINISHED).request_cancel(again).err(), Some(Refusal::Complete));
    assert_eq!(State(BEGUN | STARTED | DONE | ENDED).request_cancel(again).err(), Some(Refusal::Complete));
    assert_eq!(State(BEGUN | STARTED | CANCEL).request_cancel(again).err(), Some(Refusal::Canceled));
    assert_eq!(State(BEGUN | STARTED | DIRECT).request_cancel(again).err(), Some(Refusal::AskFirst));
    let disconnect = Request { cause: Cause::Disconnect, ..again };
    let direct = State(BEGUN | STARTED | DIRECT);
    assert!(
        direct.request_cancel(disconnect).is_ok() && direct.request_cancel(Request { asked: true, ..again }).is_ok()
    );
    assert!(State(BEGUN | DIRECT).request_cancel(again).is_ok_and(|(_, owed)| owed == Cancel::Deliver));
}

#[test]
fn a_request_owes_what_its_grace_and_the_holds_allow() {
    let request =
        Request { cause: Cause::Cancel, at_once: false, hold: true, asked: false, report: false, watched: true };
    let running = State(BEGUN | STARTED);
    assert_eq!(running.request_cancel(request).map(|(_, owed)| owed), Ok(Cancel::Held));
    assert_eq!(running.with(HOLDS).request_cancel(request).map(|(_, owed)| owed), Ok(Cancel::Told));
    let told = running.request_cancel(Request { hold: false, ..request });
    assert_eq!(told, Ok((running.with(CANCEL | 1 << CAUSE), Cancel::Told)));
    assert_eq!(running.request_cancel(Request { at_once: true, ..request }).map(|(_, owed)| owed), Ok(Cancel::Deliver));
}

#[test]
fn a_refusal_says_why() {
    let running = State(BEGUN | STARTED);
    assert_eq!(State(0).start().err(), Some(Refusal::NotRunning));
    assert_eq!(running.start().err(), Some(Refusal::NotRunning));
    assert_eq!(State(BEGUN).lock_for_server().err(), Some(Refusal::NotRunning));
    assert_eq!(running.with(ENDED).lock_for_server().err(), Some(Refusal::Ended));
    assert_eq!(running.with(LOCKED).lock_for_server().err(), Some(Refusal::Locked));
    assert_eq!(running.with(LOCKED).lock_for_client().err(), Some(Refusal::Locked));
    assert_eq!(running.with(DETACHED).lock_for_client().err(), Some(Refusal::Complete));
    assert_eq!(State(0).lock_for_client().err(), Some(Refusal::Complete));
    assert_eq!(running.with(TELLING).lock_to_complete(false).err(), Some(Refusal::Locked));
    assert!(running.with(TELLING).lock_to_complete(true).is_ok());
    let untold = running.with(CANCEL | TELLS);
    assert_eq!(untold.lock_to_end(false).err(), Some(Refusal::Untold));
    assert_eq!(untold.with(ON_STACK).leave(false).err(), Some(Refusal::Untold));
    assert_eq!(untold.with(DISABLED).lock_to_end(false), Err(Refusal::Untold), "a region that was left open");
    assert!(untold.lock_to_end(true).is_ok());
    assert_eq!(running.tell().err(), Some(Refusal::NotRunning));
    for not_now in [ENDED, DISABLED] {
        assert_eq!(untold.with(not_now).tell().err(), Some(Refusal::NotRunning));
    }
    assert_eq!(untold.with(LOCKED).tell().err(), Some(Refusal::Locked));
    assert_eq!(untold.with(TELLING).tell().err(), Some(Refusal::Locked));
    assert_eq!(running.with(ON_STACK | LOCKED).leave(false).err(), Some(Refusal::Locked));
    assert_eq!(running.with(ON_STACK | TELLING).leave(false).err(), Some(Refusal::Locked));
}

#[test]
fn a_class_is_asked_by_one_thread_and_of_calls_that_it_can_cancel() {
    let direct = State(BEGUN | STARTED | DIRECT | CANCELABLE);
    let asking = State(direct.0 + HOLD).with(ASKING);
    assert_eq!(direct.with(ASK_LATER).ask(), Ok((asking, ())));
    assert_eq!(direct.ask_later(), Ok((direct.with(ASK_LATER), ())));
    assert_eq!(direct.with(HOLDS).ask().err(), Some(Refusal::Locked));
    assert_eq!(asking.refused(), direct);
    for (state, refusal) in [
        (direct.without(STARTED), Refusal::Complete),
        (direct.with(DONE), Refusal::Complete),
        (direct.without(CANCELABLE), Refusal::NoInterface),
        (direct.with(CANCEL), Refusal::Canceled),
        (direct.with(ASKING), Refusal::Canceled),
    ] {
        assert_eq!((state.ask().err(), state.ask_later().err()), (Some(refusal), Some(refusal)));
    }
    let request =
        Request { cause: Cause::Cancel, at_once: true, hold: false, asked: false, report: false, watched: true };
    let agreed = direct.with(CANCEL | DONE | ABANDONED | 1 << CAUSE);
    assert_eq!(asking.agreed(request), Ok((agreed, Ok(Cancel::Deliver))));
    assert_eq!(asking.with(DONE | ENDED).agreed(request).map(|(_, owed)| owed), Ok(Err(Refusal::Complete)));
}

#[test]
fn a_hold_is_of_a_method_that_runs() {
    let running = State(BEGUN | STARTED);
    assert_eq!(running.hold(), Ok((State(running.0 + HOLD), ())));
    assert_eq!(State(running.0 + HOLD).unhold(), running);
    for state in [State(BEGUN), running.with(ENDED), running.with(HOLDS)] {
        assert_eq!(state.hold().err(), Some(Refusal::Complete));
    }
}

#[test]
fn a_region_says_whether_a_cancel_came_before_or_meanwhile() {
    let running = State(BEGUN | STARTED);
    assert_eq!(running.disable(), Ok((running.with(DISABLED), true)));
    assert_eq!(running.with(CANCEL).disable(), Ok((running.with(CANCEL), false)));
    assert_eq!(running.with(DISABLED).enable(), Ok((running, true)));
    assert_eq!(running.with(DISABLED | CANCEL).enable(), Ok((running.with(CANCEL), false)));
    assert_eq!(
        (State(0).disable().err(), State(0).enable().err()),
        (Some(Refusal::NotRunning), Some(Refusal::NotRunning))
    );
}

#[test]
fn the_end_is_a_stop_only_where_a_cancel_was_asked_for() {
    let running = State(BEGUN | STARTED);
    let on_stack = running.with(ON_STACK);
    for (state, canceled, stopped) in [
        (on_stack, true, 0),
        (on_stack.with(CANCEL), true, STOPPED),
        (on_stack.with(ASKING), true, STOPPED),
        (on_stack.with(CANCEL), false, 0),
    ] {
        let ended = state.without(ON_STACK).with(ENDED | DONE | stopped);
        assert_eq!(state.leave(canceled), Ok((ended, Left::Ended(Ended::Deliver))));
        let completed = state.with(LOCKED).complete(canceled, false).expect("nobody is to be told");
        assert_eq!(completed, (state.with(ENDED | DONE | COMPLETED | stopped), Ended::Deliver));
    }
    let abandoned = on_stack.with(CANCEL | DONE | ABANDONED);
    let dropped = (abandoned.without(ON_STACK).with(ENDED | STOPPED), Left::Ended(Ended::Drop));
    assert_eq!(abandoned.leave(true), Ok(dropped));
    assert_eq!(on_stack.with(ENDED).leave(false), Ok((running.with(ENDED), Left::Before)));
    assert_eq!(on_stack.with(ENDED).defer(), Ok((running.with(ENDED), Left::Before)));
    assert_eq!(on_stack.defer(), Ok((running.with(DEFERRED), Left::Deferred)));
}

#[test]
fn only_a_request_that_is_not_answered_can_be_abandoned_and_only_what_is_done_finished() {
    let running = State(BEGUN | STARTED);
    assert_eq!(running.abandon().err(), Some(Refusal::Complete));
    assert_eq!(running.with(CANCEL | DONE).abandon().err(), Some(Refusal::Complete));
    assert_eq!(running.with(CANCEL).abandon(), Ok((running.with(CANCEL | DONE | ABANDONED), ())));
    assert_eq!(running.finish().err(), Some(Refusal::Complete));
    assert_eq!(running.with(DONE | FINISHED).finish().err(), Some(Refusal::Complete));
    assert_eq!(running.with(DONE).finish(), Ok((running.with(DONE | FINISHED), ())));
}

#[test]
fn it_is_reusable_and_vacant_when_nobody_has_a_hand_on_it() {
    let over = State(BEGUN | STARTED | ENDED | DONE | FINISHED);
    assert!(State(0).reusable() && over.reusable() && over.with(LOCKED).reusable());
    assert!(over.with(DETACHED).vacant() && State(DETACHED).vacant());
    assert!(!over.vacant() && !over.without(ENDED).with(DETACHED).vacant());
    for hand in [ON_STACK, TELLING, HOLD, HOLDS] {
        assert!(!over.with(hand).reusable() && !over.with(hand | DETACHED).vacant());
    }
    assert!(!over.with(LOCKED | DETACHED).vacant());
    assert!(!over.without(FINISHED).reusable() && !over.without(ENDED).reusable());
    assert_eq!(over.with(TIMED).reopened(), State(TIMED));
    assert_eq!(over.with(LOCKED).unlock(ERROR | PROGRESS), over.with(ERROR | PROGRESS));
}

#[test]
fn a_fate_is_what_became_of_the_method() {
    let running = State(BEGUN | STARTED);
    assert_eq!(running.with(ENDED | STOPPED).fate(), Fate::None);
    assert_eq!(State(BEGUN | DONE | ENDED).fate(), Fate::NeverStarted);
    assert_eq!(running.with(DONE).fate(), Fate::Running);
    assert_eq!(running.with(DONE | ENDED).fate(), Fate::Completed);
    assert_eq!(running.with(DONE | ENDED | STOPPED).fate(), Fate::Stopped);
}

#[test]
fn a_lost_process_ends_its_method_and_says_whether_it_was_entered() {
    let running = State(BEGUN | STARTED | ON_STACK | LOCKED);
    let (entered, owed) = running.lose(true, false, false).expect("it runs");
    assert_eq!((entered.fate(), owed, entered.has(LOCKED)), (Fate::Killed, Ended::Deliver, false));
    let (never, owed) = running.lose(false, false, false).expect("it runs");
    assert_eq!((never.fate(), owed), (Fate::NeverStarted, Ended::Deliver));
    let abandoned = running.with(CANCEL | DONE | ABANDONED);
    assert_eq!(abandoned.fate(), Fate::Running);
    for entered in [false, true] {
        let (lost, owed) = abandoned.lose(entered, true, false).expect("it runs");
        assert_eq!((lost.fate(), owed), (Fate::Killed, Ended::Drop), "the client was told that it runs");
    }
    let canceled = running.canceled(Cause::Deadline);
    let (forced, owed) = canceled.lose(true, true, false).expect("it runs");
    assert_eq!((forced.fate(), owed, forced.is_canceled()), (Fate::Killed, Ended::Deliver, true));
    assert_eq!(forced.abandoned_result(), RPC_E_TIMEOUT);
    let (crashed, _) = canceled.lose(true, false, false).expect("it runs");
    assert!(!crashed.is_canceled(), "it ended by itself");
    assert_eq!(running.with(CANCEL | TELLS).lose(true, true, false), Err(Refusal::Untold));
}

#[test]
fn a_call_that_nothing_can_run_was_not_canceled() {
    let request =
        Request { cause: Cause::NoServer, at_once: true, hold: false, asked: false, report: false, watched: true };
    let (refused, _) = State(BEGUN).request_cancel(request).expect("it is queued");
    assert_eq!((refused.abandoned_result(), refused.fate()), (RPC_E_SERVER_DIED_DNE, Fate::NeverStarted));
    assert!(!refused.is_canceled());
}

#[test]
fn the_usual_steps_are_the_transitions_and_owe_nothing() {
    let answered = [
        (usual::START, usual::START.0.start().map(|(next, answer)| (next, answer == Start::Run))),
        (usual::LOCK, usual::LOCK.0.lock_for_server().map(|(next, ())| (next, true))),
        (usual::UNLOCK, Ok((usual::UNLOCK.0.unlock(0), true))),
        (usual::LEAVE, usual::LEAVE.0.leave(false).map(|(next, left)| (next, left == Left::Ended(Ended::Deliver)))),
        (usual::LEAVE, usual::LEAVE.0.leave(true).map(|(next, left)| (next, left == Left::Ended(Ended::Deliver)))),
        (usual::FINISH, usual::FINISH.0.finish().map(|(next, ())| (next, true))),
    ];
    for ((before, after), step) in answered {
        assert_eq!(step, Ok((after, true)));
        assert_eq!(after.noticed(), (after, false), "nobody is to be told");
        assert!(!after.vacant() && !before.has(WAITERS), "no slot to be freed, nobody to be woken");
    }
    assert_eq!(usual::START.0, State(0).begin(0), "it begins with a plain begin");
    assert_eq!(usual::FINISH.0, usual::RETURNED);
}

#[test]
fn a_call_is_just_queued_until_anything_but_the_timer_comes() {
    assert!(State(BEGUN).is_just_queued() && State(BEGUN | TIMED).is_just_queued());
    assert!(!State(0).is_just_queued() && !State(TIMED).is_just_queued());
    for bit in FLAGS.into_iter().chain(WITH_CANCEL).filter(|&bit| ![BEGUN, TIMED].contains(&bit)) {
        assert!(!State(BEGUN | bit).is_just_queued(), "{bit:#x}");
    }
}

#[test]
fn what_is_over_on_both_sides_or_was_never_begun_is_parked_if_nobody_has_to_do_with_it() {
    for over in [0, BEGUN | STARTED | ENDED | DONE | FINISHED] {
        assert!(State(over).parkable() && State(over | TIMED).parkable());
        for hold in [LOCKED, DETACHED, HOLD, 2 * HOLD] {
            assert!(!State(over | hold).parkable(), "{hold:#x}");
        }
    }
    assert!(!State(BEGUN).parkable() && !State(BEGUN | STARTED | ENDED | DONE).parkable());
}
