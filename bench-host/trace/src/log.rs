// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log: events in one order, in a compact binary form of bounded size.
//!
//! A record is a tag, the PE, and what the event needs, as variable-length integers; program counters and addresses are
//! differences to the last ones. A log that was cut off, or that reached its limit, says so: what is missing at its end
//! is never taken for silence.

use std::io::{self, Read, Write};

use crate::registers::Register;

const MAGIC: &[u8; 8] = b"TLBTRC\x00\x01";

/// In the operand of an exception return: `SPSR_ELx` stands below it.
pub const RETURN_IS_KNOWN: u64 = 1 << 63;

/// Why an access was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// A load.
    Load,
    /// A store.
    Store,
    /// An instruction fetch.
    Fetch,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The number of PEs there can be.
    Pes(u32),
    /// An ID register of a PE: 0, 1, 2 for `ID_AA64MMFR0_EL1` and so on.
    IdRegister {
        /// The PE.
        pe: u32,
        /// Which.
        number: u8,
        /// Its value.
        value: u64,
    },
    /// What a table holds that is looked at for the first time, or again. Stands before the event that needs it.
    Table {
        /// Its address.
        address: u64,
        /// Its descriptors.
        entries: Vec<u64>,
    },
    /// A write of a translation register.
    Register {
        /// The PE.
        pe: u32,
        /// The address of the instruction.
        pc: u64,
        /// Which.
        register: Register,
        /// The value.
        value: u64,
    },
    /// A store that changed a descriptor.
    Store {
        /// The PE.
        pe: u32,
        /// The address of the instruction.
        pc: u64,
        /// The descriptor's address.
        address: u64,
        /// What it was.
        old: u64,
        /// What it is.
        new: u64,
    },
    /// A store to a page that was a table, and is none any more.
    Freed {
        /// The PE.
        pe: u32,
        /// The address of the instruction.
        pc: u64,
        /// The address.
        address: u64,
        /// What is there now.
        new: u64,
    },
    /// A barrier, a TLBI, cache maintenance, or an exception return.
    Instruction {
        /// The PE.
        pe: u32,
        /// Its address.
        pc: u64,
        /// The exception level, for a TLBI; 0 for what does not depend on it.
        el: u8,
        /// The word.
        word: u32,
        /// What its register holds, for what takes one; for an exception return `SPSR_ELx`, with [`RETURN_IS_KNOWN`] where
        /// it is known.
        operand: u64,
    },
    /// An exception is taken: the first instruction of a vector.
    Exception {
        /// The PE.
        pe: u32,
        /// The vector.
        pc: u64,
    },
    /// An access through an entry that was made valid before, and is not synchronized.
    Use {
        /// The PE.
        pe: u32,
        /// The address of the instruction.
        pc: u64,
        /// The address of the access.
        address: u64,
        /// Its kind.
        access: Access,
    },
    /// A PE was turned off.
    Off(u32),
    /// The machine was reset.
    Reset,
    /// The log has reached its limit.
    Limit,
    /// So many dropped entries of lists that are bounded: uses that could not be watched.
    Unwatched(u64),
    /// The log is whole.
    End,
}

const TAG_PES: u8 = 1;
const TAG_ID: u8 = 2;
const TAG_TABLE: u8 = 3;
const TAG_REGISTER: u8 = 4;
const TAG_STORE: u8 = 5;
const TAG_FREED: u8 = 6;
const TAG_INSTRUCTION: u8 = 7;
const TAG_EXCEPTION: u8 = 8;
const TAG_USE: u8 = 9;
const TAG_OFF: u8 = 10;
const TAG_RESET: u8 = 11;
const TAG_LIMIT: u8 = 12;
const TAG_UNWATCHED: u8 = 13;
const TAG_END: u8 = 14;

/// Most descriptors of one table: sixteen concatenated ones of 64 KiB.
const MAX_ENTRIES: u64 = 16 * 8192;
/// Most PEs.
const MAX_PES: u32 = 4096;

/// What both ends remember of the records before.
#[derive(Debug, Default)]
struct Last {
    pc: Vec<u64>,
    address: u64,
}

impl Last {
    fn pc(&mut self, pe: u32) -> &mut u64 {
        let pe = pe as usize;
        if self.pc.len() <= pe {
            self.pc.resize(pe + 1, 0);
        }
        &mut self.pc[pe]
    }
}

