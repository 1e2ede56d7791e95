// SPDX-License-Identifier: MIT OR Apache-2.0
//! Findings and sequences in words.

use sequences::judge::{After, Change, Observers, Question, Regime, Rule, Stage};
use sequences::{Instruction, Scope, Sequence, Tlbi};
use std::collections::BTreeSet;

use super::obligation::{Holder, Obligation, State};
use super::operand::Named;
use super::state::{Done, Ended, Judge, Past, regime_of};
use crate::compare::Breaking;
use crate::finding::{Count, Executed, Finding, Kind, Path, Step};
use crate::log::Access;
use crate::rules::Dsb;
use crate::shadow::Place;

/// Most instructions of a sequence that is shown and judged.
const LONGEST: usize = 12;

fn instruction(named: &Named) -> Option<Instruction> {
    Tlbi::new(named.op, named.operand()).map(Instruction::Tlbi)
}

fn text(instructions: &[Instruction]) -> String {
    instructions.iter().copied().collect::<Sequence>().to_string()
}

fn words(what: &Done) -> String {
    match what {
        Done::Dsb(dsb) => dsb.instruction().to_string(),
        Done::Isb => "isb".to_owned(),
        Done::Tlbi(named) => {
            let name = format!("tlbi {}", named.op);
            match named.range {
                Some((first, 0x1000)) => format!("{name} (page {first:#x}, ASID {})", named.asid),
                Some((first, bytes)) => format!("{name} ({bytes:#x} bytes from {first:#x}, ASID {})", named.asid),
                None if named.op.takes_operand() => format!("{name} (ASID {})", named.asid),
                None => name,
            }
        }
        Done::Return => "eret".to_owned(),
        Done::Exception => "an exception is taken".to_owned(),
        Done::Write(register) => format!("msr {}", register.name()),
    }
}

fn regime_text(regime: Regime, stage: Stage) -> String {
    use sequences::judge::Name as _;
    match stage {
        Stage::One => regime.name().to_uppercase(),
        Stage::Two => "stage 2 of EL1&0".to_owned(),
    }
}

fn change_text(change: Change) -> &'static str {
    match change {
        Change::RemoveTable => "table removed",
        Change::Permissions => "permissions reduced",
        _ => "unmapped",
    }
}

/// The grounds of a finding.
struct Grounds {
    sequence: String,
    reasons: Vec<String>,
    rule: String,
    enough: Option<String>,
    permitted: Vec<String>,
}

impl Judge {
    fn ets2(&mut self, pe: u32) -> bool {
        self.shadow.pe(pe).registers.ets2()
    }

    /// Returns what a PE did since a time, for a story and as a sequence. TLBIs about something else are left out.
    fn since(&self, pe: u32, time: u64, relevant: impl Fn(&Past, &Named) -> bool) -> (Vec<Step>, Vec<Instruction>) {
        let mut steps = Vec::new();
        let mut instructions = Vec::new();
        let Some(state) = self.pes.get(pe as usize) else {
            return (steps, instructions);
        };
        for past in state.past.iter().filter(|past| past.until > time) {
            let done = match &past.what {
                Done::Dsb(dsb) => Some(dsb.instruction()),
                Done::Isb => Some(Instruction::Isb),
                Done::Tlbi(named) if relevant(past, named) => instruction(named),
                Done::Tlbi(_) | Done::Write(_) => continue,
                Done::Return | Done::Exception => None,
            };
            if let Some(done) = done {
                if instructions.last() == Some(&done) {
                    continue;
                }
                instructions.push(done);
            }
            steps.push(Step {
                pe,
                pc: past.pc,
                text: words(&past.what),
                marks: matches!(past.what, Done::Tlbi(_)),
            });
        }
        (steps, instructions)
    }

    /// Leaves out what stands before the DSB that orders the store: it belongs to something else.
    fn trim(&self, mut instructions: Vec<Instruction>) -> Vec<Instruction> {
        if let Some(tlbi) = instructions.iter().position(|one| matches!(one, Instruction::Tlbi(_))) {
            let orders = |one: &Instruction| match one {
                Instruction::Dsb(barrier) => self.rules.orders(Dsb::Plain(*barrier)),
                Instruction::DsbNxs(domain) => self.rules.orders(Dsb::Nxs(*domain)),
                _ => false,
            };
            let before = instructions[..tlbi].iter().rposition(orders).unwrap_or(0);
            instructions.drain(..before);
        }
        instructions.truncate(LONGEST);
        instructions
    }

