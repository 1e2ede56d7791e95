// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host export` as a user runs it, and its formats as other tools read them.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use results::manifest::HARDWARE_LABEL;
use synthetic::Synthetic;
use tempfile::TempDir;

#[path = "support/synthetic.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod synthetic;

/// Runs `bench-host export`; returns code, output and messages.
fn export(arguments: &[&str], paths: &[&Path]) -> (Option<i32>, String, String) {
    let mut command = cargo_bin_cmd!("bench-host");
    let output = command.arg("export").args(arguments).args(paths).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn run(folder: &TempDir, name: &str, synthetic: Synthetic) -> PathBuf {
    let run = folder.path().join(name);
    synthetic.write(&run);
    run
}

fn small() -> Synthetic {
    Synthetic {
        iterations: 10_000,
        ..Synthetic::default()
    }
}

#[test]
fn benchstat_text_follows_the_grammar() {
    let folder = TempDir::new().unwrap();
    let run = run(&folder, "run", small());
    let (code, text, messages) = export(&["benchstat"], &[&run]);
    assert_eq!((code, messages.as_str()), (Some(0), ""));
    let (mut results, mut keys) = (0, Vec::new());
    for line in text.lines() {
        // Go design document 14313: a result is a name that begins with Benchmark and no lower-case letter after it, a
        // number of iterations, and pairs of value and unit. A configuration line is a key that begins with a
        // lower-case letter and holds no upper-case one and no blank, a colon, and a value.
        if let Some(rest) = line.strip_prefix("Benchmark") {
            let fields: Vec<&str> = line.split_whitespace().collect();
            assert!(rest.starts_with(|c: char| !c.is_lowercase()), "{line}");
            assert_eq!(fields.len(), 6, "{line}");
            assert!(fields[1].parse::<u64>().unwrap() > 0 && fields[2].parse::<f64>().unwrap().is_finite());
            assert_eq!((fields[3], fields[5]), ("icount-cycles/op", "p50-icount-cycles/op"));
            assert!(
                fields[0].split('/').skip(1).all(|part| part.split_once('=').is_some()),
                "{line}"
            );
            results += 1;
        } else if let Some((key, _)) = line.split_once(':').filter(|(key, _)| !key.starts_with('#')) {
            assert!(key.chars().all(|c| c.is_lowercase()), "{line}");
            keys.push(key);
        } else {
            assert!(
                line.starts_with("# ") || line.starts_with("Unit ") && line.ends_with("icount-cycles/op better=lower"),
                "{line}"
            );
        }
    }
    assert_eq!(
        results,
        4 * 5,
        "four sequences, the empty frame among them, five batches each"
    );
    assert_eq!(keys, ["goarch", "pkg", "cpu", "label"]);
    assert!(
        text.contains("\nBenchmarkTLB/seq=xen_head_old/pe=0 2000 7 icount-cycles/op 7 p50-icount-cycles/op\n"),
        "{text}"
    );
    // To a file, once.
    let out = folder.path().join("a.txt");
    assert_eq!(export(&["benchstat"], &[&run, Path::new("--out"), &out]).0, Some(0));
    assert_eq!(fs::read_to_string(&out).unwrap(), text);
    let (code, _, message) = export(&["benchstat"], &[&run, Path::new("--out"), &out]);
    assert!(
        code == Some(5) && message.contains("nothing is overwritten"),
        "{message}"
    );
}

#[test]
fn counts_of_a_processor_have_another_unit() {
    let folder = TempDir::new().unwrap();
    let run = run(&folder, "run", small());
    let manifest = run.join("run.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replace("simulator = true", "simulator = false");
    let text = text.replace(results::manifest::QEMU_LABEL, HARDWARE_LABEL);
    fs::write(&manifest, text).unwrap();
    assert!(export(&["benchstat"], &[&run]).1.contains(" cycles/op"));
    let text = fs::read_to_string(&manifest)
        .unwrap()
        .replace(HARDWARE_LABEL, results::manifest::LOG_LABEL);
    fs::write(&manifest, text).unwrap();
    assert!(export(&["benchstat"], &[&run]).1.contains(" unstated-cycles/op"));
}

#[test]
fn criterion_files_have_the_layout_of_a_saved_baseline() {
    let folder = TempDir::new().unwrap();
    let run = run(&folder, "my_run", small());
    let out = folder.path().join("criterion");
    let (code, text, _) = export(&["criterion"], &[&run, Path::new("--out"), &out]);
    assert_eq!(code, Some(0));
    assert!(
        text.contains("QEMU TCG: not hardware timing") && text.contains("4 benchmarks"),
        "{text}"
    );
    let saved = out.join("pe0 icount-cycles/xen_head_old/my_run");
    let json = |file: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(saved.join(file)).unwrap()).unwrap()
    };
    let sample = json("sample.json");
    assert_eq!(sample["sampling_mode"], "Flat");
    assert_eq!(
        sample["iters"],
        serde_json::json!([2000.0, 2000.0, 2000.0, 2000.0, 2000.0])
    );
    assert_eq!(sample["times"][0], 14_000.0);
    assert_eq!(json("estimates.json")["median"]["point_estimate"], 7.0);
    assert_eq!(json("benchmark.json")["full_id"], "pe0 icount-cycles/xen_head_old");
    assert_eq!(json("tukey.json").as_array().unwrap().len(), 4);
    // Nothing is overwritten; another name is another baseline.
    let (code, _, message) = export(&["criterion"], &[&run, Path::new("--out"), &out]);
    assert!(code == Some(5) && message.contains("--name"), "{message}");
    assert_eq!(
        export(&["criterion", "--name", "other"], &[&run, Path::new("--out"), &out]).0,
        Some(0)
    );
    assert!(saved.with_file_name("other").join("sample.json").is_file());
    assert_eq!(
        export(&["criterion", "--name", "../up"], &[&run, Path::new("--out"), &out]).0,
        Some(64)
    );
}

