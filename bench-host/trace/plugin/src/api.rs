// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's plugin interface, versions 2 to 7, as far as it is used: declared here by hand from its documentation.
//!
//! Functions are looked up when the plugin is installed: so it can be loaded into a QEMU that lacks some, and say what is
//! missing. Version 3 has conditional callbacks, 5 reads physical memory, and from 7 on (QEMU 11.1) the callbacks of the
//! plugin as a whole take a pointer of ours, which older ones do not have.
// UNSAFETY: calls into QEMU through its C interface.
#![expect(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::OnceLock;

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

/// The version from which on the callbacks of the plugin as a whole take a pointer instead of its number.
pub const WITH_POINTERS: c_int = 7;

/// Counters of a vCPU.
pub const COUNTERS: usize = 24;

/// The counters of each vCPU, which generated code can look at.
#[derive(Debug, Clone, Copy)]
pub struct Board(*mut c_void);

// SAFETY: QEMU keeps values for each vCPU, which only that vCPU's thread sets.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

/// One counter, as QEMU names it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Counter {
    board: *mut c_void,
    offset: usize,
}

/// Called when a vCPU comes to be.
pub type VcpuCallback = fn(c_uint);
/// Called when a block is translated.
pub type BlockCallback = fn(*mut Block);
/// Called before an instruction or a block.
pub type ExecCallback = extern "C" fn(c_uint, *mut c_void);
/// Called after an access.
pub type AccessCallback = extern "C" fn(c_uint, u32, u64, *mut c_void);
type When = unsafe extern "C" fn(*mut Block, ExecCallback, c_int, c_int, Counter, u64, *mut c_void);
type WhenInstruction = unsafe extern "C" fn(*mut Instruction, ExecCallback, c_int, c_int, Counter, u64, *mut c_void);
type ReadPhysical = unsafe extern "C" fn(u64, *mut Bytes, usize) -> c_int;
/// Called at the end.
pub type EndCallback = fn();

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
            read_physical: Option<ReadPhysical>,
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
                    read_physical: {
                        let found = look_up("qemu_plugin_read_memory_hwaddr\0");
                        // SAFETY: null is `None`; from version 5 on the function has this type.
                        unsafe { std::mem::transmute::<*mut c_void, Option<ReadPhysical>>(found) }
                    },
                    instruction_data: look_up("qemu_plugin_insn_data\0"),
                })
            }
        }
    };
}

