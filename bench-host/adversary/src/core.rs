// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory system: memory, the tables in it, and what each PE may hold of them.

use crate::choice::Choice;
use crate::code::CodePage;
use crate::config::{Config, Regime, Root, Space, describe};
use crate::descriptor::MemoryType;
use crate::invalidate::Op;
use crate::micro::Micro;
use crate::options::Features;
use crate::ram::{Frame, PAGE, Ram};
use crate::stale::Stale;
use crate::story::{Event, Story};
use crate::sysreg::Translation;
use crate::tables::TablePage;
use crate::uart::Uart;

/// Overwritten descriptors a PE remembers in one regime. Beyond, the oldest is forgotten, as a TLB may at any time.
const MOST_STALE: usize = 2048;
/// Effective TLBIs a PE remembers.
const LOG: usize = 256;
/// Stores a PE remembers because no barrier has completed them, in pages that no walker has read yet.
pub const RECENT: usize = 1024;

/// A TLBI that has been issued and has not reached everyone it is for.
#[derive(Debug, Clone, Copy)]
pub struct Issued {
    /// What it names.
    pub op: Op,
    /// When it was issued.
    pub at: u64,
    /// Instructions of its PE until then.
    pub instructions: u64,
    /// PEs it has still to reach, one bit each.
    pub missing: u32,
}

/// A descriptor store that walkers do not see yet.
#[derive(Debug, Clone, Copy)]
pub struct Pending {
    /// The page, by its number among those that walkers have read.
    pub table: usize,
    /// The slot in it.
    pub slot: usize,
    /// What was stored.
    pub value: u64,
    /// When.
    pub at: u64,
}

/// A descriptor that no TLB may hold, but that an early walk may have read before it was overwritten.
#[derive(Debug, Clone, Copy)]
pub struct Early {
    /// The page.
    pub table: usize,
    /// The slot.
    pub slot: usize,
    /// What was there.
    pub descriptor: u64,
}

/// What belongs to one PE.
#[derive(Clone)]
pub struct Pe {
    /// Translation registers as written.
    pub written: Translation,
    /// Translation registers as they were at the last context synchronization event.
    pub synced: Translation,
    /// How it translates, by number.
    pub config: u16,
    /// The configurations of EL0 to EL2 with `synced`, once they are known.
    configs: [Option<u16>; 3],
    /// Its tags and trees while it runs, by number.
    pub space: Option<usize>,
    /// When each space was last in use; 0: never.
    pub used: Vec<u64>,
    /// Overwritten descriptors it may hold, by regime.
    pub stale: [Vec<Stale>; Regime::COUNT],
    /// Whether one of them waits for context synchronization.
    pub unsynchronized: bool,
    /// What early walks may have read.
    pub early: Vec<Early>,
    /// TLBIs it has issued.
    pub issued: Vec<Issued>,
    /// TLBIs that have reached it: what, and when they were issued; newest last.
    pub log: Vec<(Op, u64)>,
    /// TLBIs issued up to then are not in the log any more.
    pub log_floor: u64,
    /// Its stores that walkers do not see.
    pub pending: Vec<Pending>,
    /// Instructions executed when the oldest of those was made.
    pub pending_since: u64,
    /// A DMB stands between those and the next store.
    pub ordered: bool,
    /// Its stores to other pages since its last barrier: page and slot, and what was there.
    pub recent: Vec<(u64, u64)>,
    /// The fast path.
    pub micro: Box<Micro>,
    /// The line that was last fetched where there was a choice, and its code page: its other instructions came with it.
    pub fetched: Option<(u64, usize)>,
    /// Instructions executed.
    pub instructions: u64,
    /// The instruction in progress: its address.
    pub pc: u64,
    /// Its code page.
    pub code: usize,
}

