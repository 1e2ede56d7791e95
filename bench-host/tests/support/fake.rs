// SPDX-License-Identifier: MIT OR Apache-2.0
//! A QEMU that is a shell script, and the streams it prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use bench_host::kernel::Kernel;
use bench_host::plan::{Level, PlanArgs, RunPlan};
use clap::Parser;
use results::SCHEMA_VERSION;
use results::check::Outcomes;
use results::manifest::{Manifest, Plan};
use results::record::{Event, Pairs, Record, Words};
use results::scenario::Scenario;
use results::store::Run;
use results::wire::LineWriter;
use tempfile::TempDir;

/// A plan small enough to read its stream.
pub const SMALL: [&str; 6] = ["--iterations", "20", "--batch", "8", "--trials", "5"];

#[derive(Parser)]
struct PlanCli {
    #[command(flatten)]
    plan: PlanArgs,
}

/// Returns the plan of these options with its checksum, as `bench-host` itself makes it.
pub fn plan(arguments: &[&str]) -> Plan {
    let arguments = ["plan"].iter().chain(arguments);
    let plan = RunPlan::new(&PlanCli::parse_from(arguments).plan).unwrap();
    let crc = Kernel::load(None)
        .unwrap()
        .install(&plan.settings, &plan.entries())
        .unwrap();
    plan.describe(Level::El2, crc, false)
}

/// What a stream says that a test may want to be different.
pub struct Script {
    pub schema: u32,
    pub nonce: u64,
    pub plan_crc: u32,
    /// What the trials with the sequences under test see.
    pub tested: Outcomes,
    /// What the trials without maintenance see, made of stale ones only if there are any.
    pub stale_without: u32,
    pub proof_holds: bool,
    pub verdict: &'static str,
    pub end_pass: bool,
    /// A record that ends the run in place of everything after the boot path.
    pub instead: Option<Record<'static>>,
    /// Samples that are not taken in the last batch.
    pub missing: u32,
}

