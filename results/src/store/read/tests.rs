// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the store, both halves.

use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use super::{Row, Rows, Run};
use crate::SCHEMA_VERSION;
use crate::check::{Check, Role};
use crate::event::Support;
use crate::manifest::{
    Gap, Hex, Host, Kernel, Manifest, Measure, Plan, QEMU_LABEL, Qemu, ScenarioPlan, Sequence, Status, Stream,
};
use crate::plan::{Flow, RuntimeCase};
use crate::record::Event;
use crate::scenario::{Axis, Scenario};
use crate::store::{BatchRow, BootRow, LitmusRow, OverheadRow, ProofRow, SampleRow, Store, StoreError, VerdictRow};
use crate::verdict::Class;

fn manifest() -> Manifest {
    let mut manifest = Manifest {
        schema: SCHEMA_VERSION,
        status: Status::Running,
        reasons: vec!["a \"quoted\" reason".into()],
        started: "2026-11-22T19:00:00Z".into(),
        finished: None,
        machine: "qemu_cortex_a72".into(),
        simulator: true,
        label: QEMU_LABEL.into(),
        reproduce: "bench-host run --seed 1".into(),
        host: Host {
            os: "linux".into(),
            ..Host::default()
        },
        board: None,
        qemu: Some(Qemu {
            version: "7.2.22".into(),
            arguments: vec!["qemu-system-aarch64".into(), "-M".into()],
            messages: vec!["warning: something".into()],
        }),
        kernel: Kernel {
            load: Some(Hex(u64::MAX)),
            ..Kernel::default()
        },
        plan: Plan {
            crc: Hex(1),
            seed: Hex(u64::MAX),
            iterations: 100_000,
            batch: 2000,
            trials: 1000,
            case: RuntimeCase::Level1,
            runtime: None,
            flow: Flow::Old,
            boot_flush: "new".into(),
            known_good: "old".into(),
            checks: vec![Check::from_id("cowinvt_el2").unwrap()],
            deterministic: true,
            sequences: vec![Sequence {
                id: "old".into(),
                text: "dsb sy".into(),
                words: "d5033f9f".into(),
                timed: true,
                checked: false,
                checks: Vec::new(),
                baseline: true,
                aa_of: None,
                skipped: None,
            }],
            measure: Measure {
                events: vec![Event::L1dTlbRefill],
                scenarios: vec![
                    ScenarioPlan::of(Scenario::PLAIN),
                    ScenarioPlan {
                        id: Scenario::PLAIN.with(Axis::Busy, 3),
                        skipped: Some("needs 4 PEs".into()),
                    },
                ],
                ..Measure::default()
            },
        },
        stream: Stream {
            lost: vec![Gap { first: 3, last: 9 }],
            ..Stream::default()
        },
        pes: Vec::new(),
    };
    manifest.pe_mut(1).event = Some(Event::Cycles);
    manifest
        .pe_mut(1)
        .events
        .insert(Event::DtlbWalk, Support::NotImplemented);
    manifest.pe_mut(0).registers.insert("MIDR_EL1".into(), Hex(0x410f_d083));
    manifest
}

fn sample(value: u64) -> SampleRow<&'static str> {
    SampleRow {
        seq: "old",
        pe: 0,
        event: Event::Cycles,
        batch: 1,
        value,
        count: 3,
        scenario: Scenario::PLAIN.with(Axis::Live, 64),
    }
}

const BATCH: BatchRow = BatchRow {
    pe: 0,
    batch: 1,
    cycles: 1_000_000,
    ticks: 62_500,
    samples: 3,
};

