// SPDX-License-Identifier: MIT OR Apache-2.0
//! How projects spell maintenance in function style: a table, which users extend.
//!
//! A row maps a call to a sequence, `"__tlbi(op, x)" = "tlbi $op, $x"`. A `*` in the name stands for an operation of
//! the architecture or an option of a barrier and is `$*` in the sequence. Instructions in `[...]` are optional: an
//! erratum work-around, patched in at run time. Those in `{...}` are repeated for each page, and ` | ` stands between
//! sequences of which one runs. Rows of a table `[project.functions]` are whole flushes: a call of one is looked into
//! only where a patch changes it. Where other projects have functions of the same names, `paths` says in which files the
//! rows hold: what `flush_tlb_all()` does elsewhere is not known.

mod rule;

use crate::extract::event::Node;
use rule::Rule;
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

/// The spellings in use.
#[derive(Debug, Clone)]
pub struct Spellings {
    exact: HashMap<String, Vec<Rule>>,
    patterns: Vec<Rule>,
    /// Whole flushes.
    functions: HashMap<String, Vec<Rule>>,
}

/// A project's table: rows, a table of rows for whole flushes, and the folders of the files in which those hold.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Entry {
    Row(String),
    Functions(BTreeMap<String, String>),
    Paths(Vec<String>),
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
        for (project, mut entries) in tables {
            let paths = match entries.remove("paths") {
                Some(Entry::Paths(paths)) => paths,
                Some(_) => {
                    return Err(SpellingError::Row {
                        project,
                        call: "paths".into(),
                        what: "`paths` is a list of folders".into(),
                    });
                }
                None => Vec::new(),
            };
            for (call, entry) in entries {
                match entry {
                    Entry::Row(gives) => self.add(&project, &call, &gives, None)?,
                    Entry::Functions(rows) if call == "functions" => {
                        for (call, gives) in rows {
                            self.add(&project, &call, &gives, Some(&paths))?;
                        }
                    }
                    Entry::Functions(_) | Entry::Paths(_) => {
                        return Err(SpellingError::Row {
                            project,
                            call,
                            what: "a table in a project's table must be called `functions`, and a list `paths`".into(),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds a row: that of a whole flush for files in these folders.
    fn add(&mut self, project: &str, call: &str, gives: &str, paths: Option<&[String]>) -> Result<(), SpellingError> {
        let failed = |what| SpellingError::Row {
            project: project.to_owned(),
            call: call.to_owned(),
            what,
        };
        let mut rule = Rule::parse(call, gives).map_err(failed)?;
        rule.paths = paths.unwrap_or_default().to_vec();
        let table = match (&rule.suffix, paths) {
            (None, None) => &mut self.exact,
            (None, Some(_)) => &mut self.functions,
            (Some(_), Some(_)) => return Err(failed("the name of a whole flush has no `*`".into())),
            (Some(_), None) => {
                self.patterns.insert(0, rule);
                return Ok(());
            }
        };
        let rules = table.entry(rule.prefix.clone()).or_default();
        let beaten = |known: &Rule| rule.paths.is_empty() || known.paths == rule.paths;
        rules.retain(|known| known.parameters.len() != rule.parameters.len() || !beaten(known));
        rules.push(rule);
        Ok(())
    }

    /// Returns what a call of a whole flush in a file does; `None` if the table does not know it.
    pub fn function(&self, path: &str, name: &str, arguments: &[String], line: u32) -> Option<Vec<Node>> {
        let rules = self.functions.get(name)?;
        let fits = |rule: &&Rule| rule.holds_in(path) && rule.parameters.len() <= arguments.len();
        let rule = rules.iter().filter(fits).max_by_key(|rule| rule.parameters.len())?;
        match rule.apply("", arguments, line, true) {
            Spelled::Nodes(nodes) => Some(nodes),
            Spelled::Unresolved => None,
        }
    }

    /// Returns whether the table knows a whole flush of this name in a file.
    pub fn names_function(&self, path: &str, name: &str) -> bool {
        let rules = self.functions.get(name);
        rules.is_some_and(|rules| rules.iter().any(|rule| rule.holds_in(path)))
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
            rule.takes(middle).then(|| rule.apply(middle, arguments, line, changed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::event::{Event, Kind};

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
