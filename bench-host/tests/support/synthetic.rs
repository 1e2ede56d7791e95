// SPDX-License-Identifier: MIT OR Apache-2.0
//! A run folder made up from a seed, written with the store that a real run is written with.

use std::collections::BTreeMap;
use std::path::Path;

use results::check::{Check, Role};
use results::manifest::{
    Gap, HARDWARE_LABEL, Hex, Host, Kernel, Manifest, Measure, Pe, Plan, QEMU_LABEL, Qemu, Sequence, Status, Stream,
};
use results::order::Places;
use results::plan::{Flow, RuntimeCase};
use results::record::Event;
use results::scenario::Scenario;
use results::store::{BootRow, LitmusRow, ProofRow, SampleRow, Store, VerdictRow};
use results::verdict::{Class, Controls, Scope, classify};
use stats::bootstrap::SplitMix64;

/// What the run is like.
#[derive(Debug, Clone, Copy)]
pub struct Synthetic {
    /// Exact counts, as from a simulator that counts instructions, instead of noise.
    pub deterministic: bool,
    /// Sequences beside the old, the new and the A/A twin.
    pub more: u32,
    /// Samples per sequence.
    pub iterations: u32,
    /// Samples per batch.
    pub batch: u32,
    /// Whether the stream lost lines in batch 3 and stopped before the last checks.
    pub damaged: bool,
    /// PEs that took samples.
    pub pes: u32,
    /// Seed of the noise.
    pub seed: u64,
    /// Cost of everything but the empty frame in this boot, in thousandths of the usual.
    pub boot: u64,
    /// Cost of the new sequence, in thousandths of the usual.
    pub new: u64,
    /// Whether the run says it was made by a processor.
    pub hardware: bool,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            deterministic: true,
            more: 0,
            iterations: 100_000,
            batch: 2000,
            damaged: false,
            pes: 1,
            seed: 1,
            boot: 1000,
            new: 1000,
            hardware: false,
        }
    }
}

fn sequence(id: &str, text: &str, words: &str) -> Sequence {
    Sequence {
        id: id.to_owned(),
        text: text.to_owned(),
        words: words.to_owned(),
        timed: true,
        checked: true,
        checks: Vec::new(),
        baseline: false,
        aa_of: None,
        skipped: None,
    }
}

impl Synthetic {
    /// Returns the sequences of the plan.
    fn sequences(&self) -> Vec<Sequence> {
        let (old, words) = (
            "dsb sy; isb; tlbi alle2; dsb sy; isb",
            "d5033f9f d5033fdf d50c871f d5033f9f d5033fdf",
        );
        let mut sequences = vec![
            Sequence {
                baseline: true,
                ..sequence("xen_head_old", old, words)
            },
            Sequence {
                checked: false,
                checks: Vec::new(),
                aa_of: Some("xen_head_old".to_owned()),
                ..sequence("xen_head_old_aa", old, words)
            },
            sequence(
                "xen_head_new",
                "dsb nshst; tlbi alle2; dsb nsh; isb",
                "d503369f d50c871f d503379f d5033fdf",
            ),
        ];
        sequences.extend((0..self.more).map(|n| {
            let id = format!("variant_{n:02}");
            sequence(
                &id,
                "dsb ishst; tlbi alle2is; dsb ish; isb",
                "d5033a9f d50c831f d5033b9f d5033fdf",
            )
        }));
        sequences
    }

