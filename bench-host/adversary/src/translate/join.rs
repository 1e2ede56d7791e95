// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stage 2 behind stage 1, in every way that may be.

use super::{Candidate, Joined, Request, Stage1, held, leaf_entry};
use crate::config::Regime;
use crate::core::Core;
use crate::descriptor::{CONTIGUOUS, Inherited, Kind, kind, level_shift, output};
use crate::invalidate::{ADDRESS_BITS, Entry};
use crate::ram::PAGE;
use crate::story::Which;
use crate::walk::{Fault, From, Leaf};

impl Core {
    /// Adds stage 2 to what stage 1 gave, in every way that may be.
    pub(super) fn join(
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
}
