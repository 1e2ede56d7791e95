// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a patch, or a source tree, to evidence about its TLB maintenance sequences.
//!
//! The parts in the order in which text passes through them: [`input`] opens a patch and [`mail`] undoes its mail
//! encoding, [`diff`] reads hunks, [`loss`] says
//! what could not be read, [`source`] makes the two sides, [`extract`] finds sequences in them ([`foreign`] says which files are none of ours), [`mod@pair`] says
//! which became which, [`infer`] guesses what they are for, [`mod@evaluate`] asks the judge, and [`output`] prints; [`mod@series`] does so for each patch of a series.
//! [`tree`] reads whole source trees, [`evidence`] holds what stored runs and checks saw, [`check_question`] puts a check
//! as a question to the judge, and [`workaround`] knows the dummies that errata ask for. Nothing of a patch or a tree is ever executed.

pub mod bodies;
pub mod check_question;
pub mod diff;
pub mod evaluate;
pub mod evidence;
pub mod extract;
pub mod foreign;
pub mod git;
pub mod infer;
pub mod input;
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
pub mod workaround;

use bodies::{Known, Renames, Sides, named_bodies, renamed, said_bodies};
use diff::Patch;
use evaluate::{Evaluated, evaluate, evaluate_passage};
use evidence::{Timing, Trials};
use extract::Unread;
use extract::reduce::Found;
use extract::spelling::Spellings;
use extract::words::{speaks_of_maintenance, speaks_of_tables};
use loss::Notes;
use mention::{Mention, unaccounted};
use pair::{Pair, changed_passages, pair, pair_passages};
use placed::Placed;
use sequences::judge::{Budget, Stated, Verdict};
use sight::Sight;
use source::{Guarded, LoneBarrier, Side, Surroundings, Touched, Unit, touched};
use std::collections::{BTreeSet, HashMap, HashSet};
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
            && self.barriers.is_empty()
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
    let message = patch.message.to_ascii_lowercase();
    let mut both: [Vec<Placed<Found>>; 2] = [Vec::new(), Vec::new()];
    let mut published: [Vec<Placed<Found>>; 2] = [Vec::new(), Vec::new()];
    let mut passed: [Vec<Placed<Found>>; 2] = [Vec::new(), Vec::new()];
    let mut barriers: [Vec<Placed<LoneBarrier>>; 2] = [Vec::new(), Vec::new()];
    let mut guarded: [Vec<Placed<Guarded>>; 2] = [Vec::new(), Vec::new()];
    let mut unread: [Vec<Placed<Unread>>; 2] = [Vec::new(), Vec::new()];
    let mut mentions: [Vec<Placed<Mention>>; 2] = [Vec::new(), Vec::new()];
    let mut read: [HashMap<String, BTreeSet<u32>>; 2] = [HashMap::new(), HashMap::new()];
    let mut expanded: [HashSet<String>; 2] = [HashSet::new(), HashSet::new()];
    let mut doubtful: HashMap<(String, String), Vec<String>> = HashMap::new();
    let mut fed: HashMap<(String, String), Vec<String>> = HashMap::new();
    let mut bodies: Sides = [Vec::new(), Vec::new()];
    for (index, side) in [Side::Before, Side::After].into_iter().enumerate() {
        let units: Vec<Unit> = patch
            .files
            .iter()
            .filter(|file| match side {
                Side::Before => !file.old_path.is_empty(),
                Side::After => !file.new_path.is_empty(),
            })
            .map(|file| {
                sight
                    .and_then(|sight| sight.whole(file, side))
                    .unwrap_or_else(|| Unit::side(file, side))
            })
            .collect();
        let mut surroundings = sight.map_or_else(Surroundings::default, |sight| sight.surroundings(side));
        let code: Vec<Unit> = units
            .iter()
            .chain(around)
            .filter(|unit| unit.is_source())
            .cloned()
            .collect();
        surroundings.add(&code, spellings);
        expanded[index].clone_from(&surroundings.expanded);
        for unit in &units {
            let extraction = surroundings.extract(unit, spellings);
            // Both sides of a renamed file go by its new name.
            let path = patch
                .files
                .iter()
                .find(|file| file.old_path == unit.path)
                .map_or(unit.path.as_str(), |file| file.path());
            if unit.is_source() && !extraction.is_aarch32 {
                bodies[index].extend(touched(unit).into_iter().map(Placed::in_file(path)));
            }
            for (function, doubt) in extraction.doubts {
                fed.entry((path.to_owned(), function)).or_default().push(doubt);
            }
            mentions[index].extend(extraction.mentions.into_iter().map(Placed::in_file(path)));
            read[index].entry(path.to_owned()).or_default().extend(extraction.read);
            both[index].extend(extraction.found.into_iter().map(Placed::in_file(path)));
            published[index].extend(extraction.published.into_iter().map(Placed::in_file(path)));
            guarded[index].extend(extraction.guarded.into_iter().map(Placed::in_file(path)));
            passed[index].extend(extraction.passages.into_iter().map(Placed::in_file(path)));
            unread[index].extend(extraction.unread.into_iter().map(Placed::in_file(path)));
            barriers[index].extend(extraction.barriers.into_iter().map(Placed::in_file(path)));
        }
    }
    for file in &patch.others {
        for (index, side) in [Side::Before, Side::After].into_iter().enumerate() {
            let found = touched(&Unit::side(file, side));
            bodies[index].extend(found.into_iter().map(Placed::in_file(file.path())));
        }
    }
    let [repeated, repeating] = [&both[0], &both[1]].map(|side| -> HashSet<(String, String)> {
        let repeats = |placed: &&Placed<Found>| {
            let mut items = placed.found.sequence.items.iter();
            items.any(|item| matches!(item, sequences::Item::ForPage(_)))
        };
        let place = |placed: &Placed<Found>| (placed.path.clone(), placed.found.function.clone());
        side.iter().filter(repeats).map(place).collect()
    });
    let repeating = repeating.intersection(&repeated).cloned().collect();
    let called = [&both[0], &both[1]].map(|side| -> HashSet<String> {
        let names = side.iter().flat_map(|placed| &placed.found.via);
        names.map(|name| name.to_string()).collect()
    });
    let [before, after] = both;
    let [published_before, published_after] = published;
    let budget = Budget::new(JUDGEMENTS * Budget::JUDGEMENT);
    let mut changes: Vec<Evaluated> = pair(before, after)
        .into_iter()
        // What publishes a mapping is no heir of what invalidates one.
        .chain(pair(published_before, published_after))
        .map(|pair| evaluate(pair, &message, stated, &budget))
        .collect();
    note_folded(&mut changes);
    note_callers(&mut changes);
    for (index, side) in passed.iter().enumerate() {
        for placed in side {
            let lines = &placed.found.lines;
            read[index].entry(placed.path.clone()).or_default().extend(lines);
            barriers[index].retain(|lone| lone.path != placed.path || !lines.contains(&lone.found.line));
        }
    }
    let renames = bodies::renames(&bodies);
    let [mut passed_before, passed_after] = passed;
    for placed in &mut passed_before {
        rename_passage(&mut placed.found, &renames);
    }
    let mut passages = pair_passages(passed_before, passed_after);
    let fresh: Vec<Placed<Unread>> = newly_guarded(&guarded)
        .into_iter()
        .filter(|new| !note_guard(&mut passages, new))
        .map(unread_guard)
        .collect();
    changes.extend(changed_passages(passages).iter().map(evaluate_passage));
    let [mut unread_before, mut unread_after] = unread;
    for unread in &mut unread_before {
        unread.found.text = renamed(&unread.found.text, &renames);
        unread.found.function = renamed(&unread.found.function, &renames);
    }
    drop_kept_calls(&mut unread_before, &mut unread_after);
    // The body of a macro that is read where the other side uses it.
    let is_read_there = |unread: &Placed<Unread>, there: &HashSet<String>| {
        unread.found.template && there.contains(&unread.found.function)
    };
    unread_before.retain(|unread| !is_read_there(unread, &expanded[1]));
    let is_read = |after: bool, path: &str, line: u32| {
        read[usize::from(after)]
            .get(path)
            .is_some_and(|lines| lines.contains(&line))
    };
    let [mut mentions_before, mentions_after] = mentions;
    for mention in &mut mentions_before {
        mention.found.text = renamed(&mention.found.text, &renames);
    }
    let [lost_before, lost_after] = unaccounted(mentions_before, mentions_after, is_read);
    unread_before.extend(lost_before);
    unread_after.extend(lost_after);
    let is_known = |new: &Placed<Unread>| {
        let mut all = unread_after.iter();
        all.any(|known| known.path == new.path && known.found.line == new.found.line)
    };
    let fresh: Vec<Placed<Unread>> = fresh.into_iter().filter(|new| !is_known(new)).collect();
    unread_after.extend(fresh);
    let mut unrecognised = Vec::new();
    let places = [line_places(&bodies[0]), line_places(&bodies[1])];
    for (list, is_after) in [(unread_before, false), (unread_after, true)] {
        for Placed { path, found } in list.into_iter().filter(|unread| unread.found.changed) {
            // Shown with both sides of its function, where that is known.
            let place = places[usize::from(is_after)].get(&(path.as_str(), found.line));
            let listed = found.doubt == extract::Doubt::Limit
                || found.doubt == extract::Doubt::Spelling && is_invalidation(&found.text);
            if let Some(name) = place.filter(|_| !listed) {
                let texts = doubtful.entry((path.clone(), (*name).to_owned())).or_default();
                let text = format!("`{}` is not understood", found.text);
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            unrecognised.push(Unrecognised {
                file: path,
                line: found.line,
                text: found.text,
                after: is_after,
            });
        }
    }
    unrecognised.dedup();
    // A helper that is put in place of its calls is judged with its callers.
    for (list, used) in barriers.iter_mut().zip(&called) {
        list.retain(|lone| !used.contains(&lone.found.function));
    }
    drop_kept_barriers(&mut barriers);
    let is_said = |after: bool, path: &str, line: u32| {
        let unread = unrecognised.iter();
        let shown = |unread: &Unrecognised| {
            let place = places[usize::from(after)].get(&(path, line));
            place.is_some_and(|name| doubtful.contains_key(&(unread.file.clone(), (*name).to_owned())))
        };
        let mut listed = unread.filter(|unread| unread.file == path && unread.line == line && unread.after == after);
        match listed.next() {
            Some(unread) => !shown(unread),
            None => is_read(after, path, line),
        }
    };
    let known = Known {
        changes: &changes,
        is_said: &is_said,
        expanded: &expanded,
        renames: &renames,
        repeating: &repeating,
        doubtful: &doubtful,
        fed: &fed,
        is_about_maintenance: !changes.is_empty() || speaks_of_maintenance(&patch.message).is_some(),
        speaks_of_tables: speaks_of_tables(&patch.message).is_some(),
    };
    let named = named_bodies(&bodies, &known);
    unrecognised.retain(|unread| !named.iter().any(|pair| shows(pair, unread)));
    changes.extend(named.iter().map(evaluate_passage));
    if changes.is_empty() && unrecognised.is_empty() && barriers.iter().all(Vec::is_empty) {
        let said = speaks_of_maintenance(&patch.message).map(|saying| said_bodies(&bodies, saying));
        changes.extend(said.into_iter().flatten().map(|pair| evaluate_passage(&pair)));
        if changes.is_empty() {
            unrecognised.extend(unmet(&patch));
        }
    }
    if changes.is_empty() && unrecognised.is_empty() {
        let meant = meant_by(&patch.message, &barriers);
        let mut about: HashMap<(String, String), Vec<String>> = HashMap::new();
        for one in &meant {
            if let Some(name) = places[usize::from(one.after)].get(&(one.file.as_str(), one.line)) {
                let texts = about.entry((one.file.clone(), (*name).to_owned())).or_default();
                texts.push(one.text.clone());
            }
        }
        let none = HashMap::new();
        let nothing = |_: bool, _: &str, _: u32| false;
        let known = Known {
            changes: &[],
            is_said: &nothing,
            expanded: &expanded,
            renames: &renames,
            repeating: &repeating,
            doubtful: &about,
            fed: &none,
            is_about_maintenance: false,
            speaks_of_tables: false,
        };
        let named = named_bodies(&bodies, &known);
        unrecognised.extend(
            meant
                .into_iter()
                .filter(|one| !named.iter().any(|pair| shows(pair, one))),
        );
        changes.extend(named.iter().map(evaluate_passage));
    }
    let open_barriers = barriers
        .iter()
        .flatten()
        .filter(|lone| lone.found.beside.is_some())
        .count();
    Review {
        source: String::new(),
        subject: patch.subject,
        files: patch.files_seen,
        timing: vec![Vec::new(); changes.len()],
        trials: vec![Vec::new(); changes.len()],
        changes,
        unrecognised,
        barriers: lone_barriers(&barriers),
        open_barriers,
        notes: patch.notes,
        command: String::new(),
        explain_rules: false,
    }
}

