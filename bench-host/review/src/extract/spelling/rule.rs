// SPDX-License-Identifier: MIT OR Apache-2.0
//! A row of the table: the call it is for, and the sequences it gives.

use super::Spelled;
use crate::extract::condition::Decided;
use crate::extract::event::{Event, Kind, Node, SourceOperand};
use crate::extract::instruction::{self, Read};
use crate::extract::operand::Value;
use sequences::{Barrier, TlbiOp, Ttl};

/// A row of the table.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The name around the `*`, or all of it.
    pub(super) prefix: String,
    /// What follows the `*`; `None` without one.
    pub(super) suffix: Option<String>,
    /// The names of the arguments.
    pub(super) parameters: Vec<String>,
    /// The folders of the files in which it holds; none for all files.
    pub(super) paths: Vec<String>,
    /// The sequences, of which one runs.
    gives: Vec<Vec<Step>>,
}

/// An instruction of a row.
#[derive(Debug, Clone)]
struct Step {
    text: String,
    /// It is patched in at run time.
    optional: bool,
    /// It is repeated for each page.
    repeated: bool,
}

impl Rule {
    /// Reads a row.
    pub(super) fn parse(call: &str, gives: &str) -> Result<Self, String> {
        let (name, rest) = call.split_once('(').ok_or("the key is not `name(arguments)`")?;
        let rest = rest.strip_suffix(')').ok_or("the key does not end in `)`")?;
        let parameters: Vec<String> = rest
            .split(',')
            .map(|p| p.trim().to_owned())
            .filter(|p| !p.is_empty())
            .collect();
        let (prefix, suffix) = match name.split_once('*') {
            Some((prefix, suffix)) => (prefix.to_ascii_lowercase(), Some(suffix.to_ascii_lowercase())),
            None => (name.to_owned(), None),
        };
        let known = |name: &str| name == "*" && suffix.is_some() || parameters.iter().any(|known| known == name);
        let gives = gives
            .split(" | ")
            .map(|sequence| steps(sequence, &known))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            prefix,
            suffix,
            parameters,
            paths: Vec::new(),
            gives,
        })
    }

    /// Returns whether it holds in a file: one of its folders is where the path starts, or, with a `/` before it, anywhere in it.
    pub(super) fn holds_in(&self, path: &str) -> bool {
        let within = |folder: &String| match folder.strip_prefix('/') {
            Some(inner) => path.starts_with(inner) || path.contains(folder.as_str()),
            None => path.starts_with(folder.as_str()),
        };
        self.paths.is_empty() || self.paths.iter().any(within)
    }

    /// Returns what a call is by this row; `star` is what stands for the `*` in its name.
    pub(super) fn apply(&self, star: &str, arguments: &[String], line: u32, changed: bool) -> Spelled {
        let mut arms = Vec::new();
        for steps in &self.gives {
            match self.nodes(steps, star, arguments, (line, changed)) {
                Some(nodes) => arms.push(nodes),
                None => return Spelled::Unresolved,
            }
        }
        Spelled::Nodes(match arms.len() {
            1 => arms.remove(0),
            _ => vec![Node::Either {
                condition: format!("{}() as configured", self.prefix),
                arms,
                optional: false,
            }],
        })
    }

    /// Returns what the steps of one sequence do; `None` where an argument is no literal.
    fn nodes(&self, steps: &[Step], star: &str, arguments: &[String], place: (u32, bool)) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        for run in steps.chunk_by(|a, b| (a.optional, a.repeated) == (b.optional, b.repeated)) {
            let part = run
                .iter()
                .map(|step| self.step(&step.text, star, arguments, place))
                .collect::<Option<Vec<Node>>>()?;
            match (run[0].optional, run[0].repeated) {
                (true, _) => nodes.push(Node::Either {
                    condition: "an erratum work-around".into(),
                    arms: vec![Vec::new(), part],
                    optional: true,
                }),
                (false, true) => nodes.push(Node::Loop(part)),
                (false, false) => nodes.extend(part),
            }
        }
        Some(nodes)
    }

    /// Returns what a step does: one of two operations where it says `$flag?(this:that)`.
    fn step(&self, text: &str, star: &str, arguments: &[String], place: (u32, bool)) -> Option<Node> {
        let Some((head, name, [yes, no], tail)) = choice(text) else {
            return self.node(text, star, arguments, place);
        };
        let index = self.parameters.iter().position(|known| known == name)?;
        let flag = arguments.get(index).map_or("", String::as_str);
        let arm = |chosen: &str| self.node(&format!("{head}{chosen}{tail}"), star, arguments, place);
        match Decided::default().of(flag) {
            Some(true) => arm(yes),
            Some(false) => arm(no),
            None => Some(Node::Either {
                condition: flag.to_owned(),
                arms: vec![vec![arm(yes)?], vec![arm(no)?]],
                optional: false,
            }),
        }
    }

    fn node(&self, text: &str, star: &str, arguments: &[String], (line, changed): (u32, bool)) -> Option<Node> {
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        let mut operands = operands.splitn(2, ',');
        let first = self.fill(operands.next().unwrap_or_default(), star, arguments, true);
        let second = operands.next().map(|text| self.fill(text, star, arguments, false));
        let (second, level) = match second.as_deref().and_then(|text| text.split_once(" ttl=")) {
            // Whether level 0 is a level or "not known" changed in Linux: the other side of a patch says.
            Some((operand, level)) => match level.trim().parse().ok().and_then(Ttl::from_level) {
                Some(Ttl::Level0) | None => (Some(format!("{operand} {}", unknown_hint(level))), None),
                hint => (Some(operand.to_owned()), hint),
            },
            None => (second, None),
        };
        let kind = match instruction::read(mnemonic, &first) {
            Read::Event(Kind::Tlbi(op, _)) => Kind::Tlbi(
                op,
                SourceOperand {
                    text: second.unwrap_or_default().trim().to_owned(),
                    ttl: level,
                    value: Value::default(),
                },
            ),
            Read::Event(kind) => kind,
            Read::Other | Read::Unknown => return None,
        };
        Some(Node::Event(Event {
            kind,
            line,
            changed,
            given: Vec::new(),
            via: Vec::new(),
        }))
    }

    /// Puts arguments for their names. An option or operation may come as `Barrier::ISHST`, `"ishst"` or `TLBI_OP(x)`.
    fn fill(&self, text: &str, star: &str, arguments: &[String], name: bool) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let length = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*'))
                .unwrap_or(rest.len());
            let parameter = &rest[..length];
            rest = &rest[length..];
            if parameter == "*" {
                out.push_str(star);
            } else if let Some(index) = self.parameters.iter().position(|known| known == parameter) {
                let argument = arguments.get(index).map_or("", String::as_str).trim();
                out.push_str(&if name { bare(argument) } else { argument.to_owned() });
            }
        }
        out.push_str(rest);
        out
    }

    /// Returns whether a name may stand for the `*`: an operation where the row has one, an option where it has one.
    pub(super) fn takes(&self, name: &str) -> bool {
        let mut steps = self.gives.iter().flatten();
        TlbiOp::from_name(name).is_some() && steps.any(|step| step.text.starts_with("tlbi $*"))
            || is_option(name) && steps.any(|step| step.text.contains("sb $*") || step.text.contains("mb $*"))
    }
}

