//! Threads act at once; what must hold in any order holds.
#![no_main]

use libcall_fuzz::machine::concurrent;
use libcall_fuzz::machine::program::Program;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(wrong) = concurrent::run(&Program::decode(bytes)) {
        panic!("{wrong}");
    }
});
