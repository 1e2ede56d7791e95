// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every catalogue entry is judged, and `docs/catalogue-verdicts.md` says so.
//!
//! `OVERWRITE=1 cargo test -p sequences --test catalogue_verdicts` writes the page anew.

use sequences::judge::{Judgement, Question, Verdict, judge, lack};
use sequences::{Entry, Instruction, catalogue};
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->
# The catalogue, judged

Written by `sequences/tests/catalogue_verdicts.rs`. Each entry is judged as the answer to the narrowest question its columns and
operations tell (`Question::of_entry`): a changed entry, this PE or the PEs of its scope, on its own. Many entries are not
meant to stand on their own: code that switches an MMU changes no descriptor, and a helper may leave a barrier to its caller. *Insufficient*
entries are listed with the reason, what would make them sufficient, and the catalogue's own note on the context.
";

fn judged(entry: &Entry<'_>) -> Option<(Question, Vec<Instruction>, Judgement)> {
    let question = Question::of_entry(entry)?;
    let sequence: Vec<Instruction> = entry.sequence().expect("a sequence").instructions().collect();
    let judgement = judge(&question, &sequence);
    Some((question, sequence, judgement))
}

fn page() -> String {
    let mut counts = [0_usize; 4];
    let mut list = String::new();
    let mut others = String::new();
    for entry in catalogue() {
        let Some((question, sequence, judgement)) = judged(&entry) else {
            writeln!(others, "- `{}`: {} regime, not judged", entry.id, entry.regime).expect("memory");
            continue;
        };
        let place = match judgement.verdict {
            Verdict::Sufficient => 0,
            Verdict::StrongerThanNeeded => 1,
            Verdict::Insufficient => 2,
            Verdict::Unknown => 3,
        };
        counts[place] += 1;
        let reason = judgement.reasons.first().map_or("", |reason| reason.text.as_str());
        match judgement.verdict {
            Verdict::Insufficient => {
                let lack = lack(&question, &sequence).map_or("in itself", |lack| lack.text());
                let context = if entry.context.is_empty() {
                    "none given"
                } else {
                    entry.context
                };
                let (id, era, text) = (entry.id, entry.era, entry.text);
                writeln!(
                    list,
                    "- `{id}` ({era}): `{text}`<br>{reason}. *{lack}.* Catalogue: {context}."
                )
                .expect("memory");
            }
            Verdict::Unknown => writeln!(others, "- `{}`: {reason}", entry.id).expect("memory"),
            Verdict::Sufficient | Verdict::StrongerThanNeeded => {}
        }
    }
    let [sufficient, stronger, insufficient, unknown] = counts;
    format!(
        "{HEAD}\n| sufficient | stronger than needed | insufficient | unknown |\n|---|---|---|---|\n\
         | {sufficient} | {stronger} | {insufficient} | {unknown} |\n\n## Insufficient on their own\n{list}\n\
         ## Unknown or not judged\n{others}"
    )
}

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/catalogue-verdicts.md");
    let page = page();
    if std::env::var_os("OVERWRITE").is_some() {
        std::fs::write(&path, &page).expect("a writable docs folder");
    }
    let stored = std::fs::read_to_string(&path).expect("docs/catalogue-verdicts.md");
    assert!(
        stored == page,
        "docs/catalogue-verdicts.md is out of date; run with OVERWRITE=1"
    );
}

#[test]
fn known_bugs_are_insufficient_and_their_projects_fixes_are_not() {
    for (id, sufficient) in [
        ("redox_invalidate_2022", false),
        ("jailhouse_flush_page_tlbs_2016", false),
        ("xen_flush_xen_tlb_local", true),
    ] {
        let entry = catalogue()
            .find(|entry| entry.id == id)
            .unwrap_or_else(|| panic!("no entry {id}"));
        let (_, _, judgement) = judged(&entry).expect("a judgement");
        assert_eq!(judgement.verdict.is_sufficient(), sufficient, "{id}: {judgement}");
    }
}
