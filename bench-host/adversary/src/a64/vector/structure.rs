// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads and stores of whole registers, of elements, and of structures.

use super::super::decode::{bit, bits, register};
use super::super::{Memory, Order, Registers};
use super::Vector;
use super::elements::{Elements, half, replace};

/// Returns the load or store of structures that a word is.
pub(in crate::a64) fn structure(word: u32) -> Option<Vector> {
    let (q, load, rt, rn) = (bit(word, 30), bit(word, 22), register(word, 0), register(word, 5));
    let after = bit(word, 23).then(|| register(word, 16));
    if bit(word, 31) || after.is_none() && bits(word, 16, 5) != 0 {
        return None;
    }
    let size = bits(word, 10, 2) as u8;
    if !bit(word, 24) {
        if bit(word, 21) {
            return None;
        }
        let (registers, interleaved) = match bits(word, 12, 4) {
            0b0000 => (4, true),
            0b0010 => (4, false),
            0b0100 => (3, true),
            0b0110 => (3, false),
            0b0111 => (1, false),
            0b1000 => (2, true),
            0b1010 => (2, false),
            _ => return None,
        };
        if interleaved && size == 3 && !q {
            return None;
        }
        return Some(Vector::Multiple {
            load,
            q,
            size,
            registers,
            interleaved,
            rt,
            rn,
            after,
        });
    }
    let opcode = bits(word, 13, 3);
    let registers = ((opcode & 1) << 1 | bits(word, 21, 1)) as u8 + 1;
    let index = bits(word, 30, 1) << 3 | bits(word, 12, 1) << 2 | u32::from(size);
    let (size, index) = match opcode >> 1 {
        0 => (0, index),
        1 if size & 1 == 0 => (1, index >> 1),
        2 if size == 0 => (2, index >> 2),
        2 if size == 1 && !bit(word, 12) => (3, index >> 3),
        3 if load && !bit(word, 12) => {
            return Some(Vector::Replicate {
                q,
                size,
                registers,
                rt,
                rn,
                after,
            });
        }
        _ => return None,
    };
    Some(Vector::Single {
        load,
        size,
        index: index as u8,
        registers,
        rt,
        rn,
        after,
    })
}

/// Loads or stores structures. Registers change when everything was read.
pub(super) fn transfer<M: Memory>(registers: &mut Registers, memory: &mut M, vector: Vector) -> Result<(), M::Fault> {
    let next = |rt: u8, n: u8| (rt + n) % 32;
    let (base, total, after) = match vector {
        Vector::Multiple {
            load,
            q,
            size,
            registers: count,
            interleaved,
            rt,
            rn,
            after,
        } => {
            let (mut place, base) = (registers.base(rn), rn);
            let bytes = if q { 16 } else { 8 };
            let mut values: [u128; 4] = std::array::from_fn(|n| half(registers.vector(next(rt, n as u8)), q));
            let element = if interleaved { 1 << size } else { bytes };
            let mask = u128::MAX >> (128 - 8 * element);
            let order = |step: u32| {
                let (n, part) = if interleaved {
                    (step % u32::from(count), step / u32::from(count))
                } else {
                    (step, 0)
                };
                (n as usize, 8 * element * part)
            };
            for step in 0..u32::from(count) * bytes / element {
                let (n, shift) = order(step);
                if load {
                    let value = memory.load(place, element, Order::Plain)?;
                    values[n] = values[n] & !(mask << shift) | value << shift;
                } else {
                    memory.store(place, element, values[n] >> shift & mask, Order::Plain)?;
                }
                place = place.wrapping_add(element.into());
            }
            if load {
                (0..count).for_each(|n| registers.set_vector(next(rt, n), values[usize::from(n)]));
            }
            (base, u64::from(count) * u64::from(bytes), after)
        }
        Vector::Single {
            load,
            size,
            index,
            registers: count,
            rt,
            rn,
            after,
        } => {
            let (place, bytes) = (registers.base(rn), 1_u32 << size);
            let at = |n: u8| place.wrapping_add(u64::from(n) * u64::from(bytes));
            let mut loaded = [0; 4];
            for n in 0..count {
                if load {
                    loaded[usize::from(n)] = memory.load(at(n), bytes, Order::Plain)? as u64;
                } else {
                    let elements = Elements::of(registers.vector(next(rt, n)), size, true);
                    let value = elements.all[usize::from(index) % elements.count];
                    memory.store(at(n), bytes, value.into(), Order::Plain)?;
                }
            }
            if load {
                for n in 0..count {
                    let old = registers.vector(next(rt, n));
                    registers.set_vector(next(rt, n), replace(old, size, index, loaded[usize::from(n)]));
                }
            }
            (rn, u64::from(count) * u64::from(bytes), after)
        }
        Vector::Replicate {
            q,
            size,
            registers: count,
            rt,
            rn,
            after,
        } => {
            let (place, bytes) = (registers.base(rn), 1_u32 << size);
            let mut loaded = [0; 4];
            for n in 0..count {
                let at = place.wrapping_add(u64::from(n) * u64::from(bytes));
                loaded[usize::from(n)] = memory.load(at, bytes, Order::Plain)? as u64;
            }
            for n in 0..count {
                let value = loaded[usize::from(n)];
                registers.set_vector(next(rt, n), Elements::of(0, size, q).map(|_, _| value).value());
            }
            (rn, u64::from(count) * u64::from(bytes), after)
        }
        _ => return Ok(()),
    };
    if let Some(register) = after {
        let step = if register == 31 { total } else { registers.get(register) };
        let moved = registers.base(base).wrapping_add(step);
        registers.set_base(base, moved);
    }
    Ok(())
}
