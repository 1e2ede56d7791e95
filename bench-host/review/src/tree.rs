// SPDX-License-Identifier: MIT OR Apache-2.0
//! Source trees: what a patch does not show, and everything at once for `scan`.

mod ignored;

use crate::JUDGEMENTS;
use crate::diff::{FileDiff, Origin, Patch};
use crate::evaluate::{SideVerdict, evaluate_alone};
use crate::extract::asm;
use crate::extract::layout::Layout;
use crate::extract::names::sets_operand;
use crate::extract::reduce::Found;
use crate::extract::spelling::Spellings;
use crate::extract::token::SourceLine;
use crate::extract::{Doubt, Unread, text};
use crate::helpers::are_used;
use crate::infer::Assumption;
use crate::mention::{Lines, Mention, mentions as spoken};
use crate::placed::Placed;
use crate::plain;
use crate::sight::Sight;
use crate::source::{Extraction, Guarded, Segment, Side, Surroundings, Unit};
use crate::workaround::is_workaround;
use ignore::WalkBuilder;
use ignored::Ignored;
use sequences::judge::{Budget, Stated, Verdict};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Larger files are not source that a person wrote.
pub(crate) const MAX_FILE: u64 = 4 << 20;

/// Most files that use a helper of a patch and are read for it.
pub(crate) const MAX_USERS: usize = 40;

/// Where a file that is no text has a zero, as a rule.
const MAX_HEAD: usize = 8 << 10;

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// It is not a folder that can be read.
    #[error("cannot read the source tree {path}: {reason}")]
    Unreadable {
        /// The folder.
        path: String,
        /// Why not.
        reason: String,
    },
}

/// A source tree.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
    /// Files read.
    pub files: usize,
    /// The files that may hold maintenance.
    pub units: Vec<Unit>,
    /// Their macros and functions.
    pub surroundings: Surroundings,
    /// Files that are too large to be read.
    pub too_large: Vec<Placed<Unread>>,
    /// Files in languages that are not read, and may be code.
    others: Vec<(String, PathBuf)>,
}

/// Says of a file that it is not read.
fn large_file() -> Unread {
    let text = format!("larger than {} MiB: not read", MAX_FILE >> 20);
    Unread::new(0, text, true, Doubt::Limit)
}

/// A sequence of a tree with its verdict.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The sequence and its verdict.
    pub side: SideVerdict,
    /// The context it was judged in.
    pub assumptions: Vec<Assumption>,
}

/// What a tree holds.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Files looked into.
    pub files: usize,
    /// The sequences.
    pub judged: Vec<Judged>,
    /// Building blocks: sequences without any barrier of their own.
    pub fragments: usize,
    /// New mappings that are published, and whose users are not in sight.
    pub published: usize,
    /// What was not understood, by file.
    pub unread: Vec<Placed<Unread>>,
}

impl Tree {
    /// Reads a tree: every source file that mentions TLBs, and the headers and macros that may be behind it.
    pub fn open(root: &Path, spellings: &Spellings) -> Result<Self, TreeError> {
        let failed = |reason: String| TreeError::Unreadable {
            path: root.display().to_string(),
            reason,
        };
        let meta = fs::metadata(root).map_err(|error| failed(error.to_string()))?;
        if !meta.is_dir() {
            return Err(failed("it is not a folder".into()));
        }
        let (mut paths, mut too_large, mut others) = (Vec::new(), Vec::new(), Vec::new());
        // No links are followed: a tree may hold one to anywhere.
        let ignored = Ignored::of(root);
        let walk = WalkBuilder::new(root)
            .hidden(true)
            .ignore(false)
            // Read by ourselves: see `ignored`.
            .git_ignore(false)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .follow_links(false)
            .filter_entry(move |entry| {
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                entry.depth() == 0 || !ignored.holds(entry.path(), is_folder)
            })
            .build();
        for entry in walk.flatten() {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let small = || entry.metadata().is_ok_and(|meta| meta.len() <= MAX_FILE);
            let name = relative(root, entry.path());
            let unit = Unit {
                path: name.clone(),
                segments: Vec::new(),
            };
            if is_file && plain::is_unknown(&name) && !plain::is_data(&name) && small() {
                others.push((name, entry.path().to_owned()));
                continue;
            }
            if !is_file || !unit.is_source() {
                continue;
            }
            if small() {
                paths.push((name, entry.path().to_owned()));
            } else {
                too_large.push(Placed {
                    path: name,
                    found: large_file(),
                });
            }
        }
        paths.sort();
        others.sort();
        let units = parallel(&paths, |(name, path)| {
            let bytes = read(path)?;
            mentions(&bytes).then(|| Unit::whole(name, &String::from_utf8_lossy(&bytes)))
        });
        let units: Vec<Unit> = units.into_iter().flatten().collect();
        let mut surroundings = Surroundings::default();
        surroundings.add(&units, spellings);
        Ok(Self {
            root: root.to_owned(),
            files: paths.len(),
            units,
            surroundings,
            too_large,
            others,
        })
    }

