// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header lines of a unified diff.

/// `@@ -line,count +line,count @@ section`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HunkHeader {
    /// First line and count before.
    pub(super) old: (u32, u32),
    /// First line and count after.
    pub(super) new: (u32, u32),
    /// The text behind.
    pub(super) section: String,
}

impl HunkHeader {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("@@ ")?;
        let (ranges, section) = rest.split_once("@@")?;
        let mut ranges = ranges.split_whitespace();
        let old = range(ranges.next()?.strip_prefix('-')?)?;
        let new = range(ranges.next()?.strip_prefix('+')?)?;
        Some(Self {
            old,
            new,
            section: section.trim().to_owned(),
        })
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// Returns the path of a `---` or `+++` line: without `a/`, `b/`, time stamp and quotes; empty for `/dev/null`.
pub(super) fn path_of(text: &str) -> String {
    let path = text.split('\t').next().unwrap_or_default().trim();
    let path = path
        .strip_prefix('"')
        .and_then(|path| path.strip_suffix('"'))
        .unwrap_or(path);
    if path == "/dev/null" {
        return String::new();
    }
    let bare = ["a/", "b/", "i/", "w/", "c/", "o/"]
        .into_iter()
        .find_map(|prefix| path.strip_prefix(prefix));
    bare.unwrap_or(path).to_owned()
}

/// Returns the two paths of `diff --git a/old b/new`.
pub(super) fn git_paths(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("diff --git ")?;
    let middle = rest.find(" b/").or_else(|| rest.find(' '))?;
    Some((path_of(&rest[..middle]), path_of(&rest[middle + 1..])))
}

/// Returns the path of `Binary files a/old and b/new differ`; empty where it names none.
pub(super) fn binary_path(line: &str) -> String {
    let names = line
        .strip_prefix("Binary files ")
        .and_then(|rest| rest.strip_suffix(" differ"));
    let Some((old, new)) = names.and_then(|names| names.split_once(" and ")) else {
        return String::new();
    };
    match path_of(new) {
        path if path.is_empty() => path_of(old),
        path => path,
    }
}

/// Returns whether a line is the hunk header of a merge, which has one `@` more for each parent more.
pub(super) fn is_combined(line: &str) -> bool {
    line.starts_with("@@@") && line.trim_start_matches('@').starts_with(' ')
}

/// Returns whether a line is `commit HASH`, and perhaps names of it, as `git log` and `git show` write it.
pub(super) fn is_commit(line: &str) -> bool {
    let rest = line.strip_prefix("commit ").unwrap_or_default();
    let hash = rest.split(' ').next().unwrap_or_default();
    matches!(hash.len(), 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether a line is the header of a context diff's hunk, `*** 1,5 ****`.
pub(super) fn is_context(line: &str) -> bool {
    let range = line.strip_prefix("*** ").and_then(|rest| rest.strip_suffix(" ****"));
    range.is_some_and(|range| !range.is_empty() && range.bytes().all(|byte| byte.is_ascii_digit() || byte == b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let header = HunkHeader::parse("@@ -301,6 +306,13 @@  real_start_efi:").unwrap();
        assert_eq!((header.old, header.new), ((301, 6), (306, 13)));
        assert_eq!(header.section, "real_start_efi:");
        assert_eq!(HunkHeader::parse("@@ -1 +1 @@").unwrap().old, (1, 1));
        assert_eq!(HunkHeader::parse("@@ -x +1 @@"), None);
        assert_eq!(HunkHeader::parse("@@ -1,99999999999 +1 @@"), None);
    }

    #[test]
    fn other_forms_are_told_by_their_headers() {
        for text in ["@@@ -1,5 -1,5 +1,4 @@@", "@@@@ -1,5 -1,5 -1,5 +1,4 @@@@ f"] {
            assert!(is_combined(text), "{text}");
        }
        assert!(!is_combined("@@ -1 +1 @@") && !is_combined("@@@"));
        assert!(is_context("*** 1,5 ****") && is_context("*** 7 ****") && !is_context("*** note ****"));
        assert_eq!(binary_path("Binary files a/x.png and b/x.png differ"), "x.png");
        assert_eq!(binary_path("Binary files a/x.png and /dev/null differ"), "x.png");
        assert_eq!(binary_path("GIT binary patch"), "");
    }

    #[test]
    fn paths_lose_their_prefix() {
        assert_eq!(path_of("a/x/y.S\t2020-01-01"), "x/y.S");
        assert_eq!(path_of("/dev/null"), "");
        assert_eq!(git_paths("diff --git a/x b/y"), Some(("x".into(), "y".into())));
    }
}
