// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several runs in one report: the same questions, machine by machine. Numbers of simulators and of hardware never
//! share an axis or a row.

mod conclusions;
mod pairs;

use results::manifest::HARDWARE_LABEL;
use results::verdict::Class;

use super::block::{Block, Document, Section};
use super::headline::class_counts;
use super::machine::machine;
use super::plots::segments;
use super::{checks, mutants};
use crate::command::{self, broken};
use crate::data;
use crate::matrix::{Mark, Matrix};
use crate::model::{BootPhase, Comparison, Net, Part, Ratio, Summary};
use crate::number::{count, grouped, interval, percent, plural, ratio_interval};
use crate::plot::{self, Bar, Bars, Body, Figure, Panel, Row, View};
use crate::table::{Cell, Table, Tone};
use crate::wording::Wording;
use pairs::{Found, pairs};

/// Runs in a table that is not folded.
const SHOWN: usize = 12;

/// Lays out several runs beside each other. `unreadable` says which others should be there and why they are not;
/// `report` gives the address of the report of a run.
pub fn document(runs: &[Summary], unreadable: &[String], report: impl Fn(&Summary) -> String) -> Document {
    let names = names(runs);
    let mut labels: Vec<&str> = runs.iter().map(Summary::label).collect();
    labels.sort_unstable();
    labels.dedup();
    let sections = vec![
        Section::open("", (first(runs, &names, unreadable, &labels), Vec::new())),
        Section::open(
            "Runs",
            (
                vec![Block::Table(overview(runs, &names, report).folded_beyond(SHOWN))],
                Vec::new(),
            ),
        ),
        Section::open("Ratios", ratios(runs, &names, &labels)),
        Section::folded(
            "Medians",
            "net, by machine",
            (medians(runs, &names, &labels), Vec::new()),
        ),
        Section::open(
            "Checks",
            (
                matrix(runs, &names).map(Block::Matrix).into_iter().collect(),
                Vec::new(),
            ),
        ),
        Section::open("Mutants", mutants::blocks(runs)).first(mutants::pictures(runs)),
        Section::folded(
            "Boot",
            "the phases of every run",
            (Vec::new(), boot(runs, &names, &labels)),
        ),
        Section::open("Reproduce", (vec![Block::Code(reproduce(runs))], Vec::new())),
    ];
    Document {
        title: title(runs, &names, &labels),
        subtitle: labels.join(" · "),
        label: match &labels[..] {
            [label] => Some((*label).to_owned()),
            // Every table says which; none is hardware's.
            several if !several.contains(&HARDWARE_LABEL) && !several.is_empty() => Some(several.join("; ")),
            _ => None,
        },
        sections: sections.into_iter().filter(|s| s.blocks().next().is_some()).collect(),
    }
}

/// Returns the finding as a title, if there is one that fits; how many runs there are otherwise.
fn title(runs: &[Summary], names: &[String], labels: &[&str]) -> String {
    const FITS: usize = 140;
    let all = plural(runs.len() as u64, "run", "runs");
    let mut findings = conclusions::sentences(runs, names, labels);
    let finding = match runs.iter().all(|run| run.series.is_empty()) {
        true => mutants::title(runs).or_else(|| (findings.len() == 1).then(|| findings.remove(0))),
        false => (!findings.is_empty()).then(|| findings.remove(0)),
    };
    match finding.filter(|finding| finding.chars().count() <= FITS) {
        Some(finding) => format!("{} ({all})", finding.trim_end_matches('.')),
        None => format!("TLB maintenance: {all}"),
    }
}

