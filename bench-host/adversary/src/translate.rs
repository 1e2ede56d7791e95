// SPDX-License-Identifier: MIT OR Apache-2.0
//! The use of a translation: everything an access may see by the rules, and the choice of one.
//!
//! What an access may see: the descriptors that are visible in memory; those that a barrier has not completed yet, which
//! may arrive at any time; overwritten ones that a TLB holds (rule 1), until the TLBI that removes them is complete and
//! context is synchronized (rule 2); what an early walk has read (rule 3); tables that a register pointed to before
//! (rule 4); and where two entries of different sizes are there for one address, a TLB conflict abort (rule 5).

use crate::choice::Point;
use crate::config::{Config, Regime, Space};
use crate::core::Core;
use crate::descriptor::{
    ACCESS_FLAG, Access, Accessor, CONTIGUOUS, DIRTY_BIT_MODIFIER, Inherited, Kind, MemoryType, READ_ONLY,
    STAGE2_WRITE, is_cacheable, is_global, kind, level_shift, output, stage1_permits, stage2_permits,
};
use crate::invalidate::{ADDRESS_BITS, Entry};
use crate::ram::PAGE;
use crate::stale::{Stale, Use};
use crate::story::{Event, Which};
use crate::walk::{Fault, FaultKind, From, Instead, Leaf, Walk};

/// A translation that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// The physical address.
    pub physical: u64,
    /// The memory type.
    pub memory: MemoryType,
    /// Whether there was nothing to choose from.
    pub single: bool,
}

/// Both stages of a translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Joined {
    physical: u64,
    memory: MemoryType,
    /// Descriptors for hardware to mark, of stage 1 and stage 2: where they are, and what they become.
    marks: [Option<(usize, usize, u64)>; 2],
}

/// Something an access may see.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    outcome: Result<Joined, Fault>,
    which: Which,
    /// What becomes worse, the larger it is.
    age: u64,
    /// Level and Contiguous bit of the last descriptor of stage 1.
    size: Option<(u8, u64)>,
}

/// What stage 1 may give.
#[derive(Debug, Clone, Copy)]
struct Stage1 {
    result: Result<Leaf, Fault>,
    /// When the youngest descriptor it was made of became visible.
    since: u64,
    which: Which,
    age: u64,
}

/// Who accesses what, and how.
#[derive(Debug, Clone, Copy)]
struct Request {
    pe: usize,
    address: u64,
    access: Access,
    el0: bool,
    r#use: Use,
    config: Config,
    space: Space,
}

