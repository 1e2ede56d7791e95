// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain text of 72 columns, to paste into a reply.

use crate::review::evaluate::{Evaluated, Ground, SideVerdict, verdict_id};
use crate::review::output::{context, heading, headline, side_by_side, tested_on, timing};
use crate::review::relation::Relation;
use crate::review::{Review, Unrecognised, trial};
use sequences::Instruction;
use sequences::judge::Verdict;

/// The width that survives being quoted a few times.
pub const WIDTH: usize = 72;
/// How much is shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// Changes in full; further ones in a line each.
    full: usize,
    /// Everything about them.
    long: bool,
}

/// Renders a review so that one change fits a screen.
pub fn render(review: &Review) -> String {
    render_as(review, Shown { full: 3, long: false })
}

/// Renders a review with all its evidence.
pub fn render_long(review: &Review) -> String {
    let long = Shown {
        full: usize::MAX,
        long: true,
    };
    render_as(review, long)
}

fn render_as(review: &Review, shown: Shown) -> String {
    let mut out = String::new();
    if !review.subject.is_empty() {
        wrap(&mut out, "", &clean(&review.subject));
    }
    wrap(&mut out, "", &headline(review));
    for index in order(review, shown) {
        let change = &review.changes[index];
        out.push('\n');
        wrap(&mut out, "", &clean(&heading(change)));
        table(&mut out, change);
        evidence(&mut out, change, shown.long);
        for line in trial::lines(&review.trials[index], shown.long) {
            wrap(&mut out, "  checks: ", &line);
        }
        for line in timing(&review.timing[index]) {
            wrap(&mut out, "  timing: ", &clean(&line));
        }
        for question in change.questions.iter().take(questions(change, shown.long)) {
            wrap(&mut out, "  ask: ", question);
        }
    }
    rest(&mut out, review, shown);
    lists(&mut out, review, shown.long);
    if !review.changes.is_empty() {
        out.push('\n');
        tag(&mut out, review);
    }
    out
}

