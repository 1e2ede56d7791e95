// SPDX-License-Identifier: MIT OR Apache-2.0
//! An earlier scan of a tree, to tell what is new from what was there.
//!
//! A finding is known if the earlier scan has one of the same file, function, sequence and verdict; lines move, and do not
//! count. Of two alike, one known makes one known.

use crate::error::Error;
use review::evaluate::verdict_id;
use review::tree::Scan;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Larger files are no scans.
const MAX_FILE: u64 = 256 << 20;

#[derive(Deserialize)]
struct Document {
    schema: u32,
    sequences: Vec<Sequence>,
    unrecognised: Vec<Unread>,
}

#[derive(Deserialize)]
struct Sequence {
    file: String,
    function: String,
    sequence: String,
    verdict: String,
}

#[derive(Deserialize)]
struct Unread {
    file: String,
    text: String,
}

/// What an earlier scan found, with how often.
pub struct Baseline {
    sequences: HashMap<[String; 4], usize>,
    unread: HashMap<[String; 2], usize>,
}

/// How a scan compares with an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// What was there then too, and is not shown.
    pub known: usize,
    /// What was there then and is no more.
    pub gone: usize,
}

impl Baseline {
    /// Reads the JSON of an earlier scan.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refuse = |reason: String| {
            Error::Usage(format!(
                "cannot read the baseline {}: {reason}; make it with `bench-host scan --json TREE > FILE`",
                path.display()
            ))
        };
        let bytes = results::file::read(path, MAX_FILE).map_err(|error| refuse(error.to_string()))?;
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        if document.schema != 1 {
            return Err(refuse(format!("it has schema {}, and 1 is known", document.schema)));
        }
        let mut baseline = Self {
            sequences: HashMap::new(),
            unread: HashMap::new(),
        };
        for found in document.sequences {
            let key = [found.file, found.function, found.sequence, found.verdict];
            *baseline.sequences.entry(key).or_default() += 1;
        }
        for found in document.unrecognised {
            *baseline.unread.entry([found.file, found.text]).or_default() += 1;
        }
        Ok(baseline)
    }

    /// Takes what is known out of a scan.
    pub fn take_known(mut self, scan: &mut Scan) -> News {
        let before = scan.judged.len() + scan.unread.len();
        scan.judged.retain(|judged| {
            let side = &judged.side;
            let key = [
                side.file.clone(),
                side.function.clone(),
                side.sequence.to_string(),
                verdict_id(side.verdict).to_owned(),
            ];
            !take(&mut self.sequences, &key)
        });
        scan.unread.retain(|unread| {
            let key = [unread.path.clone(), unread.found.text.clone()];
            !take(&mut self.unread, &key)
        });
        News {
            known: before - scan.judged.len() - scan.unread.len(),
            gone: self.sequences.values().sum::<usize>() + self.unread.values().sum::<usize>(),
        }
    }
}

/// Takes one of a kind away; returns whether there was one.
fn take<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) -> bool {
    match counts.get_mut(key).filter(|count| **count > 0) {
        Some(count) => {
            *count -= 1;
            true
        }
        None => false,
    }
}
