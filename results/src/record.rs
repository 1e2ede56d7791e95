// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of a stream: one per line, fields in the order of the struct.
//!
//! Order in a stream: `start` first, then the machine (`image`, `reg`, `clock`), the sequences (`seq`, `words`), the
//! boot path (`boot`, `proof`), what is counted (`event`, `order`), all samples (`counts`, `batch`), all outcomes and
//! verdicts, `end` last. A `fatal` or `exception` record may
//! stand anywhere and is followed by an `end` whose status is `fail`.

use core::fmt::{self, Display, Formatter};

use crate::check::Outcomes;
pub use crate::event::{Event, Support};
use crate::order::Places;
use crate::scenario::Scenario;

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
        /// Stable id of the sequence (for the bad control, `none`).
        seq: &'a str,
        /// Part the sequence plays: `test`, `none` or `good`.
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
    /// `exception`: an exception nobody expected.
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

/// The value counts of a `counts` or `sample` record: a slice when written, text when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs<'a> {
    /// Value and count, in rising order of the values.
    Slice(&'a [(u64, u32)]),
    /// `value[xcount],difference[xcount],...`, checked: the first value, then the differences to the value before; a
    /// count of 1 is left out.
    Differences(&'a str),
    /// `value,count,value,count,...`, checked (version 1).
    Text(&'a str),
}

/// Returns the number of digits of a number.
const fn digits(mut n: u64) -> usize {
    let mut digits = 1;
    while n >= 10 {
        n /= 10;
        digits += 1;
    }
    digits
}

/// Returns how many bytes a value takes in a `counts` record, given the difference to the value before (for the first,
/// the value itself); the comma in front is counted.
pub const fn count_length(difference: u64, count: u32) -> usize {
    1 + digits(difference) + if count == 1 { 0 } else { 1 + digits(count as u64) }
}

/// Returns how many bytes are left for the values in a `counts` record with these names, whatever its numbers are.
pub fn count_room(seq: &str, scenario: Scenario, event: Event) -> usize {
    struct Length(usize);
    impl fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    // Counting cannot fail. The numbers are those of the line, the PE and the batch.
    let _ = fmt::write(
        &mut length,
        format_args!(
            "{}{},counts,{seq},{scenario},{},{},{},01234567\r\n",
            crate::wire::PREFIX,
            u32::MAX,
            crate::plan::MAX_PES,
            event.id(),
            u32::MAX
        ),
    );
    crate::wire::MAX_LINE.saturating_sub(length.0)
}

fn count_field(field: &str) -> Option<(u64, u32)> {
    let (value, count) = match field.split_once('x') {
        Some((value, count)) => (value, count.parse().ok()?),
        None => (field, 1),
    };
    Some((value.parse().ok()?, count))
}

impl Pairs<'_> {
    /// Calls `f` with every value and its count.
    pub fn for_each(&self, mut f: impl FnMut(u64, u32)) {
        match self {
            Self::Slice(pairs) => pairs.iter().for_each(|&(value, count)| f(value, count)),
            Self::Differences(text) => {
                let mut value = 0_u64;
                for (difference, count) in text.split(',').filter_map(count_field) {
                    value = value.wrapping_add(difference);
                    f(value, count);
                }
            }
            Self::Text(text) => {
                let mut fields = text.split(',');
                // The text was checked when it was parsed, so both halves are always numbers.
                while let (Some(Ok(value)), Some(Ok(count))) =
                    (fields.next().map(str::parse), fields.next().map(str::parse))
                {
                    f(value, count);
                }
            }
        }
    }
}

/// The instruction words of a `words` record: a slice when written, text when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words<'a> {
    /// The words.
    Slice(&'a [u32]),
    /// Hexadecimal, separated by spaces, checked.
    Text(&'a str),
}

impl Words<'_> {
    /// Calls `f` with every word.
    pub fn for_each(&self, mut f: impl FnMut(u32)) {
        match self {
            Self::Slice(words) => words.iter().copied().for_each(f),
            Self::Text(text) => {
                text.split(' ')
                    .filter_map(|word| u32::from_str_radix(word, 16).ok())
                    .for_each(&mut f);
            }
        }
    }
}

impl Display for Record<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Start {
                schema,
                kernel,
                plan_crc,
                seed,
                el,
            } => {
                write!(f, "start,{schema},{kernel},{plan_crc:08x},{seed},{el}")
            }
            Self::Image {
                load,
                size,
                runtime,
                case,
                flow,
            } => {
                write!(f, "image,{load:#x},{size:#x},{runtime:#x},{case},{flow}")
            }
            Self::Reg { pe, name, value } => write!(f, "reg,{pe},{name},{value:#x}"),
            Self::Clock { pe, event, frequency } => write!(f, "clock,{pe},{},{frequency}", event.id()),
            Self::Seq { id, words } => write!(f, "seq,{id},{words}"),
            Self::Words { id, offset, words } => {
                write!(f, "words,{id},{offset},")?;
                match words {
                    Words::Text(text) => f.write_str(text),
                    Words::Slice(words) => words.iter().enumerate().try_for_each(|(i, word)| {
                        let space = if i == 0 { "" } else { " " };
                        write!(f, "{space}{word:08x}")
                    }),
                }
            }
            Self::Skip { seq, reason } => write!(f, "skip,{seq},{reason}"),
            Self::Phase { name, steps } => write!(f, "phase,{name},{steps}"),
            Self::Boot {
                pe,
                phase,
                event,
                count,
            } => write!(f, "boot,{pe},{phase},{},{count}", event.id()),
            Self::Proof { name, holds, detail } => write!(f, "proof,{name},{},{detail}", pass(holds)),
            Self::Event { pe, event, support } => {
                let number = event.number().unwrap_or_default();
                write!(f, "event,{pe},{},{number:#x},{}", event.id(), support.id())
            }
            Self::Order {
                order,
                block,
                warmup,
                places,
            } => write!(f, "order,{order},{block},{warmup},{}", places.id()),
            Self::NoScenario { scenario, reason } => write!(f, "no_scenario,{scenario},{reason}"),
            Self::Sample {
                seq,
                scenario,
                pe,
                event,
                batch,
                pairs,
            } => {
                let event = event.id();
                match pairs {
                    Pairs::Text(text) => write!(f, "sample,{seq},{pe},{event},{batch},{text}"),
                    Pairs::Differences(text) => write!(f, "counts,{seq},{scenario},{pe},{event},{batch},{text}"),
                    Pairs::Slice(pairs) => {
                        write!(f, "counts,{seq},{scenario},{pe},{event},{batch}")?;
                        let mut before = 0;
                        pairs.iter().try_for_each(|&(value, count)| {
                            let difference = value.wrapping_sub(before);
                            before = value;
                            match count {
                                1 => write!(f, ",{difference}"),
                                count => write!(f, ",{difference}x{count}"),
                            }
                        })
                    }
                }
            }
            Self::Batch {
                pe,
                batch,
                cycles,
                ticks,
                samples,
            } => {
                write!(f, "batch,{pe},{batch},{cycles},{ticks},{samples}")
            }
            Self::Overhead {
                batch,
                samples,
                timed,
                bare,
                words,
            } => {
                write!(f, "overhead,{batch},{samples},{timed},{bare},{words}")
            }
            Self::Outcome {
                check,
                seq,
                role,
                pe,
                outcomes: o,
            } => {
                write!(
                    f,
                    "outcome,{check},{seq},{role},{pe},{},{},{},{}",
                    o.stale, o.new, o.fault, o.other
                )
            }
            Self::Pace { check, trials, ticks } => write!(f, "pace,{check},{trials},{ticks}"),
            Self::Verdict {
                check,
                seq,
                class,
                reason,
            } => write!(f, "verdict,{check},{seq},{class},{reason}"),
            Self::Exception {
                phase,
                vector,
                el,
                esr,
                elr,
                far,
            } => {
                write!(f, "exception,{phase},{vector},{el},{esr:#x},{elr:#x},{far:#x}")
            }
            Self::Fatal { phase, message } => write!(f, "fatal,{phase},{message}"),
            Self::End {
                pass: holds,
                lines,
                samples,
            } => write!(f, "end,{},{lines},{samples}", pass(holds)),
        }
    }
}