/// Returns the commands of the runs; several boots of one command have it in common.
fn reproduce(runs: &[Summary]) -> String {
    let mut commands: Vec<&str> = Vec::new();
    for run in runs {
        let command = run.manifest.reproduce.as_str();
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let commands: Vec<String> = commands
        .into_iter()
        .map(|command| broken(command, command::WIDTH))
        .collect();
    commands.join("\n")
}

/// Returns a name for every run: its machine, and the run's own name where that is not enough.
fn names(runs: &[Summary]) -> Vec<String> {
    let machines: Vec<String> = runs.iter().map(|run| machine(&run.manifest)).collect();
    let name = |(run, machine): (&Summary, &String)| match machines.iter().filter(|other| *other == machine).count() {
        1 => machine.clone(),
        _ => format!("{machine} ({})", run.name),
    };
    runs.iter().zip(&machines).map(name).collect()
}

fn first(runs: &[Summary], names: &[String], unreadable: &[String], labels: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !unreadable.is_empty() {
        blocks.push(Block::Banner {
            tone: Tone::Bad,
            title: format!(
                "{} UNREADABLE, and not in this report",
                plural(unreadable.len() as u64, "run", "runs")
            ),
            lines: unreadable.to_vec(),
        });
    }
    let incomplete: Vec<String> = runs
        .iter()
        .filter(|run| !run.reservations.is_empty())
        .map(|run| format!("{}: {}", run.name, run.reservations.join("; ")))
        .collect();
    if !incomplete.is_empty() {
        blocks.push(Block::Banner {
            tone: Tone::Bad,
            title: format!(
                "{} of {} INCOMPLETE",
                incomplete.len(),
                plural(runs.len() as u64, "run", "runs")
            ),
            lines: incomplete,
        });
    }
    let others: Vec<String> = labels
        .iter()
        .filter(|label| **label != HARDWARE_LABEL)
        .map(|l| (*l).to_owned())
        .collect();
    if !others.is_empty() {
        let words = match labels.contains(&HARDWARE_LABEL) {
            true => "Some counts are no hardware timing. They have plots and tables of their own, under their label.",
            false => "No count in this report is hardware timing; the checks do test what the simulator models.",
        };
        blocks.push(Block::Banner {
            tone: Tone::Care,
            title: others.join("; "),
            lines: vec![words.to_owned()],
        });
    }
    blocks.extend(conclusions::sentences(runs, names, labels).into_iter().map(Block::Lead));
    blocks
}

/// Returns what stands in three cells for the timing of a run: its first comparison, the ratio, and the finding.
pub fn main_ratio(run: &Summary) -> [Cell; 3] {
    let first = run.comparisons.iter().find(|c| !c.is_twin);
    let Some(c) = first else {
        let timed = run.series.iter().any(|series| series.part != Part::Empty);
        return [if timed { "nothing compared" } else { "no timing" }, "-", "-"].map(Cell::from);
    };
    let (finding, tone) = c.word(run.wording());
    let ratio = c.net.or(c.raw);
    [
        format!("{} / {}", c.seq, c.baseline).into(),
        ratio
            .map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio))
            .into(),
        Cell::toned(finding, tone),
    ]
}

/// Returns what stands in one cell for the checks of a run: how many of each class, the worst first, or how many
/// mutants were caught.
pub fn check_classes(run: &Summary) -> Cell {
    let classes: Vec<Class> = checks::classes(run).collect();
    let order = [Class::Fail, Class::Pass, Class::NotObservable, Class::Skipped];
    let mut found = order.into_iter().filter(|class| classes.contains(class));
    match (found.next(), mutants::in_short(run)) {
        (Some(worst), None) => Cell::toned(class_counts(&classes), checks::class_word(worst).1),
        (Some(Class::Fail), Some(mutants)) => {
            Cell::toned(format!("{}; {}", class_counts(&classes), mutants.text), Tone::Bad)
        }
        (Some(_), Some(mutants)) => Cell::toned(format!("{}; {}", class_counts(&classes), mutants.text), mutants.tone),
        (None, Some(mutants)) => mutants,
        (None, None) => "no checks".into(),
    }
}

fn overview(runs: &[Summary], names: &[String], report: impl Fn(&Summary) -> String) -> Table {
    let mut table = Table::new(
        "Runs, each with its report",
        &["run", "machine", "counts", "checks", "status"],
    );
    for (run, name) in runs.iter().zip(names) {
        let tone = if run.reservations.is_empty() {
            Tone::Plain
        } else {
            Tone::Bad
        };
        table.row([
            Cell::from(run.name.as_str()).linked(report(run)),
            name.as_str().into(),
            match run.label() {
                HARDWARE_LABEL => Cell::toned("HARDWARE", Tone::Good),
                label => Cell::toned(label, Tone::Care),
            },
            check_classes(run),
            Cell::toned(run.manifest.status.to_string(), tone),
        ]);
    }
    table
}

