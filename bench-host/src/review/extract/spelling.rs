// SPDX-License-Identifier: MIT OR Apache-2.0
//! How projects spell maintenance in function style: a table, which users extend.
//!
//! A row maps a call to a sequence, `"__tlbi(op, x)" = "tlbi $op, $x"`. A `*` in the name stands for an operation of
//! the architecture or an option of a barrier and is `$*` in the sequence. Instructions in `[...]` are optional: an
//! erratum work-around, patched in at run time. Those in `{...}` are repeated for each page, and ` | ` stands between
//! sequences of which one runs. Rows of a table `[project.functions]` are whole flushes: a call of one is looked into
//! only where a patch changes it.

use crate::review::extract::event::{Event, Given, Kind, Node};
use crate::review::extract::instruction::{self, Read};
use sequences::{Barrier, TlbiOp, Ttl};
use std::collections::{BTreeMap, HashMap};

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("spellings.toml");

/// Why a table is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpellingError {
    /// It is no TOML table of tables of strings.
    #[error("not a table of spellings: {0}")]
    Toml(String),
    /// A row does not read `"name(arguments)" = "instructions"`.
    #[error("spelling `{call}` of {project}: {what}")]
    Row {
        /// The table it stands in.
        project: String,
        /// The key.
        call: String,
        /// What is wrong.
        what: String,
    },
}

#[derive(Debug, Clone)]
struct Rule {
    /// The name around the `*`, or all of it.
    prefix: String,
    suffix: Option<String>,
    parameters: Vec<String>,
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

/// The spellings in use.
#[derive(Debug, Clone)]
pub struct Spellings {
    exact: HashMap<String, Vec<Rule>>,
    patterns: Vec<Rule>,
    /// Whole flushes.
    functions: HashMap<String, Vec<Rule>>,
}

/// A project's table: rows, and a table of rows for whole flushes.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Entry {
    Row(String),
    Functions(BTreeMap<String, String>),
}

/// What a call is by the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spelled {
    /// Maintenance.
    Nodes(Vec<Node>),
    /// Maintenance whose operation or option is not a literal.
    Unresolved,
}

impl Spellings {
    /// Returns the table that comes with the program.
    pub fn built_in() -> Self {
        let mut all = Self {
            exact: HashMap::new(),
            patterns: Vec::new(),
            functions: HashMap::new(),
        };
        all.extend(BUILT_IN).expect("the built-in table is tested");
        all
    }

