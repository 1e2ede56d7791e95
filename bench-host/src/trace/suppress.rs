// SPDX-License-Identifier: MIT OR Apache-2.0
//! Findings that are known and accepted.
//!
//! A line is a kind (or `*`), then functions that must all be in the story, or addresses `0x…` of its instructions; what
//! follows a `#` is the reason, which is shown.

use std::path::Path;

use ::trace::finding::Kind;

use super::shown::Shown;
use crate::error::Error;

#[derive(Debug, Clone)]
struct Rule {
    kind: Option<Kind>,
    functions: Vec<String>,
    addresses: Vec<u64>,
    reason: String,
    text: String,
}

/// The rules of a file.
#[derive(Debug, Clone, Default)]
pub struct Suppressions(Vec<Rule>);

impl Suppressions {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = results::file::read_text(path)
            .map_err(|error| Error::Usage(format!("cannot read {}: {error}", path.display())))?;
        Self::parse(&text).map_err(|(line, why)| Error::Usage(format!("{}:{line}: {why}", path.display())))
    }

    /// Reads rules; an error comes with the number of its line.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut rules = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let (rule, reason) = line.split_once('#').unwrap_or((line, ""));
            let mut words = rule.split_whitespace();
            let Some(kind) = words.next() else { continue };
            let kind = match kind {
                "*" => None,
                id => Some(Kind::of_id(id).ok_or_else(|| {
                    let ids: Vec<&str> = Kind::ALL.iter().map(|kind| kind.id()).collect();
                    (
                        number + 1,
                        format!("unknown kind {id:?}; there are {}, and * for all", ids.join(", ")),
                    )
                })?),
            };
            let (mut functions, mut addresses) = (Vec::new(), Vec::new());
            for word in words {
                match word.strip_prefix("0x") {
                    Some(digits) => addresses.push(
                        u64::from_str_radix(digits, 16).map_err(|_| (number + 1, format!("{word:?} is no address")))?,
                    ),
                    None => functions.push(word.to_owned()),
                }
            }
            if functions.is_empty() && addresses.is_empty() {
                return Err((number + 1, "name at least one function or address".to_owned()));
            }
            rules.push(Rule {
                kind,
                functions,
                addresses,
                reason: reason.trim().to_owned(),
                text: rule.trim().to_owned(),
            });
        }
        Ok(Self(rules))
    }

    /// Returns why a finding is suppressed.
    pub fn reason(&self, shown: &Shown) -> Option<String> {
        let rule = self.0.iter().find(|rule| rule.fits(shown))?;
        Some(if rule.reason.is_empty() {
            rule.text.clone()
        } else {
            rule.reason.clone()
        })
    }

    /// Returns the rules that fit no finding.
    pub fn unused(&self, findings: &[Shown]) -> Vec<String> {
        let unused = self
            .0
            .iter()
            .filter(|rule| !findings.iter().any(|shown| rule.fits(shown)));
        unused.map(|rule| rule.text.clone()).collect()
    }
}

impl Rule {
    fn fits(&self, shown: &Shown) -> bool {
        let names = shown.functions();
        self.kind.is_none_or(|kind| kind == shown.kind)
            && self.functions.iter().all(|wanted| names.contains(&wanted.as_str()))
            && self
                .addresses
                .iter()
                .all(|wanted| shown.story.iter().any(|step| step.step.pc == *wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::Suppressions;

    #[test]
    fn rules_need_something_to_fit() {
        assert_eq!(
            Suppressions::parse("# nothing\n\nnot-completed map_kernel # known")
                .unwrap()
                .0
                .len(),
            1
        );
        assert_eq!(Suppressions::parse("\nnot-completed").unwrap_err().0, 2);
        assert!(Suppressions::parse("nonsense f").unwrap_err().1.contains("local-only"));
        assert!(Suppressions::parse("* 0xzz").is_err());
    }
}
