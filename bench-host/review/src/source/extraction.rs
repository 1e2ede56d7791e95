// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequences of a unit, and what of it was not understood.

use crate::extract::event::{Event, Kind, Node};
use crate::extract::names::turns_mmu_on;
use crate::extract::passage::{Sight, passages};
use crate::extract::path::{Path, Paths, paths};
use crate::extract::publish::{is_of_driver, publications, stores_to_table, stores_to_window};
use crate::extract::reduce::{self, Found};
use crate::extract::spelling::Spellings;
use crate::extract::text::cut;
use crate::extract::token::Language;
use crate::extract::{Doubt, Function, Unread};
use crate::foreign::{is_aarch32, is_of_other_mmu};
use crate::mention::{Lines, Mention, mentions};
use crate::plain;
use crate::source::live::replaced;
use crate::source::surroundings::Reading;
use crate::source::{Surroundings, Unit};
use sequences::{Instruction, Operand, Scope, TlbiOp};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// Most sequences that are kept of one function. Ways that differ in a barrier by a condition are all kept.
const MAX_WAYS: usize = 24;

/// How many lines from a barrier something that is not understood may be what it is for.
const NEAR: u32 = 6;

/// What a unit says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extraction {
    /// Its sequences.
    pub found: Vec<Found>,
    /// Barriers that publish new mappings: of interest where they change.
    pub published: Vec<Found>,
    /// Barriers and writes of registers that change where nothing is invalidated.
    pub passages: Vec<Found>,
    /// What was not understood.
    pub unread: Vec<Unread>,
    /// Barriers on changed lines that belong to no sequence.
    pub barriers: Vec<LoneBarrier>,
    /// Calls of maintenance that could not be looked into, changed or not, and on what they depend.
    pub guarded: Vec<Guarded>,
    /// Changed lines that speak of maintenance.
    pub mentions: Vec<Mention>,
    /// What is to be known of functions of which no instruction changes, by their names.
    pub doubts: Vec<(String, String)>,
    /// Lines that are accounted for: those of sequences, of macros that are read where they are used, and of what is in
    /// doubt.
    pub read: BTreeSet<u32>,
    /// What is shown of it is code for AArch32.
    pub is_aarch32: bool,
}

/// A call of maintenance that could not be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The function it stands in.
    pub function: String,
    /// Its line.
    pub line: u32,
    /// What is called.
    pub name: String,
    /// It, as it stands in the text.
    pub text: String,
    /// The conditions that all ways to it have in common.
    pub under: BTreeSet<String>,
}

/// A barrier that belongs to no sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneBarrier {
    /// The function it stands in.
    pub function: String,
    /// Its line.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// What of translation stands right before it on some way, or that the code is about translation tables.
    pub beside: Option<String>,
    /// The conditions it stands under.
    pub under: Vec<String>,
}

