//! Atomics of the library's size and with its `const fn new`, whose values are loom's.
//!
//! The library has atomics in statics and in zeroed memory, where loom's cannot be made. So each
//! holds only its initial value; at its first use in an execution it gets one of loom's, by its
//! address, from a store that was made before any thread started. Loom's then holds how the value
//! differs from the initial one.

use super::Ordering;
use loom::sync::atomic::AtomicU64 as Modeled;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What loom knows of one atomic.
struct Word {
    value: Modeled,
    loads: Modeled,
}

struct Words {
    unused: Vec<Rc<Word>>,
    by_address: HashMap<usize, Rc<Word>>,
}

std::thread_local! {
    // All threads of a model are coroutines of one thread.
    static WORDS: RefCell<Words> = RefCell::new(Words { unused: Vec::new(), by_address: HashMap::new() });
}

/// Makes atomics for one execution, before any thread starts: loom takes the making of one for a
/// write that all uses must come after.
pub fn prepare(count: usize) {
    let make = |_| {
        let word = Word { value: Modeled::new(0), loads: Modeled::new(0) };
        // What a sequentially consistent load may not overlook has to be sequentially consistent.
        word.value.store(0, Ordering::SeqCst);
        Rc::new(word)
    };
    let unused = (0..count).map(make).collect();
    WORDS.replace(Words { unused, by_address: HashMap::new() });
}

fn modeled(address: usize) -> Rc<Word> {
    WORDS.with_borrow_mut(|words| {
        let Words { unused, by_address } = words;
        let first_use = || unused.pop().expect("the model uses more atomics than it said");
        Rc::clone(by_address.entry(address).or_insert_with(first_use))
    })
}

/// Whether an atomic has one of loom's in this execution.
fn is_used(address: usize) -> bool {
    WORDS.with_borrow(|words| words.by_address.contains_key(&address))
}

impl Word {
    /// Loom tries the orders of those uses that it knows to depend on each other, and remembers the
    /// last use only: a thread's load hides that its exchange after that depends on another thread's
    /// load before. So loads depend on each other, by an exchange beside the value that changes
    /// nothing.
    fn load(&self, order: Ordering) -> u64 {
        let _ = self.loads.compare_exchange(1, 1, Ordering::Relaxed, Ordering::Relaxed);
        self.value.load(order)
    }
}

/// Its memory may become another's.
fn forget(address: usize) {
    // Refused only while the thread itself ends.
    let _ = WORDS.try_with(|words| words.borrow_mut().by_address.remove(&address));
}

/// What stands for an ordinary value in loom's atomic.
trait Bits: Copy {
    fn bits(self) -> u64;
    fn from_bits(bits: u64) -> Self;
}

impl Bits for u32 {
    fn bits(self) -> u64 {
        self.into()
    }
    fn from_bits(bits: u64) -> Self {
        bits as u32
    }
}

impl Bits for u64 {
    fn bits(self) -> u64 {
        self
    }
    fn from_bits(bits: u64) -> Self {
        bits
    }
}

impl<T> Bits for *mut T {
    fn bits(self) -> u64 {
        self.expose_provenance() as u64
    }
    fn from_bits(bits: u64) -> Self {
        std::ptr::with_exposed_provenance_mut(bits as usize)
    }
}

macro_rules! atomic {
    ($name:ident $(<$parameter:ident>)?, $value:ty) => {
        #[repr(transparent)]
        pub struct $name $(<$parameter>)? {
            initial: std::cell::UnsafeCell<$value>,
        }

        // SAFETY: the initial value is never written.
        unsafe impl $(<$parameter>)? Send for $name $(<$parameter>)? {}
        // SAFETY: as above.
        unsafe impl $(<$parameter>)? Sync for $name $(<$parameter>)? {}

        impl $(<$parameter>)? Drop for $name $(<$parameter>)? {
            fn drop(&mut self) {
                forget(self.address());
            }
        }

        impl $(<$parameter>)? $name $(<$parameter>)? {
            pub const fn new(initial: $value) -> Self {
                Self { initial: std::cell::UnsafeCell::new(initial) }
            }

            /// Good for comparing; there is nothing behind it.
            pub const fn as_ptr(&self) -> *mut $value {
                self.initial.get()
            }

            fn address(&self) -> usize {
                self.initial.get().addr()
            }

            /// Loom's value for this one, or the reverse.
            fn code(&self, bits: u64) -> u64 {
                // SAFETY: never written.
                bits ^ unsafe { *self.initial.get() }.bits()
            }

            fn value(&self, code: u64) -> $value {
                <$value>::from_bits(self.code(code))
            }

            pub fn load(&self, order: Ordering) -> $value {
                self.value(modeled(self.address()).load(order))
            }

            /// By an exchange: loom leaves it open which of a store and another thread's exchange came
            /// last, so that a thread which waits for the store could wait for good.
            pub fn store(&self, value: $value, order: Ordering) {
                if order == Ordering::Relaxed && self.code(value.bits()) == 0 && !is_used(self.address()) {
                    // It changes and orders nothing, and loom would take it for one that a sequentially
                    // consistent load may still find after a sequentially consistent store.
                    return;
                }
                self.swap(value, order);
            }

            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.value(modeled(self.address()).value.swap(self.code(value.bits()), order))
            }

            pub fn compare_exchange(
                &self,
                current: $value,
                next: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let (current, next) = (self.code(current.bits()), self.code(next.bits()));
                modeled(self.address())
                    .value
                    .compare_exchange(current, next, success, failure)
                    .map(|code| self.value(code))
                    .map_err(|code| self.value(code))
            }

            pub fn compare_exchange_weak(
                &self,
                current: $value,
                next: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, next, success, failure)
            }

            pub fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                change: impl Fn($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut seen = self.load(failure);
                while let Some(next) = change(seen) {
                    match self.compare_exchange(seen, next, success, failure) {
                        Err(other) => seen = other,
                        done => return done,
                    }
                }
                Err(seen)
            }
        }
    };
}

macro_rules! arithmetic {
    ($name:ident, $value:ty, $($operation:ident $change:expr;)+) => {
        impl $name {
            $(pub fn $operation(&self, operand: $value, order: Ordering) -> $value {
                if self.code(0) == 0 {
                    return modeled(self.address()).value.$operation(operand.bits(), order) as $value;
                }
                let change: fn($value, $value) -> $value = $change;
                let changed = self.fetch_update(order, Ordering::Relaxed, |value| Some(change(value, operand)));
                changed.unwrap_or_else(|value| value)
            })+
        }
    };
    ($name:ident, $value:ty) => {
        arithmetic!($name, $value,
            fetch_add |value, by| value + by;
            fetch_sub |value, by| value - by;
            fetch_or |value, bits| value | bits;
            fetch_and |value, bits| value & bits;
            fetch_min |value, other| value.min(other);
        );
    };
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);
atomic!(AtomicPtr<T>, *mut T);
arithmetic!(AtomicU32, u32);
arithmetic!(AtomicU64, u64);
