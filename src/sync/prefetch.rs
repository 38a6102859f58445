//! Asking for memory before it is needed. Hints: a system without them does nothing.

/// Brings a cache line near, to be read.
#[inline]
pub fn prefetch<T>(value: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that reads nothing the program can see, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(value.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Brings a cache line near, to be written: other processors give it up.
#[inline]
pub fn prefetch_to_write<T>(value: *const T) {
    #[cfg(target_arch = "x86_64")]
    // The intrinsic brings it near to be read, where not all processors of the target have the other instruction.
    // Those without it, if there are any, take it for none.
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prefetchw byte ptr [{}]", in(reg) value, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
