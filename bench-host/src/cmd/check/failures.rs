// SPDX-License-Identifier: MIT OR Apache-2.0
//! What failed, whose fault it is, and the command that shows it again.

use std::collections::BTreeMap;
use std::fmt::Write;

use results::check::Check;
use results::plan::AtEnd;
use results::verdict::Class;

use super::Args;
use super::source::BootedOn;
use crate::check::known::{self, Effect};
use crate::check::suite::Member;
use crate::check::tally::Case;
use crate::cmd::run::describe;
use crate::plan::{conduit_text, console_text};
use crate::qemu::Version;

/// Notes at each failure which bug of this QEMU explains it, and whether that excuses it; and takes back a pass that one
/// hides a mistake behind.
pub(super) fn explain(cases: &mut [Case], version: Version, members: &[Member], excused: bool) {
    for case in cases {
        match case.class {
            Class::Fail => {
                case.known = known::find(version, case.check, text(members, case), Effect::Fails);
                case.excused = excused && case.known.is_some();
            }
            Class::Pass => {
                if let Some(bug) = known::find(version, case.check, text(members, case), Effect::Hides) {
                    case.class = Class::NotObservable;
                    case.reason = format!("a known bug hides the mistake: {bug}");
                }
            }
            Class::NotObservable | Class::Skipped => {}
        }
    }
}

fn text<'a>(members: &'a [Member], case: &Case) -> &'a str {
    let member = members.iter().find(|member| member.id == case.seq);
    member.map_or("", |member| member.text.as_str())
}

/// Returns the failures that a known bug explains, in a line for each bug, and a command for each check with others.
pub(super) fn tell(args: &Args, on: &BootedOn, cases: &[Case], members: &[Member]) -> String {
    let mut bugs: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    let mut output = String::new();
    let mut told: Option<Check> = None;
    for case in cases.iter().filter(|case| case.class == Class::Fail) {
        if let Some(bug) = case.known {
            bugs.entry(bug).or_default().push(case);
        } else if told.replace(case.check) != Some(case.check) {
            // One command for each check shows enough. Writing to a string does not fail.
            let command = reproduce(args, on, Some((case, text(members, case))));
            let _ = writeln!(output, "reproduce {}: {command}", case.id());
        }
    }
    for (bug, cases) in bugs {
        let mut sequences: Vec<_> = cases.iter().map(|case| case.seq.as_str()).collect();
        sequences.sort_unstable();
        sequences.dedup();
        let mut checks: Vec<_> = cases.iter().map(|case| case.check.id()).collect();
        checks.dedup();
        let _ = writeln!(
            output,
            "known bug: {bug}\n  explains {} failures: {} with {}",
            cases.len(),
            checks.join(", "),
            sequences.join(", ")
        );
        let command = reproduce(args, on, Some((cases[0], text(members, cases[0]))));
        let _ = writeln!(output, "  reproduce: {command}");
    }
    output
}

/// Returns the command that makes the run again; for a case, the shortest one that shows it.
pub(super) fn reproduce(args: &Args, on: &BootedOn, case: Option<(&Case, &str)>) -> String {
    let mut words = vec![describe::words("check", args.console.words())];
    words.extend(on.words(args));
    words.push(format!("--smp {}", args.smp));
    words.push(format!("--seed {} --trials {}", args.seed, args.trials));
    words.push(format!("--runtime {}", args.runtime));
    if let Some(console) = args.unsaid.console {
        words.push(format!("--console {}", console_text(console)));
    }
    if let Some(conduit) = args.unsaid.psci {
        words.push(format!("--psci {}", conduit_text(conduit)));
    }
    if args.unsaid.ending.at_end != AtEnd::Off {
        words.push(format!("--at-end {}", args.unsaid.ending.at_end.id()));
    }
    if args.stress > 0 {
        words.push(format!("--stress {}", args.stress));
    }
    for (flag, set) in [
        ("--threads", args.threads && matches!(on, BootedOn::Qemu(_))),
        ("--plant-bug", args.plant_bug),
        ("--mutants", args.mutants),
        ("--catalogue", args.catalogue),
        ("--allow-known-bugs", args.allow_known_bugs),
    ] {
        if set {
            words.push(flag.to_owned());
        }
    }
    match case {
        Some((case, text)) => {
            words.push(format!("--only {} --sequence '{}={text}'", case.check.id(), case.seq));
        }
        None => {
            words.extend(args.only.iter().map(|only| format!("--only {only}")));
            words.extend(args.sequence.iter().map(|given| format!("--sequence '{given}'")));
        }
    }
    words.join(" ")
}