impl Surroundings {
    /// Extracts the sequences of a unit.
    pub fn extract(&self, unit: &Unit, spellings: &Spellings) -> Extraction {
        if plain::is_unknown(&unit.path) {
            return Extraction {
                mentions: plain::mentions(unit),
                ..Extraction::default()
            };
        }
        if is_of_other_mmu(&unit.path) {
            let is_known = |name: &str| spellings.names_function(&unit.path, name);
            return Extraction {
                mentions: plain::mentions_of_pe(unit, is_known),
                ..Extraction::default()
            };
        }
        if !unit.is_source() {
            return Extraction::default();
        }
        let Reading {
            functions,
            mut unread,
            macro_lines,
            joined,
            ..
        } = self.functions(unit, spellings);
        let mut read = macro_lines;
        let mut found: Vec<Found> = Vec::new();
        let mut barriers = Vec::new();
        let mut published: Vec<Found> = Vec::new();
        let mut passed: Vec<Found> = Vec::new();
        let mut guarded: Vec<Guarded> = Vec::new();
        let mut doubts: Vec<(String, String)> = Vec::new();
        let texts: RefCell<HashMap<(u32, String), String>> = RefCell::default();
        let is_assembly = unit.language() == Language::Assembly;
        let is_aarch32 = is_aarch32_code(unit);
        let is_table = |event: &Event| {
            matches!(event.kind, Kind::Store(_))
                && !is_aarch32
                && !is_of_driver(&unit.path)
                && (!is_assembly || is_line(unit, event.line, stores_to_table))
        };
        let is_window = |event: &Event| is_line(unit, event.line, stores_to_window);
        for function in &functions {
            let Paths { all, cut } = paths(&function.nodes);
            if cut && Node::has_tlbi(&function.nodes) {
                unread.push(limit(function, "more ways through the function than are followed"));
            }
            for path in all.iter().filter(|_| !cut && !function.template) {
                guard(unit, function, path, &mut guarded);
            }
            let written = all
                .iter()
                .flat_map(|path| &path.events)
                .filter_map(|event| match &event.kind {
                    Kind::Sysreg(write) if !is_aarch32 => write.doubt(),
                    _ => None,
                });
            doubts.extend(written.map(|doubt| (function.name.clone(), doubt)));
            let is_macro = function.template || self.is_used_macro(&function.name, unit);
            let mut own: Vec<Found> = Vec::new();
            for path in &all {
                for mut sequence in reduce::sequences(&function.name, path) {
                    let returns = path
                        .events
                        .last()
                        .is_some_and(|event| matches!(event.kind, Kind::Return | Kind::ExceptionReturn));
                    sequence.open_start = function.open_start;
                    sequence.open_end = function.open_end && !returns;
                    let known = own.iter_mut().chain(&mut found).find(|known| {
                        known.function == sequence.function
                            && known.lines == sequence.lines
                            && known.sequence == sequence.sequence
                    });
                    match known {
                        // It depends on what all its ways have in common.
                        Some(known) => {
                            known.conditions.retain(|own| sequence.conditions.contains(own));
                            known.around.join(sequence.around);
                        }
                        None => own.push(sequence),
                    }
                }
            }
            let mut new: Vec<Found> = Vec::new();
            for path in &all {
                for mut publication in publications(&function.name, path, is_assembly, &is_table, &is_window) {
                    publication.open_start = function.open_start;
                    publication.open_end = function.open_end;
                    let same = |known: &Found| {
                        known.lines == publication.lines && known.around.publishes == publication.around.publishes
                    };
                    let taken = own.iter().any(|own| !own.lines.is_disjoint(&publication.lines));
                    match new.iter_mut().find(|known| same(known)) {
                        // It depends on what all its ways have in common.
                        Some(known) => known.conditions.retain(|own| publication.conditions.contains(own)),
                        None if taken => {}
                        None => new.push(publication),
                    }
                }
            }
            for path in all.iter().take(4) {
                for (index, event) in path.events.iter().enumerate().filter(|(_, event)| event.changed) {
                    let Kind::Barrier(barrier) = &event.kind else { continue };
                    let used = own
                        .iter()
                        .chain(&new)
                        .any(|sequence| sequence.lines.contains(&event.line))
                        || is_macro;
                    let lone = LoneBarrier {
                        function: function.name.clone(),
                        line: event.line,
                        text: barrier.to_string(),
                        beside: beside(&path.events[..index], &is_table)
                            .or_else(|| about_tables(unit, function, *barrier).filter(|_| !is_aarch32)),
                        under: path.conditions.clone(),
                    };
                    let same = |known: &LoneBarrier| known.line == lone.line && known.text == lone.text;
                    match barriers.iter_mut().find(|known| same(known)) {
                        _ if used => {}
                        // It depends on what all its ways have in common.
                        Some(known) => {
                            known.under.retain(|own| lone.under.contains(own));
                            known.beside = known.beside.take().or(lone.beside);
                        }
                        None => barriers.push(lone),
                    }
                }
            }
            if !is_macro && !is_aarch32 {
                let taken: BTreeSet<u32> = own
                    .iter()
                    .chain(&new)
                    .flat_map(|found| found.lines.iter().copied())
                    .collect();
                let near = |before: &[Event], event: &Event| match event.kind {
                    Kind::Barrier(barrier) => {
                        beside(before, &is_table).or_else(|| about_tables(unit, function, barrier))
                    }
                    _ => None,
                };
                let call = |event: &Event| match &event.kind {
                    // Found once for all ways.
                    Kind::Call(name) if looks_like(name) => {
                        let mut known = texts.borrow_mut();
                        let text = known
                            .entry((event.line, name.clone()))
                            .or_insert_with(|| call_text(unit, name, event.line));
                        Some(text.clone())
                    }
                    _ => None,
                };
                let sight = Sight {
                    beside: &near,
                    call: &call,
                    is_table: &is_table,
                };
                for path in all.iter().take(MAX_WAYS) {
                    for passage in passages(&function.name, path, &taken, &sight) {
                        let known = passed.iter_mut().find(|known| {
                            known.function == passage.function
                                && known.lines == passage.lines
                                && known.around.steps == passage.around.steps
                        });
                        match known {
                            Some(known) => known.conditions.retain(|own| passage.conditions.contains(own)),
                            None => passed.push(passage),
                        }
                    }
                }
            }
            if !cut && !is_macro && !is_aarch32 && !is_of_driver(&unit.path) {
                unread.extend(replaced(function, &all));
            }
            published.extend(new);
            note_broadcasts(&mut own);
            read.extend(own.iter().flat_map(|found| found.lines.iter().copied()));
            if is_macro {
                Node::visit(&function.nodes, &mut |event| {
                    read.insert(event.line);
                });
            }
            // A way whose maintenance the patch does not touch is no loss.
            if own.iter().skip(MAX_WAYS).any(|found| found.changed) {
                unread.push(limit(function, "more sequences in the function than are kept"));
            }
            found.extend(own.into_iter().take(MAX_WAYS));
        }
        for lone in barriers.iter_mut().filter(|lone| lone.beside.is_none()) {
            let near = |unread: &&Unread| unread.doubt == Doubt::Spelling && unread.line.abs_diff(lone.line) <= NEAR;
            lone.beside = unread
                .iter()
                .find(near)
                .map(|unread| format!("`{}`, which is not understood", unread.text));
        }
        unread.sort();
        unread.dedup_by(|a, b| a.line == b.line && a.text == b.text);
        let shown = |name: &String, line: u32| {
            found.iter().any(|found| found.lines.contains(&line))
                || passed
                    .iter()
                    .any(|found| found.lines.contains(&line) && found.around.calls.contains(name))
        };
        unread.extend(calls(unit, &functions, &shown));
        read.extend(unread.iter().map(|unread| unread.line));
        read.extend(published.iter().flat_map(|found| found.lines.iter().copied()));
        read.extend(barriers.iter().map(|barrier| barrier.line));
        let parts: Vec<u32> = joined
            .iter()
            .filter(|(first, _)| read.contains(first))
            .map(|(_, line)| *line)
            .collect();
        read.extend(parts);
        Extraction {
            found,
            published,
            passages: passed,
            unread,
            barriers,
            guarded,
            doubts,
            mentions: match is_aarch32 {
                true => Vec::new(),
                false => mentions(unit, Lines::Changed),
            },
            read,
            is_aarch32,
        }
    }
}

