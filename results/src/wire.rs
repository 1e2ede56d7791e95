// SPDX-License-Identifier: MIT OR Apache-2.0
//! The line format: `TLB,<line number>,<type>,<fields...>,<crc>\r\n`.
//!
//! A serial line loses and damages bytes, and firmware or an emulator prints between our lines. So every line carries
//! a fixed prefix (to be found in chatter), a number (a gap is a lost line), and as its last field the CRC-32
//! (ISO-HDLC, 8 hexadecimal digits) of every byte before the comma in front of it. The explicit terminator and the
//! checksum also keep a reader that sees partial buffers from taking `1286` for `12860`.
//!
//! A checksum says that a line is whole, not whose it is: a terminal server that replays its buffer, or two logs in one
//! file, bring whole lines of another boot. So since version 4 the checksum of every line but the start line is combined
//! (exclusive or) with that of the start line, which has the plan's checksum and a number of this boot in it. A line of
//! another boot then fails its checksum as a damaged one does.

use core::fmt::{self, Write};

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

use crate::record::{BOUND_SINCE, Record};

/// The first bytes of every line of ours.
pub const PREFIX: &str = "TLB,";

/// The longest line written, in bytes, terminator included.
pub const MAX_LINE: usize = 512;

/// How the body of a start line begins.
const START: &str = "start,";

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Computes the checksum used by the wire and the plan (CRC-32/ISO-HDLC).
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// What binds the lines of a boot to its start line: that line's checksum, with which theirs are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Binding(u32);

impl Binding {
    /// No binding: the start line itself, and every line of a stream before version 4.
    pub const NONE: Self = Self(0);

    /// Returns the binding that line 0 brings, given its body: a start line of this version binds; that of an older one does
    /// not, nor does what a kernel says that never came to its start line. `None` for any other line.
    pub fn of_first(number: u32, body: &str) -> Option<Self> {
        if number != 0 {
            return None;
        }
        let schema = body.strip_prefix(START).and_then(|fields| fields.split(',').next());
        let schema: Option<u32> = schema.and_then(|schema| schema.parse().ok());
        if schema.is_none_or(|schema| schema < BOUND_SINCE) {
            return Some(Self::NONE);
        }
        let mut digest = CRC.digest();
        for part in [PREFIX, "0,", body] {
            digest.update(part.as_bytes());
        }
        Some(Self(digest.finalize()))
    }

    /// Returns the number of a line, and the binding with which its checksum would be right. Lines that agree on one are
    /// of one boot, even if its start line is lost.
    pub fn apparent(line: &str) -> Option<(u32, Self)> {
        let line = line.trim_end_matches(['\r', '\n']);
        line.rmatch_indices(PREFIX).find_map(|(at, _)| {
            let fields = Fields::of(&line[at..]).ok()?;
            Some((fields.number, Self(fields.carried ^ fields.computed)))
        })
    }

    /// Returns it as a number, for [`Self::from_bits`].
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns the binding of this number.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// Writes records as numbered, checksummed lines.
#[derive(Debug)]
pub struct LineWriter<W> {
    out: W,
    next: u32,
    binding: Binding,
}

impl<W: Write> LineWriter<W> {
    /// Creates a writer whose first line is number 0.
    pub const fn new(out: W) -> Self {
        Self::resume(out, 0, Binding::NONE)
    }

    /// Creates a writer that goes on after `lines` lines, the first of which brought this binding.
    pub const fn resume(out: W, lines: u32, binding: Binding) -> Self {
        Self {
            out,
            next: lines,
            binding,
        }
    }

