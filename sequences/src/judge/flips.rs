// SPDX-License-Identifier: MIT OR Apache-2.0
//! What would turn a verdict over.
//!
//! A verdict is as good as what was assumed. So the neighbouring questions are tried, each of which differs in one
//! thing: what follows, who may hold the entry, whose VMID or ASID it is of, at which level it is, what the CPU has. Those
//! answered the other way round are what a reviewer has to be sure of.

use super::budget::Budget;
use super::context;
use super::judgement::Verdict;
use super::question::{After, Change, Ids, Level, Name, Observers, Question, Regime, Stage};
use super::sufficient::is_sufficient_within;
use crate::instruction::Instruction;
use crate::tlbi::{ExceptionLevel, Target};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The part of a question in which a neighbour differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hinge {
    /// What was changed.
    Change,
    /// What follows.
    After,
    /// Whether the CPU has FEAT_ETS2.
    Ets2,
    /// Who may hold the entry.
    Observers,
    /// Of which VMIDs the entries are.
    Vmid,
    /// Of which ASIDs.
    Asid,
    /// Whether the entry is global.
    Global,
    /// Which kind of entry was changed.
    Level,
    /// At which level of the tables.
    LevelNumber,
    /// Whether it maps memory with the XS attribute.
    Device,
    /// What `HCR_EL2.TGE` makes of operations of EL1.
    Host,
}

/// A question beside the one that was asked, which has the other answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flip {
    /// Its verdict: [`Verdict::Sufficient`] stands for stronger than needed too.
    pub verdict: Verdict,
    /// In what it differs.
    pub hinge: Hinge,
    /// What would have to be so.
    pub text: &'static str,
    /// The options that ask it; empty where there are none.
    pub options: Vec<String>,
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} if {}", self.verdict, self.text)?;
        match self.options.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", self.options.join(" ")),
        }
    }
}

/// A neighbouring question.
struct Neighbour {
    hinge: Hinge,
    text: &'static str,
    options: Vec<String>,
    question: Question,
}

/// Collects neighbours of a question.
struct Around<'a> {
    question: &'a Question,
    all: Vec<Neighbour>,
}

impl Around<'_> {
    fn add(&mut self, hinge: Hinge, text: &'static str, options: &[&str], differ: impl FnOnce(&mut Question)) {
        let mut question = self.question.clone();
        differ(&mut question);
        if question != *self.question {
            self.all.push(Neighbour {
                hinge,
                text,
                options: options.iter().map(|word| (*word).to_owned()).collect(),
                question,
            });
        }
    }

    fn after(&mut self, after: After, text: &'static str) {
        self.add(Hinge::After, text, &["--after", after.name()], |question| {
            question.after = after
        });
    }

    fn observers(&mut self, observers: Observers, text: &'static str) {
        self.add(Hinge::Observers, text, &["--observers", observers.name()], |question| {
            question.observers = observers;
            if observers == Observers::ThisPe && question.after == After::AccessElsewhere {
                question.after = After::Nothing;
            }
        });
    }
}

/// What was found around a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flips {
    /// The neighbouring questions that have the other answer, of each part the nearest one.
    pub found: Vec<Flip>,
    /// How many more there are that the budget did not reach.
    pub untried: usize,
}

impl Flips {
    /// Returns what to say of those that were not tried.
    #[must_use]
    pub fn not_tried(&self) -> Option<String> {
        (self.untried > 0)
            .then(|| alloc::format!("{} more contexts were not tried: the search was given up", self.untried))
    }
}

/// Returns the neighbouring questions that a sequence answers the other way round.
#[must_use]
pub fn flips(question: &Question, sequence: &[Instruction], budget: &Budget) -> Flips {
    let mut flips = Flips::default();
    let Ok(given) = is_sufficient_within(question, sequence, budget) else {
        return flips;
    };
    // What is not known for another reason than the budget's, is not known.
    let answers = |question: &Question, answer: bool, untried: &mut usize| {
        let found = is_sufficient_within(question, sequence, budget);
        *untried += usize::from(found.is_err() && budget.is_spent());
        found == Ok(answer)
    };
    for neighbour in neighbours(question, sequence) {
        // A PE further away is one more; what the nearer one turns over, it does too.
        let known = neighbour.hinge != Hinge::After && flips.found.iter().any(|flip| flip.hinge == neighbour.hinge);
        if !known && answers(&neighbour.question, !given, &mut flips.untried) {
            flips.found.push(Flip {
                verdict: if given {
                    Verdict::Insufficient
                } else {
                    Verdict::Sufficient
                },
                hinge: neighbour.hinge,
                text: neighbour.text,
                options: neighbour.options,
            });
        }
    }
    // Two assumptions that belong together: without fetches, FEAT_ETS2 can stand for the ISB.
    let of = |hinge: Hinge| flips.found.iter().any(|flip| flip.hinge == hinge);
    if !given && question.after == After::FetchHere && !of(Hinge::Ets2) {
        let mut data = question.clone();
        data.after = After::DataHere;
        let mut both = data.clone();
        both.architecture.ets2 = true;
        if answers(&data, false, &mut flips.untried) && answers(&both, true, &mut flips.untried) {
            flips.found.push(Flip {
                verdict: Verdict::Sufficient,
                hinge: Hinge::Ets2,
                text: "it is for loads and stores alone, and the CPU has FEAT_ETS2",
                options: ["--after", "data-here", "--ets2"].map(ToOwned::to_owned).to_vec(),
            });
        }
    }
    flips
}

