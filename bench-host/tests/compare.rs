// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host compare` on stored runs, as a user or a CI job calls it.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use tempfile::TempDir;

#[path = "support/synthetic.rs"]
mod synthetic;

use results::manifest::LOG_LABEL;
use synthetic::Synthetic;

/// A quick run on a quiet board.
const RUN: Synthetic = Synthetic {
    deterministic: false,
    more: 0,
    iterations: 6000,
    batch: 300,
    damaged: false,
    pes: 1,
    seed: 1,
    boot: 1000,
    new: 1000,
    hardware: true,
};

/// A folder with runs in it.
struct Folder(TempDir);

/// How the command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, name: &str, run: Synthetic) -> PathBuf {
        let path = self.path(name);
        run.write(&path);
        path
    }

    /// Makes several boots of one kind in a folder: their levels differ by up to 2%.
    fn boots(&self, name: &str, count: u64, run: Synthetic) {
        for boot in 0..count {
            let seed = 100 * count + boot + run.new;
            let run = Synthetic {
                seed,
                boot: 990 + seed * 7 % 21,
                ..run
            };
            self.run(&format!("{name}/{boot}"), run);
        }
    }

    /// Compares, with the folder as the working directory.
    fn compare(&self, arguments: &[&str]) -> Ended {
        let mut command = cargo_bin_cmd!("bench-host");
        let output = command
            .current_dir(self.0.path())
            .arg("compare")
            .args(arguments)
            .output()
            .unwrap();
        let ended = Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let wide = ended.stdout.lines().find(|line| line.chars().count() > 100);
        let is_text = !arguments.iter().any(|a| ["json", "csv", "markdown"].contains(a));
        assert!(!is_text || wide.is_none(), "{wide:?}");
        ended
    }
}

fn edit(run: &Path, file: &str, from: &str, to: &str) {
    let path = run.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} in {}", path.display());
    fs::write(&path, text.replace(from, to)).unwrap();
}

/// Returns the line of a table that begins with a name.
fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let mut lines = text.lines().filter(|line| line.starts_with(name));
    lines.next().unwrap_or_else(|| panic!("{name} in {text}"))
}

