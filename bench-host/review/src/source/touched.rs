// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions and macros that a patch changes, whatever it does to them.

use crate::extract::place::Layout;
use crate::source::Unit;
use std::collections::HashMap;

/// A function or macro, and what a patch changes in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its name; empty where the changed lines stand in none.
    pub name: String,
    /// Its changed lines, comments left out, with white space folded.
    pub lines: Vec<(u32, String)>,
}

/// Returns the functions and macros that are in sight on one side of a patch, in the order of the text, with the lines
/// that are on this side only; none for what the patch leaves alone.
pub fn touched(unit: &Unit) -> Vec<Touched> {
    let mut out: Vec<Touched> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut at = |name: &str, out: &mut Vec<Touched>| {
        *known.entry(name.to_owned()).or_insert_with(|| {
            out.push(Touched {
                name: name.to_owned(),
                lines: Vec::new(),
            });
            out.len() - 1
        })
    };
    for segment in &unit.segments {
        let semicolon = unit.path.ends_with(".asm");
        let layout = Layout::of(&segment.lines, &segment.section, unit.language(), semicolon);
        // What stands in no function is on both sides.
        for name in layout.names().chain([""]) {
            at(name, &mut out);
        }
        for line in segment
            .lines
            .iter()
            .filter(|line| line.changed && layout.counts(line.number))
        {
            let index = at(layout.name(line.number), &mut out);
            let text = line.text.split_whitespace().collect::<Vec<_>>().join(" ");
            out[index].lines.push((line.number, text));
        }
    }
    out
}
