// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages that hold translation tables: what walkers see in them, and which addresses each slot translates.
//!
//! Every table that can be reached from a tree in use is known here, whether anybody has walked it or not: a walk may be
//! made ahead, for any page that the regime in use maps (rule 1).

use crate::core::{Core, Early, Pending};
use crate::descriptor::{Inherited, Kind, is_cacheable, kind, level_shift};
use crate::invalidate::ADDRESS_BITS;
use crate::ram::PAGE;
use crate::stale::{Counts, Stale};
use crate::story::Event;

/// Descriptors in a page.
pub const SLOTS: usize = 512;

/// Most places of trees that tables may be at: far more than the kernel's, and few enough to follow.
const MOST_MOUNTS: usize = 1 << 14;

/// A place that a page of tables has in a tree.
#[derive(Debug, Clone, Copy)]
pub struct Mount {
    /// The tree, by number.
    pub root: usize,
    /// The level.
    pub level: u8,
    /// The first address that slot 0 translates, or would.
    pub base: u64,
    /// The slots that belong to the table.
    slots: (u16, u16),
    /// What the tables above say.
    inherited: Inherited,
    /// The slot that leads here, by page and slot. `None`: a register does.
    parent: Option<(usize, usize)>,
    /// Whether that slot still does.
    linked: bool,
    /// When it ceased to.
    unlinked: u64,
}

/// A page that walkers read, or may.
#[derive(Debug, Clone)]
pub struct TablePage {
    /// Its physical address.
    pub address: u64,
    /// What walkers see in it. Memory itself holds what was stored last.
    pub visible: Box<[u64; SLOTS]>,
    /// When walkers began to see that.
    pub since: Box<[u64; SLOTS]>,
    /// Where it is in trees.
    pub mounts: Vec<Mount>,
    /// For a kind machine: when each PE has walked each slot, and in which space.
    pub walked: Vec<Box<[(u64, usize); SLOTS]>>,
}

impl Core {
    /// Returns the page of tables at a physical address, which may be new as such. `None`: no memory is there.
    pub fn table_at(&mut self, address: u64, pe: Option<usize>) -> Option<usize> {
        let frame = self.ram.frame(address)?;
        if let Some(table) = self.ram.table(frame) {
            return Some(table);
        }
        let table = self.tables.len();
        let mut visible = Box::new([0; SLOTS]);
        for (slot, value) in visible.iter_mut().enumerate() {
            *value = self.ram.read64(frame, slot);
        }
        // Rule 3: what this PE has stored here since its last barrier is not visible yet.
        if let Some(pe) = pe {
            let state = &mut self.pes[pe];
            for &(place, old) in state.recent.iter().rev() {
                if place >> 9 == u64::from(frame.0) {
                    let slot = place as usize % SLOTS;
                    let value = self.ram.read64(frame, slot);
                    visible[slot] = old;
                    state.pending.retain(|other| (other.table, other.slot) != (table, slot));
                    state.pending.push(Pending {
                        table,
                        slot,
                        value,
                        at: self.now,
                    });
                }
            }
        }
        let walked = if self.kind { self.pes.len() } else { 0 };
        self.tables.push(TablePage {
            address: address & !(PAGE - 1),
            visible,
            since: Box::new([1; SLOTS]),
            mounts: Vec::new(),
            walked: (0..walked).map(|_| Box::new([(0, 0); SLOTS])).collect(),
        });
        self.ram.set_table(frame, table);
        self.forget_frame(frame);
        Some(table)
    }

    /// Finds every table of a tree.
    pub fn mount_root(&mut self, number: usize) {
        let root = self.roots[number];
        let base = if root.upper {
            ADDRESS_BITS & !((1 << root.bits) - 1)
        } else {
            0
        };
        let entries = 1 << (root.bits - level_shift(root.granule, root.start));
        self.mount(
            number,
            root.table,
            root.start,
            base,
            entries,
            Inherited::default(),
            None,
        );
    }

