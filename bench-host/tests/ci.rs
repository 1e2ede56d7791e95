// SPDX-License-Identifier: MIT OR Apache-2.0
//! What other trees call from their CI: the script, in a scratch clone; the YAML around it, parsed, its actions pinned and
//! its scripts understood by a shell.

#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use yaml_rust2::{Yaml, YamlLoader};

fn ci(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci").join(file)
}

fn yaml(file: &str) -> Yaml {
    let text = fs::read_to_string(ci(file)).unwrap();
    YamlLoader::load_from_str(&text)
        .unwrap_or_else(|error| panic!("{file}: {error}"))
        .remove(0)
}

/// A shell reads a script to its end and runs nothing of it.
fn shell_understands(script: &str) {
    let output = Command::new("sh").args(["-n", "-c", script]).output().unwrap();
    assert!(
        output.status.success(),
        "{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn the_action_is_one_and_pins_what_it_uses() {
    let action = yaml("action.yml");
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let names: Vec<&str> = action["inputs"]
        .as_hash()
        .unwrap()
        .keys()
        .map(|name| name.as_str().unwrap())
        .collect();
    for (name, input) in action["inputs"].as_hash().unwrap() {
        assert!(
            input["description"].as_str().is_some() && input["default"].as_str().is_some(),
            "{name:?}"
        );
    }
    let steps = action["runs"]["steps"].as_vec().unwrap();
    for step in steps {
        match (step["uses"].as_str(), step["run"].as_str()) {
            (Some(uses), None) => {
                let (_, commit) = uses.split_once('@').unwrap();
                assert!(
                    commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{uses}"
                );
            }
            (None, Some(run)) => {
                assert!(
                    step["shell"].as_str().is_some(),
                    "a composite action's step names its shell"
                );
                // What a stranger's branch is called must not become a part of a script.
                assert!(!run.contains("${{"), "{run}");
                shell_understands(run);
            }
            _ => panic!("{step:?} is no step"),
        }
    }
    // Every input is used, and only inputs that there are.
    let text = fs::read_to_string(ci("action.yml")).unwrap();
    let used: Vec<&str> = text
        .split("inputs.")
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .next()
                .unwrap()
        })
        .collect();
    assert!(names.iter().all(|name| used.contains(name)), "{names:?} {used:?}");
    assert!(used.iter().all(|name| names.contains(name)), "{names:?} {used:?}");
    // Of the script it sets what the script knows.
    let script = fs::read_to_string(ci("tlb.sh")).unwrap();
    for (name, _) in steps[1]["env"].as_hash().unwrap() {
        let name = name.as_str().unwrap();
        assert!(name == "TLB_COMMAND" || script.contains(&format!("{name}:-")), "{name}");
    }
}

fn the_template_has_jobs_that_a_shell_understands() {
    let template = yaml("gitlab.yml");
    let mut scripts = 0;
    for (name, job) in template.as_hash().unwrap() {
        let name = name.as_str().unwrap();
        if let Some(base) = job["extends"].as_str() {
            assert!(!template[base].is_badvalue(), "{name} extends {base}");
        }
        for part in ["before_script", "script"] {
            for line in job[part].as_vec().into_iter().flatten() {
                shell_understands(line.as_str().unwrap());
                scripts += 1;
            }
        }
    }
    assert!(scripts >= 6);
}

fn the_matcher_matches_what_is_printed() {
    let text = fs::read_to_string(ci("matcher.json")).unwrap();
    let matcher: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pattern = &matcher["problemMatcher"][0]["pattern"][0];
    let expression = regex::Regex::new(pattern["regexp"].as_str().unwrap()).unwrap();
    let patch = Path::new(env!("CARGO_MANIFEST_DIR")).join("review/tests/patches/c_macro/macro_of_macros.patch");
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(["review", "--format", "line"])
        .arg(patch)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(!lines.is_empty());
    for line in lines.lines() {
        let found = expression.captures(line).unwrap_or_else(|| panic!("{line}"));
        let part = |name: &str| &found[pattern[name].as_u64().unwrap() as usize];
        assert!(
            part("line").parse::<u32>().is_ok() && part("code").starts_with("tlb-"),
            "{line}"
        );
        assert!(["error", "warning", "note"].contains(&part("severity")));
    }
}

/// A repository with a branch: a commit that breaks a sequence, and one that mends it.
struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let tree = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        tree.git(&["init", "-q", "-b", "main"]);
        tree.commit("dsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb");
        tree.git(&["checkout", "-qb", "topic"]);
        tree
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("src")
    }

    fn git(&self, arguments: &[&str]) {
        fs::create_dir_all(self.path()).unwrap();
        let output = Command::new("git")
            .current_dir(self.path())
            .args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "commit.gpgSign=false",
            ])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?} {output:?}");
    }

    fn commit(&self, body: &str) {
        fs::create_dir_all(self.path().join("arch/arm64")).unwrap();
        fs::write(self.path().join("arch/arm64/x.S"), format!("flush:\n\t{body}\n\tret\n")).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "-qm", body.lines().next().unwrap()]);
    }

    fn run(&self, what: &str, environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new("sh");
        command.arg(ci("tlb.sh")).arg(what).current_dir(self.path());
        for (name, _) in
            std::env::vars().filter(|(name, _)| ["GITHUB_", "CI_", "TLB_"].iter().any(|start| name.starts_with(start)))
        {
            command.env_remove(name);
        }
        command
            .env("TLB_BENCH_HOST", env!("CARGO_BIN_EXE_bench-host"))
            .env("TLB_OUT", self.folder.path().join("out"))
            .envs(environment.iter().copied());
        command.output().unwrap()
    }

    fn out(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join("out").join(file)).unwrap()
    }
}

