// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that stage 1 may give.

use super::{Request, Stage1, flat, held, leaf_entry};
use crate::config::Regime;
use crate::core::Core;
use crate::descriptor::{Kind, is_cacheable, is_global, kind, output};
use crate::invalidate::ADDRESS_BITS;
use crate::stale::Use;
use crate::story::Which;
use crate::walk::{Fault, FaultKind, From, Instead, Leaf, Walk};

impl Core {
    /// Returns everything that stage 1 may give.
    pub(super) fn stage1(&mut self, request: &Request, arrivals: &mut Vec<(usize, usize, usize)>) -> Vec<Stage1> {
        let &Request { pe, address, space, .. } = request;
        if !request.config.stage1 {
            let leaf = flat(address);
            return vec![Stage1 {
                result: Ok(leaf),
                since: 0,
                which: Which::Current,
                age: 0,
            }];
        }
        let upper = address >> 55 & 1 != 0 && request.config.regime != Regime::El2;
        let Some(root) = space.roots[usize::from(upper)] else {
            return vec![Stage1 {
                result: Err(Fault::new(FaultKind::Translation, 0)),
                since: 0,
                which: Which::Current,
                age: 0,
            }];
        };
        let walk = self.walk(pe, root, None, address, None);
        if self.kind && walk.result.is_ok() {
            self.walked(pe, walk.steps(), root, walk.first_level, address);
        }
        self.arrivals(&walk, arrivals);
        let current = Stage1 {
            result: walk.result,
            since: walk.since,
            which: Which::Current,
            age: 0,
        };
        let mut all = vec![current];
        self.early(request, &walk, &mut all, None);
        self.held(request, root, &mut all);
        self.other_tables(request, root, upper, &mut all);
        if request.config.stage2 {
            self.held_walks(request, root, &walk, &mut all);
        }
        all
    }

    /// Rule 3: stores that may arrive under a walk.
    pub(super) fn arrivals(&self, walk: &Walk, arrivals: &mut Vec<(usize, usize, usize)>) {
        for (owner, pe) in self.pes.iter().enumerate() {
            for pending in &pe.pending {
                let arrival = (owner, pending.table, pending.slot);
                if walk.steps().contains(&(pending.table, pending.slot)) && !arrivals.contains(&arrival) {
                    arrivals.push(arrival);
                }
            }
        }
    }

