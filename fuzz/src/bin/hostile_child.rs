//! The host's side of isolated objects, and children that write what they like.
#![no_main]

use libcall_fuzz::hostile::{child, relay};

libfuzzer_sys::fuzz_target!(
    init: {
        relay::start();
        child::start();
    },
    |bytes: &[u8]| {
        if let Err(wrong) = child::run(bytes) {
            panic!("{wrong}");
        }
    }
);
