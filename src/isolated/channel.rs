//! What host and child share: two regions of memory, one written by each side, and a socket beside them.
//!
//! Each region begins with words that the other side reads; behind them lies room for bytes. Where those do not
//! fit, their writer makes a larger room, hands its descriptor over the socket, and counts it in `room`. Whoever
//! reads a word reads it once and checks what it has: the other side may write at any time.
//!
//! | word | written by | meaning |
//! | --- | --- | --- |
//! | `turn` | host | the number of the request that is there; the child sleeps on it |
//! | `canceled` | host | twice the number of the request that is to end, and 1 if its client has gone on |
//! | `waiting` | host | 1: it sleeps on `bell` |
//! | `attended` | host | 1: a thread looks after the request until its end; else one may have to be woken |
//! | `cpu` | both | the processor that its writer last ran on, so that nobody spins for who shares it |
//! | `collected` | host | the number of the request whose answer was taken over |
//! | `bell` | child | counts what the host is to look at |
//! | `lull` | child | counts what it would have somebody look at whom nothing else has woken |
//! | `answered` | child | the number of the request whose answer is there |
//! | `entered` | child | the number of the request whose method was entered |
//! | `ran` | child | the number of the request that was answered, if its method was entered |
//! | `asleep` | child | 1: it sleeps on `turn` |
//! | `hark` | child | 1: the method has to be woken to hear of a cancel; else it looks by itself, or is woken later |
//! | `stage` | child | whether it can serve |
//! | `barrier` | both | 0; 1: a region that no cancel interrupts; 2: the host is about to kill |

use super::wire::{Reader, Writer};
use super::word::REGION;
use crate::buffer::Room;
use crate::process::{Mapping, receive, send, share_memory};
use crate::sync::{Arc, AtomicU32, AtomicU64, Ordering, Weak, close_descriptor, fence};
use std::ptr;

/// The host's words.
#[repr(C, align(64))]
pub struct ToChild {
    pub turn: AtomicU32,
    pub canceled: AtomicU32,
    pub waiting: AtomicU32,
    /// What is left to a canceled request, in milliseconds.
    pub grace_ms: AtomicU32,
    pub method: AtomicU32,
    pub room: AtomicU32,
    pub length: AtomicU64,
    /// As `Grace`'s bits.
    pub deadline: AtomicU64,
    /// 1: nothing more will come.
    pub over: AtomicU32,
    pub cpu: AtomicU32,
    pub rare: ToChildRarely,
}

/// What the child seldom looks at, on a line of its own.
#[repr(C, align(64))]
pub struct ToChildRarely {
    pub collected: AtomicU32,
    pub attended: AtomicU32,
}

/// The child's words.
#[repr(C, align(64))]
pub struct ToHost {
    pub bell: AtomicU32,
    pub answered: AtomicU32,
    pub ran: AtomicU32,
    pub asleep: AtomicU32,
    pub result: AtomicU32,
    pub room: AtomicU32,
    /// Bytes of output, and behind them of a message.
    pub length: AtomicU64,
    pub message: AtomicU64,
    /// Counts the reports of progress.
    pub reports: AtomicU32,
    pub cpu: AtomicU32,
    pub rare: ToHostRarely,
}

/// What the host seldom looks at: who waits for an answer does not take the line away from who works on it.
#[repr(C, align(64))]
pub struct ToHostRarely {
    pub entered: AtomicU32,
    pub stage: AtomicU32,
    pub barrier: AtomicU32,
    pub lull: AtomicU32,
    pub hark: AtomicU32,
    pub done: AtomicU64,
    pub total: AtomicU64,
}

pub const READY: u32 = 1;
pub const FAILED: u32 = 2;

pub const REGION_OPEN: u32 = 0;
pub const IN_REGION: u32 = 1;
pub const KILLING: u32 = 2;

/// Bytes before the first room.
const HEAD: usize = 4096;
/// Bytes of the first room.
const FIRST: usize = 64 * 1024;
/// The length of a region.
pub const LENGTH: usize = HEAD + FIRST;

