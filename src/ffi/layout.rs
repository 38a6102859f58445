//! The layout that C and Rust agree on, on 64-bit systems: `build.rs` writes it into the header as
//! assertions, the test below holds Rust to it.

/// A struct's size, and its fields' offsets.
pub struct Layout {
    pub name: &'static str,
    pub size: usize,
    pub fields: &'static [(&'static str, usize)],
}

pub const LAYOUTS: &[Layout] = &[
    Layout { name: "call_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_cancel_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_object_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_apartment_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_buffer_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_context_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_queue_t", size: 8, fields: &[("id", 0)] },
    Layout { name: "call_completion_t", size: 16, fields: &[("call", 0), ("tag", 8)] },
    Layout {
        name: "call_info_t",
        size: 128,
        fields: &[
            ("call", 0),
            ("context", 8),
            ("parent", 16),
            ("waits_for", 24),
            ("state", 32),
            ("cause", 36),
            ("method", 40),
            ("left_ms", 44),
            ("age_ms", 48),
            ("method_name", 56),
            ("apartment_name", 104),
        ],
    },
    Layout {
        name: "call_counters_t",
        size: 80,
        fields: &[
            ("size", 0),
            ("begun", 8),
            ("finished", 16),
            ("completed", 24),
            ("never_started", 32),
            ("stopped", 40),
            ("abandoned", 48),
            ("uncooperative", 56),
            ("pending_now", 64),
            ("abandoned_now", 72),
        ],
    },
    Layout {
        name: "call_class_t",
        size: 56,
        fields: &[
            ("size", 0),
            ("methods", 8),
            ("method_count", 16),
            ("flags", 20),
            ("invoke", 24),
            ("begin", 32),
            ("cancel", 40),
            ("destroy", 48),
        ],
    },
    Layout { name: "call_bind_options_t", size: 16, fields: &[("size", 0), ("flags", 8), ("reserved", 12)] },
    Layout {
        name: "call_apartment_options_t",
        size: 40,
        fields: &[
            ("size", 0),
            ("kind", 8),
            ("flags", 12),
            ("workers", 16),
            ("max_workers", 20),
            ("queue_limit", 24),
            ("reserved", 28),
            ("name", 32),
        ],
    },
];
