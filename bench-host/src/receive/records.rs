// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each record means, and what all of them mean in the end.

use chrono::Utc;
use report::number::plural;
use results::SCHEMA_VERSION;
use results::check::{Check, Role};
use results::manifest::{ADVERSARY_LABEL, Board, EMULATOR_LABEL, Hex, LostPe, Plan, ScenarioPlan, Status};
use results::order::{Order, Places};
use results::plan::{Batching, EMPTY_FRAME, is_timed_under};
use results::record::{Event, Record, Support};
use results::scenario::Scenario;
use results::store::{BatchRow, BootRow, LitmusRow, OverheadRow, ProofRow, SampleRow, StoreError, VerdictRow};
use results::verdict::{Class, Scope};

use super::batches::{Batches, Key};
use super::{Halt, PlanOrigin, Received, Receiver, emulator};
use crate::syndrome;

impl Receiver {
    /// Takes the record of a line that arrived intact and for the first time.
    pub(super) fn record(&mut self, number: u32, record: &Record<'_>) -> Result<(), StoreError> {
        match *record {
            Record::Start {
                schema,
                kernel,
                plan_crc,
                el,
                seed,
                nonce: _,
            } => {
                let stored = &mut self.store.manifest.kernel;
                stored.version = Some(kernel.to_owned());
                stored.entry_el = Some(el);
                self.start(schema, plan_crc, seed);
            }
            Record::Image {
                load,
                size,
                runtime,
                case,
                flow,
            } => {
                let stored = &mut self.store.manifest.kernel;
                stored.load = Some(Hex(load));
                stored.size = Some(Hex(size));
                stored.runtime = Some(Hex(runtime));
                stored.case = Some(case.to_owned());
                stored.flow = Some(flow.to_owned());
            }
            Record::Machine {
                model,
                compatible,
                firmware,
            } => {
                let [model, compatible, firmware] = [model, compatible, firmware].map(str::to_owned);
                self.store.manifest.board = Some(Board {
                    model,
                    compatible,
                    firmware,
                });
            }
            Record::Reg { pe, name, value } => {
                self.store
                    .manifest
                    .pe_mut(pe)
                    .registers
                    .insert(name.to_owned(), Hex(value));
            }
            Record::Clock { pe, event, frequency } => {
                let pe = self.store.manifest.pe_mut(pe);
                pe.event = Some(event);
                pe.frequency = Some(frequency);
            }
            Record::Seq { id, words } => self.sequences.announce(id, words),
            Record::Words { id, offset, words } => self.sequences.words(id, offset, &words),
            Record::Skip { seq, reason } => self.skip(seq, reason),
            Record::Phase { name, steps } => {
                self.progress.phase(name, steps);
                // From here on, a killed host leaves a manifest that knows the machine.
                self.store.manifest.stream = self.stream.clone();
                self.store.save_manifest()?;
            }
            Record::Boot {
                pe,
                phase,
                event,
                count,
            } => self.store.boot(&BootRow {
                pe,
                phase,
                event,
                count,
            })?,
            Record::Proof { name, holds, detail } => {
                if !holds {
                    self.failures.add(format!("proof {name} does not hold: {detail}"));
                }
                self.store.proof(&ProofRow { name, holds, detail })?;
            }
            Record::Lost { pe, mpidr, reason } => {
                self.progress.line(&format!(
                    "PE {pe} (MPIDR {mpidr:#x}) {reason}; what needs it is skipped"
                ));
                self.stream.lost_pes.push(LostPe {
                    pe,
                    mpidr: Hex(mpidr),
                    reason: reason.to_owned(),
                });
            }
            Record::Event { pe, event, support } => {
                self.store.manifest.pe_mut(pe).events.insert(event, support);
            }
            Record::Order {
                order, warmup, places, ..
            } => self.order(number, order, warmup, places),
            Record::NoScenario { scenario, reason } => {
                self.progress.line(&format!("{scenario}: skipped: {reason}"));
                self.no_scenarios.insert(scenario, reason.to_owned());
            }
            Record::Sample {
                seq,
                scenario,
                pe,
                event,
                batch,
                pairs,
            } => {
                let (mut samples, mut stored) = (0, Ok(()));
                // The live view has room for what a reader asks first: the time of the sequence alone.
                let shown = scenario == Scenario::PLAIN && event.number().is_none();
                pairs.for_each(|value, count| {
                    samples += u64::from(count);
                    if shown {
                        self.progress.sample(seq, pe, event, value, count);
                    }
                    if stored.is_ok() {
                        stored = self.store.sample(&SampleRow {
                            seq,
                            pe,
                            event,
                            batch,
                            value,
                            count,
                            scenario,
                        });
                    }
                });
                stored?;
                self.samples(number, seq, Key { pe, event, scenario }, batch, samples);
            }
            Record::Batch {
                pe,
                batch,
                cycles,
                ticks,
                samples,
            } => {
                self.clocks.add(cycles, ticks);
                self.store.batch(&BatchRow {
                    pe,
                    batch,
                    cycles,
                    ticks,
                    samples,
                })?;
            }
            Record::Overhead {
                batch,
                samples,
                timed,
                bare,
                words,
            } => {
                self.store.overhead(&OverheadRow {
                    batch,
                    samples,
                    timed,
                    bare,
                    words,
                })?;
            }
            Record::Outcome {
                check,
                seq,
                role,
                pe,
                outcomes,
            } => {
                let (Some(check), Some(role)) = (Check::from_id(check), Role::from_id(role)) else {
                    self.defects
                        .add(format!("line {number}: unknown check or role {check} {role}"));
                    return Ok(());
                };
                let plan = self.plan_known.then_some(&self.store.manifest.plan);
                if let Err(wrong) = self.checks.outcome(check, seq, role, pe, &outcomes, plan) {
                    self.defects.add(format!("line {number}: {wrong}"));
                    return Ok(());
                }
                self.progress.outcome(role, &outcomes);
                let results::check::Outcomes {
                    stale,
                    new,
                    fault,
                    other,
                } = outcomes;
                self.store.litmus(&LitmusRow {
                    check,
                    seq,
                    role,
                    pe,
                    stale,
                    new,
                    fault,
                    other,
                })?;
            }
            Record::Pace { check, trials, ticks } => match Check::from_id(check) {
                Some(check) => {
                    let plan = self.plan_known.then_some(&self.store.manifest.plan);
                    match self.checks.pace(check, trials, ticks, plan) {
                        Ok(done) => self.progress.step(done),
                        Err(wrong) => self.defects.add(format!("line {number}: {wrong}")),
                    }
                }
                None => self.defects.add(format!("line {number}: unknown check {check}")),
            },
            Record::Verdict {
                check,
                seq,
                class,
                reason,
            } => {
                let (Some(check), Some(class)) = (Check::from_id(check), Class::from_id(class)) else {
                    self.defects
                        .add(format!("line {number}: unknown check or class {check} {class}"));
                    return Ok(());
                };
                let plan = self.plan_known.then_some(&self.store.manifest.plan);
                match self.checks.verdict(check, seq, class, reason, plan) {
                    Ok(done) => self.progress.step(done),
                    Err(wrong) => self.defects.add(format!("line {number}: {wrong}")),
                }
            }
            Record::Exception {
                phase,
                vector,
                el,
                esr,
                elr,
                far,
                seq,
            } => {
                // Sequences are tried alone where the boot is proven.
                let when = match phase {
                    "proof" => "when it was tried alone".to_owned(),
                    _ => format!("in phase {phase}, and not when it was tried alone"),
                };
                let what = match vector {
                    "watchdog" => format!("ended by the watchdog at {elr:#x}"),
                    _ => format!(
                        "{} (vector {vector}, EL{el}, ESR {esr:#x}, ELR {elr:#x}, FAR {far:#x})",
                        syndrome::describe(esr)
                    ),
                };
                self.failures.add(match (seq, vector) {
                    ("", "watchdog") => format!("something did not return in phase {phase}: {what}"),
                    ("", _) => format!("unexpected exception in phase {phase}: {what}"),
                    (_, "watchdog") => format!("{seq} did not return {when}: {what}"),
                    _ => format!("{seq} took an exception {when}: {what}"),
                });
            }
            Record::Fatal { phase, message } => {
                self.refusals
                    .add(format!("the kernel gave up in phase {phase}: {message}"));
            }
            Record::End { pass, lines, samples } => self.end(number, pass, lines, samples),
        }
        Ok(())
    }