#[test]
fn what_lost_samples_is_left_out_and_said() {
    let folder = TempDir::new().unwrap();
    let run = run(
        &folder,
        "run",
        Synthetic {
            damaged: true,
            deterministic: false,
            ..small()
        },
    );
    let (code, text, messages) = export(&["benchstat"], &[&run]);
    assert_eq!(code, Some(0));
    assert!(messages.contains("1 batch that lost samples"), "{messages}");
    assert_eq!(text.matches("seq=xen_head_new/").count(), 4);
}

/// Takes lines out of a run's samples, as a bad copy would; the run still says that it is complete.
fn cut(run: &Path, lines: std::ops::Range<usize>) {
    let samples = run.join("samples.csv");
    let text = fs::read_to_string(&samples).unwrap();
    let kept = text.lines().enumerate().filter(|(line, _)| !lines.contains(line));
    let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
    fs::write(&samples, kept.join("\n") + "\n").unwrap();
}

#[test]
fn rows_lost_after_the_run_are_said() {
    let folder = TempDir::new().unwrap();
    let noisy = Synthetic {
        deterministic: false,
        ..small()
    };
    let run = run(&folder, "run", noisy);
    let whole = export(&["benchstat"], &[&run]).1;
    cut(&run, 3..5);
    for format in ["benchstat", "criterion"] {
        let out = folder.path().join(format);
        let (code, _, messages) = export(&[format], &[&run, Path::new("--out"), &out]);
        assert_eq!(code, Some(0));
        assert!(
            messages.contains("samples.csv holds ") && messages.contains(" samples, but the run received 40,000"),
            "{messages}"
        );
        assert!(
            messages.contains("1 batch that lost samples was left out"),
            "{messages}"
        );
    }
    let text = export(&["benchstat"], &[&run]).1;
    let lost: Vec<&str> = whole.lines().filter(|line| !text.contains(line)).collect();
    assert_eq!(lost.len(), 1, "the batch that lost rows, and no other: {lost:?}");
}

