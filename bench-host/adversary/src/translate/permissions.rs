// SPDX-License-Identifier: MIT OR Apache-2.0
//! Access flag and permissions of both stages, and what hardware marks.

use super::{Joined, Request};
use crate::config::Regime;
use crate::core::Core;
use crate::descriptor::{
    ACCESS_FLAG, Access, Accessor, DIRTY_BIT_MODIFIER, MemoryType, READ_ONLY, STAGE2_WRITE, stage1_permits,
    stage2_permits,
};
use crate::walk::{Fault, FaultKind, Leaf};

impl Core {
    /// Checks access flag and permissions of stage 1. `None`: the entry is of no use for this access.
    pub(super) fn check_stage1(&self, request: &Request, leaf: &Leaf, current: bool) -> Option<Result<Joined, Fault>> {
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
    pub(super) fn check_stage2(
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
    pub(super) fn mark_of(&self, leaf: &Leaf, marked: u64, current: bool) -> Option<Option<(usize, usize, u64)>> {
        match leaf.place {
            _ if marked == leaf.descriptor => Some(None),
            Some((table, slot)) if current => Some(Some((table, slot, marked))),
            _ => None,
        }
    }

    pub(super) fn leaf_xs(&self, request: &Request, leaf: &Leaf) -> bool {
        Self::memory_type(request.config.mair, leaf.descriptor).xs
    }
}