const fn zigzag(value: u64) -> u64 {
    value << 1 ^ ((value as i64) >> 63) as u64
}

const fn unzigzag(value: u64) -> u64 {
    value >> 1 ^ (value & 1).wrapping_neg()
}

/// Writes a log.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    buffer: Vec<u8>,
    last: Last,
    written: u64,
    limit: u64,
    full: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a log of at most `limit` bytes.
    pub fn new(out: W, limit: u64) -> Self {
        Self {
            out,
            buffer: MAGIC.to_vec(),
            last: Last::default(),
            written: 0,
            limit,
            full: false,
        }
    }

    /// Returns the bytes so far.
    pub fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Returns whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the limit is reached: nothing is written any more.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Writes an event.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        if self.full {
            return Ok(());
        }
        if self.len() >= self.limit {
            self.full = true;
            self.buffer.push(TAG_LIMIT);
            return self.flush();
        }
        self.encode(event);
        if self.buffer.len() >= 1 << 16 {
            self.drain()?;
        }
        Ok(())
    }

    /// Ends the log.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn end(&mut self) -> io::Result<()> {
        if !self.full {
            self.buffer.push(TAG_END);
            self.full = true;
        }
        self.flush()
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.out.flush()
    }

    fn drain(&mut self) -> io::Result<()> {
        self.written += self.buffer.len() as u64;
        let result = self.out.write_all(&self.buffer);
        self.buffer.clear();
        result
    }

    fn byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.buffer.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.push(value as u8);
    }

    fn head(&mut self, tag: u8, pe: u32, pc: u64) {
        self.byte(tag);
        self.number(u64::from(pe));
        let last = self.last.pc(pe);
        let difference = zigzag(pc.wrapping_sub(*last));
        *last = pc;
        self.number(difference);
    }

    fn address(&mut self, address: u64) {
        let difference = zigzag(address.wrapping_sub(self.last.address));
        self.last.address = address;
        self.number(difference);
    }

    fn encode(&mut self, event: &Event) {
        match *event {
            Event::Pes(pes) => {
                self.byte(TAG_PES);
                self.number(u64::from(pes));
            }
            Event::IdRegister { pe, number, value } => {
                self.byte(TAG_ID);
                self.number(u64::from(pe));
                self.byte(number);
                self.number(value);
            }
            Event::Table { address, ref entries } => {
                self.byte(TAG_TABLE);
                self.address(address);
                self.number(entries.len() as u64);
                self.number(entries.iter().filter(|entry| **entry != 0).count() as u64);
                let (mut next, mut last) = (0, 0);
                for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| **entry != 0) {
                    self.number((index - next) as u64);
                    self.number(zigzag(entry.wrapping_sub(last)));
                    (next, last) = (index + 1, *entry);
                }
            }
            Event::Register {
                pe,
                pc,
                register,
                value,
            } => {
                self.head(TAG_REGISTER, pe, pc);
                self.byte(register as u8);
                self.number(value);
            }
            Event::Store {
                pe,
                pc,
                address,
                old,
                new,
            } => {
                self.head(TAG_STORE, pe, pc);
                self.address(address);
                self.number(old);
                self.number(new);
            }
            Event::Freed { pe, pc, address, new } => {
                self.head(TAG_FREED, pe, pc);
                self.address(address);
                self.number(new);
            }
            Event::Instruction {
                pe,
                pc,
                el,
                word,
                operand,
            } => {
                self.head(TAG_INSTRUCTION, pe, pc);
                self.byte(el);
                self.number(u64::from(word));
                self.number(operand);
            }
            Event::Exception { pe, pc } => self.head(TAG_EXCEPTION, pe, pc),
            Event::Use {
                pe,
                pc,
                address,
                access,
            } => {
                self.head(TAG_USE, pe, pc);
                self.number(address);
                self.byte(access as u8);
            }
            Event::Off(pe) => {
                self.byte(TAG_OFF);
                self.number(u64::from(pe));
            }
            Event::Reset => self.byte(TAG_RESET),
            Event::Limit => self.byte(TAG_LIMIT),
            Event::Unwatched(count) => {
                self.byte(TAG_UNWATCHED);
                self.number(count);
            }
            Event::End => self.byte(TAG_END),
        }
    }
}

