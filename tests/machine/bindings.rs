//! What the tests use of the header. A test compares this file with include/call.h.
#![allow(non_camel_case_types)]
#![allow(dead_code, reason = "each program uses a part of it")]

use std::ffi::{c_char, c_int, c_void};

macro_rules! handles {
    ($($name:ident)*) => {
        $(#[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            pub id: u64,
        })*
    };
}

handles! { call_t call_cancel_t call_object_t call_apartment_t call_context_t call_buffer_t call_module_t }

pub type call_hresult_t = i32;
pub type call_fate_t = i32;
pub type call_method_fn =
    Option<unsafe extern "C-unwind" fn(*mut c_void, call_context_t, u32, *const c_void, usize) -> call_hresult_t>;
pub type call_cancel_fn = Option<unsafe extern "C-unwind" fn(*mut c_void, call_context_t, u32) -> call_hresult_t>;
pub type call_make_fn = Option<unsafe extern "C-unwind" fn(*mut c_void, *mut *mut c_void) -> call_hresult_t>;
pub type call_module_main_fn = Option<unsafe extern "C-unwind" fn(call_module_t) -> call_hresult_t>;
pub type call_destroy_fn = Option<unsafe extern "C-unwind" fn(*mut c_void)>;
pub type call_free_fn = Option<unsafe extern "C-unwind" fn(*mut c_void, usize, *mut c_void)>;

#[repr(C)]
pub struct call_class_t {
    pub size: usize,
    pub methods: *const *const c_char,
    pub method_count: u32,
    pub flags: u32,
    pub invoke: call_method_fn,
    pub begin: call_method_fn,
    pub cancel: call_cancel_fn,
    pub destroy: call_destroy_fn,
}

#[repr(C)]
pub struct call_apartment_options_t {
    pub size: usize,
    pub kind: u32,
    pub flags: u32,
    pub workers: u32,
    pub max_workers: u32,
    pub queue_limit: u32,
    pub reserved: u32,
    pub name: *const c_char,
}

#[repr(C)]
pub struct call_bind_options_t {
    pub size: usize,
    pub flags: u32,
    pub reserved: u32,
    pub apartment: call_apartment_t,
    pub workers: u32,
    pub spares: u32,
    pub queue_limit: u32,
    pub calls_per_child: u32,
    pub idle_ms: u32,
    pub start_ms: u32,
    pub term_ms: u32,
    pub region_ms: u32,
    pub memory: u64,
    pub cpu_seconds: u32,
    pub descriptors: u32,
    pub directory: *const c_char,
    pub environment: *const *const c_char,
    pub program: *const c_char,
    pub arguments: *const *const c_char,
    pub host: *const c_char,
    pub readable: *const *const c_char,
    pub writable: *const *const c_char,
}

macro_rules! codes {
    ($($name:ident = $value:literal;)*) => {
        $(pub const $name: i32 = u32::cast_signed($value);)*
        /// Name and number of every code above.
        pub const CODES: &[(&str, i32)] = &[$((stringify!($name), $name)),*];
    };
}

codes! {
    S_OK = 0_u32;
    S_FALSE = 1_u32;
    CALL_S_DEFERRED = 0x0004_0200_u32;
    E_NOTIMPL = 0x8000_4001_u32;
    E_NOINTERFACE = 0x8000_4002_u32;
    E_POINTER = 0x8000_4003_u32;
    E_FAIL = 0x8000_4005_u32;
    E_UNEXPECTED = 0x8000_FFFF_u32;
    RPC_E_CALL_CANCELED = 0x8001_0002_u32;
    RPC_E_SERVER_DIED = 0x8001_0007_u32;
    RPC_E_INVALID_DATA = 0x8001_000F_u32;
    RPC_E_SERVERFAULT = 0x8001_0105_u32;
    RPC_E_DISCONNECTED = 0x8001_0108_u32;
    RPC_E_WRONG_THREAD = 0x8001_010E_u32;
    RPC_S_CALLPENDING = 0x8001_0115_u32;
    RPC_E_TIMEOUT = 0x8001_011F_u32;
    RPC_E_CALL_COMPLETE = 0x8001_0117_u32;
    DISP_E_MEMBERNOTFOUND = 0x8002_0003_u32;
    DISP_E_UNKNOWNNAME = 0x8002_0006_u32;
    E_HANDLE = 0x8007_0006_u32;
    E_INVALIDARG = 0x8007_0057_u32;
    CALL_E_MORE_DATA = 0x8007_00EA_u32;
    CALL_E_TOO_BUSY = 0x8007_06BB_u32;
}

pub const CALL_INFINITE: u32 = 0xFFFF_FFFF;
pub const CALL_CLASS_CUSTOM_MARSHALING: u32 = 1;
pub const CALL_BIND_ABANDON: u32 = 1;
pub const CALL_BIND_QUIET: u32 = 4;
pub const CALL_BIND_NO_SPARES: u32 = u32::MAX;
pub const CALL_BIND_NO_TERM: u32 = u32::MAX;

pub mod fate {
    pub const NONE: i32 = 0;
    pub const COMPLETED: i32 = 1;
    pub const NEVER_STARTED: i32 = 2;
    pub const STOPPED: i32 = 3;
    pub const RUNNING: i32 = 4;
    pub const KILLED: i32 = 5;
}

