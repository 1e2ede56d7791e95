// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logs written by hand, each with what must be found in it, or must not: written down before the judge was asked.
#![allow(missing_docs)]

use std::ops::ControlFlow;

use sequences::{Instruction, Sequence};
use trace::finding::{Count, Kind, Report};
use trace::format::{ACCESS_FLAG, CONTIGUOUS, EL0, NOT_GLOBAL, READ_ONLY};
use trace::judge::{Judge, Options};
use trace::log::{Access, Event, RETURN_IS_KNOWN, Writer};
use trace::registers::{HCR_E2H, HCR_TGE, HCR_VM, Register};

const ROOT: u64 = 0x4000_0000;
const PAGE: u64 = 0x703;
const ERET: u32 = 0xd69f_03e0;

/// A short log that says of many large tables that they are there.
#[test]
fn what_a_log_has_us_keep_is_bounded() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, u64::MAX);
    for table in 0..500 {
        let entries = vec![0; 16 * 8192];
        writer
            .write(&Event::Table {
                address: table << 20,
                entries,
            })
            .unwrap();
    }
    writer.end().unwrap();
    assert!(bytes.len() < 1 << 15);
    let report = Judge::log(&bytes[..], Options::default(), |_, _| ControlFlow::Continue(())).unwrap();
    assert!(report.incomplete.is_some_and(|why| why.contains("more than 256 MiB")));
}

/// Many roots, and a PE with a high number: what is kept of who has loaded which.
#[test]
fn what_is_kept_of_roots_is_bounded() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, u64::MAX);
    let mut say = |pe, register, value| {
        writer
            .write(&Event::Register {
                pe,
                pc: 0,
                register,
                value,
            })
            .unwrap()
    };
    for (register, value) in EL2.registers {
        say(4095, *register, *value);
    }
    for root in 0..80_000 {
        say(4095, Register::Ttbr0El2, root << 12);
    }
    writer.end().unwrap();
    let report = Judge::log(&bytes[..], Options::default(), |_, _| ControlFlow::Continue(())).unwrap();
    assert!(report.incomplete.is_some_and(|why| why.contains("more than 256 MiB")));
}

/// A guest: its tables begin at [`ROOT`], one below the other, and its program is what is called here.
struct Guest {
    events: Vec<Event>,
    el: u8,
}

/// A machine by its registers.
#[derive(Clone, Copy)]
struct Setup {
    pes: u32,
    mmfr: [u64; 3],
    registers: &'static [(Register, u64)],
    /// Entries of each table, and bytes of it.
    tables: &'static [usize],
    el: u8,
}

const EL2: Setup = Setup {
    pes: 2,
    mmfr: [0; 3],
    registers: &[
        (Register::TcrEl2, 16),
        (Register::Ttbr0El2, ROOT),
        (Register::SctlrEl2, 1),
    ],
    tables: &[512; 4],
    el: 2,
};

/// Both halves, the lower one with ASID 5, the upper one not used.
const EL1: Setup = Setup {
    pes: 2,
    mmfr: [0; 3],
    registers: &[
        (Register::MairEl1, 0xff),
        (Register::TcrEl1, 16 | 16 << 16 | 1 << 23 | 2 << 30),
        (Register::Ttbr0El1, ROOT | 5 << 48),
        (Register::SctlrEl1, 1),
    ],
    tables: &[512; 4],
    el: 1,
};

/// A guest's stage 2 with VMID 7: 39 bits, from level 1, three tables.
const STAGE_2: Setup = Setup {
    pes: 2,
    mmfr: [0; 3],
    registers: &[
        (Register::VtcrEl2, 25 | 1 << 6),
        (Register::VttbrEl2, ROOT | 7 << 48),
        (Register::HcrEl2, HCR_VM),
    ],
    tables: &[512; 3],
    el: 2,
};

impl Guest {
    fn new(setup: Setup) -> Self {
        let mut guest = Self {
            events: vec![Event::Pes(setup.pes)],
            el: setup.el,
        };
        for pe in 0..setup.pes {
            for (number, value) in (0..).zip(setup.mmfr) {
                guest.events.push(Event::IdRegister { pe, number, value });
            }
        }
        let (rest, switch) = setup.registers.split_at(setup.registers.len() - 1);
        guest.enter(0, rest);
        let last = setup.tables.len() - 1;
        for (number, entries) in setup.tables.iter().enumerate() {
            let mut table = vec![0; *entries];
            if number < last {
                table[0] = Self::table(number + 1) | 3;
            }
            guest.events.push(Event::Table {
                address: Self::table(number),
                entries: table,
            });
        }
        guest.enter(0, switch);
        for pe in 1..setup.pes {
            guest.enter(pe, setup.registers);
        }
        guest
    }

    const fn table(number: usize) -> u64 {
        ROOT + 0x1_0000 * number as u64
    }

    fn enter(&mut self, pe: u32, registers: &[(Register, u64)]) -> &mut Self {
        for (register, value) in registers {
            self.events.push(Event::Register {
                pe,
                pc: 0x100,
                register: *register,
                value: *value,
            });
        }
        self
    }

