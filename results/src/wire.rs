// SPDX-License-Identifier: MIT OR Apache-2.0
//! The line format: `TLB,<line number>,<type>,<fields...>,<crc>\r\n`.
//!
//! A serial line loses and damages bytes, and firmware or an emulator prints between our lines. So every line carries
//! a fixed prefix (to be found in chatter), a number (a gap is a lost line), and as its last field the CRC-32
//! (ISO-HDLC, 8 hexadecimal digits) of every byte before the comma in front of it. The explicit terminator and the
//! checksum also keep a reader that sees partial buffers from taking `1286` for `12860`.

use core::fmt::{self, Write};

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

use crate::record::Record;

/// The first bytes of every line of ours.
pub const PREFIX: &str = "TLB,";

/// The longest line written, in bytes, terminator included.
pub const MAX_LINE: usize = 512;

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Computes the checksum used by the wire and the plan (CRC-32/ISO-HDLC).
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Writes records as numbered, checksummed lines.
#[derive(Debug)]
pub struct LineWriter<W> {
    out: W,
    next: u32,
}

impl<W: Write> LineWriter<W> {
    /// Creates a writer whose first line is number 0.
    pub const fn new(out: W) -> Self {
        Self { out, next: 0 }
    }

    /// Creates a writer that goes on after `lines` lines.
    pub const fn resume(out: W, lines: u32) -> Self {
        Self { out, next: lines }
    }

    /// Returns the number the next line will carry, which is the count of the lines written so far.
    pub const fn lines(&self) -> u32 {
        self.next
    }

    /// Returns the underlying writer.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes one record as one line.
    pub fn record(&mut self, record: &Record<'_>) -> fmt::Result {
        let mut line = Checked {
            out: &mut self.out,
            digest: CRC.digest(),
        };
        write!(line, "{PREFIX}{},{record}", self.next)?;
        let crc = line.digest.finalize();
        write!(self.out, ",{crc:08x}\r\n")?;
        self.next += 1;
        Ok(())
    }
}

/// Passes text on and sums it up on the way.
struct Checked<'a, W> {
    out: &'a mut W,
    digest: Digest<'static, u32, Table<16>>,
}

impl<W: Write> Write for Checked<'_, W> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.digest.update(s.as_bytes());
        self.out.write_str(s)
    }
}

/// Why a line is not a record of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError {
    /// The prefix is not in the line: firmware chatter.
    NotOurs,
    /// The prefix is there, but the number, the type or the checksum field is not.
    Malformed,
    /// The checksum does not match the text.
    Checksum {
        /// The checksum the line carries.
        carried: u32,
        /// The checksum of the text received.
        computed: u32,
    },
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("not a record line"),
            Self::Malformed => f.write_str("line number, type or checksum field missing"),
            Self::Checksum { carried, computed } => {
                write!(f, "checksum is {carried:08x} but the text sums to {computed:08x}")
            }
        }
    }
}

impl core::error::Error for LineError {}