fn neighbours(question: &Question, sequence: &[Instruction]) -> Vec<Neighbour> {
    let mut around = Around {
        question,
        all: Vec::new(),
    };
    let switch = context::is_switch(question.change);
    // A switch stores nothing, and its flush needs no DSB before it; beside it, entries are often changed too.
    if switch && sequence.iter().any(|instruction| instruction.tlbi().is_some()) {
        around.add(
            Hinge::Change,
            "an entry in memory was made invalid just before as well",
            &["--change", "invalidate"],
            |question| question.change = Change::Invalidate,
        );
    }
    around.after(
        After::Nothing,
        "nothing uses it before the next context synchronization event",
    );
    around.after(After::DataHere, "this PE loads or stores through it next");
    around.after(After::FetchHere, "this PE fetches instructions through it next");
    if question.observers != Observers::ThisPe {
        around.after(After::PageReuse, "the memory it mapped is given to somebody else");
    }
    if !question.architecture.ets2 && !question.architecture.ets3 {
        around.add(Hinge::Ets2, "the CPU has FEAT_ETS2", &["--ets2"], |question| {
            question.architecture.ets2 = true;
        });
    } else {
        around.add(
            Hinge::Ets2,
            "the CPU has neither FEAT_ETS2 nor FEAT_ETS3",
            &[],
            |question| {
                question.architecture.ets2 = false;
                question.architecture.ets3 = false;
            },
        );
    }
    let [inner, outer, own, only_inner] = match question.change {
        Change::Validate => [
            "another PE of the Inner Shareable domain uses it after a message",
            "a PE of the Outer Shareable domain uses it after a message",
            "no other PE uses it",
            "only PEs of the Inner Shareable domain use it",
        ],
        _ => [
            "another PE of the Inner Shareable domain may hold it",
            "a PE of the Outer Shareable domain may hold it",
            "no other PE can hold it",
            "only PEs of the Inner Shareable domain may hold it",
        ],
    };
    match question.observers {
        Observers::ThisPe => {
            around.observers(Observers::Inner, inner);
            around.observers(Observers::Outer, outer);
        }
        Observers::Inner => {
            around.observers(Observers::ThisPe, own);
            around.observers(Observers::Outer, outer);
        }
        Observers::Outer => {
            around.observers(Observers::Inner, only_inner);
            around.observers(Observers::ThisPe, own);
        }
    }
    ids(question, &mut around);
    entry(question, sequence, switch, &mut around);
    around.all
}

/// Adds the neighbours about VMIDs and ASIDs.
fn ids(question: &Question, around: &mut Around<'_>) {
    // Whoever runs at EL1 has one VMID and does not choose it.
    if question.regime == Regime::El10 && question.runs_at != ExceptionLevel::El1 {
        if question.vmid_is_current && !question.every_vmid {
            around.add(
                Hinge::Vmid,
                "the entries are of another VMID than VTTBR_EL2's",
                &["--vmid", "other"],
                |question| question.vmid_is_current = false,
            );
            around.add(
                Hinge::Vmid,
                "the entries are of all VMIDs",
                &["--vmid", "all"],
                |question| {
                    question.every_vmid = true;
                },
            );
        } else {
            around.add(
                Hinge::Vmid,
                "the entries are of VTTBR_EL2's VMID alone",
                &["--vmid", "current"],
                |question| {
                    question.vmid_is_current = true;
                    question.every_vmid = false;
                },
            );
        }
    }
    let has_asids = matches!(question.regime, Regime::El10 | Regime::El20) && question.stage == Stage::One;
    if has_asids && question.global != Some(true) {
        match question.asids {
            Ids::Current => around.add(
                Hinge::Asid,
                "entries of another ASID are concerned",
                &["--asid", "all"],
                |question| question.asids = Ids::All,
            ),
            Ids::Other | Ids::All => around.add(
                Hinge::Asid,
                "only entries of the operand's ASID are concerned",
                &["--asid", "current"],
                |question| question.asids = Ids::Current,
            ),
        }
    }
}

