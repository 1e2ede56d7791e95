// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result in words.

use results::manifest::{ADVERSARY_LABEL, EL1_CAVEAT, EL1_LABEL, HARDWARE_LABEL};
use results::plan::Flow;
use results::verdict::Class;

use super::block::Block;
use super::{checks, mutants};
use crate::model::{BreakEven, Comparison, Finding, Net, Part, Ratio, Summary};
use crate::number::{count, grouped, percent, plural, ratio_and_floor, ratio_interval};
use crate::table::Tone;
use crate::wording::Wording;

/// Comparisons that get a sentence each; more are counted by what was found.
const MOST: usize = 4;

/// Findings that are counted together, and their word.
type Kind = (&'static str, fn(&Comparison) -> bool);

/// Returns what may be found, in the order in which it is counted.
fn kinds(wording: Wording) -> [Kind; 6] {
    [
        (wording.less(), |c| matches!(c.finding, Finding::Faster)),
        (wording.more(), |c| matches!(c.finding, Finding::Slower)),
        ("indistinguishable", |c| {
            matches!(c.finding, Finding::WithinNoise | Finding::Indistinguishable)
        }),
        ("below resolution", |c| matches!(c.finding, Finding::BelowResolution)),
        ("with too few samples", |c| {
            matches!(c.finding, Finding::TooFewSamples { .. })
        }),
        ("without a noise floor, so no claim", |c| {
            matches!(c.finding, Finding::NoNoiseFloor)
        }),
    ]
}

/// Returns the first section: banners, the result, the warnings.
pub fn blocks(summary: &Summary) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !summary.reservations.is_empty() {
        let mut lines = summary.reservations.clone();
        let stream = &summary.manifest.stream;
        lines.push(format!(
            "{} lost, {} damaged",
            plural(stream.lost_lines, "line", "lines"),
            stream.damaged
        ));
        blocks.push(Block::Banner {
            tone: Tone::Bad,
            title: "INCOMPLETE: these numbers are not a result".to_owned(),
            lines,
        });
    }
    if summary.label() != HARDWARE_LABEL {
        let words = match summary.manifest.simulator {
            true if summary.label() == ADVERSARY_LABEL => {
                "Nothing is timed here: this machine has no time. Its memory system is as nasty as the architecture \
                 permits, so that what fails here is a mistake, whether or not any one processor shows it."
            }
            true => {
                "Counts come from a simulator. They say nothing about how long a sequence takes on hardware; the checks \
                 below do test what the simulator models."
            }
            false if summary.manifest.origin() == HARDWARE_LABEL => {
                "A processor counted this for a guest. What a sequence takes on the processor itself is another question."
            }
            false => "Where these counts come from was not stated, so they are no evidence of timing on any machine.",
        };
        blocks.push(Block::Banner {
            tone: Tone::Care,
            title: summary.label().to_owned(),
            lines: vec![words.to_owned()],
        });
    }
    if summary.manifest.entered_at_el1() {
        blocks.push(Block::Banner {
            tone: Tone::Care,
            title: EL1_LABEL.to_owned(),
            lines: vec![format!("{EL1_CAVEAT}.")],
        });
    }
    blocks.extend(headline(summary).into_iter().map(Block::Lead));
    blocks
}

/// Returns what a reader should know before believing a number.
pub fn notes(summary: &Summary) -> Vec<Block> {
    match summary.warnings.is_empty() {
        true => Vec::new(),
        false => vec![Block::List(
            together(&summary.warnings)
                .iter()
                .map(|note| format!("Note: {note}."))
                .collect(),
        )],
    }
}

/// Puts notes together that say the same of several things: `a: why`, `b: why` is `a, b: why`.
fn together(notes: &[String]) -> Vec<String> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for note in notes {
        let (who, why) = note.split_once(": ").unwrap_or(("", note));
        match all.iter_mut().find(|(known, of)| *known == why && !of[0].is_empty()) {
            Some((_, of)) if !who.is_empty() => of.push(who),
            _ => all.push((why, vec![who])),
        }
    }
    let note = |(why, of): (&str, Vec<&str>)| match &of[..] {
        [""] => why.to_owned(),
        some if some.len() <= MOST => format!("{}: {why}", some.join(", ")),
        many => format!(
            "{} and {} more: {why}",
            many[..MOST - 1].join(", "),
            grouped((many.len() + 1 - MOST) as u64)
        ),
    };
    all.into_iter().map(note).collect()
}

