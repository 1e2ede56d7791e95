// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host trace`: on our own kernel, whose plan has sequences that are known to be bad; and what it refuses.
//!
//! Needs QEMU 9.0 or newer, in PATH or named by `TRACE_QEMU`; where there is none, what needs it is ignored.
#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::{env, fs};

use bench_host::qemu::Qemu;
use bench_host::trace::machine::OLDEST;
use sequences::judge::{After, Change, Observers, Question, Regime, Verdict};
use sequences::mutants;
use trace::log::{Event, Writer};

fn bench_host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns a QEMU that is new enough, or why there is none.
fn qemu() -> Result<String, String> {
    let named = needs::named("TRACE_QEMU").map(PathBuf::from);
    let qemu = Qemu::find(named.as_deref()).map_err(|error| error.to_string())?;
    if qemu.version < OLDEST {
        let version = qemu.version;
        return Err(format!(
            "QEMU {version} is older than {OLDEST} (TRACE_QEMU names another)"
        ));
    }
    Ok(qemu.program.display().to_string())
}

/// Returns why there is no QEMU that is too old.
fn no_old_qemu() -> Option<String> {
    match Qemu::find(None) {
        Ok(old) if old.version < OLDEST => None,
        Ok(new) => Some(format!("QEMU {} is new enough", new.version)),
        Err(error) => Some(error.to_string()),
    }
}

/// What was found in a run of our kernel.
struct Found {
    exit: Option<i32>,
    /// How often, by the kind of finding and the sequence executed.
    found: BTreeMap<(String, String), u64>,
    console: String,
    text: String,
}

impl Found {
    fn of_kind(&self, kind: &str) -> u64 {
        self.found
            .iter()
            .filter(|((id, _), _)| id == kind)
            .map(|(_, count)| count)
            .sum()
    }

    fn kinds(&self) -> BTreeSet<&str> {
        self.found.keys().map(|(kind, _)| kind.as_str()).collect()
    }

    /// Returns the kinds that are found more often than without the bad sequence, whose place a good one has there. A few
    /// times more or less may be chance.
    fn beyond(&self, good: &Self) -> BTreeSet<&str> {
        let more = |kind: &&str| self.of_kind(kind) >= good.of_kind(kind) + 5;
        self.kinds().into_iter().filter(more).collect()
    }

    /// Returns why the kernel did not check a sequence; `None` if it did.
    fn unchecked(&self, sequence: &str) -> Option<String> {
        let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut outcome = false;
        for line in self.console.lines().map(fields) {
            match line.get(2).map(String::as_str) {
                Some("skip") if line.get(3).is_some_and(|id| id == sequence) => return line.get(4).cloned(),
                Some("outcome") if line.get(4).is_some_and(|id| id == sequence) => outcome = true,
                _ => {}
            }
        }
        (!outcome).then(|| "it is about none of the kernel's checks".to_owned())
    }
}

/// Traces our kernel with these sequences and further arguments.
fn traced(qemu: &str, folder: &Path, sequences: &[&str], more: &[&str]) -> Found {
    let (image, log, console) = (folder.join("image"), folder.join("log"), folder.join("console"));
    let path = image.display().to_string();
    let mut arguments = vec!["image", "--iterations", "0", "--trials", "10"];
    for sequence in sequences {
        arguments.extend(["--sequence", sequence]);
    }
    arguments.push(&path);
    let made = bench_host(&arguments);
    assert!(made.status.success(), "{}", stderr(&made));
    let (keep, console) = (log.display().to_string(), console.display().to_string());
    let mut arguments = vec![
        "trace", "--quiet", "--qemu", qemu, "--kernel", &path, "--el2", "--smp", "2",
    ];
    arguments.extend(["--memory", "1024", "--keep", &keep, "--console", &console]);
    arguments.extend(more);
    let output = bench_host(&arguments);
    let text = stdout(&output);
    assert!(!text.is_empty(), "{}", stderr(&output));
    let mut found = BTreeMap::new();
    let mut kind = None;
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once(" [")
            && line.starts_with(|c: char| c.is_ascii_digit())
            && let Some((id, rest)) = rest.split_once("]: ")
        {
            let count: u64 = rest
                .split_whitespace()
                .next()
                .and_then(|word| word.parse().ok())
                .unwrap();
            kind = Some((id.to_owned(), count));
        } else if let (Some(sequence), Some((kind, count))) = (line.strip_prefix("   sequence: "), &kind) {
            *found.entry((kind.clone(), sequence.to_owned())).or_default() += count;
        }
    }
    Found {
        exit: output.status.code(),
        found,
        console: String::from_utf8_lossy(&fs::read(folder.join("console")).unwrap_or_default()).into_owned(),
        text,
    }
}