/// Notes the calls of maintenance on a way, and on what they depend.
fn guard(unit: &Unit, function: &Function, path: &Path, all: &mut Vec<Guarded>) {
    const MAX: usize = 200;
    let under: BTreeSet<String> = path.conditions.iter().cloned().collect();
    for event in &path.events {
        let name = match &event.kind {
            Kind::Call(name) if looks_like(name) => name,
            Kind::Kept(name) => name,
            _ => continue,
        };
        if all.len() > MAX {
            continue;
        }
        match all
            .iter_mut()
            .find(|known| known.line == event.line && known.function == function.name)
        {
            Some(known) => known.under.retain(|condition| under.contains(condition)),
            None => all.push(Guarded {
                function: function.name.clone(),
                line: event.line,
                name: name.clone(),
                text: call_text(unit, name, event.line),
                under: under.clone(),
            }),
        }
    }
}

/// Returns what of translation stands between a barrier and the one before it.
fn beside(before: &[Event], is_table: &impl Fn(&Event) -> bool) -> Option<String> {
    before
        .iter()
        .rev()
        .take_while(|event| !matches!(event.kind, Kind::Barrier(_) | Kind::Return))
        .find_map(|event| match &event.kind {
            Kind::Sysreg(write) if !write.register.starts_with("ic ") && !write.register.starts_with("mair") => {
                Some(format!("a write of `{}`", write.register))
            }
            Kind::Call(name) if looks_like(name) => Some(format!("a call of `{name}`")),
            Kind::Call(name) if turns_mmu_on(name) => Some(format!("a call of `{name}`, which turns the MMU on")),
            Kind::Noted(noted) => Some(noted.subject.clone()),
            Kind::Store(_) if is_table(event) => Some("a store to a translation table".to_owned()),
            _ => None,
        })
}

/// Returns whether what is shown of a file is code for AArch32.
fn is_aarch32_code(unit: &Unit) -> bool {
    let lines = unit.segments.iter().flat_map(|segment| &segment.lines);
    is_aarch32(lines.map(|line| line.text.as_str()))
}

/// Returns that a barrier stands in code about translation tables, by the names of the function and the file. What it
/// orders there may be a table entry, though its store is out of sight.
fn about_tables(unit: &Unit, function: &Function, barrier: Instruction) -> Option<String> {
    const FILES: [&str; 12] = [
        "mmu",
        "pgtable",
        "pagetable",
        "page_table",
        "page-table",
        "paging",
        "pmap",
        "vspace",
        "p2m",
        "tlb",
        "xlat",
        "pgd",
    ];
    const FUNCTIONS: [&str; 14] = [
        "_pte",
        "_pmd",
        "_pud",
        "_p4d",
        "_pgd",
        "pgtable",
        "pagetable",
        "page_table",
        "ttbr",
        "mmu",
        "fixmap",
        "tlb",
        "map_page",
        "pt_entry",
    ];
    if matches!(barrier, Instruction::Dmb(_) | Instruction::Sb) {
        return None;
    }
    let name = function.name.to_ascii_lowercase();
    let file = unit.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
    (has(&FUNCTIONS, &name) || has(&FILES, &file)).then(|| "what this code does to translation tables".to_owned())
}

