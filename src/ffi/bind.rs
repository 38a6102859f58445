//! What `call_object_bind` is given, in the library's words.

use super::object::sized;
use super::text;
use super::types::call_bind_options_t;
use crate::apartment::{self, Settings, Staff};
use crate::hresult::{CO_E_DLLNOTFOUND, Complaint, E_INVALIDARG, Failure};
use crate::isolated::{Plan, Pool, Terms};
use crate::module;
use crate::moniker::{Moniker, absolute};
use crate::object::{Class, Manner, Object, Remote, unreachable};
use crate::sync::{Arc, AtomicU32};
use crate::timer;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

const ABANDON: u32 = 1;
const SANDBOX: u32 = 2;
const QUIET: u32 = 4;
const NONE: u32 = u32::MAX;

/// The options, checked; `None`: the defaults.
///
/// # Safety
/// `options` is NULL or of the size that it says.
pub unsafe fn given(options: *const call_bind_options_t) -> Result<Option<call_bind_options_t>, Failure> {
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller's promise.
    let given = unsafe { sized(options) }?;
    if given.flags & !(ABANDON | SANDBOX | QUIET) != 0 || given.reserved != 0 || given.workers > Settings::LIMIT {
        return Err(Failure::because(E_INVALIDARG, "flags, reserved field or number of workers"));
    }
    if given.spares > Settings::LIMIT && given.spares != NONE {
        return Err(Failure::because(E_INVALIDARG, "number of spares"));
    }
    if given.flags & SANDBOX != 0 && !given.program.is_null() {
        return Err(Failure::because(E_INVALIDARG, "a program of one's own has to enter its sandbox itself"));
    }
    Ok(Some(given))
}

/// Binds an object of a module in this process.
///
/// # Safety
/// As `call_object_bind`.
pub unsafe fn in_process(moniker: &Moniker, given: Option<&call_bind_options_t>) -> Result<u64, Complaint> {
    if moniker.path.is_empty() {
        return Err(Complaint::new(CO_E_DLLNOTFOUND, "the moniker names no module".to_owned()));
    }
    let lease = apartment::lease(given.map_or(0, |given| given.apartment.id))?;
    let module = module::load(&absolute(moniker.path))?;
    let object = module.make(moniker.class, lease, |_| {})?;
    if object.class.cancel.is_some() {
        // Its thread tells objects of cancels.
        timer::start()?;
    }
    Ok(object.enter()?)
}

/// Binds an object whose methods run in child processes.
///
/// # Safety
/// As `call_object_bind`.
pub unsafe fn isolated(moniker: &Moniker, given: Option<&call_bind_options_t>) -> Result<u64, Complaint> {
    let path = if moniker.path.is_empty() { Vec::new() } else { absolute(moniker.path).into_bytes() };
    let mut plan = Plan { path, class: moniker.class.to_vec(), ..Plan::default() };
    let (mut host, mut queue_limit) = (None, 0);
    if let Some(given) = given {
        // SAFETY: the caller's promise.
        host = unsafe { fill(&mut plan, given) }?;
        queue_limit = given.queue_limit;
    }
    let terms = terms(given);
    // What ends a grace period ends the child.
    timer::start()?;
    let (pool, methods) = Pool::open(plan, host, terms)?;
    let name = format!("call {}", String::from_utf8_lossy(moniker.class));
    let (workers, max_workers) = (terms.workers, Settings::LIMIT);
    let remote = Some(Arc::clone(&pool) as Arc<dyn Remote>);
    let lease = apartment::private(Settings { staff: Staff::Multi, workers, max_workers, queue_limit, name, remote });
    pool.settle_in(&lease);
    let (manner, run) = (Manner::Invoke, unreachable);
    let class = Class { methods, manner, run, cancel: None, destroy: None, remote: Some(pool) };
    let object = Object { class, this: ptr::null_mut(), lease, disconnected: AtomicU32::new(0) };
    Ok(object.enter()?)
}

fn terms(given: Option<&call_bind_options_t>) -> Terms {
    let number = |of: fn(&call_bind_options_t) -> u32, default| match given.map_or(0, of) {
        0 => default,
        number => number,
    };
    let or_none = |number| if number == NONE { 0 } else { number };
    Terms {
        workers: number(|given| given.workers, 1),
        spares: or_none(number(|given| given.spares, 1)),
        idle_ms: number(|given| given.idle_ms, 0),
        calls_per_child: number(|given| given.calls_per_child, 0),
        start_ms: number(|given| given.start_ms, 30_000),
        term_ms: or_none(number(|given| given.term_ms, 100)),
        region_ms: number(|given| given.region_ms, 10_000),
        abandon: given.is_some_and(|given| given.flags & ABANDON != 0),
    }
}

/// Takes the plan's parts from the options; gives the program that supervises.
///
/// # Safety
/// The options' lists and texts are NULL or end as they should.
unsafe fn fill(plan: &mut Plan, given: &call_bind_options_t) -> Result<Option<CString>, Failure> {
    // SAFETY: the caller's promise, for all of them.
    unsafe {
        plan.folder =
            optional(given.directory)?.map_or_else(Vec::new, |folder| absolute(folder.to_bytes()).into_bytes());
        plan.environment = list(given.environment)?;
        if let Some(program) = optional(given.program)? {
            plan.program = absolute(program.to_bytes()).into_bytes();
            plan.arguments = [vec![program.to_bytes().to_vec()], list(given.arguments)?].concat();
        }
        plan.readable = list(given.readable)?;
        plan.writable = list(given.writable)?;
    }
    (plan.memory, plan.cpu, plan.descriptors) = (given.memory, given.cpu_seconds.into(), given.descriptors.into());
    (plan.sandboxed, plan.quiet) = (given.flags & SANDBOX != 0, given.flags & QUIET != 0);
    // SAFETY: the caller's promise.
    Ok(unsafe { optional(given.host) }?.map(|host| absolute(host.to_bytes())))
}

/// # Safety
/// NULL, or a text that ends with a NUL.
unsafe fn optional<'a>(given: *const c_char) -> Result<Option<&'a CStr>, Failure> {
    // SAFETY: not NULL, and the caller's promise.
    if given.is_null() { Ok(None) } else { unsafe { text(given) }.map(Some) }
}

/// # Safety
/// NULL, or texts that end with a NUL, and NULL after the last one.
unsafe fn list(given: *const *const c_char) -> Result<Vec<Vec<u8>>, Failure> {
    let mut all = Vec::new();
    if given.is_null() {
        return Ok(all);
    }
    // SAFETY: the caller's promise: there is a NULL after the last one.
    while let Some(each) = unsafe { optional(*given.add(all.len())) }? {
        all.push(each.to_bytes().to_vec());
    }
    Ok(all)
}
