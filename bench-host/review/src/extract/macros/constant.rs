// SPDX-License-Identifier: MIT OR Apache-2.0
//! Macros that only compute a value: nothing in them is executed for its effect, so they need not be expanded.
//!
//! Headers of page tables are made of hundreds of them, each made of others. Where every use is expanded, the work
//! multiplies from level to level.

use crate::extract::macros::{Macro, Table};
use crate::extract::token::{Token, TokenKind};
use std::cell::RefCell;
use std::collections::HashMap;

/// Macros that one may be made of, one in the other; what goes deeper is expanded.
const MAX_LEVELS: usize = 64;

/// Remembers which macros of a table only compute a value.
#[derive(Debug, Default)]
pub struct Constants {
    /// The answers so far; no for one that is being looked at, so that a circle is none.
    known: RefCell<HashMap<String, bool>>,
}

impl Constants {
    /// Returns whether a macro of C is made of numbers, names, operators, its parameters and other such macros alone.
    pub fn contains(&self, name: &str, table: &Table) -> bool {
        self.within(name, table, 0)
    }

    fn within(&self, name: &str, table: &Table, level: usize) -> bool {
        if let Some(&known) = self.known.borrow().get(name) {
            return known;
        }
        let Some(found) = table.get(name).filter(|_| level < MAX_LEVELS) else {
            return false;
        };
        self.known.borrow_mut().insert(name.to_owned(), false);
        let constant = self.is_value(found, table, level);
        self.known.borrow_mut().insert(name.to_owned(), constant);
        constant
    }

    fn is_value(&self, found: &Macro, table: &Table, level: usize) -> bool {
        let parameters = found.parameters.as_deref().unwrap_or_default();
        found.body.iter().enumerate().all(|(at, token)| match token.kind {
            TokenKind::Number => true,
            TokenKind::Sign if token.is("=") => compares(&found.body[..at]),
            // `x <<= n` is `<` and `<=` here.
            TokenKind::Sign if token.is("<=") || token.is(">=") => {
                at == 0 || found.body[at - 1].text != token.text[..1]
            }
            TokenKind::Sign => !matches!(token.text.as_str(), ";" | "{" | "}" | "#" | "##" | "@"),
            TokenKind::Text | TokenKind::Directive => false,
            TokenKind::Word if table.contains_key(&token.text) => self.within(&token.text, table, level + 1),
            TokenKind::Word => {
                let called = found.body.get(at + 1).is_some_and(|next| next.is("("));
                let given = parameters.contains(&token.text);
                !speaks_of_maintenance(token) && (!called || !given && token.text == "sizeof")
            }
        })
    }
}

/// Returns whether an `=` behind these tokens is the second half of `!=`, `<=` or `>=`, not of an assignment.
fn compares(before: &[Token]) -> bool {
    match before {
        [.., first, second] if second.is("<") || second.is(">") => first.text != second.text,
        [.., last] => last.is("!"),
        [] => false,
    }
}

/// Returns whether a word may name an instruction, or what emits one.
fn speaks_of_maintenance(token: &Token) -> bool {
    let lower = token.text.to_ascii_lowercase();
    ["tlb", "sb", "asm", "barrier", "fence", "flush", "inval"]
        .iter()
        .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::macros::collect;
    use crate::extract::token::tests::lines;
    use crate::extract::token::{Language, tokens};

    #[test]
    fn values_are_told_from_what_is_executed() {
        let source = "#define SHIFT 12\n#define BIT(n) (1UL << (n))\n#define TOP BIT(SHIFT)\n#define SYNC isb\n\
                      #define DO(x) f(x)\n#define SET(p) *(p) = BIT(1)\n#define TEXT \"isb\"\n#define USES (TOP | DO(1))\n\
                      #define A B\n#define B A\n#define CALL(f) f(0)\n#define SIZE sizeof(int)\n\
                      #define LESS(a, b) (!(a) != ((a) <= (b)))\n#define TWICE(a) (a <<= 1)\n";
        let (mut table, constants) = (Table::new(), Constants::default());
        collect(&tokens(&lines(source), Language::C), Language::C, &mut table);
        let is = |name: &&str| constants.contains(name, &table);
        let values = ["SHIFT", "BIT", "TOP", "SIZE", "LESS"];
        let others = [
            "SYNC", "DO", "SET", "TEXT", "USES", "A", "B", "CALL", "TWICE", "unknown",
        ];
        assert!(values.iter().all(is), "{constants:?}");
        assert!(!others.iter().any(is), "{constants:?}");
    }

    #[test]
    fn a_long_chain_ends() {
        let mut source: String = (0..20_000).map(|n| format!("#define M{n} M{}\n", n + 1)).collect();
        source.push_str("#define M20000 1\n");
        let mut table = Table::new();
        collect(&tokens(&lines(&source), Language::C), Language::C, &mut table);
        let constants = Constants::default();
        assert!(!constants.contains("M0", &table));
        assert!(constants.contains("M19990", &table));
    }
}
