// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks. The place of a row is its bit in a plan: rows are only ever added at the end of a schema version.

use super::Access::{Fetch, Load, Store};
use super::Change::{
    AccessFlag, Identity, IdentityOfSecondaries, Map, NoExecute, Remap, RemoveTable, Reuse, Unmap, WriteProtect,
};
use super::Observer::{Other, Own, Relay};
use super::Regime::{El1, El1UnderStage2, El2, El2Host, El2HostTge, Stage2, Stage2UnderStage1};
use super::{Access, Change, Observer, Regime, Spec, Tag};

/// A check of one page, by one PE, at the exception level of the regime.
const fn page(
    id: &'static str,
    shape: &'static str,
    regime: Regime,
    change: Change,
    access: Access,
    title: &'static str,
) -> Spec {
    Spec {
        id,
        title,
        shape,
        regime,
        change,
        access,
        el0: false,
        level: 3,
        entries: 1,
        contiguous: false,
        tag: Tag::Global,
        observer: Own,
    }
}

impl Spec {
    const fn at_el0(self) -> Self {
        Self { el0: true, ..self }
    }
    const fn at_level(self, level: u8) -> Self {
        Self { level, ..self }
    }
    const fn of(self, entries: u8) -> Self {
        Self { entries, ..self }
    }
    const fn contiguous(self) -> Self {
        Self {
            contiguous: true,
            ..self
        }
    }
    const fn tagged(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }
    const fn seen_by(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }
}