    /// Extracts and judges every sequence.
    pub fn scan(&self, spellings: &Spellings, stated: &Stated) -> Scan {
        let all = parallel(&self.units, |unit| {
            // A file's own macros and helpers come before others of the same name.
            let own = self.surroundings.conflicts(unit, spellings).then(|| {
                let mut own = self.surroundings.clone();
                own.add(std::slice::from_ref(unit), spellings);
                own
            });
            let surroundings = own.as_ref().unwrap_or(&self.surroundings);
            let Extraction {
                found,
                mut unread,
                read,
                published,
                guarded,
                ..
            } = surroundings.extract(unit, spellings);
            let lost = spoken(unit, Lines::Every);
            let lost = lost
                .into_iter()
                .filter(|mention| mention.is_tlbi() && !read.contains(&mention.line));
            unread.extend(lost.map(Mention::unread));
            let calls: Vec<Placed<Guarded>> = guarded
                .into_iter()
                .filter(|call| !surroundings.knows(&unit.path, &call.name, spellings) && !sets_operand(&call.name))
                .map(Placed::in_file(&unit.path))
                .collect();
            let is_part = |found: &Found| found.fragment || is_workaround(&found.sequence);
            let fragments = found.iter().filter(|found| is_part(found)).count();
            let budget = Budget::new(JUDGEMENTS * Budget::JUDGEMENT);
            let judge = |found: Found| {
                let (side, assumptions) = evaluate_alone(&Placed::in_file(&unit.path)(found), stated, &budget);
                Judged { side, assumptions }
            };
            let mut judged: Vec<Judged> = found
                .into_iter()
                .filter(|found| !is_part(found) && found.primary)
                .map(judge)
                .collect();
            // Who uses a new mapping is out of sight of most that make one.
            let (elsewhere, here): (Vec<Judged>, Vec<Judged>) = published
                .into_iter()
                .filter(|found| found.primary)
                .map(judge)
                .partition(|judged| judged.side.verdict == Verdict::Unknown);
            judged.extend(here);
            judged.sort_by_key(|judged| judged.side.line);
            let unread: Vec<Placed<Unread>> = unread
                .into_iter()
                .filter(|unread| !unread.template)
                .map(Placed::in_file(&unit.path))
                .collect();
            (judged, (fragments, elsewhere.len()), unread, calls)
        });
        let mut scan = Scan {
            files: self.files,
            judged: Vec::new(),
            fragments: 0,
            published: 0,
            unread: self.too_large.clone(),
        };
        // By their words alone, as `review` does.
        let others = parallel(&self.others, |(name, path)| {
            let bytes =
                read(path).filter(|bytes| mentions(bytes) && !bytes.iter().take(MAX_HEAD).any(|byte| *byte == 0));
            let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let found = text.map_or_else(Vec::new, |text| plain::invalidations(&text));
            found.into_iter().map(Placed::in_file(name)).collect::<Vec<_>>()
        });
        scan.unread.extend(others.into_iter().flatten());
        let defined = self.defined(all.iter().flat_map(|(_, _, _, calls)| calls));
        for (judged, (fragments, published), unread, calls) in all {
            scan.judged.extend(judged);
            scan.fragments += fragments;
            scan.published += published;
            scan.unread.extend(unread);
            let out_of_sight = calls.into_iter().filter(|call| !defined.contains(&call.found.name));
            scan.unread.extend(out_of_sight.map(|Placed { path, found: call }| {
                let text = format!("{}: what it does is not in sight", call.text);
                let unread = Unread {
                    function: call.function,
                    ..Unread::new(call.line, text, false, Doubt::Call)
                };
                Placed::in_file(&path)(unread)
            }));
        }
        scan
    }

    /// Returns which of the functions that are called the tree defines: they were read, and hold no maintenance.
    fn defined<'a>(&self, calls: impl Iterator<Item = &'a Placed<Guarded>>) -> HashSet<String> {
        let names: HashSet<&str> = calls.map(|call| call.found.name.as_str()).collect();
        if names.is_empty() {
            return HashSet::new();
        }
        let found = parallel(&self.units, |unit| {
            let mut own = Vec::new();
            for segment in &unit.segments {
                let names_one = |line: &SourceLine| text::words(&line.text).any(|word| names.contains(word));
                if segment.lines.iter().any(names_one) {
                    let semicolon = asm::is_armasm(&unit.path);
                    let layout = Layout::of(&segment.lines, &segment.section, unit.language(), semicolon);
                    own.extend(layout.names().filter(|name| names.contains(name)).map(str::to_owned));
                }
            }
            own
        });
        found.into_iter().flatten().collect()
    }

    /// Returns a side of a file's diff with the rest of the file around it, where the tree has one of the sides.
    pub fn whole(&self, file: &FileDiff, side: Side) -> Option<Unit> {
        let path = file.path();
        if Path::new(path)
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_)))
        {
            return None;
        }
        let full = self.root.join(path);
        // A link in the tree may lead out of it.
        let inside = full.canonicalize().ok()?.starts_with(self.root.canonicalize().ok()?);
        let bytes = inside.then(|| read(&full))??;
        let text = String::from_utf8_lossy(&bytes);
        let lines = lines_of(&text);
        let is = [Side::After, Side::Before]
            .into_iter()
            .find(|side| fits(&lines, file, *side))?;
        merged(&lines, is, file, path, side)
    }
}

