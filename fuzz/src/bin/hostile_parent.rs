//! The child's side of isolated objects, and a host that writes what it likes.
#![no_main]

use libcall_fuzz::counters;
use libcall_fuzz::hostile::parent;

libfuzzer_sys::fuzz_target!(
    init: counters::share(),
    |bytes: &[u8]| {
        if let Err(wrong) = parent::run(bytes) {
            panic!("{wrong}");
        }
    }
);
