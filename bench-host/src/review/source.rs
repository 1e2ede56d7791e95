// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two sides of a patch, and whole files, as text to extract from.

use crate::review::diff::{FileDiff, Hunk, Origin};
use crate::review::extract::event::{Kind, Node, paths};
use crate::review::extract::reduce::{self, Found};
use crate::review::extract::spelling::Spellings;
use crate::review::extract::token::{Language, SourceLine, Token, tokens};
use crate::review::extract::{Function, Unread, asm, code, macros};
use sequences::{Instruction, Operand, Scope, TlbiOp};
use std::collections::{HashMap, HashSet};

/// A piece of a file without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The function it starts in, as the diff program guessed it.
    pub section: String,
    /// Its lines.
    pub lines: Vec<SourceLine>,
}

/// A file, or what a patch shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its path.
    pub path: String,
    /// The pieces.
    pub segments: Vec<Segment>,
}

/// Which side of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Context and `-`.
    Before,
    /// Context and `+`.
    After,
}

/// What a unit says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extraction {
    /// Its sequences.
    pub found: Vec<Found>,
    /// What was not understood.
    pub unread: Vec<Unread>,
    /// Barriers on changed lines that belong to no sequence: function, line, text.
    pub barriers: Vec<(String, u32, String)>,
}

/// Macros and functions that calls may mean.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Macros of C and Rust.
    pub macros: macros::Table,
    /// Macros of the assembler.
    pub asm_macros: asm::Macros,
    /// Functions that hold a part of a sequence.
    pub known: HashMap<String, Vec<Node>>,
    /// Functions that hold whole sequences: put in place of changed calls only.
    pub whole: HashMap<String, Vec<Node>>,
    ambiguous: HashSet<String>,
}

impl Unit {
    /// Returns one side of a file's diff.
    pub fn side(file: &FileDiff, side: Side) -> Self {
        let segment = |hunk: &Hunk| {
            let (skip, start) = match side {
                Side::Before => (Origin::Added, hunk.old_start),
                Side::After => (Origin::Removed, hunk.new_start),
            };
            let lines = hunk.lines.iter().filter(|line| line.origin != skip);
            Segment {
                section: hunk.section.clone(),
                lines: (start..)
                    .zip(lines)
                    .map(|(number, line)| SourceLine {
                        number,
                        text: line.text.clone(),
                        changed: line.origin != Origin::Context,
                    })
                    .collect(),
            }
        };
        let path = match side {
            Side::Before if !file.old_path.is_empty() => &file.old_path,
            _ => file.path(),
        };
        let mut segments: Vec<Segment> = Vec::new();
        for next in file.hunks.iter().map(segment) {
            // A macro that two hunks show the ends of is one macro.
            let goes_on = |line: Option<&SourceLine>| line.is_some_and(|line| line.text.trim_end().ends_with('\\'));
            match segments.last_mut() {
                Some(open) if goes_on(open.lines.last()) && goes_on(next.lines.first()) => {
                    open.lines.extend(next.lines);
                }
                _ => segments.push(next),
            }
        }
        Self {
            path: path.to_owned(),
            segments,
        }
    }

    /// Returns a whole file.
    pub fn whole(path: &str, text: &str) -> Self {
        let lines = (1..).zip(text.lines()).map(|(number, text)| SourceLine {
            number,
            text: text.trim_end_matches('\r').to_owned(),
            changed: false,
        });
        Self {
            path: path.to_owned(),
            segments: vec![Segment {
                section: String::new(),
                lines: lines.collect(),
            }],
        }
    }

    /// Returns the language, C where the name does not say.
    pub fn language(&self) -> Language {
        Language::of(&self.path).unwrap_or(Language::C)
    }

    /// Returns whether this may be source for AArch64: documents are not, nor are other architectures' folders.
    pub fn is_source(&self) -> bool {
        Language::of(&self.path).is_some() && !is_foreign(&self.path)
    }
}

/// What a call in assembly is given.
const ARGUMENTS: [&str; 6] = ["x0", "x1", "x2", "x3", "x4", "x5"];

/// Words that name another architecture, as a folder or between the marks of a file's name.
const FOREIGN: [&str; 44] = [
    "x86",
    "x86_64",
    "i386",
    "ia32",
    "ia64",
    "amd64",
    "x64",
    "x86-64",
    "powerpc",
    "ppc",
    "ppc64",
    "riscv",
    "riscv64",
    "riscv32",
    "mips",
    "mips64",
    "mips32",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "loongarch",
    "loongarch64",
    "loongson",
    "m68k",
    "parisc",
    "hppa",
    "alpha",
    "csky",
    "hexagon",
    "microblaze",
    "nios2",
    "openrisc",
    "xtensa",
    "sh4",
    "arm32",
    "aarch32",
    "armv7",
    "armv7a",
    "armv7-a",
    "arm7",
    "a32",
    "cortex_m",
    "armv8-r",
];

