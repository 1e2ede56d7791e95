// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules, one by one: the smallest thing that shows each.

use sequences::tlbi::TlbiOp;

use crate::a64::{Memory, Order};
use crate::choice::{Choice, Earliest, Latest};
use crate::core::Core;
use crate::descriptor::Access;
use crate::options::Features;
use crate::sysreg::Translation;
use crate::view::View;
use crate::walk::{Fault, FaultKind};

/// The tables of stage 1, one of each level.
const TABLES: u64 = 0x4100_0000;
/// The tables of stage 2, from level 1 on.
const SECOND: u64 = 0x4110_0000;
/// Other tables of stage 1.
const OTHERS: u64 = 0x4120_0000;
/// The page under test, behind entry 5 of the level 3 table.
const VA: u64 = 0x8000_5000;
/// Pages it leads to.
const OLD: u64 = 0x4200_0000;
const NEW: u64 = 0x4201_0000;
/// Valid page, access flag, accessible at every level, inner shareable, MAIR attribute 0.
const PAGE: u64 = 0x743;
const NOT_GLOBAL: u64 = 1 << 11;
/// Stage 2: read and write, normal memory.
const PAGE2: u64 = 0x7ff;
const DSB_ISHST: u8 = 0b1010;
const DSB_ISH: u8 = 0b1011;
const DSB_NSH: u8 = 0b0111;
const DSB_NSHST: u8 = 0b0110;

/// A memory system and what the tests do with it.
struct Bench {
    core: Core,
    /// The exception level of each PE.
    el: Vec<u8>,
}

impl Bench {
    fn new(pes: usize, features: Features, choice: Box<dyn Choice + Send>) -> Self {
        let mut bench = Self {
            core: Core::new(pes, features, choice),
            el: vec![2; pes],
        };
        for (table, next) in [(0, 1), (1, 2), (2, 3)] {
            let index = [0, 2, 0][table as usize];
            bench.raw(TABLES + 4096 * table + 8 * index, (TABLES + 4096 * next) | 3);
            bench.raw(OTHERS + 4096 * table + 8 * index, (OTHERS + 4096 * next) | 3);
        }
        bench.raw(TABLES + 4096 * 3 + 8 * 5, OLD | PAGE);
        // Stage 2 maps memory 1:1, two MiB at level 3 for what is under test.
        bench.raw(SECOND + 8, (SECOND + 4096) | 3);
        for block in 0..512 {
            bench.raw(SECOND + 4096 + 8 * block, (0x4000_0000 + (block << 21)) | 0x7fd);
        }
        bench.raw(SECOND + 4096 + 8 * 16, (SECOND + 8192) | 3);
        for page in 0..512 {
            bench.raw(SECOND + 8192 + 8 * page, (OLD + (page << 12)) | PAGE2);
        }
        bench.raw(OLD, 1);
        bench.raw(NEW, 2);
        for pe in 0..pes {
            bench.registers(pe, |registers| {
                registers.sctlr = [1; 2];
                registers.tcr = [16 | 16 << 16 | 1 << 23, 16 | 1 << 31];
                registers.ttbr0 = [TABLES | 1 << 48, TABLES];
                registers.mair = [0xff; 2];
                registers.hcr = 1 << 31;
                registers.vtcr = 32 | 1 << 6;
                registers.vttbr = SECOND | 1 << 48;
            });
            bench.isb(pe);
        }
        bench
    }

    fn latest(pes: usize) -> Self {
        Self::new(pes, Features::ALL, Box::new(Latest))
    }

    /// Writes to memory before anything runs.
    fn raw(&mut self, address: u64, value: u64) {
        self.core.ram.load(address, &value.to_le_bytes());
    }

    fn registers(&mut self, pe: usize, change: impl FnOnce(&mut Translation)) {
        change(&mut self.core.pes[pe].written);
    }

    fn isb(&mut self, pe: usize) {
        self.core.synchronize(pe, self.el[pe]);
    }

    /// Enters an exception level, which synchronizes context.
    fn at(&mut self, pe: usize, el: u8) {
        self.el[pe] = el;
        self.isb(pe);
    }