#[test]
fn two_runs_and_what_cannot_be_known_from_them() {
    let folder = Folder::new();
    folder.run("before", RUN);
    folder.run(
        "after",
        Synthetic {
            seed: 2,
            new: 1100,
            ..RUN
        },
    );
    let ended = folder.compare(&["before", "after"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("two_runs", ended.stdout);
    assert!(ended.stdout.contains("run-to-run noise is not estimated"));
    assert!(
        line(&ended.stdout, "xen_head_new ").contains("slower by"),
        "{}",
        ended.stdout
    );
    assert!(
        line(&ended.stdout, "xen_head_old ").contains("indistinguishable"),
        "{}",
        ended.stdout
    );
    // The other way up.
    let ended = folder.compare(&["before", "after", "--baseline", "after", "--seq", "xen_head_new"]);
    assert!(
        line(&ended.stdout, "xen_head_new ").contains("faster by"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("\nxen_head_old "));
}

#[test]
fn sequences_of_one_run_as_in_its_report() {
    let folder = Folder::new();
    let run = folder.run("run", RUN);
    let ended = folder.compare(&["run", "--seq", "xen_head_old", "--seq", "xen_head_new"]);
    let text = folder.compare(&["run:xen_head_old", "run:xen_head_new"]).stdout;
    assert_eq!((ended.code, &ended.stdout), (0, &text));
    assert!(text.contains("over paired batches of the run"), "{text}");
    let summary = bench_host::aggregate::aggregate(&run).unwrap();
    let own = summary.comparisons.iter().find(|c| !c.is_twin).unwrap();
    let shown = report::number::ratio_interval(&own.net.unwrap());
    assert!(text.contains(&shown), "{shown} in {text}");
    assert!(!text.contains("one run on each side"), "{text}");
}

#[test]
fn several_runs_a_side_are_the_unit() {
    let folder = Folder::new();
    folder.boots("a", 6, RUN);
    folder.boots("same", 5, RUN);
    folder.boots("slow", 6, Synthetic { new: 1080, ..RUN });
    let same = folder.compare(&["a", "same", "--fail-above", "5%"]);
    assert!(
        line(&same.stdout, "xen_head_new ").contains("indistinguishable"),
        "{}",
        same.stdout
    );
    assert!(same.stdout.contains("interval between runs") && !same.stdout.contains("not estimated"));
    assert!(
        same.stdout.contains("Passed: nothing is slower by more than 5%"),
        "{}",
        same.stdout
    );
    assert_eq!(same.code, 0);
    let slow = folder.compare(&["a/", "slow", "--fail-above", "5%"]);
    assert!(
        line(&slow.stdout, "xen_head_new ").contains("slower by"),
        "{}",
        slow.stdout
    );
    assert!(
        slow.stdout.contains("FAILED: slower than allowed by --fail-above 5%"),
        "{}",
        slow.stdout
    );
    assert_eq!(slow.code, 1);
    // Slower, but not by that much; and what got faster is no regression.
    assert_eq!(folder.compare(&["a", "slow", "--fail-above", "20%"]).code, 0);
    assert_eq!(folder.compare(&["slow", "a", "--fail-above", "5"]).code, 0);
    // Within the runs of one folder, by run.
    let paired = folder.compare(&["slow:xen_head_old", "slow:xen_head_new"]);
    assert!(paired.stdout.contains("over paired runs"), "{}", paired.stdout);
}

#[test]
fn few_runs_decide_nothing_and_say_how_many_it_takes() {
    let folder = Folder::new();
    folder.boots("a", 3, RUN);
    folder.boots("b", 3, Synthetic { new: 1300, ..RUN });
    let ended = folder.compare(&["a", "b", "--seq", "xen_head_new", "--fail-above", "10%"]);
    assert!(
        ended.stdout.contains("too few runs: 3 and 3, 4 needed"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.code, 2);
    // With two sequences compared, chance has two tries.
    let ended = folder.compare(&["a", "b"]);
    assert!(ended.stdout.contains("5 needed"), "{}", ended.stdout);
    assert_eq!(ended.code, 0);
}

#[test]
fn a_threshold_below_the_noise_floor_is_refused() {
    let folder = Folder::new();
    folder.run("a", RUN);
    folder.run("b", Synthetic { seed: 2, ..RUN });
    let ended = folder.compare(&["a", "b", "--fail-above", "0.01%"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stdout.contains("0.01% is below the noise floor of"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("NOT DECIDED"), "{}", ended.stdout);
    let ended = folder.compare(&["a", "b", "--fail-above", "0.01%", "--format", "json"]);
    assert!(
        ended
            .stderr
            .contains("error: xen_head_old: 0.01% is below the noise floor"),
        "{}",
        ended.stderr
    );
    // A regression far above it is one all the same.
    folder.run(
        "slow",
        Synthetic {
            seed: 3,
            new: 1500,
            ..RUN
        },
    );
    assert_eq!(folder.compare(&["a", "slow", "--fail-above", "0.01%"]).code, 1);
}

#[test]
fn a_simulator_is_never_compared_with_a_processor() {
    let folder = Folder::new();
    folder.run("board", RUN);
    folder.run("qemu", Synthetic { hardware: false, ..RUN });
    for sides in [["board", "qemu"], ["qemu", "board"]] {
        let ended = folder.compare(&sides);
        assert_eq!(ended.code, 2);
        assert!(ended.stdout.contains("not comparable"), "{}", ended.stdout);
        assert!(ended.stderr.contains("nothing could be compared"), "{}", ended.stderr);
        let json: serde_json::Value =
            serde_json::from_str(&folder.compare(&[sides[0], sides[1], "--format", "json"]).stdout).unwrap();
        let all = json["comparisons"].as_array().unwrap();
        assert!(
            !all.is_empty()
                && all
                    .iter()
                    .all(|c| c["ratio"].is_null() && c["finding"] == "incomparable")
        );
    }
    assert_eq!(folder.compare(&["board", "qemu", "--fail-above", "50%"]).code, 2);
    // Nor is counting instructions with counting time.
    folder.run(
        "counted",
        Synthetic {
            deterministic: true,
            hardware: false,
            ..RUN
        },
    );
    assert!(
        folder
            .compare(&["qemu", "counted"])
            .stdout
            .contains("counts instructions")
    );
    // Two logs that nobody said to be of hardware.
    for (name, seed, new) in [("log", 5, 1000), ("log2", 6, 1500)] {
        let run = folder.run(name, Synthetic { seed, new, ..RUN });
        edit(
            &run,
            "run.toml",
            "label = \"hardware\"",
            &format!("label = \"{LOG_LABEL}\""),
        );
    }
    let ended = folder.compare(&["log", "log2"]);
    let found = line(&ended.stdout, "xen_head_new ");
    assert!(
        found.contains("higher by") && !found.contains("simulated"),
        "{}",
        ended.stdout
    );
    assert!(
        found.contains(", unstated") && ended.stdout.contains("was not stated"),
        "{}",
        ended.stdout
    );
    // Two runs of a simulator: labelled in every form, and never faster or slower.
    folder.run(
        "qemu2",
        Synthetic {
            hardware: false,
            seed: 5,
            new: 1500,
            ..RUN
        },
    );
    for format in ["text", "markdown", "json", "csv"] {
        let ended = folder.compare(&["qemu", "qemu2", "--format", format]);
        assert!(
            ended.stdout.contains("QEMU TCG: not hardware timing"),
            "{}",
            ended.stdout
        );
        assert!(
            ended.stdout.contains(", simulated") && !ended.stdout.contains("slower"),
            "{}",
            ended.stdout
        );
    }
}

#[test]
fn what_is_missing_or_different_is_said() {
    let folder = Folder::new();
    folder.run("a", RUN);
    let b = folder.run(
        "b",
        Synthetic {
            more: 1,
            seed: 2,
            iterations: 3000,
            ..RUN
        },
    );
    let ended = folder.compare(&["a", "b"]);
    assert!(
        line(&ended.stdout, "variant_00").contains("missing in a"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("differ in samples planned: 3,000, 6,000"),
        "{}",
        ended.stdout
    );
    assert_eq!(
        folder.compare(&["a", "b", "--fail-above", "30%"]).code,
        2,
        "a missing sequence is not passed"
    );
    assert_eq!(
        folder
            .compare(&["a", "b", "--seq", "xen_head_old", "--fail-above", "30%"])
            .code,
        0
    );
    // The same name for other instructions.
    edit(
        &b,
        "run.toml",
        "d503369f d50c871f d503379f d5033fdf",
        "d5033b9f d50c871f d5033b9f d5033fdf",
    );
    let ended = folder.compare(&["a", "b"]);
    assert!(ended.stdout.contains("has other"), "{}", ended.stdout);
    // An incomplete run.
    folder.run(
        "lost",
        Synthetic {
            damaged: true,
            seed: 3,
            ..RUN
        },
    );
    let ended = folder.compare(&["a", "lost", "--fail-above", "50%"]);
    assert!(
        ended.stdout.contains("lost is incomplete: no line for 10 s"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.code, 3);
    // Another machine.
    let c = folder.run("c", Synthetic { seed: 4, ..RUN });
    edit(&c, "run.toml", "MIDR_EL1 = \"0x410fd083\"", "MIDR_EL1 = \"0x411fd0c1\"");
    let ended = folder.compare(&["a", "c", "--fail-above", "50%"]);
    assert!(ended.stdout.contains("differ in machine"), "{}", ended.stdout);
    assert_eq!(ended.code, 2, "a ratio between machines is no regression");
    // A kernel that left its stubs where they were.
    let e = folder.run("e", Synthetic { seed: 7, ..RUN });
    edit(&e, "run.toml", "places = \"batch\"\n", "");
    edit(&e, "run.toml", "order = \"random\"", "order = \"abba\"");
    let ended = folder.compare(&["a", "e"]);
    let flat = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("in 1 run each sequence stood at one place in memory")
            && flat.contains("differ in order of samples"),
        "{}",
        ended.stdout
    );
    // No A/A twin.
    let d = folder.run("d", Synthetic { seed: 6, ..RUN });
    edit(&d, "run.toml", "aa_of = \"xen_head_old\"\n", "");
    let ended = folder.compare(&["a", "d"]);
    assert!(
        line(&ended.stdout, "xen_head_old ").contains("no noise floor"),
        "{}",
        ended.stdout
    );
}

#[test]
fn broken_runs_in_a_folder_are_named_and_left_out() {
    let folder = Folder::new();
    folder.boots("a", 2, RUN);
    let broken = folder.run("a/broken", Synthetic { seed: 9, ..RUN });
    fs::write(
        broken.join("samples.csv"),
        "seq,pe,event,batch,value,count\nold,0,furlongs,0,1,1\n",
    )
    .unwrap();
    let unread = folder.run("a/unread", RUN);
    fs::write(unread.join("run.toml"), "schema = \"?\"").unwrap();
    folder.run("b", Synthetic { seed: 3, ..RUN });
    let ended = folder.compare(&["a", "b"]);
    let flat = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("broken/samples.csv line 2"), "{flat}");
    assert!(
        flat.contains("unread/run.toml") && flat.matches("left out").count() == 2,
        "{flat}"
    );
    assert!(flat.contains("A: a (2 runs"), "{flat}");
    // What is not there may have been slower, so a gate does not pass.
    let ended = folder.compare(&["a", "b", "--fail-above", "50%"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stdout.contains("cannot be read"), "{}", ended.stdout);
    // By itself it is an error.
    let ended = folder.compare(&["a/broken", "b"]);
    assert_eq!(ended.code, 5);
    assert!(ended.stderr.contains("line 2"), "{}", ended.stderr);
}

#[test]
fn rows_lost_after_the_run_make_it_incomplete() {
    let folder = Folder::new();
    let run = folder.run("a", RUN);
    folder.run("b", Synthetic { seed: 2, ..RUN });
    let text = fs::read_to_string(run.join("samples.csv")).unwrap();
    // The smaller half of a batch's values: its median moves, and it must not count.
    let mut kept: Vec<&str> = text.lines().collect();
    let of_batch: Vec<usize> = (0..kept.len())
        .filter(|&at| kept[at].starts_with("xen_head_new,0,cycles,2,"))
        .collect();
    kept.drain(of_batch[0]..of_batch[of_batch.len() / 2]);
    fs::write(run.join("samples.csv"), kept.join("\n") + "\n").unwrap();
    let summary = bench_host::aggregate::aggregate(&run).unwrap();
    assert!(
        summary.reservations[0].starts_with("samples.csv holds "),
        "{:?}",
        summary.reservations
    );
    let new = summary
        .series
        .iter()
        .find(|series| series.seq == "xen_head_new")
        .unwrap();
    assert!(new.batches.iter().all(|&(batch, _)| batch != 2) && !new.batches.is_empty());
    let ended = folder.compare(&["a", "b", "--fail-above", "50%"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    let flat = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("a is incomplete: samples.csv holds") && flat.contains("rows were lost or added since"),
        "{flat}"
    );
}

#[test]
fn bad_arguments_have_one_clear_message() {
    let folder = Folder::new();
    folder.run("a", RUN);
    folder.run("b", Synthetic { seed: 2, ..RUN });
    for (arguments, code, says) in [
        (&["a"][..], 64, "only one side"),
        (&["a", "a"], 64, "given twice"),
        (
            &["a:xen_head_old", "b:none"],
            64,
            "none is not timed in b; its sequences: xen_head_new, xen_head_old",
        ),
        (
            &["a", "b", "--sequence", "none"],
            64,
            "none is not timed in any of the runs",
        ),
        // The spelling of before.
        (&["a", "b", "--seq", "none"], 64, "none is not timed in any of the runs"),
        (&["a", "b", "--baseline", "c"], 64, "--baseline c is none of the sides"),
        (&["a", "b", "--fail-above", "0"], 64, "not a percentage above 0"),
        (&["a", "absent"], 64, "absent: no such file or folder"),
    ] {
        let ended = folder.compare(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn every_form_says_the_same() {
    let folder = Folder::new();
    folder.run("a", RUN);
    folder.run(
        "b",
        Synthetic {
            seed: 2,
            new: 1100,
            ..RUN
        },
    );
    folder.run(
        "c",
        Synthetic {
            seed: 3,
            new: 900,
            ..RUN
        },
    );
    let arguments = ["a", "b", "c", "--fail-above", "3%"];
    let with = |format| folder.compare(&[&arguments[..], &["--format", format]].concat());
    let json: serde_json::Value = serde_json::from_str(&with("json").stdout).unwrap();
    let all = json["comparisons"].as_array().unwrap();
    assert_eq!((all.len(), json["sides"].as_array().unwrap().len()), (4, 3));
    assert_eq!(
        (&json["gate"]["exit_code"], &json["gate"]["fail_above"]),
        (&1.into(), &0.03.into())
    );
    assert_eq!(json["own"].as_array().unwrap().len(), 3);
    let markdown = with("markdown");
    let csv = with("csv").stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!((markdown.code, rows.len()), (1, 5));
    let columns: Vec<&str> = rows[0].split(',').collect();
    for (row, object) in rows[1..].iter().zip(all) {
        let fields: Vec<&str> = row.split(',').collect();
        let of = |name| fields[columns.iter().position(|column| *column == name).unwrap()];
        assert_eq!(of("ratio").parse::<f64>().unwrap(), object["ratio"].as_f64().unwrap());
        assert_eq!(
            (of("finding"), of("seq")),
            (object["finding"].as_str().unwrap(), object["seq"].as_str().unwrap())
        );
        assert!(
            markdown.stdout.contains(object["words"].as_str().unwrap()),
            "{}",
            markdown.stdout
        );
    }
    insta::assert_snapshot!("three_runs_in_markdown", markdown.stdout);
}