#[rustfmt::skip]
pub(super) static TABLE: [Spec; 63] = [
    page("cowinvt_el2", "CoWinvT", El2, Unmap, Load,
        "EL2 page: valid to invalid, then load"),
    page("bbm_oa_el2", "BBM", El2, Remap, Load,
        "EL2 page: break-before-make to another output address, then load"),
    page("wprot_el2", "wprot", El2, WriteProtect, Store,
        "EL2 page: read-write to read-only, then store"),
    page("table_l2_el2", "table removal", El2, RemoveTable, Load,
        "EL2 level 2 table entry removed, then load through it").at_level(2),
    page("identity_el2", "CoWinvT", El2, Identity, Load,
        "EL2 1:1 map removed at its top-level entry, then load from it").at_level(0),
    page("reuse_el2", "reuse", El2, Reuse, Load,
        "EL2 page unmapped and freed and reused by another owner, then load of the new owner's data"),
    page("fetch_el2", "fetch", El2, Remap, Fetch,
        "EL2 code page: break-before-make to another output address, then instruction fetch"),
    page("xn_el2", "fetch", El2, NoExecute, Fetch,
        "EL2 page: executable to execute-never, then instruction fetch"),
    page("af_el2", "CoWT", El2, AccessFlag, Load,
        "EL2 page: access flag cleared, then load"),
    page("block_l2_el2", "CoWinvT", El2, Unmap, Load,
        "EL2 2 MiB block: valid to invalid, then load").at_level(2),
    page("block_l1_el2", "CoWinvT", El2, Unmap, Load,
        "EL2 1 GiB block: valid to invalid, then load").at_level(1),
    page("table_l1_el2", "table removal", El2, RemoveTable, Load,
        "EL2 level 1 table entry removed, then load through it").at_level(1),
    page("contig_el2", "CoWinvT", El2, Unmap, Load,
        "EL2 16 contiguous pages: valid to invalid, then load from each").of(16).contiguous(),
    page("range_el2", "CoWinvT", El2, Unmap, Load,
        "EL2 8 pages: valid to invalid, then load from each").of(8),
    page("i2v_el2", "I2V", El2, Map, Load,
        "EL2 page: invalid to valid, then load"),
    page("cowinvt_el2h", "CoWinvT", El2Host, Unmap, Load,
        "EL2&0 (E2H=1 TGE=0) page: valid to invalid, then load"),
    page("bbm_oa_el2h", "BBM", El2Host, Remap, Load,
        "EL2&0 (E2H=1 TGE=0) page: break-before-make to another output address, then load"),
    page("wprot_el2h", "wprot", El2Host, WriteProtect, Store,
        "EL2&0 (E2H=1 TGE=0) page: read-write to read-only, then store"),
    page("cowinvt_el2h_tge", "CoWinvT", El2HostTge, Unmap, Load,
        "EL2&0 (E2H=1 TGE=1) page: valid to invalid, then load"),
    page("bbm_oa_el2h_tge", "BBM", El2HostTge, Remap, Load,
        "EL2&0 (E2H=1 TGE=1) page: break-before-make to another output address, then load"),
    page("cowinvt_el0_el2h_tge", "CoWinvT", El2HostTge, Unmap, Load,
        "EL2&0 (E2H=1 TGE=1) page: valid to invalid, then load at EL0").at_el0(),
    page("cowinvt_el1", "CoWinvT", El1, Unmap, Load,
        "EL1&0 page with stage 2 off: valid to invalid, then load at EL1"),
    page("bbm_oa_el1", "BBM", El1, Remap, Load,
        "EL1&0 page with stage 2 off: break-before-make to another output address, then load at EL1"),
    page("wprot_el1", "wprot", El1, WriteProtect, Store,
        "EL1&0 page with stage 2 off: read-write to read-only, then store at EL1"),
    page("table_l2_el1", "table removal", El1, RemoveTable, Load,
        "EL1&0 level 2 table entry removed with stage 2 off, then load through it at EL1").at_level(2),
    page("block_l2_el1", "CoWinvT", El1, Unmap, Load,
        "EL1&0 2 MiB block with stage 2 off: valid to invalid, then load at EL1").at_level(2),
    page("fetch_el1", "fetch", El1, Remap, Fetch,
        "EL1&0 code page with stage 2 off: break-before-make to another output address, then fetch at EL1"),
    page("cowinvt_el0", "CoWinvT", El1, Unmap, Load,
        "EL1&0 page with stage 2 off: valid to invalid, then load at EL0").at_el0(),
    page("wprot_el0", "wprot", El1, WriteProtect, Store,
        "EL1&0 page with stage 2 off: read-write to read-only, then store at EL0").at_el0(),
    page("reuse_el0", "reuse", El1, Reuse, Load,
        "EL1&0 page unmapped and freed and reused by another owner, then load of the new owner's data at EL0").at_el0(),
    page("af_el1", "CoWT", El1, AccessFlag, Load,
        "EL1&0 page with stage 2 off: access flag cleared, then load at EL1"),
    page("asid_el1", "CoWinvT", El1, Unmap, Load,
        "EL1&0 non-global page of the current ASID: valid to invalid, then load at EL1").tagged(Tag::Asid),
    page("asid_other_el1", "CoWinvT", El1, Unmap, Load,
        "EL1&0 non-global page of an ASID that is not the current one: valid to invalid, then load at EL1").tagged(Tag::OtherAsid),
    page("cowinvt_el1_s2", "CoWinvT", El1UnderStage2, Unmap, Load,
        "EL1&0 page with stage 2 on: valid to invalid, then load at EL1"),
    page("bbm_oa_el1_s2", "BBM", El1UnderStage2, Remap, Load,
        "EL1&0 page with stage 2 on: break-before-make to another output address, then load at EL1"),
    page("cowinvt_el0_s2", "CoWinvT", El1UnderStage2, Unmap, Load,
        "EL1&0 page with stage 2 on: valid to invalid, then load at EL0").at_el0(),
    page("cowinvt_s2", "CoWinvT", Stage2, Unmap, Load,
        "stage 2 page with stage 1 off: valid to invalid, then load at EL1"),
    page("bbm_oa_s2", "BBM", Stage2, Remap, Load,
        "stage 2 page with stage 1 off: break-before-make to another output address, then load at EL1"),
    page("wprot_s2", "wprot", Stage2, WriteProtect, Store,
        "stage 2 page with stage 1 off: read-write to read-only, then store at EL1"),
    page("table_l2_s2", "table removal", Stage2, RemoveTable, Load,
        "stage 2 level 2 table entry removed with stage 1 off, then load through it at EL1").at_level(2),
    page("block_l2_s2", "CoWinvT", Stage2, Unmap, Load,
        "stage 2 2 MiB block with stage 1 off: valid to invalid, then load at EL1").at_level(2),
    page("fetch_s2", "fetch", Stage2, Remap, Fetch,
        "stage 2 code page with stage 1 off: break-before-make to another output address, then fetch at EL1"),
    page("vmid_other_s2", "CoWinvT", Stage2, Unmap, Load,
        "stage 2 page of a VMID that is not the current one: valid to invalid, then load at EL1").tagged(Tag::OtherVmid),
    page("cowinvt_s2_s1", "CoWinvT", Stage2UnderStage1, Unmap, Load,
        "stage 2 page under stage 1: valid to invalid, then load at EL1"),
    page("bbm_oa_s2_s1", "BBM", Stage2UnderStage1, Remap, Load,
        "stage 2 page under stage 1: break-before-make to another output address, then load at EL1"),
    page("wprot_s2_s1", "wprot", Stage2UnderStage1, WriteProtect, Store,
        "stage 2 page under stage 1: read-write to read-only, then store at EL1"),
    page("reuse_s2_s1", "reuse", Stage2UnderStage1, Reuse, Load,
        "stage 2 page under stage 1 unmapped and reused by another owner, then load of the new owner's data at EL0").at_el0(),
    page("mp_rt_el2", "MP.RT", El2, Unmap, Load,
        "EL2 page: valid to invalid, then load on another PE").seen_by(Other),
    page("mp_bbm_el2", "MP.BBM", El2, Remap, Load,
        "EL2 page: break-before-make to another output address, then load on another PE").seen_by(Other),
    page("mp_wprot_el2", "wprot", El2, WriteProtect, Store,
        "EL2 page: read-write to read-only, then store on another PE").seen_by(Other),
    page("mp_fetch_el2", "fetch", El2, Remap, Fetch,
        "EL2 code page: break-before-make to another output address, then fetch on another PE").seen_by(Other),
    page("mp_reuse_el2", "reuse", El2, Reuse, Load,
        "EL2 page unmapped and freed and reused by another owner, then load of the new owner's data on another PE").seen_by(Other),
    page("mp_table_l2_el2", "table removal", El2, RemoveTable, Load,
        "EL2 level 2 table entry removed, then load through it on another PE").at_level(2).seen_by(Other),
    page("mp_identity_el2", "MP.RT", El2, IdentityOfSecondaries, Load,
        "EL2 1:1 map brought back to start another PE and removed again, then load from it on that PE").seen_by(Other),
    page("mp_rt_el2h", "MP.RT", El2Host, Unmap, Load,
        "EL2&0 (E2H=1 TGE=0) page: valid to invalid, then load on another PE").seen_by(Other),
    page("mp_rt_el1", "MP.RT", El1, Unmap, Load,
        "EL1&0 page with stage 2 off: valid to invalid, then load at EL1 on another PE").seen_by(Other),
    page("mp_bbm_el1", "MP.BBM", El1, Remap, Load,
        "EL1&0 page with stage 2 off: break-before-make, then load at EL1 on another PE").seen_by(Other),
    page("mp_rt_el0", "MP.RT", El1, Unmap, Load,
        "EL1&0 page with stage 2 off: valid to invalid, then load at EL0 on another PE").at_el0().seen_by(Other),
    page("mp_rt_el1_s2", "MP.RT", El1UnderStage2, Unmap, Load,
        "EL1&0 page with stage 2 on: valid to invalid, then load at EL1 on another PE").seen_by(Other),
    page("mp_rt_s2", "MP.RT", Stage2, Unmap, Load,
        "stage 2 page with stage 1 off: valid to invalid, then load at EL1 on another PE").seen_by(Other),
    page("mp_rt_s2_s1", "MP.RT", Stage2UnderStage1, Unmap, Load,
        "stage 2 page under stage 1: valid to invalid, then load at EL1 on another PE").seen_by(Other),
    page("wrc_trt_el2", "WRC.TRT", El2, Unmap, Load,
        "EL2 page: valid to invalid; a second PE runs the sequence, then load on a third").seen_by(Relay),
    page("wrc_trt_el1", "WRC.TRT", El1, Unmap, Load,
        "EL1&0 page with stage 2 off: valid to invalid; a second PE runs the sequence, then load at EL1 on a third").seen_by(Relay),
];
