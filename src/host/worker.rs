//! A child as it comes into being: what it is told to be, and what it gives up before it loads anything.

use super::sandbox;
use super::seat::Seat;
use super::serve::serve;
use crate::hresult::{CO_E_DLLNOTFOUND, CO_E_SERVER_EXEC_FAILURE, Complaint, E_INVALIDARG, Failure};
use crate::isolated::channel::Region;
use crate::isolated::wire::Reader;
use crate::isolated::{PROTOCOL, Plan, SOCKET, VERSION, word};
use crate::module::{Module, load};
use crate::process::{
    Limit, Mapping, become_reaper, change_folder, close_other_descriptors, die_with_parent, end_process,
    keep_to_oneself, limit, receive, write_if_room,
};
use crate::sync::{Arc, close_descriptor};
use std::ffi::CString;

/// The life of `call-host` as a child.
pub fn work() -> ! {
    close_other_descriptors(SOCKET.cast_unsigned() + 1);
    let served = serve(SOCKET, None);
    end_process(i32::from(served.is_err()))
}

/// Why a child does not serve; the host has been told in its own words.
pub struct Refusal(pub Complaint);

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::because(refusal.0.code, "the host's class cannot be served")
    }
}

const NO_HOST: Failure = Failure::because(E_INVALIDARG, "there is no host behind that descriptor");

const OTHER_HOST: Failure = Failure::because(CO_E_SERVER_EXEC_FAILURE, "the host is of another version of libcall");

/// Takes over what the host has sent, and becomes what it says.
pub fn set_up(socket: i32) -> Result<(Seat, Plan), Failure> {
    // What it starts has nothing to say to the host.
    keep_to_oneself(socket);
    let mut bytes = [0; 64];
    let received = receive(socket, &mut bytes, true).ok_or(NO_HOST)?;
    let mut reader = Reader(&bytes[..received.len.min(bytes.len())]);
    let meant = reader.byte() == Some(word::SETUP);
    let len = reader.number().and_then(|len| usize::try_from(len).ok());
    let all = match (meant, len, received.descriptors.as_slice()) {
        (true, Some(len), &[plan, host, own]) => read_plan(plan, len).and_then(|plan| {
            let seat = || Some(Seat::new(Region::of(host, false)?, Region::of(own, true)?));
            Ok((seat().ok_or(NO_HOST)?, plan))
        }),
        _ => Err(NO_HOST),
    };
    received.descriptors.into_iter().for_each(close_descriptor);
    let (seat, plan) = all?;
    become_reaper();
    if !die_with_parent() {
        end_process(1);
    }
    Ok((seat, plan))
}

fn read_plan(file: i32, len: usize) -> Result<Plan, Failure> {
    let mapping = Mapping::of(file, len, false).ok_or(NO_HOST)?;
    // SAFETY: that long, and the host writes to it no more.
    let bytes = unsafe { std::slice::from_raw_parts(mapping.base(), len) };
    match Plan::protocol(bytes) {
        Some(PROTOCOL) | None => Plan::read(bytes).ok_or(NO_HOST),
        Some(theirs) => {
            // What it shares with the host is laid out otherwise: these last words are all that can be said.
            let words =
                format!("{}: this is libcall {VERSION}, protocol {PROTOCOL}, not {theirs}\n", OTHER_HOST.detail);
            write_if_room(2, words.as_bytes());
            Err(OTHER_HOST)
        }
    }
}

impl Plan {
    /// Loads the module.
    pub(super) fn load(&self) -> Result<Arc<Module>, Complaint> {
        let path = CString::new(self.path.clone()).unwrap_or_default();
        if path.is_empty() {
            return Err(Complaint::new(CO_E_DLLNOTFOUND, "the moniker names no module".to_owned()));
        }
        load(&path)
    }

    /// Gives up what the plan does not grant.
    pub(super) fn restrict(&self) -> Result<(), Complaint> {
        let cannot = |what: &str| Complaint::new(CO_E_SERVER_EXEC_FAILURE, format!("the child process cannot {what}"));
        self.give_up().map_err(cannot)
    }

    fn give_up(&self) -> Result<(), &'static str> {
        let folder = CString::new(self.folder.clone()).unwrap_or_default();
        if !folder.is_empty() && !change_folder(&folder) {
            return Err("enter its working directory");
        }
        limit(Limit::Core, 0);
        for (what, most) in
            [(Limit::Memory, self.memory), (Limit::Cpu, self.cpu), (Limit::Descriptors, self.descriptors)]
        {
            if most != 0 && !limit(what, most) {
                return Err("limit itself");
            }
        }
        if self.sandboxed { sandbox::enter(self) } else { Ok(()) }
    }
}
