// SPDX-License-Identifier: MIT OR Apache-2.0
//! A trace as SARIF 2.1.0 (OASIS), for code scanning.

use std::collections::HashMap;

use ::trace::finding::Kind;
use review::output::json::pretty;
use review::output::sarif::{document, fingerprint, rule, uri};
use serde_json::{Value, json};

use super::shown::{Shown, Step, short};
use super::view::{CAVEAT, View};

/// Renders a view.
pub fn render(view: &View) -> String {
    let rules = Kind::ALL
        .iter()
        .map(|kind| rule(kind.id(), kind.title(), CAVEAT))
        .collect();
    let mut seen = HashMap::new();
    let results = view.findings.iter().map(|shown| result(shown, &mut seen)).collect();
    let notices: Vec<String> = view.incomplete.iter().map(ToString::to_string).collect();
    pretty(&document("bench-host trace", rules, results, &notices))
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

fn result(shown: &Shown, seen: &mut HashMap<String, usize>) -> Value {
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
    let place = shown.main().and_then(|step| step.place.as_ref());
    let place = place.map_or(String::new(), |place| place.functions.join(" in "));
    let print = fingerprint(shown.kind.id(), &place, &finding.sequence.to_string(), seen);
    let mut result = json!({
        "ruleId": shown.kind.id(),
        "level": "error",
        "message": {"text": text},
        "locations": shown.main().map(location).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": {"tlbTrace/v1": print},
        "codeFlows": [{"threadFlows": [{"locations": flow}]}],
    });
    if let Some(reason) = &shown.suppressed {
        result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
    }
    result
}
