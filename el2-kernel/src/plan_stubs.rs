// SPDX-License-Identifier: MIT OR Apache-2.0
//! Emits the stubs of a plan: every sequence is validated, and one that this machine cannot run is skipped, said so.
#![expect(unsafe_code)]
// UNSAFETY: the arena is written as words and run as code.

use core::fmt::Write;

use aarch64_cpu::registers::{ID_AA64ISAR0_EL1, ID_AA64ISAR1_EL1, ID_AA64MMFR2_EL1, Readable};
use results::plan::{EntryRef, MAX_SEQUENCES, MAX_WORDS, Plan};
use results::record::{Event, Record, Words};
use sequences::{Feature, required_features, validate_words};

use crate::arch::mrs;
use crate::console;
use crate::emit::{Emitter, Full};
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
    empty: u32,
    nothing: u32,
    of: [Stub; MAX_SEQUENCES],
}

impl Stubs {
    /// Returns the address of the timed stub without any words between the two counter reads.
    pub fn empty(&self) -> usize {
        address(self.empty)
    }

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
    let none = || [].into_iter();
    let frames = emitter
        .timed(event, none())
        .and_then(|empty| Ok((empty, emitter.plain(none())?)));
    let Ok((empty, nothing)) = frames else {
        fatal("the arena is too small for the empty frame")
    };
    let mut stubs = Stubs {
        empty: empty as u32,
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
            match emit_one(&mut emitter, event, words) {
                Ok(stub) => stubs.of[index] = stub,
                Err(Full) => fatal("the plan is too big: its sequences do not fit the executable arena"),
            }
        }
    }
    stubs
}

fn emit_one(emitter: &mut Emitter<'_>, event: Event, words: &[u32]) -> Result<Stub, Full> {
    let timed = emitter.timed(event, words.iter().copied())?;
    let plain = emitter.plain(words.iter().copied())?;
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