/// Why a log cannot be read on.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// It cannot be read.
    Read(io::Error),
    /// It is no log of this tool, or of another version.
    NotALog,
    /// It ends in the midst.
    CutOff,
    /// What stands there is no record.
    Damaged {
        /// Where, in bytes from the start.
        at: u64,
    },
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot read the log: {error}"),
            Self::NotALog => f.write_str("this is no log of a trace, or one of another version"),
            Self::CutOff => f.write_str("the log ends in the midst"),
            Self::Damaged { at } => write!(f, "the log is damaged at byte {at}"),
        }
    }
}

impl std::error::Error for LogError {}

/// Reads a log.
#[derive(Debug)]
pub struct Reader<R: Read> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    before: u64,
    last: Last,
}

impl<R: Read> Reader<R> {
    /// Begins to read.
    ///
    /// # Errors
    ///
    /// It is no log.
    pub fn new(input: R) -> Result<Self, LogError> {
        let mut reader = Self {
            input,
            buffer: vec![0; 1 << 16],
            at: 0,
            end: 0,
            before: 0,
            last: Last::default(),
        };
        for expected in MAGIC {
            match reader.byte() {
                Ok(byte) if byte == *expected => {}
                Err(LogError::Read(error)) => return Err(LogError::Read(error)),
                _ => return Err(LogError::NotALog),
            }
        }
        Ok(reader)
    }