/// Returns whether a text is an instruction that invalidates, by its mnemonic: which one it is, nobody could read.
fn is_invalidation(text: &str) -> bool {
    let mnemonic = text.split_whitespace().next().unwrap_or_default();
    mnemonic.eq_ignore_ascii_case("tlbi") && !text.contains(['?', '\\'])
}

/// Returns whether a pair of functions shows a line that was not understood.
fn shows(pair: &Pair, unread: &Unrecognised) -> bool {
    let side = if unread.after { &pair.after } else { &pair.before };
    side.as_ref()
        .is_some_and(|side| side.path == unread.file && side.found.lines.contains(&unread.line))
}

/// Takes helpers that only come or go for moved: what they do is judged where they are put in place of their calls, and there
/// it is as it was.
fn note_folded(changes: &mut [Evaluated]) {
    let mut kept: HashMap<String, bool> = HashMap::new();
    for change in changes.iter() {
        let same = match (&change.before, &change.after) {
            (Some(before), Some(after)) => before.text() == after.text() && before.verdict == after.verdict,
            _ => false,
        };
        let sides = change.before.iter().chain(&change.after);
        for name in sides.flat_map(|side| side.via.iter()) {
            *kept.entry(name.clone()).or_insert(true) &= same;
        }
    }
    for change in changes.iter_mut() {
        let folded = change
            .shown()
            .is_some_and(|side| kept.get(&side.function) == Some(&true));
        if !folded || change.before.is_some() && change.after.is_some() {
            continue;
        }
        let side = change.before.take().or(change.after.take());
        change.before.clone_from(&side);
        change.after = side;
        change.kind = pair::Kind::Moved;
        change.relation = relation::Relation::Equivalent;
        change.questions.clear();
        change.flips = evaluate::Flips::default();
    }
}