    /// Has a PE store a descriptor, by its physical address.
    fn store(&mut self, pe: usize, address: u64, value: u64) {
        let table = self.core.table_at(address, Some(pe)).unwrap();
        self.core
            .store_descriptor(pe, table, (address % 4096 / 8) as usize, value);
    }

    /// Changes the page under test.
    fn set(&mut self, pe: usize, value: u64) {
        self.store(pe, TABLES + 4096 * 3 + 8 * 5, value);
    }

    fn tlbi(&mut self, pe: usize, name: &str, operand: u64) {
        assert!(
            self.core
                .issue(pe, TlbiOp::from_name(name).unwrap(), operand, self.el[pe])
        );
    }

    fn reach(&mut self, pe: usize, address: u64, access: Access) -> Result<u64, Fault> {
        self.core
            .translate(pe, address, access, false)
            .map(|mapped| mapped.physical & !0xfff)
    }

    fn load(&mut self, pe: usize) -> Result<u64, Fault> {
        self.reach(pe, VA, Access::Read)
    }

    fn fetch(&mut self, pe: usize) -> Result<u64, Fault> {
        self.reach(pe, VA, Access::Fetch)
    }
}

const fn fault(level: u8) -> Result<u64, Fault> {
    Err(Fault::new(FaultKind::Translation, level))
}

/// The good sequence: `dsb ishst; tlbi vae2is; dsb ish; isb`.
fn good(bench: &mut Bench, pe: usize) {
    bench.core.dsb(pe, DSB_ISHST, false);
    bench.tlbi(pe, "vae2is", VA >> 12);
    bench.core.dsb(pe, DSB_ISH, false);
    bench.isb(pe);
}

#[test]
fn an_overwritten_descriptor_is_used_until_its_tlbi_is_complete() {
    let mut bench = Bench::latest(2);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.set(0, 0);
    assert_eq!(bench.load(0), Ok(OLD), "the store is not visible");
    bench.core.dsb(0, DSB_ISHST, false);
    assert_eq!((bench.load(0), bench.load(1)), (Ok(OLD), Ok(OLD)), "the TLB holds it");
    bench.tlbi(0, "vae2is", VA >> 12);
    assert_eq!(bench.load(0), Ok(OLD), "the TLBI is not complete");
    bench.core.dsb(0, DSB_ISHST, false);
    assert_eq!(bench.load(0), Ok(OLD), "a store barrier completes no TLBI");
    bench.core.dsb(0, DSB_ISH, false);
    assert_eq!(bench.load(1), fault(3));
    assert_eq!(bench.load(0), Ok(OLD), "translated before, as there was no ISB");
    bench.isb(0);
    assert_eq!(bench.load(0), fault(3));
}

#[test]
fn a_walk_is_made_ahead_on_a_pe_that_never_used_the_page() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    assert_eq!(bench.load(1), Ok(OLD));
}

#[test]
fn a_missing_first_barrier_lets_the_old_descriptor_be_walked_again() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    bench.tlbi(0, "vae2is", VA >> 12);
    bench.core.dsb(0, DSB_ISH, false);
    bench.isb(0);
    assert_eq!((bench.load(0), bench.load(1)), (Ok(OLD), Ok(OLD)));
    good(&mut bench, 0);
    assert_eq!((bench.load(0), bench.load(1)), (fault(3), fault(3)));
}

#[test]
fn a_narrow_barrier_completes_for_its_own_pe_only() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    bench.core.dsb(0, DSB_NSHST, false);
    bench.tlbi(0, "vae2is", VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!((bench.load(0), bench.load(1)), (fault(3), Ok(OLD)));
    // A DSB of another PE completes nothing of this one.
    bench.core.dsb(1, DSB_ISH, false);
    assert_eq!(bench.load(1), Ok(OLD));
    bench.core.dsb(0, DSB_ISH, false);
    assert_eq!(bench.load(1), fault(3));
}

#[test]
fn a_local_operation_reaches_its_own_pe_only() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "alle2", 0);
    bench.core.dsb(0, DSB_ISH, false);
    bench.isb(0);
    assert_eq!((bench.load(0), bench.load(1)), (fault(3), Ok(OLD)));
}

