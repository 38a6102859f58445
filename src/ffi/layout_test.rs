//! Holds the Rust types to the layout that the header asserts.

use super::layout::LAYOUTS;
use super::types::{
    call_apartment_options_t, call_apartment_t, call_bind_options_t, call_buffer_t, call_cancel_t, call_class_t,
    call_completion_t, call_context_t, call_counters_t, call_info_t, call_module_t, call_object_t, call_queue_t,
    call_t,
};
use std::mem::offset_of;

macro_rules! rust_layout {
    ($($name:ident { $($field:ident),* })*) => {
        vec![$((stringify!($name), size_of::<$name>(), vec![$((stringify!($field), offset_of!($name, $field))),*])),*]
    };
}

#[test]
fn rust_types_have_the_layout_that_the_header_asserts() {
    let rust = rust_layout! {
        call_t { id }
        call_cancel_t { id }
        call_object_t { id }
        call_apartment_t { id }
        call_buffer_t { id }
        call_context_t { id }
        call_queue_t { id }
        call_completion_t { call, tag }
        call_info_t {
            call, context, parent, waits_for, state, cause, method, left_ms, age_ms, method_name, apartment_name
        }
        call_counters_t {
            size, begun, finished, completed, never_started, stopped, abandoned, uncooperative, pending_now,
            abandoned_now, killed
        }
        call_class_t { size, methods, method_count, flags, invoke, begin, cancel, destroy }
        call_module_t { id }
        call_bind_options_t {
            size, flags, reserved, apartment, workers, spares, queue_limit, calls_per_child, idle_ms, start_ms, term_ms,
            region_ms, memory, cpu_seconds, descriptors, directory, environment, program, arguments, host, readable,
            writable
        }
        call_apartment_options_t { size, kind, flags, workers, max_workers, queue_limit, reserved, name }
    };
    let header: Vec<_> = LAYOUTS.iter().map(|layout| (layout.name, layout.size, layout.fields.to_vec())).collect();
    assert_eq!(rust, header);
}