    fn start(&mut self, schema: u32, plan_crc: u32, seed: u64) {
        self.started = true;
        let manifest = &mut self.store.manifest;
        if manifest.entered_at_el1() {
            let origin = manifest.origin().to_owned();
            manifest.set_origin(&origin);
            self.progress.label(&manifest.label);
            if let Some(plan) = self.plan_at_el1.take_if(|plan| plan.crc == manifest.plan.crc) {
                manifest.plan = plan;
            }
        }
        if schema > SCHEMA_VERSION {
            self.halt = Some(Halt::Refused);
            self.refusals.add(format!(
                "the kernel writes schema {schema}, this bench-host reads up to {SCHEMA_VERSION}: update bench-host"
            ));
        }
        let plan = &mut self.store.manifest.plan;
        self.plan_known = plan.crc == Hex(plan_crc.into());
        if self.plan_known {
            let Plan {
                iterations,
                batch,
                seed: planned,
                ..
            } = *plan;
            self.store.manifest.kernel.seed = (planned != Hex(seed)).then_some(Hex(seed));
            self.batches = Batches::new(Some(Batching { iterations, batch }));
        } else if self.plan != PlanOrigin::Guessed {
            let ours = plan.crc.0;
            self.halt = Some(Halt::Refused);
            self.refusals.add(if self.plan == PlanOrigin::Installed {
                format!(
                    "the kernel ran plan {plan_crc:08x}, not the {ours:08x} it was given: its image was cut or changed on \
                     the way"
                )
            } else {
                format!(
                    "the console is of a run of plan {plan_crc:08x}, the options given make plan {ours:08x}: give those \
                     that its image was made with"
                )
            });
        } else {
            plan.crc = Hex(plan_crc.into());
            plan.seed = Hex(seed);
        }
    }

