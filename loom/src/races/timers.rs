//! The timer's sleep, which has no end here unless there is something to come. Where it is not woken, the thread that
//! waits for what it does sleeps for good.

use super::Race;
use crate::execution::{Answer, Grace, Server};
use crate::stage::{deferred, request, start, timer};
use crate::time::Deadline;

pub const ARM_SLEEP: Race = Race {
    name: "ends of grace against the timer's sleep",
    words: 80,
    preemptions: Some(1),
    outcomes: &["both graces end"],
    model: arm_sleep,
};

/// Canceled with grace, for which the timer is armed.
fn canceled(Server { execution, generation }: Server) {
    let canceled = request(execution, generation, Grace::milliseconds(1));
    assert!(matches!(canceled, Answer::Told { held: false }));
}

fn grace_ends(Server { execution, generation }: Server) {
    assert!(execution.park_done(generation, Deadline::NEVER));
}

/// One wakes it, another comes while it is about to sleep again.
fn arm_sleep() -> String {
    timer();
    let (mine, theirs) = (deferred(), deferred());
    let other = start("the other", move || canceled(theirs));
    canceled(mine);
    grace_ends(mine);
    other.join().expect("no panic");
    grace_ends(theirs);
    "both graces end".into()
}

pub const ARM_ARM: Race =
    Race { name: "two that arm the timer for one call", outcomes: &["the grace ends"], model: arm_arm, ..ARM_SLEEP };

/// This one wants nothing soon, and may have linked the call already.
fn arm_arm() -> String {
    timer();
    let server = deferred();
    let canceler = start("the canceler", move || canceled(server));
    crate::timer::arm(server.execution);
    grace_ends(server);
    canceler.join().expect("no panic");
    "the grace ends".into()
}