    fn ask(&mut self, question: &Question, sequence: &[Instruction], fallback: (&str, Rule)) -> Grounds {
        let judgement = self.rules.judge(question, sequence);
        let mut reasons: Vec<String> = judgement
            .reasons
            .iter()
            .map(|reason| format!("{} [{}]", reason.text, reason.rule.citation()))
            .collect();
        let insufficient = judgement.verdict == sequences::judge::Verdict::Insufficient;
        let rule = match judgement.reasons.first() {
            Some(reason) if insufficient => reason.rule.id(),
            _ => fallback.1.id(),
        };
        if !insufficient {
            reasons.clear();
        }
        reasons.insert(0, format!("{} [{}]", fallback.0, fallback.1.citation()));
        let permitted = judgement.counterexample.iter();
        let permitted = permitted.map(|step| format!("PE {}: {}", step.pe, step.text)).collect();
        Grounds {
            sequence: text(sequence),
            reasons,
            rule,
            enough: judgement.weakest.as_deref().filter(|_| insufficient).map(text),
            permitted,
        }
    }

    fn found(&mut self, kind: Kind, steps: Vec<Step>, address: u64, regime: (Regime, Stage), grounds: Grounds) {
        let pcs: Vec<u64> = steps.iter().filter(|step| step.marks).map(|step| step.pc).collect();
        let finding = self
            .report
            .findings
            .entry(Path { kind, pcs })
            .or_insert_with(|| Finding {
                count: 0,
                first: address,
                last: address,
                regime: regime_text(regime.0, regime.1),
                story: steps,
                sequence: grounds.sequence,
                reasons: grounds.reasons,
                rule: grounds.rule,
                enough: grounds.enough,
                permitted: grounds.permitted,
            });
        finding.count += 1;
        finding.first = finding.first.min(address);
        finding.last = finding.last.max(address);
    }

    fn opening(open: &Obligation) -> Step {
        Step {
            marks: true,
            pe: open.pe,
            pc: open.pc,
            text: format!(
                "{}: descriptor {:#x} (level {}) of {:#x} in {} was {:#x}",
                change_text(open.change),
                open.address,
                open.level,
                open.first,
                regime_text(open.regime, open.stage),
                open.old
            ),
        }
    }

    /// Returns the maintenance of an obligation, by whoever did it.
    fn maintenance(&self, open: &Obligation) -> (Vec<Step>, Vec<Instruction>) {
        let by = open.hits.first().map_or(open.pe, |(pe, _)| *pe);
        let aimed = |past: &Past| {
            open.hits.iter().any(|(pe, time)| *pe == by && past.is_at(*time))
                || open.aims.iter().any(|(aim, ..)| aim.pe == by && past.is_at(aim.time))
        };
        let (mut steps, mut instructions) = self.since(by, open.time, |past, _| aimed(past));
        if !open.hits.is_empty() || !open.aims.is_empty() {
            steps.truncate(4 * LONGEST);
            return (steps, self.trim(instructions));
        }
        // What it did instead: TLBIs of something else among it. Barriers of long ago say nothing.
        let (all, _) = self.since(by, open.time, |_, _| true);
        if all.len() <= LONGEST {
            steps = all;
        }
        steps.truncate(LONGEST);
        instructions.truncate(4);
        (steps, instructions)
    }

    /// Returns what is wrong with the maintenance of an obligation.
    fn wrong(open: &Obligation) -> (Kind, String, Rule) {
        let others = |holder: &Holder| holder.pe != open.pe;
        if let Some((aim, ordered, reason)) = open.aims.last().filter(|_| open.hits.is_empty()) {
            let name = aim.named.op;
            return match reason {
                Some(reason) => (Kind::Operation, reason.text.clone(), reason.rule),
                None if !ordered => (
                    Kind::NotOrdered,
                    format!("no DSB completes the store before `tlbi {name}`"),
                    Rule::StoreBeforeTlbi,
                ),
                None if !open.global && aim.named.is_by_asid() => (
                    Kind::Operation,
                    format!(
                        "`tlbi {name}` is for ASID {}, and the tables were used with {}",
                        aim.named.asid,
                        open.holders.first().map_or(0, |holder| holder.asid)
                    ),
                    Rule::Operand,
                ),
                None => (
                    Kind::Operation,
                    format!("`tlbi {name}` does not name all of the changed entry"),
                    Rule::Operand,
                ),
            };
        }
        if open.hits.is_empty() {
            return (
                Kind::NotInvalidated,
                "no TLBI names the entry before it, or what it held, is used again".to_owned(),
                Rule::BreakBeforeMake,
            );
        }
        let owed = |holder: &&Holder| holder.parts.contains(&State::Owed);
        let local = open.holders.iter().filter(owed).any(others);
        let started = open.holders.iter().flat_map(|holder| holder.parts);
        let waits = started.into_iter().any(|part| matches!(part, State::Started { .. }));
        if local && !waits {
            let pes: BTreeSet<u32> = open.holders.iter().filter(owed).map(|holder| holder.pe).collect();
            let pes: Vec<String> = pes.iter().map(u32::to_string).collect();
            return (
                Kind::Scope,
                format!(
                    "the invalidation does not reach PE {}, which has used the tables",
                    pes.join(", ")
                ),
                Rule::Scope,
            );
        }
        if waits {
            return (
                Kind::NotCompleted,
                "no DSB completes the TLBI before the entry, or what it held, is used again".to_owned(),
                Rule::Completion,
            );
        }
        (
            Kind::Operation,
            "the TLBIs do not name all of the changed entry".to_owned(),
            Rule::Operand,
        )
    }

