// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stand-in.
#![allow(missing_docs, dead_code, clippy::all)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Msr(u16, u8),
    Mrs(u16, u8),
    MsrImmediate { op1: u8, op2: u8, imm: u8 },
    Sys { op1: u8, crn: u8, crm: u8, op2: u8, rt: u8 },
    Sysl { op1: u8, crn: u8, crm: u8, op2: u8, rt: u8 },
    Dsb { crm: u8, nxs: bool },
    Dmb(u8),
    Isb,
    Sb,
    Clrex,
    Hvc(u16),
    Smc(u16),
    Svc(u16),
    Brk(u16),
    Hlt(u16),
    Udf(u16),
    Eret,
    Nop,
    Yield,
    Wfe,
    Wfi,
    Sev,
    Sevl,
    Hint(u8),
}
#[derive(Debug, Clone, Copy)]
pub struct Instruction(u32);
#[derive(Debug, Clone, Default)]
pub struct Registers {
    pub x: [u64; 31],
    pub sp: u64,
    pub pc: u64,
    pub nzcv: u32,
    pub v: [u128; 32],
    pub fpcr: u32,
    pub fpsr: u32,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Plain,
    Acquire,
    AcquirePc,
    Release,
    Unprivileged,
    Exclusive,
    AcquireExclusive,
    ReleaseExclusive,
}
pub trait Memory {
    type Fault;
    fn load(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, Self::Fault>;
    fn store(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), Self::Fault>;
    fn store_exclusive(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<bool, Self::Fault>;
    fn atomic(
        &mut self,
        address: u64,
        bytes: u32,
        acquire: bool,
        release: bool,
        f: &mut dyn FnMut(u128) -> Option<u128>,
    ) -> Result<u128, Self::Fault>;
    fn dc_zva(&mut self, address: u64) -> Result<(), Self::Fault>;
}
pub enum Flow {
    Next,
    Branch(u64),
    System(System),
}
pub fn decode(w: u32) -> Option<Instruction> {
    Some(Instruction(w))
}
fn sext(v: u64, bits: u32) -> u64 {
    ((v << (64 - bits)) as i64 >> (64 - bits)) as u64
}
impl Registers {
    fn r(&self, n: u32) -> u64 {
        if n == 31 { 0 } else { self.x[n as usize] }
    }
    fn rsp(&self, n: u32) -> u64 {
        if n == 31 { self.sp } else { self.x[n as usize] }
    }
    fn w(&mut self, n: u32, v: u64) {
        if n != 31 {
            self.x[n as usize] = v
        }
    }
    fn wsp(&mut self, n: u32, v: u64) {
        if n == 31 { self.sp = v } else { self.x[n as usize] = v }
    }
    fn cond(&self, c: u32) -> bool {
        let f = self.nzcv;
        let (n, z, cf, v) = (f >> 31 & 1 == 1, f >> 30 & 1 == 1, f >> 29 & 1 == 1, f >> 28 & 1 == 1);
        let r = match c >> 1 {
            0 => z,
            1 => cf,
            2 => n,
            3 => v,
            4 => cf && !z,
            5 => n == v,
            6 => n == v && !z,
            _ => true,
        };
        if c & 1 == 1 && c != 15 { !r } else { r }
    }
}
fn addc(a: u64, b: u64, c: u64, sf: bool) -> (u64, u32) {
    if sf {
        let s = a as u128 + b as u128 + c as u128;
        let r = s as u64;
        let v = ((a ^ r) & (b ^ r)) >> 63;
        (
            r,
            ((r >> 63) as u32) << 31 | ((r == 0) as u32) << 30 | ((s >> 64) as u32) << 29 | (v as u32) << 28,
        )
    } else {
        let (a, b) = (a as u32, b as u32);
        let s = a as u64 + b as u64 + c;
        let r = s as u32;
        let v = ((a ^ r) & (b ^ r)) >> 31;
        (
            r as u64,
            (r >> 31) << 31 | ((r == 0) as u32) << 30 | ((s >> 32) as u32 & 1) << 29 | v << 28,
        )
    }
}
fn masks(n: u32, imms: u32, immr: u32) -> (u64, u64) {
    let len = 31 - (((n << 6) | (!imms & 63)).leading_zeros());
    let levels = (1u32 << len) - 1;
    let s = imms & levels;
    let r = immr & levels;
    let d = s.wrapping_sub(r) & levels;
    let esize = 1u32 << len;
    let ones = |k: u32| if k >= 64 { u64::MAX } else { (1u64 << k) - 1 };
    let welem = ones(s + 1);
    let telem = ones(d + 1);
    let m = ones(esize);
    let rot = if r == 0 {
        welem
    } else {
        (welem >> r | welem << (esize - r)) & m
    };
    let (mut wm, mut tm) = (0u64, 0u64);
    let mut i = 0;
    while i < 64 {
        wm |= rot << i;
        tm |= (telem & m) << i;
        i += esize;
    }
    (wm, tm)
}
fn shift(v: u64, t: u32, a: u32, sf: bool) -> u64 {
    if sf {
        match t {
            0 => v << a,
            1 => v >> a,
            2 => ((v as i64) >> a) as u64,
            _ => v.rotate_right(a),
        }
    } else {
        let v = v as u32;
        (match t {
            0 => v << a,
            1 => v >> a,
            2 => ((v as i32) >> a) as u32,
            _ => v.rotate_right(a),
        }) as u64
    }
}
pub fn execute<M: Memory>(g: &mut Registers, m: &mut M, i: Instruction) -> Result<Flow, M::Fault> {
    let w = i.0;
    let pc = g.pc;
    let b = |hi: u32, lo: u32| (w >> lo) & ((1u32 << (hi - lo + 1)).wrapping_sub(1));
    let sf = w >> 31 == 1;
    let rd = b(4, 0);
    let rn = b(9, 5);
    let rm = b(20, 16);
    let tr = |v: u64| if sf { v } else { v & 0xffff_ffff };
    // system
    if w >> 22 == 0b1101010100 {
        let s = match w {
            0xd503201f => System::Nop,
            0xd503203f => System::Yield,
            0xd503205f => System::Wfe,
            0xd503207f => System::Wfi,
            0xd503209f => System::Sev,
            0xd50320bf => System::Sevl,
            0xd50330ff => System::Sb,
            _ if w & 0xfffff01f == 0xd503201f => System::Hint(b(11, 5) as u8),
            _ if w & 0xfffff0ff == 0xd503309f => System::Dsb {
                crm: b(11, 8) as u8,
                nxs: false,
            },
            _ if w & 0xfffff3ff == 0xd503323f => System::Dsb {
                crm: b(11, 8) as u8,
                nxs: true,
            },
            _ if w & 0xfffff0ff == 0xd50330bf => System::Dmb(b(11, 8) as u8),
            _ if w & 0xfffff0ff == 0xd50330df => System::Isb,
            _ if w & 0xfffff0ff == 0xd503305f => System::Clrex,
            _ if w & 0xfff8f01f == 0xd500401f => System::MsrImmediate {
                op1: b(18, 16) as u8,
                op2: b(7, 5) as u8,
                imm: b(11, 8) as u8,
            },
            _ if w >> 19 == 0xd5080000 >> 19 => {
                if (b(18, 16), b(15, 12), b(11, 8), b(7, 5)) == (3, 7, 4, 1) {
                    m.dc_zva(g.r(rd))?;
                    return Ok(Flow::Next);
                }
                System::Sys {
                    op1: b(18, 16) as u8,
                    crn: b(15, 12) as u8,
                    crm: b(11, 8) as u8,
                    op2: b(7, 5) as u8,
                    rt: rd as u8,
                }
            }
            _ if w >> 20 == 0xd5100000 >> 20 => System::Msr((w >> 5) as u16 & 0x7fff | 0x8000, rd as u8),
            _ if w >> 20 == 0xd5300000 >> 20 => System::Mrs((w >> 5) as u16 & 0x7fff | 0x8000, rd as u8),
            _ => panic!("system {w:#x}"),
        };
        return Ok(Flow::System(s));
    }
    if w >> 24 == 0xd4 {
        let k = b(20, 5) as u16;
        return Ok(Flow::System(match (b(23, 21), w & 31) {
            (0, 1) => System::Svc(k),
            (0, 2) => System::Hvc(k),
            (0, 3) => System::Smc(k),
            (1, 0) => System::Brk(k),
            _ => panic!("exc {w:#x}"),
        }));
    }
    if w == 0xd69f03e0 {
        return Ok(Flow::System(System::Eret));
    }
    if w >> 16 == 0 {
        return Ok(Flow::System(System::Udf(w as u16)));
    }
    // branches
    if w >> 26 & 31 == 5 {
        if sf {
            g.x[30] = pc + 4
        }
        return Ok(Flow::Branch(pc.wrapping_add(sext(b(25, 0) as u64, 26) << 2)));
    }
    if w >> 24 == 0x54 {
        return Ok(if g.cond(b(3, 0)) {
            Flow::Branch(pc.wrapping_add(sext(b(23, 5) as u64, 19) << 2))
        } else {
            Flow::Next
        });
    }
    if w >> 25 & 63 == 0x1a {
        let v = tr(g.r(rd));
        return Ok(if (v == 0) == (b(24, 24) == 0) {
            Flow::Branch(pc.wrapping_add(sext(b(23, 5) as u64, 19) << 2))
        } else {
            Flow::Next
        });
    }
    if w >> 25 & 63 == 0x1b {
        let bit = b(31, 31) << 5 | b(23, 19);
        let v = g.r(rd) >> bit & 1;
        return Ok(if (v == 0) == (b(24, 24) == 0) {
            Flow::Branch(pc.wrapping_add(sext(b(18, 5) as u64, 14) << 2))
        } else {
            Flow::Next
        });
    }
    if w >> 25 == 0x6b {
        let t = g.r(rn);
        match b(24, 21) {
            0 | 2 => {}
            1 => g.x[30] = pc + 4,
            _ => panic!("br {w:#x}"),
        }
        return Ok(Flow::Branch(t));
    }
    // data processing immediate
    if w >> 24 & 31 == 0x10 {
        let imm = sext((b(23, 5) << 2 | b(30, 29)) as u64, 21);
        g.w(
            rd,
            if sf {
                (pc & !4095).wrapping_add(imm << 12)
            } else {
                pc.wrapping_add(imm)
            },
        );
        return Ok(Flow::Next);
    }
    if w >> 23 & 63 == 0x22 {
        let mut imm = b(21, 10) as u64;
        if b(22, 22) == 1 {
            imm <<= 12
        }
        let (s, sub) = (b(29, 29) == 1, b(30, 30) == 1);
        let (r, f) = if sub {
            addc(g.rsp(rn), !imm, 1, sf)
        } else {
            addc(g.rsp(rn), imm, 0, sf)
        };
        if s {
            g.nzcv = f;
            g.w(rd, r)
        } else {
            g.wsp(rd, r)
        }
        return Ok(Flow::Next);
    }
    if w >> 23 & 63 == 0x24 {
        let (wm, _) = masks(b(22, 22), b(15, 10), b(21, 16));
        let wm = tr(wm);
        let a = tr(g.r(rn));
        let r = match b(30, 29) {
            0 | 3 => a & wm,
            1 => a | wm,
            _ => a ^ wm,
        };
        if b(30, 29) == 3 {
            g.nzcv = ((if sf { r >> 63 } else { r >> 31 }) as u32) << 31 | ((r == 0) as u32) << 30;
            g.w(rd, r)
        } else {
            g.wsp(rd, r)
        }
        return Ok(Flow::Next);
    }
    if w >> 23 & 63 == 0x25 {
        let imm = b(20, 5) as u64;
        let s = b(22, 21) * 16;
        let r = match b(30, 29) {
            0 => tr(!(imm << s)),
            2 => imm << s,
            _ => tr(g.r(rd) & !(0xffff << s) | imm << s),
        };
        g.w(rd, r);
        return Ok(Flow::Next);
    }
    if w >> 23 & 63 == 0x26 {
        let (immr, imms) = (b(21, 16), b(15, 10));
        let (wm, tm) = masks(b(22, 22), imms, immr);
        let src = tr(g.r(rn));
        let dst = if b(30, 29) == 1 { tr(g.r(rd)) } else { 0 };
        let rot = if sf {
            src.rotate_right(immr)
        } else {
            (src as u32).rotate_right(immr) as u64
        };
        let bot = dst & !wm | rot & wm;
        let top = if b(30, 29) == 0 {
            if src >> imms & 1 == 1 { u64::MAX } else { 0 }
        } else {
            dst
        };
        g.w(rd, tr(top & !tm | bot & tm));
        return Ok(Flow::Next);
    }
    if w >> 23 & 63 == 0x27 {
        let l = b(15, 10);
        let (a, c) = (tr(g.r(rn)), tr(g.r(rm)));
        let r = if l == 0 {
            c
        } else if sf {
            c >> l | a << (64 - l)
        } else {
            ((c | a << 32) >> l) & 0xffff_ffff
        };
        g.w(rd, r);
        return Ok(Flow::Next);
    }
    // register
    if w >> 24 & 31 == 0x0a {
        let mut o = shift(tr(g.r(rm)), b(23, 22), b(15, 10), sf);
        if b(21, 21) == 1 {
            o = tr(!o)
        }
        let a = tr(g.r(rn));
        let r = match b(30, 29) {
            0 | 3 => a & o,
            1 => a | o,
            _ => a ^ o,
        };
        if b(30, 29) == 3 {
            g.nzcv = ((if sf { r >> 63 } else { r >> 31 }) as u32) << 31 | ((r == 0) as u32) << 30
        }
        g.w(rd, r);
        return Ok(Flow::Next);
    }
    if w >> 24 & 31 == 0x0b {
        let ext = b(21, 21) == 1;
        let (s, sub) = (b(29, 29) == 1, b(30, 30) == 1);
        let (a, o) = if ext {
            let v = g.r(rm);
            let v = match b(15, 13) {
                0 => v & 0xff,
                1 => v & 0xffff,
                2 => v & 0xffff_ffff,
                3 => v,
                4 => v as i8 as u64,
                5 => v as i16 as u64,
                6 => v as i32 as u64,
                _ => v,
            };
            (g.rsp(rn), v << b(12, 10))
        } else {
            (g.r(rn), shift(tr(g.r(rm)), b(23, 22), b(15, 10), sf))
        };
        let (r, f) = if sub { addc(a, !o, 1, sf) } else { addc(a, o, 0, sf) };
        if s {
            g.nzcv = f;
            g.w(rd, r)
        } else if ext {
            g.wsp(rd, r)
        } else {
            g.w(rd, r)
        }
        return Ok(Flow::Next);
    }
    if w >> 21 & 0xff == 0xd0 {
        let (sub, s) = (b(30, 30) == 1, b(29, 29) == 1);
        let o = if sub { !g.r(rm) } else { g.r(rm) };
        let (r, f) = addc(g.r(rn), o, (g.nzcv >> 29 & 1) as u64, sf);
        if s {
            g.nzcv = f
        }
        g.w(rd, r);
        return Ok(Flow::Next);
    }
    if w >> 21 & 0xff == 0xd2 {
        let o = if b(11, 11) == 1 { rm as u64 } else { g.r(rm) };
        if g.cond(b(15, 12)) {
            let (_, f) = if b(30, 30) == 1 {
                addc(g.r(rn), !o, 1, sf)
            } else {
                addc(g.r(rn), o, 0, sf)
            };
            g.nzcv = f
        } else {
            g.nzcv = b(3, 0) << 28
        }
        return Ok(Flow::Next);
    }
    if w >> 21 & 0xff == 0xd4 {
        let r = if g.cond(b(15, 12)) {
            g.r(rn)
        } else {
            let v = g.r(rm);
            match (b(30, 30), b(10, 10)) {
                (0, 0) => v,
                (0, 1) => v.wrapping_add(1),
                (1, 0) => !v,
                _ => v.wrapping_neg(),
            }
        };
        g.w(rd, tr(r));
        return Ok(Flow::Next);
    }
    if w >> 21 & 0x3ff == 0x2d6 {
        let v = tr(g.r(rn));
        let r = match b(15, 10) {
            0 => {
                if sf {
                    v.reverse_bits()
                } else {
                    (v as u32).reverse_bits() as u64
                }
            }
            1 => (v & 0xff00ff00ff00ff00) >> 8 | (v & 0x00ff00ff00ff00ff) << 8,
            2 => {
                if sf {
                    (v as u32).swap_bytes() as u64 | ((v >> 32) as u32).swap_bytes() as u64 * (1 << 32)
                } else {
                    (v as u32).swap_bytes() as u64
                }
            }
            3 => v.swap_bytes(),
            4 => {
                if sf {
                    v.leading_zeros() as u64
                } else {
                    (v as u32).leading_zeros() as u64
                }
            }
            _ => panic!("1src {w:#x}"),
        };
        g.w(rd, r);
        return Ok(Flow::Next);
    }
    if w >> 21 & 0x3ff == 0x0d6 {
        let (a, c) = (tr(g.r(rn)), tr(g.r(rm)));
        let amt = (c & if sf { 63 } else { 31 }) as u32;
        let r = match b(15, 10) {
            2 => {
                if c == 0 {
                    0
                } else {
                    a / c
                }
            }
            3 => {
                if c == 0 {
                    0
                } else if sf {
                    (a as i64).wrapping_div(c as i64) as u64
                } else {
                    (a as i32).wrapping_div(c as i32) as u32 as u64
                }
            }
            k @ 8..=11 => shift(a, k - 8, amt, sf),
            _ => panic!("2src {w:#x}"),
        };
        g.w(rd, r);
        return Ok(Flow::Next);
    }
    if w >> 24 & 127 == 0x1b {
        let ra = b(14, 10);
        let (a, c, d) = (g.r(rn), g.r(rm), g.r(ra));
        let sub = b(15, 15) == 1;
        let p = match b(23, 21) {
            0 => a.wrapping_mul(c),
            1 => (a as i32 as i64).wrapping_mul(c as i32 as i64) as u64,
            5 => (a as u32 as u64).wrapping_mul(c as u32 as u64),
            2 => {
                g.w(rd, ((a as i64 as i128 * c as i64 as i128) >> 64) as u64);
                return Ok(Flow::Next);
            }
            6 => {
                g.w(rd, ((a as u128 * c as u128) >> 64) as u64);
                return Ok(Flow::Next);
            }
            _ => panic!("mul {w:#x}"),
        };
        let r = if sub { d.wrapping_sub(p) } else { d.wrapping_add(p) };
        g.w(rd, tr(r));
        return Ok(Flow::Next);
    }
    // loads and stores
    let vec = b(26, 26) == 1;
    if w >> 27 & 7 == 5 && b(25, 25) == 0 {
        // pairs
        let load = b(22, 22) == 1;
        let opc = b(31, 30);
        let sz = if vec { 4u32 << opc } else { if opc == 2 { 8 } else { 4 } };
        let off = sext(b(21, 15) as u64, 7).wrapping_mul(sz as u64);
        let base = g.rsp(rn);
        let mode = b(24, 23);
        let a = if mode == 1 { base } else { base.wrapping_add(off) };
        let rt2 = b(14, 10);
        if load {
            let x = m.load(a, sz, Order::Plain)?;
            let y = m.load(a.wrapping_add(sz as u64), sz, Order::Plain)?;
            if vec {
                g.v[rd as usize] = x;
                g.v[rt2 as usize] = y
            } else {
                let e = |v: u128| if opc == 1 { v as i32 as u64 } else { v as u64 };
                g.w(rd, e(x));
                g.w(rt2, e(y))
            }
        } else {
            let (x, y) = if vec {
                (g.v[rd as usize], g.v[rt2 as usize])
            } else {
                (g.r(rd) as u128, g.r(rt2) as u128)
            };
            m.store(a, sz, x, Order::Plain)?;
            m.store(a.wrapping_add(sz as u64), sz, y, Order::Plain)?;
        }
        if mode == 1 || mode == 3 {
            g.wsp(rn, base.wrapping_add(off))
        }
        return Ok(Flow::Next);
    }
    if w >> 27 & 7 == 3 && b(25, 24) == 0 && !vec || w >> 27 & 7 == 3 && vec && b(25, 24) == 0 {
        // literal
        let a = pc.wrapping_add(sext(b(23, 5) as u64, 19) << 2);
        if vec {
            g.v[rd as usize] = m.load(a, 4 << b(31, 30), Order::Plain)?
        } else {
            let r = m.load(a, if b(31, 30) == 1 { 8 } else { 4 }, Order::Plain)?;
            g.w(rd, if b(31, 30) == 2 { r as i32 as u64 } else { r as u64 })
        }
        return Ok(Flow::Next);
    }
    if w >> 27 & 7 == 7 && b(25, 25) == 0 {
        let size = b(31, 30);
        let opc = b(23, 22);
        let sz = if vec {
            if opc & 2 == 2 { 16 } else { 1 << size }
        } else {
            1u32 << size
        };
        let base = g.rsp(rn);
        let mut wb = None;
        let a = if b(24, 24) == 1 {
            base.wrapping_add(b(21, 10) as u64 * sz as u64)
        } else if b(21, 21) == 1 {
            if b(11, 10) != 2 {
                panic!("lse {w:#x}")
            }
            let v = g.r(rm);
            let v = match b(15, 13) {
                2 => v & 0xffff_ffff,
                6 => v as i32 as u64,
                _ => v,
            };
            base.wrapping_add(if b(12, 12) == 1 { v * sz as u64 } else { v })
        } else {
            let o = sext(b(20, 12) as u64, 9);
            match b(11, 10) {
                0 | 2 => base.wrapping_add(o),
                1 => {
                    wb = Some(base.wrapping_add(o));
                    base
                }
                _ => {
                    wb = Some(base.wrapping_add(o));
                    base.wrapping_add(o)
                }
            }
        };
        if vec {
            if opc & 1 == 1 {
                g.v[rd as usize] = m.load(a, sz, Order::Plain)?
            } else {
                m.store(a, sz, g.v[rd as usize], Order::Plain)?
            }
        } else {
            match opc {
                0 => {
                    let v = g.r(rd);
                    m.store(
                        a,
                        sz,
                        v as u128 & if sz == 16 { u128::MAX } else { (1u128 << (8 * sz)) - 1 },
                        Order::Plain,
                    )?
                }
                1 => {
                    let v = m.load(a, sz, Order::Plain)?;
                    g.w(rd, v as u64)
                }
                _ if size == 3 => {}
                k => {
                    let v = sext(m.load(a, sz, Order::Plain)? as u64, 8 * sz);
                    g.w(rd, if k == 3 { v & 0xffff_ffff } else { v })
                }
            }
        }
        if let Some(v) = wb {
            g.wsp(rn, v)
        }
        return Ok(Flow::Next);
    }
    if w >> 24 & 63 == 8 {
        let sz = 1u32 << b(31, 30);
        let a = g.rsp(rn);
        let (o2, l, o1, o0) = (b(23, 23), b(22, 22), b(21, 21), b(15, 15));
        if o1 == 1 {
            panic!("pair excl {w:#x}")
        }
        match (o2, l) {
            (1, 1) => {
                let v = m.load(a, sz, Order::Acquire)?;
                g.w(rd, v as u64)
            }
            (1, 0) => m.store(a, sz, g.r(rd) as u128, Order::Release)?,
            (0, 1) => {
                let v = m.load(
                    a,
                    sz,
                    if o0 == 1 {
                        Order::AcquireExclusive
                    } else {
                        Order::Exclusive
                    },
                )?;
                g.w(rd, v as u64)
            }
            _ => {
                let f = m.store_exclusive(
                    a,
                    sz,
                    g.r(rd) as u128,
                    if o0 == 1 {
                        Order::ReleaseExclusive
                    } else {
                        Order::Exclusive
                    },
                )?;
                g.w(rm, f as u64)
            }
        }
        return Ok(Flow::Next);
    }
    // simd subset
    let q = b(30, 30) == 1;
    let vd = rd as usize;
    let vn = rn as usize;
    let vm = rm as usize;
    if w & 0x9ff80400 == 0x0f000400 {
        let imm = (b(18, 16) << 5 | b(9, 5)) as u64;
        let cmode = b(15, 12);
        let op = b(29, 29);
        let rep32 = |v: u64| v << 32 | v;
        let rep16 = |v: u64| {
            let v = v << 16 | v;
            v << 32 | v
        };
        let v = match cmode {
            0 | 2 | 4 | 6 => rep32(imm << (8 * (cmode >> 1))),
            8 | 10 => rep16(imm << (8 * ((cmode - 8) >> 1))),
            12 => rep32(imm << 8 | 0xff),
            13 => rep32(imm << 16 | 0xffff),
            14 if op == 0 => imm * 0x0101010101010101,
            14 => (0..8).fold(0, |a, k| if imm >> k & 1 == 1 { a | 0xff << (8 * k) } else { a }),
            _ => panic!("movi {w:#x}"),
        };
        let v = if op == 1 && cmode < 14 { !v } else { v };
        let full = if q { (v as u128) << 64 | v as u128 } else { v as u128 };
        g.v[vd] = full;
        return Ok(Flow::Next);
    }
    match w & 0xfffffc00 {
        0x9e660000 => {
            g.w(rd, g.v[vn] as u64);
            return Ok(Flow::Next);
        }
        0x9e670000 => {
            g.v[vd] = g.r(rn) as u128;
            return Ok(Flow::Next);
        }
        0x1e260000 => {
            g.w(rd, g.v[vn] as u32 as u64);
            return Ok(Flow::Next);
        }
        0x1e270000 => {
            g.v[vd] = g.r(rn) as u32 as u128;
            return Ok(Flow::Next);
        }
        _ => {}
    }
    let lanes = |v: u128, e: u32| -> Vec<u64> {
        (0..128 / e)
            .map(|k| (v >> (k * e)) as u64 & if e == 64 { u64::MAX } else { (1 << e) - 1 })
            .collect()
    };
    let pack = |v: &[u64], e: u32| -> u128 {
        v.iter().enumerate().fold(0u128, |a, (k, &x)| {
            a | ((x & if e == 64 { u64::MAX } else { (1 << e) - 1 }) as u128) << (k as u32 * e)
        })
    };
    let lo = |v: u128| if q { v } else { v & u64::MAX as u128 };
    let e = 8u32 << b(23, 22);
    let u = b(29, 29) == 1;
    if w & 0x9f200400 == 0x0e200400 {
        // three same
        let op = b(15, 11);
        let (x, y) = (lo(g.v[vn]), lo(g.v[vm]));
        let r = match op {
            3 => match (u, b(23, 22)) {
                (false, 0) => x & y,
                (false, 1) => x & !y,
                (false, 2) => x | y,
                (false, _) => x | !y,
                (true, 0) => x ^ y,
                (true, 1) => {
                    let d = g.v[vd];
                    (d & x) | (!d & y)
                }
                (true, 2) => {
                    let d = g.v[vd];
                    (d & !y) | (x & y)
                }
                (true, _) => {
                    let d = g.v[vd];
                    (d & y) | (x & !y)
                }
            },
            _ => {
                let (a, c) = (lanes(x, e), lanes(y, e));
                let s = |v: u64| sext(v, e) as i64;
                let all = u64::MAX;
                if op == 0x17 && !u {
                    let mut cc: Vec<u64> = Vec::new();
                    let n = if q { a.len() } else { a.len() / 2 };
                    for k in (0..n).step_by(2) {
                        cc.push(a[k].wrapping_add(a[k + 1]))
                    }
                    for k in (0..n).step_by(2) {
                        cc.push(c[k].wrapping_add(c[k + 1]))
                    }
                    pack(&cc, e)
                } else if op == 0x14 && u {
                    let mut cc: Vec<u64> = Vec::new();
                    let n = if q { a.len() } else { a.len() / 2 };
                    for k in (0..n).step_by(2) {
                        cc.push(a[k].max(a[k + 1]))
                    }
                    for k in (0..n).step_by(2) {
                        cc.push(c[k].max(c[k + 1]))
                    }
                    pack(&cc, e)
                } else {
                    pack(
                        &a.iter()
                            .zip(&c)
                            .map(|(&p, &z)| match (op, u) {
                                (0x10, false) => p.wrapping_add(z),
                                (0x10, true) => p.wrapping_sub(z),
                                (0x11, true) => {
                                    if p == z {
                                        all
                                    } else {
                                        0
                                    }
                                }
                                (0x11, false) => {
                                    if p & z != 0 {
                                        all
                                    } else {
                                        0
                                    }
                                }
                                (6, true) => {
                                    if p > z {
                                        all
                                    } else {
                                        0
                                    }
                                }
                                (7, true) => {
                                    if p >= z {
                                        all
                                    } else {
                                        0
                                    }
                                }
                                (6, false) => {
                                    if s(p) > s(z) {
                                        all
                                    } else {
                                        0
                                    }
                                }
                                (7, false) => {
                                    if s(p) >= s(z) {
                                        all
                                    } else {
                                        0
                                    }
                                }
                                (0xc, true) => p.max(z),
                                (0xd, true) => p.min(z),
                                (0xc, false) => {
                                    if s(p) > s(z) {
                                        p
                                    } else {
                                        z
                                    }
                                }
                                (0xd, false) => {
                                    if s(p) < s(z) {
                                        p
                                    } else {
                                        z
                                    }
                                }
                                (8, true) => {
                                    let k = z as u8 as i8;
                                    if k >= 0 {
                                        if (k as u32) < e { p << k } else { 0 }
                                    } else if ((-k) as u32) < e {
                                        p >> -k
                                    } else {
                                        0
                                    }
                                }
                                (8, false) => {
                                    let k = z as u8 as i8;
                                    if k >= 0 {
                                        if (k as u32) < e { p << k } else { 0 }
                                    } else {
                                        (s(p) >> ((-k) as u32).min(63)) as u64
                                    }
                                }
                                (0x13, false) => p.wrapping_mul(z),
                                (0x12, false) => panic!("mla"),
                                _ => panic!("3same {w:#x} at {pc:#x}"),
                            })
                            .collect::<Vec<_>>(),
                        e,
                    )
                }
            }
        };
        g.v[vd] = lo(r);
        return Ok(Flow::Next);
    }
    if w & 0x9f3e0c00 == 0x0e200800 {
        let op = b(16, 12);
        let x = lo(g.v[vn]);
        let r = match (op, u) {
            (0, false) => {
                let a = lanes(x, e);
                let n = (64 / e) as usize;
                pack(
                    &(0..a.len()).map(|k| a[k / n * n + n - 1 - k % n]).collect::<Vec<_>>(),
                    e,
                )
            }
            (0, true) => {
                let a = lanes(x, e);
                let n = (32 / e) as usize;
                pack(
                    &(0..a.len()).map(|k| a[k / n * n + n - 1 - k % n]).collect::<Vec<_>>(),
                    e,
                )
            }
            (1, false) => {
                let a = lanes(x, 8);
                pack(&(0..a.len()).map(|k| a[k ^ 1]).collect::<Vec<_>>(), 8)
            }
            (5, true) => {
                if b(22, 22) == 0 {
                    !x
                } else {
                    panic!("rbit v")
                }
            }
            (5, false) => pack(
                &lanes(x, 8).iter().map(|v| v.count_ones() as u64).collect::<Vec<_>>(),
                8,
            ),
            (9, false) => pack(
                &lanes(x, e)
                    .iter()
                    .map(|&v| if v == 0 { u64::MAX } else { 0 })
                    .collect::<Vec<_>>(),
                e,
            ),
            (8, false) => pack(
                &lanes(x, e)
                    .iter()
                    .map(|&v| if sext(v, e) as i64 > 0 { u64::MAX } else { 0 })
                    .collect::<Vec<_>>(),
                e,
            ),
            (10, false) => pack(
                &lanes(x, e)
                    .iter()
                    .map(|&v| if (sext(v, e) as i64) < 0 { u64::MAX } else { 0 })
                    .collect::<Vec<_>>(),
                e,
            ),
            (0x12, false) => {
                let a = lanes(g.v[vn], 2 * e);
                let n = pack(&a, e);
                if q { g.v[vd] & u64::MAX as u128 | n << 64 } else { n }
            }
            (0xb, true) => pack(&lanes(x, e).iter().map(|v| v.wrapping_neg()).collect::<Vec<_>>(), e),
            (0xb, false) => pack(
                &lanes(x, e)
                    .iter()
                    .map(|&v| (sext(v, e) as i64).unsigned_abs())
                    .collect::<Vec<_>>(),
                e,
            ),
            _ => panic!("2misc {w:#x} at {pc:#x}"),
        };
        g.v[vd] = lo(r);
        return Ok(Flow::Next);
    }
    if w & 0x9f3e0c00 == 0x0e300800 {
        let op = b(16, 12);
        let x = lo(g.v[vn]);
        let a = lanes(x, e);
        let n = if q { a.len() } else { a.len() / 2 };
        let a = &a[..n];
        let r = match (op, u) {
            (0x1b, false) => a.iter().fold(0u64, |s, v| s.wrapping_add(*v)),
            (0xa, true) => *a.iter().max().unwrap(),
            (0x1a, true) => *a.iter().min().unwrap(),
            (3, true) => {
                let s: u64 = a.iter().sum();
                g.v[vd] = s as u128 & ((1u128 << (2 * e)) - 1);
                return Ok(Flow::Next);
            }
            _ => panic!("across {w:#x} at {pc:#x}"),
        };
        g.v[vd] = pack(&[r], e);
        return Ok(Flow::Next);
    }
    if w & 0x9fe0fc00 == 0x0e000c00 {
        let i5 = b(20, 16);
        let e = 8 << i5.trailing_zeros();
        let v = g.r(rn);
        let n = if q { 128 } else { 64 } / e;
        g.v[vd] = pack(&vec![v; n as usize], e);
        return Ok(Flow::Next);
    }
    if w & 0x9fe0fc00 == 0x0e000400 {
        let i5 = b(20, 16);
        let k = i5.trailing_zeros();
        let e = 8 << k;
        let v = lanes(g.v[vn], e)[(i5 >> (k + 1)) as usize];
        let n = if q { 128 } else { 64 } / e;
        g.v[vd] = pack(&vec![v; n as usize], e);
        return Ok(Flow::Next);
    }
    if w & 0xffe0fc00 == 0x5e000400 {
        let i5 = b(20, 16);
        let k = i5.trailing_zeros();
        let e = 8 << k;
        g.v[vd] = lanes(g.v[vn], e)[(i5 >> (k + 1)) as usize] as u128;
        return Ok(Flow::Next);
    }
    if w & 0x9fe0fc00 == 0x0e003c00 {
        let i5 = b(20, 16);
        let k = i5.trailing_zeros();
        let e = 8 << k;
        g.w(rd, lanes(g.v[vn], e)[(i5 >> (k + 1)) as usize]);
        return Ok(Flow::Next);
    }
    if w & 0x9fe0fc00 == 0x0e002c00 {
        let i5 = b(20, 16);
        let k = i5.trailing_zeros();
        let e = 8 << k;
        let v = sext(lanes(g.v[vn], e)[(i5 >> (k + 1)) as usize], e);
        g.w(rd, if q { v } else { v & 0xffff_ffff });
        return Ok(Flow::Next);
    }
    if w & 0xffe0fc00 == 0x4e001c00 {
        let i5 = b(20, 16);
        let k = i5.trailing_zeros();
        let e = 8 << k;
        let mut a = lanes(g.v[vd], e);
        a[(i5 >> (k + 1)) as usize] = g.r(rn);
        g.v[vd] = pack(&a, e);
        return Ok(Flow::Next);
    }
    if w & 0xffe08400 == 0x6e000400 {
        let i5 = b(20, 16);
        let k = i5.trailing_zeros();
        let e = 8 << k;
        let mut a = lanes(g.v[vd], e);
        a[(i5 >> (k + 1)) as usize] = lanes(g.v[vn], e)[(b(14, 11) >> k) as usize];
        g.v[vd] = pack(&a, e);
        return Ok(Flow::Next);
    }
    if w & 0xbfe08400 == 0x2e000000 {
        let k = b(14, 11) * 8;
        let (x, y) = (lo(g.v[vn]), lo(g.v[vm]));
        let n = if q { 128 } else { 64 };
        let r = if k == 0 { x } else { x >> k | y << (n - k) };
        g.v[vd] = lo(r);
        return Ok(Flow::Next);
    }
    if w & 0xbf208c00 == 0x0e000800 {
        let (x, y) = (lanes(g.v[vn], e), lanes(g.v[vm], e));
        let n = (if q { 128 } else { 64 } / e) as usize;
        let part = b(14, 14) as usize;
        let r: Vec<u64> = match b(13, 12) {
            3 => (0..n)
                .map(|k| {
                    let j = part * n / 2 + k / 2;
                    if k % 2 == 0 { x[j] } else { y[j] }
                })
                .collect(),
            1 => (0..n)
                .map(|k| {
                    let j = 2 * k + part;
                    if j < n { x[j] } else { y[j - n] }
                })
                .collect(),
            2 => (0..n)
                .map(|k| if k % 2 == 0 { x[k + part] } else { y[k - 1 + part] })
                .collect(),
            _ => panic!("perm {w:#x}"),
        };
        g.v[vd] = pack(&r, e);
        return Ok(Flow::Next);
    }
    if w & 0x9f800400 == 0x0f000400 {
        let immh = b(22, 19);
        let k = 31 - immh.leading_zeros();
        let e = 8u32 << k;
        let imm = b(22, 16);
        let op = b(15, 11);
        let x = lo(g.v[vn]);
        let r = match (op, u) {
            (0, _) => pack(
                &lanes(x, e)
                    .iter()
                    .map(|&v| {
                        let s = 2 * e - imm;
                        if u {
                            if s >= 64 { 0 } else { v >> s }
                        } else {
                            ((sext(v, e) as i64) >> s.min(63)) as u64
                        }
                    })
                    .collect::<Vec<_>>(),
                e,
            ),
            (0xa, false) => pack(&lanes(x, e).iter().map(|&v| v << (imm - e)).collect::<Vec<_>>(), e),
            (0x14, _) => {
                let s = imm - e;
                let a = lanes(g.v[vn], e);
                let h = a.len() / 2;
                let a = if q { &a[h..] } else { &a[..h] };
                g.v[vd] = pack(
                    &a.iter()
                        .map(|&v| (if u { v } else { sext(v, e) }) << s)
                        .collect::<Vec<_>>(),
                    2 * e,
                );
                return Ok(Flow::Next);
            }
            (0x10, false) => {
                let s = 2 * e - imm;
                let a = lanes(g.v[vn], 2 * e);
                let n = pack(&a.iter().map(|&v| v >> s).collect::<Vec<_>>(), e);
                g.v[vd] = if q { g.v[vd] & u64::MAX as u128 | n << 64 } else { n };
                return Ok(Flow::Next);
            }
            (2, _) => pack(
                &lanes(x, e)
                    .iter()
                    .zip(lanes(g.v[vd], e))
                    .map(|(&v, d)| {
                        let s = 2 * e - imm;
                        d.wrapping_add(if u { v >> s } else { (sext(v, e) as i64 >> s) as u64 })
                    })
                    .collect::<Vec<_>>(),
                e,
            ),
            (0xa, true) => pack(
                &lanes(x, e)
                    .iter()
                    .zip(lanes(g.v[vd], e))
                    .map(|(&v, d)| {
                        let s = imm - e;
                        v << s | d & ((1 << s) - 1)
                    })
                    .collect::<Vec<_>>(),
                e,
            ),
            _ => panic!("shimm {w:#x} at {pc:#x}"),
        };
        g.v[vd] = lo(r);
        return Ok(Flow::Next);
    }
    if w & 0xff800400 == 0x5f000400 || w & 0xff800400 == 0x7f000400 {
        let imm = b(22, 16);
        let x = g.v[vn] as u64;
        g.v[vd] = (match (b(15, 11), u) {
            (0, true) => x >> (128 - imm).min(63),
            (0xa, false) => x << (imm - 64),
            _ => panic!("sshimm {w:#x}"),
        }) as u128;
        return Ok(Flow::Next);
    }
    if w & 0xbfbf0000 == 0x0c000000 || w & 0xbfa00000 == 0x0c800000 {
        let (n, il) = match b(15, 12) {
            7 => (1, 1),
            10 => (2, 1),
            6 => (3, 1),
            2 => (4, 1),
            0 => (4, 4),
            4 => (3, 3),
            8 => (2, 2),
            _ => panic!("ld {w:#x}"),
        };
        let load = b(22, 22) == 1;
        let es = 1u32 << b(11, 10);
        let bytes = if q { 16 } else { 8 };
        let base = g.rsp(rn);
        let mut a = base;
        if il == 1 {
            for k in 0..n {
                let r = ((rd + k) % 32) as usize;
                if load {
                    g.v[r] = m.load(a, bytes, Order::Plain)?
                } else {
                    m.store(a, bytes, lo(g.v[r]), Order::Plain)?
                }
                a += bytes as u64
            }
        } else {
            if load {
                for k in 0..n {
                    g.v[((rd + k) % 32) as usize] = 0
                }
            }
            for j in 0..bytes / es {
                for k in 0..n {
                    let r = ((rd + k) % 32) as usize;
                    if load {
                        g.v[r] |= m.load(a, es, Order::Plain)? << (j * es * 8)
                    } else {
                        m.store(a, es, lanes(g.v[r], es * 8)[j as usize] as u128, Order::Plain)?
                    }
                    a += es as u64
                }
            }
        }
        if b(23, 23) == 1 {
            g.wsp(rn, if rm == 31 { a } else { base.wrapping_add(g.r(rm)) })
        }
        return Ok(Flow::Next);
    }
    if w & 0xbf9f0000 == 0x0d000000 || w & 0xbf800000 == 0x0d800000 {
        let load = b(22, 22) == 1;
        let base = g.rsp(rn);
        let opc = b(15, 13);
        let (es, idx) = match opc {
            0 => (1, b(30, 30) << 3 | b(12, 10)),
            2 => (2, b(30, 30) << 2 | b(12, 11)),
            4 if b(10, 10) == 0 => (4, b(30, 30) << 1 | b(12, 12)),
            4 => (8, b(30, 30)),
            6 => {
                let es = 1u32 << b(11, 10);
                let v = m.load(base, es, Order::Plain)? as u64;
                g.v[vd] = pack(&vec![v; ((if q { 16 } else { 8 }) / es) as usize], es * 8);
                if b(23, 23) == 1 {
                    g.wsp(
                        rn,
                        if rm == 31 {
                            base + es as u64
                        } else {
                            base.wrapping_add(g.r(rm))
                        },
                    )
                }
                return Ok(Flow::Next);
            }
            _ => panic!("ld1s {w:#x}"),
        };
        let mut a = lanes(g.v[vd], es * 8);
        if load {
            a[idx as usize] = m.load(base, es, Order::Plain)? as u64;
            g.v[vd] = pack(&a, es * 8)
        } else {
            m.store(base, es, a[idx as usize] as u128, Order::Plain)?
        }
        if b(23, 23) == 1 {
            g.wsp(
                rn,
                if rm == 31 {
                    base + es as u64
                } else {
                    base.wrapping_add(g.r(rm))
                },
            )
        }
        return Ok(Flow::Next);
    }
    if w & 0x9f200c00 == 0x0e200000 {
        let op = b(15, 12);
        let a = lanes(g.v[vn], e);
        let c = lanes(g.v[vm], e);
        let h = a.len() / 2;
        let o = if q { h } else { 0 };
        let x = |v: u64| if u { v } else { sext(v, e) };
        let r: Vec<u64> = (0..h)
            .map(|k| match op {
                0xc => x(a[o + k]).wrapping_mul(x(c[o + k])),
                0 => x(a[o + k]).wrapping_add(x(c[o + k])),
                8 => lanes(g.v[vd], 2 * e)[k].wrapping_add(x(a[o + k]).wrapping_mul(x(c[o + k]))),
                _ => panic!("3diff {w:#x} at {pc:#x}"),
            })
            .collect();
        g.v[vd] = pack(&r, 2 * e);
        return Ok(Flow::Next);
    }
    if w & 0xff3ffc00 == 0x5e31b800 {
        let a = g.v[vn];
        g.v[vd] = (a as u64).wrapping_add((a >> 64) as u64) as u128;
        return Ok(Flow::Next);
    }
    panic!("unimplemented {w:#010x} at {pc:#x}")
}
