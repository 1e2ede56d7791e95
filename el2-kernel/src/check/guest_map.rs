// SPDX-License-Identifier: MIT OR Apache-2.0
//! The translation tables of EL1&0: stage 1 and stage 2, with everything an access there needs.
//!
//! The kernel chooses the intermediate physical addresses, so 32 bits of them are enough on every machine, wherever its
//! memory is. With stage 1 off, an intermediate physical address is used as the virtual one; with it on, virtual
//! addresses are [`VA_OFFSET`] higher, so that taking one for the other shows.

use results::check::{Granule, Regime};

use crate::check::guest::code_page_physical;
use crate::check::message;
use crate::image::{Raw, image};
use crate::mmu::large_granule::LargeGranuleTables;
use crate::mmu::layout::WINDOW_PAGES;
use crate::mmu::tables::{Entry, Exhausted, Tables, Use, leaf, stage2_leaf};
use crate::mmu::test_pages::{COUNT, Pages};
use crate::stub::arena::Arena;

/// Stage 1 tables; the first is that of level 0.
static STAGE1: Tables<12> = Tables::new();
/// Stage 2 tables; the walk starts at the second, that of level 1.
static STAGE2: Tables<12> = Tables::new();

/// Virtual minus intermediate physical address, with stage 1 on.
const VA_OFFSET: u64 = 0x2_0000_0000;
/// Intermediate physical addresses: the guest's code.
const CODE: u64 = 0x20_0000;
/// The stubs, behind it.
const STUBS: u64 = CODE + 4096;
/// The flags by which PEs tell each other how far a trial is: the last page under the same table.
const FLAGS: u64 = CODE + 0x1f_f000;
/// Pages under test.
const PAGES: u64 = 0x40_0000;
/// Pages behind a level 2 entry under test.
const UNDER_TABLE: u64 = 0x60_0000;
/// A level 2 entry for a block under test.
const BLOCK: u64 = 0x80_0000;
/// The stage 1 tables.
const POOL: u64 = 0xa0_0000;
/// What stage 1 under test leads to: data before, data after, code before and after.
const DATA: u64 = 0xc0_0000;

/// Pages behind a level 1 entry under test.
const FAR_UNDER_TABLE: u64 = 0x4000_0000;
/// A level 1 entry for a block under test.
const FAR_BLOCK: u64 = 0x8000_0000;

/// The places for the descriptors under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Single pages.
    Pages,
    /// Pages behind a table entry.
    UnderTable,
    /// An entry for a block.
    Block,
}

/// The tables of one regime.
#[derive(Debug, Clone, Copy)]
pub struct GuestMap {
    load: u64,
    regime: Regime,
    granule: Granule,
    /// The tables, if their granule is not 4 KiB: then there is but one stage.
    large: Option<LargeGranuleTables>,
}

impl GuestMap {
    fn physical<T>(self, pointer: *const T) -> u64 {
        pointer as u64 - image().0 as u64 + self.load
    }

    /// Returns the granule.
    pub const fn granule(self) -> Granule {
        self.granule
    }

    /// Returns where the page of guest code is mapped.
    pub fn code(self) -> u64 {
        if self.large.is_some() {
            // In the larger page around it.
            self.large_address(1) | code_page_physical(self.load) & (self.large_page() - 1)
        } else {
            self.address(CODE)
        }
    }

    /// Returns where a stub that is at `stub` in the kernel is mapped.
    pub fn stub(self, stub: usize) -> u64 {
        self.address(STUBS) + (stub - Arena::Boot.address()) as u64
    }

    /// Returns where the page of the flags of [`message`] is mapped.
    pub const fn flags(self) -> u64 {
        self.address(FLAGS)
    }

    /// Returns everything that is mapped beside the pages under test: intermediate address, physical address, use.
    fn fixtures(self) -> impl Iterator<Item = (u64, u64, Use)> {
        let stubs = self.load + Arena::Boot.offset_in_image() as u64;
        let stubs = (0..Arena::Boot.size() as u64)
            .step_by(4096)
            .map(move |page| (STUBS + page, stubs + page, Use::Text));
        let code = (CODE, code_page_physical(self.load), Use::Text);
        let flags = (FLAGS, self.physical(message::page()), Use::Data);
        stubs.chain([code, flags])
    }

    /// Returns the intermediate address of a window.
    pub const fn window_address(self, window: Window, level: u8) -> u64 {
        match (window, level) {
            _ if self.large.is_some() => self.large_address(match window {
                Window::Pages => 2,
                Window::UnderTable => 3,
                Window::Block => 4,
            }),
            (Window::Pages, _) => PAGES,
            (Window::UnderTable, 1) => FAR_UNDER_TABLE,
            (Window::UnderTable, _) => UNDER_TABLE,
            (Window::Block, 1) => FAR_BLOCK,
            (Window::Block, _) => BLOCK,
        }
    }

    /// Returns the first address of a level 2 entry.
    const fn large_address(self, slot: u64) -> u64 {
        slot << self.granule.level_shift(2)
    }

    const fn large_page(self) -> u64 {
        1 << self.granule.shift()
    }

    /// Returns the address that the guest uses for one of the places under test.
    pub const fn address(self, ipa: u64) -> u64 {
        match self.regime {
            Regime::Stage2 => ipa,
            _ if self.large.is_some() => ipa,
            _ => ipa + VA_OFFSET,
        }
    }

    /// Returns the address of the first table of stage 1, as the walker takes it.
    pub fn stage1_root(self) -> u64 {
        if let Some(large) = &self.large {
            large.root()
        } else if self.regime.has_stage2() {
            POOL
        } else {
            self.physical(&raw const STAGE1)
        }
    }

