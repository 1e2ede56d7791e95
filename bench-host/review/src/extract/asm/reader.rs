// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each statement does: events, labels, branches, and conditionals, with macros expanded.

use crate::extract::asm::registers::Compute;
use crate::extract::asm::statement::Statement;
use crate::extract::asm::{AsmMacro, Macros};
use crate::extract::event::{Event, Kind, Stored};
use crate::extract::instruction::{self, Read};
use crate::extract::names::turns_mmu_on;
use crate::extract::{Doubt, Unread};
use sequences::TlbiOp;

/// How deep macros in macros are followed.
const MAX_DEPTH: usize = 8;
/// Most operations a function is taken apart into.
const MAX_OPS: usize = 60_000;
/// Most statements that the macros of a function stand for: eight levels of macros that each call the next one a dozen
/// times are more than all sources there are.
const MAX_EXPANDED: usize = 20_000;
/// The same of a file, and what a function has where those before it took that.
const MAX_EXPANDED_OF_FILE: usize = 100_000;
const LEAST_EXPANDED: usize = 500;

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Event(Event),
    Compute(Compute),
    Label(String),
    Branch {
        target: String,
        conditional: bool,
        text: String,
        line: u32,
        changed: bool,
    },
    /// Goes on here or at the label, by a condition of the preprocessor, the assembler, or run-time patching.
    Fork {
        other: String,
        condition: String,
        /// `Some(true)`: what follows is optional; `Some(false)`: what is at the label is.
        optional: Option<bool>,
    },
    Jump(String),
}