/// Returns whether a path is that of another architecture, of an I/O MMU, or of a document.
pub fn is_foreign(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let stem = file.split('.').next().unwrap_or(file);
    // `paging-arm-32.cpp`, `tlb_helpers_a32.S`, `x86_64.rs`; `arm/32/` beside `arm/64/`.
    let named = FOREIGN.iter().any(|name| {
        stem == *name
            || [('_', '_'), ('-', '-')].iter().any(|(before, after)| {
                stem.ends_with(&format!("{before}{name}")) || stem.starts_with(&format!("{name}{after}"))
            })
    }) || stem.ends_with("arm-32")
        || stem.ends_with("arm_32");
    let in_folder = folders
        .split('/')
        .any(|part| FOREIGN.contains(&part) || part == "32" || part == "32bit");
    let other_mmu = ["smmu", "iommu", "-pvu", "_pvu"].iter().any(|word| stem.contains(word))
        || folders
            .split('/')
            .any(|part| ["smmu", "iommu", "smmuv3", "arm_smmuv3", "arm-smmu"].contains(&part));
    named || in_folder || other_mmu || folders.split('/').any(|part| part == "documentation")
}

impl Surroundings {
    /// Adds the macros and functions of units; their own files see their own first.
    pub fn add(&mut self, units: &[Unit], spellings: &Spellings) {
        for unit in units {
            self.add_macros(unit);
        }
        let base = self.clone();
        // A helper may call a helper, which may call a helper.
        for _ in 0..4 {
            let functions: Vec<(&str, Function)> = units
                .iter()
                .flat_map(|unit| {
                    let found = self.functions(unit, spellings).0;
                    found.into_iter().map(|function| (unit.path.as_str(), function))
                })
                .collect();
            let mut next = Self {
                macros: std::mem::take(&mut self.macros),
                asm_macros: std::mem::take(&mut self.asm_macros),
                ..base.clone_functions()
            };
            let mut own = HashMap::new();
            for (path, function) in functions
                .into_iter()
                .filter(|(_, function)| !function.template && !function.name.is_empty())
            {
                next.learn(path, function, &mut own);
            }
            let settled = next.known == self.known && next.whole == self.whole;
            *self = next;
            if settled {
                break;
            }
        }
    }

    fn clone_functions(&self) -> Self {
        Self {
            macros: macros::Table::new(),
            asm_macros: asm::Macros::new(),
            known: self.known.clone(),
            whole: self.whole.clone(),
            ambiguous: self.ambiguous.clone(),
        }
    }

    /// Returns whether a file defines anything of a name that means something else elsewhere.
    pub fn conflicts(&self, unit: &Unit, spellings: &Spellings) -> bool {
        let mut own = Self::default();
        own.add_macros(unit);
        let other = |(name, found): (&String, &macros::Macro)| {
            self.macros.get(name).is_some_and(|known| known.body != found.body)
        };
        let other_asm =
            |(name, found): (&String, &asm::AsmMacro)| self.asm_macros.get(name).is_some_and(|known| known != found);
        own.macros.iter().any(other)
            || own.asm_macros.iter().any(other_asm)
            || self
                .functions(unit, spellings)
                .0
                .iter()
                .any(|function| self.ambiguous.contains(&function.name))
    }

    fn add_macros(&mut self, unit: &Unit) {
        for segment in &unit.segments {
            if unit.language() == Language::Assembly {
                let statements = asm::statements(&segment.lines, unit.path.ends_with(".asm"));
                self.asm_macros.extend(asm::collect_macros(&statements));
            } else {
                let tokens = tokens(&segment.lines, unit.language());
                macros::collect(&tokens, unit.language(), &mut self.macros);
                if unit.path.ends_with(".h") && segment.lines.iter().any(|line| line.text.contains(".macro")) {
                    let statements = asm::statements(&segment.lines, false);
                    self.asm_macros.extend(asm::collect_macros(&statements));
                }
            }
        }
    }

    /// Takes a function into the tables; `own` are those of this pass, which win over those known before.
    fn learn(&mut self, path: &str, function: Function, own: &mut HashMap<String, (String, Vec<Node>)>) {
        let Function {
            name,
            nodes,
            open_start,
            open_end,
            ..
        } = function;
        let part = match kind_of(&name, &nodes) {
            // What a hunk cuts off may be the rest of the sequence.
            Part::Fragment if open_start || open_end => Part::Nothing,
            part => part,
        };
        let bare = without_places(&nodes);
        match (&part, own.get(&name)) {
            (Part::Nothing, _) => return,
            // Two of one file are for two configurations.
            (Part::Fragment, Some((file, known))) if *known != bare && file == path => {
                if let Some(other) = self.known.remove(&name) {
                    let both = either_of(&name, other, nodes);
                    own.insert(name.clone(), (path.to_owned(), without_places(&both)));
                    self.known.insert(name, both);
                }
                return;
            }
            // Two functions of one name: which one a call means cannot be said.
            (_, Some((_, known))) if *known != bare => {
                self.known.remove(&name);
                self.whole.remove(&name);
                self.ambiguous.insert(name);
                return;
            }
            _ => {}
        }
        own.insert(name.clone(), (path.to_owned(), bare));
        self.ambiguous.remove(&name);
        self.known.remove(&name);
        self.whole.remove(&name);
        match part {
            Part::Fragment => self.known.insert(name, nodes),
            _ => self.whole.insert(name, nodes),
        };
    }

