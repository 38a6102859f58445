//! The functions of the header that take pointers, with values in their place.
#![allow(clippy::undocumented_unsafe_blocks, reason = "each pointer is NULL or to a value or buffer of the function")]

use super::bindings::*;
use super::server::{METHODS, NAMES, Parcel, Shape, Thing, class, free_input};
use std::ffi::{CStr, c_void};
use std::ptr;

/// A handle is set on success alone.
fn handed<T: Default + PartialEq>(code: i32, handle: T) -> (i32, T) {
    assert_eq!(code == S_OK, handle != T::default(), "a handle comes with {}", code_name(code));
    (code, handle)
}

pub fn last_error() -> (i32, i32) {
    let mut code = -1;
    (unsafe { call_get_last_error(&raw mut code, ptr::null_mut(), 0, ptr::null_mut()) }, code)
}

pub fn create(object: call_object_t, null: bool) -> (i32, call_t) {
    if null {
        return (unsafe { call_create(object, ptr::null_mut()) }, call_t::default());
    }
    let mut call = call_t { id: 1 };
    let code = unsafe { call_create(object, &raw mut call) };
    handed(code, call)
}

pub fn begin(call: call_t, method: u32, input: &[u8], null: bool) -> i32 {
    let data = if null { ptr::null() } else { input.as_ptr() };
    unsafe { call_begin(call, method, data.cast(), input.len()) }
}

/// What the library did not take is freed here.
pub fn begin_owned(call: call_t, method: u32, input: Vec<u8>, parcel: usize, null: bool) -> i32 {
    let data = Box::into_raw(input.into_boxed_slice());
    let free: call_free_fn = if null { None } else { Some(free_input) };
    let user = ptr::with_exposed_provenance_mut::<Parcel>(parcel).cast();
    let code = unsafe { call_begin_owned(call, method, data.cast(), data.len(), free, user) };
    if code != S_OK {
        drop(unsafe { Box::from_raw(data) });
    }
    code
}

/// How a result is collected.
#[derive(Clone, Copy, Debug)]
pub struct Collect {
    pub block: bool,
    /// `None`: the output is dropped.
    pub room: Option<usize>,
    /// A NULL buffer of some length.
    pub null: bool,
}

/// The code, the length that was told (if it is), and the output.
pub fn finish(call: call_t, how: Collect) -> (i32, Option<usize>, Vec<u8>) {
    let finish = if how.block { call_finish } else { call_try_finish };
    if how.null {
        return (unsafe { finish(call, ptr::null_mut(), 1, ptr::null_mut()) }, None, Vec::new());
    }
    let Some(room) = how.room else {
        return (unsafe { finish(call, ptr::null_mut(), 0, ptr::null_mut()) }, None, Vec::new());
    };
    let mut buffer = vec![0xAA; room];
    let mut len = usize::MAX;
    let data = if room == 0 { ptr::null_mut() } else { buffer.as_mut_ptr() };
    let code = unsafe { finish(call, data.cast(), room, &raw mut len) };
    buffer.truncate(len);
    (code, Some(len), buffer)
}

pub fn finish_buffer(call: call_t, null: bool) -> (i32, call_buffer_t) {
    let mut buffer = call_buffer_t { id: 1 };
    let out = if null { ptr::null_mut() } else { &raw mut buffer };
    let code = unsafe { call_finish_buffer(call, out) };
    (code, if null { call_buffer_t::default() } else { buffer })
}

/// Where its bytes are, and how many: they are there until it is released.
pub fn buffer_place(buffer: call_buffer_t) -> (i32, *const u8, usize) {
    let (mut data, mut len) = (ptr::dangling::<c_void>(), usize::MAX);
    let code = unsafe { call_buffer_get(buffer, &raw mut data, &raw mut len) };
    let cleared = data.is_null() && len == 0;
    assert!(cleared == (code != S_OK), "the outputs are cleared by a failure, and by nothing else");
    (code, data.cast(), len)
}

pub fn buffer_get(buffer: call_buffer_t) -> (i32, Vec<u8>) {
    let (code, data, len) = buffer_place(buffer);
    let bytes = if code == S_OK { unsafe { std::slice::from_raw_parts(data, len) } } else { &[] };
    (code, bytes.to_vec())
}

pub fn get_fate(call: call_t, null: bool) -> (i32, i32) {
    let mut fate = -1;
    let out = if null { ptr::null_mut() } else { &raw mut fate };
    (unsafe { call_get_fate(call, out) }, fate)
}

