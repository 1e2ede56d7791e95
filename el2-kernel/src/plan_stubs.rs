// SPDX-License-Identifier: MIT OR Apache-2.0
//! Emits the stubs of a plan: every sequence is validated, and one that this machine cannot run is skipped, said so.
#![expect(unsafe_code)]
// UNSAFETY: the arena is written as words and run as code.

use core::fmt::Write;
use core::sync::atomic::{AtomicU32, Ordering};

use aarch64_cpu::registers::{ID_AA64ISAR0_EL1, ID_AA64ISAR1_EL1, ID_AA64MMFR2_EL1, Readable};
use results::plan::{EntryRef, MAX_SEQUENCES, MAX_WORDS, Plan, flags, is_timed_under};
use results::record::{Event, Record, Words};
use results::scenario::MAX_SCENARIOS;
use sequences::{Feature, required_features, validate_words};

use crate::arch::mrs;
use crate::console;
use crate::emit::{Counter, Emitter, Full, Shape};
use crate::entry::{Raw, image};
use crate::features::IdRegisters;
use crate::stop::fatal;
use crate::stub::Stub;
use crate::text::Text;

/// Bytes for all stubs.
const ARENA: usize = 512 * 1024;

#[unsafe(link_section = ".arena")]
static ARENA_MEMORY: Raw<ARENA> = Raw::new();

/// The stubs of a plan, as offsets into the arena.
#[derive(Debug, Clone, Copy)]
pub struct Stubs {
    nothing: u32,
    of: [Stub; MAX_SEQUENCES],
}

impl Stubs {
    /// Returns the address of the stub that does nothing: no maintenance at all.
    pub fn nothing(&self) -> usize {
        address(self.nothing)
    }

    /// Returns the address of the timed stub of a sequence, unless it was skipped.
    pub fn timed(&self, index: usize) -> Option<usize> {
        self.of[index].timed.map(address)
    }

    /// Returns the address of the plain stub of a sequence, unless it was skipped.
    pub fn plain(&self, index: usize) -> Option<usize> {
        self.of[index].plain.map(address)
    }
}

/// What a frame reads: the clock of the run, or an event counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The clock.
    Clock,
    /// Event counter 0.
    Events,
}

/// The timed stubs of a sequence, or of the empty frame, by what they read: offset into the arena plus 1, or 0.
type Pair = [AtomicU32; 2];

/// The timed stubs, by scenario; of each, the empty frame and then the sequences of the plan.
///
/// Too big for the stack, and so not in [`Stubs`].
static VARIANTS: [[Pair; MAX_SEQUENCES + 1]; MAX_SCENARIOS] =
    [const { [const { [AtomicU32::new(0), AtomicU32::new(0)] }; MAX_SEQUENCES + 1] }; MAX_SCENARIOS];

/// Returns the address of a timed stub under a scenario, by their places in the plan; `None` for the empty frame.
pub fn variant(scenario: usize, sequence: Option<usize>, reads: Reads) -> Option<usize> {
    let offset = VARIANTS[scenario][sequence.map_or(0, |index| index + 1)][reads as usize].load(Ordering::Relaxed);
    offset.checked_sub(1).map(address)
}

