//! What a child is to be: the program, what it loads, and what it may use.

use super::PROTOCOL;
use super::wire::{Reader, Writer};

/// See the module. Texts are without a NUL.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// What is started.
    pub program: Vec<u8>,
    /// Its arguments, the program's name first.
    pub arguments: Vec<Vec<u8>>,
    /// `NAME=VALUE`, beside what the host has.
    pub environment: Vec<Vec<u8>>,
    /// The working directory; empty: the host's.
    pub folder: Vec<u8>,
    /// The module; empty: the program serves classes of its own.
    pub path: Vec<u8>,
    pub class: Vec<u8>,
    /// Bytes of memory, seconds of CPU time, descriptors; 0: no limit beside the host's.
    pub memory: u64,
    pub cpu: u64,
    pub descriptors: u64,
    /// Neither privileges nor files but those below.
    pub sandboxed: bool,
    pub readable: Vec<Vec<u8>>,
    pub writable: Vec<Vec<u8>>,
    /// Its standard error is kept for messages, and not passed on.
    pub quiet: bool,
}

fn each(texts: &[Vec<u8>]) -> impl ExactSizeIterator<Item = &[u8]> {
    texts.iter().map(Vec::as_slice)
}

impl Plan {
    pub fn write(&self) -> Vec<u8> {
        let flags = u8::from(self.sandboxed) | u8::from(self.quiet) << 1;
        Writer::default()
            .number(PROTOCOL)
            .text(&self.program)
            .texts(each(&self.arguments))
            .texts(each(&self.environment))
            .text(&self.folder)
            .text(&self.path)
            .text(&self.class)
            .number(self.memory)
            .number(self.cpu)
            .number(self.descriptors)
            .byte(flags)
            .texts(each(&self.readable))
            .texts(each(&self.writable))
            .0
    }

    /// The protocol of who wrote it, whatever follows.
    pub fn protocol(bytes: &[u8]) -> Option<u64> {
        Reader(bytes).number()
    }

    /// `None`: it is none, or of another protocol.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.number()? != PROTOCOL {
            return None;
        }
        let own = |texts: Vec<&[u8]>| texts.into_iter().map(<[u8]>::to_vec).collect();
        let (program, arguments) = (reader.text()?.to_vec(), own(reader.texts()?));
        let (environment, folder) = (own(reader.texts()?), reader.text()?.to_vec());
        let (path, class) = (reader.text()?.to_vec(), reader.text()?.to_vec());
        let (memory, cpu, descriptors) = (reader.number()?, reader.number()?, reader.number()?);
        let flags = reader.byte()?;
        let (readable, writable) = (own(reader.texts()?), own(reader.texts()?));
        let (sandboxed, quiet) = (flags & 1 != 0, flags & 2 != 0);
        Some(Self {
            program,
            arguments,
            environment,
            folder,
            path,
            class,
            memory,
            cpu,
            descriptors,
            sandboxed,
            readable,
            writable,
            quiet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = Plan {
            program: b"/p".to_vec(),
            arguments: vec![b"p".to_vec(), b"-x".to_vec()],
            environment: vec![b"A=1".to_vec()],
            class: b"Class".to_vec(),
            cpu: 3,
            quiet: true,
            writable: vec![b"/tmp".to_vec()],
            ..Plan::default()
        };
        let mut written = plan.write();
        assert_eq!(Plan::read(&written), Some(plan));
        assert!((0..written.len()).all(|cut| Plan::read(&written[..cut]).is_none()));
        written[..8].copy_from_slice(&(PROTOCOL + 1).to_le_bytes());
        assert_eq!((Plan::protocol(&written), Plan::read(&written)), (Some(PROTOCOL + 1), None));
    }
}
