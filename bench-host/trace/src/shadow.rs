// SPDX-License-Identifier: MIT OR Apache-2.0
//! A copy of every table that a walk can reach, kept by both ends of the log.
//!
//! The plugin learns from it which stores change a descriptor; the judge, from the same events, what the descriptor
//! maps, under which roots, on which PEs. Both run this code on the same input, so that they agree.
//!
//! A table is *live* while some PE has a root above it loaded, and only then are stores to it recorded: a root that
//! nobody has may be freed, and its tables be anything. A store to a table that is not live makes it stale; it is read
//! again when its root is loaded.

use std::collections::{HashMap, HashSet};

use crate::format::{Entry, Format, Undecodable};
use crate::registers::{Load, Register, Registers, Slot};

/// Guest memory, as far as it is needed.
pub trait Memory {
    /// Reads descriptors; `false` where there is no memory.
    fn read(&mut self, address: u64, entries: &mut [u64]) -> bool;
    /// A table at this address is watched from now on.
    fn watch(&mut self, address: u64, bytes: u64);
    /// It is not any more: because it was taken out of its tree, or because it is not live and was written.
    fn unwatch(&mut self, address: u64, bytes: u64, taken_out: bool);
}

/// Deepest way from a root to a table, with concatenation and five levels.
const MAX_DEPTH: usize = 6;
/// Most ways up that are followed: tables that more share are seen under these.
const MAX_WAYS: usize = 16;
/// Most steps on all ways up: a table may hang under every entry of one that hangs under every entry of another.
const MAX_STEPS: usize = 1 << 12;

/// Where a table hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Parent {
    /// It is the top of a root.
    Root(usize),
    /// Under the descriptor of this number in the table at this address.
    Entry { table: u64, index: u32 },
}

#[derive(Debug)]
struct Table {
    level: i8,
    format: Format,
    entries: Vec<u64>,
    parents: Vec<Parent>,
    /// It was written while it was not live.
    stale: bool,
    /// The stage 2 that its addresses go through: the place of the root in the list.
    behind: Option<usize>,
}

/// A top-level table.
#[derive(Debug, Clone)]
pub struct Root {
    /// What a register held.
    pub load: Load,
    /// Where the table is in memory.
    pub base: u64,
    /// The stage 2 root behind which it is.
    pub behind: Option<usize>,
    /// PEs that have it loaded now.
    pub loaded: Vec<bool>,
    stale: bool,
}

impl Root {
    /// Returns whether any PE has it loaded.
    pub fn is_live(&self) -> bool {
        self.loaded.contains(&true)
    }
}

/// One PE.
#[derive(Debug, Default)]
pub struct Pe {
    /// Its registers.
    pub registers: Registers,
    /// The roots it translates by, with the ASID or VMID, by [`Slot`].
    pub roots: [Option<(usize, Load)>; Slot::ALL.len()],
}

/// A way in which a descriptor translates an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The root, in [`Shadow::roots`].
    pub root: usize,
    /// The first input address the descriptor translates.
    pub address: u64,
}

/// A descriptor and its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address of the table.
    pub table: u64,
    /// The descriptor's number.
    pub index: usize,
    /// Its level.
    pub level: i8,
    /// How it is written.
    pub format: Format,
    /// What it translates, under roots that are live.
    pub ways: Vec<Way>,
}

/// What a store did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The descriptor.
    pub place: Place,
    /// What it was.
    pub old: u64,
    /// What it is.
    pub new: u64,
    /// The valid descriptors of the table that was taken out, with their numbers.
    pub removed: Vec<(u32, u64)>,
    /// The table that was taken out hangs nowhere any more.
    pub is_gone: bool,
}

/// What a register write did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switch {
    /// Roots that this PE has now and had not before.
    pub loaded: Vec<usize>,
    /// Formats that could not be followed.
    pub refused: Vec<(Slot, Undecodable)>,
}

/// The tables.
#[derive(Debug, Default)]
pub struct Shadow {
    tables: HashMap<u64, Table>,
    /// Tables by the 4 KiB frames they touch.
    frames: HashMap<u64, Vec<u64>>,
    /// Every root ever loaded.
    pub roots: Vec<Root>,
    by_key: HashMap<(u64, Slot, Format, bool, Option<usize>), usize>,
    /// The PEs.
    pub pes: Vec<Pe>,
    /// Tables that one root has at one level and another at another: not followed.
    pub ambiguous: u64,
    /// Tables outside memory.
    pub outside: u64,
    /// Descriptors of all tables together.
    held: usize,
    /// Tables that this change was followed through already: many may point to one.
    followed: HashSet<u64>,
}

