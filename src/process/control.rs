//! What a process does about itself, and about those that it has started.

use crate::sync::{close_descriptor, open_descriptor};
use crate::time::{Deadline, now};
use std::ffi::CStr;
use std::mem;

/// As many descriptors are the standard streams.
const STREAMS: i32 = 3;

/// What a process may use at most.
#[derive(Clone, Copy)]
pub enum Limit {
    /// Bytes of memory.
    Memory,
    /// Seconds of CPU time.
    Cpu,
    Descriptors,
    /// Bytes of a core file.
    Core,
}

/// Limits this process, and those that it starts.
pub fn limit(what: Limit, most: u64) -> bool {
    let (resource, hard) = match what {
        Limit::Memory => (libc::RLIMIT_AS, most),
        // The first signal may be caught, the second one a second later not.
        Limit::Cpu => (libc::RLIMIT_CPU, most + 1),
        Limit::Descriptors => (libc::RLIMIT_NOFILE, most),
        Limit::Core => (libc::RLIMIT_CORE, most),
    };
    let limit = libc::rlimit { rlim_cur: most, rlim_max: hard };
    // SAFETY: the limit is read.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}

/// Orphans among the descendants of this process become its children.
pub fn become_reaper() {
    // SAFETY: takes numbers.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// This process is killed when its parent ends; false: that is over already.
pub fn die_with_parent() -> bool {
    // SAFETY: takes numbers. A parent that has ended is replaced by another process.
    unsafe {
        let parent = libc::getppid();
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        libc::getppid() == parent
    }
}

/// Neither this process nor one that it starts can gain privileges.
pub fn cannot_gain_privileges() -> bool {
    // SAFETY: takes numbers.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 }
}

pub fn change_folder(folder: &CStr) -> bool {
    // SAFETY: the path ends with a NUL.
    unsafe { libc::chdir(folder.as_ptr()) == 0 }
}

/// The processor that this thread runs on, or ran on a moment ago.
pub fn this_cpu() -> u32 {
    // SAFETY: takes nothing.
    unsafe { libc::sched_getcpu() }.cast_unsigned()
}

pub fn process_id() -> i32 {
    // SAFETY: takes nothing.
    unsafe { libc::getpid() }
}

/// Ends this process.
pub fn end_process(status: i32) -> ! {
    // SAFETY: takes a number.
    unsafe { libc::exit(status) }
}

/// Signals that somebody may send to a whole terminal are ignored; SIGPIPE too; SIGCHLD as ever.
pub fn reset_signals() {
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP, libc::SIGPIPE] {
        // SAFETY: takes numbers.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// A descriptor that is readable once that process has ended; never, where the system has no such thing.
pub fn watch_process(process: i32) -> Option<i32> {
    see_end_of(process).or_else(|| open_descriptor().map(off_streams))
}

/// A descriptor that is readable once that process has ended; `None`: it has and was collected, or the system has no
/// such thing, or none left.
fn see_end_of(process: i32) -> Option<i32> {
    // SAFETY: takes numbers; the descriptor is close-on-exec by itself.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    i32::try_from(descriptor).ok().filter(|&descriptor| descriptor >= 0).map(off_streams)
}

/// Waits for a child to end, and collects it, if nobody else does; one that has not ended by then is killed, with its
/// process group. Blocks so long.
pub fn await_child(child: i32, patience: Deadline) {
    let watch = see_end_of(child);
    // Only a child is there to be killed: where somebody else has collected it, its number may be another's.
    while is_child(child) && reap(Some(child), false).is_none() {
        if patience.passed() {
            kill_group(child, true);
            reap(Some(child), true);
            break;
        }
        match watch {
            Some(watch) => poll_many(&[watch], milliseconds_to(patience)),
            // Nothing tells of its end: looks again in a millisecond.
            None => poll_many(&[], 1),
        };
    }
    watch.into_iter().for_each(close_descriptor);
}

/// Whether it is a child of this process that was not collected.
fn is_child(process: i32) -> bool {
    let Ok(id) = libc::id_t::try_from(process) else { return false };
    // SAFETY: plain data, there to be written.
    unsafe {
        let mut found: libc::siginfo_t = std::mem::zeroed();
        libc::waitid(libc::P_PID, id, &raw mut found, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) == 0
    }
}

/// Signals a child that has not been reaped.
pub fn kill_process(process: i32, force: bool) {
    // SAFETY: takes numbers.
    unsafe { libc::kill(process, if force { libc::SIGKILL } else { libc::SIGTERM }) };
}

/// The same for its process group.
pub fn kill_group(process: i32, force: bool) {
    // SAFETY: takes numbers.
    unsafe { libc::kill(-process, if force { libc::SIGKILL } else { libc::SIGTERM }) };
}

/// A child that has ended.
pub struct Reaped {
    pub process: i32,
    /// By that signal; else with that status.
    pub by_signal: bool,
    pub value: i32,
}

/// Collects a child that has ended, or the one asked for; `None`: none has.
pub fn reap(process: Option<i32>, wait: bool) -> Option<Reaped> {
    let mut status = 0;
    let flags = if wait { 0 } else { libc::WNOHANG };
    let process = loop {
        // SAFETY: a number is there to be written.
        let found = unsafe { libc::waitpid(process.unwrap_or(-1), &raw mut status, flags) };
        if found >= 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            break found;
        }
    };
    if process <= 0 {
        return None;
    }
    let by_signal = libc::WIFSIGNALED(status);
    let value = if by_signal { libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) };
    Some(Reaped { process, by_signal, value })
}

/// The children of this process, which has one thread.
pub fn children() -> Vec<i32> {
    let me = process_id();
    let numbers = |text: String| text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).map_or_else(|_| children_by_search(me), numbers)
}