    fn skip(&mut self, seq: &str, reason: &str) {
        self.progress.line(&format!("{seq}: skipped: {reason}"));
        self.skipped.insert(seq.to_owned(), reason.to_owned());
    }

    fn order(&mut self, number: u32, order: &str, warmup: u32, places: Places) {
        let Some(order) = Order::from_id(order) else {
            self.defects.add(format!("line {number}: unknown order {order}"));
            return;
        };
        let measure = &mut self.store.manifest.plan.measure;
        if self.plan_known && (measure.order, measure.warmup) != (order, warmup) {
            self.defects.add(format!(
                "line {number}: samples are taken in another order than planned"
            ));
        }
        (measure.order, measure.warmup, measure.places) = (order, warmup, places);
    }

    fn samples(&mut self, number: u32, seq: &str, key: Key, batch: u32, count: u64) {
        self.stream.samples += count;
        let timed = seq == EMPTY_FRAME
            || if self.plan_known {
                self.store.manifest.sequence(seq).is_some_and(|sequence| sequence.timed)
            } else {
                self.sequences.contains(seq)
            };
        let measure = &self.store.manifest.plan.measure;
        if !timed {
            self.defects
                .add(format!("line {number}: samples of {seq}, which the plan does not time"));
            return;
        }
        if self.plan_known && !measure.scenarios.iter().any(|scenario| scenario.id == key.scenario) {
            self.defects.add(format!(
                "line {number}: samples under {}, which is not in the plan",
                key.scenario
            ));
            return;
        }
        if let Some(wrong) = self.batches.add(seq, key, batch, count) {
            self.defects.add(wrong);
        }
        self.progress.step(batch);
    }

    fn end(&mut self, number: u32, pass: bool, lines: u32, samples: u64) {
        self.ended = Some(pass);
        if lines != number {
            self.defects.add(format!(
                "the end line counts {lines} lines before it, but is line {number}"
            ));
        }
        if samples != self.stream.samples {
            let ours = self.stream.samples;
            self.defects
                .add(format!("the kernel took {samples} samples, {ours} arrived"));
        }
    }

