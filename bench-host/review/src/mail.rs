// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of text out of the bytes of a patch, a mail, an mbox or a saved page.
//!
//! Works line by line, so that a mailbox of any size needs the memory of one line and one header block. It is
//! tolerant on purpose: what does not decode stays as it is, and [`Lines::notes`] says so.

mod headers;
mod html;
mod part;

use crate::loss::{Loss, Notes};
use headers::{commit_of, is_header, is_mbox_separator};
use html::Html;
use part::{Encoding, Part};
use std::io::{self, BufRead, Read};

/// Bytes of one line that are kept: no source line is longer, and a file without line ends must not fill the memory.
pub const MAX_LINE: usize = 64 * 1024;

/// A line, or the start of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// A message starts; its subject, decoded and unfolded, is empty where it has none.
    Message(String),
    /// The rest of the line that follows is lost.
    Cut,
    /// A line of text without its line end.
    Line(String),
}

/// Reads text lines from bytes.
pub struct Lines<R> {
    input: R,
    part: Part,
    boundaries: Vec<String>,
    /// Decoded bytes of a quoted-printable or base64 part that have no line end yet.
    carry: Vec<u8>,
    /// Base64 characters that do not make a group of four yet.
    group: Vec<u8>,
    ready: std::collections::VecDeque<Text>,
    html: Option<Html>,
    previous_blank: bool,
    first: bool,
    ended: bool,
    notes: Notes,
    /// The commit that the separator before this message names, as `git format-patch` and `git log` write it.
    commit: String,
}

impl<R: BufRead> Lines<R> {
    /// Starts reading.
    pub fn new(input: R) -> Self {
        Self {
            input,
            part: Part::PLAIN,
            boundaries: Vec::new(),
            carry: Vec::new(),
            group: Vec::new(),
            ready: std::collections::VecDeque::new(),
            html: None,
            previous_blank: true,
            first: true,
            ended: false,
            notes: Notes::default(),
            commit: String::new(),
        }
    }

