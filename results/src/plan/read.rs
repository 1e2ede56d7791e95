// SPDX-License-Identifier: MIT OR Apache-2.0
//! A plan from bytes, in place.

use super::measure::check_measure;
use super::{
    AtEnd, Conduit, Console, Fault, Flow, IDENTITY, MAGIC, MAX_ID, MAX_OPERANDS, MAX_PAGES, MAX_PES, MAX_SEQUENCES,
    MAX_WORDS, Measure, Moment, OperandKind, OperandRegister, PlanError, Planted, RuntimeCase, Scenarios, Settings,
    Silence, Uart, flags,
};
use crate::check::Mask;
use crate::order::Order;
use crate::scenario::{Axis, MAX_SCENARIOS, Scenario};
use crate::wire::crc32;

/// A plan, read in place.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Everything but the sequences.
    pub settings: Settings,
    /// What the plan is known by: the checksum of what it asks for.
    pub crc: u32,
    count: usize,
    entries: &'a [u8],
}

/// A sequence of a plan, read in place.
#[derive(Debug, Clone, Copy)]
pub struct EntryRef<'a> {
    /// Stable id.
    pub id: &'a str,
    /// Bits of [`super::flags`].
    pub flags: u8,
    /// Pages that `{range}` spans.
    pub pages: u16,
    /// The checks that test it.
    pub checks: Mask,
    /// The checks that use it as their known-good control.
    pub good_for: Mask,
    operands: &'a [u8],
    words: &'a [u8],
}

impl<'a> EntryRef<'a> {
    /// Returns whether it is for a kernel that was entered at EL1, or for one at EL2.
    pub const fn is_for(&self, at_el1: bool) -> bool {
        let (own, other) = if at_el1 {
            (flags::AT_EL1, flags::AT_EL2)
        } else {
            (flags::AT_EL2, flags::AT_EL1)
        };
        self.flags & own != 0 || self.flags & other == 0
    }

    /// Returns the operand registers.
    pub fn operands(&self) -> impl ExactSizeIterator<Item = OperandRegister> + Clone + use<'a> {
        // The kind was checked when the plan was read.
        self.operands.chunks_exact(4).map(|o| OperandRegister {
            register: o[0],
            kind: OperandKind::ALL[usize::from(o[1])],
            hint: o[2],
        })
    }

    /// Returns the instruction words.
    pub fn words(&self) -> impl ExactSizeIterator<Item = u32> + Clone + use<'a> {
        self.words
            .chunks_exact(4)
            .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
    }
}

impl<'a> Plan<'a> {
    /// Reads the plan at the start of `area`. `Ok(None)`: the area is empty.
    pub fn read(area: &'a [u8]) -> Result<Option<Self>, PlanError> {
        let magic = area.get(..8).ok_or(PlanError::Damaged)?;
        if magic == [0; 8] {
            return Ok(None);
        }
        if magic != MAGIC {
            return Err(PlanError::NoPlan);
        }
        let mut r = Reader { rest: &area[8..] };
        let length = r.u32()? as usize;
        let crc = r.u32()?;
        let body = area.get(16..length).ok_or(PlanError::Damaged)?;
        if crc32(body) != crc {
            return Err(PlanError::Damaged);
        }
        let asked_for = area.get(IDENTITY..length).ok_or(PlanError::Damaged)?;
        let mut r = Reader { rest: body };
        let [at_end, seed_by_boot, ..] = r.array::<8>()?;
        let (seed, runtime, console_address) = (r.u64()?, r.u64()?, r.u64()?);
        let (iterations, batch, trials) = (r.u32()?, r.u32()?, r.u32()?);
        let [case, flow, console, conduit] = r.array()?;
        let (boot_flush, count) = (r.u16()?, usize::from(r.u16()?));
        let [pes, planted] = r.array()?;
        let stress = r.u16()?;
        let (measure, silent_pe, silent_job) = r.measure()?;
        let settings = Settings {
            at_end: *AtEnd::ALL
                .get(usize::from(at_end))
                .ok_or(PlanError::Field("what to do at the end"))?,
            seed_by_boot: seed_by_boot != 0,
            seed,
            iterations,
            batch,
            trials,
            case: *RuntimeCase::ALL
                .get(usize::from(case))
                .ok_or(PlanError::Field("slot case"))?,
            runtime,
            flow: *Flow::ALL.get(usize::from(flow)).ok_or(PlanError::Field("flow"))?,
            console: match console {
                0 => None,
                code => Some(Console {
                    uart: Uart::from_code(code).ok_or(PlanError::Field("console kind"))?,
                    address: console_address,
                }),
            },
            conduit: match conduit {
                0 => None,
                1 => Some(Conduit::Smc),
                2 => Some(Conduit::Hvc),
                _ => return Err(PlanError::Field("conduit")),
            },
            boot_flush,
            pes,
            stress,
            planted: match planted {
                0 => None,
                1 => Some(Planted::SkipSequence),
                other => {
                    let other = usize::from(other) - 2;
                    let fault = other.checked_sub(Moment::ALL.len());
                    Some(
                        match (Moment::ALL.get(other), fault.and_then(|at| Fault::ALL.get(at))) {
                            (Some(&moment), _) => Planted::Silence(Silence {
                                pe: silent_pe,
                                job: silent_job,
                                moment,
                            }),
                            (None, Some(&fault)) => Planted::Fault(fault, silent_job),
                            (None, None) => return Err(PlanError::Field("planted bug")),
                        },
                    )
                }
            },
            measure,
        };
        if !(1..=MAX_PES).contains(&pes) {
            return Err(PlanError::Field("number of PEs"));
        }
        if count == 0 || count > MAX_SEQUENCES {
            return Err(PlanError::Sequences(count));
        }
        if usize::from(boot_flush) >= count {
            return Err(PlanError::Field("index of the boot flush"));
        }
        let plan = Self {
            settings,
            crc: crc32(asked_for),
            count,
            entries: r.rest,
        };
        // Every entry is read once here, so that iterating cannot fail later.
        (0..count).try_fold(Reader { rest: plan.entries }, |mut r, _| r.entry().map(|_| r))?;
        Ok(Some(plan))
    }

