// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host review` and `scan` as commands: output, exit codes, refusals. What a patch says is tested in the crate
//! `review`, whose patches these are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("review/tests/patches")
}

fn bench_host(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_keeps_its_promises() {
    let path = |name: &str| folder().join(name).display().to_string();
    let (code, out, _) = bench_host(&["review", "--json", &path("c_macro/macro_of_macros.patch")]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["schema"]), (Some(1), &serde_json::json!(1)));
    let change = &json["changes"][0];
    let keys: Vec<_> = change.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "file",
        "function",
        "line",
        "kind",
        "before",
        "after",
        "relation",
        "assumptions",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(change["after"]["verdict"], "insufficient");
    assert_eq!(change["after"]["reasons"][0]["rule"], "completion-domain");
    // The context can be given: if only this PE may hold the entry, the narrow barrier is enough.
    let local = [
        "review",
        "--observers",
        "this-pe",
        "--format",
        "text",
        &path("c_macro/macro_of_macros.patch"),
    ];
    assert_eq!(bench_host(&local).0, Some(0));
    assert_eq!(bench_host(&["review", &path("other/unknown_call.patch")]).0, Some(2));
    assert_eq!(bench_host(&["review", &path("other/nothing.patch")]).0, Some(0));
    for wrong in [
        &["review", "/does/not/exist"][..],
        &["review", "--cpu", "nobody", &path("other/nothing.patch")],
        &["review", "--git", "/", "HEAD"],
        &["review", "--git", "/", "a..b"],
        &["review", env!("CARGO_MANIFEST_DIR")],
        &["review", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")],
        &["scan", "/does/not/exist"],
    ] {
        let (code, out, error) = bench_host(wrong);
        assert_eq!((code, out.as_str()), (Some(64), ""), "{wrong:?}");
        let said = error
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("For more"));
        assert_eq!(said.count(), 1, "{error}");
    }
}

#[test]
fn what_was_not_read_decides_the_exit_code_and_names_do_not() {
    for (name, wanted) in [
        ("header", 2),
        ("context", 2),
        ("combined", 2),
        ("octopus", 2),
        ("cut", 2),
        ("cut_behind_images", 2),
        ("ends_behind_names", 2),
        ("binary_source", 2),
        ("name_truncated", 0),
        ("name_plain", 0),
    ] {
        let path = folder().join(format!("incomplete/{name}.patch")).display().to_string();
        let (code, out, _) = bench_host(&["review", &path]);
        assert_eq!(code, Some(wanted), "{name}: {out}");
        // Whoever reads only the page, or only the file for code scanning, is told as well.
        assert_eq!(
            out.contains("Not everything could be decided."),
            wanted == 2,
            "{name}: {out}"
        );
        let (code, out, _) = bench_host(&["review", "--format", "sarif", &path]);
        let sarif: serde_json::Value = serde_json::from_str(&out).unwrap();
        let notes = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        assert_eq!((code, notes.is_array()), (Some(wanted), wanted == 2), "{name}: {out}");
        let (_, out, _) = bench_host(&["review", "--json", &path]);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["losses"].as_u64(), (wanted == 2).then_some(1), "{name}: {out}");
    }
}

#[test]
fn the_context_is_one_of_the_known() {
    let patch = folder().join("c_macro/macro_of_macros.patch").display().to_string();
    let (code, out, error) = bench_host(&["review", "--regime", "el9", &patch]);
    assert_eq!((code, out.as_str()), (Some(64), ""));
    assert!(error.contains("--regime") && error.contains("el2&0"), "{error}");
    // What is given is part of the command that gives the same again.
    let (code, out, _) = bench_host(&["review", "--observers", "this-pe", "--ets2", &patch]);
    assert_eq!(code, Some(0), "{out}");
    let command = out
        .split("Reproduce: ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        command.starts_with("bench-host review --observers this-pe --ets2 "),
        "{command}"
    );
}

