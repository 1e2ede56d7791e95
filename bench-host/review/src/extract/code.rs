// SPDX-License-Identifier: MIT OR Apache-2.0
//! C, C++ and Rust: functions, their blocks, and the maintenance in them.
//!
//! This is no compiler: it finds blocks, conditions, calls and inline assembly, and is content with half a function,
//! which is what a hunk holds.

mod boundary;
mod branches;
mod calls;
mod decided;
mod expressions;
mod inline;
mod items;
mod places;
mod statements;

pub use items::functions;
pub use places::places;

use crate::extract::asm;
use crate::extract::event::Node;
use crate::extract::macros::{Constants, Table};
use crate::extract::operand::Value;
use crate::extract::spelling::Spellings;
use crate::extract::text::cut;
use crate::extract::token::{Language, Token, TokenKind};
use crate::extract::{Doubt, Unread};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// How deep blocks, macros and calls are followed.
const MAX_DEPTH: usize = 96;
const TOO_DEEP: &str = "nested too deep to be followed";
const TOO_LARGE: &str = "the function is too large to be followed";
/// Nodes one function may give.
const MAX_NODES: usize = 200_000;
/// Nodes all functions of one piece of source may give.
const MAX_ALL_NODES: usize = 4_000_000;

/// Functions by name, as far as they do maintenance.
pub type Bodies = HashMap<String, Vec<Node>>;

/// The functions that calls may mean.
#[derive(Debug, Clone, Copy)]
pub struct Functions<'a> {
    /// Those that hold parts of sequences, which are put in place of their calls.
    pub known: &'a Bodies,
    /// Those that hold whole sequences, which are put in place of calls that the patch changes.
    pub whole: &'a Bodies,
    /// Those that call maintenance which is not in sight.
    pub callers: &'a HashSet<String>,
    /// The names of their parameters.
    pub parameters: &'a HashMap<String, Vec<String>>,
}

/// What is known while a piece of source is read.
pub struct Context<'a> {
    /// The language.
    pub language: Language,
    /// The file.
    pub path: &'a str,
    /// The macros in sight.
    pub macros: &'a Table,
    /// The macros of the assembler in sight.
    pub asm_macros: &'a asm::Macros,
    /// The functions in sight.
    pub functions: Functions<'a>,
    /// The spellings.
    pub spellings: &'a Spellings,
    constants: Constants,
    found: RefCell<Found>,
}

/// What was noticed beside the functions.
pub struct Noticed {
    /// What was not understood.
    pub unread: Vec<Unread>,
    /// The macros that were expanded somewhere.
    pub expanded: HashSet<String>,
    /// Lines that were read as a part of an earlier one: that one, and they.
    pub joined: Vec<(u32, u32)>,
}

#[derive(Default)]
struct Found {
    unread: Vec<Unread>,
    expanded: HashSet<String>,
    /// Nodes of this function, and of all before it.
    nodes: usize,
    all_nodes: usize,
    /// A line of the function is on one side of the patch only.
    changed: bool,
    /// One that speaks of maintenance is.
    touched: bool,
    /// Parameters of the macro whose body is being read on its own.
    parameters: Vec<String>,
    function: String,
    /// The macro whose body is being read on its own.
    template: String,
    expanding: Vec<String>,
    /// Lines that are read as a part of an earlier one, after that one.
    joined: Vec<(u32, u32)>,
    /// What variables of the function were last set to.
    assigned: HashMap<String, Assigned>,
}

/// What a variable was set to.
#[derive(Debug, Clone)]
struct Assigned {
    /// As written.
    text: String,
    /// As written, with all that was set and cleared in it before: `x &= ~A; x &= ~B`.
    whole: String,
    /// Taken apart.
    value: Value,
    /// It, or what it is made of, is on one side of the patch only.
    changed: bool,
}

