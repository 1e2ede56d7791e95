// SPDX-License-Identifier: MIT OR Apache-2.0
//! Subjects of patches: `[PATCH v2 3/7] area: title`.

/// What a mail and the replies to it have in common: version, number, title.
pub type Key = (u32, Option<(u32, u32)>, String);

/// What a subject says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The mail answers another: `Re:`.
    pub reply: bool,
    /// The version of the series; 1 where none is named.
    pub version: u32,
    /// Which patch of how many; the cover letter is number 0.
    pub number: Option<(u32, u32)>,
    /// The text behind the brackets; empty where it was left as `git format-patch --cover-letter` writes it.
    pub title: &'a str,
}

impl<'a> Subject<'a> {
    /// Reads a subject.
    pub fn parse(text: &'a str) -> Self {
        let mut subject = Self {
            reply: false,
            version: 1,
            number: None,
            title: text.trim(),
        };
        loop {
            let lower = subject.title.get(..3).unwrap_or_default().to_ascii_lowercase();
            if lower == "re:" || lower == "aw:" || lower == "sv:" {
                subject.reply = true;
                subject.title = subject.title[3..].trim_start();
            } else if let Some((tag, rest)) = subject.title.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                tag.split_whitespace().for_each(|word| subject.word(word));
                subject.title = rest.trim_start();
            } else {
                break;
            }
        }
        if subject.title == "*** SUBJECT HERE ***" {
            subject.title = "";
        }
        subject
    }

    /// Takes a word between brackets; `PATCHv2` is two.
    fn word(&mut self, word: &str) {
        let version = word.rsplit(['v', 'V']).next().filter(|rest| rest.len() < word.len());
        if let Some((number, of)) = word.split_once('/') {
            if let (Ok(number), Ok(of)) = (number.parse(), of.parse()) {
                self.number = Some((number, of));
            }
        } else if let Some(Ok(version)) = version.map(str::parse) {
            self.version = version;
        }
    }

    /// Returns whether this is the letter that introduces a series.
    pub fn is_cover(&self) -> bool {
        !self.reply && matches!(self.number, Some((0, _)))
    }

    /// Returns what a mail and the replies to it have in common.
    pub fn key(&self) -> Key {
        (self.version, self.number, self.title.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read() {
        let parse = |text| {
            let Subject {
                reply,
                version,
                number,
                title,
            } = Subject::parse(text);
            (reply, version, number, title)
        };
        assert_eq!(parse("arm: x"), (false, 1, None, "arm: x"));
        assert_eq!(parse("[PATCH] arm: x"), (false, 1, None, "arm: x"));
        assert_eq!(
            parse("[PATCH v12 03/17] arm: [x] y"),
            (false, 12, Some((3, 17)), "arm: [x] y")
        );
        assert_eq!(parse("Re: [XEN][PATCHv2 1/2] x"), (true, 2, Some((1, 2)), "x"));
        assert_eq!(parse("RE: Re: [PATCH RFC 0/3] x"), (true, 1, Some((0, 3)), "x"));
        assert_eq!(parse("[PATCH 0/2] *** SUBJECT HERE ***"), (false, 1, Some((0, 2)), ""));
        assert_eq!(parse("[for-next/tlb] x"), (false, 1, None, "x"));
        assert_eq!(parse("[PATCH"), (false, 1, None, "[PATCH"));
        assert_eq!(parse(""), (false, 1, None, ""));
        assert_eq!(parse("\u{e9}\u{e9}"), (false, 1, None, "\u{e9}\u{e9}"));
    }
}