/// Emits the timed stubs of one sequence, or of the empty frame, under every scenario of the plan.
///
/// Scenarios that do the same to the words share their stubs.
fn emit_variants(
    emitter: &mut Emitter<'_>,
    plan: &Plan<'_>,
    event: Event,
    sequence: Option<usize>,
    words: &[u32],
) -> Result<(), Full> {
    let measure = &plan.settings.measure;
    let scenarios = measure.scenarios.as_slice();
    for (index, scenario) in scenarios.iter().enumerate() {
        if sequence.is_some() && !is_timed_under(scenario, words.iter().copied()) {
            continue;
        }
        let pair = |index: usize| &VARIANTS[index][sequence.map_or(0, |index| index + 1)];
        let shape = Shape::of(scenario);
        let same = scenarios[..index].iter().position(|other| Shape::of(other) == shape);
        let readers = [(Counter::of(event), true), (Counter::Event, measure.events != 0)];
        for (reads, (counter, wanted)) in readers.into_iter().enumerate() {
            let offset = match same.map(|other| pair(other)[reads].load(Ordering::Relaxed)) {
                _ if !wanted => 0,
                Some(offset) => offset,
                None => emitter.timed(counter, shape, words)? as u32 + 1,
            };
            pair(index)[reads].store(offset, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// The arena is in the image, which moves: addresses are made when they are used.
fn address(offset: u32) -> usize {
    &raw const ARENA_MEMORY as usize + offset as usize
}

/// Emits every sequence of the plan. The MMU is off, so the words reach memory; the switch discards what caches hold.
pub fn emit(plan: &Plan<'_>, event: Event) -> Stubs {
    debug_assert!((&raw const ARENA_MEMORY as usize - image().0).is_multiple_of(4096));
    // SAFETY: nothing else refers to the arena, and nothing runs from it before the switch.
    let arena =
        unsafe { core::slice::from_raw_parts_mut((&raw const ARENA_MEMORY).cast_mut().cast::<u32>(), ARENA / 4) };
    let mut emitter = Emitter::new(arena);
    let frames = emit_variants(&mut emitter, plan, event, None, &[]).and_then(|()| emitter.plain(&[]));
    let Ok(nothing) = frames else {
        fatal("the arena is too small for the empty frame")
    };
    let mut stubs = Stubs {
        nothing: nothing as u32,
        of: [Stub {
            timed: None,
            plain: None,
        }; MAX_SEQUENCES],
    };
    for (index, entry) in plan.entries().enumerate() {
        let mut words = [0; MAX_WORDS];
        words.iter_mut().zip(entry.words()).for_each(|(to, word)| *to = word);
        let words = &words[..entry.words().len()];
        announce(&entry, words);
        if can_run(&entry, words) {
            let emitted = emit_one(&mut emitter, event, words).and_then(|stub| {
                if entry.flags & flags::TIMED != 0 {
                    emit_variants(&mut emitter, plan, event, Some(index), words)?;
                }
                Ok(stub)
            });
            match emitted {
                Ok(stub) => stubs.of[index] = stub,
                Err(Full) => fatal(
                    "the plan is too big: its sequences do not fit the executable arena; leave out sequences or scenarios",
                ),
            }
        }
    }
    stubs
}

fn emit_one(emitter: &mut Emitter<'_>, event: Event, words: &[u32]) -> Result<Stub, Full> {
    let timed = emitter.timed(Counter::of(event), Shape::PLAIN, words)?;
    let plain = emitter.plain(words)?;
    Ok(Stub {
        timed: Some(timed as u32),
        plain: Some(plain as u32),
    })
}

/// Prints the sequence, so that the stream says by itself what was run.
fn announce(entry: &EntryRef<'_>, words: &[u32]) {
    let id = entry.id;
    console::record(&Record::Seq {
        id,
        words: words.len() as u32,
    });
    for (chunk, some) in words.chunks(16).enumerate() {
        console::record(&Record::Words {
            id,
            offset: 16 * chunk as u32,
            words: Words::Slice(some),
        });
    }
}

/// Refuses words that are not of the language, and returns whether this PE implements all of them.
fn can_run(entry: &EntryRef<'_>, words: &[u32]) -> bool {
    let mut message = Text::new();
    if let Err(refused) = validate_words(words, MAX_WORDS) {
        let _ = write!(
            message,
            "sequence {} is refused: word {} is {:08x}",
            entry.id, refused.index, refused.word
        );
        fatal(message.as_str());
    }
    let mut needed = required_features(words);
    if entry.operands().any(|operand| operand.hint != 0) {
        needed = needed.with(Feature::Ttl);
    }
    let registers = IdRegisters {
        isar0: ID_AA64ISAR0_EL1.get(),
        isar1: ID_AA64ISAR1_EL1.get(),
        isar3: mrs!("s3_0_c0_c6_3"),
        mmfr2: ID_AA64MMFR2_EL1.get(),
    };
    let missing = needed.missing_from(registers.features());
    if let Some(feature) = missing.iter().next() {
        let _ = match feature {
            Feature::El3 => write!(message, "UNDEFINED at EL2: an EL3 operation"),
            feature => write!(message, "{} is not implemented here", feature.name()),
        };
        console::record(&Record::Skip {
            seq: entry.id,
            reason: message.as_str(),
        });
    }
    missing.is_empty()
}