    /// Returns the sequences.
    pub fn entries(&self) -> impl Iterator<Item = EntryRef<'a>> + Clone + use<'a> {
        let mut r = Reader { rest: self.entries };
        (0..self.count).map_while(move |_| r.entry().ok())
    }

    /// Returns the number of sequences.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there is no sequence, which a plan that was read never has.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[derive(Clone)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], PlanError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(PlanError::Damaged)?;
        self.rest = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], PlanError> {
        self.bytes(N)?.try_into().map_err(|_| PlanError::Damaged)
    }
    fn u16(&mut self) -> Result<u16, PlanError> {
        self.array().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Result<u32, PlanError> {
        self.array().map(u32::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, PlanError> {
        self.array().map(u64::from_le_bytes)
    }
    fn mask(&mut self) -> Result<Mask, PlanError> {
        self.array().map(Mask::from_le_bytes)
    }
    /// Reads how sequences are timed, and where a PE is to fall silent.
    fn measure(&mut self) -> Result<(Measure, u8, u32), PlanError> {
        let events = self.u32()?;
        let [order, timed_pes] = self.array()?;
        let (warmup, count) = (self.u16()?, usize::from(self.u16()?));
        let [overhead, silent_pe] = self.array()?;
        let silent_job = self.u32()?;
        if count == 0 || count > MAX_SCENARIOS {
            return Err(PlanError::Field("number of scenarios"));
        }
        let mut scenarios = Scenarios::NONE;
        for _ in 0..count {
            let mut scenario = Scenario::PLAIN;
            for axis in Axis::ALL {
                scenario = scenario.with(axis, self.u16()?);
            }
            scenarios.add(scenario);
        }
        let measure = Measure {
            order: *Order::ALL.get(usize::from(order)).ok_or(PlanError::Field("order"))?,
            warmup,
            events,
            timed_pes,
            overhead: overhead != 0,
            scenarios,
        };
        check_measure(&measure).map_err(PlanError::Field)?;
        Ok((measure, silent_pe, silent_job))
    }
    fn entry(&mut self) -> Result<EntryRef<'a>, PlanError> {
        let [id_length, flags, operands, _] = self.array()?;
        let (words, pages) = (usize::from(self.u16()?), self.u16()?);
        let (checks, good_for) = (self.mask()?, self.mask()?);
        let id_length = usize::from(id_length);
        let id = &self.bytes(id_length.next_multiple_of(4))?[..id_length];
        let operands = self.bytes(usize::from(operands) * 4)?;
        if operands
            .chunks_exact(4)
            .any(|o| usize::from(o[1]) >= OperandKind::ALL.len() || !(2..=9).contains(&o[0]))
        {
            return Err(PlanError::Field("operand"));
        }
        if pages == 0 || pages > MAX_PAGES {
            return Err(PlanError::Field("pages"));
        }
        if words > MAX_WORDS || id_length > MAX_ID || operands.len() > 4 * MAX_OPERANDS {
            return Err(PlanError::Field("sequence length"));
        }
        let words = self.bytes(words * 4)?;
        let id = core::str::from_utf8(id).map_err(|_| PlanError::Damaged)?;
        Ok(EntryRef {
            id,
            flags,
            pages,
            checks,
            good_for,
            operands,
            words,
        })
    }
}
