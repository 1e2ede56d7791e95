// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel on the adversary: that machine shows no mistake where there is none, and the same bytes each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use adversary::{Choices, End, Error, Features, Machine, Options};
use bench_host::check::suite::{Member, default, planned};
use bench_host::kernel::Kernel;
use bench_host::plan::{Conformance, RunPlan, runtime};
use results::SCHEMA_VERSION;
use results::check::{Change, Check, Mask};
use results::image::{ARM64_MAGIC, ARM64_MAGIC_OFFSET, HEADER_MAGIC, HEADER_OFFSET, PLAN_CAPACITY};
use results::plan::Flow;
use results::record::Record;
use results::wire::LineWriter;

/// Returns the kernel with the checks of these sequences.
fn image(members: &[Member], trials: u32, pes: u8) -> Vec<u8> {
    let mut kernel = Kernel::load(None).unwrap();
    let sequences = planned(members, Mask::MAX);
    let settings = Conformance {
        seed: 1,
        trials,
        pes,
        stress: 0,
        planted: None,
        unsaid: bench_host::plan::Unsaid::default(),
        runtime: runtime("level1").unwrap(),
    };
    let plan = RunPlan::conformance(&settings, &sequences).unwrap();
    kernel.install(&plan.settings, &plan.entries()).unwrap();
    kernel.bytes
}

fn run(image: &[u8], options: &Options) -> (End, String) {
    let mut printed = Vec::new();
    let mut machine = Machine::new(image, options).unwrap();
    let end = machine.run(&mut |bytes| {
        printed.extend_from_slice(bytes);
        true
    });
    (end, String::from_utf8(printed).unwrap())
}

/// Returns the class of every check and sequence.
fn verdicts(printed: &str) -> BTreeMap<(String, String), String> {
    let verdicts = printed.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim().split(',').collect();
        match fields.as_slice() {
            ["TLB", _, "verdict", check, seq, class, ..] => {
                Some((((*check).to_owned(), (*seq).to_owned()), (*class).to_owned()))
            }
            _ => None,
        }
    });
    verdicts.collect()
}

fn options(pes: usize, choices: Choices) -> Options {
    Options {
        pes,
        choices,
        budget: 10_000_000_000,
        ..Options::default()
    }
}

/// Checks of new mappings: that a fault is the old translation there is for the kernel to learn.
fn is_of_new_mapping(check: &str) -> bool {
    Check::from_id(check).is_some_and(|check| check.spec().change == Change::Map)
}

/// Returns the outcome of the proof of the fixmap on a boot through a flow, and the last words of the machine.
fn fixmap(flow: Flow, options: &Options) -> (String, bool) {
    let mut kernel = Kernel::load(None).unwrap();
    let settings = Conformance {
        seed: 1,
        trials: 1,
        pes: 1,
        stress: 0,
        planted: None,
        unsaid: bench_host::plan::Unsaid::default(),
        runtime: runtime("level1").unwrap(),
    };
    let mut plan = RunPlan::conformance(&settings, &[]).unwrap();
    plan.settings.flow = flow;
    kernel.install(&plan.settings, &plan.entries()).unwrap();
    let (end, printed) = run(&kernel.bytes, options);
    assert_eq!(end, End::Off, "a fault of the proof does not end the run");
    let outcome = printed.lines().find_map(|line| {
        let rest = line.split_once(",proof,fixmap_mapped,")?.1;
        rest.split(',').next().map(str::to_owned)
    });
    (outcome.unwrap(), printed.contains(",end,pass,"))
}

#[test]
fn the_fixmap_of_the_seed_patch_is_missed_without_an_isb_and_nowhere_else() {
    let proof = |flow, choices| fixmap(flow, &options(1, choices));
    assert_eq!(proof(Flow::New, Choices::Latest), ("fail".to_owned(), false));
    for (flow, choices) in [
        (Flow::Old, Choices::Latest),
        (Flow::Fixed, Choices::Latest),
        (Flow::New, Choices::Earliest),
    ] {
        assert_eq!(proof(flow, choices), ("pass".to_owned(), true), "{flow:?}");
    }
    // With FEAT_ETS2 the barrier alone is enough.
    let mut kinder = options(1, Choices::Latest);
    kinder.features.ets2 = true;
    assert_eq!(fixmap(Flow::New, &kinder).0, "pass");
}

