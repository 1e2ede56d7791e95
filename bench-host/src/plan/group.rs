// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups of catalogue sequences: `xen`, `el2`, or `xen,el2` for what is both.

use sequences::catalogue::{Entry, catalogue};
use sequences::parse::nearest;

/// Returns whether a word names the entry's project or its regime, without regard to case or punctuation.
pub fn matches(entry: &Entry<'_>, word: &str) -> bool {
    let word = plain(word);
    plain(entry.project) == word || plain(entry.regime) == word
}

/// Returns the sequences that every word of a group names.
pub fn members(group: &str) -> Result<Vec<Entry<'static>>, String> {
    let members: Vec<_> = catalogue()
        .filter(|entry| group.split(',').all(|word| matches(entry, word.trim())))
        .collect();
    if members.is_empty() {
        let known = |word: &&str| catalogue().any(|entry| matches(&entry, word.trim()));
        let unknown = group.split(',').find(|word| !known(word));
        let names = catalogue().flat_map(|entry| [entry.project, entry.regime]);
        let meant = unknown.and_then(|word| nearest(word.trim(), names));
        let meant = meant.map_or_else(String::new, |name| format!(": did you mean `{name}`?"));
        return Err(format!(
            "--sequence @{group}: no sequence of the catalogue is in this group{meant} (`bench-host list` shows projects \
             and regimes)"
        ));
    }
    Ok(members)
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_a_project_a_regime_or_both() {
        let ids = |group: &str| members(group).unwrap().iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert!(ids("xen").contains(&"xen_head_new"));
        assert!(
            members("Xen, EL2")
                .unwrap()
                .iter()
                .all(|entry| entry.project == "xen" && entry.regime == "EL2")
        );
        assert!(members("el1&0").unwrap().len() > 20);
        assert!(members("xenn").unwrap_err().contains("@xenn"));
        assert!(members("linx,el2").unwrap_err().contains("did you mean `linux`?"));
    }
}
