// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams under fire: thousands of seeded damages, and three promises. No value is stored that the run did not send;
//! every record that came whole is stored; and whatever is missing makes the run incomplete, with exit code 3.
//!
//! What came whole is found in the damaged bytes themselves, not in what the injector meant to do.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bench_host::progress::Progress;
use bench_host::receive::{PlanOrigin, Receiver};
use fake::{Fake, Script, good};
use results::manifest::{Kernel, Manifest, Status, Stream};
use results::record::Record;
use results::store::{Run, Store};
use results::wire::{Binding, LineWriter, parse_line};
use stats::bootstrap::SplitMix64;
use tempfile::TempDir;

/// Cases that are received in this process; the environment variable `INJECTOR_CASES` asks for more.
const CASES: u64 = 10_000;
/// Cases that go through the command, for its exit code.
const WITH_EXIT_CODE: u64 = 60;

/// Returns the bodies of a stream's lines.
fn bodies(lines: &[String]) -> Vec<String> {
    let mut binding = Binding::NONE;
    let body = |line: &String| {
        let (number, body) = parse_line(line, binding).unwrap();
        binding = Binding::of_first(number, body).unwrap_or(binding);
        body.to_owned()
    };
    lines.iter().map(body).collect()
}

/// Returns the same stream with every value another, from a boot of this schema, plan and nonce.
fn other(lines: &[String], start: &str) -> Vec<String> {
    let mut writer = LineWriter::new(String::new());
    for (number, body) in bodies(lines).iter().enumerate() {
        let body = if number == 0 { start.to_owned() } else { changed(body) };
        writer.record(&Record::parse(&body).unwrap()).unwrap();
    }
    writer.get_mut().split_inclusive('\n').map(str::to_owned).collect()
}

fn changed(body: &str) -> String {
    let last = |by: &str| {
        body.rsplit_once(',')
            .map_or(String::new(), |(before, _)| format!("{before},{by}"))
    };
    match body.split(',').next() {
        Some("counts") => body.replacen(",100,", ",900,", 1),
        Some("outcome") => last("7"),
        Some("boot") => last("70"),
        Some("reg") => last("0xbad"),
        Some("proof") => last("forged"),
        _ => body.to_owned(),
    }
}

/// Returns what a record leaves in the tables and the manifest.
fn rows(body: &str) -> Vec<String> {
    match Record::parse(body).unwrap() {
        Record::Sample {
            seq,
            scenario,
            pe,
            event,
            batch,
            pairs,
        } => {
            let mut rows = Vec::new();
            pairs.for_each(|value, count| {
                rows.push(format!(
                    "sample {seq} {scenario} {pe} {} {batch} {value} {count}",
                    event.id()
                ));
            });
            rows
        }
        Record::Outcome {
            check,
            seq,
            role,
            pe,
            outcomes: o,
        } => {
            vec![format!(
                "outcome {check} {seq} {role} {pe} {} {} {} {}",
                o.stale, o.new, o.fault, o.other
            )]
        }
        Record::Boot {
            pe,
            phase,
            event,
            count,
        } => vec![format!("boot {pe} {phase} {} {count}", event.id())],
        Record::Proof { name, holds, detail } => vec![format!("proof {name} {holds} {detail}")],
        Record::Reg { pe, name, value } => vec![format!("reg {pe} {name} {value:#x}")],
        _ => Vec::new(),
    }
}

/// Returns what a stored run has.
fn stored(folder: &Path) -> BTreeMap<String, u32> {
    let run = Run::open(folder).unwrap();
    let mut all = Vec::new();
    for row in run.samples().unwrap().map(Result::unwrap) {
        let (seq, event) = (&row.seq, row.event.id());
        all.push(format!(
            "sample {seq} {} {} {event} {} {} {}",
            row.scenario, row.pe, row.batch, row.value, row.count
        ));
    }
    for row in run.litmus().unwrap().map(Result::unwrap) {
        let (check, role, o) = (row.check.id(), row.role.id(), row.outcomes());
        all.push(format!(
            "outcome {check} {} {role} {} {} {} {} {}",
            row.seq, row.pe, o.stale, o.new, o.fault, o.other
        ));
    }
    for row in run.boot().unwrap().map(Result::unwrap) {
        all.push(format!(
            "boot {} {} {} {}",
            row.pe,
            row.phase,
            row.event.id(),
            row.count
        ));
    }
    for row in run.proofs().unwrap().map(Result::unwrap) {
        all.push(format!("proof {} {} {}", row.name, row.holds, row.detail));
    }
    for pe in &run.manifest.pes {
        all.extend(
            pe.registers
                .iter()
                .map(|(name, value)| format!("reg {} {name} {:#x}", pe.pe, value.0)),
        );
    }
    let mut counted = BTreeMap::new();
    all.into_iter().for_each(|row| *counted.entry(row).or_default() += 1);
    counted
}

