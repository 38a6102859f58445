//! tokio: a task with a oneshot channel for its result, and a blocking task with a cancellation token besides.

use crate::body::{self, LOOK, POLL};
use crate::{Peer, Words};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle, yield_now};
use tokio_util::sync::CancellationToken;

fn runtime(workers: usize, blocking: usize) -> Runtime {
    let built = Builder::new_multi_thread().worker_threads(workers).max_blocking_threads(blocking).build();
    built.expect("a runtime")
}

/// A task is canceled where it awaits, nowhere else.
pub struct Spawn(Runtime);

/// Dropped with the task.
struct Told;

impl Drop for Told {
    fn drop(&mut self) {
        body::has_seen();
    }
}

async fn awaiting(work: u32) {
    body::is_running();
    if work == POLL {
        let _told = Told;
        loop {
            yield_now().await;
        }
    }
    for _ in 0..body::LOOPS {
        let from = body::stamp();
        for _ in 0..body::looks() {
            yield_now().await;
        }
        body::looked(from);
    }
}

impl Peer for Spawn {
    type Call = (oneshot::Receiver<Words>, AbortHandle);
    fn new(workers: usize) -> Self {
        Self(runtime(workers, 1))
    }
    fn begin(&self, work: u32, words: Words) -> Self::Call {
        let (sender, receiver) = oneshot::channel();
        let task = if work == POLL || work == LOOK {
            self.0.spawn(async move {
                awaiting(work).await;
                let _ = sender.send(body::perform(0, words, || false));
            })
        } else {
            self.0.spawn(async move {
                let _ = sender.send(body::perform(work, words, || false));
            })
        };
        (receiver, task.abort_handle())
    }
    fn finish(call: Self::Call) -> Option<Words> {
        call.0.blocking_recv().ok()
    }
    fn cancel(call: &Self::Call) {
        call.1.abort();
    }
    fn create_and_destroy() {
        std::hint::black_box(oneshot::channel::<Words>());
    }
}

pub struct Blocking(Runtime);

impl Peer for Blocking {
    type Call = (oneshot::Receiver<Words>, JoinHandle<()>, CancellationToken);
    fn new(workers: usize) -> Self {
        Self(runtime(1, workers))
    }
    fn begin(&self, work: u32, words: Words) -> Self::Call {
        let (sender, receiver) = oneshot::channel();
        let token = CancellationToken::new();
        let its_token = token.clone();
        let task = self.0.spawn_blocking(move || {
            let _ = sender.send(body::perform(work, words, || its_token.is_cancelled()));
        });
        (receiver, task, token)
    }
    fn finish(call: Self::Call) -> Option<Words> {
        call.0.blocking_recv().ok()
    }
    /// The one stops it while it waits, the other reaches it when it runs.
    fn cancel(call: &Self::Call) {
        call.1.abort();
        call.2.cancel();
    }
    fn create_and_destroy() {
        std::hint::black_box((oneshot::channel::<Words>(), CancellationToken::new()));
    }
}
