// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every parser on inputs that are nearly right: files of this repository, damaged in seeded ways. None may panic, and
//! none may take long. `MUTATED_SECONDS` says for how long each is tried; the fuzz targets (`bench-host/fuzz`,
//! `sequences/fuzz`) go further where a nightly compiler is.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bench_host::aggregate::aggregate;
use bench_host::kernel::Kernel;
use bench_host::plan::{PlanArgs, RunPlan};
use bench_host::receive::boots::Cutter;
use bench_host::rows::{Aggregation, Limits, Request};
use clap::Parser;
use results::plan::Plan;
use results::record::Record;
use results::wire::{Binding, PREFIX, parse_line};
use review::diff::{self, Quoting};
use review::extract::spelling::Spellings;
use sequences::judge::Stated;
use sequences::litmus::Test;
use stats::bootstrap::SplitMix64;

/// For how long each parser is tried, without the variable.
const SECONDS: u64 = 2;
/// Longer than any input of this size may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the files below a folder whose names end so, the smaller ones.
fn files(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) && fs::metadata(&path).unwrap().len() < 1 << 16 {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Damages one of the inputs: bits, pieces left out, doubled, moved in from another, and numbers made extreme.
fn mutated(corpus: &[Vec<u8>], random: &mut SplitMix64) -> Vec<u8> {
    let pick = |random: &mut SplitMix64, n: usize| random.below(n.max(1) as u64) as usize;
    let mut bytes = corpus[pick(random, corpus.len())].clone();
    for _ in 0..=pick(random, 6) {
        let at = pick(random, bytes.len());
        let until = (at + pick(random, 60)).min(bytes.len());
        match pick(random, 7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << pick(random, 8),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let piece = bytes[at..until].repeat(1 + pick(random, 40));
                bytes.splice(at..at, piece);
            }
            3 => {
                let other = &corpus[pick(random, corpus.len())];
                let from = pick(random, other.len());
                let piece = other[from..(from + 200).min(other.len())].to_vec();
                bytes.splice(at..until, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let extreme = [
                    &b"18446744073709551615"[..],
                    b"-1",
                    b"0",
                    b"\xff\xfe",
                    b"\0",
                    b"99999999999999999999",
                ];
                bytes.splice(at..until, extreme[pick(random, extreme.len())].to_vec());
            }
            _ => {
                let piece: Vec<u8> = (0..pick(random, 16)).map(|_| random.below(256) as u8).collect();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Tries a parser until the time is over.
fn hammer(name: &str, corpus: &[Vec<u8>], seed: u64, mut parse: impl FnMut(&[u8])) {
    assert!(!corpus.is_empty(), "{name}");
    let seconds = std::env::var("MUTATED_SECONDS").ok().and_then(|s| s.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let (random, mut tried) = (&mut SplitMix64::new(seed), 0_u64);
    // What once was found.
    for entry in fs::read_dir(root().join("bench-host/tests/mutated"))
        .unwrap()
        .map(Result::unwrap)
    {
        if entry.file_name().to_string_lossy().starts_with(name) {
            parse(&fs::read(entry.path()).unwrap());
        }
    }
    while Instant::now() < end {
        let bytes = mutated(corpus, random);
        let begun = Instant::now();
        let survived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parse(&bytes))).is_ok();
        if !survived || begun.elapsed() > PATIENCE {
            let path = std::env::temp_dir().join(format!("mutated-{name}-{tried}"));
            fs::write(&path, &bytes).unwrap();
            panic!(
                "{name}, input {tried}, in {}, after {:?}",
                path.display(),
                begun.elapsed()
            );
        }
        tried += 1;
    }
    eprintln!("{name}: {tried} inputs");
}

#[test]
fn wire() {
    let corpus = files("results/runs", "console.log");
    hammer("wire", &corpus, 1, |bytes| {
        let mut cutter = Cutter::default();
        cutter.push::<()>(bytes, |_| Ok(())).unwrap();
        cutter.finish::<()>(|_| Ok(())).unwrap();
        for line in String::from_utf8_lossy(bytes).lines() {
            let _ = Binding::apparent(line);
            let _ = parse_line(line, Binding::NONE);
            // Past its checksum too.
            let body = line.strip_prefix(PREFIX).and_then(|line| line.split_once(','));
            if let Some(Ok(record)) = body.map(|(_, body)| Record::parse(body)) {
                let _ = record.to_string();
                if let Record::Sample { pairs, .. } = record {
                    pairs.for_each(|_, _| {});
                }
            }
        }
    });
}

#[test]
fn plan() {
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        plan: PlanArgs,
    }
    let plan = RunPlan::new(&Cli::parse_from(["plan"]).plan).unwrap();
    let mut kernel = Kernel::load(None).unwrap();
    kernel.install(&plan.settings, &plan.entries()).unwrap();
    let area = results::image::plan_area(&mut kernel.bytes).unwrap();
    let length = u32::from_le_bytes(area[8..12].try_into().unwrap()) as usize;
    let corpus = [area[..length].to_vec()];
    hammer("plan", &corpus, 2, |bytes| {
        let mut bytes = bytes.to_vec();
        let _ = Plan::read(&bytes);
        // With its length and checksum made right.
        if bytes.len() > 16 {
            let length = bytes.len() as u32;
            bytes[8..12].copy_from_slice(&length.to_le_bytes());
            let crc = results::wire::crc32(&bytes[16..]);
            bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        }
        if let Ok(Some(plan)) = Plan::read(&bytes) {
            for entry in plan.entries() {
                entry.operands().for_each(drop);
                entry.words().for_each(drop);
            }
        }
    });
}

#[test]
fn sequence_text() {
    let catalogue = fs::read_to_string(root().join("sequences/catalogue.csv")).unwrap();
    let corpus: Vec<_> = catalogue.lines().map(|line| line.as_bytes().to_vec()).collect();
    hammer("sequence_text", &corpus, 3, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match sequences::parse(&text) {
            Ok(sequence) => assert_eq!(sequences::parse(&sequence.to_string()).as_ref(), Ok(&sequence)),
            Err(error) => assert!(!error.render(&text).is_empty()),
        }
    });
}

#[test]
fn patch_and_mail() {
    static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::built_in);
    let mut corpus = files("bench-host/review/tests", ".patch");
    corpus.extend(files("bench-host/review/tests", ".mbox"));
    corpus.extend(files("bench-host/review/tests", ".eml"));
    hammer("patch_and_mail", &corpus, 4, |bytes| {
        for quoting in [Quoting::Outside, Quoting::Inside] {
            let patches = diff::read(bytes, quoting).unwrap();
            let found = review::series::review_series(
                review::series::Series::of(patches),
                &SPELLINGS,
                &Stated::default(),
                None,
            );
            let text = review::output::text::render(&found);
            assert!(
                !text.contains(|c| results::text::is_hostile(c) && c != '\n'),
                "{text:?}"
            );
            assert!(!review::output::html::render(&found).contains("<script"));
            let page = review::output::markdown::render(&found);
            assert!(
                !page.contains(|c| results::text::is_hostile(c) && c != '\n'),
                "{page:?}"
            );
            let _ = review::output::json::render(&found);
        }
    });
}

#[test]
fn source() {
    static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::built_in);
    // What a patch adds, as a file.
    let patches = files("bench-host/review/tests", ".patch");
    let added = |patch: &Vec<u8>| -> Vec<u8> {
        let text = String::from_utf8_lossy(patch).into_owned();
        let lines = text.lines().filter(|line| line.starts_with(['+', ' ']));
        lines
            .map(|line| format!("{}\n", &line[1..]))
            .collect::<String>()
            .into_bytes()
    };
    let corpus: Vec<_> = patches.iter().map(added).collect();
    let folder = tempfile::tempdir().unwrap();
    hammer("source", &corpus, 5, |bytes| {
        for name in ["a.S", "a.c", "a.rs"] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let tree = review::tree::Tree::open(folder.path(), &SPELLINGS).unwrap();
        let _ = tree.scan(&SPELLINGS, &Stated::default());
    });
}

