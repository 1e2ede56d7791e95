// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small inputs, each of which stands for a kind of fault that was found once, with the right answer.
//!
//! `tests/cases/expected.csv`: the file; `review` or `scan`; the verdicts that the side before and the side after may have,
//! `|` between them and none where it is not asked; how the review ends; a part of the text that must be said. The answers
//! were written down before the program was asked.

use review::diff::{self, Quoting};
use review::evaluate::{SideVerdict, verdict_id};
use review::extract::spelling::Spellings;
use review::input::Source;
use review::tree::Tree;
use review::{Outcome, Review, output, review};
use sequences::judge::{Stated, Verdict};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// A row of the table.
struct Case {
    file: String,
    command: String,
    before: Vec<String>,
    after: Vec<String>,
    outcome: String,
    says: String,
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(folder().join("expected.csv")).unwrap();
    let list = |text: &str| {
        text.split('|')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let case = |line: &str| {
        let [file, command, before, after, outcome, says] = line.splitn(6, ',').collect::<Vec<_>>()[..] else {
            panic!("{line}: not six columns");
        };
        Case {
            file: file.to_owned(),
            command: command.to_owned(),
            before: list(before),
            after: list(after),
            outcome: outcome.to_owned(),
            says: says.trim().to_owned(),
        }
    };
    text.lines().skip(1).map(case).collect()
}

/// What is stronger than needed is sufficient.
fn id(side: &SideVerdict) -> &'static str {
    match side.verdict {
        Verdict::StrongerThanNeeded => verdict_id(Verdict::Sufficient),
        other => verdict_id(other),
    }
}

fn check_side(case: &Case, sides: &[&SideVerdict], allowed: &[String]) {
    if allowed.is_empty() {
        return;
    }
    assert!(!sides.is_empty(), "{}: no such side", case.file);
    for side in sides {
        let found = id(side);
        let fits = allowed.iter().any(|name| name == found);
        assert!(fits, "{}: `{}` is {found}, not {allowed:?}", case.file, side.sequence);
    }
}

fn check_review(case: &Case) {
    let patch = Source::File(folder().join(&case.file))
        .read()
        .expect("a patch")
        .remove(0);
    let found: Review = review(patch, &Spellings::built_in(), &Stated::default(), None);
    let before: Vec<_> = found
        .changes
        .iter()
        .filter_map(|change| change.before.as_ref())
        .collect();
    let after: Vec<_> = found
        .changes
        .iter()
        .filter_map(|change| change.after.as_ref())
        .collect();
    check_side(case, &before, &case.before);
    check_side(case, &after, &case.after);
    let outcome = match found.outcome() {
        Outcome::Fine => "fine",
        Outcome::Insufficient => "insufficient",
        Outcome::Undecided => "undecided",
    };
    assert_eq!(outcome, case.outcome, "{}", case.file);
    let text = output::text::render_long(&found.clone().into());
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(&case.says),
        "{}: does not say `{}`\n{text}",
        case.file,
        case.says
    );
}

fn check_scan(case: &Case) {
    let spellings = Spellings::built_in();
    let tree = tempfile::tempdir().unwrap();
    fs::copy(folder().join(&case.file), tree.path().join(&case.file)).unwrap();
    let found = Tree::open(tree.path(), &spellings)
        .unwrap()
        .scan(&spellings, &Stated::default());
    let sides: Vec<_> = found.judged.iter().map(|judged| &judged.side).collect();
    check_side(case, &sides, &case.after);
    let unread: Vec<_> = found.unread.iter().map(|unread| &unread.found.text).collect();
    assert!(unread.is_empty(), "{}: not understood: {unread:?}", case.file);
    let says = |side: &&SideVerdict| side.sequence.to_string().contains(&case.says) || side.function == case.says;
    assert!(sides.iter().any(says), "{}: no `{}`", case.file, case.says);
}

