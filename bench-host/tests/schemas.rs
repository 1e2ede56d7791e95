// SPDX-License-Identifier: MIT OR Apache-2.0
//! The schemas of the JSON that commands print: stored in `docs/schemas`, and kept by what is printed.
//!
//! After a deliberate change, `OVERWRITE=1 cargo test -p bench-host --test schemas` writes them anew. Within a version a
//! field may be added; where one goes or gets another type, the document's version changes.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use jsonschema::Validator;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn bench_host(arguments: &[&str]) -> String {
    let output = cargo_bin_cmd!("bench-host")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_ne!(output.status.code(), Some(64), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn names() -> Vec<String> {
    let listed = bench_host(&["schema"]);
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// Allows no field that the schema does not name: what is printed is all in it.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn validator(name: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(&bench_host(&["schema", name])).unwrap();
    assert_eq!(
        schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
        "{name}"
    );
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn fits(validator: &Validator, text: &str, of: &str) {
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{of}: {error}: {text}"));
    let wrong: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{of}: {wrong:#?}");
}

#[test]
fn the_stored_schemas_are_those_of_the_program() {
    let folder = root().join("docs/schemas");
    let mut stored: Vec<String> = fs::read_dir(&folder)
        .map(|all| {
            all.flatten()
                .map(|entry| entry.file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    stored.sort();
    let mut expected: Vec<String> = names().iter().map(|name| format!("{name}.json")).collect();
    expected.sort();
    for name in names() {
        let (file, schema) = (folder.join(format!("{name}.json")), bench_host(&["schema", &name]));
        if std::env::var_os("OVERWRITE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(file, schema).unwrap();
        } else {
            assert_eq!(
                fs::read_to_string(file).unwrap(),
                schema,
                "{name}: OVERWRITE=1 writes it anew"
            );
        }
    }
    if std::env::var_os("OVERWRITE").is_none() {
        assert_eq!(stored, expected);
    }
}

#[test]
fn reviews_are_as_their_schema_says() {
    let validator = validator("review");
    let mut patches = Vec::new();
    for folder in ["bench-host/review/tests/patches", "bench-host/review/tests/cases"] {
        let mut folders = vec![root().join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path if path.extension().is_some_and(|ext| ext == "patch") => patches.push(path),
                    _ => {}
                }
            }
        }
    }
    patches.sort();
    assert!(patches.len() > 50, "{}", patches.len());
    for patch in patches.iter().step_by(3) {
        let path = patch.display().to_string();
        fits(&validator, &bench_host(&["review", "--json", &path]), &path);
    }
    fits(
        &validator,
        &bench_host(&["review", "--json", "--run", "docs/the-seed.patch"]),
        "with a run",
    );
    let two = [
        "review",
        "--json",
        "docs/the-seed.patch",
        &patches[0].display().to_string(),
    ];
    fits(&validator, &bench_host(&two), "two patches");
    let with_results = ["review", "--json", "--results", "results/runs", "docs/the-seed.patch"];
    fits(&validator, &bench_host(&with_results), "with stored runs");
}

#[test]
fn scans_are_as_their_schema_says() {
    let validator = validator("scan");
    let scan = bench_host(&["scan", "--json", "el2-kernel/src"]);
    fits(&validator, &scan, "a scan");
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("scan.json");
    fs::write(&baseline, scan).unwrap();
    let against = [
        "scan",
        "--json",
        "el2-kernel/src",
        "--baseline",
        baseline.to_str().unwrap(),
    ];
    fits(&validator, &bench_host(&against), "a scan against a baseline");
}

#[test]
fn judgements_are_as_their_schema_says() {
    let validator = validator("judge");
    for arguments in [
        &["xen_head_new"][..],
        &["dsb nshst; tlbi alle2; dsb nsh", "--after", "fetch-here"],
        &[
            "dsb ishst; tlbi vae2is, {va}; dsb ish; isb",
            "--cpu",
            "neoverse-n1@r3p0",
        ],
        &["dsb ishst; tlbi vale2is, {va}; dsb ish", "--observers", "outer"],
        &["dsb ishst; tlbi aside1is, {asid}; dsb ish; isb"],
        &[
            "tlbi ipas2e1is, {ipa}",
            "--change",
            "permissions",
            "--stage",
            "2",
            "--vmid",
            "all",
        ],
    ] {
        let judged = bench_host(&[&["judge", "--json"], arguments].concat());
        fits(&validator, &judged, &format!("{arguments:?}"));
    }
}

#[test]
fn litmus_reports_are_as_their_schema_says() {
    let validator = validator("litmus");
    let folder = tempfile::tempdir().unwrap();
    bench_host(&[
        "litmus-export",
        "xen_head_new",
        "--out",
        folder.path().to_str().unwrap(),
    ]);
    let mut tests: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .filter(|path| path.ends_with(".litmus"))
        .collect();
    tests.sort();
    let arguments: Vec<&str> = ["litmus", "--json"]
        .into_iter()
        .chain(tests.iter().map(String::as_str))
        .collect();
    let printed = bench_host(&arguments);
    assert!(printed.lines().count() > 0);
    printed.lines().for_each(|line| fits(&validator, line, "a report"));
}

#[test]
fn comparisons_are_as_their_schema_says() {
    let validator = validator("compare");
    let run = "results/runs/20261126T054214Z-qemu_7_2_cortex_a72_instructions";
    let sides = [format!("{run}:xen_head_old"), format!("{run}:xen_head_new")];
    for more in [&[][..], &["--fail-above", "3%"]] {
        let arguments = [&["compare", "--format", "json", &sides[0], &sides[1]], more].concat();
        fits(&validator, &bench_host(&arguments), "a comparison");
    }
}