    /// Ends the run: last checks, verdicts, manifest. `status` overrides what follows from the findings.
    ///
    /// The second value is the first error of the store, if any; the run is described all the same.
    pub fn finish(mut self, status: Option<Status>) -> (Received, Result<(), StoreError>) {
        let rest = self.lines.finish();
        let mut stored = if rest.is_empty() { Ok(()) } else { self.line(&rest) };
        if !self.contested.is_empty() {
            match self.receive_again() {
                Ok(again) => self = again,
                Err(failed) => {
                    let error;
                    (self, error) = *failed;
                    stored = stored.and(Err(error));
                }
            }
        }
        self.give_up_wrapped();
        if self.second_start.take().is_some() {
            self.restarted(self.numbers.due(), "");
        }
        self.progress.finish();
        self.check_stream();
        let (verdicts, wrong) = self.checks.finish(|seq| self.scope_of(seq));
        let paces = self.checks.paces();
        wrong.into_iter().for_each(|what| self.defects.add(what));
        let mut besides_checks = self.failures.clone();
        for verdict in &verdicts {
            let (check, class) = (verdict.check, verdict.class);
            if class == Class::Fail {
                self.failures
                    .add(format!("{} with {}: {}", check.id(), verdict.seq, verdict.reason));
            }
            let row = VerdictRow {
                check,
                seq: verdict.seq.as_str(),
                class,
                reason: verdict.reason.as_str(),
            };
            stored = stored.and_then(|()| self.store.verdict(&row));
        }
        let silent_failure = self.ended == Some(false) && self.failures.is_empty() && self.refusals.is_empty();
        if silent_failure {
            let what = "the kernel reports a failure, but the lines that say which one did not arrive";
            self.failures.add(what);
            besides_checks.add(what);
        }
        self.label();
        self.describe(status, &stored);
        let received = Received {
            failures: self.failures.lines(),
            besides_checks: besides_checks.lines(),
            refusals: self.refusals.lines(),
            defects: self.defects.lines(),
            tail: self.tail.into(),
            verdicts,
            paces,
            manifest: self.store.manifest.clone(),
        };
        let finished = self.store.finish();
        (received, stored.and(finished))
    }

    /// Returns whether the machine gave a sequence the scope that is written. Where the plan is not known, its words are in
    /// the stream.
    fn scope_of(&self, seq: &str) -> Scope {
        match self.store.manifest.sequence(seq) {
            Some(_) => self.store.manifest.scope_of(seq),
            None => Scope::of(self.store.manifest.entered_at_el1(), self.sequences.words_of(seq)),
        }
    }

    /// Refuses to call a machine hardware that is known to be none, and labels what is known to be emulated.
    fn label(&mut self) {
        let manifest = &mut self.store.manifest;
        let Some(mark) = emulator::mark(manifest, &self.clocks) else {
            return;
        };
        if !manifest.simulator {
            manifest.simulator = true;
            self.refusals.add(format!(
                "--hardware, but this machine is no processor by itself: {mark}"
            ));
        }
        // What started the machine itself knows better.
        if manifest.qemu.is_none() && manifest.origin() != ADVERSARY_LABEL {
            manifest.set_origin(EMULATOR_LABEL);
        }
    }

    /// Adds what can only be known once everything has arrived.
    fn check_stream(&mut self) {
        let stream = &self.stream;
        if stream.lost_lines > 0 {
            let first = stream.lost.first().map(|gap| gap.first).unwrap_or_default();
            self.defects.add(format!(
                "{} lost, the first is line {first}",
                plural(stream.lost_lines, "line is", "lines are")
            ));
        }
        if stream.damaged > 0 {
            let lines = plural(stream.damaged, "line", "lines");
            self.defects.add(format!("{lines} arrived damaged, or of another boot"));
        }
        // A run that gave up, or that is cut off, misses everything that was still to come; that needs no list.
        let gave_up = !self.refusals.is_empty() || self.ended != Some(true) && !self.failures.is_empty();
        if self.ended.is_none() || (gave_up && self.stream.samples == 0) {
            return;
        }
        let expected = self.expected();
        let plan = &self.store.manifest.plan;
        let skipped = |id: &str| self.skipped.contains_key(id);
        let mut wrong = Vec::new();
        if self.plan_known {
            wrong.extend(self.sequences.differences(&plan.sequences));
            wrong.extend(self.batches.finish(expected));
            for check in &plan.checks {
                let checked = plan
                    .sequences
                    .iter()
                    .filter(|s| s.is_tested_by(*check) && !skipped(&s.id));
                let unknown = checked.filter(|s| !self.checks.knows(*check, &s.id));
                wrong.extend(unknown.map(|s| format!("{} with {}: no outcome arrived", check.id(), s.id)));
            }
            wrong.extend(self.checks.miscounted(plan.trials));
        } else {
            wrong.extend(self.batches.finish(std::iter::empty::<(String, Key)>()));
        }
        if !wrong.is_empty() {
            // What is missing follows from this; it comes first.
            for lost in &self.stream.lost_pes {
                self.defects.add(format!(
                    "PE {} {}: samples that need it are missing",
                    lost.pe, lost.reason
                ));
            }
        }
        wrong.into_iter().for_each(|what| self.defects.add(what));
    }