#[test]
fn a_tree_shows_what_the_patch_does_not() {
    let tree = tempfile::tempdir().unwrap();
    fs::write(
        tree.path().join("b.h"),
        "#define FENCE(x) asm volatile(\"dsb \" #x)\n#define ZAP(op) asm volatile(\"tlbi \" #op)\n",
    )
    .unwrap();
    fs::write(tree.path().join("f.c"), "/* tlb flush */\n\nvoid f(void)\n{\n\tFENCE(ishst);\n\tZAP(vmalle1is);\n\tFENCE(nsh);\n\tasm volatile(\"isb\");\n}\n").unwrap();
    let patch = tree.path().join("p.patch");
    let text = "--- a/f.c\n+++ b/f.c\n@@ -6,2 +6,2 @@\n \tZAP(vmalle1is); // tlb\n-\tFENCE(ish);\n+\tFENCE(nsh);\n";
    fs::write(&patch, text.replace(" // tlb", "")).unwrap();
    let arguments = |tree: bool| {
        let mut words = vec!["review".to_owned(), "--json".to_owned(), patch.display().to_string()];
        if tree {
            words.extend(["--tree".to_owned(), patch.parent().unwrap().display().to_string()]);
        }
        words
    };
    let run = |words: Vec<String>| bench_host(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, out, error) = run(arguments(true));
    assert!(
        out.contains("\"dsb ishst; tlbi vmalle1is; dsb ish; isb\""),
        "{code:?} {out} {error}"
    );
    assert!(out.contains("\"function\": \"f\"") && code == Some(1));
    let (code, out, _) = bench_host(&["scan", "--json", &tree.path().display().to_string()]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, json["sequences"].as_array().unwrap().len()),
        (Some(1), 1),
        "{out}"
    );
}

#[test]
fn a_run_shows_how_the_mistake_happens_and_needs_no_qemu() {
    let folder = tempfile::tempdir().unwrap();
    let patch = folder.path().join("p.patch");
    let text = "--- a/f.S\n+++ b/f.S\n@@ -1,7 +1,6 @@\n f:\n \tstr\txzr, [x0]\n-\tdsb\tishst\n \ttlbi\tvae2is, x1\n \tdsb\tish\n \tisb\n \tret\n";
    fs::write(&patch, text).unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
            .current_dir(folder.path())
            .env("PATH", folder.path())
            .args(["review", "--run"])
            .args(words)
            .arg("p.patch")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, out) = run(&["--json"]);
    assert_eq!(code, Some(1), "{out}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let checks = &json["evidence"][0]["checks"];
    assert_eq!(checks.as_array().unwrap().len(), 1);
    assert_eq!(checks[0]["machine"], "adversary (latest) as max, 3 PEs");
    let story = &checks[0]["story"];
    assert_eq!(story["side"], "after");
    let events: Vec<&str> = story["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event.as_str().unwrap())
        .collect();
    assert!(events[0].contains("stores 0x0 to the descriptor"), "{events:?}");
    assert!(
        events.last().unwrap().contains("walked again after `tlbi vae2is`"),
        "{events:?}"
    );
    // Every form has it.
    for form in ["text", "markdown", "html", "sarif"] {
        let (code, out) = run(&["--format", form]);
        assert_eq!(code, Some(1), "{form}: {out}");
        let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("adversary (latest) as max"), "{form}: {out}");
        assert!(flat.contains("how after is stale in "), "{form}: {out}");
        assert!(flat.contains("no barrier completes it yet"), "{form}: {out}");
    }
    assert_eq!(run(&["--machine", "qemu"]).0, Some(4), "which is not there");
}

