// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be seen around a commit: both sides of the files that it changes, whole, and the macros and functions of the
//! files beside them and of the headers that they include, as they were.
//!
//! A patch's own word that it is this commit counts for nothing: its hunks have to fit in the files on both sides.

use super::objects::{Folder, Kind, Objects};
use super::users::Users;
use crate::diff::{FileDiff, Patch};
use crate::extract::spelling::Spellings;
use crate::foreign::is_source_path;
use crate::sight::Sight;
use crate::source::{Side, Surroundings, Unit};
use crate::tree::{fits, lines_of, mentions, merged};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::io;
use std::rc::Rc;

/// Most files around a change that are read.
const MAX_FILES: usize = 600;
/// Most bytes of them, and of the files that the patch changes.
const MAX_BYTES: usize = 32 << 20;
/// How deep headers in headers are followed.
const MAX_DEPTH: usize = 3;

/// What can be seen around a commit.
pub struct Commit {
    texts: [HashMap<String, Rc<str>>; 2],
    surroundings: [Rc<Surroundings>; 2],
    /// Files that use a helper of a header that it changes.
    users: Vec<Unit>,
    /// Files around it that were not read.
    pub left: usize,
}

/// Files by path and id.
type Files = Vec<(String, Rc<str>)>;
/// Surroundings by the files they are made of.
type Made = (Files, Rc<Surroundings>);

/// Looks at one commit of a repository after the other.
pub struct Commits<'a> {
    objects: Objects,
    spellings: &'a Spellings,
    /// Those of the sides that were looked at last: most commits leave them as they are.
    made: VecDeque<Made>,
}

impl<'a> Commits<'a> {
    /// Returns what looks at the commits of a repository.
    pub const fn new(objects: Objects, spellings: &'a Spellings) -> Self {
        Self {
            objects,
            spellings,
            made: VecDeque::new(),
        }
    }

    /// Returns what can be seen around a patch between two commits; or why they are not looked at.
    pub fn around(&mut self, patch: &Patch, before: &str, after: &str) -> io::Result<Result<Commit, &'static str>> {
        let mut bytes = 0;
        let mut commit = Commit {
            texts: Default::default(),
            surroundings: Default::default(),
            users: Vec::new(),
            left: 0,
        };
        for (index, (side, name)) in [(Side::Before, before), (Side::After, after)].into_iter().enumerate() {
            // A first commit has nothing before it.
            let root = self.objects.root(name)?.unwrap_or_default();
            let own = own_paths(patch, side);
            for (path, file) in &own {
                let id = self.objects.file_at(&root, path)?;
                let text = match &id {
                    Some(id) => self.objects.text(id)?,
                    None => None,
                };
                bytes += text.as_deref().map_or(0, str::len);
                if bytes > MAX_BYTES {
                    return Ok(Err("they are larger than is read"));
                }
                match text {
                    Some(text) if fits(&lines_of(&text), file, side) => {
                        commit.texts[index].insert((*path).to_owned(), text);
                    }
                    _ => return Ok(Err("they are not those of the diff")),
                }
            }
            let (files, left) = self.beside(&root, &own, &commit.texts[index])?;
            commit.left += left;
            commit.surroundings[index] = self.surroundings(files)?;
        }
        // What the patch leaves alone is the same on both sides.
        let root = self.objects.root(after)?.unwrap_or_default();
        let (users, left) = Users::of(patch).find(&mut self.objects, &root)?;
        commit.users = users;
        commit.left += left;
        Ok(Ok(commit))
    }

    /// Returns the files that stand beside those of the patch, or that they include, and that speak of maintenance.
    fn beside(
        &mut self,
        root: &Rc<Folder>,
        own: &BTreeMap<&str, &FileDiff>,
        texts: &HashMap<String, Rc<str>>,
    ) -> io::Result<(Files, usize)> {
        let mut wanted: VecDeque<(String, Rc<str>, usize)> = VecDeque::new();
        let mut seen: HashSet<String> = own.keys().map(|path| (*path).to_owned()).collect();
        let mut folders: Vec<&str> = own.keys().map(|path| folder_of(path)).collect();
        folders.dedup();
        for (path, text) in texts.iter().collect::<BTreeMap<_, _>>() {
            self.included(root, path, text, 0, &mut seen, &mut wanted)?;
        }
        for folder in folders {
            let Some(found) = self.objects.folder_at(root, folder)? else {
                continue;
            };
            for (name, entry) in found.iter().filter(|(_, entry)| entry.kind == Kind::File) {
                let path = if folder.is_empty() {
                    name.clone()
                } else {
                    format!("{folder}/{name}")
                };
                if is_source_path(&path) && seen.insert(path.clone()) {
                    // What a neighbor includes is its own affair.
                    wanted.push_back((path, Rc::clone(&entry.id), MAX_DEPTH));
                }
            }
        }
        let (mut files, mut read, mut bytes) = (Vec::new(), 0, 0);
        while let Some((path, id, depth)) = wanted.pop_front() {
            if read >= MAX_FILES || bytes > MAX_BYTES {
                files.sort();
                return Ok((files, wanted.len() + 1));
            }
            read += 1;
            let Some(text) = self.objects.text(&id)? else { continue };
            bytes += text.len();
            if mentions(text.as_bytes()) {
                self.included(root, &path, &text, depth + 1, &mut seen, &mut wanted)?;
                files.push((path, id));
            }
        }
        files.sort();
        Ok((files, 0))
    }

    /// Adds the files that a text includes, by the places where builds look for them: beside it, and in the folders above
    /// it and their `include`.
    fn included(
        &mut self,
        root: &Rc<Folder>,
        path: &str,
        text: &str,
        depth: usize,
        seen: &mut HashSet<String>,
        wanted: &mut VecDeque<(String, Rc<str>, usize)>,
    ) -> io::Result<()> {
        if depth >= MAX_DEPTH {
            return Ok(());
        }
        for name in text.lines().filter_map(included_name) {
            let mut folder = folder_of(path);
            if name.starts_with("../") {
                // From the folder of the file, and no higher than the repository.
                let candidate = above(folder, name);
                let id = match &candidate {
                    Some(candidate) => self.objects.file_at(root, candidate)?,
                    None => None,
                };
                if let (Some(candidate), Some(id)) = (candidate, id)
                    && seen.insert(candidate.clone())
                {
                    wanted.push_back((candidate, id, depth));
                }
                continue;
            }
            loop {
                let mut found = false;
                for below in ["", "include", "inc"] {
                    let parts = [folder, below, name];
                    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                    let candidate = parts.join("/");
                    if let Some(id) = self.objects.file_at(root, &candidate)? {
                        found = true;
                        if seen.insert(candidate.clone()) {
                            wanted.push_back((candidate, id, depth));
                        }
                        break;
                    }
                }
                if found || folder.is_empty() {
                    break;
                }
                folder = folder_of(folder);
            }
        }
        Ok(())
    }

    fn surroundings(&mut self, files: Files) -> io::Result<Rc<Surroundings>> {
        if let Some((_, known)) = self.made.iter().find(|(of, _)| *of == files) {
            return Ok(Rc::clone(known));
        }
        let mut units = Vec::new();
        for (path, id) in &files {
            if let Some(text) = self.objects.text(id)? {
                units.push(Unit::whole(path, &text));
            }
        }
        let mut made = Surroundings::default();
        made.add(&units, self.spellings);
        let made = Rc::new(made);
        self.made.truncate(3);
        self.made.push_front((files, Rc::clone(&made)));
        Ok(made)
    }
}

