// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine that runs the kernel image, unmodified, on a memory system as nasty as the architecture permits.
//!
//! It needs no emulator, is deterministic, and shows mistakes in TLB maintenance that neither an emulator nor most
//! processors show: a TLBI acts as late as it may, stores reach walkers as late as they may, and a TLB forgets nothing.
