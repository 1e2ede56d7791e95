// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where one boot ends and the next begins, in the bytes of a console.
//!
//! A console outlives the boots it shows: it may be joined in the middle of one, and the board may be reset. Bytes are
//! cut in front of the line that holds a `start` record, so that everything in a piece is of one boot.

use results::wire::{Binding, MAX_LINE, PREFIX, parse_line};

use super::lines::is_terminator;

/// Longest line held back until it is whole. What is longer holds no start record, or chatter of many screens before it.
const LIMIT: usize = 8 * MAX_LINE;
/// Lines over which a start record may be wrapped.
const MAX_PIECES: usize = 4;

/// A piece of a console.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A boot begins with the next bytes.
    Start,
    /// Bytes, whole lines unless a line is very long.
    Bytes(&'a [u8]),
}

/// What is known of the boot that is being handed on.
#[derive(Debug, Clone, Copy)]
struct Current {
    binding: Binding,
    /// The highest line number.
    last: u32,
    ended: bool,
}

/// Cuts a console at the starts of boots. Every byte is handed on, in order.
///
/// In the middle of a boot a start line may also be a copy of the first one, or of a boot that is elsewhere. Then the
/// next line is still of the boot that goes on, and nothing is cut: so the start line waits for it.
#[derive(Debug, Default)]
pub struct Cutter {
    /// Whole lines that may be the beginning of a wrapped start record, and the line that is arriving.
    held: Vec<u8>,
    /// Where in it the line that is arriving begins.
    line: usize,
    /// How many whole lines are in it.
    pieces: usize,
    current: Option<Current>,
    /// The binding that the waiting start line brings.
    undecided: Option<Binding>,
    /// The waiting start line, and what came after it.
    waiting: Vec<u8>,
}

impl Cutter {
    /// Takes bytes and calls `f` with every piece they complete.
    pub fn push<E>(&mut self, bytes: &[u8], mut f: impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        for part in bytes.split_inclusive(|&byte| is_terminator(byte)) {
            self.held.extend_from_slice(part);
            if part.last().copied().is_some_and(is_terminator) {
                self.line_is_whole(&mut f)?;
            } else if self.held.len() > LIMIT {
                self.release(&mut f)?;
            }
        }
        Ok(())
    }

    /// Hands on what is held: there will be no more.
    pub fn finish<E>(&mut self, mut f: impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.line < self.held.len() {
            self.line_is_whole(&mut f)?;
        }
        self.release(&mut f)?;
        self.decide(true, &mut f)
    }

    fn line_is_whole<E>(&mut self, f: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        let blank = self.held[self.line..].iter().copied().all(is_terminator);
        if blank && self.pieces > 0 {
            // The second byte of a terminator.
            self.line = self.held.len();
            return Ok(());
        }
        let line = text(&self.held[self.line..]);
        if self.pieces > 0 && line.contains(PREFIX) {
            // What was held is not continued by a line that begins a record of its own.
            let rest = self.held.split_off(self.line);
            self.release(f)?;
            self.held = rest;
        }
        let all = text(&self.held);
        let current = self.current;
        match parse_line(&all, current.map_or(Binding::NONE, |current| current.binding)) {
            Ok((number, body)) => {
                match Binding::of_first(number, body).filter(|_| body.starts_with("start,")) {
                    Some(binding) => self.start(binding, f)?,
                    None => self.record(number, body, f)?,
                }
                self.release(f)
            }
            // A start record is the first of its stream; no other line is worth holding back.
            Err(_) if self.pieces < MAX_PIECES && may_become_a_start(&all) => {
                self.pieces += 1;
                self.line = self.held.len();
                Ok(())
            }
            Err(_) => {
                if all.contains(PREFIX) {
                    // No line of the boot that was there.
                    self.decide(true, f)?;
                }
                self.release(f)
            }
        }
    }

    /// Takes note of a start line.
    fn start<E>(&mut self, binding: Binding, f: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        self.decide(true, f)?;
        let going_on = |current: &Current| !current.ended && current.binding != Binding::NONE;
        if binding != Binding::NONE && self.current.as_ref().is_some_and(going_on) {
            self.undecided = Some(binding);
            return Ok(());
        }
        self.begin(binding);
        f(Piece::Start)
    }

