//! Times that a timer tells, on their way to the recorder.

use driver_api::{DeviceTime, DeviceTimeSink, DeviceWork};
use telemetry::{Recorder, Work};

/// A recorder as a sink.
pub(crate) struct Sink(pub(crate) &'static Recorder);

impl DeviceTimeSink for Sink {
    fn ran(&self, times: &[DeviceTime]) {
        let times: Vec<telemetry::DeviceTime> = times.iter().map(time).collect();
        self.0.record_device_times(&times);
    }

    fn lost(&self, count: u64) {
        self.0.lose_device_times(count);
    }

    fn method(&self, name: &str) {
        self.0.add_fact("device_times", name.to_owned());
    }
}

fn time(time: &DeviceTime) -> telemetry::DeviceTime {
    let DeviceTime { tag, node, device, work, start_ns, end_ns } = *time;
    let work = match work {
        DeviceWork::Kernel => Work::Kernel,
        DeviceWork::Copy(bytes) => Work::Copy(bytes),
        DeviceWork::Set(bytes) => Work::Set(bytes),
    };
    // No tag becomes the number of no call.
    telemetry::DeviceTime { correlation: tag.wrapping_sub(1), node, device, work, start_ns, end_ns }
}
