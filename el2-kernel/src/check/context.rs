// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all trials of a check share.

use crate::check::regime::Setup;
use crate::handover::Handover;
use crate::mmu::identity::Identity;
use crate::mmu::test_pages::Pages;

/// What a trial needs in addition to its check.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The state of the boot.
    pub boot: &'static Handover,
    /// The regime's setup.
    pub setup: &'static Setup,
    /// The pages under test.
    pub pages: Pages,
    /// The 1:1 map, if there was one.
    pub identity: Option<&'static Identity>,
}