/// Writes down a hint that is no level, where an expression takes no notice of it.
fn unknown_hint(level: &str) -> String {
    format!("/* ttl={} */", level.trim())
}

/// Takes `tlbi $flag?(this:that), ...` apart: what comes before, the flag, the two, what comes after.
fn choice(text: &str) -> Option<(&str, &str, [&str; 2], &str)> {
    let (before, rest) = text.split_once("?(")?;
    let (head, name) = before.rsplit_once('$')?;
    let (both, tail) = rest.split_once(')')?;
    let (yes, no) = both.split_once(':')?;
    Some((head, name, [yes, no], tail))
}

/// Reads the instructions of a row. `known` says which names may stand after `$`.
fn steps(sequence: &str, known: &impl Fn(&str) -> bool) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let (mut optional, mut repeated) = (false, false);
    for step in sequence.split(';') {
        let mut text = step.trim();
        while let Some(inner) = text.strip_prefix(['[', '{']) {
            optional |= text.starts_with('[');
            repeated |= text.starts_with('{');
            text = inner.trim();
        }
        let (ends_optional, ends_repeated) = (text.ends_with(']'), text.ends_with('}'));
        let text = text.trim_end_matches([']', '}', ' ']);
        if text.is_empty() {
            return Err("an instruction is empty".into());
        }
        let mnemonic = text.split_whitespace().next().unwrap_or_default();
        if !["dsb", "dmb", "isb", "sb", "tlbi"].contains(&mnemonic) {
            return Err(format!("`{mnemonic}` is not dsb, dmb, isb, sb or tlbi"));
        }
        for name in text.split('$').skip(1) {
            let end = name
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*'))
                .unwrap_or(name.len());
            if !known(&name[..end]) {
                return Err(format!("`${}` is no argument of the call", &name[..end]));
            }
        }
        steps.push(Step {
            text: text.to_owned(),
            optional,
            repeated,
        });
        optional &= !ends_optional;
        repeated &= !ends_repeated;
    }
    Ok(steps)
}

/// Returns the name in an argument: `barrier::ISHST`, `Barrier.ISHST`, `"ishst"` and `ARM_MB_ISHST` are all `ishst`.
fn bare(argument: &str) -> String {
    let inner = argument.trim().trim_matches(['"', '&', '(', ')', ' ']);
    let last = inner
        .rsplit([':', '.'])
        .next()
        .unwrap_or(inner)
        .trim()
        .to_ascii_lowercase();
    let last = last.trim_end_matches(['(', ')', '{', '}', ' ']);
    if is_option(last) || TlbiOp::from_name(last).is_some() {
        return last.to_owned();
    }
    let tail = last.rsplit('_').next().unwrap_or(last);
    if is_option(tail) || TlbiOp::from_name(tail).is_some() {
        tail.to_owned()
    } else {
        last.to_owned()
    }
}

fn is_option(name: &str) -> bool {
    Barrier::from_name(name.strip_suffix("nxs").unwrap_or(name)).is_some()
}
