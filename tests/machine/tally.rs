//! How often each operation gave each code, and which of them programs have to come by.

use super::bindings::code_name;
use super::program::Op;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// By mode, operation and code.
type Counts = BTreeMap<(&'static str, Op, i32), u64>;

static COUNTS: Mutex<Counts> = Mutex::new(BTreeMap::new());

/// What programs have to come by: mode, operation, code, and how often in a thousand programs.
const EXPECTED: &str = include_str!("expected.tsv");

/// The mode under which fates are counted.
pub const FATES: &str = "fates";

pub fn note(mode: &'static str, op: Op, code: i32) {
    *COUNTS.lock().unwrap_or_else(PoisonError::into_inner).entry((mode, op, code)).or_default() += 1;
}

/// What was counted, as rows like those of [`EXPECTED`], for some modes.
pub fn rows(modes: &[&str]) -> Vec<(String, u64)> {
    let fates = ["NONE", "COMPLETED", "NEVER_STARTED", "STOPPED", "RUNNING", "KILLED", "UNKNOWN"];
    let label = |mode, code: i32| {
        let fate = usize::try_from(code).ok().and_then(|at| fates.get(at));
        fate.filter(|_| mode == FATES).map_or_else(|| code_name(code), |fate| (*fate).to_owned())
    };
    let counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let row = |(&(mode, op, code), &count): (&(_, _, _), _)| (format!("{mode}\t{op:?}\t{}", label(mode, code)), count);
    counts.iter().filter(|((mode, ..), _)| modes.contains(mode)).map(row).collect()
}

/// The expected rows of some modes that were counted too seldom in so many programs, and the number of
/// rows that were looked at.
pub fn missing(modes: &[&str], programs: u32) -> (Vec<String>, usize) {
    let counted: BTreeMap<_, _> = rows(modes).into_iter().collect();
    let expected: Vec<_> = EXPECTED
        .lines()
        .filter(|line| modes.iter().any(|mode| line.split('\t').next() == Some(mode)))
        .filter_map(|line| line.rsplit_once('\t'))
        .collect();
    let seldom = |(row, least): &&(&str, &str)| {
        let least: u64 = least.parse().unwrap_or(u64::MAX);
        counted.get(*row).copied().unwrap_or(0) * 1000 < least * u64::from(programs)
    };
    let missing = expected.iter().filter(seldom);
    (missing.map(|(row, least)| format!("{row}: fewer than {least} in 1000 programs")).collect(), expected.len())
}