/// What a run over statements needs and finds.
pub(super) struct Reader<'a> {
    macros: &'a Macros,
    /// What the statements do, so far.
    pub(super) ops: Vec<Op>,
    /// What was not understood.
    pub(super) unread: Vec<Unread>,
    /// Labels of open conditionals: of the next part, and of the end.
    open: Vec<(String, String)>,
    labels: usize,
    /// Statements that macros stood for, and how many may be.
    expanded: usize,
    most_expanded: usize,
    /// Those of the functions before in the file.
    expanded_before: usize,
    /// A limit was met, and said.
    full: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(macros: &'a Macros) -> Self {
        Self {
            macros,
            ops: Vec::new(),
            unread: Vec::new(),
            open: Vec::new(),
            labels: 0,
            expanded: 0,
            most_expanded: MAX_EXPANDED,
            expanded_before: 0,
            full: false,
        }
    }

    /// Returns the reader of the next function of the file.
    pub(super) fn next(&self) -> Self {
        let before = self.expanded_before + self.expanded;
        let mut next = Self::new(self.macros);
        next.expanded_before = before;
        if before > MAX_EXPANDED_OF_FILE {
            next.most_expanded = LEAST_EXPANDED;
        }
        next
    }

    const fn is_over(&self) -> bool {
        self.ops.len() > MAX_OPS || self.expanded > self.most_expanded
    }

    fn fresh(&mut self) -> String {
        self.labels += 1;
        format!("\0{}", self.labels)
    }

    /// Reads a statement; `depth` is that of macros in macros.
    pub(super) fn statement(&mut self, statement: &Statement, depth: usize) {
        self.expanded += usize::from(depth > 0);
        if self.is_over() {
            // What a macro holds is not looked up any more.
            let counts = || {
                let word = statement.words().0;
                self.macros.contains_key(word.split('(').next().unwrap_or(word))
                    || !matches!(instruction::read_words(&statement.text), Read::Other)
            };
            if !self.full && counts() {
                self.full = true;
                self.unread
                    .push(doubt(statement, "the function has more instructions than are followed"));
            }
            return;
        }
        if let Some(label) = statement.label() {
            self.ops.push(Op::Label(label.to_owned()));
            return;
        }
        let (word, rest) = statement.words();
        if self.conditional(statement, word, rest) {
            return;
        }
        let word = word.split('(').next().unwrap_or(word);
        let found = self.macros.get(word);
        if depth >= MAX_DEPTH && found.is_some_and(AsmMacro::has_maintenance) {
            self.unread
                .push(doubt(statement, "macros are nested deeper than is followed"));
        }
        if let Some(found) = found.filter(|_| depth < MAX_DEPTH) {
            let arguments = statement.arguments();
            for inner in found.expand(&arguments, statement) {
                for inner in inner.peel_labels() {
                    self.statement(&inner, depth + 1);
                }
                if self.is_over() {
                    if !self.full {
                        self.full = true;
                        self.unread
                            .push(doubt(statement, "macros stand for more instructions than are followed"));
                    }
                    break;
                }
            }
            return;
        }
        let lower = word.to_ascii_lowercase();
        let conditional_branch = lower.starts_with("b.")
            || matches!(lower.as_str(), "cbz" | "cbnz" | "tbz" | "tbnz")
            || is_old_branch(&lower);
        if conditional_branch || lower == "b" {
            let target = rest.rsplit(',').next().unwrap_or_default().trim().to_owned();
            self.ops.push(Op::Branch {
                target,
                conditional: conditional_branch,
                text: statement.text.clone(),
                line: statement.line,
                changed: statement.changed,
            });
            return;
        }
        let read = instruction::read(word, rest);
        if matches!(read, Read::Other) && self.out_of_sight(statement, word) {
            return;
        }
        let read = match read {
            // A macro out of sight that writes a table entry, by its name.
            Read::Other if instruction::writes_table(word) => Read::Event(Kind::Store(Stored::default())),
            // `enable_mmu sctlr_el2, x8`.
            Read::Other if turns_mmu_on(word) => Read::Event(Kind::Call(word.to_owned())),
            // `TLB_INVALIDATE(alle2)`: one that is named after TLBs and given an operation.
            Read::Other if word.to_ascii_lowercase().contains("tlb") => operation_of(statement).unwrap_or(Read::Other),
            read => read,
        };
        match read {
            Read::Event(kind) => self.ops.push(Op::Event(Event {
                kind,
                line: statement.line,
                changed: statement.changed,
                given: Vec::new(),
                via: Vec::new(),
            })),
            Read::Unknown => self.unread.push(Unread::new(
                statement.line,
                statement.text.clone(),
                statement.changed,
                Doubt::Spelling,
            )),
            Read::Other => self.ops.extend(Compute::of(statement).map(Op::Compute)),
        }
    }

    /// Takes a macro out of sight that goes on at labels it is given or is named after, as `switch_el x0, 3f, 2f, 1f` and
    /// `EL1_OR_EL2(x0)` do, or that picks one of the instructions in its arguments; returns whether it was one.
    fn out_of_sight(&mut self, statement: &Statement, word: &str) -> bool {
        let arguments = statement.arguments();
        let is_code = |text: &str| {
            text.split(['\n', ';'])
                .any(|part| instruction::is_instruction(part.trim()))
        };
        let code: Vec<String> = arguments
            .iter()
            .map(|text| unescaped(text))
            .filter(|text| is_code(text))
            .collect();
        if !code.is_empty() && statement.text.contains('"') {
            let several = code.len() > 1;
            for (index, text) in code.iter().enumerate() {
                match (several, index) {
                    (false, _) => {}
                    (true, 0) => self.fork(word, None),
                    (true, _) if index + 1 == code.len() => {
                        self.conditional(statement, ".else", "");
                    }
                    (true, _) => {
                        self.conditional(statement, ".elseif", word);
                    }
                }
                self.inner(text, statement);
            }
            if several {
                self.conditional(statement, ".endif", "");
            }
            return true;
        }
        let mut targets: Vec<String> = arguments.into_iter().filter(|argument| is_near(argument)).collect();
        if targets.is_empty()
            && let levels = levels(word)
            && levels.len() > 1
        {
            targets = levels.into_iter().map(|level| format!("{level}f")).collect();
        }
        for target in &targets {
            self.ops.push(Op::Branch {
                target: target.clone(),
                conditional: true,
                text: format!("{word} to {target}"),
                line: statement.line,
                changed: statement.changed,
            });
        }
        !targets.is_empty()
    }

    /// Takes a conditional of preprocessor, assembler or run-time patching; returns whether it was one.
    fn conditional(&mut self, statement: &Statement, word: &str, rest: &str) -> bool {
        let erratum = is_erratum(rest);
        match word {
            "#if" | "#ifdef" | "#ifndef" | ".if" | ".ifdef" | ".ifndef" | ".ifc" | ".ifnc" | ".ifb" | ".ifnb"
            | ".ifeq" | ".ifne" | ".ifeqs" | ".ifnes" => {
                let negated = matches!(word, "#ifndef" | ".ifndef");
                let condition = asked(word, rest);
                self.fork(&condition, (erratum && !rest.starts_with('!')).then_some(!negated));
            }
            "alternative_if" | "alternative_cb" => self.fork(rest, Some(true)),
            "alternative_if_not" => self.fork(rest, Some(false)),
            "#else" | "#elif" | ".else" | ".elseif" | "alternative_else" => {
                let again = matches!(word, "#elif" | ".elseif").then(|| self.fresh());
                if let Some((other, end)) = self.open.last_mut() {
                    let other = std::mem::replace(other, again.clone().unwrap_or_default());
                    self.ops.push(Op::Jump(end.clone()));
                    if !other.is_empty() {
                        self.ops.push(Op::Label(other));
                    }
                }
                if let Some(other) = again {
                    self.ops.push(Op::Fork {
                        other,
                        condition: rest.trim().to_owned(),
                        optional: None,
                    });
                }
            }
            "#endif" | ".endif" | "alternative_endif" | "alternative_else_nop_endif" | "alternative_cb_end" => {
                if let Some((other, end)) = self.open.pop() {
                    if !other.is_empty() {
                        self.ops.push(Op::Label(other));
                    }
                    self.ops.push(Op::Label(end));
                }
            }
            _ if is_alternative(word) => {
                let quoted: Vec<_> = statement.text.split('"').skip(1).step_by(2).collect();
                if let [old, new, ..] = quoted.as_slice() {
                    self.fork("an alternative", Some(false));
                    self.inner(&unescaped(old), statement);
                    self.conditional(statement, "alternative_else", "");
                    self.inner(&unescaped(new), statement);
                    self.conditional(statement, "alternative_endif", "");
                }
            }
            _ => return word.starts_with('#'),
        }
        true
    }

    fn inner(&mut self, text: &str, at: &Statement) {
        for part in text.split(['\n', ';']) {
            let statement = Statement {
                text: part.trim().to_owned(),
                ..*at
            };
            self.statement(&statement, MAX_DEPTH);
        }
    }

    fn fork(&mut self, condition: &str, optional: Option<bool>) {
        let (other, end) = (self.fresh(), self.fresh());
        self.ops.push(Op::Fork {
            other: other.clone(),
            condition: condition.trim().to_owned(),
            optional,
        });
        self.open.push((other, end));
    }
}

