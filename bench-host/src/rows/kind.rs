// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that are no plain text, known by their first bytes: without this, their bytes would be shown as column names.

/// What standard input is called in messages.
pub const STDIN: &str = "standard input";

/// Returns what a file is that cannot be read, and what to do about it.
pub fn of(beginning: &[u8], name: &str) -> Option<(&'static str, String)> {
    let starts = |magic: &[u8]| beginning.starts_with(magic);
    let unpack = |command: &str| match name {
        STDIN => format!("put `{command}` before it in the pipe"),
        _ => format!("{command} {name} | bench-host aggregate -"),
    };
    let found = match () {
        () if starts(&[0x1f, 0x8b]) => ("compressed by gzip", unpack("zcat")),
        () if starts(&[0x28, 0xb5, 0x2f, 0xfd]) => ("compressed by zstd", unpack("zstd -dc")),
        () if starts(b"\xfd7zXZ\0") => ("compressed by xz", unpack("xz -dc")),
        () if starts(b"BZh") && beginning.get(4..10) == Some(b"1AY&SY") => ("compressed by bzip2", unpack("bzcat")),
        () if starts(b"PK\x03\x04") => ("a zip archive", unpack("unzip -p")),
        () if starts(b"PAR1") => ("Parquet", "docs/export.md shows how to query such files".to_owned()),
        () if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) => ("UTF-16 text", unpack("iconv -f UTF-16 -t UTF-8")),
        () => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_never_taken_for_another_kind() {
        for text in ["", "BZh,PAR,PK\n", "seq,cycles\n", "\u{feff}seq,cycles\n", "BZh91AY"] {
            assert_eq!(of(text.as_bytes(), "f"), None, "{text}");
        }
        assert_eq!(
            of(&[0x1f, 0x8b, 8], "f.gz").unwrap().1,
            "zcat f.gz | bench-host aggregate -"
        );
        assert_eq!(
            of(&[0x1f, 0x8b, 8], STDIN).unwrap().1,
            "put `zcat` before it in the pipe"
        );
        assert_eq!(of(b"BZh91AY&SY.", "f.bz2").unwrap().0, "compressed by bzip2");
    }
}