#[test]
fn fetches_on_every_pe_wait_for_its_own_context_synchronization() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    good(&mut bench, 0);
    assert_eq!((bench.fetch(0), bench.load(1)), (fault(3), fault(3)));
    assert_eq!(bench.fetch(1), Ok(OLD), "fetched before");
    bench.isb(1);
    assert_eq!(bench.fetch(1), fault(3));
}

#[test]
fn with_ets2_the_barrier_is_enough_for_loads_and_not_for_fetches() {
    let features = Features {
        ets2: true,
        ..Features::ALL
    };
    let mut bench = Bench::new(1, features, Box::new(Latest));
    bench.set(0, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "alle2", 0);
    bench.core.dsb(0, DSB_NSH, false);
    assert_eq!((bench.load(0), bench.fetch(0)), (fault(3), Ok(OLD)));
}

#[test]
fn a_new_mapping_may_fault_until_its_store_is_complete_and_context_synchronized() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    good(&mut bench, 0);
    bench.isb(1);
    bench.set(0, NEW | PAGE);
    assert_eq!(bench.load(0), fault(3));
    bench.core.dsb(0, DSB_ISHST, false);
    assert_eq!((bench.load(0), bench.load(1)), (fault(3), fault(3)), "walked before");
    bench.isb(0);
    assert_eq!((bench.load(0), bench.load(1)), (Ok(NEW), fault(3)));
    bench.isb(1);
    assert_eq!(bench.load(1), Ok(NEW));
}

#[test]
fn a_store_that_another_pe_has_seen_is_visible_to_walkers() {
    let mut bench = Bench::latest(2);
    bench.set(0, 0);
    let table = bench.core.table_at(TABLES + 4096 * 3, None).unwrap();
    bench.core.observe(1, table, 5);
    bench.tlbi(1, "vae2is", VA >> 12);
    bench.core.dsb(1, DSB_ISH, false);
    bench.isb(0);
    bench.isb(1);
    assert_eq!((bench.load(0), bench.load(1)), (fault(3), fault(3)));
}

#[test]
fn a_release_or_a_store_behind_a_dmb_comes_after_descriptor_stores() {
    for release in [true, false] {
        let mut bench = Bench::latest(1);
        let flag = TABLES + 4096 * 3 + 8 * 6;
        bench.store(0, flag, 0x4300_0000 | PAGE);
        good(&mut bench, 0);
        bench.set(0, 0);
        assert_eq!(bench.core.pes[0].pending.len(), 1);
        let mut monitor = None;
        let config = bench.core.pes[0].config;
        if !release {
            bench.core.dmb(0, DSB_ISHST);
        }
        let mut view = View {
            core: &mut bench.core,
            pe: 0,
            config,
            strict: false,
            monitor: &mut monitor,
        };
        let order = if release { Order::Release } else { Order::Plain };
        assert!(view.store(VA + 0x1000, 8, 1, order).is_ok());
        assert!(bench.core.pes[0].pending.is_empty());
    }
}

#[test]
fn last_level_operations_leave_cached_tables() {
    let mut bench = Bench::latest(1);
    // The level 2 entry goes; its level 3 table stays.
    bench.store(0, TABLES + 4096 * 2, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "vale2", VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(OLD), "built again from the cached table");
    bench.tlbi(0, "vae2", VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), fault(2));
}

#[test]
fn pages_behind_a_removed_table_are_entries_of_their_own() {
    let mut bench = Bench::latest(1);
    bench.store(0, TABLES + 4096 * 3 + 8 * 6, NEW | PAGE);
    good(&mut bench, 0);
    assert_eq!(bench.reach(0, VA + 0x1000, Access::Read), Ok(NEW));
    bench.store(0, TABLES + 4096 * 2, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "vae2", VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), fault(2));
    assert_eq!(bench.reach(0, VA + 0x1000, Access::Read), Ok(NEW), "its own entry");
    // What is written into the table now has never been cached.
    bench.store(0, TABLES + 4096 * 3 + 8 * 7, NEW | PAGE);
    bench.core.dsb(0, DSB_ISHST, false);
    assert_eq!(bench.reach(0, VA + 0x2000, Access::Read), fault(2));
}

#[test]
fn what_is_rewritten_behind_a_removed_table_is_not_stale() {
    let mut bench = Bench::latest(1);
    bench.store(0, TABLES + 4096 * 2, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "alle2", 0);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    bench.set(0, NEW | PAGE);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.store(0, TABLES + 4096 * 2, (TABLES + 4096 * 3) | 3);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(NEW));
}

