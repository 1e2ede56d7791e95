// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which words are instructions of an extension: UNDEFINED on a machine whose identification registers do not announce it.
//!
//! By word and not by what was decoded, because some do the same as an older instruction (`ldapr` as `ldar`).

/// An extension with instructions that this crate executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extension {
    /// FEAT_CRC32: `crc32b` and its like.
    Crc32,
    /// FEAT_LSE: `ldadd`, `swp`, `cas`, `casp` and their like.
    Lse,
    /// FEAT_LOR: `ldlar`, `stllr` and their like.
    Lor,
    /// FEAT_LRCPC: `ldapr` and its like.
    Lrcpc,
    /// FEAT_LRCPC2: `ldapur`, `stlur` and their like.
    Lrcpc2,
    /// FEAT_FlagM: `cfinv`, `rmif`, `setf8`, `setf16`.
    FlagM,
    /// FEAT_FlagM2: `axflag`, `xaflag`.
    FlagM2,
    /// FEAT_SB: `sb`.
    Sb,
    /// FEAT_XS: `dsb` of the nXS kind.
    Xs,
}

/// Encodings by mask and value; the first that fits counts.
const ENCODINGS: [(u32, u32, Extension); 15] = [
    (0x7fe0_e000, 0x1ac0_4000, Extension::Crc32),
    // `ldapr` stands among the atomic operations.
    (0x3fff_fc00, 0x38bf_c000, Extension::Lrcpc),
    (0x3f20_0c00, 0x3820_0000, Extension::Lse),
    (0x3fa0_7c00, 0x08a0_7c00, Extension::Lse),
    (0xbfa0_7c00, 0x0820_7c00, Extension::Lse),
    (0x3fa0_8000, 0x0880_0000, Extension::Lor),
    (0x3f20_0c00, 0x1900_0000, Extension::Lrcpc2),
    (0xffff_f0ff, 0xd500_401f, Extension::FlagM),
    (0xffe0_7c10, 0xba00_0400, Extension::FlagM),
    (0xffff_fc1f, 0x3a00_080d, Extension::FlagM),
    (0xffff_fc1f, 0x3a00_480d, Extension::FlagM),
    (0xffff_f0ff, 0xd500_403f, Extension::FlagM2),
    (0xffff_f0ff, 0xd500_405f, Extension::FlagM2),
    (0xffff_f0ff, 0xd503_30ff, Extension::Sb),
    (0xffff_f3ff, 0xd503_323f, Extension::Xs),
];

/// Returns the extension that the instruction of this word belongs to; `None`: that every Armv8.0 processor has it, or that
/// it is no instruction here.
#[must_use]
pub fn extension(word: u32) -> Option<Extension> {
    ENCODINGS
        .iter()
        .find(|(mask, value, _)| word & mask == *value)
        .map(|(.., extension)| *extension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::a64::decode;

    #[test]
    fn words_belong_to_their_extension() {
        for (word, wanted) in [
            (0x1ac2_4020, Some(Extension::Crc32)),  // crc32b w0, w1, w2
            (0x9ac2_5c20, Some(Extension::Crc32)),  // crc32cx w0, w1, x2
            (0x1ac2_0820, None),                    // udiv w0, w1, w2
            (0xf8bf_c020, Some(Extension::Lrcpc)),  // ldapr x0, [x1]
            (0xf8e0_0041, Some(Extension::Lse)),    // ldaddal x0, x1, [x2]
            (0xc8a0_7c41, Some(Extension::Lse)),    // cas x0, x1, [x2]
            (0x48e0_fc42, Some(Extension::Lse)),    // casalh w0, w2, [x2]
            (0x4820_7c42, Some(Extension::Lse)),    // casp x0, x1, x2, x3, [x2]
            (0xc85f_7c20, None),                    // ldxr x0, [x1]
            (0xc87f_0420, None),                    // ldxp x0, x1, [x1]
            (0xc8df_fc20, None),                    // ldar x0, [x1]
            (0xc8df_7c20, Some(Extension::Lor)),    // ldlar x0, [x1]
            (0xd940_0020, Some(Extension::Lrcpc2)), // ldapur x0, [x1]
            (0xd500_401f, Some(Extension::FlagM)),  // cfinv
            (0xba00_0401, Some(Extension::FlagM)),  // rmif x0, #0, #1
            (0x3a00_080d, Some(Extension::FlagM)),  // setf8 w0
            (0xd500_405f, Some(Extension::FlagM2)), // axflag
            (0xd503_30ff, Some(Extension::Sb)),     // sb
            (0xd503_3e3f, Some(Extension::Xs)),     // dsb synxs
            (0xd503_3f9f, None),                    // dsb sy
            (0xf900_0020, None),                    // str x0, [x1]
        ] {
            assert_eq!(extension(word), wanted, "{word:#010x}");
            assert!(decode(word).is_some(), "{word:#010x}");
        }
    }
}