    /// Returns how many bytes were read.
    pub fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    fn byte(&mut self) -> Result<u8, LogError> {
        if self.at == self.end {
            self.before += self.end as u64;
            self.at = 0;
            self.end = loop {
                match self.input.read(&mut self.buffer) {
                    Ok(count) => break count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        self.end = 0;
                        return Err(LogError::Read(error));
                    }
                }
            };
            if self.end == 0 {
                return Err(LogError::CutOff);
            }
        }
        self.at += 1;
        Ok(self.buffer[self.at - 1])
    }

    fn number(&mut self) -> Result<u64, LogError> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift > 63 || (shift == 63 && byte > 1) {
                return Err(self.damaged());
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    fn damaged(&self) -> LogError {
        LogError::Damaged { at: self.position() }
    }

    fn pe(&mut self) -> Result<u32, LogError> {
        let number = self.number()?;
        let pe = u32::try_from(number).ok().filter(|pe| *pe < MAX_PES);
        pe.ok_or_else(|| self.damaged())
    }

    fn head(&mut self) -> Result<(u32, u64), LogError> {
        let pe = self.pe()?;
        let difference = unzigzag(self.number()?);
        let last = self.last.pc(pe);
        *last = last.wrapping_add(difference);
        Ok((pe, *last))
    }

    fn address(&mut self) -> Result<u64, LogError> {
        let difference = unzigzag(self.number()?);
        self.last.address = self.last.address.wrapping_add(difference);
        Ok(self.last.address)
    }

    fn table(&mut self) -> Result<Event, LogError> {
        let address = self.address()?;
        let (size, used) = (self.number()?, self.number()?);
        if size > MAX_ENTRIES || used > size {
            return Err(self.damaged());
        }
        let mut entries = vec![0; size as usize];
        let (mut next, mut last) = (0_u64, 0_u64);
        for _ in 0..used {
            let index = self.number()?.checked_add(next).filter(|index| *index < size);
            let index = index.ok_or_else(|| self.damaged())?;
            last = last.wrapping_add(unzigzag(self.number()?));
            entries[index as usize] = last;
            next = index + 1;
        }
        Ok(Event::Table { address, entries })
    }

    /// Returns the next event; the last is [`Event::End`] or [`Event::Limit`].
    ///
    /// # Errors
    ///
    /// The log cannot be read on.
    pub fn event(&mut self) -> Result<Event, LogError> {
        Ok(match self.byte()? {
            TAG_PES => Event::Pes(self.pe()?),
            TAG_ID => Event::IdRegister {
                pe: self.pe()?,
                number: self.byte()?,
                value: self.number()?,
            },
            TAG_TABLE => self.table()?,
            TAG_REGISTER => {
                let (pe, pc) = self.head()?;
                let register = Register::ALL.get(usize::from(self.byte()?)).copied();
                Event::Register {
                    pe,
                    pc,
                    register: register.ok_or_else(|| self.damaged())?,
                    value: self.number()?,
                }
            }
            TAG_STORE => {
                let (pe, pc) = self.head()?;
                Event::Store {
                    pe,
                    pc,
                    address: self.address()?,
                    old: self.number()?,
                    new: self.number()?,
                }
            }
            TAG_FREED => {
                let (pe, pc) = self.head()?;
                Event::Freed {
                    pe,
                    pc,
                    address: self.address()?,
                    new: self.number()?,
                }
            }
            TAG_INSTRUCTION => {
                let (pe, pc) = self.head()?;
                let el = self.byte()?;
                let word = u32::try_from(self.number()?).map_err(|_| self.damaged())?;
                let operand = self.number()?;
                Event::Instruction {
                    pe,
                    pc,
                    el,
                    word,
                    operand,
                }
            }
            TAG_EXCEPTION => {
                let (pe, pc) = self.head()?;
                Event::Exception { pe, pc }
            }
            TAG_USE => {
                let (pe, pc) = self.head()?;
                let address = self.number()?;
                let access = match self.byte()? {
                    0 => Access::Load,
                    1 => Access::Store,
                    2 => Access::Fetch,
                    _ => return Err(self.damaged()),
                };
                Event::Use {
                    pe,
                    pc,
                    address,
                    access,
                }
            }
            TAG_OFF => Event::Off(self.pe()?),
            TAG_RESET => Event::Reset,
            TAG_LIMIT => Event::Limit,
            TAG_UNWATCHED => Event::Unwatched(self.number()?),
            TAG_END => Event::End,
            _ => return Err(self.damaged()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Event, LogError, Reader, Writer};
    use crate::registers::Register;

    fn events() -> Vec<Event> {
        let mut entries = vec![0; 512];
        entries[3] = 0x4000_0703;
        entries[511] = u64::MAX;
        vec![
            Event::Pes(2),
            Event::IdRegister {
                pe: 1,
                number: 2,
                value: u64::MAX,
            },
            Event::Table {
                address: 0x4010_0000,
                entries,
            },
            Event::Register {
                pe: 1,
                pc: 0xffff_8000_0800_0000,
                register: Register::VbarEl2,
                value: 7,
            },
            Event::Store {
                pe: 0,
                pc: 4,
                address: 0x4010_0018,
                old: 0x4000_0703,
                new: 0,
            },
            Event::Freed {
                pe: 0,
                pc: 0,
                address: 0x4000_0000,
                new: 1,
            },
            Event::Instruction {
                pe: 3,
                pc: 8,
                el: 2,
                word: 0xd503_3f9f,
                operand: 0,
            },
            Event::Exception { pe: 0, pc: 0x800 },
            Event::Use {
                pe: 0,
                pc: 12,
                address: u64::MAX,
                access: Access::Fetch,
            },
            Event::Off(1),
            Event::Reset,
            Event::Unwatched(3),
        ]
    }

    fn written(limit: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, limit);
        for event in events() {
            writer.write(&event).unwrap();
        }
        writer.end().unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = written(u64::MAX);
        let mut reader = Reader::new(&bytes[..]).unwrap();
        for event in events() {
            assert_eq!(reader.event().unwrap(), event);
        }
        assert_eq!(reader.event().unwrap(), Event::End);
        assert_eq!(reader.position(), bytes.len() as u64);
    }

    #[test]
    fn a_log_that_ends_anywhere_is_not_whole() {
        let bytes = written(u64::MAX);
        for end in 8..bytes.len() {
            let mut reader = Reader::new(&bytes[..end]).unwrap();
            let error = loop {
                match reader.event() {
                    Ok(event) => assert_ne!(event, Event::End),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, LogError::CutOff), "{end}");
        }
        assert!(matches!(Reader::new(&bytes[..7]), Err(LogError::NotALog)));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let bytes = written(u64::MAX);
        for at in 8..bytes.len() {
            for value in [0, 0x0f, 0x7f, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let mut reader = Reader::new(&bytes[..]).unwrap();
                while reader.event().is_ok() {}
            }
        }
    }

    #[test]
    fn the_limit_is_kept_and_told() {
        let bytes = written(40);
        assert!(bytes.len() < 100);
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let mut last = reader.event().unwrap();
        while let Ok(event) = reader.event() {
            last = event;
        }
        assert_eq!(last, Event::Limit);
    }
}