const FRAME: u64 = 12;

impl Shadow {
    /// Begins with PEs that translate nothing.
    pub fn new(pes: usize) -> Self {
        let mut shadow = Self::default();
        shadow.pes.resize_with(pes, Pe::default);
        shadow
    }

    /// Returns a PE, which may be one that was not announced.
    pub fn pe(&mut self, pe: u32) -> &mut Pe {
        let pe = pe as usize;
        if self.pes.len() <= pe {
            self.pes.resize_with(pe + 1, Pe::default);
            for root in &mut self.roots {
                root.loaded.resize(pe + 1, false);
            }
        }
        &mut self.pes[pe]
    }

    /// Writes a register of a PE.
    pub fn register(&mut self, pe: u32, register: Register, value: u64, memory: &mut impl Memory) -> Switch {
        self.pe(pe).registers.set(register, value);
        if !register.is_of_walks() {
            return Switch::default();
        }
        self.reload(pe, memory)
    }

    /// A PE is off: it translates nothing.
    pub fn off(&mut self, pe: u32, memory: &mut impl Memory) {
        self.pe(pe).registers.reset();
        self.reload(pe, memory);
    }

    fn reload(&mut self, pe: u32, memory: &mut impl Memory) -> Switch {
        let mut switch = Switch::default();
        for slot in [
            Slot::Stage2,
            Slot::El1Lower,
            Slot::El1Upper,
            Slot::El2Lower,
            Slot::El2Upper,
        ] {
            let wanted = match self.pe(pe).registers.load(slot) {
                Ok(load) => load,
                Err(error) => {
                    switch.refused.push((slot, error));
                    None
                }
            };
            let behind = match slot {
                Slot::El1Lower | Slot::El1Upper => self.pe(pe).roots[Slot::Stage2 as usize].map(|(root, _)| root),
                _ => None,
            };
            let current = self.pe(pe).roots[slot as usize];
            if let (Some((root, held)), Some(load)) = (current, wanted)
                && held == load
                && self.roots[root].behind == behind
                && !self.roots[root].stale
            {
                continue;
            }
            if let Some((root, _)) = current {
                let still = Slot::ALL.iter().any(|other| {
                    *other != slot && self.pe(pe).roots[*other as usize].is_some_and(|(id, _)| id == root)
                });
                self.roots[root].loaded[pe as usize] = still;
                self.pe(pe).roots[slot as usize] = None;
            }
            if let Some(load) = wanted
                && let Some(root) = self.root(load, behind, memory)
            {
                self.pe(pe).roots[slot as usize] = Some((root, load));
                self.roots[root].loaded[pe as usize] = true;
                switch.loaded.push(root);
            }
        }
        switch
    }

    /// Returns the root of a load, its tables followed.
    fn root(&mut self, load: Load, behind: Option<usize>, memory: &mut impl Memory) -> Option<usize> {
        let Some(base) = self.through(behind, load.base) else {
            self.outside += 1;
            return None;
        };
        let key = (base, load.slot, load.format, load.host, behind);
        let pes = self.pes.len();
        let root = *self.by_key.entry(key).or_insert_with(|| {
            self.roots.push(Root {
                load,
                base,
                behind,
                loaded: vec![false; pes],
                stale: true,
            });
            self.roots.len() - 1
        });
        self.roots[root].load = load;
        if self.roots[root].stale {
            self.roots[root].stale = false;
            self.followed.clear();
            let format = load.format;
            self.add(base, format.start, format, Parent::Root(root), behind, memory, 0);
        }
        Some(root)
    }

    /// Returns the physical address of an address, through a stage 2.
    fn through(&self, stage_2: Option<usize>, address: u64) -> Option<u64> {
        let Some(root) = stage_2 else { return Some(address) };
        let root = &self.roots[root];
        self.walk(root.base, root.load.format, address)
    }

    /// Walks tables in the shadow.
    fn walk(&self, base: u64, format: Format, address: u64) -> Option<u64> {
        let (mut table, mut level) = (base, format.start);
        if !format.upper && format.input < 64 && address >> format.input != 0 {
            return None;
        }
        loop {
            let held = self.tables.get(&table)?;
            let shift = format.shift(level);
            let index = (address >> shift) as usize & (format.entries(level) - 1);
            match format.entry(level, *held.entries.get(index)?) {
                Entry::Invalid => return None,
                Entry::Leaf(output) => return Some(output | address & ((1 << shift) - 1)),
                Entry::Table(next) => {
                    table = next;
                    level += 1;
                }
            }
        }
    }