#[test]
fn entries_have_the_asid_and_vmid_of_their_time() {
    let mut bench = Bench::latest(1);
    bench.set(0, OLD | PAGE | NOT_GLOBAL);
    good(&mut bench, 0);
    bench.at(0, 1);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.set(0, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.registers(0, |registers| registers.ttbr0[0] = TABLES | 2 << 48);
    assert_eq!(
        bench.load(0),
        Ok(OLD),
        "the old ASID counts until context synchronization"
    );
    bench.isb(0);
    assert_eq!(bench.load(0), fault(3));
    bench.tlbi(0, "vae1", 2 << 48 | VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.registers(0, |registers| registers.ttbr0[0] = TABLES | 1 << 48);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.tlbi(0, "vae1", 1 << 48 | VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), fault(3));
}

#[test]
fn a_regime_that_is_not_in_use_is_not_walked_ahead() {
    let mut bench = Bench::latest(1);
    bench.at(0, 1);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.at(0, 2);
    // No barrier between store and TLBI, but nobody is at EL1 or EL0 to walk again.
    bench.set(0, 0);
    bench.tlbi(0, "alle1", 0);
    bench.core.dsb(0, DSB_NSH, false);
    bench.at(0, 1);
    assert_eq!(bench.load(0), fault(3));
}

#[test]
fn a_pe_that_stays_in_the_regime_walks_again() {
    let mut bench = Bench::latest(2);
    bench.at(1, 1);
    bench.at(0, 2);
    bench.set(0, 0);
    bench.tlbi(0, "alle1is", 0);
    bench.core.dsb(0, DSB_ISH, false);
    assert_eq!(bench.load(1), Ok(OLD));
}

#[test]
fn by_ipa_leaves_entries_that_join_both_stages() {
    let ipa = OLD;
    let mut bench = Bench::latest(1);
    bench.registers(0, |registers| registers.hcr = 1 << 31 | 1);
    bench.at(0, 1);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.at(0, 2);
    bench.store(0, SECOND + 8192, 0);
    bench.core.dsb(0, DSB_NSHST, false);
    let step = |bench: &mut Bench, name: &str, operand: u64| {
        bench.at(0, 2);
        bench.tlbi(0, name, operand);
        bench.core.dsb(0, DSB_NSH, false);
        bench.at(0, 1);
        bench.load(0)
    };
    assert_eq!(step(&mut bench, "vmalle1", 0), Ok(OLD), "joined again from stage 2");
    assert_eq!(step(&mut bench, "ipas2e1", ipa >> 12), Ok(OLD), "joined entries stay");
    let gone = step(&mut bench, "vmalle1", 0).unwrap_err();
    assert_eq!(
        (gone.kind, gone.level, gone.stage2),
        (FaultKind::Translation, 3, Some(ipa))
    );
}

#[test]
fn without_a_barrier_between_them_the_operations_of_both_stages_may_swap() {
    let mut bench = Bench::latest(1);
    bench.registers(0, |registers| registers.hcr = 1 << 31 | 1);
    bench.at(0, 1);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.at(0, 2);
    bench.store(0, SECOND + 8192, 0);
    bench.core.dsb(0, DSB_NSHST, false);
    bench.tlbi(0, "ipas2e1", OLD >> 12);
    bench.tlbi(0, "vmalle1", 0);
    bench.core.dsb(0, DSB_NSH, false);
    bench.at(0, 1);
    assert_eq!(bench.load(0), Ok(OLD));
}

#[test]
fn an_entry_that_joins_both_stages_was_made_while_both_were_there() {
    let mut bench = Bench::latest(1);
    bench.set(0, 0);
    good(&mut bench, 0);
    bench.registers(0, |registers| registers.hcr = 1 << 31 | 1);
    bench.at(0, 1);
    bench.at(0, 2);
    bench.store(0, SECOND + 8192, 0);
    bench.core.dsb(0, DSB_NSHST, false);
    bench.tlbi(0, "ipas2e1", OLD >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    // Stage 1 leads there only now.
    bench.set(0, OLD | PAGE);
    bench.core.dsb(0, DSB_NSHST, false);
    bench.at(0, 1);
    assert!(bench.load(0).is_err());
}

#[test]
fn tables_of_before_are_used_until_their_entries_are_removed() {
    let mut bench = Bench::latest(1);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.registers(0, |registers| registers.ttbr0[1] = OTHERS);
    bench.isb(0);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.tlbi(0, "alle2", 0);
    bench.core.dsb(0, DSB_NSH, false);
    assert_eq!(bench.load(0), fault(3));
}

#[test]
fn level_hints_that_are_wrong_remove_nothing() {
    let mut bench = Bench::latest(1);
    bench.set(0, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "vae2", 0b0110 << 44 | VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.tlbi(0, "vae2", 0b0111 << 44 | VA >> 12);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), fault(3));
}

#[test]
fn nxs_leaves_translations_with_the_xs_attribute_and_waits_for_its_kind_only() {
    let mut bench = Bench::latest(1);
    bench.registers(0, |registers| registers.mair = [0x44; 2]);
    bench.isb(0);
    bench.set(0, 0);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.tlbi(0, "alle2nxs", 0);
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(OLD));
    bench.tlbi(0, "alle2", 0);
    bench.core.dsb(0, DSB_NSH, true);
    bench.isb(0);
    assert_eq!(bench.load(0), Ok(OLD), "not complete");
    bench.core.dsb(0, DSB_NSH, false);
    bench.isb(0);
    assert_eq!(bench.load(0), fault(3));
}

