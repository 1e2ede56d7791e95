// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge's verdict on every sequence of a run, beside what was measured.

use report::model::Judgement;
use results::manifest::Manifest;
use sequences::judge::{Change, Name, Verdict, infer, judge};

/// Judges every sequence whose text is known, for the change it looks made for.
pub fn judgements(manifest: &Manifest) -> Vec<Judgement> {
    let sequences = manifest
        .plan
        .sequences
        .iter()
        .filter(|sequence| sequence.aa_of.is_none());
    sequences
        .filter_map(|sequence| {
            Some(Judgement {
                seq: sequence.id.clone(),
                check: None,
                text: verdict(&sequence.text.parse().ok()?),
            })
        })
        .collect()
}

/// Judges a sequence. Without a TLBI it can only be for an entry that was invalid before, and is asked about that.
fn verdict(sequence: &sequences::Sequence) -> String {
    let instructions: Vec<_> = sequence.instructions().collect();
    let mut question = infer(sequence);
    let invalidates = instructions.iter().any(|instruction| instruction.tlbi().is_some());
    if !invalidates {
        question.change = Change::Validate;
    }
    let judged = judge(&question, &instructions);
    let text = match judged.verdict {
        Verdict::Sufficient => "sufficient".to_owned(),
        Verdict::StrongerThanNeeded => {
            let weakest: sequences::Sequence = judged.weakest.unwrap_or_default().into_iter().collect();
            format!("stronger than needed: {weakest}")
        }
        Verdict::Insufficient | Verdict::Unknown => {
            let reason = judged
                .reasons
                .first()
                .map_or(String::new(), |reason| format!(": {reason}"));
            format!("{}{reason}", judged.verdict)
        }
    };
    let regime = question.regime.name();
    if invalidates {
        format!("{text} ({regime}, held by {})", question.observers.name())
    } else {
        format!("{text} ({regime}, for a new mapping: it invalidates nothing)")
    }
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn without_a_tlbi_a_new_mapping_is_meant() {
        let of = |text: &str| verdict(&text.parse().unwrap());
        assert_eq!(
            of("dsb nshst; isb"),
            "sufficient (el2, for a new mapping: it invalidates nothing)"
        );
        assert!(of("isb").starts_with("insufficient: "), "{}", of("isb"));
        assert_eq!(
            of("dsb nshst; tlbi alle2; dsb nsh; isb"),
            "sufficient (el2, held by this-pe)"
        );
    }
}
