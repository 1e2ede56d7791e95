// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why: how the sides compare, and the grounds of their verdicts.

use super::page::wrap;
use crate::evaluate::{Evaluated, Ground, SideVerdict};
use crate::output::context;
use sequences::Instruction;
use sequences::judge::Verdict;

/// Writes why.
pub(super) fn evidence(out: &mut String, change: &Evaluated, long: bool) {
    if change.before.is_some() && change.after.is_some() && !change.is_passage {
        let mut words: Vec<String> = change.differences.clone();
        words.extend(kept(change));
        let words = match words.is_empty() {
            true => String::new(),
            false => format!(": {}", words.join("; ").replace("the invalidation", "the TLBI")),
        };
        wrap(out, "  after is ", &format!("{}{words}", change.relation.name()));
    }
    if !change.is_passage {
        wrap(out, "  context: ", &context(change));
    }
    if long {
        for part in &change.assumptions {
            wrap(out, "    ", &format!("{} {}: {}", part.name, part.value, part.why));
        }
    }
    for (side, name) in [(&change.before, "before"), (&change.after, "after")] {
        let Some(side) = side else { continue };
        if long {
            whole(out, side, name);
        } else {
            brief(out, side, name);
        }
    }
    if let Some(verdict) = change.flips.as_it_stands {
        wrap(out, "  as it stands: ", verdict.name());
    }
    for flip in &change.flips.around.found {
        wrap(out, "  flips: ", &flip.to_string());
    }
    if let Some(text) = change.flips.around.not_tried() {
        wrap(out, "  flips: ", &text);
    }
    let errata: Vec<&str> = change
        .shown()
        .into_iter()
        .flat_map(|side| &side.errata)
        .flat_map(|ground| std::iter::once(&ground.rule).chain(&ground.also))
        .map(String::as_str)
        .collect();
    if !errata.is_empty() {
        wrap(out, "  errata to check: ", &errata.join(", ").replace("erratum ", ""));
    }
}

/// Writes all grounds of a verdict.
fn whole(out: &mut String, side: &SideVerdict, name: &str) {
    for ground in &side.reasons {
        wrap(
            out,
            &format!("  {name}: "),
            &format!("{} [{}]", ground.text, ground.citation),
        );
    }
    for (number, step) in side.counterexample.iter().enumerate() {
        wrap(out, &format!("    {}. ", number + 1), step);
    }
    if let Some(weakest) = &side.weakest {
        wrap(out, &format!("  {name}, enough: "), weakest);
    }
    for ground in &side.errata {
        wrap(out, "  ", &format!("{}: {}", ground.citation, ground.text));
    }
}

/// Writes the grounds that decide: what is missing, what is paid too much, and why the rest is enough.
fn brief(out: &mut String, side: &SideVerdict, name: &str) {
    let says = |ground: &Ground| format!("{} [{}]", ground.text, ground.citation);
    match side.verdict {
        Verdict::Insufficient | Verdict::Unknown => {
            for ground in side.reasons.iter().take(3) {
                wrap(out, &format!("  {name}: "), &says(ground));
            }
            if name == "after" {
                for (number, step) in side.counterexample.iter().take(8).enumerate() {
                    wrap(out, &format!("    {}. ", number + 1), step);
                }
            }
            if let Some(weakest) = side.weakest.as_ref().filter(|_| name == "after") {
                wrap(out, "  enough: ", weakest);
            }
        }
        Verdict::StrongerThanNeeded => {
            let excess = |ground: &&Ground| ground.text.contains("(instruction ");
            let paid: Vec<String> = side
                .reasons
                .iter()
                .filter(excess)
                .filter_map(|ground| Some(ground.text.split_once(": ")?.0.to_owned()))
                .collect();
            wrap(out, &format!("  {name} overpays: "), &unnumbered(&paid.join("; ")));
            if let Some(weakest) = side.weakest.as_ref().filter(|_| name == "after") {
                wrap(out, "  enough: ", weakest);
            }
        }
        // Of what is enough, the domain and the context are what reviewers ask about.
        Verdict::Sufficient if name == "after" => {
            let asked = ["completion-domain", "context-synchronization", "stage-2"];
            for ground in side
                .reasons
                .iter()
                .filter(|ground| asked.contains(&ground.rule.as_str()))
            {
                wrap(out, &format!("  {name}: "), &says(ground));
            }
        }
        Verdict::Sufficient => {}
    }
    // What decides was printed; that a search was given up comes last.
    let shown = match side.verdict {
        Verdict::Insufficient | Verdict::Unknown => 3,
        Verdict::Sufficient | Verdict::StrongerThanNeeded => 0,
    };
    for ground in side.reasons.iter().skip(shown).filter(|ground| ground.rule == "search") {
        wrap(out, &format!("  {name}: "), &says(ground));
    }
}

/// Leaves out which instruction is meant: the table shows it.
fn unnumbered(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split(" (instruction ").enumerate() {
        let rest = part.split_once(')').map_or(part, |(_, rest)| rest);
        out.push_str(if index == 0 { part } else { rest });
    }
    out
}

/// Returns what both sides have that a weaker sequence might have lost.
fn kept(change: &Evaluated) -> Option<String> {
    let ends = |side: &Option<SideVerdict>| {
        let all: Vec<Instruction> = side.as_ref()?.sequence.instructions().collect();
        let last = all.iter().rposition(|i| matches!(i, Instruction::Tlbi(_)))?;
        Some(all[last..].contains(&Instruction::Isb))
    };
    let both = ends(&change.before) == Some(true) && ends(&change.after) == Some(true);
    (both && !change.differences.is_empty()).then(|| "after the invalidation: `isb` is kept".to_owned())
}