    /// Puts a table into a tree, with every table behind it.
    #[expect(clippy::too_many_arguments, reason = "a place in a tree is as much as that")]
    pub fn mount(
        &mut self,
        number: usize,
        address: u64,
        level: u8,
        base: u64,
        entries: u64,
        inherited: Inherited,
        parent: Option<(usize, usize)>,
    ) {
        let root = self.roots[number];
        let shift = level_shift(root.granule, level);
        // The architecture has up to 16 tables side by side where a walk of stage 2 starts.
        if entries > 16 << (root.granule - 3) {
            self.overgrown = true;
            return;
        }
        let mut done = 0;
        while done < entries && !self.overgrown {
            let address = address + 8 * done;
            let first = address % PAGE / 8;
            let here = (entries - done).min(SLOTS as u64 - first);
            let base = base.wrapping_add(done << shift).wrapping_sub(first << shift) & ADDRESS_BITS;
            done += here;
            let physical = match root.under {
                None => address,
                Some(second) => match self.quiet_stage2(second, address) {
                    Some(physical) => physical,
                    None => continue,
                },
            };
            let Some(table) = self.table_at(physical, None) else {
                continue;
            };
            let mounts = &mut self.tables[table].mounts;
            if let Some(known) = mounts
                .iter_mut()
                .find(|mount| (mount.root, mount.level, mount.base) == (number, level, base))
            {
                known.linked = true;
                known.parent = parent;
                known.inherited = inherited;
                continue;
            }
            // Tables that lead back to themselves are at as many places as there are paths.
            self.mounts += 1;
            if self.mounts > MOST_MOUNTS {
                self.overgrown = true;
                return;
            }
            let slots = (first as u16, (first + here) as u16);
            let mounts = &mut self.tables[table].mounts;
            mounts.push(Mount {
                root: number,
                level,
                base,
                slots,
                inherited,
                parent,
                linked: true,
                unlinked: 0,
            });
            for slot in usize::from(slots.0)..usize::from(slots.1) {
                self.mount_child(table, slot, number, level, base);
            }
        }
    }

    /// Puts the table that a slot leads to, if it does, into a tree.
    fn mount_child(&mut self, table: usize, slot: usize, number: usize, level: u8, base: u64) {
        let descriptor = self.tables[table].visible[slot];
        let granule = self.roots[number].granule;
        if let Kind::Table(next) = kind(descriptor, level, granule) {
            let above = self.tables[table].mounts.iter();
            let above = above.filter(|mount| (mount.root, mount.level, mount.base) == (number, level, base));
            let inherited = above
                .map(|mount| mount.inherited)
                .next()
                .unwrap_or_default()
                .and(descriptor);
            let base = base.wrapping_add((slot as u64) << level_shift(granule, level)) & ADDRESS_BITS;
            let entries = 1 << (granule - 3);
            self.mount(number, next, level + 1, base, entries, inherited, Some((table, slot)));
        }
    }

    /// Returns whether a page is known at a place in a tree.
    pub fn is_mounted(&self, table: usize, number: usize, level: u8, base: u64) -> bool {
        let mut mounts = self.tables[table].mounts.iter();
        mounts.any(|mount| (mount.root, mount.level, mount.base) == (number, level, base))
    }

    /// Rule 3: a descriptor store becomes visible, to every walker at once. `by_hardware`: a walker made it.
    pub fn change(&mut self, table: usize, slot: usize, new: u64, by_hardware: bool) {
        let page = &mut self.tables[table];
        let (old, started) = (page.visible[slot], page.since[slot]);
        if old == new {
            return;
        }
        let now = self.tick();
        let page = &mut self.tables[table];
        page.visible[slot] = new;
        page.since[slot] = now;
        if self.kind {
            return self.change_kindly(table, slot, old, started);
        }
        for index in 0..self.tables[table].mounts.len() {
            let mount = self.tables[table].mounts[index];
            if !(mount.slots.0..mount.slots.1).contains(&(slot as u16)) {
                continue;
            }
            let root = self.roots[mount.root];
            let shift = level_shift(root.granule, mount.level);
            let base = mount.base.wrapping_add((slot as u64) << shift) & ADDRESS_BITS;
            if !by_hardware {
                self.leave(table, slot, index, old, started);
            }
            if kind(old, mount.level, root.granule) != kind(new, mount.level, root.granule) {
                self.unlink(table, slot, mount.root, now);
                self.mount_child(table, slot, mount.root, mount.level, mount.base);
            }
            self.forget(base, shift, root.stage2);
        }
    }