/// The stream that is damaged, and the ones it is mixed with.
struct Streams {
    own: Vec<String>,
    own_bodies: Vec<String>,
    /// Of other boots: of the same plan, of another plan, of an older kernel.
    foreign: [Vec<String>; 3],
    /// What this boot could have sent instead: right in all but the content.
    twin: Vec<String>,
    manifest: Manifest,
}

impl Streams {
    fn new() -> Self {
        let (plan, own) = good();
        let fake = Fake::printing(&own, "");
        assert_eq!(fake.run(&[]).code, Some(0));
        let mut manifest = fake.manifest();
        manifest.status = Status::Running;
        manifest.stream = Stream::default();
        manifest.pes.clear();
        manifest.kernel = Kernel {
            source: String::new(),
            sha256: String::new(),
            ..Kernel::default()
        };
        let start = |change: &dyn Fn(&mut Script)| {
            let mut script = Script::new(&plan);
            change(&mut script);
            bodies(&script.lines(&plan)[..1]).remove(0)
        };
        let foreign = [
            other(&own, &start(&|script| script.nonce ^= 1 << 40)),
            other(&own, &start(&|script| script.plan_crc ^= 1)),
            other(&own, &start(&|script| script.schema = 3)),
        ];
        let own_bodies = bodies(&own);
        let twin = other(&own, &own_bodies[0]);
        Self {
            own,
            own_bodies,
            foreign,
            twin,
            manifest,
        }
    }
}

/// A damaged stream.
#[derive(Default)]
struct Case {
    bytes: Vec<u8>,
    /// What was done, for a message.
    done: String,
    /// Whether another boot, or the start line of one, is in it.
    other_boot: bool,
    /// Whether a start line of another boot is in it.
    other_start: bool,
    /// Lines of which a twin is in it.
    contested: BTreeSet<usize>,
}

fn pick(random: &mut SplitMix64, n: usize) -> usize {
    random.below(n.max(1) as u64) as usize
}

impl Case {
    fn new(streams: &Streams, seed: u64) -> Self {
        let random = &mut SplitMix64::new(seed);
        let mut case = Self::default();
        let mut lines: Vec<Vec<u8>> = streams.own.iter().map(|line| line.clone().into_bytes()).collect();
        for _ in 0..=pick(random, 4) {
            case.damage_lines(streams, &mut lines, random);
        }
        case.bytes = lines.concat();
        for _ in 0..pick(random, 3) {
            case.damage_bytes(random);
        }
        case
    }

    fn damage_lines(&mut self, streams: &Streams, lines: &mut Vec<Vec<u8>>, random: &mut SplitMix64) {
        let at = pick(random, lines.len());
        let what = pick(random, 10);
        let _ = write!(self.done, "{what}@{at} ");
        match what {
            0 => drop(lines.remove(at)),
            1 => {
                let line = lines[at].clone();
                self.other_boot |= line.starts_with(b"TLB,0,");
                let to = at + pick(random, 5).min(lines.len() - at);
                lines.insert(to, line);
            }
            2 => {
                let line = lines.remove(at);
                let to = at.saturating_sub(4) + pick(random, 8);
                lines.insert(to.min(lines.len()), line);
            }
            3 => lines.insert(at, b"[    0.000000] Booting Linux, TLB, and all\r\n".to_vec()),
            4 => {
                // Firmware does not wait for a line to end.
                let within = pick(random, lines[at].len());
                lines[at].splice(within..within, *b"NOTICE:  BL31: v2.10\r\n");
            }
            5 => {
                let boot = &streams.foreign[pick(random, 3)];
                let from = pick(random, 2) * pick(random, boot.len());
                let until = from + pick(random, boot.len() - from);
                let boot = boot[from..until].iter().map(|line| line.clone().into_bytes());
                self.other_boot = true;
                if random.below(2) == 0 {
                    lines.truncate(at);
                }
                lines.splice(at..at, boot);
            }
            6..=8 => {
                // A whole line of another boot; the one with the number that is due is the worst.
                let boot = &streams.foreign[pick(random, 3)];
                let number = if random.below(2) == 0 {
                    at.min(boot.len() - 1)
                } else {
                    pick(random, boot.len())
                };
                self.other_start |= number == 0;
                let line = boot[number].clone().into_bytes();
                if random.below(2) == 0 {
                    lines[at] = line;
                } else {
                    lines.insert(at, line);
                }
            }
            _ => {
                let number = 1 + pick(random, streams.own.len() - 1);
                if streams.twin[number] != streams.own[number] {
                    self.contested.insert(number);
                    lines.insert(at, streams.twin[number].clone().into_bytes());
                }
            }
        }
        if lines.is_empty() {
            lines.push(b"\r\n".to_vec());
        }
    }