#[test]
fn what_is_enough_is_never_stale_and_what_is_seen_depends_on_the_seed_alone() {
    let image = image(&default(Mask::MAX), 4, 3);
    for choices in [
        Choices::Latest,
        Choices::Random(1),
        Choices::Random(2),
        Choices::Earliest,
    ] {
        let (end, printed) = run(&image, &options(3, choices));
        assert_eq!(end, End::Off, "{choices:?}");
        let failed: Vec<_> = (verdicts(&printed).into_iter())
            .filter(|((check, _), class)| class == "fail" && !is_of_new_mapping(check))
            .collect();
        assert_eq!(failed, [], "{choices:?}");
        if choices == Choices::Random(1) {
            assert_eq!(
                run(&image, &options(3, choices)).1,
                printed,
                "the same seed, the same bytes"
            );
        }
    }
}

#[test]
fn the_catalogue_is_seen_as_the_judge_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "check",
        "--machine",
        "adversary",
        "--cpu",
        "max",
        "--catalogue",
        "--trials",
        "1",
    ];
    let (code, said) = bench_host(folder.path(), &[&words[..], &["--out", "runs"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let row = said.lines().find(|line| line.starts_with("| adversary")).unwrap();
    let cells: Vec<u32> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    let [
        sequences,
        pairs,
        sufficient,
        stale,
        insufficient,
        shown,
        undecided,
        skipped,
    ] = cells[..]
    else {
        panic!("{row}")
    };
    assert!(sequences > 270, "{row}");
    assert_eq!(pairs, sufficient + insufficient + undecided + skipped, "{row}");
    assert_eq!(stale, 0, "sufficient, and stale: {said}");
    assert!(shown * 5 > insufficient * 3, "{row}");
    assert!(
        !said.contains("the shape could show it"),
        "a check could show it, and does not: {said}"
    );
}

/// Returns an arm64 Image with a plan area, of this size in memory; it prints a text, and then runs these words.
fn guest(size: u64, text: &str, then: &[u32]) -> Vec<u8> {
    const AREA: usize = 0x1000;
    let mut image = vec![0; AREA + PLAN_CAPACITY];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &0x1400_0040_u32.to_le_bytes()); // b 0x100
    put(0x10, &size.to_le_bytes());
    put(ARM64_MAGIC_OFFSET, &ARM64_MAGIC);
    put(HEADER_OFFSET, &HEADER_MAGIC);
    put(HEADER_OFFSET + 8, &(AREA as u32).to_le_bytes());
    put(HEADER_OFFSET + 12, &(PLAN_CAPACITY as u32).to_le_bytes());
    // adr x1, 0x200; mov x2, #0x9000000; ldrb w0, [x1], #1; cbz w0, 3f; str w0, [x2]; b the ldrb; 3:
    let print = [
        0x1000_0801,
        0xd2a1_2002,
        0x3840_1420,
        0x3400_0060,
        0xb900_0040,
        0x17ff_fffd,
    ];
    for (at, word) in (0x100..).step_by(4).zip(print.iter().chain(then)) {
        put(at, &word.to_le_bytes());
    }
    put(0x200, text.as_bytes());
    image
}

/// `mov w0, #0x84000008; smc #0`: PSCI SYSTEM_OFF.
const OFF: [u32; 3] = [0x52b0_8000, 0x7280_0100, 0xd400_0003];
/// `b .`
const LOOP: [u32; 1] = [0x1400_0000];

/// Runs a kernel file by both commands; returns the exit codes and what was said.
fn with_kernel(kernel: &[u8], options: &[&str]) -> [(Option<i32>, String); 2] {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kernel"), kernel).unwrap();
    ["check", "run"].map(|command| {
        let words = [
            command,
            "--machine",
            "adversary",
            "--kernel",
            "kernel",
            "--trials",
            "1",
            "--out",
            command,
        ];
        bench_host(folder.path(), &[&words[..], options].concat())
    })
}

/// Returns the one line of an error.
fn errors(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.starts_with("error: ")).collect()
}

