// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of a stream: one per line, fields in the order of the struct.
//!
//! Order in a stream: `start` first, then the machine (`image`, `reg`, `clock`), the sequences (`seq`, `words`), the
//! boot path (`boot`, `proof`), all samples, all outcomes and verdicts, `end` last. A `fatal` or `exception` record may
//! stand anywhere and is followed by an `end` whose status is `fail`.

use core::fmt::{self, Display, Formatter};

use crate::check::Outcomes;

/// What a counter counted, and so the unit of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// `PMCCNTR_EL0`: processor cycles (on a simulator, whatever it counts as such).
    Cycles,
    /// `CNTVCT_EL0`: ticks of the generic timer, where no PMU is implemented.
    TimerTicks,
}

impl Event {
    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Cycles => "cycles",
            Self::TimerTicks => "cntvct",
        }
    }

    /// Returns the event with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        [Self::Cycles, Self::TimerTicks]
            .into_iter()
            .find(|event| event.id() == id)
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
    /// `sample`: exact value counts of one batch, as many lines as it takes.
    Sample {
        /// Stable id of the sequence.
        seq: &'a str,
        /// Index of the PE.
        pe: u32,
        /// The unit.
        event: Event,
        /// Index of the batch.
        batch: u32,
        /// The pairs.
        pairs: Pairs<'a>,
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

/// The value counts of a `sample` record: a slice when written, text when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs<'a> {
    /// Value and count.
    Slice(&'a [(u64, u32)]),
    /// `value,count,value,count,...`, checked.
    Text(&'a str),
}

impl Pairs<'_> {
    /// Calls `f` with every value and its count.
    pub fn for_each(&self, mut f: impl FnMut(u64, u32)) {
        match self {
            Self::Slice(pairs) => pairs.iter().for_each(|&(value, count)| f(value, count)),
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
            Self::Sample {
                seq,
                pe,
                event,
                batch,
                pairs,
            } => {
                write!(f, "sample,{seq},{pe},{},{batch}", event.id())?;
                match pairs {
                    Pairs::Text(text) => write!(f, ",{text}"),
                    Pairs::Slice(pairs) => pairs
                        .iter()
                        .try_for_each(|(value, count)| write!(f, ",{value},{count}")),
                }
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
            "sample" => Self::Sample {
                seq: f.text()?,
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