    /// Remembers an overwritten descriptor wherever it may be cached, or read by an early walk.
    fn leave(&mut self, table: usize, slot: usize, index: usize, old: u64, started: u64) {
        let mount = self.tables[table].mounts[index];
        let root = self.roots[mount.root];
        let cacheable = is_cacheable(old, mount.level, root.granule);
        for pe in 0..self.pes.len() {
            if !cacheable {
                let current = self.pes[pe].space.map(|space| self.spaces[space].roots);
                if current.is_some_and(|roots| roots.contains(&Some(mount.root))) {
                    let early = Early {
                        table,
                        slot,
                        descriptor: old,
                    };
                    self.pes[pe].early.push(early);
                }
                continue;
            }
            for space in 0..self.pes[pe].used.len() {
                let used = match self.pes[pe].space {
                    Some(current) if current == space => self.now,
                    _ => self.pes[pe].used[space],
                };
                if used == 0 || !self.spaces[space].roots.contains(&Some(mount.root)) {
                    continue;
                }
                let cached = self.reached(pe, space, table, index, used);
                if cached >= started {
                    self.may_hold(pe, space, table, slot, mount, old, cached, true);
                }
            }
        }
    }

    /// Returns the last time, not after `used`, at which a PE could walk a table.
    fn reached(&self, pe: usize, space: usize, table: usize, index: usize, used: u64) -> u64 {
        let mount = &self.tables[table].mounts[index];
        let Some((parent, slot)) = mount.parent else {
            return used;
        };
        if !mount.linked {
            let place = self.tables[parent].address + 8 * slot as u64;
            let of = self.spaces[space];
            let held = self.pes[pe].stale[of.regime as usize].iter().any(|stale| {
                stale.place == place && !stale.leaf && stale.has_whole_upper() && stale.translates(stale.base, &of)
            });
            return if held { used } else { used.min(mount.unlinked) };
        }
        let above = self.tables[parent].mounts.iter().position(|above| {
            let shift = level_shift(self.roots[above.root].granule, above.level);
            above.root == mount.root
                && above.level + 1 == mount.level
                && mount.base.wrapping_sub(above.base) >> shift == slot as u64
        });
        // Pages of a large table other than its first lie behind the same slot.
        above.map_or(used, |above| self.reached(pe, space, parent, above, used))
    }

    /// Adds an overwritten descriptor to what a PE may hold, unless a TLBI has removed it since it was last cached.
    #[expect(clippy::too_many_arguments, reason = "a cached descriptor is as much as that")]
    fn may_hold(
        &mut self,
        pe: usize,
        space: usize,
        table: usize,
        slot: usize,
        mount: Mount,
        old: u64,
        cached: u64,
        upper: bool,
    ) {
        let root = self.roots[mount.root];
        let shift = level_shift(root.granule, mount.level);
        let base = mount.base.wrapping_add((slot as u64) << shift) & ADDRESS_BITS;
        let leaf = kind(old, mount.level, root.granule) == Kind::Leaf;
        let state = &self.pes[pe];
        if state.log_floor >= cached {
            return;
        }
        let xs = if !leaf {
            false
        } else if root.stage2 {
            crate::descriptor::MemoryType::of_stage2(old).xs
        } else {
            let index = usize::from(root.regime != crate::config::Regime::El10);
            Self::memory_type(state.synced.mair[index], old).xs
        };
        let mut stale = Stale::new(
            root.stage2,
            leaf,
            &self.spaces[space],
            (base, shift, mount.level, root.granule),
            old,
            mount.inherited,
            (self.tables[table].address + 8 * slot as u64, mount.root),
            xs,
            (self.stored, self.now, cached),
        )
        .with_upper(upper);
        for (op, issued) in state.log.iter().rev().take_while(|&&(_, issued)| issued >= cached) {
            stale.invalidate(op, *issued, *issued, Counts::ALL);
        }
        if !stale.is_gone() {
            self.keep(pe, stale);
        }
    }

    /// The tables behind a slot are not reached through it any more.
    fn unlink(&mut self, parent: usize, slot: usize, root: usize, now: u64) {
        for page in &mut self.tables {
            for mount in &mut page.mounts {
                if mount.parent == Some((parent, slot)) && mount.root == root && mount.linked {
                    mount.linked = false;
                    mount.unlinked = now;
                }
            }
        }
    }

    /// A kind machine's TLB holds what has been used, and no table descriptors.
    fn change_kindly(&mut self, table: usize, slot: usize, old: u64, started: u64) {
        for index in 0..self.tables[table].mounts.len() {
            let mount = self.tables[table].mounts[index];
            let root = self.roots[mount.root];
            let shift = level_shift(root.granule, mount.level);
            let base = mount.base.wrapping_add((slot as u64) << shift) & ADDRESS_BITS;
            if is_cacheable(old, mount.level, root.granule) {
                for pe in 0..self.pes.len() {
                    let (walked, space) = self.tables[table].walked[pe][slot];
                    let of_tree = walked > 0 && self.spaces[space].roots.contains(&Some(mount.root));
                    if of_tree && walked >= started {
                        self.may_hold(pe, space, table, slot, mount, old, walked, false);
                    }
                }
            }
            self.forget(base, shift, root.stage2);
        }
    }