    /// Returns how an entry was changed and what maintenance followed, and the sequence of that.
    fn opened(&self, open: &Obligation) -> (Vec<Step>, Vec<Instruction>) {
        let (maintenance, sequence) = self.maintenance(open);
        let mut steps = vec![Self::opening(open)];
        steps.extend(maintenance);
        (steps, sequence)
    }

    /// An entry was made again before its old translation was gone.
    pub(super) fn too_early(&mut self, open: &Obligation, pe: u32, pc: u64, new: u64, what: Breaking) {
        let (kind, text, rule) = Self::wrong(open);
        let (mut steps, sequence) = self.opened(open);
        steps.push(Step {
            marks: true,
            pe,
            pc,
            text: format!("made again as {new:#x}: another {}", what.text()),
        });
        let question = open.question(After::DataHere, false);
        let grounds = self.ask(&question, &sequence, (&text, rule));
        self.found(kind, steps, open.first, (open.regime, open.stage), grounds);
    }

    /// The PE that changed an entry issued a TLBI for it which is about something else, and went on.
    pub(super) fn missed(&mut self, open: &Obligation) {
        let (kind, text, rule) = Self::wrong(open);
        let (steps, sequence) = self.opened(open);
        let question = open.question(After::PageReuse, false);
        let grounds = self.ask(&question, &sequence, (&text, rule));
        self.found(kind, steps, open.first, (open.regime, open.stage), grounds);
    }

    /// A table is used as something else, which `what` says.
    pub(super) fn freed_table(&mut self, open: &Obligation, pe: u32, pc: u64, what: String) {
        self.used_anew(Kind::FreedTable, open, pe, pc, what);
    }

    /// A frame is used as something else, which `what` says.
    pub(super) fn frame_reused(&mut self, open: &Obligation, pe: u32, pc: u64, what: String) {
        self.used_anew(Kind::FrameReused, open, pe, pc, what);
    }

    fn used_anew(&mut self, kind: Kind, open: &Obligation, pe: u32, pc: u64, what: String) {
        let (_, text, rule) = Self::wrong(open);
        let (mut steps, sequence) = self.opened(open);
        steps.push(Step {
            marks: true,
            pe,
            pc,
            text: what,
        });
        let question = open.question(After::PageReuse, false);
        let grounds = self.ask(&question, &sequence, (&text, rule));
        self.found(kind, steps, open.first, (open.regime, open.stage), grounds);
    }

    #[expect(clippy::too_many_arguments, reason = "a store is all of this")]
    pub(super) fn tell_broken(
        &mut self,
        pe: u32,
        pc: u64,
        address: u64,
        old: u64,
        new: u64,
        place: &Place,
        what: Breaking,
    ) {
        let Some(way) = place.ways.first() else { return };
        let load = &self.shadow.roots[way.root].load;
        let (regime, stage) = regime_of(load.slot, load.host);
        let steps = vec![Step {
            marks: true,
            pe,
            pc,
            text: format!(
                "descriptor {address:#x} (level {}) of {:#x} in {}: {old:#x} becomes {new:#x}, with another {}",
                place.level,
                way.address,
                regime_text(regime, stage),
                what.text()
            ),
        }];
        let grounds = Grounds {
            sequence: String::new(),
            reasons: vec![format!(
                "a valid entry may not be given another {} while it is valid [{}]",
                what.text(),
                Rule::BreakBeforeMake.citation()
            )],
            rule: Rule::BreakBeforeMake.id(),
            enough: None,
            permitted: Vec::new(),
        };
        self.found(Kind::BreakBeforeMake, steps, way.address, (regime, stage), grounds);
    }

