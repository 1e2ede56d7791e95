// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes to lines, in bounded memory whatever a console prints.

use results::wire::MAX_LINE;

/// Longest line handed on. A record is at most [`MAX_LINE`]; what stands before it on its line may be cut.
const LIMIT: usize = 8 * MAX_LINE;

/// Splits a byte stream at line feeds and carriage returns. Empty lines are left out: they are what a terminator of two
/// or three bytes leaves.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes bytes and calls `f` with every line they complete, terminator excluded.
    pub fn push<E>(&mut self, mut bytes: &[u8], mut f: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|&byte| is_terminator(byte)) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.partial.is_empty() && line.is_empty() {
                continue;
            } else if self.partial.is_empty() && line.len() <= LIMIT {
                f(line)?;
            } else {
                self.keep(line);
                let line = std::mem::take(&mut self.partial);
                f(&line)?;
            }
        }
        self.keep(bytes);
        Ok(())
    }

    /// Returns what came after the last terminator.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }

    /// Appends to the unfinished line; when it is too long, its last part stays, for a record may end it.
    fn keep(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(LIMIT)..];
        let excess = (self.partial.len() + bytes.len()).saturating_sub(LIMIT);
        if excess > 0 {
            // Down to what a record can need, so that long lines do not move bytes at every call.
            let cut = excess
                .max(self.partial.len().saturating_sub(MAX_LINE))
                .min(self.partial.len());
            self.partial.drain(..cut);
        }
        self.partial.extend_from_slice(bytes);
    }
}

/// Returns whether a byte ends a line.
pub const fn is_terminator(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for chunk in chunks {
            let pushed = lines.push(chunk, |line| {
                out.push(line.to_vec());
                Ok::<(), ()>(())
            });
            pushed.unwrap();
            assert!(lines.partial.len() <= LIMIT);
        }
        (out, lines.finish())
    }

    #[test]
    fn lines_are_put_together_from_any_pieces() {
        let text = b"one\ntwo\r\n\nthree\r\r\nfour\rfive";
        let (whole, rest) = lines(&[text]);
        assert_eq!(whole, [&b"one"[..], b"two", b"three", b"four"]);
        assert_eq!(rest, b"five");
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(lines(&bytes), (whole, rest));
    }

    #[test]
    fn an_endless_line_keeps_its_end_only() {
        let junk = [b'x'; 100_000];
        let (out, rest) = lines(&[&junk, &junk, &junk, b"TLB,0,end", b"\nnext\n"]);
        assert_eq!(out.len(), 2);
        assert!(out[0].len() <= LIMIT && out[0].ends_with(b"xTLB,0,end"));
        assert_eq!((&out[1][..], &rest[..]), (&b"next"[..], &b""[..]));
    }
}
