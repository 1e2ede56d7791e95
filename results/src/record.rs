// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of a stream: one per line, fields in the order of the struct.
//!
//! Order in a stream: `start` first, then the machine (`machine`, `image`, `reg`, `clock`), the sequences (`seq`, `words`), the
//! boot path (`boot`, `proof`), what is counted (`event`, `order`), all samples (`counts`, `batch`), all outcomes and
//! verdicts, `end` last. A `fatal` or `exception` record may
//! stand anywhere and is followed by an `end` whose status is `fail`.

mod read;
mod values;
mod write;

use crate::check::Outcomes;
pub use crate::event::{Event, Support};
use crate::order::Places;
pub use crate::record::read::RecordError;
pub use crate::record::values::{Pairs, Words, count_length, count_room};
use crate::scenario::Scenario;

/// The version since which start lines have a nonce, and bind the other lines.
pub const BOUND_SINCE: u32 = 4;

/// Most bytes of a field of a `machine` record: a line holds three of them.
pub const MAX_MACHINE_FIELD: usize = 120;

/// Returns the byte that stands in a text field for a byte of a string from outside: a comma would end the field, and
/// what is not printable ASCII may end the line, or not survive it.
pub const fn text_byte(byte: u8) -> u8 {
    match byte {
        b',' => b'/',
        b' '..=b'~' => byte,
        _ => b'?',
    }
}