fn filled(folder: &Path) -> Store {
    let mut store = Store::create(folder, manifest()).unwrap();
    store.sample(&sample(u64::MAX)).unwrap();
    store
        .litmus(&LitmusRow {
            check: Check::from_id("wprot_el2").unwrap(),
            seq: "none",
            role: Role::NoMaintenance,
            pe: 1,
            stale: 1,
            new: 2,
            fault: 3,
            other: 4,
        })
        .unwrap();
    store
        .verdict(&VerdictRow {
            check: Check::from_id("wprot_el2").unwrap(),
            seq: "old",
            class: Class::NotObservable,
            reason: "a comma, a \"quote\"\nand a line",
        })
        .unwrap();
    store
        .boot(&BootRow {
            pe: 0,
            phase: "mmu_on",
            event: Event::TimerTicks,
            count: 7,
        })
        .unwrap();
    store
        .proof(&ProofRow {
            name: "identity_faults",
            holds: false,
            detail: "no fault",
        })
        .unwrap();
    store.batch(&BATCH).unwrap();
    let overhead = OverheadRow {
        batch: 1,
        samples: 3,
        timed: 5,
        bare: 4,
        words: 2,
    };
    store.overhead(&overhead).unwrap();
    store.console(b"raw \xff bytes").unwrap();
    store
}

fn append(run: &Path, file: &str, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(run.join(file)).unwrap();
    file.write_all(bytes).unwrap();
}

fn all<R: serde::de::DeserializeOwned + Row + Debug>(rows: Result<Rows<R>, StoreError>) -> Vec<R> {
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_run_reads_back_as_written() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/b");
    let mut store = filled(&folder);
    store.manifest.status = Status::Complete;
    store.finish().unwrap();
    let run = Run::open(&folder.join("run.toml")).unwrap();
    assert_eq!(
        run.manifest,
        Manifest {
            status: Status::Complete,
            ..manifest()
        }
    );
    let samples = all(run.samples());
    assert_eq!(samples.len(), 1);
    assert_eq!((samples[0].seq.as_str(), samples[0].value), ("old", u64::MAX));
    assert_eq!(samples[0].scenario.to_string(), "live_64");
    assert_eq!(
        run.batches().unwrap().unwrap().map(Result::unwrap).collect::<Vec<_>>(),
        [BATCH]
    );
    assert_eq!(run.overhead().unwrap().unwrap().count(), 1);
    let litmus = all(run.litmus());
    assert_eq!(
        (litmus[0].role, litmus[0].outcomes().trials()),
        (Role::NoMaintenance, 10)
    );
    let verdicts = all(run.verdicts());
    // All but the line break, which would begin a line of a report.
    assert_eq!(verdicts[0].reason, "a comma, a \"quote\" and a line");
    assert_eq!(all(run.boot())[0].event, Event::TimerTicks);
    assert!(!all(run.proofs())[0].holds);
    assert_eq!(fs::read(run.console()).unwrap(), b"raw \xff bytes");
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, 9, "no helper file is left behind");
}

#[test]
fn a_run_of_version_1_reads_as_plain() {
    let folder = TempDir::new().unwrap();
    filled(folder.path()).finish().unwrap();
    let manifest = fs::read_to_string(folder.path().join("run.toml")).unwrap();
    let (before, measure) = manifest.split_once("[plan.measure]").unwrap();
    let after = measure.split_once("\n[stream]").unwrap().1;
    let old = format!("{before}[stream]{after}").replace(&format!("schema = {SCHEMA_VERSION}"), "schema = 1");
    fs::write(folder.path().join("run.toml"), old).unwrap();
    let rows = "seq,pe,event,batch,value,count\nold,0,cycles,0,7,2000\n";
    fs::write(folder.path().join("samples.csv"), rows).unwrap();
    fs::remove_file(folder.path().join("batches.csv")).unwrap();
    fs::remove_file(folder.path().join("overhead.csv")).unwrap();
    let run = Run::open(folder.path()).unwrap();
    assert_eq!(
        (run.manifest.schema, &run.manifest.plan.measure),
        (1, &Measure::default())
    );
    let samples = all(run.samples());
    assert_eq!((samples[0].scenario, samples[0].value), (Scenario::PLAIN, 7));
    assert!(run.batches().unwrap().is_none() && run.overhead().unwrap().is_none());
}

