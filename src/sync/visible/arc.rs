//! Counted references whose last drop loads the count where the standard library's has a fence.

use crate::sync::{AtomicU32, Ordering};
use std::marker::Unsize;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{CoerceUnsized, Deref};
use std::ptr::{self, NonNull};

#[repr(C)]
struct Counted<T: ?Sized> {
    strong: AtomicU32,
    /// One for all strong ones together.
    weak: AtomicU32,
    value: ManuallyDrop<T>,
}

/// As `std::sync::Arc`.
pub struct Arc<T: ?Sized>(NonNull<Counted<T>>);

/// As `std::sync::Weak`.
pub struct Weak<T: ?Sized>(NonNull<Counted<T>>);

// SAFETY: as `std::sync::Arc`: the value is shared by all threads that have a reference, and dropped by one of them.
unsafe impl<T: ?Sized + Send + Sync> Send for Arc<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for Arc<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Send for Weak<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for Weak<T> {}

impl<T: ?Sized + Unsize<U>, U: ?Sized> CoerceUnsized<Arc<U>> for Arc<T> {}
impl<T: ?Sized + Unsize<U>, U: ?Sized> CoerceUnsized<Weak<U>> for Weak<T> {}

impl<T> Arc<T> {
    pub fn new(value: T) -> Self {
        Self::new_cyclic(|_| value)
    }

    /// A value that keeps a weak reference to itself.
    pub fn new_cyclic(make: impl FnOnce(&Weak<T>) -> T) -> Self {
        let place = Box::new(Counted {
            strong: AtomicU32::new(0),
            weak: AtomicU32::new(1),
            value: ManuallyDrop::new(MaybeUninit::<T>::uninit()),
        });
        let weak: Weak<T> = Weak(NonNull::from(Box::leak(place)).cast());
        let value = make(&weak);
        // SAFETY: no strong reference exists, so nobody looks at the value yet.
        unsafe {
            (&raw mut (*weak.0.as_ptr()).value).write(ManuallyDrop::new(value));
            weak.0.as_ref().strong.store(1, Ordering::Release);
        }
        // The weak one stays behind, as that of all strong ones.
        Self(ManuallyDrop::new(weak).0)
    }

    /// The value, if this is the last reference.
    pub fn into_inner(this: Self) -> Option<T> {
        let this = ManuallyDrop::new(this);
        this.leave().then(|| {
            // SAFETY: the last reference is gone; the value is moved out once, and the memory stays until `weak` goes.
            let value = unsafe { ptr::read(&raw const *this.counted().value) };
            drop(Weak(this.0));
            value
        })
    }
}

impl<T: ?Sized> Arc<T> {
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        ptr::addr_eq(this.0.as_ptr(), other.0.as_ptr())
    }

    pub fn downgrade(this: &Self) -> Weak<T> {
        this.counted().weak.fetch_add(1, Ordering::Relaxed);
        Weak(this.0)
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: this reference keeps it.
        unsafe { self.0.as_ref() }
    }

    /// One reference less: true for the last, which sees all that was done through the others.
    fn leave(&self) -> bool {
        let last = self.counted().strong.fetch_sub(1, Ordering::Release) == 1;
        if last {
            self.counted().strong.load(Ordering::Acquire);
        }
        last
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Self {
        self.counted().strong.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl<T: ?Sized> Drop for Arc<T> {
    fn drop(&mut self) {
        if self.leave() {
            // SAFETY: the last reference is gone, and the value is dropped by nobody else.
            unsafe { ManuallyDrop::drop(&mut self.0.as_mut().value) };
            drop(Weak(self.0));
        }
    }
}

impl<T: ?Sized> Weak<T> {
    pub fn upgrade(&self) -> Option<Arc<T>> {
        let more = |count: u32| (count != 0).then(|| count + 1);
        // SAFETY: a weak reference keeps the counts.
        let strong = unsafe { &self.0.as_ref().strong };
        strong.fetch_update(Ordering::Acquire, Ordering::Relaxed, more).ok().map(|_| Arc(self.0))
    }

    pub fn strong_count(&self) -> usize {
        // SAFETY: a weak reference keeps the counts.
        unsafe { self.0.as_ref() }.strong.load(Ordering::Acquire) as usize
    }
}

impl<T: ?Sized> Clone for Weak<T> {
    fn clone(&self) -> Self {
        // SAFETY: a weak reference keeps the counts.
        unsafe { self.0.as_ref() }.weak.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl<T: ?Sized> Drop for Weak<T> {
    fn drop(&mut self) {
        // SAFETY: a weak reference keeps the counts; the last one owns the box, whose value is gone.
        unsafe {
            if self.0.as_ref().weak.fetch_sub(1, Ordering::Release) == 1 {
                self.0.as_ref().weak.load(Ordering::Acquire);
                drop(Box::from_raw(self.0.as_ptr()));
            }
        }
    }
}
