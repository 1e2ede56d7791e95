// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every form of instruction on random operands, beside `qemu-aarch64`.
//!
//! Words are drawn at random within the groups of the A64 encoding; those that [`decode`] knows are executed here and, in one
//! static program of many cases, by QEMU's user-mode emulator: registers, flags, vectors and memory must be the same
//! afterwards. A word that is decoded here and undefined there is a failure as well: nothing may be guessed.
//!
//! Needs `qemu-aarch64` (Debian: `qemu-user`); without it the test is skipped, and counts as skipped.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::{fs, io};

use adversary::a64::{Flow, Instruction, Memory, Order, Registers, decode, execute};
use libtest_mimic::{Arguments, Failed, Trial};

/// Where the program is loaded, and where its first case stands.
const BASE: u64 = 0x40_0000;
const FIRST: u64 = BASE + 0x1000;
/// Bytes of a case: code, then state before, state after, and memory.
const CODE: usize = 768;
const STATE: usize = 28 * 8 + 3 * 8 + 32 * 16;
const MEMORY: usize = 1024;
const CASE: usize = CODE + 2 * STATE + MEMORY;
/// The word under test, counted in words from the start of the code.
const UNDER_TEST: usize = 60;
/// Cases of one program.
const CASES: usize = 2000;

fn main() {
    let arguments = Arguments::from_args();
    let found = Command::new("qemu-aarch64")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let missing = found.is_err();
    if missing {
        eprintln!("skipped: qemu-aarch64 is not installed (Debian: apt-get install qemu-user)");
    }
    let trial = |name: &str, run: fn() -> Result<(), Failed>| Trial::test(name, run).with_ignored_flag(missing);
    let tests = vec![
        trial("integer_instructions", || {
            group(&[immediates, registers, sources], 1, 12, 24)
        }),
        trial("loads_and_stores", || group(&[memory], 2, 12, 4)),
        trial("ordered_accesses", || group(&[ordered], 6, 2, 200)),
        trial("flags_and_checksums", || group(&[flags, checksums], 7, 2, 200)),
        trial("vectors", || group(&[vectors], 3, 16, 3)),
        trial("moves_between_files", || group(&[moves], 5, 1, 8)),
        trial("branches", branches),
    ];
    libtest_mimic::run(&arguments, tests).exit();
}

/// A small random number generator (xorshift64*), so that a seed gives the same cases everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Values that arithmetic is likely to get wrong, and any others.
    fn value(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            3 => (1 << self.below(64)) - 1,
            4 => self.below(64),
            5 => u64::from(self.next() as u32) << (32 * self.below(2)),
            _ => self.next(),
        }
    }

    /// A register that is no pointer of the frame: 0 to 27, or 31.
    fn register(&mut self) -> u32 {
        match self.below(29) as u32 {
            28 => 31,
            register => register,
        }
    }
}

/// The state of a PE that cases begin and end with: X0 to X27, SP, flags, whether a branch was not taken, V0 to V31.
#[derive(Clone, PartialEq, Eq)]
struct State {
    x: [u64; 28],
    sp: u64,
    nzcv: u64,
    fell_through: u64,
    v: [u128; 32],
}

impl State {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(STATE);
        for value in self.x.iter().chain([&self.sp, &self.nzcv, &self.fell_through]) {
            out.extend(value.to_le_bytes());
        }
        for value in &self.v {
            out.extend(value.to_le_bytes());
        }
        out
    }

    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u64::from_le_bytes(bytes[at * 8..at * 8 + 8].try_into().unwrap());
        let vector = |at: usize| {
            let start = 31 * 8 + at * 16;
            u128::from_le_bytes(bytes[start..start + 16].try_into().unwrap())
        };
        Self {
            x: std::array::from_fn(word),
            sp: word(28),
            nzcv: word(29),
            fell_through: word(30),
            v: std::array::from_fn(vector),
        }
    }

    fn difference(&self, other: &Self) -> String {
        let mut out = String::new();
        for (index, (a, b)) in self.x.iter().zip(&other.x).enumerate().filter(|(_, (a, b))| a != b) {
            out.push_str(&format!(" x{index}: {a:#x}, QEMU {b:#x};"));
        }
        for (index, (a, b)) in self.v.iter().zip(&other.v).enumerate().filter(|(_, (a, b))| a != b) {
            out.push_str(&format!(" v{index}: {a:#x}, QEMU {b:#x};"));
        }
        for (name, a, b) in [
            ("sp", self.sp, other.sp),
            ("nzcv", self.nzcv, other.nzcv),
            ("fell through", self.fell_through, other.fell_through),
        ] {
            if a != b {
                out.push_str(&format!(" {name}: {a:#x}, QEMU {b:#x};"));
            }
        }
        out
    }
}

