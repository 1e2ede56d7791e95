// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mutants of 20 sufficient sequences of the catalogue are judged, and `docs/mutant-verdicts.md` says so.
//!
//! `OVERWRITE=1 cargo test -p sequences --test mutant_verdicts` writes the page anew.

use sequences::catalogue;
use sequences::judge::{Question, Verdict, is_sufficient};
use sequences::mutants::judged;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const SEQUENCES: usize = 20;

const HEAD: &str = "<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->
# Mutants of 20 sequences, judged

Written by `sequences/tests/mutant_verdicts.rs`: the first 20 different sequences of the catalogue that are sufficient for what
they are for. Each is edited in every single way; *insufficient* mutants are what a conformance run has to kill, and
the judge names them all without a machine.

| sequence | mutants | insufficient | as strong, or stronger | unknown |
|---|---|---|---|---|
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut seen = Vec::new();
    let mut kinds: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for entry in catalogue() {
        let Some(question) = Question::of_entry(&entry) else {
            continue;
        };
        let sequence = entry.sequence().expect("a sequence");
        let instructions: Vec<_> = sequence.instructions().collect();
        if seen.len() == SEQUENCES || seen.contains(&entry.text) || is_sufficient(&question, &instructions) != Ok(true)
        {
            continue;
        }
        seen.push(entry.text);
        let mutants = judged(&question, &sequence);
        let count = |verdict| mutants.iter().filter(|mutant| mutant.verdict == verdict).count();
        let (insufficient, unknown) = (count(Verdict::Insufficient), count(Verdict::Unknown));
        // Leaving out the TLBI is a mutant of every sequence, and never sufficient.
        assert!(insufficient > 0, "{}", entry.id);
        for mutant in &mutants {
            let kind = kinds.entry(mutant.mutant.kind.name()).or_default();
            kind.0 += 1;
            kind.1 += u32::from(mutant.verdict == Verdict::Insufficient);
        }
        let (id, text, all) = (entry.id, entry.text, mutants.len());
        let fine = all - insufficient - unknown;
        writeln!(
            page,
            "| `{id}`: `{text}` | {all} | {insufficient} | {fine} | {unknown} |"
        )
        .expect("memory");
    }
    assert_eq!(seen.len(), SEQUENCES);
    page.push_str("\n| kind of edit | mutants | insufficient |\n|---|---|---|\n");
    for (kind, (all, insufficient)) in kinds {
        writeln!(page, "| `{kind}` | {all} | {insufficient} |").expect("memory");
    }
    page
}

#[test]
fn the_page_shows_the_verdicts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mutant-verdicts.md");
    let page = page();
    if std::env::var_os("OVERWRITE").is_some() {
        std::fs::write(&path, &page).expect("a writable page");
    }
    let stored = std::fs::read_to_string(&path).expect("the page");
    assert!(
        stored == page,
        "docs/mutant-verdicts.md is not up to date: run with OVERWRITE=1"
    );
}
