// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host review`: a patch, and what can be said about its TLB maintenance.

use crate::check::suite::Member;
use crate::cmd::check::machine::Machine;
use crate::cmd::check::source::On;
use crate::cmd::context::Context;
use crate::cmd::paths::existing;
use crate::error::Error;
use crate::evidence::{timing, trials};
use crate::exit::{Codes, Exit};
use crate::interrupt;
use crate::output::print;
use clap::ValueEnum;
use report::model::Summary;
use review::evaluate::{Evaluated, SideVerdict};
use review::evidence::{Story, Trials, fitting, is_worth_running, mutants_check, sides};
use review::input::Source;
use review::loss::Remark;
use review::output::{html, json, line, markdown, sarif, text};
use review::series::{Reviewed, review_series};
use review::tree::Tree;
use review::{Outcome, Review};
use std::path::PathBuf;

/// The forms a review comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Plain text, 72 columns
    Text,
    /// Markdown
    Markdown,
    /// One self-contained page
    Html,
    /// JSON, schema 1
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// A line for each finding, `file:line: level: message [rule]`, for editors and hooks
    Line,
}

const EXAMPLES: &str = "\
Examples:
  bench-host review fix.patch                        a patch or mail
  bench-host review --run fix.patch                  with checks of both sides on the adversary
  bench-host review --explain-rules --format markdown fix.patch
  bench-host review --git ~/xen origin/staging..topic
                                                     the commits of a range
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "no side after is insufficient"),
    (
        Exit::Failure,
        "a side after is insufficient, or failed a check of --run or --results",
    ),
    (
        Exit::Undecided,
        "something is unknown, not understood, or could not be read",
    ),
    (
        Exit::Setup,
        "--run: the kernel, or QEMU where it is asked for, is missing or unfit",
    ),
    (Exit::Store, "--results: the runs cannot be read"),
    (Exit::Interrupted, "interrupted"),
]);

/// Say what a patch does to TLB maintenance, and whether it is enough
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Patches, mails, mailboxes (`.gz` too) or saved pages, as one series; `-` is standard input
    #[arg(value_name = "PATCH", required_unless_present = "git")]
    patches: Vec<String>,
    /// Review commits instead, each among the files that were there: the repository and a range A..B
    #[arg(long, num_args = 2, value_names = ["REPO", "A..B"], conflicts_with = "patches")]
    git: Option<Vec<String>>,
    /// Source tree with the macros and callers that the patch does not show
    #[arg(long, value_name = "DIR", value_parser = existing())]
    tree: Option<PathBuf>,
    /// Stored runs to take timing and checks from: a run's folder, or a folder of runs
    #[arg(long, value_name = "DIR", value_parser = existing())]
    results: Option<PathBuf>,
    /// Boot the adversary, as this CPU model [default: max], and check both sides, and the mutants of the side after, in
    /// the checks that fit; where one fails, tell how
    #[arg(long, value_name = "CPU", num_args = 0..=1, require_equals = true, default_missing_value = "max")]
    run: Option<String>,
    /// The machine for --run
    #[arg(long, value_enum, default_value_t = On::Adversary, requires = "run")]
    machine: On,
    /// All evidence in the text, not only what fits a screen
    #[arg(long, visible_alias = "verbose")]
    long: bool,
    /// Say of every rule that is cited what it says, in our words, and what it means here
    #[arg(long)]
    explain_rules: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    context: Context,
}

/// Reviews.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let spellings = args.context.spellings()?;
    let given = args.context.stated()?;
    let sources: Vec<Source> = match args.git.as_deref() {
        Some([repository, range]) => vec![Source::Git {
            repository: repository.into(),
            range: range.clone(),
        }],
        _ => args.patches.iter().map(|path| Source::from_argument(path)).collect(),
    };
    let series = Source::read_series(&sources).map_err(|error| Error::Usage(error.to_string()))?;
    let tree = match &args.tree {
        Some(path) => Some(Tree::open(path, &spellings).map_err(|error| Error::Usage(error.to_string()))?),
        None => None,
    };
    let mut reviewed = review_series(series, &spellings, &given, tree.as_ref());
    if let Some(folder) = &args.results {
        let runs = timing::runs(folder)?;
        for found in reviewed.reviews_mut() {
            add_stored(found, &runs);
        }
    }
    if let Some(cpu) = &args.run {
        interrupt::install();
        run_checks(&mut reviewed, args.machine, cpu)?;
    }
    let names: Vec<String> = sources.iter().map(Source::name).collect();
    (reviewed.source, reviewed.command) = (names.join(" "), command(args));
    reviewed.explain_rules = args.explain_rules;
    if let [only] = reviewed.patches.as_mut_slice() {
        only.source.clone_from(&reviewed.source);
        only.command.clone_from(&reviewed.command);
        only.explain_rules = args.explain_rules;
    }
    let format = if args.json { Format::Json } else { args.format };
    print(&render(&reviewed, format, args.long));
    Ok(match reviewed.outcome() {
        Outcome::Fine => Exit::Ok,
        Outcome::Insufficient => Exit::Failure,
        Outcome::Undecided => Exit::Undecided,
    })
}

