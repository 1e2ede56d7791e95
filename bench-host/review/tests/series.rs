// SPDX-License-Identifier: MIT OR Apache-2.0
//! A series as it comes out of git and of archives: every patch named and judged by itself, and where they end.

use flate2::Compression;
use flate2::write::GzEncoder;
use review::extract::spelling::Spellings;
use review::input::{InputError, Source};
use review::output::{html, json, line, markdown, sarif, text};
use review::series::{Reviewed, review_series};
use review::{Outcome, diff};
use sequences::judge::Stated;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

const COVER: &str = "From 1 Mon Sep 17 00:00:00 2001\nSubject: [PATCH v2 0/3] arm: rework the flush\n\nA cover letter.\n\n---\n x.S | 4 ++--\n\n";
const COVER_AS_MADE: &str =
    "From 1 Mon Sep 17 00:00:00 2001\nSubject: [PATCH 0/3] *** SUBJECT HERE ***\n\n*** BLURB HERE ***\n\n";

/// A file before, and after each patch: the second patch drops the DSB, and the third puts a narrower one back.
const STEPS: [&str; 4] = [
    "flush:\n\tdsb sy\n\tisb\n\ttlbi alle2\n\tdsb sy\n\tisb\n\tret\n",
    "flush:\n\tdsb nshst\n\ttlbi alle2\n\tdsb sy\n\tisb\n\tret\n",
    "flush:\n\tdsb nshst\n\ttlbi alle2\n\tisb\n\tret\n",
    "flush:\n\tdsb nshst\n\ttlbi alle2\n\tdsb nsh\n\tisb\n\tret\n",
];
const TITLES: [&str; 3] = ["arm: weaker before", "arm: drop the DSB", "arm: put it back"];

/// Writes a patch from one text to another as a mail: all lines out, all lines in, but for those both begin and end with.
fn mail(subject: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let mut text = format!(
        "From 0123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: {subject}\n\nText.\n---\n\
         diff --git a/arch/arm64/x.S b/arch/arm64/x.S\n--- a/arch/arm64/x.S\n+++ b/arch/arm64/x.S\n@@ -1,{} +1,{} @@\n",
        old.len(),
        new.len()
    );
    let mut lines = |mark: char, list: &[&str]| list.iter().for_each(|line| text.push_str(&format!("{mark}{line}\n")));
    lines(' ', &old[..head]);
    lines('-', &old[head..old.len() - tail]);
    lines('+', &new[head..new.len() - tail]);
    lines(' ', &new[new.len() - tail..]);
    text.push_str("-- \n2.39.5\n\n");
    text
}

fn step(number: usize, prefix: &str) -> String {
    mail(
        &format!("[{prefix} {number}/3] {}", TITLES[number - 1]),
        STEPS[number - 1],
        STEPS[number],
    )
}

fn read(parts: &[String]) -> Result<Reviewed, InputError> {
    let folder = tempfile::tempdir().unwrap();
    let sources: Vec<Source> = parts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            let path: PathBuf = folder.path().join(format!("{number}.patch"));
            fs::write(&path, text).unwrap();
            Source::File(path)
        })
        .collect();
    let series = Source::read_series(&sources)?;
    Ok(review_series(series, &Spellings::built_in(), &Stated::default(), None))
}

fn outcomes(reviewed: &Reviewed) -> Vec<Outcome> {
    reviewed.patches.iter().map(|patch| patch.outcome()).collect()
}

