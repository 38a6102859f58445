//! The types of the header.

use std::ffi::{c_char, c_void};

/// An HRESULT: zero or positive is success.
pub type call_hresult_t = i32;

/// What became of the work of a call: one of `CALL_FATE_*`.
pub type call_fate_t = i32;

/// A call object.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_t {
    pub id: u64,
}

/// The cancel interface of one call: the one in progress when it was queried, or else the next one
/// begun, and never another.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_cancel_t {
    pub id: u64,
}

/// An object: a class's functions and a pointer of the program's, in an apartment.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_object_t {
    pub id: u64,
}

/// An apartment: where objects live and their methods run.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_apartment_t {
    pub id: u64,
}

/// The output of a finished call, in the library's memory.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_buffer_t {
    pub id: u64,
}

/// A completion queue: the completions of any number of calls, and tags that the program posts.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_queue_t {
    pub id: u64,
}

/// What came out of a completion queue.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_completion_t {
    /// The call object whose call is complete; null: a tag that was posted. It may have been released
    /// meanwhile.
    pub call: call_t,
    /// As given to `call_set_queue` or `call_queue_post`.
    pub tag: u64,
}

/// One call, as `call_enumerate` and the trace hook show it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct call_info_t {
    /// The call object; null where it is not known: it is kept for calls begun while tracking or tracing is
    /// on, and for those with a queue, a callback, a descriptor, a deadline or a parent.
    pub call: call_t,
    /// Names this call, as its method's context does.
    pub context: call_context_t,
    /// The call that it was begun for; null: none.
    pub parent: call_context_t,
    /// The call that its method waits for; null: none.
    pub waits_for: call_context_t,
    /// `CALL_STATE_*`.
    pub state: u32,
    /// `CALL_CAUSE_*`: why it was canceled, if it was.
    pub cause: u32,
    pub method: u32,
    /// Milliseconds to its deadline; `CALL_INFINITE`: it has none.
    pub left_ms: u32,
    /// Milliseconds since its begin; `UINT64_MAX`: not known, tracking was not on.
    pub age_ms: u64,
    /// The method's name, cut to this length.
    pub method_name: [c_char; 48],
    /// The name of its apartment's threads, cut to this length.
    pub apartment_name: [c_char; 24],
}

/// What has happened since tracking was turned on, and what is now.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct call_counters_t {
    /// `sizeof(call_counters_t)`.
    pub size: usize,
    pub begun: u64,
    pub finished: u64,
    /// By fate, as known at completion or, for an abandoned call, when its method ended.
    pub completed: u64,
    pub never_started: u64,
    pub stopped: u64,
    /// Calls whose client went on without the method.
    pub abandoned: u64,
    /// Methods that did not look at their context in the time given to `call_set_tracking`.
    pub uncooperative: u64,
    /// Calls that are queued or running now, tracked or not.
    pub pending_now: u64,
    /// Abandoned methods that run now, tracked or not.
    pub abandoned_now: u64,
    /// By fate, as above: methods whose process was killed or died. What was lost before it was entered has never
    /// started.
    pub killed: u64,
}

/// The server's view of one call: from the start of the method until its end, which is the return
/// of invoke or, after `CALL_S_DEFERRED`, `call_context_complete`. Later uses give
/// `RPC_E_CALL_COMPLETE`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_context_t {
    pub id: u64,
}

/// Runs a method. `in` is valid until it returns and aligned for any type. Returns the method's
/// result, or `CALL_S_DEFERRED` and ends with `call_context_complete` later, from any thread. A
/// method cannot end with `RPC_S_CALLPENDING` or `CALL_E_MORE_DATA`: its call would end with
/// `E_UNEXPECTED`. It ends by returning, and so does any other function that the library is given: a
/// C++ exception or `pthread_exit` that leaves one ends the process, and `longjmp` must not.
pub type call_method_fn = Option<
    unsafe extern "C-unwind" fn(
        self_: *mut c_void,
        context: call_context_t,
        method: u32,
        in_: *const c_void,
        in_len: usize,
    ) -> call_hresult_t,
>;

/// Tells an object that one of its calls is canceled, with `grace_ms` left. Must not block.
pub type call_cancel_fn =
    Option<unsafe extern "C-unwind" fn(self_: *mut c_void, context: call_context_t, grace_ms: u32) -> call_hresult_t>;

/// Runs once, when the last reference to the object is gone and none of its methods runs, on the
/// thread that drops it. Must not block.
pub type call_destroy_fn = Option<unsafe extern "C-unwind" fn(self_: *mut c_void)>;

/// Frees a buffer that the library has taken over; see `call_begin_owned`. Must not block.
pub type call_free_fn = Option<unsafe extern "C-unwind" fn(data: *mut c_void, len: usize, user: *mut c_void)>;

/// Runs when a call is complete; see `call_set_callback`. Must not block.
pub type call_completed_fn = Option<unsafe extern "C-unwind" fn(call: call_t, user: *mut c_void)>;

/// Runs at a step of a call, one of `CALL_TRACE_*`; see `call_set_trace`. Must not block.
pub type call_trace_fn = Option<unsafe extern "C-unwind" fn(user: *mut c_void, step: u32, info: *const call_info_t)>;

/// Is given a message that somebody should read; see `call_set_log`. Must not block.
pub type call_log_fn = Option<unsafe extern "C-unwind" fn(user: *mut c_void, message: *const c_char)>;