/// Every insufficient mutant of a local and of a broadcast sequence, executed by our kernel: the trace tells of each, or it
/// is known why not.
fn every_mutant_that_the_kernel_executes_is_caught() {
    let qemu = qemu().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut caught: BTreeMap<&str, usize> = BTreeMap::new();
    let mut missed = BTreeMap::new();
    for (good, observers) in [
        ("dsb nshst; tlbi alle2; dsb nsh; isb", Observers::ThisPe),
        ("dsb ishst; tlbi vae2is, {va}; dsb ish; isb", Observers::Inner),
    ] {
        let controls = traced(&qemu, folder.path(), &[&format!("bad={good}")], &[]);
        // The controls without maintenance are found, as they must be.
        assert_eq!(controls.exit, Some(1));
        assert!(controls.of_kind("not-invalidated") > 0, "{}", controls.text);
        let question = Question::new(Change::Invalidate, Regime::El2, observers, After::DataHere);
        for judged in mutants::judged(&question, &good.parse().unwrap()) {
            if judged.verdict != Verdict::Insufficient {
                continue;
            }
            let (kind, text) = (judged.mutant.kind.name(), judged.mutant.sequence.to_string());
            let run = traced(&qemu, folder.path(), &[&format!("bad={text}")], &[]);
            if run.beyond(&controls).is_empty() {
                let no_isb = text.ends_with("isb; dsb nsh") || text.ends_with("isb; dsb ish") || !text.contains("isb");
                let reason = run
                    .unchecked("bad")
                    .or_else(|| no_isb.then(|| NO_ISB.to_owned()))
                    .or_else(|| (kind == "narrow_scope").then(|| ALONE.to_owned()));
                missed.insert(text, (kind, reason));
            } else {
                *caught.entry(kind).or_default() += 1;
            }
        }
    }
    let unexplained: Vec<_> = missed.iter().filter(|(_, (_, reason))| reason.is_none()).collect();
    assert!(
        unexplained.is_empty(),
        "not caught: {unexplained:#?}; caught: {caught:?}"
    );
    let reasons: BTreeSet<&str> = missed.values().filter_map(|(_, reason)| reason.as_deref()).collect();
    assert_eq!(
        reasons,
        BTreeSet::from([
            NO_ISB,
            ALONE,
            "FEAT_XS is not implemented here",
            "UNDEFINED at EL2: an EL3 operation",
            "it is about none of the kernel's checks",
        ]),
        "{missed:#?}"
    );
    let kinds: Vec<&str> = caught.keys().copied().collect();
    assert_eq!(
        kinds,
        [
            "drop",
            "narrow_access",
            "narrow_domain",
            "swap",
            "weaken_barrier",
            "wrong_operand"
        ],
        "{missed:#?}"
    );
    println!("caught: {caught:?}; not caught: {missed:#?}");
}

/// An image's checks of a local TLBI run where no other PE has used the tables: there it is enough.
const ALONE: &str = "one PE alone has the tables";
/// Between break and make no ISB is due; the judge of sequences was asked about an access after it.
const NO_ISB: &str = "an ISB is not due before the entry is made again";

/// Mistakes that are no single edit of the two sequences above, or need another CPU.
fn mistakes_of_operation_and_of_nxs_are_told_as_that() {
    let qemu = qemu().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let good = "bad=dsb nshst; tlbi alle2; dsb nsh; isb";
    for (bad, kind, cpu) in [
        (
            "dsb nshst; tlbi vale2, {va}; dsb nsh; isb",
            "wrong-operation",
            "neoverse-n1",
        ),
        ("dsb nshst; tlbi alle2; dsb nshnxs; isb", "not-completed", "max"),
    ] {
        let controls = traced(&qemu, folder.path(), &[good], &["--cpu", cpu]);
        let run = traced(&qemu, folder.path(), &[&format!("bad={bad}")], &["--cpu", cpu]);
        let beyond = run.beyond(&controls);
        assert!(beyond.contains(kind), "{bad}: {beyond:?}\n{}", run.text);
    }
}

