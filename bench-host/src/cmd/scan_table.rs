// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scanned tree as a table and as JSON.

use crate::cmd::baseline::News;
use crate::output::table;
use review::evaluate::verdict_id;
use review::output::escape::clean;
use review::output::json::pretty;
use review::placed::Placed;
use review::tree::{Judged, Scan};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Renders the table and its sums. Sufficient rows are left out unless `all`; with news, the scan is what is new.
pub fn render(scan: &Scan, all: bool, news: Option<&News>) -> String {
    let row = |cells: [&str; 4]| cells.map(clean).to_vec();
    let mut rows = vec![row(["where", "function", "sequence", "verdict"])];
    for Judged { side, .. } in &scan.judged {
        let place = format!("{}:{}", side.file, side.line);
        if all || !side.verdict.is_sufficient() {
            rows.push(row([
                &place,
                &side.function,
                &shortened(&side.sequence.to_string(), all),
                verdict_id(side.verdict),
            ]));
        }
    }
    let mut out = if rows.len() > 1 {
        table(&rows) + "\n"
    } else {
        String::new()
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for judged in &scan.judged {
        *counts.entry(verdict_id(judged.side.verdict)).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    out.push_str(&format!(
        "{} {}sequences in {} source files: {}\n{} building blocks without barriers of their own\n{} places not understood\n",
        scan.judged.len(),
        if news.is_some() { "new " } else { "" },
        scan.files,
        if counts.is_empty() { "none".into() } else { counts.join(", ") },
        scan.fragments,
        scan.unread.len()
    ));
    for Placed { path, found: unread } in scan.unread.iter().take(if all { usize::MAX } else { 10 }) {
        out.push_str(&format!("  {}:{} {}\n", clean(path), unread.line, clean(&unread.text)));
    }
    if let Some(News { known, gone }) = news {
        out.push_str(&format!(
            "Against the baseline: {known} known and not shown, {gone} gone\n"
        ));
    }
    out
}

/// Returns a sequence that leaves the columns beside it in sight, or `all` of it.
fn shortened(sequence: &str, all: bool) -> String {
    const MOST: usize = 72;
    if all || sequence.chars().count() <= MOST {
        return sequence.to_owned();
    }
    let start: String = sequence.chars().take(MOST - 4).collect();
    let end = start.rfind("; ").map_or(start.as_str(), |at| &start[..=at]);
    format!("{end} ...")
}

/// Renders JSON, schema 1: the whole scan, and what of it is new where there is a baseline.
pub fn render_json(whole: &Scan, news: Option<(&News, &Scan)>) -> String {
    let mut document = json!({
        "schema": 1,
        "files": whole.files,
        "sequences": sequences(whole),
        "building_blocks": whole.fragments,
        "unrecognised": unread(whole),
    });
    if let Some((News { known, gone }, fresh)) = news {
        document["news"] = json!({
            "known": known,
            "gone": gone,
            "sequences": sequences(fresh),
            "unrecognised": unread(fresh),
        });
    }
    pretty(&document)
}

fn sequences(scan: &Scan) -> Vec<Value> {
    scan.judged
        .iter()
        .map(|Judged { side, assumptions }| {
            let reasons: Vec<_> = side
                .reasons
                .iter()
                .map(|r| json!({"rule": r.rule, "text": r.text}))
                .collect();
            let context: BTreeMap<_, _> = assumptions
                .iter()
                .map(|part| (part.name, part.value.as_str()))
                .collect();
            json!({
                "file": side.file,
                "function": side.function,
                "line": side.line,
                "sequence": side.sequence.to_string(),
                "verdict": verdict_id(side.verdict),
                "reasons": reasons,
                "weakest": side.weakest,
                "assumptions": context,
            })
        })
        .collect()
}

fn unread(scan: &Scan) -> Vec<Value> {
    scan.unread
        .iter()
        .map(|Placed { path, found }| json!({"file": path, "line": found.line, "text": found.text}))
        .collect()
}