#[test]
fn each_patch_is_judged_and_the_end_too() {
    let mailbox = COVER.to_owned() + &step(1, "PATCH v2") + &step(2, "PATCH v2") + &step(3, "PATCH v2");
    // As git sends it; as files; and as an archive that has the replies' order.
    let files = [
        COVER.to_owned(),
        step(1, "PATCH v2"),
        step(2, "PATCH v2"),
        step(3, "PATCH v2"),
    ];
    let shuffled = step(3, "PATCH v2") + &step(1, "PATCH v2") + COVER + &step(2, "PATCH v2");
    for parts in [&[mailbox][..], &files[..], &[shuffled][..]] {
        let reviewed = read(parts).unwrap();
        assert_eq!(reviewed.title, "arm: rework the flush");
        assert_eq!(
            outcomes(&reviewed),
            [Outcome::Fine, Outcome::Insufficient, Outcome::Fine]
        );
        let end = &reviewed.end.as_ref().expect("they stand on top of each other").review;
        assert_eq!((end.outcome(), end.changes.len()), (Outcome::Fine, 1));
        let (before, after) = (&end.changes[0].before, &end.changes[0].after);
        assert_eq!(
            before.as_ref().unwrap().sequence.to_string(),
            "dsb sy; isb; tlbi alle2; dsb sy; isb"
        );
        assert_eq!(
            after.as_ref().unwrap().sequence.to_string(),
            "dsb nshst; tlbi alle2; dsb nsh; isb"
        );
        assert_eq!(reviewed.is_mended(&reviewed.patches[1]), Some(true));
        // A bisection can land on the second.
        assert_eq!(reviewed.outcome(), Outcome::Insufficient);
        let text = text::render(&reviewed);
        for (number, title) in (1..).zip(TITLES) {
            assert!(text.contains(&format!("Patch {number} of 3: {title}\n")), "{text}");
        }
        assert!(
            text.contains("INSUFFICIENT after patch 2") && text.contains("Mended by the end"),
            "{text}"
        );
    }
}

