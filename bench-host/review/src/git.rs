// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commits of a repository that nobody vouches for.
//!
//! A repository's own configuration can name programs that git then runs: to check signatures (`log.showSignature` with
//! `gpg.program`), to convert and compare files (`textconv`, `diff.external`, also of a submodule), to watch them
//! (`core.fsmonitor`), to fetch objects that a partial clone lacks (`ext::` remotes, `uploadpack`, `core.sshCommand`), hooks,
//! pagers. Switching each off by name forgets the next one. So git is never shown that configuration: it works in a
//! folder made for it, whose configuration is ours, and which only points at the repository's objects and refs. System and
//! user configuration are left out as well, so that a review says the same for everybody.

pub mod commit;
pub mod objects;
mod users;

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Why commits could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// Git cannot be started, or there is no room for what it says.
    #[error("cannot run git: {0}")]
    NotRun(#[from] io::Error),
    /// The range is not one.
    #[error("not a range of commits")]
    Range,
    /// Git refused, or there is no repository: its reason.
    #[error("{0}")]
    Refused(String),
}

/// Configuration of a repository's own that says how its files are to be read; nothing in it can name a program.
const FORMATS: [&str; 2] = ["extensions.objectformat", "extensions.refstorage"];

/// Most bytes of a `HEAD`: the name of a ref, or an id.
const MAX_HEAD: u64 = 1 << 16;
/// Deepest folders of objects and refs, whose names have slashes; also where links lead in a circle.
const DEEPEST: u32 = 64;

/// How diffs are written: by git alone, and with so many lines around them that a function is mostly in sight.
const DIFF: [&str; 5] = [
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--submodule=short",
    "--unified=25",
];

/// Returns the patches of a range of commits, as mails.
pub fn patches(repository: &Path, range: &str) -> Result<File, GitError> {
    let log = [
        "log",
        "--reverse",
        "--no-merges",
        "--patch",
        "--no-show-signature",
        "--format=email",
    ];
    output_of(repository, &log, range)
}

/// Returns what a range A..B changes as one diff, since both parted; `None` for a range without such an end, as A...B.
pub fn whole(repository: &Path, range: &str) -> Result<Option<File>, GitError> {
    match range.split_once("..") {
        Some((from, to)) if !to.starts_with('.') => {
            output_of(repository, &["diff"], &format!("{from}...{to}")).map(Some)
        }
        _ => Ok(None),
    }
}

/// Returns what git says of a range.
fn output_of(repository: &Path, command: &[&str], range: &str) -> Result<File, GitError> {
    // A range that starts with a dash would be an option.
    if range.starts_with('-') || !range.contains("..") {
        return Err(GitError::Range);
    }
    let refused = |error: io::Error| GitError::Refused(error.to_string());
    let spooled = tempfile::tempfile()?;
    let mut file = spooled.try_clone()?;
    let folders = Folders::find(repository)
        .map_err(refused)?
        .ok_or_else(|| GitError::Refused("not a git repository".into()))?;
    let clean = folders.clean_view().map_err(refused)?;
    let output = git(clean.path())
        .args(command)
        .args(DIFF)
        .args([range, "--"])
        .stdout(spooled)
        .output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(GitError::Refused(message.trim().replace('\n', "; ")));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Returns a git that reads this folder and no configuration but the folder's.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // What the environment of the caller says about repositories and programs is not meant for this one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command
        .arg("--no-pager")
        .arg("--git-dir")
        .arg(folder)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_SYSTEM", null())
        .env("GIT_CONFIG_GLOBAL", null())
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_PROTOCOL_FROM_USER", "0")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .stdin(Stdio::null());
    command
}

const fn null() -> &'static str {
    if cfg!(windows) { "NUL" } else { "/dev/null" }
}

/// Where a repository keeps its things.
struct Folders {
    /// `HEAD` and the refs of this work tree.
    own: PathBuf,
    /// Objects and the refs of all.
    common: PathBuf,
}

impl Folders {
    /// Finds the repository that a folder is, or is in.
    fn find(start: &Path) -> io::Result<Option<Self>> {
        let start = start.canonicalize()?;
        let mut at = Some(start.as_path());
        while let Some(folder) = at {
            let inside = folder.join(".git");
            let own = if inside.is_dir() {
                Some(inside)
            } else if inside.is_file() {
                // A work tree or submodule says where its repository is.
                let text = results::file::read_text(&inside)?;
                text.trim().strip_prefix("gitdir: ").map(|path| folder.join(path))
            } else {
                Some(folder.to_owned())
            };
            if let Some(own) = own.filter(|own| own.join("HEAD").is_file()) {
                let common = match results::file::read_text(&own.join("commondir")) {
                    Ok(path) => own.join(path.trim()),
                    Err(_) => own.clone(),
                };
                if common.join("objects").is_dir() {
                    return Ok(Some(Self { own, common }));
                }
            }
            at = folder.parent();
        }
        Ok(None)
    }

    /// Makes a folder that shows git the objects and refs, and a configuration of ours.
    fn clean_view(&self) -> io::Result<TempDir> {
        let clean = tempfile::tempdir()?;
        let to = clean.path();
        let mut config = String::from("[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n");
        for name in FORMATS {
            let value = self.setting(name)?;
            let key = name.trim_start_matches("extensions.");
            // Names of formats are words; anything else is none.
            if let Some(value) = value.filter(|value| value.chars().all(|c| c.is_ascii_alphanumeric())) {
                config.push_str(&format!("\t{key} = {value}\n"));
            }
        }
        fs::write(to.join("config"), config)?;
        fs::write(to.join("HEAD"), results::file::read(&self.own.join("HEAD"), MAX_HEAD)?)?;
        for name in ["objects", "refs", "packed-refs", "shallow", "reftable"] {
            let from = self.common.join(name);
            if from.exists() {
                only_files(&from, DEEPEST)?;
                link(&from, &to.join(name))?;
            }
        }
        Ok(clean)
    }

    /// Reads one setting of the repository's configuration file, without what it includes.
    fn setting(&self, name: &str) -> io::Result<Option<String>> {
        let file = self.common.join("config");
        if !file.is_file() {
            return Ok(None);
        }
        // In a folder without a repository, so that the file is data and nothing else.
        let nowhere = tempfile::tempdir()?;
        let output = git(nowhere.path())
            .args(["config", "--no-includes", "--file"])
            .arg(&file)
            .args(["--get", name])
            .output()?;
        let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((!value.is_empty()).then_some(value))
    }
}

/// Refuses what has a pipe or a device in it, on which git would wait for ever.
fn only_files(path: &Path, deeper: u32) -> io::Result<()> {
    // (What a link leads to counts; one that leads nowhere is no file for git either.)
    let Ok(data) = fs::metadata(path) else { return Ok(()) };
    if data.is_file() {
        return Ok(());
    }
    let refused = |why| Err(io::Error::other(format!("{}: {why}", path.display())));
    if !data.is_dir() {
        return refused("it is no regular file");
    }
    if deeper == 0 {
        return refused("its folders are too deep");
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            only_files(&entry.path(), deeper - 1)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        std::os::windows::fs::symlink_dir(from, to)
    } else {
        std::os::windows::fs::symlink_file(from, to)
    }
}