    /// Takes note of any other line of the current boot.
    fn record<E>(&mut self, number: u32, body: &str, f: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        if let Some(current) = &mut self.current {
            // A boot that is the same in everything says what was said before.
            let again = self.undecided == Some(current.binding) && number <= current.last;
            if !again {
                current.last = current.last.max(number);
                current.ended |= body.starts_with("end,");
            }
            self.decide(again, f)?;
        }
        Ok(())
    }

    fn begin(&mut self, binding: Binding) {
        self.current = Some(Current {
            binding,
            last: 0,
            ended: false,
        });
    }

    /// Hands on the start line that waits, if there is one, as the beginning of a boot or not.
    fn decide<E>(&mut self, is_start: bool, f: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        let Some(binding) = self.undecided.take() else {
            return Ok(());
        };
        if is_start {
            self.begin(binding);
            f(Piece::Start)?;
        }
        f(Piece::Bytes(&std::mem::take(&mut self.waiting)))
    }

    fn release<E>(&mut self, f: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        (self.line, self.pieces) = (0, 0);
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            Ok(())
        } else if self.undecided.is_none() {
            f(Piece::Bytes(&held))
        } else {
            self.waiting.extend_from_slice(&held);
            if self.waiting.len() > LIMIT {
                self.decide(true, f)?;
            }
            Ok(())
        }
    }
}

/// Returns the text of lines without their terminators.
fn text(bytes: &[u8]) -> String {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|&byte| !is_terminator(byte)).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn may_become_a_start(line: &str) -> bool {
    const BEGINNING: &str = "TLB,0,start,";
    let Some(at) = line.rfind(PREFIX) else { return false };
    let line = &line[at..];
    line.starts_with(BEGINNING) || BEGINNING.starts_with(line)
}

#[cfg(test)]
mod tests {
    use results::record::Record;
    use results::wire::LineWriter;

    use super::*;

    fn start() -> String {
        let mut writer = LineWriter::new(String::new());
        let record = Record::Start {
            schema: 2,
            kernel: "0.1.0",
            plan_crc: 7,
            seed: u64::MAX,
            el: 2,
            nonce: 0,
        };
        writer.record(&record).unwrap();
        std::mem::take(writer.get_mut())
    }

    /// Returns the bytes of each boot; the first is what came before any.
    fn boots(chunks: &[&[u8]]) -> Vec<String> {
        let (mut cutter, mut boots) = (Cutter::default(), vec![Vec::new()]);
        let mut take = |piece: Piece<'_>| {
            match piece {
                Piece::Start => boots.push(Vec::new()),
                Piece::Bytes(bytes) => boots.last_mut().unwrap().extend_from_slice(bytes),
            }
            Ok::<(), ()>(())
        };
        for chunk in chunks {
            cutter.push(chunk, &mut take).unwrap();
        }
        cutter.finish(&mut take).unwrap();
        boots.into_iter().map(|boot| String::from_utf8(boot).unwrap()).collect()
    }

    #[test]
    fn a_boot_begins_with_the_line_of_its_start() {
        let start = start();
        let console = format!("U-Boot\r\n{start}TLB,1,x\r\nend\r\n> {start}TLB,1,y\r\n");
        let expected = [
            "U-Boot\r\n",
            &format!("{start}TLB,1,x\r\nend\r\n"),
            &format!("> {start}TLB,1,y\r\n"),
        ];
        assert_eq!(boots(&[console.as_bytes()]), expected);
        let bytes: Vec<&[u8]> = console.as_bytes().chunks(1).collect();
        assert_eq!(boots(&bytes), expected);
    }

    #[test]
    fn a_wrapped_start_is_a_start() {
        let start = start();
        for columns in [20, 40] {
            let lines: Vec<&str> = start
                .trim_end()
                .as_bytes()
                .chunks(columns)
                .map(|c| std::str::from_utf8(c).unwrap())
                .collect();
            for terminator in ["\n", "\r\n", "\r"] {
                let wrapped = lines.join(terminator) + terminator;
                let expected = ["noise\n", &format!("{wrapped}rest")];
                assert_eq!(boots(&[format!("noise\n{wrapped}rest").as_bytes()]), expected);
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_start_is_handed_on() {
        for console in [
            "TLB,0,start,2\nchatter\nmore\nand more\nand more\nTLB,0,start,",
            "TLB,0,st\nTLB,4,x\n",
            "TLB,",
        ] {
            assert_eq!(boots(&[console.as_bytes()]), [console]);
        }
        let endless = "x".repeat(100_000);
        assert_eq!(boots(&[endless.as_bytes(), b"y"]), [endless.clone() + "y"]);
    }
}