    /// Puts what they do in place of calls that the patch changes, as in C.
    fn look_into_calls(&self, nodes: &mut [Node], function: &str, spellings: &Spellings) {
        for node in nodes {
            match node {
                Node::Event(event) => {
                    let Kind::Call(name) = &event.kind else { continue };
                    if !event.changed || name == function {
                        continue;
                    }
                    let known = || self.whole.get(name).or_else(|| self.known.get(name)).cloned();
                    // Arguments are in registers: what is left out is taken to be right.
                    let spelled = || spellings.function(name, &ARGUMENTS.map(str::to_owned), event.line);
                    if let Some(mut body) = known().or_else(spelled) {
                        code::place(&mut body, event.line, true, &name.as_str().into());
                        *node = Node::Region(body);
                    }
                }
                Node::Either { arms, .. } => {
                    for arm in arms {
                        self.look_into_calls(arm, function, spellings);
                    }
                }
                Node::Loop(body) | Node::Region(body) => self.look_into_calls(body, function, spellings),
                Node::Jump => {}
            }
        }
    }

    /// Reads the functions of a unit.
    pub fn functions(&self, unit: &Unit, spellings: &Spellings) -> (Vec<Function>, Vec<Unread>) {
        let (mut functions, mut unread) = (Vec::new(), Vec::new());
        let language = unit.language();
        for segment in &unit.segments {
            if language == Language::Assembly {
                let statements = asm::statements(&segment.lines, unit.path.ends_with(".asm"));
                let (mut found, missed) = asm::functions(&statements, &segment.section, &self.asm_macros);
                for function in &mut found {
                    self.look_into_calls(&mut function.nodes, &function.name, spellings);
                }
                functions.extend(found);
                unread.extend(missed.into_iter().filter(|missed| !missed.template));
            } else {
                let tokens: Vec<Token> = tokens(&segment.lines, language);
                let context = code::Context::new(
                    language,
                    &self.macros,
                    &self.asm_macros,
                    (&self.known, &self.whole),
                    spellings,
                );
                let found = code::functions(&tokens, &segment.section, &context);
                let (missed, expanded) = context.finish();
                // A macro's own body counts where nothing uses it.
                functions.extend(
                    found
                        .into_iter()
                        .filter(|function| !function.template || !expanded.contains(&function.name)),
                );
                unread.extend(
                    missed
                        .into_iter()
                        .filter(|missed| !missed.template || !expanded.contains(&missed.function)),
                );
            }
        }
        (functions, unread)
    }

    /// Extracts the sequences of a unit.
    pub fn extract(&self, unit: &Unit, spellings: &Spellings) -> Extraction {
        if !unit.is_source() {
            return Extraction::default();
        }
        let (functions, mut unread) = self.functions(unit, spellings);
        let mut found: Vec<Found> = Vec::new();
        let mut barriers = Vec::new();
        for function in &functions {
            let all = paths(&function.nodes);
            let mut own: Vec<Found> = Vec::new();
            for path in &all {
                for mut sequence in reduce::sequences(&function.name, path) {
                    let returns = path
                        .events
                        .last()
                        .is_some_and(|event| matches!(event.kind, Kind::Return | Kind::ExceptionReturn));
                    sequence.open_start = function.open_start;
                    sequence.open_end = function.open_end && !returns;
                    let known = own.iter().chain(&found).any(|known| {
                        known.function == sequence.function
                            && known.lines == sequence.lines
                            && known.sequence == sequence.sequence
                    });
                    if !known {
                        own.push(sequence);
                    }
                }
            }
            for path in all.iter().take(4) {
                for event in path.events.iter().filter(|event| event.changed) {
                    let Kind::Barrier(barrier) = &event.kind else { continue };
                    let used = own.iter().any(|sequence| sequence.lines.contains(&event.line))
                        || self.asm_macros.contains_key(&function.name)
                        || function.template;
                    let entry = (function.name.clone(), event.line, barrier.to_string());
                    if !used && !barriers.contains(&entry) {
                        barriers.push(entry);
                    }
                }
            }
            note_broadcasts(&mut own);
            found.extend(keep_longest(own));
        }
        unread.sort();
        unread.dedup_by(|a, b| a.line == b.line && a.text == b.text);
        unread.extend(calls(&functions, &found));
        Extraction {
            found,
            unread,
            barriers,
        }
    }
}