#[rustfmt::skip]
unsafe extern "C" {
    pub fn call_get_last_error(code_out: *mut call_hresult_t, message_out: *mut c_char, cap: usize, len_out: *mut usize) -> call_hresult_t;
    pub fn call_create(object: call_object_t, call_out: *mut call_t) -> call_hresult_t;
    pub fn call_begin(call: call_t, method: u32, input: *const c_void, in_len: usize) -> call_hresult_t;
    pub fn call_begin_owned(call: call_t, method: u32, input: *mut c_void, in_len: usize, free_fn: call_free_fn, user: *mut c_void) -> call_hresult_t;
    pub safe fn call_wait(call: call_t, timeout_ms: u32) -> call_hresult_t;
    pub fn call_finish(call: call_t, out: *mut c_void, out_cap: usize, out_len_out: *mut usize) -> call_hresult_t;
    pub fn call_try_finish(call: call_t, out: *mut c_void, out_cap: usize, out_len_out: *mut usize) -> call_hresult_t;
    pub fn call_finish_buffer(call: call_t, buffer_out: *mut call_buffer_t) -> call_hresult_t;
    pub fn call_buffer_get(buffer: call_buffer_t, data_out: *mut *const c_void, len_out: *mut usize) -> call_hresult_t;
    pub safe fn call_buffer_release(buffer: call_buffer_t) -> call_hresult_t;
    pub safe fn call_add_ref(call: call_t) -> call_hresult_t;
    pub safe fn call_release(call: call_t) -> call_hresult_t;
    pub fn call_get_fate(call: call_t, fate_out: *mut call_fate_t) -> call_hresult_t;
    pub fn call_get_error(call: call_t, message_out: *mut c_char, cap: usize, len_out: *mut usize) -> call_hresult_t;
    pub fn call_get_progress(call: call_t, done_out: *mut u64, total_out: *mut u64) -> call_hresult_t;
    pub fn call_query_cancel(call: call_t, cancel_out: *mut call_cancel_t) -> call_hresult_t;
    pub safe fn call_cancel(cancel: call_cancel_t, seconds: u32) -> call_hresult_t;
    pub safe fn call_request_cancel(cancel: call_cancel_t, grace_ms: u32) -> call_hresult_t;
    pub safe fn call_test_cancel(cancel: call_cancel_t) -> call_hresult_t;
    pub safe fn call_cancel_release(cancel: call_cancel_t) -> call_hresult_t;
    pub fn call_object_create(apartment: call_apartment_t, cls: *const call_class_t, this: *mut c_void, object_out: *mut call_object_t) -> call_hresult_t;
    pub fn call_object_bind(moniker: *const c_char, options: *const call_bind_options_t, object_out: *mut call_object_t) -> call_hresult_t;
    pub fn call_object_find_method(object: call_object_t, name: *const c_char, method_out: *mut u32) -> call_hresult_t;
    pub safe fn call_object_add_ref(object: call_object_t) -> call_hresult_t;
    pub safe fn call_object_release(object: call_object_t) -> call_hresult_t;
    pub safe fn call_object_disconnect(object: call_object_t) -> call_hresult_t;
    pub fn call_context_write(context: call_context_t, data: *const c_void, len: usize) -> call_hresult_t;
    pub fn call_context_reserve(context: call_context_t, len: usize, data_out: *mut *mut c_void) -> call_hresult_t;
    pub safe fn call_context_commit(context: call_context_t, len: usize) -> call_hresult_t;
    pub safe fn call_context_test_cancel(context: call_context_t) -> call_hresult_t;
    pub safe fn call_context_wait_cancel(context: call_context_t, timeout_ms: u32) -> call_hresult_t;
    pub safe fn call_context_complete(context: call_context_t, result: call_hresult_t) -> call_hresult_t;
    pub safe fn call_context_set_progress(context: call_context_t, done: u64, total: u64) -> call_hresult_t;
    pub fn call_context_set_error(context: call_context_t, message: *const c_char) -> call_hresult_t;
    pub safe fn call_context_disable_cancel(context: call_context_t) -> call_hresult_t;
    pub safe fn call_context_enable_cancel(context: call_context_t) -> call_hresult_t;
    pub fn call_apartment_create(options: *const call_apartment_options_t, apartment_out: *mut call_apartment_t) -> call_hresult_t;
    pub fn call_apartment_pump(apartment: call_apartment_t, timeout_ms: u32, served_out: *mut u32) -> call_hresult_t;
    pub fn call_apartment_close(apartment: call_apartment_t, timeout_ms: u32, remaining_out: *mut u32) -> call_hresult_t;
    pub safe fn call_apartment_release(apartment: call_apartment_t) -> call_hresult_t;
    pub safe fn call_set_timeout(call: call_t, timeout_ms: u32, grace_ms: u32) -> call_hresult_t;
    pub fn call_module_register(module: call_module_t, name: *const c_char, cls: *const call_class_t, make: call_make_fn, user: *mut c_void) -> call_hresult_t;
    pub fn call_host_serve(fd: c_int, main: call_module_main_fn) -> call_hresult_t;
}

/// A code as a person reads it.
pub fn code_name(code: i32) -> String {
    let known = CODES.iter().find(|(_, number)| *number == code);
    known.map_or_else(|| format!("0x{code:08X}"), |(name, _)| (*name).to_owned())
}