/// The memory system.
pub struct Core {
    /// Memory.
    pub ram: Ram,
    /// The console.
    pub uart: Uart,
    /// Pages that walkers have read, or may.
    pub tables: Vec<TablePage>,
    /// Pages that have been executed.
    pub code: Vec<CodePage>,
    /// Trees of tables.
    pub roots: Vec<Root>,
    /// Tags.
    pub spaces: Vec<Space>,
    /// Translation configurations.
    pub configs: Vec<Config>,
    /// The PEs.
    pub pes: Vec<Pe>,
    /// Counts events: what comes later has a larger number.
    pub now: u64,
    /// When the store was made that becomes visible.
    pub stored: u64,
    /// Decides.
    pub choice: Box<dyn Choice + Send>,
    /// Whether everything takes effect at once.
    pub kind: bool,
    /// How many places of trees have had a table.
    pub mounts: usize,
    /// Whether tables lead to more tables than the machine follows.
    pub overgrown: bool,
    /// What the PEs implement.
    pub features: Features,
    /// What has happened, if anybody wants to know.
    pub story: Option<Story>,
}

impl Core {
    /// Returns a memory system of so many PEs.
    pub fn new(pes: usize, features: Features, choice: Box<dyn Choice + Send>) -> Self {
        let mut core = Self {
            ram: Ram::new(),
            uart: Uart::default(),
            tables: Vec::new(),
            code: Vec::new(),
            roots: Vec::new(),
            spaces: Vec::new(),
            configs: Vec::new(),
            pes: Vec::new(),
            now: 1,
            stored: 0,
            kind: choice.is_kind(),
            choice,
            mounts: 0,
            overgrown: false,
            features,
            story: None,
        };
        core.pes = (0..pes).map(|_| Pe::new()).collect();
        core
    }

    /// Returns a memory system in the same state, that somebody else chooses for.
    pub fn fork(&self, choice: Box<dyn Choice + Send>) -> Self {
        Self {
            ram: self.ram.clone(),
            uart: self.uart.clone(),
            tables: self.tables.clone(),
            code: self.code.clone(),
            roots: self.roots.clone(),
            spaces: self.spaces.clone(),
            configs: self.configs.clone(),
            pes: self.pes.clone(),
            choice,
            story: None,
            ..*self
        }
    }

    /// Returns a number for now, later than all before.
    pub fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// Tells the story, if anybody wants to know.
    pub fn tell(&mut self, pe: usize, event: impl FnOnce() -> Event) {
        if self.story.is_none() {
            return;
        }
        let state = &self.pes[pe];
        let word = self.code.get(state.code).and_then(|code| {
            let page = self.ram.page(code.frame);
            page[(state.pc % PAGE) as usize..]
                .first_chunk()
                .map(|bytes| u32::from_le_bytes(*bytes))
        });
        let place = (state.pc, word.unwrap_or(0));
        if let Some(story) = &mut self.story {
            story.add(pe, place, event());
        }
    }

    /// Context synchronization: an ISB, or entry to an exception level (Arm ARM, "Context synchronization events").
    ///
    /// Rule 4: what was written to translation registers counts from here on. Rule 2: what TLBIs have removed is so for
    /// fetches, and on the PE that issued them for loads and stores too. Walks made earlier are of no use any more.
    pub fn synchronize(&mut self, pe: usize, el: u8) {
        let state = &mut self.pes[pe];
        if state.synced != state.written {
            state.synced = state.written;
            state.configs = [None; 3];
        }
        state.fetched = None;
        if !state.early.is_empty() {
            state.early.clear();
            state.micro.clear();
        }
        if state.unsynchronized {
            state.unsynchronized = false;
            state.micro.clear();
            for stale in &mut state.stale {
                stale.iter_mut().for_each(Stale::synchronize);
                stale.retain(|stale| !stale.is_gone());
            }
        }
        let config = match state.configs[usize::from(el)] {
            Some(config) => config,
            None => self.configure(pe, el),
        };
        let state = &mut self.pes[pe];
        if state.config != config || state.space.is_none() {
            state.config = config;
            let space = self.configs[usize::from(config)].space;
            self.enter_space(pe, Some(space));
        }
    }

