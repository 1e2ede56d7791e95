//! stub
#![allow(missing_docs, dead_code)]
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
pub enum Instruction {
    System(System),
}
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
pub fn decode(_w: u32) -> Option<Instruction> {
    None
}
pub fn execute<M: Memory>(_r: &mut Registers, _m: &mut M, i: Instruction) -> Result<Flow, M::Fault> {
    match i {
        Instruction::System(s) => Ok(Flow::System(s)),
    }
}