fn ratios(runs: &[Summary], names: &[String], labels: &[&str]) -> (Vec<Block>, Vec<Block>) {
    let (mut brief, mut detail) = (Vec::new(), Vec::new());
    for (index, label) in labels.iter().enumerate() {
        let pairs = pairs(runs, names, label);
        if pairs.is_empty() {
            continue;
        }
        brief.push(Block::Table(ratio_table(&pairs, label)));
        let (less, more) = (Wording::of(label).less(), Wording::of(label).more());
        let view = |name: &'static str, of: fn(&Comparison) -> Option<Ratio>, floored: bool| {
            let mut rows = Vec::new();
            for (pair, all) in &pairs {
                let mut group = pair.clone();
                for found in all {
                    let Some(ratio) = of(found.comparison) else { continue };
                    rows.push(Row {
                        group: std::mem::take(&mut group),
                        name: found.title(),
                        ratio,
                        floor: found.comparison.noise_floor.filter(|_| floored),
                        is_twin: found.comparison.is_twin,
                        hue: all[0].run.hue(&found.comparison.seq),
                    });
                }
            }
            let title = format!("Ratio of {name} medians by machine");
            let words = format!("\u{2190} {less} \u{b7} {name} ratio \u{b7} {more} \u{2192}");
            let panels = plot::ratios(&title, label, &words, &rows);
            (!panels.is_empty()).then_some(View { name, panels })
        };
        let has_net = pairs
            .iter()
            .any(|(_, all)| all.iter().any(|found| found.comparison.net.is_some()));
        let views: Vec<View> = [view("net", |c| c.net, true), view("raw", |c| c.raw, !has_net)]
            .into_iter()
            .flatten()
            .collect();
        if !views.is_empty() {
            detail.push(Block::Figure(Figure {
                id: format!("machines_{}", index + 1),
                caption: format!(
                    "Ratio to the baseline, machine by machine: left of 1 is {less}; bars are 95% intervals, grey is each run's own A/A \
                     noise floor."
                ),
                data: data::RATIOS,
                pe: None,
                views,
            }));
        }
    }
    (brief, detail)
}

