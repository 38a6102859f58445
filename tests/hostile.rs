//! Plays the corpora of the hostile fuzz targets once, and runs that are drawn: `CALL_HOSTILE_RUNS` says how many,
//! `CALL_SEED` which. Without the harness: it is started as a supervisor too, and forks.

#[path = "machine/bindings.rs"]
mod bindings;
#[path = "hostile/mod.rs"]
mod hostile;

// Links the library, whose C functions are declared.
use call as _;
use hostile::{Checked, child, parent, relay};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

type Run = fn(&[u8]) -> Checked;

fn say(name: &str, count: u64, good: bool) -> bool {
    println!("test {name}: {count} runs ... {}", if good { "ok" } else { "FAILED" });
    good
}

/// Plays what is committed of a target.
fn replay(target: &str, run: Run) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).expect("the corpus is in the repository");
    let (mut count, mut good) = (0, true);
    for file in files {
        let path = file.expect("a readable folder").path();
        if let Err(wrong) = run(&std::fs::read(&path).expect("a readable file")) {
            println!("{}: {wrong}", path.display());
            good = false;
        }
        count += 1;
    }
    say(&format!("the_corpus_of_{target}"), count, good && count > 20)
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays what nobody thought of.
fn draw(target: &str, count: u64, run: Run) -> bool {
    let first = number("CALL_SEED", 1);
    let wrong = (first..first + count).find_map(|seed| {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut byte = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 56) as u8
        };
        let mut bytes: Vec<u8> = (0..4 + 4 * (byte() % 48)).map(|_| byte()).collect();
        if target == "hostile_parent" && seed % 4 != 0 {
            // Set up as it should be.
            bytes.splice(0..0, [0, 0, 0, 0, 0, 0, 0, byte()]);
        }
        run(&bytes).err().map(|wrong| (seed, wrong))
    });
    if let Some((seed, wrong)) = &wrong {
        println!("CALL_SEED={seed}: {wrong}");
    }
    say(&format!("drawn_runs_of_{target}"), count, wrong.is_none())
}

/// Whether the children came so far that a call could come to every fate.
fn every_fate_came_up() -> bool {
    let fates = child::FATES.each_ref().map(|count| count.load(Ordering::Relaxed));
    println!("calls by fate: {fates:?}");
    let missing = ["", "COMPLETED", "NEVER_STARTED", "STOPPED", "", "KILLED"].iter().zip(fates);
    let missing: Vec<_> = missing.filter(|&(name, count)| !name.is_empty() && count == 0).collect();
    say(&format!("every_fate_comes_up {missing:?}"), 1, missing.is_empty())
}

fn main() -> ExitCode {
    relay::start();
    // First: it forks, and there is one thread.
    let runs = number("CALL_HOSTILE_RUNS", 200);
    let mut good = replay("hostile_parent", parent::run) & draw("hostile_parent", runs / 2, parent::run);
    child::start();
    good &= replay("hostile_child", child::run) & draw("hostile_child", runs, child::run) & every_fate_came_up();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
