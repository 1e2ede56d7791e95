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
//! | `judge`, `machine` | is a sequence enough, by which rule, and what would turn the answer over: explored, not looked up | `alloc` |
//! | [`errata`] | what CPUs ask for beyond the architecture | `core` |
//! | `mutants`, `litmus` | every single edit of a sequence; tests in herd's format, both ways | `alloc` |
//!
//! # Example
//!
//! A reviewer's question, asked of the crate: the domain of the DSB behind a broadcast invalidation.
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use sequences::judge::{After, Budget, Change, Observers, Question, Regime, Rule, Verdict, flips, judge};
//! use sequences::{Instruction, Sequence};
//!
//! let text = "dsb ishst; tlbi vae2is, {va}; dsb nsh; isb";
//! let sequence: Sequence = text.parse()?;
//! let instructions: Vec<Instruction> = sequence.instructions().collect();
//!
//! // An entry of EL2 was made invalid; other PEs may hold it, and this one goes on to load through it.
//! let question = Question::new(Change::Invalidate, Regime::El2, Observers::Inner, After::DataHere);
//! let judgement = judge(&question, &instructions);
//! assert_eq!(judgement.verdict, Verdict::Insufficient);
//! assert_eq!(judgement.reasons[0].rule, Rule::CompletionDomain);
//! assert!(judgement.reasons[0].citation().contains("R_PSMWS"));
//!
//! // What would do, and in which neighbouring context this would have been enough.
//! let weakest: Sequence = judgement.weakest.into_iter().flatten().collect();
//! assert_eq!(weakest.to_string(), "dsb ishst; tlbi vae2is, {va}; dsb ish; isb");
//! let all = flips(&question, &instructions, &Budget::default()).found;
//! assert!(all.iter().any(|flip| flip.to_string().ends_with("(--observers this-pe)")));
//! # Ok::<(), sequences::ParseError>(())
//! ```
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
