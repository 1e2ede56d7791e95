// SPDX-License-Identifier: MIT OR Apache-2.0
//! Patches of every syntactic form, each with the extraction, verdict and relation that are expected of it.
//!
//! `tests/patches/<form>/<name>.patch` are the patches, `tests/patches/expected.txt` is what they must say. After a
//! deliberate change, `REVIEW_OVERWRITE=1 cargo test -p review --test patches` writes the file anew.

use review::evaluate::{SideVerdict, verdict_id};
use review::extract::spelling::Spellings;
use review::input::Source;
use review::loss::{Loss, Remark};
use review::{Outcome, Review, output, review};
use sequences::Sequence;
use sequences::judge::Stated;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patches")
}

fn read(path: &Path) -> Review {
    let patch = Source::File(path.to_owned())
        .read()
        .expect("the fixture is a patch")
        .remove(0);
    review(patch, &Spellings::built_in(), &Stated::default(), None)
}

fn fixtures() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for form in fs::read_dir(folder())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_dir())
    {
        all.extend(fs::read_dir(form.path()).unwrap().flatten().map(|entry| entry.path()));
    }
    all.sort();
    all
}

fn summary(found: &Review) -> String {
    let side = |side: &Option<SideVerdict>| match side {
        Some(side) => format!("{} = {}", side.text(), verdict_id(side.verdict)),
        None => "(none)".into(),
    };
    let mut out = String::new();
    for change in &found.changes {
        let shown = change.shown().expect("a change has a side");
        let (kind, relation) = (change.kind.name(), change.relation.name());
        let name = if shown.function.is_empty() {
            "?"
        } else {
            &shown.function
        };
        let value = |wanted: &str| {
            let part = change.assumptions.iter().find(|part| part.name == wanted);
            part.map_or(String::new(), |part| part.value.clone())
        };
        let context = ["regime", "stage", "change", "observers", "after"].map(value).join(" ");
        let _ = writeln!(out, "  {kind} {name}:{} {relation} ({context})", shown.line);
        let _ = writeln!(out, "    - {}", side(&change.before));
        let _ = writeln!(out, "    + {}", side(&change.after));
        for reason in change
            .after
            .iter()
            .filter(|side| !side.verdict.is_sufficient())
            .flat_map(|side| &side.reasons)
        {
            let _ = writeln!(out, "      {}", reason.rule);
        }
    }
    for unread in &found.unrecognised {
        let _ = writeln!(out, "  ? {}:{} {}", unread.file, unread.line, unread.text);
    }
    for line in found.barriers.iter().chain(&found.notes.lines(usize::MAX)) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(out, "  -> {:?}", found.outcome());
    out
}

#[test]
fn every_form_says_what_is_expected() {
    let mut all = String::new();
    for path in fixtures() {
        let name = path.strip_prefix(folder()).unwrap().display().to_string();
        let _ = writeln!(all, "{name}\n{}", summary(&read(&path)));
    }
    let expected = folder().join("expected.txt");
    if std::env::var_os("REVIEW_OVERWRITE").is_some() {
        fs::write(&expected, &all).unwrap();
    }
    let stored = fs::read_to_string(&expected).unwrap();
    for (line, (found, expected)) in all.lines().zip(stored.lines()).enumerate() {
        assert_eq!(found, expected, "expected.txt line {}", line + 1);
    }
    assert_eq!(all.lines().count(), stored.lines().count());
}

#[test]
fn every_form_has_five_patches() {
    for form in [
        "assembly",
        "assembly_macro",
        "wrapper_call",
        "inline_c",
        "c_macro",
        "function_style",
        "rust_asm",
        "rust_wrapper",
    ] {
        let count = fs::read_dir(folder().join(form)).unwrap().count();
        assert!(count >= 5, "{form} has {count}");
    }
}

#[test]
fn every_sequence_is_text_of_the_language() {
    for path in fixtures() {
        for side in read(&path)
            .changes
            .iter()
            .flat_map(|change| change.before.iter().chain(&change.after))
        {
            // Of what is not judged, the steps say it all.
            if side.sequence.items.is_empty() && !side.steps.is_empty() {
                continue;
            }
            let text = side.sequence.to_string();
            assert_eq!(
                text.parse::<Sequence>().as_ref(),
                Ok(&side.sequence),
                "{}: {text}",
                path.display()
            );
        }
    }
}

