// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain text of 72 columns, to paste into a reply.

mod evidence;
mod page;

pub use page::WIDTH;

use crate::evaluate::{Evaluated, SideVerdict, verdict_id};
use crate::evidence::trial_lines;
use crate::output::escape::clean;
use crate::output::series::{end_headline, is_quiet, label, patch_headline, series_headline};
use crate::output::{heading, headline, rules, side_by_side, tested_on, timing};
use crate::relation::Relation;
use crate::series::Reviewed;
use crate::{Outcome, Review, Unrecognised};
use evidence::evidence;
use page::{command, cut, wrap};
use results::text::printable;
use sequences::judge::Verdict;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// Changes in full; further ones in a line each.
    full: usize,
    /// Everything about them.
    long: bool,
}

/// Renders a review so that one change fits a screen.
pub fn render(reviewed: &Reviewed) -> String {
    printable(&render_as(reviewed, Shown { full: 3, long: false })).into_owned()
}

/// Renders a review with all its evidence.
pub fn render_long(reviewed: &Reviewed) -> String {
    let long = Shown {
        full: usize::MAX,
        long: true,
    };
    printable(&render_as(reviewed, long)).into_owned()
}

fn render_as(reviewed: &Reviewed, shown: Shown) -> String {
    let mut out = String::new();
    match reviewed.single() {
        Some(review) => {
            if !review.subject.is_empty() {
                wrap(&mut out, "", &clean(&review.subject));
            }
            wrap(&mut out, "", &headline(review));
            body(&mut out, review, shown);
        }
        None => series(&mut out, reviewed, shown),
    }
    let one = reviewed.as_one();
    if one.explain_rules {
        explain(&mut out, &one);
    }
    if !one.changes.is_empty() {
        out.push('\n');
        tag(&mut out, &one);
    }
    out
}

/// Writes the patches of a series, one after the other, and where they end.
fn series(out: &mut String, reviewed: &Reviewed, shown: Shown) {
    /// Patches without maintenance that are named.
    const MOST_QUIET: usize = 8;
    if !reviewed.title.is_empty() {
        wrap(out, "", &clean(&reviewed.title));
    }
    wrap(out, "", &series_headline(reviewed));
    for note in reviewed.notes.lines(if shown.long { usize::MAX } else { 8 }) {
        wrap(out, "Note: ", &clean(&note));
    }
    let quiet = reviewed.patches.iter().filter(|patch| is_quiet(patch)).count();
    let named = shown.long || quiet <= MOST_QUIET;
    for (index, patch) in reviewed.patches.iter().enumerate() {
        let label = clean(&label(reviewed, index));
        if !is_quiet(patch) {
            out.push('\n');
            wrap(out, "", &label);
            wrap(out, "", &patch_headline(reviewed, patch));
            body(out, patch, shown);
        } else if named {
            out.push('\n');
            wrap(out, "", &format!("{label}: {}", headline(patch)));
        }
    }
    if !named {
        out.push_str(&format!(
            "\n{quiet} other patches change no TLB maintenance (--long names them).\n"
        ));
    }
    if let Some(end) = &reviewed.end {
        out.push('\n');
        wrap(out, "", &end_headline(reviewed, end));
        if !end.fresh.is_empty() {
            body(out, &end.shown(), shown);
        }
    }
}

/// Writes the changes of a patch with all that is known about them, and what else it holds.
fn body(out: &mut String, review: &Review, shown: Shown) {
    for index in order(review, shown) {
        let change = &review.changes[index];
        out.push('\n');
        wrap(out, "", &clean(&heading(change)));
        table(out, change);
        evidence(out, change, shown.long);
        for line in trial_lines(&review.trials[index], shown.long) {
            wrap(out, "  checks: ", &line);
        }
        for story in review.trials[index].iter().filter_map(|trials| trials.story.as_ref()) {
            wrap(out, "  ", &story.heading());
            for (number, event) in story.events.iter().enumerate() {
                wrap(out, &format!("    {}. ", number + 1), event);
            }
        }
        for line in timing(&review.timing[index]) {
            wrap(out, "  timing: ", &clean(&line));
        }
        for question in change.questions.iter().take(questions(change, shown.long)) {
            wrap(out, "  ask: ", question);
        }
    }
    rest(out, review, shown);
    lists(out, review, shown.long);
}

/// Returns how many questions are shown: of what is decided, fewer. The most pressing ones come first.
fn questions(change: &Evaluated, long: bool) -> usize {
    let decided = change.after.as_ref().is_some_and(|side| side.verdict.is_sufficient());
    match (long, decided) {
        (true, _) => usize::MAX,
        (false, true) => 2,
        (false, false) => 3,
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
    for note in review.notes.lines(if long { usize::MAX } else { 8 }) {
        wrap(out, "Note: ", &clean(&note));
    }
}

/// Writes what the rules that are cited say, and what they mean here.
fn explain(out: &mut String, review: &Review) {
    let rules = rules(review);
    if rules.is_empty() {
        return;
    }
    out.push_str("\nRules:\n");
    for rule in rules {
        wrap(out, "", &rule.citation);
        wrap(out, "  says: ", rule.says);
        for here in rule.here {
            wrap(out, "  here: ", &clean(here));
        }
    }
}

/// Writes what a reply carries: what ran, by the judge alone where nothing did, and how to do it again. Tags and commands
/// are there to be pasted: neither is wrapped, but for a command's lines that end in a backslash. What was found
/// insufficient gets no tag.
fn tag(out: &mut String, review: &Review) {
    let version = env!("CARGO_PKG_VERSION");
    let machines = tested_on(review);
    match review.outcome() {
        Outcome::Insufficient => out.push_str("No tag: the patch was found insufficient.\n"),
        _ if machines.is_empty() => {
            out.push_str(&format!(
                "Judged-by: bench-host {version} (architecture rules; nothing was run)\n"
            ));
        }
        outcome => {
            let open = match outcome {
                Outcome::Undecided => "; not all of it could be decided",
                _ => "",
            };
            out.push_str(&format!(
                "Tested-by: NAME <ADDRESS> # bench-host {version}, {}{open}\n",
                clean(&machines)
            ));
        }
    }
    command(out, "Reproduce: ", &clean(&review.command));
    if machines.is_empty() {
        out.push_str("To test it: the same with --run\n");
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
