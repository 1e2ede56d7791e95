// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine, the stream and the method.

use results::manifest::Manifest;

use super::block::Block;
use crate::model::Summary;
use crate::number::{grouped, plural};
use crate::registers;
use crate::table::{Cell, Table, Tone};

/// Returns a machine's name as a reader would say it: model, PEs, and what ran it.
pub fn machine(manifest: &Manifest) -> String {
    // Only PEs that timed or checked something describe themselves; QEMU was told of all.
    let told = manifest.qemu.as_ref().and_then(|qemu| {
        let at = qemu.arguments.iter().position(|argument| argument == "-smp")?;
        qemu.arguments.get(at + 1)?.parse().ok()
    });
    let pes = told.unwrap_or(manifest.pes.len() as u64);
    let says_pes = manifest.machine.contains(&format!("_{pes}pe"));
    let pes = if pes > 1 && !says_pes {
        format!(", {}", plural(pes, "PE", "PEs"))
    } else {
        String::new()
    };
    match &manifest.qemu {
        Some(qemu) => format!("{}{pes}, QEMU {}", manifest.machine, qemu.version),
        None => format!("{}{pes}", manifest.machine),
    }
}

/// Returns which machine this was.
pub fn blocks(summary: &Summary) -> Vec<Block> {
    let m = &summary.manifest;
    let mut facts = Table::new("Machine and run", &["what", "value"]);
    let mut fact = |what: &str, value: String, tone: Tone| {
        if !value.is_empty() {
            facts.row([what.into(), Cell::toned(value, tone)]);
        }
    };
    fact("machine", m.machine.clone(), Tone::Plain);
    if let Some(board) = &m.board {
        fact("board", board.model.clone(), Tone::Plain);
        fact("compatible", board.compatible.clone(), Tone::Code);
        fact("firmware", board.firmware.clone(), Tone::Plain);
    }
    fact("timing", m.label.clone(), Tone::Plain);
    if let Some(qemu) = &m.qemu {
        fact("QEMU", qemu.version.clone(), Tone::Plain);
        fact("QEMU arguments", qemu.arguments.join(" "), Tone::Code);
    }
    fact(
        "host",
        format!("{} {} {} ({} CPUs)", m.host.os, m.host.arch, m.host.cpu, m.host.cpus),
        Tone::Plain,
    );
    let commit = m
        .host
        .commit
        .as_ref()
        .map_or(String::new(), |commit| format!(" at {commit}"));
    fact("bench-host", format!("{}{commit}", m.host.bench_host), Tone::Plain);
    let version = m.kernel.version.as_deref().unwrap_or("unknown");
    fact("kernel", format!("{version} ({})", m.kernel.source), Tone::Plain);
    fact("kernel SHA-256", m.kernel.sha256.clone(), Tone::Code);
    let hex = |value: Option<results::manifest::Hex>| value.map_or("unknown".to_owned(), |value| value.to_string());
    let case = m.kernel.case.as_deref().unwrap_or(m.plan.case.id());
    let flow = m.kernel.flow.as_deref().unwrap_or(m.plan.flow.id());
    fact(
        "boot path",
        format!(
            "flow {flow}, slot case {case}, loaded at {}, runtime address {}",
            hex(m.kernel.load),
            hex(m.kernel.runtime)
        ),
        Tone::Plain,
    );
    fact(
        "plan",
        format!(
            "{} per sequence in batches of {}, {} per check; seed {}, CRC {}{}",
            plural(m.plan.iterations.into(), "sample", "samples"),
            grouped(m.plan.batch.into()),
            plural(m.plan.trials.into(), "trial", "trials"),
            m.kernel.seed.map_or_else(
                || m.plan.seed.to_string(),
                |drawn| format!("{drawn}, which this boot drew (planned {})", m.plan.seed)
            ),
            m.plan.crc,
            if m.plan.deterministic { ", deterministic" } else { "" }
        ),
        Tone::Plain,
    );
    for lost in &m.stream.lost_pes {
        fact(
            "lost PE",
            format!("PE {} (MPIDR {}) {}", lost.pe, lost.mpidr, lost.reason),
            Tone::Bad,
        );
    }
    fact("started", m.started.clone(), Tone::Plain);
    fact("finished", m.finished.clone().unwrap_or_default(), Tone::Plain);
    let mut blocks = vec![Block::Table(facts)];
    blocks.extend(pes(summary));
    blocks
}