/// Returns whether a word patches one of two texts in at run time.
fn is_alternative(word: &str) -> bool {
    let name = word.split('(').next().unwrap_or(word);
    matches!(
        name,
        "alternative_insn" | "ALTERNATIVE" | "_ALTERNATIVE" | "ALTERNATIVE_INSN"
    )
}

/// Returns the text of a string, its ends of lines as such.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t")
}

/// Returns whether an operand is a place nearby: `3f`.
fn is_near(operand: &str) -> bool {
    let digits = operand.trim_end_matches(['f', 'b']);
    operand.len() == digits.len() + 1 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the exception levels that a name speaks of: `EL1_OR_EL2`.
fn levels(name: &str) -> Vec<char> {
    let upper = name.to_ascii_uppercase();
    let mut all: Vec<char> = upper
        .split('_')
        .filter_map(
            |part| match part.strip_prefix("EL")?.chars().collect::<Vec<_>>().as_slice() {
                [level @ '0'..='3'] => Some(*level),
                _ => None,
            },
        )
        .collect();
    all.dedup();
    all
}

/// Returns the condition that a directive asks.
fn asked(word: &str, rest: &str) -> String {
    let name = word.trim_start_matches(['#', '.']);
    let is_open = rest.contains('\\');
    let number = |holds: bool| if holds { "1" } else { "0" }.to_owned();
    let pair = || {
        let (a, b) = rest.split_once(',').unwrap_or((rest, ""));
        [a, b].map(|part| part.trim().trim_matches('"').to_owned())
    };
    match name {
        "ifc" | "ifeqs" if !is_open => number(pair()[0] == pair()[1]),
        "ifnc" | "ifnes" if !is_open => number(pair()[0] != pair()[1]),
        "ifc" | "ifeqs" => format!("{} == {}", pair()[0], pair()[1]),
        "ifnc" | "ifnes" => format!("{} != {}", pair()[0], pair()[1]),
        "ifb" if !is_open => number(rest.trim().is_empty()),
        "ifnb" if !is_open => number(!rest.trim().is_empty()),
        "ifeq" => format!("{rest} == 0"),
        "ifne" => format!("{rest} != 0"),
        "ifdef" => format!("defined({rest})"),
        "ifndef" => format!("!defined({rest})"),
        _ => rest.to_owned(),
    }
}

/// Returns the invalidation that a macro out of sight is for, where its first argument is an operation.
fn operation_of(statement: &Statement) -> Option<Read> {
    let arguments = statement.arguments();
    let (operation, rest) = arguments.split_first()?;
    TlbiOp::from_name(operation)?;
    let text = match rest.first() {
        Some(operand) => format!("{operation}, {operand}"),
        None => operation.clone(),
    };
    Some(instruction::read("tlbi", &text))
}

/// Says of a statement that it, and what follows, is not read.
fn doubt(statement: &Statement, limit: &str) -> Unread {
    let text = format!("{}: {limit}", statement.text);
    Unread::new(statement.line, text, true, Doubt::Limit)
}

/// Says of a function that not all of it was followed.
pub(super) fn limit(ops: &[Op], limit: &str, function: &str) -> Unread {
    let events = ops.iter().filter_map(|op| match op {
        Op::Event(event) => Some(event),
        _ => None,
    });
    Unread::limit(events, limit, function)
}

/// Returns whether a condition is about an erratum.
pub fn is_erratum(condition: &str) -> bool {
    let upper = condition.to_ascii_uppercase();
    ["ERRAT", "WORKAROUND", "CVE_", "REPEAT_TLBI", "ALTERNATIVE"]
        .iter()
        .any(|word| upper.contains(word))
}

/// The spellings of conditional branches without the dot.
fn is_old_branch(word: &str) -> bool {
    const OLD: [&str; 18] = [
        "beq", "bne", "bcs", "bhs", "bcc", "blo", "bmi", "bpl", "bvs", "bvc", "bhi", "bls", "bge", "blt", "bgt", "ble",
        "bal", "bnv",
    ];
    OLD.contains(&word)
}
