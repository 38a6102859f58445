//! What Rust programs have instead of the library, for the bench, which is in C++: a table of functions for each peer.
//! A call lies in memory of the bench, as it would lie in that of a Rust program; no box is added to it.

mod body;
mod crossbeam;
mod rayon;
mod tokio;

use std::ffi::c_void;

pub type Words = [u64; 8];

/// A pool with so many workers. What begins a call may be used by several threads.
trait Peer: Sync {
    type Call;
    fn new(workers: usize) -> Self;
    fn begin(&self, work: u32, words: Words) -> Self::Call;
    /// None: the call was canceled.
    fn finish(call: Self::Call) -> Option<Words>;
    /// A peer that cannot cancel does nothing, and is not asked to.
    fn cancel(_call: &Self::Call) {}
    /// What a call needs, made and given back.
    fn create_and_destroy();
}

#[repr(C)]
pub struct Table {
    call_size: usize,
    call_align: usize,
    create_pool: extern "C" fn(workers: usize) -> *mut c_void,
    begin: unsafe extern "C" fn(pool: *const c_void, call: *mut c_void, work: u32, words: *const Words),
    finish: unsafe extern "C" fn(call: *mut c_void, words: *mut Words) -> bool,
    cancel: unsafe extern "C" fn(call: *const c_void),
    create_and_destroy: extern "C" fn(),
}

impl Table {
    const fn of<P: Peer>() -> Self {
        Self {
            call_size: size_of::<P::Call>(),
            call_align: align_of::<P::Call>(),
            create_pool: create_pool::<P>,
            begin: begin::<P>,
            finish: finish::<P>,
            cancel: cancel::<P>,
            create_and_destroy: create_and_destroy::<P>,
        }
    }
}

// The bench ends its process when it has measured; no pool is taken down.
extern "C" fn create_pool<P: Peer>(workers: usize) -> *mut c_void {
    Box::into_raw(Box::new(P::new(workers))).cast()
}

unsafe extern "C" fn begin<P: Peer>(pool: *const c_void, call: *mut c_void, work: u32, words: *const Words) {
    // SAFETY: a pool of this peer; the bench gives memory of the table's size and alignment, and words.
    unsafe { call.cast::<P::Call>().write((*pool.cast::<P>()).begin(work, *words)) }
}

unsafe extern "C" fn finish<P: Peer>(call: *mut c_void, words: *mut Words) -> bool {
    // SAFETY: the bench finishes each call that it has begun, once, and gives room for the words.
    unsafe { P::finish(call.cast::<P::Call>().read()).map(|result| words.write(result)).is_some() }
}

unsafe extern "C" fn cancel<P: Peer>(call: *const c_void) {
    // SAFETY: the bench cancels what it has begun and not finished.
    P::cancel(unsafe { &*call.cast::<P::Call>() });
}

extern "C" fn create_and_destroy<P: Peer>() {
    P::create_and_destroy();
}

static SPAWN: Table = Table::of::<tokio::Spawn>();
static BLOCKING: Table = Table::of::<tokio::Blocking>();
static RAYON: Table = Table::of::<rayon::Pool>();
static CROSSBEAM: Table = Table::of::<crossbeam::Pool>();

#[unsafe(no_mangle)]
pub static bench_tokio_spawn: &Table = &SPAWN;
#[unsafe(no_mangle)]
pub static bench_tokio_blocking: &Table = &BLOCKING;
#[unsafe(no_mangle)]
pub static bench_rayon: &Table = &RAYON;
#[unsafe(no_mangle)]
pub static bench_crossbeam: &Table = &CROSSBEAM;
