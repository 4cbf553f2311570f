//! Texture and surface objects.

use super::{Array, MipmappedArray, format};
use crate::answer::Answer;
use crate::context::current;
use crate::machine::Machine;
use crate::stream::StreamGroup;
use cuda_abi::*;
use simt_ir::texture::{AddressMode, Dimension, Format, Level, Resource, Sampler, Usage, natural_row_bytes};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A texture or surface object, as the program described it.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) resource: CUDA_RESOURCE_DESC,
    /// None of a surface.
    pub(super) texture: Option<CUDA_TEXTURE_DESC>,
    pub(super) view: Option<CUDA_RESOURCE_VIEW_DESC>,
    group: Arc<StreamGroup>,
}

// SAFETY: the pointers in the descriptors are handles and numbers, which are only handed back.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

/// All objects by the handles that kernels know.
pub(crate) struct ObjectTable(RwLock<BTreeMap<u64, Object>>);

impl ObjectTable {
    pub(crate) const fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// Makes an object of a description; its handle.
    pub(super) fn insert(
        &self,
        machine: &Machine,
        image: &Resource,
        resource: &CUDA_RESOURCE_DESC,
        texture: Option<&CUDA_TEXTURE_DESC>,
        view: Option<&CUDA_RESOURCE_VIEW_DESC>,
    ) -> Answer<u64> {
        let group = current()?.streams.clone();
        let handle = machine.engine.textures().insert(image).ok_or(CUresult::CUDA_ERROR_OUT_OF_MEMORY)?;
        let object = Object { resource: *resource, texture: texture.copied(), view: view.copied(), group };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(handle, object);
        Ok(handle)
    }

    /// An object for which `wanted` holds.
    ///
    /// # Errors
    /// When the handle is none of such an object.
    pub(super) fn get(&self, handle: u64, wanted: impl Fn(&Object) -> bool) -> Answer<Object> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = table.get(&handle).filter(|object| wanted(object)).cloned();
        drop(table);
        let object = found.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        object.group.check()?;
        Ok(object)
    }

    /// Ends all objects of a context.
    pub(crate) fn remove_all_of(&self, machine: &Machine, context_id: u64) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.retain(|handle, object| {
            let stays = object.group.context_id() != context_id;
            if !stays {
                machine.engine.textures().remove(*handle);
            }
            stays
        });
    }

    /// Ends an object for which `wanted` holds, after the work of its context.
    ///
    /// # Errors
    /// When the handle is none of such an object.
    pub(super) fn remove(&self, machine: &Machine, handle: u64, wanted: impl Fn(&Object) -> bool) -> Answer {
        let object = self.get(handle, wanted)?;
        if !object.group.is_idle() {
            object.group.synchronize();
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
        machine.engine.textures().remove(handle);
        object.group.check()
    }
}

/// The image that a texture object is to be made of, read as the descriptors say.
pub(super) fn texture_image(
    resource: &CUDA_RESOURCE_DESC,
    texture: &CUDA_TEXTURE_DESC,
    view: Option<&CUDA_RESOURCE_VIEW_DESC>,
) -> Answer<Resource> {
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    if resource.flags != 0 {
        return Err(invalid);
    }
    // SAFETY: the union's members are handles and numbers, of which any bytes are values; the type says which is meant.
    let image = unsafe {
        match resource.resType {
            CUresourcetype::CU_RESOURCE_TYPE_ARRAY => Array::named(resource.res.array.hArray)?.image,
            CUresourcetype::CU_RESOURCE_TYPE_MIPMAPPED_ARRAY => {
                MipmappedArray::named(resource.res.mipmap.hMipmappedArray)?.image
            }
            CUresourcetype::CU_RESOURCE_TYPE_LINEAR => linear(&resource.res.linear)?,
            CUresourcetype::CU_RESOURCE_TYPE_PITCH2D => pitched(&resource.res.pitch2D)?,
            _ => return Err(invalid),
        }
    };
    let is_array = resource.resType.0 <= CUresourcetype::CU_RESOURCE_TYPE_MIPMAPPED_ARRAY.0;
    let image = match view {
        Some(view) if is_array => viewed(&image, view)?,
        Some(_) => return Err(invalid),
        None => image,
    };
    sampled(&image, texture)
}

/// An image as a texture descriptor says that it is sampled.
pub(super) fn sampled(image: &Resource, texture: &CUDA_TEXTURE_DESC) -> Answer<Resource> {
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    const KNOWN: u32 = CU_TRSF_READ_AS_INTEGER
        | CU_TRSF_NORMALIZED_COORDINATES
        | CU_TRSF_SRGB
        | CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION
        | CU_TRSF_SEAMLESS_CUBEMAP;
    if texture.flags & !KNOWN != 0 {
        return Err(invalid);
    }
    let has = |flag: u32| texture.flags & flag != 0;
    let format = format::as_sampled(image.format, has(CU_TRSF_READ_AS_INTEGER), has(CU_TRSF_SRGB));
    let (linear, mip_linear) = (is_linear(texture.filterMode)?, is_linear(texture.mipmapFilterMode)?);
    if linear && !format.gives_floats() {
        return Err(invalid);
    }
    let [x, y, z] = texture.addressMode.map(address_mode);
    let sampler = Sampler {
        address: [x?, y?, z?],
        linear,
        normalized: has(CU_TRSF_NORMALIZED_COORDINATES),
        mip_linear,
        mip_bias: texture.mipmapLevelBias,
        mip_min: texture.minMipmapLevelClamp,
        mip_max: texture.maxMipmapLevelClamp,
        border: texture.borderColor,
    };
    Ok(Resource { usage: Usage::Texture, format, sampler, ..*image })
}

