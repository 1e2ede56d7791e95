// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain text of 72 columns, to paste into a reply.

use crate::review::Review;
use crate::review::evaluate::{Evaluated, verdict_id};
use crate::review::output::{context, heading, headline, leading, side_by_side, timing};
use sequences::judge::Verdict;

/// The width that survives being quoted a few times.
pub const WIDTH: usize = 72;
/// Changes that are shown in full; further ones in a line each.
const FULL: usize = 6;

/// Renders a review.
pub fn render(review: &Review) -> String {
    let mut out = String::new();
    if !review.subject.is_empty() {
        wrap(&mut out, "", &clean(&review.subject));
    }
    wrap(&mut out, "", &headline(review));
    for (index, (change, stored)) in review.changes.iter().zip(&review.timing).enumerate() {
        if index < FULL {
            one(&mut out, change, &timing(stored));
        } else {
            let verdict = change.shown().map_or("", |side| verdict_id(side.verdict));
            wrap(&mut out, "  ", &format!("{}: {verdict}", clean(&heading(change))));
        }
    }
    if !review.barriers.is_empty() {
        out.push_str("\nBarriers outside these sequences:\n");
        for barrier in review.barriers.iter().take(8) {
            wrap(&mut out, "  ", &clean(barrier));
        }
    }
    if !review.unrecognised.is_empty() {
        out.push_str("\nLooks like maintenance, not understood:\n");
        for unread in review.unrecognised.iter().take(12) {
            let mark = if unread.after { '+' } else { '-' };
            wrap(
                &mut out,
                "  ",
                &format!("{mark} {}:{} {}", clean(&unread.file), unread.line, clean(&unread.text)),
            );
        }
        let rest = review.unrecognised.len().saturating_sub(12);
        if rest > 0 {
            out.push_str(&format!("  and {rest} more (--format json lists all)\n"));
        }
    }
    for note in review.notes.iter().take(8) {
        wrap(&mut out, "Note: ", &clean(note));
    }
    if !review.changes.is_empty() {
        out.push('\n');
        wrap(
            &mut out,
            "Judged-by: ",
            &format!(
                "bench-host {}, architecture rules; no cycle was measured for it",
                env!("CARGO_PKG_VERSION")
            ),
        );
        wrap(&mut out, "Reproduce: ", &clean(&review.command));
    }
    out
}

fn one(out: &mut String, change: &Evaluated, stored: &[String]) {
    out.push('\n');
    wrap(out, "", &clean(&heading(change)));
    let rows = side_by_side(change);
    let widest = rows
        .iter()
        .map(|(old, _)| old.chars().count())
        .max()
        .unwrap_or(0)
        .clamp(22, 36);
    let title = |present: bool, name: &str| if present { name.to_owned() } else { String::new() };
    let mut line = |old: &str, new: &str| {
        let text = format!("  {old:widest$} | {new}");
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(
        &title(change.before.is_some(), "before"),
        &title(change.after.is_some(), "after"),
    );
    for (old, new) in &rows {
        line(old, new);
    }
    let verdict = |side: &Option<crate::review::evaluate::SideVerdict>| {
        side.as_ref()
            .map_or(String::new(), |side| verdict_id(side.verdict).to_owned())
    };
    let equals = |verdict: String| {
        if verdict.is_empty() {
            verdict
        } else {
            format!("= {verdict}")
        }
    };
    line(&equals(verdict(&change.before)), &equals(verdict(&change.after)));
    if change.before.is_some() && change.after.is_some() {
        let words = if change.differences.is_empty() {
            String::new()
        } else {
            format!(": {}", change.differences.join("; "))
        };
        wrap(out, "  after is ", &format!("{}{words}", change.relation.name()));
    }
    wrap(out, "  context: ", &context(change));
    for (side, name) in [(&change.before, "before"), (&change.after, "after")] {
        let Some(side) = side else { continue };
        // The side after is what is decided on; of the side before, what it overpaid or lacked.
        let most = match (name, side.verdict) {
            (_, Verdict::Insufficient | Verdict::Unknown) => 4,
            ("after", _) => 4,
            (_, Verdict::StrongerThanNeeded) => 3,
            _ => 0,
        };
        for ground in leading(side, most) {
            wrap(
                out,
                &format!("  {name}: "),
                &format!("{} [{}]", ground.text, short(&ground.citation)),
            );
        }
        if side.verdict == Verdict::Insufficient {
            for (number, step) in side.counterexample.iter().take(10).enumerate() {
                wrap(out, &format!("    {}. ", number + 1), step);
            }
        }
        if let Some(weakest) = &side.weakest {
            wrap(out, &format!("  {name}, enough: "), weakest);
        }
    }
    let shown = change.shown();
    let errata: Vec<&str> = shown
        .into_iter()
        .flat_map(|side| &side.errata)
        .map(|ground| ground.rule.as_str())
        .collect();
    if !errata.is_empty() {
        wrap(out, "  errata to check: ", &errata.join(", ").replace("erratum ", ""));
    }
    for line in stored {
        wrap(out, "  timing: ", line);
    }
    for question in change.questions.iter().take(3) {
        wrap(out, "  ask: ", question);
    }
}

/// Returns the section or rule of a citation without its title.
fn short(citation: &str) -> &str {
    match citation.find([',', ':', ';']) {
        Some(at) if citation[..at].contains(char::is_numeric) || citation[..at].contains("R_") => &citation[..at],
        _ => citation,
    }
}

/// Writes text after a label, wrapped to the width, further lines indented.
fn wrap(out: &mut String, label: &str, text: &str) {
    let indent = label.chars().take_while(|c| *c == ' ').count() + if label.trim().is_empty() { 0 } else { 4 };
    let mut line = label.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        let fits = line.chars().count() + usize::from(!empty) + word.chars().count() <= WIDTH;
        if !fits && !empty {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        // A word wider than the page is cut into pieces.
        for character in word.chars() {
            if line.chars().count() >= WIDTH {
                out.push_str(&line);
                out.push('\n');
                line = " ".repeat(indent);
            }
            line.push(character);
        }
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Makes control characters of hostile names visible.
pub(super) fn clean(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars()
        .map(|c| {
            if c == '\t' || c == '\n' {
                ' '
            } else if hostile(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_the_page() {
        let mut out = String::new();
        wrap(
            &mut out,
            "  label: ",
            &format!("{} {}", "word ".repeat(40), "x".repeat(200)),
        );
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert_eq!(out.matches('x').count(), 200);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31m\u{202e}b\tc"), "a\u{fffd}[31m\u{fffd}b c");
    }
}