#[test]
fn what_cannot_be_run_is_told_once_and_exits_4() {
    assert_eq!(
        Machine::new(b"no image", &Options::default()).err(),
        Some(Error::NotAnImage)
    );
    let start = |plan_crc| {
        let mut lines = String::new();
        let record = Record::Start {
            schema: SCHEMA_VERSION,
            kernel: "0.1.0",
            plan_crc,
            seed: 1,
            el: 2,
            nonce: 0,
        };
        LineWriter::new(&mut lines).record(&record).unwrap();
        lines
    };
    for (kernel, why) in [
        (vec![0; 4096], "not an arm64 Image"),
        (Vec::new(), "not an arm64 Image"),
        (guest(1 << 40, "", &OFF)[..0x80].to_vec(), "cut short"),
        (
            guest(1 << 40, "", &OFF),
            "the image takes 0x10000000000 bytes of memory",
        ),
        (guest(0x10000, &start(7), &OFF), "plan"),
    ] {
        for (code, said) in with_kernel(&kernel, &[]) {
            assert_eq!(code, Some(4), "{why}: {said}");
            let errors = errors(&said);
            assert_eq!(errors.len(), 1, "{why}: {said}");
            assert!(errors[0].contains(why), "{why}: {said}");
        }
    }
}

#[test]
fn a_guest_that_loops_is_told_as_one_by_its_budget() {
    for (code, said) in with_kernel(&guest(0x10000, "hello\r\n", &LOOP), &["--budget", "1000000"]) {
        assert_eq!(code, Some(3), "{said}");
        assert!(
            said.contains("still running after 1000000 instructions; PE 0 is at 0x"),
            "{said}"
        );
    }
}

/// Runs a command without a QEMU in reach; returns the exit code and everything it said.
fn bench_host(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .current_dir(folder)
        .env("PATH", folder)
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), said.concat())
}

#[test]
fn a_run_boots_proves_and_checks_but_times_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = |flow, out| {
        let words = [
            "run",
            "--machine",
            "adversary",
            "--trials",
            "5",
            "--flow",
            flow,
            "--out",
            out,
        ];
        bench_host(folder.path(), &words)
    };
    let (code, said) = run("new", "new");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("Nothing was timed [adversary: no timing at all]."),
        "{said}"
    );
    assert!(said.contains("Boot path: 1 of 5 proofs FAILED."), "{said}");
    assert!(said.contains("this is no fault of the"), "{said}");
    assert!(!said.contains("Boot phases"), "what it counts is no time: {said}");
    let (code, said) = run("fixed", "fixed");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Boot path: 5 of 5 proofs hold."), "{said}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("fixed").join(name)).unwrap();
    assert_eq!(read("samples.csv").lines().count(), 1);
    let manifest = read("run.toml");
    assert!(manifest.contains("label = \"adversary: no timing at all\"") && manifest.contains("simulator = true"));
    let reproduce = manifest.lines().find(|line| line.starts_with("reproduce")).unwrap();
    assert!(
        reproduce.contains("--machine adversary --choose latest") && !reproduce.contains("--iterations"),
        "{reproduce}"
    );
    for timing in [
        &["--iterations", "10"][..],
        &["--sweep", "tlbis=1,2"],
        &["--deterministic"],
        &["--qemu", "q"],
    ] {
        let words = [&["run", "--machine", "adversary"], timing].concat();
        assert_eq!(bench_host(folder.path(), &words).0, Some(64), "{timing:?}");
    }
}

#[test]
fn the_mistake_of_the_seed_patch_is_a_story() {
    let folder = tempfile::tempdir().unwrap();
    let explore = |flow| {
        let words = ["run", "--machine", "adversary", "--explore", "--flow", flow];
        bench_host(folder.path(), &words)
    };
    let (code, said) = explore("new");
    assert_eq!(code, Some(1), "{said}");
    let story: Vec<&str> = said.lines().collect();
    assert!(
        story[0].starts_with("flow new: fixmap_mapped: first use of 0x"),
        "{said}"
    );
    assert!(
        story[1].contains("stores ") && story[1].ends_with("no barrier completes it yet"),
        "{said}"
    );
    let barrier = story.iter().position(|line| line.contains("`dsb nshst`")).unwrap();
    assert!(
        story[barrier + 1].contains("uses a walk made before the descriptor"),
        "{said}"
    );
    for flow in ["fixed", "old"] {
        let (code, said) = explore(flow);
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn fewer_features_are_fewer_checks() {
    let image = image(&default(Mask::MAX), 1, 1);
    let older = Options {
        features: Features::ARMV8_0,
        ..options(1, Choices::Latest)
    };
    let skipped = |options: &Options| {
        let (end, printed) = run(&image, options);
        assert_eq!(end, End::Off);
        verdicts(&printed).values().filter(|class| *class == "skipped").count()
    };
    assert!(skipped(&older) > skipped(&options(1, Choices::Latest)));
}
