// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine: an image, its PEs, and who runs when.

mod execute;
mod system;

use crate::a64::Registers;
use crate::choice::{Choice, Earliest, Latest, Random};
use crate::core::Core;
use crate::cpu::{Cpu, Power};
use crate::error::{End, Error};
use crate::image::{DEVICE_TREE, Header};
use crate::options::{Choices, MAX_PES, Options};
use crate::story::Story;
use crate::sysreg::INSTRUCTIONS_PER_TICK;
use crate::tree::device_tree;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Instructions executed, all PEs together.
    pub instructions: u64,
}

/// A machine with an image in its memory.
pub struct Machine {
    core: Core,
    cpus: Vec<Cpu>,
    registers: Vec<Registers>,
    options: Options,
    /// The PE whose turn it is.
    turn: usize,
    instructions: u64,
    /// Ticks of the timer during which every PE waited.
    skipped: u64,
    turns: u64,
}

/// Turns after which the reader is asked, even if nothing was printed.
const TURNS_WITHOUT_WORD: u64 = 4096;

impl Machine {
    /// Returns a machine about to execute an image by the arm64 boot protocol.
    pub fn new(image: &[u8], options: &Options) -> Result<Self, Error> {
        let choice: Box<dyn Choice + Send> = match options.choices {
            Choices::Latest => Box::new(Latest),
            Choices::Earliest => Box::new(Earliest),
            Choices::Random(seed) => Box::new(Random::new(seed)),
        };
        Self::with_choice(image, options, choice)
    }

    /// Returns a machine that somebody else chooses for.
    pub fn with_choice(image: &[u8], options: &Options, choice: Box<dyn Choice + Send>) -> Result<Self, Error> {
        if !(1..=MAX_PES).contains(&options.pes) {
            return Err(Error::Pes(options.pes));
        }
        let header = Header::read(image)?;
        let mut core = Core::new(options.pes, options.features, choice);
        core.ram.load(header.load, image);
        core.ram.load(DEVICE_TREE, &device_tree(options.pes));
        let mut machine = Self {
            core,
            cpus: (0..options.pes).map(|_| Cpu::new()).collect(),
            registers: (0..options.pes).map(|_| Registers::default()).collect(),
            options: *options,
            turn: 0,
            instructions: 0,
            skipped: 0,
            turns: 0,
        };
        machine.start(0, header.load, DEVICE_TREE);
        Ok(machine)
    }

    /// Returns a machine in the same state, that somebody else chooses for from here on.
    pub fn fork(&self, choice: Box<dyn Choice + Send>) -> Self {
        Self {
            core: self.core.fork(choice),
            cpus: self.cpus.clone(),
            registers: self.registers.clone(),
            ..*self
        }
    }

    /// Has a PE begin at EL2, with the MMU off.
    fn start(&mut self, pe: usize, entry: u64, x0: u64) {
        /// RES1 bits of `SCTLR_EL2` and `SCTLR_EL1`.
        const SCTLR: [u64; 2] = [0x30d0_0800, 0x30c5_0830];
        let (instructions, pmu) = (self.cpus[pe].instructions, self.cpus[pe].pmu.clone());
        self.cpus[pe] = Cpu {
            instructions,
            pmu,
            power: Power::On,
            ..Cpu::new()
        };
        self.registers[pe] = Registers::default();
        self.registers[pe].pc = entry;
        self.registers[pe].x[0] = x0;
        let state = &mut self.core.pes[pe];
        state.written = crate::sysreg::Translation {
            sctlr: SCTLR,
            hcr: 1 << 31,
            ..Default::default()
        };
        self.core.synchronize(pe, 2);
    }

    /// Has the machine remember what happens in the memory system.
    pub fn keep_story(&mut self) {
        self.core.story = Some(Story::default());
    }

    /// Returns what has happened, if [`Self::keep_story`] was called.
    pub const fn story(&self) -> Option<&Story> {
        self.core.story.as_ref()
    }

    /// Returns what the run has done so far.
    pub const fn counters(&self) -> Counters {
        Counters {
            instructions: self.instructions,
        }
    }

    /// Returns the tick of the timer.
    const fn ticks(&self) -> u64 {
        self.instructions / INSTRUCTIONS_PER_TICK + self.skipped
    }

