// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assembly: statements, macros, labels and branches, to the ways through each function.

mod boundary;
mod fill;
mod flow;
mod macros;
mod reader;
mod registers;
mod repeat;
mod statement;

pub use macros::{AsmMacro, collect_macros};
pub use reader::is_erratum;
pub use statement::{Statement, is_armasm, statements};

use crate::extract::event::Node;
use crate::extract::place::Place;
use crate::extract::text::words;
use crate::extract::{Function, Unread};
use boundary::function_name;
use reader::{Reader, limit};
use std::collections::{HashMap, HashSet};

/// Macros by name.
pub type Macros = HashMap<String, AsmMacro>;

/// Reads the functions of a piece of assembly. `section` names where it starts.
pub fn functions<'a>(source: &[Statement], section: &str, macros: &'a Macros) -> (Vec<Function>, Vec<Unread>) {
    let source = &*repeat::unrolled(source);
    let declared = boundary::declared(source);
    let mut unread = Vec::new();
    let mut functions = Vec::new();
    let mut name = function_name(section).unwrap_or_default();
    let mut reader = Reader::new(macros);
    // The parameters of the macro whose body this is.
    let mut in_macro = None::<HashSet<String>>;
    let mut bare = false;
    let mut terminated = false;
    let mut open_start = true;
    let mut close = |name: &mut String, reader: &mut Reader<'a>, next: String, open_end: bool| {
        let next_reader = reader.next();
        let done = std::mem::replace(reader, next_reader);
        let (nodes, cut) = flow::nodes(&done.ops);
        if cut {
            unread.push(limit(
                &done.ops,
                "more ways through the function than are followed",
                name,
            ));
        }
        unread.extend(done.unread.into_iter().map(|unread| Unread {
            function: name.clone(),
            ..unread
        }));
        functions.push(Function {
            name: std::mem::replace(name, next),
            parameters: Vec::new(),
            nodes,
            template: false,
            open_start: std::mem::take(&mut open_start),
            open_end,
        });
    };
    for statement in source {
        let (word, rest) = statement.words();
        // Behind `.altmacro`, parameters stand as they are.
        bare = word == ".altmacro" || bare && word != ".noaltmacro";
        if in_macro.is_some() {
            if word == ".endm" || word == ".endmacro" {
                in_macro = None;
                close(&mut name, &mut reader, String::new(), false);
                continue;
            }
        } else if word == ".macro" {
            let (macro_name, parameters) = macros::macro_head(rest);
            close(&mut name, &mut reader, macro_name, false);
            in_macro = Some(parameters.into_iter().map(|(name, _)| name).collect());
            continue;
        } else if let Some(next) = boundary::start(statement) {
            close(&mut name, &mut reader, next, false);
            terminated = false;
        } else if boundary::is_end(statement) {
            close(&mut name, &mut reader, String::new(), false);
            terminated = false;
            continue;
        } else if let Some(label) = statement.label() {
            let function = declared.functions.contains(label)
                || (terminated || name.is_empty()) && !declared.targets.contains(label) && !boundary::is_local(label);
            if function && label != name {
                close(&mut name, &mut reader, label.to_owned(), false);
            }
            terminated = false;
        }
        let before = reader.unread.len();
        reader.statement(statement, 0);
        if let Some(parameters) = &in_macro {
            // An operation that is the macro's parameter is read where the macro is used.
            let by_parameter = |text: &str| {
                bare && words(text).any(|word| parameters.contains(word))
                    || parameters.iter().any(|p| match p.starts_with('$') {
                        true => text.contains(p.as_str()),
                        false => text.contains(&format!("\\{p}")),
                    })
            };
            for unread in &mut reader.unread[before..] {
                unread.template |= by_parameter(&unread.text);
            }
        }
        if ["ret", "eret", "b", "br"]
            .iter()
            .any(|end| word.eq_ignore_ascii_case(end))
        {
            terminated = true;
        } else if !matches!(word, "" | "nop") && !word.starts_with(['.', '#']) {
            terminated = false;
        }
    }
    close(&mut name, &mut reader, String::new(), !terminated);
    functions.retain(|function| {
        let nodes = &function.nodes;
        Node::has_maintenance(nodes)
            || Node::calls_maintenance(nodes)
            || Node::writes_register(nodes)
            || Node::is_noted(nodes)
    });
    (functions, unread)
}

/// Returns where the functions and macros of a piece of assembly stand. `section` names the one it starts in.
pub fn places(source: &[Statement], section: &str) -> Vec<Place> {
    let declared = boundary::declared(source);
    let mut out: Vec<Place> = Vec::new();
    let mut name = function_name(section).unwrap_or_default();
    let mut first = source.first().map_or(0, |statement| statement.line);
    let mut last = first;
    let mut next = |name: &mut String, fresh: String, first: &mut u32, last: u32, line: u32| {
        let place = Place {
            name: std::mem::replace(name, fresh),
            first: std::mem::replace(first, line),
            last,
        };
        if !place.name.is_empty() {
            out.push(place);
        }
    };
    for statement in source {
        let (word, rest) = statement.words();
        let fresh = match word {
            ".macro" => Some(macros::macro_head(rest).0),
            ".endm" | ".endmacro" => Some(String::new()),
            _ if boundary::is_end(statement) => Some(String::new()),
            _ => boundary::start(statement).or_else(|| {
                let label = statement.label()?;
                let starts = declared.functions.contains(label)
                    || name.is_empty() && !declared.targets.contains(label) && !boundary::is_local(label);
                (starts && label != name).then(|| label.to_owned())
            }),
        };
        if let Some(fresh) = fresh {
            let end = if fresh.is_empty() { statement.line } else { last };
            next(&mut name, fresh, &mut first, end, statement.line);
        }
        last = statement.line;
    }
    next(&mut name, String::new(), &mut first, last, last);
    out
}

/// Reads the template of an inline assembly statement.
pub fn inline(text: &str, line: u32, changed: bool, macros: &Macros) -> (Vec<Node>, Vec<Unread>) {
    let mut reader = Reader::new(macros);
    let parts = text.split(['\n', ';']).flat_map(|part| {
        let statement = Statement {
            line,
            changed,
            text: statement::without_comment(part).trim().to_owned(),
        };
        statement.peel_labels()
    });
    for statement in repeat::unrolled(&parts.collect::<Vec<_>>()).iter() {
        reader.statement(statement, 0);
    }
    let (nodes, cut) = flow::nodes(&reader.ops);
    let mut unread = reader.unread;
    if cut {
        unread.push(limit(
            &reader.ops,
            "more ways through the assembly than are followed",
            "",
        ));
    }
    (nodes, unread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::path::tests::ways;
    use crate::extract::token::tests::lines;

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