fn ratio_table(pairs: &[(String, Vec<Found<'_>>)], label: &str) -> Table {
    let columns = ["sequence / baseline", "machine", ">ratio", ">floor", "finding"];
    let caption = "Net ratios by machine, 95% interval over paired batches; floor: A/A noise floor";
    let mut table = Table::new(caption, &columns).labelled(label);
    for (pair, all) in pairs {
        for found in all {
            let c = found.comparison;
            let ratio = match (c.net, c.raw) {
                (Some(net), _) => ratio_interval(&net),
                (None, Some(raw)) => format!("{} raw", ratio_interval(&raw)),
                (None, None) => "-".to_owned(),
            };
            let (finding, tone) = if c.is_twin {
                ("A/A control", Tone::Plain)
            } else {
                c.word(Wording::of(label))
            };
            table.row([
                pair.as_str().into(),
                found.title().into(),
                ratio.into(),
                c.noise_floor.map_or_else(|| "-".to_owned(), percent).into(),
                Cell::toned(finding, tone),
            ]);
        }
    }
    table
}

fn medians(runs: &[Summary], names: &[String], labels: &[&str]) -> Vec<Block> {
    let mut tables = Vec::new();
    for label in labels {
        let columns = [
            "sequence",
            "machine",
            ">net median",
            ">95% interval",
            "unit",
            ">samples",
        ];
        let mut table = Table::new("Net medians of all samples, by machine", &columns).labelled(label);
        let mut rows = Vec::new();
        for (run, name) in runs.iter().zip(names).filter(|(run, _)| run.label() == *label) {
            for series in run
                .series
                .iter()
                .filter(|s| !matches!(s.part, Part::Empty | Part::Twin(_)))
            {
                let Some(s) = series.stats else { continue };
                let net = match s.net {
                    Net::Resolved(net) => Cell::from(count(net)),
                    Net::BelowResolution(_) => Cell::toned("below resolution", Tone::Care),
                    Net::NoFrame | Net::IsFrame => format!("{} raw", count(s.median)).into(),
                };
                let ends = s.net_interval.map_or_else(|| "-".to_owned(), |ends| interval(&ends));
                let machine = match run.naming().pe {
                    true => format!("{name} (PE {})", series.pe),
                    false => name.clone(),
                };
                rows.push((
                    series.seq.clone(),
                    [
                        series.seq.as_str().into(),
                        machine.into(),
                        net,
                        ends.into(),
                        series.event.id().into(),
                        grouped(s.samples).into(),
                    ],
                ));
            }
        }
        // Stable: machines stay in the order of the runs.
        let mut order: Vec<String> = Vec::new();
        for (seq, _) in &rows {
            if !order.contains(seq) {
                order.push(seq.clone());
            }
        }
        rows.sort_by_key(|(seq, _)| order.iter().position(|known| known == seq));
        rows.into_iter().for_each(|(_, cells)| table.row(cells));
        if !table.rows.is_empty() {
            tables.push(Block::Table(table));
        }
    }
    tables
}

/// Returns the class of every check on every machine, the worst over its sequences.
fn matrix(runs: &[Summary], names: &[String]) -> Option<Matrix> {
    let with_checks: Vec<(&Summary, &String)> = runs
        .iter()
        .zip(names)
        .filter(|(run, _)| checks::classes(run).next().is_some())
        .collect();
    let mut ids: Vec<&str> = Vec::new();
    for check in with_checks.iter().flat_map(|(run, _)| &run.checks) {
        if !ids.contains(&check.id.as_str()) {
            ids.push(&check.id);
        }
    }
    let mark = |run: &Summary, id: &str| -> Option<Mark> {
        let check = run.checks.iter().find(|check| check.id == id)?;
        let order = [Class::Fail, Class::Pass, Class::NotObservable, Class::Skipped];
        let has = |class: &Class| checks::sequence_rows(run, check).any(|row| row.class == *class);
        Some(checks::class_mark(order.into_iter().find(has)?))
    };
    let rows = ids.iter().map(|id| {
        let marks = with_checks.iter().map(|(run, _)| mark(run, id));
        ((*id).to_owned(), marks.collect())
    });
    (!ids.is_empty()).then(|| Matrix {
        caption: "Checks by machine: fail if any sequence failed, pass if one with power passed".to_owned(),
        label: None,
        corner: "check".to_owned(),
        rows: rows.collect(),
        columns: with_checks.iter().map(|(_, name)| (*name).clone()).collect(),
        data: data::CHECKS,
    })
}

fn boot(runs: &[Summary], names: &[String], labels: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let of = |run: &Summary| run.label() == *label && !run.boot.is_empty();
        let here: Vec<(&Summary, &String)> = runs.iter().zip(names).filter(|(run, _)| of(run)).collect();
        let Some((first, _)) = here.first() else { continue };
        let event = first.boot[0].event;
        let mut phases: Vec<&str> = Vec::new();
        for phase in here.iter().flat_map(|(run, _)| &run.boot) {
            if !phases.contains(&phase.phase.as_str()) {
                phases.push(&phase.phase);
            }
        }
        let bar = |(run, name): &(&Summary, &String)| {
            let flow = run
                .manifest
                .kernel
                .flow
                .as_deref()
                .unwrap_or(run.manifest.plan.flow.id());
            let of_boot_pe = |phase: &&BootPhase| phase.event == event && phase.pe == run.boot[0].pe;
            Bar {
                name: format!("{name}, flow {flow}"),
                segments: segments(run.boot.iter().filter(of_boot_pe), &phases),
            }
        };
        let bars: Vec<Bar> = here.iter().map(bar).filter(|bar| !bar.segments.is_empty()).collect();
        let panel = Panel {
            suffix: String::new(),
            title: "Boot phases by run, boot PE".to_owned(),
            label: (*label).to_owned(),
            legend: Vec::new(),
            body: Body::Bars(Bars {
                words: format!("{} since entry", event.id()),
                listed: false,
                bars,
            }),
        };
        let caption = format!(
            "The boot path of every run, phase by phase, in {} since entry.",
            event.id()
        );
        blocks.push(Block::Figure(Figure::new(
            format!("boot_{}", index + 1),
            caption,
            data::BOOT,
            vec![panel],
        )));
    }
    blocks
}
