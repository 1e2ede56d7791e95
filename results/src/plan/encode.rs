// SPDX-License-Identifier: MIT OR Apache-2.0
//! A plan to bytes.

use super::measure::check_measure;
use super::{
    Conduit, Console, Entry, HEADER, MAGIC, MAX_ID, MAX_OPERANDS, MAX_PAGES, MAX_PES, MAX_SEQUENCES, MAX_WORDS, Moment,
    PlanError, Planted, Settings, Silence,
};
use crate::scenario::Axis;
use crate::wire::crc32;

/// Appends to a buffer; keeps counting past its end, so that an error can say how much was needed.
struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Cursor<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(out) = self.out.get_mut(self.at..self.at + bytes.len()) {
            out.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }
    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
}

/// Writes a plan to the start of `out` and returns its length in bytes.
pub fn encode(settings: &Settings, entries: &[Entry<'_>], out: &mut [u8]) -> Result<usize, PlanError> {
    if entries.is_empty() || entries.len() > MAX_SEQUENCES {
        return Err(PlanError::Sequences(entries.len()));
    }
    for (index, entry) in entries.iter().enumerate() {
        check_entry(entry).map_err(|what| PlanError::Entry { index, what })?;
    }
    let s = settings;
    if usize::from(s.boot_flush) >= entries.len() {
        return Err(PlanError::Field("index of the boot flush"));
    }
    if !(1..=MAX_PES).contains(&s.pes) {
        return Err(PlanError::Field("number of PEs"));
    }
    check_measure(&s.measure).map_err(PlanError::Field)?;
    let (console, console_address) = match s.console {
        None => (0, 0),
        Some(Console { uart, address }) => (uart.code(), address),
    };
    let mut c = Cursor { out, at: 0 };
    c.bytes(&MAGIC);
    c.u64(0); // Length and checksum, once known.
    c.bytes(&[s.at_end as u8, s.seed_by_boot.into(), 0, 0, 0, 0, 0, 0]);
    for value in [s.seed, s.runtime, console_address] {
        c.u64(value);
    }
    for value in [s.iterations, s.batch, s.trials] {
        c.u32(value);
    }
    let conduit = match s.conduit {
        None => 0,
        Some(Conduit::Smc) => 1,
        Some(Conduit::Hvc) => 2,
    };
    c.bytes(&[s.case as u8, s.flow as u8, console, conduit]);
    c.u16(s.boot_flush);
    c.u16(entries.len() as u16);
    let (planted, silent_pe, silent_job) = match s.planted {
        None => (0, 0, 0),
        Some(Planted::SkipSequence) => (1, 0, 0),
        Some(Planted::Silence(Silence { pe, job, moment })) => (2 + moment as u8, pe, job),
        Some(Planted::Fault(fault, sequence)) => (2 + (Moment::ALL.len() + fault as usize) as u8, 0, sequence),
    };
    c.bytes(&[s.pes, planted]);
    c.u16(s.stress);
    let m = &s.measure;
    c.u32(m.events);
    c.bytes(&[m.order as u8, m.timed_pes]);
    c.u16(m.warmup);
    c.u16(m.scenarios.as_slice().len() as u16);
    c.bytes(&[u8::from(m.overhead), silent_pe]);
    c.u32(silent_job);
    debug_assert_eq!(c.at, HEADER);
    for scenario in m.scenarios.as_slice() {
        Axis::ALL.into_iter().for_each(|axis| c.u16(scenario.get(axis)));
    }
    for entry in entries {
        c.bytes(&[entry.id.len() as u8, entry.flags, entry.operands.len() as u8, 0]);
        c.u16(entry.words.len() as u16);
        c.u16(entry.pages);
        c.bytes(&entry.checks.to_le_bytes());
        c.bytes(&entry.good_for.to_le_bytes());
        c.bytes(entry.id.as_bytes());
        c.bytes(&[0; 3][..entry.id.len().next_multiple_of(4) - entry.id.len()]);
        for operand in entry.operands {
            c.bytes(&[operand.register, operand.kind as u8, operand.hint, 0]);
        }
        entry.words.iter().for_each(|&word| c.u32(word));
    }
    let (out, needed) = (c.out, c.at);
    if needed > out.len() {
        return Err(PlanError::TooBig {
            needed,
            capacity: out.len(),
        });
    }
    out[8..12].copy_from_slice(&(needed as u32).to_le_bytes());
    let crc = crc32(&out[16..needed]);
    out[12..16].copy_from_slice(&crc.to_le_bytes());
    Ok(needed)
}

fn check_entry(entry: &Entry<'_>) -> Result<(), &'static str> {
    let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if entry.id.is_empty() || entry.id.len() > MAX_ID || !entry.id.bytes().all(id_byte) {
        Err("id is not 1 to 63 of a-z, 0-9 and _")
    } else if entry.words.len() > MAX_WORDS {
        Err("more than 1040 instruction words")
    } else if entry.operands.len() > MAX_OPERANDS {
        Err("more than 8 different operands")
    } else if entry.pages == 0 || entry.pages > MAX_PAGES {
        Err("a range of fewer than 1 or more than 512 pages")
    } else {
        Ok(())
    }
}