/// Adds what stored runs measured and checks saw.
fn add_stored(found: &mut Review, runs: &[Summary]) {
    for (index, change) in found.changes.iter().enumerate() {
        if let (Some(before), Some(after)) = (&change.before, &change.after) {
            found.timing[index] = timing::timing(runs, &before.sequence, &after.sequence);
        }
        found.trials[index] = trials::stored(runs, change);
    }
}

/// Most changes that are run.
const MAX_RUN: usize = 16;

/// Checks the changes on every machine asked for, each pair of sequences once.
fn run_checks(reviewed: &mut Reviewed, on: On, cpu: &str) -> Result<(), Error> {
    let words = ["--machine", on.word(), "--cpu", cpu, "--trials", "200"];
    let mut machines = Machine::find(&words)?;
    let mut done: Vec<(String, Vec<Trials>)> = Vec::new();
    let mut left = 0;
    for found in reviewed.reviews_mut() {
        left += run_patch(found, &mut machines, &mut done)?;
    }
    if left > 0 {
        let notes = match reviewed.patches.as_mut_slice() {
            [only] => &mut only.notes,
            _ => &mut reviewed.notes,
        };
        notes.remark(None, Remark::NotRun { left, most: MAX_RUN });
    }
    Ok(())
}

/// Checks the changes of a patch, and returns how many were left; `done` are those of the patches before.
fn run_patch(
    found: &mut Review,
    machines: &mut [Machine],
    done: &mut Vec<(String, Vec<Trials>)>,
) -> Result<usize, Error> {
    let mut left = 0;
    for (change, trials) in found.changes.iter().zip(&mut found.trials) {
        let sides = sides(change);
        let key: String = sides
            .iter()
            .map(|(name, side)| format!("{name} {};", side.sequence))
            .collect();
        if let Some((_, known)) = done.iter().find(|(known, _)| *known == key) {
            trials.extend(known.iter().cloned());
            continue;
        }
        let member = |(name, side): &(&str, &SideVerdict)| Member {
            id: (*name).to_owned(),
            text: side.sequence.to_string(),
            checks: fitting(&change.question, &side.sequence)
                .iter()
                .fold(0, |mask, check| mask | check.mask()),
        };
        let members: Vec<Member> = sides.iter().map(member).filter(|member| member.checks != 0).collect();
        if members.is_empty() || !is_worth_running(change) {
            continue;
        }
        if done.len() >= MAX_RUN {
            left += 1;
            continue;
        }
        let mut seen = Vec::new();
        for machine in machines.iter_mut() {
            seen.push(on_machine(machine, change, &sides, &members)?);
        }
        trials.extend(seen.iter().cloned());
        done.push((key, seen));
    }
    Ok(left)
}

/// Checks a change on a machine, and the mutants of its side after; and tells how a side fails that does.
fn on_machine(
    machine: &mut Machine,
    change: &Evaluated,
    sides: &[(&str, &SideVerdict)],
    members: &[Member],
) -> Result<Trials, Error> {
    let cases = machine.check(members)?;
    let after = sides.iter().find(|(name, _)| *name == "after");
    let mutants = match after.and_then(|(_, side)| {
        let check = mutants_check(&change.question, &side.sequence)?;
        Some((check, side.sequence.to_string()))
    }) {
        Some((check, text)) => Some(trials::mutants(check, &machine.mutants(check, &text)?)),
        None => None,
    };
    let mut seen = Trials {
        machine: machine.name.clone(),
        simulator: true,
        seen: trials::seen(&cases, "before", "after"),
        mutants,
        story: None,
    };
    if let Some((check, after)) = seen.to_tell() {
        let id = if after { "after" } else { "before" };
        let text = members.iter().find(|member| member.id == id);
        let events = match text {
            Some(member) => machine.story(check, &member.text)?,
            None => None,
        };
        seen.story = events.map(|events| Story { after, check, events });
    }
    Ok(seen)
}

fn render(reviewed: &Reviewed, format: Format, long: bool) -> String {
    match format {
        Format::Text if long => text::render_long(reviewed),
        Format::Text => text::render(reviewed),
        Format::Markdown => markdown::render(reviewed),
        Format::Html => html::render(reviewed),
        Format::Json => json::render(reviewed),
        Format::Sarif => sarif::render(reviewed),
        Format::Line => line::render(reviewed),
    }
}

/// Returns the command line that gives this output again.
fn command(args: &Args) -> String {
    let mut words = vec!["bench-host".to_owned(), "review".to_owned()];
    if let Some(git) = &args.git {
        words.push("--git".into());
        words.extend(git.iter().map(|word| quote(word)));
    }
    for (flag, path) in [("--tree", &args.tree), ("--results", &args.results)] {
        if let Some(path) = path {
            words.extend([flag.to_owned(), quote(&path.display().to_string())]);
        }
    }
    match args.run.as_deref() {
        Some("max") => words.push("--run".to_owned()),
        Some(cpu) => words.push(quote(&format!("--run={cpu}"))),
        None => {}
    }
    if args.run.is_some() && args.machine != On::Adversary {
        words.extend(["--machine".to_owned(), args.machine.word().to_owned()]);
    }
    words.extend(args.context.words().iter().map(|word| quote(word)));
    words.extend(args.patches.iter().map(|word| quote(word)));
    words.join(" ")
}

/// Quotes a word for a shell.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%&".contains(c);
    match !word.is_empty() && word.chars().all(|c| plain(c) && c != '&') {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
