// SPDX-License-Identifier: MIT OR Apache-2.0
//! A finding with its places in the source.

use ::trace::finding::{Finding, Kind};
use ::trace::symbols::Place;

/// One step of a story.
#[derive(Debug, Clone)]
pub struct Step {
    /// Who, where, and what.
    pub step: ::trace::finding::Step,
    /// The place in the source.
    pub place: Option<Place>,
}

impl Step {
    /// Returns the program counter with the function, and the line where it is known.
    pub fn at(&self) -> String {
        let Some(place) = &self.place else {
            return format!("{:#x}", self.step.pc);
        };
        let name = place.functions.join(" in ");
        match (&place.file, place.line) {
            (Some(file), Some(line)) => format!("{name}+{:#x} ({}:{line})", place.offset, short(file)),
            _ => format!("{name}+{:#x}", place.offset),
        }
    }
}

/// Returns a path without the folder it was built in.
pub fn short(file: &str) -> &str {
    const TREES: [&str; 12] = [
        "/arch/",
        "/mm/",
        "/kernel/",
        "/drivers/",
        "/fs/",
        "/lib/",
        "/init/",
        "/include/",
        "/xen/",
        "/net/",
        "/block/",
        "/common/",
    ];
    let places = TREES.iter().filter_map(|tree| file.find(tree));
    match places.min() {
        Some(at) => &file[at + 1..],
        None => file,
    }
}

/// A finding that is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is wrong.
    pub kind: Kind,
    /// The finding.
    pub finding: Finding,
    /// Its story.
    pub story: Vec<Step>,
    /// Why it is suppressed.
    pub suppressed: Option<String>,
}

impl Shown {
    /// Returns the functions of the story, each once, outermost last.
    pub fn functions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for place in self.story.iter().filter_map(|step| step.place.as_ref()) {
            for name in &place.functions {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Returns the step to point at: the TLBI, or the last.
    pub fn main(&self) -> Option<&Step> {
        let tlbi = self.story.iter().find(|step| step.step.text.starts_with("tlbi"));
        tlbi.or(self.story.last())
    }

    /// Returns the addresses it is about.
    pub fn addresses(&self) -> String {
        if self.finding.first == self.finding.last {
            format!("{:#x}", self.finding.first)
        } else {
            format!("{:#x} to {:#x}", self.finding.first, self.finding.last)
        }
    }
}