impl<'a> Context<'a> {
    /// Starts reading.
    pub fn new(
        (language, path): (Language, &'a str),
        macros: &'a Table,
        asm_macros: &'a asm::Macros,
        functions: Functions<'a>,
        spellings: &'a Spellings,
    ) -> Self {
        Self {
            language,
            path,
            macros,
            asm_macros,
            functions,
            spellings,
            constants: Constants::default(),
            found: RefCell::new(Found::default()),
        }
    }

    /// Returns what was noticed beside the functions.
    pub fn finish(self) -> Noticed {
        let found = self.found.into_inner();
        Noticed {
            unread: found.unread,
            expanded: found.expanded,
            joined: found.joined,
        }
    }

    fn unread(&self, token: &Token, text: String) {
        let mut found = self.found.borrow_mut();
        let template = !found.parameters.is_empty()
            && found
                .parameters
                .iter()
                .any(|name| has_word(&text, name) || text.contains(&format!("?{name}")));
        let function = if template {
            found.template.clone()
        } else {
            found.function.clone()
        };
        found.unread.push(Unread {
            template,
            function,
            ..Unread::new(token.line, text, token.changed, Doubt::Spelling)
        });
    }

    /// Says that what these tokens hold is not read, because a limit is met; nothing where they hold no maintenance.
    fn beyond(&self, tokens: &[Token], limit: &str) {
        let speaks = |token: &&Token| {
            let lower = token.text.to_ascii_lowercase();
            matches!(token.kind, TokenKind::Word | TokenKind::Text | TokenKind::Directive)
                && (lower.contains("tlb")
                    || lower.contains("dsb")
                    || lower.contains("isb")
                    || lower.contains("barrier"))
        };
        let Some(token) = tokens.iter().find(speaks) else {
            return;
        };
        let mut found = self.found.borrow_mut();
        let text = format!("{}: {limit}", shortened(&token.text.replace('\n', " ")));
        let unread = Unread {
            function: found.function.clone(),
            ..Unread::new(token.line, text, found.changed, Doubt::Limit)
        };
        if !found.unread.contains(&unread) {
            found.unread.push(unread);
        }
    }

    fn spent(&self, nodes: usize) -> bool {
        let mut found = self.found.borrow_mut();
        found.nodes += nodes;
        found.all_nodes += nodes;
        found.nodes > MAX_NODES || found.all_nodes > MAX_ALL_NODES
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .any(|part| part == word)
}

fn shortened(text: &str) -> String {
    const MAX: usize = 60;
    cut(text, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::macros;
    use crate::extract::path::tests::ways;
    use crate::extract::token::tests::lines;
    use crate::extract::token::tokens;

    fn read(source: &str, language: Language) -> Vec<(String, Vec<String>)> {
        let lines = lines(source);
        let tokens = tokens(&lines, language);
        let mut table = Table::new();
        macros::collect(&tokens, language, &mut table);
        let (asm_macros, known, spellings) = (asm::Macros::new(), HashMap::new(), Spellings::built_in());
        let parameters = HashMap::new();
        let in_sight = Functions {
            known: &known,
            whole: &known,
            callers: &HashSet::new(),
            parameters: &parameters,
        };
        let context = Context::new((language, ""), &table, &asm_macros, in_sight, &spellings);
        let functions = functions(&tokens, "", &context);
        let Noticed { unread, expanded, .. } = context.finish();
        assert!(unread.iter().all(|unread| unread.template), "{unread:?} {expanded:?}");
        ways(functions.into_iter().filter(|function| !function.template))
    }

    fn is(source: &str, language: Language, expected: &[(&str, &[&str])]) {
        let found = read(source, language);
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, events)| {
                (
                    name.to_string(),
                    events.iter().map(|text| text.to_string()).collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn inline_assembly_is_read() {
        let expected: &[&str] = &["dsb ishst", "vae2is va>>12", "dsb ish", "isb"];
        is(
            "static inline void f(vaddr_t va)\n{\n asm volatile(\"dsb ishst\\n\\t\"\n \"tlbi vae2is, %0;\" \"dsb ish\\n\" \"isb\"\n : : \"r\" (va >> 12) : \"memory\");\n}\n",
            Language::C,
            &[("f", expected)],
        );
        is(
            "fn f(va: u64) {\n unsafe { asm!(\"dsb ishst\", \"tlbi vae2is, {}\", \"dsb ish\", \"isb\", in(reg) va >> 12, options(nostack)) }\n}\n",
            Language::Rust,
            &[("f", expected)],
        );
        is(
            "void f(int a) { __asm__ __volatile__(\"tlbi vae1, %x[addr]\" :: [addr] \"r\" (a)); }",
            Language::C,
            &[("f", &["vae1 a"])],
        );
    }

    #[test]
    fn macros_that_build_sequences_are_expanded() {
        is(
            "#define HELPER(name, op, sh) \\\nstatic inline void name(void) \\\n{ asm volatile(\"dsb \" #sh \"st;\" \"tlbi \" #op \";\" \"dsb \" #sh \"; isb\" ::: \"memory\"); }\nHELPER(flush_local, alle2, nsh);\nHELPER(flush_all, alle2is, ish)\n",
            Language::C,
            &[
                ("flush_local", &["dsb nshst", "alle2", "dsb nsh", "isb"]),
                ("flush_all", &["dsb ishst", "alle2is", "dsb ish", "isb"]),
            ],
        );
    }

    #[test]
    fn blocks_are_followed() {
        is(
            "void f(x) {\n dsb(ishst);\n for (a = 0; a < n; a++)\n  __tlbi(vae1is, a);\n if (k)\n  isb();\n dsb(ish);\n}\n",
            Language::C,
            &[
                ("f", &["dsb ishst", "(", "vae1is a", ")", "isb", "dsb ish"]),
                ("f", &["dsb ishst", "(", "vae1is a", ")", "dsb ish"]),
            ],
        );
        is(
            "void f(x) {\n switch (x) {\n case 1: tlbivae1(a); break;\n default: tlbialle2(); break;\n }\n dsbnsh();\n}\n",
            Language::C,
            &[("f", &["vae1 a", "dsb nsh"]), ("f", &["alle2", "dsb nsh"])],
        );
        is(
            "impl T {\n fn f(&self, va: usize) {\n  if self.local { barrier::dsb(barrier::NSHST); tlbi::vae2(va) } else { dsb::<Ishst>(); }\n }\n}",
            Language::Rust,
            &[("f", &["dsb nshst", "vae2 va"]), ("f", &["dsb ishst"])],
        );
    }

    #[test]
    fn halves_of_functions_are_read() {
        is(
            "  x = y;\n  dsb(ishst);\n  tlbi(alle2);\n}\n\nstatic void g(void)\n{\n isb();\n",
            Language::C,
            &[("", &["dsb ishst", "alle2"]), ("g", &["isb"])],
        );
    }

    #[test]
    fn rust_macros_are_expanded() {
        is(
            "macro_rules! tlbi {\n ($op:ident, $x:expr) => { unsafe { core::arch::asm!(concat!(\"tlbi \", stringify!($op), \", {0}\"), in(reg) $x) } };\n}\nfn f(v: u64) { tlbi!(vae1is, v); }",
            Language::Rust,
            &[("f", &["vae1is v"])],
        );
    }
}
