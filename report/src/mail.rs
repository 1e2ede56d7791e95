// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result in a few lines for a mail: plain ASCII, at most 72 columns, nothing that needs the reader to open a page.

use results::manifest::Manifest;

use crate::document::{checks_line, headline, machine};
use crate::model::{Finding, Net, Part, Summary};
use crate::number::{count, interval, percent, ratio_interval};
use crate::table::Table;
use crate::terminal::{MAIL_WIDTH, fill, printable, table};

/// Sequences in the table; a mail with more is not read.
const ROWS: usize = 12;

/// Writes the result for a mail.
pub fn render(summary: &Summary) -> String {
    let m = &summary.manifest;
    let mut parts = vec![head(m)];
    if !summary.reservations.is_empty() {
        let lines = summary.reservations.iter().map(|reason| fill(reason, MAIL_WIDTH, "  "));
        let lines: Vec<String> = lines.collect();
        parts.push(format!(
            "INCOMPLETE: these numbers are not a result.\n{}",
            lines.join("\n")
        ));
    }
    if summary.series.iter().any(|series| series.part != Part::Empty) {
        parts.push(table(&timing(summary), MAIL_WIDTH));
        parts.push(fill(&noise(summary), MAIL_WIDTH, ""));
    }
    let lines: Vec<String> = match summary.series.is_empty() {
        true => vec![checks_line(summary)],
        false => headline(summary),
    };
    let lines: Vec<String> = lines.iter().map(|line| fill(line, MAIL_WIDTH, "")).collect();
    parts.push(lines.join("\n"));
    parts.push(format!("To reproduce:\n{}", command(&m.reproduce)));
    format!("{}\n", ascii(&parts.join("\n\n")))
}

fn head(m: &Manifest) -> String {
    let mut lines = vec![format!("TLB maintenance on {}", machine(m))];
    lines.push(format!("Counts:  {}", m.label));
    let commit = m.host.commit.as_ref().map_or(String::new(), |commit| {
        format!(" ({})", commit.chars().take(12).collect::<String>())
    });
    lines.push(format!(
        "Run:     {}, bench-host {}{commit}",
        m.started, m.host.bench_host
    ));
    let sequences = m
        .plan
        .sequences
        .iter()
        .filter(|s| s.timed && s.aa_of.is_none())
        .take(ROWS);
    for sequence in sequences {
        let text = if sequence.text.is_empty() {
            &sequence.words
        } else {
            &sequence.text
        };
        let start = format!("  {}: ", sequence.id);
        let options = textwrap::Options::new(MAIL_WIDTH)
            .initial_indent(&start)
            .subsequent_indent("      ");
        lines.push(textwrap::fill(&printable(text), options));
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| match line.contains('\n') {
            true => line.clone(),
            false => fill(line, MAIL_WIDTH, ""),
        })
        .collect();
    lines.join("\n")
}

fn timing(summary: &Summary) -> Table {
    let unit = summary.series.first().map_or("counts", |series| series.event.id());
    let caption = format!("Net medians in {unit}, ratio to the baseline, 95% intervals");
    let mut table = Table::new(caption, &["sequence", ">net median", ">ratio", "finding"]).labelled(summary.label());
    let naming = summary.naming();
    let shown = summary
        .series
        .iter()
        .filter(|series| !matches!(series.part, Part::Empty | Part::Twin(_)));
    for series in shown.clone().take(ROWS) {
        let own = |c: &&crate::model::Comparison| (&c.seq, c.pe, c.event) == (&series.seq, series.pe, series.event);
        let comparison = summary.comparisons.iter().find(own);
        let net = match series.stats.map(|stats| (stats.net, stats.net_interval, stats.median)) {
            None => "no whole batch".to_owned(),
            Some((Net::Resolved(net), Some(ends), _)) => format!("{} {}", count(net), interval(&ends)),
            Some((Net::Resolved(net), None, _)) => count(net),
            Some((Net::BelowResolution(_), ..)) => "below resolution".to_owned(),
            Some((Net::NoFrame | Net::IsFrame, _, raw)) => format!("{} raw", count(raw)),
        };
        let ratio = comparison.and_then(|c| c.net.or(c.raw));
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio));
        let finding = match comparison.map(|c| c.finding) {
            None => "baseline",
            Some(Finding::Faster) => "faster",
            Some(Finding::Slower) => "slower",
            Some(Finding::Indistinguishable) => "unresolved",
            Some(Finding::BelowResolution) => "below resolution",
            Some(Finding::TooFewSamples { .. }) => "too few samples",
            Some(Finding::NoNoiseFloor) => "no claim",
        };
        table.row([naming.of(series).into(), net.into(), ratio.into(), finding.into()]);
    }
    let left = shown.count().saturating_sub(ROWS);
    if left > 0 {
        table.row([format!("and {left} more").into(), "".into(), "".into(), "".into()]);
    }
    table
}

fn noise(summary: &Summary) -> String {
    let floor = summary.comparisons.iter().find_map(|c| c.noise_floor);
    match floor {
        Some(floor) => format!(
            "A/A noise floor {}: the baseline beside its own copy differs by up to that much.",
            percent(floor)
        ),
        None => "No A/A noise floor was measured, so nothing is claimed.".to_owned(),
    }
}

/// Breaks a command at its options, so that it can be pasted as it stands.
fn command(reproduce: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words(&printable(reproduce)) {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        // Two for the indent, two for the backslash.
        let fits = 2 + line + 1 + word.chars().count() + 2 <= MAIL_WIDTH;
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(&word),
            Some(last) if fits => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    format!("  {}", lines.join(" \\\n  "))
}

/// Splits a command into options with their values; what is quoted stays whole.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        quoted ^= c == '\'';
        match (c, words.last_mut()) {
            (' ', _) if !quoted => words.push(String::new()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    let mut joined: Vec<String> = Vec::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        match joined.last_mut() {
            Some(option) if option.starts_with("--") && !option.contains(' ') && !word.starts_with("--") => {
                option.push(' ');
                option.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// Writes in ASCII what has a usual form in it.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{b7}' => out.push('-'),
            '\u{2013}' | '\u{2014}' | '\u{2212}' => out.push('-'),
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2026}' => out.push_str("..."),
            '\u{2713}' => out.push_str("ok"),
            '\u{2717}' => out.push_str("FAIL"),
            '\u{a0}' => out.push(' '),
            '\u{fffd}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_broken_between_its_options() {
        let long = "bench-host run --cpu cortex-a72 --smp 1 --sequence xen_head_old --sequence 'mine=dsb ishst; tlbi \
                    vae2is, {va}; dsb ish; isb' --deterministic";
        assert_eq!(
            command(long),
            "  bench-host run --cpu cortex-a72 --smp 1 --sequence xen_head_old \\\n      --sequence 'mine=dsb ishst; tlbi \
             vae2is, {va}; dsb ish; isb' \\\n      --deterministic"
        );
        assert!(command(long).lines().all(|line| line.len() <= MAIL_WIDTH + 4));
    }

    #[test]
    fn typographic_signs_have_plain_forms() {
        assert_eq!(ascii("a \u{b7} b \u{2013} \u{2026}\u{fffd}"), "a - b - ...?");
    }
}