    /// Returns the physical address of an address of a PE, by its tables, and the exception level of an access.
    pub fn translate(&self, pe: u32, el: u8, address: u64) -> Option<u64> {
        let pe = self.pes.get(pe as usize)?;
        let upper = address >> 63 != 0;
        let host = pe.registers.is_host();
        let slot = match (el, upper) {
            (0 | 1, false) if !(host && el == 0 && self.is_host_app(pe)) => Slot::El1Lower,
            (0 | 1, true) if !(host && el == 0 && self.is_host_app(pe)) => Slot::El1Upper,
            (_, false) => Slot::El2Lower,
            (_, true) => Slot::El2Upper,
        };
        let output = match pe.roots[slot as usize] {
            Some((root, load)) => {
                let root = &self.roots[root];
                self.walk_through(root.base, load.format, address, root.behind)?
            }
            // The MMU is off.
            None if pe.registers.load(slot) == Ok(None) && !upper => address,
            None => return None,
        };
        match (slot, pe.roots[Slot::Stage2 as usize]) {
            (Slot::El1Lower | Slot::El1Upper, Some((root, _))) => self.through(Some(root), output),
            _ => Some(output),
        }
    }

    fn is_host_app(&self, pe: &Pe) -> bool {
        pe.registers.get(Register::HcrEl2) & crate::registers::HCR_TGE != 0
    }

