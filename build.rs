//! Makes `call.h` in cargo's output folder from the documentation comments of `src/ffi`, and tells
//! the linker the soname and that the library stays loaded. It writes nowhere else: `make header`
//! copies the header to `include/`, and `make check` compares the two.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/ffi/layout.rs"]
mod layout;
#[path = "src/hresult/table.rs"]
mod table;

/// What stands before everything else in the header.
const OPENING: &str = include_str!("src/ffi/opening.h");
/// The number in the soname, which says with what binaries the library goes together.
const ABI: &str = include_str!("abi/number");

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for watched in ["src/ffi", "src/hresult/table.rs", "cbindgen.toml", "build.rs", "abi/number"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    link_arguments();
    write_header(&root, &out.join("call.h"));
}

/// The soname, and a refusal to be unloaded: threads of the library may be alive at `dlclose`.
fn link_arguments() {
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcall.so.{}", ABI.trim());
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

fn write_header(root: &Path, target: &Path) {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))
        .unwrap_or_else(|error| panic!("cbindgen.toml: {error}"));
    config.header = Some(format!("{}\n\n#ifndef CALL_H\n#define CALL_H", OPENING.trim_end()));
    config.after_includes = Some(preamble());
    config.trailer = Some(assertions());
    cbindgen::Builder::new()
        .with_src(root.join("src/ffi/types.rs"))
        .with_src(root.join("src/ffi/library.rs"))
        .with_src(root.join("src/ffi/call.rs"))
        .with_src(root.join("src/ffi/cancel.rs"))
        .with_src(root.join("src/ffi/object.rs"))
        .with_src(root.join("src/ffi/context.rs"))
        .with_src(root.join("src/ffi/apartment.rs"))
        .with_src(root.join("src/ffi/module.rs"))
        .with_src(root.join("src/ffi/invoke.rs"))
        .with_src(root.join("src/ffi/queue.rs"))
        .with_src(root.join("src/ffi/monitor.rs"))
        .with_config(config)
        .generate()
        .unwrap_or_else(|error| panic!("the header cannot be made: {error}"))
        .write_to_file(target);
    let text = fs::read_to_string(target).expect("just written");
    fs::write(target, in_words_of_c(&text)).expect("the output folder is writable");
}

/// Takes what is Rust's out of the comments and names: the sections on safety, the marks of code,
/// the names that Rust keeps for itself.
fn in_words_of_c(text: &str) -> String {
    let mut words = String::new();
    let mut skipping = false;
    for line in text.lines() {
        skipping = (skipping || line.trim() == "* # Safety") && line.trim() != "*/";
        if !skipping {
            words.push_str(&line.replace('`', "").replace("self_", "self").replace("in_,", "in,"));
            words.push('\n');
        }
    }
    words.replace("\n *\n */", "\n */")
}

/// The layout, asserted by the compiler of the program wherever it can.
fn assertions() -> String {
    let mut text = String::from(
        "/* The layout that the library was built with. */\n#if defined(__LP64__) || defined(_WIN64)\n\
         #if defined(__cplusplus) && __cplusplus >= 201103L\n#define CALL_ASSERT_LAYOUT(what) static_assert(what, #what)\n\
         #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n\
         #define CALL_ASSERT_LAYOUT(what) _Static_assert(what, #what)\n#endif\n#endif\n#ifdef CALL_ASSERT_LAYOUT\n",
    );
    for layout in layout::LAYOUTS {
        let _ = writeln!(text, "CALL_ASSERT_LAYOUT(sizeof({}) == {});", layout.name, layout.size);
        for (field, offset) in layout.fields {
            let _ = writeln!(text, "CALL_ASSERT_LAYOUT(offsetof({}, {field}) == {offset});", layout.name);
        }
    }
    text.push_str("#undef CALL_ASSERT_LAYOUT\n#endif\n\n#endif /* CALL_H */");
    text
}

/// The parts of the header that are not Rust items: attributes, the version and the codes.
fn preamble() -> String {
    let mut text = String::new();
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION_{name}")).expect("cargo sets it");
    let (major, minor, patch) = (part("MAJOR"), part("MINOR"), part("PATCH"));
    let number = |digits: &str| digits.parse::<u32>().expect("a number");
    let packed = number(&major) << 16 | number(&minor) << 8 | number(&patch);
    let abi = number(ABI.trim());
    let _ = write!(
        text,
        "\n/* The version this header belongs to; call_version() tells that of the loaded library. */\n\
         #define CALL_VERSION_MAJOR {major}\n#define CALL_VERSION_MINOR {minor}\n\
         #define CALL_VERSION_PATCH {patch}\n\
         #define CALL_VERSION 0x{packed:08X}u /* major << 16 | minor << 8 | patch */\n\n\
         /* The number of its binary interface: programs built with this header load libcall.so.{abi}. */\n\
         #define CALL_ABI {abi}\n{}",
        include_str!("src/ffi/attributes.h")
    );
    text.push_str(&codes());
    text.push_str(include_str!("src/ffi/constants.h"));
    text
}

fn define(text: &mut String, row: &table::Row) {
    let signed = row.value.cast_signed();
    let value = if signed < 0 { format!("({signed})") } else { signed.to_string() };
    let _ = writeln!(text, "/* {} */", row.sentence);
    let _ = writeln!(text, "#define {:<28} {:<14} /* 0x{:08X} */", row.name, value, row.value);
}

fn codes() -> String {
    let mut text = String::from(
        "\n/* Codes. Compare them for equality: RPC_S_CALLPENDING, whose name says success, is negative.\n\
         \x20* Windows has its own definitions of the standard ones; elsewhere they are these. */\n\
         #if defined(_WIN32)\n#include <windows.h>\n#endif\n",
    );
    for row in table::TABLE.iter().filter(|row| !row.name.starts_with("CALL_")) {
        let _ = writeln!(text, "#ifndef {}", row.name);
        define(&mut text, row);
        text.push_str("#endif\n");
    }
    text.push_str("/* The name under which the model's pages print RPC_S_CALLPENDING for a busy call object. */\n");
    text.push_str("#define RPC_E_CALL_PENDING RPC_S_CALLPENDING\n\n");
    for row in table::TABLE.iter().filter(|row| row.name.starts_with("CALL_")) {
        define(&mut text, row);
    }
    text
}