/// Adds the neighbours about the entry and about what the operations apply to.
fn entry(question: &Question, sequence: &[Instruction], switch: bool, around: &mut Around<'_>) {
    let tlbis = || sequence.iter().filter_map(|instruction| instruction.tlbi());
    let by_asid = tlbis().any(|tlbi| tlbi.op.target() == Target::Asid);
    match question.global {
        Some(false) if by_asid => around.add(Hinge::Global, "the entry is global", &["--global", "yes"], |question| {
            question.global = Some(true);
        }),
        Some(true) if by_asid => around.add(
            Hinge::Global,
            "the entry is not global",
            &["--global", "no"],
            |question| {
                question.global = Some(false);
            },
        ),
        _ => {}
    }
    let invalidates = !switch && !matches!(question.change, Change::Validate | Change::RemoveTable);
    if invalidates && tlbis().next().is_some() {
        match question.level {
            Some(Level::Table) => around.add(
                Hinge::Level,
                "only last-level entries were changed",
                &["--level", "last"],
                |question| question.level = Some(Level::Last),
            ),
            _ => around.add(
                Hinge::Level,
                "a table entry was changed",
                &["--level", "table"],
                |question| question.level = Some(Level::Table),
            ),
        }
    }
    let hinted = tlbis().any(|tlbi| tlbi.operand.ttl().is_some());
    if let (true, Some(number)) = (hinted, question.level_number) {
        for other in (0..=3).rev().filter(|other| *other != number) {
            around.add(
                Hinge::LevelNumber,
                "the entry is at another level than the hint says",
                &["--level-number", &other.to_string()],
                |question| question.level_number = Some(other),
            );
        }
    }
    if sequence.iter().any(|instruction| match instruction {
        Instruction::DsbNxs(_) => true,
        other => other.tlbi().is_some_and(|tlbi| tlbi.op.is_nxs()),
    }) {
        let device = question.device;
        let (text, options): (_, &[&str]) = match device {
            false => ("it maps memory with the XS attribute, such as a device", &["--device"]),
            true => ("it maps no memory with the XS attribute", &[]),
        };
        around.add(Hinge::Device, text, options, |question| question.device = !device);
    }
    let of_el1 = tlbis().any(|tlbi| tlbi.op.level() == ExceptionLevel::El1);
    if question.runs_at == ExceptionLevel::El2 && question.regime == Regime::El10 && of_el1 && !question.host {
        around.add(
            Hinge::Host,
            "HCR_EL2.{E2H,TGE} is {1,1} while it runs",
            &["--host"],
            |question| question.host = true,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::inferred::infer;
    use super::*;
    use crate::sequence::Sequence;

    fn lines(text: &str, ask: impl FnOnce(&mut Question)) -> Vec<String> {
        let sequence: Sequence = text.parse().unwrap();
        let mut question = infer(&sequence);
        ask(&mut question);
        let instructions: Vec<_> = sequence.instructions().collect();
        flips(&question, &instructions, &Budget::default())
            .found
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_local_flush_hangs_on_who_else_may_hold_the_entry() {
        assert_eq!(
            lines("dsb nshst; tlbi alle2; dsb nsh; isb", |_| {}),
            ["insufficient if another PE of the Inner Shareable domain may hold it (--observers inner)"]
        );
    }

    #[test]
    fn a_flush_for_a_new_vmid_hangs_on_whether_entries_were_changed_too() {
        let text = "isb; tlbi vmalls12e1is; dsb ish; isb";
        let recycled = |question: &mut Question| question.change = Change::RecycleContext;
        let hangs = |text| {
            let all = lines(text, recycled);
            all.iter().any(|line| line.contains("--change invalidate"))
        };
        assert!(hangs(text));
        assert!(!hangs("dsb ishst; isb; tlbi vmalls12e1is; dsb ish; isb"));
    }

    #[test]
    fn without_an_isb_it_hangs_on_what_comes_next_and_on_ets2() {
        assert_eq!(
            lines("dsb nshst; tlbi alle2; dsb nsh", |question| question.after =
                After::DataHere),
            [
                "sufficient if nothing uses it before the next context synchronization event (--after nothing)",
                "sufficient if the CPU has FEAT_ETS2 (--ets2)",
            ]
        );
        assert_eq!(
            lines("dsb nshst; tlbi alle2; dsb nsh", |question| question.after =
                After::FetchHere),
            [
                "sufficient if nothing uses it before the next context synchronization event (--after nothing)",
                "sufficient if it is for loads and stores alone, and the CPU has FEAT_ETS2 (--after data-here --ets2)",
            ]
        );
    }

    #[test]
    fn a_guests_flush_hangs_on_its_vmid_and_on_tge() {
        let all = lines("dsb ishst; tlbi vmalls12e1is; dsb ish; isb", |_| {});
        assert!(all.iter().any(|line| line.contains("--vmid other")), "{all:?}");
        assert_eq!(
            lines("dsb ishst; tlbi alle1is; dsb ish; isb", |_| {})
                .iter()
                .filter(|line| line.contains("vmid"))
                .count(),
            0
        );
    }

    #[test]
    fn last_level_operations_hang_on_the_level() {
        let all = lines("dsb ishst; tlbi vale2is, {va}; dsb ish; isb", |_| {});
        assert!(
            all.contains(&"insufficient if a table entry was changed (--level table)".to_owned()),
            "{all:?}"
        );
    }

    #[test]
    fn what_is_unknown_has_no_other_side() {
        let all = lines("dsb ishst; tlbi vale2is, {va}; dsb ish; isb", |question| {
            question.level = None
        });
        assert!(all.is_empty(), "{all:?}");
    }
}