    /// A PE used an entry that it made valid.
    pub(super) fn used(&mut self, pe: u32, pc: u64, address: u64, access: Access) {
        self.pe(pe);
        let mut fresh = self.pe(pe).fresh.iter().rev();
        let within = |first: u64, bytes: u64| address.wrapping_sub(first) < bytes;
        let Some(fresh) = fresh.find(|fresh| within(fresh.first, fresh.bytes)).cloned() else {
            return;
        };
        if fresh.tolerated {
            self.count(Count::Spurious, 1);
            return;
        }
        let (maintenance, sequence) = self.since(pe, fresh.time, |_, _| false);
        let after = match access {
            Access::Fetch => After::FetchHere,
            _ => After::DataHere,
        };
        let mut question = Question::new(Change::Validate, fresh.regime, Observers::ThisPe, after);
        question.architecture.ets2 = self.ets2(pe);
        if self.rules.publishes(&question, &sequence) != Some(false) {
            return;
        }
        let mut steps = vec![Step {
            marks: true,
            pe,
            pc: fresh.pc,
            text: format!(
                "descriptor {:#x} is made valid: it maps {:#x} in {}",
                fresh.address,
                fresh.first,
                regime_text(fresh.regime, Stage::One)
            ),
        }];
        steps.extend(maintenance);
        let what = match access {
            Access::Load => "a load from",
            Access::Store => "a store to",
            Access::Fetch => "a fetch from",
        };
        steps.push(Step {
            // Where the use is depends on who asked for the mapping.
            marks: false,
            pe,
            pc,
            text: format!("{what} {address:#x}"),
        });
        let grounds = self.ask(
            &question,
            &sequence,
            ("the access may be translated by what stood there before", Rule::Context),
        );
        let regime = (fresh.regime, Stage::One);
        self.found(Kind::UseBeforeSynchronization, steps, fresh.first, regime, grounds);
    }

    /// An obligation is fulfilled: its sequence is counted.
    pub(super) fn completed(&mut self, open: Obligation, by: u32) {
        let hit = |past: &Past| open.hits.iter().any(|(pe, time)| *pe == by && past.is_at(*time));
        let (_, instructions) = self.since(by, open.time, |past, _| hit(past));
        let instructions = self.trim(instructions);
        // What began longer ago than is remembered is not shown as something else.
        let whole = matches!(instructions.first(), Some(Instruction::Dsb(_) | Instruction::DsbNxs(_)))
            && instructions.iter().any(|one| one.tlbi().is_some());
        if !whole {
            self.count(Count::Forgotten, 1);
            return;
        }
        let context = format!("{}, {}", regime_text(open.regime, open.stage), change_text(open.change));
        let mut question = open.question(After::PageReuse, false);
        // Asked for whom it was made: a broadcast is there for PEs that may have the tables another time.
        let local = |one: &Instruction| one.tlbi().is_some_and(|tlbi| tlbi.op.scope() == Scope::Local);
        question.observers = if instructions.iter().any(local) || self.machine == 1 {
            Observers::ThisPe
        } else {
            Observers::Inner
        };
        if question.observers == Observers::ThisPe {
            question.after = After::Nothing;
        }
        let ended = &mut self.pe(by).ended;
        if let Some(last) = ended.last_mut()
            && last.instructions == instructions
            && last.context.1 == context
        {
            last.entries += 1;
            return;
        }
        ended.push(Ended {
            context: (question, context),
            instructions,
            entries: 1,
        });
    }

    /// The next instruction of a PE: an ISB belongs to the sequences that have just ended.
    pub(super) fn tail(&mut self, pe: u32, next: Option<Instruction>) {
        if self.pes.get(pe as usize).is_none_or(|pe| pe.ended.is_empty()) {
            return;
        }
        for mut ended in std::mem::take(&mut self.pe(pe).ended) {
            ended.instructions.extend(next);
            let key = (ended.context.1.clone(), text(&ended.instructions));
            if let Some(executed) = self.report.executed.get_mut(&key) {
                executed.entries += ended.entries;
                continue;
            }
            let mut question = ended.context.0;
            if next.is_some() {
                question.after = After::DataHere;
            }
            let judgement = self.rules.judge(&question, &ended.instructions);
            let executed = Executed {
                context: ended.context.1,
                entries: ended.entries,
                verdict: judgement.verdict.name().to_owned(),
                weakest: judgement.weakest.as_deref().map(text),
            };
            self.report.executed.insert(key, executed);
        }
    }
}
