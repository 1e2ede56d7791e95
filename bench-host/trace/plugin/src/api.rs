// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's plugin interface, versions 2 and newer, as far as it is used: declared here by hand from its documentation.
//!
//! Functions are looked up when the plugin is installed: so it can be loaded into a QEMU that lacks some, and say what is
//! missing.
// UNSAFETY: calls into QEMU through its C interface.
#![expect(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

/// A translation block while it is translated.
#[repr(C)]
pub struct Block {
    _opaque: [u8; 0],
}

/// An instruction while it is translated.
#[repr(C)]
pub struct Instruction {
    _opaque: [u8; 0],
}

/// A handle of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register(*mut c_void);

// SAFETY: a handle is a number in the shape of a pointer; QEMU takes it on the thread of any vCPU.
unsafe impl Send for Register {}
// SAFETY: as above; it is never written through.
unsafe impl Sync for Register {}

#[repr(C)]
struct Bytes {
    data: *mut u8,
    len: c_uint,
}

#[repr(C)]
struct Descriptor {
    handle: *mut c_void,
    name: *const c_char,
    feature: *const c_char,
}

/// What QEMU says about itself.
#[repr(C)]
pub struct Info {
    /// The name of the target.
    pub target: *const c_char,
    /// The oldest interface version that it takes.
    pub oldest: c_int,
    /// Its own.
    pub current: c_int,
    /// It emulates a machine, not a process.
    pub system: bool,
    /// PEs at the start.
    pub pes: c_int,
    /// PEs there can be.
    pub most_pes: c_int,
}

/// A counter for each vCPU that generated code can look at.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    board: *mut c_void,
    offset: usize,
}

// SAFETY: QEMU keeps one value for each vCPU, which only that vCPU's thread sets.
unsafe impl Send for Counter {}
// SAFETY: as above.
unsafe impl Sync for Counter {}

/// Called when a vCPU comes to be.
pub type VcpuCallback = extern "C" fn(u64, c_uint);
/// Called when a block is translated.
pub type BlockCallback = extern "C" fn(u64, *mut Block);
/// Called before an instruction or a block.
pub type ExecCallback = extern "C" fn(c_uint, *mut c_void);
/// Called after an access.
pub type AccessCallback = extern "C" fn(c_uint, u32, u64, *mut c_void);
type When = unsafe extern "C" fn(*mut Block, ExecCallback, c_int, c_int, Counter, u64, *mut c_void);
type WhenInstruction = unsafe extern "C" fn(*mut Instruction, ExecCallback, c_int, c_int, Counter, u64, *mut c_void);
/// Called at the end.
pub type EndCallback = extern "C" fn(u64, *mut c_void);

/// The callback reads registers.
const READS_REGISTERS: c_int = 1;
/// Loads.
pub const LOADS: c_int = 1;
/// Stores.
pub const STORES: c_int = 2;
const NOT_EQUAL: c_int = 3;