    /// Stores the descriptor of a page in the last table of four.
    fn store(&mut self, page: u64, new: u64) -> &mut Self {
        self.store_at(0, Self::table(3) + page * 8, new)
    }

    fn store_at(&mut self, pe: u32, address: u64, new: u64) -> &mut Self {
        self.events.push(Event::Store {
            pe,
            pc: 0x200,
            address,
            old: 0,
            new,
        });
        self
    }

    /// Executes instructions on PE 0; operands are that of the TLBIs.
    fn run(&mut self, text: &str, operand: u64) -> &mut Self {
        self.run_on(0, text, operand)
    }

    fn run_on(&mut self, pe: u32, text: &str, operand: u64) -> &mut Self {
        let sequence: Sequence = text.parse().unwrap();
        for instruction in sequence.instructions() {
            let tlbi = matches!(instruction, Instruction::Tlbi(_));
            self.events.push(Event::Instruction {
                pe,
                pc: 0x300,
                el: self.el,
                word: instruction.encode(0),
                operand: if tlbi { operand } else { 0 },
            });
        }
        self
    }

    fn eret(&mut self) -> &mut Self {
        self.events.push(Event::Instruction {
            pe: 0,
            pc: 0x400,
            el: self.el,
            word: ERET,
            operand: 0,
        });
        self
    }

    fn access(&mut self, address: u64, access: Access) -> &mut Self {
        self.events.push(Event::Use {
            pe: 0,
            pc: 0x500,
            address,
            access,
        });
        self
    }

    /// A PE returns from an exception to a level.
    fn eret_to(&mut self, pe: u32, el: u64) -> &mut Self {
        self.events.push(Event::Instruction {
            pe,
            pc: 0x400,
            el: 0,
            word: ERET,
            operand: RETURN_IS_KNOWN | el << 2,
        });
        self
    }

    /// Links a table with this first entry from an entry of the third one of four.
    fn link(&mut self, index: u64, table: u64, first: u64) -> &mut Self {
        let mut entries = vec![0; 512];
        entries[0] = first;
        self.events.push(Event::Table {
            address: table,
            entries,
        });
        self.store_at(0, Self::table(2) + index * 8, table | 3)
    }

    fn report_with(&self, options: Options) -> Report {
        let mut log = Vec::new();
        let mut writer = Writer::new(&mut log, u64::MAX);
        for event in &self.events {
            writer.write(event).unwrap();
        }
        writer.end().unwrap();
        Judge::log(&log[..], options, |_, _| ControlFlow::Continue(())).unwrap()
    }

    fn report(&self) -> Report {
        self.report_with(Options::default())
    }

    /// Returns the kinds that are found.
    fn found(&self) -> Vec<Kind> {
        self.report().findings.keys().map(|path| path.kind).collect()
    }

    /// Returns them where every re-use of a frame is told.
    fn found_with_frames(&self) -> Vec<Kind> {
        let report = self.report_with(Options { frames: true });
        report.findings.keys().map(|path| path.kind).collect()
    }

    fn count(&self, count: Count) -> u64 {
        self.report().counts.get(&count).copied().unwrap_or(0)
    }
}

/// A page is mapped, unmapped, something is done, and it is mapped elsewhere.
fn remapped(setup: Setup, page: u64, text: &str, operand: u64) -> Vec<Kind> {
    let mut guest = Guest::new(setup);
    guest.store(1, 0x5000_0000 | page).run("dsb ish; isb", 0);
    guest.store(1, 0);
    if !text.is_empty() {
        guest.run(text, operand);
    }
    guest.store(1, 0x5000_1000 | page).found()
}

const BROADCAST: &str = "dsb ishst; tlbi vae2is, {va}; dsb ish; isb";

#[test]
fn break_before_make_is_silent_when_it_is_complete() {
    for text in [
        BROADCAST,
        "dsb ishst; tlbi vale2is, {va}; dsb ish",
        "dsb sy; isb; tlbi alle2is; dsb sy; isb",
        "dsb nshst; tlbi alle2is; dsb ish",
        "dsb ishst; tlbi rvae2is, {range}; dsb ish",
        // A weaker DSB in between does not end the wait.
        "dsb ishst; tlbi vae2is, {va}; dsb nsh; dsb ish",
    ] {
        let operand = if text.contains("rvae2") { 1 << 46 | 1 } else { 1 };
        assert_eq!(remapped(EL2, PAGE, text, operand), [], "{text}");
    }
}

