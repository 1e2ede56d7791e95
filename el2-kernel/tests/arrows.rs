// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keeps the arrows of the tree one way: between the kernel's folders, between the crates, and between the modules of
//! each host crate.
//!
//! Sources are read as tokens, tests left out: what counts is every path that begins with `crate` or `super`, and what a
//! module calls of its children. (What assembly reaches by a symbol is not seen.)
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[path = "arrows/paths.rs"]
mod paths;

/// The kernel's folders. Each uses itself and what is in lower lines.
const KERNEL: [&[&str]; 9] = [
    &["head"],
    &["run"],
    &["boot", "check", "measure"],
    &["smp"],
    &["handover"],
    &["mmu", "stub"],
    &["platform"],
    &["arch"],
    &["image", "random"],
];

/// The crates of the workspace, whether there yet or not, and those of the workspace that each may use.
const CRATES: [(&str, &[&str]); 10] = [
    ("el2-kernel", &["sequences", "results"]),
    (
        "bench-host",
        &[
            "review",
            "stats",
            "adversary",
            "trace",
            "sequences",
            "results",
            "report",
        ],
    ),
    ("review", &["sequences", "results", "report"]),
    ("adversary", &["sequences"]),
    ("trace", &["sequences"]),
    ("trace-plugin", &["trace", "sequences"]),
    ("report", &["sequences", "results"]),
    ("stats", &[]),
    ("sequences", &[]),
    ("results", &[]),
];

