//! FI-12: what a C program cannot do. A method that panics fails its own call, and nothing else.

use super::call::{call_begin, call_create, call_finish, call_get_error, call_get_fate, call_release};
use super::object::{call_object_create, call_object_release};
use super::types::{call_apartment_t, call_class_t, call_context_t, call_object_t, call_t};
use crate::hresult::{RPC_E_SERVERFAULT, S_OK};
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

unsafe extern "C-unwind" fn invoke(
    _this: *mut c_void,
    _context: call_context_t,
    method: u32,
    _input: *const c_void,
    _len: usize,
) -> i32 {
    assert!(method != 0, "a planted panic");
    S_OK.0
}

unsafe extern "C-unwind" fn destroy(_this: *mut c_void) {
    panic!("a planted panic in destroy");
}

#[test]
fn fi_12_a_method_that_panics_fails_its_own_call_with_its_message() {
    let methods = [c"panics".as_ptr(), c"works".as_ptr()];
    let class = call_class_t {
        size: size_of::<call_class_t>(),
        methods: methods.as_ptr(),
        method_count: 2,
        flags: 0,
        invoke: Some(invoke),
        begin: None,
        cancel: None,
        destroy: Some(destroy),
    };
    let (mut object, mut call, mut fate) = (call_object_t::default(), call_t::default(), 0);
    let mut message = [0 as c_char; 200];
    // SAFETY: every pointer is to a live local of the right type.
    unsafe {
        let apartment = call_apartment_t::default();
        assert_eq!(call_object_create(apartment, &raw const class, ptr::null_mut(), &raw mut object), S_OK.0);
        assert_eq!(call_create(object, &raw mut call), S_OK.0);
        assert_eq!(call_begin(call, 0, ptr::null(), 0), S_OK.0);
        assert_eq!(call_finish(call, ptr::null_mut(), 0, ptr::null_mut()), RPC_E_SERVERFAULT.0);
        assert_eq!(call_get_fate(call, &raw mut fate), S_OK.0);
        assert_eq!(fate, 1, "it completed, with a failure");
        assert_eq!(call_get_error(call, message.as_mut_ptr(), message.len(), ptr::null_mut()), S_OK.0);
        let text = CStr::from_ptr(message.as_ptr()).to_string_lossy();
        assert_eq!(text, "the method panicked: a planted panic");
        assert_eq!(call_begin(call, 1, ptr::null(), 0), S_OK.0);
        assert_eq!(call_finish(call, ptr::null_mut(), 0, ptr::null_mut()), S_OK.0);
        call_release(call);
        assert_eq!(call_object_release(object), S_OK.0, "a panic in destroy reaches nobody");
    }
}