#[test]
fn every_way_to_leave_something_out_is_found() {
    for (text, expected) in [
        ("", Kind::NotInvalidated),
        ("dsb ish; isb", Kind::NotInvalidated),
        ("tlbi vae2is, {va}; dsb ish", Kind::NotOrdered),
        ("dsb ishld; tlbi vae2is, {va}; dsb ish", Kind::NotOrdered),
        ("dmb ishst; tlbi vae2is, {va}; dsb ish", Kind::NotOrdered),
        ("dsb ishst; tlbi vae2is, {va}", Kind::NotCompleted),
        ("dsb ishst; tlbi vae2is, {va}; isb", Kind::NotCompleted),
        ("dsb ishst; tlbi vae2is, {va}; dsb ishst", Kind::NotCompleted),
        ("dsb ishst; tlbi vae2is, {va}; dsb ishld", Kind::NotCompleted),
        ("dsb ishst; tlbi vae2is, {va}; dsb nsh", Kind::NotCompleted),
        ("dsb nshst; tlbi vae2, {va}; dsb nsh", Kind::Scope),
        ("dsb nshst; tlbi alle2; dsb nsh", Kind::Scope),
        ("dsb ishst; tlbi vmalle1is; dsb ish", Kind::Operation),
        ("dsb ishst; tlbi vae1is, {va}; dsb ish", Kind::Operation),
        ("dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish", Kind::NotInvalidated),
    ] {
        assert_eq!(remapped(EL2, PAGE, text, 1), [expected], "{text}");
    }
    // Another page: nothing was aimed at this one.
    assert_eq!(remapped(EL2, PAGE, BROADCAST, 2), [Kind::NotInvalidated]);
    // A range that ends before it, with a granule of 4 KiB.
    let range = "dsb ishst; tlbi rvae2is, {range}; dsb ish";
    assert_eq!(remapped(EL2, PAGE, range, 1 << 46 | 3), [Kind::NotInvalidated]);
    // The hint promises a block.
    assert_eq!(remapped(EL2, PAGE, BROADCAST, 1 | 6 << 44), [Kind::Operation]);
}

#[test]
fn a_local_invalidation_is_enough_for_a_pe_alone() {
    let alone = Setup { pes: 1, ..EL2 };
    assert_eq!(remapped(alone, PAGE, "dsb nshst; tlbi vae2, {va}; dsb nsh", 1), []);
    assert_eq!(
        remapped(alone, PAGE, "dsb nshst; tlbi vae2, {va}; isb", 1),
        [Kind::NotCompleted]
    );
    // Who is off holds nothing.
    let mut guest = Guest::new(EL2);
    guest.store(1, 0x5000_0703).run("dsb ish; isb", 0);
    guest.events.push(Event::Off(1));
    guest.store(1, 0).run("dsb nshst; tlbi vae2, {va}; dsb nsh", 1);
    assert_eq!(guest.store(1, 0x5000_1703).found(), []);
}

#[test]
fn each_pe_may_invalidate_for_itself() {
    let mut guest = Guest::new(EL2);
    guest.store(1, 0x5000_0703).run("dsb ish; isb", 0).store(1, 0);
    let local = "dsb ish; tlbi alle2; dsb nsh; isb";
    guest.run(local, 0).run_on(1, local, 0);
    assert_eq!(guest.store(1, 0x5000_1703).found(), []);
}

#[test]
fn a_plain_unmap_with_a_wrong_flush_shows_without_a_make() {
    let mut guest = Guest::new(EL2);
    guest.store(1, 0x5000_0703).run("dsb ish; isb", 0).store(1, 0);
    guest.run("tlbi vae2is, {va}; dsb ish; isb", 1).eret();
    assert_eq!(guest.found(), [Kind::NotOrdered]);
    // The dummy of a work-around for an erratum is aimed at nothing.
    let mut guest = Guest::new(EL2);
    guest.store(0, 0x5000_0703).run("dsb ish; isb", 0).store(0, 0);
    guest.run("tlbi vale2is, {va}; dsb ish", 0).eret();
    assert_eq!(guest.found(), []);
    // Nothing at all may be a lazy scheme.
    let mut guest = Guest::new(EL2);
    guest.store(1, 0x5000_0703).run("dsb ish; isb", 0).store(1, 0).eret();
    assert_eq!((guest.found(), guest.count(Count::Open)), (vec![], 1));
}

#[test]
fn valid_to_valid_depends_on_what_changes() {
    let changed = |mmfr2, old: u64, new: u64| {
        let mut setup = EL1;
        setup.mmfr[2] = mmfr2;
        let mut guest = Guest::new(setup);
        guest.store(1, old).run("dsb ish; isb", 0);
        guest.store(1, new).found()
    };
    let page = 0x5000_0000 | PAGE;
    let broken = [Kind::BreakBeforeMake];
    assert_eq!(changed(0, page, page + 0x1000), broken);
    assert_eq!(changed(0, page, page ^ 4), broken);
    assert_eq!(changed(0, page, page | CONTIGUOUS), broken);
    assert_eq!(changed(1 << 52, page, page | CONTIGUOUS), [], "FEAT_BBM level 1");
    assert_eq!(
        changed(2 << 52, page, page + 0x1000),
        broken,
        "no level permits another address"
    );
    assert_eq!(changed(0, page, page | READ_ONLY), []);
    assert_eq!(changed(0, page | READ_ONLY, page), []);
    assert_eq!(changed(0, page & !ACCESS_FLAG, page + 0x1000), [], "not cached");
    assert_eq!(changed(0, page, page & !ACCESS_FLAG), [], "aging");
    assert_eq!(
        changed(0, page | READ_ONLY, (page + 0x1000) | READ_ONLY),
        [],
        "not known"
    );
}