#[test]
fn hardware_marks_the_descriptor_in_memory_and_cached_entries_stay_unmarked() {
    let mut bench = Bench::latest(1);
    bench.registers(0, |registers| registers.tcr[1] |= 1 << 21);
    bench.isb(0);
    let access_flag = 1 << 10;
    let place = TABLES + 4096 * 3 + 8 * 5;
    let read = |bench: &mut Bench| {
        let frame = bench.core.ram.frame(place).unwrap();
        bench.core.ram.read64(frame, 5)
    };
    assert_eq!(bench.load(0), Ok(OLD));
    bench.set(0, (OLD | PAGE) & !access_flag);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.isb(0);
    assert_eq!(
        (bench.load(0), read(&mut bench)),
        (Ok(OLD), (OLD | PAGE) & !access_flag),
        "cached as marked"
    );
    good(&mut bench, 0);
    assert_eq!((bench.load(0), read(&mut bench)), (Ok(OLD), OLD | PAGE));
}

#[test]
fn without_break_before_make_entries_of_two_sizes_may_conflict() {
    struct Conflict;
    impl Choice for Conflict {
        fn choose(&mut self, _: crate::choice::Point) -> usize {
            0
        }
    }
    let mut bench = Bench::new(1, Features::ALL, Box::new(Conflict));
    // A block of level 2 instead of the table.
    bench.store(0, TABLES + 4096 * 2, 0x4220_0000 | PAGE & !2);
    bench.core.dsb(0, DSB_ISHST, false);
    bench.isb(0);
    assert_eq!(bench.load(0), Err(Fault::new(FaultKind::Conflict, 2)));
}

#[test]
fn a_kind_machine_holds_only_what_was_used_and_acts_at_once() {
    let mut bench = Bench::new(2, Features::ALL, Box::new(Earliest));
    assert_eq!(bench.load(0), Ok(OLD));
    bench.set(0, 0);
    assert_eq!((bench.load(0), bench.load(1)), (Ok(OLD), fault(3)));
    bench.tlbi(0, "vale2is", VA >> 12);
    assert_eq!(bench.load(0), fault(3));
    bench.set(0, NEW | PAGE);
    assert_eq!((bench.load(0), bench.load(1)), (Ok(NEW), Ok(NEW)));
}

#[test]
fn tables_that_lead_back_to_themselves_are_refused() {
    let mut bench = Bench::new(1, Features::ALL, Box::new(Latest));
    for slot in 0..512 {
        bench.raw(OTHERS + 8 * slot, OTHERS | 3);
    }
    assert!(!bench.core.overgrown);
    bench.registers(0, |registers| registers.ttbr0[1] = OTHERS);
    bench.isb(0);
    assert!(bench.core.overgrown);
}
