// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which files of a repository are ignored, by its `.gitignore` files.
//!
//! They are read here, and not by the walk through the tree: in a tree of a stranger one may be a pipe that nobody writes
//! to, or a link to a device without end, and then it is as if it were not there.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

const NAME: &str = ".gitignore";
/// Larger ones are no lists that a person wrote.
const MAX_FILE: u64 = 1 << 20;

/// The ignored files of a tree.
#[derive(Debug)]
pub struct Ignored {
    /// The repository that the tree is in or is, if any; outside of one nothing is ignored.
    repository: Option<PathBuf>,
    /// What each folder says.
    folders: Mutex<HashMap<PathBuf, Gitignore>>,
}

impl Ignored {
    /// Looks for the repository of a tree.
    pub fn of(root: &Path) -> Self {
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let repository = absolute.ancestors().find(|folder| folder.join(".git").exists());
        Self {
            repository: repository.map(Path::to_owned),
            folders: Mutex::new(HashMap::new()),
        }
    }

    /// Returns whether a file or folder is ignored: by the list that is nearest to it and names it.
    pub fn holds(&self, path: &Path, is_folder: bool) -> bool {
        let Some(repository) = &self.repository else {
            return false;
        };
        let Ok(path) = std::path::absolute(path) else {
            return false;
        };
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(repository))
        {
            let list = folders.entry(folder.to_owned()).or_insert_with(|| read(folder));
            let matched = list.matched(&path, is_folder);
            if !matched.is_none() {
                return matched.is_ignore();
            }
        }
        false
    }
}

/// Reads the list of a folder; an empty one where there is none, or none that can be read.
fn read(folder: &Path) -> Gitignore {
    let path = folder.join(NAME);
    let is_own = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    let text = is_own.then(|| results::file::read(&path, MAX_FILE).ok()).flatten();
    let mut builder = GitignoreBuilder::new(folder);
    for line in String::from_utf8_lossy(&text.unwrap_or_default()).lines() {
        // A line that is no pattern is none for git either.
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_list_that_names_a_file_counts_and_only_in_a_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::write(root.join(NAME), "*.S\nbuild/\n").unwrap();
        fs::write(root.join("sub").join(NAME), "!keep.S\n/top.c\n").unwrap();
        let holds = |path: &str, is_folder| Ignored::of(&root.join("sub")).holds(&root.join(path), is_folder);
        assert!(!holds("a.S", false));
        fs::create_dir(root.join(".git")).unwrap();
        assert!(holds("a.S", false) && holds("sub/deep/a.S", false) && holds("sub/build", true));
        assert!(!holds("sub/deep/keep.S", false) && !holds("sub/build", false));
        assert!(holds("sub/top.c", false) && !holds("sub/deep/top.c", false));
    }
}
