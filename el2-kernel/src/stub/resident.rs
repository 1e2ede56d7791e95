// SPDX-License-Identifier: MIT OR Apache-2.0
//! Emits the stubs of a plan that stay where they are: every sequence is validated, and one that this machine cannot run
//! is skipped, said so. The timed ones are in `measure::stub_places`.
#![expect(unsafe_code)]
// UNSAFETY: writes code.

use core::fmt::Write;
use core::iter::empty;
use core::sync::atomic::{AtomicBool, Ordering};

use aarch64_cpu::registers::{ID_AA64ISAR0_EL1, ID_AA64ISAR1_EL1, ID_AA64MMFR2_EL1, Readable};
use results::plan::{BOOT_FLUSH_AT_EL1, EntryRef, MAX_SEQUENCES, MAX_WORDS, Plan, flags};
use results::record::{Event, Record, Words};
use sequences::{ExceptionLevel, Feature, lowest_level, required_features, validate_words};

use crate::arch::features::IdRegisters;
use crate::arch::instructions::mrs;
use crate::arch::regime::OwnRegime;
use crate::platform::console;
use crate::platform::end::fatal;
use crate::platform::message::Message;
use crate::stub::arena::Arena;
use crate::stub::emit::{Counter, Emitter, Full, Shape};
use crate::stub::planted;

/// `dsb sy; isb`.
const NO_TLBI: [u32; 2] = [0xd503_3f9f, 0xd503_3fdf];

/// Why EL1 does not run a sequence.
pub const UNDEFINED_AT_EL1: &str = "UNDEFINED at EL1: an EL2 operation";

/// The stubs of the boot path and of the checks, as offsets into their arena.
#[derive(Debug, Clone, Copy)]
pub struct Stubs {
    nothing: u32,
    no_tlbi: u32,
    boot_flush: Option<u32>,
    plain: [Option<u32>; MAX_SEQUENCES],
    /// The sequences that are UNDEFINED at the level of the kernel.
    undefined: [bool; MAX_SEQUENCES],
}

impl Stubs {
    /// Returns the address of the stub that does nothing: no maintenance at all.
    pub fn nothing(&self) -> usize {
        address(self.nothing)
    }

    /// Returns the address of the stub that has barriers and no TLBI: stores are complete and the context is
    /// synchronized.
    pub fn no_tlbi(&self) -> usize {
        address(self.no_tlbi)
    }

    /// Returns the address of the timed stub of the boot flush, unless it was skipped.
    pub fn boot_flush(&self) -> Option<usize> {
        self.boot_flush.map(address)
    }

    /// Returns the address of the stub that runs a sequence and nothing else, unless it was skipped or given up.
    pub fn plain(&self, index: usize) -> Option<usize> {
        let is_given_up = GIVEN_UP[index].load(Ordering::Relaxed);
        self.plain[index].filter(|_| !is_given_up).map(address)
    }

    /// Returns whether a sequence was skipped because of the level that the kernel runs at.
    pub fn is_undefined(&self, index: usize) -> bool {
        self.undefined[index]
    }
}

/// The sequences that this machine turned out not to be able to run. (Another boot begins with zeroed data.)
static GIVEN_UP: [AtomicBool; MAX_SEQUENCES] = [const { AtomicBool::new(false) }; MAX_SEQUENCES];

/// Has a sequence not be run any more, and says why.
pub fn give_up(index: usize, seq: &str, reason: &str) {
    GIVEN_UP[index].store(true, Ordering::Relaxed);
    console::record(&Record::Skip { seq, reason });
}

fn address(offset: u32) -> usize {
    Arena::Boot.address() + offset as usize
}

/// Emits every sequence of the plan. The MMU is off, so the words reach memory; the switch discards what caches hold.
pub fn emit(plan: &Plan<'_>, event: Event) -> Stubs {
    debug_assert!(Arena::Boot.offset_in_image().is_multiple_of(4096));
    // SAFETY: with the MMU off memory is writable where it is, and nothing refers to it or runs from it before the
    // switch.
    let arena = unsafe { Arena::Boot.memory(Arena::Boot.address()) };
    let mut emitter = Emitter::new(arena);
    let mut stubs = Stubs {
        nothing: fitting(emitter.plain(empty())),
        no_tlbi: fitting(emitter.plain(NO_TLBI.into_iter())),
        boot_flush: None,
        plain: [None; MAX_SEQUENCES],
        undefined: [false; MAX_SEQUENCES],
    };
    let at_el1 = OwnRegime::current() == OwnRegime::El1;
    let of_level = |(_, entry): &(usize, EntryRef<'_>)| entry.is_for(at_el1);
    for (index, entry) in plan.entries().enumerate().filter(of_level) {
        let mut words = [0; MAX_WORDS];
        words.iter_mut().zip(entry.words()).for_each(|(to, word)| *to = word);
        let words = &words[..entry.words().len()];
        announce(&entry, words);
        stubs.undefined[index] = at_el1 && lowest_level(words) > ExceptionLevel::El1;
        if stubs.undefined[index] {
            console::record(&Record::Skip {
                seq: entry.id,
                reason: UNDEFINED_AT_EL1,
            });
        } else if can_run(&entry, words) {
            let plain = match planted::fault(plan, index) {
                Some(fault) => emitter.plain(planted::words(fault, at_el1).iter().copied()),
                None => emitter.plain(entry.words()),
            };
            stubs.plain[index] = Some(fitting(plain));
            if index == usize::from(plan.settings.boot_flush) {
                let timed = emitter.timed(Counter::of(event), Shape::PLAIN, entry.words());
                stubs.boot_flush = Some(fitting(timed));
            }
        }
    }
    if at_el1 && stubs.boot_flush.is_none() {
        let timed = emitter.timed(Counter::of(event), Shape::PLAIN, BOOT_FLUSH_AT_EL1.into_iter());
        stubs.boot_flush = Some(fitting(timed));
    }
    refuse_if_idle(plan, &stubs, at_el1);
    stubs
}

/// Refuses a plan that asks for something, and for nothing that runs at this level.
fn refuse_if_idle(plan: &Plan<'_>, stubs: &Stubs, at_el1: bool) {
    let asks = |entry: &EntryRef<'_>| entry.flags & flags::TIMED != 0 || entry.checks != 0;
    let asked = || plan.entries().enumerate().filter(|(_, entry)| asks(entry));
    let mut of_level = asked().filter(|(_, entry)| entry.is_for(at_el1));
    if asked().next().is_none() {
        // A boot, and nothing else.
    } else if at_el1 && of_level.all(|(index, _)| stubs.plain(index).is_none()) {
        fatal(
            "entered at EL1 and no sequence of the plan runs there: plan some of EL1&0 (--el1 of bench-host run and image)",
        )
    } else if !at_el1 && of_level.next().is_none() {
        fatal("the plan is for an entry at EL1 and this is EL2: make the image without --el1")
    }
}

fn fitting(offset: Result<usize, Full>) -> u32 {
    match offset {
        Ok(offset) => offset as u32,
        Err(Full) => fatal("the plan is too big: its sequences do not fit the executable arena; leave out sequences"),
    }
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
    let mut message = Message::new();
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