/// Advice to leave an ISB or a DMB out is none where the text does not show what else it is for.
#[test]
fn nothing_of_others_is_advised_away() {
    for file in [
        "isb_of_something_else.patch",
        "isb_is_the_fix.patch",
        "mmu_off_around_the_entry.patch",
        "switch_of_tables_then_asid.patch",
    ] {
        let patch = Source::File(folder().join(file)).read().expect("a patch").remove(0);
        let found = review(patch, &Spellings::built_in(), &Stated::default(), None);
        let sides = found.changes.iter().flat_map(|change| [&change.before, &change.after]);
        for reason in sides.flatten().flat_map(|side| &side.reasons) {
            let advice =
                reason.text.contains(" can go") && (reason.text.contains("isb") || reason.text.contains("dmb"));
            assert!(!advice, "{file}: {}", reason.text);
        }
    }
}

#[test]
fn every_case_gets_its_answer() {
    for case in cases() {
        match case.command.as_str() {
            "review" => check_review(&case),
            "scan" => check_scan(&case),
            other => panic!("{}: {other}", case.file),
        }
    }
}

/// A sequence of every function, so that none is lost without a word.
#[test]
fn every_spelling_is_read() {
    let spellings = Spellings::built_in();
    for (file, functions) in [
        (
            "spellings.c",
            &["sysop", "option_as_operand", "pasted", "template_call", "upper_case"][..],
        ),
        ("spellings.S", &["optee", "encoded"]),
    ] {
        let tree = tempfile::tempdir().unwrap();
        fs::copy(folder().join(file), tree.path().join(file)).unwrap();
        let found = Tree::open(tree.path(), &spellings)
            .unwrap()
            .scan(&spellings, &Stated::default());
        for function in functions {
            let side = found.judged.iter().find(|judged| judged.side.function == *function);
            let side = side.unwrap_or_else(|| panic!("{file}: {function} is lost"));
            assert_eq!(id(&side.side), "sufficient", "{function}: {}", side.side.sequence);
        }
    }
}

/// What a flush for the Inner Shareable domain leaves out is said where the patch speaks of it, or changes it.
#[test]
fn the_outer_domain_is_spoken_of_where_the_patch_does() {
    let says = |subject: &str, old: &str, new: &str| {
        let patch = format!(
            "From: A <a@example.org>\nSubject: [PATCH] {subject}\n\ndiff --git a/arch/arm64/mm/a.c b/arch/arm64/mm/a.c\n--- \
             a/arch/arm64/mm/a.c\n+++ b/arch/arm64/mm/a.c\n@@ -1,7 +1,7 @@\n void f(void)\n {{\n \tdsb(ishst);\n \
             \ttlbi(vmalle1is);\n-\t{old};\n+\t{new};\n \tisb();\n }}\n"
        );
        let patch = diff::read(patch.as_bytes(), Quoting::Outside).expect("text").remove(0);
        let found = review(patch, &Spellings::built_in(), &Stated::default(), None);
        assert_eq!(found.changes.len(), 1);
        output::text::render(&found.into())
            .replace("\n ", " ")
            .contains("Outer Shareable")
    };
    assert!(!says("mm: complete it", "dsb(ishst)", "dsb(ish)"));
    assert!(!says("mm: for Joshua", "dsb(ishst)", "dsb(ish)"));
    assert!(says(
        "mm: no PE of the Outer Shareable domain",
        "dsb(ishst)",
        "dsb(ish)"
    ));
    assert!(says("mm: do not wait so far", "dsb(sy)", "dsb(ish)"));
}

/// A language that is not read has its invalidations listed by `scan` too; data and documents have not.
#[test]
fn scan_lists_what_it_cannot_read() {
    let tree = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(tree.path().join(name), text).unwrap();
    let line = "Asm (\"tlbi vmalle1is; dsb ish\", Volatile => True);\n";
    for name in ["flush.adb", "gen-tlb.pl", "notes.md", "board.dts"] {
        write(name, line);
    }
    write("image.blob", &format!("\0\0{line}"));
    let spellings = Spellings::built_in();
    let found = Tree::open(tree.path(), &spellings)
        .unwrap()
        .scan(&spellings, &Stated::default());
    let files: Vec<&str> = found.unread.iter().map(|unread| unread.path.as_str()).collect();
    assert_eq!(files, ["flush.adb", "gen-tlb.pl"]);
    assert!(
        found
            .unread
            .iter()
            .all(|unread| unread.found.text.contains("vmalle1is"))
    );
}
