// SPDX-License-Identifier: MIT OR Apache-2.0
//! Proves what the boot path did: the 1:1 address faults, and every other mapping still works.

use core::fmt::Write;

use results::record::Record;

use crate::arch::probe::{Probed, read};
use crate::boot::path::Finished;
use crate::handover::Handover;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::platform::console;
use crate::platform::end::note_failure;
use crate::platform::message::Message;

/// Makes every proof. One that fails fails the run.
pub fn run(boot: &Handover, finished: &Finished) {
    let mut detail = Message::new();
    match &finished.identity {
        Some(identity) => {
            let access = read(identity.address);
            let holds = match access {
                Probed::Fault(syndrome) => {
                    let _ = write!(detail, "ESR {:#x}", syndrome.0);
                    syndrome.translation_level() == Some(identity.level as u64)
                }
                Probed::Done(_) => {
                    let _ = write!(detail, "load succeeded");
                    false
                }
            };
            let _ = write!(detail, "; translation fault at level {} expected", identity.level);
            report("identity_faults", holds, &detail);

            let walk = TABLES.walk(tables_base(boot.load), identity.address);
            detail = Message::new();
            let _ = write!(detail, "walk of the tables ends at level {}", walk.err().unwrap_or(3));
            report("identity_unmapped", walk == Err(identity.level), &detail);
        }
        None => {
            let _ = write!(detail, "runtime address is the physical one: no 1:1 map");
            report("identity_not_needed", boot.layout.image == boot.load, &detail);
        }
    }

    let mut pages = 0;
    let mut first_bad = None;
    for offset in (0..boot.size).step_by(4096) {
        pages += 1;
        if !matches!(read(boot.layout.image + offset), Probed::Done(_)) {
            first_bad.get_or_insert(offset);
        }
    }
    detail = Message::new();
    let _ = match first_bad {
        None => write!(detail, "{pages} pages read"),
        Some(offset) => write!(detail, "page at offset {offset:#x} faults"),
    };
    report("image_mapped", first_bad.is_none(), &detail);

    detail = Message::new();
    let windows = [boot.layout.pages, boot.layout.under_table];
    let mapped = windows.iter().all(|&window| matches!(read(window), Probed::Done(_)));
    let _ = write!(detail, "{} windows read", windows.len());
    report("windows_mapped", mapped, &detail);

    fixmap(boot, finished.use_of_fixmap);
}

/// Proves that the fixmap is in the tables, and that its first use found it. This line is itself written through it,
/// unless it was not even there the second time.
fn fixmap(boot: &Handover, first_use: Option<Probed>) {
    let mut detail = Message::new();
    let address = boot.layout.fixmap;
    let mapped = TABLES.walk(tables_base(boot.load), address).is_ok();
    let used = match first_use {
        Some(Probed::Fault(syndrome)) => {
            let tables = if mapped { "is" } else { "is not" };
            let _ = write!(
                detail,
                "first use of {address:#x} faults (ESR {:#x}); it {tables} in the tables",
                syndrome.0
            );
            false
        }
        Some(Probed::Done(_)) => {
            let _ = write!(detail, "console at the fixmap {address:#x}");
            true
        }
        None => {
            let _ = write!(detail, "no console to be used at the fixmap {address:#x}");
            true
        }
    };
    report("fixmap_mapped", mapped && used, &detail);
}

fn report(name: &str, holds: bool, detail: &Message) {
    if !holds {
        note_failure();
    }
    console::record(&Record::Proof {
        name,
        holds,
        detail: detail.as_str(),
    });
}
