//! Thread-locals of a model's threads, with what the library uses of the standard ones.

use loom::thread::{ThreadId, current};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

std::thread_local! {
    // Leaked: what ends with a thread would use atomics of an execution that is over.
    static VALUES: RefCell<HashMap<(usize, ThreadId), &'static dyn Any>> = RefCell::new(HashMap::new());
}

pub struct LocalKey<T: 'static>(fn() -> T);

#[derive(Debug)]
pub struct AccessError;

pub fn forget() {
    VALUES.take();
}

impl<T: 'static> LocalKey<T> {
    pub const fn new(make: fn() -> T) -> Self {
        Self(make)
    }

    pub fn with<R>(&'static self, look: impl FnOnce(&T) -> R) -> R {
        let key = (std::ptr::from_ref(self).addr(), current().id());
        let found = VALUES.with_borrow(|values| values.get(&key).copied());
        let value = found.unwrap_or_else(|| {
            let made: &'static dyn Any = Box::leak(Box::new((self.0)()));
            VALUES.with_borrow_mut(|values| values.insert(key, made));
            made
        });
        look(value.downcast_ref().expect("a key has one type"))
    }
    pub fn try_with<R>(&'static self, look: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        Ok(self.with(look))
    }
}

impl<T: Copy + 'static> LocalKey<Cell<T>> {
    pub fn get(&'static self) -> T {
        self.with(Cell::get)
    }

    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    pub fn with_borrow_mut<R>(&'static self, change: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| change(&mut cell.borrow_mut()))
    }
}
