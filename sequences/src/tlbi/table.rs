// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operations of the architecture and their place in the system instruction space.
//!
//! Source: Arm ARM (DDI 0487), table "TLB maintenance system instructions" and the page of each, which includes
//! FEAT_TLBIOS, FEAT_TLBIRANGE, FEAT_XS, FEAT_RME and FEAT_TLBIW. One row is one operation without its nXS form, which
//! differs in `CRn` only; those on granule protection tables have none there, whatever assemblers accept.
//! Left out: `tlbip` (FEAT_D128), another instruction with a register pair, and the optional operand of FEAT_TLBID.

use crate::tlbi::ExceptionLevel::{El1, El2, El3};
use crate::tlbi::Scope::{InnerShareable, Local, OuterShareable};
use crate::tlbi::Target::{
    All, Asid, Ipa, IpaLast, Pa, PaAll, PaLast, Va, VaAllAsid, VaAllAsidLast, VaLast, Vmall, VmallS12, VmallWs2,
};
use crate::tlbi::TlbiOp;

/// `CRn` of the operations that wait for all accesses.
pub(super) const CRN: u8 = 8;
/// `CRn` of their nXS forms.
pub(super) const CRN_NXS: u8 = 9;

const ONE: bool = false;
const RANGE: bool = true;

/// One operation, its name, and that of its nXS form if it has one.
pub(super) struct Row {
    pub(super) op: TlbiOp,
    pub(super) name: &'static str,
    pub(super) nxs_name: Option<&'static str>,
    pub(super) op1: u8,
    pub(super) crm: u8,
    pub(super) op2: u8,
}

macro_rules! plain {
    ($name:literal, $target:expr, $level:expr, $scope:expr, $range:expr, $op1:expr, $crm:expr, $op2:expr) => {
        Row {
            op: TlbiOp {
                target: $target,
                level: $level,
                scope: $scope,
                range: $range,
                nxs: false,
            },
            name: $name,
            nxs_name: None,
            op1: $op1,
            crm: $crm,
            op2: $op2,
        }
    };
}

macro_rules! row {
    ($name:literal, $($rest:expr),*) => {
        Row { nxs_name: Some(concat!($name, "nxs")), ..plain!($name, $($rest),*) }
    };
}