#[test]
fn an_empty_run_has_tables_with_headers() {
    let folder = TempDir::new().unwrap();
    Store::create(folder.path(), manifest()).unwrap().finish().unwrap();
    let header = |file| fs::read_to_string(folder.path().join(file)).unwrap();
    assert_eq!(
        header(SampleRow::<String>::FILE),
        "seq,pe,event,batch,value,count,scenario\n"
    );
    let run = Run::open(folder.path()).unwrap();
    assert!(all(run.samples()).is_empty() && all(run.litmus()).is_empty() && all(run.verdicts()).is_empty());
    assert!(all(run.boot()).is_empty() && all(run.proofs()).is_empty());
}

#[test]
fn a_killed_host_leaves_a_readable_run() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(folder.path());
    store.flush().unwrap();
    drop(store);
    append(folder.path(), "samples.csv", b"old,0,cyc");
    let run = Run::open(folder.path()).unwrap();
    assert_eq!(run.manifest.status, Status::Running);
    assert_eq!(all(run.samples()).len(), 1, "the half row is not read");
}

#[test]
fn a_row_is_never_half_written_while_the_run_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::create(folder.path(), manifest()).unwrap();
    for value in 0..20_000 {
        store.sample(&sample(value)).unwrap();
    }
    let text = fs::read_to_string(folder.path().join("samples.csv")).unwrap();
    assert!(text.len() > 100_000 && text.ends_with('\n'));
    store.finish().unwrap();
    assert_eq!(all(Run::open(folder.path()).unwrap().samples()).len(), 20_000);
}

#[test]
fn a_second_run_into_a_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path()).finish().unwrap();
    let before = fs::read(folder.path().join("run.toml")).unwrap();
    assert!(matches!(
        Store::create(folder.path(), manifest()),
        Err(StoreError::Exists(_))
    ));
    assert_eq!(fs::read(folder.path().join("run.toml")).unwrap(), before);
}

#[test]
fn damage_is_named_by_file_line_and_field() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(folder.path());
    store.manifest.status = Status::Complete;
    store.finish().unwrap();
    let error = |rows: &[u8]| {
        let path = folder.path().join("samples.csv");
        let before = fs::read(&path).unwrap();
        append(folder.path(), "samples.csv", rows);
        let mut samples = Run::open(folder.path()).unwrap().samples().unwrap();
        let error = samples.find_map(Result::err).unwrap().to_string();
        assert!(samples.next().is_none(), "nothing after an error");
        fs::write(&path, before).unwrap();
        error.replace(&path.display().to_string(), "FILE")
    };
    assert_eq!(
        error(b"old,0,cycles,x,1,1,plain\nold,0,cycles,0,1,1,plain\n"),
        "FILE line 3, field batch: invalid digit found in string"
    );
    assert_eq!(error(b"old,0,cycles,1\n"), "FILE line 3: 4 fields where 7 are due");
    assert_eq!(error(b"old,0,cycles,1,1,1,plain"), "FILE line 3: the row is cut short");
    let unknown = error(b"old,0,furlongs,1,1,1,plain\n");
    assert!(unknown.contains("line 3") && unknown.contains("furlongs"), "{unknown}");
    let unknown = error(b"old,0,cycles,1,1,1,live_0\n");
    assert!(unknown.contains("line 3") && unknown.contains("live_0"), "{unknown}");
    assert!(error(b"\xff,0,cycles,1,1,1,plain\n").contains("line 3"));
}

