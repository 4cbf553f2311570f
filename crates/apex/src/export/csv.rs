//! CSV (RFC 4180): a row for each event, empty where a column does not apply.

use std::io::Write;

use anyhow::Result;
use telemetry::records::Fact;

use super::Exporter;
use super::event::Event;

/// Writes CSV.
#[derive(Default)]
pub struct Csv {
    line: String,
}

const COLUMNS: &str = "kind,name,start_ns,duration_ns,thread,correlation,device,context,stream,result,flags,bytes,address,graph,\
                       grid_x,grid_y,grid_z,block_x,block_y,block_z,cluster_blocks,dynamic_shared_bytes,static_shared_bytes,\
                       registers,local_bytes,active_blocks,occupancy,limited_by";

impl Exporter for Csv {
    fn begin(&mut self, _facts: &[Fact], out: &mut dyn Write) -> Result<()> {
        Ok(write!(out, "{COLUMNS}\r\n")?)
    }

    fn event(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()> {
        self.line.clear();
        self.text(event.kind);
        self.text(event.name);
        for number in [Some(event.start), Some(event.duration), event.thread, event.correlation, event.device] {
            self.number(number);
        }
        for number in [event.context, event.stream, event.result, event.flags] {
            self.number(Some(number));
        }
        for number in [event.bytes, event.address, event.graph] {
            self.number(number);
        }
        let launch = event.launch;
        for dimension in 0..3 {
            self.number(launch.map(|launch| launch.grid[dimension]));
        }
        for dimension in 0..3 {
            self.number(launch.map(|launch| launch.block[dimension]));
        }
        self.number(launch.map(|launch| launch.cluster));
        self.number(launch.map(|launch| launch.dynamic_shared));
        self.number(launch.map(|launch| launch.static_shared));
        self.number(launch.map(|launch| launch.registers));
        self.number(launch.map(|launch| launch.local));
        self.number(launch.and_then(|launch| launch.active_blocks));
        let occupancy = launch.and_then(|launch| launch.occupancy.as_ref());
        self.text(&occupancy.map_or(String::new(), |(part, _)| format!("{part:.4}")));
        self.text(occupancy.map_or("", |(_, limits)| limits));
        // In place of the last comma.
        self.line.pop();
        Ok(write!(out, "{}\r\n", self.line)?)
    }
}

impl Csv {
    fn number(&mut self, number: Option<u64>) {
        if let Some(number) = number {
            self.line.push_str(&number.to_string());
        }
        self.line.push(',');
    }

    fn text(&mut self, text: &str) {
        if text.contains([',', '"', '\r', '\n']) {
            self.line.push('"');
            self.line.push_str(&text.replace('"', "\"\""));
            self.line.push('"');
        } else {
            self.line.push_str(text);
        }
        self.line.push(',');
    }
}