/// Writes a text to a file and reviews it.
fn review_bytes(bytes: &[u8]) -> Review {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    read(file.path())
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

#[test]
fn line_ends_and_encodings_do_not_matter() {
    let plain = fixture("assembly/narrow_domain.patch");
    let expected = summary(&review_bytes(&plain));
    let text = String::from_utf8(plain.clone()).unwrap();
    assert_eq!(summary(&review_bytes(text.replace('\n', "\r\n").as_bytes())), expected);
    let head = "From: a@example.org\nSubject: [PATCH] x\nMIME-Version: 1.0\n";
    let printable = format!(
        "{head}Content-Transfer-Encoding: quoted-printable\n\n{}",
        text.replace('=', "=3D")
    );
    assert_eq!(summary(&review_bytes(printable.as_bytes())), expected);
    let base64 = data_encoding::BASE64.encode(&plain);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(76)
        .map(|chunk| std::str::from_utf8(chunk).unwrap())
        .collect();
    let mail = format!("{head}Content-Transfer-Encoding: base64\n\n{}\n", lines.join("\n"));
    assert_eq!(summary(&review_bytes(mail.as_bytes())), expected);
    let wide: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(summary(&review_bytes(&wide)), expected);
    let mut latin = plain.clone();
    latin.splice(0..0, b"Caf\xe9 \xff\n".iter().copied());
    assert_eq!(summary(&review_bytes(&latin)), expected);
    let quoted: String = text.lines().map(|line| format!("> {line}\n")).collect();
    let reply = format!("On Monday somebody wrote:\n{quoted}Looks good.\n");
    assert!(summary(&review_bytes(reply.as_bytes())).starts_with(&expected[..expected.rfind("->").unwrap()]));
    // A thread that quotes what it also holds unquoted counts it once.
    let thread = format!("{text}\n{quoted}\n> > again\n");
    assert_eq!(summary(&review_bytes(thread.as_bytes())), expected);
}

#[test]
fn a_series_is_the_sum_of_its_patches() {
    let mut series = fixture("assembly/barrier_in_context.patch");
    series.extend(fixture("inline_c/adjacent_strings.patch"));
    series.extend(fixture("rust_asm/global.patch"));
    assert_eq!(review_bytes(&series).changes.len(), 3);
}

#[test]
fn what_is_not_whole_is_said() {
    let text = String::from_utf8(fixture("assembly/narrow_domain.patch")).unwrap();
    let cut: String = text.lines().take(9).map(|line| format!("{line}\n")).collect();
    let found = review_bytes(cut.as_bytes());
    assert!(
        found
            .notes
            .kept_losses()
            .any(|(_, loss)| matches!(loss, Loss::HunkCutShort { .. })),
        "{:?}",
        found.notes
    );
    assert_ne!(found.outcome(), Outcome::Fine);
    let binary = "diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n";
    let found = review_bytes(binary.as_bytes());
    let path = "x.bin".to_owned();
    assert_eq!(
        found.notes.kept_remarks().next(),
        Some((Some(2), &Remark::Binary { path }))
    );
    assert_eq!((found.notes.losses(), found.outcome()), (0, Outcome::Fine));
}

#[test]
fn a_patch_of_too_many_files_is_cut() {
    let text = String::from_utf8(fixture("assembly/narrow_domain.patch")).unwrap();
    let many: String = (0..2010)
        .map(|number| text.replace("arch/arm64/boot/entry.S", &format!("arch/arm64/boot/entry{number}.S")))
        .collect();
    let found = review_bytes(many.as_bytes());
    assert_eq!(found.changes.len(), 2000);
    assert_eq!(found.outcome(), Outcome::Undecided);
    let most = 2000;
    let losses: Vec<_> = found.notes.kept_losses().map(|(_, loss)| loss).collect();
    assert_eq!(losses, [&Loss::TooManyFiles { most }]);
}

#[test]
fn hostile_names_stay_text() {
    let text = String::from_utf8(fixture("assembly/narrow_domain.patch")).unwrap();
    let hostile = text.replace("arch/arm64/boot/entry.S", "a\"><script>alert(1)</script>\u{1b}[2J&.S");
    let found = review_bytes(hostile.as_bytes());
    assert_eq!(found.changes.len(), 1);
    let page = output::html::render(&found.clone().into());
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    let plain = output::text::render(&found.clone().into()) + &output::markdown::render(&found.clone().into());
    assert!(!plain.contains('\u{1b}') && !output::markdown::render(&found.clone().into()).contains("<script"));
    assert!(output::sarif::render(&found.clone().into()).contains("\"2.1.0\""));
}

#[test]
fn wide_characters_do_no_harm() {
    // A space of two bytes before the name of a function, and after the name of an operation.
    let text = String::from_utf8(fixture("inline_c/adjacent_strings.patch")).unwrap();
    let found = review_bytes(text.replace("flush_kernel_page", "flush\u{a0}kernel_page").as_bytes());
    assert_eq!(found.changes.len(), 1);
    let found = review_bytes(text.replace("tlbi vaae1is, ", "tlbi vaae1is\u{a0}").as_bytes());
    assert_eq!(found.changes.len(), 1);
}

#[test]
fn text_fits_a_mail() {
    for path in fixtures() {
        let text = output::text::render(&read(&path).into());
        assert!(
            text.lines().all(|line| line.chars().count() <= output::text::WIDTH),
            "{text}"
        );
    }
}