#[test]
fn every_form_tells_of_every_patch() {
    let reviewed = read(&[step(1, "PATCH") + &step(2, "PATCH") + &step(3, "PATCH")]).unwrap();
    let (page, mark) = (html::render(&reviewed), markdown::render(&reviewed));
    for title in TITLES {
        assert!(page.contains(title) && mark.contains(title), "{title}");
    }
    let document: serde_json::Value = serde_json::from_str(&json::render(&reviewed)).unwrap();
    assert_eq!(document["changes"].as_array().unwrap().len(), 3);
    let patches = document["series"]["patches"].as_array().unwrap();
    let outcomes: Vec<_> = patches.iter().map(|patch| patch["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["sufficient", "insufficient", "sufficient"]);
    assert_eq!(patches[1]["mended"], true);
    assert_eq!(document["series"]["end"]["outcome"], "sufficient");
    // Of code scanning, only where it ends is an error; what is mended is a note.
    let document: serde_json::Value = serde_json::from_str(&sarif::render(&reviewed)).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(
        (&results[0]["level"], &results[0]["ruleId"]),
        (&"note".into(), &"tlb-insufficient".into())
    );
    let lines = line::render(&reviewed);
    assert!(
        lines.starts_with("arch/arm64/x.S:2: note: ") && lines.lines().count() == 1,
        "{lines}"
    );
}

#[test]
fn what_a_later_patch_does_not_mend_stays_at_the_end() {
    let reviewed = read(&[step(1, "PATCH") + &step(2, "PATCH")]).unwrap();
    let end = reviewed.end.as_ref().unwrap();
    assert_eq!(end.review.outcome(), Outcome::Insufficient);
    assert_eq!(reviewed.is_mended(&reviewed.patches[1]), Some(false));
    let notes = reviewed.notes.lines(9);
    assert_eq!(notes, ["not here: patch 3 of 3"]);
    assert!(line::render(&reviewed).contains(": error: "));
}

#[test]
fn a_patch_made_on_something_else_leaves_the_end_open() {
    let other = mail("[PATCH 2/2] arm: other", STEPS[3], STEPS[2]);
    let reviewed = read(&[mail("[PATCH 1/2] arm: one", STEPS[0], STEPS[1]) + &other]).unwrap();
    assert!(reviewed.end.is_none());
    assert!(
        reviewed.notes.lines(9)[0].contains("arm: other"),
        "{:?}",
        reviewed.notes
    );
    assert_eq!(outcomes(&reviewed), [Outcome::Fine, Outcome::Insufficient]);
}

#[test]
fn a_helper_of_an_earlier_patch_is_known_in_a_later_one() {
    let diff = |path: &str, lines: &[&str]| {
        let added: String = lines.iter().map(|line| format!("+{line}\n")).collect();
        format!(
            "diff --git a/{path} b/{path}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{added}",
            lines.len()
        )
    };
    let head = |subject: &str| format!("From 0 Mon Sep 17 00:00:00 2001\nSubject: {subject}\n\n");
    let helper = [
        "static inline void my_flush(void)",
        "{",
        "\tasm volatile(\"dsb ishst\\n\\ttlbi alle2is\\n\\tdsb ish\\n\\tisb\" ::: \"memory\");",
        "}",
    ];
    let user = ["void f(void)", "{", "\tmy_flush();", "}"];
    let first = head("[PATCH 1/2] helper") + &diff("arch/arm64/my.h", &helper);
    let second = head("[PATCH 2/2] user") + &diff("arch/arm64/my.c", &user);
    let known = |parts: &[String]| {
        let reviewed = read(parts).unwrap();
        let last = reviewed.patches.last().unwrap().clone();
        last.changes.iter().any(|change| {
            let side = change.after.as_ref();
            side.is_some_and(|side| side.sequence.to_string() == "dsb ishst; tlbi alle2is; dsb ish; isb")
        })
    };
    assert!(known(&[first, second.clone()]));
    assert!(!known(&[second]), "nobody said what it does");
}

#[test]
fn covers_are_no_patches_and_no_titles() {
    let made = read(&[COVER_AS_MADE.to_owned() + &step(1, "PATCH")]).unwrap();
    assert_eq!((made.title.as_str(), made.patches.len()), ("", 1));
    let error = read(&[COVER.to_owned()]).unwrap_err();
    assert!(matches!(error, InputError::NoDiff { .. }), "{error}");
    let with_no_patch = read(&[step(1, "PATCH"), "no diff\n".to_owned()]);
    assert!(matches!(with_no_patch, Err(InputError::NoDiff { .. })));
}

#[test]
fn archives_are_unpacked() {
    let mailbox = step(1, "PATCH") + &step(2, "PATCH");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.mbox.gz");
    let packed = |text: &str| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    // Several members one after the other are one file.
    let (first, second) = mailbox.split_at(mailbox.len() / 2);
    for bytes in [packed(&mailbox), [packed(first), packed(second)].concat()] {
        fs::write(&path, &bytes).unwrap();
        let series = Source::read_series(&[Source::File(path.clone())]).unwrap();
        assert_eq!(series.patches.len(), 2);
        // Cut in the middle, it is refused with the reason.
        fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let error = Source::read_series(&[Source::File(path.clone())])
            .unwrap_err()
            .to_string();
        assert!(error.contains("gzip"), "{error}");
    }
}

#[test]
fn what_git_log_prints_is_a_patch_for_each_commit() {
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let of = |title: &str, mail: String| {
        let diff = mail.split_once("---\n").unwrap().1.replace("-- \n2.39.5\n", "");
        format!(
            "commit {hash}\nAuthor: A <a@example.org>\nDate:   now\n\n    {title}\n\n    commit {hash} upstream.\n\n{diff}"
        )
    };
    let text = of("arm: one", step(1, "x")) + &of("arm: two", step(2, "x"));
    let patches = diff::read(text.as_bytes(), diff::Quoting::Outside).unwrap();
    let subjects: Vec<_> = patches.iter().map(|patch| patch.subject.as_str()).collect();
    assert_eq!(subjects, ["arm: one", "arm: two"]);
}

#[test]
fn a_reply_with_a_diff_of_its_own_is_no_part_of_the_series() {
    let idea = mail("Re: [PATCH 2/3] arm: drop the DSB", STEPS[1], STEPS[3]);
    let all = step(1, "PATCH") + &step(2, "PATCH") + &idea + &step(3, "PATCH");
    let reviewed = read(&[all]).unwrap();
    assert_eq!(reviewed.patches.len(), 4);
    assert!(text::render(&reviewed).contains("In a reply to: arm: drop the DSB"));
    assert_eq!(reviewed.end.as_ref().unwrap().review.outcome(), Outcome::Fine);
}
