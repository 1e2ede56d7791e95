// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that use a helper of a header which a commit changes, in whatever folder they are.
//!
//! Nearest first: the folder that the header is for, then those above it. Of a tree as large as Linux's not all is read.

use super::objects::{Folder, Kind, Objects};
use crate::diff::Patch;
use crate::foreign::is_source_path;
use crate::helpers::{are_used, changed};
use crate::source::Unit;
use crate::tree::MAX_USERS;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::rc::Rc;

/// Most files that are looked into.
const MAX_FILES: usize = 3000;
/// Most bytes of them.
const MAX_BYTES: usize = 48 << 20;
/// Most bytes of those that use a helper.
const MAX_USED: usize = 3 << 20;

/// The search for the users of a patch's helpers.
pub(super) struct Users<'a> {
    helpers: BTreeSet<String>,
    patch: &'a Patch,
    seen: HashSet<String>,
    found: Vec<Unit>,
    files: usize,
    bytes: usize,
    used: usize,
    /// Files that were not read.
    left: usize,
}

impl<'a> Users<'a> {
    /// Returns the search for the users of the helpers that a patch changes.
    pub(super) fn of(patch: &'a Patch) -> Self {
        Self {
            helpers: changed(patch),
            patch,
            seen: HashSet::new(),
            found: Vec::new(),
            files: 0,
            bytes: 0,
            used: 0,
            left: 0,
        }
    }

    /// Returns the files that use one, and how many were not read.
    pub(super) fn find(mut self, objects: &mut Objects, root: &Rc<Folder>) -> io::Result<(Vec<Unit>, usize)> {
        if self.helpers.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let shared = self.patch.files.iter().filter(|file| !file.new_path.is_empty());
        let starts: BTreeSet<String> = shared.map(|file| home(&file.new_path).to_owned()).collect();
        // Outwards, one step of all at a time.
        let mut folders: Vec<String> = starts.into_iter().collect();
        while !folders.is_empty() && self.left == 0 {
            for path in &folders {
                self.visit(objects, root, path, 0)?;
            }
            if folders.iter().any(String::is_empty) {
                break;
            }
            let above: BTreeSet<String> = folders.iter().map(|path| above(path).to_owned()).collect();
            folders = above.into_iter().collect();
        }
        Ok((self.found, self.left))
    }

    fn is_full(&self) -> bool {
        self.files >= MAX_FILES || self.bytes > MAX_BYTES || self.found.len() >= MAX_USERS || self.used > MAX_USED
    }

    fn visit(&mut self, objects: &mut Objects, root: &Rc<Folder>, path: &str, depth: usize) -> io::Result<()> {
        const MAX_DEPTH: usize = 24;
        if depth > MAX_DEPTH || !self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        let Some(folder) = objects.folder_at(root, path)? else {
            return Ok(());
        };
        let below = |name: &str| match path {
            "" => name.to_owned(),
            _ => format!("{path}/{name}"),
        };
        for (name, entry) in folder.iter().filter(|(_, entry)| entry.kind == Kind::File) {
            let file = below(name);
            let is_own = self
                .patch
                .files
                .iter()
                .any(|own| own.old_path == file || own.new_path == file);
            if is_own || !is_source_path(&file) {
                continue;
            }
            if self.is_full() {
                self.left += 1;
                continue;
            }
            self.files += 1;
            let Some(text) = objects.text(&entry.id)? else { continue };
            self.bytes += text.len();
            if are_used(&self.helpers, &text) {
                self.used += text.len();
                self.found.push(Unit::whole(&file, &text));
            }
        }
        for (name, _) in folder.iter().filter(|(_, entry)| entry.kind == Kind::Folder) {
            // A folder of another architecture has no file that is read.
            let inner = below(name);
            if is_source_path(&format!("{inner}/any.c")) && !self.is_full() {
                self.visit(objects, root, &inner, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Returns the folder that a header is for: that above `include`, or its own.
fn home(path: &str) -> &str {
    let is_for_all = ["include/", "inc/"].iter().any(|start| path.starts_with(start));
    let of = ["/include/", "/inc/"].iter().find_map(|part| path.find(part));
    match of {
        _ if is_for_all => "",
        Some(at) => &path[..at],
        None => above(path),
    }
}

fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