/// Returns the function or macro that each changed line stands in, by file and line.
fn line_places(side: &[Placed<Touched>]) -> HashMap<(&str, u32), &str> {
    let mut all = HashMap::new();
    for placed in side.iter().filter(|placed| !placed.found.name.is_empty()) {
        for (line, _) in &placed.found.lines {
            all.insert((placed.path.as_str(), *line), placed.found.name.as_str());
        }
    }
    all
}

/// Puts new names of functions for old ones in a passage: what is only called otherwise is no change.
fn rename_passage(found: &mut Found, renames: &Renames) {
    if renames.is_empty() {
        return;
    }
    found.function = renamed(&found.function, renames);
    for text in found.around.steps.iter_mut().chain(&mut found.around.calls) {
        *text = renamed(text, renames);
    }
}

/// A call that the patch puts under a condition, or behind a new way out, and the condition.
type NewGuard = (Placed<Guarded>, String);

/// Returns the calls that the patch leaves as they stand and puts under a condition, or behind a new way out.
fn newly_guarded([before, after]: &[Vec<Placed<Guarded>>; 2]) -> Vec<NewGuard> {
    let same = |a: &Placed<Guarded>, b: &Placed<Guarded>| {
        a.path == b.path && a.found.function == b.found.function && a.found.text == b.found.text
    };
    let mut out = Vec::new();
    for new in after {
        let mut olds = before.iter().filter(|old| same(old, new)).peekable();
        let more = |old: &Placed<Guarded>| {
            let mut own = new.found.under.iter();
            // What is left out for AArch32 is left in here.
            let counts =
                |condition: &&String| !condition.is_empty() && !condition.to_ascii_lowercase().contains("arch32");
            own.find(|condition| counts(condition) && !old.found.under.contains(*condition))
                .cloned()
        };
        if olds.peek().is_none() {
            continue;
        }
        // Of several calls of one text, one that is as it was is this one.
        let conditions: Option<Vec<String>> = olds.map(more).collect();
        if let Some(condition) = conditions.and_then(|all| all.into_iter().next()) {
            out.push((new.clone(), condition));
        }
    }
    out
}

