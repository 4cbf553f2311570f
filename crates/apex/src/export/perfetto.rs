//! A trace in Perfetto's format: a track for each thread with its calls, one for each stream with what the device did, and the memory of
//! devices as a counter. An arrow leads from a call to what the device did for it.
//!
//! The numbers of fields are those of the public `perfetto_trace.proto`. Names are interned: each is written once.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use anyhow::Result;
use telemetry::records::Fact;

use super::Exporter;
use super::event::Event;

/// All packets belong to one sequence, in which names are interned.
const SEQUENCE: u64 = 1;
/// The process's track; others are numbered after their kind.
const PROCESS: u64 = 1;
const THREADS: u64 = 1 << 60;
const STREAMS: u64 = 2 << 60;
const MEMORY: u64 = 3 << 60;

/// `TracePacket`.
mod packet {
    pub const TIMESTAMP: u32 = 8;
    pub const SEQUENCE_ID: u32 = 10;
    pub const TRACK_EVENT: u32 = 11;
    pub const INTERNED_DATA: u32 = 12;
    pub const SEQUENCE_FLAGS: u32 = 13;
    pub const TRACK_DESCRIPTOR: u32 = 60;
    pub const STATE_CLEARED: u64 = 1;
    pub const NEEDS_STATE: u64 = 2;
}

/// `TrackEvent`.
mod track_event {
    pub const CATEGORY_IIDS: u32 = 3;
    pub const DEBUG_ANNOTATIONS: u32 = 4;
    pub const TYPE: u32 = 9;
    pub const NAME_IID: u32 = 10;
    pub const TRACK_UUID: u32 = 11;
    pub const COUNTER_VALUE: u32 = 30;
    pub const FLOW_IDS: u32 = 47;
    pub const BEGIN: u64 = 1;
    pub const END: u64 = 2;
    pub const COUNTER: u64 = 4;
}

/// `InternedData`: names of categories, events and annotations.
const CATEGORIES: u32 = 1;
const NAMES: u32 = 2;
const ANNOTATIONS: u32 = 3;

/// What a flow leads from, and to.
const FLOWING: [&str; 7] = ["launch", "graph launch", "copy", "set", "execution", "device copy", "device set"];

/// Writes a trace.
#[derive(Default)]
pub struct Perfetto {
    process: u64,
    /// Numbers of names that were written, by table and name.
    interned: HashMap<(u32, String), u64>,
    /// Names of the packet at hand that were not.
    new_names: Vec<u8>,
    tracks: HashSet<u64>,
    /// Tracks of streams, by context and stream.
    streams: HashMap<(u64, u64), u64>,
    /// Sizes of what is allocated on the device, by address.
    sizes: HashMap<u64, u64>,
    live: u64,
}

impl Exporter for Perfetto {
    fn begin(&mut self, facts: &[Fact], out: &mut dyn Write) -> Result<()> {
        let fact = |name: &str| facts.iter().find(|fact| fact.name == name).map_or("", |fact| fact.value.as_str());
        self.process = fact("process").parse().unwrap_or(1);
        let mut process = Message::default();
        process.number(1, self.process).text(6, fact("program"));
        let mut track = Message::default();
        track.number(1, PROCESS).message(3, &process);
        let mut first = Message::default();
        first.number(packet::SEQUENCE_ID, SEQUENCE).number(packet::SEQUENCE_FLAGS, packet::STATE_CLEARED);
        first.message(packet::TRACK_DESCRIPTOR, &track);
        put(&first, out)
    }

    fn event(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()> {
        let track = match event.thread {
            Some(thread) => self.thread(thread, out)?,
            None => self.stream(event, out)?,
        };
        let mut begin = Message::default();
        begin.number(track_event::TYPE, track_event::BEGIN).number(track_event::TRACK_UUID, track);
        let name = if event.name.is_empty() { event.kind } else { event.name };
        begin.number(track_event::NAME_IID, self.intern(NAMES, name));
        begin.number(track_event::CATEGORY_IIDS, self.intern(CATEGORIES, event.kind));
        self.annotate(event, &mut begin);
        // The number of a flow is not 0.
        // The first event with a number begins a flow, which leads to each further one; a number is not 0.
        if let Some(number) = event.correlation.filter(|_| FLOWING.contains(&event.kind)) {
            begin.fixed(track_event::FLOW_IDS, number + 1);
        }
        self.put_event(event.start, &begin, out)?;
        let mut end = Message::default();
        end.number(track_event::TYPE, track_event::END).number(track_event::TRACK_UUID, track);
        self.put_event(event.start.saturating_add(event.duration), &end, out)?;
        self.count_memory(event, out)
    }
}

impl Perfetto {
    fn annotate(&mut self, event: &Event<'_>, begin: &mut Message) {
        let mut numbers = vec![("stream", event.stream)];
        numbers.extend(event.correlation.map(|number| ("correlation", number)));
        numbers.extend((event.result != 0).then_some(("result", event.result)));
        let optional = [("bytes", event.bytes), ("address", event.address), ("graph", event.graph)];
        numbers.extend(optional.iter().filter_map(|(name, number)| Some((*name, (*number)?))));
        let mut texts = Vec::new();
        if let Some(launch) = event.launch {
            let dimensions = |size: [u64; 3]| format!("{} x {} x {}", size[0], size[1], size[2]);
            texts.push(("grid", dimensions(launch.grid)));
            texts.push(("block", dimensions(launch.block)));
            numbers.push(("registers", launch.registers));
            numbers.push(("dynamic shared bytes", launch.dynamic_shared));
            numbers.push(("static shared bytes", launch.static_shared));
            if let Some((part, limits)) = &launch.occupancy {
                texts.push(("theoretical occupancy", format!("{:.1} %", part * 100.0)));
                texts.push(("limited by", limits.clone()));
            }
        }
        for (name, number) in numbers {
            let mut annotation = Message::default();
            annotation.number(1, self.intern(ANNOTATIONS, name)).number(3, number);
            begin.message(track_event::DEBUG_ANNOTATIONS, &annotation);
        }
        for (name, text) in texts {
            let mut annotation = Message::default();
            annotation.number(1, self.intern(ANNOTATIONS, name)).text(6, &text);
            begin.message(track_event::DEBUG_ANNOTATIONS, &annotation);
        }
    }