    /// Returns the commit that the message at hand says it is; empty where it says none.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// Returns what had to be left out or guessed so far.
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Returns the next line or message start; `None` at the end.
    pub fn next_text(&mut self) -> io::Result<Option<Text>> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Ok(Some(text));
            }
            if self.ended {
                return Ok(None);
            }
            match self.raw_line()? {
                Some(line) => self.take(&line)?,
                None => {
                    self.ended = true;
                    self.flush();
                }
            }
        }
    }

    /// Reads one line of at most [`MAX_LINE`] bytes, without its line end; the rest of a longer line is skipped.
    fn raw_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let limit = MAX_LINE as u64 + 1;
        if (&mut self.input).take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') && line.len() > MAX_LINE {
            if self.html.is_some() || self.part.encoding == Encoding::Base64 {
                // Whatever came behind it, a diff or none.
                self.notes.lose(None, Loss::LongLine { kept: MAX_LINE });
            } else {
                self.ready.push_back(Text::Cut);
            }
            self.skip_line()?;
        }
        while let Some(b'\n' | b'\r') = line.last() {
            line.pop();
        }
        Ok(Some(line))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let (used, done) = match buffer.iter().position(|&byte| byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.input.consume(used);
            if done {
                return Ok(());
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let first = std::mem::take(&mut self.first);
        if first {
            let start = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).to_ascii_lowercase();
            let start = start.trim_ascii_start();
            if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
                self.html = Some(Html::default());
            }
        }
        if self.html.is_none() {
            let separator = line.starts_with(b"From ") && (self.previous_blank || first) && is_mbox_separator(line);
            if separator || first && is_header(line) {
                self.flush();
                self.part = Part::PLAIN;
                self.boundaries.clear();
                self.commit = if separator { commit_of(line) } else { String::new() };
                return self.headers((!separator).then_some(line), true);
            }
            if line.starts_with(b"--") && self.is_boundary(line) {
                self.flush();
                self.part = Part::PLAIN;
                if !line.ends_with(b"--") {
                    return self.headers(None, false);
                }
                return Ok(());
            }
        }
        self.previous_blank = line.iter().all(u8::is_ascii_whitespace);
        self.body(line);
        Ok(())
    }

    fn is_boundary(&self, line: &[u8]) -> bool {
        let name = &line[2..];
        let name = name.trim_ascii_end();
        let closed = name.strip_suffix(b"--").unwrap_or(name);
        self.boundaries
            .iter()
            .any(|boundary| [name, closed].contains(&boundary.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    fn read(bytes: &[u8]) -> (Vec<Text>, Notes) {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(text) = lines.next_text().unwrap() {
            all.push(text);
        }
        (all, lines.notes().clone())
    }

    fn lines(bytes: &[u8]) -> Vec<String> {
        let line = |text| match text {
            Text::Line(line) => Some(line),
            Text::Message(_) | Text::Cut => None,
        };
        read(bytes).0.into_iter().filter_map(line).collect()
    }

    #[test]
    fn plain_text_stays_with_either_line_end() {
        assert_eq!(lines(b"a\r\n b \n\nc"), ["a", " b ", "", "c"]);
    }

    #[test]
    fn quoted_printable_is_undone() {
        let mail = b"From: a@b\nSubject: =?utf-8?q?f=C3=BCr?=\n x\nContent-Transfer-Encoding: quoted-printable\n\n\
            +\tdsb=20is=\nh=3D\n=C3=A9\n";
        let (texts, _) = read(mail);
        assert_eq!(texts[0], Text::Message("f\u{fc}r x".into()));
        assert_eq!(lines(mail), ["+\tdsb ish=", "\u{e9}"]);
    }

    #[test]
    fn base64_is_undone_whatever_its_line_length() {
        let text = BASE64.encode(b"+\tdsb ish\n+\tisb\n");
        let (a, b) = text.split_at(7);
        let mail = format!("Subject: x\nContent-Transfer-Encoding: base64\n\n{a}\n{b}\n");
        assert_eq!(lines(mail.as_bytes()), ["+\tdsb ish", "+\tisb"]);
        let cut = format!("Subject: x\nContent-Transfer-Encoding: base64\n\n{a}\n");
        let losses = read(cut.as_bytes()).1;
        assert_eq!(losses.kept_losses().next(), Some((None, &Loss::Base64End)));
    }

    #[test]
    fn parts_have_their_own_encoding() {
        let mail = b"Subject: x\nContent-Type: multipart/mixed; boundary=\"=_b\"\n\nhello\n--=_b\n\
            Content-Transfer-Encoding: quoted-printable\n\na=3Db\n--=_b\n\na=3Db\n--=_b--\n";
        assert_eq!(lines(mail), ["hello", "a=b", "a=3Db"]);
    }

    #[test]
    fn mailboxes_have_many_messages() {
        let mbox = b"From 0123 Mon Sep 17 00:00:00 2001\nSubject: one\n\na\n\nFrom x@y Thu Jan  1 00:00:00 1970\nSubject: two\n\nb\n";
        let (texts, _) = read(mbox);
        let subjects: Vec<_> = texts.iter().filter(|text| matches!(text, Text::Message(_))).collect();
        assert_eq!(subjects, [&Text::Message("one".into()), &Text::Message("two".into())]);
    }

    #[test]
    fn other_charsets_are_read() {
        assert_eq!(lines(b"caf\xe9"), ["caf\u{e9}"]);
        let mail = b"Subject: x\nContent-Type: text/plain; charset=koi8-r\n\n\xc1";
        assert_eq!(lines(mail), ["\u{430}"]);
    }

    #[test]
    fn endless_lines_are_cut() {
        let mut bytes = vec![b'x'; 3 * MAX_LINE];
        bytes.extend_from_slice(b"\nrest");
        let lines = lines(&bytes);
        assert_eq!((lines[0].len(), lines[1].as_str()), (MAX_LINE + 1, "rest"));
    }

    #[test]
    fn saved_pages_lose_their_tags() {
        let page = b"<!DOCTYPE html>\n<html><body><pre>diff --git a/x b/x\n<span class=\"add\">+\tlsr x0, x0, #12 // a &lt; b &amp;&#39;</span>\n</pre>";
        assert_eq!(
            lines(page)[1..3],
            ["diff --git a/x b/x", "+\tlsr x0, x0, #12 // a < b &'"]
        );
    }
}