#[test]
fn what_is_no_run_is_said_to_be_none() {
    let folder = TempDir::new().unwrap();
    let open = || Run::open(folder.path()).unwrap_err();
    assert!(matches!(open(), StoreError::NotARun(_)));
    let path = folder.path().join("run.toml");
    fs::write(&path, "schema = 1\nstatus = 7\n").unwrap();
    assert!(open().to_string().contains("line 2"), "{}", open());
    fs::write(&path, format!("schema = {}\n", SCHEMA_VERSION + 1)).unwrap();
    assert!(matches!(open(), StoreError::NewerSchema { found, .. } if found == SCHEMA_VERSION + 1));
    assert!(matches!(
        Run::open(&folder.path().join("absent")),
        Err(StoreError::Io { .. })
    ));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_what_was_recorded() {
    use std::process::Command;
    // Only a file system of its own can be filled without harm.
    let mount = TempDir::new().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(mount.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    }
    let folder = mount.path().join("run");
    let mut store = Store::create(&folder, manifest()).unwrap();
    let fill = fs::write(mount.path().join("other"), vec![1; 300 * 1024]);
    assert!(fill.is_ok(), "{fill:?}");
    let written = (0..).find_map(|value| store.sample(&sample(value)).err().map(|error| (value, error)));
    let (count, error) = written.unwrap();
    assert!(error.is_full(), "{error}");
    store.manifest.status = Status::Failed;
    let finished = store.finish();
    let run = Run::open(&folder).unwrap();
    let rows = all(run.samples()).len();
    Command::new("umount").arg(mount.path()).status().unwrap();
    assert!(rows as u64 > count / 2, "{rows} rows of {count}");
    assert_eq!(run.manifest.status, Status::Failed, "{finished:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn any_rows_read_back_as_written(
        rows in proptest::collection::vec(
            ("[a-z0-9_]{1,20}", 0_u32..9, proptest::num::u32::ANY, proptest::num::u64::ANY, 1_u32.., 0_u16..70),
            0..40,
        ),
        reason in "[ -~]{0,80}",
    ) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("run");
        let mut store = Store::create(&path, manifest()).unwrap();
        let scenario = |live| match live {
            0 => Scenario::PLAIN,
            live => Scenario::PLAIN.with(Axis::Live, live),
        };
        for (seq, pe, batch, value, count, live) in &rows {
            let row = SampleRow {
                seq: seq.as_str(),
                pe: *pe,
                event: Event::Cycles,
                batch: *batch,
                value: *value,
                count: *count,
                scenario: scenario(*live),
            };
            store.sample(&row).unwrap();
        }
        store.manifest.reasons = vec![reason.clone()];
        let written = store.manifest.clone();
        store.finish().unwrap();
        let run = Run::open(&path).unwrap();
        proptest::prop_assert_eq!(&run.manifest, &written);
        let read: Vec<_> = run.samples().unwrap().map(Result::unwrap).collect();
        proptest::prop_assert_eq!(read.len(), rows.len());
        for (row, (seq, pe, batch, value, count, live)) in read.iter().zip(&rows) {
            proptest::prop_assert_eq!((&row.seq, row.pe, row.batch), (seq, *pe, *batch));
            proptest::prop_assert_eq!((row.value, row.count, row.scenario), (*value, *count, scenario(*live)));
        }
    }

    #[test]
    fn newer_schemas_are_refused_and_older_ones_read(schema in 1_u32..1000) {
        let folder = TempDir::new().unwrap();
        filled(folder.path()).finish().unwrap();
        let path = folder.path().join("run.toml");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace(&format!("schema = {SCHEMA_VERSION}"), &format!("schema = {schema}"));
        fs::write(&path, text).unwrap();
        match Run::open(folder.path()) {
            Ok(run) => proptest::prop_assert!(schema <= SCHEMA_VERSION && run.manifest.schema == schema),
            Err(StoreError::NewerSchema { found, .. }) => proptest::prop_assert!(found == schema && schema > SCHEMA_VERSION),
            Err(error) => proptest::prop_assert!(false, "{error}"),
        }
    }
}

/// The label says where numbers come from and where the kernel was entered, and both are read back from it.
#[test]
fn a_label_says_its_origin_and_the_level_of_entry() {
    use crate::manifest::{EL1_LABEL, HARDWARE_LABEL, QEMU_LABEL};

    let mut manifest = manifest();
    for origin in [HARDWARE_LABEL, QEMU_LABEL] {
        for (level, label) in [
            (None, origin.to_owned()),
            (Some(2), origin.to_owned()),
            (Some(1), format!("{origin}; {EL1_LABEL}")),
        ] {
            manifest.kernel.entry_el = level;
            manifest.set_origin(origin);
            assert_eq!((manifest.label.as_str(), manifest.origin()), (label.as_str(), origin));
            // Once more changes nothing.
            let again = manifest.origin().to_owned();
            manifest.set_origin(&again);
            assert_eq!(manifest.label, label);
        }
    }
}
