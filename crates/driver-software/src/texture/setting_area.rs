//! Functions of the API that say how a texture reference is sampled.

use super::TextureObjects;
use super::reference::TextureReference;
use crate::answer::{Answer, answer};
use cuda_abi::*;
use driver_api::Driver;

/// Settings of texture references.
pub(crate) struct ReferenceSettings;

/// Changes how a reference is sampled.
fn change(reference: CUtexref, change: impl FnOnce(&mut CUDA_TEXTURE_DESC)) -> Answer {
    TextureReference::named(reference)?.change(|setting| change(&mut setting.texture))
}

/// How a reference is sampled.
fn texture(reference: CUtexref) -> Answer<CUDA_TEXTURE_DESC> {
    Ok(TextureReference::named(reference)?.setting().texture)
}

/// A dimension that has an address mode.
fn dimension(dimension: i32) -> Answer<usize> {
    usize::try_from(dimension).ok().filter(|index| *index < 3).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
}

impl Driver for ReferenceSettings {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&TextureObjects)
    }

    fn cuTexRefSetFormat(&self, reference: CUtexref, format: CUarray_format, channels: i32) -> CUresult {
        answer(|| {
            let reference = TextureReference::named(reference)?;
            let channels = u32::try_from(channels).map_err(|_| CUresult::CUDA_ERROR_INVALID_VALUE)?;
            super::format::of_array(format, channels)?;
            reference.change(|setting| {
                (setting.format, setting.channels) = (format, channels);
            })
        })
    }

    fn cuTexRefSetAddressMode(&self, reference: CUtexref, index: i32, mode: CUaddress_mode) -> CUresult {
        answer(|| {
            let index = dimension(index)?;
            match mode.name() {
                Some(_) => change(reference, |texture| texture.addressMode[index] = mode),
                None => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            }
        })
    }

    fn cuTexRefSetFilterMode(&self, reference: CUtexref, mode: CUfilter_mode) -> CUresult {
        answer(|| match mode.name() {
            Some(_) => change(reference, |texture| texture.filterMode = mode),
            None => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuTexRefSetMipmapFilterMode(&self, reference: CUtexref, mode: CUfilter_mode) -> CUresult {
        answer(|| match mode.name() {
            Some(_) => change(reference, |texture| texture.mipmapFilterMode = mode),
            None => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    fn cuTexRefSetMipmapLevelBias(&self, reference: CUtexref, bias: f32) -> CUresult {
        answer(|| change(reference, |texture| texture.mipmapLevelBias = bias))
    }

    fn cuTexRefSetMipmapLevelClamp(&self, reference: CUtexref, least: f32, most: f32) -> CUresult {
        answer(|| {
            change(reference, |texture| {
                (texture.minMipmapLevelClamp, texture.maxMipmapLevelClamp) = (least, most);
            })
        })
    }

    fn cuTexRefSetMaxAnisotropy(&self, reference: CUtexref, most: u32) -> CUresult {
        answer(|| change(reference, |texture| texture.maxAnisotropy = most))
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuTexRefSetBorderColor(&self, reference: CUtexref, color: *mut f32) -> CUresult {
        answer(|| {
            TextureReference::named(reference)?;
            if color.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the program passes four numbers.
            let color = unsafe { color.cast::<[f32; 4]>().read_unaligned() };
            change(reference, |texture| texture.borderColor = color)
        })
    }

    fn cuTexRefSetFlags(&self, reference: CUtexref, flags: u32) -> CUresult {
        answer(|| change(reference, |texture| texture.flags = flags))
    }

    fn cuTexRefGetFormat(
        &self,
        format: Option<&mut CUarray_format>,
        channels: Option<&mut i32>,
        reference: CUtexref,
    ) -> CUresult {
        answer(|| {
            let setting = TextureReference::named(reference)?.setting();
            if let Some(format) = format {
                *format = setting.format;
            }
            if let Some(channels) = channels {
                *channels = setting.channels as i32;
            }
            Ok(())
        })
    }

    fn cuTexRefGetAddressMode(&self, mode: &mut CUaddress_mode, reference: CUtexref, index: i32) -> CUresult {
        answer(|| {
            *mode = texture(reference)?.addressMode[dimension(index)?];
            Ok(())
        })
    }

    fn cuTexRefGetFilterMode(&self, mode: &mut CUfilter_mode, reference: CUtexref) -> CUresult {
        answer(|| {
            *mode = texture(reference)?.filterMode;
            Ok(())
        })
    }

    fn cuTexRefGetMipmapFilterMode(&self, mode: &mut CUfilter_mode, reference: CUtexref) -> CUresult {
        answer(|| {
            *mode = texture(reference)?.mipmapFilterMode;
            Ok(())
        })
    }

    fn cuTexRefGetMipmapLevelBias(&self, bias: &mut f32, reference: CUtexref) -> CUresult {
        answer(|| {
            *bias = texture(reference)?.mipmapLevelBias;
            Ok(())
        })
    }

    fn cuTexRefGetMipmapLevelClamp(&self, least: &mut f32, most: &mut f32, reference: CUtexref) -> CUresult {
        answer(|| {
            let texture = texture(reference)?;
            (*least, *most) = (texture.minMipmapLevelClamp, texture.maxMipmapLevelClamp);
            Ok(())
        })
    }

    fn cuTexRefGetMaxAnisotropy(&self, most: &mut i32, reference: CUtexref) -> CUresult {
        answer(|| {
            *most = texture(reference)?.maxAnisotropy as i32;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuTexRefGetBorderColor(&self, color: *mut f32, reference: CUtexref) -> CUresult {
        answer(|| {
            let border = texture(reference)?.borderColor;
            if color.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the program passes room for four numbers.
            unsafe { color.cast::<[f32; 4]>().write_unaligned(border) };
            Ok(())
        })
    }

    fn cuTexRefGetFlags(&self, flags: &mut u32, reference: CUtexref) -> CUresult {
        answer(|| {
            *flags = texture(reference)?.flags;
            Ok(())
        })
    }
}
