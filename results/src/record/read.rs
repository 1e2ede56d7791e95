// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record from text.

use core::fmt::{self, Display, Formatter};

use super::values::count_field;
use super::{Pairs, Record, Words};
use crate::check::Outcomes;
use crate::event::{Event, Support};
use crate::order::Places;
use crate::scenario::Scenario;

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
                nonce: match f.rest {
                    Some(_) => f.hex()?,
                    None => 0,
                },
            },
            "image" => Self::Image {
                load: f.hex()?,
                size: f.hex()?,
                runtime: f.hex()?,
                case: f.text()?,
                flow: f.text()?,
            },
            "machine" => Self::Machine {
                model: f.text()?,
                compatible: f.text()?,
                firmware: f.text()?,
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
            "lost" => Self::Lost {
                pe: f.number()?,
                mpidr: f.hex()?,
                reason: f.text()?,
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
                seq: match f.rest {
                    Some(_) => f.text()?,
                    None => "",
                },
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
