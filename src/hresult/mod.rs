//! Codes: what every function of the header returns, and the failure that carries one inward.

pub mod table;

use table::TABLE;

/// An HRESULT: success is zero or positive.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hresult(pub i32);

/// The number of a name of the table; a name that is not there does not compile.
const fn named(name: &str) -> Hresult {
    let mut at = 0;
    while at < TABLE.len() {
        if same(TABLE[at].name.as_bytes(), name.as_bytes()) {
            return Hresult(TABLE[at].value.cast_signed());
        }
        at += 1;
    }
    panic!("no such code in the table");
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

pub const S_OK: Hresult = named("S_OK");
pub const S_FALSE: Hresult = named("S_FALSE");
pub const CALL_S_DEFERRED: Hresult = named("CALL_S_DEFERRED");
pub const E_NOTIMPL: Hresult = named("E_NOTIMPL");
pub const E_NOINTERFACE: Hresult = named("E_NOINTERFACE");
pub const E_POINTER: Hresult = named("E_POINTER");
pub const E_UNEXPECTED: Hresult = named("E_UNEXPECTED");
pub const E_HANDLE: Hresult = named("E_HANDLE");
pub const E_OUTOFMEMORY: Hresult = named("E_OUTOFMEMORY");
pub const E_INVALIDARG: Hresult = named("E_INVALIDARG");
pub const REGDB_E_CLASSNOTREG: Hresult = named("REGDB_E_CLASSNOTREG");
pub const MK_E_SYNTAX: Hresult = named("MK_E_SYNTAX");
pub const CO_E_DLLNOTFOUND: Hresult = named("CO_E_DLLNOTFOUND");
pub const CO_E_ERRORINDLL: Hresult = named("CO_E_ERRORINDLL");
pub const CO_E_SERVER_EXEC_FAILURE: Hresult = named("CO_E_SERVER_EXEC_FAILURE");
pub const RPC_E_SERVER_DIED: Hresult = named("RPC_E_SERVER_DIED");
pub const RPC_E_SERVER_DIED_DNE: Hresult = named("RPC_E_SERVER_DIED_DNE");
pub const RPC_E_INVALID_DATA: Hresult = named("RPC_E_INVALID_DATA");
pub const DISP_E_MEMBERNOTFOUND: Hresult = named("DISP_E_MEMBERNOTFOUND");
pub const DISP_E_UNKNOWNNAME: Hresult = named("DISP_E_UNKNOWNNAME");
pub const RPC_E_CALL_CANCELED: Hresult = named("RPC_E_CALL_CANCELED");
pub const RPC_E_OUT_OF_RESOURCES: Hresult = named("RPC_E_OUT_OF_RESOURCES");
pub const RPC_E_SERVERFAULT: Hresult = named("RPC_E_SERVERFAULT");
pub const RPC_E_DISCONNECTED: Hresult = named("RPC_E_DISCONNECTED");
pub const RPC_E_WRONG_THREAD: Hresult = named("RPC_E_WRONG_THREAD");
pub const RPC_E_TIMEOUT: Hresult = named("RPC_E_TIMEOUT");
pub const CO_E_CANCEL_DISABLED: Hresult = named("CO_E_CANCEL_DISABLED");
pub const RPC_S_CALLPENDING: Hresult = named("RPC_S_CALLPENDING");
pub const RPC_E_CALL_COMPLETE: Hresult = named("RPC_E_CALL_COMPLETE");
pub const CALL_E_MORE_DATA: Hresult = named("CALL_E_MORE_DATA");
pub const CALL_E_TOO_BUSY: Hresult = named("CALL_E_TOO_BUSY");
pub const CALL_E_DEADLOCK: Hresult = named("CALL_E_DEADLOCK");

impl Hresult {
    /// The code's row, if the table has it.
    pub fn row(self) -> Option<&'static table::Row> {
        TABLE.iter().find(|row| row.value.cast_signed() == self.0)
    }

    /// The macro's name, if the table has the code.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }
}

/// An immediate failure on its way to the boundary: a code, and what it was about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    pub code: Hresult,
    /// Empty: the table's sentence says it all.
    pub detail: &'static str,
}

impl Failure {
    /// A failure that says what it was about.
    pub const fn because(code: Hresult, detail: &'static str) -> Self {
        Self { code, detail }
    }

    /// What it says to a person.
    pub fn text(self) -> &'static str {
        let sentence = self.code.row().map_or("", |row| row.sentence);
        if self.detail.is_empty() { sentence } else { self.detail }
    }
}

impl From<Hresult> for Failure {
    fn from(code: Hresult) -> Self {
        Self { code, detail: "" }
    }
}

/// A failure that says in its own words what it was about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    pub code: Hresult,
    pub text: String,
}

impl Complaint {
    pub const fn new(code: Hresult, text: String) -> Self {
        Self { code, text }
    }
}

impl From<Failure> for Complaint {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, text: failure.text().to_owned() }
    }
}

/// What a function of the header comes to: an answer, or an immediate failure.
pub type Outcome = Result<Hresult, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_unique() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].value < pair[1].value, "{} before {}", pair[0].name, pair[1].name);
            assert!(!pair[0].sentence.is_empty() && pair[0].sentence.ends_with('.'));
        }
    }

    #[test]
    fn the_standard_numbers_are_those_of_the_real_headers() {
        for (code, number) in [
            (RPC_E_CALL_CANCELED, 0x8001_0002_u32),
            (RPC_S_CALLPENDING, 0x8001_0115),
            (RPC_E_CALL_COMPLETE, 0x8001_0117),
            (RPC_E_SERVERFAULT, 0x8001_0105),
            (RPC_E_DISCONNECTED, 0x8001_0108),
            (CALL_E_MORE_DATA, 0x8007_00EA),
        ] {
            assert_eq!(code.0.cast_unsigned(), number);
        }
    }
}