    /// A kind machine remembers what a walk has read.
    pub fn walked(&mut self, pe: usize, steps: &[(usize, usize)], number: usize, level: u8, address: u64) {
        let Some(space) = self.pes[pe].space else { return };
        let (root, now) = (self.roots[number], self.tick());
        for (&(table, slot), level) in steps.iter().zip(level..) {
            let shift = level_shift(root.granule, level);
            let base = ((address & ADDRESS_BITS) >> shift).wrapping_sub(slot as u64) << shift & ADDRESS_BITS;
            if !self.is_mounted(table, number, level, base) {
                self.tables[table].mounts.push(Mount {
                    root: number,
                    level,
                    base,
                    slots: (0, SLOTS as u16),
                    inherited: Inherited::default(),
                    parent: None,
                    linked: true,
                    unlinked: 0,
                });
            }
            self.tables[table].walked[pe][slot] = (now, space);
        }
    }
}

impl Core {
    /// Rule 3: a store to a page that walkers read. It waits until a barrier completes it.
    pub fn store_descriptor(&mut self, pe: usize, table: usize, slot: usize, value: u64) {
        let frame = self.ram.frame(self.tables[table].address);
        let Some(frame) = frame else { return };
        let before = self.ram.read64(frame, slot);
        if before == value {
            return;
        }
        self.observe(pe, table, slot);
        self.ram.write64(frame, slot, value);
        let place = self.tables[table].address + 8 * slot as u64;
        self.tell(pe, || Event::Store { place, value });
        if self.kind {
            return self.change(table, slot, value, false);
        }
        if self.pes[pe].pending.len() >= MOST_PENDING {
            self.complete_stores(pe);
        }
        if self.pes[pe].pending.is_empty() {
            self.pes[pe].pending_since = self.pes[pe].instructions;
        }
        let at = self.tick();
        self.pes[pe].pending.push(Pending { table, slot, value, at });
        // The walk that led here found the old descriptor, and the next one has a choice.
        self.forget_slot(table, slot);
    }

    /// Has every PE look again at what a slot translates.
    fn forget_slot(&mut self, table: usize, slot: usize) {
        for index in 0..self.tables[table].mounts.len() {
            let mount = self.tables[table].mounts[index];
            let root = self.roots[mount.root];
            let shift = level_shift(root.granule, mount.level);
            let base = mount.base.wrapping_add((slot as u64) << shift) & ADDRESS_BITS;
            self.forget(base, shift, root.stage2);
        }
    }

    /// A PE is about to see a place through memory: what another one has stored there has happened.
    pub fn observe(&mut self, pe: usize, table: usize, slot: usize) {
        for other in 0..self.pes.len() {
            if other != pe
                && self.pes[other]
                    .pending
                    .iter()
                    .any(|p| (p.table, p.slot) == (table, slot))
            {
                self.arrive(other, table, slot);
            }
        }
    }

    /// Makes what a PE has stored at one place visible.
    pub fn arrive(&mut self, pe: usize, table: usize, slot: usize) {
        let here: Vec<Pending> = (self.pes[pe].pending.iter())
            .filter(|pending| (pending.table, pending.slot) == (table, slot))
            .copied()
            .collect();
        (self.pes[pe].pending).retain(|pending| (pending.table, pending.slot) != (table, slot));
        for pending in here {
            self.stored = pending.at;
            self.change(table, slot, pending.value, false);
        }
    }

    /// A barrier completes every store of a PE.
    pub fn complete_stores(&mut self, pe: usize) {
        self.pes[pe].ordered = false;
        self.pes[pe].recent.clear();
        let pending = std::mem::take(&mut self.pes[pe].pending);
        for pending in &pending {
            self.stored = pending.at;
            self.change(pending.table, pending.slot, pending.value, false);
        }
        let mut pending = pending;
        pending.clear();
        // The allocation is used again.
        self.pes[pe].pending = pending;
    }
}

/// Stores of a PE that wait. Beyond, they are completed: nothing takes for ever.
const MOST_PENDING: usize = 4096;