    fn damage_bytes(&mut self, random: &mut SplitMix64) {
        if self.bytes.is_empty() {
            return;
        }
        let at = pick(random, self.bytes.len());
        let what = pick(random, 5);
        let _ = write!(self.done, "b{what}@{at} ");
        match what {
            0 => self.bytes[at] ^= 1 << pick(random, 8),
            1 => {
                let until = (at + 1 + pick(random, 40)).min(self.bytes.len());
                self.bytes.drain(at..until);
            }
            2 => {
                let junk: Vec<u8> = (0..1 + pick(random, 60)).map(|_| random.below(256) as u8).collect();
                self.bytes.splice(at..at, junk);
            }
            3 => self.bytes.truncate(at),
            _ => drop(self.bytes.drain(..at / 2)),
        }
    }

    /// Returns whether this start line begins it: no other comes before it, nor the end of a boot that was joined late.
    fn begins_with(&self, start: &str) -> bool {
        let text = String::from_utf8_lossy(&self.bytes);
        let begins = |line: &&str| parse_line(line, Binding::NONE).is_ok_and(|(number, _)| number == 0);
        let lines: Vec<&str> = text.split(['\r', '\n']).collect();
        let first = lines.iter().position(begins);
        first.is_some_and(|at| {
            let before = lines[..at].iter().filter(|line| Binding::apparent(line).is_some());
            lines[at].ends_with(start.trim_end()) && before.count() < 3
        })
    }

    /// Returns the numbers of the lines that came whole.
    fn whole(&self, streams: &Streams) -> BTreeSet<usize> {
        let text = String::from_utf8_lossy(&self.bytes);
        let lines: Vec<&str> = text.split(['\r', '\n']).collect();
        let own = streams.own.iter().enumerate();
        own.filter(|(_, own)| lines.iter().any(|line| line.ends_with(own.trim_end())))
            .map(|(number, _)| number)
            .collect()
    }
}