const _: () = assert!(size_of::<ToChild>() == 128 && size_of::<ToHost>() == 128);
const _: () = assert!(size_of::<ToChild>() <= HEAD && size_of::<ToHost>() <= HEAD);

/// A region, with the words of a type that is made of atomics.
pub struct Region(Mapping);

impl Region {
    /// A new one, and its descriptor; with `alone` nobody else can write to it.
    pub fn make(alone: bool) -> Option<(Self, i32)> {
        share_memory(LENGTH, alone).map(|(mapping, file)| (Self(mapping), file))
    }

    /// One that another process made.
    pub fn of(file: i32, writable: bool) -> Option<Self> {
        Mapping::of(file, LENGTH, writable).map(Self)
    }

    pub fn to_child(&self) -> &ToChild {
        // SAFETY: that long, aligned to a page, and atomics, for which any bytes are a value.
        unsafe { &*self.0.base().cast() }
    }

    pub fn to_host(&self) -> &ToHost {
        // SAFETY: as above.
        unsafe { &*self.0.base().cast() }
    }
}

/// Why there is no room for bytes, or none of the other side's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    NoMemory,
    /// Nobody to hand it to.
    Gone,
    /// What the other side wrote makes no sense.
    Rubbish,
}

/// The room that this side writes to.
#[derive(Default)]
pub struct Outbox {
    larger: Option<Arc<Mapping>>,
    number: u32,
}

impl Outbox {
    /// Writes all of it, one behind the other, and gives the number of the room.
    pub fn put(&mut self, region: &Region, socket: i32, parts: &[&[u8]]) -> Result<u32, Fault> {
        let len = parts.iter().map(|part| part.len()).sum();
        self.make_room(socket, len, parts[0].as_ptr())?;
        let mut to = match &self.larger {
            Some(mapping) => mapping.base(),
            // SAFETY: the region is longer than that.
            None => unsafe { region.0.base().add(HEAD) },
        };
        for part in parts {
            // SAFETY: the room is this side's to write to, and that long; what lies in it already is at its place.
            unsafe {
                if !ptr::eq(part.as_ptr(), to) {
                    to.copy_from_nonoverlapping(part.as_ptr(), part.len());
                }
                to = to.add(part.len());
            }
        }
        Ok(self.number)
    }

    /// Sees to it that there is room for so many bytes, of which the first are at `from`: another one, if this is too
    /// small, or lent to others.
    fn make_room(&mut self, socket: i32, len: usize, from: *const u8) -> Result<(), Fault> {
        let there = self.larger.as_ref().map_or(FIRST, |mapping| mapping.len());
        let is_free = self.larger.as_ref().is_none_or(|mapping| ptr::eq(mapping.base(), from) || !is_lent(mapping));
        if len <= there && is_free {
            return Ok(());
        }
        let size = len.max(there).checked_next_power_of_two().ok_or(Fault::NoMemory)?;
        let (mapping, file) = share_memory(size, true).ok_or(Fault::NoMemory)?;
        let number = self.number.wrapping_add(1);
        let message = Writer::default().byte(REGION).number(number.into()).number(size as u64).0;
        let sent = send(socket, &message, &[file], true);
        close_descriptor(file);
        if !sent {
            return Err(Fault::Gone);
        }
        (self.larger, self.number) = (Some(Arc::new(mapping)), number);
        Ok(())
    }

    /// Its larger room, where what is to be put can be written to begin with: if it has space for so many bytes, and
    /// nothing in it.
    pub fn lend(&self, len: usize) -> Option<Room> {
        let mapping = self.larger.as_ref().filter(|mapping| mapping.len() >= len && !is_lent(mapping))?;
        Some(Room::Lent(Arc::clone(mapping)))
    }

    /// The same room, for who may lend it later.
    pub fn larger(&self) -> Option<Weak<Mapping>> {
        self.larger.as_ref().map(Arc::downgrade)
    }

    /// Its number: another one with each.
    pub fn number(&self) -> u32 {
        self.number
    }
}