/// A case: a word, the state and memory before, and what this crate makes of them.
struct Case {
    word: u32,
    name: String,
    before: State,
    memory: Vec<u8>,
    after: State,
    memory_after: Vec<u8>,
}

/// The memory of a case, at the address where QEMU has it; an access outside is no case.
struct Flat {
    base: u64,
    bytes: Vec<u8>,
}

impl Flat {
    fn range(&self, address: u64, bytes: u32) -> Result<std::ops::Range<usize>, ()> {
        let at = address.checked_sub(self.base).ok_or(())? as usize;
        let end = at.checked_add(bytes as usize).ok_or(())?;
        if end > self.bytes.len() { Err(()) } else { Ok(at..end) }
    }
}

/// Refuses what the emulator refuses: an ordered access that is not aligned.
fn aligned(address: u64, bytes: u32, order: Order) -> Result<(), ()> {
    if order == Order::Plain || address.is_multiple_of(u64::from(bytes)) {
        Ok(())
    } else {
        Err(())
    }
}

impl Memory for Flat {
    type Fault = ();

    fn load(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, ()> {
        aligned(address, bytes, order)?;
        let mut value = [0; 16];
        value[..bytes as usize].copy_from_slice(&self.bytes[self.range(address, bytes)?]);
        Ok(u128::from_le_bytes(value))
    }

    fn store(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), ()> {
        aligned(address, bytes, order)?;
        let range = self.range(address, bytes)?;
        self.bytes[range].copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
        Ok(())
    }

    fn store_exclusive(&mut self, address: u64, bytes: u32, _: u128, _: Order) -> Result<bool, ()> {
        // No load-exclusive came before.
        self.range(address, bytes).map(|_| true)
    }

    fn atomic(
        &mut self,
        address: u64,
        bytes: u32,
        _: bool,
        operation: &mut dyn FnMut(u128) -> Option<u128>,
    ) -> Result<u128, ()> {
        let old = self.load(address, bytes, Order::Plain)?;
        if let Some(new) = operation(old) {
            self.store(address, bytes, new, Order::Plain)?;
        }
        Ok(old)
    }

    fn dc_zva(&mut self, address: u64) -> Result<(), ()> {
        // The size of a line is the machine's business.
        let _ = address;
        Err(())
    }
}

/// Data processing with an immediate: the words of op0 = 100x.
fn immediates(random: &mut Random) -> u32 {
    let mut word = random.next() as u32 & !(0b111 << 26) | 0b100 << 26;
    if word >> 23 & 0x3f == 0b10_0111 {
        // `extr` has a third register.
        word = word & !(0x1f << 16) | random.register() << 16;
    }
    word & !0x3ff | random.register() << 5 | random.register()
}

/// Data processing of registers: op0 = x101.
fn registers(random: &mut Random) -> u32 {
    let word = random.next() as u32 & !(0b111 << 25) | 0b101 << 25;
    fields(random, word)
}

/// Forms of a register or two, whose fixed bits a random word rarely has.
fn sources(random: &mut Random) -> u32 {
    let (wide, flags) = ((random.below(2) as u32) << 31, (random.below(2) as u32) << 29);
    let word = match random.below(4) {
        0 => 0x1a00_0000 | flags | (random.below(2) as u32) << 30,
        1 => 0x5ac0_0000 | (random.below(8) as u32) << 10,
        2 => 0x1ac0_0000 | (random.below(32) as u32) << 10,
        _ => 0x9b40_0000 | (random.below(2) as u32) << 23 | (random.register()) << 10,
    };
    let (rd, rn, rm) = (random.register(), random.register(), random.register());
    let third = if word & 0x7fff_0000 == 0x5ac0_0000 { 0 } else { rm << 16 };
    word | wide | third | rn << 5 | rd
}

/// Loads and stores: op0 = x1x0.
fn memory(random: &mut Random) -> u32 {
    let word = random.next() as u32 & !(1 << 27 | 1 << 25) | 1 << 27;
    // The registers of one instruction differ: most forms leave it open what happens where they do not.
    let mut taken: Vec<u32> = Vec::new();
    let mut fresh = || loop {
        let register = random.register();
        if !taken.contains(&register) {
            taken.push(register);
            return register;
        }
    };
    let (rt, rn, rt2, rs) = (fresh(), fresh(), fresh(), fresh());
    word & !(0x1f << 16 | 0x7fff) | rs << 16 | rt2 << 10 | rn << 5 | rt
}

/// Exclusives, ordered accesses and comparisons, whose fixed bits a random word rarely has.
fn ordered(random: &mut Random) -> u32 {
    let mut below = |bound: u32| random.below(bound.into()) as u32;
    // Registers that differ, and even ones where pairs begin.
    let (rt, rt2, rs, rn) = (2 * below(6), 13 + below(3), 16 + 2 * below(5), 27);
    let (size, load, order) = (below(4) << 30, below(2) << 22, below(2) << 15);
    let (no_rs, no_rt2, registers) = (31 << 16, 31 << 10, rn << 5 | rt);
    let status = if load == 0 { rs << 16 } else { no_rs };
    registers
        | match below(7) {
            0 => 0x0820_0000 | size & 1 << 30 | load | order | rs << 16 | no_rt2,
            1 => 0x08a0_0000 | size | load | order | rs << 16 | no_rt2,
            2 => 0x0800_0000 | size | load | order | status | no_rt2,
            3 => 0x8820_0000 | size & 1 << 30 | load | order | status | rt2 << 10,
            4 => 0x0880_0000 | size | load | order | no_rs | no_rt2,
            5 => 0x38bf_c000 | size,
            _ => 0x1900_0000 | size | below(4) << 22 | below(512) << 12,
        }
}

/// Changes of flags alone.
fn flags(random: &mut Random) -> u32 {
    let rn = random.register() << 5;
    match random.below(3) {
        0 => 0xba00_0400 | (random.below(64) as u32) << 15 | rn | random.below(16) as u32,
        1 => 0x3a00_080d | (random.below(2) as u32) << 14 | rn,
        _ => 0xd500_401f | (random.below(3) as u32) << 5,
    }
}

/// `crc32`, `crc32c`.
fn checksums(random: &mut Random) -> u32 {
    let size = random.below(4) as u32;
    let wide = if size == 3 { 1 << 31 } else { 0 };
    let word = 0x1ac0_4000 | wide | (random.below(2) as u32) << 12 | size << 10;
    word | random.register() << 16 | random.register() << 5 | random.register()
}

/// SIMD: op0 = x111.
fn vectors(random: &mut Random) -> u32 {
    let word = random.next() as u32 & !(0b111 << 25) | 0b111 << 25;
    // General registers are among the operands of some.
    word & !0x3ff | random.register() << 5 | random.register()
}

/// `fmov`, between general and vector registers and between scalars.
fn moves(random: &mut Random) -> u32 {
    let word = match random.below(4) {
        0 => 0x1e26_0000 | (random.below(2) as u32) << 16,
        1 => 0x9e66_0000 | (random.below(2) as u32) << 16,
        2 => 0x9eae_0000 | (random.below(2) as u32) << 16,
        _ => 0x1e20_4000 | (random.below(2) as u32) << 22,
    };
    word | random.register() << 5 | random.register()
}

fn fields(random: &mut Random, word: u32) -> u32 {
    word & !(0x1f << 16 | 0x7fff)
        | random.register() << 16
        | random.register() << 10
        | random.register() << 5
        | random.register()
}

/// Returns the name of an instruction's form, for counting.
fn form(instruction: Instruction) -> String {
    let text = format!("{instruction:?}");
    let end = text.find([' ', '{']).unwrap_or(text.len());
    let head = text[..end].trim_end_matches('(').to_owned();
    let inner = text.strip_prefix("Vector(").map(|rest| {
        let end = rest.find([' ', '{', '(', ')']).unwrap_or(rest.len());
        format!("Vector::{}", &rest[..end])
    });
    inner.unwrap_or(head)
}

fn address_of_case(index: usize) -> u64 {
    FIRST + (index * CASE) as u64
}

/// Makes a case of a word, if it is one: known here, no system instruction, and within its memory.
fn case(word: u32, index: usize, random: &mut Random) -> Option<Case> {
    let instruction = decode(word)?;
    let at = address_of_case(index);
    let base = at + (CODE + 2 * STATE) as u64;
    let middle = base + MEMORY as u64 / 2;
    let is_memory = word >> 27 & 1 == 1 && word >> 25 & 1 == 0;
    let mut before = State {
        x: std::array::from_fn(|_| random.value()),
        sp: middle,
        nzcv: random.below(16) << 28,
        fell_through: 0,
        v: std::array::from_fn(|_| u128::from(random.value()) << 64 | u128::from(random.value())),
    };
    if is_memory {
        if let Some(x) = before.x.get_mut((word >> 5 & 0x1f) as usize) {
            *x = middle;
        }
        // An index, where it is one.
        if let Some(x) = before.x.get_mut((word >> 16 & 0x1f) as usize)
            && word >> 21 & 1 == 1
        {
            *x = random.below(16) << (32 * random.below(2));
        }
    }
    let mut bytes: Vec<u8> = (0..MEMORY).map(|_| random.next() as u8).collect();
    let compared = match instruction {
        Instruction::Atomic { rs, bytes, .. } => Some((rs, bytes)),
        Instruction::ComparePair { rs, bytes, .. } => Some((rs, bytes)),
        _ => None,
    };
    if let Some((rs, width)) = compared
        && random.below(2) == 0
    {
        // A comparison finds what it looks for.
        let width = usize::from(width);
        for (register, place) in [(rs, MEMORY / 2), (rs + 1, MEMORY / 2 + width)] {
            let value = before.x.get(usize::from(register)).copied().unwrap_or(0);
            bytes[place..place + width].copy_from_slice(&value.to_le_bytes()[..width]);
        }
    }
    let mut flat = Flat {
        base,
        bytes: bytes.clone(),
    };
    let mut registers = Registers {
        sp: before.sp,
        pc: at + UNDER_TEST as u64 * 4,
        nzcv: before.nzcv as u32,
        v: before.v,
        ..Registers::default()
    };
    registers.x[..28].copy_from_slice(&before.x);
    let flow = execute(&mut registers, &mut flat, instruction).ok()?;
    let fell_through = match flow {
        Flow::Next => 1,
        Flow::Branch(to) if to == registers.pc + 8 => 0,
        Flow::Branch(_) | Flow::System(_) => return None,
    };
    let after = State {
        x: registers.x[..28].try_into().unwrap(),
        sp: registers.sp,
        nzcv: u64::from(registers.nzcv),
        fell_through,
        v: registers.v,
    };
    Some(Case {
        word,
        name: form(instruction),
        before,
        memory: bytes,
        after,
        memory_after: flat.bytes,
    })
}

/// Returns the code of a case: X28 points at its state, X29 and X30 are the frame's.
fn code(case: &Case) -> Vec<u32> {
    let mut out = Vec::new();
    // adr x28, state before; it stands at the end of the code.
    out.push(adr(28, CODE as i32));
    for pair in 0..14_u32 {
        // ldp x(2n), x(2n+1), [x28, #16n]
        out.push(0xa940_0000 | (pair * 2) << 15 | (pair * 2 + 1) << 10 | 28 << 5 | (pair * 2));
    }
    out.push(ldr(29, 28 * 8));
    out.push(0x9100_03bf); // mov sp, x29
    out.push(ldr(29, 29 * 8));
    out.push(0xd51b_421d); // msr nzcv, x29
    // V registers do not begin at a multiple of 16: add x29, x28, #248, then ldp of pairs.
    out.push(0x9100_0000 | (31 * 8) << 10 | 28 << 5 | 29);
    for pair in 0..16_u32 {
        // ldp q(2n), q(2n+1), [x29], #32
        out.push(0xacc1_0000 | (pair * 2 + 1) << 10 | 29 << 5 | (pair * 2));
    }
    out.push(0xaa1f_03fe); // mov x30, xzr
    while out.len() < UNDER_TEST {
        out.push(0xd503_201f);
    }
    out.push(case.word);
    out.push(0x9100_07de); // add x30, x30, #1: skipped by a branch that is taken
    out.push(adr(28, (CODE + STATE) as i32 - out.len() as i32 * 4));
    for pair in 0..14_u32 {
        out.push(0xa900_0000 | (pair * 2) << 15 | (pair * 2 + 1) << 10 | 28 << 5 | (pair * 2));
    }
    out.push(0x9100_03fd); // mov x29, sp
    out.push(str(29, 28 * 8));
    out.push(0xd53b_421d); // mrs x29, nzcv
    out.push(str(29, 29 * 8));
    out.push(str(30, 30 * 8));
    out.push(0x9100_0000 | (31 * 8) << 10 | 28 << 5 | 29);
    for pair in 0..16_u32 {
        // stp q(2n), q(2n+1), [x29], #32
        out.push(0xac81_0000 | (pair * 2 + 1) << 10 | 29 << 5 | (pair * 2));
    }
    // To the next case.
    let left = (CASE - out.len() * 4) / 4;
    out.push(0x1400_0000 | left as u32);
    assert!(out.len() * 4 <= CODE);
    out
}

fn adr(rd: u32, offset: i32) -> u32 {
    let imm = offset as u32;
    0x1000_0000 | (imm & 3) << 29 | (imm >> 2 & 0x7_ffff) << 5 | rd
}

fn ldr(rt: u32, offset: u32) -> u32 {
    0xf940_0000 | (offset / 8) << 10 | 28 << 5 | rt
}

fn str(rt: u32, offset: u32) -> u32 {
    0xf900_0000 | (offset / 8) << 10 | 28 << 5 | rt
}

/// Returns a static program of the cases, which writes all of them out as they are afterwards.
fn program(cases: &[Case]) -> Vec<u8> {
    let mut body = Vec::new();
    for case in cases {
        let start = body.len();
        for word in code(case) {
            body.extend(word.to_le_bytes());
        }
        body.resize(start + CODE, 0);
        body.extend(case.before.bytes());
        body.resize(body.len() + STATE, 0);
        body.extend(&case.memory);
    }
    let length = body.len();
    // write(1, FIRST, length) until all is out; exit(0).
    let wide = |rd: u32, value: u64| {
        (0..4_u32).map(move |part| {
            let imm = (value >> (16 * part)) as u32 & 0xffff;
            let opcode = if part == 0 { 0xd280_0000 } else { 0xf280_0000 };
            opcode | part << 21 | imm << 5 | rd
        })
    };
    let mut tail: Vec<u32> = wide(20, FIRST).chain(wide(21, length as u64)).collect();
    tail.extend([
        0xd280_0020, // mov x0, #1
        0xaa14_03e1, // mov x1, x20
        0xaa15_03e2, // mov x2, x21
        0xd280_0808, // mov x8, #64
        0xd400_0001, // svc #0
        0x8b00_0294, // add x20, x20, x0
        0xeb00_02b5, // subs x21, x21, x0
        0x54ff_ff21, // b.ne -28
        0xd280_0000, // mov x0, #0
        0xd280_0ba8, // mov x8, #93
        0xd400_0001, // svc #0
    ]);
    body.extend(tail.iter().flat_map(|word| word.to_le_bytes()));
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let total = 0x1000 + body.len() as u64;
    elf.extend(2_u16.to_le_bytes()); // ET_EXEC
    elf.extend(183_u16.to_le_bytes()); // EM_AARCH64
    elf.extend(1_u32.to_le_bytes());
    for value in [FIRST, 64, 0] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend(0_u32.to_le_bytes());
    for value in [64_u16, 56, 1, 0, 0, 0] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend(1_u32.to_le_bytes()); // PT_LOAD
    elf.extend(7_u32.to_le_bytes());
    for value in [0, BASE, BASE, total, total, 0x1000] {
        elf.extend(value.to_le_bytes());
    }
    elf.resize(0x1000, 0);
    elf.extend(body);
    elf
}

/// Runs cases in QEMU; `None` where it did not get to the end.
fn in_qemu(cases: &[Case]) -> io::Result<Option<Vec<u8>>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("cases");
    fs::write(&path, program(cases))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let output = Command::new("qemu-aarch64").args(["-cpu", "max"]).arg(&path).output()?;
    Ok((output.status.success() && output.stdout.len() == cases.len() * CASE).then_some(output.stdout))
}

