//! How a child ended, and how that is said.

use super::wire::{Reader, Writer};

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obituary {
    pub how: How,
    /// 0: it was never there.
    pub process: u64,
    /// The end of what it wrote to its standard error.
    pub last_words: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It ended with that status.
    Exit(i32),
    /// That signal ended it.
    Signal(i32),
    /// It could not be started: the error's number.
    Unborn(i32),
    /// Nobody knows.
    Unknown,
}

impl Obituary {
    pub const UNKNOWN: Self = Self { how: How::Unknown, process: 0, last_words: Vec::new() };

    pub fn write(&self, to: Writer) -> Writer {
        let (kind, value) = match self.how {
            How::Exit(status) => (0, status),
            How::Signal(signal) => (1, signal),
            How::Unborn(error) => (2, error),
            How::Unknown => (3, 0),
        };
        to.byte(kind).number(u64::from(value.cast_unsigned())).number(self.process).text(&self.last_words)
    }

    pub fn read(reader: &mut Reader) -> Option<Self> {
        let (kind, value) = (reader.byte()?, reader.number()? as u32);
        let how = match kind {
            0 => How::Exit(value.cast_signed()),
            1 => How::Signal(value.cast_signed()),
            2 => How::Unborn(value.cast_signed()),
            _ => How::Unknown,
        };
        Some(Self { how, process: reader.number()?, last_words: reader.text()?.to_vec() })
    }

    /// For a person.
    pub fn text(&self) -> String {
        let mut text = match self.how {
            How::Exit(status) => format!("child process {} exited with status {status}", self.process),
            How::Signal(signal) => format!("child process {} was ended by signal {}", self.process, named(signal)),
            How::Unborn(error) => format!("no child process: {}", std::io::Error::from_raw_os_error(error)),
            How::Unknown => "the child process is gone, nobody knows how".to_owned(),
        };
        let words = String::from_utf8_lossy(&self.last_words);
        let words = words.trim_end();
        if !words.is_empty() {
            text.push_str(": ");
            text.push_str(words);
        }
        text
    }
}

/// The signals that end programs, by name.
fn named(signal: i32) -> String {
    const NAMES: [(i32, &str); 12] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
        (24, "SIGXCPU"),
    ];
    NAMES
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or_else(|| signal.to_string(), |(number, name)| format!("{number} ({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_obituary_says_how_and_what_the_last_words_were() {
        let last_words = b"oh\nno\n".to_vec();
        let died = Obituary { how: How::Signal(11), process: 5, last_words };
        let written = died.write(Writer::default()).0;
        assert_eq!(Obituary::read(&mut Reader(&written)), Some(died.clone()));
        assert_eq!(died.text(), "child process 5 was ended by signal 11 (SIGSEGV): oh\nno");
        let exited = Obituary { how: How::Exit(3), process: 6, last_words: Vec::new() };
        assert_eq!(exited.text(), "child process 6 exited with status 3");
        assert!(Obituary { how: How::Unborn(2), process: 0, last_words: Vec::new() }.text().contains("No such file"));
    }
}