/// Whether somebody else has bytes there. Who lends it and who asks come one after the other: by the lane, and in a child
/// by the execution whose output lies there, which is over when it is asked.
fn is_lent(mapping: &Arc<Mapping>) -> bool {
    let lent = Arc::downgrade(mapping).strong_count() > 1;
    // What was done with it was done before it was given back.
    fence(Ordering::Acquire);
    lent
}

/// The room that the other side writes to.
#[derive(Default)]
pub struct Inbox {
    larger: Option<Mapping>,
    number: u32,
}

impl Inbox {
    /// Where `len` bytes lie in the room of that number; they may change at any time.
    pub fn find(&mut self, region: &Region, socket: i32, number: u32, len: u64) -> Result<*const u8, Fault> {
        if number != self.number {
            if number != self.number.wrapping_add(1) {
                return Err(Fault::Rubbish);
            }
            self.larger = Some(take_room(socket, number)?);
            self.number = number;
        }
        let there = self.larger.as_ref().map_or(FIRST, Mapping::len);
        if len > there as u64 {
            return Err(Fault::Rubbish);
        }
        Ok(match &self.larger {
            Some(mapping) => mapping.base(),
            // SAFETY: the region is longer than that.
            None => unsafe { region.0.base().add(HEAD) },
        })
    }
}

/// Takes a room over that the other side has sent before it named it.
fn take_room(socket: i32, number: u32) -> Result<Mapping, Fault> {
    let mut bytes = [0; 64];
    let received = receive(socket, &mut bytes, false).ok_or(Fault::Rubbish)?;
    let mut reader = Reader(&bytes[..received.len.min(64)]);
    let meant = reader.byte() == Some(REGION) && reader.number() == Some(number.into());
    let size = reader.number().and_then(|size| usize::try_from(size).ok());
    let mapping = match (meant, size, received.descriptors.as_slice()) {
        (true, Some(size), &[file]) => Mapping::of(file, size, false),
        _ => None,
    };
    received.descriptors.into_iter().for_each(close_descriptor);
    mapping.ok_or(Fault::Rubbish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Input;
    use crate::process::pair;

    const LONG: usize = 3 * FIRST;

    #[test]
    fn a_room_is_not_written_to_while_it_is_lent() {
        let (region, file) = Region::make(true).expect("memory");
        let (own, other) = pair().expect("sockets");
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let mut see = |number, len: usize| {
            let from = inbox.find(&region, other, number, len as u64).expect("a room");
            // SAFETY: that many bytes are mapped there.
            unsafe { std::slice::from_raw_parts(from, len) }.to_vec()
        };
        assert!(outbox.lend(1).is_none(), "none was needed yet");
        assert_eq!(outbox.put(&region, own, &[&vec![1; LONG]]), Ok(1));
        assert_eq!(see(1, LONG), vec![1; LONG]);
        assert!(outbox.lend(LONG.next_power_of_two() + 1).is_none(), "too small");

        let lent = vec![2; LONG];
        let input = Input::in_room(&lent, outbox.lend(LONG).expect("it is free"));
        assert!(outbox.lend(1).is_none(), "lent to one at a time");
        assert_eq!(outbox.put(&region, own, &[&[3; 10]]), Ok(2), "another room for somebody else");
        assert_eq!(see(2, 10), [3; 10]);
        assert_eq!(input.read(), lent, "what was lent is as it was");
        assert_eq!(outbox.put(&region, own, &[input.read()]), Ok(2), "and is copied like any other now");
        drop(input);

        let input = Input::in_room(&lent, outbox.lend(LONG).expect("it is free"));
        assert_eq!(outbox.put(&region, own, &[input.read(), &[4; 7]]), Ok(2), "sent from where it lies");
        drop(input);
        assert_eq!(see(2, LONG + 7), [&lent[..], &[4; 7]].concat());
        assert_eq!(outbox.put(&region, own, &[&vec![5; LONG]]), Ok(2), "free again");
        [file, own, other].into_iter().for_each(close_descriptor);
    }
}
