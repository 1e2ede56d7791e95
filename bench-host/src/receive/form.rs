// SPDX-License-Identifier: MIT OR Apache-2.0
//! The form of a record, whose checksum may be right whoever wrote it: a log is a file like any other.
//!
//! What a kernel writes is printable ASCII, and its names are made of few characters. So nothing in a stored run can
//! control a terminal, forge a line of KTAP, or be a path.

use results::record::Record;
use results::text::clean;

/// Returns what a kernel would not have written, in words that are harmless themselves.
pub fn wrong(body: &str, record: &Record<'_>) -> Option<String> {
    if !body.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some("it has characters that are not printable ASCII".to_owned());
    }
    let names: [&str; 2] = match *record {
        Record::Seq { id, .. } | Record::Words { id, .. } => [id, id],
        Record::Skip { seq, .. } | Record::Sample { seq, .. } => [seq, seq],
        Record::Outcome { check, seq, .. } | Record::Verdict { check, seq, .. } => [check, seq],
        Record::Pace { check, .. } => [check, check],
        Record::Reg { name, .. } | Record::Phase { name, .. } | Record::Proof { name, .. } => [name, name],
        Record::Boot { phase, .. } | Record::Fatal { phase, .. } => [phase, phase],
        Record::Exception {
            phase, vector, seq: "", ..
        } => [phase, vector],
        Record::Exception { vector, seq, .. } => [vector, seq],
        Record::Image { case, flow, .. } => [case, flow],
        _ => return None,
    };
    let name = names.into_iter().find(|name| !is_name(name))?;
    let shown: String = clean(name).chars().take(40).collect();
    Some(format!("`{shown}` is no name"))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_kernel_writes_is_taken() {
        let is_wrong = |body: &str| wrong(body, &Record::parse(body).unwrap()).is_some();
        assert!(!is_wrong("skip,by_range,FEAT_TLBIRANGE is not implemented here | <b>"));
        assert!(is_wrong("skip,by_range,\u{1b}[2J"));
        assert!(is_wrong("skip,by_range,\u{202e}"));
        for id in ["../x", "a b", "a|b", "", "a#SKIP"] {
            assert!(is_wrong(&format!("verdict,cowinvt_el2,{id},pass,never stale")), "{id}");
        }
    }
}
