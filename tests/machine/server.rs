//! The server's side of a program: classes whose methods do what their input says, and the ledger of
//! what happened to them.

use super::bindings::*;
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Returns the code.
    Return,
    Panic,
    /// Waits at its gate and returns the code.
    Gate,
    /// Goes on without a thread.
    Defer,
    /// Completes with the code before it returns.
    Complete,
}

const PLANS: [Plan; 5] = [Plan::Return, Plan::Panic, Plan::Gate, Plan::Defer, Plan::Complete];

/// What stands in the input of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    pub serial: u32,
    pub plan: Plan,
    pub code: i32,
    /// Length of the output.
    pub out_len: u16,
    /// Length of the whole input.
    pub in_len: u16,
}

impl Script {
    pub const LEN: u16 = 16;

    pub fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.in_len.into());
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(self.code.to_le_bytes());
        bytes.extend((self.plan as u32).to_le_bytes());
        bytes.extend(self.out_len.to_le_bytes());
        bytes.extend(self.in_len.to_le_bytes());
        bytes.extend((Self::LEN..self.in_len).map(|at| pattern(self.serial, at.into())));
        bytes
    }

    /// The reverse, if it is what [`Script::encode`] makes.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let word =
            |at: usize| bytes.get(at..at + 4).map(|four| u32::from_le_bytes(four.try_into().unwrap_or_default()));
        let script = Self {
            serial: word(0)?,
            code: word(4)?.cast_signed(),
            plan: *PLANS.get(word(8)? as usize)?,
            out_len: word(12)? as u16,
            in_len: (word(12)? >> 16) as u16,
        };
        (script.encode() == bytes).then_some(script)
    }

    /// What its method writes.
    pub fn output(self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.serial.to_le_bytes().into();
        bytes.extend((4..usize::from(self.out_len)).map(|at| pattern(self.serial, at)));
        bytes.truncate(self.out_len.into());
        bytes
    }
}

pub fn pattern(serial: u32, at: usize) -> u8 {
    (serial as usize * 31 + at * 7) as u8
}

/// The kinds of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Invoke,
    InvokeCancel,
    Begin,
    BeginCancel,
    Custom,
    CustomCancel,
    /// Custom, with a `cancel` that fails with [`REFUSAL`].
    CustomRefuse,
}

/// What a class answers that does not cancel its calls.
pub const REFUSAL: i32 = E_NOTIMPL;

impl Shape {
    pub const ALL: [Self; 7] = [
        Self::Invoke,
        Self::InvokeCancel,
        Self::Begin,
        Self::BeginCancel,
        Self::Custom,
        Self::CustomCancel,
        Self::CustomRefuse,
    ];

    pub fn begins(self) -> bool {
        !matches!(self, Self::Invoke | Self::InvokeCancel)
    }

    pub fn custom(self) -> bool {
        matches!(self, Self::Custom | Self::CustomCancel | Self::CustomRefuse)
    }

    pub fn cancels(self) -> bool {
        !matches!(self, Self::Invoke | Self::Begin | Self::Custom)
    }
}

/// Methods that every class has.
pub const METHODS: u32 = 2;
pub const NAMES: [&CStr; METHODS as usize] = [c"one", c"two"];

/// What is known of one begin.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is known on its own")]
pub struct Entry {
    pub entered: u32,
    pub context: u64,
    /// Its `invoke` or `begin` is on a thread's stack.
    pub inside: bool,
    pub parked: bool,
    open: bool,
    /// How often the class's `cancel` was called.
    pub told: u32,
    /// How often the free function of an owned input was called.
    pub frees: u32,
    /// Nothing that the method wrote itself was refused.
    pub wrote: bool,
    /// What its own `call_context_complete` gave.
    pub completed: Option<i32>,
}

#[derive(Default)]
pub struct Books {
    pub entries: Vec<Entry>,
    /// How often each object's `destroy` was called.
    pub destroyed: Vec<u32>,
    /// What must never happen and did.
    pub violations: Vec<String>,
}

/// The ledger of one program.
#[derive(Default)]
pub struct Ledger {
    books: Mutex<Books>,
    changed: Condvar,
}

/// What an object's `self` points to.
pub struct Thing {
    ledger: Arc<Ledger>,
    pub number: usize,
    shape: Shape,
}

/// An owned input on its way.
pub struct Parcel {
    ledger: Arc<Ledger>,
    serial: u32,
}

impl Ledger {
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new begin; gives its serial number.
    pub fn open(&self) -> u32 {
        let entries = &mut self.books().entries;
        entries.push(Entry::default());
        entries.len() as u32 - 1
    }

    /// A new object's `self`, to be freed by the caller when all is over.
    pub fn thing(self: &Arc<Self>, shape: Shape) -> *mut Thing {
        let destroyed = &mut self.books().destroyed;
        destroyed.push(0);
        Box::into_raw(Box::new(Thing { ledger: Arc::clone(self), number: destroyed.len() - 1, shape }))
    }