/// Returns the words among some cases that QEMU does not get past, by halving.
fn undefined(cases: &mut Vec<Case>, random: &mut Random, out: &mut Vec<String>) -> io::Result<()> {
    if cases.is_empty() || out.len() >= 8 || in_qemu(cases)?.is_some() {
        return Ok(());
    }
    if let [only] = cases.as_slice() {
        out.push(format!("{:#010x} {}", only.word, only.name));
        return Ok(());
    }
    let words: Vec<u32> = cases.iter().map(|case| case.word).collect();
    for half in words.chunks(words.len().div_ceil(2)) {
        let mut part: Vec<Case> = Vec::new();
        for word in half {
            part.extend(case(*word, part.len(), random));
        }
        undefined(&mut part, random, out)?;
    }
    Ok(())
}

/// Compares what QEMU left of each case with what this crate made of it.
fn compare(cases: &[Case], found: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let part = &found[index * CASE..(index + 1) * CASE];
        let after = State::read(&part[CODE + STATE..]);
        let memory = &part[CODE + 2 * STATE..];
        if case.after != after || case.memory_after != memory {
            let first = memory.iter().zip(&case.memory_after).position(|(a, b)| a != b);
            let memory = first.map_or(String::new(), |at| format!(" memory at {at:#x}"));
            wrong.push(format!(
                "{:#010x} {}:{}{memory}",
                case.word,
                case.name,
                case.after.difference(&after)
            ));
        }
    }
    wrong
}

