// SPDX-License-Identifier: MIT OR Apache-2.0
//! New mappings: stores to translation tables that no invalidation follows, and the barriers that publish them.
//!
//! An entry that was invalid is in no TLB, so nothing is invalidated; but a walk may still read the old one, and an
//! instruction that was fetched before may go by it: before the first use here a DSB and a context synchronization event
//! are needed (Arm ARM, D8.16, "TLB maintenance requirements").

use crate::extract::event::{Event, Kind};
use crate::extract::names::names_other_table;
use crate::extract::path::Path;
use crate::extract::reduce::{Around, Found, Use};
use sequences::{Instruction, Sequence};

/// Returns the barriers on a way that publish new entries. What is a store to a table, the text says.
pub fn publications(
    function: &str,
    path: &Path,
    is_assembly: bool,
    is_table: &impl Fn(&Event) -> bool,
    is_window: &impl Fn(&Event) -> bool,
) -> Vec<Found> {
    let events = &path.events;
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(store) = (at..events.len()).find(|&index| is_table(&events[index])) {
        at = store + 1;
        let mut barriers: Vec<&Event> = Vec::new();
        let mut used = None;
        for (index, event) in events.iter().enumerate().skip(store + 1) {
            match &event.kind {
                // The sequence around the invalidation is judged, and the store with it.
                Kind::Tlbi(..) => {
                    barriers.clear();
                    at = index;
                    break;
                }
                Kind::Call(name) if name.to_ascii_lowercase().contains("tlb") => {
                    barriers.clear();
                    break;
                }
                Kind::Store(_) if is_table(event) => {
                    if barriers.is_empty() {
                        continue;
                    }
                    break;
                }
                Kind::Store(_) if is_assembly && !barriers.is_empty() => {
                    // Whether it goes through the new mapping shows where its register was given the address of a window
                    // for mappings. Any other is somebody else's business: the caller's name has to say.
                    used = is_window(event).then_some(Use::Here);
                    break;
                }
                Kind::Barrier(Instruction::Dsb(_) | Instruction::DsbNxs(_)) if !barriers.is_empty() => break,
                Kind::Barrier(Instruction::Dsb(_) | Instruction::DsbNxs(_)) => barriers.push(event),
                Kind::Barrier(Instruction::Isb) if !barriers.is_empty() => {
                    barriers.push(event);
                    break;
                }
                Kind::ExceptionReturn | Kind::Sysreg(_) => break,
                Kind::Return => break,
                _ => {}
            }
        }
        if barriers.is_empty() {
            continue;
        }
        let instruction = |event: &&Event| match event.kind {
            Kind::Barrier(barrier) => Some(barrier),
            _ => None,
        };
        out.push(Found {
            function: function.to_owned(),
            line: barriers[0].line,
            lines: barriers.iter().map(|event| event.line).collect(),
            sequence: barriers.iter().filter_map(instruction).collect::<Sequence>(),
            // What is published, and when, is changed by the store as well.
            changed: barriers.iter().any(|event| event.changed) || events[store].changed,
            primary: path.primary,
            conditions: path.conditions.clone(),
            around: Around {
                store_before: true,
                publishes: Some(used.unwrap_or(if is_assembly { Use::ByCaller } else { Use::Elsewhere })),
                ..Around::default()
            },
            fragment: false,
            open_start: false,
            open_end: false,
            via: barriers.iter().flat_map(|event| event.via.iter().cloned()).collect(),
        });
        at = at.max(store + 1);
    }
    out
}

/// Returns whether a file is about something else with descriptors and tables in memory: a driver.
pub fn is_of_driver(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or_default();
    [
        "/net/", "/usb/", "/dma/", "/virtio", "/nvme", "/mmc/", "/ether", "/spi/", "/block/",
    ]
    .iter()
    .any(|folder| lower.contains(folder))
        || [
            "enet", "ether", "_emac", "gmac", "_dma", "dma_", "usb", "virtio", "nvme", "sdhc", "xhci", "ehci", "_qspi",
        ]
        .iter()
        .any(|word| file.contains(word))
}

/// Words in the names of translation tables, and in what is said of a store to one.
const TABLE: [&str; 12] = [
    "table",
    "pgd",
    "pmd",
    "pud",
    "pte",
    "pgtbl",
    "fixmap",
    "ttb",
    "_pt",
    "slot",
    "pagetable",
    "l0_",
];

/// Words in the names of addresses that are there to be mapped anew.
const WINDOW: [&str; 7] = [
    "fixmap",
    "uart",
    "console",
    "earlycon",
    "early_",
    "virt_addr",
    "map_addr",
];

/// Returns whether a line of assembly, with the lines before it, stores to a translation table.
pub fn stores_to_table(line: &str, before: &[&str]) -> bool {
    let says = |text: &str| {
        let lower = text.to_ascii_lowercase();
        !names_other_table(&lower) && TABLE.iter().any(|word| lower.contains(word))
    };
    says(line) || base_is(line, before, says)
}

/// Returns whether a line of assembly, with the lines before it, stores to an address that is there to be mapped anew.
pub fn stores_to_window(line: &str, before: &[&str]) -> bool {
    let says = |text: &str| {
        let lower = text.to_ascii_lowercase();
        WINDOW.iter().any(|word| lower.contains(word)) && !lower.contains("slot")
    };
    base_is(line, before, says)
}

/// Returns whether what the base register of a store was last given says something.
fn base_is(line: &str, before: &[&str], says: impl Fn(&str) -> bool) -> bool {
    let Some(base) = line.split('[').nth(1).and_then(|rest| rest.split([',', ']']).next()) else {
        return false;
    };
    let base = base.trim();
    // What the register was last given.
    let gives = |text: &&&str| {
        let mut words = text.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let mnemonic = words.next().unwrap_or_default();
        words.next() == Some(base) && !mnemonic.starts_with("st") && !mnemonic.starts_with("cmp")
    };
    before.iter().rev().take(30).find(gives).is_some_and(|text| says(text))
}