    pub fn parcel(self: &Arc<Self>, serial: u32) -> *mut Parcel {
        Box::into_raw(Box::new(Parcel { ledger: Arc::clone(self), serial }))
    }

    /// Lets a method go on that waits at its gate, or will.
    pub fn open_gate(&self, serial: usize) {
        if let Some(entry) = self.books().entries.get_mut(serial) {
            entry.open = true;
        }
        self.changed.notify_all();
    }

    fn violate(&self, what: String) {
        self.books().violations.push(what);
    }

    fn with<T>(&self, serial: u32, edit: impl FnOnce(&mut Entry) -> T) -> T {
        edit(&mut self.books().entries[serial as usize])
    }

    fn park(&self, serial: u32) {
        let mut books = self.books();
        books.entries[serial as usize].parked = true;
        while !books.entries[serial as usize].open {
            books = self.changed.wait(books).unwrap_or_else(PoisonError::into_inner);
        }
        books.entries[serial as usize].parked = false;
    }
}

/// The class of a shape; `names` outlives the use of it.
pub fn class(shape: Shape, names: &[*const c_char]) -> call_class_t {
    let run: call_method_fn = Some(run_method);
    call_class_t {
        size: size_of::<call_class_t>(),
        methods: names.as_ptr(),
        method_count: names.len() as u32,
        flags: if shape.custom() { CALL_CLASS_CUSTOM_MARSHALING } else { 0 },
        invoke: if shape.begins() { None } else { run },
        begin: if shape.begins() { run } else { None },
        cancel: if shape.cancels() { Some(cancel_call) } else { None },
        destroy: Some(destroy),
    }
}

/// # Safety
/// `this` points to a [`Thing`], `input` to `len` bytes.
unsafe extern "C-unwind" fn run_method(
    this: *mut c_void,
    context: call_context_t,
    _method: u32,
    input: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the caller's promise; things are freed when all is over.
    let (thing, bytes) = unsafe { (&*this.cast::<Thing>(), std::slice::from_raw_parts(input.cast(), len)) };
    let ledger = &thing.ledger;
    let Some(script) = Script::decode(bytes) else {
        ledger.violate(format!("a method got another input than was begun: {bytes:?}"));
        return E_FAIL;
    };
    let serial = script.serial;
    let output = script.output();
    // SAFETY: as many bytes as are said.
    let wrote = unsafe { call_context_write(context, output.as_ptr().cast(), output.len()) };
    ledger.with(serial, |entry| {
        entry.entered += 1;
        entry.context = context.id;
        entry.inside = true;
        entry.wrote = wrote == S_OK;
    });
    if script.plan == Plan::Complete {
        let completed = call_context_complete(context, script.code);
        ledger.with(serial, |entry| entry.completed = Some(completed));
    }
    if script.plan == Plan::Gate {
        ledger.park(serial);
    }
    ledger.with(serial, |entry| entry.inside = false);
    match script.plan {
        Plan::Panic => std::panic::resume_unwind(Box::new("planned")),
        Plan::Return | Plan::Gate => script.code,
        Plan::Defer | Plan::Complete if thing.shape.begins() => S_OK,
        Plan::Defer | Plan::Complete => CALL_S_DEFERRED,
    }
}

/// # Safety
/// `this` points to a [`Thing`].
unsafe extern "C-unwind" fn cancel_call(this: *mut c_void, context: call_context_t, _grace_ms: u32) -> i32 {
    // SAFETY: as in `run_method`.
    let thing = unsafe { &*this.cast::<Thing>() };
    let mut books = thing.ledger.books();
    // One that is told while its method begins has not said what its context is.
    if let Some(entry) = books.entries.iter_mut().find(|entry| entry.context == context.id) {
        entry.told += 1;
    }
    if thing.shape == Shape::CustomRefuse { REFUSAL } else { S_OK }
}

/// # Safety
/// `this` points to a [`Thing`].
unsafe extern "C-unwind" fn destroy(this: *mut c_void) {
    // SAFETY: as in `run_method`.
    let thing = unsafe { &*this.cast::<Thing>() };
    // Once it is noted, the thing may be freed.
    let (ledger, number) = (Arc::clone(&thing.ledger), thing.number);
    ledger.books().destroyed[number] += 1;
}

/// # Safety
/// `data` is a leaked slice of `len` bytes, `user` a [`Parcel`].
pub unsafe extern "C-unwind" fn free_input(data: *mut c_void, len: usize, user: *mut c_void) {
    // SAFETY: as in `run_method`.
    let parcel = unsafe { &*user.cast::<Parcel>() };
    let (ledger, serial) = (Arc::clone(&parcel.ledger), parcel.serial);
    let (again, inside) = ledger.with(serial, |entry| (entry.frees > 0, entry.inside));
    if inside {
        ledger.violate(format!("the input of call {serial} was freed under its method"));
    }
    if again {
        ledger.violate(format!("the input of call {serial} was freed again"));
    } else {
        // SAFETY: the first free is the only one.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data.cast::<u8>(), len)) });
    }
    // Once it is noted, the parcel may be freed.
    ledger.with(serial, |entry| entry.frees += 1);
}