/// What our kernel does without maintenance is there on purpose, and known by the file that ships; a saved log tells the
/// same.
fn our_own_kernel_is_silent_but_for_its_controls() {
    let qemu = qemu().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let known = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/trace-el2-kernel.suppress");
    // Where the build script has it built: beside the profile's artifacts.
    let profile = Path::new(env!("OUT_DIR")).ancestors().nth(3).unwrap();
    let elf = profile.join("nested/aarch64-unknown-none/kernel/el2-kernel");
    let elf = elf.to_str().unwrap();
    let run = traced(&qemu, folder.path(), &[], &["--elf", elf, "--suppress", known]);
    assert!(run.text.contains(", 2 suppressed"), "{}", run.text);
    assert!(!run.text.contains("fits nothing"), "{}", run.text);
    for (kind, sequence) in run.found.keys() {
        let control = !sequence.contains("tlbi") && ["not-invalidated", "freed-table"].contains(&kind.as_str());
        let suppressed = kind == "use-before-synchronization";
        assert!(control || suppressed, "{kind}: {sequence}\n{}", run.text);
    }
    let log = folder.path().join("log").display().to_string();
    let again = bench_host(&["trace", "--quiet", "--log", &log, "--elf", elf, "--suppress", known]);
    let tail = |text: &str| text.split_once(": ").map(|(_, tail)| tail.to_owned());
    assert_eq!(tail(&run.text), tail(&stdout(&again)), "a saved log tells the same");
}

fn a_qemu_that_is_too_old_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image").display().to_string();
    assert!(bench_host(&["image", &image]).status.success());
    let output = bench_host(&["trace", "--kernel", &image]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("9.0.0 or newer"), "{}", stderr(&output));
}

fn a_log_that_is_cut_off_is_incomplete_and_none_is_a_setup_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, u64::MAX);
    writer.write(&Event::Pes(1)).unwrap();
    writer.flush().unwrap();
    drop(writer);
    fs::write(&path, &bytes).unwrap();
    let log = path.display().to_string();
    assert_eq!(bench_host(&["trace", "--log", &log]).status.code(), Some(3));
    // Whole, and without a single table: nothing was shown.
    let mut bytes = Vec::new();
    Writer::new(&mut bytes, u64::MAX).end().unwrap();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(bench_host(&["trace", "--log", &log]).status.code(), Some(2));
    fs::write(&path, "no log").unwrap();
    assert_eq!(bench_host(&["trace", "--log", &log]).status.code(), Some(4));
    assert_eq!(bench_host(&["trace"]).status.code(), Some(64));
    let refused = bench_host(&["trace", "--kernel", &log, "--", "-icount", "1"]);
    assert!(matches!(refused.status.code(), Some(4 | 64)));
}

fn attach_writes_the_plugin_and_prints_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugin.so");
    let output = bench_host(&["trace", "--attach", &plugin.display().to_string()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("-plugin ") && text.contains("share=on") && text.contains("thread=multi"),
        "{text}"
    );
    assert!(fs::metadata(&plugin).unwrap().len() > 1000);
}

fn main() -> ExitCode {
    let (no_new, no_old) = (qemu().err(), no_old_qemu());
    needs::main([
        (
            "every_mutant_that_the_kernel_executes_is_caught",
            every_mutant_that_the_kernel_executes_is_caught as fn(),
            no_new.clone(),
        ),
        (
            "mistakes_of_operation_and_of_nxs_are_told_as_that",
            mistakes_of_operation_and_of_nxs_are_told_as_that as fn(),
            no_new.clone(),
        ),
        (
            "our_own_kernel_is_silent_but_for_its_controls",
            our_own_kernel_is_silent_but_for_its_controls as fn(),
            no_new.clone(),
        ),
        (
            "a_qemu_that_is_too_old_is_refused_with_what_to_do",
            a_qemu_that_is_too_old_is_refused_with_what_to_do as fn(),
            no_old.clone(),
        ),
        (
            "a_log_that_is_cut_off_is_incomplete_and_none_is_a_setup_problem",
            a_log_that_is_cut_off_is_incomplete_and_none_is_a_setup_problem as fn(),
            None,
        ),
        (
            "attach_writes_the_plugin_and_prints_its_arguments",
            attach_writes_the_plugin_and_prints_its_arguments as fn(),
            None,
        ),
    ])
}
