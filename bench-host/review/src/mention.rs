// SPDX-License-Identifier: MIT OR Apache-2.0
//! What changed lines speak of by their words alone: the net under the readers.
//!
//! The readers of [`extract`](crate::extract) understand what they know, and skip the rest. A changed line that speaks of
//! TLB maintenance and became no part of a sequence, no barrier and no named doubt would be lost without a word, and the
//! review would say that nothing is changed. So every changed line is looked at once more, as words: what speaks of
//! maintenance and is accounted for nowhere is listed as not understood. What speaks of it is an instruction of
//! maintenance, in text or as its encoding; the name of a flush, called, jumped to or given away; and a write of a register
//! that decides how addresses are translated, however a project spells it ([`words`]).

use crate::extract::Unread;
use crate::extract::instruction::{is_instruction, writes_translation};
use crate::extract::names::is_long_barrier;
use crate::extract::publish::is_of_driver;
use crate::extract::text::folded;
use crate::extract::token::{Language, Token, TokenKind, closing, join, tokens};
use crate::extract::words::{self, encoded, flush, speaks_in_assembly, write};
use crate::extract::{Doubt, asm, text};
use crate::placed::{Placed, on_one_side};
use crate::source::Unit;
use sequences::TlbiOp;
use std::collections::BTreeMap;

/// Most characters that are said of a line.
const MAX_SAID: usize = 200;

/// A line that speaks of maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Its line.
    pub line: u32,
    /// What is said, with white space folded.
    pub text: String,
    /// Of the write of a register: what orders or translates stands right before and after it, and how deep it is indented.
    /// Where one of these changes, the write is not as it was.
    pub order: String,
}

/// Which lines are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Those that are on one side of a patch only.
    Changed,
    /// All, by what they say as instructions alone.
    Every,
    /// All, by names of flushes and writes of registers too.
    Words,
}

impl Mention {
    /// Returns whether it is of an invalidation, not of a barrier alone.
    pub fn is_tlbi(&self) -> bool {
        self.text.to_ascii_lowercase().contains("tlbi")
    }

    /// Returns it as something that was not understood.
    pub fn unread(self) -> Unread {
        Unread::new(self.line, self.text, true, Doubt::Spelling)
    }
}