#[test]
fn litmus() {
    let corpus = files("sequences/tests", ".litmus");
    hammer("litmus", &corpus, 6, |bytes| {
        let _ = Test::parse(&String::from_utf8_lossy(bytes)).map(|_| ());
    });
}

#[test]
fn rows() {
    let corpus = files("results/runs", "samples.csv");
    hammer("rows", &corpus, 7, |bytes| {
        let request = Request {
            by: None,
            value: None,
            count: None,
            headerless: false,
        };
        let mut aggregation = Aggregation::new(request, Limits::default());
        let added = aggregation.add("rows", &mut &bytes[..], &mut |_| {});
        let _ = added.and_then(|()| aggregation.finish().map(|_| ()));
    });
}

#[test]
fn run_folder() {
    const NAMES: [&str; 7] = [
        "run.toml",
        "samples.csv",
        "batches.csv",
        "litmus.csv",
        "verdicts.csv",
        "boot.csv",
        "proofs.csv",
    ];
    let corpora: Vec<_> = NAMES.iter().map(|name| files("results/runs", name)).collect();
    let whole = root().join("results/runs/20261128T010053Z-qemu_7_2_cortex_a72_1pe");
    let folder = tempfile::tempdir().unwrap();
    let mut turn = 0;
    let flat: Vec<Vec<u8>> = corpora.concat();
    hammer("run_folder", &flat, 8, |bytes| {
        for name in NAMES {
            fs::copy(whole.join(name), folder.path().join(name)).unwrap();
        }
        turn += 1;
        let name = NAMES[turn % NAMES.len()];
        // Half of the time a file of its own kind.
        let corpus = &corpora[turn % NAMES.len()];
        let random = &mut SplitMix64::new(turn as u64);
        let bytes = if turn % 2 == 0 {
            bytes.to_vec()
        } else {
            mutated(corpus, random)
        };
        fs::write(folder.path().join(name), bytes).unwrap();
        if let Ok(summary) = aggregate(folder.path()) {
            let text = report::mail::render(&summary);
            assert!(
                !text.contains(|c| results::text::is_hostile(c) && c != '\n'),
                "{text:?}"
            );
        }
    });
}
