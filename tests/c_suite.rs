//! The C suite as the judge of the library that cargo has just built: what `make mutants` runs for
//! the code that no Rust test reaches. `make test` runs the whole suite by itself.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Programs that are through in a moment, those first that notice most.
const PROGRAMS: &str = "call cancel finish custom direct fate late listener release nested context method wait object \
                        close serial single region disconnect grace distances distance_server distance_cancel";

#[test]
#[ignore = "for mutants alone"]
fn the_library_passes_the_quick_programs_of_the_c_suite() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("ctests");
    let test = env::current_exe().expect("this program");
    let built = test.parent().expect("cargo's folder");
    let out = built.join("c_suite");
    fs::create_dir_all(&out).expect("cargo's folder is writable");
    for name in ["libcall.so", "libcall.so.0"] {
        let _ = fs::remove_file(out.join(name));
        symlink(built.join("libcall.so"), out.join(name)).expect("cargo's folder is writable");
    }
    for program in PROGRAMS.split_whitespace() {
        let status = Command::new("make")
            .args(["-s", "-C"])
            .arg(&suite)
            .arg("test")
            .args([format!("TESTS={program}"), format!("LIBDIR={}", out.display()), format!("OUT={}", out.display())])
            .env("CALL_HANG_SECONDS", "20")
            .env_remove("MAKEFLAGS")
            .status()
            .expect("there is make");
        assert!(status.success(), "{program} failed");
    }
}
