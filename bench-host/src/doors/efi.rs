// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel for UEFI, with the header of a PE file in front: for a boot manager of firmware, and for GRUB.

use std::io::{self, Cursor, Write};

use results::image::{ARM64_MAGIC, ARM64_MAGIC_OFFSET, ImageError, Parts, parts};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions, format_volume};

use super::{File, KERNEL};

/// What to do with the folder for firmware's own boot manager.
pub const THEN_UEFI: &str =
    "copy EFI to a FAT file system, or write el2-kernel-disk.img to a USB stick (README.txt says how)";
/// What to do with the folder for GRUB.
pub const THEN_GRUB: &str = "copy it to a file system that GRUB reads (README.txt says how)";

/// Where firmware looks on a removable medium (UEFI 2.10, section 3.5.1.1).
const BOOT: [&str; 3] = ["EFI", "BOOT", "BOOTAA64.EFI"];

const UEFI_README: &str = "\
el2-kernel for UEFI:

EFI/BOOT/BOOTAA64.EFI  copy the folder EFI to a FAT-formatted medium; firmware starts it by itself, or by its boot menu.
                       From the UEFI shell: fs0:\\EFI\\BOOT\\BOOTAA64.EFI. Over the network: as the boot file (HTTP, PXE).
el2-kernel-disk.img    the same as a whole disk with one partition: dd if=el2-kernel-disk.img of=/dev/sdX bs=1M, where
                       /dev/sdX is the USB stick, all of which is overwritten; or the virtual medium of a BMC.

Secure Boot has to be off: the file is not signed. Firmware has to hand over at EL2, as that of servers does. The console
is that of the device tree, or of ACPI's SPCR table; where there is neither, bench-host image --console names it. The
kernel ends by turning the machine off.
";

const GRUB_README: &str = "\
el2-kernel for GRUB (arm64, under UEFI), by either of these:

boot/grub/grub.cfg     copy the folder to the root of the file system that GRUB starts from
el2-kernel.img         by hand, at GRUB's prompt:
    search --set=root --file /el2-kernel.img; linux /el2-kernel.img; boot
    or as an entry of an installed system, in /etc/grub.d/40_custom, which update-grub takes up

Secure Boot has to be off: the file is not signed.
";

const GRUB_CONFIG: &str = "\
# GRUB: el2-kernel, by the device tree or the ACPI tables of the firmware
set timeout=1
search --no-floppy --set=root --file /el2-kernel.img
menuentry \"el2-kernel\" {
  linux /el2-kernel.img
}
";

/// Why the files cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EfiError {
    /// Of a kernel.
    #[error("{0}")]
    Image(ImageError),
    /// Of a file system in memory.
    #[error("cannot make the disk image: {0}")]
    Disk(#[from] io::Error),
}

/// Returns the files for firmware's own boot manager.
pub fn uefi(kernel: &[u8]) -> Result<Vec<File>, EfiError> {
    let application = application(kernel)?;
    let disk = disk(&application)?;
    Ok(vec![
        ("EFI/BOOT/BOOTAA64.EFI", application),
        ("el2-kernel-disk.img", disk),
        ("README.txt", UEFI_README.into()),
    ])
}

/// Returns the files for GRUB.
pub fn grub(kernel: &[u8]) -> Result<Vec<File>, EfiError> {
    Ok(vec![
        (KERNEL, application(kernel)?),
        ("boot/grub/grub.cfg", GRUB_CONFIG.into()),
        ("README.txt", GRUB_README.into()),
    ])
}

/// Bytes of a page, and of the header.
const PAGE: usize = 4096;