/// Returns the lines of a unit that speak of maintenance: an operation or barrier by its mnemonic, in code, in a
/// string, or in the body of a macro.
pub fn mentions(unit: &Unit, lines: Lines) -> Vec<Mention> {
    let (every, strict) = (lines != Lines::Changed, lines == Lines::Every);
    let mut found: BTreeMap<u32, String> = BTreeMap::new();
    for segment in &unit.segments {
        if unit.language() == Language::Assembly {
            for statement in asm::statements(&segment.lines, asm::is_armasm(&unit.path)) {
                if !(every || statement.changed) {
                    continue;
                }
                if is_instruction(&statement.text) {
                    found.entry(statement.line).or_insert(statement.text);
                } else if !strict && let Some(text) = speaks_in_assembly(&statement.text) {
                    found.entry(statement.line).or_insert(text);
                }
            }
            continue;
        }
        let tokens = tokens(&segment.lines, unit.language());
        for (index, token) in tokens.iter().enumerate() {
            if token.kind == TokenKind::Directive && !token.text.starts_with("include") {
                let changed = |number| {
                    segment
                        .lines
                        .iter()
                        .any(|line| line.number == number && (every || line.changed))
                };
                for (number, part) in (token.line..).zip(token.text.split('\n')) {
                    let speaks = |word: &str| is_mnemonic(word) || !strict && encoded(word);
                    if (text::words(part).any(speaks) || !strict && words::body_speaks(part)) && changed(number) {
                        found.entry(number).or_insert_with(|| part.to_owned());
                    }
                }
                continue;
            }
            let all_parts;
            let text = match token.kind {
                TokenKind::Text if lines == Lines::Words => {
                    let parts = token.text.split(['\n', ';']).map(str::trim);
                    let own = parts.filter(|part| is_instruction(part) || writes_translation(part));
                    all_parts = own.collect::<Vec<_>>().join("; ");
                    Some(all_parts.as_str()).filter(|text| !text.is_empty())
                }
                TokenKind::Text => token.text.split(['\n', ';']).find(|part| is_instruction(part)),
                TokenKind::Word if lines == Lines::Words && is_mnemonic(&token.text) && is_call(&tokens, index) => {
                    let close = closing(&tokens, index + 1).min(tokens.len() - 1);
                    all_parts = format!("{} {}", token.text, join(&tokens[index + 2..close.max(index + 2)]));
                    Some(all_parts.as_str())
                }
                TokenKind::Word if is_called_barrier(&tokens, index) => Some(token.text.as_str()),
                // A statement of its own: `ISB;`, `dsb sy`; elsewhere it is a name.
                TokenKind::Word if token.column.is_some() => {
                    let next = tokens.get(index + 1);
                    let alone = next.is_none_or(|next| next.is(";") || next.kind == TokenKind::Word);
                    Some(token.text.as_str()).filter(|word| alone && is_mnemonic(word))
                }
                // The first argument of a macro; in a list it is a constant.
                TokenKind::Word if index > 0 && tokens[index - 1].is("(") => {
                    Some(token.text.as_str()).filter(|word| is_named_operation(word))
                }
                _ => None,
            };
            if let Some(text) = text.filter(|_| every || token.changed) {
                let said = found.entry(token.line).or_insert_with(|| text.to_owned());
                // Of several instructions in a line, each may be what changes.
                if lines == Lines::Words && said != text && said.len() < MAX_SAID {
                    said.push_str(&format!("; {text}"));
                }
            } else if let Some(text) = Some(index)
                .filter(|_| !strict && (every || token.changed))
                .and_then(|index| write(&tokens, index).or_else(|| flush(&tokens, index)))
            {
                // Of several names in a line, each may be what changes.
                let said = found.entry(token.line).or_default();
                if said.is_empty() {
                    *said = text;
                } else if !said.contains(&text) && said.len() < MAX_SAID {
                    said.push_str(&format!(", {text}"));
                }
            }
        }
    }
    let mention = |(line, text): (u32, String)| Mention {
        line,
        order: match words::is_write(&text) {
            true => order(unit, line),
            false => String::new(),
        },
        text: folded(&text),
    };
    found
        .into_iter()
        .filter(|(line, text)| match words::is_barrier(text) {
            _ if is_long_barrier(text) => !strict && !is_of_driver(&unit.path) && is_near_translation(unit, *line),
            is_barrier => strict || !is_barrier || is_near_translation(unit, *line),
        })
        .map(mention)
        .collect()
}

/// Returns whether anything that a barrier may order for translation is near a line.
fn is_near_translation(unit: &Unit, line: u32) -> bool {
    const FAR: usize = 12;
    unit.segments.iter().any(|segment| {
        let lines = &segment.lines;
        let Ok(at) = lines.binary_search_by_key(&line, |source| source.number) else {
            return false;
        };
        let near = &lines[at.saturating_sub(FAR)..lines.len().min(at + 1 + FAR)];
        words::speak_of_translation(near.iter().map(|source| source.text.as_str()))
            || words::speak_of_translation([segment.section.as_str(), unit.path.as_str()].into_iter())
    })
}

/// Says what stands around a line: its indentation, and what orders or translates next to it on both sides.
fn order(unit: &Unit, line: u32) -> String {
    const FAR: usize = 6;
    const KINDS: [&str; 8] = ["isb", "dsb", "tlb", "ttbr", "sctlr", "tcr", "hcr", "eret"];
    let kind = |text: &str| {
        let lower = text.to_ascii_lowercase();
        KINDS.into_iter().find(|kind| lower.contains(kind))
    };
    let segments = unit.segments.iter();
    let place = segments.filter_map(|segment| {
        let lines = &segment.lines;
        let at = lines.binary_search_by_key(&line, |source| source.number).ok()?;
        let text = lines[at].text.as_str();
        let depth = text.len() - text.trim_start().len();
        let near = |range: &[crate::extract::token::SourceLine]| -> Vec<&str> {
            range.iter().filter_map(|source| kind(&source.text)).collect()
        };
        let before = near(&lines[at.saturating_sub(FAR)..at]);
        let after = near(&lines[at + 1..lines.len().min(at + 1 + FAR)]);
        Some(format!("{depth} {:?} {:?}", before.last(), after.first()))
    });
    place.take(1).collect()
}

