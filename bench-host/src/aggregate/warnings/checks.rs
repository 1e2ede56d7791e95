// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warnings about the checks.

use report::model::Summary;
use results::check::Check;
use results::verdict::Class;

use crate::check::known;
use crate::qemu::Version;

/// Names the bugs of the machine that explain failures: those say nothing about the sequences.
pub fn known_bugs(summary: &Summary) -> Vec<String> {
    let qemu = summary.manifest.qemu.as_ref();
    let Some(version) = qemu.and_then(|qemu| Version::of(&qemu.version)) else {
        return Vec::new();
    };
    let mut bugs: Vec<(&str, u64)> = Vec::new();
    let mut failures = 0;
    for result in &summary.checks {
        for row in result.rows.iter().filter(|row| row.class == Class::Fail) {
            failures += 1;
            let check = Check::from_id(&result.id);
            let sequence = summary.manifest.sequence(&row.seq);
            let bug = check
                .zip(sequence)
                .and_then(|(check, s)| known::find(version, check, &s.text));
            let Some(bug) = bug else { continue };
            match bugs.iter_mut().find(|(known, _)| *known == bug) {
                Some((_, n)) => *n += 1,
                None => bugs.push((bug, 1)),
            }
        }
    }
    let said = bugs.into_iter().map(|(bug, n)| {
        let explained = match n {
            1 if failures == 1 => "the only failure".to_owned(),
            n if n == failures => format!("all {n} failures"),
            n => format!("{n} of the {failures} failures"),
        };
        format!("known bug of this machine, not of the sequences ({bug}): explains {explained}")
    });
    said.collect()
}