/// Runs rounds of random words and wants at least some cases of each form that was met.
fn group(draws: &[fn(&mut Random) -> u32], seed: u64, rounds: usize, least: usize) -> Result<(), Failed> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
    let mut forms: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..rounds {
        let mut cases: Vec<Case> = Vec::new();
        let mut draw = 0;
        while cases.len() < CASES && draw < 400 * CASES {
            let word = draws[draw % draws.len()](&mut random);
            draw += 1;
            cases.extend(case(word, cases.len(), &mut random));
        }
        for case in &cases {
            *forms.entry(case.name.clone()).or_default() += 1;
        }
        run(&mut cases, &mut random)?;
    }
    let rare: Vec<_> = forms.iter().filter(|(_, count)| **count < least).collect();
    if forms.is_empty() || !rare.is_empty() {
        return Err(format!("too few cases: {rare:?} of {forms:?}").into());
    }
    println!(
        "{} cases of {} forms: {forms:?}",
        forms.values().sum::<usize>(),
        forms.len()
    );
    Ok(())
}

fn run(cases: &mut Vec<Case>, random: &mut Random) -> Result<(), Failed> {
    match in_qemu(cases)? {
        None => {
            let mut words = Vec::new();
            undefined(cases, random, &mut words)?;
            Err(format!("decoded here, and QEMU does not get past them:\n{}", words.join("\n")).into())
        }
        Some(found) => {
            let wrong = compare(cases, &found);
            if wrong.is_empty() {
                return Ok(());
            }
            let shown: Vec<_> = wrong.iter().take(20).cloned().collect();
            Err(format!("{} of {} differ:\n{}", wrong.len(), cases.len(), shown.join("\n")).into())
        }
    }
}

/// Branches over one instruction, taken and not.
fn branches() -> Result<(), Failed> {
    let mut random = Random(4);
    let mut cases: Vec<Case> = Vec::new();
    while cases.len() < CASES {
        let register = random.register();
        let bit = random.below(64) as u32;
        let word = match random.below(5) {
            0 => 0x1400_0002,
            1 => 0x5400_0040 | random.below(16) as u32,
            2 => 0x3400_0040 | (random.below(4) as u32 & 1) << 24 | (random.below(2) as u32) << 31 | register,
            _ => 0x3600_0040 | (random.below(2) as u32) << 24 | (bit >> 5) << 31 | (bit & 31) << 19 | register,
        };
        cases.extend(case(word, cases.len(), &mut random));
    }
    run(&mut cases, &mut random)
}