/// The code, and the length that was told.
pub fn get_error(call: call_t, cap: usize) -> (i32, usize) {
    let mut text = vec![1_u8; cap];
    let mut len = usize::MAX;
    let data = if cap == 0 { ptr::null_mut() } else { text.as_mut_ptr() };
    let code = unsafe { call_get_error(call, data.cast(), cap, &raw mut len) };
    if code == S_OK && cap > 0 {
        let text = CStr::from_bytes_until_nul(&text).expect("a NUL");
        assert_eq!(text.count_bytes() + 1, len, "the length of {text:?}");
    }
    (code, len)
}

pub fn get_progress(call: call_t, null: bool) -> (i32, (u64, u64)) {
    let (mut done, mut total) = (u64::MAX, u64::MAX);
    let last = if null { ptr::null_mut() } else { &raw mut total };
    (unsafe { call_get_progress(call, &raw mut done, last) }, (done, total))
}

pub fn query_cancel(call: call_t, null: bool) -> (i32, call_cancel_t) {
    if null {
        return (unsafe { call_query_cancel(call, ptr::null_mut()) }, call_cancel_t::default());
    }
    let mut cancel = call_cancel_t { id: 1 };
    let code = unsafe { call_query_cancel(call, &raw mut cancel) };
    handed(code, cancel)
}

/// How an object's creation is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoiled {
    Not,
    NullOut,
    /// Both `invoke` and `begin`, or neither.
    Functions,
    Size,
}

pub fn object_create(home: call_apartment_t, shape: Shape, thing: usize, how: Spoiled) -> (i32, call_object_t) {
    let names = NAMES.map(CStr::as_ptr);
    let mut class = class(shape, &names);
    match how {
        Spoiled::Functions => class.invoke = class.begin,
        Spoiled::Size => class.size -= 1,
        Spoiled::Not | Spoiled::NullOut => {}
    }
    let this = ptr::with_exposed_provenance_mut::<Thing>(thing).cast();
    let mut object = call_object_t { id: 1 };
    let out = if how == Spoiled::NullOut { ptr::null_mut() } else { &raw mut object };
    let code = unsafe { call_object_create(home, &raw const class, this, out) };
    if how == Spoiled::NullOut { (code, call_object_t::default()) } else { handed(code, object) }
}

/// `method` beyond the last: a name that no class has.
pub fn find_method(object: call_object_t, method: u32) -> (i32, u32) {
    let name = if method < METHODS { NAMES[method as usize] } else { c"three" };
    let mut found = u32::MAX;
    (unsafe { call_object_find_method(object, name.as_ptr(), &raw mut found) }, found)
}

pub fn write(context: call_context_t, bytes: &[u8], null: bool) -> i32 {
    let data = if null { ptr::null() } else { bytes.as_ptr() };
    unsafe { call_context_write(context, data.cast(), bytes.len()) }
}

/// Fills what was reserved with `byte`, if `fill` says so: nobody else may change the call's output then.
pub fn reserve(context: call_context_t, len: usize, byte: u8, fill: bool) -> i32 {
    let mut room = ptr::dangling_mut::<c_void>();
    let code = unsafe { call_context_reserve(context, len, &raw mut room) };
    assert_eq!(code == S_OK, !room.is_null(), "room comes with {}", code_name(code));
    if code == S_OK && fill {
        unsafe { ptr::write_bytes(room.cast::<u8>(), byte, len) };
    }
    code
}

pub fn set_error(context: call_context_t, message: Option<&CStr>) -> i32 {
    unsafe { call_context_set_error(context, message.map_or(ptr::null(), CStr::as_ptr)) }
}

/// How an apartment is made.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub kind: u32,
    pub workers: u32,
    pub limit: u32,
    /// A flag that nobody knows.
    pub flags: u32,
}

pub fn apartment_create(order: Order) -> (i32, call_apartment_t) {
    let options = call_apartment_options_t {
        size: size_of::<call_apartment_options_t>(),
        kind: order.kind,
        flags: order.flags,
        workers: order.workers,
        max_workers: order.workers,
        queue_limit: order.limit,
        reserved: 0,
        name: ptr::null(),
    };
    let mut home = call_apartment_t { id: 1 };
    let code = unsafe { call_apartment_create(&raw const options, &raw mut home) };
    handed(code, home)
}

pub fn pump(home: call_apartment_t, timeout_ms: u32) -> (i32, u32) {
    let mut served = u32::MAX;
    (unsafe { call_apartment_pump(home, timeout_ms, &raw mut served) }, served)
}

pub fn close(home: call_apartment_t, timeout_ms: u32) -> (i32, u32) {
    let mut remaining = u32::MAX;
    (unsafe { call_apartment_close(home, timeout_ms, &raw mut remaining) }, remaining)
}

/// Gives back every reference to some handles.
pub fn release_all<T: Copy>(handles: &[T], release: extern "C" fn(T) -> i32) {
    for &handle in handles {
        while release(handle) == S_OK {}
    }
}
