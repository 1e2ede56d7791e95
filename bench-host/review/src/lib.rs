// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a patch, or a source tree, to evidence about its TLB maintenance sequences.
//!
//! The parts in the order in which text passes through them: [`input`] opens a patch and [`mail`] undoes its mail
//! encoding, [`diff`] reads hunks, [`loss`] says
//! what could not be read, [`source`] makes the two sides, [`extract`] finds sequences in them ([`foreign`] says which files are none of ours), [`mod@pair`] says
//! which became which, [`infer`] guesses what they are for, [`mod@evaluate`] asks the judge, and [`output`] prints; [`mod@series`] does so for each patch of a series.
//! [`tree`] reads whole source trees, [`evidence`] holds what stored runs and checks saw, [`check_question`] puts a check
//! as a question to the judge, and [`workaround`] knows the dummies that errata ask for. Nothing of a patch or a tree is ever executed.

mod acting;
pub mod bodies;
mod callers;
pub mod check_question;
pub mod diff;
pub mod evaluate;
pub mod evidence;
pub mod extract;
pub mod foreign;
mod gathered;
pub mod git;
mod guards;
pub mod helpers;
pub mod infer;
pub mod input;
mod listed;
mod lone;
pub mod loss;
pub mod mail;
pub mod mention;
pub mod output;
pub mod pair;
pub mod placed;
pub mod plain;
pub mod relation;
pub mod series;
pub mod sight;
pub mod source;
pub mod subject;
pub mod tree;
mod unsaid;
pub mod workaround;

use acting::acting_bodies;
use bodies::{Known, Seen, drop_sites, meant_bodies, named_bodies, said_bodies, unshown};
use callers::{note_callers, note_folded, note_left};
use diff::Patch;
use evaluate::{Evaluated, evaluate, evaluate_passage};
use evidence::{Timing, Trials};
use extract::reduce::Found;
use extract::spelling::Spellings;
use extract::words::{speaks_of_maintenance, speaks_of_tables};
use gathered::Gathered;
use guards::note_guards;
use listed::{Listed, line_places, unmet};
use loss::Notes;
use pair::{changed_passages, pair, pair_passages};
use sequences::judge::{Budget, Stated, Verdict};
use sight::Sight;
use source::Unit;
use tree::Tree;

/// As many judgements of a patch, or of a file, may search as far as one may at all. Few search a hundredth of that.
const JUDGEMENTS: usize = 50;

/// What looks like maintenance and was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecognised {
    /// The file.
    pub file: String,
    /// The line, of the side it is on.
    pub line: u32,
    /// The text.
    pub text: String,
    /// It is on the side after.
    pub after: bool,
}

/// The evidence about a patch.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// Where it came from.
    pub source: String,
    /// Its subject; empty without one.
    pub subject: String,
    /// Files the patch changes.
    pub files: usize,
    /// The changes.
    pub changes: Vec<Evaluated>,
    /// Timing from stored runs, for each change.
    pub timing: Vec<Vec<Timing>>,
    /// What checks saw, for each change.
    pub trials: Vec<Vec<Trials>>,
    /// What was not understood.
    pub unrecognised: Vec<Unrecognised>,
    /// Barriers that the patch changes and that belong to no sequence.
    pub barriers: Vec<String>,
    /// How many of them stand beside something of translation: what they order there was not judged.
    pub open_barriers: usize,
    /// There are such on the side after.
    pub adds_barriers: bool,
    /// What could not be read, and what else is to be known.
    pub notes: Notes,
    /// The command that prints this again.
    pub command: String,
    /// The forms for people explain the rules that are cited.
    pub explain_rules: bool,
}

/// How a review ends, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every side after is sufficient, or there is none.
    Fine,
    /// Something could not be decided, or not be read.
    Undecided,
    /// A side after is insufficient, or failed a check.
    Insufficient,
}

impl Review {
    /// Returns how the review ends.
    pub fn outcome(&self) -> Outcome {
        let after = |verdict| {
            self.changes
                .iter()
                .filter_map(|change| change.after.as_ref())
                .any(|side| side.verdict == verdict)
        };
        if after(Verdict::Insufficient) || self.trials.iter().flatten().any(Trials::is_failure) {
            Outcome::Insufficient
        } else if self.changes.iter().any(Evaluated::is_open)
            || self.unrecognised.iter().any(|unread| unread.after)
            || self.loses_what_it_does_not_know()
            || self.open_barriers > 0
            || self.notes.losses() > 0
        {
            Outcome::Undecided
        } else {
            Outcome::Fine
        }
    }
}

impl Review {
    /// Returns whether something that looks like maintenance is gone, and nothing that does comes for it.
    fn loses_what_it_does_not_know(&self) -> bool {
        let part = |change: &Evaluated| change.before.as_ref().is_some_and(|before| before.is_part);
        (self.unrecognised.iter().any(|unread| !unread.after) || self.changes.iter().any(part))
            && self.changes.iter().all(|change| change.after.is_none())
            && !self.adds_barriers
    }
}

/// Reviews a patch by itself.
pub fn review(patch: Patch, spellings: &Spellings, stated: &Stated, tree: Option<&Tree>) -> Review {
    review_among(patch, &[], spellings, stated, tree.map(|tree| tree as &dyn Sight))
}

