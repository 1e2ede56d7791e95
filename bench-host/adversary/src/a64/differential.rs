// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random instructions on random registers, here and in `qemu-aarch64`. Skipped where that is not installed.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{Flow, Instruction, Memory, Move, Order, Registers, decode, execute};

/// Where the program is.
const BASE: u64 = 0x1000_0000;
/// Bytes of the registers of one test: `X0` to `X30`, the flags, `V0` to `V31`.
const STATE: usize = 768;
/// Bytes that loads and stores reach.
const SCRATCH: usize = 0x12000;
/// Where in them the base register points.
const MIDDLE: u64 = 0x1000;
/// The base register, and the one added to it.
const RN: u8 = 28;
const RM: u8 = 27;
/// Instructions of each kind.
const EACH: usize = 800;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number, often one at an edge.
    fn value(&mut self) -> u64 {
        let value = self.next();
        match self.next() % 8 {
            0 => value % 3,
            1 => u64::MAX - value % 3,
            2 => 1 << (value % 64),
            3 => value & 0xffff_ffff,
            4 => (1_u64 << 63).wrapping_add(value % 3).wrapping_sub(1),
            _ => value,
        }
    }
}

#[derive(Clone)]
struct Scratch {
    start: u64,
    bytes: Vec<u8>,
}