/// Says of the passage that a call stands in that it stands under a condition now; returns whether there is one.
fn note_guard(passages: &mut [Pair], (call, condition): &NewGuard) -> bool {
    let mut found = false;
    for after in passages.iter_mut().filter_map(|pair| pair.after.as_mut()) {
        let is_its = after.path == call.path && after.found.lines.contains(&call.found.line);
        if is_its && !after.found.around.calls.is_empty() {
            after.found.around.guard.get_or_insert_with(|| condition.clone());
            found = true;
        }
    }
    found
}

/// Lists a call that stands under a condition now.
fn unread_guard((Placed { path, found: call }, condition): NewGuard) -> Placed<Unread> {
    let text = format!("{}: under `{condition}` now", call.text);
    let unread = Unread {
        function: call.function,
        ..Unread::new(call.line, text, true, extract::Doubt::Call)
    };
    Placed::in_file(&path)(unread)
}

/// Returns the word of a message that speaks of maintenance, where nothing of that was found in its patch: whether there is
/// none, or it is not understood, is not known.
fn unmet(patch: &Patch) -> Option<Unrecognised> {
    let saying = speaks_of_maintenance(&patch.message)?;
    if patch.first_source.is_empty() {
        return None;
    }
    Some(Unrecognised {
        file: patch.first_source.clone(),
        line: 0,
        text: format!("the message says \"{saying}\": which of these changes is meant?"),
        after: true,
    })
}