/// One record. Text fields hold no comma and no line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// `start`: the first line of a boot.
    Start {
        /// [`crate::SCHEMA_VERSION`] of the writer.
        schema: u32,
        /// Version of the kernel.
        kernel: &'a str,
        /// Checksum of the plan, or 0 for the built-in plan.
        plan_crc: u32,
        /// Seed of every random choice.
        seed: u64,
        /// Exception level at entry.
        el: u8,
        /// A number that two boots do not share, unless they are the same in everything; 0 before version 4.
        nonce: u64,
    },
    /// `image`: where the kernel is.
    Image {
        /// Physical load address.
        load: u64,
        /// Bytes from the load address to the end of the zeroed data.
        size: u64,
        /// Runtime virtual address of the load address.
        runtime: u64,
        /// Slot case: `level0`, `level1`, `level2` or `none`.
        case: &'a str,
        /// Flow of the boot path: `new` or `old`.
        flow: &'a str,
    },
    /// `machine`: which machine it is, as its firmware describes it. Kernels before this record say nothing of it.
    ///
    /// A byte that a field cannot hold is written as [`crate::record::text_byte`] says; a field is empty where nothing is
    /// known.
    Machine {
        /// Its model: of the device tree's root, or manufacturer and product of SMBIOS.
        model: &'a str,
        /// The device tree's `compatible` strings, separated by spaces.
        compatible: &'a str,
        /// What booted it, and its version.
        firmware: &'a str,
    },
    /// `reg`: an identification register of a PE.
    Reg {
        /// Index of the PE; 0 is the boot PE.
        pe: u32,
        /// Name as in the Arm ARM.
        name: &'a str,
        /// Value.
        value: u64,
    },
    /// `clock`: what times the samples of a PE.
    Clock {
        /// Index of the PE.
        pe: u32,
        /// The counter.
        event: Event,
        /// `CNTFRQ_EL0`, in Hz.
        frequency: u64,
    },
    /// `seq`: a sequence of the plan.
    Seq {
        /// Stable id.
        id: &'a str,
        /// Number of instruction words.
        words: u32,
    },
    /// `words`: some instruction words of a sequence, in hexadecimal, separated by spaces.
    Words {
        /// Stable id of the sequence.
        id: &'a str,
        /// Index of the first word.
        offset: u32,
        /// The words.
        words: Words<'a>,
    },
    /// `skip`: a sequence that this machine cannot run; it is neither timed nor checked.
    Skip {
        /// Stable id of the sequence.
        seq: &'a str,
        /// Why, in a phrase.
        reason: &'a str,
    },
    /// `phase`: a phase begins (for progress displays).
    Phase {
        /// Name of the phase: `boot`, `measure`, `check`.
        name: &'a str,
        /// How many steps it has: batches, or checks times sequences.
        steps: u32,
    },
    /// `boot`: how long a phase of the boot path took.
    Boot {
        /// Index of the PE.
        pe: u32,
        /// Name of the phase.
        phase: &'a str,
        /// The unit.
        event: Event,
        /// The duration in that unit.
        count: u64,
    },
    /// `proof`: one thing the boot path proved about itself.
    Proof {
        /// What was proven.
        name: &'a str,
        /// Whether it holds.
        holds: bool,
        /// What was observed, in a phrase.
        detail: &'a str,
    },
    /// `lost`: a PE that did not come up, or did not come back; what needs it is skipped.
    Lost {
        /// Index of the PE.
        pe: u32,
        /// Affinity fields of its `MPIDR_EL1`.
        mpidr: u64,
        /// What it did not do, in a phrase.
        reason: &'a str,
    },
    /// `event`: whether an event asked for is counted.
    Event {
        /// Index of the PE.
        pe: u32,
        /// The event.
        event: Event,
        /// Whether it is counted.
        support: Support,
    },
    /// `order`: the order in which samples are taken (with the seed of the `start` record).
    Order {
        /// Id of the [`crate::order::Order`].
        order: &'a str,
        /// Rounds after which a new permutation is drawn.
        block: u32,
        /// Rounds run before each batch whose samples are not kept.
        warmup: u32,
        /// For how long the stubs stay where they are. (Kernels before that was a field keep them for the run.)
        places: Places,
    },
    /// `no_scenario`: a scenario that cannot be had here.
    NoScenario {
        /// The scenario.
        scenario: Scenario,
        /// Why, in a phrase.
        reason: &'a str,
    },
    /// `counts`: exact value counts of one batch, as many lines as it takes. (`sample` in version 1.)
    Sample {
        /// Stable id of the sequence.
        seq: &'a str,
        /// The conditions.
        scenario: Scenario,
        /// Index of the PE.
        pe: u32,
        /// The unit.
        event: Event,
        /// Index of the batch.
        batch: u32,
        /// The pairs.
        pairs: Pairs<'a>,
    },
    /// `batch`: the two clocks over one batch on one PE, all its samples of that clock together.
    Batch {
        /// Index of the PE.
        pe: u32,
        /// Index of the batch.
        batch: u32,
        /// Cycles elapsed (`PMCCNTR_EL0`).
        cycles: u64,
        /// Ticks of the generic timer elapsed (`CNTVCT_EL0`).
        ticks: u64,
        /// Samples taken meanwhile.
        samples: u64,
    },
    /// `overhead`: what it took to take the samples of one batch, beside a bare loop over the same stubs.
    Overhead {
        /// Index of the batch.
        batch: u32,
        /// Samples.
        samples: u64,
        /// Ticks of the generic timer for the samples, counted and kept.
        timed: u64,
        /// Ticks for a loop that runs the same stubs as often and keeps nothing.
        bare: u64,
        /// Ticks for a loop over the sequences alone, without the frame.
        words: u64,
    },
    /// `outcome`: what the trials of a check saw.
    Outcome {
        /// Stable id of the check.
        check: &'a str,
        /// Stable id of the sequence (for the bad controls, `none` and `no_tlbi`).
        seq: &'a str,
        /// Part the sequence plays: `test`, `none`, `no_tlbi` or `good`.
        role: &'a str,
        /// Index of the PE.
        pe: u32,
        /// The counts.
        outcomes: Outcomes,
    },
    /// `pace`: how long the trials of a check took, all roles together.
    Pace {
        /// Stable id of the check.
        check: &'a str,
        /// Trials made.
        trials: u32,
        /// Ticks of the generic timer (`CNTVCT_EL0`; its frequency is in the `clock` record).
        ticks: u64,
    },
    /// `verdict`: the class of a check with a sequence.
    Verdict {
        /// Stable id of the check.
        check: &'a str,
        /// Stable id of the sequence.
        seq: &'a str,
        /// Id of the [`crate::verdict::Class`].
        class: &'a str,
        /// Why, in a phrase.
        reason: &'a str,
    },
    /// `exception`: an exception nobody expected, or a call that the watchdog ended (vector `watchdog`).
    Exception {
        /// Phase in which it was taken.
        phase: &'a str,
        /// Vector, e.g. `current_spx_sync`.
        vector: &'a str,
        /// Exception level it was taken to.
        el: u8,
        /// `ESR_ELx`.
        esr: u64,
        /// `ELR_ELx`.
        elr: u64,
        /// `FAR_ELx`.
        far: u64,
        /// Stable id of the sequence that was tried for the first time, alone: the run goes on without it. Empty: there was
        /// none, and the run ends. (The field is new in version 4; kernels before it wrote none.)
        seq: &'a str,
    },
    /// `fatal`: why the run cannot go on.
    Fatal {
        /// Phase in which it happened.
        phase: &'a str,
        /// What happened, in a phrase.
        message: &'a str,
    },
    /// `end`: the last line of a boot.
    End {
        /// Whether nothing failed.
        pass: bool,
        /// Lines before this one.
        lines: u32,
        /// Timed samples sent.
        samples: u64,
    },
}
