// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host aggregate` as a user runs it.
#![allow(missing_docs)]

use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;

#[path = "support/synthetic.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod synthetic;

const ROWS: &str =
    "run,sequence,PE,iteration,cycles\n1,old,0,0,7\n1,old,0,1,9\n1,old,10,0,5\n1,old,2,0,4\n1,\"n|w\",0,0,3\n";

/// Runs `bench-host aggregate` with these rows as standard input; returns code, output and messages.
fn aggregate(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = cargo_bin_cmd!("bench-host");
    let output = command
        .arg("aggregate")
        .args(arguments)
        .write_stdin(input)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_pipe_gives_an_aligned_table() {
    let expected = "\
sequence  PE  count  min  median  p90  p99  max  mean  stddev
n|w       0       1    3       3    3    3    3  3.00
old       0       2    7       8    9    9    9  8.00    1.41
old       2       1    4       4    4    4    4  4.00
old       10      1    5       5    5    5    5  5.00

5 samples of cycles in 4 groups. median: mean of the middle two of an even count; p90, p99: nearest rank, a value that occurred; stddev: of a sample (n - 1).
";
    for arguments in [&[][..], &["-"], &["--by", "sequence,pe", "--value", "cycles"]] {
        assert_eq!(
            aggregate(arguments, ROWS),
            (Some(0), expected.to_owned(), String::new())
        );
    }
}

#[test]
fn a_file_gives_the_same_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "rows.csv", ROWS);
    let csv = aggregate(&[&file, "--format", "csv"], "").1;
    assert!(
        csv.starts_with("sequence,PE,count,min,median,p90,p99,max,mean,stddev\nn|w,0,1,3,3,3,3,3,3,\n"),
        "{csv}"
    );
    assert!(csv.contains("\nold,0,2,7,8,9,9,9,8,1.4142135623730951\n"), "{csv}");
    let markdown = aggregate(&[&file, "--format", "markdown"], "").1;
    assert!(
        markdown.starts_with("| sequence | PE | count |") && markdown.contains("\n| n\\|w     | 0  |"),
        "{markdown}"
    );
    let json: serde_json::Value = serde_json::from_str(&aggregate(&[&file, "--format", "json"], "").1).unwrap();
    assert_eq!(json["samples"], 5);
    assert_eq!(
        json["groups"][1]["key"],
        serde_json::json!({ "sequence": "old", "PE": "0" })
    );
    assert_eq!(json["groups"][1]["median"], 8.0);
    assert_eq!(json["groups"][0]["stddev"], serde_json::Value::Null);
}

#[test]
fn many_files_are_joined_or_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        write(folder.path(), "a.csv", "seq,cycles\nx,1\n"),
        write(folder.path(), "b.csv", "cycles,seq\n3,x\n"),
    );
    let joined = aggregate(&[&a, &b, "--format", "csv"], "").1;
    assert!(joined.contains("\nx,2,1,2,"), "{joined}");
    let apart = aggregate(&["--by", "file,seq", &a, &b, "--format", "csv"], "").1;
    assert!(
        apart.contains("a.csv,x,1,1,1,") && apart.contains("b.csv,x,1,3,3,"),
        "{apart}"
    );
    let other = write(folder.path(), "c.csv", "pe,cycles\n3,1\n");
    let (code, _, message) = aggregate(&[&a, &other], "");
    assert_eq!(
        (code, message.contains("name them with --by")),
        (Some(64), true),
        "{message}"
    );
}

#[test]
fn a_stored_run_carries_its_label_and_agrees_with_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    synthetic::Synthetic {
        deterministic: false,
        iterations: 5000,
        ..synthetic::Synthetic::default()
    }
    .write(&run);
    let (code, table, _) = aggregate(&[run.to_str().unwrap()], "");
    assert_eq!(code, Some(0));
    assert!(table.contains("QEMU TCG: not hardware timing."), "{table}");
    let csv = aggregate(&[&run.display().to_string(), "--format", "csv"], "").1;
    let summary = bench_host::aggregate::aggregate(&run).unwrap();
    assert_eq!(csv.lines().count(), summary.series.len() + 1);
    for series in &summary.series {
        let stats = series.stats.as_ref().unwrap();
        let line = format!(
            "{},{},cycles,plain,{},{},{},{},{},{},{},",
            series.seq, series.pe, stats.samples, stats.min, stats.median, stats.p90, stats.p99, stats.max, stats.mean
        );
        assert!(csv.contains(&line), "{line} in {csv}");
    }
    assert!(
        csv.lines()
            .skip(1)
            .all(|line| line.ends_with(",QEMU TCG: not hardware timing")),
        "{csv}"
    );
}

