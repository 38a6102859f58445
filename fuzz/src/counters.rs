//! What libFuzzer counts of the code that ran, also in the child of a fork.

unsafe extern "C" {
    static mut __start___sancov_cntrs: u8;
    static mut __stop___sancov_cntrs: u8;
}

/// Lets this process and the children of its forks count in the same memory, but for what lies on the first and the
/// last page.
pub fn share() {
    const PAGE: usize = 4096;
    let (start, stop) = (&raw mut __start___sancov_cntrs, &raw mut __stop___sancov_cntrs);
    let from = start.map_addr(|at| at.next_multiple_of(PAGE));
    let len = (stop.addr() & !(PAGE - 1)).saturating_sub(from.addr());
    assert!(len > 0, "there are too few counters");
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED);
    // SAFETY: whole pages of counters, which may have any value at any time.
    let mapped = unsafe { libc::mmap(from.cast(), len, access, kind, -1, 0) };
    assert_ne!(mapped, libc::MAP_FAILED, "no memory to share");
}