functions! {
    on_vcpu: "qemu_plugin_register_vcpu_init_cb\0" = fn(u64, *const c_void, *mut c_void);
    on_block: "qemu_plugin_register_vcpu_tb_trans_cb\0" = fn(u64, *const c_void, *mut c_void);
    on_end: "qemu_plugin_register_atexit_cb\0" = fn(u64, *const c_void, *mut c_void);
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
    find_counters: "qemu_plugin_scoreboard_find\0" = fn(*mut c_void, c_uint) -> *mut c_void;
    new_bytes: "g_byte_array_new\0" = fn() -> *mut Bytes;
    size_bytes: "g_byte_array_set_size\0" = fn(*mut Bytes, c_uint) -> *mut Bytes;
    element_size: "g_array_get_element_size\0" = fn(*mut Bytes) -> c_uint;
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
    /// Asks to be called for each vCPU, for each translated block, and at the end.
    ///
    /// The three are those of the plugin as a whole, whose form depends on the version of the interface.
    pub fn call_for(&self, id: u64, vcpu: VcpuCallback, block: BlockCallback, end: EndCallback) {
        // The first install wins, and there is one only.
        let _ = WHOLE.set((vcpu, block, end));
        let (vcpu, block, end) = if self.version >= WITH_POINTERS {
            (
                vcpu_with_pointer as *const c_void,
                block_with_pointer as *const c_void,
                end_with_pointer as *const c_void,
            )
        } else {
            (
                vcpu_with_number as *const c_void,
                block_with_number as *const c_void,
                end_with_number as *const c_void,
            )
        };
        // SAFETY: `id` is what QEMU gave us when it installed the plugin; the callbacks have the types that this version
        // of the interface calls, live as long as the code, and look at no pointer of ours. Older versions take two
        // arguments where we pass three, which a C function does not see.
        unsafe {
            (self.on_vcpu)(id, vcpu, ptr::null_mut());
            (self.on_block)(id, block, ptr::null_mut());
            (self.on_end)(id, end, ptr::null_mut());
        }
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
    pub fn call_while(&self, block: *mut Block, callback: ExecCallback, board: Board, counter: usize, data: u64) {
        let data = data as usize as *mut c_void;
        let counter = board.counter(counter);
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

    /// Asks to be called before an instruction while a counter is not zero; or always, where QEMU cannot look at counters.
    pub fn call_before_while(
        &self,
        instruction: *mut Instruction,
        callback: ExecCallback,
        registers: bool,
        (board, counter): (Board, usize),
        data: usize,
    ) {
        let Some(when) = self.when_instruction else {
            self.call_before(instruction, callback, registers, data);
            return;
        };
        let flags = if registers { READS_REGISTERS } else { 0 };
        let (data, counter) = (data as *mut c_void, board.counter(counter));
        // SAFETY: as in `call_before`; the counter is of this QEMU.
        unsafe { when(instruction, callback, flags, NOT_EQUAL, counter, 0, data) }
    }

    /// Makes the counters of each vCPU, zero at first.
    pub fn board(&self) -> Board {
        // SAFETY: any size is taken; the board is never freed.
        Board(unsafe { (self.scoreboard)(COUNTERS * 8) })
    }

    /// Changes counters of the vCPU in whose callback this is called.
    pub fn set(&self, board: Board, vcpu: u32, change: impl FnOnce(&mut [u64; COUNTERS])) {
        // SAFETY: the board is of this QEMU, and has a place for each vCPU, of the size that was asked for. It is moved only
        // while no vCPU runs, and only the thread of this vCPU and the code generated for it look at its place.
        let counters = unsafe { &mut *(self.find_counters)(board.0, vcpu).cast::<[u64; COUNTERS]>() };
        change(counters);
    }

    /// Returns whether physical memory can be read.
    pub fn reads_memory(&self) -> bool {
        self.read_physical.is_some()
    }

    /// Reads aligned words of physical memory, as the vCPU sees it in whose callback this is called; `false` where there
    /// is none.
    pub fn read_memory(&self, address: u64, words: &mut [u64]) -> bool {
        let Some(read) = self.read_physical else { return false };
        let buffer = self.buffer();
        // SAFETY: the array is this thread's own; QEMU makes it as long as what is read, and keeps its data in `data`.
        let bytes = unsafe {
            (self.size_bytes)(buffer, 0);
            if read(address, buffer, words.len() * 8) != 0 || ((*buffer).len as usize) < words.len() * 8 {
                return false;
            }
            std::slice::from_raw_parts((*buffer).data, words.len() * 8)
        };
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        true
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
        // SAFETY: an array of descriptors, which have grown at their end since version 2: their size is asked for.
        let (data, length, size) = unsafe { ((*list).data, (*list).len as usize, (self.element_size)(list) as usize) };
        if size < size_of::<Descriptor>() {
            return Vec::new();
        }
        let mut found = Vec::with_capacity(length);
        for number in 0..length {
            // SAFETY: below the length; the names are strings of QEMU that stay.
            let (name, handle) = unsafe {
                let descriptor = &*data.add(number * size).cast::<Descriptor>();
                (CStr::from_ptr(descriptor.name), descriptor.handle)
            };
            found.push((name.to_string_lossy().into_owned(), Register(handle)));
        }
        // SAFETY: the array is ours to free, with its data.
        unsafe { (self.free_array)(list, 1) };
        found
    }

    /// Returns the array of this thread.
    fn buffer(&self) -> *mut Bytes {
        thread_local! {
            static BUFFER: std::cell::Cell<*mut Bytes> = const { std::cell::Cell::new(ptr::null_mut()) };
        }
        let mut buffer = BUFFER.get();
        if buffer.is_null() {
            // SAFETY: makes an empty array; one for each thread, never freed.
            buffer = unsafe { (self.new_bytes)() };
            BUFFER.set(buffer);
        }
        buffer
    }

    /// Reads a register of the vCPU in whose callback this is called; `None` where QEMU does not let us.
    pub fn read(&self, register: Register) -> Option<u64> {
        let buffer = self.buffer();
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

impl Board {
    const fn counter(self, number: usize) -> Counter {
        Counter {
            board: self.0,
            offset: number * 8,
        }
    }
}

static WHOLE: OnceLock<(VcpuCallback, BlockCallback, EndCallback)> = OnceLock::new();

extern "C" fn vcpu_with_number(_: u64, vcpu: c_uint) {
    if let Some((callback, ..)) = WHOLE.get() {
        callback(vcpu);
    }
}

extern "C" fn vcpu_with_pointer(vcpu: c_uint, _: *mut c_void) {
    vcpu_with_number(0, vcpu);
}

extern "C" fn block_with_number(_: u64, block: *mut Block) {
    if let Some((_, callback, _)) = WHOLE.get() {
        callback(block);
    }
}

extern "C" fn block_with_pointer(block: *mut Block, _: *mut c_void) {
    block_with_number(0, block);
}

extern "C" fn end_with_number(_: u64, _: *mut c_void) {
    if let Some((.., callback)) = WHOLE.get() {
        callback();
    }
}

extern "C" fn end_with_pointer(pointer: *mut c_void) {
    end_with_number(0, pointer);
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
