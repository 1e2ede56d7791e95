// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file or a pipe, chunk by chunk.
//!
//! Plain reads into one buffer that stays in the cache: mapping the file instead would make all of it count as memory
//! in use, and a pipe cannot be mapped.

use std::io::{self, ErrorKind, Read};

use super::marks::{CHUNK, Marks, SLACK, Text};
use super::plain::Chunk;

/// The chunk being read.
#[derive(Debug)]
pub struct Source {
    text: Box<Text>,
    /// Bytes of text in the chunk.
    len: usize,
    /// Bytes of it that were dealt with.
    at: usize,
    /// The line of the byte at `at`, counted from 1.
    line: u64,
    /// Bytes in all chunks so far.
    bytes: u64,
    fills: u64,
    ended: bool,
    last: u8,
    marks: Marks,
}

impl Source {
    /// Creates an empty buffer.
    pub fn new() -> Self {
        Self {
            text: Box::new([0; CHUNK + SLACK]),
            len: 0,
            at: 0,
            line: 1,
            bytes: 0,
            fills: 0,
            ended: false,
            last: b'\n',
            marks: Marks::new(),
        }
    }

    /// Begins another file.
    pub fn begin(&mut self) {
        (self.len, self.at, self.line, self.bytes) = (0, 0, 1, 0);
        (self.ended, self.last) = (false, b'\n');
    }

    /// Moves what is left of the chunk to its beginning, and reads until it is full or the file ends.
    pub fn fill(&mut self, from: &mut dyn Read) -> io::Result<()> {
        self.text.copy_within(self.at..self.len, 0);
        (self.len, self.at) = (self.len - self.at, 0);
        self.fills += 1;
        while !self.ended && self.len < CHUNK {
            match from.read(&mut self.text[self.len..CHUNK]) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    self.len += read;
                    self.bytes += read as u64;
                    self.last = self.text[self.len - 1];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // What follows the text is loaded with it, and must not look like a comma.
        self.text[self.len..self.len + SLACK].fill(b'x');
        Ok(())
    }

    /// Finds the marks of the chunk.
    pub fn mark(&mut self) {
        self.marks.find(&self.text, self.len);
    }

    /// Returns the chunk.
    pub fn chunk(&self) -> Chunk<'_> {
        Chunk {
            text: &self.text,
            marks: &self.marks,
            len: self.len,
        }
    }

    /// Returns what is left of the chunk.
    pub fn rest(&self) -> &[u8] {
        &self.text[self.at..self.len]
    }

    /// Returns where the rest begins.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Returns the line where the rest begins, counted from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Returns how many bytes were read.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns how often the buffer was filled.
    pub const fn fills(&self) -> u64 {
        self.fills
    }

    /// Goes on to a place of the chunk, so many lines further.
    pub const fn advance(&mut self, at: usize, lines: u64) {
        self.at = at;
        self.line += lines;
    }

    /// Goes on by so many bytes, and counts the lines in them.
    pub fn consume(&mut self, bytes: usize) {
        let consumed = &self.rest()[..bytes];
        let lines = consumed.iter().filter(|&&byte| byte == b'\n').count();
        self.advance(self.at + bytes, lines as u64);
    }

    /// Returns whether there is nothing after the chunk.
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether reading more cannot make the rest a whole row.
    pub const fn is_stuck(&self) -> bool {
        self.ended || (self.at == 0 && self.len == CHUNK)
    }

    /// Returns whether the file did not end with a line end.
    pub const fn is_cut(&self) -> bool {
        !matches!(self.last, b'\n' | b'\r')
    }
}
