// SPDX-License-Identifier: MIT OR Apache-2.0
//! Evidence for a review, gathered from stored runs and from checks on this machine.
//!
//! [`review::evidence`] takes counts and classes and knows neither runs nor machines; here they become such.

pub mod timing;
pub mod trials;
