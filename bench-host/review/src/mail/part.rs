// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of a mail: transfer encodings and charsets undone.

use super::{Html, Lines, MAX_LINE, Text};
use crate::loss::{Loss, Remark};
use data_encoding::{BASE64, BASE64_NOPAD};
use quoted_printable::ParseMode;
use std::io::BufRead;

/// How the bytes of a part are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    QuotedPrintable,
    Base64,
}

/// How the lines of the current part are read.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) encoding: Encoding,
    pub(super) charset: Option<String>,
}

impl Part {
    /// Text as it is.
    pub(super) const PLAIN: Self = Self {
        encoding: Encoding::Plain,
        charset: None,
    };
}

impl<R: BufRead> Lines<R> {
    /// Takes a line of a part.
    pub(super) fn body(&mut self, line: &[u8]) {
        match self.part.encoding {
            Encoding::Plain => self.emit(line),
            Encoding::QuotedPrintable => {
                let trimmed = line.trim_ascii_end();
                let (text, soft) = match trimmed.strip_suffix(b"=") {
                    Some(text) => (text, true),
                    None => (line, false),
                };
                match quoted_printable::decode(text, ParseMode::Robust) {
                    Ok(bytes) => self.carry.extend_from_slice(&bytes),
                    Err(_) => {
                        self.notes.remark(None, Remark::NotQuotedPrintable);
                        self.carry.extend_from_slice(text);
                    }
                }
                if !soft || self.carry.len() > MAX_LINE {
                    let whole = std::mem::take(&mut self.carry);
                    self.emit(whole.strip_suffix(b"\r").unwrap_or(&whole));
                }
            }
            Encoding::Base64 => self.base64(line),
        }
    }

    fn base64(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if !line
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        {
            if !line.is_empty() {
                self.notes.remark(None, Remark::NotBase64);
                self.flush();
                self.emit(line);
            }
            return;
        }
        self.group.extend_from_slice(line);
        let whole = self.group.len() / 4 * 4;
        let rest = self.group.split_off(whole);
        let group = std::mem::replace(&mut self.group, rest);
        match BASE64.decode(&group) {
            Ok(bytes) => self.carry.extend_from_slice(&bytes),
            Err(_) => self.notes.lose(None, Loss::Base64Line),
        }
        while let Some(end) = self.carry.iter().position(|&byte| byte == b'\n') {
            let rest = self.carry.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.carry, rest);
            while let Some(b'\n' | b'\r') = line.last() {
                line.pop();
            }
            self.emit(&line);
        }
        if self.carry.len() > MAX_LINE {
            let line = std::mem::take(&mut self.carry);
            self.ready.push_back(Text::Cut);
            self.emit(&line[..MAX_LINE]);
        }
    }

    /// Gives out what a part holds without a line end.
    pub(super) fn flush(&mut self) {
        let group = std::mem::take(&mut self.group);
        if !group.is_empty() {
            if let Ok(bytes) = BASE64_NOPAD.decode(&group) {
                self.carry.extend_from_slice(&bytes);
            }
            self.notes.lose(None, Loss::Base64End);
        }
        let rest = std::mem::take(&mut self.carry);
        if !rest.is_empty() {
            self.emit(&rest);
        }
        if let Some(line) = self.html.as_mut().and_then(Html::finish) {
            self.ready.push_back(Text::Line(line));
        }
    }

    fn emit(&mut self, line: &[u8]) {
        let text = decode(line, self.part.charset.as_deref());
        match &mut self.html {
            Some(html) => self.ready.extend(html.feed(&text).into_iter().map(Text::Line)),
            None => self.ready.push_back(Text::Line(text)),
        }
    }
}

/// Decodes a line: UTF-8 if it is, else by its charset, else each byte as the Latin-1 character it is.
fn decode(line: &[u8], charset: Option<&str>) -> String {
    let named = || charset::Charset::for_label(charset?.as_bytes());
    match std::str::from_utf8(line) {
        // ISO-2022-JP and UTF-7 are ASCII on the outside.
        Ok(text) if charset.is_none_or(|name| !name.to_ascii_lowercase().starts_with("iso-2022")) => text.to_owned(),
        _ => match named() {
            Some(charset) => charset.decode(line).0.into_owned(),
            None => line.iter().map(|&byte| char::from(byte)).collect(),
        },
    }
}
