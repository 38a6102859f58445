//! The races, each with the outcomes that it may come to.

mod begins;
mod ends;
mod flows;
mod lanes;
mod notices;
mod queues;
mod sleeps;
mod slots;
mod tells;
mod timers;

/// One race.
pub struct Race {
    pub name: &'static str,
    /// How many atomics it may use: a model with fewer is faster.
    pub words: usize,
    /// How often a thread may be stopped where it could go on, so that three threads, or one whole
    /// apartment, take seconds: an order that shows a fault seldom needs two. `None`: any number of
    /// times.
    pub preemptions: Option<usize>,
    /// All outcomes, and there are no others.
    pub outcomes: &'static [&'static str],
    /// Runs it once; gives the outcome.
    pub model: fn() -> String,
}

pub const RACES: &[Race] = &[
    ends::COMPLETE_CANCEL,
    ends::COMPLETE_CANCEL_GRACE,
    ends::COMPLETE_WRITE,
    ends::FINISH_CANCEL,
    ends::FINISH_CANCEL_GUESSED,
    ends::FINISH_FINISH,
    ends::RELEASE_COMPLETE,
    begins::BEGIN_BEGIN,
    begins::RELEASE_BEGIN,
    begins::CLOSE_BEGIN,
    begins::CLOSE_BEGIN_UNSERVED,
    begins::LATE_BEGIN,
    ends::CANCEL_GRACE,
    ends::ESCALATE_COMPLETE,
    tells::REGISTER_CANCEL,
    tells::TAKE_BACK_CANCEL,
    sleeps::PARK_CLIENT,
    sleeps::PARK_POOL,
    sleeps::PARK_SERIAL,
    sleeps::PARK_OWNER,
    slots::REUSE_CALL,
    slots::REUSE_CANCEL,
    slots::REUSE_EXECUTION,
    slots::PARK_CANCEL,
    slots::PARK_LOOK,
    slots::PARK_DISCONNECT,
    slots::TARGET_REUSE,
    slots::LOOK_BEGIN,
    slots::HOLD_RELEASE,
    begins::FATE_BEGIN,
    notices::OBSERVE_COMPLETE,
    notices::SIGNAL_NOTICE,
    notices::NOTICE_BEGIN,
    queues::PARK_QUEUE,
    queues::POST_NEXT,
    queues::POST_POST_NEXT,
    queues::NEXT_NEXT,
    queues::CLOSE_QUEUE,
    queues::RELEASE_QUEUE,
    flows::ADOPT_CANCEL,
    flows::ADOPT_END,
    flows::ADOPT_ABANDON,
    flows::ADOPT_QUEUED,
    flows::ADOPT_GRACE,
    flows::ADOPT_BEGIN,
    flows::DEADLINE_BEGIN,
    lanes::LANE_BEGIN,
    lanes::LANE_RING,
    lanes::LANE_WAIT,
    lanes::LANE_OWN,
    timers::ARM_SLEEP,
    timers::ARM_ARM,
];