    /// Has a PE use other tags and trees, or none.
    pub fn enter_space(&mut self, pe: usize, space: Option<usize>) {
        let now = self.tick();
        let state = &mut self.pes[pe];
        if state.space == space {
            return;
        }
        if let Some(old) = state.space {
            state.used[old] = now;
        }
        state.space = space;
        let Some(space) = space else { return };
        if state.used.len() <= space {
            state.used.resize(space + 1, 0);
        }
        state.used[space] = now;
    }

    /// Works out how a PE translates at an exception level.
    fn configure(&mut self, pe: usize, el: u8) -> u16 {
        let described = describe(&self.pes[pe].synced, el, &self.features);
        let [lower, upper, second] = described.roots;
        let second = second.map(|root| self.root(root));
        let [lower, upper] = [lower, upper].map(|root| root.map(|root| self.root(Root { under: second, ..root })));
        let space = Space {
            regime: described.config.regime,
            vmid: described.vmid,
            asid: described.asid,
            roots: [lower, upper, second],
        };
        let space = intern(&mut self.spaces, space);
        let config = Config {
            space,
            ..described.config
        };
        let config = intern(&mut self.configs, config) as u16;
        self.pes[pe].configs[usize::from(el)] = Some(config);
        config
    }

    fn root(&mut self, root: Root) -> usize {
        let known = self.roots.len();
        let number = intern(&mut self.roots, root);
        if number == known && !self.kind {
            self.mount_root(number);
        }
        number
    }

    /// Returns the memory types that `MAIR_ELx` gives a stage 1 descriptor.
    pub const fn memory_type(mair: u64, descriptor: u64) -> MemoryType {
        let index = descriptor >> 2 & 7;
        MemoryType::of_attribute((mair >> (8 * index)) as u8)
    }

    /// Remembers an overwritten descriptor for a PE.
    pub fn keep(&mut self, pe: usize, stale: Stale) {
        let all = &mut self.pes[pe].stale[stale.regime as usize];
        all.retain(|other| !other.is_replaced_by(&stale));
        if all.len() >= MOST_STALE {
            all.remove(0);
        }
        all.push(stale);
    }

    /// Remembers a TLBI that has reached a PE.
    pub fn remember(&mut self, pe: usize, op: Op, issued: u64) {
        let state = &mut self.pes[pe];
        if state.log.len() == LOG {
            let half = LOG / 2;
            let newest = state.log[..half].iter().map(|&(_, issued)| issued).max();
            state.log_floor = state.log_floor.max(newest.unwrap_or(0));
            state.log.drain(..half);
        }
        state.log.push((op, issued));
    }

    /// Has every PE forget how it reached a page of memory.
    pub fn forget_frame(&mut self, frame: Frame) {
        for state in &mut self.pes {
            state.micro.forget_frame(frame);
        }
    }

    /// Has every PE forget the fast way to a range of addresses.
    pub fn forget(&mut self, base: u64, shift: u8, stage2: bool) {
        for state in &mut self.pes {
            if stage2 {
                state.micro.clear();
            } else {
                state.micro.forget(base, shift);
            }
        }
    }

    /// Returns the number of a descriptor's place: page and slot.
    pub const fn place(frame: Frame, offset: u64) -> u64 {
        ((frame.0 as u64) << 9) | (offset % PAGE / 8)
    }
}

impl Pe {
    fn new() -> Self {
        Self {
            written: Translation::default(),
            synced: Translation::default(),
            config: 0,
            configs: [None; 3],
            space: None,
            used: Vec::new(),
            stale: [const { Vec::new() }; Regime::COUNT],
            unsynchronized: false,
            early: Vec::new(),
            issued: Vec::new(),
            log: Vec::new(),
            log_floor: 0,
            pending: Vec::new(),
            pending_since: 0,
            ordered: false,
            recent: Vec::with_capacity(RECENT),
            micro: Micro::new(),
            fetched: None,
            instructions: 0,
            pc: 0,
            code: 0,
        }
    }
}

/// Returns the number of a value, a new one if it is new.
fn intern<T: PartialEq>(all: &mut Vec<T>, value: T) -> usize {
    match all.iter().position(|other| *other == value) {
        Some(number) => number,
        None => {
            all.push(value);
            all.len() - 1
        }
    }
}