/// Returns whether something holds of a line of assembly, by itself and by what stands before it.
fn is_line(unit: &Unit, line: u32, holds: fn(&str, &[&str]) -> bool) -> bool {
    unit.segments.iter().any(|segment| {
        let Some(at) = segment.lines.iter().position(|source| source.number == line) else {
            return false;
        };
        let before: Vec<&str> = segment.lines[at.saturating_sub(30)..at]
            .iter()
            .map(|source| source.text.as_str())
            .collect();
        holds(&segment.lines[at].text, &before)
    })
}

/// Says of a function that not all of it was followed.
fn limit(function: &Function, text: &str) -> Unread {
    let mut events = Vec::new();
    Node::visit(&function.nodes, &mut |event| events.push(event.clone()));
    Unread::limit(events.iter(), text, &function.name)
}

/// Marks the local sequences of a function of which another way broadcasts: other PEs may hold the entry there too.
fn note_broadcasts(own: &mut [Found]) {
    // A condition about who runs, or who shares, tells the ways apart by that very question.
    const WHO: [&str; 14] = [
        "local",
        "every",
        "remote",
        "cpu",
        "smp",
        "ipi",
        "single",
        "shar",
        "broadcast",
        "core",
        "nsh",
        "ish",
        "global",
        "scope",
    ];
    let scopes = |found: &Found, local: bool| {
        let tlbi = |instruction| match instruction {
            Instruction::Tlbi(tlbi) if tlbi.operand != Operand::Xzr => Some(tlbi.op),
            _ => None,
        };
        let of = |op: TlbiOp| (op.scope() == Scope::Local) == local;
        let mut ops = found.sequence.instructions().filter_map(tlbi).filter(|op| of(*op));
        ops.next().map(TlbiOp::level)
    };
    let broadcast: Vec<_> = own
        .iter()
        .filter_map(|found| Some((scopes(found, false)?, found.via.clone())))
        .collect();
    for found in own {
        let asks_who = found.conditions.iter().any(|condition| {
            let lower = condition.to_ascii_lowercase();
            WHO.iter().any(|word| lower.contains(word))
        });
        found.around.broadcast_beside = !asks_who
            && scopes(found, false).is_none()
            && scopes(found, true).is_some_and(|level| broadcast.contains(&(level, found.via.clone())));
    }
}

/// Lists changed calls of maintenance that could not be looked into.
fn calls(unit: &Unit, functions: &[Function], shown: &impl Fn(&String, u32) -> bool) -> Vec<Unread> {
    let mut out: Vec<Unread> = Vec::new();
    for function in functions {
        visit_under(&function.nodes, "", &mut |event, under| {
            let Kind::Call(name) = &event.kind else { return };
            if event.changed
                && !shown(name, event.line)
                && looks_like(name)
                && !out.iter().any(|known| known.line == event.line)
            {
                let text = call_text(unit, name, event.line);
                out.push(Unread {
                    function: function.name.clone(),
                    under: under.to_owned(),
                    ..Unread::new(event.line, text, true, Doubt::Call)
                });
            }
        });
    }
    out
}

/// Visits the events in here with the conditions that they stand under.
fn visit_under(nodes: &[Node], under: &str, each: &mut impl FnMut(&Event, &str)) {
    for node in nodes {
        match node {
            Node::Event(event) => each(event, under),
            Node::Either { condition, arms, .. } => {
                for (index, arm) in arms.iter().enumerate() {
                    visit_under(arm, &format!("{under};{condition}={index}"), each);
                }
            }
            Node::Loop(body) | Node::Region(body) => visit_under(body, under, each),
            Node::Jump => {}
        }
    }
}

/// Returns a call as it stands in the text, its arguments and all: they may be what a patch changes.
fn call_text(unit: &Unit, name: &str, line: u32) -> String {
    const MAX_LINES: usize = 6;
    const MAX: usize = 80;
    let unknown = || format!("{name}(...)");
    let mut lines = unit
        .segments
        .iter()
        .flat_map(|segment| &segment.lines)
        .skip_while(|source| source.number != line);
    let Some(start) = lines
        .next()
        .and_then(|first| Some(&first.text[first.text.find(name)?..]))
    else {
        return unknown();
    };
    if !start[name.len()..].trim_start().starts_with('(') {
        return unknown();
    }
    let (mut text, mut depth) = (String::new(), 0_i32);
    for part in std::iter::once(start).chain(lines.take(MAX_LINES).map(|source| source.text.as_str())) {
        for c in part.trim().chars() {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            text.push(c);
            if depth == 0 && c == ')' {
                return cut(&text, MAX);
            }
        }
        text.push(' ');
    }
    unknown()
}

fn looks_like(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("tlb") && !matches!(lower.as_str(), "svc" | "hvc" | "smc")
}