#[test]
fn what_is_wrong_with_a_stored_run_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let made = synthetic::Synthetic {
        iterations: 5000,
        ..synthetic::Synthetic::default()
    };
    made.write(&path);
    let run = path.to_str().unwrap();
    assert_eq!(aggregate(&[run], "").2, "");
    let samples = path.join("samples.csv");
    let text = fs::read_to_string(&samples).unwrap();
    let at = text.find("xen_head_old,0,cycles,1").unwrap();
    let end = at + text[at..].find('\n').unwrap() + 1;
    fs::write(&samples, format!("{}{}", &text[..at], &text[end..])).unwrap();
    let (code, _, message) = aggregate(&[run], "");
    assert_eq!(code, Some(0));
    assert!(
        message.contains("samples.csv holds 18,000 samples, but the run received 20,000"),
        "{message}"
    );
    let manifest = fs::read_to_string(path.join("run.toml")).unwrap();
    let incomplete = manifest.replace("status = \"complete\"", "status = \"incomplete\"");
    fs::write(path.join("run.toml"), incomplete).unwrap();
    assert!(aggregate(&[run], "").2.contains("the run is incomplete"));
    // Without its manifest nobody knows what counted.
    fs::write(path.join("run.toml"), "= =").unwrap();
    let (_, table, message) = aggregate(&[run], "");
    assert!(
        message.contains("run.toml") && message.contains("so nothing is known of who counted"),
        "{message}"
    );
    assert!(!table.contains("QEMU"), "{table}");
}

#[test]
fn files_of_another_kind_are_named_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> = "\u{feff}seq,cycles\nx,1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, kind, remedy) in [
        (&[0x1f, 0x8b, 8, 8, 0, 7, 27][..], "compressed by gzip", "zcat "),
        (&[0x28, 0xb5, 0x2f, 0xfd, 4], "compressed by zstd", "zstd -dc "),
        (b"PAR1\x15\x04", "Parquet", "docs/export.md"),
        (&utf16, "UTF-16 text", "iconv "),
    ] {
        let file = folder.path().join("rows");
        fs::write(&file, bytes).unwrap();
        let (code, out, message) = aggregate(&[file.to_str().unwrap()], "");
        assert_eq!((code, out.as_str()), (Some(5), ""), "{message}");
        assert!(message.contains(kind) && message.contains(remedy), "{message}");
    }
    // Whatever else it is, its bytes do not get to the terminal.
    let (code, _, message) = aggregate(&[], "a\x1b[31m\x07,b\n1,2\n");
    assert_eq!(code, Some(64));
    assert!(!message.contains('\x1b') && !message.contains('\x07'), "{message:?}");
}

#[test]
fn bad_input_is_one_clear_message_and_a_code() {
    for (arguments, input, code, message) in [
        (&["/nowhere.csv"][..], "", 64, "'/nowhere.csv'"),
        (&["/"], "", 5, "without samples.csv"),
        (&[], "", 5, "standard input is empty"),
        (
            &["--by", "cpu"],
            ROWS,
            64,
            "no column `cpu` for --by; the columns are: run, sequence, PE",
        ),
        (&["--value", "ns"], ROWS, 64, "no column `ns` for --value"),
        (&[], "a,b\n1,2\n", 64, "no column `cycles` or `value` for --value"),
        (
            &[],
            "seq,cycles,cycles\na,1,2\n",
            64,
            "column `cycles` is there more than once",
        ),
        (&["--format", "xml"], ROWS, 64, "markdown"),
        (&["--by", "iteration,cycles"], ROWS, 64, "column `cycles` cannot be two"),
        (
            &[],
            "seq,cycles\na,1\na\n",
            5,
            "standard input line 3: 1 field where 2 are due",
        ),
        (
            &[],
            "seq,cycles\na,1\na,1.5\n",
            5,
            "line 3: cycles is `1.5`, not a whole number",
        ),
        (
            &["--value", "sequence"],
            ROWS,
            64,
            "cannot be two of key, value and count",
        ),
    ] {
        let (found, out, text) = aggregate(arguments, input);
        assert_eq!((found, out.as_str()), (Some(code), ""), "{arguments:?}: {text}");
        assert!(
            text.contains(message) && !text.contains("panicked"),
            "{message}: {text}"
        );
        assert!(text.lines().count() == 1 || code == 64, "{text}");
    }
    let (code, out, text) = aggregate(&[], "seq,cycles\na,1\na,2");
    assert!(
        code == Some(0) && out.contains("a        2") && text.contains("cut short"),
        "{out}{text}"
    );
}

/// However hostile the input, memory stays within bounds and the figures exact.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |row: &dyn Fn(u64) -> String| {
        let text: String = (0..1_200_000).map(row).collect();
        write(folder.path(), "rows.csv", &format!("seq,cycles\n{text}"))
    };
    // 19,000 groups, and hardly a value twice.
    let scattered = |i: u64| format!("s{},{}\n", i % 19_000, i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8);
    let file = rows(&scattered);
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
    let mut child = child
        .args(["aggregate", &file])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak: u64 = line
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or(0);
        most = most.max(peak);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    assert!((1..64 * 1024).contains(&most), "{most} KiB");
}