macro_rules! functions {
    ($($field:ident: $name:literal = fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of the interface.
        pub struct Api {
            version: c_int,
            $($field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            when: Option<When>,
            when_instruction: Option<WhenInstruction>,
            instruction_data: *mut c_void,
        }

        impl Api {
            /// Looks the functions up.
            ///
            /// # Errors
            ///
            /// The name of a function that this QEMU does not have.
            pub fn find(version: c_int) -> Result<Self, &'static str> {
                Ok(Self {
                    version,
                    $($field: {
                        let found = look_up($name);
                        if found.is_null() {
                            return Err(&$name[..$name.len() - 1]);
                        }
                        // SAFETY: not null, and the interface gives the function of this name this type in every version
                        // from 2 on.
                        unsafe {
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(found)
                        }
                    },)*
                    when: {
                        let found = look_up("qemu_plugin_register_vcpu_tb_exec_cond_cb\0");
                        // SAFETY: null is `None`; from version 3 on the function has this type.
                        unsafe { std::mem::transmute::<*mut c_void, Option<When>>(found) }
                    },
                    when_instruction: {
                        let found = look_up("qemu_plugin_register_vcpu_insn_exec_cond_cb\0");
                        // SAFETY: null is `None`; from version 3 on the function has this type.
                        unsafe { std::mem::transmute::<*mut c_void, Option<WhenInstruction>>(found) }
                    },
                    instruction_data: look_up("qemu_plugin_insn_data\0"),
                })
            }
        }
    };
}

functions! {
    on_vcpu: "qemu_plugin_register_vcpu_init_cb\0" = fn(u64, VcpuCallback);
    on_block: "qemu_plugin_register_vcpu_tb_trans_cb\0" = fn(u64, BlockCallback);
    on_end: "qemu_plugin_register_atexit_cb\0" = fn(u64, EndCallback, *mut c_void);
    block_length: "qemu_plugin_tb_n_insns\0" = fn(*const Block) -> usize;
    block_instruction: "qemu_plugin_tb_get_insn\0" = fn(*const Block, usize) -> *mut Instruction;
    block_exec: "qemu_plugin_register_vcpu_tb_exec_cb\0" = fn(*mut Block, ExecCallback, c_int, *mut c_void);
    instruction_address: "qemu_plugin_insn_vaddr\0" = fn(*const Instruction) -> u64;
    instruction_exec: "qemu_plugin_register_vcpu_insn_exec_cb\0"
        = fn(*mut Instruction, ExecCallback, c_int, *mut c_void);
    instruction_access: "qemu_plugin_register_vcpu_mem_cb\0"
        = fn(*mut Instruction, AccessCallback, c_int, c_int, *mut c_void);
    access_size: "qemu_plugin_mem_size_shift\0" = fn(u32) -> c_uint;
    hardware_address: "qemu_plugin_get_hwaddr\0" = fn(u32, u64) -> *mut c_void;
    is_device: "qemu_plugin_hwaddr_is_io\0" = fn(*const c_void) -> bool;
    physical_address: "qemu_plugin_hwaddr_phys_addr\0" = fn(*const c_void) -> u64;
    registers: "qemu_plugin_get_registers\0" = fn() -> *mut Bytes;
    read_register: "qemu_plugin_read_register\0" = fn(*mut c_void, *mut Bytes) -> c_int;
    scoreboard: "qemu_plugin_scoreboard_new\0" = fn(usize) -> *mut c_void;
    set_counter: "qemu_plugin_u64_set\0" = fn(Counter, c_uint, u64);
    new_bytes: "g_byte_array_new\0" = fn() -> *mut Bytes;
    size_bytes: "g_byte_array_set_size\0" = fn(*mut Bytes, c_uint) -> *mut Bytes;
    free_array: "g_array_free\0" = fn(*mut Bytes, c_int) -> *mut c_char;
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// Returns a function of the program that loaded us; null where it has none of the name, which ends in a zero byte.
fn look_up(name: &str) -> *mut c_void {
    // SAFETY: null is the default search order, and the name ends in a zero byte: every caller here writes it.
    unsafe { dlsym(ptr::null_mut(), name.as_ptr().cast()) }
}

// SAFETY: functions of QEMU that it lets any vCPU's thread call from a callback.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

impl Api {
    /// Asks to be called for each vCPU.
    pub fn call_for_vcpus(&self, id: u64, callback: VcpuCallback) {
        // SAFETY: `id` is what QEMU gave us when it installed the plugin, and the callback lives as long as the code.
        unsafe { (self.on_vcpu)(id, callback) }
    }

    /// Asks to be called for each translated block.
    pub fn call_for_blocks(&self, id: u64, callback: BlockCallback) {
        // SAFETY: as in `call_for_vcpus`.
        unsafe { (self.on_block)(id, callback) }
    }

    /// Asks to be called at the end.
    pub fn call_at_end(&self, id: u64, callback: EndCallback) {
        // SAFETY: as in `call_for_vcpus`; the callback does not look at its argument.
        unsafe { (self.on_end)(id, callback, ptr::null_mut()) }
    }

    /// Returns the instructions of a block that is being translated.
    pub fn instructions(&self, block: *mut Block) -> impl Iterator<Item = *mut Instruction> {
        // SAFETY: the caller has the block from the translation callback it is in.
        let length = unsafe { (self.block_length)(block) };
        // SAFETY: as above, and the number is below the length.
        (0..length).map(move |number| unsafe { (self.block_instruction)(block, number) })
    }

    /// Returns an instruction's address and word.
    pub fn word(&self, instruction: *mut Instruction) -> (u64, u32) {
        let mut bytes = [0; 4];
        // SAFETY: the caller has the instruction from the translation callback it is in.
        let address = unsafe { (self.instruction_address)(instruction) };
        if self.version >= 3 {
            type Copied = unsafe extern "C" fn(*const Instruction, *mut u8, usize) -> usize;
            // SAFETY: from version 3 on the function copies into a buffer of the caller, and has this type.
            let copy: Copied = unsafe { std::mem::transmute(self.instruction_data) };
            // SAFETY: the buffer has the length that is passed.
            unsafe { copy(instruction, bytes.as_mut_ptr(), bytes.len()) };
        } else {
            type Pointed = unsafe extern "C" fn(*const Instruction) -> *const u8;
            // SAFETY: in version 2 the function returns a pointer to the instruction's bytes.
            let point: Pointed = unsafe { std::mem::transmute(self.instruction_data) };
            // SAFETY: an instruction of A64 has four bytes.
            bytes.copy_from_slice(unsafe { std::slice::from_raw_parts(point(instruction), 4) });
        }
        (address, u32::from_le_bytes(bytes))
    }

    /// Asks to be called before an instruction; `registers` is whether the callback reads any, which costs.
    pub fn call_before(&self, instruction: *mut Instruction, callback: ExecCallback, registers: bool, data: usize) {
        let flags = if registers { READS_REGISTERS } else { 0 };
        // SAFETY: the instruction is being translated; the data is a number, or points to what is never freed.
        unsafe { (self.instruction_exec)(instruction, callback, flags, data as *mut c_void) }
    }

    /// Asks to be called after accesses of an instruction.
    pub fn call_after_access(&self, instruction: *mut Instruction, callback: AccessCallback, kind: c_int, data: u64) {
        // SAFETY: as in `call_before`.
        unsafe { (self.instruction_access)(instruction, callback, 0, kind, data as usize as *mut c_void) }
    }

    /// Asks to be called before a block while a counter is not zero; or always, where QEMU cannot look at counters.
    pub fn call_while(&self, block: *mut Block, callback: ExecCallback, counter: Counter, data: u64) {
        let data = data as usize as *mut c_void;
        match self.when {
            // SAFETY: as in `call_before`; the counter is of this QEMU.
            Some(when) => unsafe { when(block, callback, 0, NOT_EQUAL, counter, 0, data) },
            // SAFETY: as in `call_before`.
            None => unsafe { (self.block_exec)(block, callback, 0, data) },
        }
    }

    /// Returns whether QEMU can look at counters before an instruction.
    pub fn has_conditions(&self) -> bool {
        self.when_instruction.is_some()
    }

    /// Asks to be called before an instruction while a counter is not zero, with registers to be read.
    pub fn call_before_while(
        &self,
        instruction: *mut Instruction,
        callback: ExecCallback,
        counter: Counter,
        data: usize,
    ) {
        if let Some(when) = self.when_instruction {
            let data = data as *mut c_void;
            // SAFETY: as in `call_before`; the counter is of this QEMU.
            unsafe { when(instruction, callback, READS_REGISTERS, NOT_EQUAL, counter, 0, data) }
        }
    }

    /// Makes a counter for each vCPU, zero at first.
    pub fn counter(&self) -> Counter {
        Counter {
            // SAFETY: any size is taken; the board is never freed.
            board: unsafe { (self.scoreboard)(8) },
            offset: 0,
        }
    }

    /// Sets the counter of a vCPU.
    pub fn set(&self, counter: Counter, vcpu: u32, value: u64) {
        // SAFETY: the counter is of this QEMU, and the vCPU is the one that calls.
        unsafe { (self.set_counter)(counter, vcpu, value) }
    }

    /// Returns where an access of the callback it is called in went, and its size; `None` for a device.
    pub fn access(&self, info: u32, address: u64) -> Option<(u64, u64)> {
        // SAFETY: `info` and `address` are those of the callback, as the caller promises.
        let hardware = unsafe { (self.hardware_address)(info, address) };
        // SAFETY: not null, and valid during the callback.
        if hardware.is_null() || unsafe { (self.is_device)(hardware) } {
            return None;
        }
        // SAFETY: as above.
        let physical = unsafe { (self.physical_address)(hardware) };
        // SAFETY: `info` is that of the callback.
        Some((physical, 1 << unsafe { (self.access_size)(info) }.min(7)))
    }

    /// Returns the registers of the vCPU whose initialization callback this is called in, by name.
    pub fn register_list(&self) -> Vec<(String, Register)> {
        // SAFETY: called in the callback of a vCPU.
        let list = unsafe { (self.registers)() };
        if list.is_null() {
            return Vec::new();
        }
        // SAFETY: an array of descriptors, whose layout has not changed since version 2.
        let (data, length) = unsafe { ((*list).data.cast::<Descriptor>(), (*list).len as usize) };
        let mut found = Vec::with_capacity(length);
        for number in 0..length {
            // SAFETY: below the length; the names are strings of QEMU that stay.
            let (name, handle) = unsafe {
                let descriptor = &*data.add(number);
                (CStr::from_ptr(descriptor.name), descriptor.handle)
            };
            found.push((name.to_string_lossy().into_owned(), Register(handle)));
        }
        // SAFETY: the array is ours to free, with its data.
        unsafe { (self.free_array)(list, 1) };
        found
    }

    /// Reads a register of the vCPU in whose callback this is called; `None` where QEMU does not let us.
    pub fn read(&self, register: Register) -> Option<u64> {
        thread_local! {
            static BUFFER: std::cell::Cell<*mut Bytes> = const { std::cell::Cell::new(ptr::null_mut()) };
        }
        let mut buffer = BUFFER.get();
        if buffer.is_null() {
            // SAFETY: makes an empty array; one for each thread, never freed.
            buffer = unsafe { (self.new_bytes)() };
            BUFFER.set(buffer);
        }
        // SAFETY: the array is this thread's own; after the read it holds `len` bytes at `data`.
        unsafe {
            (self.size_bytes)(buffer, 0);
            (self.read_register)(register.0, buffer);
            let length = ((*buffer).len as usize).min(8);
            let mut bytes = [0; 8];
            if length == 0 {
                return None;
            }
            ptr::copy_nonoverlapping((*buffer).data, bytes.as_mut_ptr(), length);
            Some(u64::from_le_bytes(bytes))
        }
    }
}

/// Reads the arguments that QEMU passes when it installs a plugin.
///
/// # Safety
///
/// `count` strings at `values`, as QEMU passes them.
pub unsafe fn arguments(count: c_int, values: *const *const c_char) -> Vec<String> {
    let one = |number: usize| {
        // SAFETY: the caller promises so many strings.
        let text = unsafe { CStr::from_ptr(*values.add(number)) };
        text.to_string_lossy().into_owned()
    };
    (0..usize::try_from(count).unwrap_or(0)).map(one).collect()
}
