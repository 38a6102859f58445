//! rayon: a spawned closure and a channel for its result. There is no cancel.

use crate::body;
use crate::{Peer, Words};
use crossbeam_channel::{Receiver, bounded};
use rayon::{ThreadPool, ThreadPoolBuilder};

pub struct Pool(ThreadPool);

impl Peer for Pool {
    type Call = Receiver<Words>;
    fn new(workers: usize) -> Self {
        Self(ThreadPoolBuilder::new().num_threads(workers).build().expect("a pool"))
    }
    fn begin(&self, work: u32, words: Words) -> Self::Call {
        let (sender, receiver) = bounded(1);
        self.0.spawn(move || {
            let _ = sender.send(body::perform(work, words, || false));
        });
        receiver
    }
    fn finish(call: Self::Call) -> Option<Words> {
        call.recv().ok()
    }
    fn create_and_destroy() {
        std::hint::black_box(bounded::<Words>(1));
    }
}