const fn pass(holds: bool) -> &'static str {
    if holds { "pass" } else { "fail" }
}

/// Why a line with a good checksum is not a record this version reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// The type is unknown: the stream is of a newer version.
    UnknownType,
    /// A field is missing; the number counts from 1 for the type.
    MissingField(u8),
    /// A field is not what it should be; the number counts from 1 for the type.
    BadField(u8),
}

impl Display for RecordError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType => f.write_str("unknown record type"),
            Self::MissingField(n) => write!(f, "field {n} is missing"),
            Self::BadField(n) => write!(f, "field {n} is malformed"),
        }
    }
}

impl core::error::Error for RecordError {}

/// Reads fields in order and knows where it is.
struct Fields<'a> {
    rest: Option<&'a str>,
    index: u8,
}

impl<'a> Fields<'a> {
    fn text(&mut self) -> Result<&'a str, RecordError> {
        self.index += 1;
        let rest = self.rest.ok_or(RecordError::MissingField(self.index))?;
        let (field, rest) = match rest.split_once(',') {
            Some((field, rest)) => (field, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        Ok(field)
    }

    fn map<T>(&mut self, f: impl FnOnce(&'a str) -> Option<T>) -> Result<T, RecordError> {
        let field = self.text()?;
        f(field).ok_or(RecordError::BadField(self.index))
    }

    fn number<T: core::str::FromStr>(&mut self) -> Result<T, RecordError> {
        self.map(|field| field.parse().ok())
    }

    fn hex(&mut self) -> Result<u64, RecordError> {
        self.map(|field| u64::from_str_radix(field.strip_prefix("0x").unwrap_or(field), 16).ok())
    }

    fn pass(&mut self) -> Result<bool, RecordError> {
        self.map(|field| match field {
            "pass" => Some(true),
            "fail" => Some(false),
            _ => None,
        })
    }

    fn differences(&mut self) -> Result<Pairs<'a>, RecordError> {
        self.index += 1;
        let text = self.rest.take().ok_or(RecordError::MissingField(self.index))?;
        if text.split(',').any(|field| count_field(field).is_none()) {
            return Err(RecordError::BadField(self.index));
        }
        Ok(Pairs::Differences(text))
    }

    fn pairs(&mut self) -> Result<Pairs<'a>, RecordError> {
        self.index += 1;
        let text = self.rest.take().ok_or(RecordError::MissingField(self.index))?;
        let mut fields = text.split(',');
        while let Some(value) = fields.next() {
            let count = fields.next().and_then(|count| count.parse::<u32>().ok());
            if value.parse::<u64>().is_err() || count.is_none() {
                return Err(RecordError::BadField(self.index));
            }
        }
        Ok(Pairs::Text(text))
    }
}