/// Returns the files of a patch that are there on a side, by their paths there.
fn own_paths(patch: &Patch, side: Side) -> BTreeMap<&str, &FileDiff> {
    let by_path = |file| match side {
        Side::Before => (old_path(file), file),
        Side::After => (new_path(file), file),
    };
    let all = patch.files.iter().map(by_path);
    all.filter(|(path, _)| !path.is_empty()).collect()
}

fn old_path(file: &FileDiff) -> &str {
    &file.old_path
}

fn new_path(file: &FileDiff) -> &str {
    &file.new_path
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the file that a line includes, as C, GNU's assembler or Arm's own has it.
fn included_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = match line.strip_prefix('#') {
        Some(directive) => directive.trim_start().strip_prefix("include")?,
        None => match line.strip_prefix(".include") {
            Some(rest) => rest,
            None => {
                let rest = line.strip_prefix("GET").or_else(|| line.strip_prefix("INCLUDE"))?;
                let name = rest.strip_prefix([' ', '\t'])?.split(';').next()?.trim();
                return Some(name.trim_matches(['"', '<', '>'])).filter(|name| is_plain(name));
            }
        },
    };
    let rest = rest.trim_start();
    let close = match rest.chars().next()? {
        '"' => '"',
        '<' => '>',
        _ => return None,
    };
    rest[1..].split(close).next().filter(|name| is_plain(name))
}

/// Returns whether a name is one of a file below a folder, or of one above it and its neighbors.
fn is_plain(name: &str) -> bool {
    let below = name.trim_start_matches("../");
    !below.is_empty() && !below.starts_with('/') && !below.split('/').any(|part| matches!(part, "." | ".."))
}

/// Returns the path that a name which starts with `../` has, seen from a folder; none above the repository.
fn above(folder: &str, name: &str) -> Option<String> {
    let (mut folder, mut name) = (Some(folder), name);
    while let Some(rest) = name.strip_prefix("../") {
        folder = folder.filter(|folder| !folder.is_empty()).map(folder_of);
        name = rest;
    }
    match folder? {
        "" => Some(name.to_owned()),
        folder => Some(format!("{folder}/{name}")),
    }
}

impl Sight for Commit {
    fn whole(&self, file: &FileDiff, side: Side) -> Option<Unit> {
        let (index, path) = match side {
            Side::Before => (0, &file.old_path),
            Side::After => (1, &file.new_path),
        };
        let text = self.texts[index].get(path)?;
        merged(&lines_of(text), side, file, path, side)
    }

    fn users(&self, _: &BTreeSet<String>, _: &Patch) -> Vec<Unit> {
        self.users.clone()
    }

    fn surroundings(&self, side: Side) -> Surroundings {
        let index = usize::from(side == Side::After);
        Surroundings::clone(&self.surroundings[index])
    }
}

#[cfg(test)]
mod tests {
    use super::{above, included_name};

    #[test]
    fn no_include_leaves_the_repository() {
        assert_eq!(above("a/b", "../c.S").as_deref(), Some("a/c.S"));
        assert_eq!(above("a", "../c.S").as_deref(), Some("c.S"));
        assert_eq!(above("a", "../../etc/passwd"), None);
    }

    #[test]
    fn includes_are_read_in_every_spelling() {
        for (line, name) in [
            ("#include <asm/tlbflush.h>", Some("asm/tlbflush.h")),
            ("#  include \"mmu.h\" // why", Some("mmu.h")),
            (".include \"macros.inc\"", Some("macros.inc")),
            ("#include MACHINE_HEADER", None),
            ("#include \"../common/tlb.inc\"", Some("../common/tlb.inc")),
            ("    GET tlb.inc ; why", Some("tlb.inc")),
            ("#include \"a/../../etc/passwd\"", None),
            ("#include \"/etc/passwd\"", None),
            ("/* include <a.h> */", None),
        ] {
            assert_eq!(included_name(line), name, "{line}");
        }
    }
}