    fn walk_through(&self, base: u64, format: Format, address: u64, behind: Option<usize>) -> Option<u64> {
        let (mut table, mut level) = (base, format.start);
        loop {
            let held = self.tables.get(&table)?;
            let shift = format.shift(level);
            let index = (address >> shift) as usize & (format.entries(level) - 1);
            match format.entry(level, *held.entries.get(index)?) {
                Entry::Invalid => return None,
                Entry::Leaf(output) => return Some(output | address & ((1 << shift) - 1)),
                Entry::Table(next) => {
                    table = self.through(behind, next)?;
                    level += 1;
                }
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one recursion, and all of it changes on the way down"
    )]
    fn add(
        &mut self,
        base: u64,
        level: i8,
        format: Format,
        parent: Parent,
        behind: Option<usize>,
        memory: &mut impl Memory,
        depth: usize,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        if let Some(table) = self.tables.get_mut(&base) {
            let same = table.level == level
                && table.format.page == format.page
                && table.format.stage_2 == format.stage_2
                && table.entries.len() == format.entries(level)
                && table.behind == behind;
            if same && !table.stale {
                if !table.parents.contains(&parent) {
                    table.parents.push(parent);
                }
                // Below, something may be stale.
                self.follow(base, memory, depth);
                return;
            }
            if !same && self.is_live(base) {
                self.ambiguous += 1;
                return;
            }
            let parents = if same {
                std::mem::take(&mut self.tables.get_mut(&base).expect("it is there").parents)
            } else {
                Vec::new()
            };
            self.forget(base, memory);
            self.read(base, level, format, parents, behind, memory);
        } else {
            self.read(base, level, format, Vec::new(), behind, memory);
        }
        let Some(table) = self.tables.get_mut(&base) else {
            self.outside += 1;
            return;
        };
        if !table.parents.contains(&parent) {
            table.parents.push(parent);
        }
        self.follow(base, memory, depth);
    }

    /// Adds what a table points to.
    fn follow(&mut self, base: u64, memory: &mut impl Memory, depth: usize) {
        if !self.followed.insert(base) {
            return;
        }
        let Some(table) = self.tables.get(&base) else { return };
        let (level, format, behind) = (table.level, table.format, table.behind);
        for (index, child) in self.links(base) {
            let Some(child) = self.through(behind, child) else {
                continue;
            };
            let parent = Parent::Entry { table: base, index };
            self.add(child, level + 1, format, parent, behind, memory, depth + 1);
        }
    }

    fn read(
        &mut self,
        base: u64,
        level: i8,
        format: Format,
        parents: Vec<Parent>,
        behind: Option<usize>,
        memory: &mut impl Memory,
    ) {
        let mut entries = vec![0; format.entries(level)];
        if !memory.read(base, &mut entries) {
            return;
        }
        let bytes = entries.len() as u64 * 8;
        self.held += entries.len();
        memory.watch(base, bytes);
        for frame in base >> FRAME..=(base + bytes - 1) >> FRAME {
            let tables = self.frames.entry(frame).or_default();
            if !tables.contains(&base) {
                tables.push(base);
            }
        }
        let before = self.tables.insert(
            base,
            Table {
                level,
                format,
                entries,
                parents,
                stale: false,
                behind,
            },
        );
        self.held -= before.map_or(0, |table| table.entries.len());
    }

    /// Returns the tables that a table points to, with the numbers of the descriptors.
    fn links(&self, base: u64) -> Vec<(u32, u64)> {
        let Some(table) = self.tables.get(&base) else {
            return Vec::new();
        };
        let links = table.entries.iter().enumerate().filter(|(_, entry)| **entry & 3 == 3);
        links
            .filter_map(|(index, entry)| match table.format.entry(table.level, *entry) {
                Entry::Table(child) => Some((index as u32, child)),
                _ => None,
            })
            .collect()
    }

    /// Takes a table out, and what hangs under nothing else then.
    fn forget(&mut self, base: u64, memory: &mut impl Memory) {
        let links = self.links(base);
        let Some(table) = self.tables.remove(&base) else { return };
        self.held -= table.entries.len();
        let bytes = table.entries.len() as u64 * 8;
        for frame in base >> FRAME..=(base + bytes - 1) >> FRAME {
            if let Some(tables) = self.frames.get_mut(&frame) {
                tables.retain(|other| *other != base);
                if tables.is_empty() {
                    self.frames.remove(&frame);
                }
            }
        }
        memory.unwatch(base, bytes, true);
        for (index, child) in links {
            if let Some(child) = self.through(table.behind, child) {
                self.unlink(child, Parent::Entry { table: base, index }, memory);
            }
        }
    }

    fn unlink(&mut self, base: u64, parent: Parent, memory: &mut impl Memory) {
        let Some(table) = self.tables.get_mut(&base) else {
            return;
        };
        table.parents.retain(|other| *other != parent);
        if table.parents.is_empty() {
            self.forget(base, memory);
        }
    }

    /// Returns whether a walk by any PE can reach a table.
    fn is_live(&self, base: u64) -> bool {
        !self.ways(base, true).is_empty()
    }

    /// Returns the roots and first addresses of a table.
    fn ways(&self, base: u64, live: bool) -> Vec<Way> {
        let (mut found, mut steps) = (Vec::new(), 0);
        self.climb(base, 0, 0, live, &mut found, &mut steps);
        found
    }

    fn climb(&self, base: u64, offset: u64, depth: usize, live: bool, found: &mut Vec<Way>, steps: &mut usize) {
        let Some(table) = self.tables.get(&base) else { return };
        if depth > MAX_DEPTH {
            return;
        }
        for parent in &table.parents {
            *steps += 1;
            if found.len() >= MAX_WAYS || *steps > MAX_STEPS {
                return;
            }
            match *parent {
                Parent::Root(root) => {
                    if !live || self.roots[root].is_live() {
                        let first = self.roots[root].load.format.first();
                        found.push(Way {
                            root,
                            address: first.wrapping_add(offset),
                        });
                    }
                }
                Parent::Entry { table: above, index } => {
                    let Some(up) = self.tables.get(&above) else { continue };
                    let offset = offset + up.format.offset(up.level, index as usize);
                    self.climb(above, offset, depth + 1, live, found, steps);
                }
            }
        }
    }

    /// Returns the tables of a frame.
    fn tables_at(&self, address: u64) -> Option<u64> {
        let tables = self.frames.get(&(address >> FRAME))?;
        tables.iter().copied().find(|base| {
            let bytes = self.tables[base].entries.len() as u64 * 8;
            (*base..*base + bytes).contains(&address)
        })
    }

    /// Returns whether an address is in a table.
    pub fn is_table(&self, address: u64) -> bool {
        self.tables_at(address).is_some()
    }

    /// Returns the descriptor at an address, as it was last seen, and whether it is live; `None` where there is no table.
    pub fn held(&self, address: u64) -> Option<u64> {
        let base = self.tables_at(address)?;
        let table = &self.tables[&base];
        table.entries.get((address - base) as usize / 8).copied()
    }

    /// Returns whether a walk by any PE can reach the table at an address.
    pub fn is_live_at(&self, address: u64) -> bool {
        self.tables_at(address).is_some_and(|base| self.is_live(base))
    }

    /// A table that is not live was written: it is looked at again when its root is loaded.
    pub fn make_stale(&mut self, address: u64, memory: &mut impl Memory) {
        let Some(base) = self.tables_at(address) else { return };
        for way in self.ways(base, false) {
            self.roots[way.root].stale = true;
        }
        if let Some(table) = self.tables.get_mut(&base)
            && !table.stale
        {
            table.stale = true;
            memory.unwatch(base, table.entries.len() as u64 * 8, false);
        }
    }

    /// Returns how much is kept, in words of 8 bytes: descriptors, and who has loaded which root.
    pub fn size(&self) -> usize {
        self.held + self.roots.len() * self.pes.len() / 8
    }

    /// Says that the content of a table is about to be read again, if there is one at this address.
    pub fn refresh(&mut self, base: u64, memory: &mut impl Memory) {
        if self.tables.contains_key(&base) {
            self.make_stale(base, memory);
        }
    }

    /// Stores a descriptor in a live table. `None` where there is none.
    pub fn store(&mut self, address: u64, new: u64, memory: &mut impl Memory) -> Option<Change> {
        let base = self.tables_at(address)?;
        let index = (address - base) as usize / 8;
        let ways = self.ways(base, true);
        let table = self.tables.get_mut(&base)?;
        let (level, format, behind) = (table.level, table.format, table.behind);
        let old = std::mem::replace(table.entries.get_mut(index)?, new);
        let offset = format.offset(level, index);
        let ways = ways.into_iter().map(|way| Way {
            address: way.address.wrapping_add(offset),
            ..way
        });
        let place = Place {
            table: base,
            index,
            level,
            format,
            ways: ways.collect(),
        };
        let parent = Parent::Entry {
            table: base,
            index: index as u32,
        };
        let link = |descriptor| match format.entry(level, descriptor) {
            Entry::Table(child) => Some(child),
            _ => None,
        };
        let (mut removed, mut is_gone) = (Vec::new(), false);
        if link(old) != link(new) {
            self.followed.clear();
            if let Some(child) = link(old).and_then(|child| self.through(behind, child)) {
                if let Some(table) = self.tables.get(&child) {
                    let held = (0..).zip(table.entries.iter().copied());
                    removed = held.filter(|(_, entry)| entry & 1 != 0).collect();
                }
                self.unlink(child, parent, memory);
                is_gone = !self.tables.contains_key(&child);
            }
            if let Some(child) = link(new).and_then(|child| self.through(behind, child)) {
                self.add(child, level + 1, format, parent, behind, memory, 0);
            }
        }
        Some(Change {
            place,
            old,
            new,
            removed,
            is_gone,
        })
    }

    /// Returns the bytes of descriptors that are held.
    pub const fn bytes(&self) -> u64 {
        self.held as u64 * 8
    }

    /// Returns whether there is a table at just this address.
    pub fn has_table(&self, base: u64) -> bool {
        self.tables.contains_key(&base)
    }

    /// Returns a table: its descriptors, its level and format, and the stage 2 behind which it is.
    pub fn table(&self, base: u64) -> Option<(&[u64], i8, Format, Option<usize>)> {
        let table = self.tables.get(&base)?;
        Some((&table.entries, table.level, table.format, table.behind))
    }

    /// Returns the PEs that have a root loaded.
    pub fn holders(&self, root: usize) -> HashSet<u32> {
        let loaded = self.roots[root].loaded.iter().enumerate();
        loaded.filter(|(_, loaded)| **loaded).map(|(pe, _)| pe as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Shadow};
    use crate::registers::Register;
    use std::collections::HashMap;
    use std::time::{Duration, Instant};

    #[derive(Default)]
    struct Tables(HashMap<u64, u64>, u64);

    impl Memory for Tables {
        /// Each table holds the same descriptor in all its entries.
        fn read(&mut self, address: u64, entries: &mut [u64]) -> bool {
            self.1 += 1;
            entries.fill(self.0.get(&address).copied().unwrap_or(0));
            true
        }

        fn watch(&mut self, _: u64, _: u64) {}

        fn unwatch(&mut self, _: u64, _: u64, _: bool) {}
    }

    #[test]
    fn tables_that_all_entries_share_are_followed_once() {
        // As a kernel's shadow memory for its sanitizer is: 512 times 512 times 512 entries lead to one page.
        let mut memory = Tables::default();
        for (from, to) in [(0, 0x1003), (0x1000, 0x2003), (0x2000, 0x3003), (0x3000, 0x9703)] {
            memory.0.insert(0x4000_0000 + from, 0x4000_0000 + to);
        }
        let mut shadow = Shadow::new(2);
        let start = Instant::now();
        shadow.register(0, Register::TcrEl2, 16, &mut memory);
        shadow.register(0, Register::Ttbr0El2, 0x4000_0000, &mut memory);
        shadow.register(0, Register::SctlrEl2, 1, &mut memory);
        assert_eq!((memory.1, shadow.bytes()), (4, 4 * 4096));
        let change = shadow.store(0x4000_3008, 0, &mut memory).unwrap();
        assert!(!change.place.ways.is_empty());
        // And where no PE has the root, that is known without trying every way.
        shadow.register(0, Register::SctlrEl2, 0, &mut memory);
        assert!(!shadow.is_live_at(0x4000_3000));
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
