//! Programs of C calls against a model of the contract: drawn and shrunk by proptest, and those of the
//! fuzzers' corpus. `CALL_MODEL_CASES` says how many are drawn.

// Links the library, whose C functions the machine declares.
use call as _;
use machine::program::Program;
use machine::sequential::Checked;
use machine::{concurrent, sequential, tally};
use proptest::prelude::any;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

#[path = "machine/bindings_test.rs"]
mod bindings_test;
mod machine;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Programs share the threads that they run on.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn cases() -> u32 {
    std::env::var("CALL_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3000)
}

/// Draws programs until one is not as the model has it, and shrinks that. Prints how often each
/// operation gave each code, and fails where one that was to come up did too seldom.
fn draw(name: &'static str, modes: &[&str], cases: u32, run: fn(&Program) -> Checked) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let persistence = FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/model.regressions"));
    let config = Config {
        cases,
        test_name: Some(name),
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: 3000,
        ..Config::default()
    };
    let programs = proptest::collection::vec(any::<[u8; 4]>(), 4..80);
    let run = |records: Vec<[u8; 4]>| run(&Program::decode(&records.concat())).map_err(TestCaseError::fail);
    if let Err(failure) = TestRunner::new(config).run(&programs, run) {
        panic!("{failure}");
    }
    for (row, count) in tally::rows(modes) {
        println!("{row}\t{count}");
    }
    let (missing, expected) = tally::missing(modes, cases);
    if cases < 1000 {
        return println!("too few programs to ask what came up seldom");
    }
    assert!(expected > 20, "{expected} rows are expected of {modes:?}");
    assert!(missing.is_empty(), "too seldom in {cases} programs: {missing:#?}");
}

#[test]
fn programs_of_one_thread_at_a_time_are_answered_as_the_model_says() {
    draw("sequential", &["sequential", tally::FATES], cases(), sequential::run);
}

#[test]
fn programs_of_several_threads_at_once_keep_what_must_hold_in_any_order() {
    draw("concurrent", &["concurrent"], cases() / 2, concurrent::run);
}

/// Runs the committed programs of a fuzz target.
fn replay(target: &str, run: fn(&Program) -> Checked) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(HERE).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).expect("the corpus is in the repository");
    let mut count = 0;
    for file in files {
        let path = file.expect("a readable folder").path();
        let bytes = std::fs::read(&path).expect("a readable file");
        if let Err(wrong) = run(&Program::decode(&bytes)) {
            panic!("{}: {wrong}", path.display());
        }
        count += 1;
    }
    assert!(count > 20, "{count} programs in {}", folder.display());
}

#[test]
fn the_corpus_of_one_thread_at_a_time_is_answered_as_the_model_says() {
    replay("sequential", sequential::run);
}

#[test]
fn the_corpus_of_several_threads_at_once_keeps_what_must_hold_in_any_order() {
    replay("concurrent", concurrent::run);
}