impl Core {
    /// Translates an address for an access.
    pub fn translate(&mut self, pe: usize, address: u64, access: Access, unprivileged: bool) -> Result<Mapped, Fault> {
        let config = self.configs[usize::from(self.pes[pe].config)];
        let upper = address >> 55 & 1 != 0;
        let address = match (config.tbi[usize::from(upper)], upper) {
            (false, _) => address,
            (true, false) => address & ((1 << 56) - 1),
            (true, true) => address | 0xff << 56,
        };
        if !config.stage1 && !config.stage2 {
            if address >> 48 != 0 {
                return Err(Fault::new(FaultKind::AddressSize, 0));
            }
            let memory = if config.default_cacheable || access == Access::Fetch {
                MemoryType::NORMAL
            } else {
                MemoryType::DEVICE
            };
            return Ok(Mapped {
                physical: address,
                memory,
                single: true,
            });
        }
        let request = Request {
            pe,
            address,
            access,
            el0: config.el0 || unprivileged && config.regime != Regime::El2,
            r#use: if access == Access::Fetch { Use::Fetch } else { Use::Data },
            config,
            space: self.spaces[config.space],
        };
        if self.has_no_choice(&request) {
            let joined = self.only(&request)?;
            let marked = joined.marks != [None; 2];
            for (table, slot, descriptor) in joined.marks.into_iter().flatten() {
                self.mark(table, slot, descriptor);
            }
            return Ok(Mapped {
                physical: joined.physical,
                memory: joined.memory,
                single: !marked,
            });
        }
        loop {
            let mut arrivals = Vec::new();
            let candidates = self.candidates(&request, &mut arrivals);
            let options = arrivals.len() + candidates.len();
            let single = options == 1;
            let chosen = if single {
                0
            } else {
                let point = Point {
                    options,
                    current: arrivals.len() + candidates.iter().position(|c| c.which == Which::Current).unwrap_or(0),
                };
                self.choice.choose(point)
            };
            if let Some(&(owner, table, slot)) = arrivals.get(chosen) {
                // Rule 3: what is stored may become visible at any time.
                let place = self.tables[table].address + 8 * slot as u64;
                self.arrive(owner, table, slot);
                self.tell(pe, || Event::Use {
                    address,
                    which: Which::Arrived { place },
                    output: None,
                    why: None,
                });
                continue;
            }
            let candidate = candidates[chosen - arrivals.len()];
            if candidate.which != Which::Current {
                let output = candidate.outcome.ok().map(|joined| joined.physical);
                let why = match candidate.which {
                    Which::Held { place, descriptor, .. } if self.story.is_some() => {
                        Some(self.why(pe, place, descriptor, request.r#use))
                    }
                    _ => None,
                };
                self.tell(pe, || Event::Use {
                    address,
                    which: candidate.which,
                    output,
                    why,
                });
            }
            let joined = candidate.outcome?;
            let marked = joined.marks != [None; 2];
            for (table, slot, descriptor) in joined.marks.into_iter().flatten() {
                self.mark(table, slot, descriptor);
            }
            return Ok(Mapped {
                physical: joined.physical,
                memory: joined.memory,
                single: single && !marked,
            });
        }
    }

    /// Returns whether an access can see nothing but what is visible in memory. Saves the trouble of looking.
    fn has_no_choice(&self, request: &Request) -> bool {
        let state = &self.pes[request.pe];
        let (space, masked) = (&request.space, request.address & ADDRESS_BITS);
        let may_see = |stale: &Stale| stale.stage2 || stale.translates(masked, space);
        state.early.is_empty()
            && self.pes.iter().all(|pe| pe.pending.is_empty())
            && !state.stale[request.config.regime as usize].iter().any(may_see)
            && !self.has_other_tables(request)
    }

    /// Returns whether entries of other tables than those in use may be there under the same tags.
    fn has_other_tables(&self, request: &Request) -> bool {
        let (state, space) = (&self.pes[request.pe], &request.space);
        let may_hold = |(other, &used): (&Space, &u64)| {
            used > state.log_floor
                && other.regime == space.regime
                && other.vmid == space.vmid
                && other.roots[..2] != space.roots[..2]
                && other.roots[..2] != [None; 2]
        };
        !self.kind && !request.config.stage2 && self.spaces.iter().zip(&state.used).any(may_hold)
    }

    /// Translates by what is visible in memory.
    fn only(&mut self, request: &Request) -> Result<Joined, Fault> {
        let &Request {
            pe,
            address,
            config,
            space,
            ..
        } = request;
        let again = Err(Fault::new(FaultKind::Translation, 0));
        let leaf = if config.stage1 {
            let upper = address >> 55 & 1 != 0 && config.regime != Regime::El2;
            let Some(root) = space.roots[usize::from(upper)] else {
                return again;
            };
            let walk = self.walk(pe, root, None, address, None);
            if self.kind && walk.result.is_ok() {
                self.walked(pe, walk.steps(), root, walk.first_level, address);
            }
            walk.result?
        } else {
            flat(address)
        };
        let first = self.check_stage1(request, &leaf, true).unwrap_or(again)?;
        let Some(second) = space.roots[2].filter(|_| config.stage2) else {
            return Ok(first);
        };
        let ipa = first.physical;
        let walk = self.walk(pe, second, None, ipa, None);
        if self.kind && walk.result.is_ok() {
            self.walked(pe, walk.steps(), second, walk.first_level, ipa);
        }
        let leaf = walk.result?;
        match self.check_stage2(request, &leaf, ipa, true) {
            Some(Ok((physical, memory, mark))) => Ok(Joined {
                physical,
                memory: first.memory.with(memory),
                marks: [first.marks[0], mark],
            }),
            Some(Err(fault)) => Err(fault),
            None => again,
        }
    }

    /// Hardware updates the access flag or dirty state of a descriptor.
    fn mark(&mut self, table: usize, slot: usize, descriptor: u64) {
        let waits = (self.pes.iter()).any(|pe| pe.pending.iter().any(|p| (p.table, p.slot) == (table, slot)));
        if !waits && let Some(frame) = self.ram.frame(self.tables[table].address) {
            self.ram.write64(frame, slot, descriptor);
        }
        self.change(table, slot, descriptor, true);
    }

    /// Returns everything an access may see, the worst last.
    fn candidates(&mut self, request: &Request, arrivals: &mut Vec<(usize, usize, usize)>) -> Vec<Candidate> {
        let mut all = Vec::new();
        for stage1 in self.stage1(request, arrivals) {
            self.join(request, &stage1, arrivals, &mut all);
        }
        self.sort(all)
    }

    /// Leaves out what makes no difference, and puts what remains in order.
    fn sort(&self, all: Vec<Candidate>) -> Vec<Candidate> {
        let mut kept: Vec<Candidate> = Vec::with_capacity(all.len());
        for candidate in all {
            let same = |other: &Candidate| match (other.outcome, candidate.outcome) {
                (Ok(a), Ok(b)) => (a.physical, a.memory, a.marks) == (b.physical, b.memory, b.marks),
                (a, b) => a == b,
            };
            if !kept.iter().any(same) {
                kept.push(candidate);
            }
        }
        if kept.len() > 1 {
            if let Some(conflict) = self.conflict(&kept) {
                kept.push(conflict);
            }
            let works = kept.iter().any(|c| c.which == Which::Current && c.outcome.is_ok());
            // A fault where memory has one as well is no worse; a conflict is for those who draw lots.
            kept.sort_by_key(|candidate| match (candidate.which, candidate.outcome) {
                (Which::Conflict, _) => (0, 0),
                (Which::Current, _) => (2, 0),
                (_, Err(_)) if !works => (1, candidate.age),
                (_, Err(_)) => (3, candidate.age),
                (_, Ok(_)) => (4, candidate.age),
            });
        }
        kept
    }

    /// Rule 5: break-before-make was not followed, and two entries of different sizes are there.
    fn conflict(&self, kept: &[Candidate]) -> Option<Candidate> {
        if self.kind || self.features.bbm >= 2 {
            return None;
        }
        let sizes = |candidate: &&Candidate| candidate.outcome.is_ok() && candidate.size.is_some();
        let current = kept.iter().filter(sizes).find(|c| c.which == Which::Current)?;
        let other = kept.iter().filter(sizes).find(|c| c.size != current.size)?;
        matches!(other.which, Which::Held { .. }).then_some(Candidate {
            outcome: Err(Fault::new(FaultKind::Conflict, current.size?.0)),
            which: Which::Conflict,
            age: 0,
            size: None,
        })
    }

    /// Returns everything that stage 1 may give.
    fn stage1(&mut self, request: &Request, arrivals: &mut Vec<(usize, usize, usize)>) -> Vec<Stage1> {
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
    fn arrivals(&self, walk: &Walk, arrivals: &mut Vec<(usize, usize, usize)>) {
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
    fn early(&self, request: &Request, walk: &Walk, all: &mut Vec<Stage1>, ipa: Option<u64>) {
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
    fn held(&mut self, request: &Request, root: usize, all: &mut Vec<Stage1>) {
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
    fn other_tables(&mut self, request: &Request, root: usize, upper: bool, all: &mut Vec<Stage1>) {
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
    fn held_walks(&mut self, request: &Request, root: usize, current: &Walk, all: &mut Vec<Stage1>) {
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

    /// Adds stage 2 to what stage 1 gave, in every way that may be.
    fn join(
        &mut self,
        request: &Request,
        stage1: &Stage1,
        arrivals: &mut Vec<(usize, usize, usize)>,
        all: &mut Vec<Candidate>,
    ) {
        let current = stage1.which == Which::Current;
        let sized = stage1.result.ok().filter(|_| request.config.stage1);
        let size = sized.map(|leaf| (leaf.level, leaf.descriptor & CONTIGUOUS));
        let mut add = |outcome: Result<Joined, Fault>, which: Which, age: u64| {
            all.push(Candidate {
                outcome,
                which,
                age,
                size,
            });
        };
        let leaf = match stage1.result {
            Ok(leaf) => leaf,
            Err(fault) => return add(Err(fault), stage1.which, stage1.age),
        };
        let first = match self.check_stage1(request, &leaf, current) {
            Some(Ok(first)) => first,
            Some(Err(fault)) => return add(Err(fault), stage1.which, stage1.age),
            // Hardware would look at the descriptor in memory before it marks it.
            None => return,
        };
        let Some(second) = request.space.roots[2].filter(|_| request.config.stage2) else {
            return add(Ok(first), stage1.which, stage1.age);
        };
        let &Request {
            pe,
            address,
            r#use,
            space,
            ..
        } = request;
        let ipa = first.physical;
        let walk = self.walk(pe, second, None, ipa, None);
        if self.kind && walk.result.is_ok() {
            self.walked(pe, walk.steps(), second, walk.first_level, ipa);
        }
        self.arrivals(&walk, arrivals);
        let mut ways = vec![Stage1 {
            result: walk.result,
            since: walk.since,
            which: Which::Current,
            age: 0,
        }];
        self.early(request, &walk, &mut ways, Some(ipa));
        let joined_entry = |shift: u8, xs: bool| Entry {
            shift: shift.min(level_shift(leaf.granule, leaf.level)),
            ..leaf_entry(&space, &leaf, address & ADDRESS_BITS, xs)
        };
        for index in 0..self.pes[pe].stale[Regime::El10 as usize].len() {
            let stale = &self.pes[pe].stale[Regime::El10 as usize][index];
            if !stale.stage2 || !stale.translates(ipa, &space) {
                continue;
            }
            let upper = stale.has_upper(r#use);
            // An entry that joins both stages was made while stage 2 was as it was.
            let entry = if request.config.stage1 {
                joined_entry(stale.shift, stale.xs)
            } else {
                Entry {
                    regime: Regime::El10,
                    vmid: space.vmid,
                    asid: None,
                    base: address & ADDRESS_BITS & !(PAGE - 1),
                    shift: 12,
                    level: stale.level,
                    granule: stale.granule,
                    xs: stale.xs,
                }
            };
            let joined = stage1.since < stale.over && stale.has_last_level(Some(&entry), r#use);
            if !upper && !joined {
                continue;
            }
            let (which, over, level, granule) = (held(stale), stale.over, stale.level, stale.granule);
            let descriptor = stale.descriptor;
            if stale.leaf {
                let leaf = Leaf {
                    descriptor,
                    level,
                    granule,
                    output: output(descriptor, level, granule, ipa),
                    inherited: Inherited::default(),
                    place: None,
                };
                ways.push(Stage1 {
                    result: Ok(leaf),
                    since: 0,
                    which,
                    age: over,
                });
            } else if let Kind::Table(table) = kind(descriptor, level, granule) {
                let root = stale.root;
                let from = From {
                    table,
                    level: level + 1,
                    inherited: Inherited::default(),
                };
                let walk = self.walk(pe, root, Some(from), ipa, None);
                if upper || walk.result.is_ok() && walk.since < over {
                    ways.push(Stage1 {
                        result: walk.result,
                        since: walk.since,
                        which,
                        age: over,
                    });
                }
            }
        }
        for way in ways {
            let which = if way.which == Which::Current {
                stage1.which
            } else {
                way.which
            };
            let age = stage1.age.max(way.age);
            let outcome = match way.result {
                Ok(leaf) => match self.check_stage2(request, &leaf, ipa, way.which == Which::Current) {
                    Some(Ok((physical, memory, mark))) => Ok(Joined {
                        physical,
                        memory: first.memory.with(memory),
                        marks: [first.marks[0], mark],
                    }),
                    Some(Err(fault)) => Err(fault),
                    None => continue,
                },
                Err(fault) => Err(fault),
            };
            add(outcome, which, age);
        }
    }

    /// Checks access flag and permissions of stage 1. `None`: the entry is of no use for this access.
    fn check_stage1(&self, request: &Request, leaf: &Leaf, current: bool) -> Option<Result<Joined, Fault>> {
        let config = &request.config;
        if !config.stage1 {
            if leaf.output >> 48 != 0 {
                return Some(Err(Fault::new(FaultKind::AddressSize, 0)));
            }
            let memory = if config.default_cacheable || request.access == Access::Fetch {
                MemoryType::NORMAL
            } else {
                MemoryType::DEVICE
            };
            return Some(Ok(Joined {
                physical: leaf.output,
                memory,
                marks: [None; 2],
            }));
        }
        let [access_flag, dirty] = config.updates;
        let mut marked = leaf.descriptor;
        if marked & ACCESS_FLAG == 0 {
            if !access_flag {
                return Some(Err(Fault::new(FaultKind::AccessFlag, leaf.level)));
            }
            marked |= ACCESS_FLAG;
        }
        let by = Accessor {
            el0: request.el0,
            single: config.regime == Regime::El2,
            wxn: config.wxn,
        };
        if !stage1_permits(leaf.descriptor, leaf.inherited, request.access, by, dirty) {
            return Some(Err(Fault::new(FaultKind::Permission, leaf.level)));
        }
        if request.access == Access::Write && dirty && marked & DIRTY_BIT_MODIFIER != 0 {
            marked &= !READ_ONLY;
        }
        let mark = self.mark_of(leaf, marked, current)?;
        Some(Ok(Joined {
            physical: leaf.output,
            memory: Self::memory_type(config.mair, leaf.descriptor),
            marks: [mark, None],
        }))
    }

    /// Checks access flag and permissions of stage 2.
    #[expect(clippy::type_complexity, reason = "address, memory type, and what hardware marks")]
    fn check_stage2(
        &self,
        request: &Request,
        leaf: &Leaf,
        ipa: u64,
        current: bool,
    ) -> Option<Result<(u64, MemoryType, Option<(usize, usize, u64)>), Fault>> {
        let fault = |kind| {
            Some(Err(Fault {
                stage2: Some(ipa),
                ..Fault::new(kind, leaf.level)
            }))
        };
        let [access_flag, dirty] = request.config.stage2_updates;
        let mut marked = leaf.descriptor;
        if marked & ACCESS_FLAG == 0 {
            if !access_flag {
                return fault(FaultKind::AccessFlag);
            }
            marked |= ACCESS_FLAG;
        }
        if !stage2_permits(leaf.descriptor, request.access, dirty) {
            return fault(FaultKind::Permission);
        }
        if request.access == Access::Write && dirty && marked & DIRTY_BIT_MODIFIER != 0 {
            marked |= STAGE2_WRITE;
        }
        let mark = self.mark_of(leaf, marked, current)?;
        Some(Ok((leaf.output, MemoryType::of_stage2(leaf.descriptor), mark)))
    }

    /// Returns what hardware has to mark. `None`: a cached entry does not do for it, so that the tables are walked.
    #[expect(clippy::option_option, reason = "no use at all, or nothing to mark")]
    fn mark_of(&self, leaf: &Leaf, marked: u64, current: bool) -> Option<Option<(usize, usize, u64)>> {
        match leaf.place {
            _ if marked == leaf.descriptor => Some(None),
            Some((table, slot)) if current => Some(Some((table, slot, marked))),
            _ => None,
        }
    }

    fn leaf_xs(&self, request: &Request, leaf: &Leaf) -> bool {
        Self::memory_type(request.config.mair, leaf.descriptor).xs
    }
}

/// Returns the stage 1 that is not there: the address is an intermediate physical one already.
const fn flat(address: u64) -> Leaf {
    Leaf {
        descriptor: 0,
        level: 0,
        granule: 12,
        output: address,
        inherited: Inherited::EMPTY,
        place: None,
    }
}

fn held(stale: &Stale) -> Which {
    Which::Held {
        place: stale.place,
        descriptor: stale.descriptor,
        level: stale.level,
        stage2: stale.stage2,
    }
}

/// Returns the TLB entry of a leaf.
fn leaf_entry(space: &Space, leaf: &Leaf, address: u64, xs: bool) -> Entry {
    let shift = level_shift(leaf.granule, leaf.level);
    Entry {
        regime: space.regime,
        vmid: space.vmid,
        asid: (!is_global(leaf.descriptor)).then_some(space.asid),
        base: address >> shift << shift,
        shift,
        level: leaf.level,
        granule: leaf.granule,
        xs,
    }
}
