//! One thread acts at a time; every answer is the model's.
#![no_main]

use libcall_fuzz::machine::program::Program;
use libcall_fuzz::machine::sequential;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(wrong) = sequential::run(&Program::decode(bytes)) {
        panic!("{wrong}");
    }
});