/// Puts a page in front of the kernel that is the header of a PE file (PE format, revision 11) and of an arm64 `Image`,
/// which GRUB wants to see. They do not overlap: a PE file begins with "MZ", which is an instruction without effect, and
/// has at 0x3c the offset of the rest, where the `Image` has nothing.
fn application(kernel: &[u8]) -> Result<Vec<u8>, EfiError> {
    /// `ccmp x18, #0, #13, pl`.
    const MZ: u32 = 0xfa40_5a4d;
    /// `b` to the kernel.
    const BRANCH: u32 = 0x1400_0000 | ((PAGE as u32 - 4) / 4);
    const PE: u32 = 0x40;
    let parts = parts(kernel).map_err(EfiError::Image)?;
    let mut page = Vec::new();
    let mut words = |words: &[u32]| {
        words
            .iter()
            .for_each(|word| page.extend_from_slice(&word.to_le_bytes()))
    };
    // The offset of the text is 0, the size has the header; little-endian, 4 KiB pages, anywhere in memory.
    words(&[MZ, BRANCH, 0, 0, parts.size + PAGE as u32, 0, 0xa, 0]);
    words(&[0; 6]);
    words(&[u32::from_le_bytes(ARM64_MAGIC), PE]);
    debug_assert_eq!(page.len(), ARM64_MAGIC_OFFSET + 8);
    page.extend(pe_header(&parts, kernel.len() as u32));
    page.resize(PAGE, 0);
    page.extend_from_slice(kernel);
    Ok(page)
}

/// Two sections, so that firmware can refuse to write code and to run data: code, and the rest, which is writable for the
/// relocations that the kernel applies itself.
fn pe_header(parts: &Parts, in_file: u32) -> Vec<u8> {
    const AARCH64: u16 = 0xaa64;
    /// EXECUTABLE_IMAGE, LINE_NUMS_STRIPPED, DEBUG_STRIPPED.
    const CHARACTERISTICS: u16 = 0x206;
    const PE32_PLUS: u16 = 0x20b;
    const EFI_APPLICATION: u16 = 10;
    const NX_COMPAT: u16 = 0x100;
    /// Up to that of relocations, of which there are none.
    const DIRECTORIES: u32 = 6;
    const OPTIONAL_HEADER: u16 = 112 + 8 * DIRECTORIES as u16;
    /// CNT_CODE, MEM_EXECUTE, MEM_READ.
    const TEXT: u32 = 0x6000_0020;
    /// CNT_INITIALIZED_DATA, MEM_READ, MEM_WRITE.
    const DATA: u32 = 0xc000_0040;
    const PAGE: u32 = self::PAGE as u32;
    let mut header = Vec::new();
    let half = |header: &mut Vec<u8>, half: u16| header.extend_from_slice(&half.to_le_bytes());
    let words = |header: &mut Vec<u8>, words: &[u32]| {
        words
            .iter()
            .for_each(|word| header.extend_from_slice(&word.to_le_bytes()));
    };
    let data_in_file = in_file - parts.text_end;
    header.extend_from_slice(b"PE\0\0");
    half(&mut header, AARCH64);
    half(&mut header, 2); // NumberOfSections
    words(&mut header, &[0, 0, 0]); // TimeDateStamp, PointerToSymbolTable, NumberOfSymbols
    half(&mut header, OPTIONAL_HEADER);
    half(&mut header, CHARACTERISTICS);

    half(&mut header, PE32_PLUS);
    half(&mut header, 0); // linker version
    // SizeOfCode, SizeOfInitializedData, SizeOfUninitializedData
    words(&mut header, &[parts.text_end, data_in_file, 0]);
    words(&mut header, &[PAGE + parts.uefi_entry, PAGE]); // AddressOfEntryPoint, BaseOfCode
    words(&mut header, &[0, 0]); // ImageBase
    words(&mut header, &[PAGE, PAGE]); // SectionAlignment, FileAlignment
    words(&mut header, &[0; 4]); // versions
    words(&mut header, &[PAGE + parts.size, PAGE, 0]); // SizeOfImage, SizeOfHeaders, CheckSum
    half(&mut header, EFI_APPLICATION);
    half(&mut header, NX_COMPAT);
    words(&mut header, &[0; 9]); // sizes of stack and heap, LoaderFlags
    words(&mut header, &[DIRECTORIES]);
    words(&mut header, &[0; 2 * DIRECTORIES as usize]);

    // VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData; no relocations and line numbers.
    header.extend_from_slice(b".text\0\0\0");
    words(
        &mut header,
        &[parts.text_end, PAGE, parts.text_end, PAGE, 0, 0, 0, TEXT],
    );
    header.extend_from_slice(b".data\0\0\0");
    let data = PAGE + parts.text_end;
    words(
        &mut header,
        &[parts.size - parts.text_end, data, data_in_file, data, 0, 0, 0, DATA],
    );
    header
}