    /// Returns the physical address of the first table of stage 2: level 1, or level 2 of a larger granule.
    pub fn stage2_root(self) -> u64 {
        match &self.large {
            Some(large) => large.root(),
            None => self.physical(&raw const STAGE2) + 4096,
        }
    }

    /// Returns the output addresses of stage 1 for a data page before and after a change.
    fn stage1_data(self, pages: Pages, index: usize) -> [u64; 2] {
        if self.regime.has_stage2() {
            [0, COUNT].map(|after| DATA + 4096 * (index % COUNT + after) as u64)
        } else {
            [pages.before(index), pages.after(index)]
        }
    }

    fn stage1_code(self, pages: Pages) -> [u64; 2] {
        if self.regime.has_stage2() {
            [0, 1].map(|after| DATA + 4096 * (2 * COUNT + after) as u64)
        } else {
            pages.code()
        }
    }

    /// Returns what the descriptors under test lead to, before and after a change.
    pub fn outputs(self, pages: Pages, index: usize, code: bool) -> [u64; 2] {
        if self.large.is_some() {
            return pages.aligned();
        }
        match (self.regime.changes_stage2(), code) {
            (true, false) => [pages.before(index), pages.after(index)],
            (true, true) => pages.code(),
            (false, false) => self.stage1_data(pages, index),
            (false, true) => self.stage1_code(pages),
        }
    }

    /// Returns the descriptors under test for one of the places.
    pub fn entries(self, ipa: u64, level: usize, count: usize) -> Result<&'static [Entry], Exhausted> {
        if let Some(large) = &self.large {
            Ok(large.entries(ipa, level as u8, count))
        } else if self.regime.changes_stage2() {
            STAGE2.entries(self.physical(&raw const STAGE2), ipa, level, count)
        } else {
            STAGE1.entries(self.stage1_root(), self.address(ipa), level, count)
        }
    }

    /// Returns a leaf descriptor of the stage under test.
    pub const fn leaf(self, output: u64, r#use: Use, level: usize) -> u64 {
        if self.regime.changes_stage2() {
            stage2_leaf(output, r#use, level)
        } else {
            leaf(output, r#use, level)
        }
    }

    /// Builds the tables of a regime. No PE may be using those of another.
    pub fn build(regime: Regime, granule: Granule, load: u64, pages: Pages) -> Result<Self, Exhausted> {
        let mut map = Self {
            load,
            regime,
            granule,
            large: None,
        };
        if granule != Granule::K4 {
            map.build_wide(pages);
            return Ok(map);
        }
        STAGE1.clear();
        STAGE2.clear();
        if regime.has_stage2() {
            map.build_stage2(pages)?;
        }
        if regime != Regime::Stage2 {
            map.build_stage1(pages)?;
        }
        Ok(map)
    }

    fn build_stage2(self, pages: Pages) -> Result<(), Exhausted> {
        let base = self.physical(&raw const STAGE2);
        let map = |ipa, output, r#use| -> Result<(), Exhausted> {
            STAGE2.entry(base, ipa, 3)?.set(stage2_leaf(output, r#use, 3));
            Ok(())
        };
        for (ipa, physical, r#use) in self.fixtures() {
            map(ipa, physical, r#use)?;
        }
        for table in (0..size_of_val(&STAGE1) as u64).step_by(4096) {
            map(POOL + table, self.physical(&raw const STAGE1) + table, Use::Data)?;
        }
        for index in 0..COUNT {
            let [before, after] = [0, COUNT].map(|after| DATA + 4096 * (index + after) as u64);
            map(before, pages.before(index), Use::Data)?;
            map(after, pages.after(index), Use::Data)?;
        }
        for (index, code) in pages.code().into_iter().enumerate() {
            map(DATA + 4096 * (2 * COUNT + index) as u64, code, Use::Text)?;
        }
        for page in 0..WINDOW_PAGES {
            let output = pages.before(page as usize);
            for window in [PAGES, UNDER_TABLE, FAR_UNDER_TABLE] {
                map(window + 4096 * page, output, Use::Data)?;
            }
        }
        Ok(())
    }

    fn build_wide(&mut self, pages: Pages) {
        let large = LargeGranuleTables::new(self.granule, |pointer| self.physical(pointer));
        large.reset();
        let set = |ipa: u64, output, r#use| large.entries(ipa, 3, 1)[0].set(self.leaf(output, r#use, 3));
        let page = self.large_page();
        let code = code_page_physical(self.load) & !(page - 1);
        set(self.large_address(1), code, Use::Text);
        for window in [2, 3] {
            for index in 0..WINDOW_PAGES {
                set(self.large_address(window) + page * index, pages.aligned()[0], Use::Data);
            }
        }
        self.large = Some(large);
    }

    fn build_stage1(self, pages: Pages) -> Result<(), Exhausted> {
        let base = self.stage1_root();
        let output = |page: u64, ipa: u64| match self.regime {
            Regime::Stage2UnderStage1 => ipa,
            _ => self.stage1_data(pages, page as usize)[0],
        };
        for (ipa, physical, r#use) in self.fixtures() {
            let output = if self.regime.has_stage2() { ipa } else { physical };
            STAGE1.map(base, self.address(ipa), output, r#use)?;
        }
        for page in 0..WINDOW_PAGES {
            for ipa in [PAGES, UNDER_TABLE, FAR_UNDER_TABLE].map(|window| window + 4096 * page) {
                STAGE1.map(base, self.address(ipa), output(page, ipa), Use::Data)?;
            }
        }
        Ok(())
    }
}

const _: () = assert!(STUBS + Arena::Boot.size() as u64 <= FLAGS);
// The walker reads the tables through stage 2, one page each.
const _: () = assert!(size_of::<Raw<4096>>() == 4096);
