// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assembly: statements, macros, labels and branches, to the ways through each function.

mod flow;
mod statement;

pub use statement::{AsmMacro, Statement, collect_macros, function_name, statements};

use crate::review::extract::event::{Event, Node};
use crate::review::extract::instruction::{self, Read};
use crate::review::extract::{Function, Unread};
use std::collections::{HashMap, HashSet};

/// Macros by name.
pub type Macros = HashMap<String, AsmMacro>;

/// How deep macros in macros are followed.
const MAX_DEPTH: usize = 8;
/// Most operations a function is taken apart into.
const MAX_OPS: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Op {
    Event(Event),
    Label(String),
    Branch {
        target: String,
        conditional: bool,
        text: String,
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
struct Reader<'a> {
    macros: &'a Macros,
    ops: Vec<Op>,
    unread: Vec<Unread>,
    /// Labels of open conditionals: of the next part, and of the end.
    open: Vec<(String, String)>,
    labels: usize,
}

/// Reads the functions of a piece of assembly. `section` names where it starts.
pub fn functions<'a>(source: &[Statement], section: &str, macros: &'a Macros) -> (Vec<Function>, Vec<Unread>) {
    let declared = statement::declared(source);
    let mut unread = Vec::new();
    let mut functions = Vec::new();
    let mut name = function_name(section).unwrap_or_default();
    let mut reader = Reader::new(macros);
    let mut in_macro = None::<(String, HashSet<String>)>;
    let mut terminated = false;
    let mut open_start = true;
    let mut close = |name: &mut String, reader: &mut Reader<'a>, next: String, open_end: bool| {
        let done = std::mem::replace(reader, Reader::new(macros));
        let nodes = flow::nodes(&done.ops);
        unread.extend(done.unread.into_iter().map(|unread| Unread {
            function: name.clone(),
            ..unread
        }));
        functions.push(Function {
            name: std::mem::replace(name, next),
            nodes,
            template: false,
            open_start: std::mem::take(&mut open_start),
            open_end,
        });
    };
    for statement in source {
        let (word, rest) = statement.words();
        if let Some((macro_name, _)) = &in_macro {
            if word == ".endm" || word == ".endmacro" {
                in_macro = None;
                close(&mut name, &mut reader, String::new(), false);
                continue;
            }
            let _ = macro_name;
        } else if word == ".macro" {
            let (macro_name, parameters) = statement::macro_head(rest);
            close(&mut name, &mut reader, macro_name.clone(), false);
            in_macro = Some((macro_name, parameters.into_iter().map(|(name, _)| name).collect()));
            continue;
        } else if let Some(next) = statement::start(statement) {
            close(&mut name, &mut reader, next, false);
            terminated = false;
        } else if statement::is_end(statement) {
            close(&mut name, &mut reader, String::new(), false);
            terminated = false;
            continue;
        } else if let Some(label) = statement.label() {
            let function = declared.functions.contains(label)
                || (terminated || name.is_empty()) && !declared.targets.contains(label) && !statement::is_local(label);
            if function && label != name {
                close(&mut name, &mut reader, label.to_owned(), false);
            }
            terminated = false;
        }
        let before = reader.unread.len();
        reader.statement(statement, 0);
        if let Some((_, parameters)) = &in_macro {
            // An operation that is the macro's parameter is read where the macro is used.
            let by_parameter = |text: &str| parameters.iter().any(|p| text.contains(&format!("\\{p}")));
            for unread in &mut reader.unread[before..] {
                unread.template |= by_parameter(&unread.text);
            }
        }
        terminated |= matches!(word, "ret" | "eret" | "b" | "br");
        if !matches!(word, "ret" | "eret" | "b" | "br" | "" | "nop") && !word.starts_with(['.', '#']) {
            terminated = false;
        }
    }
    close(&mut name, &mut reader, String::new(), !terminated);
    functions.retain(|function| Node::has_maintenance(&function.nodes) || Node::calls_maintenance(&function.nodes));
    (functions, unread)
}

/// Reads the template of an inline assembly statement.
pub fn inline(text: &str, line: u32, changed: bool, macros: &Macros) -> (Vec<Node>, Vec<Unread>) {
    let mut reader = Reader::new(macros);
    for part in text.split(['\n', ';']) {
        let statement = Statement {
            line,
            changed,
            text: statement::without_comment(part).trim().to_owned(),
        };
        for statement in statement.peel_labels() {
            reader.statement(&statement, 0);
        }
    }
    (flow::nodes(&reader.ops), reader.unread)
}

impl<'a> Reader<'a> {
    fn new(macros: &'a Macros) -> Self {
        Self {
            macros,
            ops: Vec::new(),
            unread: Vec::new(),
            open: Vec::new(),
            labels: 0,
        }
    }

    fn fresh(&mut self) -> String {
        self.labels += 1;
        format!("\0{}", self.labels)
    }

