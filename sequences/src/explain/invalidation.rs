// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sentences about TLB invalidations.

use crate::explain::context::{Context, Sentences, pes, tlbis};
use crate::instruction::Domain;
use crate::operand::Operand;
use crate::tlbi::{ExceptionLevel, Target, Tlbi};
use alloc::format;
use alloc::string::String;

/// Explains a `tlbi`.
pub(super) fn tlbi(here: &Context<'_>, tlbi: Tlbi) -> Sentences {
    let op = tlbi.op;
    let pes = pes(Domain::covering(op.scope()));
    let (entries, limits) = entries(tlbi);
    let mut does = format!(
        "Starts to invalidate, in the TLBs of {pes}, {entries}{}{limits}.",
        regime(tlbi)
    );
    let completed_before = here.any_before() && here.outstanding().is_none();
    let same_before = tlbis(here.before()).any(|earlier| earlier == tlbi);
    let errata = if tlbi.operand == Operand::Xzr && here.any_before() {
        Some(
            "The address is a dummy: this is the second half of a \"repeat TLBI\" work-around for errata (e.g. Cortex-A76 \
             1286807, CVE-2025-10263).",
        )
    } else if same_before && completed_before {
        Some(
            "It repeats an invalidation that is complete: a \"repeat TLBI\" work-around for errata (e.g. Cortex-A76 \
             1286807), and no job of the architecture's.",
        )
    } else {
        None
    };
    if let Some(errata) = errata {
        does.push(' ');
        does.push_str(errata);
    }
    if matches!(tlbi.operand, Operand::VaUnshifted | Operand::IpaUnshifted) {
        does.push_str(" The address is not shifted right by 12 here, so this invalidates another page, if any.");
    }
    if tlbi.operand == Operand::AsidUnshifted {
        does.push_str(" The ASID is not in bits [63:48] here, so this invalidates the entries of ASID 0.");
    }
    if tlbi.operand.ttl().is_some() {
        does.push_str(
            " The level hint (FEAT_TTL) limits it to a leaf entry of that level; a wrong hint may miss the entry.",
        );
    }
    let mut orders =
        String::from("Nothing by itself: it takes effect at some point before the DSB that completes it is complete.");
    if op.is_nxs() {
        orders.push_str(" Its completion does not wait for accesses with the XS attribute.");
    }
    let without_it = match (op.target(), errata) {
        (_, Some(_)) => {
            String::from("Nothing on PEs without the erratum; on the others the first invalidation may be incomplete.")
        }
        (Target::Ipa | Target::IpaLast, _) => String::from(
            "The stage 2 entry may be used until something evicts it. Entries that combine both stages may survive it: \
             they need a stage 1 invalidation for this VMID after a DSB.",
        ),
        (Target::PaAll | Target::Pa | Target::PaLast, _) => {
            String::from("The old granule protection information may be used until something evicts it.")
        }
        (Target::VmallWs2, _) => {
            String::from("Writes may go on through cached write permission without being recorded.")
        }
        _ => format!("The old translation may be used on {pes} until something evicts it, so possibly for ever."),
    };
    Sentences::new(does, orders, without_it)
}

/// Returns the entries an operation names, and what limits or widens them, to follow the regime.
fn entries(tlbi: Tlbi) -> (String, &'static str) {
    let op = tlbi.op;
    let address = match tlbi.operand {
        Operand::Xzr => "address 0",
        Operand::Page(_) => "the page of the repetition",
        _ if op.is_range() => "the range under test",
        _ => "the address under test",
    };
    // The EL2 and EL3 regimes have no ASID, except EL2&0.
    let asid = if op.level() == ExceptionLevel::El1 {
        " and its ASID"
    } else {
        ""
    };
    const TABLES: &str = ", table entries on the way there included";
    const LEAVES: &str = ", but no table entries, so not when a table was removed";
    match op.target() {
        Target::All => (String::from("all entries"), ""),
        Target::Vmall => (String::from("all stage 1 entries"), ", for the current VMID"),
        Target::VmallS12 => (String::from("all stage 1 and stage 2 entries of the current VMID"), ""),
        Target::VmallWs2 => (
            String::from("the stage 2 write permission of the entries of the current VMID"),
            "",
        ),
        Target::Va => (format!("the entries for {address}{asid}"), TABLES),
        Target::VaLast => (format!("the last-level entries for {address}{asid}"), LEAVES),
        Target::VaAllAsid => (format!("the entries of every ASID for {address}"), TABLES),
        Target::VaAllAsidLast => (format!("the last-level entries of every ASID for {address}"), LEAVES),
        Target::Asid => (
            String::from("the non-global entries of the ASID"),
            ", for the current VMID",
        ),
        Target::Ipa => (format!("the stage 2 entries of the current VMID for {address}"), ""),
        Target::IpaLast => (
            format!("the last-level stage 2 entries of the current VMID for {address}"),
            "",
        ),
        Target::PaAll => (String::from("all granule protection information"), ""),
        Target::Pa => (
            String::from("the granule protection information for the range of physical addresses"),
            "",
        ),
        Target::PaLast => (
            String::from("the last-level granule protection information for the range of physical addresses"),
            "",
        ),
    }
}

/// Returns the translation regime an operation applies to, with a space in front.
fn regime(tlbi: Tlbi) -> &'static str {
    match (tlbi.op.target(), tlbi.op.level()) {
        (Target::PaAll | Target::Pa | Target::PaLast, _) => " (EL3 only)",
        (Target::All, ExceptionLevel::El1) => " of the EL1&0 regime, both stages, every VMID",
        (Target::VmallS12 | Target::VmallWs2 | Target::Ipa | Target::IpaLast, _) => "",
        (_, ExceptionLevel::El1) => " of the EL1&0 regime (EL2&0 if HCR_EL2.{E2H,TGE} is {1,1})",
        (_, ExceptionLevel::El2) => " of the EL2 regime (EL2&0 if HCR_EL2.E2H is 1)",
        (_, ExceptionLevel::El3) => " of the EL3 regime",
    }
}
