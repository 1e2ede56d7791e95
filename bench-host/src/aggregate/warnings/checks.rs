// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warnings about the checks.

use report::model::{CheckResult, CheckRow, Summary};
use results::check::Check;
use results::verdict::Class;

use crate::check::known::{self, Effect};
use crate::qemu::Version;

/// Names the bugs of the machine that explain failures, which say nothing about the sequences, or that hide mistakes behind
/// passes.
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
                .and_then(|(check, s)| known::find(version, check, &s.text, Effect::Fails));
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
    said.chain(hidden(summary, version)).collect()
}

/// Names the bugs that let a sequence pass that is not enough.
fn hidden(summary: &Summary, version: Version) -> Option<String> {
    let rows = summary.checks.iter().flat_map(|check| {
        let passed = check.rows.iter().filter(|row| row.class == Class::Pass);
        passed.map(move |row| (check, row))
    });
    let bug = |(result, row): (&CheckResult, &CheckRow)| {
        let (check, sequence) = Check::from_id(&result.id).zip(summary.manifest.sequence(&row.seq))?;
        known::find(version, check, &sequence.text, Effect::Hides)
    };
    let found: Vec<_> = rows.filter_map(bug).collect();
    let passes = match found.len() {
        1 => "1 pass".to_owned(),
        n => format!("{n} passes"),
    };
    let bug = found.first()?;
    Some(format!(
        "known bug of this machine ({bug}): {passes} hide a mistake and say nothing"
    ))
}