    /// Returns what the start line has bound the others to.
    pub const fn binding(&self) -> Binding {
        self.binding
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
        let mut crc = line.digest.finalize();
        match record {
            Record::Start { schema, .. } if *schema >= BOUND_SINCE => self.binding = Binding(crc),
            Record::Start { .. } => self.binding = Binding::NONE,
            _ => crc ^= self.binding.0,
        }
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

/// Splits a console line into its line number and body (`<type>,<fields...>`), once its checksum is proven: that of a line
/// with this binding, or of line 0, which has none.
///
/// Chatter in front of the prefix on the same line is skipped: firmware does not always end its last line.
pub fn parse_line(line: &str, binding: Binding) -> Result<(u32, &str), LineError> {
    let line = line.trim_end_matches(['\r', '\n']);
    let mut error = LineError::NotOurs;
    // From the right, for a line may hold a record after the rest of one that was cut; but the last prefix may be the end
    // of a text field too (`... of this TLB,<crc>`), and then it is another one that counts.
    for (at, _) in line.rmatch_indices(PREFIX) {
        match parse_record(&line[at..], binding) {
            Ok(parsed) => return Ok(parsed),
            Err(why) if error == LineError::NotOurs => error = why,
            Err(_) => {}
        }
    }
    Err(error)
}

/// Splits a line that begins with the prefix.
fn parse_record(line: &str, binding: Binding) -> Result<(u32, &str), LineError> {
    let fields = Fields::of(line)?;
    let binding = if fields.number == 0 { Binding::NONE } else { binding };
    let computed = fields.computed ^ binding.0;
    if fields.carried == computed {
        Ok((fields.number, fields.body))
    } else {
        let carried = fields.carried;
        Err(LineError::Checksum { carried, computed })
    }
}

/// The fields of a line that begins with the prefix, not verified.
struct Fields<'a> {
    number: u32,
    body: &'a str,
    carried: u32,
    /// The checksum of the text, without a binding.
    computed: u32,
}

impl<'a> Fields<'a> {
    fn of(line: &'a str) -> Result<Self, LineError> {
        let (text, crc) = line.rsplit_once(',').ok_or(LineError::Malformed)?;
        // A sign, which the standard library would take, is none of the digits.
        if crc.len() != 8 || !crc.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(LineError::Malformed);
        }
        let carried = u32::from_str_radix(crc, 16).map_err(|_| LineError::Malformed)?;
        let fields = text.strip_prefix(PREFIX).ok_or(LineError::Malformed)?;
        let (number, body) = fields.split_once(',').ok_or(LineError::Malformed)?;
        Ok(Self {
            number: number.parse().map_err(|_| LineError::Malformed)?,
            body,
            carried,
            computed: crc32(text.as_bytes()),
        })
    }
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
    fn every_record() -> [Record<'static>; 27] {
        [
            Record::Start {
                schema: SCHEMA_VERSION,
                kernel: "0.1.0",
                plan_crc: 0xab,
                seed: u64::MAX,
                el: 2,
                nonce: 0x1234_5678_9abc_def0,
            },
            Record::Image {
                load: 0x4020_0000,
                size: 4096,
                runtime: 0x20_0000,
                case: "level1",
                flow: "new",
            },
            Record::Machine {
                model: "Raspberry Pi 4 Model B Rev 1.4",
                compatible: "raspberrypi/4-model-b brcm/bcm2711",
                firmware: "",
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
                seq: "",
            },
            Record::Exception {
                phase: "proof",
                vector: "watchdog",
                el: 2,
                esr: 0,
                elr: 2,
                far: 0,
                seq: "old",
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
        let mut binding = Binding::NONE;
        for (n, (line, record)) in stream.lines().zip(&records).enumerate() {
            let (number, body) = parse_line(line, binding).unwrap();
            binding = Binding::of_first(number, body).unwrap_or(binding);
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
        let start = stream.lines().next().unwrap();
        let binding = Binding::of_first(0, parse_line(start, Binding::NONE).unwrap().1).unwrap();
        for line in stream.split_inclusive('\n') {
            let line = line.trim_end();
            for cut in 0..line.len() {
                assert!(parse_line(&line[..cut], binding).is_err(), "{}", &line[..cut]);
            }
            for at in 0..line.len() {
                let mut damaged = line.as_bytes().to_vec();
                damaged[at] ^= 1;
                assert!(parse_line(core::str::from_utf8(&damaged).unwrap(), binding).is_err());
            }
        }
    }

    #[test]
    fn a_line_of_another_boot_is_none_of_this_one() {
        let boot = |schema, plan_crc, nonce| {
            let mut records = every_record();
            records[0] = Record::Start {
                schema,
                kernel: "0.1.0",
                plan_crc,
                seed: 1,
                el: 2,
                nonce,
            };
            write_all(&records)
        };
        let binding = |stream: &str| {
            let (number, body) = parse_line(stream.lines().next().unwrap(), Binding::NONE).unwrap();
            Binding::of_first(number, body).unwrap()
        };
        let this = boot(4, 1, 7);
        for other in [boot(4, 2, 7), boot(4, 1, 8), boot(3, 1, 7)] {
            for line in other.lines().skip(1) {
                assert!(parse_line(line, binding(&this)).is_err(), "{line}");
            }
            for line in this.lines().skip(1) {
                assert!(parse_line(line, binding(&other)).is_err(), "{line}");
                assert_eq!(Binding::apparent(line).unwrap().1, binding(&this));
            }
            // But each says by itself that it begins a boot.
            assert!(parse_line(other.lines().next().unwrap(), binding(&this)).is_ok());
        }
        assert_eq!(binding(&boot(3, 1, 7)), Binding::NONE);
    }

    #[test]
    fn chatter_before_the_prefix_is_skipped() {
        let line = write_all(&[Record::End {
            pass: true,
            lines: 0,
            samples: 0,
        }]);
        assert_eq!(
            parse_line(&std::format!("U-Boot> {line}"), Binding::NONE).unwrap(),
            (0, "end,pass,0,0")
        );
        assert_eq!(
            parse_line("NOTICE:  BL31: v2.10", Binding::NONE),
            Err(LineError::NotOurs)
        );
    }

    #[test]
    fn a_field_may_end_like_the_prefix() {
        let line = write_all(&[Record::Fatal {
            phase: "boot",
            message: "no room in the TLB",
        }]);
        let body = "fatal,boot,no room in the TLB";
        assert_eq!(parse_line(&line, Binding::NONE).unwrap(), (0, body));
        // Also behind the rest of a line that was cut, and with damage in front.
        assert_eq!(
            parse_line(&std::format!("TLB,7,cou{line}"), Binding::NONE).unwrap(),
            (0, body)
        );
        assert!(parse_line(&line.replace("room", "rooN"), Binding::NONE).is_err());
    }

    #[test]
    fn a_string_from_outside_stays_within_its_field() {
        let model: String = b"Acme, \x07board\xff\n"
            .map(|b| char::from(crate::record::text_byte(b)))
            .iter()
            .collect();
        assert_eq!(model, "Acme/ ?board??");
        let longest = "x".repeat(crate::record::MAX_MACHINE_FIELD);
        let record = Record::Machine {
            model: &longest,
            compatible: &longest,
            firmware: &longest,
        };
        assert!(write_all(&[record]).len() < MAX_LINE);
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
        let mut writer = LineWriter::resume(String::new(), u32::MAX - 1, Binding::NONE);
        writer.record(&record(Pairs::Slice(&values))).unwrap();
        assert_eq!(writer.out.len(), MAX_LINE - (room - length));
        assert!(values.len() > 40);
    }

    #[test]
    fn the_checksum_is_the_one_everybody_knows() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
