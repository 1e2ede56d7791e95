// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scanned tree as a table and as JSON.

use crate::cmd::baseline::News;
use crate::output::table;
use report::number::plural;
use review::evaluate::verdict_id;
use review::output::escape::clean;
use review::output::json::{pretty, schema_of};
use review::placed::Placed;
use review::tree::{Judged, Scan};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
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
    let (one, several) = match news {
        Some(_) => ("new sequence", "new sequences"),
        None => ("sequence", "sequences"),
    };
    out.push_str(&format!(
        "{} in {}: {}\n{} without barriers of their own\n{} whose users are not in sight\n{} not understood\n",
        plural(scan.judged.len() as u64, one, several),
        plural(scan.files as u64, "source file", "source files"),
        if counts.is_empty() {
            "none".into()
        } else {
            counts.join(", ")
        },
        plural(scan.fragments as u64, "building block", "building blocks"),
        plural(scan.published as u64, "new mapping", "new mappings"),
        plural(scan.unread.len() as u64, "place", "places")
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

/// What `bench-host scan --json` prints.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "bench-host scan, schema 1")]
struct Document<'a> {
    schema: u32,
    /// Files read.
    files: usize,
    sequences: Vec<Found<'a>>,
    /// Sequences without a barrier, which their callers complete.
    building_blocks: usize,
    /// New mappings that are published, and whose users are not in sight.
    published_elsewhere: usize,
    unrecognised: Vec<Unrecognised<'a>>,
    /// What is new since the baseline; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    news: Option<Since<'a>>,
}

/// A sequence with its verdict.
#[derive(Serialize, JsonSchema)]
struct Found<'a> {
    file: &'a str,
    function: &'a str,
    line: u32,
    sequence: String,
    verdict: &'static str,
    reasons: Vec<Reason<'a>>,
    weakest: Option<&'a str>,
    assumptions: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Reason<'a> {
    rule: &'a str,
    text: &'a str,
}

/// What looks like maintenance and was not understood.
#[derive(Serialize, JsonSchema)]
struct Unrecognised<'a> {
    file: &'a str,
    line: u32,
    text: &'a str,
}

/// What of a scan a baseline has not.
#[derive(Serialize, JsonSchema)]
struct Since<'a> {
    /// Findings that the baseline has.
    known: usize,
    /// Findings of the baseline that are not there any more.
    gone: usize,
    sequences: Vec<Found<'a>>,
    unrecognised: Vec<Unrecognised<'a>>,
}

/// Returns the schema of the JSON.
pub fn schema() -> Schema {
    schema_of::<Document<'static>>()
}

/// Renders JSON, schema 1: the whole scan, and what of it is new where there is a baseline.
pub fn render_json(whole: &Scan, news: Option<(&News, &Scan)>) -> String {
    pretty(&Document {
        schema: 1,
        files: whole.files,
        sequences: sequences(whole),
        building_blocks: whole.fragments,
        published_elsewhere: whole.published,
        unrecognised: unread(whole),
        news: news.map(|(News { known, gone }, fresh)| Since {
            known: *known,
            gone: *gone,
            sequences: sequences(fresh),
            unrecognised: unread(fresh),
        }),
    })
}

fn sequences(scan: &Scan) -> Vec<Found<'_>> {
    scan.judged.iter().map(found).collect()
}

fn found(Judged { side, assumptions }: &Judged) -> Found<'_> {
    Found {
        file: &side.file,
        function: &side.function,
        line: side.line,
        sequence: side.sequence.to_string(),
        verdict: verdict_id(side.verdict),
        reasons: side
            .reasons
            .iter()
            .map(|ground| Reason {
                rule: &ground.rule,
                text: &ground.text,
            })
            .collect(),
        weakest: side.weakest.as_deref(),
        assumptions: assumptions
            .iter()
            .map(|part| (part.name, part.value.as_str()))
            .collect(),
    }
}

fn unread(scan: &Scan) -> Vec<Unrecognised<'_>> {
    let unread = scan.unread.iter();
    unread
        .map(|Placed { path, found }| Unrecognised {
            file: path,
            line: found.line,
            text: &found.text,
        })
        .collect()
}
