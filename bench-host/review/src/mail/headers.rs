// SPDX-License-Identifier: MIT OR Apache-2.0
//! Header blocks: the subject of a mail, and how its parts are encoded.

use super::part::{Encoding, Part};
use super::{Lines, Text};
use std::io::{self, BufRead};

/// Bytes of a header block that are looked at.
const MAX_HEADERS: usize = 256 * 1024;

impl<R: BufRead> Lines<R> {
    /// Reads a header block up to its empty line.
    pub(super) fn headers(&mut self, first: Option<&[u8]>, message: bool) -> io::Result<()> {
        let mut block = Vec::new();
        if let Some(line) = first {
            block.extend_from_slice(line);
            block.push(b'\n');
        }
        let mut rest = None;
        while let Some(line) = self.raw_line()? {
            if line.is_empty() {
                break;
            }
            let folded = line[0] == b' ' || line[0] == b'\t';
            if !folded && !is_header(&line) && !line.starts_with(b"From ") && !line.starts_with(b">From ") {
                // The empty line is missing: the text starts here.
                rest = Some(line);
                break;
            }
            if block.len() + line.len() < MAX_HEADERS && !(line.starts_with(b"From ") || line.starts_with(b">From ")) {
                block.extend_from_slice(&line);
                block.push(b'\n');
            }
        }
        block.push(b'\n');
        let mut part = Part::PLAIN;
        let mut subject = String::new();
        if let Ok((headers, _)) = mailparse::parse_headers(&block) {
            for header in headers {
                let value = header.get_value();
                match header.get_key().to_ascii_lowercase().as_str() {
                    "subject" => subject = value.split_whitespace().collect::<Vec<_>>().join(" "),
                    "content-transfer-encoding" => {
                        part.encoding = match value.trim().to_ascii_lowercase().as_str() {
                            "quoted-printable" => Encoding::QuotedPrintable,
                            "base64" => Encoding::Base64,
                            _ => Encoding::Plain,
                        }
                    }
                    "content-type" => {
                        let content = mailparse::parse_content_type(&value);
                        if let Some(boundary) = content.params.get("boundary").filter(|b| !b.is_empty()) {
                            self.boundaries.push(boundary.clone());
                        }
                        part.charset = content.params.get("charset").cloned();
                    }
                    _ => {}
                }
            }
        }
        self.part = part;
        self.previous_blank = true;
        if message {
            self.ready.push_back(Text::Message(subject));
        }
        if let Some(line) = rest {
            self.body(&line);
        }
        Ok(())
    }
}

/// Returns whether a line is `From someone Thu Jan  1 00:00:00 1970`, the separator of mbox and `git format-patch`.
pub(super) fn is_mbox_separator(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let words: Vec<_> = text.split_whitespace().collect();
    let year = |word: &&str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    words.len() >= 6 && words.iter().any(|word| word.contains(':')) && words.iter().skip(4).any(year)
}

/// Returns the commit in `From 0123... Mon Sep 17 00:00:00 2001`; empty where that is somebody's address.
pub(super) fn commit_of(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let word = text.split_whitespace().nth(1).unwrap_or_default();
    let is_id = matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id {
        word.to_ascii_lowercase()
    } else {
        String::new()
    }
}

/// Returns whether a line looks like `Name: value`, the name being one of a mail's.
pub(super) fn is_header(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return false;
    };
    let name = &line[..colon];
    let value_apart = matches!(line.get(colon + 1), None | Some(b' ' | b'\t'));
    !name.is_empty()
        && name.len() <= 64
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && (value_apart || name.contains(&b'-'))
}
