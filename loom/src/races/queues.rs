//! Completion queues.

use super::Race;
use crate::completions::{Completion, CompletionQueue};
use crate::hresult::{Failure, RPC_E_DISCONNECTED, S_OK};
use crate::signal::{descriptors_are_made, is_readable};
use crate::stage::{ECHO, Hall, LATER, begin, call, finish, name, object, start, started};
use crate::sync::sleeps;
use crate::time::Deadline;

fn queue() -> CompletionQueue {
    CompletionQueue::find(CompletionQueue::create().expect("memory")).expect("just made")
}

/// The tags of what comes next.
fn next(queue: CompletionQueue, most: usize, deadline: Deadline) -> Result<Vec<u64>, Failure> {
    let mut tags = Vec::new();
    let count = queue.next(most, deadline, |Completion { tag, .. }| tags.push(tag))?;
    assert_eq!(count, tags.len());
    Ok(tags)
}

pub const PARK_QUEUE: Race = Race {
    name: "wake-up against park: a queue",
    words: 60,
    preemptions: Some(2),
    outcomes: &["main slept, [1]", "main did not sleep, [1]"],
    model: park_queue,
};

fn park_queue() -> String {
    let queue = queue();
    let poster = start("the poster", move || queue.post(1));
    let tags = next(queue, 8, Deadline::NEVER).expect("it lives");
    assert_eq!(poster.join().expect("no panic"), Ok(S_OK));
    let slept = if sleeps().0 == 0 { "did not sleep" } else { "slept" };
    format!("main {slept}, {tags:?}")
}

pub const POST_POST_NEXT: Race = Race {
    name: "two posts against a look at the descriptor, and next",
    words: 60,
    preemptions: Some(2),
    outcomes: &["[1, 2]", "[2, 1]", "[1], [2]", "[2], [1]"],
    model: post_post_next,
};

/// What an event loop does: it takes when the descriptor is readable.
fn post_post_next() -> String {
    descriptors_are_made();
    let queue = queue();
    let descriptor = queue.descriptor().expect("made");
    let one = start("one", move || queue.post(1));
    let two = start("two", move || queue.post(2));
    let mut came = Vec::new();
    let mut take = || {
        let tags =
            if is_readable(descriptor) { next(queue, 8, Deadline::after_ms(0)).expect("it lives") } else { Vec::new() };
        if !tags.is_empty() {
            came.push(format!("{tags:?}"));
        }
    };
    take();
    take();
    assert_eq!(one.join().expect("no panic"), Ok(S_OK));
    assert_eq!(two.join().expect("no panic"), Ok(S_OK));
    take();
    if is_readable(descriptor) {
        take();
    }
    came.join(", ")
}

pub const POST_NEXT: Race = Race {
    name: "post against next, and a look at the descriptor",
    words: 60,
    preemptions: Some(3),
    outcomes: &["not readable", "readable, and not readable after a look"],
    model: post_next,
};

/// Who posts may make the descriptor readable late, when what it posted has been taken; who looks then makes
/// it say so.
fn post_next() -> String {
    descriptors_are_made();
    let queue = queue();
    let descriptor = queue.descriptor().expect("made");
    let poster = start("the poster", move || queue.post(1));
    assert_eq!(next(queue, 8, Deadline::NEVER), Ok(vec![1]));
    assert_eq!(poster.join().expect("no panic"), Ok(S_OK));
    if !is_readable(descriptor) {
        return "not readable".to_owned();
    }
    assert_eq!(next(queue, 8, Deadline::after_ms(0)), Ok(Vec::new()));
    format!("readable, and {}readable after a look", if is_readable(descriptor) { "" } else { "not " })
}

pub const NEXT_NEXT: Race = Race {
    name: "next against next",
    words: 80,
    preemptions: Some(3),
    outcomes: &["[1] and [2]", "[2] and [1]"],
    model: next_next,
};

fn next_next() -> String {
    let queue = queue();
    assert_eq!(queue.post(1), Ok(S_OK));
    assert_eq!(queue.post(2), Ok(S_OK));
    let other = start("the other", move || next(queue, 1, Deadline::NEVER));
    let mine = next(queue, 1, Deadline::NEVER).expect("it lives");
    format!("{mine:?} and {:?}", other.join().expect("no panic").expect("it lives"))
}

pub const CLOSE_QUEUE: Race = Race {
    name: "close of a queue against begin, completion and next",
    words: 140,
    preemptions: Some(2),
    outcomes: &["begin S_OK, [7], then closed", "begin RPC_E_DISCONNECTED, [], then closed"],
    model: close_queue,
};

fn close_queue() -> String {
    descriptors_are_made();
    let hall = Hall::new();
    let queue = queue();
    let descriptor = queue.descriptor().expect("made");
    let call = call(object(hall.clone()));
    assert_eq!(call.set_queue(Some(queue.seat(7).expect("it lives"))), Ok(S_OK));
    let client = start("the client", move || {
        let began = begin(call, ECHO, b"in");
        hall.work();
        name(began)
    });
    assert_eq!(queue.close(), Ok(S_OK));
    let mut tags = Vec::new();
    let closed = loop {
        match next(queue, 8, Deadline::NEVER) {
            Ok(more) => tags.extend(more),
            Err(failure) => break failure.code,
        }
    };
    assert_eq!(closed, RPC_E_DISCONNECTED);
    let began = client.join().expect("no panic");
    assert!(is_readable(descriptor), "nothing will come, and the descriptor does not tell");
    format!("begin {began}, {tags:?}, then closed")
}

pub const RELEASE_QUEUE: Race = Race {
    name: "release of a queue against completion and post",
    words: 140,
    preemptions: Some(2),
    outcomes: &["post S_OK", "post E_HANDLE"],
    model: release_queue,
};

/// What comes is dropped; the execution is free again, and the slot's next queue is empty.
fn release_queue() -> String {
    let hall = Hall::new();
    let queue = queue();
    let call = call(object(hall.clone()));
    assert_eq!(call.set_queue(Some(queue.seat(7).expect("it lives"))), Ok(S_OK));
    let server = started(&hall, call);
    assert_eq!(call.set_queue(None), Ok(S_OK));
    let completer = start("the completer", move || server.complete(S_OK));
    let poster = start("the poster", move || name(queue.post(1)));
    assert_eq!(queue.release(), Ok(S_OK));
    let new = self::queue();
    let posted = poster.join().expect("no panic");
    assert_eq!(completer.join().expect("no panic"), Ok(S_OK));
    assert_eq!(next(new, 8, Deadline::after_ms(0)), Ok(Vec::new()), "what came for another queue");
    assert_eq!(finish(call), "S_OK ''");
    assert_eq!(begin(call, LATER, b"next"), Ok(S_OK));
    assert!(call.look().expect("it lives").0 == server.execution, "it lies in a queue that has gone");
    format!("post {posted}")
}
