// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pages of instructions, decoded.

use crate::a64::{Instruction, System, decode, extension};
use crate::core::Core;
use crate::options::Features;
use crate::ram::{Frame, PAGE};

const WORDS: usize = PAGE as usize / 4;

/// The instructions of a page. `None`: a word that is none that the machine implements.
#[derive(Debug, Clone)]
pub struct CodePage {
    /// The page.
    pub frame: Frame,
    instructions: Box<[Option<Instruction>]>,
}

impl CodePage {
    /// Returns the instruction at an address.
    #[inline(always)]
    pub fn at(&self, address: u64) -> Option<Instruction> {
        self.instructions[(address / 4) as usize % WORDS]
    }
}

/// Returns what a word is on a machine with these features: one of an extension that is not announced is UNDEFINED.
fn instruction(word: u32, features: &Features) -> Option<Instruction> {
    if extension(word).is_some_and(|extension| !features.executes(extension)) {
        return Some(Instruction::System(System::Udf(0)));
    }
    decode(word)
}

impl Core {
    /// Returns the number of the code page at a page of memory, decoding it if it is new.
    pub fn code_page(&mut self, frame: Frame) -> usize {
        if let Some(code) = self.ram.code(frame) {
            return code;
        }
        let (words, _) = self.ram.page(frame).as_chunks::<4>();
        let features = self.features;
        let instructions = words
            .iter()
            .map(|word| instruction(u32::from_le_bytes(*word), &features))
            .collect();
        self.code.push(CodePage { frame, instructions });
        let code = self.code.len() - 1;
        self.ram.set_code(frame, code);
        // From here on stores to it have to be noticed.
        self.forget_frame(frame);
        code
    }

    /// Decodes what has been written to a code page.
    pub fn decode_again(&mut self, code: usize, offset: usize, bytes: usize) {
        let page = &mut self.code[code];
        for word in offset / 4..(offset + bytes).div_ceil(4) {
            let bytes = self.ram.page(page.frame)[4 * word..4 * word + 4].first_chunk();
            page.instructions[word] = bytes.and_then(|bytes| instruction(u32::from_le_bytes(*bytes), &self.features));
        }
    }
}