/// Returns whether a word is called.
fn is_call(tokens: &[Token], index: usize) -> bool {
    tokens.get(index + 1).is_some_and(|next| next.is("(")) && !words::is_declared(tokens, index)
}

/// Returns whether a word is the mnemonic of maintenance, or of a barrier, in whatever case.
fn is_mnemonic(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "tlbi" | "__tlbi" | "dsb" | "isb")
}

/// Returns whether a token is a call of a barrier that is known by its long name alone, as a statement.
fn is_called_barrier(tokens: &[Token], index: usize) -> bool {
    let called = tokens.get(index + 1).is_some_and(|next| next.is("("));
    called && is_long_barrier(&tokens[index].text) && !words::is_declared(tokens, index)
}

/// Returns whether a word is the name of an operation that a macro makes an instruction of: `TLBI_VMALLE1`.
fn is_named_operation(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let name = lower.strip_prefix("tlbi_");
    name.is_some_and(|name| TlbiOp::from_name(name).is_some())
}

/// Returns what of both sides' mentions is accounted for nowhere. A text that the patch takes from one place and puts in
/// another is no change of its own.
///
/// Each side: the mentions by file, and whether a line of a file is accounted for.
pub fn unaccounted(
    before: Vec<Placed<Mention>>,
    after: Vec<Placed<Mention>>,
    is_read: impl Fn(bool, &str, u32) -> bool,
) -> [Vec<Placed<Unread>>; 2] {
    let key = |mention: &Mention| (mention.text.clone(), mention.order.clone());
    let [old, new] = on_one_side([before, after], key);
    [(old, false), (new, true)].map(|(side, is_after)| {
        let unread = side
            .into_iter()
            .filter(|placed| !is_read(is_after, &placed.path, placed.found.line));
        unread
            .map(|Placed { path, found }| Placed {
                path,
                found: found.unread(),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::token::SourceLine;
    use crate::source::Segment;

    fn texts(path: &str, lines: &[&str]) -> Vec<String> {
        let line = |(number, text): (u32, &&str)| SourceLine {
            number,
            text: (*text).to_owned(),
            changed: true,
        };
        let unit = Unit {
            path: path.into(),
            segments: vec![Segment {
                section: String::new(),
                lines: (1..).zip(lines).map(line).collect(),
            }],
        };
        mentions(&unit, Lines::Changed)
            .into_iter()
            .map(|mention| mention.text)
            .collect()
    }

    #[test]
    fn instructions_are_seen_wherever_they_stand() {
        assert_eq!(
            texts(
                "a.c",
                &[
                    "EMIT(\"tlbi alle2\");",
                    "#define WAIT  dsb sy",
                    "  ISB;",
                    "  REG_STORE(TLBI_VMALLE1, 0);",
                    "printk(\"dsb failed; isb too\");",
                    "/* tlbi alle2 */ x = y;",
                ]
            ),
            ["tlbi alle2", "define WAIT dsb sy", "ISB", "TLBI_VMALLE1"]
        );
        assert_eq!(
            texts("a.S", &["  dsb ishst // tlbi", "  tlbi \\op", "  mov x0, x1"]),
            ["dsb ishst", "tlbi \\op"]
        );
    }

    #[test]
    fn what_only_moves_is_no_change() {
        let mention = |line| Mention {
            line,
            text: "isb".into(),
            order: String::new(),
        };
        let one = |line| {
            vec![Placed {
                path: "a.c".to_owned(),
                found: mention(line),
            }]
        };
        assert_eq!(unaccounted(one(1), one(9), |_, _, _| false), [vec![], vec![]]);
        let [before, after] = unaccounted(vec![], one(9), |_, _, _| false);
        assert!(before.is_empty() && after[0].found.line == 9);
        let read = |after: bool, _: &str, line: u32| after && line == 9;
        assert_eq!(unaccounted(vec![], one(9), read), [vec![], vec![]]);
    }
}
