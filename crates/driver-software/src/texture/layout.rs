//! From a descriptor to how an array lies in memory, and whether there may be such an array.

use super::format;
use crate::answer::Answer;
use crate::device::Device;
use cuda_abi::*;
use simt_ir::texture::{Dimension, Resource, Sampler, Usage, natural_row_bytes};

/// Flags that change nothing here, beside those that say what an array is.
const KNOWN_FLAGS: u32 = CUDA_ARRAY3D_LAYERED
    | CUDA_ARRAY3D_SURFACE_LDST
    | CUDA_ARRAY3D_CUBEMAP
    | CUDA_ARRAY3D_TEXTURE_GATHER
    | CUDA_ARRAY3D_DEPTH_TEXTURE
    | CUDA_ARRAY3D_COLOR_ATTACHMENT;

/// How an array lies in memory that begins at 0.
///
/// # Errors
/// When there is no such array, or the device has none so large.
pub(super) fn of_descriptor(device: &Device, descriptor: &CUDA_ARRAY3D_DESCRIPTOR, levels: u32) -> Answer<Resource> {
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    let CUDA_ARRAY3D_DESCRIPTOR { Width: width, Height: height, Depth: depth, Flags: flags, .. } = *descriptor;
    let format = format::of_array(descriptor.Format, descriptor.NumChannels)?;
    if flags & (CUDA_ARRAY3D_SPARSE | CUDA_ARRAY3D_DEFERRED_MAPPING | CUDA_ARRAY3D_VIDEO_ENCODE_DECODE) != 0 {
        return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
    }
    let has = |flag: u32| flags & flag != 0;
    let (cube, layered) = (has(CUDA_ARRAY3D_CUBEMAP), has(CUDA_ARRAY3D_LAYERED));
    let (dimension, layers) = match (cube, layered) {
        (true, _) => {
            let whole = if layered { depth > 0 && depth % 6 == 0 } else { depth == 6 };
            if width != height || !whole {
                return Err(invalid);
            }
            (Dimension::Cube, depth)
        }
        (false, true) if depth == 0 => return Err(invalid),
        (false, true) => (if height == 0 { Dimension::D1 } else { Dimension::D2 }, depth),
        (false, false) if depth > 0 && height == 0 => return Err(invalid),
        (false, false) => match (height, depth) {
            (0, _) => (Dimension::D1, 1),
            (_, 0) => (Dimension::D2, 1),
            _ => (Dimension::D3, 1),
        },
    };
    let flat = dimension == Dimension::D2 && !layered;
    if flags & !KNOWN_FLAGS != 0 || width == 0 || has(CUDA_ARRAY3D_TEXTURE_GATHER) && !flat {
        return Err(invalid);
    }
    let slices = if dimension == Dimension::D3 { depth } else { 1 };
    let largest = largest(device, dimension, layered, has(CUDA_ARRAY3D_TEXTURE_GATHER), levels);
    if [width, height, slices, layers].iter().zip(largest).any(|(asked, largest)| *asked > largest as usize) {
        return Err(invalid);
    }
    // The limits are far below 2^32.
    let size = [width, height.max(1), slices].map(|texels| texels as u32);
    Ok(Resource {
        usage: Usage::Texture,
        dimension,
        layered,
        base: 0,
        row_bytes: natural_row_bytes(size[0], format.texel_bytes()),
        size,
        stored_layers: layers as u32,
        first_layer: 0,
        layers: layers as u32,
        levels,
        format,
        sampler: Sampler::default(),
    })
}

/// The largest width, height, depth, and the most layers.
fn largest(device: &Device, dimension: Dimension, layered: bool, gather: bool, levels: u32) -> [i32; 4] {
    use CUdevice_attribute as A;
    let attribute = |attribute: A| device.model.attribute(attribute.0).unwrap_or(0);
    match dimension {
        Dimension::D1 | Dimension::Linear if layered => {
            let width = attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_WIDTH);
            [width, 0, 1, attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_LAYERS)]
        }
        Dimension::D1 | Dimension::Linear => [attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH), 0, 1, 1],
        Dimension::D2 if layered => [
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_WIDTH),
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_HEIGHT),
            1,
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_LAYERS),
        ],
        Dimension::D2 if gather => [
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_WIDTH),
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_HEIGHT),
            1,
            1,
        ],
        Dimension::D2 if levels > 1 => [
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH),
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT),
            1,
            1,
        ],
        Dimension::D2 => [
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH),
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT),
            1,
            1,
        ],
        Dimension::D3 => [
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH),
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT),
            // A thin texture may be deeper.
            attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE),
            1,
        ],
        Dimension::Cube => {
            let width = attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH);
            [width, width, 1, attribute(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS)]
        }
    }
}