/// An ISB that a patch takes away, the fetch that follows, and what the text says of it.
const ISB_GOES: &str = "\
--- a/arch/head.S
+++ b/arch/head.S
@@ -10,7 +10,6 @@ remove_mapping:
         str   xzr, [x0, x1, lsl #3]
         dsb   nshst
         tlbi  alle2
         dsb   nsh
-        isb
         ret
 ENDPROC(remove_mapping)
";

#[test]
fn both_answers_are_printed_where_a_verdict_hangs_on_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough to be broken, with a blank to be quoted.
    let name = format!("isb goes {}.patch", "a".repeat(60));
    let path = folder.path().join(name).display().to_string();
    fs::write(&path, ISB_GOES).unwrap();
    let (code, out, _) = bench_host(&["review", &path]);
    assert_eq!(code, Some(1), "{out}");
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("sufficient if nothing uses it before the next context synchronization event (--after nothing)"),
        "{out}"
    );
    assert!(flat.contains("(--after data-here --ets2)"), "{out}");
    assert!(
        flat.contains("ask: Where is the next context synchronization event before the change is relied on?"),
        "{out}"
    );
    // The options that a flip names ask just that.
    assert_eq!(bench_host(&["review", "--after", "nothing", &path]).0, Some(0));
    assert_eq!(
        bench_host(&["review", "--after", "data-here", "--ets2", &path]).0,
        Some(0)
    );
    // The story of the fetch has the invalidation that comes too late.
    assert!(flat.contains("`tlbi alle2` takes effect on PE 0"), "{out}");
    // What is insufficient gets no tag, and the command can be pasted.
    assert!(!out.contains("-by: ") && out.contains("No tag"), "{out}");
    let command = out.split("Reproduce: ").nth(1).unwrap();
    let command = command
        .split("\nTo test it")
        .next()
        .unwrap()
        .replace("bench-host", "echo");
    let echoed = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&echoed.stdout), format!("review {path}\n"));
}

#[test]
fn rules_are_explained_where_asked_for() {
    let path = folder().join("c_macro/macro_of_macros.patch").display().to_string();
    let (_, plain, _) = bench_host(&["review", &path]);
    let (_, explained, _) = bench_host(&["review", "--explain-rules", &path]);
    assert!(!plain.contains("  says: "), "{plain}");
    let (_, rules) = explained.split_once("\nRules:\n").unwrap();
    assert!(rules.contains("Arm ARM DDI 0487 M.a.a, R_PSMWS"), "{rules}");
    assert!(rules.contains("  says: ") && rules.contains("  here: "), "{rules}");
    let (_, markdown, _) = bench_host(&["review", "--explain-rules", "--format", "markdown", &path]);
    assert!(markdown.contains("### Rules"), "{markdown}");
    let (_, html, _) = bench_host(&["review", "--explain-rules", "--format", "html", &path]);
    assert!(html.contains("<h3>Rules</h3>"), "{html}");
    let (_, judged, _) = bench_host(&["judge", "--explain-rules", "xen_head_new"]);
    assert!(
        judged.contains("\nRules:\n") && judged.contains("flips: insufficient if another PE"),
        "{judged}"
    );
}

#[test]
fn errata_that_say_the_same_are_one_note() {
    let text = "dsb ishst; tlbi vae2is, {va}; dsb ish; isb";
    let (_, out, _) = bench_host(&["judge", text]);
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("[errata 2441009, 2441007, 1286807]"), "{out}");
    assert_eq!(
        flat.matches("may complete before the accesses that used the translation")
            .count(),
        1
    );
    // For programs each is an entry of its own.
    let (_, out, _) = bench_host(&["judge", "--json", text]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let notes = json["notes"].as_array().unwrap();
    for name in ["2441009", "2441007", "1286807"] {
        let of = |note: &&serde_json::Value| note["rule"] == format!("erratum {name}");
        assert_eq!(notes.iter().filter(of).count(), 1, "{out}");
    }
}

/// Lines that say nothing of a place are none.
fn is_of_a_place(line: &str) -> bool {
    let mut parts = line.splitn(4, ':');
    let (_, number, level) = (parts.next(), parts.next(), parts.next());
    number.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0))
        && level.is_some_and(|level| [" error", " warning", " note"].contains(&level))
        && line.ends_with(']')
}

