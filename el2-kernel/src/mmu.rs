// SPDX-License-Identifier: MIT OR Apache-2.0
//! Translation tables: how they are laid out, the 1:1 map in them, and the registers that put them into use.

pub mod identity_slot;
pub mod large_granule;
pub mod layout;
pub mod tables;
pub mod test_values;

#[cfg(target_os = "none")]
pub mod control;
#[cfg(target_os = "none")]
pub mod fixmap;
#[cfg(target_os = "none")]
pub mod identity;
#[cfg(target_os = "none")]
pub mod kernel_tables;
#[cfg(target_os = "none")]
pub mod known_good;
#[cfg(target_os = "none")]
pub mod test_pages;
