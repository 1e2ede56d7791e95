// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the names of functions and files, and the words of a patch, say.

use crate::extract::reduce::Found;
use crate::infer::Place;

/// What names and words say.
pub(super) struct Names {
    /// Function and file, lowercase.
    pub(super) text: String,
    /// Functions alone, lowercase.
    pub(super) function: String,
    message: String,
    /// The path is that of a hypervisor.
    pub(super) hypervisor: bool,
}

impl Names {
    /// Collects what the sides of a change and its place are called.
    pub(super) fn of(sides: &[&Found], place: Place<'_>) -> Self {
        let mut function = place.function.to_ascii_lowercase();
        for side in sides {
            function.push(' ');
            function.push_str(&side.function.to_ascii_lowercase());
        }
        let path = place.path.to_ascii_lowercase();
        Self {
            text: format!("{function} {path}"),
            function,
            message: place.message.to_owned(),
            hypervisor: path.contains("/hyp") || path.contains("kvm/") || path.contains("el2"),
        }
    }

    /// Returns whether the patch's message has these words, not inside of others.
    pub(super) fn says(&self, words: &str) -> bool {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        self.message.match_indices(words).any(|(at, _)| {
            let before = self.message[..at].chars().next_back();
            let after = self.message[at + words.len()..].chars().next();
            !letter(before) && (!letter(after) || after == Some('s'))
        })
    }

    /// Returns whether the message says of something, by its name, that it is missing and comes.
    pub(super) fn mends(&self, name: &str) -> bool {
        let flat: String = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        [
            "missing ",
            "add missing ",
            "add ",
            "add an ",
            "add the missing ",
            "lacks an ",
            "need an ",
            "needs an ",
        ]
        .iter()
        .any(|verb| {
            flat.match_indices(&format!("{verb}{name}"))
                .any(|(at, _)| !flat[..at].ends_with(char::is_alphanumeric))
        })
    }

    /// Returns whether a function has one of these words in its name.
    pub(super) fn function_has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.function.contains(word))
    }

    /// Returns whether a function has one of these words in its name, by itself.
    pub(super) fn function_is(&self, words: &[&str]) -> bool {
        let mut parts = self.function.split(|c: char| !c.is_ascii_alphanumeric());
        parts.any(|part| words.contains(&part))
    }

    /// Returns whether a function takes out a table by its name. Its last-level entries were invalidated before.
    pub(super) fn removes_empty_table(&self) -> bool {
        self.function_has(&[
            "tlb_pgtable",
            "kernel_pgtable",
            "free_pgtable",
            "remove_pgtable",
            "free_pte",
            "free_pmd",
            "free_pud",
            "free_table",
            "walk_cache",
        ])
    }
}
