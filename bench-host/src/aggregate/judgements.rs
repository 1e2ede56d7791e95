// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge's verdict on every sequence of a run, beside what was measured.

use report::model::Judgement;
use results::manifest::Manifest;
use sequences::judge::{Name, Verdict, infer, judge};

/// Judges every sequence whose text is known, for the change it looks made for.
pub fn judgements(manifest: &Manifest) -> Vec<Judgement> {
    let sequences = manifest
        .plan
        .sequences
        .iter()
        .filter(|sequence| sequence.aa_of.is_none());
    sequences
        .filter_map(|sequence| {
            let parsed: sequences::Sequence = sequence.text.parse().ok()?;
            let instructions: Vec<_> = parsed.instructions().collect();
            let question = infer(&parsed);
            let judged = judge(&question, &instructions);
            let held_by = question.observers.name();
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
            Some(Judgement {
                seq: sequence.id.clone(),
                check: None,
                text: format!("{text} ({}, held by {held_by})", question.regime.name()),
            })
        })
        .collect()
}