/// Returns how many questions are shown: of what is decided, the first.
fn questions(change: &Evaluated, long: bool) -> usize {
    let decided = change.after.as_ref().is_some_and(|side| side.verdict.is_sufficient());
    match (long, decided) {
        (true, _) => usize::MAX,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// Returns the changes shown in full, in order: where there are many, those that are not sufficient first.
fn order(review: &Review, shown: Shown) -> Vec<usize> {
    let mut all: Vec<usize> = (0..review.changes.len()).collect();
    if all.len() > shown.full {
        all.sort_by_key(|&index| rank(&review.changes[index]));
        all.truncate(shown.full);
        all.sort_unstable();
    }
    all
}

fn rank(change: &Evaluated) -> u8 {
    match change.after.as_ref().map(|side| side.verdict) {
        Some(Verdict::Insufficient) => 0,
        _ if change.is_open() => 1,
        _ if change.relation != Relation::Equivalent => 2,
        _ => 3,
    }
}

/// Lists the changes that are not shown in full, in a line each.
fn rest(out: &mut String, review: &Review, shown: Shown) {
    const MOST: usize = 24;
    let full = order(review, shown);
    let left: Vec<usize> = (0..review.changes.len())
        .filter(|index| !full.contains(index))
        .collect();
    if left.is_empty() {
        return;
    }
    out.push_str("\nIn a line each (--long shows all):\n");
    for &index in left.iter().take(MOST) {
        let change = &review.changes[index];
        let verdict = change.shown().map_or("", |side| verdict_id(side.verdict));
        wrap(out, "  ", &format!("{}: {verdict}", clean(&heading(change))));
    }
    if left.len() > MOST {
        out.push_str(&format!("  and {} more\n", left.len() - MOST));
    }
}

fn lists(out: &mut String, review: &Review, long: bool) {
    let most = if long { usize::MAX } else { 6 };
    let barriers: Vec<String> = review.barriers.iter().map(|line| clean(line)).collect();
    let unread = |unread: &Unrecognised| {
        let mark = if unread.after { '+' } else { '-' };
        format!("{mark} {}:{} {}", clean(&unread.file), unread.line, clean(&unread.text))
    };
    let unread: Vec<String> = review.unrecognised.iter().map(unread).collect();
    for (title, lines) in [
        ("Barriers outside these sequences", barriers),
        ("Looks like maintenance, not understood", unread),
    ] {
        if lines.is_empty() {
            continue;
        }
        out.push_str(&format!("{title}:\n"));
        for line in lines.iter().take(most) {
            wrap(out, "  ", line);
        }
        if lines.len() > most {
            out.push_str(&format!(
                "  and {} more (--long or --json lists all)\n",
                lines.len() - most
            ));
        }
    }
    for note in review.notes.iter().take(8) {
        wrap(out, "Note: ", &clean(note));
    }
}

/// Writes what a reply carries: what ran, by the judge alone where nothing did, and how to do it again.
fn tag(out: &mut String, review: &Review) {
    let version = env!("CARGO_PKG_VERSION");
    let machines = tested_on(review);
    if machines.is_empty() {
        wrap(
            out,
            "Judged-by: ",
            &format!("bench-host {version} (architecture rules; nothing was run)"),
        );
        wrap(out, "Reproduce: ", &clean(&review.command));
        wrap(out, "To test it: ", "the same with --run");
    } else {
        wrap(
            out,
            "Tested-by: ",
            &format!("NAME <ADDRESS> # bench-host {version}, {}", clean(&machines)),
        );
        wrap(out, "Reproduce: ", &clean(&review.command));
    }
}

fn table(out: &mut String, change: &Evaluated) {
    let rows = side_by_side(change);
    let widest = rows
        .iter()
        .map(|(old, _)| old.chars().count())
        .max()
        .unwrap_or(0)
        .clamp(28, 36);
    let mut line = |old: &str, new: &str| {
        let text = format!("  {old:widest$} | {new}");
        for part in cut(text.trim_end()) {
            out.push_str(part);
            out.push('\n');
        }
    };
    for (old, new) in &rows {
        line(old, new);
    }
    let verdict = |side: &Option<SideVerdict>, name: &str| {
        side.as_ref()
            .map_or(String::new(), |side| format!("{name}: {}", verdict_id(side.verdict)))
    };
    line(&verdict(&change.before, "before"), &verdict(&change.after, "after"));
}

/// Cuts a line to the width of the page.
fn cut(text: &str) -> Vec<&str> {
    match text.char_indices().nth(WIDTH) {
        Some((at, _)) => {
            let mut parts = vec![&text[..at]];
            parts.extend(cut(&text[at..]));
            parts
        }
        None => vec![text],
    }
}

/// Writes why.
fn evidence(out: &mut String, change: &Evaluated, long: bool) {
    if change.before.is_some() && change.after.is_some() {
        let mut words: Vec<String> = change.differences.clone();
        words.extend(kept(change));
        let words = match words.is_empty() {
            true => String::new(),
            false => format!(": {}", words.join("; ").replace("the invalidation", "the TLBI")),
        };
        wrap(out, "  after is ", &format!("{}{words}", change.relation.name()));
    }
    wrap(out, "  context: ", &context(change));
    if long {
        for part in &change.assumptions {
            wrap(out, "    ", &format!("{} {}: {}", part.name, part.value, part.why));
        }
    }
    for (side, name) in [(&change.before, "before"), (&change.after, "after")] {
        let Some(side) = side else { continue };
        if long {
            whole(out, side, name);
        } else {
            brief(out, side, name);
        }
    }
    let errata: Vec<&str> = change
        .shown()
        .into_iter()
        .flat_map(|side| &side.errata)
        .map(|ground| ground.rule.as_str())
        .collect();
    if !errata.is_empty() {
        wrap(out, "  errata to check: ", &errata.join(", ").replace("erratum ", ""));
    }
}

/// Writes all grounds of a verdict.
fn whole(out: &mut String, side: &SideVerdict, name: &str) {
    for ground in &side.reasons {
        wrap(
            out,
            &format!("  {name}: "),
            &format!("{} [{}]", ground.text, ground.citation),
        );
    }
    for (number, step) in side.counterexample.iter().enumerate() {
        wrap(out, &format!("    {}. ", number + 1), step);
    }
    if let Some(weakest) = &side.weakest {
        wrap(out, &format!("  {name}, enough: "), weakest);
    }
    for ground in &side.errata {
        wrap(out, "  ", &format!("{}: {}", ground.rule, ground.text));
    }
}

/// Writes the grounds that decide: what is missing, what is paid too much, and why the rest is enough.
fn brief(out: &mut String, side: &SideVerdict, name: &str) {
    let says = |ground: &Ground| format!("{} [{}]", ground.text, short(&ground.citation));
    match side.verdict {
        Verdict::Insufficient | Verdict::Unknown => {
            for ground in side.reasons.iter().take(3) {
                wrap(out, &format!("  {name}: "), &says(ground));
            }
            if name == "after" {
                for (number, step) in side.counterexample.iter().take(8).enumerate() {
                    wrap(out, &format!("    {}. ", number + 1), step);
                }
            }
            if let Some(weakest) = side.weakest.as_ref().filter(|_| name == "after") {
                wrap(out, "  enough: ", weakest);
            }
        }
        Verdict::StrongerThanNeeded => {
            let excess = |ground: &&Ground| ground.text.contains("(instruction ");
            let paid: Vec<String> = side
                .reasons
                .iter()
                .filter(excess)
                .filter_map(|ground| Some(ground.text.split_once(": ")?.0.to_owned()))
                .collect();
            wrap(out, &format!("  {name} overpays: "), &unnumbered(&paid.join("; ")));
            if let Some(weakest) = side.weakest.as_ref().filter(|_| name == "after") {
                wrap(out, "  enough: ", weakest);
            }
        }
        // Of what is enough, the domain and the context are what reviewers ask about.
        Verdict::Sufficient if name == "after" => {
            let asked = ["completion-domain", "context-synchronization", "stage-2"];
            for ground in side
                .reasons
                .iter()
                .filter(|ground| asked.contains(&ground.rule.as_str()))
            {
                wrap(out, &format!("  {name}: "), &says(ground));
            }
        }
        Verdict::Sufficient => {}
    }
}

/// Leaves out which instruction is meant: the table shows it.
fn unnumbered(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split(" (instruction ").enumerate() {
        let rest = part.split_once(')').map_or(part, |(_, rest)| rest);
        out.push_str(if index == 0 { part } else { rest });
    }
    out
}

/// Returns what both sides have that a weaker sequence might have lost.
fn kept(change: &Evaluated) -> Option<String> {
    let ends = |side: &Option<SideVerdict>| {
        let all: Vec<Instruction> = side.as_ref()?.sequence.instructions().collect();
        let last = all.iter().rposition(|i| matches!(i, Instruction::Tlbi(_)))?;
        Some(all[last..].contains(&Instruction::Isb))
    };
    let both = ends(&change.before) == Some(true) && ends(&change.after) == Some(true);
    (both && !change.differences.is_empty()).then(|| "after the invalidation: `isb` is kept".to_owned())
}

/// Returns the section or rule of a citation without its title.
fn short(citation: &str) -> String {
    let named = |part: &&str| part.contains(char::is_numeric) || part.contains("R_");
    let parts: Vec<&str> = citation.split([',', ':', ';']).map(str::trim).collect();
    match parts.iter().find(|part| named(part)) {
        Some(part) if part.contains(' ') || parts[0].len() > 12 => (*part).to_owned(),
        Some(part) => format!("{} {part}", parts[0]),
        None => citation.to_owned(),
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
