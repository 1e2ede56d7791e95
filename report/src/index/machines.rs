// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machines behind stored runs, one row each. What a processor counted and what a simulator did never share a row, and
//! every row begins with which of the two it is.

use std::collections::BTreeMap;

use results::manifest::{ADVERSARY_LABEL, HARDWARE_LABEL, LOG_LABEL, Manifest, Qemu};

use crate::number::grouped;
use crate::registers;
use crate::table::{Cell, Table, Tone};

/// What a machine is known by, in the order of the rows: hardware first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    processors: String,
    /// Its emulator or firmware, with the version; empty where none is known.
    pub by: String,
}

/// What runs of a machine are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A processor.
    Hardware,
    /// A guest of a hypervisor on a processor.
    Guest,
    /// Nobody said.
    Unstated,
    /// A simulator.
    Simulator,
}

impl Kind {
    /// Returns what a run is of. A label that the rest of the manifest contradicts is not believed.
    fn of(manifest: &Manifest) -> Self {
        match manifest.label.as_str() {
            HARDWARE_LABEL if !manifest.simulator && manifest.qemu.is_none() => Self::Hardware,
            LOG_LABEL => Self::Unstated,
            _ => match manifest.origin() {
                HARDWARE_LABEL if !manifest.simulator && manifest.qemu.is_none() => Self::Guest,
                LOG_LABEL => Self::Unstated,
                _ => Self::Simulator,
            },
        }
    }

    /// Returns the cell that begins a row.
    pub fn cell(self) -> Cell {
        match self {
            Self::Hardware => Cell::toned("HARDWARE", Tone::Good),
            Self::Guest => Cell::toned("guest", Tone::Care),
            Self::Unstated => Cell::toned("not stated", Tone::Care),
            Self::Simulator => Cell::toned("simulator", Tone::Care),
        }
    }
}

/// Returns the machine of a run.
pub fn machine(manifest: &Manifest) -> Machine {
    let board = manifest.board.as_ref();
    let of_board = |field: fn(&results::manifest::Board) -> &String| board.map(field).filter(|text| !text.is_empty());
    // Each kind of core once, in the order of the PEs.
    let mut processors: Vec<String> = Vec::new();
    for pe in &manifest.pes {
        if let Some(midr) = pe.registers.get("MIDR_EL1") {
            let name = format!("{} ({midr})", registers::midr(midr.0));
            if !processors.contains(&name) {
                processors.push(name);
            }
        }
    }
    let firmware = of_board(|board| &board.firmware);
    Machine {
        kind: Kind::of(manifest),
        name: match (&manifest.qemu, of_board(|board| &board.model)) {
            (Some(qemu), _) => emulated(qemu),
            (None, _) if manifest.label == ADVERSARY_LABEL => "adversary".to_owned(),
            (None, Some(model)) => model.clone(),
            (None, None) => manifest.machine.clone(),
        },
        processors: processors.join(" + "),
        by: match (&manifest.qemu, firmware) {
            (Some(qemu), _) => format!("QEMU {}", qemu.version),
            (None, _) if manifest.label == ADVERSARY_LABEL => String::new(),
            (None, Some(firmware)) => firmware.clone(),
            (None, None) => String::new(),
        },
    }
}

/// Returns the board that QEMU emulated, whatever else it was told of it.
fn emulated(qemu: &Qemu) -> String {
    let mut words = qemu
        .arguments
        .iter()
        .skip_while(|word| *word != "-M" && *word != "-machine");
    let board = words.nth(1).and_then(|options| options.split(',').next());
    board.unwrap_or("?").to_owned()
}

/// Lays out the machines of runs.
pub fn table<'a>(runs: impl Iterator<Item = &'a Manifest>) -> Table {
    let mut machines: BTreeMap<Machine, (u64, String)> = BTreeMap::new();
    for manifest in runs {
        let (runs, newest) = machines.entry(machine(manifest)).or_default();
        *runs += 1;
        if manifest.started > *newest {
            newest.clone_from(&manifest.started);
        }
    }
    let columns = [
        "what it is",
        "machine",
        "processor (MIDR_EL1)",
        "firmware or emulator",
        ">runs",
        "newest (UTC)",
    ];
    let mut table = Table::new("Machines", &columns);
    for (machine, (runs, newest)) in machines {
        let dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let day: String = newest.chars().take("2026-11-22".len()).collect();
        table.row([
            machine.kind.cell(),
            machine.name.into(),
            dash(machine.processors).into(),
            dash(machine.by).into(),
            grouped(runs).into(),
            day.into(),
        ]);
    }
    table
}