impl Script {
    pub fn new(plan: &Plan) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            nonce: 0x5eed,
            plan_crc: plan.crc.0 as u32,
            tested: Outcomes::default(),
            stale_without: plan.trials,
            proof_holds: true,
            verdict: "pass",
            end_pass: true,
            instead: None,
            missing: 0,
        }
    }

    /// Returns the lines of a whole run of this plan.
    pub fn lines(&self, plan: &Plan) -> Vec<String> {
        let mut writer = LineWriter::new(String::new());
        let mut samples = 0;
        {
            let mut say = |record: Record<'_>| writer.record(&record).unwrap();
            say(Record::Start {
                schema: self.schema,
                kernel: "0.1.0",
                plan_crc: self.plan_crc,
                seed: plan.seed.0,
                el: 2,
                nonce: self.nonce,
            });
            say(Record::Image {
                load: 0x4020_0000,
                size: 4096,
                runtime: 1 << 30,
                case: "level1",
                flow: "new",
            });
            say(Record::Reg {
                pe: 0,
                name: "MIDR_EL1",
                value: 0x410f_d083,
            });
            say(Record::Clock {
                pe: 0,
                event: Event::Cycles,
                frequency: 62_500_000,
            });
            for sequence in &plan.sequences {
                let words: Vec<_> = sequence
                    .words
                    .split(' ')
                    .map(|w| u32::from_str_radix(w, 16).unwrap())
                    .collect();
                say(Record::Seq {
                    id: &sequence.id,
                    words: words.len() as u32,
                });
                say(Record::Words {
                    id: &sequence.id,
                    offset: 0,
                    words: Words::Slice(&words),
                });
            }
            say(Record::Boot {
                pe: 0,
                phase: "mmu_on",
                event: Event::Cycles,
                count: 7,
            });
            say(Record::Proof {
                name: "identity_faults",
                holds: self.proof_holds,
                detail: "observed",
            });
            if let Some(record) = self.instead {
                say(record);
            } else {
                samples = self.samples(plan, &mut say);
                self.checks(plan, &mut say);
            }
        }
        let lines = writer.lines();
        writer
            .record(&Record::End {
                pass: self.end_pass,
                lines,
                samples,
            })
            .unwrap();
        writer.get_mut().split_inclusive('\n').map(str::to_owned).collect()
    }

    fn samples(&self, plan: &Plan, say: &mut impl FnMut(Record<'_>)) -> u64 {
        let batches = plan.iterations.div_ceil(plan.batch);
        say(Record::Phase {
            name: "measure",
            steps: batches,
        });
        let timed = plan
            .sequences
            .iter()
            .filter(|sequence| sequence.timed)
            .map(|sequence| sequence.id.as_str());
        let (timed, mut samples) = (["empty"].into_iter().chain(timed).collect::<Vec<_>>(), 0);
        for batch in 0..batches {
            let last = batch + 1 == batches;
            let count = plan.batch.min(plan.iterations - batch * plan.batch) - if last { self.missing } else { 0 };
            for seq in &timed {
                let pairs = [(100, 1), (101, count - 1)];
                let pairs = Pairs::Slice(&pairs);
                say(Record::Sample {
                    seq,
                    scenario: Scenario::PLAIN,
                    pe: 0,
                    event: Event::Cycles,
                    batch,
                    pairs,
                });
                samples += u64::from(count);
            }
        }
        samples
    }

    fn checks(&self, plan: &Plan, say: &mut impl FnMut(Record<'_>)) {
        say(Record::Phase {
            name: "check",
            steps: plan.checks.len() as u32,
        });
        for &check in &plan.checks {
            let mut expected = Outcomes::default();
            (0..plan.trials).for_each(|_| expected.add(check.expected()));
            let mut none = Outcomes {
                stale: self.stale_without,
                ..Outcomes::default()
            };
            (none.stale..plan.trials).for_each(|_| none.add(check.expected()));
            let mut outcome = |seq: &str, role, outcomes| {
                say(Record::Outcome {
                    check: check.id(),
                    seq,
                    role,
                    pe: 0,
                    outcomes,
                });
            };
            outcome("none", "none", none);
            outcome("no_tlbi", "no_tlbi", none);
            outcome(&plan.known_good, "good", expected);
            let checked: Vec<_> = plan.sequences.iter().filter(|sequence| sequence.checked).collect();
            let special = self.tested.trials() > 0 && check.id() == "cowinvt_el2";
            for sequence in &checked {
                outcome(&sequence.id, "test", if special { self.tested } else { expected });
            }
            for sequence in &checked {
                say(Record::Verdict {
                    check: check.id(),
                    seq: &sequence.id,
                    class: self.verdict,
                    reason: "as counted",
                });
            }
        }
    }
}

/// A folder with a fake QEMU in it.
pub struct Fake {
    pub folder: TempDir,
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Fake {
    /// A QEMU that answers `--version` and otherwise runs `body`, in the folder of the script; `stream` is the file
    /// that holds `stream`.
    pub fn new(stream: &[u8], body: &str) -> Self {
        Self::answering("QEMU emulator version 7.2.0 (fake)", stream, body)
    }

    pub fn answering(version: &str, stream: &[u8], body: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("stream"), stream).unwrap();
        let script = format!(
            "#!/bin/sh\ncd '{}'\nif [ \"$1\" = --version ]; then echo '{version}'; exit 0; fi\necho $$ > pid\n{body}\n",
            folder.path().display()
        );
        let qemu = folder.path().join("qemu");
        fs::write(&qemu, script).unwrap();
        fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// A QEMU that prints these lines and then runs `body`.
    pub fn printing(lines: &[String], body: &str) -> Self {
        Self::new(lines.concat().as_bytes(), &format!("cat stream\n{body}"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a command that makes a run into the folder `run`, with the small plan.
    pub fn command(&self) -> assert_cmd::Command {
        let mut command = cargo_bin_cmd!("bench-host");
        command
            .arg("run")
            .args(SMALL)
            .arg("--qemu")
            .arg(self.path("qemu"))
            .arg("--out")
            .arg(self.path("run"));
        command.timeout(std::time::Duration::from_secs(120));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command().args(arguments).output().unwrap().into()
    }

    pub fn stored(&self) -> Run {
        Run::open(&self.path("run")).unwrap()
    }

    pub fn manifest(&self) -> Manifest {
        self.stored().manifest
    }

    /// Returns whether the process that ran `body` is gone.
    pub fn is_gone(&self) -> bool {
        let pid = fs::read_to_string(self.path("pid")).unwrap();
        let pid = pid.trim();
        // A zombie is gone too: it only waits for its parent to look.
        let state = fs::read_to_string(format!("/proc/{pid}/stat"));
        if Path::new("/proc/self/stat").exists() {
            return state.map_or(true, |state| {
                state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
            });
        }
        let alive = std::process::Command::new("kill").args(["-0", pid]).output();
        !alive.unwrap().status.success()
    }
}

/// Returns the small plan and its good stream.
pub fn good() -> (Plan, Vec<String>) {
    let plan = plan(&SMALL);
    let lines = Script::new(&plan).lines(&plan);
    (plan, lines)
}

/// Returns a stream that differs from the good one by what `change` does.
pub fn changed(change: impl FnOnce(&mut Script)) -> Vec<String> {
    let plan = plan(&SMALL);
    let mut script = Script::new(&plan);
    change(&mut script);
    script.lines(&plan)
}
