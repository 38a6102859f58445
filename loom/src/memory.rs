//! The memory of slots, which the library never frees: given back between the executions of a model.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Memory;

#[global_allocator]
static MEMORY: Memory = Memory;

type Taken = [Option<(usize, Layout)>; 32];

static TAKEN: Mutex<Taken> = Mutex::new([None; 32]);

fn taken() -> MutexGuard<'static, Taken> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody but the library asks for zeroed memory that is aligned so and as large.
fn is_of_slots(layout: Layout) -> bool {
    layout.align() >= 16 && layout.size() >= 2048
}

/// Frees what the execution before took.
pub fn forget() {
    for (base, layout) in taken().iter_mut().filter_map(Option::take) {
        // SAFETY: allocated below with this layout, and the threads that used it have ended.
        unsafe { System.dealloc(std::ptr::with_exposed_provenance_mut(base), layout) };
    }
}

// SAFETY: the system's, but for when it is freed.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let base = unsafe { System.alloc_zeroed(layout) };
        // Where there is no place left it stays for good.
        if is_of_slots(layout)
            && let Some(place) = taken().iter_mut().find(|place| place.is_none())
        {
            *place = Some((base.expose_provenance(), layout));
        }
        base
    }

    unsafe fn dealloc(&self, base: *mut u8, layout: Layout) {
        if is_of_slots(layout) {
            for place in taken().iter_mut() {
                place.take_if(|(taken, _)| *taken == base.addr());
            }
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(base, layout) };
    }

    unsafe fn realloc(&self, base: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.realloc(base, layout, size) }
    }
}