    fn statement(&mut self, statement: &Statement, depth: usize) {
        if self.ops.len() > MAX_OPS {
            return;
        }
        if let Some(label) = statement.label() {
            self.ops.push(Op::Label(label.to_owned()));
            return;
        }
        let (word, rest) = statement.words();
        if self.conditional(word, rest) {
            return;
        }
        let word = word.split('(').next().unwrap_or(word);
        if let Some(found) = self.macros.get(word).filter(|_| depth < MAX_DEPTH) {
            let arguments = statement.arguments();
            for inner in found.expand(&arguments, statement) {
                for inner in inner.peel_labels() {
                    self.statement(&inner, depth + 1);
                }
            }
            return;
        }
        let conditional_branch =
            word.starts_with("b.") || matches!(word, "cbz" | "cbnz" | "tbz" | "tbnz") || is_old_branch(word);
        if conditional_branch || word == "b" {
            let target = rest.rsplit(',').next().unwrap_or_default().trim().to_owned();
            self.ops.push(Op::Branch {
                target,
                conditional: conditional_branch,
                text: statement.text.clone(),
            });
            return;
        }
        match instruction::read(word, rest) {
            Read::Event(kind) => self.ops.push(Op::Event(Event {
                kind,
                line: statement.line,
                changed: statement.changed,
                via: Vec::new(),
            })),
            Read::Unknown => self.unread.push(Unread {
                line: statement.line,
                text: statement.text.clone(),
                changed: statement.changed,
                template: false,
                function: String::new(),
            }),
            Read::Other => {}
        }
    }

    /// Takes a conditional of preprocessor, assembler or run-time patching; returns whether it was one.
    fn conditional(&mut self, word: &str, rest: &str) -> bool {
        let erratum = is_erratum(rest);
        match word {
            "#if" | "#ifdef" | "#ifndef" | ".if" | ".ifdef" | ".ifndef" | ".ifc" | ".ifnc" | ".ifb" | ".ifnb"
            | ".ifeq" | ".ifne" | ".ifeqs" | ".ifnes" => {
                let negated = matches!(word, "#ifndef" | ".ifndef");
                self.fork(rest, (erratum && !rest.starts_with('!')).then_some(!negated));
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
            "alternative_insn" | "ALTERNATIVE" => {
                let quoted: Vec<_> = rest.split('"').skip(1).step_by(2).collect();
                if let [old, new, ..] = quoted.as_slice() {
                    let line = |text: &str| text.replace("\\n", "\n");
                    self.fork("an alternative", Some(false));
                    self.inner(&line(old));
                    self.conditional("alternative_else", "");
                    self.inner(&line(new));
                    self.conditional("alternative_endif", "");
                }
            }
            _ => return word.starts_with('#'),
        }
        true
    }

    fn inner(&mut self, text: &str) {
        for part in text.split(['\n', ';']) {
            let statement = Statement {
                line: 0,
                changed: false,
                text: part.trim().to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::extract::path::tests::ways;
    use crate::review::extract::token::tests::lines;

    fn read(source: &str) -> Vec<(String, Vec<String>)> {
        let lines = lines(source);
        let statements = statements(&lines, false);
        let macros = collect_macros(&statements);
        let (functions, unread) = functions(&statements, "", &macros);
        assert!(unread.iter().all(|unread| unread.template), "{unread:?}");
        ways(functions)
    }

    #[test]
    fn functions_are_labels_nobody_branches_to() {
        let found = read("f:\n cbz x0, 1f\n b done\n1: nop\ndone:\n dsb ish\n tlbi alle2\n ret\ng:\n isb\n");
        assert_eq!(
            found[0],
            ("f".into(), ["dsb ish", "alle2", "ret"].map(String::from).to_vec())
        );
        assert_eq!(found[1].0, "g");
    }

    #[test]
    fn levels_are_ways() {
        let found = read(
            "ENTRY(flush)\n switch_el x9, 3f, 2f, 1f\n cmp x9, #1\n b.eq 1f\n b.gt 2f\n3: tlbi alle3\n b 0f\n2: tlbi alle2\n b 0f\n\
             1: tlbi vmalle1\n0: dsb sy\n isb\n ret\nENDPROC(flush)\n",
        );
        let mut ops: Vec<_> = found.iter().map(|(_, events)| events[0].as_str()).collect();
        ops.sort_unstable();
        assert_eq!(ops, ["alle2", "alle3", "vmalle1"]);
        assert!(found.iter().all(|(_, events)| events[1..] == ["dsb sy", "isb", "ret"]));
    }

    #[test]
    fn macros_are_expanded() {
        let found = read(
            ".macro flush op, sh=ish\n dsb \\sh\\()st\n tlbi \\op\n dsb \\sh\n.endm\nf:\n flush alle2, nsh\n flush op=alle2is\n ret\n",
        );
        let f = found.iter().find(|(name, _)| name == "f").unwrap();
        assert_eq!(
            f.1,
            [
                "dsb nshst",
                "alle2",
                "dsb nsh",
                "dsb ishst",
                "alle2is",
                "dsb ish",
                "ret"
            ]
        );
    }

    #[test]
    fn loops_and_alternatives_are_seen() {
        let found = read(
            "f:\n dsb ishst\n1: tlbi vae2is, x0\n add x0, x0, 1\n cmp x0, x1\n b.lo 1b\n dsb ish\nalternative_if CAP\n tlbi vale2is, xzr\n dsb ish\nalternative_else_nop_endif\n isb\n ret\n",
        );
        assert_eq!(
            found[0].1,
            ["dsb ishst", "(", "vae2is x0", ")", "dsb ish", "isb", "ret"]
        );
        assert_eq!(found[1].1.len(), 9);
    }
}