const BASE: (&str, &str) = ("TLB_BASE", "main");
const BAD: &str = "dsb ishst\n\ttlbi alle2is\n\tisb";

fn a_branch_is_reviewed() {
    let tree = Tree::new();
    tree.commit("nop\n\tdsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb");
    assert_eq!(tree.run("review", &[BASE]).status.code(), Some(0));
    tree.commit(BAD);
    let output = tree.run("review", &[BASE]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("arch/arm64/x.S:2: error: "));
    assert!(tree.out("review.md").contains("insufficient") && tree.out("review.sarif").contains("tlb-insufficient"));
    assert_eq!(
        tree.run("review", &[BASE, ("TLB_FAIL_ON", "never")]).status.code(),
        Some(0)
    );
    // A mistake in the environment is no verdict.
    for wrong in [
        ("TLB_BASE", "nowhere"),
        ("TLB_FAIL_ON", "sometimes"),
        ("TLB_BENCH_HOST", "/not/there"),
        ("TLB_ARGS", "--regime el9"),
    ] {
        let output = tree.run("review", &[BASE, wrong]);
        assert!(
            output.status.code().is_some_and(|code| code > 2),
            "{wrong:?} {output:?}"
        );
    }
    // Where a branch starts that has no remote is not guessed.
    let output = tree.run("review", &[]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("TLB_BASE"));
    // On GitHub, the page of the job gets the review, and the log is read by a matcher.
    let page = tree.folder.path().join("page");
    let page_name = page.display().to_string();
    let output = tree.run(
        "review",
        &[BASE, ("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", &page_name)],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        fs::read_to_string(page)
            .unwrap()
            .starts_with("## TLB maintenance review")
    );
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let commands: Vec<&str> = log.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands.len(), 2, "{log}");
}

fn a_tree_is_scanned_against_its_baseline() {
    let tree = Tree::new();
    tree.commit(BAD);
    assert_eq!(tree.run("scan", &[]).status.code(), Some(1), "all counts without one");
    assert_eq!(tree.run("baseline", &[]).status.code(), Some(0));
    assert!(tree.path().join("tlb-baseline.json").is_file());
    assert_eq!(tree.run("scan", &[]).status.code(), Some(0));
    tree.commit(&format!("{BAD}\n\tret\nother:\n\t{BAD}"));
    let output = tree.run("scan", &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(tree.out("scan.txt").lines().count(), 1);
    let output = tree.run("scan", &[("TLB_BASELINE", "not-there.json")]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not-there.json"));
    assert_eq!(tree.run("nonsense", &[]).status.code(), Some(64));
}

/// The kernel of this tree, by the judge of this tree: what is left open or unread there is named here, with the reason.
fn our_own_kernel_is_scanned() {
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("../el2-kernel");
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(["scan", "--json"])
        .arg(kernel)
        .output()
        .unwrap();
    let scan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let open = [
        // Their callers fetch and access nothing through the page before their own ISB.
        ("src/arch/regime.rs", "broadcast"),
        ("src/arch/regime.rs", "flush_own_page"),
        // The stores before it are in the function that returns to it.
        ("src/smp/power.rs", "return_to_pen"),
    ];
    let found = scan["sequences"].as_array().unwrap();
    assert!(found.len() > 10);
    for sequence in found {
        let text = |name: &str| sequence[name].as_str().unwrap();
        assert_ne!(text("verdict"), "insufficient", "{sequence}");
        let is_open = text("verdict") == "unknown";
        let known = open.contains(&(text("file"), text("function")));
        assert!(!is_open || known, "{sequence}");
    }
    let unread = [
        // The operation is a parameter of the macro: of EL2 or EL1, by the level the kernel runs at.
        ("src/boot/switch.rs", "tlbi \\all"),
        ("src/smp/power.rs", "tlbi \\all"),
        // Says whether a word is a TLBI, and is none.
        ("src/stub/emit.rs", "is_tlbi(word): what it does is not in sight"),
    ];
    for found in scan["unrecognised"].as_array().unwrap() {
        let text = |name: &str| found[name].as_str().unwrap();
        assert!(unread.contains(&(text("file"), text("text"))), "{found}");
    }
}

fn main() -> ExitCode {
    let git = || needs::no_program("git", "--version");
    needs::main([
        (
            "the_action_is_one_and_pins_what_it_uses",
            the_action_is_one_and_pins_what_it_uses as fn(),
            None,
        ),
        (
            "the_template_has_jobs_that_a_shell_understands",
            the_template_has_jobs_that_a_shell_understands as fn(),
            None,
        ),
        (
            "the_matcher_matches_what_is_printed",
            the_matcher_matches_what_is_printed as fn(),
            None,
        ),
        ("a_branch_is_reviewed", a_branch_is_reviewed as fn(), git()),
        (
            "a_tree_is_scanned_against_its_baseline",
            a_tree_is_scanned_against_its_baseline as fn(),
            git(),
        ),
        ("our_own_kernel_is_scanned", our_own_kernel_is_scanned as fn(), None),
    ])
}