    /// The track of a thread.
    fn thread(&mut self, thread: u64, out: &mut dyn Write) -> Result<u64> {
        let uuid = THREADS | thread;
        let mut descriptor = Message::default();
        // The numbers of threads are the recording's own: the system's are not known.
        descriptor.number(1, self.process).number(2, thread + 1).text(5, &format!("thread {thread}"));
        self.describe(uuid, |track| track.message(4, &descriptor), out)
    }

    /// The track of a stream on the device.
    fn stream(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<u64> {
        let next = STREAMS | self.streams.len() as u64;
        let uuid = *self.streams.entry((event.context, event.stream)).or_insert(next);
        let device = event.device.map_or("device".to_owned(), |device| format!("device {device}"));
        let name = format!("{device}, context {}, stream {:#x}", event.context, event.stream);
        self.describe(uuid, |track| track.number(5, PROCESS).text(2, &name), out)
    }

    /// Follows the memory of devices.
    fn count_memory(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()> {
        let is_device = ["device", "device, in stream order", "managed", "physical", "array"].contains(&event.name);
        let Some(address) = event.address.filter(|_| is_device && event.result == 0) else { return Ok(()) };
        match event.kind {
            "allocation" => {
                let bytes = event.bytes.unwrap_or(0);
                self.live = self.live.saturating_add(bytes);
                self.live -= self.sizes.insert(address, bytes).unwrap_or(0).min(self.live);
            }
            "free" => self.live -= self.sizes.remove(&address).unwrap_or(0).min(self.live),
            _ => return Ok(()),
        }
        let mut unit = Message::default();
        // UNIT_SIZE_BYTES.
        unit.number(3, 3);
        let describe =
            |track: &mut Message| _ = track.number(5, PROCESS).text(2, "memory of devices").message(8, &unit);
        self.describe(
            MEMORY,
            |track| {
                describe(track);
                track
            },
            out,
        )?;
        let mut counter = Message::default();
        counter.number(track_event::TYPE, track_event::COUNTER).number(track_event::TRACK_UUID, MEMORY);
        counter.number(track_event::COUNTER_VALUE, self.live);
        self.put_event(event.start.saturating_add(event.duration), &counter, out)
    }

    /// Describes a track, the first time.
    fn describe(
        &mut self,
        uuid: u64,
        more: impl FnOnce(&mut Message) -> &mut Message,
        out: &mut dyn Write,
    ) -> Result<u64> {
        if self.tracks.insert(uuid) {
            let mut track = Message::default();
            track.number(1, uuid);
            more(&mut track);
            let mut descriptor = Message::default();
            descriptor.number(packet::SEQUENCE_ID, SEQUENCE).message(packet::TRACK_DESCRIPTOR, &track);
            put(&descriptor, out)?;
        }
        Ok(uuid)
    }

    /// The number of a name.
    fn intern(&mut self, table: u32, name: &str) -> u64 {
        let next = self.interned.len() as u64 + 1;
        if let Some(number) = self.interned.get(&(table, name.to_owned())) {
            return *number;
        }
        self.interned.insert((table, name.to_owned()), next);
        let mut entry = Message::default();
        entry.number(1, next).text(2, name);
        let mut data = Message(std::mem::take(&mut self.new_names));
        data.message(table, &entry);
        self.new_names = data.0;
        next
    }

    fn put_event(&mut self, time: u64, event: &Message, out: &mut dyn Write) -> Result<()> {
        let mut packet = Message::default();
        packet.number(packet::TIMESTAMP, time).number(packet::SEQUENCE_ID, SEQUENCE);
        packet.number(packet::SEQUENCE_FLAGS, packet::NEEDS_STATE);
        let names = std::mem::take(&mut self.new_names);
        if !names.is_empty() {
            packet.message(packet::INTERNED_DATA, &Message(names));
        }
        packet.message(packet::TRACK_EVENT, event);
        put(&packet, out)
    }
}

/// Writes a packet: field 1 of the trace.
fn put(packet: &Message, out: &mut dyn Write) -> Result<()> {
    let mut trace = Message::default();
    trace.message(1, packet);
    Ok(out.write_all(&trace.0)?)
}

/// A message of protocol buffers, encoded.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u32, value: u64) -> &mut Message {
        self.varint(u64::from(field) << 3);
        self.varint(value);
        self
    }

    fn fixed(&mut self, field: u32, value: u64) -> &mut Message {
        self.varint(u64::from(field) << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) -> &mut Message {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, field: u32, text: &str) -> &mut Message {
        self.bytes(field, text.as_bytes())
    }

    fn message(&mut self, field: u32, message: &Message) -> &mut Message {
        self.bytes(field, &message.0)
    }
}
