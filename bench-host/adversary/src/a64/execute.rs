// SPDX-License-Identifier: MIT OR Apache-2.0
//! What instructions do.

use super::integer::{
    arithmetic, bitfield, change_flags, extend, holds, logical, multiply, narrow, one_source, rotate_flags, set_flags,
    two_source, with_carry,
};
use super::{Address, Atomic, Flow, Instruction, Memory, Move, Operand, Order, Registers, vector};

/// Executes an instruction, except that the program counter stays. An instruction that faults has changed no register.
#[inline(always)]
pub fn execute<M: Memory>(
    registers: &mut Registers,
    memory: &mut M,
    instruction: Instruction,
) -> Result<Flow, M::Fault> {
    let pc = registers.pc;
    let to = |offset: i64| Ok(Flow::Branch(pc.wrapping_add_signed(offset)));
    match instruction {
        Instruction::Nothing => {}
        Instruction::ArithmeticImmediate {
            wide,
            operation,
            rd,
            rn,
            imm,
        } => {
            let (result, flags) = arithmetic(operation, registers.base(rn), imm.into(), wide);
            registers.finish(rd, result, flags, true);
        }
        Instruction::LogicalImmediate {
            wide,
            operation,
            rd,
            rn,
            imm,
        } => {
            let (result, flags) = logical(operation, registers.get(rn), imm, wide);
            registers.finish(rd, result, flags, true);
        }
        Instruction::MoveWide { rd, value } => registers.set(rd, value),
        Instruction::MoveKeep { rd, imm, shift, wide } => {
            let kept = registers.get(rd) & !(0xffff << shift);
            registers.set(rd, narrow(kept | u64::from(imm) << shift, wide));
        }
        Instruction::Adr { rd, offset, page } => {
            let base = if page { pc & !0xfff } else { pc };
            registers.set(rd, base.wrapping_add_signed(offset));
        }
        Instruction::Bitfield {
            wide,
            opc,
            rd,
            rn,
            immr,
            imms,
        } => {
            let source = narrow(registers.get(rn), wide);
            registers.set(rd, bitfield(opc, source, registers.get(rd), immr, imms, wide));
        }
        Instruction::Extract { wide, rd, rn, rm, lsb } => {
            let (high, low) = (narrow(registers.get(rn), wide), narrow(registers.get(rm), wide));
            let size = if wide { 64 } else { 32 };
            let joined = u128::from(high) << size | u128::from(low);
            registers.set(rd, narrow((joined >> lsb) as u64, wide));
        }
        Instruction::Arithmetic {
            wide,
            operation,
            rd,
            rn,
            operand,
        } => {
            let value = registers.operand(operand, wide);
            let extended = matches!(operand, Operand::Extended(..));
            let first = if extended {
                registers.base(rn)
            } else {
                registers.get(rn)
            };
            let (result, flags) = arithmetic(operation, first, value, wide);
            registers.finish(rd, result, flags, extended);
        }
        Instruction::WithCarry {
            wide,
            subtract,
            flags,
            rd,
            rn,
            rm,
        } => {
            let (result, new) = with_carry(registers.nzcv, subtract, registers.get(rn), registers.get(rm), wide);
            registers.finish(rd, result, flags.then_some(new), false);
        }
        Instruction::Logical {
            wide,
            operation,
            invert,
            rd,
            rn,
            operand,
        } => {
            let value = registers.operand(operand, wide);
            let value = if invert { !value } else { value };
            let (result, flags) = logical(operation, registers.get(rn), value, wide);
            registers.finish(rd, result, flags, false);
        }
        Instruction::ConditionalCompare {
            wide,
            subtract,
            immediate,
            rn,
            rm,
            condition,
            nzcv,
        } => {
            registers.nzcv = if holds(condition, registers.nzcv) {
                let value = if immediate { rm.into() } else { registers.get(rm) };
                let operation = if subtract {
                    super::Arithmetic::Subs
                } else {
                    super::Arithmetic::Adds
                };
                arithmetic(operation, registers.get(rn), value, wide).1.unwrap_or(0)
            } else {
                u32::from(nzcv) << 28
            };
        }
        Instruction::ConditionalSelect {
            wide,
            invert,
            increment,
            rd,
            rn,
            rm,
            condition,
        } => {
            let value = if holds(condition, registers.nzcv) {
                registers.get(rn)
            } else {
                let other = registers.get(rm);
                let other = if invert { !other } else { other };
                other.wrapping_add(increment.into())
            };
            registers.set(rd, narrow(value, wide));
        }
        Instruction::OneSource { wide, opcode, rd, rn } => {
            registers.set(rd, one_source(opcode, narrow(registers.get(rn), wide), wide));
        }
        Instruction::TwoSource {
            wide,
            opcode,
            rd,
            rn,
            rm,
        } => registers.set(rd, two_source(opcode, registers.get(rn), registers.get(rm), wide)),
        Instruction::Multiply {
            wide,
            op31,
            subtract,
            rd,
            rn,
            rm,
            ra,
        } => {
            let (a, b, c) = (registers.get(rn), registers.get(rm), registers.get(ra));
            registers.set(rd, multiply(op31, subtract, a, b, c, wide));
        }
        Instruction::Branch { offset, link } => {
            if link {
                registers.x[30] = pc.wrapping_add(4);
            }
            return to(offset);
        }
        Instruction::BranchRegister { rn, link } => {
            let target = registers.get(rn);
            if link {
                registers.x[30] = pc.wrapping_add(4);
            }
            return Ok(Flow::Branch(target));
        }
        Instruction::BranchConditional { offset, condition } => {
            if holds(condition, registers.nzcv) {
                return to(offset);
            }
        }
        Instruction::CompareBranch {
            offset,
            wide,
            not_zero,
            rt,
        } => {
            if (narrow(registers.get(rt), wide) != 0) == not_zero {
                return to(offset);
            }
        }
        Instruction::TestBranch { offset, bit, set, rt } => {
            if (registers.get(rt) >> bit & 1 != 0) == set {
                return to(offset);
            }
        }
        Instruction::Transfer {
            r#move,
            bytes,
            rt,
            rn,
            address,
        } => {
            let (place, base, order) = registers.locate(rn, address);
            registers.transfer(memory, r#move, bytes, rt, place, order)?;
            registers.write_back(rn, base);
        }
        Instruction::Literal {
            r#move,
            bytes,
            rt,
            offset,
        } => registers.transfer(memory, r#move, bytes, rt, pc.wrapping_add_signed(offset), Order::Plain)?,
        Instruction::Pair {
            r#move,
            bytes,
            rt,
            rt2,
            rn,
            address,
        } => {
            let (place, base, order) = registers.locate(rn, address);
            let second = place.wrapping_add(bytes.into());
            match r#move {
                Move::Store | Move::StoreVector => {
                    registers.transfer(memory, r#move, bytes, rt, place, order)?;
                    registers.transfer(memory, r#move, bytes, rt2, second, order)?;
                }
                _ => {
                    // Both are read before either register changes: the second may fault, and one may be the base.
                    let first = memory.load(place, bytes.into(), order)?;
                    let then = memory.load(second, bytes.into(), order)?;
                    registers.put(r#move, bytes, rt, first);
                    registers.put(r#move, bytes, rt2, then);
                }
            }
            registers.write_back(rn, base);
        }
        Instruction::Ordered { load, bytes, rt, rn } => {
            let place = registers.base(rn);
            if load {
                let value = memory.load(place, bytes.into(), Order::Acquire)?;
                registers.set(rt, value as u64);
            } else {
                memory.store(place, bytes.into(), registers.get(rt).into(), Order::Release)?;
            }
        }
        Instruction::LoadExclusive {
            bytes,
            acquire,
            rt,
            rt2,
            rn,
        } => {
            let order = if acquire {
                Order::AcquireExclusive
            } else {
                Order::Exclusive
            };
            let all = u32::from(bytes) << u32::from(rt2.is_some());
            let value = memory.load(registers.base(rn), all, order)?;
            registers.put(Move::Load, bytes, rt, value & ones(bytes));
            if let Some(rt2) = rt2 {
                registers.put(Move::Load, bytes, rt2, value >> (8 * bytes));
            }
        }
        Instruction::StoreExclusive {
            bytes,
            release,
            rs,
            rt,
            rt2,
            rn,
        } => {
            let order = if release {
                Order::ReleaseExclusive
            } else {
                Order::Exclusive
            };
            let all = u32::from(bytes) << u32::from(rt2.is_some());
            let part = |register| u128::from(registers.get(register)) & ones(bytes);
            let value = part(rt) | rt2.map_or(0, |rt2| part(rt2) << (8 * bytes));
            let failed = memory.store_exclusive(registers.base(rn), all, value, order)?;
            registers.set(rs, failed.into());
        }
        Instruction::Atomic {
            operation,
            bytes,
            release,
            rs,
            rt,
            rn,
        } => {
            let (given, stored) = (registers.get(rs), registers.get(rt));
            let mut combine = |old: u128| combine(operation, old as u64, given, stored, bytes).map(u128::from);
            let old = memory.atomic(registers.base(rn), bytes.into(), release, &mut combine)?;
            let target = if operation == Atomic::Compare { rs } else { rt };
            registers.set(target, old as u64);
        }
        Instruction::OrderedOffset {
            r#move,
            bytes,
            rt,
            rn,
            offset,
        } => {
            let place = registers.base(rn).wrapping_add_signed(offset.into());
            let order = if r#move == Move::Store {
                Order::Release
            } else {
                Order::Acquire
            };
            registers.transfer(memory, r#move, bytes, rt, place, order)?;
        }
        Instruction::ComparePair {
            bytes,
            release,
            rs,
            rt,
            rn,
        } => {
            let part = |register| u128::from(registers.get(register)) & ones(bytes);
            // The second register of a pair that begins with 30 is zero.
            let both = |register: u8| part(register) | part(register + 1) << (8 * bytes);
            let (given, stored) = (both(rs), both(rt));
            let mut combine = |old: u128| (old == given).then_some(stored);
            let old = memory.atomic(registers.base(rn), 2 * u32::from(bytes), release, &mut combine)?;
            registers.set(rs, (old & ones(bytes)) as u64);
            registers.set(rs + 1, (old >> (8 * bytes)) as u64);
        }
        Instruction::RotateFlags { rn, amount, mask } => {
            registers.nzcv = rotate_flags(registers.nzcv, registers.get(rn), amount, mask);
        }
        Instruction::SetFlags { rn, bytes } => {
            registers.nzcv = set_flags(registers.nzcv, registers.get(rn), bytes);
        }
        Instruction::ChangeFlags { change } => registers.nzcv = change_flags(registers.nzcv, change),
        Instruction::ZeroLine { rt } => memory.dc_zva(registers.get(rt))?,
        Instruction::Vector(instruction) => vector::execute(registers, memory, instruction)?,
        Instruction::System(system) => return Ok(Flow::System(system)),
    }
    Ok(Flow::Next)
}

const fn ones(bytes: u8) -> u128 {
    u128::MAX >> (128 - 8 * bytes as u32)
}

/// Returns what an atomic operation stores; `None`: nothing.
fn combine(operation: Atomic, old: u64, given: u64, stored: u64, bytes: u8) -> Option<u64> {
    let unused = 64 - 8 * u32::from(bytes);
    let cut = |value: u64| value << unused >> unused;
    let signed = |value: u64| (value << unused) as i64 >> unused;
    let given = cut(given);
    Some(cut(match operation {
        Atomic::Add => old.wrapping_add(given),
        Atomic::Clear => old & !given,
        Atomic::Xor => old ^ given,
        Atomic::Set => old | given,
        Atomic::SignedMaximum if signed(old) > signed(given) => old,
        Atomic::SignedMinimum if signed(old) < signed(given) => old,
        Atomic::Maximum => old.max(given),
        Atomic::Minimum => old.min(given),
        Atomic::SignedMaximum | Atomic::SignedMinimum | Atomic::Swap => given,
        Atomic::Compare if old == given => stored,
        Atomic::Compare => return None,
    }))
}

impl Registers {
    /// Writes a result and flags. Without flags, register 31 may be the stack pointer.
    #[inline(always)]
    fn finish(&mut self, rd: u8, result: u64, flags: Option<u32>, stack: bool) {
        match flags {
            Some(flags) => {
                self.nzcv = flags;
                self.set(rd, result);
            }
            None if stack => self.set_base(rd, result),
            None => self.set(rd, result),
        }
    }

    /// Returns the address of an access, and what its base becomes.
    #[inline(always)]
    fn locate(&self, rn: u8, address: Address) -> (u64, Option<u64>, Order) {
        let base = self.base(rn);
        match address {
            Address::Offset(offset) => (base.wrapping_add_signed(offset.into()), None, Order::Plain),
            Address::Before(offset) => {
                let moved = base.wrapping_add_signed(offset.into());
                (moved, Some(moved), Order::Plain)
            }
            Address::After(offset) => (base, Some(base.wrapping_add_signed(offset.into())), Order::Plain),
            Address::Register(register, kind, left) => {
                let offset = extend(self.get(register), kind, left);
                (base.wrapping_add(offset), None, Order::Plain)
            }
            Address::Unprivileged(offset) => (base.wrapping_add_signed(offset.into()), None, Order::Unprivileged),
        }
    }

    #[inline(always)]
    fn write_back(&mut self, rn: u8, base: Option<u64>) {
        if let Some(base) = base {
            self.set_base(rn, base);
        }
    }

    /// Loads or stores a register.
    #[inline(always)]
    fn transfer<M: Memory>(
        &mut self,
        memory: &mut M,
        r#move: Move,
        bytes: u8,
        rt: u8,
        place: u64,
        order: Order,
    ) -> Result<(), M::Fault> {
        match r#move {
            Move::Store => memory.store(place, bytes.into(), self.get(rt).into(), order),
            Move::StoreVector => memory.store(place, bytes.into(), self.vector(rt), order),
            _ => {
                let value = memory.load(place, bytes.into(), order)?;
                self.put(r#move, bytes, rt, value);
                Ok(())
            }
        }
    }

    /// Writes what was loaded.
    #[inline(always)]
    fn put(&mut self, r#move: Move, bytes: u8, rt: u8, value: u128) {
        let unused = 64_u32.saturating_sub(8 * u32::from(bytes));
        let signed = ((value as u64) << unused) as i64 >> unused;
        match r#move {
            Move::LoadVector => self.set_vector(rt, value),
            Move::LoadSigned64 => self.set(rt, signed as u64),
            Move::LoadSigned32 => self.set(rt, signed as u32 as u64),
            _ => self.set(rt, value as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::*;

    /// Memory of some words, from address 0 on.
    struct Words(Vec<u8>);

    impl Memory for Words {
        type Fault = u64;

        fn load(&mut self, address: u64, bytes: u32, _: Order) -> Result<u128, u64> {
            let place = address as usize..address as usize + bytes as usize;
            let found = self.0.get(place).ok_or(address)?;
            Ok(found.iter().rev().fold(0, |all, &byte| all << 8 | u128::from(byte)))
        }

        fn store(&mut self, address: u64, bytes: u32, value: u128, _: Order) -> Result<(), u64> {
            let place = address as usize..address as usize + bytes as usize;
            let found = self.0.get_mut(place).ok_or(address)?;
            found.copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
            Ok(())
        }

        fn store_exclusive(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<bool, u64> {
            self.store(address, bytes, value, order).map(|()| false)
        }

        fn atomic(
            &mut self,
            address: u64,
            bytes: u32,
            _: bool,
            operation: &mut dyn FnMut(u128) -> Option<u128>,
        ) -> Result<u128, u64> {
            let old = self.load(address, bytes, Order::Plain)?;
            if let Some(new) = operation(old) {
                self.store(address, bytes, new, Order::Plain)?;
            }
            Ok(old)
        }

        fn dc_zva(&mut self, address: u64) -> Result<(), u64> {
            (0..8).try_for_each(|word| self.store(address + 8 * word, 8, 0, Order::Plain))
        }
    }

    fn run(registers: &mut Registers, memory: &mut Words, words: &[u32]) -> Result<(), u64> {
        for &word in words {
            let instruction = decode(word).unwrap_or_else(|| panic!("{word:#010x}"));
            execute(registers, memory, instruction)?;
        }
        Ok(())
    }

    fn registers() -> (Registers, Words) {
        let registers = Registers {
            x: std::array::from_fn(|n| 0x10 + n as u64),
            ..Registers::default()
        };
        (registers, Words((0..=255).collect()))
    }

    #[test]
    fn moves_and_masks() {
        let (mut registers, mut memory) = registers();
        // mov x0, #0x1234; movk x0, #0x5678, lsl #16; mov w1, #-2; orr x2, xzr, #0xff00ff00ff00ff00
        let words = [0xd282_4680, 0xf2aa_cf00, 0x1280_0021, 0xb208_9fe2];
        assert_eq!(run(&mut registers, &mut memory, &words), Ok(()));
        assert_eq!(registers.x[..3], [0x5678_1234, 0xffff_fffe, 0xff00_ff00_ff00_ff00]);
    }

    #[test]
    fn loads_of_every_size_and_sign() {
        let (mut registers, mut memory) = registers();
        registers.x[1] = 0x80;
        // ldrb w0, [x1]; ldrsb x2, [x1]; ldrsh w3, [x1]; ldrsw x4, [x1]; ldr x5, [x1, #8]!
        let words = [0x3940_0020, 0x3980_0022, 0x79c0_0023, 0xb980_0024, 0xf840_8c25];
        assert_eq!(run(&mut registers, &mut memory, &words), Ok(()));
        assert_eq!(registers.x[0], 0x80);
        assert_eq!(registers.x[2], 0xffff_ffff_ffff_ff80);
        assert_eq!(registers.x[3], 0xffff_8180);
        assert_eq!(registers.x[4], 0xffff_ffff_8382_8180);
        assert_eq!((registers.x[5], registers.x[1]), (0x8f8e_8d8c_8b8a_8988, 0x88));
    }

    #[test]
    fn a_pair_that_faults_changes_nothing() {
        let (mut registers, mut memory) = registers();
        registers.x[0] = 0xf8;
        let before = registers.x;
        // ldp x0, x1, [x0]
        assert_eq!(run(&mut registers, &mut memory, &[0xa940_0400]), Err(0x100));
        assert_eq!(registers.x, before);
        // stp x2, x3, [sp, #-16]!
        registers.sp = 0x20;
        assert_eq!(run(&mut registers, &mut memory, &[0xa9bf_0fe2]), Ok(()));
        assert_eq!((registers.sp, memory.0[0x10], memory.0[0x18]), (0x10, 0x12, 0x13));
    }

    #[test]
    fn atomics_return_what_was_there() {
        let (mut registers, mut memory) = registers();
        (registers.x[0], registers.x[1]) = (0x40, 2);
        // ldadd w1, w2, [x0]; cas w2, w3, [x0]; swp x4, x5, [x0]
        assert_eq!(run(&mut registers, &mut memory, &[0xb821_0002]), Ok(()));
        assert_eq!((registers.x[2], memory.0[0x40]), (0x4342_4140, 0x42));
        assert_eq!(run(&mut registers, &mut memory, &[0x88a2_7c03]), Ok(()));
        assert_eq!((registers.x[2], memory.0[0x40]), (0x4342_4142, 0x42), "not equal");
        assert_eq!(run(&mut registers, &mut memory, &[0xf824_8005]), Ok(()));
        assert_eq!((registers.x[5], memory.0[0x40]), (0x4746_4544_4342_4142, 0x14));
    }

    #[test]
    fn branches_go_where_they_say() {
        let (mut registers, mut memory) = registers();
        registers.pc = 0x1000;
        let mut flow = |word| execute(&mut registers, &mut memory, decode(word).unwrap()).unwrap();
        assert_eq!(flow(0x1400_0002), Flow::Branch(0x1008));
        assert_eq!(flow(0x17ff_ffff), Flow::Branch(0xffc));
        assert_eq!(flow(0xb400_0040), Flow::Next, "cbz x0");
        assert_eq!(flow(0x3720_0040), Flow::Branch(0x1008), "tbnz w0, #4");
        assert_eq!(flow(0x5400_0041), Flow::Branch(0x1008), "b.ne");
        assert_eq!(flow(0x9400_0001), Flow::Branch(0x1004));
        assert_eq!(registers.x[30], 0x1004);
    }

    #[test]
    fn unknown_words_are_no_instructions() {
        let words = [
            // fadd d0, d1, d0; fadd v0.4s; reserved; casp of odd registers; 32-bit with N; dcps.
            0x1e60_2820,
            0x4ea0_5820,
            0xffff_ffff,
            0x0821_7c02,
            0x1240_7c00,
            0xd4a0_0001,
            // ldraa; neg with a bad bit; ld3 .1d; fmov with S set; add .1d.
            0xf8a0_1789,
            0x6ea0_b183,
            0x0c97_4f9a,
            0x3e26_0015,
            0x0ee2_8420,
        ];
        for word in words {
            assert_eq!(decode(word), None, "{word:#010x}");
        }
    }
}