    /// Runs until the guest ends, its budget is spent, or the reader of the console wants no more.
    ///
    /// The reader gets what is printed, in pieces, and now and then nothing; it returns whether to go on.
    pub fn run(&mut self, reader: &mut dyn FnMut(&[u8]) -> bool) -> End {
        loop {
            let end = self.next().map(|pe| self.take_turn(pe)).unwrap_or_else(Some);
            self.turns += 1;
            if !self.core.uart.output.is_empty() || self.turns.is_multiple_of(TURNS_WITHOUT_WORD) {
                let go_on = reader(&self.core.uart.output);
                self.core.uart.output.clear();
                if !go_on {
                    return End::Stopped;
                }
            }
            if let Some(end) = end {
                return end;
            }
            if self.instructions >= self.options.budget {
                return End::Budget {
                    instructions: self.instructions,
                    pe: self.turn,
                    pc: self.registers[self.turn].pc,
                };
            }
        }
    }

    /// Returns the PE whose turn it is next. While all wait, time passes.
    fn next(&mut self) -> Result<usize, End> {
        loop {
            let now = self.ticks();
            let pes = self.cpus.len();
            for step in 1..=pes {
                let pe = (self.turn + step) % pes;
                let cpu = &mut self.cpus[pe];
                if let Power::Waiting(until) = cpu.power
                    && (cpu.event || until.is_some_and(|until| until <= now))
                {
                    cpu.event = false;
                    cpu.power = Power::On;
                }
                if cpu.power == Power::On {
                    return Ok(pe);
                }
            }
            let wakes = self.cpus.iter().filter_map(|cpu| match cpu.power {
                Power::Waiting(until) => until,
                _ => None,
            });
            match wakes.min() {
                Some(wake) => self.skipped += wake - now,
                None => return Err(End::Deadlock),
            }
        }
    }

    /// Lets a PE execute for a while.
    fn take_turn(&mut self, pe: usize) -> Option<End> {
        if self.turn != pe {
            // Another PE may have stored to what a monitor watches: it is cleared, which is an event.
            let before = &mut self.cpus[self.turn];
            before.event |= before.monitor.take().is_some();
            self.turn = pe;
        }
        let turn = self.core.choice.turn();
        let result = self.execute(pe, turn);
        self.core.pes[pe].instructions = self.cpus[pe].instructions;
        self.core.relent(pe);
        result.err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an image of these words, behind its header.
    fn image(words: &[u32]) -> Vec<u8> {
        let mut image = vec![0; 0x40];
        image[..4].copy_from_slice(&0x1400_0010_u32.to_le_bytes());
        image[0x38..0x3c].copy_from_slice(b"ARM\x64");
        image.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        image
    }

    fn run(words: &[u32], budget: u64) -> (End, Vec<u8>) {
        let options = Options {
            budget,
            ..Options::default()
        };
        let mut printed = Vec::new();
        let mut machine = Machine::new(&image(words), &options).unwrap();
        let end = machine.run(&mut |bytes| {
            printed.extend_from_slice(bytes);
            true
        });
        (end, printed)
    }

    #[test]
    fn a_guest_prints_and_turns_the_machine_off() {
        // mov x1, #0x9000000; mov w2, #65; str w2, [x1]; mov w0, #0x84000000; movk w0, #8; smc #0
        let words = [
            0xd2a1_2001,
            0x5280_0822,
            0xb900_0022,
            0x52b0_8000,
            0x7280_0100,
            0xd400_0003,
        ];
        assert_eq!(run(&words, 1000), (End::Off, b"A".to_vec()));
    }

    #[test]
    fn a_guest_that_loops_spends_its_budget() {
        let (end, _) = run(&[0x1400_0000], 10_000);
        assert!(
            matches!(
                end,
                End::Budget {
                    pe: 0,
                    pc: 0x4020_0040,
                    ..
                }
            ),
            "{end}"
        );
    }

    #[test]
    fn waiting_for_what_cannot_come_is_told() {
        // wfe; b .-4
        assert_eq!(run(&[0xd503_205f, 0x17ff_ffff], 10_000).0, End::Deadlock);
    }

    #[test]
    fn what_is_not_implemented_ends_the_run_with_its_word() {
        // mrs x0, s3_0_c15_c0_0
        let (end, _) = run(&[0xd538_f000], 1000);
        let End::Unimplemented(what) = end else { panic!("{end}") };
        assert_eq!((what.address, what.word), (0x4020_0040, 0xd538_f000));
    }
}
