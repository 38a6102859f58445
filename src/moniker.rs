//! Monikers: `SCHEME:PATH#CLASS` says where an object is.

use crate::hresult::{Complaint, E_NOTIMPL, MK_E_SYNTAX};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// Where an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// In a module that is loaded into this process.
    InProcess,
    /// In a module that is loaded into a child process.
    Isolated,
}

/// A moniker's parts.
#[derive(PartialEq, Eq, Debug)]
pub struct Moniker<'a> {
    pub scheme: Scheme,
    pub path: &'a [u8],
    pub class: &'a [u8],
}

/// Reads a moniker. The class is what follows the last `#`.
pub fn parse(text: &[u8]) -> Result<Moniker<'_>, Complaint> {
    let shown = || String::from_utf8_lossy(text).into_owned();
    let malformed = |why: &str| Complaint::new(MK_E_SYNTAX, format!("{}: {why}", shown()));
    let colon = text.iter().position(|&byte| byte == b':');
    let Some((scheme, rest)) = colon.and_then(|at| Some((&text[..at], text.get(at + 1..)?))) else {
        return Err(malformed("no scheme; a moniker is SCHEME:PATH#CLASS"));
    };
    let scheme = match scheme {
        b"inproc" => Scheme::InProcess,
        b"isolated" => Scheme::Isolated,
        b"grpc" | b"grpcs" | b"grpc+unix" => {
            return Err(Complaint::new(E_NOTIMPL, format!("{}: this scheme is not implemented", shown())));
        }
        _ => return Err(malformed("not a known scheme")),
    };
    let Some(hash) = rest.iter().rposition(|&byte| byte == b'#') else {
        return Err(malformed("no class; a moniker is SCHEME:PATH#CLASS"));
    };
    let (path, class) = (&rest[..hash], &rest[hash + 1..]);
    if class.is_empty() {
        return Err(malformed("the class has no name"));
    }
    Ok(Moniker { scheme, path, class })
}

/// The file of a path, whatever the working directory will be; a path that leads nowhere stays as it is.
pub fn absolute(path: &[u8]) -> CString {
    let given = std::path::Path::new(OsStr::from_bytes(path));
    let there = std::path::absolute(given).map_or_else(|_| path.to_vec(), |full| full.as_os_str().as_bytes().to_vec());
    CString::new(there).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moniker_has_a_scheme_a_path_and_a_class() {
        let moniker = parse(b"isolated:./a#b.so#Class").expect("a moniker");
        assert_eq!(moniker, Moniker { scheme: Scheme::Isolated, path: b"./a#b.so", class: b"Class" });
        assert_eq!(parse(b"inproc:#C").map(|it| (it.scheme, it.path)), Ok((Scheme::InProcess, &b""[..])));
        for wrong in [&b""[..], b"inproc", b"inproc:x", b"inproc:x#", b"other:x#y", b":x#y"] {
            assert_eq!(parse(wrong).map_err(|complaint| complaint.code), Err(MK_E_SYNTAX), "{wrong:?}");
        }
        assert_eq!(parse(b"grpc://h:1/p.S").map_err(|complaint| complaint.code), Err(E_NOTIMPL));
        assert!(absolute(b"x").to_bytes().starts_with(b"/"));
    }
}