    fn manifest(&self) -> Manifest {
        let registers = BTreeMap::from([
            ("MIDR_EL1".to_owned(), Hex(0x410f_d083)),
            ("ID_AA64ISAR0_EL1".to_owned(), Hex(0x0001_1120)),
            ("ID_AA64MMFR0_EL1".to_owned(), Hex(0x1124)),
            ("ID_AA64MMFR1_EL1".to_owned(), Hex(0)),
            ("ID_AA64DFR0_EL1".to_owned(), Hex(0x1030_5106)),
        ]);
        let mut manifest = Manifest {
            schema: results::SCHEMA_VERSION,
            status: Status::Running,
            reasons: Vec::new(),
            started: "2026-11-22T18:40:00Z".to_owned(),
            finished: None,
            machine: "qemu_cortex_a72".to_owned(),
            simulator: true,
            label: QEMU_LABEL.to_owned(),
            reproduce: "bench-host run --cpu cortex-a72 --smp 1 --seed 0x2a".to_owned(),
            host: Host {
                os: "linux".to_owned(),
                arch: "x86_64".to_owned(),
                cpu: "Example <CPU> & Co".to_owned(),
                cpus: 2,
                bench_host: "0.1.0".to_owned(),
                commit: None,
            },
            board: None,
            qemu: Some(Qemu {
                version: "7.2.22".to_owned(),
                messages: Vec::new(),
                arguments: [
                    "qemu-system-aarch64",
                    "-M",
                    "virt,virtualization=on",
                    "-cpu",
                    "cortex-a72",
                ]
                .map(str::to_owned)
                .to_vec(),
            }),
            kernel: Kernel {
                source: "embedded".to_owned(),
                sha256: "0f1e2d3c".repeat(8),
                version: Some("0.1.0".to_owned()),
                entry_el: Some(2),
                load: Some(Hex(0x4020_0000)),
                size: Some(Hex(0x10_0000)),
                runtime: Some(Hex(0x20_0000)),
                case: Some("level1".to_owned()),
                flow: Some("new".to_owned()),
                seed: None,
            },
            plan: Plan {
                crc: Hex(0x1234_abcd),
                seed: Hex(42),
                iterations: self.iterations,
                batch: self.batch,
                trials: 1000,
                case: RuntimeCase::Level1,
                runtime: None,
                flow: Flow::New,
                boot_flush: "xen_head_new".to_owned(),
                known_good: "xen_head_old".to_owned(),
                checks: Check::ALL[..5].to_vec(),
                deterministic: self.deterministic,
                sequences: self.sequences(),
                measure: Measure {
                    places: Places::Batch,
                    ..Measure::default()
                },
            },
            stream: Stream::default(),
            pes: Vec::new(),
        };
        if self.hardware {
            manifest.simulator = false;
            manifest.label = HARDWARE_LABEL.to_owned();
            manifest.qemu = None;
            manifest.machine = "board".to_owned();
        }
        manifest.pes = (0..self.pes)
            .map(|pe| Pe {
                pe,
                event: Some(Event::Cycles),
                frequency: Some(62_500_000),
                registers: registers.clone(),
                ..Pe::default()
            })
            .collect();
        manifest
    }

    /// Writes the run into a folder, which must be empty or not exist.
    pub fn write(&self, folder: &Path) {
        let mut store = Store::create(folder, self.manifest()).unwrap();
        for (phase, count) in [
            ("build_tables", 3211),
            ("mmu_on", 118),
            ("jump", 9),
            ("remove_identity", 42),
            ("flush", 6),
            ("fixmap", 377),
            ("fixmap_barrier", 2),
        ] {
            store
                .boot(&BootRow {
                    pe: 0,
                    phase,
                    event: Event::Cycles,
                    count,
                })
                .unwrap();
        }
        for (name, detail) in [
            ("identity_faults", "translation fault level 1"),
            ("runtime_map_works", "42 pages read back"),
        ] {
            let row = ProofRow {
                name,
                holds: true,
                detail,
            };
            store.proof(&row).unwrap();
        }
        self.samples(&mut store);
        self.checks(&mut store);
        store.console(b"U-Boot\r\nTLB,0,start\r\n").unwrap();
        let stream = &mut store.manifest.stream;
        let series = u64::from(self.pes) * (4 + u64::from(self.more));
        (stream.lines, stream.samples, stream.chatter) = (4321, u64::from(self.iterations) * series, 3);
        store.manifest.status = Status::Complete;
        if self.damaged {
            stream.lost_lines = 3;
            stream.damaged = 1;
            stream.lost = vec![Gap { first: 96, last: 98 }];
            store.manifest.status = Status::Incomplete;
            store.manifest.reasons = vec!["no line for 10 s; the last one was 4320".to_owned()];
        }
        store.manifest.finished = Some("2026-11-22T18:40:12Z".to_owned());
        store.finish().unwrap();
    }