impl Sight for Tree {
    fn whole(&self, file: &FileDiff, side: Side) -> Option<Unit> {
        Self::whole(self, file, side)
    }

    fn users(&self, helpers: &BTreeSet<String>, patch: &Patch) -> Vec<Unit> {
        if helpers.is_empty() {
            return Vec::new();
        }
        let is_own = |path: &str| {
            patch
                .files
                .iter()
                .any(|file| file.old_path == path || file.new_path == path)
        };
        let uses = |unit: &&Unit| {
            let mut lines = unit.segments.iter().flat_map(|segment| &segment.lines);
            !is_own(&unit.path) && lines.any(|line| are_used(helpers, &line.text))
        };
        self.units.iter().filter(uses).take(MAX_USERS).cloned().collect()
    }

    fn surroundings(&self, _: Side) -> Surroundings {
        self.surroundings.clone()
    }
}

/// Returns the lines of a file.
pub(crate) fn lines_of(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.trim_end_matches('\r')).collect()
}

/// Returns a side of a file's diff with the rest of the file around it; the lines are those of the side `is`.
pub(crate) fn merged(lines: &[&str], is: Side, file: &FileDiff, path: &str, side: Side) -> Option<Unit> {
    let mut out: Vec<SourceLine> = Vec::new();
    let mut number = 1;
    let mut at = 0;
    let mut push = |text: &str, changed: bool| {
        out.push(SourceLine {
            number,
            text: text.to_owned(),
            changed,
        });
        number += 1;
    };
    for hunk in &file.hunks {
        let start = place(lines, hunk, is, at)?;
        for line in &lines[at..start] {
            push(line, false);
        }
        let skip = match side {
            Side::Before => Origin::Added,
            Side::After => Origin::Removed,
        };
        for line in hunk.lines.iter().filter(|line| line.origin != skip) {
            push(&line.text, line.origin != Origin::Context);
        }
        at = start + on_side(hunk, is).count();
    }
    for line in &lines[at..] {
        push(line, false);
    }
    Some(Unit {
        path: path.to_owned(),
        segments: vec![Segment {
            section: String::new(),
            lines: out,
        }],
    })
}

fn on_side(hunk: &crate::diff::Hunk, side: Side) -> impl Iterator<Item = &str> {
    let skip = match side {
        Side::Before => Origin::Added,
        Side::After => Origin::Removed,
    };
    hunk.lines
        .iter()
        .filter(move |line| line.origin != skip)
        .map(|line| line.text.as_str())
}

/// Finds where a side of a hunk stands in a file, at or after a line; the place the hunk names first.
fn place(lines: &[&str], hunk: &crate::diff::Hunk, side: Side, from: usize) -> Option<usize> {
    let wanted: Vec<&str> = on_side(hunk, side).map(str::trim_end).collect();
    let named = match side {
        Side::Before => hunk.old_start,
        Side::After => hunk.new_start,
    };
    let named = (named as usize).saturating_sub(1);
    let matches = |at: usize| {
        at >= from
            && lines
                .get(at..at + wanted.len())
                .is_some_and(|there| there.iter().zip(&wanted).all(|(a, b)| a.trim_end() == *b))
    };
    const WINDOW: usize = 2000;
    (0..WINDOW)
        .flat_map(|distance| [named.checked_add(distance), named.checked_sub(distance)])
        .flatten()
        .find(|&at| matches(at))
}

/// Returns whether lines are those of a side of a file's diff.
pub(crate) fn fits(lines: &[&str], file: &FileDiff, side: Side) -> bool {
    let mut at = 0;
    file.hunks.iter().all(|hunk| match place(lines, hunk, side, at) {
        Some(start) => {
            at = start + on_side(hunk, side).count();
            true
        }
        None => false,
    })
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    results::file::open(path)
        .ok()?
        .take(MAX_FILE)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// Returns whether a file may hold maintenance by the words in it, in any case.
pub(crate) fn mentions(bytes: &[u8]) -> bool {
    let mut tlb = false;
    let mut work = false;
    for at in bytes.iter().enumerate().filter(|(_, byte)| {
        matches!(
            byte,
            b't' | b'T' | b'd' | b'D' | b'f' | b'F' | b'i' | b'I' | b's' | b'S'
        )
    }) {
        let rest = &bytes[at.0..];
        let starts = |word: &[u8]| {
            rest.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        if starts(b"tlbi") || starts(b"sys #") || starts(b"sys\t#") {
            return true;
        }
        tlb |= starts(b"tlb");
        work |= starts(b"dsb") || starts(b"flush") || starts(b"inval");
        if tlb && work {
            return true;
        }
    }
    false
}

/// Runs a function over items on the machine's processors; results come in order.
fn parallel<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let run = || {
            let mut own = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { return own };
                own.push((index, each(item)));
            }
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(run)).collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