#[test]
fn a_new_entry_is_used_after_dsb_and_isb() {
    let used = |text: &str, access, ets2| {
        let mut setup = EL2;
        setup.mmfr[1] = if ets2 { 2 << 36 } else { 0 };
        let mut guest = Guest::new(setup);
        guest.store(1, 0x5000_0703);
        if !text.is_empty() {
            guest.run(text, 0);
        }
        guest.access(0x1008, access).found()
    };
    let early = [Kind::UseBeforeSynchronization];
    assert_eq!(used("dsb nshst; isb", Access::Load, false), []);
    assert_eq!(used("dsb sy", Access::Load, false), early);
    assert_eq!(used("dsb sy", Access::Load, true), [], "ETS2");
    assert_eq!(used("isb", Access::Store, false), early);
    assert_eq!(used("", Access::Load, false), early);
    assert_eq!(
        used("", Access::Load, true),
        [],
        "with ETS2 a walk that faults is after earlier stores"
    );
    assert_eq!(
        used("dsb sy", Access::Fetch, true),
        early,
        "fetches need it with ETS2 too"
    );
    assert_eq!(used("dsb sy; isb", Access::Fetch, false), []);
    // Another page.
    let mut guest = Guest::new(EL2);
    assert_eq!(guest.store(1, 0x5000_0703).access(0x2000, Access::Load).found(), []);
    // What EL0 has faults, and is tried again.
    let mut guest = Guest::new(EL1);
    guest
        .store(1, 0x5000_0703 | EL0 | NOT_GLOBAL)
        .access(0x1000, Access::Load);
    assert_eq!((guest.found(), guest.count(Count::Spurious)), (vec![], 1));
}

#[test]
fn asids_are_matched_where_entries_have_one() {
    let own = 5 << 48 | 1;
    let other = 6 << 48 | 1;
    let user = PAGE | EL0 | NOT_GLOBAL;
    let by_va = "dsb ishst; tlbi vale1is, {va}; dsb ish";
    assert_eq!(remapped(EL1, user, by_va, own), []);
    assert_eq!(remapped(EL1, user, by_va, other), [Kind::Operation]);
    assert_eq!(remapped(EL1, PAGE, by_va, other), [], "a global entry");
    let by_asid = "dsb ishst; tlbi aside1is, {asid}; dsb ish";
    assert_eq!(remapped(EL1, user, by_asid, own), []);
    assert_eq!(remapped(EL1, user, by_asid, other), [Kind::Operation]);
    assert_eq!(remapped(EL1, PAGE, by_asid, own), [Kind::Operation], "a global entry");
    let all = "dsb ishst; tlbi vaale1is, {va}; dsb ish";
    assert_eq!(remapped(EL1, user, all, 1), []);
}

#[test]
fn a_root_under_two_asids_is_owed_to_both() {
    // KPTI runs the same tables of user memory under a pair of ASIDs.
    let pair = |text: &str, asids: &[u64]| {
        let mut guest = Guest::new(EL1);
        guest.store(1, 0x5000_0703 | EL0 | NOT_GLOBAL).run("dsb ish; isb", 0);
        for asid in [4, 5] {
            guest.enter(0, &[(Register::Ttbr0El1, ROOT | asid << 48)]).run("isb", 0);
        }
        guest.store(1, 0).run("dsb ishst", 0);
        for asid in asids {
            guest.run(text, asid << 48 | 1);
        }
        guest.run("dsb ish", 0).store(1, 0x5000_1703 | EL0 | NOT_GLOBAL).found()
    };
    assert_eq!(pair("tlbi vale1is, {va}", &[4, 5]), []);
    assert_eq!(pair("tlbi vale1is, {va}", &[5]).len(), 1);
}

#[test]
fn a_table_that_no_pe_has_is_not_judged() {
    let mut guest = Guest::new(Setup { pes: 1, ..EL1 });
    guest.store(1, 0x5000_0703).run("dsb ish; isb", 0);
    guest.events.push(Event::Table {
        address: 0x4100_0000,
        entries: vec![0; 512],
    });
    guest.enter(0, &[(Register::Ttbr0El1, 0x4100_0000 | 6 << 48)]);
    guest.store(1, 0).store(1, 0x5000_1703);
    assert_eq!(guest.found(), []);
}