const SECTOR: usize = 512;
/// Where the partition begins: 1 MiB, as partitioning tools have it.
const START: usize = 1 << 20;
/// Its size: the least that is FAT16 with clusters of 2 KiB, and room for a kernel that grows.
const SIZE: usize = 16 << 20;

/// Makes a disk with a master boot record and one EFI system partition.
fn disk(application: &[u8]) -> io::Result<Vec<u8>> {
    /// Type of an EFI system partition (UEFI 2.10, section 5.2.2).
    const ESP: u8 = 0xef;
    /// No cylinders, heads and sectors: the numbers of blocks count.
    const NO_CHS: [u8; 3] = [0xff; 3];
    let mut disk = vec![0; START];
    let entry = &mut disk[446..462];
    entry[1..4].copy_from_slice(&NO_CHS);
    entry[4] = ESP;
    entry[5..8].copy_from_slice(&NO_CHS);
    entry[8..12].copy_from_slice(&((START / SECTOR) as u32).to_le_bytes());
    entry[12..16].copy_from_slice(&((SIZE / SECTOR) as u32).to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk.extend(file_system(application)?);
    Ok(disk)
}

fn file_system(application: &[u8]) -> io::Result<Vec<u8>> {
    let mut volume = Cursor::new(vec![0; SIZE]);
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat16)
        .bytes_per_cluster(2048)
        .volume_label(*b"EL2-KERNEL ");
    format_volume(&mut volume, options)?;
    let files = FileSystem::new(&mut volume, FsOptions::new())?;
    let [efi, boot, name] = BOOT;
    let folder = files.root_dir().create_dir(efi)?.create_dir(boot)?;
    let mut file = folder.create_file(name)?;
    file.write_all(application)?;
    file.flush()?;
    drop((file, folder));
    files.unmount()?;
    Ok(volume.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Read by another's reader of PE files.
    #[test]
    fn the_header_describes_the_kernel() {
        use object::pe::{IMAGE_FILE_MACHINE_ARM64, IMAGE_SUBSYSTEM_EFI_APPLICATION};
        use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64};
        use object::{LittleEndian, Object, ObjectSection};

        let kernel = crate::kernel::Kernel::load(None).unwrap().bytes;
        let parts = parts(&kernel).unwrap();
        let file = application(&kernel).unwrap();
        let pe = PeFile64::parse(&*file).unwrap();
        let header = pe.nt_headers();
        assert_eq!(header.file_header().machine.get(LittleEndian), IMAGE_FILE_MACHINE_ARM64);
        let optional = header.optional_header();
        assert_eq!(optional.subsystem(), IMAGE_SUBSYSTEM_EFI_APPLICATION);
        assert_eq!(optional.size_of_image() as usize, PAGE + parts.size as usize);
        assert_eq!(pe.entry(), PAGE as u64 + u64::from(parts.uefi_entry));
        let sections: Vec<_> = pe.sections().collect();
        let [text, data] = &sections[..] else {
            panic!("{sections:?}")
        };
        assert_eq!((text.name(), data.name()), (Ok(".text"), Ok(".data")));
        let bytes = [text.data().unwrap(), data.data().unwrap()].concat();
        assert!(bytes == kernel);
        assert_eq!(data.address(), text.address() + text.size());
        assert_eq!(data.address() + data.size(), u64::from(optional.size_of_image()));
    }

    #[test]
    fn the_disk_has_the_kernel_where_firmware_looks() {
        let kernel: Vec<u8> = (0..700_000_u32).map(|at| (at * 7) as u8).collect();
        let disk = disk(&kernel).unwrap();
        assert_eq!(disk.len(), START + SIZE);
        assert_eq!((disk[450], &disk[510..512]), (0xef, &[0x55, 0xaa][..]));
        let files = FileSystem::new(Cursor::new(disk[START..].to_vec()), FsOptions::new()).unwrap();
        let mut read = Vec::new();
        let root = files.root_dir();
        root.open_file(&BOOT.join("/")).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == kernel);
        assert!(disk == super::disk(&kernel).unwrap(), "no dates");
    }
}
