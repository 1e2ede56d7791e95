// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel on the adversary: that machine shows no mistake where there is none, and the same bytes each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use adversary::{Choices, End, Error, Features, Machine, Options};
use bench_host::check::suite::{GOOD, Member, default};
use bench_host::kernel::Kernel;
use bench_host::plan::{Checked, Conformance, RunPlan, runtime};
use results::check::{Change, Check, Mask};
use results::plan::Flow;

/// Returns the kernel with the checks of these sequences.
fn image(members: &[Member], trials: u32, pes: u8) -> Vec<u8> {
    let mut kernel = Kernel::load(None).unwrap();
    let good = GOOD.into_iter().map(|good| Checked {
        id: good.id,
        text: good.text,
        checks: 0,
        good_for: good.checks(Mask::MAX),
    });
    let tested = members.iter().map(|member| Checked {
        id: &member.id,
        text: &member.text,
        checks: member.checks,
        good_for: 0,
    });
    let sequences: Vec<_> = tested.chain(good).collect();
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
        !said.contains("not explained"),
        "a check could show it, and does not: {said}"
    );
}

#[test]
fn what_cannot_be_run_is_told_and_exits_4() {
    let options = Options::default();
    assert_eq!(Machine::new(b"no image", &options).err(), Some(Error::NotAnImage));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kernel");
    std::fs::write(&file, vec![0; 4096]).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .current_dir(folder.path())
        .args(["check", "--machine", "adversary", "--kernel"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
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
