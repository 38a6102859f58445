//! The sandbox: no new privileges, and no files but those that are granted. Landlock, as far as the kernel has it.

use crate::isolated::Plan;
use crate::process::cannot_gain_privileges;
use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What the loader and the C library need.
const SYSTEM: [&str; 9] = [
    "/usr",
    "/lib",
    "/lib64",
    "/lib32",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
];

/// Enters it, for good: this thread and those that it starts from now on.
pub fn enter(plan: &Plan) -> Result<(), &'static str> {
    if !cannot_gain_privileges() {
        return Err("give up new privileges");
    }
    match confine(plan) {
        Ok(RulesetStatus::NotEnforced) => Err("enter a sandbox: the kernel has no Landlock"),
        Ok(_) => Ok(()),
        Err(_) => Err("enter a sandbox"),
    }
}

fn confine(plan: &Plan) -> Result<RulesetStatus, RulesetError> {
    let abi = ABI::V5;
    let own = crate::process::own_folder();
    let given = |paths: &'static [&'static str]| paths.iter().map(OsStr::new);
    let granted = |paths: &[Vec<u8>]| paths.iter().map(|path| OsStr::from_bytes(path).to_owned()).collect::<Vec<_>>();
    let module = OsStr::from_bytes(&plan.path);
    let library = own.iter().map(|folder| folder.join("libcall.so").into_os_string());
    let created = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(given(&SYSTEM), AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules(library, AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules([module], AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules(granted(&plan.readable), AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules(granted(&plan.writable), AccessFs::from_all(abi)))?;
    created.restrict_self().map(|status| status.ruleset)
}