    fn samples(&self, store: &mut Store) {
        let mut random = SplitMix64::new(self.seed);
        let sequences = self.sequences();
        for pe in 0..self.pes {
            for batch in 0..self.iterations.div_ceil(self.batch) {
                let samples = self.batch.min(self.iterations - batch * self.batch);
                // The host gets busy for a while: common to all sequences of a batch.
                let busy = random.below(400) + if batch % 17 > 13 { 600 } else { 0 };
                let ids = std::iter::once("empty").chain(sequences.iter().map(|s| s.id.as_str()));
                for (index, seq) in ids.enumerate() {
                    let mut counts = BTreeMap::<u64, u32>::new();
                    for _ in 0..samples {
                        *counts.entry(self.value(index, busy, &mut random)).or_default() += 1;
                    }
                    let lost = self.damaged && batch == 3 && seq == "xen_head_new";
                    for (value, count) in counts.into_iter().skip(usize::from(lost)) {
                        let row = SampleRow {
                            seq,
                            pe,
                            event: Event::Cycles,
                            batch,
                            value,
                            count,
                            scenario: Scenario::PLAIN,
                        };
                        store.sample(&row).unwrap();
                    }
                }
            }
        }
    }

    /// Draws a sample: 0 the empty frame, 1 and 2 the old sequence and its twin, 3 the new one, then others.
    fn value(&self, index: usize, busy: u64, random: &mut SplitMix64) -> u64 {
        if self.deterministic {
            return [3, 7, 7, 6].get(index).copied().unwrap_or(6 + index as u64 % 3);
        }
        let center = [110, 4200, 4200, 3900]
            .get(index)
            .copied()
            .unwrap_or(3500 + 150 * index as u64);
        let center = match index {
            0 => center,
            3 => center * self.boot / 1000 * self.new / 1000,
            _ => center * self.boot / 1000,
        };
        let noise = random.below(center / 8) + random.below(center / 8);
        // A few samples take much longer: an interrupt on the host.
        let tail = if random.below(200) == 0 {
            random.below(30_000)
        } else {
            0
        };
        center + noise + tail + if index == 0 { 0 } else { busy }
    }

    fn checks(&self, store: &mut Store) {
        let sequences = self.sequences();
        for (number, check) in Check::ALL[..5].iter().copied().enumerate() {
            if self.damaged && number >= 3 {
                return;
            }
            // The last check cannot show a stale translation on this machine.
            let power = check.id() != "identity_el2";
            let row = |seq, role, stale: bool| {
                let bbm = check.expected() == results::check::Outcome::New;
                LitmusRow {
                    check,
                    seq,
                    role,
                    pe: 0,
                    stale: if stale { 1000 } else { 0 },
                    new: if !stale && bbm { 1000 } else { 0 },
                    fault: if !stale && !bbm { 1000 } else { 0 },
                    other: 0,
                }
            };
            let none = row("none", Role::NoMaintenance, power);
            let no_tlbi = row("no_tlbi", Role::NoInvalidation, power);
            let good = row("xen_head_old", Role::KnownGood, false);
            let controls = Controls {
                nothing: none.outcomes(),
                no_tlbi: Some(no_tlbi.outcomes()),
                good: good.outcomes(),
            };
            store.litmus(&none).unwrap();
            store.litmus(&no_tlbi).unwrap();
            store.litmus(&good).unwrap();
            for sequence in sequences.iter().filter(|s| s.checked) {
                let test = row(&sequence.id, Role::Test, false);
                store.litmus(&test).unwrap();
                let (class, reason) = classify(check, &test.outcomes(), &controls, Scope::AsWritten);
                assert_ne!(class, Class::Fail);
                let row = VerdictRow {
                    check,
                    seq: &*sequence.id,
                    class,
                    reason,
                };
                store.verdict(&row).unwrap();
            }
        }
    }
}