#[test]
fn counts_of_instructions_have_another_unit_than_counts_of_time() {
    let folder = TempDir::new().unwrap();
    let counted = run(&folder, "counted", small());
    let timed = Synthetic {
        deterministic: false,
        ..small()
    };
    let timed = run(&folder, "timed", timed);
    assert!(export(&["benchstat"], &[&counted]).1.contains(" 7 icount-cycles/op"));
    let text = export(&["benchstat"], &[&timed]).1;
    assert!(text.contains(" sim-cycles/op ") && !text.contains("icount"), "{text}");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_of_many_runs_takes_what_it_can_and_says_the_rest() {
    let folder = TempDir::new().unwrap();
    let untimed = Synthetic {
        iterations: 0,
        ..small()
    };
    let (good, untimed) = (run(&folder, "good", small()), run(&folder, "untimed", untimed));
    let (bad, last) = (run(&folder, "bad", small()), run(&folder, "last", small()));
    let text = fs::read_to_string(bad.join("samples.csv")).unwrap();
    fs::write(bad.join("samples.csv"), text + "xen_head_new,0,cycles,4,x,1,plain\n").unwrap();
    let out = folder.path().join("out");
    let (code, text, messages) = export(&["parquet"], &[&good, &untimed, &bad, &last, Path::new("--out"), &out]);
    assert_eq!(code, Some(5), "{messages}");
    assert!(
        text.contains("good: 4 files") && text.contains("last: 4 files"),
        "{text}"
    );
    assert!(
        messages.contains("bad/samples.csv line 22") && messages.contains("1 run left out, in which nothing was timed"),
        "{messages}"
    );
    let mut files: Vec<String> = fs::read_dir(out.join("machine=qemu_cortex_a72/seq=xen_head_new"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["good.parquet", "last.parquet"], "nothing half-written is left");
    // A run without samples among others is no error; more runs may be added, and what is there is refused by name.
    let more = folder.path().join("more");
    assert_eq!(
        export(&["parquet"], &[&untimed, &good, Path::new("--out"), &more]).0,
        Some(0)
    );
    let (code, text, messages) = export(&["parquet"], &[&good, &last, Path::new("--out"), &more]);
    assert!(code == Some(5) && text.contains("last: 4 files"), "{text}");
    assert!(
        messages.contains("good.parquet exists already") && messages.contains("rename the run's folder"),
        "{messages}"
    );
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = TempDir::new().unwrap();
    for format in ["criterion", "benchstat", "parquet"] {
        let out = folder.path().join("out");
        let (code, _, message) = export(&[format], &[folder.path(), Path::new("--out"), &out]);
        assert!(
            code == Some(5) && message.contains("no run.toml"),
            "{format}: {message}"
        );
        assert!(!out.exists());
    }
    let empty = run(
        &folder,
        "empty",
        Synthetic {
            iterations: 0,
            ..small()
        },
    );
    let out = folder.path().join("out");
    let (code, _, message) = export(&["parquet"], &[&empty, Path::new("--out"), &out]);
    assert!(code == Some(5) && message.contains("no samples"), "{message}");
    assert_eq!(export(&[], &[]).0, Some(64));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_every_row_in_its_partition() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    let folder = TempDir::new().unwrap();
    let (first, second) = (
        run(&folder, "first", small()),
        run(
            &folder,
            "second",
            Synthetic {
                deterministic: false,
                ..small()
            },
        ),
    );
    cut(&second, 3..5);
    let out = folder.path().join("out");
    let (code, text, messages) = export(&["parquet"], &[&first, &second, Path::new("--out"), &out]);
    assert_eq!(code, Some(0), "{text}");
    assert!(messages.contains("rows were lost or added since"), "{messages}");
    for run in [&first, &second] {
        let mut expected: Vec<String> = csv::Reader::from_path(run.join("samples.csv"))
            .unwrap()
            .records()
            .map(|row| row.unwrap().iter().collect::<Vec<_>>().join(","))
            .collect();
        let mut found = Vec::new();
        let name = run.file_name().unwrap().to_str().unwrap();
        for seq in ["empty", "xen_head_old", "xen_head_old_aa", "xen_head_new"] {
            let path = out.join(format!("machine=qemu_cortex_a72/seq={seq}/{name}.parquet"));
            let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
            for row in reader.get_row_iter(None).unwrap() {
                let row = row.unwrap();
                assert_eq!(row.get_string(0).unwrap(), name);
                assert!(row.get_bool(1).unwrap());
                assert_eq!(row.get_bool(2).unwrap(), name == "first", "counts instructions");
                assert_eq!(row.get_bool(3).unwrap(), name == "first", "is complete");
                assert_eq!(row.get_string(4).unwrap(), "QEMU TCG: not hardware timing");
                let (pe, event, scenario) = (
                    row.get_uint(5).unwrap(),
                    row.get_string(6).unwrap(),
                    row.get_string(7).unwrap(),
                );
                let (batch, value, count) = (
                    row.get_uint(8).unwrap(),
                    row.get_ulong(9).unwrap(),
                    row.get_ulong(10).unwrap(),
                );
                found.push(format!("{seq},{pe},{event},{batch},{value},{count},{scenario}"));
            }
        }
        expected.sort();
        found.sort();
        assert!(expected.len() >= 20);
        assert_eq!(found, expected);
    }
    let (code, _, message) = export(&["parquet"], &[&first, Path::new("--out"), &out]);
    assert!(
        code == Some(5) && message.contains("nothing is overwritten"),
        "{message}"
    );
}
