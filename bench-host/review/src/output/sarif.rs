// SPDX-License-Identifier: MIT OR Apache-2.0
//! SARIF 2.1.0 (OASIS), for code scanning.

use crate::evaluate::{Ground, SideVerdict};
use crate::evidence::Trials;
use crate::loss::Notes;
use crate::output::json::pretty;
use crate::{Review, Unrecognised};
use results::verdict::Class;
use sequences::judge::Verdict;
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

/// Renders a review.
pub fn render(review: &Review) -> String {
    let results = review
        .changes
        .iter()
        .filter_map(|change| change.after.as_ref())
        .filter_map(result);
    let seen = review.changes.iter().zip(&review.trials).flat_map(|(change, trials)| {
        let side = change.after.as_ref();
        trials.iter().filter_map(move |trials| stale(side?, trials))
    });
    let unread = review
        .unrecognised
        .iter()
        .filter(|unread| unread.after)
        .map(unrecognised);
    document(results.chain(seen).chain(unread).collect(), &review.notes)
}

/// Renders the sequences of a tree.
pub fn render_sides<'a>(sides: impl Iterator<Item = &'a SideVerdict>) -> String {
    document(sides.filter_map(result).collect(), &Notes::default())
}

fn document(results: Vec<Value>, notes: &Notes) -> String {
    let rule = |id: &str, text: &str| json!({"id": id, "shortDescription": {"text": text}});
    let mut document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "bench-host",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule("tlb-insufficient", "A stale translation can be used after this sequence"),
                    rule("tlb-stronger-than-needed", "A weaker sequence is enough"),
                    rule("tlb-undecided", "It is not decided whether this sequence is enough"),
                    rule("tlb-stale", "A check saw a stale translation after this sequence"),
                    rule("tlb-unrecognised", "This looks like TLB maintenance and was not understood"),
                ],
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    if notes.losses() > 0 {
        // Without it, a text that was not read looks like one without a finding.
        let notification = |note: String| json!({"level": "warning", "message": {"text": note}});
        let notifications: Vec<Value> = notes.lines(usize::MAX).into_iter().map(notification).collect();
        document["runs"][0]["invocations"] = json!([{
            "executionSuccessful": false,
            "toolExecutionNotifications": notifications,
        }]);
    }
    pretty(&document)
}

fn result(side: &SideVerdict) -> Option<Value> {
    let (rule, level) = match side.verdict {
        Verdict::Sufficient => return None,
        Verdict::Insufficient => ("tlb-insufficient", "error"),
        Verdict::StrongerThanNeeded => ("tlb-stronger-than-needed", "note"),
        Verdict::Unknown => ("tlb-undecided", "warning"),
    };
    let ground = |ground: &Ground| format!("{} [{}]", ground.text, ground.citation);
    let reasons: Vec<_> = side.reasons.iter().take(4).map(ground).collect();
    let mut text = format!("`{}`: {}", side.sequence, reasons.join("; "));
    if let Some(weakest) = &side.weakest {
        text.push_str(&format!("; enough: `{weakest}`"));
    }
    Some(at(rule, level, &text, &side.file, side.line))
}

/// Returns what a machine saw of the side after, if it failed there and no known bug explains it.
fn stale(side: &SideVerdict, trials: &Trials) -> Option<Value> {
    if !trials.is_failure() {
        return None;
    }
    let failed = trials
        .seen
        .iter()
        .filter(|seen| seen.after == Some(Class::Fail) && seen.known.is_none());
    let checks: Vec<_> = failed.map(|seen| seen.check.id()).collect();
    let mut text = format!(
        "`{}` fails on {} in {}",
        side.sequence,
        trials.machine,
        checks.join(", ")
    );
    if let Some(story) = trials.story.as_ref().filter(|story| story.after) {
        text.push_str(&format!("; {}: {}", story.heading(), story.events.join("; ")));
    }
    Some(at("tlb-stale", "error", &text, &side.file, side.line))
}

fn unrecognised(unread: &Unrecognised) -> Value {
    at("tlb-unrecognised", "warning", &unread.text, &unread.file, unread.line)
}

fn at(rule: &str, level: &str, text: &str, file: &str, line: u32) -> Value {
    json!({
        "ruleId": rule,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line.max(1)},
        }}],
    })
}

/// Returns a path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