/// Returns the barriers that stand beside nothing of translation, where the message is about translation: that they order
/// something of it is likely, and what is not in sight.
fn meant_by(message: &str, barriers: &[Vec<Placed<LoneBarrier>>; 2]) -> Vec<Unrecognised> {
    let Some(saying) = speaks_of_tables(message) else {
        return Vec::new();
    };
    if barriers.iter().flatten().any(|lone| lone.found.beside.is_some()) {
        return Vec::new();
    }
    let of_side = |(list, after): (&Vec<Placed<LoneBarrier>>, bool)| {
        let one = |lone: &Placed<LoneBarrier>| Unrecognised {
            file: lone.path.clone(),
            line: lone.found.line,
            text: format!(
                "{}: the message says \"{saying}\", and what this orders is not in sight",
                lone.found.text
            ),
            after,
        };
        list.iter().map(one).collect::<Vec<_>>()
    };
    let sides = [(&barriers[0], false), (&barriers[1], true)];
    sides.into_iter().flat_map(of_side).collect()
}

/// Drops barriers that stand in their function as before, beside the same, under the same conditions.
fn drop_kept_barriers([before, after]: &mut [Vec<Placed<LoneBarrier>>; 2]) {
    before.retain(|Placed { path, found: old }| {
        let same = |Placed {
                        path: other,
                        found: new,
                    }: &Placed<LoneBarrier>| {
            other == path
                && new.function == old.function
                && new.text == old.text
                && new.under == old.under
                && new.beside == old.beside
        };
        let kept = after.iter().position(same);
        if let Some(at) = kept {
            after.remove(at);
        }
        kept.is_none()
    });
}

/// Drops calls that the patch keeps in their function, as where it only changes how a line is written.
fn drop_kept_calls(before: &mut Vec<Placed<Unread>>, after: &mut Vec<Placed<Unread>>) {
    before.retain(|Placed { path, found: old }| {
        let same = |Placed {
                        path: other,
                        found: new,
                    }: &Placed<Unread>| {
            other == path
                && new.changed
                && old.changed
                && new.function == old.function
                && new.text == old.text
                && new.under == old.under
        };
        // The body of a macro that nobody in sight uses, and that only stands elsewhere now.
        let moved = |Placed { found: new, .. }: &Placed<Unread>| {
            let of_macro = old.text.contains(['?', '\\']);
            of_macro && old.changed && new.changed && new.doubt == old.doubt && new.text == old.text
        };
        let kept = match old.doubt {
            extract::Doubt::Call => after.iter().position(same),
            extract::Doubt::Spelling => after.iter().position(moved),
            extract::Doubt::Limit => None,
        };
        if let Some(at) = kept {
            after.remove(at);
        }
        kept.is_none()
    });
}

/// Names, for each building block, the callers in sight that are judged with it.
fn note_callers(changes: &mut [Evaluated]) {
    let whole: Vec<(String, Vec<String>)> = changes
        .iter()
        .filter_map(|change| change.after.as_ref())
        .filter(|side| side.verdict != Verdict::Unknown && !side.via.is_empty())
        .map(|side| (side.function.clone(), side.via.clone()))
        .collect();
    for side in changes.iter_mut().filter_map(|change| change.after.as_mut()) {
        if !side.is_part || side.function.is_empty() {
            continue;
        }
        let calls = whole.iter().filter(|(_, via)| via.contains(&side.function));
        side.callers = calls.map(|(name, _)| name.clone()).collect();
        side.callers.sort();
        side.callers.dedup();
        if !side.callers.is_empty() {
            let text = format!(
                "a building block: judged with the barriers of {}",
                side.callers.join(", ")
            );
            side.reasons = vec![evaluate::Ground::question(text)];
        }
    }
}

/// Describes barriers outside sequences that are on one side only.
fn lone_barriers([before, after]: &[Vec<Placed<LoneBarrier>>; 2]) -> Vec<String> {
    let mut out = Vec::new();
    for (list, word) in [(before, "removed"), (after, "added")] {
        for Placed { path, found: barrier } in list {
            let function = if barrier.function.is_empty() {
                String::new()
            } else {
                format!(" {}", barrier.function)
            };
            let beside = barrier
                .beside
                .as_ref()
                .map(|what| format!(", beside {what}: not judged"));
            out.push(format!(
                "{path}:{}{function}: `{}` {word}{}",
                barrier.line,
                barrier.text,
                beside.unwrap_or_default()
            ));
        }
    }
    out
}
