//! Every code the library can return, and the common ones that methods return: number, name and
//! sentence. From this one table come the
//! header's macros (`build.rs` reads it), `call_hresult_name` and `call_hresult_message`.

/// One code.
pub struct Row {
    /// The name of the macro.
    pub name: &'static str,
    /// The number, as the headers of the model print it.
    pub value: u32,
    /// What the code says, for a person.
    pub sentence: &'static str,
    /// Name and sentence, each with a NUL, for C.
    #[allow(dead_code)]
    pub for_c: (&'static str, &'static str),
}

macro_rules! row {
    ($name:literal, $value:literal, $sentence:literal) => {
        Row { name: $name, value: $value, sentence: $sentence, for_c: (concat!($name, "\0"), concat!($sentence, "\0")) }
    };
}

/// In the order of their numbers: successes first.
pub const TABLE: &[Row] = &[
    row!("S_OK", 0x0000_0000, "Success."),
    row!("S_FALSE", 0x0000_0001, "Success with a negative answer: something remains, or there is nothing to tell."),
    row!("CALL_S_DEFERRED", 0x0004_0200, "The method goes on after it returned and completes its call later."),
    row!("E_NOTIMPL", 0x8000_4001, "Not implemented."),
    row!("E_NOINTERFACE", 0x8000_4002, "The call object has no cancel interface."),
    row!("E_POINTER", 0x8000_4003, "A pointer that must not be NULL is NULL."),
    row!("E_ABORT", 0x8000_4004, "Aborted: a method gave up."),
    row!("E_FAIL", 0x8000_4005, "Unspecified failure: a method failed."),
    row!(
        "E_UNEXPECTED",
        0x8000_FFFF,
        "Unexpected failure: a defect of the library, or a method that ended with a code that no method may end with."
    ),
    row!("RPC_E_CALL_CANCELED", 0x8001_0002, "The call was canceled."),
    row!("RPC_E_SERVER_DIED", 0x8001_0007, "The process of the method is gone; the method had been entered."),
    row!("RPC_E_INVALID_DATA", 0x8001_000F, "The process of the method sent what makes no sense, and was killed."),
    row!("RPC_E_SERVER_DIED_DNE", 0x8001_0012, "The process of the method is gone; the method was never entered."),
    row!(
        "RPC_E_OUT_OF_RESOURCES",
        0x8001_0101,
        "A resource of the library or the system is used up: handles, references or threads."
    ),
    row!("RPC_E_SERVERFAULT", 0x8001_0105, "The method panicked."),
    row!(
        "RPC_E_DISCONNECTED",
        0x8001_0108,
        "The object is disconnected, its apartment is closed, or the handle belongs to the parent of this process."
    ),
    row!("RPC_E_WRONG_THREAD", 0x8001_010E, "Only the thread that owns the apartment may do this."),
    row!("RPC_S_CALLPENDING", 0x8001_0115, "Not yet: the call is in progress, or no cancel was requested."),
    row!("RPC_E_CALL_COMPLETE", 0x8001_0117, "The call is complete, or no call is in progress."),
    row!("RPC_E_TIMEOUT", 0x8001_011F, "The deadline passed."),
    row!("CO_E_CANCEL_DISABLED", 0x8001_0140, "Cancellation is disabled."),
    row!("DISP_E_MEMBERNOTFOUND", 0x8002_0003, "The class has no method of that number."),
    row!("DISP_E_UNKNOWNNAME", 0x8002_0006, "The class has no method of that name."),
    row!("REGDB_E_CLASSNOTREG", 0x8004_0154, "The module has no class of that name."),
    row!("MK_E_SYNTAX", 0x8004_01E4, "Not a moniker: SCHEME:PATH#CLASS."),
    row!("CO_E_DLLNOTFOUND", 0x8004_01F8, "The module cannot be loaded."),
    row!("CO_E_ERRORINDLL", 0x8004_01F9, "The module has no call_module_main, or that failed."),
    row!("E_ACCESSDENIED", 0x8007_0005, "Access denied: a method was not allowed to do what it was asked for."),
    row!("E_HANDLE", 0x8007_0006, "The handle is null, released, of another kind, or never was one."),
    row!("E_OUTOFMEMORY", 0x8007_000E, "Out of memory."),
    row!("E_INVALIDARG", 0x8007_0057, "An argument is not valid."),
    row!("CALL_E_MORE_DATA", 0x8007_00EA, "The buffer is too small; the needed length was given and nothing is lost."),
    row!("CALL_E_DEADLOCK", 0x8007_046B, "The wait could never end."),
    row!("CALL_E_TOO_BUSY", 0x8007_06BB, "The apartment's queue is full."),
    row!("CO_E_SERVER_EXEC_FAILURE", 0x8008_0005, "A child process could not be started."),
];
