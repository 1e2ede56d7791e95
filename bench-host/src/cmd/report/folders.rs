// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding run folders, and addresses from one page to another.

use std::fs;
use std::path::{Component, Path, PathBuf};

use results::store::{MANIFEST, StoreError};

use crate::error::Error;

/// How deep runs may lie: `check --out DIR` stores its boots in `DIR/1`, `DIR/2`, ...
const DEPTH: usize = 3;

/// Returns the run that a folder is, or the runs that are in it, by name.
pub fn runs(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if folder.ends_with(MANIFEST) {
        return Ok(vec![folder.parent().unwrap_or(folder).to_owned()]);
    }
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut found)?;
    found.retain(|entry| entry.join(MANIFEST).is_file());
    match found.is_empty() {
        true => Err(StoreError::NotARun(folder.to_owned()).into()),
        false => Ok(found),
    }
}

/// Returns the folders in a folder that are runs or should be: those without any run in them too.
pub fn candidates(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for child in children(folder)? {
        collect(&child, DEPTH - 1, &mut found)?;
    }
    Ok(found)
}

/// Adds a run, or the runs below it, or the folder itself if there are none.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    if folder.join(MANIFEST).is_file() || depth == 0 {
        found.push(folder.to_owned());
        return Ok(());
    }
    let before = found.len();
    for child in children(folder)? {
        let mut below = Vec::new();
        collect(&child, depth - 1, &mut below)?;
        found.extend(below.into_iter().filter(|run| run.join(MANIFEST).is_file()));
    }
    if found.len() == before {
        found.push(folder.to_owned());
    }
    Ok(())
}

/// Returns the folders in a folder, by name with numbers in their order, without hidden ones.
fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| StoreError::Io {
        action: "read folder",
        path: folder.to_owned(),
        source,
    };
    let mut children = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            children.push(path);
        }
    }
    children.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name.parse::<u64>().unwrap_or(u64::MAX), name)
    });
    Ok(children)
}

/// Returns the address of a file, seen from a page in `from`: relative, so that both can move together, and encoded.
pub fn address(from: &Path, to: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (absolute(from), absolute(to));
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) = (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| "..".to_owned());
    let down = to[common..]
        .iter()
        .map(|part| encode(&part.as_os_str().to_string_lossy()));
    let parts: Vec<String> = up.chain(down).collect();
    parts.join("/")
}

/// Encodes what has a meaning in an address (RFC 3986, section 2.3 says what has none).
fn encode(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_and_encoded() {
        let of = |from: &str, to: &str| address(Path::new(from), Path::new(to));
        assert_eq!(of("/r", "/r/runs/a/report.html"), "runs/a/report.html");
        assert_eq!(of("/r/report", "/r/runs/a b#/x"), "../runs/a%20b%23/x");
        assert_eq!(of("/a/b", "/c"), "../../c");
    }

    #[test]
    fn runs_are_found_below_and_what_is_none_is_a_candidate() {
        let folder = tempfile::tempdir().unwrap();
        for run in ["a", "set/10", "set/2", "broken/plots"] {
            fs::create_dir_all(folder.path().join(run)).unwrap();
        }
        for run in ["a", "set/10", "set/2"] {
            fs::write(folder.path().join(run).join(MANIFEST), "").unwrap();
        }
        let names = |paths: Vec<PathBuf>| {
            let name = |path: PathBuf| path.strip_prefix(folder.path()).unwrap().display().to_string();
            paths.into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(runs(folder.path()).unwrap()), ["a", "set/2", "set/10"]);
        assert_eq!(
            names(candidates(folder.path()).unwrap()),
            ["a", "broken", "set/2", "set/10"]
        );
        assert_eq!(names(runs(&folder.path().join("a/run.toml")).unwrap()), ["a"]);
        let none = runs(&folder.path().join("broken")).unwrap_err().to_string();
        assert!(none.contains("no run folder"), "{none}");
        assert!(runs(&folder.path().join("nowhere")).is_err());
    }
}