/// Runs on a thread of the library's as it starts or ends; see `call_set_thread_hooks`.
pub type call_thread_fn = Option<unsafe extern "C-unwind" fn(user: *mut c_void, name: *const c_char)>;

/// Runs once when a call is canceled; see `call_context_on_cancel`. Must not block.
pub type call_notify_fn = Option<unsafe extern "C-unwind" fn(user: *mut c_void)>;

/// What objects of a kind can do. Exactly one of `invoke` and `begin` is set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct call_class_t {
    /// `sizeof(call_class_t)`.
    pub size: usize,
    /// The methods' names; the index is the method's number. No name is NULL.
    pub methods: *const *const c_char,
    pub method_count: u32,
    /// 0, or `CALL_CLASS_CUSTOM_MARSHALING`.
    pub flags: u32,
    /// Runs a method. Called on several threads at once if there are several calls.
    pub invoke: call_method_fn,
    /// Starts a method, as an object with a call object of its own does: a success code, and
    /// `call_context_complete` follows, from any thread; a failure code ends the call with it. Runs on
    /// the client's thread, directly, if that is in the object's apartment or the class does its own
    /// marshaling, and else in the object's apartment.
    pub begin: call_method_fn,
    /// The object's own cancel interface, or NULL. For calls begun directly it is the way to cancel
    /// them: without it they have no cancel interface, and if it fails the call goes on. It runs on
    /// the canceling thread, or for `call_request_cancel` on one of the library's. A disconnect or a close
    /// of the apartment does not ask: flag, sleep, function and descriptor tell such a call. Other calls are
    /// always cancelable; they are told through it, in the object's apartment while that is open, and
    /// nobody waits for it.
    pub cancel: call_cancel_fn,
    /// Or NULL.
    pub destroy: call_destroy_fn,
}

/// A module, while it registers its classes.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct call_module_t {
    pub id: u64,
}

/// What a module exports by the name `call_module_main`: registers its classes, with `call_module_register`.
/// Runs once, when the module is loaded; a failure code refuses that.
pub type call_module_main_fn = Option<unsafe extern "C-unwind" fn(module: call_module_t) -> call_hresult_t>;

/// Makes the pointer of a new object of a class; a failure code is given to who binds it.
pub type call_make_fn =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, self_out: *mut *mut c_void) -> call_hresult_t>;

/// How an object is bound. All zero but `size` is the default. What stands below `apartment` is for isolated
/// objects.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct call_bind_options_t {
    /// `sizeof(call_bind_options_t)`.
    pub size: usize,
    /// `CALL_BIND_*`.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Where an object of this process lives; null: the process-wide apartment.
    pub apartment: call_apartment_t,
    /// Methods at once, each in a child of its own with an object of its own, at most 32767; 0: 1.
    pub workers: u32,
    /// Children that are kept ready beside those; 0: 1. `CALL_BIND_NO_SPARES`: none.
    pub spares: u32,
    /// Calls waiting to start; 0: no limit.
    pub queue_limit: u32,
    /// Methods that a child runs before another one takes its place; 0: no end.
    pub calls_per_child: u32,
    /// Milliseconds without work after which a child goes, its object with it; 0: it stays.
    pub idle_ms: u32,
    /// Milliseconds that a child may take to be ready; 0: 30000.
    pub start_ms: u32,
    /// Milliseconds between SIGTERM and SIGKILL; 0: 100. `CALL_BIND_NO_TERM`: no SIGTERM.
    pub term_ms: u32,
    /// Milliseconds that a region with cancel disabled may hold up a kill; 0: 10000.
    pub region_ms: u32,
    /// Limits of a child; 0: those of this process. Bytes of memory:
    pub memory: u64,
    /// Seconds of CPU time.
    pub cpu_seconds: u32,
    /// Descriptors.
    pub descriptors: u32,
    /// The children's working directory; NULL: that of this process when it first bound an isolated object.
    pub directory: *const c_char,
    /// `NAME=VALUE`, NULL at the end: what they have beside, or instead of, this process's environment. Or NULL.
    pub environment: *const *const c_char,
    /// A program that serves itself, with `call_host_serve`; NULL: the library's `call-host`.
    pub program: *const c_char,
    /// Its arguments after its name, NULL at the end; or NULL.
    pub arguments: *const *const c_char,
    /// Where `call-host` is; NULL: beside the library.
    pub host: *const c_char,
    /// `CALL_BIND_SANDBOX`: files and folders that may be read beside the module and the system's libraries, and
    /// those that may be written, each NULL at the end; or NULL.
    pub readable: *const *const c_char,
    pub writable: *const *const c_char,
}

/// How an apartment is made. All zero but `size` is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct call_apartment_options_t {
    /// `sizeof(call_apartment_options_t)`.
    pub size: usize,
    /// `CALL_APARTMENT_*`.
    pub kind: u32,
    /// 0.
    pub flags: u32,
    /// MULTI: threads kept ready, at most 32767; 0: one per CPU. They start with the first calls.
    pub workers: u32,
    /// MULTI: how far it may grow while methods wait for calls, at most 32767 and not below
    /// `workers`; 0: 512, or `workers` if that is more.
    pub max_workers: u32,
    /// Calls waiting to start; 0: no limit.
    pub queue_limit: u32,
    /// 0.
    pub reserved: u32,
    /// The name of its threads, or NULL.
    pub name: *const c_char,
}
