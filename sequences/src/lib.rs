// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLB maintenance sequences as data: instructions, text, instruction words.
//!
//! Everything that knows what a `dsb nshst; tlbi alle2; dsb nsh; isb` *is* lives here, and nothing that knows a
//! device, a file or a command line. The kernel uses the `core`-only half to check the words it is about to run;
//! hosts enable `alloc` for text, catalogue and judge.
//!
//! | module | holds | needs |
//! | --- | --- | --- |
//! | [`instruction`], [`tlbi`], [`operand`] | the instructions, every TLB invalidation of the architecture, and what it is applied to | `core` |
//! | [`register`] | the translation registers a sequence may write | `core` |
//! | [`encode`], [`mod@decode`] | instruction words, both ways | `core` |
//! | [`validate`], [`feature`] | what a kernel checks before it runs words | `core` |
//! | `parse` | text to sequences: the grammar, and errors that teach | `alloc` |
//! | `sequence` | sequences, and sequences to canonical text | `alloc` |
//! | `lower` | sequences to words and the operands they need: the register convention | `alloc` |
//! | `explain` | what each instruction does, orders, and prevents | `alloc` |
//! | `catalogue` | the sequences of real projects, current and historical | `alloc` |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
pub mod catalogue;
pub mod decode;
pub mod encode;
pub mod errata;
#[cfg(feature = "alloc")]
pub mod explain;
pub mod feature;
pub mod instruction;
#[cfg(feature = "alloc")]
pub mod judge;
#[cfg(feature = "alloc")]
pub mod litmus;
#[cfg(feature = "alloc")]
pub mod lower;
#[cfg(feature = "alloc")]
pub mod machine;
#[cfg(feature = "alloc")]
pub mod mutants;
pub mod operand;
#[cfg(feature = "alloc")]
pub mod parse;
pub mod register;
#[cfg(feature = "alloc")]
pub mod sequence;
pub mod tlbi;
pub mod validate;

#[cfg(feature = "alloc")]
pub use catalogue::{Entry, Era, catalogue};
pub use decode::{Decoded, decode};
#[cfg(feature = "alloc")]
pub use explain::{Explanation, explain};
pub use feature::{Feature, Features};
pub use instruction::{Access, Barrier, Domain, Instruction};
#[cfg(feature = "alloc")]
pub use lower::{LowerError, Lowered, OperandSlot, lower};
pub use operand::{Operand, Ttl};
#[cfg(feature = "alloc")]
pub use parse::{ParseError, ParseErrorKind, Position, parse};
pub use register::{ContextRegister, ContextValue};
#[cfg(feature = "alloc")]
pub use sequence::{Item, Sequence};
pub use tlbi::{ExceptionLevel, OperandFormat, Scope, SysEncoding, Target, Tlbi, TlbiOp};
pub use validate::{Refused, lowest_level, required_features, validate_words};