/// Modules that still use each other, by crate: exactly these, so that the line of a circle that is gone goes too.
const CIRCLES: [(&str, &[&str]); 4] = [
    // The writer and the reader of one format.
    ("results", &["record", "record::read", "record::values", "wire"]),
    // Which entries an operation names depends on the registers written before it, and those on the question.
    ("sequences", &["judge::context", "judge::coverage", "judge::question"]),
    // A bit of a descriptor is another descriptor of the program.
    ("sequences", &["machine::descriptor", "machine::program"]),
    // A store may be to code that is decoded already, or to a table that somebody walks.
    ("bench-host/adversary", &["code", "core", "tables"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The modules of a crate, by their path without `crate`, each with the modules that it uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Reads the sources of a crate.
fn graph(src: &Path) -> Graph {
    let mut files = BTreeMap::new();
    collect(src, "", &mut files);
    let names: BTreeSet<_> = files.keys().cloned().collect();
    files
        .iter()
        .map(|(name, source)| (name.clone(), paths::used(name, source, &names)))
        .collect()
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if ["tests", "lib", "main"].contains(&stem) {
            continue;
        }
        let name = match prefix {
            "" => stem.to_owned(),
            _ => format!("{prefix}::{stem}"),
        };
        if path.is_dir() {
            collect(&path, &name, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// Returns the circles of a graph: sets of modules that reach each other.
///
/// A module and those in its folder are one wing, and may share what the module holds; so a circle that goes through it
/// counts only if there still is one without it.
fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for circle in connected(graph) {
        let head = &circle[0];
        if circle[1..]
            .iter()
            .all(|module| module.starts_with(&format!("{head}::")))
        {
            let rest = circle[1..].iter().map(|module| {
                let used = graph[module].iter().filter(|used| circle[1..].contains(used));
                (module.clone(), used.cloned().collect())
            });
            found.extend(circles(&rest.collect()));
        } else {
            found.insert(circle);
        }
    }
    found
}

/// Returns the sets of modules that reach each other, larger than one, each in order.
fn connected(graph: &Graph) -> BTreeSet<Vec<String>> {
    let reach: BTreeMap<_, _> = graph.keys().map(|from| (from, reached(graph, from))).collect();
    graph
        .keys()
        .map(|a| {
            let mutual = graph.keys().filter(|b| reach[a].contains(*b) && reach[*b].contains(a));
            mutual.cloned().collect::<Vec<_>>()
        })
        .filter(|circle| circle.len() > 1)
        .collect()
}

fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(at) = left.pop() {
        for next in graph.get(&at).into_iter().flatten() {
            if seen.insert(next.clone()) {
                left.push(next.clone());
            }
        }
    }
    seen
}

fn rank(folder: &str) -> usize {
    KERNEL
        .iter()
        .position(|line| line.contains(&folder))
        .unwrap_or_else(|| {
            panic!("el2-kernel/src has a folder `{folder}` that this test does not know: give it a line")
        })
}

#[test]
fn a_folder_of_the_kernel_uses_only_those_below_it() {
    let folder = |module: &str| module.split("::").next().unwrap().to_owned();
    let graph = graph(&root().join("el2-kernel/src"));
    let mut wrong = Vec::new();
    let mut arrows = BTreeSet::new();
    for (module, used) in &graph {
        let from = folder(module);
        rank(&from);
        for to in used {
            arrows.insert((from.clone(), folder(to)));
            if from != folder(to) && rank(&from) >= rank(&folder(to)) {
                wrong.push(format!("{module} uses {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the arrows:\n{}", wrong.join("\n"));
    // The reader sees what there is: these are known to be.
    for known in [
        ("head", "run"),
        ("run", "check"),
        ("check", "smp"),
        ("smp", "mmu"),
        ("boot", "stub"),
    ] {
        assert!(
            arrows.contains(&(known.0.to_owned(), known.1.to_owned())),
            "{known:?} is not seen"
        );
    }
    assert_eq!(circles(&graph), BTreeSet::new());
}

#[test]
fn a_crate_uses_only_those_it_may() {
    let metadata = Command::new(env::var("CARGO").unwrap_or("cargo".to_owned()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = CRATES
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("a crate `{name}` that this test does not know: say what it may use"));
        seen.insert(name.to_owned());
        for dependency in package["dependencies"].as_array().unwrap() {
            // What is in the workspace is found by its path.
            if dependency["path"].is_null() {
                continue;
            }
            let used = dependency["name"].as_str().unwrap();
            assert!(allowed.contains(&used), "{name} must not use {used}");
        }
    }
    for crate_of_the_tree in ["bench-host", "el2-kernel", "report", "results", "sequences"] {
        assert!(seen.contains(crate_of_the_tree), "{crate_of_the_tree} is not seen");
    }
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for folder in [
        "results",
        "sequences",
        "report",
        "bench-host",
        "bench-host/review",
        "bench-host/stats",
        "bench-host/adversary",
        "bench-host/trace",
        "bench-host/trace/plugin",
    ] {
        let src = root().join(folder).join("src");
        if !src.is_dir() {
            continue;
        }
        for circle in circles(&graph(&src)) {
            let known = |(of, modules): &(&str, &[&str])| *of == folder && circle == *modules;
            match CIRCLES.iter().position(known) {
                Some(line) => _ = seen.insert(line),
                None => wrong.push(format!("{folder}: {}", circle.join(", "))),
            }
        }
    }
    assert!(wrong.is_empty(), "circles:\n{}", wrong.join("\n"));
    let gone: Vec<_> = (0..CIRCLES.len()).filter(|line| !seen.contains(line)).collect();
    assert!(
        gone.is_empty(),
        "there is no such circle any more: lines {gone:?} of CIRCLES"
    );
}

/// A test that runs its cases itself (`harness = false`) lists them: a function with `#[test]` would be left out in silence.
#[test]
fn what_runs_its_cases_itself_has_no_others() {
    let folders = ["el2-kernel", "bench-host", "report", "results", "sequences"].map(|folder| root().join(folder));
    let within = ["adversary", "review", "stats", "trace"].map(|folder| root().join("bench-host").join(folder));
    let mut seen = 0;
    for folder in folders.iter().chain(&within) {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for table in manifest
            .split("[[test]]")
            .skip(1)
            .map(|rest| rest.split("\n[").next().unwrap())
            .filter(|table| table.contains("harness = false"))
        {
            let name = table.split('"').nth(1).unwrap();
            let source = fs::read_to_string(folder.join("tests").join(name).with_extension("rs")).unwrap();
            assert!(
                !source.contains("#[test]"),
                "{}/tests/{name}.rs lists its cases in `main`",
                folder.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 5);
}