/// Every operation: name, target, level, scope, one entry or range, `op1`, `CRm`, `op2`.
#[rustfmt::skip]
pub(super) static TABLE: [Row; 85] = [
    // EL1&0, stage 1 (`op1` 0).
    row!("vmalle1", Vmall, El1, Local, ONE, 0, 7, 0),
    row!("vae1", Va, El1, Local, ONE, 0, 7, 1),
    row!("aside1", Asid, El1, Local, ONE, 0, 7, 2),
    row!("vaae1", VaAllAsid, El1, Local, ONE, 0, 7, 3),
    row!("vale1", VaLast, El1, Local, ONE, 0, 7, 5),
    row!("vaale1", VaAllAsidLast, El1, Local, ONE, 0, 7, 7),
    row!("vmalle1is", Vmall, El1, InnerShareable, ONE, 0, 3, 0),
    row!("vae1is", Va, El1, InnerShareable, ONE, 0, 3, 1),
    row!("aside1is", Asid, El1, InnerShareable, ONE, 0, 3, 2),
    row!("vaae1is", VaAllAsid, El1, InnerShareable, ONE, 0, 3, 3),
    row!("vale1is", VaLast, El1, InnerShareable, ONE, 0, 3, 5),
    row!("vaale1is", VaAllAsidLast, El1, InnerShareable, ONE, 0, 3, 7),
    row!("vmalle1os", Vmall, El1, OuterShareable, ONE, 0, 1, 0),
    row!("vae1os", Va, El1, OuterShareable, ONE, 0, 1, 1),
    row!("aside1os", Asid, El1, OuterShareable, ONE, 0, 1, 2),
    row!("vaae1os", VaAllAsid, El1, OuterShareable, ONE, 0, 1, 3),
    row!("vale1os", VaLast, El1, OuterShareable, ONE, 0, 1, 5),
    row!("vaale1os", VaAllAsidLast, El1, OuterShareable, ONE, 0, 1, 7),
    row!("rvae1", Va, El1, Local, RANGE, 0, 6, 1),
    row!("rvaae1", VaAllAsid, El1, Local, RANGE, 0, 6, 3),
    row!("rvale1", VaLast, El1, Local, RANGE, 0, 6, 5),
    row!("rvaale1", VaAllAsidLast, El1, Local, RANGE, 0, 6, 7),
    row!("rvae1is", Va, El1, InnerShareable, RANGE, 0, 2, 1),
    row!("rvaae1is", VaAllAsid, El1, InnerShareable, RANGE, 0, 2, 3),
    row!("rvale1is", VaLast, El1, InnerShareable, RANGE, 0, 2, 5),
    row!("rvaale1is", VaAllAsidLast, El1, InnerShareable, RANGE, 0, 2, 7),
    row!("rvae1os", Va, El1, OuterShareable, RANGE, 0, 5, 1),
    row!("rvaae1os", VaAllAsid, El1, OuterShareable, RANGE, 0, 5, 3),
    row!("rvale1os", VaLast, El1, OuterShareable, RANGE, 0, 5, 5),
    row!("rvaale1os", VaAllAsidLast, El1, OuterShareable, RANGE, 0, 5, 7),
    // EL1&0, stages 1 and 2 or stage 2, from EL2 (`op1` 4).
    row!("alle1", All, El1, Local, ONE, 4, 7, 4),
    row!("vmalls12e1", VmallS12, El1, Local, ONE, 4, 7, 6),
    row!("vmallws2e1", VmallWs2, El1, Local, ONE, 4, 6, 2),
    row!("alle1is", All, El1, InnerShareable, ONE, 4, 3, 4),
    row!("vmalls12e1is", VmallS12, El1, InnerShareable, ONE, 4, 3, 6),
    row!("vmallws2e1is", VmallWs2, El1, InnerShareable, ONE, 4, 2, 2),
    row!("alle1os", All, El1, OuterShareable, ONE, 4, 1, 4),
    row!("vmalls12e1os", VmallS12, El1, OuterShareable, ONE, 4, 1, 6),
    row!("vmallws2e1os", VmallWs2, El1, OuterShareable, ONE, 4, 5, 2),
    row!("ipas2e1", Ipa, El1, Local, ONE, 4, 4, 1),
    row!("ipas2le1", IpaLast, El1, Local, ONE, 4, 4, 5),
    row!("ripas2e1", Ipa, El1, Local, RANGE, 4, 4, 2),
    row!("ripas2le1", IpaLast, El1, Local, RANGE, 4, 4, 6),
    row!("ipas2e1is", Ipa, El1, InnerShareable, ONE, 4, 0, 1),
    row!("ipas2le1is", IpaLast, El1, InnerShareable, ONE, 4, 0, 5),
    row!("ripas2e1is", Ipa, El1, InnerShareable, RANGE, 4, 0, 2),
    row!("ripas2le1is", IpaLast, El1, InnerShareable, RANGE, 4, 0, 6),
    row!("ipas2e1os", Ipa, El1, OuterShareable, ONE, 4, 4, 0),
    row!("ipas2le1os", IpaLast, El1, OuterShareable, ONE, 4, 4, 4),
    row!("ripas2e1os", Ipa, El1, OuterShareable, RANGE, 4, 4, 3),
    row!("ripas2le1os", IpaLast, El1, OuterShareable, RANGE, 4, 4, 7),
    // EL2, or EL2&0 (`op1` 4).
    row!("alle2", All, El2, Local, ONE, 4, 7, 0),
    row!("vae2", Va, El2, Local, ONE, 4, 7, 1),
    row!("vale2", VaLast, El2, Local, ONE, 4, 7, 5),
    row!("rvae2", Va, El2, Local, RANGE, 4, 6, 1),
    row!("rvale2", VaLast, El2, Local, RANGE, 4, 6, 5),
    row!("alle2is", All, El2, InnerShareable, ONE, 4, 3, 0),
    row!("vae2is", Va, El2, InnerShareable, ONE, 4, 3, 1),
    row!("vale2is", VaLast, El2, InnerShareable, ONE, 4, 3, 5),
    row!("rvae2is", Va, El2, InnerShareable, RANGE, 4, 2, 1),
    row!("rvale2is", VaLast, El2, InnerShareable, RANGE, 4, 2, 5),
    row!("alle2os", All, El2, OuterShareable, ONE, 4, 1, 0),
    row!("vae2os", Va, El2, OuterShareable, ONE, 4, 1, 1),
    row!("vale2os", VaLast, El2, OuterShareable, ONE, 4, 1, 5),
    row!("rvae2os", Va, El2, OuterShareable, RANGE, 4, 5, 1),
    row!("rvale2os", VaLast, El2, OuterShareable, RANGE, 4, 5, 5),
    // EL3 (`op1` 6).
    row!("alle3", All, El3, Local, ONE, 6, 7, 0),
    row!("vae3", Va, El3, Local, ONE, 6, 7, 1),
    row!("vale3", VaLast, El3, Local, ONE, 6, 7, 5),
    row!("rvae3", Va, El3, Local, RANGE, 6, 6, 1),
    row!("rvale3", VaLast, El3, Local, RANGE, 6, 6, 5),
    row!("alle3is", All, El3, InnerShareable, ONE, 6, 3, 0),
    row!("vae3is", Va, El3, InnerShareable, ONE, 6, 3, 1),
    row!("vale3is", VaLast, El3, InnerShareable, ONE, 6, 3, 5),
    row!("rvae3is", Va, El3, InnerShareable, RANGE, 6, 2, 1),
    row!("rvale3is", VaLast, El3, InnerShareable, RANGE, 6, 2, 5),
    row!("alle3os", All, El3, OuterShareable, ONE, 6, 1, 0),
    row!("vae3os", Va, El3, OuterShareable, ONE, 6, 1, 1),
    row!("vale3os", VaLast, El3, OuterShareable, ONE, 6, 1, 5),
    row!("rvae3os", Va, El3, OuterShareable, RANGE, 6, 5, 1),
    row!("rvale3os", VaLast, El3, OuterShareable, RANGE, 6, 5, 5),
    // Granule protection tables (FEAT_RME, `op1` 6): no nXS forms.
    plain!("paall", PaAll, El3, Local, ONE, 6, 7, 4),
    plain!("paallos", PaAll, El3, OuterShareable, ONE, 6, 1, 4),
    plain!("rpaos", Pa, El3, OuterShareable, RANGE, 6, 4, 3),
    plain!("rpalos", PaLast, El3, OuterShareable, RANGE, 6, 4, 7),
];