impl<'a> Record<'a> {
    /// Parses the body of a line, `<type>,<fields...>`. Fields beyond those known are ignored.
    pub fn parse(body: &'a str) -> Result<Self, RecordError> {
        let mut f = Fields {
            rest: Some(body),
            index: 0,
        };
        Ok(match f.text()? {
            "start" => Self::Start {
                schema: f.number()?,
                kernel: f.text()?,
                plan_crc: f.map(|field| u32::from_str_radix(field, 16).ok())?,
                seed: f.number()?,
                el: f.number()?,
            },
            "image" => Self::Image {
                load: f.hex()?,
                size: f.hex()?,
                runtime: f.hex()?,
                case: f.text()?,
                flow: f.text()?,
            },
            "reg" => Self::Reg {
                pe: f.number()?,
                name: f.text()?,
                value: f.hex()?,
            },
            "clock" => Self::Clock {
                pe: f.number()?,
                event: f.map(Event::from_id)?,
                frequency: f.number()?,
            },
            "seq" => Self::Seq {
                id: f.text()?,
                words: f.number()?,
            },
            "words" => Self::Words {
                id: f.text()?,
                offset: f.number()?,
                words: f.map(|text| {
                    let hex = |word| u32::from_str_radix(word, 16).is_ok();
                    text.split(' ').all(hex).then_some(Words::Text(text))
                })?,
            },
            "skip" => Self::Skip {
                seq: f.text()?,
                reason: f.text()?,
            },
            "phase" => Self::Phase {
                name: f.text()?,
                steps: f.number()?,
            },
            "boot" => Self::Boot {
                pe: f.number()?,
                phase: f.text()?,
                event: f.map(Event::from_id)?,
                count: f.number()?,
            },
            "proof" => Self::Proof {
                name: f.text()?,
                holds: f.pass()?,
                detail: f.text()?,
            },
            "event" => Self::Event {
                pe: f.number()?,
                event: f.map(Event::from_id)?,
                support: {
                    f.hex()?;
                    f.map(Support::from_id)?
                },
            },
            "order" => Self::Order {
                order: f.text()?,
                block: f.number()?,
                warmup: f.number()?,
                places: match f.rest {
                    Some(_) => f.map(Places::from_id)?,
                    None => Places::default(),
                },
            },
            "no_scenario" => Self::NoScenario {
                scenario: f.number()?,
                reason: f.text()?,
            },
            "counts" => Self::Sample {
                seq: f.text()?,
                scenario: f.number()?,
                pe: f.number()?,
                event: f.map(Event::from_id)?,
                batch: f.number()?,
                pairs: f.differences()?,
            },
            "batch" => Self::Batch {
                pe: f.number()?,
                batch: f.number()?,
                cycles: f.number()?,
                ticks: f.number()?,
                samples: f.number()?,
            },
            "overhead" => Self::Overhead {
                batch: f.number()?,
                samples: f.number()?,
                timed: f.number()?,
                bare: f.number()?,
                words: f.number()?,
            },
            "sample" => Self::Sample {
                seq: f.text()?,
                scenario: Scenario::PLAIN,
                pe: f.number()?,
                event: f.map(Event::from_id)?,
                batch: f.number()?,
                pairs: f.pairs()?,
            },
            "outcome" => Self::Outcome {
                check: f.text()?,
                seq: f.text()?,
                role: f.text()?,
                pe: f.number()?,
                outcomes: Outcomes {
                    stale: f.number()?,
                    new: f.number()?,
                    fault: f.number()?,
                    other: f.number()?,
                },
            },
            "pace" => Self::Pace {
                check: f.text()?,
                trials: f.number()?,
                ticks: f.number()?,
            },
            "verdict" => Self::Verdict {
                check: f.text()?,
                seq: f.text()?,
                class: f.text()?,
                reason: f.text()?,
            },
            "exception" => Self::Exception {
                phase: f.text()?,
                vector: f.text()?,
                el: f.number()?,
                esr: f.hex()?,
                elr: f.hex()?,
                far: f.hex()?,
            },
            "fatal" => Self::Fatal {
                phase: f.text()?,
                message: f.text()?,
            },
            "end" => Self::End {
                pass: f.pass()?,
                lines: f.number()?,
                samples: f.number()?,
            },
            _ => return Err(RecordError::UnknownType),
        })
    }
}