impl Scratch {
    fn place(&self, address: u64, bytes: u32) -> Result<std::ops::Range<usize>, ()> {
        let start = usize::try_from(address.wrapping_sub(self.start)).map_err(|_| ())?;
        let end = start.checked_add(bytes as usize).ok_or(())?;
        if end <= self.bytes.len() {
            Ok(start..end)
        } else {
            Err(())
        }
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

impl Memory for Scratch {
    type Fault = ();

    fn load(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, ()> {
        aligned(address, bytes, order)?;
        let place = self.place(address, bytes)?;
        Ok(self.bytes[place]
            .iter()
            .rev()
            .fold(0, |all, &byte| all << 8 | u128::from(byte)))
    }

    fn store(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), ()> {
        aligned(address, bytes, order)?;
        let place = self.place(address, bytes)?;
        self.bytes[place].copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
        Ok(())
    }

    fn store_exclusive(&mut self, _: u64, _: u32, _: u128, _: Order) -> Result<bool, ()> {
        Err(())
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

    fn dc_zva(&mut self, _: u64) -> Result<(), ()> {
        Err(())
    }
}

/// A test: a word, and the registers before.
struct Case {
    word: u32,
    before: Registers,
}

fn bytes_of(registers: &Registers) -> Vec<u8> {
    let general = registers.x.iter().copied().chain([registers.nzcv.into()]);
    let mut bytes: Vec<u8> = general.flat_map(u64::to_le_bytes).collect();
    bytes.extend(registers.v.iter().flat_map(|value| value.to_le_bytes()));
    assert_eq!(bytes.len(), STATE);
    bytes
}

/// Returns the words that load a number into a register.
fn number(register: u32, value: u64) -> [u32; 2] {
    let half = |shift: u64| ((value >> shift & 0xffff) as u32) << 5 | register;
    [0xd280_0000 | half(0), 0xf2a0_0000 | half(16)]
}

/// Returns the words of a test up to the instruction, and those after it. Outputs are `distance` behind inputs.
fn frame(input: u64, distance: u64) -> (Vec<u32>, Vec<u32>) {
    let pair = |base: u32, n: u32, scale: u32, offset: u32| {
        base | (offset / scale) << 15 | (2 * n + 1) << 10 | 30 << 5 | (2 * n)
    };
    let (mut before, mut after) = (number(30, input).to_vec(), Vec::new());
    // ldr x0, [x30, #248]; msr nzcv, x0
    before.extend([0xf940_7fc0, 0xd51b_4200]);
    before.extend((0..16).map(|n| pair(0xad40_0000, n, 16, 256 + 32 * n)));
    before.extend((0..15).map(|n| pair(0xa940_0000, n, 8, 16 * n)));
    // add x30, x30, #distance
    after.push(0x9140_03de | ((distance >> 12) as u32) << 10);
    after.extend((0..15).map(|n| pair(0xa900_0000, n, 8, 16 * n)));
    // mrs x0, nzcv; str x0, [x30, #248]
    after.extend([0xd53b_4200, 0xf900_7fc0]);
    after.extend((0..16).map(|n| pair(0xad00_0000, n, 16, 256 + 32 * n)));
    (before, after)
}

/// Returns a word of a class, in the form that the test can make.
fn word(class: usize, random: &mut Random) -> Option<u32> {
    let any = random.next() as u32;
    let fixed = match class {
        0 => any & 0xe3ff_ffff | 0x1000_0000,
        1 => any & 0xf1ff_ffff | 0x0a00_0000,
        2 => any & 0xf1ff_ffff | 0x0e00_0000,
        3 => any & 0x7eff_ffff & !(0xf << 25) | 0x0e00_0000 | 1 << 10 | (any & 1 << 30),
        _ => any & !(1 << 25 | 31 << 5) | 1 << 27 | u32::from(RN) << 5,
    };
    let fixed = if class >= 4 && fixed >> 21 & 1 != 0 && fixed >> 28 & 3 == 3 && fixed >> 10 & 3 == 2 {
        fixed & !(31 << 16) | u32::from(RM) << 16
    } else {
        fixed
    };
    let is_stack = |register: u8| register == 31;
    let possible = match decode(fixed)? {
        Instruction::ArithmeticImmediate { rd, rn, .. } | Instruction::LogicalImmediate { rd, rn, .. } => {
            !is_stack(rd) && !is_stack(rn)
        }
        Instruction::Arithmetic { rd, rn, .. } => !is_stack(rd) && !is_stack(rn),
        Instruction::Pair {
            r#move, rt, rt2, rn, ..
        } => {
            let load = !matches!(r#move, Move::Store | Move::StoreVector);
            rn == RN && rt != RN && rt2 != RN && !(load && rt == rt2)
        }
        Instruction::Transfer { rt, rn, .. } => rn == RN && rt != RN,
        Instruction::Atomic { rs, rt, rn, .. } | Instruction::ComparePair { rs, rt, rn, .. } => {
            rn == RN && rt != RN && rs != RN
        }
        Instruction::Ordered { rt, .. } | Instruction::OrderedOffset { rt, .. } => rt != RN,
        Instruction::Literal { .. } | Instruction::LoadExclusive { .. } | Instruction::StoreExclusive { .. } => false,
        Instruction::System(_) | Instruction::ZeroLine { .. } => false,
        _ => true,
    };
    possible.then_some(fixed)
}

#[test]
fn random_instructions_do_what_an_emulator_says() {
    if Command::new("qemu-aarch64").arg("--version").output().is_err() {
        eprintln!("qemu-aarch64 is not installed: not tested");
        return;
    }
    let mut random = Random(7);
    let count = 5 * EACH;
    let (first, after) = frame(BASE, 0x1000);
    let length = 4 * (first.len() + 1 + after.len()) as u64;
    let page = |bytes: u64| bytes.next_multiple_of(0x1000);
    let code = page(length * count as u64 + 256);
    let (inputs, distance) = (BASE + code, page((STATE * count) as u64));
    let scratch = inputs + 2 * distance;
    let mut memory = Scratch {
        start: scratch,
        bytes: (0..SCRATCH).map(|_| random.next() as u8).collect(),
    };
    let pristine = memory.bytes.clone();

    let (mut cases, mut expected, mut words) = (Vec::new(), Vec::new(), Vec::new());
    while cases.len() < count {
        let index = cases.len();
        let mut before = Registers {
            x: std::array::from_fn(|_| random.value()),
            nzcv: (random.next() as u32) << 28,
            v: std::array::from_fn(|_| u128::from(random.value()) << 64 | u128::from(random.value())),
            ..Registers::default()
        };
        before.x[usize::from(RN)] = scratch + MIDDLE;
        before.x[usize::from(RM)] = random.next() % 256;
        let input = inputs + (STATE * index) as u64;
        before.x[30] = input;
        before.pc = BASE + length * index as u64 + 4 * first.len() as u64;
        let Some(word) = word(index / EACH, &mut random) else {
            continue;
        };
        let (mut registers, mut after_memory) = (before.clone(), memory.clone());
        let flow = decode(word).map(|instruction| execute(&mut registers, &mut after_memory, instruction));
        if flow != Some(Ok(Flow::Next)) || registers.x[30] != input || registers.sp != before.sp {
            continue;
        }
        memory = after_memory;
        registers.x[30] = 0;
        expected.push(bytes_of(&registers));
        let (load, store) = frame(input, distance);
        words.extend(load);
        words.push(word);
        words.extend(store);
        cases.push(Case { word, before });
    }
    // write(1, outputs, ...); write(1, scratch, ...); exit(0)
    for (start, bytes) in [(inputs + distance, (STATE * count) as u64), (scratch, SCRATCH as u64)] {
        words.extend([0xd280_0020]);
        words.extend(number(1, start));
        words.extend(number(2, bytes));
        words.extend([0xd280_0808, 0xd400_0001]);
    }
    words.extend([0xd280_0000, 0xd280_0ba8, 0xd400_0001]);

    let mut image: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    image.resize(code as usize, 0);
    cases.iter().for_each(|case| image.extend(bytes_of(&case.before)));
    image.resize((code + 2 * distance) as usize, 0);
    image.extend(&pristine);
    let output = run(&image);
    assert_eq!(
        output.len(),
        STATE * count + SCRATCH,
        "the program did not come to its end"
    );
    for ((case, expected), seen) in cases.iter().zip(&expected).zip(output.chunks(STATE)) {
        let what = || format!("{:#010x} {:?}", case.word, decode(case.word));
        for register in 0..30 {
            let place = 8 * register..8 * register + 8;
            assert_eq!(expected[place.clone()], seen[place], "x{register} after {}", what());
        }
        assert_eq!(expected[248..256], seen[248..256], "flags after {}", what());
        for register in 0..32 {
            let place = 256 + 16 * register..272 + 16 * register;
            assert_eq!(expected[place.clone()], seen[place], "v{register} after {}", what());
        }
    }
    assert!(output[STATE * count..] == memory.bytes, "memory differs");
}

/// Runs a program that is all of a file, at its address, and returns what it prints.
fn run(image: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 0x1000;
    let mut elf = Vec::new();
    elf.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    elf.extend([2_u16, 183].iter().flat_map(|half| half.to_le_bytes()));
    elf.extend(1_u32.to_le_bytes());
    elf.extend([BASE, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    elf.extend(0_u32.to_le_bytes());
    elf.extend([64_u16, 56, 1, 64, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    // One segment, to read, write and execute.
    elf.extend([1_u32, 7].iter().flat_map(|word| word.to_le_bytes()));
    let size = image.len() as u64;
    let segment = [HEADERS, BASE, BASE, size, size, 0x1000];
    elf.extend(segment.iter().flat_map(|word| word.to_le_bytes()));
    elf.resize(HEADERS as usize, 0);
    elf.extend(image);
    let file = std::env::temp_dir().join(format!("adversary-differential-{}", std::process::id()));
    std::fs::write(&file, elf).expect("a temporary file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).expect("its permissions");
    let output = Command::new("qemu-aarch64").args(["-cpu", "max"]).arg(&file).output();
    let output = output.expect("qemu-aarch64 runs");
    // The program stays if it fails, to be looked at.
    assert!(
        output.stderr.is_empty(),
        "{}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let _ = std::fs::remove_file(&file);
    output.stdout
}
