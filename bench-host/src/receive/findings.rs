// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run found that its user must know.

/// Most findings of a kind that are kept in words.
const MAX: usize = 20;

/// Some findings in words, and how many there are.
#[derive(Debug, Default, Clone)]
pub struct Findings {
    kept: Vec<String>,
    more: u64,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, what: impl Into<String>) {
        if self.kept.len() < MAX {
            self.kept.push(what.into());
        } else {
            self.more += 1;
        }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns them, the last line saying how many are left out.
    pub fn lines(&self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more like these", self.more));
        self.kept.iter().cloned().chain(more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_findings_are_counted_not_kept() {
        let mut findings = Findings::default();
        assert!(findings.is_empty());
        (0..25).for_each(|n| findings.add(n.to_string()));
        let lines = findings.lines();
        assert_eq!((lines.len(), lines[20].as_str()), (21, "and 5 more like these"));
    }
}
