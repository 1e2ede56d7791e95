// SPDX-License-Identifier: MIT OR Apache-2.0
//! SARIF 2.1.0 (OASIS), for code scanning.

use crate::output::finding::{Finding, Rule, of_series};
use crate::output::json::pretty;
use crate::series::Reviewed;
use serde_json::{Value, json};
use std::collections::HashMap;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

/// Where the rules are from that findings rest on: the Arm Architecture Reference Manual for A-profile, DDI 0487.
pub const MANUAL: &str = "https://developer.arm.com/documentation/ddi0487/latest";

/// Renders a review.
pub fn render(reviewed: &Reviewed) -> String {
    let all = || {
        reviewed
            .patches
            .iter()
            .map(|patch| &patch.notes)
            .chain([&reviewed.notes])
    };
    let notices = match all().any(|notes| notes.losses() > 0) {
        true => all().flat_map(|notes| notes.lines(usize::MAX)).collect(),
        false => Vec::new(),
    };
    render_findings(&of_series(reviewed), &notices)
}

/// Renders findings; `notices` say what was not read.
pub fn render_findings(findings: &[Finding], notices: &[String]) -> String {
    let rules = Rule::ALL.map(|rule| {
        let mut described = self::rule(rule.id(), rule.title(), rule.help());
        described["defaultConfiguration"] = json!({"level": rule.level().word()});
        described
    });
    let mut seen = HashMap::new();
    let results = findings.iter().map(|finding| result(finding, &mut seen)).collect();
    pretty(&document("bench-host", rules.to_vec(), results, notices))
}

/// Returns the description of a rule.
pub fn rule(id: &str, title: &str, help: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": help},
        "help": {"text": help},
        "helpUri": MANUAL,
    })
}

/// Returns a document with one run. Without the notices, a text that was not read would look like one without a finding.
pub fn document(tool: &str, rules: Vec<Value>, results: Vec<Value>, notices: &[String]) -> Value {
    let mut run = json!({
        "tool": {"driver": {
            "name": tool,
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": home(),
            "rules": rules,
        }},
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    if !notices.is_empty() {
        let notification = |note: &String| json!({"level": "warning", "message": {"text": note}});
        run["invocations"] = json!([{
            "executionSuccessful": false,
            "toolExecutionNotifications": notices.iter().map(notification).collect::<Vec<_>>(),
        }]);
    }
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
}

/// Returns where to read about the tool: its home where the build names one, or else the manual that it follows.
fn home() -> &'static str {
    match env!("CARGO_PKG_REPOSITORY") {
        "" => MANUAL,
        home => home,
    }
}

/// Returns the identity of a finding, which stays when lines move: what it is, and which of several alike.
pub fn fingerprint(rule: &str, file: &str, what: &str, seen: &mut HashMap<String, usize>) -> String {
    let name = format!("{rule}|{file}|{what}");
    let count = seen.entry(name.clone()).or_default();
    *count += 1;
    match *count {
        1 => name,
        count => format!("{name}|{count}"),
    }
}

fn result(finding: &Finding, seen: &mut HashMap<String, usize>) -> Value {
    let line = finding.line.max(1);
    let print = fingerprint(finding.rule.id(), &finding.file, &finding.what, seen);
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": finding.level.word(),
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&finding.file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line, "endLine": finding.last_line.max(line)},
        }}],
        "partialFingerprints": {"tlbFinding/v1": print},
    })
}

/// Returns a path as a relative URI reference.
pub fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
