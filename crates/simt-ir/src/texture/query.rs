//! What `txq` and `suq` answer.

use super::{AddressMode, Element, Format, Query, Reading, Resource, Sampler, variable};

/// The answer about a texture or surface; a size is that of a level.
pub(super) fn of_resource(query: Query, resource: &Resource, level: u32) -> u32 {
    let size = resource.level(level).size;
    match query {
        Query::Width => size[0],
        Query::Height => size[1],
        Query::Depth => size[2],
        Query::ArraySize => resource.layers,
        Query::NumMipmapLevels => resource.levels,
        Query::NumSamples => 1,
        Query::NormalizedCoords => u32::from(resource.sampler.normalized),
        Query::ForceUnnormalizedCoords | Query::MemoryLayout => 0,
        Query::ChannelDataType => data_type(resource.format),
        Query::ChannelOrder => match resource.format.channels {
            1 => 0x10b0,
            2 => 0x10b2,
            _ => 0x10b5,
        },
        Query::FilterMode | Query::AddrMode0 | Query::AddrMode1 | Query::AddrMode2 => mode(query, &resource.sampler),
    }
}

/// The answer about a `.samplerref` variable.
pub(super) fn of_sampler(query: Query, content: u64) -> u32 {
    let (sampler, force_unnormalized) = variable::sampler_of(content);
    match query {
        Query::ForceUnnormalizedCoords => u32::from(force_unnormalized),
        Query::NormalizedCoords => u32::from(!force_unnormalized),
        _ => mode(query, &sampler),
    }
}

/// The answers that are numbers of PTX's lists.
fn mode(query: Query, sampler: &Sampler) -> u32 {
    let dimension = match query {
        Query::FilterMode => return u32::from(sampler.linear),
        Query::AddrMode0 => 0,
        Query::AddrMode1 => 1,
        Query::AddrMode2 => 2,
        _ => return 0,
    };
    match sampler.address[dimension] {
        AddressMode::Wrap => 0,
        AddressMode::Mirror => 1,
        AddressMode::Clamp => 3,
        AddressMode::Border => 4,
    }
}

/// OpenCL's number for the type of a component.
fn data_type(format: Format) -> u32 {
    let fraction = format.reading != Reading::Plain;
    match format.element {
        Element::S8 if fraction => 0x10d0,
        Element::S16 if fraction => 0x10d1,
        Element::U8 if fraction => 0x10d2,
        Element::U16 if fraction => 0x10d3,
        Element::U10U10U10U2 => 0x10d6,
        Element::S8 => 0x10d7,
        Element::S16 => 0x10d8,
        Element::S32 => 0x10d9,
        Element::U8 => 0x10da,
        Element::U16 => 0x10db,
        Element::U32 => 0x10dc,
        Element::F16 => 0x10dd,
        Element::F32 => 0x10de,
    }
}
