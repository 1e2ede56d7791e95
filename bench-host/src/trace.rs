// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces of real kernels: running them under QEMU with our plugin, and what is shown of the judgement.

pub mod html;
pub mod junit;
pub mod machine;
pub mod sarif;
pub mod shown;
pub mod suppress;
pub mod text;
pub mod view;