#[test]
fn editors_and_hooks_get_a_line_for_each_finding() {
    let path = |name: &str| folder().join(name).display().to_string();
    for (name, code, found) in [
        ("c_macro/macro_of_macros.patch", 1, true),
        ("other/unknown_call.patch", 2, true),
        ("other/nothing.patch", 0, false),
    ] {
        let (exit, out, error) = bench_host(&["review", "--format", "line", &path(name)]);
        assert_eq!((exit, error.as_str()), (Some(code), ""), "{name}: {out}");
        assert_eq!(!out.is_empty(), found, "{name}: {out}");
        assert!(out.lines().all(is_of_a_place), "{name}: {out}");
    }
    // What was not read is no finding of a place, and no silence either.
    let (exit, out, _) = bench_host(&["review", "--format", "line", &path("incomplete/header.patch")]);
    assert_eq!(exit, Some(2));
    assert!(out.contains(": warning: ") && out.contains("[tlb-not-read]"), "{out}");
}

#[test]
fn against_a_baseline_only_what_is_new_counts() {
    let tree = tempfile::tempdir().unwrap();
    let bad = "\tdsb ishst\n\ttlbi alle2is\n\tisb\n\tret\n";
    let at = |name: &str| tree.path().join(name);
    let root = tree.path().display().to_string();
    fs::create_dir(at("arm64")).unwrap();
    fs::write(at("arm64/a.S"), format!("old:\n{bad}")).unwrap();
    let (code, out, _) = bench_host(&["scan", "--json", &root]);
    assert_eq!(code, Some(1), "{out}");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &out).unwrap();
    let baseline = file.path().display().to_string();
    let scan = |format: &str| bench_host(&["scan", "--baseline", &baseline, "--format", format, &root]);
    // Lines moved, nothing new.
    fs::write(at("arm64/a.S"), format!("// a comment\n\nold:\n{bad}")).unwrap();
    let (code, out, _) = scan("table");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("1 known and not shown, 0 gone"), "{out}");
    // The same mistake once more, in another function: that one is new, and only it is told.
    fs::write(at("arm64/a.S"), format!("old:\n{bad}new:\n{bad}")).unwrap();
    let (code, out, _) = scan("line");
    assert_eq!((code, out.lines().count()), (Some(1), 1), "{out}");
    assert!(out.starts_with("arm64/a.S:7: error: "), "{out}");
    let (code, out, _) = scan("json");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, document["sequences"].as_array().unwrap().len()), (Some(1), 2));
    assert_eq!(document["news"]["sequences"].as_array().unwrap().len(), 1);
    assert_eq!(document["news"]["sequences"][0]["function"], "new");
    // What was mended is gone.
    fs::write(at("arm64/a.S"), "old:\n\tret\n").unwrap();
    let (code, out, _) = scan("table");
    assert!(
        code == Some(0) && out.contains("0 known and not shown, 1 gone"),
        "{out}"
    );
    // No baseline is one that is not read.
    for text in ["", "{}", "{\"schema\":9,\"sequences\":[],\"unrecognised\":[]}"] {
        fs::write(file.path(), text).unwrap();
        let (code, out, error) = scan("table");
        assert_eq!(
            (code, out.as_str(), error.lines().count()),
            (Some(64), "", 1),
            "{error}"
        );
        assert!(error.contains(&baseline) && error.contains("scan --json"), "{error}");
    }
}

#[test]
fn the_demo_leads_from_a_patch_to_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .arg("demo")
        .current_dir(folder.path())
        // Without QEMU it says so, and does the rest.
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "$ bench-host review --run results/demo.patch\n",
        "after: sufficient",
        "$ bench-host explain xen_head_new\n",
        "QEMU is not here",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // What it printed can be repeated.
    let path = folder.path().join("results/demo.patch").display().to_string();
    assert_eq!(bench_host(&["review", &path]).0, Some(0));
}