/// Returns the finding as a title: what was found, and where.
pub fn title(summary: &Summary) -> String {
    let tested: Vec<&Comparison> = summary.comparisons.iter().filter(|c| !c.is_twin).collect();
    let classes: Vec<Class> = checks::classes(summary).collect();
    let failures = classes.iter().filter(|class| **class == Class::Fail).count() as u64;
    let mut parts = Vec::new();
    if failures > 0 {
        parts.push(format!(
            "{} of {} checks FAILED",
            grouped(failures),
            grouped(classes.len() as u64)
        ));
    }
    let wording = summary.wording();
    parts.extend(match &tested[..] {
        _ if !summary.break_even.is_empty() => Some(short_break_even(summary)),
        [] => None,
        [c] => Some(short(c, wording)),
        all => Some(counted(all, wording)),
    });
    if parts.is_empty() {
        let mutants = mutants::in_short(summary).map(|cell| cell.text);
        let checked = (!classes.is_empty()).then(|| counts_in_full(&classes));
        parts.extend(mutants.or(checked));
    }
    if parts.is_empty() {
        parts.push("TLB maintenance".to_owned());
    }
    let incomplete = if summary.reservations.is_empty() {
        ""
    } else {
        "INCOMPLETE: "
    };
    format!("{incomplete}{}, {}", parts.join("; "), place(summary))
}

/// Says where: a simulator never without its name, and a guest never without that it is one.
fn place(summary: &Summary) -> String {
    let m = &summary.manifest;
    let cpu = |of: &results::manifest::Qemu| {
        let at = of.arguments.iter().position(|argument| argument == "-cpu");
        at.and_then(|at| of.arguments.get(at + 1))
            .map_or(m.machine.as_str(), String::as_str)
            .to_owned()
    };
    let level = if m.entered_at_el1() { ", entered at EL1" } else { "" };
    match &m.qemu {
        Some(qemu) => format!("{} in QEMU {}{level}", cpu(qemu), qemu.version),
        None if m.label == ADVERSARY_LABEL => "on the adversary".to_owned(),
        None if m.origin() == HARDWARE_LABEL => format!("on {}{level}", m.machine),
        None => format!("{}{level} (not shown to be hardware)", m.machine),
    }
}

fn short(c: &Comparison, wording: Wording) -> String {
    let by = c
        .ratio()
        .map_or(String::new(), |ratio| percent((ratio.estimate - 1.0).abs()));
    match c.finding {
        Finding::Faster => format!("{} is {by} {} than {}", c.seq, wording.less(), c.baseline),
        Finding::Slower => format!("{} is {by} {} than {}", c.seq, wording.more(), c.baseline),
        _ => format!("{} beside {}: {}", c.seq, c.baseline, c.word(wording).0),
    }
}

fn counted(all: &[&Comparison], wording: Wording) -> String {
    let of_one = |c: &&&Comparison| {
        c.seq == all[0].seq && c.event == all[0].event && c.word(wording).0 == all[0].word(wording).0
    };
    if all.iter().all(|c| of_one(&c)) {
        let (first, pes) = (all[0], plural(all.len() as u64, "PE", "PEs"));
        return match first.finding {
            Finding::Faster => format!("{} is {} than {} on {pes}", first.seq, wording.less(), first.baseline),
            Finding::Slower => format!("{} is {} than {} on {pes}", first.seq, wording.more(), first.baseline),
            _ => {
                let found = first.word(wording).0;
                format!("{} beside {}: {found} on {pes}", first.seq, first.baseline)
            }
        };
    }
    let parts = kinds(wording).into_iter().filter_map(|(word, is_it)| {
        let n = all.iter().filter(|c| is_it(c)).count() as u64;
        (n > 0).then(|| format!("{} {word}", grouped(n)))
    });
    let parts: Vec<String> = parts.collect();
    format!("Beside {}: {}", all[0].baseline, parts.join(", "))
}

/// Returns the first break-even; its numbers and the others are below.
fn short_break_even(summary: &Summary) -> String {
    let first = summary
        .break_even
        .iter()
        .find_map(|scope| Some((scope, scope.findings.first()?)));
    let Some((scope, finding)) = first else {
        return "Break-even".to_owned();
    };
    let short = finding
        .split(" (ratio")
        .next()
        .and_then(|finding| finding.split(';').next());
    format!("Break-even, {}, {}", scope.scope, short.unwrap_or(finding))
}

/// Says how many checks ended how, every class named, failures first.
pub fn counts_in_full(classes: &[Class]) -> String {
    let of = |class: Class| grouped(classes.iter().filter(|&&other| other == class).count() as u64);
    format!(
        "{} failed, {} passed, {} not observable, {} skipped",
        of(Class::Fail),
        of(Class::Pass),
        of(Class::NotObservable),
        of(Class::Skipped)
    )
}