/// Returns what the PEs are; equal ones are told once.
fn pes(summary: &Summary) -> Vec<Block> {
    let mut groups: Vec<(Vec<u32>, &results::manifest::Pe)> = Vec::new();
    for pe in &summary.manifest.pes {
        // MPIDR_EL1 differs by its nature.
        let same = |a: &results::manifest::Pe| {
            let rest = |pe: &results::manifest::Pe| {
                let mut registers = pe.registers.clone();
                registers.remove("MPIDR_EL1");
                (registers, pe.event, pe.frequency)
            };
            rest(a) == rest(pe)
        };
        match groups.iter_mut().find(|(_, first)| same(first)) {
            Some((members, _)) => members.push(pe.pe),
            None => groups.push((vec![pe.pe], pe)),
        }
    }
    let mut blocks = Vec::new();
    if groups.len() > 1 {
        blocks.push(Block::Table(kinds(&groups)));
    }
    for (members, pe) in groups {
        let names: Vec<String> = members.iter().map(u32::to_string).collect();
        let who = format!("PE {}", names.join(", "));
        let mut table = Table::new(format!("{who}: identification registers"), &["register", ">value"]);
        for (name, value) in &pe.registers {
            table.row([
                Cell::toned(name, Tone::Code),
                Cell::toned(value.to_string(), Tone::Code),
            ]);
        }
        let mut features = Table::new(
            format!("{who}: features that bear on TLB maintenance"),
            &["feature", "here"],
        );
        if let Some(midr) = pe.registers.get("MIDR_EL1") {
            features.row(["processor".into(), registers::midr(midr.0).into()]);
        }
        if let (Some(event), Some(frequency)) = (pe.event, pe.frequency) {
            features.row([
                "counter".into(),
                format!("{}, generic timer at {} Hz", event.id(), grouped(frequency)).into(),
            ]);
        }
        for (meaning, text) in registers::features(&pe.registers) {
            features.row([meaning.into(), text.into()]);
        }
        blocks.extend(
            [features, table.folded_beyond(0)]
                .into_iter()
                .filter(|t| !t.rows.is_empty())
                .map(Block::Table),
        );
    }
    blocks
}

/// Returns the kinds of PEs, each in a row: a machine whose PEs differ is several machines to a TLB.
fn kinds(groups: &[(Vec<u32>, &results::manifest::Pe)]) -> Table {
    let mut table = Table::new("PEs of different kinds", &["PEs", "processor", "counter", ">timer Hz"]);
    for (members, pe) in groups {
        let names: Vec<String> = members.iter().map(u32::to_string).collect();
        let midr = pe.registers.get("MIDR_EL1");
        let processor = midr.map_or("unknown".to_owned(), |midr| registers::midr(midr.0));
        table.row([
            names.join(", ").into(),
            processor.into(),
            pe.event.map_or("none", |event| event.id()).into(),
            pe.frequency.map_or(String::new(), grouped).into(),
        ]);
    }
    table
}

/// Returns what arrived on the wire.
pub fn stream(summary: &Summary) -> Vec<Block> {
    let s = &summary.manifest.stream;
    let mut table = Table::new(
        "What arrived",
        &[">lines", ">samples", ">lost", ">damaged", ">duplicates", ">chatter"],
    );
    let bad = |n: u64| {
        if n > 0 {
            Cell::toned(grouped(n), Tone::Bad)
        } else {
            grouped(n).into()
        }
    };
    table.row([
        grouped(s.lines).into(),
        grouped(s.samples).into(),
        bad(s.lost_lines),
        bad(s.damaged),
        grouped(s.duplicates).into(),
        grouped(s.chatter).into(),
    ]);
    let mut blocks = vec![Block::Table(table)];
    if s.unlogged_bytes > 0 {
        let bytes = plural(s.unlogged_bytes, "byte", "bytes");
        blocks.push(Block::Paragraph(format!(
            "{bytes} of chatter are not in the console log: there was too much."
        )));
    }
    if !summary.gaps().is_empty() {
        let gap = |gap: &results::manifest::Gap| match gap.first == gap.last {
            true => gap.first.to_string(),
            false => format!("{} to {}", gap.first, gap.last),
        };
        let gaps: Vec<String> = summary.gaps().iter().map(gap).collect();
        blocks.push(Block::Paragraph(format!("Lost lines: {}.", gaps.join(", "))));
    }
    blocks
}

/// Returns how the numbers came about.
pub fn method(summary: &Summary) -> Vec<Block> {
    if summary.series.is_empty() {
        return Vec::new();
    }
    vec![Block::List(
        [
            "Every sample is the counter's difference around one stub frame that holds the sequence; the frame without \
             a sequence (empty) is measured in the same way, and all are interleaved in a seeded order.",
            "Raw values are exact counts. Net is the raw median less the median of the empty frame; it is below \
             resolution when no larger than the spread of the empty frame (90th less 10th percentile).",
            "A ratio is the median over the batches of (sequence / baseline), batch by batch, so what slows the machine \
             down for a while slows both; batch medians are interpolated within one count. Intervals are seeded \
             percentile bootstraps over the batches (2,000 resamples, 95%).",
            "The noise floor is how far from 1 the interval of the baseline beside its own copy (A/A) reaches. A \
             sequence is called faster or slower (what a simulator counts: lower or higher) only if its interval \
             excludes 1, its ratio is outside the noise floor, and Wilcoxon's signed-rank test of paired batches \
             rejects no difference at 5% after correction for all comparisons of the run (Holm). A p-value only takes \
             findings away.",
            "Batches, not samples, are the unit of every interval and test: samples of one batch share what the machine \
             did then. The shift by batch is the Hodges-Lehmann estimate of paired batch medians with the signed-rank \
             interval; the shift by sample and the share above the baseline take every sample with every other and only \
             describe. Mann-Whitney on batch medians does not know of the pairing, so drift makes it see less.",
            "Two modes are reported when at least 10% of the samples are in excess of any single peak (Müller and \
             Sawitzki 1991; twice Hartigan's dip). The trimmed mean leaves out a tenth at each end; nothing is decided by \
             means, deviations or modes.",
        ]
        .map(str::to_owned)
        .to_vec(),
    )]
}