#[test]
fn tables_are_invalidated_with_their_levels() {
    let removed = |text: &str, operand, empty: bool| {
        let mut guest = Guest::new(EL2);
        if !empty {
            guest.store(1, 0x5000_0703).run("dsb ish; isb", 0);
        }
        guest.store_at(0, Guest::table(2), 0).run(text, operand);
        guest.events.push(Event::Freed {
            pe: 0,
            pc: 0x600,
            address: Guest::table(3),
            new: 0x1234,
        });
        guest.found()
    };
    let freed = [Kind::FreedTable];
    assert_eq!(removed("dsb ishst; tlbi alle2is; dsb ish", 0, false), []);
    assert_eq!(removed("dsb ishst; tlbi alle2is", 0, false), freed);
    assert_eq!(
        removed("dsb ishst; tlbi vae2is, {va}; dsb ish", 0, false),
        freed,
        "one page of many"
    );
    assert_eq!(
        removed("dsb ishst; tlbi vae2is, {va}; dsb ish", 0, true),
        [],
        "an empty table"
    );
    assert_eq!(
        removed("dsb ishst; tlbi vale2is, {va}; dsb ish", 1, true),
        freed,
        "last level only"
    );
    assert_eq!(removed("dsb ish; isb", 0, true), freed);
}

/// A page at 0x5000_0000 is mapped and unmapped, something is done, and its frame becomes a table.
fn became_table(page: u64, text: &str, operand: u64) -> Guest {
    let mut guest = Guest::new(EL1);
    guest.store(1, 0x5000_0000 | page).run("dsb ish; isb", 0).store(1, 0);
    if !text.is_empty() {
        guest.run(text, operand);
    }
    guest.link(1, 0x5000_0000, 0).run("dsb ish; isb", 0);
    guest
}

#[test]
fn a_frame_that_el0_may_still_write_is_no_table() {
    let user = PAGE | EL0 | NOT_GLOBAL;
    let own = 5 << 48 | 1;
    let flush = "dsb ishst; tlbi vale1is, {va}; dsb ish";
    let reused = [Kind::FrameReused];
    for (page, text, el, expected, why) in [
        (user, "", 0, &reused[..], "nothing was invalidated"),
        (
            user,
            "dsb ishst; tlbi vale1is, {va}",
            0,
            &[],
            "completed by the DSB before EL0 runs",
        ),
        (user, "dsb ishst", 0, &reused, "no TLBI"),
        (
            user,
            "tlbi vale1is, {va}; dsb ish",
            0,
            &[Kind::NotOrdered],
            "told as that",
        ),
        (
            user,
            "dsb nshst; tlbi vale1, {va}; dsb nsh",
            0,
            &[],
            "gone where it is run",
        ),
        (user, flush, 0, &[], "complete"),
        (user, "", 1, &[], "EL0 does not run: an address space may be dying"),
        (user | READ_ONLY, "", 0, &[], "it could not be written"),
        (user & !ACCESS_FLAG, "", 0, &[], "it was not cached"),
        (PAGE, "", 0, &[], "of the kernel's own"),
    ] {
        let mut guest = became_table(page, text, own);
        guest.eret_to(0, el);
        assert_eq!(guest.found(), expected, "{why}");
    }
    // A local flush leaves the other PE with it.
    let mut guest = became_table(user, "dsb ish; tlbi vale1, {va}; dsb nsh", own);
    assert_eq!(guest.eret_to(1, 0).found(), reused);
    // Another address space runs there: what is stale has an ASID that it has not.
    let mut guest = became_table(user, "", 0);
    guest.enter(0, &[(Register::Ttbr0El1, ROOT | 6 << 48)]).eret_to(0, 0);
    assert_eq!(guest.found(), []);
    // The flush comes before EL0 runs.
    let mut guest = became_table(user, "", 0);
    assert_eq!(guest.run(flush, own).eret_to(0, 0).found(), []);
}

#[test]
fn what_lazy_schemes_do_with_frames_is_a_number_and_told_when_asked_for() {
    // A kernel's own mapping, and its frame a table.
    let guest = became_table(PAGE, "", 0);
    assert_eq!((guest.found(), guest.count(Count::ReusedAsTable)), (vec![], 1));
    assert_eq!(guest.found_with_frames(), [Kind::FrameReused]);
    assert_eq!(became_table(PAGE | READ_ONLY, "", 0).found_with_frames(), []);
    // Mapped elsewhere.
    let elsewhere = |page: u64, text: &str| {
        let mut guest = Guest::new(EL1);
        guest.store(1, 0x5000_0000 | page).run("dsb ish; isb", 0).store(1, 0);
        if !text.is_empty() {
            guest.run(text, 1);
        }
        guest.store(2, 0x5000_0000 | page);
        guest
    };
    let guest = elsewhere(PAGE, "");
    assert_eq!((guest.found(), guest.count(Count::Reused)), (vec![], 1));
    assert_eq!(guest.found_with_frames(), [Kind::FrameReused]);
    let guest = elsewhere(PAGE, "dsb ishst; tlbi vaae1is, {va}; dsb ish");
    assert_eq!((guest.found_with_frames(), guest.count(Count::Reused)), (vec![], 0));
}

