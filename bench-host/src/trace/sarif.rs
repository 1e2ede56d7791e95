// SPDX-License-Identifier: MIT OR Apache-2.0
//! A trace as SARIF 2.1.0 (OASIS), for code scanning.

use ::trace::finding::Kind;
use serde_json::{Value, json};

use super::shown::{Shown, Step, short};
use super::view::{CAVEAT, View};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

/// Renders a view.
pub fn render(view: &View) -> String {
    let rules: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| {
            json!({
                "id": kind.id(),
                "shortDescription": {"text": kind.title()},
                "fullDescription": {"text": CAVEAT},
            })
        })
        .collect();
    let results: Vec<Value> = view.findings.iter().map(result).collect();
    let mut run = json!({
        "tool": {"driver": {
            "name": "bench-host trace",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        }},
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    if let Some(why) = &view.incomplete {
        run["invocations"] = json!([{
            "executionSuccessful": false,
            "toolExecutionNotifications": [{"level": "warning", "message": {"text": why}}],
        }]);
    }
    let document = json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]});
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn location(step: &Step) -> Value {
    let message = json!({"text": format!("PE {} {:#x}: {}", step.step.pe, step.step.pc, step.step.text)});
    match step
        .place
        .as_ref()
        .and_then(|place| Some((place.file.as_ref()?, place.line?)))
    {
        Some((file, line)) => json!({
            "physicalLocation": {
                "artifactLocation": {"uri": uri(short(file))},
                "region": {"startLine": line.max(1)},
            },
            "message": message,
        }),
        None => json!({
            "physicalLocation": {"address": {"absoluteAddress": step.step.pc}},
            "message": message,
        }),
    }
}

/// Returns a path as a URI reference.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/+".contains(&byte);
    let mut out = String::new();
    for byte in path.bytes() {
        if plain(byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn result(shown: &Shown) -> Value {
    let finding = &shown.finding;
    let mut text = format!(
        "{}, {} times, {} of {}: `{}`: {}. {CAVEAT}",
        shown.kind.title(),
        finding.count,
        shown.addresses(),
        finding.regime,
        finding.sequence,
        finding.reasons.join("; ")
    );
    if let Some(enough) = &finding.enough {
        text.push_str(&format!(" Enough: `{enough}`."));
    }
    let flow: Vec<Value> = shown
        .story
        .iter()
        .map(|step| json!({"location": location(step)}))
        .collect();
    let mut result = json!({
        "ruleId": shown.kind.id(),
        "level": "error",
        "message": {"text": text},
        "locations": shown.main().map(location).into_iter().collect::<Vec<_>>(),
        "codeFlows": [{"threadFlows": [{"locations": flow}]}],
    });
    if let Some(reason) = &shown.suppressed {
        result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
    }
    result
}