/// Reviews a patch among files that it does not change, whose macros and functions it may use, and with what can be seen
/// beyond it.
pub fn review_among(
    patch: Patch,
    around: &[Unit],
    spellings: &Spellings,
    stated: &Stated,
    sight: Option<&dyn Sight>,
) -> Review {
    let mut gathered = Gathered::of(&patch, around, spellings, sight);
    let renames = bodies::renames(&gathered.bodies);
    gathered.rename_before(&renames);
    let (repeating, called) = (gathered.repeating(), gathered.called());
    let Gathered {
        found,
        published,
        passages: [passages_before, passages_after],
        mut barriers,
        guarded,
        unread,
        mentions,
        read,
        expanded,
        fed,
        bodies,
        acting,
    } = gathered;

    // What the judge is asked.
    let mut changes = judged([found, published], &patch.message, stated);
    note_folded(&mut changes);
    note_left(&mut changes, &bodies, &renames);
    note_callers(&mut changes);

    // What is shown with both sides, and not judged.
    let mut passages = pair_passages(passages_before, passages_after);
    let mut seen = Seen::of(&mentions);
    Seen::add_calls(&mut seen, &guarded);
    let guarded = note_guards(&guarded, &mut passages);
    changes.extend(changed_passages(passages).iter().map(evaluate_passage));

    // What was not understood, and the functions that it stands in.
    let places = [line_places(&bodies[0]), line_places(&bodies[1])];
    let unread = listed::changed(unread, mentions, guarded, &read, &expanded[1]);
    let mut listed = Listed::of(unread, &places);
    lone::drop_known(&mut barriers, &called);
    let named = named_bodies(
        &bodies,
        &Known {
            changes: &changes,
            is_said: &|after, path, line| listed.accounts_for((after, path, line), &places, &read),
            expanded: &expanded,
            renames: &renames,
            repeating: &repeating,
            doubtful: &listed.doubtful,
            fed: &fed,
            is_about_maintenance: !changes.is_empty() || speaks_of_maintenance(&patch.message).is_some(),
            speaks_of_tables: speaks_of_tables(&patch.message).is_some(),
        },
    );
    listed.drop_shown(&named);
    changes.extend(named.iter().map(evaluate_passage));

    // The functions that what was found is in too.
    let is_open = changes.iter().any(|change| change.is_passage);
    Seen::add(&mut seen, &barriers, is_open);
    let mut sites = unshown(&bodies, &seen, &changes, &renames);
    // A macro that is read where it is used is shown there.
    sites.retain(|pair| {
        let sides = pair.before.iter().chain(&pair.after);
        !sides
            .into_iter()
            .any(|side| expanded.iter().any(|all| all.contains(&side.found.function)))
    });
    drop_sites(&mut listed.lines, &sites, &seen);
    lone::drop_shown(&mut barriers, &sites);
    changes.extend(sites.iter().map(evaluate_passage));

    // What the message is about, where nothing was found.
    if changes.is_empty() && listed.lines.is_empty() && barriers.iter().all(Vec::is_empty) {
        let said = speaks_of_maintenance(&patch.message).map(|saying| said_bodies(&bodies, saying));
        changes.extend(said.into_iter().flatten().map(|pair| evaluate_passage(&pair)));
        if changes.is_empty() {
            listed.lines.extend(unmet(&patch));
        }
    }
    if changes.is_empty() && listed.lines.is_empty() {
        listed.lines = lone::meant_by(&patch.message, &barriers);
        let meant = meant_bodies(&bodies, &listed.lines, &places, &renames);
        listed.drop_shown(&meant);
        changes.extend(meant.iter().map(evaluate_passage));
    }
    // What nobody speaks of, and acts on translations.
    let open_barriers = lone::open_barriers(&barriers);
    if changes.is_empty() && listed.lines.is_empty() && open_barriers == 0 {
        let [mut before, mut after] = bodies.clone();
        let [more_before, more_after] = acting;
        before.extend(more_before);
        after.extend(more_after);
        changes.extend(acting_bodies(&[before, after], &renames).iter().map(evaluate_passage));
    }
    if changes.is_empty() && listed.lines.is_empty() && open_barriers == 0 {
        listed.lines = unsaid::unsaid(&patch, &barriers);
        let meant = meant_bodies(&bodies, &listed.lines, &places, &renames);
        listed.drop_shown(&meant);
        changes.extend(meant.iter().map(evaluate_passage));
    }
    Review {
        source: String::new(),
        subject: patch.subject,
        files: patch.files_seen,
        timing: vec![Vec::new(); changes.len()],
        trials: vec![Vec::new(); changes.len()],
        changes,
        unrecognised: listed.lines,
        open_barriers,
        adds_barriers: !barriers[1].is_empty(),
        barriers: lone::lone_barriers(&barriers),
        notes: patch.notes,
        command: String::new(),
        explain_rules: false,
    }
}

/// Returns what the judge says of the sequences of a patch, and of the barriers that publish its mappings.
fn judged(found: [placed::Both<Found>; 2], message: &str, stated: &Stated) -> Vec<Evaluated> {
    let message = message.to_ascii_lowercase();
    let budget = Budget::new(JUDGEMENTS * Budget::JUDGEMENT);
    // What publishes a mapping is no heir of what invalidates one.
    let pairs = found.into_iter().flat_map(|[before, after]| pair(before, after));
    pairs.map(|pair| evaluate(pair, &message, stated, &budget)).collect()
}