#[test]
fn a_guest_makes_tables_where_its_memory_is_unmapped() {
    // Stage 2 of EL2's own: the hypervisor takes a page from the guest and makes a table of it, or the guest does.
    let taken = |behind: bool, text: &str| {
        let mut guest = Guest::new(Setup { pes: 1, ..STAGE_2 });
        let at = Guest::table(2) + 8;
        guest
            .store_at(0, at, 0x5000_07ff)
            .run("dsb ish; isb", 0)
            .store_at(0, at, 0);
        if !text.is_empty() {
            guest.run(text, 1);
        }
        let (begin, end) = if behind {
            // The guest's root at IPA 0x1000 was this frame; stage 2 maps it again there.
            guest.store_at(0, at, 0x5000_07ff).run("dsb ish; isb", 0);
            let begin = [(Register::TcrEl1, 16 | 1 << 23 | 2 << 30), (Register::Ttbr0El1, 0x1000)];
            (begin, Register::SctlrEl1)
        } else {
            let begin = [(Register::TcrEl2, 16), (Register::Ttbr0El2, 0x5000_0000)];
            (begin, Register::SctlrEl2)
        };
        guest.enter(0, &begin).events.push(Event::Table {
            address: 0x5000_0000,
            entries: vec![0; 512],
        });
        guest.enter(0, &[(end, 1)]);
        guest.eret_to(0, 1).found()
    };
    assert_eq!(taken(false, ""), [Kind::FrameReused]);
    assert_eq!(
        taken(
            false,
            "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish"
        ),
        []
    );
    assert_eq!(taken(true, ""), []);
}

#[test]
fn a_table_that_is_linked_again_is_what_it_was() {
    // The table of pages 0 to 511 is taken out, and hangs under another entry, as a kernel does that moves mappings.
    let moved = |entries: &[u64], text: &str| {
        let mut guest = Guest::new(EL1);
        guest.store(0, 0x5000_0703).run("dsb ish; isb", 0);
        guest.store_at(0, Guest::table(2), 0);
        if !text.is_empty() {
            guest.run(text, 0);
        }
        let mut table = vec![0; 512];
        table[..entries.len()].copy_from_slice(entries);
        guest.events.push(Event::Table {
            address: Guest::table(3),
            entries: table,
        });
        guest.store_at(0, Guest::table(2) + 8, Guest::table(3) | 3).found()
    };
    let freed = [Kind::FreedTable];
    assert_eq!(moved(&[0x5000_0703], ""), [], "the same pages");
    assert_eq!(moved(&[0x5000_0703 & !ACCESS_FLAG], ""), [], "aged");
    assert_eq!(moved(&[0], ""), [], "less of them");
    assert_eq!(moved(&[0x5000_1703], ""), freed, "another page");
    assert_eq!(moved(&[0x5000_0703, 0x5000_1703], ""), freed, "one more");
    assert_eq!(
        moved(&[0x5000_1703], "dsb ishst; tlbi vmalle1is; dsb ish"),
        [],
        "complete"
    );
}

#[test]
fn a_table_that_walks_may_reach_is_not_given_to_el0() {
    let given = |attributes: u64, text: &str| {
        let mut guest = Guest::new(EL1);
        guest.link(1, 0x5000_0000, 0x6000_0703).run("dsb ish; isb", 0);
        guest.store_at(0, Guest::table(2) + 8, 0);
        if !text.is_empty() {
            guest.run(text, 0);
        }
        guest.store(7, 0x5000_0000 | attributes).found()
    };
    let user = PAGE | EL0 | NOT_GLOBAL;
    assert_eq!(given(user, ""), [Kind::FreedTable]);
    assert_eq!(given(user, "dsb ishst; tlbi vmalle1is"), [Kind::FreedTable]);
    assert_eq!(given(user, "dsb ishst; tlbi vmalle1is; dsb ish"), []);
    // The kernel's map of all memory may have it all the time.
    assert_eq!(given(PAGE, ""), []);
}

