// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exploring a test.

use super::error::{LitmusError, LitmusErrorKind};
use super::report::{Finals, Report};
use super::test::{Options, Test};
use crate::machine::Explorer;

impl Test {
    /// Explores the test.
    ///
    /// # Errors
    ///
    /// [`LitmusErrorKind::Machine`] where the test leaves what the machine models or exceeds a bound.
    pub fn run(&self, options: &Options) -> Result<Report, LitmusError> {
        let mut program = self.program.clone();
        program.rules.ets2 |= options.ets2;
        program.rules.ets3 |= options.ets3;
        program.rules.dsb_domain = options.dsb_domain;
        let mut finals = Finals::new(self);
        let exploration = Explorer::new(&program, options.limits)
            .for_each_final(|state| finals.add(&program, state))
            .map_err(|error| LitmusErrorKind::Machine(error).at(0))?;
        Ok(finals.report(&exploration))
    }
}