/// Returns the result: where one way to invalidate becomes cheaper than another, how the sequences compare, how many
/// mistakes were caught, the checks, the proofs.
pub fn headline(summary: &Summary) -> Vec<String> {
    let label = match summary.label() {
        HARDWARE_LABEL => String::new(),
        label => format!(" [{label}]"),
    };
    let tested: Vec<&Comparison> = summary.comparisons.iter().filter(|c| !c.is_twin).collect();
    // The first sentence is the one that gets quoted elsewhere, so it carries what must not be left behind.
    let so_far = if summary.reservations.is_empty() {
        ""
    } else {
        "So far, "
    };
    let compared = if !summary.break_even.is_empty() {
        // These are sequences of one question, and it is answered.
        Vec::new()
    } else if tested.len() <= MOST {
        one_by_one(summary, &tested)
    } else {
        by_finding(summary, &tested)
    };
    let first = break_even(summary).chain(compared);
    let mut sentences: Vec<String> = first.map(|text| format!("{so_far}{text}{label}.")).collect();
    if summary.label() == ADVERSARY_LABEL && summary.series.is_empty() {
        sentences.push(format!("Nothing was timed{label}."));
    }
    if tested.is_empty() {
        sentences.extend(alone(summary).map(|text| format!("{text}{label}.")));
    }
    sentences.extend(mutants::scores(std::slice::from_ref(summary)));
    sentences.extend(checks_line(summary));
    if !summary.proofs.is_empty() {
        let holds = summary.proofs.iter().filter(|proof| proof.holds).count();
        sentences.push(match summary.proofs.len() {
            all if all == holds => format!(
                "Boot path: {holds} of {} {}.",
                plural(all as u64, "proof", "proofs"),
                if all == 1 { "holds" } else { "hold" }
            ),
            all => format!("Boot path: {} of {all} proofs FAILED.", all - holds),
        });
    }
    sentences.extend(fixmap_without_isb(summary).map(str::to_owned));
    sentences
}

/// Says what the seed patch lacks.
pub const FIXMAP_WITHOUT_ISB: &str = "The first use of the fixmap faulted, and the fixmap is in the tables: this is no \
    fault of the machine. In flow `new`, as in the patch, `dsb nshst` makes the new entry visible to the walker, and no ISB \
    follows: the walk for that first use may have been made before, and have found nothing. Only context synchronization \
    (or FEAT_ETS2) forbids it; flow `fixed` has the ISB, and flow `old` had one behind its flush.";

/// Returns why a proof of the fixmap does not hold, where the patch's own mistake shows.
fn fixmap_without_isb(summary: &Summary) -> Option<&'static str> {
    let fixmap = summary.proofs.iter().find(|proof| proof.name == "fixmap_mapped")?;
    let faulted = fixmap.detail.starts_with("first use ") && fixmap.detail.ends_with("is in the tables");
    let m = &summary.manifest;
    let flow = m.kernel.flow.as_deref().unwrap_or(m.plan.flow.id());
    (!fixmap.holds && faulted && flow == Flow::New.id()).then_some(FIXMAP_WITHOUT_ISB)
}

/// Returns from where on which way to invalidate pages is cheaper.
fn break_even(summary: &Summary) -> impl Iterator<Item = String> + '_ {
    let of = |scope: &BreakEven| -> Vec<String> {
        let findings = scope.findings.iter();
        findings
            .map(|finding| format!("Break-even ({}), {finding}", scope.scope))
            .collect()
    };
    summary.break_even.iter().flat_map(of)
}

/// Returns one sentence for each comparison.
fn one_by_one(summary: &Summary, tested: &[&Comparison]) -> Vec<String> {
    let naming = summary.naming();
    let sentence = |c: &&Comparison| {
        let found = finding(c, summary.wording());
        format!("{} beside {}: {found}", naming.of_comparison(c), c.baseline)
    };
    tested.iter().map(sentence).collect()
}