#[test]
fn a_line_of_zeroes_is_owed_for_each_entry() {
    // `dc zva` over eight entries, in one go; the flush names the first.
    let zeroed = |text: &str, operand: u64| {
        let mut guest = Guest::new(EL2);
        for page in 0..8 {
            guest.store(page, 0x5000_0703 + (page << 12));
        }
        guest.run("dsb ish; isb", 0);
        for page in 0..8 {
            guest.store(page, 0);
        }
        guest.run(text, operand);
        for page in 0..8 {
            guest.store(page, 0x6000_0703 + (page << 12));
        }
        let report = guest.report();
        report
            .findings
            .iter()
            .map(|(path, finding)| (path.kind, finding.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        zeroed("dsb ishst; tlbi vae2is, {va}; dsb ish", 0),
        [(Kind::NotInvalidated, 7)]
    );
    // Eight pages of 4 KiB from 0: scale 0, num 3.
    let range = "dsb ishst; tlbi rvae2is, {range}; dsb ish";
    assert_eq!(zeroed(range, 1 << 46 | 3 << 39), []);
    assert_eq!(zeroed(range, 1 << 46 | 2 << 39), [(Kind::NotInvalidated, 2)]);
}

#[test]
fn under_vhe_operations_of_el1_are_about_el2() {
    let host = Setup {
        pes: 2,
        mmfr: [0; 3],
        registers: &[
            (Register::HcrEl2, HCR_E2H | HCR_TGE),
            (Register::TcrEl2, 16 | 16 << 16 | 1 << 23 | 2 << 30),
            (Register::Ttbr0El2, ROOT | 5 << 48),
            (Register::SctlrEl2, 1),
        ],
        tables: &[512; 4],
        el: 2,
    };
    assert_eq!(remapped(host, PAGE, "dsb ishst; tlbi vaae1is, {va}; dsb ish", 1), []);
    assert_eq!(remapped(host, PAGE, "dsb ishst; tlbi vmalle1is; dsb ish", 0), []);
    // As a guest's they are about another regime.
    assert_eq!(
        remapped(EL2, PAGE, "dsb ishst; tlbi vmalle1is; dsb ish", 0),
        [Kind::Operation]
    );
}

#[test]
fn stage_2_needs_both_kinds_of_entries_gone() {
    let remapped = |text: &str| {
        let mut guest = Guest::new(STAGE_2);
        let at = Guest::table(2) + 8;
        guest
            .store_at(0, at, 0x5000_07ff)
            .run("dsb ish; isb", 0)
            .store_at(0, at, 0);
        guest.run(text, 1).store_at(0, at, 0x5000_17ff).found()
    };
    assert_eq!(
        remapped("dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish"),
        []
    );
    assert_eq!(remapped("dsb ishst; tlbi vmalls12e1is; dsb ish"), []);
    assert_eq!(remapped("dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish").len(), 1);
    assert_eq!(remapped("dsb ishst; tlbi alle2is; dsb ish"), [Kind::Operation]);
}

#[test]
fn a_guest_behind_another_map_is_followed() {
    // Stage 2 maps IPA 0 to ROOT: the guest's tables are at IPAs that are no addresses.
    let mut guest = Guest {
        events: vec![Event::Pes(1)],
        el: 1,
    };
    guest.enter(
        0,
        &[
            (Register::VtcrEl2, 25 | 1 << 6),
            (Register::VttbrEl2, 0x4800_0000 | 3 << 48),
        ],
    );
    let mut stage_2 = vec![0; 512];
    stage_2[0] = ROOT | 0x7fd;
    guest.events.push(Event::Table {
        address: 0x4800_0000,
        entries: stage_2,
    });
    guest.enter(
        0,
        &[
            (Register::HcrEl2, HCR_VM),
            (Register::TcrEl1, 16 | 1 << 23 | 2 << 30),
            (Register::Ttbr0El1, 5 << 48),
        ],
    );
    for number in 0..4 {
        let mut entries = vec![0; 512];
        if number < 3 {
            entries[0] = (0x1_0000 * (number + 1)) | 3;
        }
        guest.events.push(Event::Table {
            address: ROOT + 0x1_0000 * number,
            entries,
        });
    }
    guest.enter(0, &[(Register::SctlrEl1, 1)]);
    guest.store(1, 0x703 | 0x2_0000).run("dsb ish; isb", 0).store(1, 0);
    guest.run("dsb ishst; isb", 0).store(1, 0x703 | 0x2_1000);
    assert_eq!(guest.found(), [Kind::NotInvalidated]);
}

#[test]
fn large_granules_and_five_levels_are_followed() {
    // 16 KiB, 47 bits: three tables of 2048; 64 KiB, 42 bits: two of 8192; LPA2, 52 bits: five, the first of 16.
    for (tcr, mmfr0, tables, bits) in [
        (17 | 2 << 14, 0, &[2048; 3][..], 14),
        (22 | 1 << 14, 0, &[8192; 2][..], 16),
        (12 | 1 << 32, 1 << 28, &[16, 512, 512, 512, 512][..], 12),
    ] {
        for (text, expected) in [(BROADCAST, vec![]), ("dsb ish; isb", vec![Kind::NotInvalidated])] {
            let registers: &'static [_] = Box::leak(Box::new([
                (Register::TcrEl2, tcr),
                (Register::Ttbr0El2, ROOT),
                (Register::SctlrEl2, 1),
            ]));
            let tables: &'static [usize] = tables.to_vec().leak();
            let mut guest = Guest::new(Setup {
                mmfr: [mmfr0, 0, 0],
                registers,
                tables,
                ..EL2
            });
            let at = Guest::table(tables.len() - 1) + 8;
            // With DS, bits [9:8] are address bits.
            let attributes = if mmfr0 != 0 { 0x403 } else { PAGE };
            let page = |number: u64| (0x5000_0000 + (number << bits)) | attributes;
            guest.store_at(0, at, page(0)).run("dsb ish; isb", 0).store_at(0, at, 0);
            guest.run(text, 1 << (bits - 12)).store_at(0, at, page(1));
            assert_eq!(guest.found(), expected, "{bits} {text}");
        }
    }
}

