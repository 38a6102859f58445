//! Programs: sequences of C calls, decoded from bytes. The bytes are what the fuzzer mutates, what
//! the property test draws and shrinks, and what the committed corpus keeps; so the decoding is
//! fixed: four bytes per step, and four before them that say what the program starts with.

/// One thing that a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    ApartmentCreate,
    ApartmentClose,
    ApartmentRelease,
    Pump,
    ObjectCreate,
    ObjectAddRef,
    ObjectRelease,
    Disconnect,
    FindMethod,
    Create,
    AddRef,
    Release,
    Begin,
    BeginOwned,
    Wait,
    Finish,
    TryFinish,
    FinishBuffer,
    BufferGet,
    BufferRelease,
    GetFate,
    GetError,
    GetProgress,
    QueryCancel,
    Cancel,
    RequestCancel,
    TestCancel,
    CancelRelease,
    Write,
    Reserve,
    Commit,
    SetError,
    SetProgress,
    ContextTest,
    ContextWait,
    Disable,
    Enable,
    Complete,
    /// Lets a method go on that waits inside its `invoke`.
    OpenGate,
    /// Gives a function a handle that is none of its kind.
    Forge,
    LastError,
}

impl Op {
    /// Takes a call object, and neither begins nor cancels.
    pub fn is_of_client(self) -> bool {
        use Op::*;
        matches!(self, Wait | Finish | TryFinish | FinishBuffer | GetFate | GetError | GetProgress)
    }
}

/// How often each is drawn. The order is part of the corpus's meaning: add at the end.
const WEIGHTS: &[(Op, u8)] = &[
    (Op::Begin, 12),
    (Op::BeginOwned, 4),
    (Op::Create, 3),
    (Op::QueryCancel, 6),
    (Op::Cancel, 5),
    (Op::RequestCancel, 5),
    (Op::TestCancel, 4),
    (Op::CancelRelease, 2),
    (Op::Wait, 4),
    (Op::Finish, 5),
    (Op::TryFinish, 5),
    (Op::FinishBuffer, 3),
    (Op::GetFate, 5),
    (Op::GetError, 3),
    (Op::GetProgress, 2),
    (Op::Complete, 5),
    (Op::OpenGate, 5),
    (Op::Write, 3),
    (Op::Reserve, 2),
    (Op::Commit, 3),
    (Op::SetError, 2),
    (Op::SetProgress, 2),
    (Op::ContextTest, 3),
    (Op::ContextWait, 1),
    (Op::Disable, 2),
    (Op::Enable, 2),
    (Op::Pump, 5),
    (Op::AddRef, 2),
    (Op::Release, 2),
    (Op::ObjectCreate, 2),
    (Op::ObjectAddRef, 1),
    (Op::ObjectRelease, 1),
    (Op::Disconnect, 1),
    (Op::FindMethod, 1),
    (Op::ApartmentCreate, 1),
    (Op::ApartmentClose, 1),
    (Op::ApartmentRelease, 1),
    (Op::BufferGet, 2),
    (Op::BufferRelease, 2),
    (Op::Forge, 3),
    (Op::LastError, 2),
];

/// One step: who does what, with two numbers that choose handles and arguments.
#[derive(Clone, Copy)]
pub struct Step {
    pub op: Op,
    pub who: usize,
    /// Which handle.
    pub a: u8,
    /// Which variant.
    pub b: u8,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{:?}({},{})", self.who, self.op, self.a, self.b)
    }
}

/// Threads that a program has.
pub const ACTORS: usize = 4;
/// Steps that a program has at most.
pub const LONGEST: usize = 80;
/// Bytes of a step, and of what stands before the first.
pub const RECORD: usize = 4;

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Chooses the classes of the first objects, and the limits of the first apartments.
    pub start: [u8; RECORD],
    pub steps: Vec<Step>,
}

impl Program {
    /// Every byte string is a program.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut records = bytes.chunks(RECORD).map(|chunk| {
            let mut record = [0; RECORD];
            record[..chunk.len()].copy_from_slice(chunk);
            record
        });
        let start = records.next().unwrap_or_default();
        let step = |[op, who, a, b]: [u8; RECORD]| Step { op: choose(op), who: usize::from(who) % ACTORS, a, b };
        Self { start, steps: records.map(step).take(LONGEST).collect() }
    }
}

fn choose(byte: u8) -> Op {
    let total: u8 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut left = byte % total;
    for (op, weight) in WEIGHTS {
        match left.checked_sub(*weight) {
            Some(less) => left = less,
            None => return *op,
        }
    }
    Op::LastError
}