/// Returns how many comparisons ended how, with the farthest of each side: many sentences alike are read by nobody.
fn by_finding(summary: &Summary, tested: &[&Comparison]) -> Vec<String> {
    let naming = summary.naming();
    let distance = |c: &Comparison| c.ratio().map_or(0.0, Ratio::distance);
    let mut parts = Vec::new();
    for (word, is_it) in kinds(summary.wording()) {
        let of: Vec<&Comparison> = tested.iter().copied().filter(|c| is_it(c)).collect();
        let farthest = of.iter().copied().max_by(|a, b| distance(a).total_cmp(&distance(b)));
        let Some(farthest) = farthest else { continue };
        let n = match of.len() {
            all if all == tested.len() => "all".to_owned(),
            n => grouped(n as u64),
        };
        parts.push(match (farthest.finding, farthest.ratio()) {
            (Finding::Faster | Finding::Slower, Some(ratio)) => format!(
                "{n} {word} (most: {}, ratio {})",
                naming.of_comparison(farthest),
                ratio_interval(ratio)
            ),
            (Finding::TooFewSamples { have, need }, _) => {
                format!(
                    "{n} {word} ({} paired, {need} needed)",
                    plural(have, "batch", "batches")
                )
            }
            _ => format!("{n} {word}"),
        });
    }
    let floors: Vec<f64> = tested.iter().filter_map(|c| c.noise_floor).collect();
    let floor = floors.iter().copied().fold(0.0, f64::max);
    let several = floors.iter().any(|other| *other != floor);
    let floor = match floors.is_empty() {
        true => String::new(),
        false => format!(
            "; A/A noise floor {}{}",
            if several { "up to " } else { "" },
            percent(floor)
        ),
    };
    let baseline = &tested[0].baseline;
    let all = plural(tested.len() as u64, "comparison", "comparisons");
    vec![format!("{all} with {baseline}: {}{floor}", parts.join(", "))]
}

/// Returns the medians when there is nothing to compare.
fn alone(summary: &Summary) -> Option<String> {
    let timed = summary.series.iter().filter(|series| series.part != Part::Empty);
    let parts: Vec<String> = timed
        .filter_map(|series| {
            let net = match series.stats?.net {
                Net::Resolved(net) => format!("{} {} net", count(net), series.event.id()),
                Net::BelowResolution(_) => "below resolution".to_owned(),
                Net::NoFrame | Net::IsFrame => format!("{} {} raw", count(series.stats?.median), series.event.id()),
            };
            Some(format!("{} {net}", series.seq))
        })
        .take(6)
        .collect();
    (!parts.is_empty()).then(|| format!("Medians: {}", parts.join(", ")))
}

/// Says what may be said about a comparison, with the ratio, its interval and the noise floor.
pub fn finding(c: &Comparison, wording: Wording) -> String {
    let ratio = c.ratio();
    let numbers = ratio.map_or(String::new(), |ratio| ratio_and_floor(ratio, c.noise_floor));
    let by = ratio.map_or(String::new(), |ratio| percent((ratio.estimate - 1.0).abs()));
    match c.finding {
        Finding::Faster => format!("{} by {by} ({numbers})", wording.less()),
        Finding::Slower => format!("{} by {by} ({numbers})", wording.more()),
        Finding::WithinNoise => format!("indistinguishable, an effect of {by} is within the noise floor ({numbers})"),
        Finding::Indistinguishable => format!("indistinguishable ({numbers})"),
        Finding::BelowResolution => "below resolution: no more than the spread of the empty frame is left".to_owned(),
        Finding::TooFewSamples { have, need } => {
            format!(
                "too few samples: {} paired, {need} needed for {}",
                plural(have, "batch", "batches"),
                plural(c.family, "comparison", "comparisons")
            )
        }
        Finding::NoNoiseFloor if ratio.is_some() => format!("no claim without a noise floor ({numbers})"),
        Finding::NoNoiseFloor => "no claim without a noise floor".to_owned(),
    }
}

/// Returns the finding of the first comparison that is no twin, for a picture's description.
pub fn first_finding(summary: &Summary) -> Option<String> {
    let first = summary.comparisons.iter().find(|c| !c.is_twin)?;
    Some(format!(
        "{} beside {}: {}",
        first.seq,
        first.baseline,
        finding(first, summary.wording())
    ))
}

/// Says how many checks ended how, in one sentence; nothing where all that was checked are mutants.
pub fn checks_line(summary: &Summary) -> Option<String> {
    let classes: Vec<Class> = checks::classes(summary).collect();
    match classes.len() {
        0 if !summary.mutants.is_empty() => None,
        0 => Some("No check was made.".to_owned()),
        2.. if classes.iter().all(|class| *class == classes[0]) => {
            Some(format!("Checks: all {}.", class_counts(&classes)))
        }
        total => Some(format!(
            "Checks: of {}, {}.",
            grouped(total as u64),
            class_counts(&classes)
        )),
    }
}

/// Says how many there are of each class, the worst first.
pub fn class_counts(classes: &[Class]) -> String {
    let of = |class: Class| classes.iter().filter(|&&other| other == class).count() as u64;
    let words = [
        (Class::Fail, "FAIL"),
        (Class::Pass, "pass"),
        (Class::NotObservable, "not observable here"),
        (Class::Skipped, "skipped"),
    ];
    let parts: Vec<String> = words
        .into_iter()
        .filter(|&(class, _)| of(class) > 0)
        .map(|(class, words)| format!("{} {words}", grouped(of(class))))
        .collect();
    parts.join(", ")
}
