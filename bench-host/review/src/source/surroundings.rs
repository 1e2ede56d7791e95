// SPDX-License-Identifier: MIT OR Apache-2.0
//! What calls may mean: the macros and functions that the units at hand, and their tree, define.

use crate::extract::event::{Event, Kind, Node};
use crate::extract::spelling::Spellings;
use crate::extract::token::{Language, Token, tokens};
use crate::extract::{Function, Unread, asm, code, macros, operand};
use crate::source::Unit;
use crate::source::part::{Part, either_of, without_places};
use std::collections::{BTreeSet, HashMap, HashSet};

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
    /// Macros that a unit at hand expands: their bodies count where they are used.
    pub expanded: HashSet<String>,
    /// Functions that call maintenance which is not in sight.
    pub callers: HashSet<String>,
    /// The names of their parameters.
    pub parameters: HashMap<String, Vec<String>>,
    ambiguous: HashSet<String>,
}

/// What was read of a unit.
pub(super) struct Reading {
    /// Its functions.
    pub(super) functions: Vec<Function>,
    /// What was not understood.
    pub(super) unread: Vec<Unread>,
    /// Macros that it expands.
    expanded: HashSet<String>,
    /// Lines of the bodies of macros that are read where they are used.
    pub(super) macro_lines: BTreeSet<u32>,
    /// Lines that were read as a part of an earlier one: that one, and they.
    pub(super) joined: Vec<(u32, u32)>,
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
            let mut functions: Vec<(&str, Function)> = Vec::new();
            let mut expanded = HashSet::new();
            for unit in units {
                let reading = self.functions(unit, spellings);
                expanded.extend(reading.expanded);
                functions.extend(
                    reading
                        .functions
                        .into_iter()
                        .map(|function| (unit.path.as_str(), function)),
                );
            }
            self.expanded.extend(expanded);
            let mut next = Self {
                expanded: std::mem::take(&mut self.expanded),
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

    /// Returns whether what a call of this name does is known.
    pub fn knows(&self, path: &str, name: &str, spellings: &Spellings) -> bool {
        self.known.contains_key(name)
            || self.whole.contains_key(name)
            || self.asm_macros.contains_key(name)
            || spellings.names_function(path, name)
    }

    /// Returns whether a name is that of a macro of the assembler that is used in a unit: its body is read there.
    pub(super) fn is_used_macro(&self, name: &str, unit: &Unit) -> bool {
        self.asm_macros.contains_key(name) && is_named_elsewhere(name, unit)
    }

    fn clone_functions(&self) -> Self {
        Self {
            macros: macros::Table::new(),
            asm_macros: asm::Macros::new(),
            known: self.known.clone(),
            whole: self.whole.clone(),
            expanded: HashSet::new(),
            callers: self.callers.clone(),
            parameters: self.parameters.clone(),
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
                .functions
                .iter()
                .any(|function| self.ambiguous.contains(&function.name))
    }

    fn add_macros(&mut self, unit: &Unit) {
        for segment in &unit.segments {
            if unit.language() == Language::Assembly {
                let statements = asm::statements(&segment.lines, asm::is_armasm(&unit.path));
                self.asm_macros.extend(asm::collect_macros(&statements));
            } else {
                let tokens = tokens(&segment.lines, unit.language());
                macros::collect(&tokens, unit.language(), &mut self.macros);
                if unit.language() == Language::C && segment.lines.iter().any(|line| is_for_assembly(&line.text)) {
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
            parameters,
            mut nodes,
            open_start,
            open_end,
            ..
        } = function;
        let part = match Part::of(&name, &nodes) {
            // What a hunk cuts off may be the rest of the sequence.
            Part::Fragment if open_start || open_end => Part::Nothing,
            part => part,
        };
        let bare = without_places(&nodes);
        if open_end {
            // What the text at hand cuts off may complete what is in it.
            nodes.push(Node::Event(Event {
                kind: Kind::Call("complete_out_of_sight".into()),
                line: 0,
                changed: false,
                given: Vec::new(),
                via: Vec::new(),
            }));
        }
        if matches!(part, Part::Nothing) && Node::calls_maintenance(&nodes) {
            self.callers.insert(name.clone());
        }
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
        self.parameters.insert(name.clone(), parameters);
        match part {
            Part::Fragment => self.known.insert(name, nodes),
            _ => self.whole.insert(name, nodes),
        };
    }

    /// Puts what they do in place of calls that the patch changes, as in C.
    fn look_into_calls(&self, nodes: &mut [Node], path: &str, function: &str, spellings: &Spellings) {
        Node::visit_mut(nodes, &mut |node| {
            let Node::Event(event) = node else { return };
            let Kind::Call(name) = &event.kind else { return };
            if !event.changed || name == function {
                return;
            }
            let known = || self.whole.get(name).or_else(|| self.known.get(name)).cloned();
            // Arguments are in registers: what is left out is taken to be right.
            let spelled = || spellings.function(path, name, &operand::ARGUMENTS.map(str::to_owned), event.line);
            if let Some(mut body) = known().or_else(spelled) {
                Node::give_registers(&mut body, &event.given);
                Node::place(&mut body, event.line, true, &name.as_str().into());
                *node = Node::Region(body);
            }
        });
    }

    /// Reads the functions of a unit.
    pub(super) fn functions(&self, unit: &Unit, spellings: &Spellings) -> Reading {
        let (mut functions, mut unread, mut macro_lines) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (mut joined, mut all_expanded) = (Vec::new(), HashSet::new());
        let language = unit.language();
        for segment in &unit.segments {
            if language == Language::Assembly {
                let statements = asm::statements(&segment.lines, asm::is_armasm(&unit.path));
                let (mut found, missed) = asm::functions(&statements, &segment.section, &self.asm_macros);
                for function in &mut found {
                    function.parameters = operand::ARGUMENTS.map(str::to_owned).into();
                    self.look_into_calls(&mut function.nodes, &unit.path, &function.name, spellings);
                }
                functions.extend(found);
                for missed in missed {
                    // An operation that is a macro's parameter is read where the macro is used.
                    let used = || !missed.function.is_empty() && is_named_elsewhere(&missed.function, unit);
                    if !missed.template {
                        unread.push(missed);
                    } else if used() {
                        macro_lines.insert(missed.line);
                    }
                }
            } else {
                let tokens: Vec<Token> = tokens(&segment.lines, language);
                let context = code::Context::new(
                    (language, &unit.path),
                    &self.macros,
                    &self.asm_macros,
                    code::Functions {
                        known: &self.known,
                        whole: &self.whole,
                        callers: &self.callers,
                        parameters: &self.parameters,
                    },
                    spellings,
                );
                let found = code::functions(&tokens, &segment.section, &context);
                let code::Noticed {
                    unread: missed,
                    expanded,
                    joined: lines,
                } = context.finish();
                joined.extend(lines);
                let is_used = |name: &String| expanded.contains(name) || self.expanded.contains(name);
                let mut own_macros = macros::Table::new();
                macros::collect(&tokens, language, &mut own_macros);
                // A macro's own body counts where nothing uses it.
                let (used, own): (Vec<_>, Vec<_>) = found
                    .into_iter()
                    .partition(|function| function.template && is_used(&function.name));
                for function in used {
                    Node::visit(&function.nodes, &mut |event| {
                        macro_lines.insert(event.line);
                    });
                }
                // Of the macros of this unit; a macro of Rust goes by its name and the number of its arguments.
                let plain = |key: &String| key.split('!').next().unwrap_or(key).to_owned();
                let bodies = own_macros
                    .iter()
                    .filter(|(key, _)| is_used(key) || is_used(&plain(key)));
                macro_lines.extend(bodies.flat_map(|(_, found)| found.body.iter().map(|token| token.line)));
                functions.extend(own);
                unread.extend(
                    missed
                        .into_iter()
                        .filter(|missed| !missed.template || !is_used(&missed.function)),
                );
                all_expanded.extend(expanded);
            }
        }
        Reading {
            functions,
            unread,
            expanded: all_expanded,
            macro_lines,
            joined,
        }
    }
}

/// Returns whether a macro is named in a unit elsewhere than where it is defined.
fn is_named_elsewhere(name: &str, unit: &Unit) -> bool {
    let is_armasm = asm::is_armasm(&unit.path);
    unit.segments.iter().any(|segment| {
        let mut heads = false;
        segment.lines.iter().any(|line| {
            let text = line.text.trim_start();
            // Arm's own assembler has the name on the line behind `MACRO`.
            let is_head =
                text.starts_with(".macro") || std::mem::replace(&mut heads, is_armasm && text.trim_end() == "MACRO");
            text.contains(name) && !is_head && !text.starts_with("/*") && !text.starts_with("//")
        })
    })
}

/// Returns whether a line of a header shows that it is for the assembler too.
fn is_for_assembly(text: &str) -> bool {
    text.contains(".macro") || text.trim_start().starts_with('#') && text.contains("__ASSEMBL")
}
