// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where functions start and end.

use crate::extract::asm::macros::macro_head;
use crate::extract::asm::statement::{Statement, framed, without_comment};
use std::collections::HashSet;

/// Names of functions and of branch targets in a piece of source.
pub(super) struct Declared {
    pub(super) functions: HashSet<String>,
    pub(super) targets: HashSet<String>,
}

/// Collects the functions and branch targets that a piece of source names.
pub(super) fn declared(source: &[Statement]) -> Declared {
    let mut all = Declared {
        functions: HashSet::new(),
        targets: HashSet::new(),
    };
    for statement in source {
        let (word, rest) = statement.words();
        let last = || rest.rsplit(',').next().unwrap_or_default().trim().to_owned();
        let lower = word.to_ascii_lowercase();
        match word {
            "bl" | "BL" => {
                all.functions.insert(rest.to_owned());
            }
            ".global" | ".globl" | ".type" | ".size" | ".weak" | "EXPORT" => {
                let name = rest.split(',').next().unwrap_or_default().trim();
                all.functions.insert(name.to_owned());
            }
            _ if lower.starts_with('b') || lower.starts_with("cb") || lower.starts_with("tb") => {
                all.targets.insert(last());
            }
            _ => {
                if is_end(statement) {
                    all.functions.extend(inner_name(&statement.text));
                }
            }
        }
    }
    all
}

/// Returns whether a label is local by its form.
pub(super) fn is_local(label: &str) -> bool {
    label.starts_with(['.', '\\', '$'])
        || label.chars().next().is_some_and(|c| c.is_ascii_digit())
        || label.starts_with("L_")
}

/// Returns the name of the function that starts with this statement.
pub(super) fn start(statement: &Statement) -> Option<String> {
    let head = statement.text.split(|c: char| c.is_whitespace() || c == '(').next()?;
    let upper = head.to_ascii_uppercase();
    // Go: `TEXT ·name(SB),NOSPLIT,$0`.
    if head == "TEXT" {
        let name = statement.text[head.len()..].trim().trim_start_matches('·');
        return Some(name.split(['(', '<']).next().unwrap_or_default().to_owned());
    }
    let known = matches!(
        upper.as_str(),
        "FUNC" | "FUNCTION" | "PROC" | "ENTRY" | "LENTRY" | "EENTRY" | "ASENTRY" | "WEAK_ENTRY"
    ) || upper.ends_with("_START")
        && (upper.contains("FUNC") || upper.contains("CODE") || upper.contains("SYM_"))
        || upper.starts_with("SYM_FUNC_START")
        || upper.starts_with("SYM_CODE_START")
        || upper.ends_with("_FUNC") && !upper.starts_with("END")
        || upper.ends_with("_FUNCTION") && !upper.starts_with("END")
        || upper.starts_with("ENTRY_")
        || upper == "BEGIN_FUNC"
        || upper.starts_with("FUNC_") && !upper.contains("END")
        || upper.starts_with("ASM_FUNC");
    if !known || head.starts_with(['#', '.']) {
        return None;
    }
    inner_name(&statement.text)
}

/// Returns whether a function ends with this statement.
pub(super) fn is_end(statement: &Statement) -> bool {
    let head = statement
        .text
        .split(|c: char| c.is_whitespace() || c == '(')
        .next()
        .unwrap_or_default();
    let upper = head.to_ascii_uppercase();
    let start = upper.starts_with("END") || upper.starts_with("SYM_FUNC_END") || upper.starts_with("SYM_CODE_END");
    start
        && !statement.text.contains(':')
        && upper != "ENDIF"
        && !inner_name(&statement.text).is_none_or(|name| name.is_empty())
        || upper.ends_with("_END") && upper.contains("FUNC")
}

/// Returns the name in `MACRO(name)`, `MACRO(name, ...)` or `macro name`.
fn inner_name(text: &str) -> Option<String> {
    let at = text.find(|c: char| c.is_whitespace() || c == '(')?;
    let rest = text[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
        .collect();
    name.starts_with(|c: char| !c.is_ascii_digit()).then_some(name)
}

/// Returns the function a hunk's section text names.
pub fn function_name(section: &str) -> Option<String> {
    let text = without_comment(section);
    let statement = Statement {
        line: 0,
        changed: false,
        text: framed(text.trim()).unwrap_or_else(|| text.trim().to_owned()),
    };
    if let Some(name) = start(&statement) {
        return Some(name);
    }
    if let Some(rest) = statement.text.strip_prefix(".macro ") {
        return Some(macro_head(rest).0);
    }
    let first = statement.peel_labels().into_iter().next()?;
    first.label().filter(|label| !is_local(label)).map(str::to_owned)
}