    /// Rule 2 and 3: walks made before a descriptor was visible, which context synchronization would have discarded.
    pub(super) fn early(&self, request: &Request, walk: &Walk, all: &mut Vec<Stage1>, ipa: Option<u64>) {
        if request.r#use == Use::Data && self.features.ets2 {
            return;
        }
        let updates = if ipa.is_some() {
            request.config.stage2_updates
        } else {
            request.config.updates
        };
        for early in &self.pes[request.pe].early {
            let step = walk.steps().iter().position(|&step| step == (early.table, early.slot));
            let Some(step) = step else { continue };
            let kind = if early.descriptor & 1 == 0 {
                FaultKind::Translation
            } else if updates[0] {
                continue;
            } else {
                FaultKind::AccessFlag
            };
            let page = &self.tables[early.table];
            all.push(Stage1 {
                result: Err(Fault {
                    kind,
                    level: walk.first_level + step as u8,
                    stage2: ipa,
                    walk: false,
                }),
                since: 0,
                which: Which::Early {
                    place: page.address + 8 * early.slot as u64,
                },
                age: page.since[early.slot],
            });
        }
    }

    /// Rule 1: entries of overwritten descriptors of stage 1.
    pub(super) fn held(&mut self, request: &Request, root: usize, all: &mut Vec<Stage1>) {
        let &Request {
            pe,
            address,
            r#use,
            space,
            ..
        } = request;
        let regime = request.config.regime as usize;
        let masked = address & ADDRESS_BITS;
        for index in 0..self.pes[pe].stale[regime].len() {
            let stale = &self.pes[pe].stale[regime][index];
            if stale.stage2 || !stale.translates(masked, &space) {
                continue;
            }
            let which = held(stale);
            let (over, level, granule, descriptor) = (stale.over, stale.level, stale.granule, stale.descriptor);
            let inherited = stale.inherited;
            if stale.leaf {
                if stale.has_last_level(None, r#use) {
                    let leaf = Leaf {
                        descriptor,
                        level,
                        granule,
                        output: output(descriptor, level, granule, address),
                        inherited,
                        place: None,
                    };
                    all.push(Stage1 {
                        result: Ok(leaf),
                        since: 0,
                        which,
                        age: over,
                    });
                }
                continue;
            }
            let Kind::Table(table) = kind(descriptor, level, granule) else {
                continue;
            };
            let upper = stale.has_upper(r#use);
            let tree = if self.roots[stale.root].upper == self.roots[root].upper {
                stale.root
            } else {
                root
            };
            let from = From {
                table,
                level: level + 1,
                inherited: inherited.and(descriptor),
            };
            let walk = self.walk(pe, tree, Some(from), address, None);
            let exists = upper
                || walk.result.is_ok_and(|leaf| {
                    let entry = leaf_entry(&space, &leaf, masked, self.leaf_xs(request, &leaf));
                    let walked = match (self.kind, leaf.place) {
                        (true, Some((table, slot))) => {
                            let (when, _) = self.tables[table].walked[pe][slot];
                            when > 0 && when < over
                        }
                        _ => true,
                    };
                    walk.since < over
                        && walked
                        && is_cacheable(leaf.descriptor, leaf.level, leaf.granule)
                        && self.pes[pe].stale[regime][index].has_last_level(Some(&entry), r#use)
                });
            if exists {
                let result = walk
                    .result
                    .map(|leaf| if upper { leaf } else { Leaf { place: None, ..leaf } });
                all.push(Stage1 {
                    result,
                    since: walk.since,
                    which,
                    age: over,
                });
            }
        }
    }

    /// Rule 4: entries of tables that a register pointed to before, under the same tags.
    pub(super) fn other_tables(&mut self, request: &Request, root: usize, upper: bool, all: &mut Vec<Stage1>) {
        let &Request { pe, address, space, .. } = request;
        if self.kind || request.config.stage2 {
            return;
        }
        for index in 0..self.pes[pe].used.len() {
            let (other, used) = (self.spaces[index], self.pes[pe].used[index]);
            let same_tags =
                other.regime == space.regime && other.vmid == space.vmid && other.roots[2] == space.roots[2];
            let Some(tree) = other.roots[usize::from(upper)] else {
                continue;
            };
            if !same_tags || used == 0 || tree == root || self.pes[pe].log_floor >= used {
                continue;
            }
            let walk = self.walk(pe, tree, None, address, None);
            let Ok(leaf) = walk.result else { continue };
            let tagged = other.asid == space.asid || is_global(leaf.descriptor);
            if !tagged || walk.since > used || !is_cacheable(leaf.descriptor, leaf.level, leaf.granule) {
                continue;
            }
            let entry = leaf_entry(&other, &leaf, address & ADDRESS_BITS, self.leaf_xs(request, &leaf));
            let log = self.pes[pe].log.iter().rev();
            let removed = (log.take_while(|&&(_, issued)| issued >= used)).any(|(op, _)| op.covers_last_level(&entry));
            if !removed {
                all.push(Stage1 {
                    result: Ok(Leaf { place: None, ..leaf }),
                    since: walk.since,
                    which: Which::OtherTables,
                    age: used,
                });
            }
        }
    }

    /// Rule 1: walks of stage 1 that reach their tables through entries of stage 2 that have been overwritten.
    pub(super) fn held_walks(&mut self, request: &Request, root: usize, current: &Walk, all: &mut Vec<Stage1>) {
        let &Request {
            pe,
            address,
            r#use,
            space,
            ..
        } = request;
        for index in 0..self.pes[pe].stale[Regime::El10 as usize].len() {
            let stale = &self.pes[pe].stale[Regime::El10 as usize][index];
            if !stale.stage2 || !stale.leaf || stale.vmid != space.vmid || !stale.has_upper(r#use) {
                continue;
            }
            let (which, over) = (held(stale), stale.over);
            let instead = Instead {
                base: stale.base,
                shift: stale.shift,
                output: output(stale.descriptor, stale.level, stale.granule, 0),
            };
            let walk = self.walk(pe, root, None, address, Some(instead));
            if walk.steps() != current.steps() {
                all.push(Stage1 {
                    result: walk.result,
                    since: walk.since,
                    which,
                    age: over,
                });
            }
        }
    }
}