/// The image that a surface object is to be made of.
pub(super) fn surface_image(resource: &CUDA_RESOURCE_DESC) -> Answer<Resource> {
    let is_array = resource.resType == CUresourcetype::CU_RESOURCE_TYPE_ARRAY;
    if resource.flags != 0 || !is_array {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    // SAFETY: the type says that the union holds an array's handle.
    Ok(surface_of(&*Array::named(unsafe { resource.res.array.hArray })?))
}

/// The image of a surface of an array. As an H200 does, any array is taken, whether or not it was made for surfaces.
pub(super) fn surface_of(array: &Array) -> Resource {
    Resource { usage: Usage::Surface, ..array.image }
}

fn is_linear(mode: CUfilter_mode) -> Answer<bool> {
    match mode {
        CUfilter_mode::CU_TR_FILTER_MODE_POINT => Ok(false),
        CUfilter_mode::CU_TR_FILTER_MODE_LINEAR => Ok(true),
        _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
}

fn address_mode(mode: CUaddress_mode) -> Answer<AddressMode> {
    Ok(match mode {
        CUaddress_mode::CU_TR_ADDRESS_MODE_WRAP => AddressMode::Wrap,
        CUaddress_mode::CU_TR_ADDRESS_MODE_CLAMP => AddressMode::Clamp,
        CUaddress_mode::CU_TR_ADDRESS_MODE_MIRROR => AddressMode::Mirror,
        CUaddress_mode::CU_TR_ADDRESS_MODE_BORDER => AddressMode::Border,
        _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    })
}

/// A limit of the current device.
fn limit(attribute: CUdevice_attribute) -> Answer<u64> {
    let value = current()?.device.model.attribute(attribute.0).unwrap_or(0);
    Ok(value.max(0) as u64)
}

/// An image of rows in plain memory.
fn plain_image(base: u64, dimension: Dimension, [width, height]: [u32; 2], row_bytes: u64, format: Format) -> Resource {
    Resource {
        usage: Usage::Texture,
        dimension,
        layered: false,
        base,
        row_bytes,
        size: [width, height, 1],
        stored_layers: 1,
        first_layer: 0,
        layers: 1,
        levels: 1,
        format,
        sampler: Sampler::default(),
    }
}

/// Memory that is read texel after texel.
pub(super) fn linear(described: &CUDA_RESOURCE_DESC_res_linear) -> Answer<Resource> {
    use CUdevice_attribute as A;
    let format = format::of_array(described.format, described.numChannels)?;
    let (machine, bytes) = (Machine::get()?, described.sizeInBytes as u64);
    let texels = bytes / u64::from(format.texel_bytes());
    if texels == 0
        || texels > limit(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH)?
        || described.devPtr % limit(A::CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT)?.max(1) != 0
    {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    machine.allocations.check_range(machine, described.devPtr, bytes, false)?;
    let row_bytes = natural_row_bytes(texels as u32, format.texel_bytes());
    Ok(plain_image(described.devPtr, Dimension::Linear, [texels as u32, 1], row_bytes, format))
}

/// Memory that is read as rows.
pub(super) fn pitched(described: &CUDA_RESOURCE_DESC_res_pitch2D) -> Answer<Resource> {
    use CUdevice_attribute as A;
    let format = format::of_array(described.format, described.numChannels)?;
    let machine = Machine::get()?;
    let [width, height, pitch] = [described.width, described.height, described.pitchInBytes].map(|size| size as u64);
    let row = width.saturating_mul(u64::from(format.texel_bytes()));
    let fits = (1..=limit(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH)?).contains(&width)
        && (1..=limit(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT)?).contains(&height)
        && (row..=limit(A::CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH)?).contains(&pitch);
    let is_aligned = described.devPtr % limit(A::CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT)?.max(1) == 0
        && pitch % limit(A::CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT)?.max(1) == 0;
    if !fits || !is_aligned {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    machine.allocations.check_range(machine, described.devPtr, pitch * (height - 1) + row, false)?;
    Ok(plain_image(described.devPtr, Dimension::D2, [width as u32, height as u32], pitch, format))
}

/// A part of an image, with texels of another format perhaps.
fn viewed(image: &Resource, view: &CUDA_RESOURCE_VIEW_DESC) -> Answer<Resource> {
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    let format = match view.format {
        CUresourceViewFormat::CU_RES_VIEW_FORMAT_NONE => image.format,
        format => format::of_view(format)?,
    };
    let (first_level, last_level) = (view.firstMipmapLevel, view.lastMipmapLevel);
    let (first_layer, last_layer) = (view.firstLayer, view.lastLayer);
    let in_range = first_level <= last_level
        && last_level < image.levels
        && first_layer <= last_layer
        && last_layer < image.layers;
    // The size is that of the whole image; heights and depths may be 0 where the image has none.
    let same = |asked: usize, texels: u32| asked == texels as usize || asked == 0 && texels == 1;
    let same_size = same(view.width, image.size[0])
        && same(view.height, image.size[1])
        && (image.dimension != Dimension::D3 || same(view.depth, image.size[2]));
    if !in_range || !same_size || format.texel_bytes() != image.format.texel_bytes() {
        return Err(invalid);
    }
    let layers = last_layer - first_layer + 1;
    if image.dimension == Dimension::Cube && layers % 6 != 0 {
        return Err(invalid);
    }
    let Level { base, size, row_bytes, .. } = image.level(first_level);
    let levels = last_level - first_level + 1;
    Ok(Resource { base, size, row_bytes, levels, layers, first_layer, format, ..*image })
}
