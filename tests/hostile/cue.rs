//! What a player does next, four bytes each, and the values that it writes.

use super::bindings::*;

/// One step: what, and with what.
#[derive(Clone, Copy)]
pub struct Cue(pub [u8; 4]);

impl Cue {
    pub fn all(bytes: &[u8], most: usize) -> Vec<Self> {
        bytes.chunks_exact(4).take(most).map(|chunk| Self([chunk[0], chunk[1], chunk[2], chunk[3]])).collect()
    }

    /// A value for a word, where `turn` is the request's number: near what makes sense, and far off.
    pub fn value(self, turn: u32) -> u32 {
        const CODES: [i32; 8] = [
            S_OK,
            CALL_S_DEFERRED,
            RPC_S_CALLPENDING,
            RPC_E_CALL_CANCELED,
            RPC_E_CALL_COMPLETE,
            E_UNEXPECTED,
            RPC_E_SERVERFAULT,
            E_FAIL,
        ];
        let few = u32::from(self.0[3]);
        match self.0[2] % 12 {
            0 => few,
            1 => turn,
            2 => turn.wrapping_add(1),
            3 => turn.wrapping_sub(1),
            4 => few << 8,
            5 => few << 24,
            6 => u32::MAX - few,
            7 => (1 << 16) + few,
            8 => (1 << 31) | turn,
            9 => turn << 1 | (few & 1),
            10 => CODES[few as usize % CODES.len()].cast_unsigned(),
            _ => (1 << 16) - few,
        }
    }

    /// The same for a word of twice the length.
    pub fn long_value(self, turn: u32) -> u64 {
        let value = u64::from(self.value(turn));
        match self.0[1] >> 5 {
            0..4 => value,
            4 => value << 32,
            5 => u64::MAX - value,
            6 => (1 << 63) | value,
            _ => value << 16,
        }
    }

    /// A length that fits, or just does not.
    pub fn length(byte: u8) -> usize {
        const LENGTHS: [usize; 12] = [0, 1, 64, 65, 4096, 65_535, 65_536, 65_537, 100_000, 131_072, 131_073, 400_000];
        LENGTHS[byte as usize % LENGTHS.len()]
    }

    /// The descriptors and the words of a larger room, right or wrong; who sends it closes them.
    pub fn room(self, number: u32) -> (Vec<u8>, Vec<i32>) {
        let [_, flavor, size, other] = self.0;
        let real = Self::length(size);
        let said = match flavor >> 5 {
            0..4 => real as u64,
            4 => real as u64 * 2,
            5 => u64::MAX - u64::from(other),
            6 => 0,
            _ => 1 << 40,
        };
        let number = if flavor & 16 == 0 { u64::from(number) } else { u64::from(self.value(number)) };
        let file = |seals| super::system::memory(real, seals);
        let files = match flavor % 8 {
            0..3 => vec![file(libc::F_SEAL_SHRINK)],
            3 => vec![file(0)],
            4 => vec![super::system::nothing()],
            5 => vec![],
            6 => (0..=other % 6).map(|_| file(libc::F_SEAL_SHRINK)).collect(),
            _ => vec![file(libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE)],
        };
        (message(call::channel::word::REGION, &[number, said]), files)
    }

    /// Some bytes that mean nothing.
    pub fn garbage(self) -> Vec<u8> {
        let [_, len, first, step] = self.0;
        (0..len).map(|at| first.wrapping_add(at.wrapping_mul(step))).collect()
    }
}

/// A message of numbers.
pub fn message(word: u8, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = vec![word];
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// A number of a message.
pub fn number(message: &[u8], at: usize) -> u64 {
    let bytes = message.get(1 + 8 * at..9 + 8 * at).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_le_bytes)
}
