// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of a repository as they were at a commit, asked of `git cat-file`.
//!
//! Folders are read as the objects that they are, once each, and a path is walked through them: a tree as large as
//! Linux's is neither listed nor checked out. Nothing is asked of git but objects by their ids.

use super::{Folders, GitError, git};
use crate::tree::MAX_FILE;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::rc::Rc;
use tempfile::TempDir;

/// Bytes of files that are kept for the next commit.
const MAX_KEPT: usize = 64 << 20;
/// Bytes of a folder that is read.
const MAX_FOLDER: u64 = 8 << 20;

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// The object's id.
    pub(super) id: Rc<str>,
}

/// A folder: names in order.
pub(super) type Folder = std::collections::BTreeMap<String, Entry>;

/// A git that answers questions about objects.
struct Conversation {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Conversation {
    fn start(view: &Path, mode: &str) -> io::Result<Self> {
        let mut child = git(view)
            .args(["cat-file", mode])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let from = BufReader::with_capacity(1 << 16, from.ok_or_else(closed)?);
        Ok(Self { child, to, from })
    }

    /// Asks for an object; returns its id, type and size, or `None` if there is none.
    fn ask(&mut self, name: &str) -> io::Result<Option<(String, String, u64)>> {
        // One question is one line.
        if name.contains(['\n', '\0']) {
            return Ok(None);
        }
        let to = self.to.as_mut().ok_or_else(closed)?;
        writeln!(to, "{name}")?;
        to.flush()?;
        let mut answer = String::new();
        if (&mut self.from).take(1 << 16).read_line(&mut answer)? == 0 {
            return Err(closed());
        }
        let words: Vec<&str> = answer.split_whitespace().collect();
        match words.as_slice() {
            [id, kind @ ("blob" | "tree" | "commit" | "tag"), size] => {
                let size = size.parse().map_err(|_| closed())?;
                Ok(Some(((*id).to_owned(), (*kind).to_owned(), size)))
            }
            _ => Ok(None),
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It ends where there is nothing more to answer.
        drop(self.to.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn closed() -> io::Error {
    io::Error::other("git cat-file ended early")
}

/// The objects of a repository.
pub struct Objects {
    check: Conversation,
    read: Conversation,
    folders: HashMap<Rc<str>, Rc<Folder>>,
    /// Texts by id; `None` for what is too large, or no text.
    texts: HashMap<Rc<str>, Option<Rc<str>>>,
    kept: usize,
    /// Last, so that git is gone before what it looks at.
    _view: TempDir,
}

impl Objects {
    /// Opens a repository.
    pub fn open(repository: &Path) -> Result<Self, GitError> {
        let refused = |error: io::Error| GitError::Refused(error.to_string());
        let folders = Folders::find(repository)
            .map_err(refused)?
            .ok_or_else(|| GitError::Refused("not a git repository".into()))?;
        let view = folders.clean_view().map_err(refused)?;
        Ok(Self {
            check: Conversation::start(view.path(), "--batch-check")?,
            read: Conversation::start(view.path(), "--batch")?,
            folders: HashMap::new(),
            texts: HashMap::new(),
            kept: 0,
            _view: view,
        })
    }

    /// Reads an object whole, if it is of that type and no larger.
    fn object(&mut self, id: &str, wanted: &str, most: u64) -> io::Result<Option<(String, Vec<u8>)>> {
        let fits = |found: &(String, String, u64)| found.1 == wanted && found.2 <= most;
        let Some((id, ..)) = self.check.ask(id)?.filter(fits) else {
            return Ok(None);
        };
        let Some((id, _, size)) = self.read.ask(&id)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let got = (&mut self.read.from).take(size).read_to_end(&mut bytes)?;
        let mut end = [0];
        self.read.from.read_exact(&mut end)?;
        if got as u64 != size {
            return Err(closed());
        }
        Ok(Some((id, bytes)))
    }

    /// Returns the root folder of a commit; `None` where there is no such commit.
    pub(super) fn root(&mut self, commit: &str) -> io::Result<Option<Rc<Folder>>> {
        match self.check.ask(&format!("{commit}^{{tree}}"))? {
            Some((id, kind, _)) if kind == "tree" => self.folder(&Rc::from(id)),
            _ => Ok(None),
        }
    }

    fn folder(&mut self, id: &Rc<str>) -> io::Result<Option<Rc<Folder>>> {
        if let Some(known) = self.folders.get(id) {
            return Ok(Some(Rc::clone(known)));
        }
        let Some((name, bytes)) = self.object(id, "tree", MAX_FOLDER)? else {
            return Ok(None);
        };
        let folder = Rc::new(entries(&bytes, name.len() / 2));
        self.folders.insert(Rc::clone(id), Rc::clone(&folder));
        Ok(Some(folder))
    }

    /// Returns a folder below a root; `""` is the root itself.
    pub(super) fn folder_at(&mut self, root: &Rc<Folder>, path: &str) -> io::Result<Option<Rc<Folder>>> {
        let mut at = Rc::clone(root);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Some(Entry { kind: Kind::Folder, id }) = at.get(name).cloned() else {
                return Ok(None);
            };
            match self.folder(&id)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Returns the id of a file below a root.
    pub(super) fn file_at(&mut self, root: &Rc<Folder>, path: &str) -> io::Result<Option<Rc<str>>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = self.folder_at(root, folder)?;
        Ok(found.and_then(|folder| {
            let entry = folder.get(name)?;
            (entry.kind == Kind::File).then(|| Rc::clone(&entry.id))
        }))
    }

    /// Returns the text of a file by its id; `None` where it is larger than source is.
    pub(super) fn text(&mut self, id: &Rc<str>) -> io::Result<Option<Rc<str>>> {
        if let Some(known) = self.texts.get(id) {
            return Ok(known.clone());
        }
        let found = self.object(id, "blob", MAX_FILE)?;
        let text: Option<Rc<str>> = found.map(|(_, bytes)| Rc::from(String::from_utf8_lossy(&bytes)));
        self.kept += text.as_deref().map_or(0, str::len);
        if self.kept > MAX_KEPT {
            self.texts.clear();
            self.kept = text.as_deref().map_or(0, str::len);
        }
        self.texts.insert(Rc::clone(id), text.clone());
        Ok(text)
    }
}

/// Reads a folder: mode, name, zero, and the id in as many bytes.
fn entries(mut bytes: &[u8], id_length: usize) -> Folder {
    let mut folder = Folder::new();
    while let Some(space) = bytes.iter().position(|&byte| byte == b' ')
        && let Some(end) = bytes[space..].iter().position(|&byte| byte == 0)
    {
        let (mode, name) = (&bytes[..space], &bytes[space + 1..space + end]);
        let Some(id) = bytes.get(space + end + 1..space + end + 1 + id_length) else {
            break;
        };
        // Links and submodules are neither.
        let kind = match mode {
            b"40000" => Some(Kind::Folder),
            [b'1', b'0', b'0', ..] => Some(Kind::File),
            _ => None,
        };
        if let (Some(kind), Ok(name)) = (kind, std::str::from_utf8(name)) {
            let id = id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            folder.insert(name.to_owned(), Entry { kind, id: id.into() });
        }
        bytes = &bytes[space + end + 1 + id_length..];
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::{Kind, entries};

    #[test]
    fn folders_are_read_and_links_left_out() {
        let mut bytes = Vec::new();
        for (mode, name) in [
            ("100644", "a.c"),
            ("40000", "mm"),
            ("120000", "link"),
            ("160000", "module"),
            ("100755", "b.S"),
        ] {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(&[0xab; 20]);
        }
        let folder = entries(&bytes, 20);
        let found: Vec<_> = folder.iter().map(|(name, entry)| (name.as_str(), entry.kind)).collect();
        assert_eq!(found, [("a.c", Kind::File), ("b.S", Kind::File), ("mm", Kind::Folder)]);
        assert_eq!(&*folder["a.c"].id, "ab".repeat(20));
        // Cut short, it is what came whole.
        assert_eq!(entries(&bytes[..bytes.len() - 1], 20).len(), 2);
    }
}
