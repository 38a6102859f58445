//! Holds the tests' bindings to the header.

use super::machine::bindings::{self, CODES};
use std::collections::BTreeMap;
use std::mem::offset_of;

const HEADER: &str = include_str!("../../include/call.h");
const BINDINGS: &str = include_str!("bindings.rs");

/// The header without comments and without the preprocessor's lines.
fn code() -> String {
    let mut text = String::new();
    let mut rest = HEADER;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ")
}

/// A parameter of C, as Rust has it.
fn rust_type(parameter: &str) -> String {
    let stars = parameter.matches('*').count();
    let mut words: Vec<_> = parameter.split([' ', '*']).filter(|word| !word.is_empty() && *word != "struct").collect();
    words.pop();
    let constant = words.first() == Some(&"const");
    let base = match words[usize::from(constant)] {
        "void" => "c_void",
        "char" => "c_char",
        "size_t" => "usize",
        "uint64_t" => "u64",
        "uint32_t" => "u32",
        "int32_t" => "i32",
        "int" => "c_int",
        other => other,
    };
    let inner = if constant { "*const " } else { "*mut " };
    format!("{}{}{base}", "*mut ".repeat(stars.saturating_sub(1)), if stars > 0 { inner } else { "" })
}

/// The functions of the header: result and parameters.
fn declared() -> BTreeMap<String, (String, Vec<String>)> {
    let code = code();
    let function = |statement: &str| {
        let (head, parameters) = statement.split_once('(')?;
        let mut words: Vec<_> = head.split_whitespace().collect();
        let name = words.pop()?.to_owned();
        let result = (*words.last()?).to_owned();
        let parameters = parameters.trim_end().strip_suffix(')')?;
        let is_function = name.starts_with("call_") && !statement.contains("typedef");
        is_function.then(|| (name, (result, parameters.split(',').filter(|p| *p != "void").map(rust_type).collect())))
    };
    code.split(';').filter_map(function).collect()
}

#[test]
fn bindings_declare_functions_as_the_header_does() {
    let declared = declared();
    let mut compared = 0;
    for line in BINDINGS.lines().map(str::trim) {
        let Some(line) = line.strip_prefix("pub fn call_").or_else(|| line.strip_prefix("pub safe fn call_")) else {
            continue;
        };
        let (name, rest) = line.split_once('(').expect("a parameter list");
        let (parameters, result) = rest.split_once(") -> ").expect("a result");
        let types = parameters.split(", ").filter_map(|parameter| parameter.split_once(": "));
        let mine = (result.trim_end_matches(';').to_owned(), types.map(|(_, kind)| kind.to_owned()).collect());
        assert_eq!(declared.get(&format!("call_{name}")), Some(&mine), "call_{name}");
        compared += 1;
    }
    assert!(compared > 35, "{compared} functions compared");
}

#[test]
fn bindings_number_codes_as_the_header_does() {
    for (name, number) in CODES {
        let defined = HEADER.lines().find(|line| line.split_whitespace().nth(1) == Some(name) && line.contains("/*"));
        let hex = defined.and_then(|line| line.split_once("0x")).map(|(_, hex)| hex[..8].to_owned());
        assert_eq!(hex, Some(format!("{number:08X}")), "{name}");
    }
}

macro_rules! layout {
    ($($name:ident { $($field:ident)* })*) => {
        vec![$(
            (format!("sizeof({})", stringify!($name)), size_of::<bindings::$name>()),
            $((format!("offsetof({}, {})", stringify!($name), stringify!($field)), offset_of!(bindings::$name, $field)),)*
        )*]
    };
}

#[test]
fn bindings_lay_structs_out_as_the_header_does() {
    let layout = layout! {
        call_t { id }
        call_cancel_t { id }
        call_object_t { id }
        call_apartment_t { id }
        call_context_t { id }
        call_buffer_t { id }
        call_module_t { id }
        call_class_t { size methods method_count flags invoke begin cancel destroy }
        call_bind_options_t { size flags reserved apartment workers spares queue_limit calls_per_child idle_ms start_ms
            term_ms region_ms memory cpu_seconds descriptors directory environment program arguments host readable writable }
        call_apartment_options_t { size kind flags workers max_workers queue_limit reserved name }
    };
    for (what, number) in layout {
        let line = format!("CALL_ASSERT_LAYOUT({what} == {number});");
        assert!(HEADER.contains(&line), "the header does not say {line}");
    }
}
