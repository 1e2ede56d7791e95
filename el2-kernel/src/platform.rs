// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine around the processor: console, firmware, memory; and how a run ends, well or not.

pub mod acpi;
pub mod blob;
pub mod board;
pub mod device_tree;
pub mod gic;
#[cfg(target_os = "none")]
pub mod lost;
pub mod memory;
pub mod message;
pub mod smbios;
pub mod uart;

#[cfg(target_os = "none")]
pub mod console;
#[cfg(target_os = "none")]
pub mod end;
#[cfg(target_os = "none")]
pub mod exception;
#[cfg(target_os = "none")]
pub mod firmware;
#[cfg(target_os = "none")]
pub mod id_registers;
#[cfg(target_os = "none")]
pub mod nonce;
#[cfg(target_os = "none")]
pub mod panic;
#[cfg(target_os = "none")]
pub mod phase;
#[cfg(target_os = "none")]
pub mod rescue;
#[cfg(target_os = "none")]
pub mod suspect;
#[cfg(target_os = "none")]
pub mod uefi;
#[cfg(target_os = "none")]
pub mod watchdog;
