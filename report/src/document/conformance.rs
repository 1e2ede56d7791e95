// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks of several machines on one page: how many ended how, what needs a look, and a matrix for the rest.

use std::fmt::Write;

use results::check::Outcomes;
use results::verdict::Class;

use super::block::{Block, Document, Section};
use super::checks::{attention, overview_of, skips};
use super::headline::counts_in_full;
use super::matrices::{class_mark, matrices};
use crate::data::field;
use crate::model::{CheckResult, CheckRow};
use crate::number::{grouped, plural};
use crate::table::{Cell, Table, Tone};

/// What one machine saw, over all its boots.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The machine, for people.
    pub machine: String,
    /// The label of what it counts.
    pub label: String,
    /// How often it was booted.
    pub boots: u64,
    /// The command that makes its run again.
    pub reproduce: String,
    /// The checks, with the counts of all boots.
    pub checks: Vec<CheckResult>,
    /// Failures that a known bug of the machine excuses: how many, and which bugs explain them.
    pub excused: (u64, Vec<String>),
}

impl Checked {
    fn rows(&self) -> impl Iterator<Item = (&CheckResult, &CheckRow)> {
        let of = |check| {
            let check: &CheckResult = check;
            check.rows.iter().map(move |row| (check, row))
        };
        self.checks.iter().flat_map(of)
    }

    fn classes(&self) -> Vec<Class> {
        self.rows().map(|(_, row)| row.class).collect()
    }
}

fn trials(o: &Outcomes) -> u64 {
    [o.stale, o.new, o.fault, o.other].into_iter().map(u64::from).sum()
}

impl Document {
    /// Lays out what `check` found.
    pub fn of_checks(machines: &[Checked]) -> Self {
        let all: Vec<Class> = machines.iter().flat_map(Checked::classes).collect();
        let mut labels: Vec<&str> = machines.iter().map(|machine| machine.label.as_str()).collect();
        labels.dedup();
        let mut sections = vec![Section::open("", (first(machines, &all), Vec::new()))];
        for machine in machines {
            let classes = machine.classes();
            let mut section = Section::open(&machine.machine, (Vec::new(), Vec::new()));
            section.digest = counts_in_full(&classes);
            section.detail.extend(attention(&machine.checks).map(Block::Table));
            if !machine.excused.1.is_empty() {
                let bugs = machine
                    .excused
                    .1
                    .iter()
                    .map(|bug| format!("Known bug of this machine: {bug}."));
                section.detail.push(Block::List(bugs.collect()));
            }
            let matrices = matrices(&machine.checks, |_, row| class_mark(row.class));
            section.detail.push(Block::Matrices(matrices));
            section.detail.extend(skips(&machine.checks).map(Block::Table));
            let overview = overview_of(&machine.checks);
            section.detail.push(Block::Table(overview.folded_beyond(0)));
            sections.push(section);
        }
        let commands: Vec<&str> = machines.iter().map(|machine| machine.reproduce.as_str()).collect();
        sections.push(Section::open(
            "Reproduce",
            (vec![Block::Code(commands.join("\n"))], Vec::new()),
        ));
        Self {
            title: format!("{}: TLB maintenance conformance", counts_in_full(&all)),
            subtitle: machines
                .iter()
                .map(|machine| machine.machine.as_str())
                .collect::<Vec<_>>()
                .join(" \u{b7} "),
            label: match &labels[..] {
                [label] => Some((*label).to_owned()),
                _ => Some("checks, no timing".to_owned()),
            },
            sections,
        }
    }
}

fn first(machines: &[Checked], all: &[Class]) -> Vec<Block> {
    let has = |class: Class| all.contains(&class);
    let lead = match () {
        () if has(Class::Fail) => "A stale translation was used where the architecture forbids it.",
        () if has(Class::Pass) && has(Class::NotObservable) => {
            "No stale translation was used where the architecture forbids it; where a check has no power here, nothing is \
             known."
        }
        () if has(Class::Pass) => "No stale translation was used where the architecture forbids it.",
        () => "Nothing was shown: no check had power here.",
    };
    let columns = [
        "machine",
        ">failed",
        ">excused",
        ">passed",
        ">not observable",
        ">skipped",
        ">trials under test",
        ">boots",
    ];
    let mut table = Table::new("Machines", &columns);
    for machine in machines {
        let classes = machine.classes();
        let of = |class: Class| classes.iter().filter(|&&other| other == class).count() as u64;
        let toned = |n: u64, tone| match n {
            0 => Cell::from("0"),
            n => Cell::toned(grouped(n), tone),
        };
        let under_test: u64 = machine.rows().map(|(_, row)| trials(&row.outcomes)).sum();
        table.row([
            machine.machine.as_str().into(),
            toned(of(Class::Fail).saturating_sub(machine.excused.0), Tone::Bad),
            toned(machine.excused.0, Tone::Care),
            toned(of(Class::Pass), Tone::Good),
            toned(of(Class::NotObservable), Tone::Care),
            grouped(of(Class::Skipped)).into(),
            grouped(under_test).into(),
            grouped(machine.boots).into(),
        ]);
    }
    vec![
        Block::Lead(lead.to_owned()),
        Block::Table(table),
        Block::Paragraph(
            "A pass needs power: without the TLBI, the same check did use a stale translation on the same machine. Where \
             it did not, its pass would mean nothing, and it is not observable here. The stale rate of a pass is the 95% \
             upper bound that trials without any stale one leave open."
                .to_owned(),
        ),
    ]
}

/// Returns every check with every sequence as CSV, for the page's links.
pub fn csv(machines: &[Checked]) -> String {
    let mut out = String::from("machine,check,seq,class,stale,new,fault,other,stale_rate_bound,reason\n");
    for machine in machines {
        for (check, row) in machine.rows() {
            let (o, bound) = (&row.outcomes, row.stale_rate_bound);
            // Writing to a string does not fail.
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{}",
                field(&machine.machine),
                field(&check.id),
                field(&row.seq),
                row.class.id(),
                o.stale,
                o.new,
                o.fault,
                o.other,
                bound.map_or(String::new(), |bound| bound.to_string()),
                field(&row.reason)
            );
        }
    }
    out
}

/// Says how often a machine was booted.
pub fn boots(n: u64) -> String {
    plural(n, "boot", "boots")
}