    /// Returns every series that a whole run of the plan has.
    fn expected(&self) -> Vec<(String, Key)> {
        let manifest = &self.store.manifest;
        let (plan, measure) = (&manifest.plan, &manifest.plan.measure);
        let timed = || {
            plan.sequences
                .iter()
                .filter(|s| s.timed && !self.skipped.contains_key(&s.id))
        };
        let scenarios = || measure.scenarios.iter().map(|scenario| scenario.id);
        let mut expected = Vec::new();
        if timed().next().is_none() {
            return expected;
        }
        for pe in 0..measure.timed_pes {
            let stored = manifest.pes.iter().find(|stored| stored.pe == pe);
            let clock = stored.and_then(|stored| stored.event).unwrap_or(Event::Cycles);
            let counted = stored.into_iter().flat_map(|stored| &stored.events);
            let counted = counted
                .filter(|(_, support)| **support == Support::Counted)
                .map(|(&event, _)| event);
            for event in std::iter::once(clock).chain(counted) {
                for scenario in scenarios().filter(|scenario| !self.no_scenarios.contains_key(scenario)) {
                    // Beside PEs that do something, only the boot PE is timed.
                    if pe > 0 && scenario.other_pes() > 0 {
                        continue;
                    }
                    let key = Key { pe, event, scenario };
                    expected.push((EMPTY_FRAME.to_owned(), key));
                    let here = timed().filter(|s| is_timed_under(&scenario, words(&s.words)));
                    expected.extend(here.map(|s| (s.id.clone(), key)));
                }
            }
        }
        expected
    }

    fn describe(&mut self, status: Option<Status>, stored: &Result<(), StoreError>) {
        if !self.plan_known {
            let observed = self.batches.observed();
            let (batches, checks) = (&self.batches, &self.checks);
            let plan = &mut self.store.manifest.plan;
            plan.iterations = observed.iterations;
            plan.batch = observed.batch;
            plan.trials = checks.trials();
            plan.sequences = self
                .sequences
                .describe(|id| batches.contains(id), |id| checks.tested(id));
            plan.measure.timed_pes = batches.pes();
            plan.measure.scenarios = batches.scenarios().into_iter().map(ScenarioPlan::of).collect();
            plan.measure
                .scenarios
                .extend(self.no_scenarios.keys().copied().map(ScenarioPlan::of));
            plan.checks = Check::ALL.into_iter().filter(|&check| checks.made(check)).collect();
        }
        let manifest = &mut self.store.manifest;
        for sequence in &mut manifest.plan.sequences {
            sequence.skipped = self.skipped.get(&sequence.id).cloned();
        }
        for scenario in &mut manifest.plan.measure.scenarios {
            scenario.skipped = self.no_scenarios.get(&scenario.id).cloned();
        }
        let gave_up = !self.refusals.is_empty() || stored.is_err();
        let found = if gave_up {
            Status::Failed
        } else if self.defects.is_empty() && self.ended.is_some() {
            Status::Complete
        } else {
            Status::Incomplete
        };
        manifest.status = status.unwrap_or(found);
        manifest.reasons = self.refusals.lines();
        manifest.reasons.extend(self.failures.lines());
        manifest.reasons.extend(self.defects.lines());
        manifest.reasons.extend(stored.as_ref().err().map(ToString::to_string));
        manifest.finished = Some(now());
        manifest.stream = self.stream.clone();
    }
}

/// Returns the time as the manifest writes it.
pub fn now() -> String {
    Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns the instruction words of a sequence, from the form in which the manifest holds them.
fn words(text: &str) -> impl Iterator<Item = u32> {
    text.split_whitespace()
        .filter_map(|word| u32::from_str_radix(word, 16).ok())
}