/// Splits a console line into its line number and body (`<type>,<fields...>`), once its checksum is proven.
///
/// Chatter in front of the prefix on the same line is skipped: firmware does not always end its last line.
pub fn parse_line(line: &str) -> Result<(u32, &str), LineError> {
    let line = line.trim_end_matches(['\r', '\n']);
    let line = &line[line.rfind(PREFIX).ok_or(LineError::NotOurs)?..];
    let (text, crc) = line.rsplit_once(',').ok_or(LineError::Malformed)?;
    if crc.len() != 8 {
        return Err(LineError::Malformed);
    }
    let carried = u32::from_str_radix(crc, 16).map_err(|_| LineError::Malformed)?;
    let computed = crc32(text.as_bytes());
    if carried != computed {
        return Err(LineError::Checksum { carried, computed });
    }
    let (number, body) = text[PREFIX.len()..].split_once(',').ok_or(LineError::Malformed)?;
    Ok((number.parse().map_err(|_| LineError::Malformed)?, body))
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;
    use crate::SCHEMA_VERSION;
    use crate::check::Outcomes;
    use crate::order::Places;
    use crate::record::{Event, Pairs, Support, Words, count_length, count_room};
    use crate::scenario::{Axis, Scenario};

    /// One record of every type, in the form it is written.
    fn every_record() -> [Record<'static>; 25] {
        [
            Record::Start {
                schema: SCHEMA_VERSION,
                kernel: "0.1.0",
                plan_crc: 0xab,
                seed: u64::MAX,
                el: 2,
            },
            Record::Image {
                load: 0x4020_0000,
                size: 4096,
                runtime: 0x20_0000,
                case: "level1",
                flow: "new",
            },
            Record::Reg {
                pe: 0,
                name: "MIDR_EL1",
                value: 0x410f_d083,
            },
            Record::Clock {
                pe: 0,
                event: Event::TimerTicks,
                frequency: 62_500_000,
            },
            Record::Seq {
                id: "xen_head_new",
                words: 4,
            },
            Record::Words {
                id: "xen_head_new",
                offset: 0,
                words: Words::Slice(&[0xd503_369f, 1]),
            },
            Record::Skip {
                seq: "by_range",
                reason: "FEAT_TLBIRANGE is not implemented here",
            },
            Record::Phase {
                name: "measure",
                steps: 50,
            },
            Record::Boot {
                pe: 0,
                phase: "mmu_on",
                event: Event::Cycles,
                count: 12,
            },
            Record::Proof {
                name: "identity_faults",
                holds: true,
                detail: "translation fault level 1",
            },
            Record::Lost {
                pe: 1,
                mpidr: 0x8000_0100,
                reason: "did not answer for 20 s after it was started",
            },
            Record::Event {
                pe: 1,
                event: Event::DtlbWalk,
                support: Support::NotImplemented,
            },
            Record::Order {
                order: "thue-morse",
                block: 16,
                warmup: 8,
                places: Places::Batch,
            },
            Record::NoScenario {
                scenario: Scenario::PLAIN.with(Axis::Busy, 3),
                reason: "needs 4 PEs",
            },
            Record::Sample {
                seq: "old",
                scenario: Scenario::PLAIN.with(Axis::Live, 64),
                pe: 3,
                event: Event::Cycles,
                batch: 9,
                pairs: Pairs::Slice(&[(12_860, 1), (12_863, 7), (u64::MAX, u32::MAX)]),
            },
            Record::Sample {
                seq: "old",
                scenario: Scenario::PLAIN,
                pe: 3,
                event: Event::Cycles,
                batch: 9,
                pairs: Pairs::Text("12860,1,12863,7"),
            },
            Record::Batch {
                pe: 0,
                batch: 9,
                cycles: 1_000_000,
                ticks: 62_500,
                samples: 8000,
            },
            Record::Overhead {
                batch: 9,
                samples: 8000,
                timed: 120,
                bare: 100,
                words: 80,
            },
            Record::Outcome {
                check: "cowinvt_el2",
                seq: "none",
                role: "none",
                pe: 0,
                outcomes: Outcomes {
                    stale: 1,
                    new: 2,
                    fault: 3,
                    other: 4,
                },
            },
            Record::Pace {
                check: "cowinvt_el2",
                trials: 4000,
                ticks: 1 << 40,
            },
            Record::Verdict {
                check: "cowinvt_el2",
                seq: "old",
                class: "pass",
                reason: "never stale",
            },
            Record::Exception {
                phase: "boot",
                vector: "sync",
                el: 2,
                esr: 1,
                elr: 2,
                far: u64::MAX,
            },
            Record::Fatal {
                phase: "boot",
                message: "the two maps clash",
            },
            Record::End {
                pass: false,
                lines: 14,
                samples: 200_000,
            },
            Record::End {
                pass: true,
                lines: 15,
                samples: 0,
            },
        ]
    }

    fn write_all(records: &[Record<'_>]) -> String {
        let mut writer = LineWriter::new(String::new());
        records.iter().for_each(|record| writer.record(record).unwrap());
        writer.out
    }

    #[test]
    fn every_record_reads_back_as_the_same_text() {
        let records = every_record();
        let stream = write_all(&records);
        for (n, (line, record)) in stream.lines().zip(&records).enumerate() {
            let (number, body) = parse_line(line).unwrap();
            assert_eq!(number as usize, n);
            assert_eq!(
                std::format!("{}", Record::parse(body).unwrap()),
                std::format!("{record}")
            );
        }
    }

    #[test]
    fn a_cut_or_damaged_line_is_never_read() {
        let stream = write_all(&every_record());
        for line in stream.split_inclusive('\n') {
            let line = line.trim_end();
            for cut in 0..line.len() {
                assert!(parse_line(&line[..cut]).is_err(), "{}", &line[..cut]);
            }
            for at in 0..line.len() {
                let mut damaged = line.as_bytes().to_vec();
                damaged[at] ^= 1;
                assert!(parse_line(core::str::from_utf8(&damaged).unwrap()).is_err());
            }
        }
    }

    #[test]
    fn chatter_before_the_prefix_is_skipped() {
        let line = write_all(&[Record::End {
            pass: true,
            lines: 0,
            samples: 0,
        }]);
        assert_eq!(
            parse_line(&std::format!("U-Boot> {line}")).unwrap(),
            (0, "end,pass,0,0")
        );
        assert_eq!(parse_line("NOTICE:  BL31: v2.10"), Err(LineError::NotOurs));
    }

    #[test]
    fn fields_that_are_missing_or_malformed_are_named() {
        use crate::record::RecordError;
        assert_eq!(Record::parse("boom"), Err(RecordError::UnknownType));
        assert_eq!(Record::parse("reg,0,MIDR_EL1"), Err(RecordError::MissingField(4)));
        assert_eq!(Record::parse("reg,x,MIDR_EL1,0x0"), Err(RecordError::BadField(2)));
        assert_eq!(Record::parse("sample,old,0,cycles,0,12"), Err(RecordError::BadField(6)));
        assert_eq!(
            Record::parse("sample,old,0,cycles,0,12,x"),
            Err(RecordError::BadField(6))
        );
        assert_eq!(
            Record::parse("counts,old,plain,0,cycles,0,12,3x"),
            Err(RecordError::BadField(7))
        );
        assert_eq!(
            Record::parse("counts,old,live_0,0,cycles,0,12"),
            Err(RecordError::BadField(3))
        );
        assert_eq!(Record::parse("words,old,0,xyz"), Err(RecordError::BadField(4)));
    }

    #[test]
    fn a_kernel_that_does_not_say_how_long_stubs_stay_keeps_them_for_the_run() {
        let places = |body| match Record::parse(body) {
            Ok(Record::Order { places, .. }) => Ok(places),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        };
        assert_eq!(places("order,abba,2,8"), Ok(Places::Run));
        assert_eq!(places("order,abba,2,8,batch"), Ok(Places::Batch));
        assert_eq!(places("order,abba,2,8,batch,later"), Ok(Places::Batch));
        assert_eq!(
            places("order,abba,2,8,hour"),
            Err(crate::record::RecordError::BadField(5))
        );
    }

    #[test]
    fn counts_of_both_versions_mean_what_was_counted() {
        let pairs = |body| {
            let Ok(Record::Sample { pairs, scenario, .. }) = Record::parse(body) else {
                panic!("{body}")
            };
            let mut all = std::vec::Vec::new();
            pairs.for_each(|value, count| all.push((value, count)));
            (scenario, all)
        };
        let expected = std::vec![(3300, 12), (3301, 1), (3309, 4)];
        let live = Scenario::PLAIN.with(Axis::Live, 64);
        assert_eq!(
            pairs("counts,old,live_64,0,cycles,7,3300x12,1,8x4"),
            (live, expected.clone())
        );
        assert_eq!(
            pairs("sample,old,0,cycles,7,3300,12,3301,1,3309,4"),
            (Scenario::PLAIN, expected)
        );
    }

    #[test]
    fn the_room_in_a_line_of_counts_is_known_before_it_is_written() {
        let scenario = Scenario::PLAIN.with(Axis::Live, 1024);
        let record = |pairs| Record::Sample {
            seq: "xen_head_old",
            scenario,
            pe: 7,
            event: Event::L1dTlbRefill,
            batch: u32::MAX,
            pairs,
        };
        let room = count_room("xen_head_old", scenario, Event::L1dTlbRefill);
        let mut values = std::vec![(987_654_321, 1)];
        let mut length = count_length(987_654_321, 1);
        while length + count_length(13, 1234) <= room {
            length += count_length(13, 1234);
            values.push((values[values.len() - 1].0 + 13, 1234));
        }
        let mut writer = LineWriter::resume(String::new(), u32::MAX - 1);
        writer.record(&record(Pairs::Slice(&values))).unwrap();
        assert_eq!(writer.out.len(), MAX_LINE - (room - length));
        assert!(values.len() > 40);
    }

    #[test]
    fn the_checksum_is_the_one_everybody_knows() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