#[test]
fn what_cannot_be_decoded_is_refused_and_told() {
    let mut guest = Guest::new(EL2);
    guest.enter(0, &[(Register::TcrEl2, 16 | 3 << 14)]);
    guest.store(1, 0x5000_0703);
    assert!(guest.count(Count::Undecodable) > 0);
    assert_eq!(guest.found(), []);
}

#[test]
fn a_cut_log_is_judged_as_far_as_it_goes() {
    let mut guest = Guest::new(EL2);
    guest
        .store(1, 0x5000_0703)
        .run("dsb ish; isb", 0)
        .store(1, 0)
        .store(1, 0x5000_1703);
    let mut log = Vec::new();
    let mut writer = Writer::new(&mut log, u64::MAX);
    for event in &guest.events {
        writer.write(event).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    let report = Judge::log(&log[..], Options::default(), |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(report.incomplete.is_some());
    assert!(Judge::log(&b"no log"[..], Options::default(), |_, _| ControlFlow::Continue(())).is_err());
}

#[test]
fn stories_name_rule_and_remedy() {
    let mut guest = Guest::new(EL2);
    guest.store(1, 0x5000_0703).run("dsb ish; isb", 0).store(1, 0);
    guest.run("dsb ishst; tlbi vae2is, {va}; isb", 1).store(1, 0x5000_1703);
    let report = guest.report();
    let (path, finding) = report.findings.first_key_value().unwrap();
    assert_eq!(
        (path.kind, finding.count, &*finding.rule),
        (Kind::NotCompleted, 1, "completion")
    );
    assert_eq!(finding.sequence, "dsb ishst; tlbi vae2is, {va}; isb");
    assert_eq!(
        finding.enough.as_deref(),
        Some("dsb ishst; tlbi vae2is, {va}; dsb ish; isb")
    );
    assert!(finding.story.len() >= 4 && !finding.permitted.is_empty());
}

/// Judges bytes behind the head of a log; what counts is that it comes to an end.
fn judged(bytes: &[u8]) -> Option<Report> {
    Judge::log(bytes, Options { frames: true }, |_, _| ControlFlow::Continue(())).ok()
}

fn written(events: &[Event]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut writer = Writer::new(&mut log, u64::MAX);
    for event in events {
        writer.write(event).unwrap();
    }
    writer.end().unwrap();
    log
}

#[test]
fn hostile_logs_are_judged_to_an_end_without_a_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // Events of every kind with values at the edges of what they can be.
    let edges = [
        0,
        1,
        3,
        0x703,
        0xfff,
        ROOT,
        ROOT | 3,
        1 << 47,
        1 << 52,
        1 << 63,
        u64::MAX,
        u64::MAX - 7,
        0xffff_f000,
    ];
    for round in 0..100 {
        let mut guest = Guest::new(if round % 2 == 0 { EL1 } else { EL2 });
        for _ in 0..200 {
            let number = random();
            let value = edges[(random() % edges.len() as u64) as usize] ^ (random() >> (random() % 64));
            let other = edges[(random() % edges.len() as u64) as usize];
            let pe = (random() % 3) as u32;
            let near = [Guest::table((value % 4) as usize) + (random() % 512) * 8, value][(random() % 2) as usize];
            guest.events.push(match number % 12 {
                0 => Event::Table {
                    address: near & !0xfff,
                    entries: vec![other; [1, 16, 512, 1024][(random() % 4) as usize]],
                },
                1 => Event::Register {
                    pe,
                    pc: 0,
                    register: Register::ALL[(random() % 15) as usize],
                    value: [value, other, ROOT][(random() % 3) as usize],
                },
                2..=5 => Event::Store {
                    pe,
                    pc: 0,
                    address: near,
                    old: 0,
                    new: [value, other, 0x5000_0703, ROOT | 3][(random() % 4) as usize],
                },
                6 => Event::Freed {
                    pe,
                    pc: 0,
                    address: near,
                    new: other,
                },
                7 => Event::Use {
                    pe,
                    pc: 0,
                    address: value,
                    access: Access::Load,
                },
                8 => Event::Off(pe),
                9 => Event::Exception { pe, pc: value },
                _ => Event::Instruction {
                    pe,
                    pc: value,
                    el: (random() % 4) as u8,
                    // System instructions: TLBIs, barriers, and what is none.
                    word: 0xd500_0000 | (random() as u32 & 0x1f_ffff),
                    operand: other ^ value,
                },
            });
        }
        let log = written(&guest.events);
        assert!(
            judged(&log).is_some_and(|report| report.incomplete.is_none()),
            "{round}"
        );
        // And with bytes changed, and cut off.
        for _ in 0..5 {
            let mut bytes = log.clone();
            for _ in 0..=random() % 4 {
                let at = 8 + (random() % (bytes.len() as u64 - 8)) as usize;
                bytes[at] = random() as u8;
            }
            bytes.truncate(8 + (random() % (bytes.len() as u64 - 8)) as usize);
            judged(&bytes);
        }
        let noise: Vec<u8> = log[..8]
            .iter()
            .copied()
            .chain((0..500).map(|_| random() as u8))
            .collect();
        judged(&noise);
    }
}