/// Receives a case, and returns what is wrong with what came of it.
fn receive(streams: &Streams, case: &Case, seed: u64) -> Result<bool, String> {
    let folder = TempDir::new().unwrap();
    let store = Store::create(&folder.path().join("run"), streams.manifest.clone()).unwrap();
    let mut receiver = Receiver::new(store, Progress::new(true), PlanOrigin::Installed);
    let random = &mut SplitMix64::new(seed);
    let mut rest = &case.bytes[..];
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + pick(random, 3000)).min(rest.len()));
        receiver.bytes(chunk).unwrap();
        rest = after;
    }
    receiver.end_of_input().unwrap();
    let halted = receiver.halted().is_some();
    let (received, stored_well) = receiver.finish(None);
    stored_well.unwrap();

    let rows_found = stored(&folder.path().join("run"));
    let whole = case.whole(streams);
    let arrived = if halted { BTreeSet::new() } else { whole.clone() };
    let twins: BTreeSet<usize> = case.contested.difference(&arrived).copied().collect();
    let mut sent = BTreeMap::<String, u32>::new();
    for (number, body) in streams.own_bodies.iter().enumerate() {
        // Where the true line did not arrive, nothing tells that its twin is none.
        let body = if twins.contains(&number) {
            changed(body)
        } else {
            body.clone()
        };
        rows(&body)
            .into_iter()
            .for_each(|row| *sent.entry(row).or_default() += 1);
    }
    // Without its own start line, what follows that of another boot is of that one.
    let is_another = (case.other_boot || case.other_start) && !case.begins_with(&streams.own[0]);
    if !is_another {
        for (row, count) in &rows_found {
            if sent.get(row).is_none_or(|sent| sent < count)
                && !streams.own_bodies.iter().any(|b| rows(b).contains(row))
            {
                return Err(format!("stored, but never sent: {row}"));
            }
            if *count > 1 {
                return Err(format!("stored {count} times: {row}"));
            }
        }
    }
    let joined_late = !whole.contains(&0) && whole.len() < 8;
    if !halted && !is_another && !joined_late {
        for &number in whole.difference(&case.contested) {
            for row in rows(&streams.own_bodies[number]) {
                if !rows_found.contains_key(&row) {
                    return Err(format!("line {number} came whole, but is not stored: {row}"));
                }
            }
        }
    }
    if halted && !case.other_boot && !case.other_start {
        return Err(format!(
            "given up, though no other boot is in it: {:?}",
            received.defects
        ));
    }
    let all = rows_found == {
        let mut all = BTreeMap::new();
        let own = streams.own_bodies.iter().flat_map(|body| rows(body));
        own.for_each(|row| *all.entry(row).or_default() += 1);
        all
    };
    let is_complete = received.manifest.status == Status::Complete;
    if is_complete && !(received.defects.is_empty() && received.refusals.is_empty()) {
        return Err("complete, with defects".to_owned());
    }
    if is_complete && !all {
        return Err("complete, but not all that was sent".to_owned());
    }
    if is_complete && whole.len() < streams.own.len() && received.manifest.stream.wrapped == 0 {
        return Err(format!(
            "{} lines did not come whole, and nothing is said",
            streams.own.len() - whole.len()
        ));
    }
    Ok(is_complete)
}

#[test]
fn no_damage_brings_a_value_that_was_not_sent_or_loses_one_unseen() {
    let streams = Streams::new();
    let cases = std::env::var("INJECTOR_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(CASES);
    let (mut wrong, mut complete) = (Vec::new(), 0);
    let only = std::env::var("INJECTOR_ONLY").ok();
    let only: Option<Vec<u64>> = only.map(|list| list.split(',').map(|seed| seed.parse().unwrap()).collect());
    let seeds = only.unwrap_or_else(|| (0..cases).collect());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Every case is by itself, so the cores share them.
    let parts = std::thread::scope(|scope| {
        let part = |seeds: Vec<u64>| {
            let streams = &streams;
            scope.spawn(move || {
                let (mut wrong, mut complete) = (Vec::new(), 0);
                for seed in seeds {
                    let case = Case::new(streams, seed);
                    match receive(streams, &case, seed) {
                        Ok(is_complete) => complete += u64::from(is_complete),
                        Err(why) => wrong.push(format!("{seed}: {} {why}", case.done)),
                    }
                }
                (wrong, complete)
            })
        };
        let every = |first: usize| seeds.iter().skip(first).step_by(threads).copied().collect();
        let all: Vec<_> = (0..threads).map(|first| part(every(first))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for (bad, whole) in parts {
        wrong.extend(bad);
        complete += whole;
    }
    let few = &wrong[..wrong.len().min(10)];
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), few.join("\n"));
    if std::env::var_os("INJECTOR_ONLY").is_some() {
        return;
    }
    // Some damage does no harm, such as text between lines; most does.
    assert!(
        complete > 0 && complete < cases / 2,
        "{complete} of {cases} are complete"
    );
}

#[test]
fn damage_is_exit_code_3() {
    let streams = Streams::new();
    for seed in 0..WITH_EXIT_CODE {
        let case = Case::new(&streams, seed);
        if case.other_boot || case.other_start {
            continue;
        }
        let is_complete = receive(&streams, &case, seed).unwrap();
        let fake = Fake::new(&case.bytes, "cat stream");
        let ended = fake.run(&[]);
        let expected = if is_complete { 0 } else { 3 };
        assert_eq!(ended.code, Some(expected), "{seed}: {}: {}", case.done, ended.stderr);
        fs::remove_dir_all(fake.path("run")).unwrap();
    }
}