    /// Adds the rows of a user's table, which win over those already there.
    pub fn extend(&mut self, toml: &str) -> Result<(), SpellingError> {
        let tables: BTreeMap<String, BTreeMap<String, Entry>> =
            toml::from_str(toml).map_err(|error| SpellingError::Toml(error.to_string().trim().replace('\n', "; ")))?;
        for (project, entries) in tables {
            for (call, entry) in entries {
                match entry {
                    Entry::Row(gives) => self.add(&project, &call, &gives, false)?,
                    Entry::Functions(rows) if call == "functions" => {
                        for (call, gives) in rows {
                            self.add(&project, &call, &gives, true)?;
                        }
                    }
                    Entry::Functions(_) => {
                        return Err(SpellingError::Row {
                            project,
                            call,
                            what: "a table in a project's table must be called `functions`".into(),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, project: &str, call: &str, gives: &str, whole: bool) -> Result<(), SpellingError> {
        let failed = |what| SpellingError::Row {
            project: project.to_owned(),
            call: call.to_owned(),
            what,
        };
        let rule = Rule::parse(call, gives).map_err(failed)?;
        let table = match (&rule.suffix, whole) {
            (None, false) => &mut self.exact,
            (None, true) => &mut self.functions,
            (Some(_), true) => return Err(failed("the name of a whole flush has no `*`".into())),
            (Some(_), false) => {
                self.patterns.insert(0, rule);
                return Ok(());
            }
        };
        let rules = table.entry(rule.prefix.clone()).or_default();
        rules.retain(|known| known.parameters.len() != rule.parameters.len());
        rules.push(rule);
        Ok(())
    }

    /// Returns what a call of a whole flush does; `None` if the table does not know it.
    pub fn function(&self, name: &str, arguments: &[String], line: u32) -> Option<Vec<Node>> {
        let rules = self.functions.get(name)?;
        let fits = |rule: &&Rule| rule.parameters.len() <= arguments.len();
        let rule = rules.iter().filter(fits).max_by_key(|rule| rule.parameters.len())?;
        match rule.apply("", arguments, line, true) {
            Spelled::Nodes(nodes) => Some(nodes),
            Spelled::Unresolved => None,
        }
    }

    /// Returns what a call is; `None` if the table does not know it. `line` and `changed` are those of the call.
    pub fn read(&self, name: &str, arguments: &[String], line: u32, changed: bool) -> Option<Spelled> {
        let fits = |rule: &&Rule| rule.parameters.len() <= arguments.len();
        if let Some(rules) = self.exact.get(name) {
            let rule = rules.iter().filter(fits).max_by_key(|rule| rule.parameters.len());
            if let Some(rule) = rule {
                return Some(rule.apply("", arguments, line, changed));
            }
        }
        // `BARRIER_dsb_ishst` and `TLBI_VAE1IS` are names as well as `dsb_ishst`: case does not count here.
        let lower = name.to_ascii_lowercase();
        self.patterns.iter().filter(fits).find_map(|rule| {
            let middle = lower
                .strip_prefix(&rule.prefix)?
                .strip_suffix(rule.suffix.as_deref()?)?;
            let mut steps = rule.gives.iter().flatten();
            let known = TlbiOp::from_name(middle).is_some() && steps.any(|step| step.text.starts_with("tlbi $*"))
                || is_option(middle) && steps.any(|step| step.text.contains("sb $*") || step.text.contains("mb $*"));
            known.then(|| rule.apply(middle, arguments, line, changed))
        })
    }
}

fn is_option(name: &str) -> bool {
    Barrier::from_name(name.strip_suffix("nxs").unwrap_or(name)).is_some()
}

impl Rule {
    fn parse(call: &str, gives: &str) -> Result<Self, String> {
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
            gives,
        })
    }

    fn apply(&self, star: &str, arguments: &[String], line: u32, changed: bool) -> Spelled {
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
                condition: format!("{}()", self.prefix),
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
                .map(|step| self.node(&step.text, star, arguments, place))
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

    fn node(&self, text: &str, star: &str, arguments: &[String], (line, changed): (u32, bool)) -> Option<Node> {
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        let mut operands = operands.splitn(2, ',');
        let first = self.fill(operands.next().unwrap_or_default(), star, arguments, true);
        let second = operands.next().map(|text| self.fill(text, star, arguments, false));
        let (second, level) = match second.as_deref().and_then(|text| text.split_once(" ttl=")) {
            Some((operand, level)) => (
                Some(operand.to_owned()),
                level.trim().parse().ok().and_then(Ttl::from_level),
            ),
            None => (second, None),
        };
        let kind = match instruction::read(mnemonic, &first) {
            Read::Event(Kind::Tlbi(op, _)) => Kind::Tlbi(
                op,
                Given {
                    text: second.unwrap_or_default().trim().to_owned(),
                    ttl: level,
                },
            ),
            Read::Event(kind) => kind,
            Read::Other | Read::Unknown => return None,
        };
        Some(Node::Event(Event {
            kind,
            line,
            changed,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(name: &str, arguments: &[&str]) -> Option<Vec<String>> {
        let arguments: Vec<_> = arguments.iter().map(|&text| text.to_owned()).collect();
        match Spellings::built_in().read(name, &arguments, 1, false)? {
            Spelled::Unresolved => Some(vec!["?".into()]),
            Spelled::Nodes(nodes) => Some(
                nodes
                    .into_iter()
                    .map(|node| match node {
                        Node::Event(Event {
                            kind: Kind::Barrier(barrier),
                            ..
                        }) => barrier.to_string(),
                        Node::Event(Event {
                            kind: Kind::Tlbi(op, given),
                            ..
                        }) => format!("tlbi {op} {}", given.text).trim().to_owned(),
                        _ => "[...]".into(),
                    })
                    .collect(),
            ),
        }
    }

    #[test]
    fn projects_spellings_are_known() {
        let is = |name, arguments: &[&str], expected: &[&str]| {
            let found = kinds(name, arguments).unwrap_or_else(|| panic!("{name} is not known"));
            assert_eq!(found, expected, "{name}");
        };
        is("dsb", &["ishst"], &["dsb ishst"]);
        is("dsb", &[], &["dsb sy"]);
        is("__tlbi", &["vae1is", "addr"], &["tlbi vae1is addr"]);
        is("__tlbi", &["vmalle1is"], &["tlbi vmalle1is"]);
        is("tlbialle3", &[], &["tlbi alle3"]);
        is("tlbivae3is", &["va"], &["tlbi vae3is va"]);
        is("dsbishst", &[], &["dsb ishst"]);
        is("dsb_ish", &[], &["dsb ish"]);
        is("dsb", &["barrier::ISHST"], &["dsb ishst"]);
        is("isb", &[], &["isb"]);
        is("isb", &["SY"], &["isb"]);
        is("tlbi_reg", &["vae2is", "it"], &["tlbi vae2is it"]);
        is("tlbi", &["vmalle1"], &["tlbi vmalle1"]);
        is("__tlb_repeat_sync", &[], &["[...]"]);
        is("__tlbi", &["op", "addr"], &["?"]);
        assert_eq!(kinds("flush", &[]), None);
    }

    #[test]
    fn users_rows_win_and_errors_name_the_row() {
        let mut all = Spellings::built_in();
        all.extend("[mine]\n\"my_flush(x)\" = \"dsb nshst; tlbi vae2, $x; dsb nsh; isb\"")
            .unwrap();
        assert!(
            matches!(all.read("my_flush", &["va".into()], 1, false), Some(Spelled::Nodes(nodes)) if nodes.len() == 4)
        );
        let error = all.extend("[mine]\n\"f(x)\" = \"mov $x\"").unwrap_err().to_string();
        assert!(error.contains("`f(x)` of mine") && error.contains("`mov`"), "{error}");
        assert!(
            all.extend("[mine]\n\"f(x)\" = \"tlbi $y\"")
                .unwrap_err()
                .to_string()
                .contains("$y")
        );
        assert!(all.extend("nonsense").is_err());
    }
}