/// Marks the local sequences of a function of which another way broadcasts: other PEs may hold the entry there too.
fn note_broadcasts(own: &mut [Found]) {
    // A condition about who runs, or who shares, tells the ways apart by that very question.
    const WHO: [&str; 12] = [
        "local",
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

/// A way that skips a barrier by a condition, and one that does not, are both kept; one that only repeats is not.
fn keep_longest(own: Vec<Found>) -> Vec<Found> {
    const MAX: usize = 12;
    own.into_iter().take(MAX).collect()
}

/// Lists changed calls of maintenance that could not be looked into.
fn calls(functions: &[Function], found: &[Found]) -> Vec<Unread> {
    let mut out: Vec<Unread> = Vec::new();
    for function in functions {
        visit(&function.nodes, &mut |event| {
            let Kind::Call(name) = &event.kind else { return };
            let inside = found.iter().any(|found| found.lines.contains(&event.line));
            if event.changed && !inside && looks_like(name) && !out.iter().any(|known| known.line == event.line) {
                out.push(Unread {
                    line: event.line,
                    text: format!("{name}(...)"),
                    changed: true,
                    template: false,
                    function: function.name.clone(),
                });
            }
        });
    }
    out
}

fn looks_like(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("tlb") && !matches!(lower.as_str(), "svc" | "hvc" | "smc")
}

fn visit(nodes: &[Node], each: &mut impl FnMut(&crate::review::extract::event::Event)) {
    for node in nodes {
        match node {
            Node::Event(event) => each(event),
            Node::Either { arms, .. } => arms.iter().for_each(|arm| visit(arm, each)),
            Node::Loop(body) | Node::Region(body) => visit(body, each),
            Node::Jump => {}
        }
    }
}

enum Part {
    Nothing,
    Fragment,
    Whole,
}

fn kind_of(name: &str, nodes: &[Node]) -> Part {
    let mut size = 0;
    visit(nodes, &mut |_| size += 1);
    if size > 200 {
        return Part::Nothing;
    }
    // What calls something that may be a part of the sequence is not known before that is.
    let mut calls = false;
    visit(nodes, &mut |event| {
        calls |= matches!(&event.kind, Kind::Call(name) if reduce::may_complete(name));
    });
    if Node::has_tlbi(nodes) {
        let all = paths(nodes);
        let complete = all.iter().flat_map(|path| reduce::sequences(name, path)).any(|found| {
            if crate::review::evaluate::is_workaround(&found.sequence) {
                return false;
            }
            let instructions: Vec<_> = found.sequence.instructions().collect();
            let last = instructions.iter().rposition(|i| matches!(i, Instruction::Tlbi(_)));
            let after = last.map_or(&[][..], |last| &instructions[last + 1..]);
            after
                .iter()
                .any(|i| matches!(i, Instruction::Dsb(_) | Instruction::DsbNxs(_)))
        });
        return match (complete, calls) {
            (true, _) => Part::Whole,
            (false, false) => Part::Fragment,
            (false, true) => Part::Nothing,
        };
    }
    let lower = name.to_ascii_lowercase();
    let named = ["tlb", "dsb", "isb", "barrier", "sync", "fence"]
        .iter()
        .any(|word| lower.contains(word));
    if named && size <= 8 && Node::has_maintenance(nodes) {
        Part::Fragment
    } else {
        Part::Nothing
    }
}

/// Puts the bodies of two configurations beside each other; one that adds an invalidation of nothing is a work-around.
fn either_of(name: &str, first: Vec<Node>, second: Vec<Node>) -> Vec<Node> {
    let mut arms = vec![first, second];
    arms.sort_by_key(|arm| Node::has_tlbi(arm));
    let optional = !Node::has_tlbi(&arms[0]) && Node::has_tlbi(&arms[1]);
    vec![Node::Either {
        condition: format!("{name}()"),
        arms,
        optional,
    }]
}

fn without_places(nodes: &[Node]) -> Vec<Node> {
    nodes
        .iter()
        .map(|node| match node {
            Node::Event(event) => Node::Event(crate::review::extract::event::Event {
                line: 0,
                changed: false,
                kind: event.kind.clone(),
                via: Vec::new(),
            }),
            Node::Either {
                condition,
                arms,
                optional,
            } => Node::Either {
                condition: condition.clone(),
                arms: arms.iter().map(|arm| without_places(arm)).collect(),
                optional: *optional,
            },
            Node::Loop(body) => Node::Loop(without_places(body)),
            Node::Region(body) => Node::Region(without_places(body)),
            Node::Jump => Node::Jump,
        })
        .collect()
}