/// The same where the kernel keeps no list.
fn children_by_search(me: i32) -> Vec<i32> {
    let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
    let processes = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_mine = |process: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name, in parentheses, may hold anything.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        parent == Some(me)
    };
    processes.filter(is_mine).collect()
}

/// How long [`poll_many`] may wait for a deadline.
pub fn milliseconds_to(deadline: Deadline) -> i32 {
    deadline.remaining(now()).map_or(-1, |left| i32::try_from(left / 1_000_000 + 1).unwrap_or(i32::MAX))
}

/// Waits until one of the descriptors is readable or broken, or for so many milliseconds (-1: without end); says
/// which are.
pub fn poll_many(descriptors: &[i32], milliseconds: i32) -> Vec<bool> {
    let entry = |&fd: &i32| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut entries: Vec<_> = descriptors.iter().map(entry).collect();
    // SAFETY: that many entries are there.
    let ready = unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, milliseconds) };
    entries.iter().map(|entry| ready > 0 && entry.revents != 0).collect()
}

/// The same descriptor with a number that no program is given one at.
pub fn lift(descriptor: i32) -> i32 {
    // SAFETY: takes numbers.
    let lifted = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 16) };
    if lifted < 0 {
        return descriptor;
    }
    // SAFETY: the caller's, who has the other one instead.
    unsafe { libc::close(descriptor) };
    lifted
}

/// The same descriptor, not in the place of a standard stream that the program has closed.
pub fn off_streams(descriptor: i32) -> i32 {
    if (0..STREAMS).contains(&descriptor) { lift(descriptor) } else { descriptor }
}

/// Opens the standard streams that are closed, on nothing: what is opened later does not come there.
pub fn open_streams() {
    // SAFETY: the path ends with a NUL; what was opened beside them is closed again.
    unsafe {
        loop {
            let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            if !(0..STREAMS).contains(&nothing) {
                libc::close(nothing);
                return;
            }
        }
    }
}

/// Programs that this process starts do not get it.
pub fn keep_to_oneself(descriptor: i32) {
    // SAFETY: takes numbers.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// As [`lift`], of a descriptor that stays.
pub fn lift_copy(descriptor: i32) -> i32 {
    // SAFETY: takes numbers.
    unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 16) }
}

/// Goes on as a process that no parent waits for, in a session of its own, without an input.
pub fn detach() {
    // SAFETY: this process has one thread; the path ends with a NUL.
    unsafe {
        if libc::fork() != 0 {
            libc::_exit(0);
        }
        libc::setsid();
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        libc::dup2(nothing, 0);
        libc::close(nothing);
    }
}

/// Goes on in a child of this process; gives its process id to this one, which stays behind. `None`: to the child, and
/// where there can be none.
pub fn go_on_in_child() -> Option<i32> {
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    (child > 0).then_some(child)
}

/// A descriptor that is readable while children have ended that nobody has collected.
pub fn watch_children() -> Option<i32> {
    // SAFETY: the set is filled before it is read.
    let descriptor = unsafe {
        let mut signals: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
        libc::signalfd(-1, &raw const signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    (descriptor >= 0).then_some(descriptor)
}

/// A pipe's two ends; the one that is read does not block.
pub fn pipe() -> Option<(i32, i32)> {
    let mut ends = [-1; 2];
    // SAFETY: two numbers are there to be written.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } == 0;
    // SAFETY: takes numbers.
    made.then(|| unsafe { libc::fcntl(ends[0], libc::F_SETFL, libc::O_NONBLOCK) });
    made.then_some((ends[0], ends[1]))
}

/// Reads what is there; 0: nobody writes to it any more; `None`: nothing now.
pub fn read_some(descriptor: i32, bytes: &mut [u8]) -> Option<usize> {
    // SAFETY: that many bytes are there to be written.
    let len = unsafe { libc::read(descriptor, bytes.as_mut_ptr().cast(), bytes.len()) };
    usize::try_from(len).ok()
}

/// How many bytes are there to be read.
pub fn unread(descriptor: i32) -> usize {
    let mut len: libc::c_int = 0;
    // SAFETY: a number is there to be written.
    let known = unsafe { libc::ioctl(descriptor, libc::FIONREAD, &raw mut len) } == 0;
    if known { usize::try_from(len).unwrap_or(0) } else { 0 }
}

/// Writes a little, if nobody has to wait for that.
pub fn write_if_room(descriptor: i32, bytes: &[u8]) {
    let mut entry = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one entry is there, and that many bytes are there to be read.
    unsafe {
        if libc::poll(&raw mut entry, 1, 0) == 1 && entry.revents & libc::POLLOUT != 0 {
            libc::write(descriptor, bytes.as_ptr().cast(), bytes.len());
        }
    }
}

const _: () = assert!(mem::size_of::<libc::pid_t>() == 4);
