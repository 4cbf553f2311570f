//! Formats of the API, as the engine knows them.

use crate::answer::Answer;
use cuda_abi::{CUarray_format, CUresourceViewFormat, CUresult};
use simt_ir::texture::{Element, Format, Reading};

/// The format of an array, or of memory that is read as a texture. Integers are read as they are, but formats of fractions as those.
///
/// # Errors
/// A format that is none, or not implemented, or that has another number of channels.
pub(super) fn of_array(format: CUarray_format, channels: u32) -> Answer<Format> {
    use CUarray_format as F;
    let (plain, fraction) = (Reading::Plain, Reading::Fraction);
    let (element, reading, stated) = match format {
        F::CU_AD_FORMAT_UNSIGNED_INT8 => (Element::U8, plain, None),
        F::CU_AD_FORMAT_UNSIGNED_INT16 => (Element::U16, plain, None),
        F::CU_AD_FORMAT_UNSIGNED_INT32 => (Element::U32, plain, None),
        F::CU_AD_FORMAT_SIGNED_INT8 => (Element::S8, plain, None),
        F::CU_AD_FORMAT_SIGNED_INT16 => (Element::S16, plain, None),
        F::CU_AD_FORMAT_SIGNED_INT32 => (Element::S32, plain, None),
        F::CU_AD_FORMAT_HALF => (Element::F16, plain, None),
        F::CU_AD_FORMAT_FLOAT => (Element::F32, plain, None),
        F::CU_AD_FORMAT_UNORM_INT8X1 => (Element::U8, fraction, Some(1)),
        F::CU_AD_FORMAT_UNORM_INT8X2 => (Element::U8, fraction, Some(2)),
        F::CU_AD_FORMAT_UNORM_INT8X4 => (Element::U8, fraction, Some(4)),
        F::CU_AD_FORMAT_UNORM_INT16X1 => (Element::U16, fraction, Some(1)),
        F::CU_AD_FORMAT_UNORM_INT16X2 => (Element::U16, fraction, Some(2)),
        F::CU_AD_FORMAT_UNORM_INT16X4 => (Element::U16, fraction, Some(4)),
        F::CU_AD_FORMAT_SNORM_INT8X1 => (Element::S8, fraction, Some(1)),
        F::CU_AD_FORMAT_SNORM_INT8X2 => (Element::S8, fraction, Some(2)),
        F::CU_AD_FORMAT_SNORM_INT8X4 => (Element::S8, fraction, Some(4)),
        F::CU_AD_FORMAT_SNORM_INT16X1 => (Element::S16, fraction, Some(1)),
        F::CU_AD_FORMAT_SNORM_INT16X2 => (Element::S16, fraction, Some(2)),
        F::CU_AD_FORMAT_SNORM_INT16X4 => (Element::S16, fraction, Some(4)),
        F::CU_AD_FORMAT_UNORM_INT_101010_2 => (Element::U10U10U10U2, fraction, Some(4)),
        F::CU_AD_FORMAT_MAX => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        _ if format.name().is_some() => return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED),
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    };
    if !matches!(channels, 1 | 2 | 4) || stated.is_some_and(|stated| stated != channels) {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    Ok(Format { element, channels: channels as u8, reading })
}

/// The format that a view gives texels.
///
/// # Errors
/// A format that is none, or of compressed texels.
pub(super) fn of_view(format: CUresourceViewFormat) -> Answer<Format> {
    // Numbers 1 to 24: three channel counts for each of these.
    const ELEMENTS: [Element; 8] =
        [Element::U8, Element::S8, Element::U16, Element::S16, Element::U32, Element::S32, Element::F16, Element::F32];
    match format.0 {
        1..=24 => {
            let index = (format.0 - 1) as usize;
            let channels = [1, 2, 4][index % 3];
            Ok(Format { element: ELEMENTS[index / 3], channels, reading: Reading::Plain })
        }
        25..=34 => Err(CUresult::CUDA_ERROR_NOT_SUPPORTED),
        _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
}

/// The format as a texture reads it: integers of up to 16 bits as fractions unless they are wanted as they are.
pub(super) fn as_sampled(format: Format, as_integers: bool, srgb: bool) -> Format {
    let small = matches!(format.element, Element::U8 | Element::S8 | Element::U16 | Element::S16);
    let reading = match format.reading {
        Reading::Plain if small && !as_integers => Reading::Fraction,
        other => other,
    };
    let gamma = srgb && format.element == Element::U8 && reading == Reading::Fraction;
    Format { reading: if gamma { Reading::FractionSrgb } else { reading }, ..format }
}
