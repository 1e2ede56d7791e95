// SPDX-License-Identifier: MIT OR Apache-2.0
//! The translation tables of EL1&0: stage 1 and stage 2, with everything an access there needs.
//!
//! The kernel chooses the intermediate physical addresses, so 32 bits of them are enough on every machine, wherever its
//! memory is. With stage 1 off, an intermediate physical address is used as the virtual one; with it on, virtual
//! addresses are [`VA_OFFSET`] higher, so that taking one for the other shows.

use results::check::Regime;

use crate::entry::{Raw, image};
use crate::guest::code_page_physical;
use crate::layout::WINDOW_PAGES;
use crate::pages::{COUNT, Pages};
use crate::tables::{Entry, Exhausted, Tables, Use, leaf, stage2_leaf};

/// Stage 1 tables; the first is that of level 0.
static STAGE1: Tables<12> = Tables::new();
/// Stage 2 tables; the walk starts at the second, that of level 1.
static STAGE2: Tables<10> = Tables::new();

/// Virtual minus intermediate physical address, with stage 1 on.
const VA_OFFSET: u64 = 0x1000_0000;
/// Intermediate physical addresses: the guest's code.
const CODE: u64 = 0x20_0000;
/// Pages under test.
pub const PAGES: u64 = 0x40_0000;
/// Pages behind a level 2 entry under test.
pub const UNDER_TABLE: u64 = 0x60_0000;
/// A level 2 entry for a block under test.
pub const BLOCK: u64 = 0x80_0000;
/// The stage 1 tables.
const POOL: u64 = 0xa0_0000;
/// What stage 1 under test leads to: data before, data after, code before and after.
const DATA: u64 = 0xc0_0000;

/// The tables of one regime.
#[derive(Debug, Clone, Copy)]
pub struct GuestMap {
    load: u64,
    regime: Regime,
}

impl GuestMap {
    fn physical<T>(self, place: *const T) -> u64 {
        place as u64 - image().0 as u64 + self.load
    }

    /// Returns where the page of guest code is mapped.
    pub const fn code(self) -> u64 {
        self.address(CODE)
    }

    /// Returns the address that the guest uses for one of the places under test.
    pub const fn address(self, place: u64) -> u64 {
        match self.regime {
            Regime::Stage2 => place,
            _ => place + VA_OFFSET,
        }
    }

    /// Returns the address of the stage 1 level 0 table, as the walker takes it.
    pub fn stage1_root(self) -> u64 {
        if self.regime.has_stage2() {
            POOL
        } else {
            self.physical(&raw const STAGE1)
        }
    }

    /// Returns the physical address of the stage 2 level 1 table.
    pub fn stage2_root(self) -> u64 {
        self.physical(&raw const STAGE2) + 4096
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
        match (self.regime.changes_stage2(), code) {
            (true, false) => [pages.before(index), pages.after(index)],
            (true, true) => pages.code(),
            (false, false) => self.stage1_data(pages, index),
            (false, true) => self.stage1_code(pages),
        }
    }

    /// Returns the descriptors under test for one of the places.
    pub fn entries(self, place: u64, level: usize, count: usize) -> Result<&'static [Entry], Exhausted> {
        if self.regime.changes_stage2() {
            STAGE2.entries(self.physical(&raw const STAGE2), place, level, count)
        } else {
            STAGE1.entries(self.stage1_root(), self.address(place), level, count)
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
    pub fn build(regime: Regime, load: u64, pages: Pages) -> Result<Self, Exhausted> {
        let map = Self { load, regime };
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
        map(CODE, code_page_physical(self.load), Use::Text)?;
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
            map(PAGES + 4096 * page, output, Use::Data)?;
            map(UNDER_TABLE + 4096 * page, output, Use::Data)?;
        }
        Ok(())
    }

    fn build_stage1(self, pages: Pages) -> Result<(), Exhausted> {
        let base = self.stage1_root();
        let output = |page: u64, place: u64| match self.regime {
            Regime::Stage2UnderStage1 => place,
            _ => self.stage1_data(pages, page as usize)[0],
        };
        let code = if self.regime.has_stage2() {
            CODE
        } else {
            code_page_physical(self.load)
        };
        STAGE1.map(base, self.code(), code, Use::Text)?;
        for page in 0..WINDOW_PAGES {
            for place in [PAGES + 4096 * page, UNDER_TABLE + 4096 * page] {
                STAGE1.map(base, self.address(place), output(page, place), Use::Data)?;
            }
        }
        Ok(())
    }
}

// The walker reads the tables through stage 2, one page each.
const _: () = assert!(size_of::<Raw<4096>>() == 4096);
